package dataverse_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

func TestSecretsStayOutOfErrorsAndLogs(t *testing.T) {
	var log bytes.Buffer
	for name, answer := range map[string]http.HandlerFunc{
		"refused": always(401, ``), "broken": always(500, `oops`), "page": always(200, `<html>`),
		"cut": func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) },
		"repeated": func(w http.ResponseWriter, r *http.Request) {
			always(400, `{"error":{"code":"0x80040203","message":"bad header `+r.Header.Get("Authorization")+`"}}`)(w, r)
		},
	} {
		server := httptest.NewServer(&service{rows: answer})
		c := open(t, dataverse.Options{
			URL: server.URL, Transport: bearer{http.DefaultTransport}, Timeout: 2 * time.Second,
			Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		})
		_, err := c.Update(t.Context(), "account", accountID, dataverse.Values{"name": "salary-secret"})
		for _, secret := range []string{canary, "$select", "salary-secret"} {
			if strings.Contains(err.Error(), secret) || strings.Contains(log.String(), secret) {
				t.Errorf("%s: %q is in the error (%v) or the log (%s)", name, secret, err, log.String())
			}
		}
		server.Close()
	}
}

func TestErrorsSayWhatTheCallerCanDo(t *testing.T) {
	type answer struct {
		status int
		header http.Header
		body   string
	}
	html := http.Header{"Content-Type": {"text/html"}}
	for _, test := range []struct {
		name    string
		answer  answer
		kind    dataverse.Kind
		message string
	}{
		{"a row that is not there", answer{404, nil, `{"error":{"code":"0x80040217","message":"Entity 'account' With Id = 1 Does Not Exist"}}`}, dataverse.NotFound, "Entity 'account' With Id = 1 Does Not Exist"},
		{"a missing privilege", answer{403, nil, `{"error":{"code":"0x80040220","message":"Principal user is missing prvReadAccount privilege"}}`}, dataverse.Denied, "missing prvReadAccount"},
		{"a stranger", answer{403, nil, `{"error":{"code":"0x80072560","message":"The user is not a member of the organization."}}`}, dataverse.Denied, "not a member"},
		{"a refused token", answer{401, nil, ``}, dataverse.Denied, "refused the token"},
		{"another version", answer{412, nil, `{"error":{"code":"0x80060882","message":"The version of the existing record doesn't match"}}`}, dataverse.Conflict, "version"},
		{"a restricted delete", answer{405, nil, `{"error":{"code":"0x80040227","message":"The object cannot be deleted because it is associated with another object."}}`}, dataverse.Conflict, "associated"},
		{"a plug-in's refusal", answer{400, nil, `{"error":{"code":"0x80040265","message":"Credit limit exceeded"}}`}, dataverse.Invalid, "Credit limit exceeded"},
		{"a bad query", answer{400, nil, `{"error":{"code":"0x80060888","message":"The query node is not supported"}}`}, dataverse.Invalid, "not supported"},
		{"a bug over there", answer{500, nil, `{"error":{"code":"0x80040216","message":"An unexpected error occurred."}}`}, dataverse.Internal, "unexpected"},
		{"a web page", answer{200, html, `<!DOCTYPE html><html>sign in</html>`}, dataverse.Unavailable, "check the environment URL"},
		{"a web page without its type", answer{200, nil, `<!DOCTYPE html><html>sign in</html>`}, dataverse.Unavailable, "check the environment URL"},
		{"a web page with an error", answer{404, html, `<html>not here</html>`}, dataverse.NotFound, "check the environment URL"},
		{"a gateway's words", answer{400, nil, `{"Message":"An error has occurred."}`}, dataverse.Invalid, "An error has occurred."},
		{"no words", answer{400, nil, ``}, dataverse.Invalid, "bad request (status 400)"},
		{"no rows where rows were promised", answer{200, nil, `[1]`}, dataverse.Internal, "cannot be read"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := start(t, &service{rows: func(w http.ResponseWriter, r *http.Request) {
				for name := range test.answer.header {
					w.Header().Set(name, test.answer.header.Get(name))
				}
				always(test.answer.status, test.answer.body)(w, r)
			}})
			_, err := c.Get(t.Context(), "account", accountID, dataverse.Query{})
			e, ok := errors.AsType[*dataverse.Error](err)
			if !ok {
				t.Fatalf("got %v, want an *Error", err)
			}
			if e.Kind != test.kind || !strings.Contains(e.Message, test.message) {
				t.Errorf("got %s %q, want %s %q", e.Kind, e.Message, test.kind, test.message)
			}
			if e.RequestID != "8c1d6f9e-5a0c-4a7e-9d7e-0f7c0d2f1a11" || !strings.HasPrefix(err.Error(), "get account "+accountID+": ") {
				t.Errorf("request id %q, text %q: want both to name the call", e.RequestID, err)
			}
		})
	}
}

