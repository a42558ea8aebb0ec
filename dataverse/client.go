// Package dataverse is the client of the Dataverse Web API that every part of the server shares: one road to the wire,
// and an API in the words of the domain (tables, columns, rows, labels) instead of OData's.
//
// Names are resolved and values are checked against the environment's own metadata before a request is sent, so a
// misspelt column costs no round trip and comes back with the nearest names. Every failure is an *Error.
package dataverse

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Options configure a Client. Only URL is required.
type Options struct {
	URL         string            // environment URL, such as https://contoso.crm4.dynamics.com
	Transport   http.RoundTripper // adds the token; nil means http.DefaultTransport
	UserAgent   string            // "" means dynamics-mcp
	Log         *slog.Logger      // nil means no log
	Timeout     time.Duration     // of one request, its answer included; 0 means 60 s
	MaxBody     int64             // bytes of one answer, decompressed; 0 means 64 MiB
	MetadataTTL time.Duration     // how long metadata may be out of date; 0 means 10 min
	Now         func() time.Time  // nil means time.Now
}

// Client talks to one environment. It is safe for concurrent use.
type Client struct {
	root      string // service root with a trailing slash
	http      *http.Client
	userAgent string
	log       *slog.Logger
	timeout   time.Duration
	maxBody   int64
	now       func() time.Time
	tables    *cache[*directory] // one entry
	table     *cache[*Table]     // by logical name
}

const (
	apiPath        = "/api/data/v9.2/"
	defaultTimeout = 60 * time.Second
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
		timeout:   cmp.Or(o.Timeout, defaultTimeout),
		maxBody:   cmp.Or(o.MaxBody, defaultMaxBody),
		now:       now,
		tables:    newCache[*directory](ttl, now),
		table:     newCache[*Table](ttl, now),
	}, nil
}

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
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
