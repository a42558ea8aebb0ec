package test

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The benchmarks here put load on the edge of the real binary, and tell what it costs.

var idleTime = flag.Duration("idle", time.Minute, "how long BenchmarkIdle leaves a stream alone")

// edge is the binary that serves MCP over HTTP.
type edge struct {
	command *exec.Cmd
	url     string
}

var mcpAddress = regexp.MustCompile(`http://[\d.:]+/mcp`)

func startEdge(tb testing.TB, args ...string) *edge {
	tb.Helper()
	command := exec.CommandContext(context.Background(), "dynamics-mcp", append([]string{"http", "--listen", "127.0.0.1:0"}, args...)...)
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + tb.TempDir()}
	out, err := command.StderrPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := command.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			tb.Fatalf("the server does not start: %v", err)
		}
		if url := mcpAddress.FindString(line); url != "" {
			go func() { _, _ = io.Copy(io.Discard, lines) }()
			return &edge{command: command, url: url}
		}
	}
}

// resident is the process's memory: what the kernel counts under name.
func (e *edge) resident(tb testing.TB, name string) int64 {
	tb.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", e.command.Process.Pid))
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); fields[0] == name+":" {
			kilobytes, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				tb.Fatal(err)
			}
			return kilobytes << 10
		}
	}
	tb.Fatalf("no %s", name)
	return 0
}

func (e *edge) post(tb testing.TB, body io.Reader, length int64, header map[string]string) *http.Response {
	tb.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, e.url, body)
	if err != nil {
		tb.Fatal(err)
	}
	r.ContentLength = length
	r.Header.Set("Content-Type", "application/json")
	for name, value := range header {
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		tb.Fatal(err)
	}
	return answer
}

const hello = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`

// greet begins a session.
func (e *edge) greet(tb testing.TB) {
	tb.Helper()
	answer := e.post(tb, strings.NewReader(hello), int64(len(hello)), nil)
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	if answer.Header.Get("Mcp-Session-Id") == "" {
		tb.Fatal(answer.Status)
	}
}

func (e *edge) listen(tb testing.TB) *bufio.Reader {
	tb.Helper()
	body := `{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{` +
		`"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`
	answer := e.post(tb, strings.NewReader(body), int64(len(body)), map[string]string{"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "subscriptions/listen"})
	tb.Cleanup(func() { _ = answer.Body.Close() })
	stream := bufio.NewReader(answer.Body)
	for {
		line, err := stream.ReadString('\n')
		if err != nil {
			tb.Fatal(err)
		}
		if strings.HasPrefix(line, "data:") {
			return stream
		}
	}
}

// interrupt ends the process as a supervisor does, and tells how long it took.
func (e *edge) interrupt(tb testing.TB) time.Duration {
	tb.Helper()
	began := time.Now()
	if err := e.command.Process.Signal(syscall.SIGTERM); err != nil {
		tb.Fatal(err)
	}
	if err := e.command.Wait(); err != nil {
		tb.Fatal(err)
	}
	return time.Since(began)
}

// BenchmarkSessions opens 10,000 sessions of older clients, leaves them, and measures the memory before, with them, and
// when they have expired.
func BenchmarkSessions(b *testing.B) {
	for b.Loop() {
		e := startEdge(b, "--session-idle", "20s")
		e.greet(b)
		time.Sleep(time.Second)
		before := e.resident(b, "VmRSS")
		for range 10_000 {
			e.greet(b)
		}
		full := e.resident(b, "VmRSS")
		var after int64
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Second) { // the runtime returns memory in its own time
			if after = e.resident(b, "VmRSS"); after-before < (full-before)/2 {
				break
			}
		}
		b.ReportMetric(float64(full-before)/1e6, "MB-full")
		b.ReportMetric(float64(after-before)/1e6, "MB-after")
	}
}

// BenchmarkHugeBody sends 256 MiB with and without a length, and measures by how much the process grew at most.
func BenchmarkHugeBody(b *testing.B) {
	for b.Loop() {
		e := startEdge(b)
		e.greet(b)
		before := e.resident(b, "VmRSS")
		for _, length := range []int64{256 << 20, -1} {
			answer := e.post(b, io.LimitReader(endless{}, 256<<20), length, nil)
			_ = answer.Body.Close()
			if answer.StatusCode != http.StatusRequestEntityTooLarge {
				b.Fatal(answer.Status)
			}
		}
		b.ReportMetric(float64(e.resident(b, "VmHWM")-before)/1e6, "MB-more")
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// BenchmarkShutdown ends the process while 100 streams are open.
func BenchmarkShutdown(b *testing.B) {
	var took times
	for b.Loop() {
		e := startEdge(b)
		var streams []*bufio.Reader
		for range 100 {
			streams = append(streams, e.listen(b))
		}
		took = append(took, e.interrupt(b))
		for _, stream := range streams {
			if text, err := io.ReadAll(stream); err != nil || !bytes.Contains(text, []byte(`"resultType":"complete"`)) {
				b.Fatalf("a stream ended by %q, %v, want its result", text, err)
			}
		}
	}
	b.ReportMetric(took.median().Seconds()*1000, "ms-100-streams")
}

// BenchmarkIdle leaves a stream without changes, and insists that it is open at the end.
func BenchmarkIdle(b *testing.B) {
	for b.Loop() {
		e := startEdge(b)
		stream := e.listen(b)
		time.AfterFunc(*idleTime, func() { _ = e.command.Process.Signal(syscall.SIGTERM) })
		began, beats := time.Now(), 0
		for {
			line, err := stream.ReadString('\n')
			if err != nil {
				b.Fatalf("the stream broke after %v: %v", time.Since(began), err)
			}
			if strings.HasPrefix(line, ": keepalive") {
				beats++
			}
			if strings.Contains(line, `"resultType":"complete"`) {
				break
			}
		}
		if took := time.Since(began); took < *idleTime {
			b.Fatalf("the stream ended after %v", took)
		}
		b.ReportMetric(float64(beats), "keepalives")
	}
}

func TestAClientThatClosesItsEndLosesNoAuditLine(t *testing.T) {
	command := exec.CommandContext(t.Context(), "dynamics-mcp", "stdio", "--demo")
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	var log bytes.Buffer
	command.Stderr = &log
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	for _, message := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_current_user","arguments":{}}}`,
		`{"jsonrpc":"2.0","id":2,"method":"ping"}`,
	} {
		_, _ = io.WriteString(in, message+"\n") // the process may have ended
	}
	_ = in.Close()
	_ = command.Wait() // tells that standard output broke
	if !strings.Contains(log.String(), `"msg":"tool called"`) || command.ProcessState.ExitCode() != 1 {
		t.Errorf("exit code %d, log %s, want 1 and the audit line of the call", command.ProcessState.ExitCode(), log.String())
	}
}
