package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/mark3labs/mcp-go/mcp"
)

// subscription is a subscriptions/listen request as it was honoured.
type subscription struct {
	id       json.RawMessage
	filter   mcp.SubscriptionFilter
	listener *listener
}

// subscribe honours what m asks for as far as the server has it.
func (s *Server) subscribe(m message) (*subscription, *mcp.JSONRPCErrorDetails) {
	var p struct {
		Notifications *mcp.SubscriptionFilter `json:"notifications"`
	}
	if err := json.Unmarshal(m.Params, &p); err != nil || p.Notifications == nil {
		return nil, refusal(mcp.INVALID_PARAMS, "notifications: want an object that says what to listen for")
	}
	sub := &subscription{id: m.ID, filter: s.honoured(*p.Notifications), listener: newListener()}
	for list, asked := range map[List]bool{
		ListTools: sub.filter.ToolsListChanged, ListPrompts: sub.filter.PromptsListChanged, ListResources: sub.filter.ResourcesListChanged,
	} {
		if asked {
			_ = sub.listener.want(change{list: list}) // there is always room for the lists
		}
	}
	for _, uri := range sub.filter.ResourceSubscriptions {
		if err := sub.listener.want(change{uri: uri}); err != nil {
			return nil, refusal(mcp.INVALID_PARAMS, err.Error())
		}
	}
	if err := s.hub.add(sub.listener); err != nil {
		return nil, refusal(mcp.INTERNAL_ERROR, err.Error())
	}
	return sub, nil
}

// honoured leaves out what the server does not declare.
func (s *Server) honoured(f mcp.SubscriptionFilter) mcp.SubscriptionFilter {
	c := s.declared
	f.ToolsListChanged = f.ToolsListChanged && c.Tools != nil && c.Tools.ListChanged
	f.PromptsListChanged = f.PromptsListChanged && c.Prompts != nil && c.Prompts.ListChanged
	f.ResourcesListChanged = f.ResourcesListChanged && c.Resources != nil && c.Resources.ListChanged
	if c.Resources == nil || !c.Resources.Subscribe {
		f.ResourceSubscriptions = nil
	}
	slices.Sort(f.ResourceSubscriptions)
	f.ResourceSubscriptions = slices.Compact(f.ResourceSubscriptions)
	return f
}

// run serves sub until ctx or the server ends, and reports whether the client
// is still owed the result. The hub is left before the result is sent.
func (s *Server) run(ctx context.Context, sub *subscription, r reader) error {
	defer s.hub.remove(sub.listener)
	acknowledged := notification(mcp.MethodNotificationSubscriptionsAcknowledged, acknowledgement{
		Meta: subscriptionMeta(sub.id), Notifications: sub.filter,
	})
	if err := r.send(acknowledged); err != nil {
		return err
	}
	if sub.filter.IsEmpty() {
		return nil
	}
	return s.hub.follow(ctx, sub.listener, sub.id, r)
}

type acknowledgement struct {
	Meta          map[string]json.RawMessage `json:"_meta"`
	Notifications mcp.SubscriptionFilter     `json:"notifications"`
}

// ended is the result of a subscription: it says that the server has nothing
// more to tell, where a mere end could be a broken connection.
func (s *Server) ended(sub *subscription) answer {
	text, err := json.Marshal(map[string]any{"jsonrpc": mcp.JSONRPC_VERSION, "id": sub.id, "result": map[string]any{
		"resultType": mcp.ResultTypeComplete,
		"_meta": map[string]any{
			mcp.MetaKeySubscriptionID: sub.id,
			mcp.MetaKeyServerInfo:     s.implementation,
		},
	}})
	if err != nil {
		return failed(sub.id, refusal(mcp.INTERNAL_ERROR, "internal error"))
	}
	return answer{text: text}
}

// listen serves subscriptions/listen over HTTP.
func (s *Server) listen(w http.ResponseWriter, r *http.Request, m message) {
	caller := Caller(r.Context())
	if !s.streams.take(caller) {
		busy(w, m, "too many streams are open for you")
		return
	}
	defer s.streams.giveBack(caller)
	sub, problem := s.subscribe(m)
	if problem != nil {
		status := statusOf(problem.Code)
		if problem.Message == errTooManyListeners.Error() {
			status = http.StatusServiceUnavailable
		}
		reply(w, status, failed(m.ID, problem))
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	out := newStream(w, cancel)
	defer out.close()
	if err := s.run(ctx, sub, out); err != nil || errors.Is(ctx.Err(), context.Canceled) {
		return // the client has gone
	}
	out.answer(http.StatusOK, s.ended(sub))
}
