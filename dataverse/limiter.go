package dataverse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// Limits are what a Client asks of the service at most. The zero Limits are those of Dataverse for one user.
type Limits struct {
	Requests int           // in any Window; 0 means 6000
	Window   time.Duration // 0 means 5 min
	InFlight int           // requests at once; 0 means 26, half of what the service takes
}

const (
	defaultRequests = 6000
	defaultWindow   = 5 * time.Minute
	defaultInFlight = 26
	defaultParallel = 4 // parts of one call at once, until the service has told what it recommends

	calm         = 10 * time.Second // after a slow-down, before each step back up
	scarceTime   = 30 * time.Second // of execution time left in the window: then go slower
	slowest      = 16               // the rate is never cut to less than this part of it
	codeParallel = "0x80072326"     // too many requests at once
)

// limiter is the one gate that all requests of a Client pass. It keeps below the service's limits, and lets nobody
// through while the service wants a pause: whoever goes on sending then makes the pause longer for all.
type limiter struct {
	rate     *rate.Limiter
	top      rate.Limit // what rate goes back up to
	slots    *semaphore.Weighted
	inFlight int64
	waiting  atomic.Int64 // requests that wait for their turn
	sent     atomic.Int64 // requests whose turn it is
	dop      atomic.Int64 // parallelism that the service recommends; 0 until it did

	mu      sync.Mutex
	weight  int64     // slots that a request takes: 2 halves how many run at once
	changed time.Time // when rate and weight were last changed
	until   time.Time // nobody sends before
	cause   *Error    // why
}

// newLimiter gives some requests as a burst and the others at an even rate. Together they are a little less than
// l.Requests in any window, as requests may come closer together than they were sent. A larger burst would have to be
// saved up for at a lower rate: who keeps on sending would use less of what is allowed.
func newLimiter(l Limits) *limiter {
	requests := cmp.Or(l.Requests, defaultRequests)
	inFlight := int64(cmp.Or(l.InFlight, defaultInFlight))
	burst := max(1, requests/20)
	steady := max(1, requests-burst-requests/50)
	top := rate.Limit(float64(steady) / cmp.Or(l.Window, defaultWindow).Seconds())
	return &limiter{rate: rate.NewLimiter(top, burst), top: top, slots: semaphore.NewWeighted(inFlight), inFlight: inFlight, weight: 1}
}

// enter waits until a request may be sent, and returns what is to be called when it is over. It does not begin a wait
// that the caller has no time for.
func (l *limiter) enter(ctx context.Context) (leave func(), e *Error) {
	if err := ctx.Err(); err != nil {
		return nil, &Error{Kind: Unavailable, Message: contextMessage(err), Err: err}
	}
	if d, why := l.pause(); tooLong(ctx, d) { // told before a place is waited for: those who hold them wait too
		return nil, noTime(d, why)
	}
	l.waiting.Add(1)
	defer l.waiting.Add(-1)
	l.mu.Lock()
	weight := l.weight
	l.mu.Unlock()
	if !l.slots.TryAcquire(weight) {
		if err := l.slots.Acquire(ctx, weight); err != nil {
			return nil, l.busy(err, weight)
		}
	}
	if e := l.wait(ctx); e != nil {
		l.slots.Release(weight)
		return nil, e
	}
	l.sent.Add(1)
	return func() {
		l.sent.Add(-1)
		l.slots.Release(weight)
	}, nil
}

func (l *limiter) busy(err error, weight int64) *Error {
	if errors.Is(err, context.Canceled) {
		return &Error{Kind: Unavailable, Message: contextMessage(err), Err: err}
	}
	return &Error{Kind: Throttled, RetryAfter: time.Second, Err: err, Message: fmt.Sprintf(
		"nothing was sent: the %d requests that may run at once were busy until the caller's time was over", max(1, l.inFlight/weight))}
}

// wait waits for the end of the service's pause and for its turn.
func (l *limiter) wait(ctx context.Context) *Error {
	turn := l.rate.Reserve()
	for {
		d, why := l.pause()
		inVain := tooLong(ctx, d)
		if own := turn.Delay(); own > d {
			d, why = own, &Error{Message: "requests are sent no faster than the service allows"}
			inVain = pastDeadline(ctx, d)
		}
		if d <= 0 {
			return nil
		}
		if inVain {
			turn.Cancel()
			return noTime(d, why)
		}
		select {
		case <-ctx.Done():
			turn.Cancel()
			return &Error{Kind: Unavailable, Message: contextMessage(ctx.Err()), Err: ctx.Err()}
		case <-time.After(d):
		}
	}
}

