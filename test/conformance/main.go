//go:build conformance

// Command conformance serves the fixtures that the protocol's conformance suite asks for through the edge that the
// product serves through: transports, guard, hub and sessions are those of package server. It is built with
// -tags conformance and belongs to no release.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/server"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves on a free port of this machine, or on stdio when the first argument says so.
func run(ctx context.Context) error {
	s, err := server.New(server.Options{Version: "conformance", Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		return err
	}
	f := &fixtures{server: s, library: s.Library()}
	f.tools()
	f.inputTools()
	f.resources()
	f.prompts()
	if len(os.Args) > 1 && os.Args[1] == "stdio" {
		return s.ServeStdio(ctx, os.Stdin, os.Stdout)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	endpoint := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second}
	ended := context.AfterFunc(ctx, func() { _ = endpoint.Close() })
	defer ended()
	fmt.Printf("http://%s/mcp\n", listener.Addr())
	if err := endpoint.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
