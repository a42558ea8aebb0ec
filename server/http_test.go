package server

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const (
	legacyList = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`
	modernList = `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{` +
		`"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`
)

// modernHeaders are what 2026-07-28 asks of a tools/list over HTTP.
func modernHeaders() http.Header {
	return http.Header{"Mcp-Protocol-Version": {"2026-07-28"}, "Mcp-Method": {"tools/list"}}
}

// endpoint serves o on a port of this machine and returns the address of MCP.
func endpoint(t *testing.T, o Options) string {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	running := httptest.NewServer(s.Handler())
	t.Cleanup(running.Close)
	return running.URL + "/mcp"
}

// send posts body and returns the status, the header and the text of the answer.
func send(t *testing.T, method, url, body string, header http.Header, change func(*http.Request)) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	maps.Copy(r.Header, header)
	if change != nil {
		change(r)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, string(text)
}

func TestHTTPAnswersBothEras(t *testing.T) {
	url := endpoint(t, Options{})
	for era, test := range map[string]struct {
		body   string
		header http.Header
	}{"legacy": {legacyList, nil}, "modern": {modernList, modernHeaders()}} {
		status, header, text := send(t, http.MethodPost, url, test.body, test.header, nil)
		if status != http.StatusOK || !strings.Contains(text, `"query_records"`) {
			t.Errorf("%s tools/list: got %d %s, want the tools", era, status, text)
		}
		if got := header.Get("Mcp-Session-Id"); got != "" {
			t.Errorf("%s tools/list: got session %s, want none", era, got)
		}
	}
}

func TestHTTPLetsNoForeignPageIn(t *testing.T) {
	url := endpoint(t, Options{AllowedOrigins: []string{"https://app.example/"}, AllowedHosts: []string{"crm.example"}})
	for _, test := range []struct {
		host, origin string
		want         int
	}{
		{"", "", http.StatusOK},
		{"localhost", "", http.StatusOK},
		{"crm.example:8808", "", http.StatusOK},
		{"evil.example", "", http.StatusForbidden},
		{"", "http://localhost:6274", http.StatusOK},
		{"", "http://127.0.0.1", http.StatusOK},
		{"", "https://app.example", http.StatusOK},
		{"", "https://evil.example", http.StatusForbidden},
		{"", "http://localhost.evil.example", http.StatusForbidden},
		{"", "null", http.StatusForbidden},
	} {
		status, header, _ := send(t, http.MethodPost, url, legacyList, nil, func(r *http.Request) {
			if test.host != "" {
				r.Host = test.host
			}
			if test.origin != "" {
				r.Header.Set("Origin", test.origin)
			}
		})
		if status != test.want {
			t.Errorf("host %q, origin %q: got status %d, want %d", test.host, test.origin, status, test.want)
		}
		allowed := header.Get("Access-Control-Allow-Origin")
		if want := test.origin != "" && test.want == http.StatusOK; (allowed == test.origin && allowed != "") != want {
			t.Errorf("host %q, origin %q: got allowed origin %q", test.host, test.origin, allowed)
		}
	}
}

func TestPreflightNamesTheHeadersOfBothEras(t *testing.T) {
	status, header, _ := send(t, http.MethodOptions, endpoint(t, Options{}), "", http.Header{"Origin": {"http://localhost:6274"}}, nil)
	allowed := header.Get("Access-Control-Allow-Headers")
	for _, name := range []string{"Authorization", "Content-Type", "Mcp-Session-Id", "MCP-Protocol-Version", "Mcp-Method", "Mcp-Name"} {
		if status != http.StatusNoContent || !strings.Contains(allowed, name) {
			t.Errorf("preflight: got %d %q, want 204 with %s", status, allowed, name)
		}
	}
}

func TestHTTPRefusesMessagesOverFourMebibytes(t *testing.T) {
	body := `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"` + string(bytes.Repeat([]byte{'x'}, maxBody)) + `"}}`
	if status, _, text := send(t, http.MethodPost, endpoint(t, Options{}), body, nil, nil); status != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d %s, want 413", status, text)
	}
}

