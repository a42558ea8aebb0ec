package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// maxBody is the most bytes that one message may have.
const maxBody = 4 << 20

// Handler returns the HTTP endpoint: MCP at /mcp, and /healthz for whoever
// watches the process. It keeps no sessions, so any replica may answer any
// request and no client can leave anything behind.
func (s *Server) Handler() http.Handler {
	endpoint := server.NewStreamableHTTPServer(s.mcp,
		server.WithStateLess(true),
		// Nothing is sent unasked yet, so a GET stream would only stand idle.
		server.WithDisableStreaming(true),
		// The guard checks Host itself, with the names that were configured.
		server.WithDisableLocalhostProtection(true),
		server.WithStreamableHTTPLogger(slog.New(slog.DiscardHandler)),
	)
	mux := http.NewServeMux()
	mux.Handle("/mcp", newGuard(s.options).wrap(messages(endpoint)))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "ok\n")
	})
	return s.recovered(mux)
}

// messages bounds what a client may send, and answers notifications at once.
// Without sessions a notification cannot be told to belong to its sender: the
// library would let one client cancel the calls of another.
func messages(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
			http.Error(w, "message is longer than 4 MiB", http.StatusRequestEntityTooLarge)
			return
		}
		if err != nil {
			http.Error(w, "message could not be read", http.StatusBadRequest)
			return
		}
		var m message
		err = json.Unmarshal(body, &m)
		if err == nil && isNull(m.ID) && strings.HasPrefix(m.Method, "notifications/") {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		if reason := notARequest(m, err); reason != "" {
			refuse(w, reason)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

// notARequest says what the library would answer wrongly or not at all: it takes a batch for broken JSON, a null id
// for none, and repeats any other.
func notARequest(m message, err error) string {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Value == "array" && wrong.Field == "" {
		return "batches are not supported: send one message a request"
	}
	if err == nil && m.Method != "" && len(m.ID) > 0 && !bytes.ContainsAny(m.ID[:1], `"-0123456789`) {
		return "the id of a request has to be a string or a number"
	}
	return ""
}

// refuse answers with the JSON-RPC error for something that is no request.
func refuse(w http.ResponseWriter, reason string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(mcp.NewJSONRPCError(mcp.NewRequestId(nil), mcp.INVALID_REQUEST, reason, nil)) // fails when the client has gone
}

// recovered keeps a panic from the client, who gets no more than that there
// was one.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch v := recover(); v {
			case nil:
			case http.ErrAbortHandler:
				panic(v) // how net/http is told to drop the connection
			default:
				s.log.ErrorContext(r.Context(), "request handler panicked", "panic", v, "stack", string(debug.Stack()))
				http.Error(w, "internal error", http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}
