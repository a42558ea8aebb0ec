package dataverse

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Action is what an Operation does to its row.
type Action string

// The actions, which do what the methods of Client do that are called so.
const (
	CreateRow Action = "create"
	UpdateRow Action = "update"
	UpsertRow Action = "upsert"
	DeleteRow Action = "delete"
)

// Operation is one write of a Batch.
type Operation struct {
	Action      Action
	Table       string
	ID          string // GUID or alternate key; "" for a create, which may name its id in Values
	Values      Values // none for a delete
	IfMatch     string // etag that the row must have; "" for any
	IfNoneMatch bool   // an upsert makes a row, never changes one
}

// BatchOptions say how a Batch is carried out. The zero BatchOptions let each operation succeed or fail by itself.
type BatchOptions struct {
	Atomic bool // all operations or none, at most 1000
}

// Result is what became of one operation.
type Result struct {
	Position int    // of the operation in the input, from 0
	ID       string // of the row, where it is known
	ETag     string // version after an update or upsert; "" where the service did not tell
	Created  bool   // the row is new
	Err      *Error // nil when it was carried out; InDoubt where it may have been all the same
}

const (
	maxBatch      = 1000     // requests that the service takes in one batch
	maxBatchBytes = 16 << 20 // of one body; the service refuses bodies far larger, but works on them for minutes
	// longTimeout is how long the service itself works on one request.
	longTimeout = 5 * time.Minute
)

// Batch carries out ops in their order, and returns a Result for each. What the service refused because of its limits
// is sent again after those of other rows.
//
// An operation whose answer was lost is repeated where that does no harm: a create that was left to pick its id, an
// update with IfMatch, a delete by GUID. Others are InDoubt.
//
// An error means that nothing was carried out; of an Atomic batch also that its outcome is not known, which the
// message then tells.
func (c *Client) Batch(ctx context.Context, ops []Operation, o BatchOptions) ([]Result, error) {
	if o.Atomic && len(ops) > maxBatch {
		return nil, during("batch", invalid("operations: got %d, want at most %d that are to be carried out all or none", len(ops), maxBatch))
	}
	items := make([]*item, len(ops))
	for i, op := range ops {
		ch, err := c.prepareOperation(ctx, op)
		if err == nil && o.Atomic && ch.table.elastic() {
			err = invalid("table %s is elastic: it takes no part in all or none", ch.table.LogicalName)
		}
		if err != nil && (o.Atomic || ctx.Err() != nil) {
			return nil, during(operationName(i, op), err)
		}
		ch.op = operationName(i, op)
		items[i] = newItem(ch, i, err)
	}
	if o.Atomic {
		return c.sendTogether(ctx, items)
	}
	for part := range parts(waiting(items), maxBatch) {
		c.sendEach(ctx, part)
	}
	return results(items), nil
}

func operationName(i int, op Operation) string {
	return fmt.Sprintf("operation %d, %s %s", i+1, op.Action, op.Table)
}

func (c *Client) prepareOperation(ctx context.Context, op Operation) (change, error) {
	cond := conditions{absent: op.IfNoneMatch}
	if op.IfMatch != "" {
		var err error
		if cond, err = conditionsOf([]WriteOption{IfMatch(op.IfMatch)}); err != nil {
			return change{}, err
		}
		cond.absent = op.IfNoneMatch
	}
	switch op.Action {
	case CreateRow:
		if op.ID != "" || cond != (conditions{}) {
			return change{}, invalid("a create takes neither an id beside its values nor a condition: use upsert")
		}
		return c.creation(ctx, op.Table, op.Values)
	case UpdateRow:
		return c.update(ctx, op.Table, op.ID, op.Values, cond)
	case UpsertRow:
		return c.upsertion(ctx, op.Table, op.ID, op.Values, cond)
	case DeleteRow:
		if len(op.Values) > 0 {
			return change{}, invalid("a delete takes no values")
		}
		return c.deletion(ctx, op.Table, op.ID, cond)
	}
	return change{}, invalid("action: got %s, want create, update, upsert or delete", quoted(string(op.Action)))
}

// item is an operation under way.
type item struct {
	change
	result Result
	// maybe is set when an attempt may have carried it out.
	maybe bool
	over  bool
}

func newItem(ch change, position int, err error) *item {
	it := &item{change: ch, result: Result{Position: position, ID: ch.id}}
	if err != nil {
		it.fail(asError(during(ch.op, err)))
		it.over = true
	}
	return it
}

// fail notes why an attempt brought nothing. It is the last word unless another attempt follows.
func (it *item) fail(e *Error) {
	own := *e
	own.Op = it.op
	it.result.Err = &own
}

// finish ends an item that was carried out.
func (it *item) finish(res Result) {
	res.Position = it.result.Position
	it.result, it.over = res, true
}

// giveUp ends an item that was not, or may not have been, carried out.
func (it *item) giveUp() {
	it.over = true
	if e := it.result.Err; it.maybe && e.Kind != Conflict && e.Kind != NotFound {
		e.doubt()
	}
}

func waiting(items []*item) []*item {
	return slices.DeleteFunc(slices.Clone(items), func(it *item) bool { return it.over })
}

func results(items []*item) []Result {
	out := make([]Result, len(items))
	for i, it := range items {
		out[i] = it.result
	}
	return out
}

// parts cuts items into what one request may carry.
func parts(items []*item, most int) func(yield func([]*item) bool) {
	return func(yield func([]*item) bool) {
		for len(items) > 0 {
			n, size := 0, 0
			for n < min(len(items), most) && (n == 0 || size+len(items[n].body) <= maxBatchBytes) {
				size += len(items[n].body)
				n++
			}
			if !yield(items[:n]) {
				return
			}
			items = items[n:]
		}
	}
}

// batchRequest packs items into one request.
func (c *Client) batchRequest(op string, items []*item, together bool) request {
	requests := make([]request, len(items))
	for i, it := range items {
		requests[i] = it.request
	}
	body, contentType := c.envelope(requests, together)
	r := request{
		op: op, method: http.MethodPost, path: "$batch", body: body, header: []param{{"Content-Type", contentType}}, timeout: longTimeout,
	}
	if !together && !repeats(items) { // else a change that is sent again must not come after a later one of its row
		r.header = append(r.header, preferences("odata.continue-on-error"))
	}
	return r
}
