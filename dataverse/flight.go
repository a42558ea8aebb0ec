package dataverse

import (
	"context"
	"errors"
	"sync"
	"time"
)

// flights lets callers who want the same at the same time share one call. It goes on without those that have no more
// time, as they or others will ask again; when all have cancelled, it ends.
type flights[V any] struct {
	mu  sync.Mutex
	all map[string]*flight[V]
}

type flight[V any] struct {
	done    chan struct{} // closed when v and err are set
	v       V
	err     error
	cancel  context.CancelFunc
	callers int // that have not cancelled

	deadline time.Time // until when it waits for the service's limits; zero is as long as others do
}

// flightTimeout bounds a call whose callers may all have gone.
const flightTimeout = 5 * time.Minute

// share returns what run does, which is given a context of its own. It waits for the service's limits as long as the
// caller would who came first; another with more time begins anew.
func (f *flights[V]) share(ctx context.Context, key string, run func(context.Context) (V, error)) (V, error) {
	for {
		one, first := f.board(ctx, key, run)
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				f.leave(key, one)
			}
			var zero V
			return zero, ctx.Err()
		case <-one.done:
		}
		e, ok := errors.AsType[*Error](one.err)
		switch {
		case !ok:
			return one.v, one.err
		case !first && e.Kind == Throttled && one.endsBefore(ctx) && !tooLong(ctx, e.RetryAfter):
			continue
		}
		own := *e // every caller names its operation in it
		return one.v, &own
	}
}

// board finds the flight for key, or begins it.
func (f *flights[V]) board(ctx context.Context, key string, run func(context.Context) (V, error)) (one *flight[V], first bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one = f.all[key]; one != nil {
		one.callers++
		return one, false
	}
	shared, cancel := context.WithTimeout(withPatienceOf(ctx), flightTimeout)
	one = &flight[V]{done: make(chan struct{}), cancel: cancel, callers: 1}
	one.deadline, _ = patienceOf(ctx)
	if f.all == nil {
		f.all = map[string]*flight[V]{}
	}
	f.all[key] = one
	go func() {
		defer cancel()
		one.v, one.err = run(shared)
		f.land(key, one)
		close(one.done)
	}()
	return one, true
}

// endsBefore tells whether the caller has more time than the one who began the flight.
func (one *flight[V]) endsBefore(ctx context.Context) bool {
	deadline, ok := patienceOf(ctx)
	return ok && !one.deadline.IsZero() && deadline.After(one.deadline)
}

// leave takes a caller off who wants nothing any more. The last one ends the flight.
func (f *flights[V]) leave(key string, one *flight[V]) {
	f.mu.Lock()
	one.callers--
	last := one.callers == 0
	f.mu.Unlock()
	if last {
		f.land(key, one)
		one.cancel()
	}
}

// land lets nobody come in any more.
func (f *flights[V]) land(key string, one *flight[V]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all[key] == one {
		delete(f.all, key)
	}
}
