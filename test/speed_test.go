package test

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

// The benchmarks here measure the client against the emulator in a process of its own, over loopback. What is compared
// is done in turns in one run, and told as the ratio of the medians: so a busy machine slows both sides.

// environment starts an emulator without rows, and returns its URL.
func environment(b *testing.B, args ...string) string {
	b.Helper()
	command := exec.CommandContext(b.Context(), "dynamics-mcp", append([]string{"emulator", "--listen", "127.0.0.1:0", "--empty", "--log-level", "error"}, args...)...)
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + b.TempDir()}
	out, err := command.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatalf("the emulator does not start: %v", err)
	}
	return emulatorAddress.FindString(line)
}

// unlimited are the emulator's flags for benchmarks that are about something else than limits.
func unlimited() []string {
	return []string{"--limit-requests", "0", "--limit-concurrent", "0", "--limit-time", "0"}
}

// signedIn adds the token, and remembers the last request. Requests like replay go to the server of that.
type signedIn struct {
	last, replay atomic.Pointer[http.Request]
	refused      atomic.Int64 // requests, because of a limit
}

func (s *signedIn) RoundTrip(r *http.Request) (*http.Response, error) {
	if replay := s.replay.Load(); replay != nil && r.URL.Path == replay.URL.Path { // metadata stays the emulator's
		r = r.Clone(r.Context())
		r.URL.Host = replay.URL.Host
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer demo")
	s.last.Store(r)
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && answer.StatusCode == http.StatusTooManyRequests {
		s.refused.Add(1)
	}
	return answer, err
}

func connect(b *testing.B, url string, limits dataverse.Limits) (*dataverse.Client, *signedIn) {
	b.Helper()
	s := &signedIn{}
	c, err := dataverse.New(dataverse.Options{URL: url, Transport: s, Limits: limits})
	if err != nil {
		b.Fatal(err)
	}
	return c, s
}

// freely asks for no pace: what it measures is not about limits.
func freely() dataverse.Limits { return dataverse.Limits{Requests: 1 << 30} }

// times are how long the turns of one side took.
type times []time.Duration

func (t *times) measure(turn func()) {
	began := time.Now()
	turn()
	*t = append(*t, time.Since(began))
}

func (t times) median() time.Duration {
	sorted := slices.Sorted(slices.Values(t))
	return (sorted[len(sorted)/2] + sorted[(len(sorted)-1)/2]) / 2
}

// takeTurns begins with either side as the dice fall: what one turn leaves to clean up, another pays for.
func takeTurns(side, other func()) {
	if rand.IntN(2) == 0 {
		side, other = other, side
	}
	side()
	other()
}

func compare(b *testing.B, side, other string, x, y times) {
	b.Helper()
	b.ReportMetric(0, "ns/op") // of both sides together: says nothing
	b.ReportMetric(x.median().Seconds()*1000, "ms-"+side)
	b.ReportMetric(y.median().Seconds()*1000, "ms-"+other)
	b.ReportMetric(x.median().Seconds()/y.median().Seconds(), "ratio")
}

func thousand() []dataverse.Values {
	rows := make([]dataverse.Values, 1000)
	for i := range rows {
		rows[i] = dataverse.Values{"name": fmt.Sprint("Account ", i), "telephone1": fmt.Sprint("555-", i), "revenue": i}
	}
	return rows
}

// createMany makes rows by one call, and insists on every id.
func createMany(b *testing.B, c *dataverse.Client, rows []dataverse.Values) {
	b.Helper()
	results, err := c.CreateMany(b.Context(), "account", rows)
	if err != nil {
		b.Fatal(err)
	}
	ids := map[string]bool{}
	for _, r := range results {
		if r.Err != nil || r.ID == "" {
			b.Fatalf("row %d: %+v", r.Position, r)
		}
		ids[r.ID] = true
	}
	if len(ids) != len(rows) {
		b.Fatalf("%d ids, want %d", len(ids), len(rows))
	}
}

func createEach(b *testing.B, c *dataverse.Client, rows []dataverse.Values) {
	b.Helper()
	for _, v := range rows {
		if _, err := c.Create(b.Context(), "account", v); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCreates compares 1,000 rows made by one call with as many made one by one.
func BenchmarkCreates(b *testing.B) {
	c, _ := connect(b, environment(b, unlimited()...), freely())
	createMany(b, c, thousand()) // fills the metadata cache
	var together, each times
	for b.Loop() {
		takeTurns(
			func() { together.measure(func() { createMany(b, c, thousand()) }) },
			func() { each.measure(func() { createEach(b, c, thousand()) }) })
	}
	compare(b, "one-call", "one-by-one", together, each)
}

// columns are those that the benchmarks of reading ask for.
func columns() dataverse.Query {
	return dataverse.Query{Select: []string{"name", "accountnumber", "revenue", "industrycode", "telephone1", "address1_city", "creditonhold", "createdon", "ownerid", "description"}}
}

// fill makes n accounts.
func fill(b *testing.B, c *dataverse.Client, n int) {
	b.Helper()
	for first := 0; first < n; first += 5000 {
		rows := make([]dataverse.Values, min(5000, n-first))
		for i := range rows {
			k := first + i
			rows[i] = dataverse.Values{"name": fmt.Sprint("Account ", k), "accountnumber": fmt.Sprint("A", k), "revenue": float64(k) + 0.5,
				"industrycode": 6, "telephone1": fmt.Sprint("555-", k), "address1_city": "Redmond", "creditonhold": k%2 == 0}
		}
		createMany(b, c, rows)
	}
}

// BenchmarkPage compares a page of 5,000 rows read into Rows with the same request read into nothing: from the emulator,
// and from a server that has the bytes of the answer at hand.
func BenchmarkPage(b *testing.B) {
	c, s := connect(b, environment(b, unlimited()...), freely())
	fill(b, c, 5000)
	readPage(b, c)
	request := s.last.Load()
	b.Run("emulator", func(b *testing.B) { comparePage(b, c, request) })
	b.Run("replay", func(b *testing.B) {
		body := bare(b, request)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json; odata.metadata=minimal")
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			_, _ = w.Write(body)
		}))
		defer server.Close()
		request := request.Clone(b.Context())
		request.URL.Host = server.Listener.Addr().String()
		s.replay.Store(request)
		comparePage(b, c, request)
	})
}

