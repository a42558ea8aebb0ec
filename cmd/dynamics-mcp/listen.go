package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// listenLoopback refuses an address that other machines can reach.
func listenLoopback(ctx context.Context, address string) (net.Listener, error) {
	if reachable(address) {
		return nil, &usageError{fmt.Sprintf("listen address %q can be reached by other machines, and this server does not ask who is calling: "+
			"listen on %s and put an SSH tunnel or a reverse proxy with sign-in in front", address, defaultListen)}
	}
	return listen(ctx, address, "listen")
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

func badAddress(address, flag string) error {
	return &usageError{fmt.Sprintf("listen address %q of --%s: want HOST:PORT, such as %s", address, flag, defaultListen)}
}

// listen opens the address that the flag names.
func listen(ctx context.Context, address, flag string) (net.Listener, error) {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = net.DefaultResolver.LookupPort(ctx, "tcp", port)
	}
	if err != nil || port == "" {
		return nil, badAddress(address, flag)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("listen address %q is in use: end the program that listens there, or choose another with --%s", address, flag)
	}
	if err != nil {
		return nil, fmt.Errorf("listen address %q: %w", address, err)
	}
	return l, nil
}

// listenNear takes any free port of the same host when the wanted one is taken.
func listenNear(ctx context.Context, address string) (net.Listener, error) {
	l, err := listen(ctx, address, "listen")
	if err == nil {
		return l, nil
	}
	host, _, splitErr := net.SplitHostPort(address)
	if splitErr != nil {
		return nil, err
	}
	return listen(ctx, net.JoinHostPort(host, "0"), "listen")
}
