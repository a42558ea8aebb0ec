package emulator

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// source is which rows of a table a collection holds: all of them, or those that a navigation property leads to. Its
// condition knows the row as rowAlias.
type source struct {
	where fragment
}

// rowAlias is the name of the outermost row in every query.
const rowAlias = "a"

// countLimit is where the service stops counting.
const countLimit = 5000

// collection answers a GET for many rows.
func (c *call) collection(t *schema.Table, from source) error {
	if c.tracks(from) {
		return c.changed(t, from)
	}
	if c.asksFetch() {
		return c.fetch(t, from)
	}
	if c.query.Has("sql") {
		return c.selectSQL(t, from)
	}
	o, err := c.options()
	if err != nil {
		return err
	}
	where, err := c.selection(t, from, o.Filter)
	if err != nil {
		return err
	}
	if len(o.Apply) > 0 {
		return c.apply(t, where, o)
	}
	return c.list(listing{table: t, where: where, options: o})
}

// options reads the system query options, and refuses those that Dataverse does not have.
func (c *call) options() (odata.Options, error) {
	o, err := odata.ParseOptions(c.query)
	if err != nil {
		return o, err
	}
	switch {
	case o.Skip != nil:
		err = badRequest("Skip Clause is not supported in CRM")
	case o.Search != "":
		err = badRequest("Search Clause is not supported in CRM")
	case o.Compute != "":
		err = badRequest("Compute Clause is not supported in CRM")
	case o.Levels != "":
		err = badRequest("Levels Clause is not supported in CRM")
	case c.query.Has("$deltatoken"): // changes are asked for in another way
		err = badRequest("The query parameter $deltatoken is not supported here.")
	default:
		err = c.unanswered()
	}
	return o, err
}

// unanswered refuses the other ways to choose rows where OData's options alone are read: all rows are no answer to them.
func (c *call) unanswered() error {
	for _, name := range []string{"fetchXml", "savedQuery", "userQuery", "sql"} {
		if c.query.Has(name) {
			return fail(http.StatusNotImplemented, codeNotSupported, "The query option '%s' is not supported here.", name)
		}
	}
	return nil
}

// selection is the condition for the rows of a source that pass the filter.
func (c *call) selection(t *schema.Table, from source, filter odata.Expr) (fragment, error) {
	where := from.where
	if where.sql == "" {
		where = fragment{sql: "1"}
	}
	if filter == nil {
		return where, nil
	}
	condition, err := c.condition(t, rowAlias, filter)
	if err != nil {
		return fragment{}, err
	}
	return concat("(", where, ") AND ", condition), nil
}

// listing is a page to answer with.
type listing struct {
	table      *schema.Table
	where      fragment
	options    odata.Options
	references bool // only the addresses of the rows
	projection *projection
	terms      []orderTerm
}

// size is how many rows the page may have. The service ignores $top when a page size is asked for.
func (l listing) size(p prefer) (n int, more bool) {
	limit := pageLimit(l.table)
	switch {
	case p.maxPageSize > 0:
		return min(p.maxPageSize, limit), true
	case l.options.Top != nil:
		return min(*l.options.Top, limit), false
	}
	return limit, true
}

func (c *call) list(l listing) (err error) {
	if err := c.unexpanded(l.table, l.options.Expand); err != nil {
		return err
	}
	if l.projection, err = c.project(l.table, l.options); err != nil {
		return err
	}
	if l.terms, err = c.ordering(l.table, rowAlias, l.options.OrderBy); err != nil {
		return err
	}
	start, where, err := c.begin(l)
	if err != nil {
		return err
	}
	size, pages := l.size(c.prefer)
	return c.db.Read(c.context(), func(ctx context.Context, q store.Querier) error {
		by, columns := orderSQL(l.terms)
		query := fmt.Sprintf("SELECT %s, %s FROM %s AS %s WHERE %s ORDER BY %s LIMIT %d",
			l.projection.selectList(), columns, store.Quote(l.table.Logical), rowAlias, where.sql, by, size+1)
		if start.page > 1 && len(start.last) == 0 {
			query += fmt.Sprintf(" OFFSET %d", (start.page-1)*size)
		}
		rows, err := l.projection.fetch(ctx, q, query, where.args...)
		if err != nil {
			return err
		}
		next := ""
		if len(rows) > size {
			rows = rows[:size]
			if pages {
				next = c.nextLink(l.cookie(start.page+1, rows))
			}
		}
		objects, err := c.objects(ctx, q, l, rows)
		if err != nil {
			return err
		}
		total, err := c.total(ctx, q, l)
		if err != nil {
			return err
		}
		return c.envelope(l, objects, total, next)
	})
}

// begin is where the page begins, and the condition for the rows behind that.
func (c *call) begin(l listing) (start cookie, where fragment, err error) {
	token := c.query.Get("$skiptoken")
	if token == "" {
		return cookie{page: 1}, l.where, nil
	}
	if start, err = parseSkiptoken(token); err != nil || len(start.last) == 0 {
		return start, l.where, err
	}
	after, err := start.after(l.terms)
	return start, concat("(", l.where, ") AND ", after), err
}

// objects are the rows in JSON.
func (c *call) objects(ctx context.Context, q store.Querier, l listing, rows []row) (iter.Seq[[]byte], error) {
	if l.references {
		return slices.Values(c.referenceObjects(l.table, rows)), nil
	}
	w, err := l.projection.renderer(ctx, q, rows)
	return w.objects(rows), err
}

