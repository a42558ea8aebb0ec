//go:build conformance

package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"github.com/dynamics-mcp/dynamics-mcp/server"
)

// object is a JSON schema for a form.
func object(properties map[string]any, required ...string) map[string]any {
	return map[string]any{"type": "object", "properties": properties, "required": append([]string{}, required...)}
}

func question(message string, properties map[string]any, required ...string) mcp.ElicitationParams {
	return mcp.ElicitationParams{Message: message, RequestedSchema: object(properties, required...)}
}

var (
	text      = map[string]any{"type": "string"}
	yourName  = question("What is your name?", map[string]any{"name": text}, "name")
	confirmed = question("Please confirm", map[string]any{"ok": map[string]any{"type": "boolean"}}, "ok")
)

func sample(prompt string, tokens int) mcp.CreateMessageParams {
	return mcp.CreateMessageParams{MaxTokens: tokens,
		Messages: []mcp.SamplingMessage{{Role: mcp.RoleUser, Content: mcp.NewTextContent(prompt)}}}
}

// ask is the first round of a request: it asks.
func ask(state string) *mcpserver.InputRequestBuilder { return mcpserver.NewInputRequestBuilder(state) }

// inputTools are the tools that need more from the client before they can answer.
func (f *fixtures) inputTools() {
	f.add("test_elicitation", `{"type":"object","properties":{"message":{"type":"string"}},"required":["message"],"additionalProperties":false}`,
		func(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return form(r, "User response: action=%s, content=%s", question(r.GetString("message", ""),
				map[string]any{"username": text, "email": text}, "username", "email"))
		})
	f.form("test_elicitation_sep1034_defaults", question("Please review the defaults", map[string]any{
		"name":     map[string]any{"type": "string", "default": "John Doe"},
		"age":      map[string]any{"type": "integer", "default": 30},
		"score":    map[string]any{"type": "number", "default": 95.5},
		"status":   map[string]any{"type": "string", "default": "active", "enum": []string{"active", "inactive", "pending"}},
		"verified": map[string]any{"type": "boolean", "default": true},
	}))
	f.form("test_elicitation_sep1330_enums", question("Please choose", enums()))
	f.form("test_streaming_elicitation", confirmed)
	f.add("test_sampling", `{"type":"object","properties":{"prompt":{"type":"string"}},"required":["prompt"],"additionalProperties":false}`,
		func(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			if answer := mcpserver.SamplingResponse(r.Params.InputResponses, "sample"); answer != nil {
				return mcp.NewToolResultText("LLM response: " + sampled(answer)), nil
			}
			return ask("").Sample("sample", sample(r.GetString("prompt", ""), 100)).ToolResult(), nil
		})
	f.add("test_input_required_result_elicitation", noArguments, hello)
	f.add("test_input_required_result_sampling", noArguments, capital)
	f.add("test_input_required_result_list_roots", noArguments, roots)
	f.add("test_input_required_result_request_state", noArguments, f.signed("confirm"))
	f.add("test_input_required_result_tampered_state", noArguments, f.signed("confirm"))
	f.add("test_input_required_result_multiple_inputs", noArguments, f.several)
	f.add("test_input_required_result_multi_round", noArguments, f.rounds)
	f.add("test_input_required_result_capabilities", noArguments, able)
}

// form mounts a tool that puts one form before the user.
func (f *fixtures) form(name string, params mcp.ElicitationParams) {
	f.add(name, noArguments, func(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return form(r, "Elicitation completed: action=%s, content=%s", params)
	})
}

func form(r mcp.CallToolRequest, format string, params mcp.ElicitationParams) (*mcp.CallToolResult, error) {
	if answer := mcpserver.ElicitationResponse(r.Params.InputResponses, "form"); answer != nil {
		return told(format, answer), nil
	}
	return ask("").Elicit("form", params).ToolResult(), nil
}

// enums are the five ways to offer choices.
func enums() map[string]any {
	titled := func(name string, pairs ...string) []map[string]any {
		var all []map[string]any
		for i, title := range pairs {
			all = append(all, map[string]any{"const": fmt.Sprintf("%s%d", name, i+1), "title": title})
		}
		return all
	}
	plain := []string{"option1", "option2", "option3"}
	return map[string]any{
		"untitledSingle": map[string]any{"type": "string", "enum": plain},
		"titledSingle":   map[string]any{"type": "string", "oneOf": titled("value", "First Option", "Second Option", "Third Option")},
		"legacyEnum": map[string]any{"type": "string", "enum": []string{"opt1", "opt2", "opt3"},
			"enumNames": []string{"Option One", "Option Two", "Option Three"}},
		"untitledMulti": map[string]any{"type": "array", "items": map[string]any{"type": "string", "enum": plain}},
		"titledMulti": map[string]any{"type": "array",
			"items": map[string]any{"anyOf": titled("value", "First Choice", "Second Choice", "Third Choice")}},
	}
}

