package observe

import (
	"context"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/tools"
)

// Traces makes a span of each call of a tool, and below it one of each request that the call needed.
type Traces struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	context  propagation.TextMapPropagator
}

// OTLP returns traces that go where the OTEL_* variables of the environment say, by OTLP over HTTP.
func OTLP(ctx context.Context, version string) (*Traces, error) {
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, err
	}
	// What the environment says comes last, as it wins.
	what, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "dynamics-mcp"), attribute.String("service.version", version)),
		resource.WithFromEnv())
	if err != nil {
		return nil, err
	}
	return newTraces(version, sdktrace.WithBatcher(exporter), sdktrace.WithResource(what)), nil
}

func newTraces(version string, options ...sdktrace.TracerProviderOption) *Traces {
	provider := sdktrace.NewTracerProvider(options...)
	return &Traces{
		provider: provider,
		tracer:   provider.Tracer("github.com/dynamics-mcp/dynamics-mcp", trace.WithInstrumentationVersion(version)),
		context:  propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}),
	}
}

// Close sends what was not yet sent.
func (t *Traces) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }

// Headers takes the trace that a request belongs to from its headers.
func (t *Traces) Headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(t.context.Extract(r.Context(), propagation.HeaderCarrier(r.Header))))
	})
}

// Meta takes the trace that a call belongs to from its _meta, where it names one.
func (t *Traces) Meta(ctx context.Context, value func(key string) string) context.Context {
	return t.context.Extract(ctx, meta(value))
}

// meta reads traceparent, tracestate and baggage.
type meta func(key string) string

// Get implements propagation.TextMapCarrier.
func (m meta) Get(key string) string { return m(key) }

// Set implements propagation.TextMapCarrier. Nothing is ever sent on.
func (meta) Set(string, string) {}

// Keys implements propagation.TextMapCarrier.
func (meta) Keys() []string { return nil }

// ID is the id of the trace that ctx belongs to, "" for none.
func (t *Traces) ID(ctx context.Context) string {
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		return span.TraceID().String()
	}
	return ""
}

// Observe implements tools.Observer. A span tells less than an audit line: it goes to whoever runs the collector.
func (t *Traces) Observe(ctx context.Context, c tools.Call) (context.Context, func(tools.Outcome), error) {
	ctx, span := t.tracer.Start(ctx, "tools/call "+toolName(c), trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(c.Started),
		trace.WithAttributes(
			attribute.String("mcp.method.name", "tools/call"), attribute.String("gen_ai.operation.name", "execute_tool"),
			attribute.String("gen_ai.tool.name", toolName(c)), attribute.String("dynamics.call", c.ID),
			attribute.String("dynamics.connection", c.Connection),
		))
	return ctx, func(o tools.Outcome) {
		defer span.End(trace.WithTimestamp(c.Started.Add(o.Took)))
		if o.Err != nil {
			fail(span, outcome(o))
			return // the table is as the caller wrote it, which may be anything
		}
		span.SetAttributes(attribute.String("dynamics.table", o.Table), attribute.Int("dynamics.rows", o.Rows))
	}, nil
}

// Watch implements dataverse.Watch.
func (t *Traces) Watch(ctx context.Context, r dataverse.Request) (context.Context, func(dataverse.Response)) {
	ctx, span := t.tracer.Start(ctx, r.Method+" "+r.Route, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("http.request.method", r.Method), attribute.String("url.template", r.Route)))
	return ctx, func(answer dataverse.Response) {
		defer span.End()
		var waited time.Duration
		status := 0
		for _, attempt := range answer.Attempts {
			waited += attempt.Waited
			status = attempt.Status
		}
		span.SetAttributes(attribute.Int("http.request.resend_count", max(0, len(answer.Attempts)-1)),
			attribute.Float64("dynamics.waited_ms", float64(waited)/float64(time.Millisecond)))
		if status != 0 {
			span.SetAttributes(attribute.Int("http.response.status_code", status))
		}
		if answer.Kind != "" {
			fail(span, string(answer.Kind))
		}
	}
}

// fail tells the kind of an error and not its text, which may hold anything.
func fail(span trace.Span, kind string) {
	span.SetStatus(codes.Error, kind)
	span.SetAttributes(attribute.String("error.type", kind))
}
