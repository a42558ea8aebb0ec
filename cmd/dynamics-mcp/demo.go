package main

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/dynamics-mcp/dynamics-mcp/auth"
	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/emulator"
	"github.com/dynamics-mcp/dynamics-mcp/server"
)

// demoURL is the environment of a demo that is not served on a port; nothing is ever looked up or dialled.
const demoURL = "https://demo.localhost"

// lazyEmulator is an emulator that starts beside everything else, so that the protocol answers at once;
// requests wait for it.
type lazyEmulator struct {
	stop     context.CancelFunc // of the start
	done     chan struct{}      // closed when emulator or err is set
	emulator *emulator.Emulator
	err      error
}

func startEmulator(ctx context.Context, o emulator.Options) *lazyEmulator {
	ctx, stop := context.WithCancel(ctx)
	l := &lazyEmulator{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(l.done)
		l.emulator, l.err = emulator.New(ctx, o)
	}()
	return l
}

// wait returns when the emulator has started.
func (l *lazyEmulator) wait(ctx context.Context) error {
	select {
	case <-l.done:
		return l.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// RoundTrip answers inside the process.
func (l *lazyEmulator) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := l.wait(r.Context()); err != nil {
		return nil, err
	}
	return emulator.Transport(l.emulator).RoundTrip(r)
}

func (l *lazyEmulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := l.wait(r.Context()); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	l.emulator.ServeHTTP(w, r)
}

// Close gives up the start, and waits for it, so that nothing is left running.
func (l *lazyEmulator) Close() error {
	l.stop()
	<-l.done
	if l.emulator == nil {
		return nil // why has been told to whoever asked
	}
	return l.emulator.Close()
}

// connection reaches the emulator under url by the road that a real environment takes, token included.
func (l *lazyEmulator) connection(url string, log *slog.Logger, watchers []dataverse.Watch) (server.Connection, error) {
	source, err := auth.NewSource(auth.Config{URL: url, Token: auth.NewSecret(emulator.DefaultToken)})
	if err != nil {
		return server.Connection{}, err
	}
	transport, err := auth.Transport(source, url, l)
	if err != nil {
		return server.Connection{}, err
	}
	client, err := dataverse.New(dataverse.Options{URL: url, Transport: transport, UserAgent: userAgent(), Log: log, Watchers: watchers})
	return server.Connection{Name: "demo", Client: client}, err
}
