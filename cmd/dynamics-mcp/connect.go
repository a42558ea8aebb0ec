package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/auth"
	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/server"
)

// connect makes the clients of all connections. It reaches out to nothing, and what is missing or wrong is said
// by the tools: a client that starts this program shows its user a tool's answer, but seldom a log.
func connect(c *config, log *slog.Logger) []server.Connection {
	var out []server.Connection
	for _, conn := range c.connections {
		client, err := conn.client(log)
		if err != nil {
			log.Warn("connection cannot be used", "connection", conn.name, "error", err.Error())
		}
		out = append(out, server.Connection{Name: conn.name, Client: client, Missing: err})
	}
	return out
}

func (c *connection) client(log *slog.Logger) (*dataverse.Client, error) {
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
	return dataverse.New(dataverse.Options{URL: c.URL, Transport: transport, UserAgent: userAgent(), Log: log})
}

// missing says what there is not; the tools add how to set it.
func (c *connection) missing() error {
	switch {
	case c.URL == "" && c.name == defaultConnection:
		return errors.New("no Dataverse environment is configured")
	case c.URL == "":
		return fmt.Errorf("connection %s has no url", c.name)
	case c.ClientSecret.IsZero() && c.Token.IsZero() && len(c.TokenCommand) == 0:
		return fmt.Errorf("connection %s to %s has no credentials", c.name, c.URL)
	}
	return nil
}

func userAgent() string { return "dynamics-mcp/" + strings.Trim(version(), "()") }
