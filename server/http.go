package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

const (
	maxBody     = 4 << 20          // bytes of one message
	smallBody   = 64 << 10         // what longer ones take is bounded for all together
	allBodies   = 128 << 20        // bytes
	bodyTimeout = 30 * time.Second // for all of a message, and for the memory that a long one takes
)

// Handler returns the HTTP endpoint: MCP at /mcp, and /healthz and /readyz for
// whoever watches the process. A request of 2026-07-28 leaves nothing behind,
// so any replica may answer it; older clients are bound to the replica that
// keeps their session.
func (s *Server) Handler() http.Handler {
	var endpoint http.Handler = http.HandlerFunc(s.serveMCP)
	if s.options.Authorize != nil {
		endpoint = s.options.Authorize(endpoint)
	}
	guard := newGuard(s.options)
	mux := http.NewServeMux()
	mux.Handle("/mcp", guard.wrapMCP(endpoint))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", s.ready)
	return bounded(s.recovered(guard.wrap(mux)))
}

// ready tells a load balancer to send no more once Shutdown was called.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	select {
	case <-s.hub.closing:
		say(w, http.StatusServiceUnavailable, "shutting down\n")
	default:
		say(w, http.StatusOK, "ready\n")
	}
}

// Shutdown ends every stream with its result, and the sessions of older
// clients. Calls that are under way go on.
func (s *Server) Shutdown() {
	s.hub.close()
	s.sessions.close()
}

func (s *Server) serveMCP(w http.ResponseWriter, r *http.Request) {
	modern := mcp.IsModernProtocol(r.Header.Get(mcp.HeaderProtocolVersion))
	switch {
	case !modern && len(r.Header.Values(sessionHeader)) > 1:
		say(w, http.StatusBadRequest, "which session? "+sessionHeader+" is there twice\n")
	case r.Method == http.MethodPost:
		s.post(w, r)
	case r.Method == http.MethodGet && !modern:
		s.serveChanges(w, r)
	case r.Method == http.MethodDelete && !modern:
		s.endSession(w, r)
	case modern:
		notAllowed(w, "POST", "the protocol of 2026-07-28 has no "+r.Method+": open a stream with subscriptions/listen")
	default:
		notAllowed(w, "GET, POST, DELETE", "method is not allowed")
	}
}

// sessionHeader is where clients before 2026-07-28 name their session.
const sessionHeader = "Mcp-Session-Id"

// serveChanges is the stream on which older clients hear what has changed.
func (s *Server) serveChanges(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get(sessionHeader)
	if id == "" {
		notAllowed(w, "POST", "a stream needs a session: initialize first, and name it in "+sessionHeader)
		return
	}
	if !streams(w, r) {
		return
	}
	client, ok := s.sessions.acquire(id, Caller(r.Context()))
	if !ok {
		say(w, http.StatusNotFound, "session is not known: initialize anew\n")
		return
	}
	defer s.sessions.release(client)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	out := newStream(w, cancel)
	defer out.close()
	out.open()
	client.followed(cancel)
	_ = s.hub.follow(ctx, client.listener, nil, out) // fails when the client has gone
}

// streams tells whether the client takes a stream of events, and answers where it does not.
func streams(w http.ResponseWriter, r *http.Request) bool {
	taken := accepts(r.Header, eventStream)
	if !taken {
		say(w, http.StatusNotAcceptable, "want Accept: "+eventStream+"\n")
	}
	return taken
}

