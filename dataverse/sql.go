package dataverse

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/fetchxml"
)

// SQLPage returns the page of the rows of a SELECT that cursor leads to; "" is the first. A page has size rows, 1 to
// 5000; 0 means 5000. It may have fewer before the last: only the cursor tells whether there are more.
//
// Tables and columns go by logical name, choices by number or label. Rows have the query's columns in its order, by alias
// or logical name; where two would be called the same, the later one is table.column. What the service's own SQL does
// not have (TOP, OFFSET, *, HAVING, subqueries, comparing columns, parts of dates, RIGHT JOIN) is asked for in FetchXML.
// What cannot be asked for so that it means exactly the same is Invalid.
//
// Where Dataverse is no SQL database, it stays Dataverse: text is compared without regard to case, lookups sort by the
// name of their row, amounts of money are added up in the base currency, and more than 50,000 rows are not added up.
func (c *Client) SQLPage(ctx context.Context, query string, size int, cursor string) (Page, error) {
	l, err := c.listSQL(ctx, query, size)
	if err != nil {
		return Page{}, during("sql", err)
	}
	return l.page(ctx, cursor)
}

// SQLRows returns all rows of a SELECT, page by page as the caller asks for more; an error ends them. See SQLPage.
func (c *Client) SQLRows(ctx context.Context, query string) iter.Seq2[Row, error] {
	return allRows(ctx, "sql", func() (*listing, error) { return c.listSQL(ctx, query, 0) })
}

// listSQL is the listing of the rows of a SELECT.
func (c *Client) listSQL(ctx context.Context, query string, size int) (*listing, error) {
	if size < 0 || size > maxPage {
		return nil, invalid("size: got %d, want 1 to %d", size, maxPage)
	}
	return current(ctx, c, func() (*listing, error) {
		q, err := c.readSQL(ctx, query)
		if err != nil {
			return nil, err
		}
		return c.sqlListing(q, query, size)
	})
}

// sqlListing puts q on its road: the service's own SQL, or FetchXML where that does not do.
func (c *Client) sqlListing(q *sqlQuery, query string, size int) (*listing, error) {
	l := &listing{op: "sql " + q.base().table.LogicalName, fingerprint: c.fingerprint(fmt.Sprintf("sql\x00%d\x00%s", size, query))}
	byFetch, err := c.fetchRoad(q, size)
	switch {
	case q.beyond == "" && err == nil:
		l.fetch = c.eitherRoad(c.sqlRoad(l.op, q, size), byFetch)
	case q.beyond == "":
		l.fetch = c.sqlRoad(l.op, q, size)
	case err != nil:
		return nil, err
	default:
		l.fetch = byFetch
	}
	return l, nil
}

// fetchRoad asks for pages in FetchXML.
func (c *Client) fetchRoad(q *sqlQuery, size int) (pager, error) {
	f, err := q.fetch()
	if err != nil {
		return nil, err
	}
	w := q.window(f, size)
	return w.over(func(ctx context.Context, at position) (Page, position, error) {
		page, next, err := c.fetch(ctx, &fetchPlan{query: f, table: q.base().table, shape: q.shape()}, at)
		return page, next, tooManyToAdd(err)
	}), nil
}

// sqlRoad asks for pages in the service's own SQL.
func (c *Client) sqlRoad(op string, q *sqlQuery, size int) pager {
	set, text := q.base().table.SetName, q.text()
	return sqlWindow{take: -1, sums: q.sums, hidden: q.hidden()}.over(func(ctx context.Context, at position) (Page, position, error) {
		s := q.shape()
		read, a, err := c.rows(ctx, request{
			op: op, method: http.MethodGet, path: set, query: []param{{"sql", text}}, skipToken: at.token,
			header: []param{preferences(fmt.Sprintf("odata.maxpagesize=%d", pageSize(q, size)), wantedAnnotations)},
		}, s)
		switch {
		case err != nil:
			return Page{}, position{}, tooManyToAdd(err)
		case s.strange, q.aggregate && !q.groups() && len(read.rows) == 0:
			return Page{}, position{}, &Error{Op: op, Kind: Internal, Status: a.status, Message: errNoSQL.Error(), Err: errNoSQL}
		}
		next, err := c.nextPosition(op, set, a, read, at)
		return Page{Rows: read.rows}, next, err
	})
}

var errNoSQL = errors.New("the service answers with other columns than the query selects")

// eitherRoad asks in SQL, and in FetchXML where the service does not understand that: its SQL is a preview, which not
// every environment has. One without it passes over the option and answers with all rows of the table.
func (c *Client) eitherRoad(bySQL, byFetch pager) pager {
	return func(ctx context.Context, at position) (Page, position, error) {
		if at.byFetch() || at.token == "" && c.withoutSQL.Load() {
			return byFetch(ctx, at)
		}
		page, next, err := bySQL(ctx, at)
		if err == nil || at.token != "" || !notUnderstood(err) {
			return page, next, err
		}
		page, next, fetchErr := byFetch(ctx, at)
		if fetchErr != nil { // of two errors the first is about what the caller wrote
			return page, next, err
		}
		if errors.Is(err, errNoSQL) {
			c.withoutSQL.Store(true)
		}
		return page, next, nil
	}
}

