package dataverse

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// cache keeps what was fetched for a while. Callers that ask for the same key at once share one fetch; a caller that
// gives up does not end it for the others, and a failed fetch is not kept.
type cache[V any] struct {
	ttl    time.Duration
	now    func() time.Time
	flight singleflight.Group

	mu      sync.Mutex
	entries map[string]entry[V]
}

type entry[V any] struct {
	value   V
	fetched time.Time
}

// fetchTimeout bounds a fetch, whose callers may all have gone.
const fetchTimeout = 5 * time.Minute

func newCache[V any](ttl time.Duration, now func() time.Time) *cache[V] {
	return &cache[V]{ttl: ttl, now: now, entries: map[string]entry[V]{}}
}

func (c *cache[V]) get(ctx context.Context, key string, fetch func(context.Context) (V, error)) (V, error) {
	if v, ok := c.peek(key); ok {
		return v, nil
	}
	done := c.flight.DoChan(key, func() (any, error) {
		if v, ok := c.peek(key); ok { // a flight that ended between the look and the start
			return v, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
		defer cancel()
		v, err := fetch(ctx)
		if err != nil {
			return nil, err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.entries[key] = entry[V]{value: v, fetched: c.now()}
		return v, nil
	})
	var zero V
	select {
	case <-ctx.Done():
		return zero, ctx.Err()
	case res := <-done:
		if res.Err != nil {
			return zero, copied(res.Err)
		}
		return res.Val.(V), nil
	}
}

func (c *cache[V]) peek(key string) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[key]
	return e.value, ok && c.now().Sub(e.fetched) < c.ttl
}

// forget drops what was fetched longer ago than age, and says whether there was any.
func (c *cache[V]) forget(age time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := len(c.entries)
	maps.DeleteFunc(c.entries, func(_ string, e entry[V]) bool { return c.now().Sub(e.fetched) > age })
	return len(c.entries) < before
}

// copied gives every caller of a shared fetch an Error of its own to name its operation in.
func copied(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		own := *e
		return &own
	}
	return err
}
