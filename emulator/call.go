package emulator

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// call is one request on its way through the emulator.
type call struct {
	*Emulator
	*catalog // as it is while the request is answered
	w        http.ResponseWriter
	r        *http.Request
	root     string // http://host/api/data/v9.2/, as the client asked for it
	path     []odata.Segment
	query    url.Values
	prefer   prefer
	caller   caller
	at       time.Time // one clock reading for all that the request writes, in UTC and whole seconds
	fault    effect    // what is to go wrong with the request, on demand
	inner    *inner    // what else is known of a request inside a batch; nil for one by itself

	status int              // of the answer that send is to write; 0 for none
	held   iter.Seq[[]byte] // its body: it waits until no lock is held, as the client may take its time
}

// caller is the user that a request acts as.
type caller struct {
	user         string // systemuserid
	businessUnit string
	onBehalfOf   string // the user that really called, when user is impersonated; else ""
}

var serviceRoot = regexp.MustCompile(`^/api/data/v(8\.[0-2]|9\.[0-2])(/|$)`)

// maxURL is how many characters the URL of a request may have.
const maxURL = 32768

func newCall(e *Emulator, w http.ResponseWriter, r *http.Request) *call {
	return &call{Emulator: e, catalog: e.current.Load(), w: w, r: r, query: parseQuery(r.URL.RawQuery), prefer: parsePrefer(r.Header),
		at: e.now().UTC().Truncate(time.Second)}
}

func (c *call) context() context.Context { return c.r.Context() }

// run answers the request, unless something is to go wrong with it.
func (c *call) run() {
	var err error
	if c.fault, err = c.faults.choose(c.r, c.inner != nil); err != nil {
		c.identify()
		asError(err).write(c)
		return
	}
	if c.fault.broken != "" {
		c.breakOff()
	}
	c.answerOrFail()
}

// answerOrFail answers the request, with an error where there is one.
func (c *call) answerOrFail() {
	err := c.serve()
	if err == nil {
		c.send()
		return
	}
	answer := asError(err)
	if answer.Status >= http.StatusInternalServerError && c.context().Err() == nil {
		c.log.ErrorContext(c.context(), "request failed", "method", c.r.Method, "path", c.r.URL.Path, "error", err)
	}
	answer.write(c)
}

// send writes the answer that is held.
func (c *call) send() {
	if c.status != 0 {
		c.w.WriteHeader(c.status)
		for part := range c.held {
			if _, err := c.w.Write(part); err != nil {
				return // a client that went away needs no answer
			}
		}
	}
}

// serve answers the request, or returns the error to answer with. Nothing is written before an error is returned.
func (c *call) serve() error {
	path := c.r.URL.EscapedPath()
	if path == faultsPath && c.inner == nil {
		return c.faultRules()
	}
	root := serviceRoot.FindString(path)
	if root != "" || c.inner != nil {
		c.identify()
	}
	if err := c.fault.refusal(c); err != nil {
		return err
	}
	switch {
	case root != "":
		return c.api(path, root)
	case c.inner != nil:
		return noSuchSegment(strings.TrimPrefix(path, "/"))
	}
	return c.outside(path)
}

// identify sets the headers that every answer of the Web API has, errors too.
func (c *call) identify() {
	requestID := uuid.NewString()
	h := c.w.Header()
	h.Set("OData-Version", "4.0")
	h.Set("REQ_ID", requestID)
	h.Set("x-ms-service-request-id", requestID)
	h.Set("Access-Control-Expose-Headers", "Preference-Applied, OData-EntityId, Location, ETag, OData-Version, Content-Encoding, Transfer-Encoding, Content-Length, Retry-After")
}

// api answers a request of the Web API.
func (c *call) api(path, root string) error {
	c.root = c.origin() + strings.TrimSuffix(root, "/") + "/"
	if err := c.authenticate(); err != nil {
		return err
	}
	if c.inner == nil { // a batch is one request
		leave, err := c.protect()
		if err != nil {
			return err
		}
		defer leave()
	}
	if err := c.fault.delay(c); err != nil {
		return err
	}
	if err := c.urlTooLong(); err != nil {
		return err
	}
	segments, err := odata.ParsePath(strings.TrimPrefix(path, root))
	if err != nil {
		return err
	}
	c.path = segments
	if err := c.unpack(); err != nil {
		return err
	}
	if c.inner == nil && first(segments) != "$batch" { // a batch reads its body first, and holds the schema for all in it
		if err := c.buffer(); err != nil {
			return err
		}
		defer c.hold(customizes(c.r.Method, segments))()
	}
	return c.route()
}

// first is the name that a path begins with.
func first(path []odata.Segment) string {
	if len(path) == 0 {
		return ""
	}
	return path[0].Name
}

// origin is the scheme and host that the client used.
func (c *call) origin() string {
	scheme := "http"
	if c.r.TLS != nil || c.r.Header.Get("X-Forwarded-Proto") == "https" { // some clients speak only HTTPS: a proxy helps
		scheme = "https"
	}
	return scheme + "://" + c.r.Host
}

// route finds the file that answers.
func (c *call) route() error {
	if len(c.path) == 0 {
		return c.serviceDocument()
	}
	first := c.path[0]
	if first.Name == "$batch" {
		return c.batch()
	}
	if err := c.expire(); err != nil {
		return err
	}
	if handle, ok := c.metadataRoute(first.Name); ok {
		return handle()
	}
	if handle, ok := c.messageRoute(first); ok {
		return handle()
	}
	t := c.schema.Set(first.Name)
	if t == nil {
		return noSuchSegment(first.Name)
	}
	return c.records(t)
}

// records answers for the rows of a table.
func (c *call) records(t *schema.Table) error {
	row := c.path[0].Key != nil || len(c.path[0].Args) > 0
	if c.path[0].HasParens && !row { // all rows are no answer to a client that left the key out
		return badRequest("The number of keys specified in the URI does not match number of key properties for the resource 'Microsoft.Dynamics.CRM.%s'.", t.Logical)
	}
	if handle, ok := c.boundRoute(t, row); ok {
		return handle()
	}
	switch {
	case c.r.Method == http.MethodGet:
		return c.read(t)
	case !row && len(c.path) == 1 && c.r.Method == http.MethodPost:
		return c.create(t)
	case !row && len(c.path) == 2 && c.r.Method == http.MethodPost:
		name, qualified := strings.CutPrefix(c.path[1].Name, namespace)
		if !qualified {
			return noSuchSegment(name)
		}
		return c.bulk(t, name)
	case row && len(c.path) == 1 && c.r.Method == http.MethodPatch:
		return c.update(t)
	case row && len(c.path) == 1 && c.r.Method == http.MethodDelete:
		return c.delete(t)
	case row && len(c.path) > 1:
		return c.writeInto(t)
	}
	return fail(http.StatusMethodNotAllowed, codeNotSupported,
		"The requested resource does not support http method '%s'.", c.r.Method)
}

// parseQuery splits the query string by & only: ; stands inside $expand.
func parseQuery(raw string) url.Values {
	values := url.Values{}
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if name == "" {
			continue
		}
		values.Add(unescape(name), unescape(value))
	}
	return values
}

func unescape(s string) string {
	plain, err := url.QueryUnescape(s)
	if err != nil {
		return s
	}
	return plain
}
