package dataverse

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/google/uuid"
)

// Create makes a row and returns its id. Where v does not name the id, the client picks it, so that a create whose
// answer was lost can be repeated without making a second row.
//
// The row is posted rather than patched with If-None-Match: a patch makes no related rows with it, and not every table
// takes one. What keeps a second row away is the same in both: the primary key.
func (c *Client) Create(ctx context.Context, table string, v Values) (id string, err error) {
	op := "create " + table
	t, row, err := c.prepare(ctx, table, v, creating)
	if err != nil {
		return "", during(op, err)
	}
	id, given := row[t.PrimaryID].(string)
	if !given {
		// Version 7 grows with time, which spares the service's index.
		id = uuid.Must(uuid.NewV7()).String()
		row[t.PrimaryID] = id
	}
	body, err := json.Marshal(row)
	if err != nil {
		return "", during(op, err)
	}
	_, err = c.do(ctx, request{
		op: op, method: http.MethodPost, path: t.SetName, body: body,
		// A virtual table's source may pick an id of its own; and of an id that came from outside, a row found under it
		// proves nothing.
		repeatable: !given && t.Type != "Virtual",
	})
	if err != nil && !c.madeBefore(ctx, t, id, err) {
		return "", err
	}
	return id, nil
}

// madeBefore says whether a create that was refused as a duplicate had been carried out by an earlier attempt of the
// same call: then the row is there. The refusal alone is no proof, since it may be about an alternate key.
func (c *Client) madeBefore(ctx context.Context, t *Table, id string, err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok || !e.uncertain || e.Kind != Conflict {
		return false
	}
	_, err = c.do(ctx, request{
		op: e.Op, method: http.MethodGet, path: t.SetName + "(" + id + ")", query: []param{{"$select", t.PrimaryID}},
	})
	return err == nil
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
