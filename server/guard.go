package server

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
)

// guard lets in only requests that were meant for this server: a web page
// must not reach it by pointing its own name at this machine.
type guard struct {
	hosts   []string // lower case, without port
	origins []string // lower case, scheme://host[:port]
}

func newGuard(o Options) guard {
	g := guard{}
	for _, host := range o.AllowedHosts {
		if name := hostname(host); name != "" { // which a Host can be that is none
			g.hosts = append(g.hosts, name)
		}
	}
	for _, origin := range o.AllowedOrigins {
		g.origins = append(g.origins, bare(strings.TrimSuffix(origin, "/")))
	}
	return g
}

// wrap refuses what a foreign page sends, to whatever address.
func (g guard) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if origins := r.Header.Values("Origin"); len(origins) > 1 || len(origins) == 1 && !g.originAllowed(r, origins[0]) {
			http.Error(w, "origin is not allowed", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// wrapMCP refuses what was meant for another host, and tells a page, which wrap let in, what it may send. Whoever watches the
// process knows no more than its address, so this is for MCP alone.
func (g guard) wrapMCP(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.hostAllowed(r) {
			http.Error(w, "host is not allowed", http.StatusForbidden)
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" {
			allowOrigin(w.Header(), origin)
		}
		if r.Method == http.MethodOptions {
			preflight(w.Header(), r.Header)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostAllowed holds Host to this machine's names when the request came over
// the loopback interface, and to the configured names if there are any.
func (g guard) hostAllowed(r *http.Request) bool {
	host := hostname(r.Host)
	if slices.Contains(g.hosts, host) {
		return true
	}
	if arrivedLocally(r) {
		return isLoopback(host)
	}
	return len(g.hosts) == 0
}

// originAllowed accepts pages of this machine only for a server on this
// machine.
func (g guard) originAllowed(r *http.Request, origin string) bool {
	if slices.Contains(g.origins, bare(origin)) {
		return true
	}
	scheme, host, _ := strings.Cut(origin, "://")
	return (scheme == "http" || scheme == "https") && arrivedLocally(r) && isLoopback(hostname(host))
}

// bare is an origin as a browser writes it: in lower case, without the port that its scheme implies.
func bare(origin string) string {
	origin = strings.ToLower(origin)
	if strings.HasPrefix(origin, "https://") {
		return strings.TrimSuffix(origin, ":443")
	}
	return strings.TrimSuffix(origin, ":80")
}

func arrivedLocally(r *http.Request) bool {
	address, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && isLoopback(hostname(address.String()))
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// hostname is a Host without its port, in lower case; "" where it is none.
func hostname(host string) string {
	name := host
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		if _, err := strconv.ParseUint(host[i+1:], 10, 16); err != nil {
			return ""
		}
		name = host[:i]
	}
	if inside, ok := strings.CutPrefix(name, "["); ok {
		inside, ok = strings.CutSuffix(inside, "]")
		if _, err := netip.ParseAddr(inside); err != nil || !ok {
			return ""
		}
		return strings.ToLower(inside)
	}
	if strings.ContainsAny(name, ":[]@/?#\\ ") {
		return ""
	}
	return strings.ToLower(name)
}

func allowOrigin(h http.Header, origin string) {
	h.Add("Vary", "Origin")
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", "Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate")
}

// preflight names every header that a client of either era sends, and those
// that mirror arguments, whose names only the tools know.
func preflight(h, asked http.Header) {
	allowed := []string{
		"Content-Type", "Accept", "Authorization", "Mcp-Session-Id", "Last-Event-ID", "MCP-Protocol-Version", "Mcp-Method", "Mcp-Name",
		"Traceparent", "Tracestate", "Baggage",
	}
	for name := range strings.SplitSeq(asked.Get("Access-Control-Request-Headers"), ",") {
		if name = http.CanonicalHeaderKey(strings.TrimSpace(name)); strings.HasPrefix(name, mcp.HeaderParamPrefix) {
			allowed = append(allowed, name)
		}
	}
	h.Set("Access-Control-Allow-Methods", "GET, POST, DELETE, OPTIONS")
	h.Set("Access-Control-Allow-Headers", strings.Join(allowed, ", "))
	h.Set("Access-Control-Max-Age", "3600")
}
