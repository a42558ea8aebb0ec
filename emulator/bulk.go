package emulator

import (
	"context"
	"database/sql"
	"net/http"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// bulk answers a message for many rows of one table, bound to its entity set. It is done to all rows or to none.
func (c *call) bulk(t *schema.Table, name string) error {
	one, err := c.oneOfMany(t, name)
	if err != nil {
		return err
	}
	if err := c.mayWrite(t, name); err != nil {
		return err
	}
	targets, err := c.targets(t)
	if err != nil {
		return err
	}
	ids := make([]string, len(targets))
	err = c.db.Write(c.context(), func(ctx context.Context, tx *sql.Tx) error {
		for i, object := range targets {
			if ids[i], err = one(ctx, tx, object); err != nil {
				return err
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case name != "CreateMultiple":
		return c.empty()
	}
	o := c.respond("CreateMultipleResponse")
	o.any("Ids", ids)
	return c.answer(http.StatusOK, o.bytes())
}

// oneOfMany is what the message does to one row.
func (c *call) oneOfMany(t *schema.Table, name string) (func(context.Context, *sql.Tx, members) (id string, err error), error) {
	updating := bulkUpdate{c, t, map[string]bool{}, name}
	switch name {
	case "CreateMultiple":
		return func(ctx context.Context, tx *sql.Tx, object members) (string, error) {
			row, err := entering{c, true, true}.entry(ctx, t, object)
			if err != nil {
				return "", err
			}
			return c.insert(ctx, tx, row)
		}, nil
	case "UpdateMultiple":
		return updating.update, nil
	case "UpsertMultiple":
		return updating.upsert, nil
	case "DeleteMultiple": // only elastic tables have it
		return nil, fail(http.StatusNotImplemented, codeUnexpected, "DeleteMultiple has not yet been implemented.")
	}
	return nil, noSuchSegment(c.path[1].Name)
}

// targets reads {"Targets":[…]}. The parameter's type is abstract, so each row has to name its own.
func (c *call) targets(t *schema.Table) ([]members, error) {
	object, err := c.body(t)
	if err != nil {
		return nil, err
	}
	value, _ := object.get("Targets")
	items, ok := value.([]any)
	if !ok || len(items) == 0 {
		return nil, fail(http.StatusBadRequest, codeInvalidArgument, "Required field 'Targets' is missing")
	}
	targets := make([]members, len(items))
	for i, item := range items {
		row, ok := item.(members)
		if !ok {
			return nil, payload(t, "An unexpected '%s' node was found when reading from the JSON reader. A 'StartObject' node was expected.", node(item))
		}
		if _, typed := row.get("@odata.type"); !typed {
			return nil, untyped(t)
		}
		targets[i] = row
	}
	return targets, nil
}

// get is the value of the property with the name.
func (m members) get(name string) (value any, ok bool) {
	for _, member := range m {
		if member.name == name {
			return member.value, true
		}
	}
	return nil, false
}

// bulkUpdate changes rows of a table, each at most once.
type bulkUpdate struct {
	*call
	table   *schema.Table
	changed map[string]bool
	message string
}

func (b bulkUpdate) update(ctx context.Context, tx *sql.Tx, object members) (string, error) {
	l, err := b.locateItem(ctx, b.table, object)
	switch {
	case err != nil:
		return "", err
	case l.id == "" && l.keys == nil:
		return "", fail(http.StatusBadRequest, codeInvalidArgument, "Entity Id must be specified for %s: the property '%s' is missing.", b.message, b.table.PrimaryID)
	case !l.found && l.keys == nil:
		return "", fail(http.StatusNotFound, codeNotFound, "%s With Ids = %s Do Not Exist", b.table.Display, l.id)
	case !l.found:
		return "", l.missing()
	}
	return l.id, b.modify(ctx, tx, l, object)
}

func (b bulkUpdate) upsert(ctx context.Context, tx *sql.Tx, object members) (string, error) {
	l, err := b.locateItem(ctx, b.table, object)
	if err != nil {
		return "", err
	}
	if l.found {
		return l.id, b.modify(ctx, tx, l, object)
	}
	id, err := b.insertAt(ctx, tx, l, object)
	b.changed[id] = true
	return id, err
}

func (b bulkUpdate) modify(ctx context.Context, tx *sql.Tx, l location, object members) error {
	if b.changed[l.id] {
		return fail(http.StatusBadRequest, codeInvalidArgument, "The Targets of %s name the row '%s' more than once.", b.message, l.id)
	}
	b.changed[l.id] = true
	row, err := entering{b.call, false, false}.entry(ctx, b.table, object)
	if err != nil {
		return err
	}
	for column := range l.keys {
		delete(row.values, column)
	}
	return b.call.modify(ctx, tx, row, l.id)
}
