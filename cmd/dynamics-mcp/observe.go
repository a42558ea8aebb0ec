package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os/user"

	"github.com/dynamics-mcp/dynamics-mcp/observe"
	"github.com/dynamics-mcp/dynamics-mcp/server"
	"github.com/dynamics-mcp/dynamics-mcp/tools"
)

// watching are the settings of what watches the server.
func watching() []setting {
	return []setting{
		{key: "audit", flag: "audit", meta: "MODE", fallback: auditOn, scope: serving,
			doc: "Audit lines, one for each call of a tool: on, off, or required, which refuses every call that no line can be written for.",
			set: func(c *config, _ *connection, v string) (err error) { c.audit, err = parseAudit(v); return err }},
		{key: "audit_file", flag: "audit-file", meta: "FILE", scope: serving,
			doc: "File that audit lines are added to as JSON, as an absolute path. Left out, they go to the log, and required ones " +
				"to standard error whatever the log level.",
			set: func(c *config, _ *connection, v string) (err error) { c.auditFile, err = parseFile(v); return err }},
		{key: "audit_arguments", flag: "audit-arguments", fallback: "false", scope: serving,
			doc: "Tell the arguments of calls in audit lines. Left out, lines tell their SHA-256 alone, as they may hold what is in records.",
			set: func(c *config, _ *connection, v string) (err error) { c.auditArguments, err = parseBool(v); return err }},
	}
}

// How calls may be audited.
const (
	auditOn       = "on"
	auditRequired = "required"
)

func parseAudit(v string) (string, error) {
	if v != auditOn && v != auditRequired && v != off {
		return "", fmt.Errorf("got %q, want on, off or required", v)
	}
	return v, nil
}

// observers are what watches the calls of tools. Person is who calls when the transport does not tell.
func (p *program) observers(c *config, log *slog.Logger, person string) []tools.Observer {
	if c.audit == off {
		return nil
	}
	a := observe.Audit{
		Required: c.audit == auditRequired, Arguments: c.auditArguments, Log: log,
		Caller: func(ctx context.Context) string { return cmp.Or(server.Caller(ctx), person) },
		Trace:  func(context.Context) string { return "" },
	}
	switch {
	case c.auditFile != "":
		a.Write = observe.JSONLines(observe.NewFile(c.auditFile, a.Required))
	case a.Required:
		a.Write = observe.JSONLines(p.err)
	default:
		a.Write = func(ctx context.Context, line slog.Record) error {
			if !log.Enabled(ctx, line.Level) {
				return nil
			}
			return log.Handler().Handle(ctx, line)
		}
	}
	return []tools.Observer{a.Observer()}
}

// person is who runs this program, "" if the system does not know.
func person() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.Username
}
