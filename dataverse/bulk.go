package dataverse

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"golang.org/x/sync/errgroup"
)

// RowValues are values for one row.
type RowValues struct {
	ID     string // GUID or alternate key
	Values Values
}

const (
	// bulkRows is what one bulk request carries. The service takes more, but works on them one after another, and one
	// bad row spoils them all; this many keep the cost of the request itself small.
	bulkRows = 200
	// elasticRows is what the service recommends for elastic tables.
	elasticRows = 100
)

// CreateMany makes rows and returns a Result for each, in their order. It sends many rows in one request, several
// requests at once as the service recommends, and every row is tried: one that is refused does not keep others away.
//
// As Create does, it picks ids where Values name none, so that a lost answer makes no row twice and loses none.
//
// An error means that nothing was sent.
func (c *Client) CreateMany(ctx context.Context, table string, rows []Values) ([]Result, error) {
	return c.many(ctx, CreateRow, table, len(rows), func(i int) (change, error) { return c.creation(ctx, table, rows[i]) })
}

// UpdateMany changes rows as Update does, and returns a Result for each, in their order. ETags are not told for all.
//
// A row whose answer was lost is InDoubt: the change is sent once, as it could undo what somebody else did since.
func (c *Client) UpdateMany(ctx context.Context, table string, rows []RowValues) ([]Result, error) {
	return c.many(ctx, UpdateRow, table, len(rows), func(i int) (change, error) {
		return c.update(ctx, table, rows[i].ID, rows[i].Values, conditions{})
	})
}

// UpsertMany changes rows, or makes those that are missing, as Upsert does, and returns a Result for each, in their order. ETag and
// Created are not told for all. As in UpdateMany, a row whose answer was lost is InDoubt.
func (c *Client) UpsertMany(ctx context.Context, table string, rows []RowValues) ([]Result, error) {
	return c.many(ctx, UpsertRow, table, len(rows), func(i int) (change, error) {
		return c.upsertion(ctx, table, rows[i].ID, rows[i].Values, conditions{})
	})
}

// DeleteMany removes the rows ids, GUIDs or alternate keys, and returns a Result for each, in their order. A row that is
// missing is NotFound. As in Delete, what was named by GUID may be repeated when an answer was lost.
func (c *Client) DeleteMany(ctx context.Context, table string, ids []string) ([]Result, error) {
	return c.many(ctx, DeleteRow, table, len(ids), func(i int) (change, error) { return c.deletion(ctx, table, ids[i], conditions{}) })
}

// many prepares all rows before it sends the first.
func (c *Client) many(ctx context.Context, action Action, table string, n int, prepare func(int) (change, error)) ([]Result, error) {
	op := fmt.Sprintf("%s %d rows of %s", action, n, table)
	t, err := current(ctx, c, func() (*Table, error) { return c.writable(ctx, table) })
	if err != nil {
		return nil, during(op, err)
	}
	items := make([]*item, n)
	for i := range n {
		ch, err := prepare(i)
		if ctx.Err() != nil {
			return nil, during(op, ctx.Err())
		}
		ch.op = fmt.Sprintf("row %d, %s %s", i+1, action, table)
		items[i] = newItem(ch, i, err)
	}
	c.spread(ctx, t, action, waiting(items))
	return results(items), nil
}

// spread sends items in parts, several at once.
func (c *Client) spread(ctx context.Context, t *Table, action Action, items []*item) {
	if len(items) == 0 {
		return
	}
	if repeats(items) { // their order matters
		for part := range parts(items, maxBatch) {
			c.sendEach(ctx, part)
		}
		return
	}
	var together, each []*item
	if c.takesMany(ctx, t, action) {
		together, each = separate(items)
	} else {
		each = items
	}
	most := bulkRows
	if t.elastic() {
		most = elasticRows
	}
	var group errgroup.Group
	group.SetLimit(c.limiter.parallel())
	start := func(send func(context.Context, []*item), items []*item) {
		for part := range parts(items, most) {
			group.Go(func() error {
				send(ctx, part)
				return nil
			})
		}
	}
	start(c.sendMany, together)
	start(c.sendEach, each)
	_ = group.Wait() // what went wrong is told by the items
}

// repeats says whether a row is written twice, or may be.
func repeats(items []*item) bool {
	seen := make(map[string]bool, len(items))
	for _, it := range items {
		key := cmp.Or(it.id, it.path) // a create has no id in its path
		if seen[key] {
			return true
		}
		seen[key] = true
	}
	return false
}

// separate picks what a bulk message takes: rows without related rows, by GUID.
func separate(items []*item) (together, each []*item) {
	for _, it := range items {
		if it.deep || it.id == "" {
			each = append(each, it)
		} else {
			together = append(together, it)
		}
	}
	return together, each
}

