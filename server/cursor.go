package server

import (
	"encoding/base64"

	"github.com/mark3labs/mcp-go/mcp"
)

// pageSize is how many entries of a list one answer has.
const pageSize = 200

// checkCursor refuses a cursor that no list has given. The library takes any text for the name of the entry that the last
// page ended with, and answers with what would come behind it.
func (s *Server) checkCursor(method, cursor string) *mcp.JSONRPCErrorDetails {
	if cursor == "" {
		return nil
	}
	name, err := base64.StdEncoding.DecodeString(cursor)
	known := err == nil
	switch mcp.MCPMethod(method) {
	case mcp.MethodToolsList:
		known = known && s.mcp.GetTool(string(name)) != nil
	case mcp.MethodPromptsList:
		known = known && s.mcp.ListPrompts()[string(name)] != nil
	case mcp.MethodResourcesList:
		known = known && s.hasResource(string(name))
	case mcp.MethodResourcesTemplatesList: // the library does not tell which there are
	default:
		return nil
	}
	if known {
		return nil
	}
	return refusal(mcp.INVALID_PARAMS, "cursor: not one that this list gave; begin anew without a cursor")
}

func (s *Server) hasResource(name string) bool {
	for _, r := range s.mcp.ListResources() {
		if r.Resource.Name == name {
			return true
		}
	}
	return false
}
