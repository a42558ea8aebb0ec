package dataverse

import (
	"context"
	"maps"
	"strconv"
	"sync"
	"time"
)

// cache keeps what was fetched for a while. Callers that ask for the same key at once share one fetch; a failed fetch is
// not kept.
type cache[V any] struct {
	ttl    time.Duration
	now    func() time.Time
	kept   func() // called after a fetch that was kept; may be nil
	flight flights[V]

	mu      sync.Mutex
	entries map[string]entry[V]
	// epoch is the number of times that entries were forgotten: a fetch that began before may bring what was meant to go.
	epoch int
}

type entry[V any] struct {
	value   V
	fetched time.Time
}

func newCache[V any](ttl time.Duration, now func() time.Time) *cache[V] {
	return &cache[V]{ttl: ttl, now: now, entries: map[string]entry[V]{}}
}

func (c *cache[V]) get(ctx context.Context, key string, fetch func(context.Context) (V, error)) (V, error) {
	v, ok, epoch := c.look(key)
	if ok {
		return v, nil
	}
	return c.flight.share(ctx, key+"\x00"+strconv.Itoa(epoch), func(ctx context.Context) (V, error) {
		if v, ok, _ := c.look(key); ok { // a flight that ended between the look and the start
			return v, nil
		}
		v, err := fetch(ctx)
		if err == nil && c.put(key, v, epoch) && c.kept != nil {
			c.kept()
		}
		return v, err
	})
}

func (c *cache[V]) look(key string) (v V, ok bool, epoch int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[key]
	return e.value, ok && c.now().Sub(e.fetched) < c.ttl, c.epoch
}

// put keeps what was fetched since epoch, and says whether it did.
func (c *cache[V]) put(key string, v V, epoch int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch != epoch {
		return false
	}
	c.entries[key] = entry[V]{value: v, fetched: c.now()}
	return true
}

// forget drops the entries for which drop holds. What is being fetched meanwhile is not kept.
func (c *cache[V]) forget(drop func(key string, v V) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	maps.DeleteFunc(c.entries, func(key string, e entry[V]) bool { return drop(key, e.value) })
}

// replace drops everything for entries that were held earlier.
func (c *cache[V]) replace(entries map[string]entry[V]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	c.entries = entries
}

// epochs is how many times entries were forgotten.
func (c *cache[V]) epochs() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.epoch
}

// held are the entries that are not too old.
func (c *cache[V]) held() map[string]entry[V] {
	c.mu.Lock()
	defer c.mu.Unlock()
	held := maps.Clone(c.entries)
	maps.DeleteFunc(held, func(_ string, e entry[V]) bool { return c.now().Sub(e.fetched) >= c.ttl })
	return held
}