// filled is a text that the user gave under a key of the answers.
func filled(responses mcp.InputResponses, key, property string) (string, bool) {
	answer := mcpserver.ElicitationResponse(responses, key)
	if answer == nil || answer.Action != mcp.ElicitationResponseActionAccept {
		return "", false
	}
	content, _ := answer.Content.(map[string]any)
	value, ok := content[property].(string)
	return value, ok
}

func sampled(answer *mcp.CreateMessageResult) string {
	switch content := answer.Content.(type) {
	case mcp.TextContent:
		return content.Text
	case map[string]any:
		return fmt.Sprint(content["text"])
	}
	return fmt.Sprint(answer.Content)
}

func hello(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	if name, ok := filled(r.Params.InputResponses, "user_name", "name"); ok {
		return mcp.NewToolResultText("Hello, " + name + "!"), nil
	}
	return ask("").Elicit("user_name", yourName).ToolResult(), nil
}

func capital(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	if answer := mcpserver.SamplingResponse(r.Params.InputResponses, "capital_question"); answer != nil {
		return mcp.NewToolResultText(sampled(answer)), nil
	}
	return ask("").Sample("capital_question", sample("What is the capital of France?", 100)).ToolResult(), nil
}

func roots(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	answer := mcpserver.RootsResponse(r.Params.InputResponses, "client_roots")
	if answer == nil {
		return ask("").Roots("client_roots").ToolResult(), nil
	}
	var all []string
	for _, root := range answer.Roots {
		all = append(all, root.URI)
	}
	return mcp.NewToolResultText("roots: " + strings.Join(all, " ")), nil
}

// able asks for what the client can do alone.
func able(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	if len(r.Params.InputResponses) > 0 {
		return mcp.NewToolResultText("ok"), nil
	}
	questions := ask("")
	has := capabilities(ctx)
	if has.Elicitation != nil {
		questions = questions.Elicit("user_name", yourName)
	}
	if has.Sampling != nil {
		questions = questions.Sample("greeting", sample("Generate a greeting", 50))
	}
	return questions.ToolResult(), nil
}

// sign makes a state that a client cannot make up.
func sign(state string) string {
	mac := hmac.New(sha256.New, []byte("fixtures have no secrets"))
	mac.Write([]byte(state))
	return state + "." + hex.EncodeToString(mac.Sum(nil))
}

// verify is the state that was signed.
func verify(ctx context.Context, signed string) (string, error) {
	state, _, _ := strings.Cut(signed, ".")
	if !hmac.Equal([]byte(sign(state)), []byte(signed)) {
		return "", server.Fail(ctx, mcp.INVALID_PARAMS, "requestState: the signature does not match", nil)
	}
	return state, nil
}

// signed asks for a confirmation and gives a state with it.
func (f *fixtures) signed(key string) mcpserver.ToolHandlerFunc {
	return func(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if mcpserver.ElicitationResponse(r.Params.InputResponses, key) == nil {
			return ask(sign("asked")).Elicit(key, confirmed).ToolResult(), nil
		}
		if _, err := verify(ctx, r.Params.RequestState); err != nil {
			return nil, err
		}
		return mcp.NewToolResultText("state-ok"), nil
	}
}

func (f *fixtures) several(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	answers := r.Params.InputResponses
	name, named := filled(answers, "user_name", "name")
	greeting := mcpserver.SamplingResponse(answers, "greeting")
	known := mcpserver.RootsResponse(answers, "client_roots")
	if !named || greeting == nil || known == nil {
		return ask(sign("several")).Elicit("user_name", yourName).Sample("greeting", sample("Generate a greeting", 50)).
			Roots("client_roots").ToolResult(), nil
	}
	if _, err := verify(ctx, r.Params.RequestState); err != nil {
		return nil, err
	}
	return mcp.NewToolResultText(fmt.Sprintf("%s, %s! You have %d roots.", sampled(greeting), name, len(known.Roots))), nil
}

func (f *fixtures) rounds(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	state := ""
	if r.Params.RequestState != "" {
		var err error
		if state, err = verify(ctx, r.Params.RequestState); err != nil {
			return nil, err
		}
	}
	if name, ok := strings.CutPrefix(state, "name="); ok {
		if color, ok := filled(r.Params.InputResponses, "step2", "color"); ok {
			return mcp.NewToolResultText(name + " likes " + color), nil
		}
	}
	if name, ok := filled(r.Params.InputResponses, "step1", "name"); ok && state == "start" {
		return ask(sign("name="+name)).Elicit("step2", question("Step 2: What is your favorite color?", map[string]any{"color": text}, "color")).ToolResult(), nil
	}
	return ask(sign("start")).Elicit("step1", question("Step 1: What is your name?", map[string]any{"name": text}, "name")).ToolResult(), nil
}
