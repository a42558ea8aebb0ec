package server

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/tools"
)

var update = flag.Bool("update", false, "rewrite the snapshots in testdata")

// listTools is the result of tools/list as a client gets it.
func listTools(t *testing.T, o Options) json.RawMessage {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	message := s.mcp.HandleMessage(t.Context(), json.RawMessage(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`))
	raw, err := json.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Result json.RawMessage `json:"result"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Result
}

func TestToolsListStaysWithinItsBudget(t *testing.T) {
	const maxBytes, maxTokens = 12288, 4000
	got := len(listTools(t, Options{}))
	t.Logf("tools/list: %d bytes, about %d tokens", got, got/4)
	if got > maxBytes || got/4 > maxTokens {
		t.Errorf("tools/list: got %d bytes, want at most %d bytes and %d tokens at 4 bytes each", got, maxBytes, maxTokens)
	}
}

func TestIconsAreForClientsThatKnowThem(t *testing.T) {
	url := endpoint(t, Options{})
	for version, want := range map[string]int{"2025-06-18": 0, "2025-11-25": len(tools.Catalogue())} {
		_, began, _ := send(t, http.MethodPost, url, `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"`+version+
			`","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`, nil, nil)
		_, _, got := send(t, http.MethodPost, url, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, http.Header{"Mcp-Session-Id": began["Mcp-Session-Id"]}, nil)
		if n := strings.Count(got, "data:image/svg+xml"); n != want || len(got) > 16000 {
			t.Errorf("%s: got %d icons in %d bytes, want %d in 16000", version, n, len(got), want)
		}
	}
}

func TestToolsListIsAsReviewed(t *testing.T) {
	var got bytes.Buffer
	if err := json.Indent(&got, listTools(t, Options{}), "", "  "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	file := filepath.Join("testdata", "tools_list.json")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("tools/list differs from %s; if that is meant, run go test ./server -update and commit it", file)
	}
}

func TestToolsListIsTheSameEachTime(t *testing.T) {
	first, second := listTools(t, Options{}), listTools(t, Options{})
	if !bytes.Equal(first, second) {
		t.Errorf("tools/list differs between two servers:\n%s\n%s", first, second)
	}
}
