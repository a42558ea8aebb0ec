package server

import (
	"context"
	"encoding/base64"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/dynamics-mcp/dynamics-mcp/tools"
)

// iconsSince is the version of the protocol that brought icons. Clients before it are spared their bytes.
const iconsSince = "2025-11-25"

// icons put an icon where a client gets to know the server, and where it lists the tools. The library would put that of
// the server into every result.
func (s *Server) icons(offers []tools.Offer) *server.Hooks {
	own := []mcp.Icon{image(`fill="#0b53ce" d="M3 1l10 5-4 2 4 3-10 4 3-6z"`)}
	h := &server.Hooks{}
	h.AddAfterInitialize(func(_ context.Context, _ any, _ *mcp.InitializeRequest, r *mcp.InitializeResult) {
		r.ServerInfo.Icons = own
	})
	h.AddAfterDiscover(func(_ context.Context, _ any, _ *mcp.DiscoverRequest, r *mcp.DiscoverResult) {
		info := s.implementation
		info.Icons = own
		r.EnsureResultMeta().SetServerInfo(info)
	})
	byTool := map[string][]mcp.Icon{}
	for _, o := range offers {
		byTool[o.Name] = []mcp.Icon{iconOf(o.Effect)}
	}
	h.AddAfterListTools(func(ctx context.Context, _ any, _ *mcp.ListToolsRequest, r *mcp.ListToolsResult) {
		if server.RequestProtocolVersion(ctx) < iconsSince {
			return
		}
		for i := range r.Tools { // one that is none of ours keeps what it has
			if icons := byTool[r.Tools[i].Name]; icons != nil {
				r.Tools[i].Icons = icons
			}
		}
	})
	return h
}

// iconOf shows at a glance what a tool may do: a lens reads, a plus adds, a pen changes, a cross destroys.
func iconOf(e tools.Effect) mcp.Icon {
	switch e {
	case tools.Adds:
		return image(line("#1a7f37", "M8 2v12M2 8h12"))
	case tools.Changes:
		return image(line("#9a6700", "M2 14l1-4 8-8 3 3-8 8z"))
	case tools.Destroys:
		return image(line("#cf222e", "M3 3l10 10M13 3L3 13"))
	case tools.Reads:
	}
	return image(line("#0b53ce", "M7 2a4 4 0 100 9 4 4 0 100-9M10 10l4 4"))
}

func line(color, path string) string {
	return `fill="none" stroke="` + color + `" stroke-width="2" d="` + path + `"`
}

// image is a picture of one path, in the address itself: nobody has to fetch anything.
func image(path string) mcp.Icon {
	svg := `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path ` + path + `/></svg>`
	return mcp.Icon{Src: "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(svg)), MIMEType: "image/svg+xml"}
}
