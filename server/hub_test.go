package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// oneConnection is a listener with one client, over a pipe: its reads, writes
// and deadlines keep the bubble's time.
type oneConnection struct {
	next chan net.Conn
}

func dial(t *testing.T, s *Server) net.Conn {
	t.Helper()
	client, side := net.Pipe()
	l := &oneConnection{next: make(chan net.Conn, 1)}
	l.next <- side
	running := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: time.Minute}
	go func() { _ = running.Serve(l) }()
	t.Cleanup(func() {
		_ = client.Close()
		_ = running.Close()
	})
	return client
}

func (l *oneConnection) Accept() (net.Conn, error) {
	c, ok := <-l.next
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (l *oneConnection) Close() error {
	close(l.next)
	return nil
}

func (l *oneConnection) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// listenRequest is subscriptions/listen as bytes on the wire.
func listenRequest(notifications string) string {
	body := modernCall("1", "subscriptions/listen", `"notifications":`+notifications+`,`, `{}`, "")
	return fmt.Sprintf("POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"+
		"MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: subscriptions/listen\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func TestAStreamSurvivesTenMinutesOfSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, Options{})
		c := dial(t, f.Server)
		_, _ = io.WriteString(c, listenRequest(`{"toolsListChanged":true}`))
		time.AfterFunc(10*time.Minute, func() { f.ListChanged(ListTools) })
		beats := 0
		for lines := bufio.NewScanner(c); lines.Scan() && !strings.Contains(lines.Text(), "tools/list_changed"); {
			if lines.Text() == ": keepalive" {
				beats++
			}
		}
		if beats < 39 || beats > 41 {
			t.Errorf("in 10 minutes: got %d beats, want one in 15 s", beats)
		}
	})
}

func TestTheStreamOfAClientThatDoesNotReadEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, Options{})
		c := dial(t, f.Server)
		_, _ = io.WriteString(c, listenRequest(`{"toolsListChanged":true}`)) // and never reads
		synctest.Wait()
		time.Sleep(writeTimeout + time.Second)
		synctest.Wait()
		if got := len(f.hub.listeners); got != 0 {
			t.Errorf("listeners after %v: got %d, want none", writeTimeout, got)
		}
	})
}

func TestEqualChangesAreToldOnce(t *testing.T) {
	h, l := newHub(), newListener(change{uri: "a"}, change{list: ListTools})
	if err := h.add(l); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		h.publish(change{uri: "a"})
		h.publish(change{list: ListTools})
		h.publish(change{uri: "b"})
	}
	for _, want := range []change{{uri: "a"}, {list: ListTools}} {
		if got, ok := l.next(); !ok || got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	if got, ok := l.next(); ok {
		t.Errorf("got %v, want nothing more", got)
	}
	h.publish(change{uri: "a"})
	if _, ok := l.next(); !ok {
		t.Error("a change after the first was read: got nothing")
	}
}

// broken is a stream whose client cannot be reached.
type broken struct{ sent int }

func (b *broken) send(any) error { b.sent++; return io.ErrClosedPipe }
func (b *broken) beat() error    { return nil }

func TestAChangeThatDidNotLeaveWaitsForTheNextStream(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	for range 100 { // what is ready at the same time is taken in any order
		h, l := newHub(), newListener(change{uri: "a"}, change{uri: "b"})
		l.offer(change{uri: "a"})
		l.offer(change{uri: "b"})
		replaced := &broken{}
		if err := h.follow(ended, l, nil, replaced); err != nil || replaced.sent > 0 {
			t.Fatalf("a stream that another one replaced: got %v after %d changes, want none", err, replaced.sent)
		}
		if err := h.follow(t.Context(), l, nil, &broken{}); err == nil {
			t.Fatal("a stream that is broken: got no error")
		}
		if len(l.wake) == 0 {
			t.Fatal("nobody will be woken for what is pending")
		}
		l.next()
		if _, ok := l.next(); !ok {
			t.Fatal("the change that could not be sent is lost")
		}
	}
}

