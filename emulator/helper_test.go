package emulator_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// noon is the clock of tests that show times.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// reply is an answer with its body read.
type reply struct {
	status int
	header http.Header
	body   string
}

// send makes a request of the Web API as the administrator, or with other headers where lines are given as "Name: value".
func send(t *testing.T, s *emulator.Server, method, path, body string, headers ...string) reply {
	t.Helper()
	address := s.URL + path
	if !strings.HasPrefix(path, "/") {
		address = s.URL + "/api/data/v9.2/" + path
	}
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.Token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		if r.Header.Del(name); value != "" {
			r.Header.Set(name, value)
		}
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{answer.StatusCode, answer.Header, strings.ReplaceAll(string(data), s.URL, "http://org")}
}

func get(t *testing.T, s *emulator.Server, path string) reply {
	t.Helper()
	return send(t, s, http.MethodGet, path, "")
}

// serving is an emulator that a test has opened itself, on a port.
func serving(t *testing.T, e *emulator.Emulator) *emulator.Server {
	t.Helper()
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	return &emulator.Server{URL: server.URL, Token: emulator.DefaultToken, Emulator: e}
}
