package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

const drainTime = 3 * time.Second

// listenLoopback refuses an address that other machines can reach.
func listenLoopback(ctx context.Context, address string) (net.Listener, error) {
	if reachable(address) {
		return nil, &usageError{fmt.Sprintf("listen address %q can be reached by other machines, and this server does not ask who is calling: "+
			"listen on %s and put an SSH tunnel or a reverse proxy with sign-in in front", address, defaultListen)}
	}
	return listen(ctx, address)
}

// reachable reports whether other machines could call a HOST:PORT.
func reachable(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && host != "localhost" && (ip == nil || !ip.IsLoopback())
}

// dialable is an address of l that a program on this machine can use.
func dialable(l net.Listener) string {
	address, ok := l.Addr().(*net.TCPAddr)
	if !ok || !address.IP.IsUnspecified() {
		return l.Addr().String()
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(address.Port))
}

func badAddress(address string) error {
	return &usageError{fmt.Sprintf("listen address %q: want HOST:PORT, such as %s", address, defaultListen)}
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
		return nil, badAddress(address)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("listen address %q is in use: end the program that listens there, or choose another with --listen", address)
	}
	if err != nil {
		return nil, fmt.Errorf("listen address %q: %w", address, err)
	}
	return l, nil
}

// listenNear takes any free port of the same host when the wanted one is taken.
func listenNear(ctx context.Context, address string) (net.Listener, error) {
	l, err := listen(ctx, address)
	if err == nil {
		return l, nil
	}
	host, _, splitErr := net.SplitHostPort(address)
	if splitErr != nil {
		return nil, err
	}
	return listen(ctx, net.JoinHostPort(host, "0"))
}

// serve answers on l until ctx ends, then calls shutdown (nil: nothing to call), which ends what is meant to stay open, and lets requests under
// way finish for a few seconds.
func serve(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger, shutdown func()) error {
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10, // Dataverse takes a URL of 32 KB, and a token comes on top
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
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