func TestSubscriptionsAreBounded(t *testing.T) {
	l := newListener(allLists()...)
	for i := range maxSubscriptions {
		if err := l.want(change{uri: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.want(change{uri: "one more"}); !errors.Is(err, errTooManySubscriptions) {
		t.Errorf("got %v, want %v", err, errTooManySubscriptions)
	}
}

func TestSessionsThatNobodyUsesLeaveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, Options{})
		h := f.Handler()
		before := heap()
		for range 10_000 {
			r := httptest.NewRequest(http.MethodPost, "/mcp", strings.NewReader(
				`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`))
			r.Header.Set("Content-Type", "application/json")
			h.ServeHTTP(httptest.NewRecorder(), r)
		}
		if got := f.Sessions(); got != 10_000 {
			t.Fatalf("sessions: got %d, want 10000", got)
		}
		full := heap()
		time.Sleep(sessionIdle + time.Minute)
		synctest.Wait()
		if got := f.remains(); got != 0 {
			t.Errorf("after %v: got %d remains, want none", sessionIdle, got)
		}
		after := heap()
		t.Logf("heap: %d KiB before, %d KiB with 10,000 sessions, %d KiB after they expired", before>>10, full>>10, after>>10)
		if after > before+20<<20 {
			t.Errorf("heap: got %d bytes, want at most 20 MiB over %d", after, before)
		}
	})
}

// remains counts what is kept for clients.
func (f *fixture) remains() int {
	f.sessions.mu.Lock()
	defer f.sessions.mu.Unlock()
	f.hub.mu.Lock()
	defer f.hub.mu.Unlock()
	return len(f.sessions.byID) + f.sessions.byUse.Len() + len(f.hub.listeners)
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestASessionInUseOutlivesItsIdleTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newSessions(newHub(), time.Minute)
		busy, err := table.open("")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if _, ok := table.acquire(busy.id, ""); !ok {
			t.Fatal("a session in use expired")
		}
		table.release(busy)
		table.release(busy)
		time.Sleep(59 * time.Second)
		if _, ok := table.acquire(busy.id, ""); !ok {
			t.Fatal("a session expired before its idle time")
		}
		table.release(busy)
		time.Sleep(3 * time.Minute)
		if _, ok := table.acquire(busy.id, ""); ok {
			t.Error("an unused session did not expire")
		}
		table.close()
	})
}

func TestTooManySessionsMakeWayForTheirOwnCallerOnly(t *testing.T) {
	table := newSessions(newHub(), time.Hour)
	table.limit = 2
	var own []*session
	for _, caller := range []string{"alice", "bob"} {
		s, err := table.open(caller)
		if err != nil {
			t.Fatal(err)
		}
		table.release(s)
		own = append(own, s)
	}
	if _, err := table.open("carol"); !errors.Is(err, errTooManySessions) {
		t.Errorf("carol: got %v, want %v", err, errTooManySessions)
	}
	if _, err := table.open("bob"); err != nil {
		t.Errorf("bob: got %v, want his older session to make way", err)
	}
	if _, ok := table.acquire(own[0].id, "alice"); !ok {
		t.Error("alice's session made way for another caller's")
	}
	table.close()
}

// zeros is a body of 256 MiB that counts how much of it was read before the answer was there.
type zeros struct {
	answered     *httptest.ResponseRecorder
	read, before int
}

func (z *zeros) Read(p []byte) (int, error) {
	if z.read >= 256<<20 {
		return 0, io.EOF
	}
	z.read += len(p)
	if !z.answered.Flushed {
		z.before = z.read
	}
	return len(p), nil
}

func TestAHugeBodyIsRefusedBeforeItIsRead(t *testing.T) {
	h := newFixture(t, Options{}).Handler()
	for _, length := range []int64{-1, 256 << 20} {
		w := httptest.NewRecorder()
		z := &zeros{answered: w}
		r := httptest.NewRequest(http.MethodPost, "/mcp", z)
		r.Header.Set("Content-Type", "application/json")
		r.ContentLength = length
		h.ServeHTTP(w, r)
		if w.Code != http.StatusRequestEntityTooLarge || z.before > 8<<20 {
			t.Errorf("length %d: got %d after %d bytes, want 413 after 4 MiB", length, w.Code, z.before)
		}
	}
}

func TestAServerWhoseListsCannotBeWrittenDoesNotStart(t *testing.T) {
	_, err := New(Options{Mount: func(_ *Server, m *server.MCPServer) {
		broken := mcp.NewTool("broken")
		broken.RawInputSchema = []byte(`{"type":"object"}`) // beside the other one
		m.AddTool(broken, nil)
	}})
	if err == nil || !strings.Contains(err.Error(), "tools/list") {
		t.Errorf("got %v, want an error that names tools/list", err)
	}
}
