// Package gosdk runs the Go client of the protocol's own project against the fixtures behind our edge.
package gosdk

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const watched = "test://watched-resource"

// fixtures is the program under test: the server of test/conformance.
func fixtures(t *testing.T) string {
	t.Helper()
	path := os.Getenv("CONFORMANCE_FIXTURES")
	if path == "" {
		path = "../../../bin/conformance"
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("build the fixtures first (make interop does): %v", err)
	}
	return path
}

// heard are the notifications that a client got.
type heard struct {
	mu       sync.Mutex
	progress map[any][]float64
	changes  []string
}

func (h *heard) note(change string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changes = append(h.changes, change)
}

func (h *heard) has(change string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Contains(h.changes, change)
}

func connect(t *testing.T, transport mcp.Transport) (*mcp.ClientSession, *heard) {
	t.Helper()
	h := &heard{progress: map[any][]float64{}}
	client := mcp.NewClient(&mcp.Implementation{Name: "interop", Version: "1.0.0"}, &mcp.ClientOptions{
		ElicitationHandler: func(context.Context, *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"username": "ada", "email": "ada@example.com"}}, nil
		},
		ProgressNotificationHandler: func(_ context.Context, r *mcp.ProgressNotificationClientRequest) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.progress[r.Params.ProgressToken] = append(h.progress[r.Params.ProgressToken], r.Params.Progress)
		},
		ResourceUpdatedHandler: func(_ context.Context, r *mcp.ResourceUpdatedNotificationRequest) { h.note(r.Params.URI) },
		ToolListChangedHandler: func(context.Context, *mcp.ToolListChangedRequest) { h.note("tools") },
	})
	session, err := client.Connect(t.Context(), transport, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session, h
}

// serve starts the fixtures over HTTP and returns their address.
func serve(t *testing.T) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), fixtures(t))
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(address)
}

func TestTheGoClientWorks(t *testing.T) {
	address := serve(t)
	for name, transport := range map[string]func() mcp.Transport{
		"http":  func() mcp.Transport { return &mcp.StreamableClientTransport{Endpoint: address} },
		"stdio": func() mcp.Transport { return &mcp.CommandTransport{Command: exec.Command(fixtures(t), "stdio")} },
	} {
		t.Run(name, func(t *testing.T) {
			session, h := connect(t, transport())
			lists(t, session)
			progress(t, session, h)
			if text := call(t, session, "test_elicitation", map[string]any{"message": "Who?"}); !strings.Contains(text, "ada@example.com") {
				t.Errorf("elicitation: %s", text)
			}
			cancels(t, session)
			changes(t, session, h)
			other, _ := connect(t, transport())
			if text := call(t, other, "test_simple_text", nil); !strings.Contains(text, "simple text") {
				t.Errorf("a second session: %s", text)
			}
		})
	}
}

func call(t *testing.T, session *mcp.ClientSession, tool string, arguments map[string]any) string {
	t.Helper()
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	var text []string
	for _, content := range result.Content {
		if c, ok := content.(*mcp.TextContent); ok {
			text = append(text, c.Text)
		}
	}
	return strings.Join(text, "\n")
}

func lists(t *testing.T, session *mcp.ClientSession) {
	t.Helper()
	tools, err := session.ListTools(t.Context(), nil)
	if err != nil || !slices.ContainsFunc(tools.Tools, func(tool *mcp.Tool) bool { return tool.Name == "test_simple_text" }) {
		t.Errorf("tools: %v", err)
	}
	resources, err := session.ListResources(t.Context(), nil)
	if err != nil || len(resources.Resources) == 0 {
		t.Errorf("resources: %v", err)
	}
	prompts, err := session.ListPrompts(t.Context(), nil)
	if err != nil || len(prompts.Prompts) == 0 {
		t.Errorf("prompts: %v", err)
	}
	if _, err := session.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: "test://nothing"}); err == nil {
		t.Error("a resource that does not exist was read")
	}
}

// progress wants every notification of 20 calls. The client hands them on beside the result, so they may come a moment
// after it.
func progress(t *testing.T, session *mcp.ClientSession, h *heard) {
	t.Helper()
	for i := range 20 {
		token := fmt.Sprintf("call-%d", i)
		params := &mcp.CallToolParams{Name: "test_tool_with_progress"}
		params.SetProgressToken(token)
		if _, err := session.CallTool(t.Context(), params); err != nil {
			t.Fatal(err)
		}
		until(t, "all progress of "+token, func() bool {
			h.mu.Lock()
			defer h.mu.Unlock()
			return slices.Equal(h.progress[token], []float64{0, 50, 100})
		})
	}
}

func cancels(t *testing.T, session *mcp.ClientSession) {
	t.Helper()
	cancelled := func() int {
		n, err := strconv.Atoi(call(t, session, "test_cancelled_calls", nil))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := cancelled()
	ctx, giveUp := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer giveUp()
	if _, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "test_slow"}); err == nil {
		t.Error("a cancelled call has a result")
	}
	until(t, "the call ends in the server", func() bool { return cancelled() > before })
}

func changes(t *testing.T, session *mcp.ClientSession, h *heard) {
	t.Helper()
	if err := session.Subscribe(t.Context(), &mcp.SubscribeParams{URI: watched}); err != nil {
		t.Fatal(err)
	}
	call(t, session, "test_touch_resource", nil)
	call(t, session, "test_trigger_tool_change", nil)
	until(t, "the resource's update", func() bool { return h.has(watched) })
	until(t, "the change of the list", func() bool { return h.has("tools") })
}

// until waits for a fact, for five seconds at the most.
func until(t *testing.T, what string, fact func() bool) {
	t.Helper()
	for range 100 {
		if fact() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s: not within five seconds", what)
}