// notUnderstood says whether the service refused the query's language rather than the query.
func notUnderstood(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return errors.Is(err, errNoSQL) || ok && !equalCode(e.Code, codeAggregateLimit) && (e.Status == http.StatusBadRequest || e.Status == http.StatusNotImplemented)
}

// pageSize is how many rows a page of q has.
func pageSize(q *sqlQuery, size int) int {
	most := maxPage
	if q.base().table.elastic() {
		most = maxElasticPage
	}
	if size == 0 {
		return most
	}
	return min(size, most)
}

// shape says how the answers to q are read. A new one is made for every page, since reading fills it in.
func (q *sqlQuery) shape() *shape {
	t := q.base().table
	s := &shape{name: t.LogicalName, table: t, full: maxPage, nulls: true, only: true,
		columns: append(q.hidden(), q.shown...), seen: map[string]property{}, kinds: map[string]ColumnType{}}
	if q.aggregate {
		s.name, s.table = "", nil
	} else {
		s.seen[t.PrimaryID] = property{isID: true}
	}
	for _, i := range q.items {
		s.kinds[i.name] = i.kind()
		names := []string{i.wire}
		if i.plain {
			names = []string{i.column.LogicalName, i.column.property()}
		}
		for _, wire := range names {
			isID := i.plain && i.column.LogicalName == t.PrimaryID && !q.aggregate
			s.seen[wire] = property{name: i.name, kind: i.kind(), isID: isID}
			for _, annotation := range []string{annotationLabel, annotationTable} {
				s.seen[wire+"@"+annotation] = property{name: i.name, annotation: annotation, kind: i.kind()}
			}
		}
	}
	return s
}

// groups says whether the query groups rows by columns: without, an aggregate has one row.
func (q *sqlQuery) groups() bool {
	return slices.ContainsFunc(q.items, func(i sqlItem) bool { return i.aggregate == "" })
}

// hidden are the columns that are asked for only to sort and to decide by.
func (q *sqlQuery) hidden() []string {
	var names []string
	for _, i := range q.items {
		if i.hidden {
			names = append(names, i.name)
		}
	}
	return names
}

// sqlWindow is the part of a query's rows that is wanted.
type sqlWindow struct {
	sums       []sqlSum
	having     *havingTest
	skip, take int      // take -1: no limit
	hidden     []string // columns that were asked for only to decide by
}

// maxUncookied is how many rows the service pages through by number, without a cookie.
const maxUncookied = 50_000

// window sets the size of f's pages, and where they begin, and tells what remains to be cut off.
func (q *sqlQuery) window(f *fetchxml.Fetch, size int) sqlWindow {
	w := sqlWindow{sums: q.sums, having: q.having, skip: q.skip, take: q.take, hidden: q.hidden()}
	f.Count = pageSize(q, size)
	if w.having != nil { // only who has seen the groups knows how many pass
		return w
	}
	most := f.Count
	if w.take >= 0 {
		f.Count = max(1, min(most, w.take))
	}
	if w.skip == 0 {
		return w
	}
	// A page can begin at the row wanted where the rows before it are whole pages.
	for n := f.Count; n <= most; n++ {
		if w.skip%n == 0 && w.skip+n <= maxUncookied {
			f.Count, f.Page, w.skip = n, w.skip/n+1, 0
			return w
		}
	}
	f.Count = most
	return w
}

// over returns the pages of fetch without what the window cuts off. Position.seen counts the rows that pass HAVING.
func (w sqlWindow) over(fetch pager) pager {
	return func(ctx context.Context, at position) (Page, position, error) {
		if w.take == 0 {
			return Page{Rows: []Row{}}, position{}, nil
		}
		for {
			page, next, err := fetch(ctx, at)
			if err != nil {
				return Page{}, position{}, err
			}
			next.seen = at.seen
			page.Rows = w.cut(page.Rows, &next)
			if len(page.Rows) > 0 || next.token == "" {
				return page, next, nil
			}
			at = next
		}
	}
}

// cut returns those of the rows that are in the window, and moves next behind them.
func (w sqlWindow) cut(rows []Row, next *position) []Row {
	kept := []Row{}
	for _, row := range rows {
		for _, s := range w.sums {
			if row.Number(s.count) == 0 {
				row.clear(s.sum)
			}
		}
		if w.having != nil && !w.having.passes(row) {
			continue
		}
		if next.seen++; next.seen <= w.skip {
			continue
		}
		kept = append(kept, row.without(w.hidden))
		if w.take >= 0 && next.seen == w.skip+w.take {
			*next = position{}
			break
		}
	}
	return kept
}
