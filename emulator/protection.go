package emulator

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
)

// Limits are what one user may ask of the service within a window of time that slides along. A zero is no limit.
type Limits struct {
	Requests   int           // requests in a window; a batch is one
	Execution  time.Duration // execution time of all requests in a window together
	Concurrent int           // requests at the same time
	Window     time.Duration // 0 is five minutes
}

// ServiceLimits are those that Dataverse documents.
func ServiceLimits() Limits {
	return Limits{Requests: 6000, Execution: 20 * time.Minute, Concurrent: 52, Window: 5 * time.Minute}
}

// The codes of the service protection limits.
const (
	codeTooManyRequests   = "0x80072322"
	codeTooMuchExecution  = "0x80072321"
	codeTooManyConcurrent = "0x80072326"
)

// parallelism is the number of requests at a time that the service recommends for this environment.
const parallelism = "4"

// protection keeps users to the limits.
type protection struct {
	limits Limits
	now    func() time.Time

	mu    sync.Mutex
	users map[string]*usage
}

// usage is what one user has had of the service, oldest first.
type usage struct {
	running  int
	requests []time.Time
	refused  time.Time // until then no more requests are let in
	spent    []spending
}

// spending is the execution time of a request that ended at a time.
type spending struct {
	at   time.Time
	took time.Duration
}

func newProtection(limits Limits, now func() time.Time) *protection {
	limits.Window = cmp.Or(limits.Window, ServiceLimits().Window)
	return &protection{limits: limits, now: now, users: map[string]*usage{}}
}

// protect counts the request in, or refuses it. Call leave when it is answered.
func (c *call) protect() (leave func(), err error) {
	p := c.protection
	user := cmp.Or(c.caller.onBehalfOf, c.caller.user)
	refused, left, time := p.enter(user)
	h := c.w.Header()
	h.Set("x-ms-dop-hint", parallelism)
	h.Set("x-ms-ratelimit-burst-remaining-xrm-requests", strconv.Itoa(left))
	h.Set("x-ms-ratelimit-time-remaining-xrm-requests", humanize.FormatFloat("#,###.##", time.Seconds()))
	if refused != nil {
		return nil, refused
	}
	began := p.now()
	return func() { p.leave(user, began) }, nil
}

// enter tells, besides why the request is refused, how many requests and how much time are left in the window.
func (p *protection) enter(user string) (refused *Error, requests int, execution time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	u := p.users[user]
	if u == nil {
		u = &usage{}
		p.users[user] = u
	}
	u.forget(now.Add(-p.limits.Window))
	refused = p.refusal(u, now)
	if refused == nil {
		u.running++
		if p.limits.Requests > 0 {
			u.requests = append(u.requests, now)
		}
	}
	requests, execution = ServiceLimits().Requests, ServiceLimits().Execution
	if l := p.limits.Requests; l > 0 {
		requests = max(0, l-len(u.requests))
	}
	if l := p.limits.Execution; l > 0 {
		execution = max(0, l-u.total())
	}
	return refused, requests, execution
}

// refusal is the answer to a request that a limit does not let in, nil when all do.
func (p *protection) refusal(u *usage, now time.Time) *Error {
	l := p.limits
	seconds := int(l.Window / time.Second)
	if l.Concurrent > 0 && u.running >= l.Concurrent {
		return throttled(time.Second, codeTooManyConcurrent, "Number of concurrent requests exceeded the limit of %d.", l.Concurrent)
	}
	if l.Requests > 0 && len(u.requests) >= l.Requests {
		if now.Before(u.refused) && len(u.requests) < 2*l.Requests {
			u.requests = append(u.requests, now) // who does not wait as told waits longer
		}
		u.refused = u.requests[len(u.requests)-l.Requests].Add(l.Window)
		return throttled(u.refused.Sub(now), codeTooManyRequests,
			"Number of requests exceeded the limit of %d over time window of %d seconds.", l.Requests, seconds)
	}
	if total := u.total(); l.Execution > 0 && total >= l.Execution {
		var free time.Time
		for _, s := range u.spent {
			if total -= s.took; total < l.Execution {
				free = s.at.Add(l.Window)
				break
			}
		}
		return throttled(free.Sub(now), codeTooMuchExecution, "Combined execution time of incoming requests exceeded limit of %s milliseconds "+
			"over time window of %d seconds. Decrease number of concurrent requests or reduce the duration of requests and try again later.",
			humanize.Comma(l.Execution.Milliseconds()), seconds)
	}
	return nil
}

// throttled asks for a pause, told in whole seconds.
func throttled(pause time.Duration, code, format string, args ...any) *Error {
	e := fail(http.StatusTooManyRequests, code, format, args...)
	seconds := max(1, (pause+time.Second-1)/time.Second)
	e.Header = http.Header{"Retry-After": {strconv.FormatInt(int64(seconds), 10)}}
	return e
}

func (p *protection) leave(user string, began time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	u, now := p.users[user], p.now()
	u.running--
	if p.limits.Execution > 0 {
		u.spent = append(u.spent, spending{now, now.Sub(began)})
	}
}

// forget drops what lies outside the window.
func (u *usage) forget(before time.Time) {
	u.requests = slices.DeleteFunc(u.requests, func(at time.Time) bool { return !at.After(before) })
	u.spent = slices.DeleteFunc(u.spent, func(s spending) bool { return !s.at.After(before) })
}

func (u *usage) total() (sum time.Duration) {
	for _, s := range u.spent {
		sum += s.took
	}
	return sum
}
