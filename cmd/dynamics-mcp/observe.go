package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/observe"
	"github.com/dynamics-mcp/dynamics-mcp/server"
	"github.com/dynamics-mcp/dynamics-mcp/tools"
)

// watching are the settings of what watches the server.
func watching() []setting {
	return []setting{
		{key: "audit", flag: "audit", meta: "MODE", fallback: auditOn, scope: serving,
			doc: "Audit lines, one for each call of a tool: on, off, or required, which refuses every call that no line can be written for. " +
				"The command call, which is quiet, prints them only if this or log_level is given.",
			set: func(c *config, _ *connection, v string) (err error) { c.audit, err = parseAudit(v); return err }},
		{key: "audit_file", flag: "audit-file", meta: "FILE", scope: serving,
			doc: "File that audit lines are added to as JSON, as an absolute path. Left out, they go to the log, and required ones " +
				"to standard error whatever the log level. Required lines need a file that can be opened at the start.",
			set: func(c *config, _ *connection, v string) (err error) { c.auditFile, err = parseFile(v); return err }},
		{key: "audit_arguments", flag: "audit-arguments", fallback: "false", scope: serving,
			doc: "Tell the arguments of calls in audit lines. Left out, lines tell their SHA-256 alone, as they may hold what is in records.",
			set: func(c *config, _ *connection, v string) (err error) { c.auditArguments, err = parseBool(v); return err }},
		{key: "metrics_listen", flag: "metrics-listen", meta: "ADDRESS", scope: listening,
			doc: "Address and port where Prometheus fetches metrics, at /metrics, such as 127.0.0.1:9464. Left out, there are none. " +
				"Nobody is asked who they are there.",
			set: func(c *config, _ *connection, v string) error { c.metricsListen = v; return nil }},
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

// watch is what watches a server.
type watch struct {
	observers []tools.Observer
	watchers  []dataverse.Watch
	traces    *observe.Traces  // nil: none
	metrics   *observe.Metrics // nil: none
	listener  net.Listener     // of the metrics
}

// watch starts what every command has.
func (p *program) watch(ctx context.Context, c *config, log *slog.Logger) (*watch, error) {
	w := &watch{traces: p.traces(ctx, log)}
	if w.traces != nil {
		w.observers = append(w.observers, w.traces.Observe)
		w.watchers = append(w.watchers, w.traces.Watch)
	}
	if c.audit == off {
		return w, nil
	}
	audit, err := p.audit(c, log, w.traces)
	if err != nil {
		w.close(log)
		return nil, err
	}
	w.observers = append(w.observers, audit.Observer())
	return w, nil
}

// traces are sent where the variables say that OpenTelemetry has for it, and made only if they do.
func (p *program) traces(ctx context.Context, log *slog.Logger) *observe.Traces {
	exporter := p.env("OTEL_TRACES_EXPORTER")
	endpoint := cmp.Or(p.env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), p.env("OTEL_EXPORTER_OTLP_ENDPOINT"))
	if exporter == "none" || exporter == "" && endpoint == "" || strings.EqualFold(p.env("OTEL_SDK_DISABLED"), "true") {
		return nil
	}
	protocol := cmp.Or(p.env("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), p.env("OTEL_EXPORTER_OTLP_PROTOCOL"), otlpProtocol)
	if cmp.Or(exporter, "otlp") != "otlp" || protocol != otlpProtocol {
		log.WarnContext(ctx, "traces are not sent: want the exporter otlp over http/protobuf", "exporter", exporter, "protocol", protocol)
		return nil
	}
	// The library would write to standard error in a form of its own, and there headers that it cannot read, as they are.
	otel.SetLogger(logr.Discard())
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.WarnContext(ctx, "traces cannot be sent", "error", err.Error()) }))
	t, err := observe.OTLP(ctx, buildVersion())
	if err != nil {
		log.WarnContext(ctx, "traces are not sent", "error", err.Error())
		return nil
	}
	return t
}

const (
	otlpProtocol = "http/protobuf"
	flushTime    = 2 * time.Second
)

// close sends what is left of the traces, if somebody takes it in time.
func (w *watch) close(log *slog.Logger) {
	if w.traces == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	if err := w.traces.Close(ctx); err != nil {
		log.Warn("the last traces were not sent", "error", err.Error())
	}
}

// handler takes over the traces of those who call over HTTP.
func (w *watch) handler(h http.Handler) http.Handler {
	if w.traces == nil {
		return h
	}
	return w.traces.Headers(h)
}

func (p *program) audit(c *config, log *slog.Logger, traces *observe.Traces) (observe.Audit, error) {
	userName := person()
	a := observe.Audit{
		Required: c.audit == auditRequired, Arguments: c.auditArguments, Log: log,
		Caller: func(ctx context.Context) string { return cmp.Or(server.Caller(ctx), userName) },
		Trace:  func(context.Context) string { return "" },
	}
	if traces != nil {
		a.Trace = traces.ID
	}
	switch {
	case c.auditFile != "":
		file := observe.NewFile(c.auditFile, a.Required)
		a.Write = observe.JSONLines(file)
		if !a.Required {
			return a, nil // the log tells with the first call
		}
		if err := file.Open(); err != nil { // every call would be refused
			return a, fmt.Errorf("every call has to be audited, and that cannot be: %w", err)
		}
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
	return a, nil
}

// listen opens the port of the metrics, if there is to be one.
func (w *watch) listen(ctx context.Context, c *config) error {
	if c.metricsListen == "" {
		return nil
	}
	l, err := listen(ctx, c.metricsListen, "metrics-listen")
	if err != nil {
		return err
	}
	w.listener, w.metrics = l, observe.NewMetrics(buildVersion())
	// Before the audit, which may refuse a call: that counts too.
	w.observers = slices.Insert(w.observers, 0, w.metrics.Observe)
	w.watchers = append(w.watchers, w.metrics.Watch)
	return nil
}

// open makes a server that is watched.
func (w *watch) open(o server.Options) (*server.Server, error) {
	o.Observers = w.observers
	if w.traces != nil {
		o.Traced = w.traces.Meta
	}
	s, err := server.New(o)
	if err != nil || w.metrics == nil {
		return s, err
	}
	var clients []*dataverse.Client
	for _, c := range o.Connections {
		if c.Client != nil {
			clients = append(clients, c.Client)
		}
	}
	w.metrics.Load(clients...)
	w.metrics.Clients(s.Sessions, s.Streams)
	return s, nil
}

// serve answers whoever fetches metrics until ctx ends.
func (w *watch) serve(ctx context.Context, log *slog.Logger) error {
	if w.metrics == nil {
		return nil
	}
	log.InfoContext(ctx, "serving metrics", "url", "http://"+w.listener.Addr().String()+"/metrics")
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", w.metrics.Handler())
	return serve(ctx, w.listener, mux, log, nil)
}

// person is who runs this program, "" if the system does not know.
func person() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.Username
}
