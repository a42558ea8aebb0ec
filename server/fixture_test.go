package server

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/dynamics-mcp/dynamics-mcp/tools"
)

// fixture is a server with tools that do what the edge has to cope with.
type fixture struct {
	*Server
	started   chan struct{} // one for each call of wait
	cancelled chan struct{} // one for each call of wait that was cancelled
	release   chan struct{} // lets calls of wait end
}

func newFixture(tb testing.TB, o Options) *fixture {
	tb.Helper()
	f := &fixture{started: make(chan struct{}, 1000), cancelled: make(chan struct{}, 1000), release: make(chan struct{})}
	o.Mount = func(s *Server, m *server.MCPServer) {
		add := func(name string, handle server.ToolHandlerFunc) { m.AddTool(mcp.NewTool(name), handle) }
		add("nothing", func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return mcp.NewToolResultText("ok"), nil
		})
		add("wait", f.wait)
		add("steps", steps)
		add("count", func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			tools.ProgressOf(ctx)(1, 1, "")
			return mcp.NewToolResultText("ok"), nil
		})
		add("ask", ask)
		add("refuse", func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return nil, Fail(ctx, mcp.MISSING_REQUIRED_CLIENT_CAPABILITY, "sampling is needed", map[string]any{"requiredCapabilities": map[string]any{"sampling": map[string]any{}}})
		})
		m.AddResource(mcp.NewResource("test://known", "known"), func(context.Context, mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
			return []mcp.ResourceContents{mcp.TextResourceContents{URI: "test://known", Text: "x"}}, nil
		})
	}
	o.Library = []server.ServerOption{server.WithResourceCapabilities(true, true), server.WithPromptCapabilities(true)}
	s, err := New(o)
	if err != nil {
		tb.Fatal(err)
	}
	f.Server = s
	return f
}

func (f *fixture) wait(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	f.started <- struct{}{}
	select {
	case <-f.release:
		return mcp.NewToolResultText("done"), nil
	case <-ctx.Done():
		f.cancelled <- struct{}{}
		return nil, ctx.Err()
	}
}

// steps reports on two roads: as tools of ours do, and as the library's own do. Then it returns at once.
func steps(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	set := tools.ProgressOf(ctx)
	set(1, 3, "first")
	var other sync.WaitGroup
	other.Go(func() { set(2, 3, "second") })
	other.Wait()
	err := server.ServerFromContext(ctx).SendNotificationToClient(ctx, "notifications/progress",
		map[string]any{"progressToken": r.Params.Meta.ProgressToken, "progress": 3, "total": 3})
	return mcp.NewToolResultText("ok"), err
}

func ask(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	if answer := server.ElicitationResponse(r.Params.InputResponses, "sure"); answer != nil {
		return mcp.NewToolResultText(fmt.Sprint(answer.Action, " ", r.Params.RequestState)), nil
	}
	if !canElicit(ctx) {
		return mcp.NewToolResultText("cannot ask"), nil
	}
	return server.NewInputRequestBuilder("state").Elicit("sure", mcp.ElicitationParams{
		Mode: mcp.ElicitationModeForm, Message: "Sure?", RequestedSchema: map[string]any{"type": "object", "properties": map[string]any{}},
	}).ToolResult(), nil
}

// received waits for something that has to come.
func received(tb testing.TB, from <-chan struct{}, what string) {
	tb.Helper()
	select {
	case <-from:
	case <-time.After(20 * time.Second):
		tb.Fatalf("%s: nothing came", what)
	}
}
