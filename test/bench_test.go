package test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// product is a running dynamics-mcp that speaks MCP over its standard input and output.
type product struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	id  int
}

func launch(b *testing.B, env []string, args ...string) *product {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), "dynamics-mcp", args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + b.TempDir()}, env...)
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	return &product{cmd: cmd, in: in, out: bufio.NewReaderSize(out, 1<<20)}
}

// ask sends a request and returns the answer's bytes.
func (p *product) ask(b *testing.B, method, params string) []byte {
	b.Helper()
	p.id++
	if _, err := fmt.Fprintf(p.in, `{"jsonrpc":"2.0","id":%d,"method":%q,"params":%s}`+"\n", p.id, method, params); err != nil {
		b.Fatal(err)
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		b.Fatalf("%s: %v", method, err)
	}
	var answer struct {
		Error  any
		Result struct{ IsError bool }
	}
	if err := json.Unmarshal(line, &answer); err != nil || answer.Error != nil || answer.Result.IsError {
		b.Fatalf("%s: %v %s", method, err, line)
	}
	return line
}

func (p *product) initialize(b *testing.B) {
	b.Helper()
	p.ask(b, "initialize", `{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}`)
}

// call uses a tool and returns its text.
func (p *product) call(b *testing.B, tool, args string) string {
	b.Helper()
	line := p.ask(b, "tools/call", fmt.Sprintf(`{"name":%q,"arguments":%s}`, tool, args))
	var answer struct {
		Result struct{ Content []struct{ Text string } }
	}
	if err := json.Unmarshal(line, &answer); err != nil || len(answer.Result.Content) != 1 {
		b.Fatalf("%s: %v %s", tool, err, line)
	}
	return answer.Result.Content[0].Text
}

func (p *product) stop(b *testing.B) {
	b.Helper()
	if err := p.in.Close(); err != nil {
		b.Error(err)
	}
	if err := p.cmd.Wait(); err != nil {
		b.Error(err)
	}
}

// memory is a size of a process that the system keeps under the name, in megabytes: VmRSS is what is resident, VmHWM what
// was at most.
func memory(b *testing.B, pid int, name string) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if size, ok := strings.CutPrefix(line, name+":"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(size)[0], 64)
			if err != nil {
				b.Fatal(err)
			}
			return kb / 1024
		}
	}
	b.Fatal("no " + name)
	return 0
}

// BenchmarkStartToInitialize is a cold process until it has answered initialize, with nothing configured.
func BenchmarkStartToInitialize(b *testing.B) {
	resident := 0.0
	for b.Loop() {
		p := launch(b, nil, "stdio", "--log-level", "error")
		p.initialize(b)
		b.StopTimer()
		resident = memory(b, p.cmd.Process.Pid, "VmRSS")
		p.stop(b)
		b.StartTimer()
	}
	b.ReportMetric(resident, "MB-resident")
}

// BenchmarkDemoToFirstAnswer is a cold process with sample data until it has answered a query.
func BenchmarkDemoToFirstAnswer(b *testing.B) {
	for b.Loop() {
		p := launch(b, nil, "stdio", "--demo", "--log-level", "error")
		p.initialize(b)
		p.call(b, "query_records", `{"table":"account","select":["name"],"top":1}`)
		b.StopTimer()
		p.stop(b)
		b.StartTimer()
	}
}

// BenchmarkReplySize reports what a model reads.
func BenchmarkReplySize(b *testing.B) {
	p := launch(b, nil, "stdio", "--demo", "--log-level", "error")
	defer p.stop(b)
	p.initialize(b)
	list := p.ask(b, "tools/list", `{}`)
	p.id++
	var rows, table string
	for b.Loop() {
		rows = p.call(b, "query_records", `{"table":"account","select":["name","revenue","address1_city","statecode"],"top":50}`)
		table = p.call(b, "describe_table", `{"table":"account"}`)
	}
	b.ReportMetric(float64(len(list)), "B-tools/list")
	b.ReportMetric(float64(len(rows)), "B-50x4")
	b.ReportMetric(float64(len(table)), "B-describe")
}

// BenchmarkCall compares a tool call over stdio with the same request sent to the same Dataverse directly. The
// difference is what the product costs.
func BenchmarkCall(b *testing.B) {
	address := freeAddress(b)
	emulator := exec.CommandContext(b.Context(), "dynamics-mcp", "emulator", "--listen", address, "--log-level", "error")
	emulator.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + b.TempDir()}
	if err := emulator.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		_ = emulator.Process.Kill()
		_ = emulator.Wait()
	}()
	url := "http://" + address
	id := firstAccount(b, url)
	b.Run("direct", func(b *testing.B) {
		for b.Loop() {
			direct(b, url+"/api/data/v9.2/accounts("+id+")?$select=name,revenue")
		}
	})
	b.Run("tool", func(b *testing.B) {
		p := launch(b, []string{"DYNAMICS_URL=" + url, "DYNAMICS_TOKEN=demo"}, "stdio", "--log-level", "error")
		defer p.stop(b)
		p.initialize(b)
		args := fmt.Sprintf(`{"table":"account","id":%q,"select":["name","revenue"]}`, id)
		p.call(b, "get_record", args) // fills the metadata cache
		for b.Loop() {
			p.call(b, "get_record", args)
		}
	})
}

func freeAddress(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func direct(b *testing.B, url string) []byte {
	b.Helper()
	body, err := get(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	return body
}

func get(ctx context.Context, url string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer demo")
	r.Header.Set("Prefer", `odata.include-annotations="*"`)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, body)
	}
	return body, err
}

// firstAccount waits until the emulator answers.
func firstAccount(b *testing.B, url string) string {
	b.Helper()
	var last error
	for range 200 {
		body, err := get(b.Context(), url+"/api/data/v9.2/accounts?$select=accountid&$top=1")
		if err == nil {
			var page struct{ Value []struct{ AccountID string } }
			if err := json.Unmarshal(body, &page); err != nil || len(page.Value) != 1 {
				b.Fatalf("%v: %s", err, body)
			}
			return page.Value[0].AccountID
		}
		last = err
		select {
		case <-b.Context().Done():
			b.Fatal(b.Context().Err())
		case <-time.After(25 * time.Millisecond):
		}
	}
	b.Fatal(last)
	return ""
}
