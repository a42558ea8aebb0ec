package test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector ADDRESS FILE takes spans there by OTLP over HTTP until the script ends, and adds a line for each to FILE.
func collector(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: collector ADDRESS FILE")
	}
	l, err := net.Listen("tcp", args[0])
	ts.Check(err)
	out, err := os.Create(ts.MkAbs(args[1]))
	ts.Check(err)
	var mu sync.Mutex
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", func(w http.ResponseWriter, r *http.Request) {
		var request collectorpb.ExportTraceServiceRequest
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = proto.Unmarshal(body, &request)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		for _, resource := range request.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				for _, span := range scope.Spans {
					writeSpan(out, resource, span)
				}
			}
		}
	})
	s := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	go func() { _ = s.Serve(l) }()
	ts.Defer(func() {
		_ = s.Close()
		_ = out.Close()
	})
}

func writeSpan(out io.Writer, resource *tracepb.ResourceSpans, span *tracepb.Span) {
	_, _ = fmt.Fprintf(out, "%s kind=%s trace=%x parent=%x status=%q", span.Name, span.Kind, span.TraceId, span.ParentSpanId, span.GetStatus().GetMessage())
	for _, a := range append(resource.GetResource().GetAttributes(), span.Attributes...) {
		_, _ = fmt.Fprintf(out, " %s=%s", a.Key, a.Value)
	}
	_, _ = fmt.Fprintln(out)
}
