package emulator

import (
	"net/http"
	"strconv"
	"strings"
)

// prefer is what the Prefer headers of a request ask for.
type prefer struct {
	representation  bool
	maxPageSize     int // 0: not given; else 1 to 5000
	annotations     []string
	trackChanges    bool
	continueOnError bool
}

const maxPageSize = 5000

func parsePrefer(h http.Header) prefer {
	var p prefer
	for _, item := range splitPreferences(strings.Join(h.Values("Prefer"), ",")) {
		name, value, _ := strings.Cut(item, "=")
		value = strings.Trim(strings.TrimSpace(value), `"`)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "return":
			p.representation = value == "representation"
		case "odata.maxpagesize", "maxpagesize":
			if n, err := strconv.Atoi(value); err == nil && n > 0 {
				p.maxPageSize = min(n, maxPageSize)
			}
		case "odata.include-annotations", "include-annotations":
			for pattern := range strings.SplitSeq(value, ",") {
				p.annotations = append(p.annotations, strings.TrimSpace(pattern))
			}
		case "odata.track-changes":
			p.trackChanges = true
		case "odata.continue-on-error":
			p.continueOnError = !strings.EqualFold(value, "false")
		}
	}
	return p
}

// splitPreferences splits at the commas outside quotes: include-annotations="a,b" holds one.
func splitPreferences(header string) []string {
	quoted := false
	return strings.FieldsFunc(header, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ',' && !quoted
	})
}

// annotates reports whether the client asked for annotations of the term. A * stands for any end.
func (p prefer) annotates(term string) bool {
	for _, pattern := range p.annotations {
		if prefix, wild := strings.CutSuffix(pattern, "*"); wild && strings.HasPrefix(term, prefix) || pattern == term {
			return true
		}
	}
	return false
}

// applied names in Preference-Applied what was honoured.
func (p prefer) applied(h http.Header, preferences ...string) {
	for _, preference := range preferences {
		h.Add("Preference-Applied", preference)
	}
}
