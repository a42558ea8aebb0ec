package server

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
)

// maxStdioCalls is how many calls may be under way; reading pauses beyond it.
const maxStdioCalls = 1024

// ServeStdio answers the messages on in, one a line, until in ends or ctx is
// done. Calls that are under way when in ends are still answered, within
// DrainTimeout: whoever pipes requests in wants the answers.
func (s *Server) ServeStdio(ctx context.Context, in io.Reader, out io.Writer) error {
	calls, stopCalls := context.WithCancel(ctx)
	defer stopCalls()
	streams, stopStreams := context.WithCancel(ctx)
	defer stopStreams()
	client := &session{gone: make(chan struct{}), listener: newListener(allLists()...)}
	c := &stdioConn{
		server: s, client: client, calls: calls, streams: streams,
		out: &lines{out: out}, slots: make(chan struct{}, maxStdioCalls),
	}
	defer s.hub.remove(client.listener)
	err := c.read(calls, in)
	client.leave() // nobody can answer what was asked any more
	if err == nil {
		c.drain(calls)
	}
	stopCalls()
	c.running.Wait()
	stopStreams() // after the calls, whose changes they tell
	c.following.Wait()
	return cmp.Or(err, c.out.failure())
}

// stdioConn is the one client on the other end of the pipe.
type stdioConn struct {
	server  *Server
	client  *session // of the era that begins with initialize; also knows all calls under way
	calls   context.Context
	streams context.Context
	out     *lines
	slots   chan struct{} // one for each call under way

	running   sync.WaitGroup // calls
	following sync.WaitGroup // streams

	mu     sync.Mutex // held while a line is served; guards the fields below
	closed bool       // no more lines are served
	hears  bool       // whether the client is told of changes unasked
}

// read takes lines until the end of input or of ctx.
func (c *stdioConn) read(ctx context.Context, in io.Reader) error {
	ended := make(chan error, 1)
	go func() { // may outlive the call: a read from a pipe cannot be interrupted
		r := bufio.NewReaderSize(in, 64<<10)
		for {
			if done, err := c.takeLine(readLine(r)); done {
				ended <- err
				return
			}
		}
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		c.mu.Lock() // what is being taken may still begin a call
		defer c.mu.Unlock()
		c.closed = true
		return nil
	}
}

// takeLine serves one line, and tells whether there is to be no other. One
// that is too long is answered and left out.
func (c *stdioConn) takeLine(text []byte, err error) (done bool, _ error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return true, nil
	}
	switch {
	case errors.Is(err, errLineTooLong):
		err = c.out.answer(failed(nil, refusal(mcp.INVALID_REQUEST, err.Error())))
	case len(text) > 0:
		c.take(text)
	}
	if errors.Is(err, io.EOF) {
		return true, nil
	}
	if err != nil {
		return true, fmt.Errorf("standard input or output: %w", err)
	}
	return c.out.failure() != nil, c.out.failure()
}

var errLineTooLong = errors.New("message is longer than 4 MiB")

