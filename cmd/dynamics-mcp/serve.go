package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	drainTime = 3 * time.Second
	endTime   = time.Second // of what was cut off
)

// serve answers on l until ctx ends, then calls shutdown (nil: nothing to call), which ends what is meant to stay open,
// and lets requests under way finish for a few seconds.
func serve(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger, shutdown func()) error {
	s := &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10, // Dataverse takes a URL of 32 KB, and a token comes on top
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	var running sync.WaitGroup
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		running.Add(1)
		defer running.Done()
		h.ServeHTTP(w, r)
	})
	unused := &connections{}
	s.ConnState = unused.note
	s.RegisterOnShutdown(unused.close)
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	if shutdown != nil {
		shutdown()
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := s.Shutdown(drain); err != nil {
		_ = s.Close() // what is left takes too long, but still has its audit line to write
		within(endTime, running.Wait)
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// within waits for do, but no longer than it may take.
func within(limit time.Duration, do func()) {
	done := make(chan struct{})
	go func() {
		do()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(limit):
	}
}

// connections are those that nothing was asked on yet, as browsers open in advance: at shutdown they would count as
// under way for five seconds.
type connections struct {
	mu  sync.Mutex
	all map[net.Conn]struct{}
}

func (c *connections) note(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if state != http.StateNew {
		delete(c.all, conn)
		return
	}
	if c.all == nil {
		c.all = map[net.Conn]struct{}{}
	}
	c.all[conn] = struct{}{}
}

func (c *connections) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.all {
		_ = conn.Close()
	}
}
