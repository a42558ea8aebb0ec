package main

import (
	"context"
	"log/slog"
	"net"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

func (p *program) httpCommand() *cobra.Command {
	var demo bool
	cmd := &cobra.Command{
		Use:   "http",
		Short: "Serve MCP clients over Streamable HTTP",
		Long: `Serve MCP clients over Streamable HTTP at /mcp.

The server has no sign-in of its own yet: whoever reaches it acts with its
credentials. So it listens on this machine only. To reach it from elsewhere, use
an SSH tunnel, or a reverse proxy that asks for a sign-in.`,
		Example: `  dynamics-mcp http --demo
  dynamics-mcp http --listen 127.0.0.1:9000 --url https://org.crm4.dynamics.com \
      --token-command "az account get-access-token --resource https://org.crm4.dynamics.com"`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, log, err := p.load(cmd)
			if err != nil {
				return err
			}
			if demo {
				return p.serveDemo(cmd.Context(), c, log, func(at addresses) error {
					log.Info("serving MCP", "url", at.MCP)
					log.Info("serving the emulator", "url", at.Dataverse, "token", emulator.DefaultToken)
					return nil
				})
			}
			return p.serveHTTP(cmd, c, log)
		},
	}
	cmd.Flags().BoolVar(&demo, "demo", false, demoFlag)
	addFlags(cmd.Flags(), listening, environment, serving)
	return cmd
}

func (p *program) serveHTTP(cmd *cobra.Command, c *config, log *slog.Logger) error {
	listener, err := listenLoopback(cmd.Context(), c.listen)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	w, err := p.watch(cmd.Context(), c, log)
	if err != nil {
		return err
	}
	if err := w.listen(cmd.Context(), c); err != nil {
		return err
	}
	s, stop, err := p.open(cmd, c, log, w, false)
	if err != nil {
		return err
	}
	defer stop()
	log.InfoContext(cmd.Context(), "serving MCP", "url", mcpURL(listener))
	group, ctx := errgroup.WithContext(cmd.Context())
	group.Go(func() error { return serve(ctx, listener, w.handler(s.Handler()), log, s.Shutdown) })
	group.Go(func() error { return w.serve(ctx, log) })
	return group.Wait()
}

// addresses are where a demo can be reached.
type addresses struct{ MCP, Dataverse string }

// serveDemo serves MCP, and beside it the emulator for any other Dataverse client.
func (p *program) serveDemo(ctx context.Context, c *config, log *slog.Logger, ready func(addresses) error) error {
	front, err := listenLoopback(ctx, c.listen)
	if err != nil {
		return err
	}
	defer func() { _ = front.Close() }()
	back, err := listenNear(ctx, defaultEmulatorListen)
	if err != nil {
		return err
	}
	defer func() { _ = back.Close() }()
	at := addresses{MCP: mcpURL(front), Dataverse: "http://" + back.Addr().String()}

	e := startEmulator(ctx, emulator.Options{Log: log})
	defer closeEmulator(e, log)
	w, err := p.watch(ctx, c, log)
	if err != nil {
		return err
	}
	defer w.close(log)
	if err := w.listen(ctx, c); err != nil {
		return err
	}
	s, err := openOver(e, at.Dataverse, c.serverOptions(log), w)
	if err != nil {
		return err
	}
	if err := ready(at); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return serve(ctx, front, w.handler(s.Handler()), log, s.Shutdown) })
	group.Go(func() error { return serve(ctx, back, e, log, nil) })
	group.Go(func() error { return w.serve(ctx, log) })
	return group.Wait()
}

func mcpURL(l net.Listener) string { return "http://" + l.Addr().String() + "/mcp" }
