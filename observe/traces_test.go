package observe

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/oauth2"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/emulator"
	"github.com/dynamics-mcp/dynamics-mcp/tools"
)

const (
	traceID     = "4bf92f3577b34da6a3ce929d0e0e4736"
	parentID    = "00f067aa0ba902b7"
	traceparent = "00-" + traceID + "-" + parentID + "-01"
)

// traced calls a tool of an emulated environment and returns the spans, each after those below it.
func traced(t *testing.T, ctx func(*Traces, context.Context) context.Context, tool, args string) tracetest.SpanStubs {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	traces := newTraces("1", sdktrace.WithSyncer(spans))
	srv := emulator.Start(t)
	client, err := dataverse.New(dataverse.Options{URL: srv.URL, Watchers: []dataverse.Watch{traces.Watch}, Transport: &oauth2.Transport{
		Source: oauth2.StaticTokenSource(&oauth2.Token{AccessToken: srv.Token}), Base: emulator.Transport(srv.Emulator),
	}})
	if err != nil {
		t.Fatal(err)
	}
	set, err := tools.New(tools.Options{
		Connections: []tools.Connection{{Name: "test", Deps: tools.Deps{Dataverse: client}}}, Observers: []tools.Observer{traces.Observe},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := set.Call(ctx(traces, t.Context()), tool, json.RawMessage(args)); err != nil {
		t.Fatal(err)
	}
	return spans.GetSpans()
}

func fromMeta(values map[string]string) func(*Traces, context.Context) context.Context {
	return func(t *Traces, ctx context.Context) context.Context {
		return t.Meta(ctx, func(key string) string { return values[key] })
	}
}

func attributes(s tracetest.SpanStub) map[string]string {
	out := map[string]string{}
	for _, a := range s.Attributes {
		out[string(a.Key)] = a.Value.String()
	}
	return out
}

func TestCallIsASpanOfTheClientsTraceWithItsRequestsBelow(t *testing.T) {
	spans := traced(t, fromMeta(map[string]string{"traceparent": traceparent, "tracestate": "vendor=1"}),
		"query_records", `{"table":"Contacts","filter":"emailaddress1 eq 'kim@example.com'"}`)
	call := spans[len(spans)-1]
	if call.Name != "tools/call query_records" || call.SpanKind != trace.SpanKindServer {
		t.Fatalf("last span: got %s %s, want the call", call.SpanKind, call.Name)
	}
	if call.SpanContext.TraceID().String() != traceID || call.Parent.SpanID().String() != parentID || !call.Parent.IsRemote() {
		t.Errorf("the call is in trace %s below %s, want that of _meta", call.SpanContext.TraceID(), call.Parent.SpanID())
	}
	if got := call.SpanContext.TraceState().Get("vendor"); got != "1" {
		t.Errorf("tracestate: got %q, want 1", got)
	}
	if got := attributes(call); got["dynamics.table"] != "contact" || got["gen_ai.tool.name"] != "query_records" || got["dynamics.connection"] != "test" {
		t.Errorf("attributes: got %v", got)
	}
	if len(spans) < 2 {
		t.Fatal("no span of a request")
	}
	for _, request := range spans[:len(spans)-1] {
		if request.Parent.SpanID() != call.SpanContext.SpanID() || request.SpanKind != trace.SpanKindClient {
			t.Errorf("%s: got a %s span below %s, want a client's below the call", request.Name, request.SpanKind, request.Parent.SpanID())
		}
		if got := attributes(request); got["http.response.status_code"] != "200" || got["http.request.resend_count"] != "0" {
			t.Errorf("%s: attributes %v", request.Name, got)
		}
	}
	if !slices.ContainsFunc(spans, func(s tracetest.SpanStub) bool { return s.Name == "GET contacts" }) {
		t.Errorf("got %v, want a span of the query", spans)
	}
}

func TestSpansHoldNothingOfARecordNorOfArguments(t *testing.T) {
	const id = "99999999-9999-4999-8999-999999999999"
	for tool, args := range map[string]string{
		"query_records": `{"table":"contact","filter":"lastname eq 'Secretive'"}`,
		"get_record":    `{"table":"contact","id":"emailaddress1='Secretive'"}`,
		"update_record": `{"table":"contact","id":"` + id + `","values":{"lastname":"Secretive"}}`,
		"list_tables":   `{"filter":"Secretive"}`,
		"count_records": `{"table":"Secretive"}`,
	} {
		for _, span := range traced(t, fromMeta(nil), tool, args) {
			if text := fmt.Sprint(span.Name, attributes(span), span.Status, span.Events); strings.Contains(text, "Secretive") || strings.Contains(text, id) {
				t.Errorf("%s: %s", tool, text)
			}
		}
	}
}

func TestFailedCallIsAFailedSpanWithItsKind(t *testing.T) {
	spans := traced(t, fromMeta(nil), "get_record", `{"table":"contact","id":"99999999-9999-4999-8999-999999999999"}`)
	call := spans[len(spans)-1]
	if call.Status.Code != codes.Error || attributes(call)["error.type"] != "not_found" || call.Parent.IsValid() {
		t.Errorf("got %v %v below %v, want a failed root span", call.Status, attributes(call), call.Parent)
	}
	request := spans[len(spans)-2]
	if request.Name != "GET contacts({})" || attributes(request)["http.response.status_code"] != "404" {
		t.Errorf("request: got %s %v, want the 404 of a record", request.Name, attributes(request))
	}
}

func TestMetaWinsOverHeaders(t *testing.T) {
	traces := newTraces("1")
	const other = "00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01"
	for _, c := range []struct{ header, meta, want string }{
		{"", "", ""},
		{traceparent, "", traceID},
		{"", traceparent, traceID},
		{other, traceparent, traceID},
		{traceparent, "broken", traceID},
	} {
		var got string
		handler := traces.Headers(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			got = traces.ID(traces.Meta(r.Context(), func(key string) string {
				return map[string]string{"traceparent": c.meta}[key]
			}))
		}))
		r := httptest.NewRequest(http.MethodPost, "/mcp", http.NoBody)
		if c.header != "" {
			r.Header.Set("Traceparent", c.header)
		}
		handler.ServeHTTP(httptest.NewRecorder(), r)
		if got != c.want {
			t.Errorf("header %q, _meta %q: got trace %q, want %q", c.header, c.meta, got, c.want)
		}
	}
}

func BenchmarkTraces(b *testing.B) {
	traces := newTraces("1", sdktrace.WithBatcher(tracetest.NewNoopExporter()))
	b.ReportAllocs()
	for b.Loop() {
		ctx, called, err := traces.Observe(b.Context(), deletion())
		if err != nil {
			b.Fatal(err)
		}
		_, answered := traces.Watch(ctx, dataverse.Request{Method: http.MethodGet, Route: "contacts"})
		answered(dataverse.Response{Attempts: []dataverse.Attempt{{Status: http.StatusOK}}})
		called(tools.Outcome{})
	}
}
