package emulator

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
)

// maxInnerURL is how many characters the URL of a request inside a batch may have: queries too long for a URL of their
// own come this way.
const maxInnerURL = 65536

// inner is what a request knows that came in a batch.
type inner struct {
	url   string            // as the batch says it
	named map[string]string // in a change set: the URL of each row that an earlier request wrote, by its Content-ID
}

// batch answers POST on $batch. The whole body is read before the first request in it is carried out: a body that
// cannot be read changes nothing.
func (c *call) batch() error {
	switch {
	case c.inner != nil:
		return badRequest("A batch request cannot contain another batch request.")
	case c.r.Method != http.MethodPost:
		return c.methodNotAllowed()
	case len(c.path) > 1:
		return noSuchSegment(c.path[1].Name)
	}
	items, err := readBatch(c.r)
	if err != nil {
		return err
	}
	defer c.hold(slices.ContainsFunc(items, batchItem.customizes))()
	answers := newBatchAnswer("batchresponse_" + uuid.NewString())
	status := http.StatusOK
	for _, item := range items {
		failed, err := c.item(item, answers)
		if err != nil {
			return err
		}
		if failed && !c.prefer.continueOnError {
			status = http.StatusBadRequest // whatever the status inside
			break
		}
	}
	c.w.Header().Set("Content-Type", "multipart/mixed; boundary="+answers.boundary)
	c.status, c.held = status, whole(answers.bytes())
	return nil
}

// item carries out one request, or the requests of a change set, and adds the answer.
func (c *call) item(item batchItem, answers *batchAnswer) (failed bool, err error) {
	if !item.together {
		one := item.operations[0]
		w := c.perform(c.context(), one, nil)
		answers.add(one.contentID, w)
		return w.status >= http.StatusBadRequest, nil
	}
	set, failed, err := c.changeSet(item.operations)
	if err != nil {
		return true, err
	}
	answers.addSet(set)
	return failed, nil
}

var errRolledBack = errors.New("a request of the change set failed")

// changeSet carries requests out in one transaction. Where one fails, nothing remains of the others but what was written
// to elastic tables, nor of their answers.
func (c *call) changeSet(operations []operation) (set *batchAnswer, failed bool, err error) {
	boundary := "changesetresponse_" + uuid.NewString()
	set = newBatchAnswer(boundary)
	if len(operations) == 0 {
		return set, false, nil
	}
	named := map[string]string{}
	var done []operation
	before, kept := c.current.Load(), false
	defer func() {
		if !kept && c.current.Load() != before {
			c.current.Store(before)
		}
	}()
	err = c.db.Write(c.context(), func(ctx context.Context, _ *sql.Tx) error {
		for _, o := range operations {
			w := c.perform(ctx, o, named)
			if w.status >= http.StatusBadRequest {
				set = newBatchAnswer(boundary)
				set.add(o.contentID, w)
				return errRolledBack
			}
			set.add(o.contentID, w)
			done = append(done, o)
			if address := w.sent.Get("OData-EntityId"); address != "" {
				named[o.contentID] = address
			}
		}
		return nil
	})
	kept = err == nil
	if errors.Is(err, errRolledBack) {
		c.current.Store(before)
		c.repeatElastic(done)
		return set, true, nil
	}
	return set, false, err
}

// repeatElastic writes again to elastic tables what a change set took back with the rest: they take no part in
// transactions.
func (c *call) repeatElastic(operations []operation) {
	named := map[string]string{}
	for _, o := range operations {
		if !c.aboutElastic(o, named) {
			continue
		}
		w := c.carryOut(c.context(), o, named, (*call).answerOrFail) // without faults: they had their turn
		if address := w.sent.Get("OData-EntityId"); address != "" {
			named[o.contentID] = address
		}
	}
}

// aboutElastic reports whether an operation is about rows of an elastic table.
func (c *call) aboutElastic(o operation, named map[string]string) bool {
	address, err := c.innerURL(o.url, named)
	if err != nil {
		return false
	}
	text := address.EscapedPath()
	path, err := odata.ParsePath(strings.TrimPrefix(text, serviceRoot.FindString(text)))
	if err != nil {
		return false
	}
	t := c.current.Load().schema.Set(first(path))
	return t != nil && t.Elastic
}

