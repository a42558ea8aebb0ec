package main

import (
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
	"github.com/dynamics-mcp/dynamics-mcp/server"
)

// open makes the server of a command, over the configured connections or over a demo in this process. The
// returned function ends what was opened, the watch too; after an error that has been done.
func (p *program) open(cmd *cobra.Command, c *config, log *slog.Logger, w *watch, demo bool) (s *server.Server, stop func(), err error) {
	o := c.serverOptions(log)
	var end func()
	if demo {
		e := startEmulator(cmd.Context(), emulator.Options{Log: log})
		end = func() { closeEmulator(e, log) }
		s, err = openOver(e, demoURL, o, w)
	} else {
		o.Connections = connect(c, log, w.watchers)
		end = func() { disconnect(o.Connections) }
		s, err = w.open(o)
	}
	stop = func() {
		end()
		w.close(log)
	}
	if err != nil {
		stop()
		return nil, nil, err
	}
	return s, stop, nil
}

// serverOptions are those that do not depend on where the environment is.
func (c *config) serverOptions(log *slog.Logger) server.Options {
	return server.Options{
		Version: buildVersion(), Log: log, ReadOnly: c.readOnly, Timeout: c.timeout,
		Unconfirmed: c.unconfirmed, ConfirmKey: []byte(c.confirmKey.Reveal()),
		AllowedHosts: c.allowedHosts, AllowedOrigins: c.allowedOrigins, SessionIdle: c.sessionIdle,
	}
}

func openOver(e *lazyEmulator, url string, o server.Options, w *watch) (*server.Server, error) {
	conn, err := e.connection(url, o.Log, w.watchers)
	if err != nil {
		return nil, err
	}
	o.Connections = []server.Connection{conn}
	return w.open(o)
}

func closeEmulator(e *lazyEmulator, log *slog.Logger) {
	if err := e.Close(); err != nil {
		log.Error("emulator did not close", "error", err.Error())
	}
}
