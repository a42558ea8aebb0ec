// Package dataverse is the client of the Dataverse Web API that every part of the server shares: one road to the wire,
// and an API in the words of the domain (tables, columns, rows, labels) instead of OData's.
//
// Names are resolved and values are checked against the environment's own metadata before a request is sent, so a
// misspelt column costs no round trip and comes back with the nearest names. Every failure is an *Error.
//
// A call keeps below the service's limits, and is sent again when they refused it, for as long as the deadline of its
// context lets; without a deadline it waits for pauses of up to a minute, four times. What can be repeated without harm
// is sent up to five times after other faults, too. The rest is sent once, and the error is InDoubt where nobody can tell
// whether it was carried out.
package dataverse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Options configure a Client. Only URL is required.
type Options struct {
	URL         string            // environment URL, such as https://contoso.crm4.dynamics.com
	Transport   http.RoundTripper // adds the token; nil means http.DefaultTransport
	UserAgent   string            // "" means dynamics-mcp
	Log         *slog.Logger      // nil means no log
	Timeout     time.Duration     // of one request, its answer included; 0 means 30 s
	MaxBody     int64             // bytes of one answer, decompressed; 0 means 64 MiB
	MetadataTTL time.Duration     // how long metadata may be out of date; 0 means 10 min
	CacheDir    string            // folder that metadata is kept in between starts; "" means that it is not kept
	Limits      Limits            // what to ask of the service at most
	Watchers    []Watch           // of each request
	Now         func() time.Time  // nil means time.Now
}

// Client talks to one environment. It is safe for concurrent use.
type Client struct {
	root      string // service root with a trailing slash
	http      *http.Client
	userAgent string
	log       *slog.Logger
	watchers  []Watch
	timeout   time.Duration
	maxBody   int64
	now       func() time.Time
	metadata  *metadata
	messages  *cache[bool] // whether there is one, by message and table
	limiter   *limiter
	// withoutSQL is set when the environment turned out to have no SQL of its own.
	withoutSQL atomic.Bool
}

const (
	apiPath        = "/api/data/v9.2/"
	defaultTimeout = 30 * time.Second
	defaultMaxBody = 64 << 20
	defaultTTL     = 10 * time.Minute
)

// New returns a client of the environment at o.URL. It does no I/O.
func New(o Options) (*Client, error) {
	root, err := serviceRoot(o.URL)
	if err != nil {
		return nil, &Error{Op: "open environment", Kind: Invalid, Message: err.Error()}
	}
	now := o.Now
	if now == nil {
		now = time.Now
	}
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	ttl := cmp.Or(o.MetadataTTL, defaultTTL)
	return &Client{
		root: root,
		http: &http.Client{
			Transport: o.Transport,
			// A redirect would take the token to a host nobody configured.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		userAgent: cmp.Or(o.UserAgent, "dynamics-mcp"),
		log:       log,
		watchers:  o.Watchers,
		timeout:   cmp.Or(o.Timeout, defaultTimeout),
		maxBody:   cmp.Or(o.MaxBody, defaultMaxBody),
		now:       now,
		metadata:  newMetadata(root, o.CacheDir, ttl, now, log),
		messages:  newCache[bool](ttl, now),
		limiter:   newLimiter(o.Limits),
	}, nil
}

// URL is the address of the environment, without a slash at its end.
func (c *Client) URL() string { return strings.TrimSuffix(c.root, apiPath) }

// Close writes what is still to be kept on disk. Call it when the client is of no more use.
func (c *Client) Close() { c.metadata.flush() }

// serviceRoot makes the service root of an environment URL. A pasted API address is taken for its environment.
func serviceRoot(env string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(env))
	switch {
	case env == "":
		return "", errors.New("environment URL is missing: want one like https://contoso.crm4.dynamics.com")
	case err != nil:
		return "", errors.New("environment URL cannot be read: want one like https://contoso.crm4.dynamics.com")
	case u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return "", fmt.Errorf("environment URL %q: want one like https://contoso.crm4.dynamics.com", u.Redacted())
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("environment URL of %s: want only https and the host, without user, query or fragment", u.Host)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return "", fmt.Errorf("environment URL of %s: plain http would show the token to the network, use https", u.Host)
	}
	path := regexp.MustCompile(`(?i)/api/data(/v[0-9.]+)?/?$`).ReplaceAllString(u.Path, "")
	return u.Scheme + "://" + strings.ToLower(u.Host) + strings.TrimRight(path, "/") + apiPath, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// request is one call of the service, which may take several attempts.
type request struct {
	op     string // in domain words, for errors and the log
	method string
	path   string  // below the service root, percent-encoded
	query  []param // in the order given
	// skipToken and deltaToken are as the service wrote them. They are not decoded and encoded again: they must come back
	// unaltered.
	skipToken, deltaToken string

	header []param
	body   []byte // JSON; nil for none
	// repeatable says that repeating after an unknown outcome does no harm. GET always is. A request that was certainly
	// not carried out (429, no connection) is repeated whatever its verb.
	repeatable bool
	encloses   bool          // a $batch that holds nothing but a read
	rows       int           // that it is to write, of a bulk request
	timeout    time.Duration // at least; 0 means the client's
	// read takes in the body of a success while it comes; nil leaves it in answer.body. It is called anew in each attempt.
	read func(io.Reader) error
	note func(Attempt) // of each attempt; nil when nobody watches
}

func (r request) reads() bool { return r.method == http.MethodGet || r.encloses }

type param struct{ name, value string }

// answer is a successful answer, read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
	size   int64 // of the body in bytes
	unread error // what the request's read found wrong with the body
	// repeated is set when an earlier attempt may have been carried out too.
	repeated bool
}

