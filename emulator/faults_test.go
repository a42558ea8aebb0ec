package emulator_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

func TestARequestAsksForItsOwnFault(t *testing.T) {
	s := emulator.Start(t)
	before := state(t, s)
	for _, tt := range []struct {
		fault      string
		status     int
		retryAfter string
		body       string
	}{
		{"status=503; retry-after=2", 503, "2", failure("0x80040216", "Service Unavailable, a fault on demand")},
		{"status=429;retry-after=7", 429, "7", failure("0x80072322", "Number of requests exceeded the limit of 6000 over time window of 300 seconds.")},
		{"status=400; code=0x80040265; message=The plug-in said no", 400, "", failure("0x80040265", "The plug-in said no")},
		{"token=expired", 401, "", ""},
		{"status=200", 400, "", failure("0x80060888", "fault: status: got 200, want 400 to 599")},
		{"explode", 400, "", failure("0x80060888", "fault: explode: unknown, want status, retry-after, code, message, latency, break or token")},
	} {
		r := send(t, s, http.MethodPost, "accounts", `{"name":"A"}`, "X-Emulator-Fault: "+tt.fault)
		if r.status != tt.status || r.header.Get("Retry-After") != tt.retryAfter || r.body != tt.body {
			t.Errorf("%s: got %d, Retry-After %q, %s; want %d, %q, %s", tt.fault, r.status, r.header.Get("Retry-After"), r.body, tt.status, tt.retryAfter, tt.body)
		}
	}
	if after := state(t, s); after != before {
		t.Errorf("left %s, from %s", after, before)
	}
}

// roads are the two ways to an emulator: by a port and inside the process.
func roads(s *emulator.Server) map[string]http.RoundTripper {
	return map[string]http.RoundTripper{"port": http.DefaultTransport, "process": emulator.Transport(s.Emulator)}
}

func TestConnectionsBreak(t *testing.T) {
	s := emulator.Start(t)
	for road, transport := range roads(s) {
		for _, tt := range []struct {
			when            string
			answered, saved bool
		}{{"before", false, false}, {"after", false, true}, {"midway", true, true}} {
			before := state(t, s)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/api/data/v9.2/accounts", strings.NewReader(`{"name":"A"}`))
			if err != nil {
				t.Fatal(err)
			}
			r.Header = http.Header{"Authorization": {"Bearer " + s.Token}, "Prefer": {"return=representation"}, "X-Emulator-Fault": {"break=" + tt.when}}
			answer, err := transport.RoundTrip(r)
			if (err == nil) != tt.answered {
				t.Errorf("%s, %s: got error %v, answered %t", road, tt.when, err, tt.answered)
			}
			if err == nil {
				data, err := io.ReadAll(answer.Body)
				if _ = answer.Body.Close(); !errors.Is(err, io.ErrUnexpectedEOF) || len(data) == 0 || answer.StatusCode != http.StatusCreated {
					t.Errorf("%s, %s: got %d, %d bytes, %v; want 201, half of the body and an unexpected end", road, tt.when, answer.StatusCode, len(data), err)
				}
			}
			if saved := state(t, s) != before; saved != tt.saved {
				t.Errorf("%s, %s: saved %t, want %t", road, tt.when, saved, tt.saved)
			}
		}
	}
}

func TestRulesMakeFaults(t *testing.T) {
	s := emulator.Start(t, emulator.Rows("accounts", emulator.Row{"name": "A"}),
		emulator.Faults(emulator.Fault{Fault: "status=503", Method: http.MethodGet, Path: `/accounts\?`, Times: 2}))
	statuses := func(path string, n int) []int {
		got := make([]int, n)
		for i := range got {
			got[i] = get(t, s, path).status
		}
		return got
	}
	for _, tt := range []struct {
		what, rules, path string
		want              []int
	}{
		{"so many times", "", "accounts?$top=1", []int{503, 503, 200, 200}},
		{"other paths", `{"fault":"status=500","path":"/contacts$"}`, "accounts", []int{200, 200}},
		{"a share", `{"fault":"status=502","path":"/contacts$","share":0.5}`, "contacts", []int{200, 502, 200, 502, 200}},
		{"a list, the first that matches", `[{"fault":"status=429","path":"contacts","times":1},{"fault":"status=503","times":1}]`, "contacts", []int{429, 503, 200}},
		{"the sign-in", `{"fault":"status=500","path":"oauth2"}`, "/tenant/oauth2/v2.0/token", []int{500}},
	} {
		if tt.rules != "" {
			if r := send(t, s, http.MethodDelete, "/emulator/faults", ""); r.status != http.StatusNoContent {
				t.Fatalf("DELETE: got %d %s", r.status, r.body)
			}
			if r := send(t, s, http.MethodPost, "/emulator/faults", tt.rules); r.status != http.StatusNoContent {
				t.Fatalf("%s: got %d %s", tt.what, r.status, r.body)
			}
		}
		if diff := cmp.Diff(tt.want, statuses(tt.path, len(tt.want))); diff != "" {
			t.Errorf("%s: %s", tt.what, diff)
		}
	}
	want := `{"faults":[{"fault":"status=500","path":"oauth2","happened":1}]}`
	if r := get(t, s, "/emulator/faults"); r.body != want {
		t.Errorf("got %s, want %s", r.body, want)
	}
}

func TestRulesAreRefusedThatMakeNoSense(t *testing.T) {
	s := emulator.Start(t)
	for _, body := range []string{`{"fault":"status=x"}`, `{"fault":"","path":"("}`, `{"share":2}`, `{"fault":"status=503","times":-1}`, `[1]`, `{`, ``, `{"fault":"break=never"}`, `{"fault":"latency=5"}`,
		`{"falt":"status=503"}`, `{"faults":[{"fault":"status=503"}]}`} {
		if r := send(t, s, http.MethodPost, "/emulator/faults", body); r.status != http.StatusBadRequest {
			t.Errorf("%s: got %d %s, want 400", body, r.status, r.body)
		}
	}
	if r := send(t, s, http.MethodPost, "/emulator/faults", `{"fault":"status=500"}`, "Authorization: "); r.status != http.StatusUnauthorized {
		t.Errorf("without a token: got %d, want 401", r.status)
	}
	if r := get(t, s, "accounts"); r.status != http.StatusOK {
		t.Errorf("got %d %s, want 200", r.status, r.body)
	}
}

func TestFaultsHappenInsideABatch(t *testing.T) {
	s := emulator.Start(t)
	before := state(t, s)
	r := batch(t, s, together(changePart("1", "POST accounts HTTP/1.1\n\n{}"), changePart("2", "POST accounts HTTP/1.1\nX-Emulator-Fault: status=429; retry-after=3\n\n{}")))
	if after := state(t, s); r.status != http.StatusBadRequest || after != before || !strings.Contains(r.body, "HTTP/1.1 429 Too Many Requests\r\n") || !strings.Contains(r.body, "Retry-After: 3\r\n") {
		t.Errorf("got %d %s, and %s from %s", r.status, r.body, after, before)
	}
}

func TestLatencyHoldsARequestUp(t *testing.T) {
	s := emulator.Start(t)
	began := time.Now()
	if r := send(t, s, http.MethodGet, "WhoAmI", "", "X-Emulator-Fault: latency=30ms"); r.status != http.StatusOK || time.Since(began) < 30*time.Millisecond {
		t.Errorf("got %d after %v, want 200 after at least 30 ms", r.status, time.Since(began))
	}
}
