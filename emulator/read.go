package emulator

import (
	"context"
	"net/http"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// read answers every GET below an entity set: rows, one row, and what lies behind it.
func (c *call) read(t *schema.Table) error {
	if c.query.Has("$format") {
		return badRequest("The query parameter $format is not supported.")
	}
	first := c.path[0]
	if first.Key == nil && len(first.Args) == 0 {
		return c.readSet(t, c.wholeSet(t), c.path[1:])
	}
	l, err := c.locateIn(c.context(), t, first, c.partitionAsked())
	if err != nil {
		return err
	}
	if !l.found {
		return l.missing()
	}
	return c.readRow(t, l.id, c.path[1:])
}

// readSet answers for many rows: an entity set or a collection that a row leads to.
func (c *call) readSet(t *schema.Table, from source, rest []odata.Segment) error {
	if len(rest) == 0 {
		return c.collection(t, from)
	}
	switch name := rest[0].Name; {
	case name == "$count" && len(rest) == 1:
		return c.countPath(t, from)
	case name == "$ref" && len(rest) == 1:
		return c.readReferences(t, from)
	default:
		derived := c.castTo(t, name)
		if derived == nil {
			return noSuchSegment(name)
		}
		return c.readSet(derived, from, rest[1:])
	}
}

// readRow answers for one row that exists, or for what the rest of the path says of it.
func (c *call) readRow(t *schema.Table, id string, rest []odata.Segment) error {
	if len(rest) == 0 {
		return c.readRecord(t, id)
	}
	segment := rest[0]
	if segment.Name == "$ref" && len(rest) == 1 {
		return c.answerReference(t, id)
	}
	if nav, ok := t.Nav(segment.Name); ok {
		return c.readNavigation(t, id, nav, rest)
	}
	if column := columnNamed(t, segment.Name); column != nil && !segment.HasParens {
		return c.readProperty(t, id, column, rest)
	}
	if derived := c.castTo(t, segment.Name); derived != nil && !segment.HasParens {
		return c.readRow(derived, id, rest[1:])
	}
	return noSuchSegment(segment.Name)
}

// castTo finds the table of a type cast in a path, nil if the rows of t cannot be of that type.
func (c *call) castTo(t *schema.Table, name string) *schema.Table {
	logical, ok := strings.CutPrefix(name, "Microsoft.Dynamics.CRM.")
	if !ok {
		return nil
	}
	to := c.schema.Table(logical)
	switch {
	case logical == "crmbaseentity" || logical == t.Logical || logical == "principal" && isPrincipal(t):
		return t
	case to != nil && to.Activity && t.Logical == "activitypointer", to != nil && isPrincipal(to) && t.Logical == "owner":
		return to
	case to != nil && to.Logical == "activitypointer" && t.Activity:
		return to
	}
	return nil
}

// readRecord answers a GET of one row.
func (c *call) readRecord(t *schema.Table, id string) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	answer, err := c.record(c.context(), t, id, o)
	if err != nil {
		return err
	}
	if answer.etag != "" {
		c.w.Header().Set("ETag", answer.etag)
	}
	// What else is in the answer, names of related rows among it, may have changed while the row has not.
	alone := len(o.Expand) == 0 && len(c.prefer.annotations) == 0 && t.Optimistic
	if alone && notModified(c.r.Header, answer.etag) {
		c.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	c.applied()
	return c.answer(http.StatusOK, answer.body)
}

// readBack answers a write with the row that it left, as return=representation asks: $select and $expand hold, but
// $expand not after an update.
func (c *call) readBack(ctx context.Context, t *schema.Table, id string, status int) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	if c.r.Method == http.MethodPatch {
		o.Expand = nil
	}
	answer, err := c.record(ctx, t, id, o)
	if err != nil {
		return err
	}
	if answer.etag != "" {
		c.w.Header().Set("ETag", answer.etag)
	}
	c.applied("return=representation")
	return c.answer(status, answer.body)
}

// record is a row as the answer to a request for it alone.
type record struct {
	body []byte
	etag string
}

func (c *call) record(ctx context.Context, t *schema.Table, id string, o odata.Options) (record, error) {
	p, err := c.project(t, o)
	if err != nil {
		return record{}, err
	}
	var answer record
	err = c.db.Read(ctx, func(ctx context.Context, q store.Querier) error {
		query := "SELECT " + p.selectList() + " FROM " + store.Quote(t.Logical) + " AS " + rowAlias +
			" WHERE " + rowAlias + "." + store.Quote(t.PrimaryID) + " = ?"
		rows, err := p.fetch(ctx, q, query, id)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return noSuchRow(t.Logical, id)
		}
		objects, err := p.render(ctx, q, rows)
		if err != nil {
			return err
		}
		var body object
		c.writeContext(&body, c.entityURL(t, p))
		body.properties(objects[0])
		answer = record{body: body.bytes(), etag: p.etagOf(rows[0])}
		return nil
	})
	return answer, err
}

// readProperty answers for one value: {"value":…}, or the bare value with /$value. There is no content for null.
func (c *call) readProperty(t *schema.Table, id string, column *schema.Column, rest []odata.Segment) error {
	bare := len(rest) == 2 && rest[1].Name == "$value"
	if len(rest) > 1 && !bare {
		return noSuchSegment(rest[1].Name)
	}
	if column.Type == schema.ManagedProperty {
		return c.answerProperty(t, id, rest[0].Name, managedProperty(column))
	}
	if holdsFile(column) {
		return c.readFile(t, id, column, rest[0].Name, bare)
	}
	value, err := c.valueOf(c.context(), t, id, column)
	switch {
	case err != nil:
		return err
	case value == nil:
		return c.empty()
	case bare:
		return c.answerBare(column, value)
	}
	return c.answerProperty(t, id, rest[0].Name, appendValue(nil, column, value))
}

func (c *call) valueOf(ctx context.Context, t *schema.Table, id string, column *schema.Column) (value any, err error) {
	if !column.Stored() {
		return nil, nil
	}
	err = c.db.Read(ctx, func(ctx context.Context, q store.Querier) error {
		query := "SELECT " + store.Quote(column.Logical) + " FROM " + store.Quote(t.Logical) + " WHERE " + store.Quote(t.PrimaryID) + " = ?"
		return q.QueryRowContext(ctx, query, id).Scan(&value)
	})
	return value, err
}

func (c *call) answerProperty(t *schema.Table, id, name string, value []byte) error {
	var body object
	c.writeContext(&body, c.root+"$metadata#"+t.Set+"("+id+")/"+name)
	body.raw("value", value)
	return c.answer(http.StatusOK, body.bytes())
}

// answerBare answers /$value: text as it is.
func (c *call) answerBare(column *schema.Column, value any) error {
	text, isText := value.(string)
	if !isText {
		text = string(appendValue(nil, column, value))
	}
	c.w.Header().Set("Content-Type", "text/plain")
	c.status, c.held = http.StatusOK, whole([]byte(text))
	return nil
}
