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

const drainTime = 3 * time.Second

// serve answers on l until ctx ends, then calls shutdown (nil: nothing to call), which ends what is meant to stay open,
// and lets requests under way finish for a few seconds.
func serve(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger, shutdown func()) error {
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10, // Dataverse takes a URL of 32 KB, and a token comes on top
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
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
		_ = s.Close() // what is left takes too long
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
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
