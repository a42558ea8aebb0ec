package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/server"
)

// ServeStdio answers the messages on in, one a line, until in ends or ctx is
// done. Calls that are under way when in ends are still answered, within
// DrainTimeout: whoever pipes requests in wants the answers.
func (s *Server) ServeStdio(ctx context.Context, in io.Reader, out io.Writer) error {
	calls := newCallsInFlight()
	stdio := server.NewStdioServer(s.mcp)
	stdio.SetErrorLogger(slog.NewLogLogger(s.log.Handler(), slog.LevelWarn))
	err := stdio.Listen(ctx,
		&drainingReader{lines: bufio.NewReader(in), calls: calls, ctx: ctx, timeout: s.options.DrainTimeout},
		&countingWriter{out: out, calls: calls})
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// callsInFlight are the requests that were read and not yet answered.
type callsInFlight struct {
	mu      sync.Mutex
	waiting map[string]int // by JSON of the id
	idle    *sync.Cond
}

func newCallsInFlight() *callsInFlight {
	c := &callsInFlight{waiting: map[string]int{}}
	c.idle = sync.NewCond(&c.mu)
	return c
}

// message is as much of a JSON-RPC message as tells a request from an answer.
type message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
}

func (c *callsInFlight) read(line []byte) {
	var m message
	// A listen stream is answered when it ends, which is what EOF does.
	if json.Unmarshal(line, &m) != nil || m.Method == "" || m.Method == "subscriptions/listen" || isNull(m.ID) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting[canonical(m.ID)]++
}

func (c *callsInFlight) wrote(line []byte) {
	var m message
	if json.Unmarshal(line, &m) != nil || m.Method != "" || isNull(m.ID) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if id := canonical(m.ID); c.waiting[id] > 1 {
		c.waiting[id]--
	} else {
		delete(c.waiting, id)
	}
	c.idle.Broadcast()
}

// drain returns when nothing is in flight or ctx is done.
func (c *callsInFlight) drain(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.idle.Broadcast()
	})
	defer stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.waiting) > 0 && ctx.Err() == nil {
		c.idle.Wait()
	}
}

// canonical is one spelling of an id: the answer may spell it another way.
func canonical(id json.RawMessage) string {
	var v any
	if json.Unmarshal(id, &v) != nil {
		return string(id)
	}
	return fmt.Sprintf("%T %v", v, v)
}

func isNull(id json.RawMessage) bool { return len(id) == 0 || bytes.Equal(id, []byte("null")) }

// drainingReader hands on whole lines and holds the end of input back until
// every request is answered: the library ends all calls when it sees it.
type drainingReader struct {
	lines   *bufio.Reader
	rest    []byte // of the line being handed on
	calls   *callsInFlight
	ctx     context.Context
	timeout time.Duration
}

// Read implements io.Reader.
func (r *drainingReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		line, err := r.lines.ReadBytes('\n')
		if len(line) == 0 && err != nil {
			ctx, cancel := context.WithTimeout(r.ctx, r.timeout)
			defer cancel()
			r.calls.drain(ctx)
			return 0, err
		}
		if err != nil {
			line = append(line, '\n') // the last line may lack its end
		}
		r.calls.read(line)
		r.rest = line
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// countingWriter notes which requests are answered. The library writes each
// message with one Write.
type countingWriter struct {
	out   io.Writer
	calls *callsInFlight
}

// Write implements io.Writer.
func (w *countingWriter) Write(p []byte) (int, error) {
	n, err := w.out.Write(p)
	w.calls.wrote(p)
	return n, err
}
