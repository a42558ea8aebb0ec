package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/dynamics-mcp/dynamics-mcp/tools"
)

// askTimeout is how long a person may take to answer a question.
const askTimeout = 10 * time.Minute

// call is one request while it is being answered. The library takes it for the
// client's session, so that whatever a handler sends leaves on the stream of
// its own request, and before the result.
type call struct {
	*session
	message message
	params  params
	token   json.RawMessage   // of progress; nil: none is asked for
	send    func(v any) error // in order; may be called concurrently
	asks    bool              // whether a request of the server can be sent and its answer be found again

	mu      sync.Mutex // guards the fields below
	failure *mcp.JSONRPCErrorDetails
	done    float64 // of the last progress

	pump    sync.Once
	notes   chan mcp.JSONRPCNotification
	stop    chan struct{} // closed when the handler has returned
	drained chan struct{} // closed when everything in notes was sent
}

// answer is the response to one request, as it goes on the wire.
type answer struct {
	text    []byte
	failure int // code of the JSON-RPC error; 0: a result
}

// dispatch has the library answer c, and returns when all that its handler
// sent has been handed to the client's stream.
func (s *Server) dispatch(ctx context.Context, c *call, raw []byte) (a answer) {
	defer func() {
		if r := recover(); r != nil {
			s.log.ErrorContext(ctx, "request handler panicked", "method", c.message.Method, "panic", r, "stack", string(debug.Stack()))
			a = failed(c.message.ID, refusal(mcp.INTERNAL_ERROR, "internal error"))
		}
	}()
	defer c.finish()
	if problem := s.checkCursor(c.message.Method, c.params.Cursor); problem != nil {
		return failed(c.message.ID, problem)
	}
	ctx = s.mcp.WithContext(ctx, c)
	if c.token = c.message.token(c.params); c.token != nil {
		ctx = tools.WithProgress(ctx, c.progress)
	}
	response := s.mcp.HandleMessage(ctx, raw)
	if e, ok := response.(mcp.JSONRPCError); ok {
		e = c.explained(e)
		return failed(c.message.ID, &e.Error)
	}
	if r, ok := response.(mcp.JSONRPCResponse); ok {
		r.ID = mcp.NewRequestId(c.message.ID) // the library takes every number for a float
		response = r
	}
	text, err := json.Marshal(response)
	if err != nil {
		s.log.ErrorContext(ctx, "answer cannot be written as JSON", "method", c.message.Method, "error", err)
		return failed(c.message.ID, refusal(mcp.INTERNAL_ERROR, "internal error"))
	}
	return answer{text: text}
}

// explained adds what the library leaves out of an error.
func (c *call) explained(e mcp.JSONRPCError) mcp.JSONRPCError {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failure != nil {
		e.Error = *c.failure
	}
	unknown := e.Error.Code == mcp.INVALID_PARAMS || e.Error.Code == mcp.RESOURCE_NOT_FOUND
	switch {
	case !unknown || e.Error.Data != nil || c.message.Method != string(mcp.MethodResourcesRead):
	case c.params.URI == "" && c.failure == nil:
		e.Error = *refusal(mcp.INVALID_PARAMS, "uri is required")
	case c.params.URI != "":
		e.Error.Data = map[string]string{"uri": c.params.URI}
	}
	return e
}

// Fail makes the request that ctx belongs to end with a JSON-RPC error, if the
// handler returns the error that Fail returns. The library alone would call
// every error of a handler internal.
func Fail(ctx context.Context, code int, text string, data any) error {
	if c, ok := server.ClientSessionFromContext(ctx).(*call); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.failure = &mcp.JSONRPCErrorDetails{Code: code, Message: text, Data: data}
	}
	return errors.New(text)
}

// progress tells the client how far the call is. What goes backwards is left
// out, as the protocol forbids it.
func (c *call) progress(done, total float64, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if done <= c.done {
		return
	}
	c.done = done
	// A stream that fails cancels the call by itself.
	_ = c.send(notification("notifications/progress", progressParams{Token: c.token, Progress: done, Total: total, Message: text}))
}

type progressParams struct {
	Token    json.RawMessage `json:"progressToken"`
	Progress float64         `json:"progress"`
	Total    float64         `json:"total,omitempty"`
	Message  string          `json:"message,omitempty"`
}

// NotificationChannel takes what handlers send through the library, which drops what does not fit.
func (c *call) NotificationChannel() chan<- mcp.JSONRPCNotification {
	c.pump.Do(func() {
		c.notes, c.stop, c.drained = make(chan mcp.JSONRPCNotification, 256), make(chan struct{}), make(chan struct{})
		go c.forward()
	})
	return c.notes
}

func (c *call) forward() {
	defer close(c.drained)
	for {
		select {
		case n := <-c.notes:
			_ = c.send(n)
		case <-c.stop:
			for len(c.notes) > 0 {
				_ = c.send(<-c.notes)
			}
			return
		}
	}
}

// finish waits until everything that was sent before it is on its way.
func (c *call) finish() {
	c.pump.Do(func() {}) // from now on there is no channel to be made
	if c.stop != nil {
		close(c.stop)
		<-c.drained
	}
}

// canElicit tells whether the client of the request that ctx belongs to can
// put a question to a person, and the question can reach it.
func canElicit(ctx context.Context) bool {
	c, ok := server.ClientSessionFromContext(ctx).(*call)
	return ok && (c.asks || c.params.isModern()) && c.elicits()
}

// RequestElicitation asks on the stream of the call itself, and waits for the
// answer. Only clients before 2026-07-28 are asked in this way.
func (c *call) RequestElicitation(ctx context.Context, r mcp.ElicitationRequest) (*mcp.ElicitationResult, error) {
	if !c.asks || !c.elicits() {
		return nil, server.ErrElicitationNotSupported
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	answer, err := c.request(ctx, c.send, string(mcp.MethodElicitationCreate), r.Params)
	if err != nil {
		return nil, err
	}
	var result mcp.ElicitationResult
	if err := json.Unmarshal(answer, &result); err != nil {
		return nil, fmt.Errorf("answer to the question: %w", err)
	}
	return &result, nil
}

var (
	_ server.SessionWithClientInfo               = (*call)(nil)
	_ server.SessionWithElicitation              = (*call)(nil)
	_ server.SessionWithLogging                  = (*call)(nil)
	_ server.SessionWithProtocolVersion          = (*call)(nil)
	_ server.SessionWithResourceSubscriptionsErr = (*call)(nil)
)
