package emulator_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

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

func TestAURLHasALimit(t *testing.T) {
	s := emulator.Start(t)
	const path = "/api/data/v9.2/accounts?$top=1&x="
	rest := 32768 - len(s.URL) - len(path)
	for extra, want := range map[int]int{0: http.StatusOK, 1: http.StatusRequestURITooLong} {
		if got := get(t, s, path+strings.Repeat("x", rest+extra)); got.status != want {
			t.Errorf("%d characters: got %d %s, want %d", 32768+extra, got.status, got.body, want)
		}
	}
}

func TestAnEmptyKeyIsRefused(t *testing.T) {
	s := emulator.Start(t)
	for _, path := range []string{"accounts()", "accounts()?$top=1", "accounts()/name"} {
		if got := get(t, s, path); got.status != http.StatusBadRequest || !strings.Contains(got.body, `"0x80060888"`) {
			t.Errorf("%s: got %d %s, want a refusal", path, got.status, got.body)
		}
	}
}

func TestAPanicIsAnAnswer(t *testing.T) {
	broken := false
	e, err := emulator.New(t.Context(), emulator.Options{Empty: true, Now: func() time.Time {
		if broken {
			panic("secret")
		}
		return noon
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	broken = true
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/data/v9.2/WhoAmI", http.NoBody))
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "0x80040216") || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("got %d %s, want the service's own failure without the panic's text", w.Code, w.Body)
	}
}
