package emulator

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// navigate answers POST on set(id)/nav, and every write on set(id)/nav/$ref. The parties of an activity are the only
// collection that PUT replaces.
func (c *call) navigate(t *schema.Table, segment odata.Segment, nav schema.Nav, ref bool) error {
	method := c.r.Method
	switch {
	case !ref && method == http.MethodPost && nav.One == nil:
		return c.createRelated(t, nav)
	case !ref && method == http.MethodPut && nav.Many != nil && nav.Many.Referencing == "activityparty" && t.Activity:
		return c.putParties(t, segment.Name)
	case ref && method == http.MethodPost && nav.One == nil:
		return c.addReference(t, nav)
	case ref && method == http.MethodPut && nav.One != nil:
		return c.addReference(t, nav)
	case ref && method == http.MethodDelete:
		return c.removeReference(t, segment, nav)
	}
	return c.methodNotAllowed()
}

// createRelated creates a row that belongs to the one in the URL.
func (c *call) createRelated(t *schema.Table, nav schema.Nav) error {
	far := c.farSide(nav)
	if far == nil {
		return c.methodNotAllowed()
	}
	if err := c.mayWrite(far, "Create"); err != nil {
		return err
	}
	object, err := c.body(far)
	if err != nil {
		return err
	}
	var id string
	err = c.db.Write(c.context(), func(ctx context.Context, tx *sql.Tx) error {
		one, err := c.find(ctx, t)
		if err != nil {
			return err
		}
		row, err := entering{c, true, true}.entry(ctx, far, object)
		if err != nil {
			return err
		}
		if nav.Many != nil {
			setLookup(row.values, far.Column(nav.Many.Attribute), one.id, one.table.Logical)
		}
		if id, err = c.insert(ctx, tx, row); err != nil || nav.Across == nil {
			return err
		}
		return c.associate(ctx, tx, nav, one.id, id)
	})
	if err != nil {
		return err
	}
	return c.created(far, id, id)
}

// addReference links the row in the URL to the one in the body.
func (c *call) addReference(t *schema.Table, nav schema.Nav) error {
	object, err := c.body(t)
	if err != nil {
		return err
	}
	given, _ := object.get("@odata.id")
	text, _ := given.(string)
	if text == "" {
		return payload(t, "The entity reference link has no '@odata.id' annotation with the URL of a row.")
	}
	// In a batch it may be relative, or $1, and anywhere when @odata.context says to what.
	if _, based := object.get("@odata.context"); c.inner == nil && !based && !strings.Contains(text, "://") {
		return payload(t, "The URI '%s' of the entity reference link has to be absolute.", text)
	}
	err = c.db.Write(c.context(), func(ctx context.Context, tx *sql.Tx) error {
		one, err := c.find(ctx, t)
		if err != nil {
			return err
		}
		other, err := c.reference(ctx, text, relatedTable(nav))
		if err != nil {
			return err
		}
		return c.connect(ctx, tx, nav, one.table, one.id, other)
	})
	if err != nil {
		return err
	}
	return c.empty()
}

// removeReference unlinks: the whole lookup, or the row of a collection that the key or $id names.
func (c *call) removeReference(t *schema.Table, segment odata.Segment, nav schema.Nav) error {
	text := c.query.Get("$id")
	if segment.Key != nil || len(segment.Args) > 0 {
		if far := c.schema.Table(relatedTable(nav)); far != nil {
			segment.Name = far.Set
			text = odata.FormatPath([]odata.Segment{segment})
		}
	}
	if text == "" && nav.One == nil {
		return badRequest("The row to remove from the collection is missing: name it as the key or in $id.")
	}
	err := c.db.Write(c.context(), func(ctx context.Context, tx *sql.Tx) error {
		one, err := c.find(ctx, t)
		if err != nil {
			return err
		}
		if nav.One != nil {
			return c.unlink(ctx, tx, one.table, one.id, nav.One)
		}
		other, err := c.reference(ctx, text, relatedTable(nav))
		if err != nil {
			return err
		}
		return c.disconnect(ctx, tx, nav, one.id, other)
	})
	if err != nil {
		return err
	}
	return c.empty()
}

// connect links two rows that are there.
func (c *call) connect(ctx context.Context, tx *sql.Tx, nav schema.Nav, t *schema.Table, id string, other location) error {
	if nav.Across != nil {
		return c.associate(ctx, tx, nav, id, other.id)
	}
	many, manyID, one, by := t, id, other, nav.One
	if nav.Many != nil {
		many, manyID, one, by = other.table, other.id, location{table: t, id: id}, nav.Many
	}
	row := &entry{table: many, values: map[string]any{}}
	col := many.Column(by.Attribute)
	if col == nil || !col.IsLookup() || !col.Update {
		return c.methodNotAllowed()
	}
	setLookup(row.values, col, one.id, one.table.Logical)
	return c.modify(ctx, tx, row, manyID)
}

// disconnect takes a row out of a collection.
func (c *call) disconnect(ctx context.Context, tx *sql.Tx, nav schema.Nav, id string, other location) error {
	if nav.Many != nil {
		stands, err := load(ctx, tx, other.table, other.id)
		if err != nil {
			return err
		}
		if stands[nav.Many.Attribute] != id {
			return noSuchRow(other.table.Logical, other.id)
		}
		return c.unlink(ctx, tx, other.table, other.id, nav.Many)
	}
	m := nav.Across
	mine, theirs := ends(nav)
	_, err := tx.ExecContext(ctx, fmt.Sprintf("DELETE FROM %s WHERE %s = ? AND %s = ?", store.Quote(m.Intersect),
		store.Quote(mine), store.Quote(theirs)), id, other.id)
	return err
}

// unlink clears a lookup.
func (c *call) unlink(ctx context.Context, tx *sql.Tx, t *schema.Table, id string, r *schema.Relationship) error {
	col := t.Column(r.Attribute)
	if col == nil || !col.IsLookup() || !col.Update {
		return c.methodNotAllowed()
	}
	row := &entry{table: t, values: map[string]any{}}
	setLookup(row.values, col, nil, "")
	return c.modify(ctx, tx, row, id)
}

// associate joins two rows by a many-to-many relationship.
func (c *call) associate(ctx context.Context, tx *sql.Tx, nav schema.Nav, id, other string) error {
	table := store.Quote(nav.Across.Intersect)
	mine, theirs := ends(nav)
	found, err := exists(ctx, tx, fmt.Sprintf("SELECT 1 FROM %s WHERE %s = ? AND %s = ?", table, store.Quote(mine), store.Quote(theirs)), id, other)
	if err != nil {
		return err
	}
	if found {
		return fail(http.StatusPreconditionFailed, codeDuplicateKey, "Cannot insert duplicate key.")
	}
	key := nav.Across.Intersect + "id"
	t := c.schema.Table(nav.Across.Intersect)
	if t != nil {
		key = t.PrimaryID
	}
	columns, args := []string{key, mine, theirs}, []any{uuid.NewString(), id, other}
	if t == nil || t.Column("versionnumber") != nil {
		columns, args = append(columns, "versionnumber"), append(args, c.db.NextVersion())
	}
	for i := range columns {
		columns[i] = store.Quote(columns[i])
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf("INSERT INTO %s (%s) VALUES (?%s)", table, strings.Join(columns, ", "),
		strings.Repeat(", ?", len(columns)-1)), args...)
	return err
}