// tooLong says whether a wait of d that the service asks for is not begun: a caller without a deadline waits maxWait.
func tooLong(ctx context.Context, d time.Duration) bool {
	_, ok := patienceOf(ctx)
	return pastDeadline(ctx, d) || !ok && d > maxWait
}

// pastDeadline says whether the caller has no time for a wait of d.
func pastDeadline(ctx context.Context, d time.Duration) bool {
	deadline, ok := patienceOf(ctx)
	return d > 0 && ok && time.Until(deadline) < d
}

type patienceKey struct{}

// withPatienceOf is a context that ctx does not end, in which no wait is begun that is past ctx's deadline.
func withPatienceOf(ctx context.Context) context.Context {
	deadline, _ := patienceOf(ctx)
	return context.WithValue(context.WithoutCancel(ctx), patienceKey{}, deadline)
}

// patienceOf is until when the caller waits for the service's limits. It has not said so where ok is false.
func patienceOf(ctx context.Context) (deadline time.Time, ok bool) {
	if at, ok := ctx.Value(patienceKey{}).(time.Time); ok {
		return at, !at.IsZero()
	}
	return ctx.Deadline()
}

// noTime is the error of a wait that is not begun.
func noTime(d time.Duration, why *Error) *Error {
	return &Error{Kind: Throttled, Code: why.Code, RetryAfter: d, Err: why.Err, Message: fmt.Sprintf(
		"nothing was sent: it would have to wait %s, longer than there is time for (%s)", d.Round(time.Millisecond), why.Message)}
}

// pause tells how long the service still wants no requests, and why.
func (l *limiter) pause() (time.Duration, *Error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Until(l.until), l.cause
}

// learn takes in what an answer tells about the limits. The service counts for each of its web servers: a number that
// is larger than what is left here may be another server's, a smaller one is believed.
func (l *limiter) learn(h http.Header) {
	if n, err := strconv.Atoi(h.Get("x-ms-dop-hint")); err == nil && n > 0 {
		l.dop.Store(int64(n))
	}
	now := time.Now()
	if left, ok := headerNumber(h, "x-ms-ratelimit-burst-remaining-xrm-requests"); ok {
		if over := int(l.rate.TokensAt(now) - left); over > 0 {
			l.rate.AllowN(now, over)
		}
	}
	if left, ok := headerNumber(h, "x-ms-ratelimit-time-remaining-xrm-requests"); ok && left < scarceTime.Seconds() {
		l.slower(now, false)
	}
}

// penalize makes all callers pause for as long as the service asked one of them to, and go slower after it.
func (l *limiter) penalize(e *Error) {
	now := time.Now()
	l.slower(now, equalCode(e.Code, codeParallel))
	if n := int(l.rate.TokensAt(now)); n > 0 { // the burst is spent, as the service sees it
		l.rate.AllowN(now, n)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := now.Add(e.RetryAfter); e.RetryAfter > 0 && until.After(l.until) {
		own := *e
		l.until, l.cause = until, &own
	}
}

// slower halves the rate, or how many run at once. What many requests that were under way together bring counts once.
func (l *limiter) slower(now time.Time, parallel bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.changed) < time.Second || now.Before(l.until) {
		return
	}
	l.changed = now
	if parallel {
		l.weight = min(l.weight*2, l.inFlight)
		return
	}
	l.rate.SetLimitAt(now, max(l.rate.Limit()/2, l.top/slowest))
}

// faster takes back a part of what slower did, once in a while. It is for answers that bring what was asked for.
func (l *limiter) faster() {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.changed) < calm || l.weight == 1 && l.rate.Limit() == l.top {
		return
	}
	l.changed = now
	l.weight = max(1, l.weight/2)
	l.rate.SetLimitAt(now, min(l.top, l.rate.Limit()+l.top/slowest))
}

// parallel is how many parts of one call may run at once.
func (l *limiter) parallel() int {
	return int(min(cmp.Or(l.dop.Load(), defaultParallel), l.inFlight))
}

// headerNumber reads a number such as 1,200.00.
func headerNumber(h http.Header, name string) (float64, bool) {
	n, err := strconv.ParseFloat(strings.ReplaceAll(h.Get(name), ",", ""), 64)
	return n, err == nil && n >= 0
}
