//go:build conformance

package server

import "github.com/mark3labs/mcp-go/server"

// Library is the server behind the edge, on which the conformance suite's fixtures are mounted.
func (s *Server) Library() *server.MCPServer { return s.mcp }