// readLine returns the next line without its end, and io.EOF with the last.
func readLine(r *bufio.Reader) ([]byte, error) {
	var whole []byte
	tooLong := false
	for {
		part, err := r.ReadSlice('\n')
		if tooLong = tooLong || len(whole)+len(part) > maxBody; !tooLong {
			whole = append(whole, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if tooLong && (err == nil || errors.Is(err, io.EOF)) {
			return nil, errLineTooLong
		}
		return bytes.TrimSpace(bytes.TrimPrefix(whole, []byte("\ufeff"))), err // what Windows shells begin a pipe with
	}
}

// take serves one message. What may last runs beside the reading; the rest is
// answered in order.
func (c *stdioConn) take(raw []byte) {
	m, problem := parse(raw)
	if problem != nil {
		_ = c.out.answer(failed(m.ID, problem))
		return
	}
	p := m.read()
	switch {
	case m.isResponse():
		c.client.answered(m)
	case m.isNotification():
		if m.Method == "notifications/cancelled" {
			c.client.cancel(p.RequestID)
		}
	case p.isModern():
		c.takeModern(m, p, raw)
	default:
		c.call(m, p, raw)
	}
}

func (c *stdioConn) takeModern(m message, p params, raw []byte) {
	if problem := p.checkMeta(); problem != nil {
		_ = c.out.answer(failed(m.ID, problem))
		return
	}
	if m.Method == string(mcp.MethodSubscriptionsListen) {
		c.listen(m)
		return
	}
	c.call(m, p, raw)
}

func (c *stdioConn) call(m message, p params, raw []byte) {
	ctx, cancel := context.WithCancel(c.calls)
	request := &call{session: c.client, message: m, params: p, asks: true}
	if p.isModern() {
		request = &call{session: &session{}, message: m, params: p}
	}
	// A cancelled request gets nothing more, whatever its handler still says.
	request.send = func(v any) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return c.out.send(v)
	}
	ended := c.client.began(m.ID, cancel)
	serve := func() {
		defer cancel()
		defer ended()
		if a := c.server.dispatch(ctx, request, raw); ctx.Err() == nil {
			_ = c.out.answer(a) // fails when the client has gone
		}
	}
	switch mcp.MCPMethod(m.Method) {
	case mcp.MethodToolsCall, mcp.MethodResourcesRead, mcp.MethodPromptsGet, mcp.MethodCompletionComplete:
		c.slots <- struct{}{}
		c.running.Go(func() {
			defer func() { <-c.slots }()
			serve()
		})
	case mcp.MethodInitialize:
		defer c.tell()()
		serve()
	default:
		serve()
	}
}

// tell notes from now on what changes, and returns what begins telling the
// client of it once it has the answer to initialize. Who did not initialize has
// to ask.
func (c *stdioConn) tell() (begin func()) {
	if c.hears || c.server.hub.add(c.client.listener) != nil {
		return func() {}
	}
	return func() {
		if !c.client.Initialized() {
			c.server.hub.remove(c.client.listener)
			return
		}
		c.hears = true
		c.following.Go(func() {
			if c.server.hub.follow(c.streams, c.client.listener, nil, c.out) == nil {
				_ = c.client.listener.flush(nil, c.out) // fails when the client has gone
			}
		})
	}
}

// listen serves subscriptions/listen until the client cancels it, which is
// answered by nothing, or input ends.
func (c *stdioConn) listen(m message) {
	sub, problem := c.server.subscribe(m)
	if problem != nil {
		_ = c.out.answer(failed(m.ID, problem))
		return
	}
	cancelled, cancel := context.WithCancel(context.WithoutCancel(c.streams))
	ctx, stop := context.WithCancel(cancelled)
	unlink := context.AfterFunc(c.streams, stop)
	ended := c.client.began(m.ID, cancel)
	c.following.Go(func() {
		defer cancel()
		defer stop()
		defer unlink()
		defer ended()
		r := cancellable{ctx: cancelled, lines: c.out}
		if c.server.run(ctx, sub, r) == nil && sub.listener.flush(sub.id, r) == nil {
			_ = r.answer(c.server.ended(sub)) // fails when the client has gone
		}
	})
}

// drain waits for the calls under way, within the configured time.
func (c *stdioConn) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, c.server.options.DrainTimeout)
	defer cancel()
	done := make(chan struct{})
	go func() {
		c.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// cancellable says nothing once its request was cancelled.
type cancellable struct {
	ctx context.Context
	*lines
}

func (r cancellable) send(v any) error {
	if r.ctx.Err() != nil {
		return r.ctx.Err()
	}
	return r.lines.send(v)
}

func (r cancellable) answer(a answer) error {
	if r.ctx.Err() != nil {
		return r.ctx.Err()
	}
	return r.lines.answer(a)
}

// lines writes messages, one a line.
type lines struct {
	mu     sync.Mutex // guards the fields below
	out    io.Writer
	failed error
}

func (l *lines) send(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return l.answer(answer{text: raw})
}

func (l *lines) answer(a answer) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		_, l.failed = l.out.Write(append(a.text, '\n'))
	}
	return l.failed
}

// beat does nothing: nobody stands between the two ends of a pipe.
func (l *lines) beat() error { return nil }

func (l *lines) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}
