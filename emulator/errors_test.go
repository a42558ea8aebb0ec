package emulator_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

func TestErrorsTellMoreToThoseWhoAsk(t *testing.T) {
	s := emulator.Start(t)
	const help, inner = `"@Microsoft.PowerApps.CDS.HelpLink":"http`, `"@Microsoft.PowerApps.CDS.InnerError.Message":"Resource not found`
	for _, test := range []struct {
		annotations string
		help, inner bool
	}{
		{"*", true, true},
		{"OData.*", false, false},
		{"Microsoft.PowerApps.CDS.HelpLink", true, false},
		{"Microsoft.PowerApps.CDS.InnerError.*", false, true},
	} {
		body := send(t, s, http.MethodGet, "foo", "", `Prefer: odata.include-annotations="`+test.annotations+`"`).body
		if strings.Contains(body, help) != test.help || strings.Contains(body, inner) != test.inner {
			t.Errorf("annotations %q: got %s, want help link %t and inner message %t", test.annotations, body, test.help, test.inner)
		}
	}
}

func TestErrorsOfVersion8HaveAnInnerError(t *testing.T) {
	s := emulator.Start(t)
	for version, want := range map[string]bool{"v8.2": true, "v9.0": false, "v9.2": false} {
		got := get(t, s, "/api/data/"+version+"/foo")
		if strings.Contains(got.body, `"innererror":{"message":"Resource not found for the segment 'foo'.","type":`) != want {
			t.Errorf("%s: innererror is there: %t, want %t: %s", version, !want, want, got.body)
		}
	}
}
