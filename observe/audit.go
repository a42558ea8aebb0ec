// Package observe watches the server at work: an audit line for each call of a tool, metrics for Prometheus and traces
// for OpenTelemetry. None of them sees a secret or what is in a record.
package observe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/tools"
)

// Audit says where audit lines go, and what they tell.
type Audit struct {
	Write     func(context.Context, slog.Record) error // its error means that the line is not there
	Required  bool                                     // refuses calls that no line can be written for
	Arguments bool                                     // tells the arguments themselves, not only their SHA-256
	Caller    func(context.Context) string             // who calls; "" where nobody knows
	Trace     func(context.Context) string             // the trace that a call belongs to; "" where there is none
	Log       *slog.Logger                             // told when lines can no longer be written, and when they can again
}

// Observer returns what writes one line when a call has ended. Where lines are required, it writes another one before
// the call begins, and lets no call begin without: whatever is lost afterwards, nothing was done that no line tells of.
func (a Audit) Observer() tools.Observer {
	w := &auditor{Audit: a}
	return w.observe
}

// auditor is an Audit at work.
type auditor struct {
	Audit
	failing atomic.Bool
}

// errNoLine is why a call is refused. What exactly is wrong is for the log.
var errNoLine = errors.New("every call has to be audited, and its audit line cannot be written")

// maxIDs is how many record ids a line names; it always tells how many there are.
const maxIDs = 20

func (a *auditor) observe(ctx context.Context, c tools.Call) (context.Context, func(tools.Outcome), error) {
	who := a.opening(ctx, c)
	if a.Required {
		if err := a.write(ctx, "tool is called", slices.Concat(who, subject(c.Subject))); err != nil {
			return ctx, nil, errNoLine
		}
	}
	return ctx, func(o tools.Outcome) {
		// What is missing now is what came of a call that began with a line, or that nobody required one of.
		_ = a.write(ctx, "tool called", slices.Concat(who, subject(o.Subject), ending(o)))
	}, nil
}

// opening is what is known before a call.
func (a *auditor) opening(ctx context.Context, c tools.Call) []slog.Attr {
	attrs := []slog.Attr{slog.String("call", c.ID), slog.String("tool", c.Tool)}
	if c.Effect != 0 {
		attrs = append(attrs, slog.String("effect", c.Effect.String()))
	}
	if c.Connection != "" {
		attrs = append(attrs, slog.String("connection", c.Connection))
	}
	if caller := a.Caller(ctx); caller != "" {
		attrs = append(attrs, slog.String("caller", caller))
	}
	if id := a.Trace(ctx); id != "" {
		attrs = append(attrs, slog.String("trace_id", id))
	}
	sum := sha256.Sum256(c.Arguments)
	attrs = append(attrs, slog.String("arguments_sha256", hex.EncodeToString(sum[:])))
	if a.Arguments {
		attrs = append(attrs, slog.String("arguments", string(c.Arguments)))
	}
	return attrs
}

func subject(s tools.Subject) []slog.Attr {
	var attrs []slog.Attr
	if s.Table != "" {
		attrs = append(attrs, slog.String("table", s.Table))
	}
	if len(s.IDs) == 0 {
		return attrs
	}
	var ids []string
	for _, id := range s.IDs[:min(len(s.IDs), maxIDs)] {
		ids = append(ids, recordID(id))
	}
	return append(attrs, slog.Any("ids", ids), slog.Int("records", len(s.IDs)))
}

// recordID tells an alternate key by its hash: it may be an address or a number that a person is known by.
func recordID(id string) string {
	if guid, ok := tools.RecordID(id); ok {
		return guid
	}
	sum := sha256.Sum256([]byte(id))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func ending(o tools.Outcome) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("outcome", outcome(o)), slog.Int("rows", o.Rows), slog.Int("reply_bytes", o.Bytes), slog.Duration("took", o.Took),
	}
	if o.Status != "" {
		attrs = append(attrs, slog.String("status", o.Status))
	}
	if id := requestID(o.Err); id != "" {
		attrs = append(attrs, slog.String("request_id", id))
	}
	return attrs
}

// write returns when the line is where it has to be.
func (a *auditor) write(ctx context.Context, event string, attrs []slog.Attr) error {
	line := slog.NewRecord(time.Now(), slog.LevelInfo, event, 0)
	line.AddAttrs(attrs...)
	err := a.Write(ctx, line)
	switch {
	case err != nil && !a.failing.Swap(true):
		a.Log.ErrorContext(ctx, "audit lines cannot be written", "error", err.Error(), "calls_refused", a.Required)
	case err == nil && a.failing.Load() && a.failing.Swap(false):
		a.Log.InfoContext(ctx, "audit lines can be written again")
	}
	return err
}
