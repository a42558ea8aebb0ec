package dataverse

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// sendEach carries items out, each by itself, and repeats those that may be until they are answered. At the end every
// item is over.
func (c *Client) sendEach(ctx context.Context, items []*item) {
	left := items
	var tries patience
	_, _ = backoff.Retry(ctx, func() (struct{}, error) { // what went wrong is told by the items
		sent := len(left)
		wait := c.round(ctx, left)
		if left = waiting(left); len(left) < sent { // the service gets on, if slowly
			tries = 0
		}
		return struct{}{}, retryLeft(ctx, left, wait, &tries)
	}, backoff.WithBackOff(newBackOff()), backoff.WithMaxElapsedTime(0))
	c.confirm(ctx, slices.DeleteFunc(slices.Clone(items), func(it *item) bool {
		return it.result.Err == nil || !it.maybe || !it.own
	}))
	for _, it := range waiting(left) {
		it.giveUp()
	}
}

// atOnce is a wait that is none; 0 would leave it to backoff.
const atOnce = time.Nanosecond

var errLeft = errors.New("some operations are to be repeated")

// retryLeft tells backoff whether another round is due, and when.
func retryLeft(ctx context.Context, left []*item, wait time.Duration, tries *patience) error {
	if len(left) == 0 {
		return nil
	}
	switch {
	case tooLong(ctx, wait), !tries.lasts(ctx, left[0].result.Err):
		return backoff.Permanent(errLeft)
	case wait > 0:
		return errors.Join(errLeft, &backoff.RetryAfterError{Duration: wait})
	}
	return errLeft
}

// round sends items once. Those that it leaves open are to be sent again, after wait.
func (c *Client) round(ctx context.Context, items []*item) (wait time.Duration) {
	a, err := c.do(ctx, c.batchRequest("batch", items, false))
	if err != nil {
		e := asError(err)
		for _, it := range items {
			c.unanswered(it, e)
		}
		return 0
	}
	replies, err := open(a.header, bytes.NewReader(a.body))
	if len(replies) > len(items) {
		replies, err = nil, errNoEnvelope
	}
	var refused []*item // creates that an earlier attempt may have made
	for i := range replies {
		wait = max(wait, c.judge(items[i], &replies[i].answer, &refused))
	}
	c.confirm(ctx, refused)
	if n := len(replies); err == nil && n > 0 && n < len(items) && items[n-1].over {
		wait = max(wait, atOnce) // it stopped behind one that failed for good
	}
	for _, it := range items[len(replies):] {
		if err != nil { // what came after cannot be read
			e := asError(c.badAnswer("batch", a, err))
			e.uncertain = true
			c.unanswered(it, e)
			continue
		}
		// Requests are carried out and answered in order, so the service stopped before this one.
		it.fail(&Error{Kind: Unavailable, Message: "the service stopped before this operation"})
	}
	return wait
}

// unanswered notes that the request that carried it brought nothing.
func (c *Client) unanswered(it *item, e *Error) {
	it.fail(e)
	if !e.uncertain {
		it.giveUp()
		return
	}
	it.maybe = true
	if !it.repeatable || errors.Is(e, context.DeadlineExceeded) { // it had all the time that people wait
		it.giveUp()
	}
}

// judge reads the answer to one item. It leaves the item open where it is to be sent again, after wait.
func (c *Client) judge(it *item, a *answer, refused *[]*item) (wait time.Duration) {
	if a.status >= 200 && a.status < 300 {
		res, err := c.done(it.change, a)
		if err != nil {
			it.maybe = true
			it.fail(asError(err))
			it.giveUp()
			return 0
		}
		it.finish(res)
		return 0
	}
	e := c.answerError(it.op, a)
	e.uncertain = it.maybe
	it.fail(e)
	what := c.againAfterAnswer(a.status, e)
	switch {
	case what == afterRefusal:
		return e.RetryAfter
	case what == afterUnknown:
		if it.maybe = true; it.repeatable {
			return e.RetryAfter
		}
	case it.maybe && it.action == DeleteRow && e.Kind == NotFound:
		it.finish(it.result.carriedOut())
		return 0
	case it.maybe && it.action == CreateRow && it.own && e.Kind == Conflict:
		*refused = append(*refused, it)
		return 0
	case it.action != DeleteRow: // a row that is still there was not deleted
		_ = doubtful(it.result.Err)
	}
	it.giveUp()
	return 0
}

// carriedOut is r of an operation that an earlier attempt carried out.
func (r Result) carriedOut() Result {
	return Result{Position: r.Position, ID: r.ID}
}