const (
	maxAttempts = 5
	// maxWait is the longest wait between two attempts of a caller without a deadline; a service that asks for more is
	// reported as Throttled at once.
	maxWait = time.Minute
	// maxURL is Dataverse's own limit in bytes, maxEnclosed that of a URL in a $batch.
	maxURL      = 32 << 10
	maxEnclosed = 64 << 10
)

// do is the only road to the wire: it sends r, repeats it where that is safe, and returns a 2xx answer or an *Error.
func (c *Client) do(ctx context.Context, r request) (_ *answer, err error) {
	target := c.root + r.path + r.queryString()
	if len(target) > maxEnclosed || len(target) > maxURL && !r.reads() {
		return nil, &Error{Op: r.op, Kind: Invalid, Message: fmt.Sprintf("the query is %d bytes as a URL, more than the %d the service takes: select fewer columns or shorten the filter", len(target), maxEnclosed)}
	}
	if len(target) > maxURL {
		r = c.enclose(r)
		target = c.root + r.path
	}
	if r.changesSchema() {
		defer c.metadata.noteWrite() // whatever the outcome: a lost answer may have been a success
	}
	ctx, over := c.watched(ctx, &r)
	defer func() { over(err) }()
	maybeDone := false
	attempts := 0
	var tries patience
	var last *Error
	res, err := backoff.Retry(ctx, func() (*answer, error) {
		attempts++
		a, e, again := c.attempt(ctx, r, target)
		if e == nil {
			a.repeated = maybeDone
			return a, nil
		}
		e.uncertain = maybeDone
		last = e
		if again == afterUnknown || again == afterTimeout {
			maybeDone = true
		}
		if again == afterNobody && attempts > 2 {
			again = never
		}
		if !tries.lasts(ctx, e) {
			again = never
		}
		return nil, c.retryError(ctx, r, e, again)
	}, backoff.WithBackOff(newBackOff()), backoff.WithMaxElapsedTime(0),
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
	afterTimeout       // never, though it may have been carried out: it had all the time that people wait
	afterNobody        // as afterRefusal, but at most twice: a host that is not there seldom comes back within seconds
)

// patience counts the attempts of a call.
type patience int

// lasts says whether another attempt may follow one that failed with e. What the service refused because of its limits
// costs no attempt where the caller says how long it waits.
func (p *patience) lasts(ctx context.Context, e *Error) bool {
	if _, ok := patienceOf(ctx); ok && e.Kind == Throttled {
		return true
	}
	*p++
	return *p < maxAttempts
}

// retryError tells backoff what to do about e.
func (c *Client) retryError(ctx context.Context, r request, e *Error, a again) error {
	if a == never || a == afterTimeout || a == afterUnknown && !r.repeatable && !r.reads() {
		return backoff.Permanent(e)
	}
	if tooLong(ctx, e.RetryAfter) { // say now what stands in the way
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
	e.uncertain = maybeDone
	if maybeDone && !r.reads() && e.Kind != Conflict && e.Kind != NotFound { // those are for the operation to judge
		e.doubt()
	}
	return e
}

func newBackOff() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.Multiplier, b.RandomizationFactor, b.MaxInterval = 500*time.Millisecond, 2, 0.5, maxWait
	return b
}
