package dataverse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// request is one call of the service, which may take several attempts.
type request struct {
	op     string // in domain words, for errors and the log
	method string
	path   string  // below the service root, percent-encoded
	query  []param // in the order given
	// skipToken is a $skiptoken as the service wrote it. It is not decoded and encoded again: it must come back unaltered.
	skipToken string
	header    []param
	body      []byte // JSON; nil for none
	// repeatable says that repeating after an unknown outcome does no harm. GET always is. A request that was certainly
	// not carried out (429, no connection) is repeated whatever its verb.
	repeatable bool
}

type param struct{ name, value string }

// answer is a successful answer, read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
	// repeated is set when an earlier attempt may have been carried out too.
	repeated bool
}

const (
	maxAttempts = 5
	// maxWait is the longest wait between two attempts; a service that asks for more is reported as Throttled at once.
	maxWait = time.Minute
	// maxURL is Dataverse's own limit in bytes.
	maxURL = 32 << 10
)

// do is the only road to the wire: it sends r, repeats it where that is safe, and returns a 2xx answer or an *Error.
func (c *Client) do(ctx context.Context, r request) (*answer, error) {
	target := c.root + r.path + encodeQuery(r.query, r.skipToken)
	if len(target) > maxURL {
		return nil, &Error{Op: r.op, Kind: Invalid, Message: fmt.Sprintf("the query is %d bytes as a URL, more than the %d the service takes: select fewer columns or shorten the filter", len(target), maxURL)}
	}
	maybeDone := false
	var last *Error
	res, err := backoff.Retry(ctx, func() (*answer, error) {
		a, e, again := c.attempt(ctx, r, target)
		if e == nil {
			a.repeated = maybeDone
			return a, nil
		}
		e.uncertain = maybeDone
		last = e
		if again == afterUnknown {
			maybeDone = true
		}
		return nil, c.retryError(ctx, r, e, again)
	}, backoff.WithBackOff(newBackOff()), backoff.WithMaxTries(maxAttempts), backoff.WithMaxElapsedTime(0),
		backoff.WithNotify(func(_ error, wait time.Duration) {
			c.log.InfoContext(ctx, "request repeated", "op", r.op, "status", last.Status, "code", last.Code, "wait", wait)
		}))
	if err == nil {
		return res, nil
	}
	if last == nil { // unreachable: Retry makes at least one attempt
		return nil, during(r.op, err)
	}
	return nil, c.finalError(ctx, r, last, maybeDone)
}

// again says whether an attempt may be followed by another.
type again int

const (
	never        again = iota
	afterRefusal       // it was certainly not carried out
	afterUnknown       // it may have been carried out
)

// retryError tells backoff what to do about e.
func (c *Client) retryError(ctx context.Context, r request, e *Error, a again) error {
	if a == never || a == afterUnknown && !r.repeatable && r.method != http.MethodGet {
		return backoff.Permanent(e)
	}
	if e.RetryAfter > maxWait {
		return backoff.Permanent(e)
	}
	// No use in sleeping past the caller's deadline: say now what stands in the way.
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < e.RetryAfter {
		return backoff.Permanent(e)
	}
	if e.RetryAfter > 0 {
		return errors.Join(e, &backoff.RetryAfterError{Duration: e.RetryAfter})
	}
	return e
}

// finalError is what the caller learns when no attempt succeeded.
func (c *Client) finalError(ctx context.Context, r request, e *Error, maybeDone bool) error {
	if ctx.Err() != nil && !isContext(e) {
		e.Err = errors.Join(ctx.Err(), e.Err)
	}
	if maybeDone && r.method != http.MethodGet && e.Kind != Conflict && e.Kind != NotFound { // those are for the operation to judge
		e.Message += "; whether the change was made is not known: read the row before trying again"
	}
	return e
}

func newBackOff() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.Multiplier, b.RandomizationFactor, b.MaxInterval = 500*time.Millisecond, 2, 0.5, maxWait
	return b
}

// attempt sends r once.
func (c *Client) attempt(ctx context.Context, r request, target string) (*answer, *Error, again) {
	started := c.now()
	a, err := c.roundTrip(ctx, r, target)
	if err != nil {
		e, what := c.networkError(r.op, err)
		if ctx.Err() != nil {
			e = &Error{Op: r.op, Kind: Unavailable, Message: contextMessage(ctx.Err()), Err: ctx.Err()}
		}
		c.log.DebugContext(ctx, "request failed", "op", r.op, "method", r.method, "error", e.Message, "took", c.now().Sub(started))
		return nil, e, againAfter(e, what)
	}
	c.log.DebugContext(ctx, "request answered", "op", r.op, "method", r.method, "status", a.status,
		"bytes", len(a.body), "request_id", requestID(a.header), "took", c.now().Sub(started))
	if a.status >= 200 && a.status < 300 {
		if isHTML(a.header, nil) { // a sign-in page or a portal: nothing was done
			return nil, c.badAnswer(r.op, a, nil), never
		}
		return a, nil, never
	}
	e := c.answerError(r.op, a)
	switch {
	case a.status == http.StatusTooManyRequests:
		return nil, e, afterRefusal
	case e.Kind == Throttled, e.Kind == Unavailable && (a.status >= 500 || a.status == http.StatusRequestTimeout):
		return nil, e, afterUnknown
	}
	return nil, e, never
}

func againAfter(e *Error, what outcome) again {
	switch {
	case what == hopeless || e.Kind != Unavailable:
		return never
	case what == notSent:
		return afterRefusal
	}
	return afterUnknown
}

// roundTrip sends r once and reads the answer to its end, within the time and the size allowed.
func (c *Client) roundTrip(ctx context.Context, r request, target string) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, body)
	if err != nil {
		return nil, &Error{Kind: Invalid, Message: "the request cannot be written as a URL", Err: err}
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("OData-Version", "4.0")
	req.Header.Set("OData-MaxVersion", "4.0")
	req.Header.Set("User-Agent", c.userAgent)
	for _, h := range r.header {
		req.Header.Set(h.name, h.value)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, c.maxBody+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > c.maxBody {
		return nil, &Error{Kind: Invalid, Status: resp.StatusCode, Message: fmt.Sprintf("the answer is larger than the %d bytes allowed: select fewer columns or fewer rows", c.maxBody)}
	}
	return &answer{status: resp.StatusCode, header: resp.Header, body: data}, nil
}

// encodeQuery writes the query string with its question mark. Blanks become %20: the service does not read + as one.
func encodeQuery(params []param, skipToken string) string {
	parts := make([]string, 0, len(params)+1)
	for _, p := range params {
		parts = append(parts, p.name+"="+queryEscape(p.value))
	}
	if skipToken != "" {
		parts = append(parts, "$skiptoken="+skipToken)
	}
	if len(parts) == 0 {
		return ""
	}
	return "?" + strings.Join(parts, "&")
}

// queryEscape leaves what OData text is full of readable, and so the URL short.
func queryEscape(s string) string {
	return strings.NewReplacer("+", "%20", "%24", "$", "%27", "'", "%28", "(", "%29", ")", "%2C", ",", "%2F", "/", "%3A", ":", "%40", "@").
		Replace(url.QueryEscape(s))
}
