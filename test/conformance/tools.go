//go:build conformance

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"github.com/dynamics-mcp/dynamics-mcp/server"
)

// fixtures are what the suite calls, reads and gets.
type fixtures struct {
	server    *server.Server
	library   *mcpserver.MCPServer
	cancelled atomic.Int64 // calls of test_slow that ended early
}

// The smallest PNG and WAV that decode.
const (
	pixel   = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
	silence = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA="
)

const noArguments = `{"type":"object","additionalProperties":false}`

// add mounts a tool.
func (f *fixtures) add(name, schema string, handler mcpserver.ToolHandlerFunc) {
	f.library.AddTool(mcp.Tool{Name: name, Description: "Conformance fixture " + name + ".", RawInputSchema: json.RawMessage(schema)}, handler)
}

// content mounts a tool that always answers the same.
func (f *fixtures) content(name string, content ...mcp.Content) {
	f.add(name, noArguments, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return &mcp.CallToolResult{Content: content}, nil
	})
}

func embedded(uri, mimeType, text string) mcp.Content {
	return mcp.NewEmbeddedResource(mcp.TextResourceContents{URI: uri, MIMEType: mimeType, Text: text})
}

func (f *fixtures) tools() {
	f.content("test_simple_text", mcp.NewTextContent("This is a simple text response for testing."))
	f.content("test_image_content", mcp.NewImageContent(pixel, "image/png"))
	f.content("test_audio_content", mcp.NewAudioContent(silence, "audio/wav"))
	f.content("test_embedded_resource", embedded("test://embedded-resource", "text/plain", "This is an embedded resource content."))
	f.content("test_multiple_content_types", mcp.NewTextContent("Multiple content types test:"), mcp.NewImageContent(pixel, "image/png"),
		embedded("test://mixed-content-resource", "application/json", `{"test":"data","value":123}`))
	f.add("test_error_handling", noArguments, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return mcp.NewToolResultError("This tool intentionally returns an error for testing"), nil
	})
	f.add("test_tool_with_logging", noArguments, f.logging)
	f.add("test_logging_tool", noArguments, f.logging)
	f.add("test_tool_with_progress", noArguments, f.progress)
	f.add("test_trigger_tool_change", noArguments, f.change(server.ListTools))
	f.add("test_trigger_prompt_change", noArguments, f.change(server.ListPrompts))
	f.add("test_touch_resource", noArguments, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		f.server.Notify("test://watched-resource")
		return mcp.NewToolResultText("touched"), nil
	})
	f.add("test_slow", noArguments, f.slow)
	f.add("test_cancelled_calls", noArguments, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return mcp.NewToolResultText(strconv.FormatInt(f.cancelled.Load(), 10)), nil
	})
	f.add("test_missing_capability", noArguments, f.missingCapability)
	f.add("test_custom_header", `{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}},"additionalProperties":false}`,
		func(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return mcp.NewToolResultText("region: " + r.GetString("region", "")), nil
		})
	f.add("json_schema_2020_12_tool", richSchema, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return mcp.NewToolResultText("ok"), nil
	})
}

// richSchema has the keywords that a server has to hand on as they are.
const richSchema = `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",
"$defs":{"address":{"$anchor":"addressDef","type":"object","properties":{"street":{"type":"string"},"city":{"type":"string"}}}},
"properties":{"name":{"type":"string"},"address":{"$ref":"#/$defs/address"},"contactMethod":{"type":"string","enum":["phone","email"]},"phone":{"type":"string"},"email":{"type":"string"}},
"allOf":[{"anyOf":[{"required":["phone"]},{"required":["email"]}]}],
"if":{"properties":{"contactMethod":{"const":"phone"}},"required":["contactMethod"]},"then":{"required":["phone"]},"else":{"required":["email"]},
"additionalProperties":false}`

// logging logs three times. Without a level that was asked for the library keeps all of it back.
func (f *fixtures) logging(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	for i, text := range []string{"Tool execution started", "Tool processing data", "Tool execution completed"} {
		if i > 0 && !pause(ctx) {
			return nil, ctx.Err()
		}
		err := f.library.SendLogMessageToClient(ctx, mcp.NewLoggingMessageNotification(mcp.LoggingLevelInfo, "conformance", text))
		if err != nil && !errors.Is(err, mcpserver.ErrNotificationNotInitialized) {
			return nil, err
		}
	}
	return mcp.NewToolResultText("logged"), nil
}

// progress reports 0, 50 and 100 of 100, where the request has a token.
func (f *fixtures) progress(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	for i, done := range []float64{0, 50, 100} {
		if i > 0 && !pause(ctx) {
			return nil, ctx.Err()
		}
		if r.Params.Meta == nil || r.Params.Meta.ProgressToken == nil {
			continue
		}
		if err := f.library.SendNotificationToClient(ctx, "notifications/progress",
			map[string]any{"progressToken": r.Params.Meta.ProgressToken, "progress": done, "total": float64(100)}); err != nil {
			return nil, err
		}
	}
	return mcp.NewToolResultText("done"), nil
}

// slow answers after a minute, which no client waits for.
func (f *fixtures) slow(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	select {
	case <-ctx.Done():
		f.cancelled.Add(1)
		return nil, ctx.Err()
	case <-time.After(time.Minute):
		return mcp.NewToolResultText("nobody cancelled"), nil
	}
}

// pause waits as the fixtures are described; false when the call was cancelled.
func pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(50 * time.Millisecond):
		return true
	}
}

// change tells the listeners that a list has changed.
func (f *fixtures) change(list server.List) mcpserver.ToolHandlerFunc {
	return func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		f.server.ListChanged(list)
		return mcp.NewToolResultText("changed"), nil
	}
}

// missingCapability needs sampling.
func (f *fixtures) missingCapability(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	if capabilities(ctx).Sampling == nil {
		return nil, server.Fail(ctx, mcp.MISSING_REQUIRED_CLIENT_CAPABILITY, "this tool needs sampling",
			map[string]any{"requiredCapabilities": map[string]any{"sampling": map[string]any{}}})
	}
	return mcp.NewToolResultText("ok"), nil
}

// capabilities are what the client said it has, in either era.
func capabilities(ctx context.Context) mcp.ClientCapabilities {
	if info := mcpserver.RequestProtocolInfoFromContext(ctx); info != nil && info.Modern {
		if info.ClientCapabilities == nil {
			return mcp.ClientCapabilities{}
		}
		return *info.ClientCapabilities
	}
	if session, ok := mcpserver.ClientSessionFromContext(ctx).(mcpserver.SessionWithClientInfo); ok {
		return session.GetClientCapabilities()
	}
	return mcp.ClientCapabilities{}
}

// told is what the user said, for the suite to read.
func told(format string, answer *mcp.ElicitationResult) *mcp.CallToolResult {
	content, err := json.Marshal(answer.Content)
	if err != nil {
		return mcp.NewToolResultError(err.Error())
	}
	return mcp.NewToolResultText(fmt.Sprintf(format, answer.Action, content))
}