// bulkMessage is the message that does it to many rows.
func (a Action) bulkMessage() string {
	switch a {
	case CreateRow:
		return "CreateMultiple"
	case UpdateRow:
		return "UpdateMultiple"
	case DeleteRow:
		return "DeleteMultiple"
	}
	return "UpsertMultiple"
}

// takesMany says whether t has the message for many rows. Elastic tables carry out a part of it when a row is bad: after
// a create or a delete, it can be seen which. They alone have one for deletes.
func (c *Client) takesMany(ctx context.Context, t *Table, action Action) bool {
	switch {
	case t.Type == virtualTable,
		t.elastic() && action != CreateRow && action != DeleteRow,
		!t.elastic() && action == DeleteRow:
		return false
	}
	message := action.bulkMessage()
	ok, err := c.messages.get(ctx, message+" "+t.LogicalName, func(ctx context.Context) (bool, error) {
		found, _, err := c.rows(ctx, request{op: "find message " + message, method: http.MethodGet, path: "sdkmessagefilters", query: []param{
			{"$select", "sdkmessagefilterid"},
			{"$filter", "sdkmessageid/name eq @message and primaryobjecttypecode eq @table"},
			{"$top", "1"},
			{"@message", "'" + message + "'"}, {"@table", "'" + t.LogicalName + "'"},
		}}, &shape{})
		if k := KindOf(err); k == Denied || k == Invalid || k == NotFound { // that answer will stay the same
			return false, nil
		}
		return len(found.rows) > 0, err
	})
	return ok && err == nil // without an answer, a batch does it too
}

// sendMany sends items in one bulk request. At the end every item is over.
func (c *Client) sendMany(ctx context.Context, items []*item) {
	t, action := items[0].table, items[0].action
	a, err := c.do(ctx, bulkRequest(items))
	if err == nil {
		finishMany(items, a)
		return
	}
	e := asError(err)
	made := e.uncertain && action == CreateRow && !t.elastic() && items[0].own && c.isThere(ctx, items[0])
	switch {
	case made: // all or none, and the first is there
		finishMany(items, &answer{})
	case e.Kind == Throttled || e.Kind == Unavailable || e.InDoubt || e.Status < 400 || e.Status == http.StatusUnauthorized:
		for _, it := range items {
			it.maybe = e.uncertain
			it.fail(e)
		}
		if e.uncertain && action == CreateRow && t.elastic() { // of its rows, some may be there
			c.confirm(ctx, slices.DeleteFunc(slices.Clone(items), func(it *item) bool { return !it.own }))
		}
		for _, it := range waiting(items) {
			it.giveUp()
		}
	default: // one row was bad: find out which
		for i, it := range items {
			if it.maybe = e.uncertain || t.elastic() && e.written == nil; e.written != nil && e.written[i] {
				it.finish(Result{ID: it.id, Created: action == CreateRow})
			}
		}
		c.sendEach(ctx, waiting(items))
	}
}

// bulkRequest writes {"Targets":[…]} around what each item would send by itself.
func bulkRequest(items []*item) request {
	t, action := items[0].table, items[0].action
	var b bytes.Buffer
	b.WriteString(`{"Targets":[`)
	repeatable := true
	for i, it := range items {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"@odata.type":"Microsoft.Dynamics.CRM.%s"`, t.LogicalName)
		if action != CreateRow {
			fmt.Fprintf(&b, `,%q:%q`, t.PrimaryID, it.id)
		}
		if it.partition != "" {
			partition, _ := json.Marshal(it.partition) // text always can
			fmt.Fprintf(&b, `,%q:%s`, partitionColumn, partition)
		}
		if rest := bytes.TrimPrefix(it.body, []byte("{")); len(rest) > 1 { // the item's own object, which has been opened
			b.WriteByte(',')
			b.Write(rest)
		} else {
			b.WriteByte('}')
		}
		repeatable = repeatable && it.repeatable
	}
	b.WriteString("]}")
	var header []param
	if t.elastic() {
		header = []param{preferences(rowDetails)}
	}
	return request{
		op: fmt.Sprintf("%s %d rows of %s", action, len(items), t.LogicalName), method: http.MethodPost,
		path: t.SetName + "/Microsoft.Dynamics.CRM." + action.bulkMessage(), body: b.Bytes(), header: header, rows: len(items),
		repeatable: repeatable, timeout: longTimeout,
	}
}

// finishMany ends items that were carried out. The service tells ids of rows it made.
func finishMany(items []*item, a *answer) {
	var body struct {
		IDs []string `json:"Ids"`
	}
	if err := json.Unmarshal(a.body, &body); err != nil || len(body.IDs) != len(items) {
		body.IDs = nil // ids that were sent are as good
	}
	for i, it := range items {
		res := Result{ID: it.id, Created: it.action == CreateRow}
		if body.IDs != nil {
			res.ID = body.IDs[i]
		}
		it.finish(res)
	}
}
