package dataverse

import (
	"context"
	"encoding/xml"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/fetchxml"
)

// fetchPlan is a FetchXML query in the service's words.
type fetchPlan struct {
	query *fetchxml.Fetch
	table *Table
	shape *shape
}

// FetchPage returns the page of the rows of a FetchXML query that cursor leads to; "" is the first, or the one that
// the query names. How many rows a page has is for the query's count to say; without one it is 5,000.
//
// Tables and columns may go by display name and choices by label, as in a Query. Rows have the query's columns in its
// order: by logical name or alias, those of a link as alias.column. A link without an alias is called as its table.
// Distinct rows that the query does not sort are sorted by their columns, so that each is on one page.
func (c *Client) FetchPage(ctx context.Context, query, cursor string) (Page, error) {
	l, err := c.listFetch(ctx, query)
	if err != nil {
		return Page{}, during("fetch", err)
	}
	return l.page(ctx, cursor)
}

// FetchRows returns all rows of a FetchXML query, page by page as the caller asks for more; an error ends them.
func (c *Client) FetchRows(ctx context.Context, query string) iter.Seq2[Row, error] {
	return allRows(ctx, "fetch", func() (*listing, error) { return c.listFetch(ctx, query) })
}

// listFetch is the listing of the rows of a FetchXML query.
func (c *Client) listFetch(ctx context.Context, query string) (*listing, error) {
	p, err := c.compileFetch(ctx, query)
	if err != nil {
		return nil, err
	}
	return &listing{op: p.op(), fingerprint: c.fingerprint("fetch\x00" + p.query.String()), fetch: func(ctx context.Context, at position) (Page, position, error) {
		return c.fetch(ctx, p, at)
	}}, nil
}

func (p *fetchPlan) op() string { return "fetch " + p.table.LogicalName }

func (c *Client) compileFetch(ctx context.Context, query string) (*fetchPlan, error) {
	return current(ctx, c, func() (*fetchPlan, error) {
		q, err := fetchxml.Parse(query)
		if err != nil {
			return nil, syntaxError("fetchxml", "", err)
		}
		names := &fetchNames{client: c, tables: map[*fetchxml.Link]*Table{}, links: map[string]*Table{}}
		t, s, err := names.resolve(ctx, q)
		if err != nil {
			return nil, err
		}
		if q.Top == 0 && q.Count == 0 && !q.Aggregate {
			q.Count = maxPage
			if t.elastic() {
				q.Count = maxElasticPage
			}
		}
		return &fetchPlan{query: q, table: t, shape: s}, nil
	})
}

// maxElasticPage is the most rows that the service puts into one page of an elastic table.
const maxElasticPage = 500

const fetchAnnotations = `odata.include-annotations="` + annotationLabel + "," + annotationTable +
	",Microsoft.Dynamics.CRM.fetchxmlpagingcookie,Microsoft.Dynamics.CRM.morerecords" +
	",Microsoft.Dynamics.CRM.totalrecordcount,Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded" + `"`

// fetch asks for one page of a listing.
func (c *Client) fetch(ctx context.Context, p *fetchPlan, at position) (Page, position, error) {
	q := *p.query
	here := at.fetchPage()
	if at.token != "" {
		q.Page, q.PagingCookie = here.number, here.cookie
	}
	read, a, err := c.rows(ctx, request{
		op: p.op(), method: http.MethodGet, path: p.table.SetName, query: []param{{"fetchXml", q.String()}},
		header: []param{preferences(fetchAnnotations)},
	}, p.shape)
	if err != nil {
		return Page{}, position{}, err
	}
	out := Page{Rows: read.rows}
	if q.TotalRecordCount && read.counted >= 0 {
		out.Count = &Count{N: read.counted, AtLeast: read.notAll}
	}
	if !read.more || q.Top > 0 {
		return out, position{}, nil
	}
	there := fetchPosition{number: max(1, q.Page) + 1}
	if there.cookie, err = pagingCookie(read.cookie); err != nil {
		return Page{}, position{}, &Error{Op: p.op(), Kind: Internal, Status: a.status, Message: err.Error(), RequestID: requestID(a.header)}
	}
	if there.cookie != "" && unnumbered(there.cookie) == unnumbered(here.cookie) || len(read.rows) == 0 {
		return Page{}, position{}, samePage(p.op(), a)
	}
	return out, position{token: there.token(), seen: at.seen + len(read.rows)}, nil
}

// fetchPosition is a place between two pages of a FetchXML query.
type fetchPosition struct {
	number int    // of the page that follows
	cookie string // "" for queries without one: distinct and aggregate ones
}

func (f fetchPosition) token() string {
	return strconv.Itoa(f.number) + ":" + url.QueryEscape(f.cookie)
}

// fetchPage reads a token that fetchPosition wrote.
func (at position) fetchPage() fetchPosition {
	number, cookie, _ := strings.Cut(at.token, ":")
	var f fetchPosition
	f.number, _ = strconv.Atoi(number)
	f.cookie, _ = url.QueryUnescape(cookie)
	return f
}

// byFetch says whether fetchPosition wrote the token: those of links begin with a cookie.
func (at position) byFetch() bool {
	number, _, ok := strings.Cut(at.token, ":")
	_, err := strconv.Atoi(number)
	return ok && err == nil
}

var errCookie = errors.New("the service's paging cookie cannot be read")

// pagingCookie takes the cookie out of its wrapping: an XML element with the cookie in an attribute, percent-encoded
// twice. The page number beside it is not to be relied on.
func pagingCookie(annotation string) (string, error) {
	if annotation == "" {
		return "", nil
	}
	var wrapping struct {
		Cookie string `xml:"pagingcookie,attr"`
	}
	if err := xml.Unmarshal([]byte(annotation), &wrapping); err != nil {
		return "", errCookie
	}
	once, err := url.PathUnescape(wrapping.Cookie)
	if err != nil {
		return "", errCookie
	}
	cookie, err := url.PathUnescape(once)
	if err != nil {
		return "", errCookie
	}
	return cookie, nil
}
