package server

import (
	"container/list"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

// session is what the server remembers of a client that began with initialize.
// A request of 2026-07-28 gets one of its own, which ends with it.
type session struct {
	id, caller string
	listener   *listener     // nil where nothing unasked can reach the client
	gone       chan struct{} // closed when the session ends; nil where it cannot

	mu           sync.Mutex // guards the fields below
	ready        bool
	client       mcp.Implementation
	capabilities mcp.ClientCapabilities
	version      string
	level        mcp.LoggingLevel
	asked        int64                         // id of the last request that was sent to the client
	waiting      map[string]chan message       // for its answers, by canonical id
	calls        map[string]context.CancelFunc // of the client, by canonical id
	follower     context.CancelFunc            // of the stream that changes are sent on

	busy int // requests and streams; guarded by sessions.mu, like the two below
	used time.Time
	spot *list.Element
}

// SessionID is only the library's business when it looks for a call to cancel, which the edge does itself.
func (s *session) SessionID() string { return s.id }

// Initialize marks that the client may be sent notifications.
func (s *session) Initialize() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready = true
}

// Initialized tells whether the client may be sent notifications.
func (s *session) Initialized() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ready || s.listener == nil // without state there is nothing to wait for
}

// SetClientInfo stores who the client says it is.
func (s *session) SetClientInfo(i mcp.Implementation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client = i
}

// GetClientInfo returns who the client says it is.
func (s *session) GetClientInfo() mcp.Implementation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.client
}

// SetClientCapabilities stores what the client can do.
func (s *session) SetClientCapabilities(c mcp.ClientCapabilities) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.capabilities = c
}

// GetClientCapabilities returns what the client can do.
func (s *session) GetClientCapabilities() mcp.ClientCapabilities {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.capabilities
}

// elicits tells whether the client shows forms. Older clients declare no modes and mean forms.
func (s *session) elicits() bool {
	e := s.GetClientCapabilities().Elicitation
	return e != nil && (e.Form != nil || e.URL == nil)
}

// SetProtocolVersion stores what initialize agreed on.
func (s *session) SetProtocolVersion(v string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version = v
}

// ProtocolVersion returns what initialize agreed on.
func (s *session) ProtocolVersion() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version
}

// SetLogLevel stores from which level on the client wants log messages.
func (s *session) SetLogLevel(l mcp.LoggingLevel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.level = l
}

// GetLogLevel returns from which level on the client wants log messages.
func (s *session) GetLogLevel() mcp.LoggingLevel {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.level == "" {
		return mcp.LoggingLevelInfo
	}
	return s.level
}

// SubscribeToResource subscribes if there is room.
func (s *session) SubscribeToResource(uri string) { _ = s.SubscribeToResourceErr(uri) }

// SubscribeToResourceErr fails when the client follows too many resources.
func (s *session) SubscribeToResourceErr(uri string) error {
	if s.listener == nil {
		return nil // accepted, as before there were sessions; nothing can be delivered
	}
	return s.listener.want(change{uri: uri})
}

// UnsubscribeFromResource ends a subscription, if there is one.
func (s *session) UnsubscribeFromResource(uri string) {
	if s.listener != nil {
		s.listener.forget(change{uri: uri})
	}
}

// SubscribedResources lists the subscriptions in order.
func (s *session) SubscribedResources() []string {
	if s.listener == nil {
		return nil
	}
	return s.listener.resources()
}

// IsSubscribedToResource tells whether there is a subscription to uri.
func (s *session) IsSubscribedToResource(uri string) bool {
	return s.listener != nil && s.listener.wants(change{uri: uri})
}

// began notes a call, so that its client can cancel it. The returned function
// notes its end.
func (s *session) began(id json.RawMessage, cancel context.CancelFunc) (ended func()) {
	key := canonical(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.calls[key]; taken { // the client cannot mean either by its id
		return func() {}
	}
	if s.calls == nil {
		s.calls = map[string]context.CancelFunc{}
	}
	s.calls[key] = cancel
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.calls, key)
	}
}

// cancel ends the call with an id, if it is one of this session.
func (s *session) cancel(id json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel := s.calls[canonical(id)]; cancel != nil {
		cancel()
	}
}

// request sends the client a request and waits for the result.
func (s *session) request(ctx context.Context, send func(any) error, method string, params any) (json.RawMessage, error) {
	answered := make(chan message, 1)
	s.mu.Lock()
	s.asked++
	id := s.asked
	key := canonical(fmt.Append(nil, id))
	if s.waiting == nil {
		s.waiting = map[string]chan message{}
	}
	s.waiting[key] = answered
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.waiting, key)
	}()
	if err := send(outgoing{JSONRPC: mcp.JSONRPC_VERSION, ID: id, Method: method, Params: params}); err != nil {
		return nil, err
	}
	var m message
	select {
	case m = <-answered:
	case <-ctx.Done():
		_ = send(notification("notifications/cancelled", map[string]any{"requestId": id, "reason": "no longer needed"}))
		return nil, ctx.Err()
	case <-s.gone:
		select {
		case m = <-answered: // the last that came
		default:
			return nil, fmt.Errorf("the session ended before %s was answered", method)
		}
	}
	if len(m.Error) > 0 {
		return nil, fmt.Errorf("the client could not answer %s", method)
	}
	return m.Result, nil
}

// answered takes the client's answer to a request of the server. One that
// nobody waits for is dropped.
func (s *session) answered(m message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := canonical(m.ID)
	if waiting := s.waiting[key]; waiting != nil {
		delete(s.waiting, key)
		waiting <- m // capacity 1, and taken out of the map: never blocks
	}
}

// followed makes a stream the one that changes are sent on: the one before it,
// whose client may long be gone, ends.
func (s *session) followed(cancel context.CancelFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.follower != nil {
		s.follower()
	}
	s.follower = cancel
	select {
	case <-s.gone: // it ended meanwhile
		cancel()
	default:
	}
}

// end cancels all that goes on in the session.
func (s *session) end() {
	s.leave()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, cancel := range s.calls {
		cancel()
	}
}

// leave ends the session, but not its calls, whose client still waits.
func (s *session) leave() {
	close(s.gone)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.follower != nil {
		s.follower()
	}
}