// cookie points behind the last of the rows.
func (l listing) cookie(page int, rows []row) cookie {
	k := cookie{page: page}
	if len(rows) == 0 {
		return k
	}
	for i, term := range l.terms {
		k.last = append(k.last, cookieValue{term.name,
			term.cookieText(rows[len(rows)-1].extra[i]), term.cookieText(rows[0].extra[i])})
	}
	return k
}

// total counts the rows that pass the filter, whatever the page; -1 without $count=true.
func (c *call) total(ctx context.Context, q store.Querier, l listing) (int, error) {
	if l.options.WithCount == nil || !*l.options.WithCount {
		return -1, nil
	}
	return countRows(ctx, q, l.table, l.where, countLimit+1)
}

func countRows(ctx context.Context, q store.Querier, t *schema.Table, where fragment, limit int) (n int, err error) {
	query := fmt.Sprintf("SELECT count(*) FROM (SELECT 1 FROM %s AS %s WHERE %s LIMIT %d)",
		store.Quote(t.Logical), rowAlias, where.sql, limit)
	err = q.QueryRowContext(ctx, query, where.args...).Scan(&n)
	return n, err
}

// envelope writes the page.
func (c *call) envelope(l listing, objects iter.Seq[[]byte], total int, next string) error {
	var body object
	contents := c.contextURL(l.table, l.projection)
	if l.references {
		contents = c.root + "$metadata#Collection($ref)"
	}
	c.writeContext(&body, contents)
	if total >= 0 {
		body.raw("@odata.count", strconv.AppendInt(nil, int64(min(total, countLimit)), 10))
	}
	return c.page(body, objects, total, next)
}

// page ends an answer of rows; body holds what comes before them.
func (c *call) page(body object, objects iter.Seq[[]byte], total int, next string) error {
	c.annotatePage(&body, total)
	var applied []string
	if c.prefer.maxPageSize > 0 {
		applied = append(applied, "odata.maxpagesize="+strconv.Itoa(c.prefer.maxPageSize))
	}
	c.applied(applied...)
	return c.stream(body.around(objects, next))
}

// partSize is what is sent at once of a page.
const partSize = 256 << 10

// around is the body with objects as its value, and the link to what follows, in parts.
func (o object) around(objects iter.Seq[[]byte], next string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		part := slices.Clone(o)
		part.key("value")
		between := byte('[')
		for one := range objects {
			part = append(append(part, between), one...)
			between = ','
			if len(part) >= partSize {
				if !yield(part) {
					return
				}
				part = part[:0]
			}
		}
		if between == '[' {
			part = append(part, '[')
		}
		part = append(part, ']')
		if next != "" {
			part.text("@odata.nextLink", next)
		}
		yield(part.bytes())
	}
}

// annotatePage adds what a client gets who asks for all annotations.
func (c *call) annotatePage(body *object, total int) {
	if c.prefer.annotates("Microsoft.Dynamics.CRM.totalrecordcount") {
		body.raw("@Microsoft.Dynamics.CRM.totalrecordcount", strconv.AppendInt(nil, int64(min(total, countLimit)), 10))
	}
	if c.prefer.annotates("Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded") {
		body.raw("@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded", strconv.AppendBool(nil, total > countLimit))
	}
	if c.prefer.annotates("Microsoft.Dynamics.CRM.globalmetadataversion") {
		body.text("@Microsoft.Dynamics.CRM.globalmetadataversion", metadataVersion)
	}
}

// metadataVersion stays, as the tables of an emulator do.
const metadataVersion = "1000001"

// array is a JSON array of objects.
func array(objects [][]byte) []byte {
	size := 2
	for _, o := range objects {
		size += len(o) + 1
	}
	b := append(make([]byte, 0, size), '[')
	for i, o := range objects {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, o...)
	}
	return append(b, ']')
}

// countPath answers …/$count: a plain number, with the byte order mark that the service sends.
func (c *call) countPath(t *schema.Table, from source) error {
	if c.query.Has("$deltatoken") {
		return c.countChanges(t, from)
	}
	o, err := c.options()
	if err != nil {
		return err
	}
	where, err := c.selection(t, from, o.Filter)
	if err != nil {
		return err
	}
	return c.db.Read(c.context(), func(ctx context.Context, q store.Querier) error {
		n, err := countRows(ctx, q, t, where, countLimit)
		if err != nil {
			return err
		}
		return c.answerCount(n)
	})
}

func (c *call) answerCount(n int) error {
	c.w.Header().Set("Content-Type", "text/plain")
	_, err := fmt.Fprintf(c.w, "\ufeff%d", n)
	return err
}

// readAll are the rows of a query that fits into memory.
func readAll(ctx context.Context, q store.Querier, query fragment) ([][]any, error) {
	rows, err := q.QueryContext(ctx, query.sql, query.args...)
	if err != nil {
		return nil, err
	}
	var all [][]any
	err = scanAll(rows, func(cells []any) error {
		all = append(all, slices.Clone(cells))
		return nil
	})
	return all, err
}

// scanAll reads rows of any columns.
func scanAll(rows *sql.Rows, each func([]any) error) (err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	cells := make([]any, len(columns))
	pointers := make([]any, len(columns))
	for i := range cells {
		pointers[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(pointers...); err != nil {
			return err
		}
		if err := each(cells); err != nil {
			return err
		}
	}
	return rows.Err()
}
