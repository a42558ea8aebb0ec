package dataverse

import (
	"context"
	"strings"
	"time"
)

// Watch is told of each request before it waits for its turn. The function that it returns is called once, with how the
// request went; requests are sent with the context that it returns.
type Watch func(context.Context, Request) (context.Context, func(Response))

// Request is what may be known of a request by those who watch: nothing of it is anybody's data.
type Request struct {
	Method string
	Route  string // the path with ({}) for each key and argument, such as accounts({})/primarycontactid
}

// Response is how a request went.
type Response struct {
	Attempts []Attempt // none where nothing was sent
	Kind     Kind      // of the error, "" for a success
}

// Attempt is one sending of a request.
type Attempt struct {
	Status int           // 0 where no answer came
	Waited time.Duration // for its turn
	Took   time.Duration // without the wait
}

// Load tells how many requests wait for their turn, and how many were sent and have no answer yet.
func (c *Client) Load() (waiting, sent int) {
	return int(c.limiter.waiting.Load()), int(c.limiter.sent.Load())
}

// watched tells those who watch of r. What it returns is to be called when all is over.
func (c *Client) watched(ctx context.Context, r *request) (context.Context, func(error)) {
	if len(c.watchers) == 0 {
		return ctx, func(error) {}
	}
	seen := Request{Method: r.method, Route: route(r.path)}
	var over []func(Response)
	for _, watch := range c.watchers {
		var end func(Response)
		ctx, end = watch(ctx, seen)
		over = append(over, end)
	}
	var attempts []Attempt
	r.note = func(a Attempt) { attempts = append(attempts, a) }
	return ctx, func(err error) {
		for _, end := range over {
			end(Response{Attempts: attempts, Kind: KindOf(err)})
		}
	}
}

// statusOrNone is 0 for no answer.
func (a *answer) statusOrNone() int {
	if a == nil {
		return 0
	}
	return a.status
}

// route is path without what stands in parentheses: keys name records, and alternate keys and arguments may be what
// people are known by.
func route(path string) string {
	var b strings.Builder
	depth, quoted := 0, false
	for i := range len(path) {
		switch ch := path[i]; {
		case quoted || ch == '\'' && depth > 0:
			quoted = quoted != (ch == '\'')
		case ch == '(':
			if depth++; depth == 1 {
				b.WriteString("({})")
			}
		case ch == ')':
			depth = max(0, depth-1)
		case depth == 0:
			b.WriteByte(ch)
		}
	}
	return b.String()
}
