package emulator

import (
	"net/http"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// How much an answer says about itself, by odata.metadata in the Accept header.
const (
	metadataNone    = "none"
	metadataMinimal = "minimal"
	metadataFull    = "full"
)

// metadataLevel is what the Accept header asks for.
func (c *call) metadataLevel() string {
	for part := range strings.FieldsFuncSeq(c.r.Header.Get("Accept"), func(r rune) bool { return r == ';' || r == ',' }) {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if !strings.EqualFold(name, "odata.metadata") && !strings.EqualFold(name, "metadata") {
			continue
		}
		switch level := strings.ToLower(strings.Trim(value, `"`)); level {
		case metadataNone, metadataFull:
			return level
		}
	}
	return metadataMinimal
}

// contextURL tells what a collection holds: …/$metadata#accounts(name,primarycontactid(fullname)).
func (c *call) contextURL(t *schema.Table, p *projection) string {
	return c.root + "$metadata#" + t.Set + p.contents()
}

// entityURL is the context of a single row.
func (c *call) entityURL(t *schema.Table, p *projection) string {
	return c.contextURL(t, p) + "/$entity"
}

// contents lists what was asked for, in parentheses; "" for everything.
func (p *projection) contents() string {
	items := append([]string(nil), p.asked...)
	for _, e := range p.expansions {
		if e.ref {
			items = append(items, e.name, e.name+"/$ref()")
			continue
		}
		contents := e.inner.contents()
		if contents == "" {
			contents = "()"
		}
		items = append(items, e.name+contents)
	}
	if len(items) == 0 {
		return ""
	}
	return "(" + strings.Join(items, ",") + ")"
}

// writeContext begins an answer with its context, unless the client wants no metadata.
func (c *call) writeContext(o *object, url string) {
	if c.metadataLevel() != metadataNone {
		o.text("@odata.context", url)
	}
}

// applied names in the answer the preferences that were honoured. Annotations are honoured wherever they are asked for.
func (c *call) applied(preferences ...string) {
	if len(c.prefer.annotations) > 0 {
		preferences = append(preferences, `odata.include-annotations="`+strings.Join(c.prefer.annotations, ",")+`"`)
	}
	c.prefer.applied(c.w.Header(), preferences...)
}

// notModified reports whether the client has this version of the row already, by If-None-Match.
func notModified(h http.Header, etag string) bool {
	for known := range strings.SplitSeq(h.Get("If-None-Match"), ",") {
		if etag != "" && strings.TrimSpace(known) == etag {
			return true
		}
	}
	return false
}
