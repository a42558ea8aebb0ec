package dataverse

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"
)

// WriteOption sets a condition on a write.
type WriteOption func(*conditions)

type conditions struct {
	match  string // If-Match
	absent bool   // If-None-Match: *
}

// IfMatch lets a write happen only while the row has the version etag, such as W/"12345"; otherwise it is a Conflict. ""
// sets no condition.
func IfMatch(etag string) WriteOption {
	return func(c *conditions) { c.match = strings.TrimSpace(etag) }
}

// IfNoneMatch lets Upsert make a row, never change one; a row that is there is a Conflict.
func IfNoneMatch() WriteOption {
	return func(c *conditions) { c.absent = true }
}

// etagPattern is a weak version as the service writes it; elastic tables have letters in theirs.
var etagPattern = regexp.MustCompile(`^W/"[0-9A-Za-z-]+"$`)

func conditionsOf(opts []WriteOption) (conditions, error) {
	var c conditions
	for _, o := range opts {
		o(&c)
	}
	if c.match == "*" { // any version is no condition
		c.match = ""
	}
	if c.match != "" && !etagPattern.MatchString(c.match) {
		return c, invalid(`etag: got %s, want one as a row has it, such as W/"12345"`, quoted(c.match))
	}
	return c, nil
}

// Update changes the columns in v of the row id, a GUID or an alternate key, and returns the row's new version. It never
// makes a row: one that is missing is NotFound.
//
// A change is not repeated once it may have been carried out: it could undo what somebody else did in between. With
// IfMatch it is, since the version tells whether it was.
func (c *Client) Update(ctx context.Context, table, id string, v Values, opts ...WriteOption) (etag string, err error) {
	op := "update " + table
	cond, err := conditionsOf(opts)
	if err != nil {
		return "", during(op, err)
	}
	if cond.absent {
		return "", during(op, invalid("an update changes a row that is there: IfNoneMatch is for Upsert"))
	}
	if len(v) == 0 {
		return "", during(op, invalid("values: got none, want at least one column to change"))
	}
	r, _, err := c.patch(ctx, op, table, id, v, updating)
	if err != nil {
		return "", during(op, err)
	}
	if cond.match == "" {
		r.header = append(r.header, param{"If-Match", "*"})
	} else {
		r.header, r.repeatable = append(r.header, param{"If-Match", cond.match}), true
	}
	a, err := c.do(ctx, r)
	if err != nil {
		return "", doubtful(err)
	}
	w, err := c.written(r.op, a)
	return w.etag, err
}

// Upserted tells what an Upsert did.
type Upserted struct {
	ID      string
	ETag    string
	Created bool
}

// Upsert changes the row id, a GUID or an alternate key, or makes it where it is missing.
func (c *Client) Upsert(ctx context.Context, table, id string, v Values, opts ...WriteOption) (Upserted, error) {
	op := "upsert " + table
	cond, err := conditionsOf(opts)
	if err != nil {
		return Upserted{}, during(op, err)
	}
	r, t, err := c.patch(ctx, op, table, id, v, upserting)
	if err != nil {
		return Upserted{}, during(op, err)
	}
	switch {
	case cond.match != "":
		r.header = append(r.header, param{"If-Match", cond.match})
	case cond.absent:
		r.header = append(r.header, param{"If-None-Match", "*"})
	}
	a, err := c.do(ctx, r)
	if err != nil {
		return Upserted{}, doubtful(err)
	}
	w, err := c.written(r.op, a)
	if err != nil {
		return Upserted{}, err
	}
	if w.values[t.PrimaryID] != nil {
		id, _ = w.values[t.PrimaryID].(string)
	}
	return Upserted{ID: id, ETag: w.etag, Created: a.status == http.StatusCreated}, nil
}

// patch prepares what Update and Upsert have in common. The row comes back with its key alone: that is the only way to
// learn its new version, and whether it was there before.
func (c *Client) patch(ctx context.Context, op, table, id string, v Values, w write) (request, *Table, error) {
	t, row, err := c.prepare(ctx, table, v, w)
	if err != nil {
		return request{}, nil, err
	}
	key, err := t.rowKey(id)
	if err != nil {
		return request{}, nil, err
	}
	body, err := json.Marshal(row)
	if err != nil {
		return request{}, nil, err
	}
	return request{
		op: op + " " + key.text, method: http.MethodPatch, path: t.SetName + key.path, body: body,
		query: []param{{"$select", t.PrimaryID}}, header: []param{preferences("return=representation")},
	}, t, nil
}

// representation is a row that came back from a write.
type representation struct {
	values map[string]any
	etag   string
}

func (c *Client) written(op string, a *answer) (representation, error) {
	r := representation{etag: a.header.Get("ETag")}
	if len(a.body) == 0 { // 204: a service that does not send rows back
		return r, nil
	}
	if err := json.Unmarshal(a.body, &r.values); err != nil {
		return r, c.badAnswer(op, a, err)
	}
	if r.etag == "" {
		r.etag, _ = r.values["@odata.etag"].(string)
	}
	return r, nil
}

// doubtful explains a conflict that the first attempt of this very call may have caused.
func doubtful(err error) error {
	if e, ok := errors.AsType[*Error](err); ok && e.uncertain && e.Kind == Conflict {
		e.Message = "the answer to a first attempt was lost, and the row has changed since: read it to see whether the change was made (" + e.Message + ")"
	}
	return err
}
