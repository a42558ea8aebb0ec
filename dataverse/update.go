package dataverse

import (
	"cmp"
	"context"
	"errors"
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

// Updated tells which row an Update changed.
type Updated struct {
	ID   string // its GUID; the alternate key where the service does not send the row back
	ETag string // its new version
}

// Update changes the columns in v of the row id, a GUID or an alternate key. It never makes a row: one that is missing is
// NotFound.
//
// A change is not repeated once it may have been carried out: it could undo what somebody else did in between. With
// IfMatch it is, since the version tells whether it was.
func (c *Client) Update(ctx context.Context, table, id string, v Values, opts ...WriteOption) (Updated, error) {
	op := "update " + table
	cond, err := conditionsOf(opts)
	if err != nil {
		return Updated{}, during(op, err)
	}
	ch, err := c.update(ctx, table, id, v, cond)
	if err != nil {
		return Updated{}, during(op, err)
	}
	res, err := c.carryOut(ctx, ch)
	if err != nil {
		return Updated{}, err
	}
	return Updated{ID: cmp.Or(res.ID, id), ETag: res.ETag}, nil
}

// Upserted tells what an Upsert did.
type Upserted struct {
	ID      string
	ETag    string
	Created bool
}

// Upsert changes the row id, a GUID or an alternate key, or makes it where it is missing. In an elastic table it replaces
// the row: columns that v does not name are emptied, unless IfMatch makes it a change.
func (c *Client) Upsert(ctx context.Context, table, id string, v Values, opts ...WriteOption) (Upserted, error) {
	op := "upsert " + table
	cond, err := conditionsOf(opts)
	if err != nil {
		return Upserted{}, during(op, err)
	}
	ch, err := c.upsertion(ctx, table, id, v, cond)
	if err != nil {
		return Upserted{}, during(op, err)
	}
	res, err := c.carryOut(ctx, ch)
	if err != nil {
		return Upserted{}, err
	}
	return Upserted{ID: cmp.Or(res.ID, id), ETag: res.ETag, Created: res.Created}, nil
}

func (c *Client) carryOut(ctx context.Context, ch change) (Result, error) {
	a, err := c.do(ctx, ch.request)
	if err != nil {
		return Result{}, doubtful(err)
	}
	res, err := c.done(ch, a)
	if e, ok := errors.AsType[*Error](err); ok {
		e.doubt()
	}
	return res, err
}