func (s *Server) endSession(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get(sessionHeader) == "" {
		say(w, http.StatusBadRequest, "which session? Name it in "+sessionHeader+"\n")
		return
	}
	if !s.sessions.end(r.Header.Get(sessionHeader), Caller(r.Context())) {
		say(w, http.StatusNotFound, "session is not known\n")
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// body reads one message and answers itself when it cannot. It frees the room for a message that turns out too long.
func body(w http.ResponseWriter, r *http.Request, free func()) ([]byte, bool) {
	if r.ContentLength > maxBody {
		tooLong(w, r)
		return nil, false
	}
	ctl := http.NewResponseController(w)
	_ = ctl.SetReadDeadline(time.Now().Add(bodyTimeout)) // fails where the connection has no deadlines
	raw, err := readAll(http.MaxBytesReader(w, r.Body, maxBody), r.ContentLength)
	_ = ctl.SetReadDeadline(time.Time{})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		w.Header().Set("Connection", "close")
		say(w, http.StatusRequestTimeout, "message came too slowly\n")
		return nil, false
	}
	if _, longer := errors.AsType[*http.MaxBytesError](err); longer {
		free()
		tooLong(w, r)
		return nil, false
	}
	if err != nil {
		say(w, http.StatusBadRequest, "message could not be read\n")
		return nil, false
	}
	return raw, true
}

// tooLong answers, and then lets the client send the rest: one that reads only after it has sent everything would find its
// connection reset, and no answer.
func tooLong(w http.ResponseWriter, r *http.Request) {
	const text = "message is longer than 4 MiB\n"
	ctl := http.NewResponseController(w)
	_ = ctl.EnableFullDuplex() // as the two below, fails where there is no connection to read from
	w.Header().Set("Connection", "close")
	w.Header().Set("Content-Length", strconv.Itoa(len(text))) // so that the answer is whole before the request is
	say(w, http.StatusRequestEntityTooLarge, text)
	_ = ctl.Flush()
	if r.ContentLength > maxBody && r.Header.Get("Expect") != "" {
		return // the client has sent nothing, and will not
	}
	_ = ctl.SetReadDeadline(time.Now().Add(bodyTimeout))
	_, _ = io.Copy(io.Discard, r.Body)
}

// readAll reads as much as is announced, and otherwise part by part: a slice that grows leaves several times its size behind.
func readAll(r io.Reader, length int64) ([]byte, error) {
	if length >= 0 {
		raw := make([]byte, length)
		_, err := io.ReadFull(r, raw)
		return raw, err
	}
	var parts [][]byte
	for {
		part, n := make([]byte, smallBody), 0
		for n < len(part) {
			k, err := r.Read(part[n:])
			if n += k; errors.Is(err, io.EOF) {
				return bytes.Join(append(parts, part[:n]), nil), nil
			}
			if err != nil {
				return nil, err
			}
		}
		parts = append(parts, part)
	}
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // fails when the client has gone
}

func notAllowed(w http.ResponseWriter, allowed, text string) {
	w.Header().Set("Allow", allowed)
	say(w, http.StatusMethodNotAllowed, text+"\n")
}

// recovered keeps a panic from the client, who gets no more than that there
// was one.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch v := recover(); v {
			case nil:
			case http.ErrAbortHandler:
				panic(v) // how net/http is told to drop the connection
			default:
				s.log.ErrorContext(r.Context(), "request handler panicked", "panic", v, "stack", string(debug.Stack()))
				http.Error(w, "internal error", http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// bounded ends connections whose clients do not read. Whatever lasts longer sets the time anew when it writes.
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctl := http.NewResponseController(w)
		until := func() { _ = ctl.SetWriteDeadline(time.Now().Add(writeTimeout)) } // fails where the connection has no deadlines
		until()
		defer until() // what is buffered is written afterwards
		next.ServeHTTP(w, r)
	})
}

type callerKey struct{}

// WithCaller marks a request as that of a caller who was let in. Sessions are
// bound to it. Options.Authorize is where it has to happen.
func WithCaller(ctx context.Context, caller string) context.Context {
	return context.WithValue(ctx, callerKey{}, caller)
}

// Caller returns who sent the request that ctx belongs to; "" means that
// nobody was asked.
func Caller(ctx context.Context) string {
	caller, _ := ctx.Value(callerKey{}).(string)
	return caller
}
