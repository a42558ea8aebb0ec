package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/auth"
	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/server"
)

// connect makes the clients of all connections. It reaches out to nothing, and what is missing or wrong is said
// by the tools: a client that starts this program shows its user a tool's answer, but seldom a log.
func connect(c *config, log *slog.Logger, watchers []dataverse.Watch) []server.Connection {
	var out []server.Connection
	for _, conn := range c.connections {
		client, err := conn.client(c, log, watchers)
		if err != nil {
			log.Warn("connection cannot be used", "connection", conn.name, "error", err.Error())
		}
		out = append(out, server.Connection{Name: conn.name, Client: client, Missing: err})
	}
	return out
}

// disconnect ends the use of connections.
func disconnect(connections []server.Connection) {
	for _, c := range connections {
		if c.Client != nil {
			c.Client.Close()
		}
	}
}

func (c *connection) client(of *config, log *slog.Logger, watchers []dataverse.Watch) (*dataverse.Client, error) {
	if err := c.missing(); err != nil {
		return nil, err
	}
	source, err := auth.NewSource(c.Config)
	if err != nil {
		return nil, fmt.Errorf("connection %s: %w", c.name, err)
	}
	transport, err := auth.Transport(source, c.URL, nil)
	if err != nil {
		return nil, fmt.Errorf("connection %s: %w", c.name, err)
	}
	return dataverse.New(dataverse.Options{
		URL: c.URL, Transport: transport, UserAgent: userAgent(), Timeout: of.timeout * 2 / 3, Log: log,
		CacheDir: of.metadataDir(), Watchers: watchers,
	})
}

// metadataDir is the folder that metadata is kept in, "" for none.
func (c *config) metadataDir() string {
	switch c.cacheDir {
	case off:
		return ""
	case "":
		dir, err := os.UserCacheDir()
		if err != nil {
			return "" // no home, so no folder in it
		}
		return filepath.Join(dir, "dynamics-mcp")
	}
	return c.cacheDir
}

// missingSetting is something that a connection cannot do without, and how to give it.
type missingSetting struct{ what, advice string }

func (e *missingSetting) Error() string { return e.what }

// Advice is shown to whoever calls a tool over the connection.
func (e *missingSetting) Advice() string { return e.advice }

// missing says what there is not.
func (c *connection) missing() error {
	address, credentials := "Set DYNAMICS_URL (--url)", "DYNAMICS_CLIENT_ID and DYNAMICS_CLIENT_SECRET, or DYNAMICS_TOKEN, or DYNAMICS_TOKEN_COMMAND"
	const restart, demo = ", and restart the server", "; with --demo it serves sample data without any."
	if c.name != defaultConnection {
		address, credentials = "Set url", "client_id and client_secret, or token, or token_command"
	}
	switch {
	case c.fault != nil:
		return &missingSetting{fmt.Sprintf("connection %s: %v", c.name, c.fault), "Put the secret there, or correct the configuration" + restart + "."}
	case c.URL == "" && c.name == defaultConnection:
		return &missingSetting{"no Dataverse environment is configured", address + " and either " + credentials + restart + demo}
	case c.URL == "":
		return &missingSetting{fmt.Sprintf("connection %s has no url", c.name), address + " in the configuration file" + restart + "."}
	case c.ClientSecret.IsZero() && c.Token.IsZero() && len(c.TokenCommand) == 0:
		return &missingSetting{fmt.Sprintf("connection %s to %s has no credentials", c.name, c.URL), "Set either " + credentials + restart + "."}
	}
	return nil
}

func userAgent() string { return "dynamics-mcp/" + strings.Trim(buildVersion(), "()") }
