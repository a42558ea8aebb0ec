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
)

// attempt sends r once, when its turn has come.
func (c *Client) attempt(ctx context.Context, r request, target string) (*answer, *Error, again) {
	asked := c.now()
	leave, e := c.limiter.enter(ctx)
	if e != nil {
		e.Op = r.op
		return nil, e, never
	}
	defer leave()
	started := c.now()
	a, err := c.roundTrip(ctx, r, target)
	if r.note != nil {
		r.note(Attempt{Status: a.statusOrNone(), Waited: started.Sub(asked), Took: c.now().Sub(started)})
	}
	if err != nil {
		e, what := c.networkError(r, err)
		if _, signIn := errors.AsType[signInError](err); ctx.Err() != nil && !signIn {
			e = &Error{Op: r.op, Kind: Unavailable, Message: contextMessage(ctx.Err()), Err: ctx.Err()}
		}
		c.log.DebugContext(ctx, "request failed", "op", r.op, "method", r.method, "error", e.Message, "took", c.now().Sub(started))
		return nil, e, againAfter(e, what)
	}
	c.limiter.learn(a.header)
	c.log.DebugContext(ctx, "request answered", "op", r.op, "method", r.method, "status", a.status,
		"bytes", a.size, "request_id", requestID(a.header), "took", c.now().Sub(started))
	if a.status >= 200 && a.status < 300 || isMultipart(a.header) {
		if isHTML(a.header, nil) { // a sign-in page or a portal: nothing was done
			return nil, c.badAnswer(r.op, a, nil), never
		}
		if a.unread != nil {
			return nil, c.badAnswer(r.op, a, a.unread), never
		}
		c.limiter.faster()
		return a, nil, never
	}
	e = c.answerError(r.op, a)
	e.written = writtenRows(a.body, r.rows)
	return nil, e, c.againAfterAnswer(a.status, e)
}

// againAfterAnswer judges an answer that is no success, and lets all callers know of a limit that was met.
func (c *Client) againAfterAnswer(status int, e *Error) again {
	if e.Kind == Throttled {
		c.limiter.penalize(e)
	}
	switch {
	case status == http.StatusTooManyRequests:
		return afterRefusal
	case e.Kind == Throttled, e.Kind == Unavailable && (status >= 500 || status == http.StatusRequestTimeout),
		e.Kind == Internal && e.Code == "": // not in the service's words: it may have come from a gateway before the service
		return afterUnknown
	}
	return never
}

func againAfter(e *Error, what outcome) again {
	switch {
	case what == hopeless || e.Kind != Unavailable:
		return never
	case what == notSent:
		return afterRefusal
	case what == tooSlow:
		return afterTimeout
	case what == noHost:
		return afterNobody
	}
	return afterUnknown
}

// roundTrip sends r once and reads the answer to its end, within the time and the size allowed.
func (c *Client) roundTrip(ctx context.Context, r request, target string) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, max(c.timeout, r.timeout))
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
	return c.receive(r, resp)
}

// receive reads the answer to r to its end.
func (c *Client) receive(r request, resp *http.Response) (a *answer, err error) {
	body := &boundedBody{from: resp.Body, most: c.maxBody, status: resp.StatusCode}
	a = &answer{status: resp.StatusCode, header: resp.Header}
	switch {
	case r.encloses:
		if a.body, err = io.ReadAll(body); err != nil {
			return nil, err
		}
		if a, err = c.disclose(a); err == nil && r.takesIn(a) {
			a.unread = r.read(bytes.NewReader(a.body))
		}
	case r.takesIn(a):
		a.unread = r.read(body)
		a.body, err = body.head, body.err
	default:
		a.body, err = io.ReadAll(body)
	}
	if err != nil {
		return nil, err
	}
	if a.size = body.size; a.status >= 400 {
		a.body = withoutToken(a.body, resp.Request)
	}
	return a, nil
}

// withoutToken is a refusal without the token of its request: gateways repeat headers, and messages go to models and logs.
func withoutToken(body []byte, sent *http.Request) []byte {
	if sent == nil {
		return body
	}
	_, token, _ := strings.Cut(sent.Header.Get("Authorization"), " ")
	if len(token) < 16 { // those of an emulator, which are words and no secrets
		return body
	}
	return bytes.ReplaceAll(body, []byte(token), []byte("[redacted]"))
}

// takesIn says whether a is for the request's read.
func (r request) takesIn(a *answer) bool {
	return r.read != nil && a.status >= 200 && a.status < 300 && !isHTML(a.header, nil)
}

// boundedBody is a body that fails where it gets larger than most. It remembers why it failed.
type boundedBody struct {
	from   io.Reader
	status int
	most   int64
	size   int64 // read so far
	err    error
	head   []byte // the first byte: a web page shows by it
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.size += int64(n); b.size > b.most {
		err = &Error{Kind: Invalid, Status: b.status, Message: fmt.Sprintf("the answer is larger than the %d bytes allowed: select fewer columns or fewer rows", b.most)}
	}
	if n > 0 && b.head == nil {
		b.head = []byte{p[0]}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

// queryString writes the query with its question mark. Blanks become %20: the service does not read + as one.
func (r request) queryString() string {
	parts := make([]string, 0, len(r.query)+1)
	for _, p := range r.query {
		parts = append(parts, p.name+"="+queryEscape(p.value))
	}
	if r.deltaToken != "" {
		parts = append(parts, deltaOption+"="+r.deltaToken)
	}
	if r.skipToken != "" {
		parts = append(parts, skipOption+"="+r.skipToken)
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
