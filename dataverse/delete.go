package dataverse

import (
	"context"
	"errors"
	"net/http"
)

// Delete removes the row id, a GUID or an alternate key. A row that is missing is NotFound, one that has another
// version than IfMatch asks for a Conflict.
func (c *Client) Delete(ctx context.Context, table, id string, opts ...WriteOption) error {
	op := "delete " + table
	t, err := current(c, func() (*Table, error) { return c.writable(ctx, table) })
	if err != nil {
		return during(op, err)
	}
	key, err := t.rowKey(id)
	if err != nil {
		return during(op, err)
	}
	cond, err := conditionsOf(opts)
	if err != nil {
		return during(op, err)
	}
	if cond.absent {
		return during(op, invalid("a delete removes a row that is there: IfNoneMatch is for Upsert"))
	}
	r := request{
		op: op + " " + key.text, method: http.MethodDelete, path: t.SetName + key.path,
		// A GUID is never given to another row, so a second delete can hit nothing new. An alternate key can.
		repeatable: key.guid != "",
	}
	if cond.match != "" {
		r.header = []param{{"If-Match", cond.match}}
	}
	_, err = c.do(ctx, r)
	if e, ok := errors.AsType[*Error](err); ok && e.uncertain && e.Kind == NotFound {
		return nil // the attempt whose answer was lost removed it
	}
	return err
}
