package dataverse

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Page is a part of the rows that a Query selects.
type Page struct {
	Rows []Row
	// Cursor leads to the next page; "" after the last. It fits only the query that it came from.
	Cursor string
	// Count is how many rows there are in all, where Query.Count asked for it on the first page.
	Count *Count
}

// Count is a number of rows.
type Count struct {
	N       int64
	AtLeast bool // the service stopped counting at N
}

// Page returns the page of q's rows that cursor leads to; "" is the first.
//
// The service counts no further than 5,000 here; Client.Count does. An expanded collection inside an expand is cut to
// the size of the page, which Value.More tells.
func (c *Client) Page(ctx context.Context, table string, q Query, cursor string) (Page, error) {
	l, err := c.list(ctx, table, q)
	if err != nil {
		return Page{}, during("list "+table, err)
	}
	return l.page(ctx, cursor)
}

// Rows returns all rows that q selects, page by page as the caller asks for more; an error ends them.
func (c *Client) Rows(ctx context.Context, table string, q Query) iter.Seq2[Row, error] {
	return allRows(ctx, "list "+table, func() (*listing, error) { return c.list(ctx, table, q) })
}

// list is the listing of q's rows.
func (c *Client) list(ctx context.Context, table string, q Query) (*listing, error) {
	p, err := c.compile(ctx, table, q)
	if err != nil {
		return nil, err
	}
	l := &listing{op: "list " + table, fingerprint: c.fingerprint(p.text(q))}
	l.fetch = func(ctx context.Context, at position) (Page, position, error) {
		return c.fetchPage(ctx, l.op, p, q, at)
	}
	return l, nil
}

// text tells q from other queries, whatever names it has for the same.
func (p *plan) text(q Query) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\x00%d\x00%d", p.table.LogicalName, q.Top, q.Size)
	for _, o := range p.options {
		b.WriteString("\x00" + o.name + "=" + o.value)
	}
	return b.String()
}

// fetchPage asks for one page of a listing.
func (c *Client) fetchPage(ctx context.Context, op string, p *plan, q Query, at position) (Page, position, error) {
	read, a, err := c.rows(ctx, p.request(op, q, at), p.shape)
	if err != nil {
		return Page{}, position{}, err
	}
	out := Page{Rows: read.rows}
	if read.count >= 0 {
		out.Count = &Count{N: read.count, AtLeast: read.count >= maxPage}
	}
	next, err := c.nextPosition(op, p.table.SetName, a, read, at)
	if err != nil {
		return Page{}, position{}, err
	}
	if q.Top > 0 && next.seen >= q.Top {
		out.Rows = out.Rows[:max(0, len(out.Rows)-(next.seen-q.Top))]
		next = position{}
	}
	return out, next, nil
}

// nextPosition is the place behind the page read at a position, by the service's link to what follows.
func (c *Client) nextPosition(op, set string, a *answer, read page, at position) (position, error) {
	token, err := c.linkOption(read.nextLink, set, skipOption)
	switch {
	case err != nil:
		return position{}, &Error{Op: op, Kind: Internal, Status: a.status, Message: err.Error(), RequestID: requestID(a.header)}
	case token != "" && place(token) == place(at.token):
		return position{}, samePage(op, a)
	}
	return position{delta: at.delta, token: token, seen: at.seen + len(read.rows)}, nil
}

func (p *plan) request(op string, q Query, at position) request {
	r := request{op: op, method: http.MethodGet, path: p.table.SetName, query: p.options}
	size := q.Size
	if size == 0 {
		size = maxPage
	}
	paging := ""
	if q.Top > 0 && q.Top <= size {
		// The service ignores $top beside a page size, and cuts expands inside expands to the page size.
		r.query = append(slices.Clip(r.query), param{"$top", strconv.Itoa(q.Top)})
	} else {
		paging = "odata.maxpagesize=" + strconv.Itoa(size)
	}
	if q.Count && at.token == "" {
		r.query = append(slices.Clip(r.query), param{"$count", "true"})
	}
	r.skipToken = at.token
	r.header = []param{preferences(paging, wantedAnnotations)}
	return r
}

// The query options that stand in the service's links.
const (
	skipOption  = "$skiptoken"
	deltaOption = "$deltatoken"
)

// linkOption takes the value of the option out of a link to what follows. The rest of the link is the query that was
// sent; a link to any other place is not followed.
func (c *Client) linkOption(link, set, name string) (string, error) {
	if link == "" {
		return "", nil
	}
	next, err := url.Parse(link)
	if err != nil {
		return "", errNextLink
	}
	here, err := url.Parse(c.root + set)
	if err != nil || !strings.EqualFold(next.Host, here.Host) || next.Path != here.Path || next.User != nil {
		return "", errForeignLink
	}
	for option := range strings.SplitSeq(next.RawQuery, "&") {
		if written, token, _ := strings.Cut(option, "="); strings.Replace(written, "%24", "$", 1) == name {
			return token, nil
		}
	}
	return "", errNextLink
}
