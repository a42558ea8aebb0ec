package dataverse

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/google/uuid"
)

// change is one write, ready to be sent by itself or in a batch.
type change struct {
	request
	action Action
	table  *Table
	id     string // GUID of the row; "" where only the service knows it
	key    string // of the row, as it stands in a URL
	// partition is where a row of an elastic table is, where the key says it.
	partition string
	own       bool // id was picked here, so a row that is found under it is ours
	deep      bool // makes related rows too
}

// creation prepares a create. Where v does not name the id, it is picked here.
func (c *Client) creation(ctx context.Context, table string, v Values) (change, error) {
	t, row, err := c.prepare(ctx, table, v, creating)
	if err != nil {
		return change{}, err
	}
	id, given := row[t.PrimaryID].(string)
	if !given {
		// Version 7 grows with time, which spares the service's index.
		id = uuid.Must(uuid.NewV7()).String()
		row[t.PrimaryID] = id
	}
	body, err := json.Marshal(row)
	if err != nil {
		return change{}, err
	}
	// A virtual table's source may pick an id of its own; and of an id that came from outside, a row found under it
	// proves nothing.
	own := !given && t.Type != virtualTable
	r := request{op: "create " + table, method: http.MethodPost, path: t.SetName, body: body, repeatable: own}
	return change{request: r, action: CreateRow, table: t, id: id, key: t.newKey(id, row), own: own, deep: deep(row)}, nil
}

// deep says whether row, in the service's form, holds related rows. No column holds a list or an object.
func deep(row map[string]any) bool {
	for _, v := range row {
		switch v.(type) {
		case []any, map[string]any:
			return true
		}
	}
	return false
}

// update prepares a change of a row that is there.
func (c *Client) update(ctx context.Context, table, id string, v Values, cond conditions) (change, error) {
	if cond.absent {
		return change{}, invalid("an update changes a row that is there: IfNoneMatch is for Upsert")
	}
	if len(v) == 0 {
		return change{}, invalid("values: got none, want at least one column to change")
	}
	ch, err := c.patch(ctx, UpdateRow, table, id, v)
	if err != nil {
		return change{}, err
	}
	if cond.match == "" {
		ch.header = append(ch.header, param{"If-Match", "*"})
	} else {
		ch.header, ch.repeatable = append(ch.header, param{"If-Match", cond.match}), true
	}
	return ch, nil
}

// upsertion prepares an upsert.
func (c *Client) upsertion(ctx context.Context, table, id string, v Values, cond conditions) (change, error) {
	ch, err := c.patch(ctx, UpsertRow, table, id, v)
	if err != nil {
		return change{}, err
	}
	switch {
	case cond.match != "":
		ch.header = append(ch.header, param{"If-Match", cond.match})
	case cond.absent:
		ch.header = append(ch.header, param{"If-None-Match", "*"})
	}
	return ch, nil
}

// patch prepares what updates and upserts have in common. The row comes back with its key alone: that is the only way
// to learn its new version, and whether it was there before.
func (c *Client) patch(ctx context.Context, action Action, table, id string, v Values) (change, error) {
	w := updating
	if action == UpsertRow {
		w = upserting
	}
	t, row, err := c.prepare(ctx, table, v, w)
	if err != nil {
		return change{}, err
	}
	key, err := t.rowKey(id)
	if err != nil {
		return change{}, err
	}
	if err := key.unchanged(t, v); err != nil {
		return change{}, err
	}
	if err := c.keepParties(ctx, t, id, v, row); err != nil {
		return change{}, err
	}
	body, err := json.Marshal(row)
	if err != nil {
		return change{}, err
	}
	r := request{
		op: string(action) + " " + table + " " + key.text, method: http.MethodPatch, path: t.SetName + key.path, body: body,
		query: []param{{"$select", t.PrimaryID}}, header: []param{preferences("return=representation")},
	}
	return change{request: r, action: action, table: t, id: key.guid, key: key.path, partition: key.partition}, nil
}

// deletion prepares a delete.
func (c *Client) deletion(ctx context.Context, table, id string, cond conditions) (change, error) {
	t, err := current(ctx, c, func() (*Table, error) { return c.writable(ctx, table) })
	if err != nil {
		return change{}, err
	}
	key, err := t.rowKey(id)
	if err != nil {
		return change{}, err
	}
	if cond.absent {
		return change{}, invalid("a delete removes a row that is there: IfNoneMatch is for Upsert")
	}
	r := request{
		op: "delete " + table + " " + key.text, method: http.MethodDelete, path: t.SetName + key.path,
		// A GUID is never given to another row, so a second delete can hit nothing new. An alternate key can.
		repeatable: key.guid != "",
	}
	if cond.match != "" {
		r.header = []param{{"If-Match", cond.match}}
	}
	return change{request: r, action: DeleteRow, table: t, id: key.guid, key: key.path, partition: key.partition}, nil
}

// done reads the answer to a change that was carried out.
func (c *Client) done(ch change, a *answer) (Result, error) {
	res := Result{ID: ch.id, ETag: a.header.Get("ETag"), Created: ch.action == CreateRow || a.status == http.StatusCreated}
	if len(a.body) == 0 { // 204: a service that does not send rows back
		return res, nil
	}
	var row map[string]any
	if err := json.Unmarshal(a.body, &row); err != nil {
		return res, c.badAnswer(ch.op, a, err)
	}
	if etag, ok := row["@odata.etag"].(string); ok && res.ETag == "" {
		res.ETag = etag
	}
	if id, ok := row[ch.table.PrimaryID].(string); ok {
		res.ID = id
	}
	return res, nil
}

// madeBefore says whether a change that was refused had been carried out by an earlier attempt of the same call, whose
// answer was lost: then a created row is there, and a deleted one is not. A refusal as a duplicate alone is no proof:
// it may be about an alternate key.
func (c *Client) madeBefore(ctx context.Context, ch change, err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok || !e.uncertain {
		return false
	}
	switch {
	case ch.action == DeleteRow:
		return e.Kind == NotFound
	case ch.action == CreateRow && ch.own && e.Kind == Conflict:
		_, err := c.do(ctx, ch.look())
		if err != nil && KindOf(err) != NotFound { // whose duplicate it is cannot be told
			e.Kind = Unavailable
			e.doubt()
		}
		return err == nil
	}
	return false
}

// look asks whether the row of ch is there.
func (ch change) look() request {
	return request{
		op: ch.op, method: http.MethodGet, path: ch.table.SetName + ch.key, query: []param{{"$select", ch.table.PrimaryID}},
	}
}

// doubtful explains a conflict that the first attempt of this very call may have caused.
func doubtful(err error) error {
	if e, ok := errors.AsType[*Error](err); ok && e.uncertain && e.Kind == Conflict {
		e.InDoubt = true
		e.Message = "the answer to a first attempt was lost, and the row has changed since: read it to see whether the change was made (" + e.Message + ")"
	}
	return err
}
