//go:build conformance

// Command conformance serves the fixtures that the protocol's conformance suite asks for through the edge that the
// product serves through: transports, guard, hub and sessions are those of package server. It is built with
// -tags conformance and belongs to no release.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	mcpserver "github.com/mark3labs/mcp-go/server"
	"golang.org/x/sync/errgroup"

	"github.com/dynamics-mcp/dynamics-mcp/server"
)

// mount adds the fixtures to what the product offers.
func mount(s *server.Server, library *mcpserver.MCPServer) {
	f := &fixtures{server: s, library: library}
	f.tools()
	f.inputTools()
	f.resources()
	f.prompts()
}

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves on a free port of this machine and prints its address, or serves stdio when the first argument says so.
func run(args []string, in io.Reader, out io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := server.New(server.Options{Version: "conformance", Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Mount: mount,
		Library: []mcpserver.ServerOption{
			mcpserver.WithLogging(), mcpserver.WithCompletions(),
			mcpserver.WithResourceCapabilities(true, true), mcpserver.WithPromptCapabilities(true),
		}})
	if err != nil {
		return err
	}
	if len(args) > 0 && args[0] == "stdio" {
		return s.ServeStdio(ctx, in, out)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "http://%s/mcp\n", listener.Addr()); err != nil {
		return err
	}
	endpoint := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := endpoint.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		s.Shutdown()
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if endpoint.Shutdown(drain) != nil {
			_ = endpoint.Close() // what is left takes too long
		}
		return nil
	})
	return group.Wait()
}