// confirm looks which rows are there, of creates with an id of our own that an attempt may have carried out.
func (c *Client) confirm(ctx context.Context, doubted []*item) {
	for part := range parts(doubted, maxBatch) {
		looks := make([]request, len(part))
		for i, it := range part {
			looks[i] = it.look()
		}
		replies, err := c.ask(ctx, looks)
		for i, it := range part {
			switch {
			case err == nil && replies[i].status == http.StatusOK:
				res := it.result.carriedOut()
				res.Created = true
				it.finish(res)
			case it.result.Err.Kind != Conflict:
				it.giveUp()
			case err == nil && replies[i].status == http.StatusNotFound: // a duplicate of something else
				it.maybe = false
				it.giveUp()
			default: // whose duplicate it is cannot be told
				it.result.Err.Kind = Unavailable
				it.giveUp()
			}
		}
	}
}

// ask sends reads together.
func (c *Client) ask(ctx context.Context, reads []request) ([]reply, error) {
	body, contentType := c.envelope(reads, false)
	a, err := c.do(ctx, request{
		op: "batch", method: http.MethodPost, path: "$batch", body: body, repeatable: true, timeout: longTimeout,
		header: []param{{"Content-Type", contentType}, preferences("odata.continue-on-error")},
	})
	if err != nil {
		return nil, err
	}
	replies, err := open(a.header, bytes.NewReader(a.body))
	if err == nil && len(replies) != len(reads) {
		err = errNoEnvelope
	}
	return replies, err
}

// sendTogether carries items out in one change set.
//
// The set may be repeated where a create in it was left to pick its id: a second time that create is refused, and the
// whole set with it; and its row being there tells that the first time all was done.
func (c *Client) sendTogether(ctx context.Context, items []*item) ([]Result, error) {
	if len(items) == 0 {
		return nil, nil
	}
	r := c.batchRequest("batch", items, true)
	if len(r.body) > maxBatchBytes {
		return nil, during("batch", invalid("operations: they are %d bytes, want at most %d that are to be carried out all or none", len(r.body), maxBatchBytes))
	}
	var guard *item
	for _, it := range items {
		if it.action == CreateRow && it.own {
			guard = it
			break
		}
	}
	r.repeatable = guard != nil
	maybe := false
	var tries patience
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		e, what := c.attemptTogether(ctx, r, items)
		if e == nil {
			return struct{}{}, nil
		}
		maybe = maybe || e.uncertain || what == afterUnknown
		if !tries.lasts(ctx, e) {
			what = never
		}
		if maybe && guard != nil && what == never && c.isThere(ctx, guard) {
			for _, it := range items {
				it.finish(it.result.carriedOut())
				it.result.Created = it.action == CreateRow
			}
			return struct{}{}, nil
		}
		e.uncertain = maybe
		return struct{}{}, c.retryError(ctx, r, e, what)
	}, backoff.WithBackOff(newBackOff()), backoff.WithMaxElapsedTime(0))
	if err != nil {
		return nil, c.finalError(ctx, r, asError(err), maybe)
	}
	return results(items), nil
}

func (c *Client) isThere(ctx context.Context, it *item) bool {
	_, err := c.do(ctx, it.look())
	return err == nil
}

// attemptTogether sends the change set and finishes the items when it was carried out.
func (c *Client) attemptTogether(ctx context.Context, r request, items []*item) (*Error, again) {
	a, err := c.do(ctx, r)
	if err != nil {
		return asError(err), never
	}
	replies, err := open(a.header, bytes.NewReader(a.body))
	for i := range replies {
		if one := &replies[i]; one.status >= 300 {
			op := "batch"
			if one.number > 0 && one.number <= len(items) {
				op = items[one.number-1].op
			}
			e := c.answerError(op, &one.answer)
			e.uncertain = a.repeated
			return e, c.againAfterAnswer(one.status, e)
		}
	}
	if err == nil && len(replies) != len(items) {
		err = errNoEnvelope
	}
	for i := range replies {
		if err != nil {
			break
		}
		var res Result
		if res, err = c.done(items[i].change, &replies[i].answer); err == nil {
			items[i].finish(res)
		}
	}
	if err != nil {
		e := asError(c.badAnswer("batch", a, err))
		e.uncertain = true
		return e, never
	}
	return nil, never
}

// asError is err, which every failure in this package is.
func asError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Kind: Internal, Message: err.Error(), Err: err}
}