func TestAnUnreachableHostIsNamed(t *testing.T) {
	untrusted := httptest.NewTLSServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	t.Cleanup(untrusted.Close)
	_, err := open(t, dataverse.Options{URL: untrusted.URL}).WhoAmI(t.Context())
	if want := "is not secure: its certificate is signed by an unknown authority"; !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	for _, test := range []struct {
		err      error
		kind     dataverse.Kind
		want     string
		attempts int
	}{
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, dataverse.Unavailable, "contoso.crm4.dynamics.com refused the connection", 3},
		{&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, dataverse.Unavailable, "could not be reached in time", 1},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, dataverse.Unavailable, "broke the connection off", 5},
		{&net.DNSError{Err: "no such host", IsNotFound: true}, dataverse.Unavailable, "host contoso.crm4.dynamics.com does not exist", 1},
		{&net.DNSError{Err: "server misbehaving", IsTemporary: true}, dataverse.Unavailable, "could not be looked up", 3},
		{signInError{denied: true}, dataverse.Denied, "sign-in: no", 1},
		{signInError{}, dataverse.Unavailable, "sign-in: no", 5},
		{signInError{cause: context.DeadlineExceeded}, dataverse.Unavailable, "sign-in: no", 1},
		{signInError{cause: context.Canceled}, dataverse.Unavailable, "sign-in: no", 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &failure{err: test.err}
			_, err := open(t, dataverse.Options{URL: "https://contoso.crm4.dynamics.com", Transport: f}).WhoAmI(t.Context())
			if dataverse.KindOf(err) != test.kind || !strings.Contains(err.Error(), test.want) || f.attempts != test.attempts {
				t.Errorf("%v: got %v after %d attempts, want %s: %s after %d", test.err, err, f.attempts, test.kind, test.want, test.attempts)
			}
		})
	}
}

func TestAWriteThatWaitedForASignInInVainIsNotInDoubt(t *testing.T) {
	server := emulator.Start(t)
	id := create(t, open(t, dataverse.Options{URL: server.URL, Transport: signedIn{server.Token}}), "account", dataverse.Values{"name": "A"})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := open(t, dataverse.Options{URL: server.URL, Transport: waiting{signedIn{server.Token}, cancel}})
	_, err := c.Update(ctx, "account", id, dataverse.Values{"name": "B"})
	e, ok := errors.AsType[*dataverse.Error](err)
	if !ok || e.InDoubt || e.Kind != dataverse.Unavailable || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "sign-in: no") {
		t.Errorf("got %v, want the sign-in's error, and no doubt", err)
	}
}

// waiting signs in for reads; before a write the caller leaves while it waits for a token.
type waiting struct {
	signedIn
	leave func()
}

func (w waiting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet {
		return w.signedIn.RoundTrip(r)
	}
	w.leave()
	return nil, signInError{cause: context.Canceled}
}

// failure is a transport that reaches nobody.
type failure struct {
	err      error
	attempts int
}

func (f *failure) RoundTrip(*http.Request) (*http.Response, error) {
	f.attempts++
	return nil, f.err
}

// signInError is how package auth tells that there is no token.
type signInError struct {
	denied bool
	cause  error
}

func (signInError) Error() string   { return "sign-in: no" }
func (e signInError) Denied() bool  { return e.denied }
func (e signInError) Unwrap() error { return e.cause }
