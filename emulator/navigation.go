package emulator

import (
	"context"
	"fmt"
	"net/http"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// relatedTable is the logical name of the table that a navigation property leads to.
func relatedTable(nav schema.Nav) string {
	switch {
	case nav.One != nil:
		return nav.One.Referenced
	case nav.Many != nil:
		return nav.Many.Referencing
	case nav.First:
		return nav.Across.Entity2
	}
	return nav.Across.Entity1
}

// readNavigation follows a navigation property of a row that exists. Its segment is rest[0].
func (c *call) readNavigation(t *schema.Table, id string, nav schema.Nav, rest []odata.Segment) error {
	if nav.One != nil {
		return c.readSingle(t, id, nav.One, rest)
	}
	related := c.schema.Table(relatedTable(nav))
	if related == nil {
		return noSuchSegment(rest[0].Name)
	}
	from := relatedRows(related, id, nav)
	if rest[0].Key == nil && len(rest[0].Args) == 0 {
		return c.readSet(related, from, rest[1:])
	}
	l, err := c.locate(c.context(), related, rest[0])
	if err != nil {
		return err
	}
	inside, err := c.contains(related, from, l)
	if err != nil {
		return err
	}
	if !inside {
		return l.missing()
	}
	return c.readRow(related, l.id, rest[1:])
}

// relatedRows is the source of the rows that a collection leads to from the row with the id. Lookups are compared by
// id alone: no two tables share an id, but for an activity and its activitypointer.
func relatedRows(related *schema.Table, id string, nav schema.Nav) source {
	if nav.Many != nil {
		return source{where: concat(columnOf(rowAlias, nav.Many.Attribute), " = ", value(id))}
	}
	near, far := ends(nav)
	return source{where: concat(columnOf(rowAlias, related.PrimaryID),
		fmt.Sprintf(" IN (SELECT %s FROM %s WHERE %s = ", store.Quote(far), store.Quote(nav.Across.Intersect), store.Quote(near)),
		value(id), ")")}
}

func (c *call) contains(t *schema.Table, from source, l location) (inside bool, err error) {
	if !l.found {
		return false, nil
	}
	query := concat("SELECT EXISTS (SELECT 1 FROM "+store.Quote(t.Logical)+" AS "+rowAlias+" WHERE ",
		columnOf(rowAlias, t.PrimaryID), " = ", value(l.id), " AND ", from.where, ")")
	err = c.db.Read(c.context(), func(ctx context.Context, q store.Querier) error {
		return q.QueryRowContext(ctx, query.sql, query.args...).Scan(&inside)
	})
	return inside, err
}

// readSingle follows a lookup. There is no content where it is empty.
func (c *call) readSingle(t *schema.Table, id string, r *schema.Relationship, rest []odata.Segment) error {
	if rest[0].HasParens {
		return badRequest("The request URI is not valid. The segment '%s' is not a collection and cannot have a key.", rest[0].Name)
	}
	table, target, err := c.follow(t, id, r)
	if err != nil {
		return err
	}
	if target == "" {
		if len(rest) == 1 || rest[1].Name == "$ref" {
			return c.empty()
		}
		return noSuchSegment(rest[1].Name)
	}
	related := c.schema.Table(table)
	if related == nil {
		return noSuchSegment(rest[0].Name)
	}
	return c.readRow(related, target, rest[1:])
}

// follow reads what a row's lookup refers to; id is "" where it is empty or refers to another table than the
// relationship's.
func (c *call) follow(t *schema.Table, from string, r *schema.Relationship) (table, id string, err error) {
	column := t.Column(r.Attribute)
	e := expansion{parent: &projection{c: c, table: t, place: map[string]int{}}, nav: schema.Nav{One: r}, target: -1}
	e.lookup(column)
	p := e.parent
	err = c.db.Read(c.context(), func(ctx context.Context, q store.Querier) error {
		rows, err := p.fetch(ctx, q, "SELECT "+p.selectList()+" FROM "+store.Quote(t.Logical)+" AS "+rowAlias+
			" WHERE "+rowAlias+"."+store.Quote(t.PrimaryID)+" = ?", from)
		if err == nil && len(rows) > 0 {
			table, id = e.referred(rows[0])
		}
		return err
	})
	return table, id, err
}

// answerReference answers …/$ref of one row.
func (c *call) answerReference(t *schema.Table, id string) error {
	var body object
	c.writeContext(&body, c.root+"$metadata#$ref")
	body.text("@odata.id", c.rowURL(t, id))
	return c.answer(http.StatusOK, body.bytes())
}

// readReferences answers …/$ref of a collection.
func (c *call) readReferences(t *schema.Table, from source) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	where, err := c.selection(t, from, o.Filter)
	if err != nil {
		return err
	}
	o.Select, o.Expand = []string{t.PrimaryID}, nil
	return c.list(listing{table: t, where: where, options: o, references: true})
}

func (c *call) referenceObjects(t *schema.Table, rows []row) [][]byte {
	objects := make([][]byte, len(rows))
	for i, r := range rows {
		var o object
		o.text("@odata.id", c.rowURL(t, r.id))
		objects[i] = o.bytes()
	}
	return objects
}
