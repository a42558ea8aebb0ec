package dataverse

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestRouteHoldsNoKeyAndNoArgument(t *testing.T) {
	for path, want := range map[string]string{
		"accounts": "accounts",
		"accounts(7f3a1c52-0b1e-4a57-9c3d-2f6f1f7f0a11)": "accounts({})",
		"contacts(emailaddress1='kim@example.com')":      "contacts({})",
		"contacts(fullname='Kim (the) O''Neil)')/owner":  "contacts({})/owner",
		"accounts(1)/contacts(2)/$ref":                   "accounts({})/contacts({})/$ref",
		"RetrieveMetadataChanges(Query=@p1)":             "RetrieveMetadataChanges({})",
		"contacts(fullname='never closed":                "contacts({})",
		"$batch":                                         "$batch",
		"EntityDefinitions(LogicalName='account')/Attributes/Microsoft.Dynamics.CRM.X": "EntityDefinitions({})/Attributes/Microsoft.Dynamics.CRM.X",
	} {
		if got := route(path); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}

func TestWatchersLearnOfEveryAttempt(t *testing.T) {
	statuses := []int{http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusOK}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(statuses[0])
		statuses = statuses[1:]
	}))
	defer srv.Close()
	var requests []Request
	var responses []Response
	var within context.Context
	type key struct{}
	c, err := New(Options{URL: srv.URL, Transport: onTheWay(func(r *http.Request) (*http.Response, error) {
		within = r.Context()
		return http.DefaultTransport.RoundTrip(r)
	}), Watchers: []Watch{func(ctx context.Context, r Request) (context.Context, func(Response)) {
		requests = append(requests, r)
		return context.WithValue(ctx, key{}, "watched"), func(r Response) { responses = append(responses, r) }
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.do(t.Context(), request{op: "test", method: http.MethodGet, path: "accounts(1)", query: []param{{"$filter", "secret"}}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Request{{Method: http.MethodGet, Route: "accounts({})"}}, requests); diff != "" {
		t.Error(diff)
	}
	want := []Response{{Attempts: []Attempt{{Status: 429}, {Status: 503}, {Status: 200}}}}
	if diff := cmp.Diff(want, responses, cmpopts.IgnoreFields(Attempt{}, "Waited", "Took")); diff != "" {
		t.Error(diff)
	}
	if within.Value(key{}) != "watched" {
		t.Error("requests are not sent with the context of the watcher")
	}
	if waiting, sent := c.Load(); waiting != 0 || sent != 0 {
		t.Errorf("load after all is done: got %d waiting and %d sent, want none", waiting, sent)
	}
}

func TestLoadTellsWhoWaitsAndWhoWasSent(t *testing.T) {
	arrived, answer := make(chan struct{}), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-answer
	}))
	defer srv.Close()
	c, err := New(Options{URL: srv.URL, Limits: Limits{InFlight: 1}})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := c.do(t.Context(), request{op: "test", method: http.MethodGet, path: "WhoAmI"})
			done <- err
		}()
	}
	<-arrived
	for waiting, sent := c.Load(); waiting != 1 || sent != 1; waiting, sent = c.Load() {
		select {
		case <-t.Context().Done():
			t.Fatalf("got %d waiting and %d sent, want one each", waiting, sent)
		case <-time.After(time.Millisecond):
		}
	}
	close(answer)
	<-arrived
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

type onTheWay func(*http.Request) (*http.Response, error)

func (f onTheWay) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