func comparePage(b *testing.B, c *dataverse.Client, request *http.Request) {
	b.Helper()
	var client, plain times
	size := 0
	for b.Loop() {
		takeTurns(
			func() { client.measure(func() { readPage(b, c) }) },
			func() { plain.measure(func() { size = skim(b, request) }) })
	}
	compare(b, "client", "bare", client, plain)
	b.ReportMetric(float64(size)/(1<<20), "MiB")
}

func readPage(b *testing.B, c *dataverse.Client) {
	b.Helper()
	page, err := c.Page(b.Context(), "account", columns(), "")
	if err != nil || len(page.Rows) != 5000 {
		b.Fatalf("%d rows, %v", len(page.Rows), err)
	}
}

// skim reads the answer to request into nothing, and tells how long it is.
func skim(b *testing.B, request *http.Request) int {
	b.Helper()
	return receive(b, request, io.Discard)
}

func bare(b *testing.B, request *http.Request) []byte {
	b.Helper()
	var body bytes.Buffer
	receive(b, request, &body)
	return body.Bytes()
}

func receive(b *testing.B, request *http.Request, to io.Writer) int {
	b.Helper()
	answer, err := http.DefaultTransport.RoundTrip(request.Clone(b.Context()))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	n, err := io.Copy(to, answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		b.Fatalf("%s, %v", answer.Status, err)
	}
	return int(n)
}

// window is what BenchmarkLimits counts requests in. With the service's own, 5m, it takes nine minutes.
var window = flag.Duration("window", 20*time.Second, "the window of the limits, for BenchmarkLimits")

// BenchmarkLimits sends 10,000 requests as fast as the client lets them through to a service that takes 6,000 in a
// window. It tells how many failed, how many were refused, and which part of what is allowed in that time was used.
func BenchmarkLimits(b *testing.B) {
	const requests, callers, limit = 10_000, 50, 6000
	for b.Loop() {
		c, s := connect(b, environment(b, "--limit-window", window.String()), dataverse.Limits{Window: *window})
		id, err := c.Create(b.Context(), "account", dataverse.Values{"name": "Contoso"})
		if err != nil {
			b.Fatal(err)
		}
		var left, failed atomic.Int64
		left.Store(requests)
		var all sync.WaitGroup
		began := time.Now()
		for range callers {
			all.Go(func() {
				for left.Add(-1) >= 0 {
					if _, err := c.Get(b.Context(), "account", id, dataverse.Query{Select: []string{"name"}}); err != nil {
						failed.Add(1)
					}
				}
			})
		}
		all.Wait()
		allowed := limit * time.Since(began).Seconds() / window.Seconds()
		b.ReportMetric(float64(failed.Load()), "failures")
		b.ReportMetric(float64(s.refused.Load()), "refusals")
		b.ReportMetric(requests/allowed, "of-allowed")
	}
}

// BenchmarkMemory reads 100,000 rows page by page, and tells the most memory that it took: of the heap's objects, dead
// ones included, and of the whole process.
func BenchmarkMemory(b *testing.B) {
	const rows = 100_000
	c, _ := connect(b, environment(b, unlimited()...), freely())
	fill(b, c, rows)
	forgetPeak(b)
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	var peak uint64
	for b.Loop() {
		n := 0
		for row, err := range c.Rows(b.Context(), "account", columns()) {
			if err != nil || row.ID == "" {
				b.Fatal(err)
			}
			if n++; n%500 == 0 {
				metrics.Read(heap)
				peak = max(peak, heap[0].Value.Uint64())
			}
		}
		if n != rows {
			b.Fatalf("%d rows, want %d", n, rows)
		}
	}
	b.ReportMetric(float64(peak)/(1<<20), "MiB-heap")
	b.ReportMetric(memory(b, os.Getpid(), "VmHWM"), "MiB-process")
}

// forgetPeak has the system measure anew how much memory this process takes at most.
func forgetPeak(b *testing.B) {
	b.Helper()
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		b.Fatal(err)
	}
}
