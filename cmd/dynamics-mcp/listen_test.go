package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

func TestOnlyThisMachineIsListenedOn(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:0":        "",
		"localhost:0":        "",
		"127.8.9.1:0":        "",
		"0.0.0.0:0":          "other machines",
		":0":                 "other machines",
		"[::]:0":             "other machines",
		"10.0.0.1:0":         "other machines",
		"127.0.0.1.nip.io:0": "other machines",
		"127.0.0.1":          "want HOST:PORT",
		"8808":               "want HOST:PORT",
		"127.0.0.1:none":     `"127.0.0.1:none"`,
	} {
		l, err := listenLoopback(t.Context(), address)
		if err == nil {
			_ = l.Close()
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", address, err, want)
		}
	}
}

func TestTakenPortIsExchangedForAFreeOne(t *testing.T) {
	first, err := listenNear(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Close() }()
	second, err := listenNear(t.Context(), first.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = second.Close() }()
	if first.Addr().String() == second.Addr().String() {
		t.Errorf("both listen at %s", first.Addr())
	}
}

// serveTest serves h until stop, after which served tells how it ended.
func serveTest(t *testing.T, h http.Handler) (address string, stop func(), served <-chan error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() { end <- serve(ctx, l, h, slog.New(slog.DiscardHandler), nil) }()
	return l.Addr().String(), stop, end
}

func TestRequestUnderWayIsAnsweredAtShutdown(t *testing.T) {
	began, stopped := make(chan struct{}), make(chan struct{})
	address, stop, served := serveTest(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(began)
		<-stopped
		_, _ = io.WriteString(w, "answered")
	}))
	go func() {
		<-began
		stop()
		close(stopped)
	}()
	resp, err := http.Get("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if string(body) != "answered" || err != nil {
		t.Errorf("body: got %q, %v", body, err)
	}
	if err := <-served; err != nil {
		t.Errorf("serve: %v", err)
	}
}

func TestAConnectionThatNobodyUsesDoesNotHoldUpShutdown(t *testing.T) {
	address, stop, served := serveTest(t, http.NotFoundHandler())
	unused, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unused.Close() }()
	resp, err := http.Get("http://" + address) // by now the other one was accepted
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	began := time.Now()
	stop()
	if err := <-served; err != nil || time.Since(began) > drainTime/2 {
		t.Errorf("serve: got %v after %v", err, time.Since(began))
	}
}

func TestARequestThatIsCutOffEndsBeforeTheProgram(t *testing.T) {
	began, ended := make(chan struct{}), atomic.Bool{}
	address, stop, served := serveTest(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done()
		runtime.Gosched() // serve, which cut it off, goes on
		ended.Store(true)
	}))
	go func() {
		if resp, err := http.Get("http://" + address); err == nil {
			_ = resp.Body.Close()
		}
	}()
	<-began
	stop()
	if err := <-served; err != nil || !ended.Load() {
		t.Errorf("serve: got %v, the request has ended: %v", err, ended.Load())
	}
}

func TestTheLongestURLIsReadWithItsHeaders(t *testing.T) {
	address, stop, served := serveTest(t, http.NotFoundHandler())
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/?"+strings.Repeat("x", 32_700), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+strings.Repeat("t", 8_000))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("got %s, want what the handler answers", resp.Status)
	}
	stop()
	if err := <-served; err != nil {
		t.Errorf("serve: %v", err)
	}
}

func TestRequestWaitsForTheEmulatorNoLongerThanItsContext(t *testing.T) {
	starting := &lazyEmulator{done: make(chan struct{})}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, demoURL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := starting.RoundTrip(req); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, %v", resp, err)
	}
}

func TestAnEmulatorThatNobodyNeedsIsNotWaitedFor(t *testing.T) {
	e := startEmulator(t.Context(), emulator.Options{DB: filepath.Join(t.TempDir(), "demo.db")})
	if err := e.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if e.emulator != nil {
		t.Error("the start was waited for")
	}
}

func TestEmulatorThatDoesNotStartIsReported(t *testing.T) {
	e := startEmulator(t.Context(), emulator.Options{DB: filepath.Join(t.TempDir(), "no", "such", "folder.db")})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, demoURL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := e.RoundTrip(req); err == nil {
		t.Errorf("got %s", resp.Status)
	}
	if err := e.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}
