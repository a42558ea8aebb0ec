package server

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// writeTimeout is how long a client may leave what it was sent unread before
// its stream ends.
const writeTimeout = 30 * time.Second

// eventStream is the media type of a stream of events.
const eventStream = "text/event-stream"

// stream is the response to one request. It becomes a stream of events with
// the first message that is sent before the result.
type stream struct {
	cancel context.CancelFunc // of the request, once the client cannot be reached
	ctl    *http.ResponseController
	plain  bool // the client takes the result alone: what is sent before it is dropped

	mu     sync.Mutex // guards the fields below, and writing
	w      http.ResponseWriter
	events bool
	ended  bool
	failed error
	beats  *time.Timer
}

func newStream(w http.ResponseWriter, cancel context.CancelFunc) *stream {
	return &stream{w: w, cancel: cancel, ctl: http.NewResponseController(w)}
}

// open begins the stream of events.
func (s *stream) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begin()
}

func (s *stream) begin() {
	if s.events || s.ended {
		return
	}
	s.events = true
	h := s.w.Header()
	h.Set("Content-Type", eventStream)
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no") // nginx would collect events
	s.w.WriteHeader(http.StatusOK)
	_ = s.write(nil) // what is written next fails as well
}

// send writes one message as an event.
func (s *stream) send(v any) error {
	if s.plain {
		return nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begin()
	return s.event(raw)
}

func (s *stream) event(raw []byte) error {
	text := make([]byte, 0, len(raw)+24)
	text = append(text, "event: message\ndata: "...)
	return s.write(append(append(text, raw...), "\n\n"...))
}

// beat writes a comment, so that nobody on the way takes the stream for dead.
func (s *stream) beat() error {
	if s.plain {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begin()
	return s.write([]byte(": keepalive\n\n"))
}

// keepAlive beats for as long as the stream is open.
func (s *stream) keepAlive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beats = time.AfterFunc(keepAlive, func() {
		if s.beat() == nil {
			s.keepAlive()
		}
	})
}

// write has to be called with the mutex held.
func (s *stream) write(text []byte) error {
	if s.ended {
		return http.ErrHandlerTimeout
	}
	if s.failed != nil {
		return s.failed
	}
	// Both fail where the connection has no deadlines or no buffer: then there is nothing to set or to flush.
	_ = s.ctl.SetWriteDeadline(time.Now().Add(writeTimeout))
	if len(text) > 0 {
		_, s.failed = s.w.Write(text)
	}
	if s.failed == nil {
		s.failed = s.ctl.Flush()
	}
	if s.failed != nil {
		s.cancel()
	}
	return s.failed
}

// answer writes the result: the last event, or all of the response.
func (s *stream) answer(status int, a answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	if s.beats != nil {
		s.beats.Stop()
	}
	if s.events {
		_ = s.event(a.text) // fails when the client has gone
	} else {
		_ = s.ctl.SetWriteDeadline(time.Now().Add(writeTimeout))
		reply(s.w, status, a)
	}
	s.ended = true
}

// close has to be called before the handler returns: nothing is written after it.
func (s *stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	if s.beats != nil {
		s.beats.Stop()
	}
}
