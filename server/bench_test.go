package server

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/server"
)

// BenchmarkNew is what start-up pays for the catalogue.
func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		if _, err := New(Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHTTPCall compares this edge with the library's own.
func BenchmarkHTTPCall(b *testing.B) {
	f := newFixture(b, Options{})
	for _, edge := range []struct {
		name    string
		handler http.Handler
	}{
		{"ours", f.Handler()},
		{"library", server.NewStreamableHTTPServer(f.mcp, server.WithStateLess(true))},
	} {
		b.Run(edge.name, func(b *testing.B) {
			running := httptest.NewServer(edge.handler)
			defer running.Close()
			header := headersOf("tools/call", "nothing")
			header.Set("Content-Type", "application/json")
			header.Set("Accept", "application/json, text/event-stream")
			body := modernCall("1", "tools/call", `"name":"nothing","arguments":{},`, `{}`, "")
			for b.Loop() {
				r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, running.URL+"/mcp", strings.NewReader(body))
				if err != nil {
					b.Fatal(err)
				}
				r.Header = header
				answer, err := http.DefaultClient.Do(r)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
				if answer.StatusCode != http.StatusOK {
					b.Fatal(answer.Status)
				}
			}
		})
	}
}

// BenchmarkStdioCall compares this edge with the library's own.
func BenchmarkStdioCall(b *testing.B) {
	f := newFixture(b, Options{})
	for _, edge := range []struct {
		name  string
		serve func(context.Context, io.Reader, io.Writer) error
	}{
		{"ours", f.ServeStdio},
		{"library", server.NewStdioServer(f.mcp).Listen},
	} {
		b.Run(edge.name, func(b *testing.B) {
			in, client := io.Pipe()
			answers, out := io.Pipe()
			served := make(chan error, 1)
			go func() { served <- edge.serve(context.Background(), in, out) }()
			lines := bufio.NewReader(answers)
			call := modernCall("1", "tools/call", `"name":"nothing","arguments":{},`, `{}`, "") + "\n"
			for b.Loop() {
				if _, err := io.WriteString(client, call); err != nil {
					b.Fatal(err)
				}
				if _, err := lines.ReadSlice('\n'); err != nil {
					b.Fatal(err)
				}
			}
			_ = client.Close()
			if err := <-served; err != nil {
				b.Error(err)
			}
		})
	}
}
