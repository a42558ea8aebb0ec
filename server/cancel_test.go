package server

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// slowly are the options of a server over an environment that is slow to say who asks. It tells of the beginning and of
// the end of each such request, as the environment sees it.
func slowly(t *testing.T) (o Options, began, ended chan struct{}) {
	t.Helper()
	began, ended = make(chan struct{}, 10), make(chan struct{}, 10)
	srv := emulator.Start(t, emulator.Faults(emulator.Fault{Fault: "latency=25s", Path: "WhoAmI"}))
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "WhoAmI") {
			began <- struct{}{}
			defer func() {
				if r.Context().Err() != nil {
					ended <- struct{}{}
				}
			}()
		}
		srv.Emulator.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
	})
	client, err := dataverse.New(dataverse.Options{URL: front.URL, Transport: &oauth2.Transport{
		Source: oauth2.StaticTokenSource(&oauth2.Token{AccessToken: srv.Token}), Base: &http.Transport{},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return Options{Connections: []Connection{{Name: "test", Client: client}}}, began, ended
}

// begin sends a request beside the test; stop closes its connection.
func begin(t *testing.T, url, body string, header http.Header) (stop func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header.Clone()
	r.Header.Set("Content-Type", "application/json")
	go func() {
		if answer, err := http.DefaultClient.Do(r); err == nil {
			_ = answer.Body.Close()
		}
	}()
	return stop
}

func TestCancellingACallStopsItsRequestToDataverse(t *testing.T) {
	cancelled := `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`
	modern := modernCall("1", "tools/call", `"name":"get_current_user","arguments":{},`, `{}`, "")
	for road, cancel := range map[string]func(*testing.T, *fixture){
		"notification over HTTP": func(t *testing.T, f *fixture) {
			url := serveFixture(t, f)
			session := initialize(t, url, `{}`, nil)
			begin(t, url, legacyTool("1", "get_current_user", ""), session)
			received(t, f.started, "the request")
			open(t, http.MethodPost, url, cancelled, session)
		},
		"closed connection": func(t *testing.T, f *fixture) {
			url := serveFixture(t, f)
			stop := begin(t, url, modern, headersOf("tools/call", "get_current_user"))
			received(t, f.started, "the request")
			stop()
		},
		"notification over stdio": func(t *testing.T, f *fixture) {
			p := stdio(t, f)
			p.say(modern)
			received(t, f.started, "the request")
			p.say(cancelled)
		},
	} {
		t.Run(road, func(t *testing.T) {
			o, began, ended := slowly(t)
			f := newFixture(t, o)
			f.started = began
			cancel(t, f)
			received(t, ended, "the end of the request at the environment")
		})
	}
}
