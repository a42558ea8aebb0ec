//go:build conformance

package main

import (
	"context"
	"fmt"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"
)

func (f *fixtures) resources() {
	f.resource("test://static-text", "text/plain", mcp.TextResourceContents{URI: "test://static-text", MIMEType: "text/plain",
		Text: "This is the content of the static text resource."})
	f.resource("test://static-binary", "image/png", mcp.BlobResourceContents{URI: "test://static-binary", MIMEType: "image/png", Blob: pixel})
	f.resource("test://watched-resource", "text/plain", mcp.TextResourceContents{URI: "test://watched-resource", MIMEType: "text/plain", Text: "Watch me."})
	f.library.AddResourceTemplate(mcp.NewResourceTemplate("test://template/{id}/data", "template", mcp.WithTemplateDescription("Conformance fixture."),
		mcp.WithTemplateMIMEType("application/json")),
		func(_ context.Context, r mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
			id := fmt.Sprint(r.Params.Arguments["id"])
			if all, ok := r.Params.Arguments["id"].([]string); ok && len(all) == 1 {
				id = all[0]
			}
			return []mcp.ResourceContents{mcp.TextResourceContents{URI: r.Params.URI, MIMEType: "application/json",
				Text: fmt.Sprintf(`{"id":%q,"templateTest":true,"data":"Data for ID: %s"}`, id, id)}}, nil
		})
}

func (f *fixtures) resource(uri, mimeType string, contents mcp.ResourceContents) {
	f.library.AddResource(mcp.NewResource(uri, uri, mcp.WithResourceDescription("Conformance fixture."), mcp.WithMIMEType(mimeType)),
		func(context.Context, mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
			return []mcp.ResourceContents{contents}, nil
		})
}

func (f *fixtures) prompts() {
	f.prompt("test_simple_prompt", nil, func(map[string]string) []mcp.PromptMessage {
		return said(mcp.NewTextContent("This is a simple prompt for testing."))
	})
	f.prompt("test_prompt_with_arguments", []string{"arg1", "arg2"}, func(a map[string]string) []mcp.PromptMessage {
		return said(mcp.NewTextContent(fmt.Sprintf("Prompt with arguments: arg1='%s', arg2='%s'", a["arg1"], a["arg2"])))
	})
	f.prompt("test_prompt_with_embedded_resource", []string{"resourceUri"}, func(a map[string]string) []mcp.PromptMessage {
		return said(embedded(a["resourceUri"], "text/plain", "Embedded resource content for testing."),
			mcp.NewTextContent("Please process the embedded resource above."))
	})
	f.prompt("test_prompt_with_image", nil, func(map[string]string) []mcp.PromptMessage {
		return said(mcp.NewImageContent(pixel, "image/png"), mcp.NewTextContent("Please analyze the image above."))
	})
	f.library.AddPrompt(mcp.NewPrompt("test_input_required_result_prompt", mcp.WithPromptDescription("Conformance fixture.")),
		func(_ context.Context, r mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
			if about, ok := filled(r.Params.InputResponses, "user_context", "context"); ok {
				return &mcp.GetPromptResult{Messages: said(mcp.NewTextContent("Context: " + about))}, nil
			}
			return ask("").Elicit("user_context", question("What context should the prompt use?", map[string]any{"context": text}, "context")).PromptResult(), nil
		})
}

func (f *fixtures) prompt(name string, arguments []string, messages func(map[string]string) []mcp.PromptMessage) {
	options := []mcp.PromptOption{mcp.WithPromptDescription("Conformance fixture.")}
	for _, a := range arguments {
		options = append(options, mcp.WithArgument(a, mcp.RequiredArgument(), mcp.ArgumentDescription("Conformance fixture.")))
	}
	f.library.AddPrompt(mcp.NewPrompt(name, options...), mcpserver.PromptHandlerFunc(
		func(_ context.Context, r mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
			return &mcp.GetPromptResult{Messages: messages(r.Params.Arguments)}, nil
		}))
}

// said is what a user says, one message for each content.
func said(contents ...mcp.Content) []mcp.PromptMessage {
	var all []mcp.PromptMessage
	for _, c := range contents {
		all = append(all, mcp.NewPromptMessage(mcp.RoleUser, c))
	}
	return all
}
