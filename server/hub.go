package server

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

// List is one of the lists whose change clients can be told of.
type List string

// The lists of MCP.
const (
	ListTools     List = "tools"
	ListPrompts   List = "prompts"
	ListResources List = "resources"
)

const (
	maxListeners     = 20_000           // streams and sessions together
	maxSubscriptions = 1_000            // resources that one listener can follow
	keepAlive        = 15 * time.Second // proxies drop what is silent for longer than 30 s to 60 s
)

var (
	errTooManyListeners     = errors.New("too many clients listen for changes: try again later")
	errTooManySubscriptions = errors.New("too many subscriptions: one client can follow 1000 resources")
)

// change is what a client is told: that a resource or a list is not as it was.
// It carries no content, so one notification stands for any number of changes.
type change struct {
	list List   // "" means the resource at uri
	uri  string // "" means the list
}

func (c change) method() string {
	if c.list != "" {
		return "notifications/" + string(c.list) + "/list_changed"
	}
	return mcp.MethodNotificationResourceUpdated
}

// notification names the subscription it belongs to, if that has an id.
func (c change) notification(subscription json.RawMessage) outgoing {
	p := changeParams{URI: c.uri}
	if subscription != nil {
		p.Meta = subscriptionMeta(subscription)
	}
	if p.URI == "" && p.Meta == nil {
		return notification(c.method(), nil)
	}
	return notification(c.method(), p)
}

type changeParams struct {
	URI  string                     `json:"uri,omitempty"`
	Meta map[string]json.RawMessage `json:"_meta,omitempty"`
}

func subscriptionMeta(id json.RawMessage) map[string]json.RawMessage {
	return map[string]json.RawMessage{mcp.MetaKeySubscriptionID: id}
}

// hub is the one place through which changes reach clients. Nothing in it
// waits for a client: each listener keeps what it has not yet read.
type hub struct {
	closing  chan struct{} // closed by close
	followed atomic.Int64  // streams

	mu        sync.Mutex
	listeners map[*listener]struct{}
	closed    bool
}

func newHub() *hub {
	return &hub{closing: make(chan struct{}), listeners: map[*listener]struct{}{}}
}

// publish hands c to whoever asked for it.
func (h *hub) publish(c change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.listeners {
		l.offer(c)
	}
}

func (h *hub) add(l *listener) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.listeners) >= maxListeners {
		return errTooManyListeners
	}
	h.listeners[l] = struct{}{}
	return nil
}

func (h *hub) remove(l *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.listeners, l)
}

// close ends every stream. It can be called again.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.closed = true
		close(h.closing)
	}
}

// listener holds the changes that one client asked for and has not read. It is
// bounded by what can be asked for, as equal changes are one.
type listener struct {
	wake chan struct{} // capacity 1: something is pending

	mu      sync.Mutex
	wanted  map[change]struct{}
	queued  map[change]struct{}
	pending []change
}

func newListener(wanted ...change) *listener {
	l := &listener{wake: make(chan struct{}, 1)}
	for _, c := range wanted {
		_ = l.want(c)
	}
	return l
}

// want adds c to what the listener hears of.
func (l *listener) want(c change) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.wanted) >= maxSubscriptions+3 { // the lists are free
		return errTooManySubscriptions
	}
	if l.wanted == nil {
		l.wanted = map[change]struct{}{}
	}
	l.wanted[c] = struct{}{}
	return nil
}

func (l *listener) forget(c change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.wanted, c)
	if _, ok := l.queued[c]; ok {
		delete(l.queued, c)
		l.pending = slices.DeleteFunc(l.pending, func(p change) bool { return p == c })
	}
}

func (l *listener) wants(c change) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.wanted[c]
	return ok
}

func (l *listener) resources() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var uris []string
	for c := range maps.Keys(l.wanted) {
		if c.uri != "" {
			uris = append(uris, c.uri)
		}
	}
	slices.Sort(uris)
	return uris
}

func (l *listener) offer(c change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.wanted[c]; !ok {
		return
	}
	if _, ok := l.queued[c]; ok {
		return
	}
	if l.queued == nil {
		l.queued = map[change]struct{}{}
	}
	l.queued[c] = struct{}{}
	l.pending = append(l.pending, c)
	l.remind()
}

// remind wakes whoever follows.
func (l *listener) remind() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// next takes the oldest change that is pending.
func (l *listener) next() (change, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pending) == 0 {
		return change{}, false
	}
	c := l.pending[0]
	l.pending = l.pending[1:]
	delete(l.queued, c)
	if len(l.pending) == 0 {
		l.pending, l.queued = nil, nil
		return c, true
	}
	l.remind() // another reader, or this one after it was interrupted, goes on
	return c, true
}

// flush sends all that is pending.
func (l *listener) flush(subscription json.RawMessage, r reader) error {
	for {
		c, ok := l.next()
		if !ok {
			return nil
		}
		if err := r.send(c.notification(subscription)); err != nil {
			l.offer(c) // to the stream that the client may open next
			return err
		}
	}
}

// reader is the client's end of a stream.
type reader interface {
	send(v any) error // fails when the client is gone or does not read
	beat() error      // keeps a silent stream open
}

// follow sends what l hears to r, until ctx or the hub ends, which is no
// error, or r fails.
func (h *hub) follow(ctx context.Context, l *listener, subscription json.RawMessage, r reader) error {
	h.followed.Add(1)
	defer h.followed.Add(-1)
	beat := time.NewTicker(keepAlive)
	defer beat.Stop()
	for {
		select {
		case <-l.wake:
			if ctx.Err() != nil {
				l.remind() // whoever follows next
				return nil
			}
			if err := l.flush(subscription, r); err != nil {
				return err
			}
		case <-beat.C:
			if err := r.beat(); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		case <-h.closing:
			return l.flush(subscription, r)
		}
	}
}

// Notify tells every client that subscribed to the resource at uri that it has
// changed. It never waits for a client.
func (s *Server) Notify(uri string) { s.hub.publish(change{uri: uri}) }

// ListChanged tells every client that listens that it should list l anew.
func (s *Server) ListChanged(l List) { s.hub.publish(change{list: l}) }