// perform carries out one request by the road that requests outside a batch take.
func (c *call) perform(ctx context.Context, o operation, named map[string]string) *recorder {
	return c.carryOut(ctx, o, named, (*call).run)
}

func (c *call) carryOut(ctx context.Context, o operation, named map[string]string, run func(*call)) *recorder {
	w := &recorder{header: http.Header{}}
	r, err := c.innerRequest(ctx, o, named)
	answering := newCall(c.Emulator, w, r)
	answering.root, answering.inner = c.root, &inner{url: o.url, named: named}
	if err != nil {
		answering.identify()
		asError(err).write(answering)
	} else {
		run(answering)
	}
	w.WriteHeader(http.StatusOK)
	return w
}

// inherited are the headers outside a batch that hold for every request in it.
var inherited = []string{"Authorization", "X-Forwarded-Proto", "CallerObjectId", "MSCRMCallerID"}

// innerRequest makes the HTTP request that an operation describes. There is always one, for the answer's sake.
func (c *call) innerRequest(ctx context.Context, o operation, named map[string]string) (*http.Request, error) {
	r := (&http.Request{Method: o.method, URL: &url.URL{Path: "/"}, Host: c.r.Host, TLS: c.r.TLS, Header: o.header,
		Body: http.NoBody, RemoteAddr: c.r.RemoteAddr}).WithContext(ctx)
	for _, name := range inherited {
		if value := c.r.Header.Get(name); value != "" && r.Header.Get(name) == "" {
			r.Header.Set(name, value)
		}
	}
	address, err := c.innerURL(o.url, named)
	if err != nil {
		return r, err
	}
	r.URL, r.Body = address, o.body()
	return r, nil
}

// innerURL reads the URL of a request in a batch: absolute, from the root of the host, from the service root, or from
// the row that $1 stands for. It may hold blanks.
func (c *call) innerURL(text string, named map[string]string) (*url.URL, error) {
	path, query, _ := strings.Cut(text, "?")
	if _, rest, absolute := strings.Cut(path, "://"); absolute {
		_, rest, _ = strings.Cut(rest, "/")
		path = "/" + rest
	}
	local := strings.TrimPrefix(strings.TrimPrefix(path, serviceRoot.FindString(path)), "/")
	switch {
	case strings.HasPrefix(local, "$") && local != "$metadata" && local != "$batch": // what clients put before $1 counts for nothing
		address, err := dereference(local, named)
		if err != nil {
			return nil, err
		}
		path = strings.TrimPrefix(address, c.origin())
	case !strings.HasPrefix(path, "/"):
		path = strings.TrimPrefix(c.root, c.origin()) + path
	}
	path = strings.ReplaceAll(path, " ", "%20")
	plain, err := url.PathUnescape(path)
	if err != nil {
		return nil, badRequest("Invalid URI: the request URL '%s' of the batch operation cannot be read.", text)
	}
	return &url.URL{Path: plain, RawPath: path, RawQuery: strings.ReplaceAll(query, " ", "%20")}, nil
}

// dereference replaces $1 at the start of a URL by the URL of the row that the request with this Content-ID wrote
// earlier in the same change set.
func dereference(text string, named map[string]string) (string, error) {
	reference, rest := text, ""
	if i := strings.IndexByte(text, '/'); i >= 0 {
		reference, rest = text[:i], text[i:]
	}
	address, ok := named[strings.TrimPrefix(reference, "$")]
	if !ok {
		return "", badRequest("Content-ID Reference: '%s' does not exist in the batch context.", reference)
	}
	return address + rest, nil
}

// urlTooLong refuses a URL that is longer than the service takes.
func (c *call) urlTooLong() error {
	length, limit := len(c.origin())+len(c.r.URL.RequestURI()), maxURL
	if c.inner != nil {
		length, limit = len(c.inner.url), maxInnerURL
	}
	if length > limit {
		return fail(http.StatusRequestURITooLong, codeODataRequest, "The URL of the request is longer than %d characters.", limit)
	}
	return nil
}
