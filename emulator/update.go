package emulator

import (
	"context"
	"database/sql"
	"net/http"
	"strconv"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// update answers PATCH on a row. Where there is none it creates it, unless If-Match forbids.
func (c *call) update(t *schema.Table) error {
	if t.Logical == "owner" {
		return c.methodNotAllowed()
	}
	object, err := c.body(t)
	if err != nil {
		return err
	}
	var l location
	err = c.db.Write(c.context(), func(ctx context.Context, tx *sql.Tx) (err error) {
		l, err = c.patch(ctx, tx, t, object)
		return err
	})
	if err != nil {
		return err
	}
	key := l.id
	if l.keys != nil {
		encoded := odata.FormatPath(c.path[:1])
		key = encoded[len(t.Set)+1 : len(encoded)-1]
	}
	if !l.found {
		return c.created(t, l.id, key)
	}
	c.address(t, key)
	if c.prefer.representation {
		return c.readBack(c.context(), l.table, l.id, http.StatusOK)
	}
	return c.empty()
}

// patch changes the row that the request names. One that was not found is there afterwards.
func (c *call) patch(ctx context.Context, tx *sql.Tx, t *schema.Table, object members) (l location, err error) {
	if l, err = c.locateIn(ctx, t, c.path[0], partitionIn(object)); err != nil {
		return l, err
	}
	if err := c.preconditions(ctx, tx, &l); err != nil {
		return l, err
	}
	if !l.found {
		if err := c.mayWrite(l.table, "Create"); err != nil {
			return l, err
		}
		l.id, err = c.insertAt(ctx, tx, l, object)
		return l, err
	}
	if err := c.mayWrite(l.table, "Update"); err != nil {
		return l, err
	}
	row, err := entering{c, false, false}.entry(ctx, l.table, object)
	if err != nil {
		return l, err
	}
	for column := range l.keys {
		delete(row.values, column)
	}
	if t.Elastic && c.r.Header.Get("If-Match") == "" {
		replaced(row)
	}
	return l, c.modify(ctx, tx, row, l.id)
}

// insertAt creates the row that a PATCH did not find. The id of the URL wins; of an alternate key the body's values do.
func (c *call) insertAt(ctx context.Context, tx *sql.Tx, l location, object members) (string, error) {
	row, err := entering{c, true, false}.entry(ctx, l.table, object)
	if err != nil {
		return "", err
	}
	if l.keys == nil || l.table.Elastic {
		row.id = l.id
	}
	if l.table.Elastic {
		row.values[schema.PartitionID] = l.partition
	}
	for column, value := range l.keys {
		if _, given := row.values[column]; given || column == l.table.PrimaryID {
			continue
		}
		col := l.table.Column(column)
		if id, isID := value.(string); isID && col.IsLookup() {
			target := location{table: c.schema.Table(col.Targets[0]), id: id}
			if err := target.find(ctx, tx); err != nil {
				return "", err
			}
			if !target.found {
				return "", target.missing()
			}
			setLookup(row.values, col, id, target.table.Logical)
			continue
		}
		row.values[column] = value
	}
	return c.insert(ctx, tx, row)
}

// find locates the row of the URL's first segment, which must be there, in the table that really holds it.
func (c *call) find(ctx context.Context, t *schema.Table) (location, error) {
	l, err := c.locateIn(ctx, t, c.path[0], c.partitionAsked())
	if err != nil {
		return l, err
	}
	if !l.found {
		return l, l.missing()
	}
	l.table, err = c.concrete(ctx, t, l.id)
	return l, err
}

// preconditions checks If-Match and If-None-Match, and finds the table that really holds the row.
func (c *call) preconditions(ctx context.Context, tx *sql.Tx, l *location) error {
	match, none := strings.TrimSpace(c.r.Header.Get("If-Match")), strings.TrimSpace(c.r.Header.Get("If-None-Match"))
	if !l.found {
		if match != "" || l.table.Abstract {
			return l.missing()
		}
		return nil
	}
	if none == "*" {
		return duplicate()
	}
	var err error
	if l.table, err = c.concrete(ctx, l.table, l.id); err != nil || match == "" || match == "*" {
		return err
	}
	return c.matchVersion(ctx, tx, l.table, l.id, match)
}

// matchVersion compares the row's version with an etag such as W/"123".
func (c *call) matchVersion(ctx context.Context, tx *sql.Tx, t *schema.Table, id, etag string) error {
	text, weak := strings.CutPrefix(etag, `W/"`)
	text, closed := strings.CutSuffix(text, `"`)
	_, err := strconv.ParseInt(text, 10, 64)
	readable := err == nil || t.Elastic && cosmosVersion.MatchString(text)
	if !weak || !closed || !readable {
		return badRequest("The value '%s' of the If-Match header is not * and not the @odata.etag of a row.", etag)
	}
	if !t.Optimistic {
		return fail(http.StatusBadRequest, codeNoOptimistic, "Optimistic concurrency isn't enabled for entity type %s. "+
			"The IfVersionMatch value of ConcurrencyBehavior can only be used if optimistic concurrency is enabled.", t.Logical)
	}
	stands, err := load(ctx, tx, t, id)
	if err != nil {
		return err
	}
	if version, ok := stands["versionnumber"].(int64); !ok || string(appendVersion(nil, t, version)) != text {
		return fail(http.StatusPreconditionFailed, codeVersionMismatch,
			"The version of the existing record doesn't match the RowVersion property provided.")
	}
	return nil
}