func TestHTTPAcceptsEveryNotification(t *testing.T) {
	url := endpoint(t, Options{})
	for _, header := range []http.Header{nil, {"Mcp-Protocol-Version": {"2026-07-28"}, "Mcp-Method": {"notifications/cancelled"}}} {
		// A modern client sends this one without _meta, and gives up when it is refused.
		body := `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`
		if status, _, text := send(t, http.MethodPost, url, body, header, nil); status != http.StatusAccepted {
			t.Errorf("header %v: got %d %s, want 202", header, status, text)
		}
	}
}

func TestHTTPRefusesWhatIsNoRequest(t *testing.T) {
	url := endpoint(t, Options{})
	for body, want := range map[string]string{
		`[]`: "batches are not supported",
		` [{"jsonrpc":"2.0","id":1,"method":"ping"}]`:    "batches are not supported",
		`{"jsonrpc":"2.0","id":null,"method":"ping"}`:    "string or a number",
		`{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}`: "string or a number",
		`{"jsonrpc":"2.0","id":true,"method":"ping"}`:    "string or a number",
	} {
		status, _, text := send(t, http.MethodPost, url, body, nil, nil)
		if status != http.StatusBadRequest || !strings.Contains(text, `"id":null,"error":{"code":-32600,`) || !strings.Contains(text, want) {
			t.Errorf("%s: got %d %s, want 400, -32600: %s", body, status, text, want)
		}
	}
	for body, want := range map[string]string{
		`[`: "-32700", `{"jsonrpc":"2.0","id":"x","method":"ping"}`: `"id":"x"`, `{"jsonrpc":"2.0","id":-1,"method":"ping"}`: `"id":-1`,
	} {
		if _, _, text := send(t, http.MethodPost, url, body, nil, nil); !strings.Contains(text, want) {
			t.Errorf("%s: got %s, want %s", body, text, want)
		}
	}
}

func TestHTTPOpensNoStreamThatWouldStandIdle(t *testing.T) {
	if status, _, _ := send(t, http.MethodGet, endpoint(t, Options{}), "", nil, nil); status != http.StatusMethodNotAllowed {
		t.Errorf("GET: got %d, want 405", status)
	}
}

func TestASessionHasToBeNamedOnce(t *testing.T) {
	if status, _, _ := send(t, http.MethodDelete, endpoint(t, Options{}), "", nil, nil); status != http.StatusBadRequest {
		t.Errorf("DELETE: got %d, want 400", status)
	}
	two := http.Header{"Mcp-Session-Id": {"one", "another"}}
	if status, _, text := send(t, http.MethodPost, endpoint(t, Options{}), legacyList, two, nil); status != http.StatusBadRequest {
		t.Errorf("two sessions: got %d %.100s, want 400", status, text)
	}
}

func TestHealthzAnswersWithoutMCP(t *testing.T) {
	url := strings.TrimSuffix(endpoint(t, Options{}), "/mcp") + "/healthz"
	if status, _, text := send(t, http.MethodGet, url, "", nil, nil); status != http.StatusOK || text != "ok\n" {
		t.Errorf("got %d %q, want 200 ok", status, text)
	}
}

func TestPanicTextStaysInTheLog(t *testing.T) {
	var log bytes.Buffer
	s := &Server{log: newTestLog(&log)}
	running := httptest.NewServer(s.recovered(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret detail") })))
	defer running.Close()
	status, _, text := send(t, http.MethodPost, running.URL, "{}", nil, nil)
	if status != http.StatusInternalServerError || strings.Contains(text, "secret") {
		t.Errorf("got %d %q, want 500 without the text of the panic", status, text)
	}
	if !strings.Contains(log.String(), "secret detail") {
		t.Errorf("log: got %q, want the text of the panic", log.String())
	}
}
