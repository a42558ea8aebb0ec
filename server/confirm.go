package server

import (
	"context"
	"encoding/json"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/dynamics-mcp/dynamics-mcp/tools"
)

const (
	questionKey   = "confirm"
	agreeField    = "agree"
	answerTimeout = 5 * time.Minute
)

// callTool runs a tool for a client. In 2026-07-28 a question is the answer of the call, and the client calls again;
// before, the call waits while the client is asked.
func (s *Server) callTool(ctx context.Context, name string, p mcp.CallToolParams) (*mcp.CallToolResult, error) {
	caller := tools.Caller{ID: Caller(ctx), Asks: canElicit(ctx)}
	if server.IsModernRequest(ctx) {
		caller.State, caller.Answer = p.RequestState, answerOf(server.ElicitationResponse(p.InputResponses, questionKey))
	} else if caller.Asks {
		caller.Ask = s.elicit
	}
	result, err := s.set.Call(tools.WithCaller(ctx, caller), name, p.RawArguments)
	if err != nil {
		return nil, err
	}
	if q := result.Question; q != nil && caller.Ask == nil {
		return server.NewInputRequestBuilder(q.State).Elicit(questionKey, form(q.Text)).ToolResult(), nil
	}
	return &mcp.CallToolResult{
		Content:              []mcp.Content{mcp.NewTextContent(result.Text)},
		RawStructuredContent: result.Structured(),
		IsError:              result.IsError,
	}, nil
}

// elicit is the tools.Ask of clients before 2026-07-28. Whatever goes wrong there, nobody has agreed.
func (s *Server) elicit(ctx context.Context, question string) tools.Answer {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	result, err := s.mcp.RequestElicitation(ctx, mcp.ElicitationRequest{Params: form(question)})
	if err != nil {
		s.log.WarnContext(ctx, "client did not answer a question", "error", err.Error())
		return tools.Dismissed
	}
	return answerOf(result)
}

// form asks for a yes besides the client's own button, which in some clients says no more than OK.
func form(question string) mcp.ElicitationParams {
	return mcp.ElicitationParams{Message: question, RequestedSchema: json.RawMessage(`{"type":"object","properties":{"` + agreeField +
		`":{"type":"boolean","title":"Yes, go ahead","description":"This cannot be undone.","default":false}},"required":["` + agreeField + `"]}`)}
}

// answerOf reads what a client says its user did.
func answerOf(r *mcp.ElicitationResult) tools.Answer {
	if r == nil {
		return tools.Unanswered
	}
	switch r.Action {
	case mcp.ElicitationResponseActionAccept:
		fields, _ := r.Content.(map[string]any)
		if fields[agreeField] == true {
			return tools.Agreed
		}
		return tools.Declined
	case mcp.ElicitationResponseActionDecline:
		return tools.Declined
	}
	return tools.Dismissed
}
