package emulator

import (
	"context"
	"database/sql"
	"net/http"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// writeInto answers writes below a row: a single column, a navigation property or its references.
func (c *call) writeInto(t *schema.Table) error {
	if t.Logical == "owner" {
		return c.methodNotAllowed()
	}
	segment := c.path[1]
	ref := len(c.path) == 3 && c.path[2].Name == "$ref"
	if len(c.path) > 2 && !ref {
		return noSuchSegment(c.path[2].Name)
	}
	if nav, ok := bindableOrMany(t, segment.Name); ok && (ref || t.Column(segment.Name) == nil || t.Column(segment.Name).IsLookup()) {
		return c.navigate(t, segment, nav, ref)
	}
	col := t.Column(segment.Name)
	if col == nil || ref || !col.Property {
		return noSuchSegment(segment.Name)
	}
	switch c.r.Method {
	case http.MethodPut:
		if col.Type == schema.File {
			return c.methodNotAllowed()
		}
		return c.putColumn(t, col)
	case http.MethodPatch:
		if holdsFile(col) {
			return c.uploadFile(t, col)
		}
	case http.MethodDelete:
		if col.Type == schema.File {
			return c.deleteFile(t, col)
		}
		return c.writeColumn(t, col, nil)
	}
	return c.methodNotAllowed()
}

func bindableOrMany(t *schema.Table, name string) (schema.Nav, bool) {
	if nav, ok := bindable(t, name); ok {
		return nav, true
	}
	return t.Nav(name)
}

// putColumn sets one column to the value in the body.
func (c *call) putColumn(t *schema.Table, col *schema.Column) error {
	value, err := c.givenValue(t, col.Logical)
	if err != nil {
		return err
	}
	return c.writeColumn(t, col, value)
}

// putParties puts the parties in the body in place of those that the activity has.
func (c *call) putParties(t *schema.Table, nav string) error {
	value, err := c.givenValue(t, nav)
	if err != nil {
		return err
	}
	if _, ok := value.([]any); !ok {
		return payload(t, "An unexpected '%s' node was found when reading from the JSON reader. A 'StartArray' node was expected.", node(value))
	}
	return c.writeProperty(t, nav, value)
}

// givenValue is the value that the body gives to a property.
func (c *call) givenValue(t *schema.Table, property string) (any, error) {
	object, err := c.body(t)
	if err != nil {
		return nil, err
	}
	value, ok := object.get("value")
	if !ok {
		return nil, payload(t, "The property with name 'value' was not found in the payload of the property '%s'.", property)
	}
	return value, nil
}

// writeColumn sets one column, or empties it with nil.
func (c *call) writeColumn(t *schema.Table, col *schema.Column, value any) error {
	if col.IsLookup() || value == nil && (col.Required == "SystemRequired" || col.Required == "ApplicationRequired") {
		return badRequest("The property '%s' of '%s' cannot be deleted.", col.Logical, t.Logical)
	}
	return c.writeProperty(t, col.Logical, value)
}

// writeProperty updates one property of the row in the URL.
func (c *call) writeProperty(t *schema.Table, name string, value any) error {
	err := c.db.Write(c.context(), func(ctx context.Context, tx *sql.Tx) error {
		l, err := c.locateIn(ctx, t, c.path[0], c.partitionAsked())
		if err != nil {
			return err
		}
		if !l.found {
			return l.missing()
		}
		if err := c.preconditions(ctx, tx, &l); err != nil {
			return err
		}
		row, err := entering{c, false, false}.entry(ctx, l.table, members{{name, value}})
		if err != nil {
			return err
		}
		return c.modify(ctx, tx, row, l.id)
	})
	if err != nil {
		return err
	}
	c.session(t)
	return c.empty()
}
