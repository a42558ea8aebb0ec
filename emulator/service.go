package emulator

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// serviceDocument lists the entity sets, sorted by name.
func (c *call) serviceDocument() error {
	if c.r.Method != http.MethodGet {
		return fail(http.StatusMethodNotAllowed, codeNotSupported,
			"The requested resource does not support http method '%s'.", c.r.Method)
	}
	body := append(appendString([]byte(`{"@odata.context":`), c.root+"$metadata"), `,"value":[`...)
	for i, name := range setNames(c.schema) {
		if i > 0 {
			body = append(body, ',')
		}
		var o object
		o.text("name", name)
		o.text("kind", "EntitySet")
		o.text("url", name)
		body = append(body, o.bytes()...)
	}
	return c.answer(http.StatusOK, append(body, `]}`...))
}

// setNames are the names of all entity sets, sorted without regard to case.
func setNames(s *schema.Schema) []string {
	names := slices.Collect(maps.Keys(metadataSets))
	for _, t := range s.Tables {
		names = append(names, t.Set)
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return names
}

// metadataDocument answers with the CSDL, with annotations where asked for.
func (c *call) metadataDocument() error {
	if c.r.Method != http.MethodGet {
		return fail(http.StatusMethodNotAllowed, codeNotSupported,
			"The requested resource does not support http method '%s'.", c.r.Method)
	}
	if len(c.path) > 1 {
		return noSuchSegment(c.path[1].Name)
	}
	document := c.plainCSDL
	if strings.EqualFold(c.query.Get("annotations"), "true") || c.prefer.annotates("Org.OData.Core.V1.Description") {
		document = c.annotatedCSDL
	}
	c.w.Header().Set("Content-Type", "application/xml")
	c.status, c.held = http.StatusOK, whole(document())
	return nil
}
