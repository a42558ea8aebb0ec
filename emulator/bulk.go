package emulator

import (
	"context"
	"database/sql"
	"net/http"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// bulk answers a message for many rows of one table, bound to its entity set. It is done to all rows or to none; those of
// an elastic table stand each for itself.
func (c *call) bulk(t *schema.Table, name string) error {
	updating := bulkUpdate{c, t, map[string]bool{}, name}
	one, err := updating.step()
	if err != nil {
		return err
	}
	if err := c.mayWrite(t, name); err != nil {
		return err
	}
	targets, err := c.targets(t, name)
	if err != nil {
		return err
	}
	carryOut := c.bulkTogether
	if t.Elastic {
		carryOut = updating.each
	}
	ids, err := carryOut(targets, one)
	if err != nil {
		return err
	}
	if name != "DeleteMultiple" {
		c.session(t)
	}
	if name != "CreateMultiple" {
		return c.empty()
	}
	o := c.respond("CreateMultipleResponse")
	o.any("Ids", ids)
	return c.answer(http.StatusOK, o.bytes())
}

// bulkStep does to one row what the message does to all, and returns its id.
type bulkStep func(ctx context.Context, tx *sql.Tx, object members) (id string, err error)

// bulkTogether does it to all rows in one transaction.
func (c *call) bulkTogether(targets []members, one bulkStep) ([]string, error) {
	ids := make([]string, len(targets))
	return ids, c.db.Write(c.context(), func(ctx context.Context, tx *sql.Tx) (err error) {
		for i, object := range targets {
			if ids[i], err = one(ctx, tx, object); err != nil {
				return err
			}
		}
		return nil
	})
}

// step is what the message does to one row.
func (b bulkUpdate) step() (bulkStep, error) {
	switch b.message {
	case "CreateMultiple":
		return b.create, nil
	case "UpdateMultiple":
		return b.update, nil
	case "UpsertMultiple":
		return b.upsert, nil
	case "DeleteMultiple":
		if b.table.Elastic {
			return b.remove, nil
		}
		return nil, fail(http.StatusNotImplemented, codeUnexpected, "DeleteMultiple has not yet been implemented.")
	}
	return nil, noSuchSegment(b.path[1].Name)
}

// targets reads {"Targets":[…]}. The parameter's type is abstract, so each row has to name its own.
func (c *call) targets(t *schema.Table, message string) ([]members, error) {
	object, err := c.body(t)
	if err != nil {
		return nil, err
	}
	for _, given := range object {
		if given.name != "Targets" && !strings.Contains(given.name, "@") {
			return nil, notParameter(t, given.name, message)
		}
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

// bulkUpdate writes rows of a table, each at most once.
type bulkUpdate struct {
	*call
	table   *schema.Table
	changed map[string]bool
	message string
}

func (b bulkUpdate) create(ctx context.Context, tx *sql.Tx, object members) (string, error) {
	row, err := entering{b.call, true, true}.entry(ctx, b.table, object)
	if err != nil {
		return "", err
	}
	return b.insert(ctx, tx, row)
}

func (b bulkUpdate) update(ctx context.Context, tx *sql.Tx, object members) (string, error) {
	l, err := b.standing(ctx, object)
	if err != nil {
		return l.id, err
	}
	return l.id, b.modify(ctx, tx, l, object, false)
}

func (b bulkUpdate) remove(ctx context.Context, tx *sql.Tx, object members) (string, error) {
	l, err := b.standing(ctx, object)
	if err != nil {
		return l.id, err
	}
	return l.id, b.call.remove(ctx, tx, b.table, l.id)
}

// standing finds the row that an item is about, which has to be there.
func (b bulkUpdate) standing(ctx context.Context, object members) (location, error) {
	l, err := b.locateItem(ctx, b.table, object)
	switch {
	case err != nil:
		return l, err
	case l.id == "" && l.keys == nil:
		return l, fail(http.StatusBadRequest, codeInvalidArgument, "Entity Id must be specified for %s: the property '%s' is missing.", b.message, b.table.PrimaryID)
	case !l.found && l.keys == nil:
		return l, fail(http.StatusNotFound, codeNotFound, "%s With Ids = %s Do Not Exist", b.table.Display, l.id)
	case !l.found:
		return l, l.missing()
	}
	return l, nil
}

func (b bulkUpdate) upsert(ctx context.Context, tx *sql.Tx, object members) (string, error) {
	l, err := b.locateItem(ctx, b.table, object)
	if err != nil {
		return "", err
	}
	if l.found {
		return l.id, b.modify(ctx, tx, l, object, b.table.Elastic)
	}
	id, err := b.insertAt(ctx, tx, l, object)
	b.changed[id] = true
	return id, err
}

// modify writes the values over the row, or, with all of it, puts them in its place.
func (b bulkUpdate) modify(ctx context.Context, tx *sql.Tx, l location, object members, all bool) error {
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
	if all {
		replaced(row)
	}
	return b.call.modify(ctx, tx, row, l.id)
}
