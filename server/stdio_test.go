package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

func newTestLog(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// piped sends messages, then the end of input, and returns the ids answered.
func piped(t *testing.T, s *Server, messages ...string) []string {
	t.Helper()
	var out bytes.Buffer
	if err := s.ServeStdio(t.Context(), strings.NewReader(strings.Join(messages, "\n")), &out); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for line := range strings.Lines(out.String()) {
		var m message
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("output is no message: %q: %v", line, err)
		}
		ids = append(ids, string(m.ID))
	}
	slices.Sort(ids)
	return ids
}

func TestStdioAnswersEverythingBeforeTheEndOfInput(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		got := piped(t, s,
			`{"jsonrpc":"2.0","id":"one","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`,
			`{"jsonrpc":"2.0","method":"notifications/initialized"}`,
			`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"list_tables","arguments":{}}}`,
			strings.Replace(modernList, `"id":1`, `"id":3`, 1),
			`{"jsonrpc":"2.0","id":4,"method":"no/such/method"}`,
		) // without a line end after the last
		if want := []string{`"one"`, "2", "3", "4"}; !slices.Equal(got, want) {
			t.Fatalf("answered: got %v, want %v", got, want)
		}
	}
}

func TestStdioWaitsForCallsUnderWay(t *testing.T) {
	ended := make(chan struct{})
	s := slowServer(t, Options{}, ended)
	var out bytes.Buffer
	// The call goes on only once the end of input was read.
	in := io.MultiReader(strings.NewReader(slowCall), readerFunc(func([]byte) (int, error) {
		close(ended)
		return 0, io.EOF
	}))
	if err := s.ServeStdio(t.Context(), in, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `"text":"done"`) {
		t.Errorf("got %q, want the answer of the call", out.String())
	}
}

func TestStdioDoesNotWaitForever(t *testing.T) {
	s := slowServer(t, Options{DrainTimeout: time.Millisecond}, nil)
	piped(t, s, slowCall) // returns: the call, which would never end, is cancelled
}

const slowCall = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"slow_call","arguments":{}}}`

// slowServer has one more tool, which goes on until done is closed or it is
// cancelled.
func slowServer(t *testing.T, o Options, done <-chan struct{}) *Server {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.mcp.AddTool(mcp.NewTool("slow_call"), func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		select {
		case <-done:
			return mcp.NewToolResultText("done"), nil
		case <-ctx.Done():
			return nil, fmt.Errorf("cancelled: %w", ctx.Err())
		}
	})
	return s
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
