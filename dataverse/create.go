package dataverse

import (
	"context"
	"errors"
)

// Create makes a row and returns its id. Where v does not name the id, the client picks it, so that a create whose
// answer was lost can be repeated without making a second row.
//
// The row is posted rather than patched with If-None-Match: a patch makes no related rows with it, and not every table
// takes one. What keeps a second row away is the same in both: the primary key.
func (c *Client) Create(ctx context.Context, table string, v Values) (id string, err error) {
	ch, err := c.creation(ctx, table, v)
	if err != nil {
		return "", during("create "+table, err)
	}
	if _, err = c.do(ctx, ch.request); err == nil || c.madeBefore(ctx, ch, err) {
		return ch.id, nil
	}
	if e, ok := errors.AsType[*Error](err); ok && e.InDoubt && ch.own {
		e.Op += " " + ch.id // nobody else knows it, and only by it can the row be looked for
	}
	return "", c.taken(ctx, ch, err)
}

// taken says of a conflict whether it is about the id that the caller chose: the service tells only of a duplicate key.
func (c *Client) taken(ctx context.Context, ch change, err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != Conflict || ch.own || ch.table.Type == "Virtual" {
		return err
	}
	if _, missing := c.do(ctx, ch.look()); missing == nil {
		e.Message = "table " + ch.table.LogicalName + " has a row with the id " + ch.id + " already"
	}
	return e
}

// writable describes a table for a write.
func (c *Client) writable(ctx context.Context, table string) (*Table, error) {
	t, err := c.describe(ctx, table)
	if err != nil {
		return nil, err
	}
	if t.SetName == "" {
		return nil, invalid("table %s is not served by the Web API", t.LogicalName)
	}
	return t, nil
}
