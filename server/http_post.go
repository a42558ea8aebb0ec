package server

import (
	"cmp"
	"context"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

// post takes one message from a client of either era.
func (s *Server) post(w http.ResponseWriter, r *http.Request) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		say(w, http.StatusUnsupportedMediaType, "want Content-Type: application/json\n")
		return
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		say(w, http.StatusUnsupportedMediaType, "want a message without Content-Encoding\n")
		return
	}
	if !accepts(r.Header, "application/json") && !accepts(r.Header, eventStream) {
		say(w, http.StatusNotAcceptable, "want Accept: application/json, text/event-stream\n")
		return
	}
	free, ok := s.roomFor(r)
	if !ok {
		w.Header().Set("Retry-After", "1")
		say(w, http.StatusServiceUnavailable, "too many long messages are under way: try again later\n")
		return
	}
	defer free()
	raw, ok := body(w, r, free)
	if !ok {
		return
	}
	m, problem := parse(raw)
	if problem != nil {
		reply(w, http.StatusBadRequest, failed(m.ID, problem))
		return
	}
	p := m.read()
	version := r.Header.Get(mcp.HeaderProtocolVersion)
	if p.isModern() || mcp.IsModernProtocol(version) {
		s.postModern(w, r, m, p, raw)
		return
	}
	if version != "" && m.Method != string(mcp.MethodInitialize) && !mcp.IsValidProtocolVersion(version) {
		reply(w, http.StatusBadRequest, failed(m.ID, unsupported(version)))
		return
	}
	s.postLegacy(w, r, m, p, raw)
}

// accepts tells whether a client takes answers of a kind. One that does not say takes everything.
func accepts(h http.Header, kind string) bool {
	all := strings.Join(h.Values("Accept"), ",")
	family, _, _ := strings.Cut(kind, "/")
	for value := range strings.SplitSeq(all, ",") {
		taken, parameters, err := mime.ParseMediaType(value)
		if q, _ := strconv.ParseFloat(cmp.Or(parameters["q"], "1"), 64); err != nil || q == 0 {
			continue
		}
		if taken == kind || taken == family+"/*" || taken == "*/*" {
			return true
		}
	}
	return strings.TrimSpace(all) == ""
}

// roomFor waits until there is memory for the message, which is taken until it is answered.
func (s *Server) roomFor(r *http.Request) (free func(), ok bool) {
	size := r.ContentLength
	if size >= 0 && size <= smallBody || size > maxBody { // which is refused unread
		return func() {}, true
	}
	if size < 0 {
		size = maxBody
	}
	ctx, cancel := context.WithTimeout(r.Context(), bodyTimeout)
	defer cancel()
	if s.bodies.Acquire(ctx, size) != nil {
		return nil, false
	}
	return sync.OnceFunc(func() { s.bodies.Release(size) }), true
}

// postModern serves requests that stand alone. Notifications are taken and
// dropped: nothing ties one to the client that sent the request it is about,
// so acting upon it would let one client cancel the calls of another. Closing
// the response is how a call is cancelled.
func (s *Server) postModern(w http.ResponseWriter, r *http.Request, m message, p params, raw []byte) {
	switch {
	case m.isNotification():
		w.WriteHeader(http.StatusAccepted)
		return
	case m.isResponse():
		reply(w, http.StatusBadRequest, failed(m.ID, refusal(mcp.INVALID_REQUEST, "a request of 2026-07-28 is answered within its own retry, not by a response")))
		return
	}
	if problem := s.checkModern(r.Header, m, p); problem != nil {
		reply(w, statusOf(problem.Code), failed(m.ID, problem))
		return
	}
	if m.Method == string(mcp.MethodSubscriptionsListen) {
		if streams(w, r) {
			s.listen(w, r, m)
		}
		return
	}
	s.answerOn(w, r, &call{session: &session{}, message: m, params: p}, raw)
}

// checkModern holds the headers to the body, as 2026-07-28 asks.
func (s *Server) checkModern(h http.Header, m message, p params) *mcp.JSONRPCErrorDetails {
	for name, values := range h {
		if len(values) > 1 && strings.HasPrefix(name, "Mcp-") { // two readers could take different ones
			return refusal(mcp.HEADER_MISMATCH, name+": header is there twice")
		}
	}
	stated, meant := h.Get(mcp.HeaderProtocolVersion), p.Meta.ProtocolVersion()
	switch {
	case stated == "":
		return refusal(mcp.HEADER_MISMATCH, mcp.HeaderProtocolVersion+": header is missing")
	case meant == "" && !mcp.IsValidProtocolVersion(stated):
		return unsupported(stated)
	case meant != "" && stated != meant:
		return refusal(mcp.HEADER_MISMATCH, mcp.HeaderProtocolVersion+": header and _meta name different versions")
	}
	if problem := p.checkMeta(); problem != nil {
		return problem
	}
	if err := mcp.ValidateStandardHeaders(h.Get, meant, mcp.MCPMethod(m.Method), m.Params); err != nil {
		return refusal(mcp.HEADER_MISMATCH, err.Error())
	}
	if err := s.checkParameterHeaders(h, m); err != nil {
		return refusal(mcp.HEADER_MISMATCH, err.Error())
	}
	return nil
}

// checkParameterHeaders holds the headers to the arguments that a tool's schema has mirrored in them.
func (s *Server) checkParameterHeaders(h http.Header, m message) error {
	if m.Method != string(mcp.MethodToolsCall) {
		return nil
	}
	name, _ := mcp.ExtractHeaderName(mcp.MethodToolsCall, m.Params)
	tool := s.mcp.GetTool(name)
	if tool == nil {
		return nil
	}
	return mcp.ValidateParamHeadersLookup(func(name string) (string, bool) {
		values := h.Values(name)
		if len(values) == 0 {
			return "", false
		}
		return values[0], true
	}, &tool.Tool, m.Params)
}

// statusOf is the status that 2026-07-28 gives an error.
func statusOf(code int) int {
	switch code {
	case mcp.METHOD_NOT_FOUND:
		return http.StatusNotFound
	case mcp.HEADER_MISMATCH, mcp.MISSING_REQUIRED_CLIENT_CAPABILITY, mcp.UNSUPPORTED_PROTOCOL_VERSION,
		mcp.INVALID_REQUEST, mcp.INVALID_PARAMS, mcp.PARSE_ERROR:
		return http.StatusBadRequest
	default:
		return http.StatusOK
	}
}

// postLegacy serves clients that began with initialize. One that names no
// session is served as well, but cannot be asked or told anything.
func (s *Server) postLegacy(w http.ResponseWriter, r *http.Request, m message, p params, raw []byte) {
	if m.Method == string(mcp.MethodInitialize) && !m.isNotification() {
		s.initialize(w, r, m, p, raw)
		return
	}
	id := r.Header.Get(sessionHeader)
	if id == "" {
		if m.isNotification() || m.isResponse() {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		s.answerOn(w, r, &call{session: &session{}, message: m, params: p}, raw)
		return
	}
	client, ok := s.sessions.acquire(id, Caller(r.Context()))
	if !ok {
		reply(w, http.StatusNotFound, failed(m.ID, refusal(mcp.INVALID_REQUEST, "session is not known: initialize anew")))
		return
	}
	defer s.sessions.release(client)
	switch {
	case m.isResponse():
		client.answered(m)
		w.WriteHeader(http.StatusAccepted)
	case m.isNotification():
		if m.Method == "notifications/cancelled" {
			client.cancel(p.RequestID)
		}
		w.WriteHeader(http.StatusAccepted)
	default:
		s.answerOn(w, r, &call{session: client, message: m, params: p, asks: true}, raw)
	}
}

// initialize opens a session, unless the library refuses the request.
func (s *Server) initialize(w http.ResponseWriter, r *http.Request, m message, p params, raw []byte) {
	client, err := s.sessions.open(Caller(r.Context()))
	if err != nil {
		w.Header().Set("Retry-After", "60")
		reply(w, http.StatusServiceUnavailable, failed(m.ID, refusal(mcp.INTERNAL_ERROR, err.Error())))
		return
	}
	defer s.sessions.release(client)
	silent := func(any) error { return nil }
	result := s.dispatch(r.Context(), &call{session: client, message: m, params: p, send: silent}, raw)
	if result.failure != 0 {
		s.sessions.end(client.id, client.caller)
	} else {
		w.Header().Set(sessionHeader, client.id)
	}
	reply(w, http.StatusOK, result)
}

// answerOn dispatches c and answers it on w: as one JSON object, or as a
// stream once something was sent before the result.
func (s *Server) answerOn(w http.ResponseWriter, r *http.Request, c *call, raw []byte) {
	caller := Caller(r.Context())
	if !s.calls.take(caller) {
		const why = "too many calls are under way for you"
		s.turnedAway(r.Context(), c, &dataverse.Error{Kind: dataverse.Throttled, Message: why})
		busy(w, c.message, why)
		return
	}
	defer s.calls.giveBack(caller)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	out := newStream(w, cancel)
	defer out.close()
	out.plain = !accepts(r.Header, eventStream)
	out.keepAlive()
	c.send = out.send
	if c.asks { // otherwise there is no session by which to cancel it
		defer c.began(c.message.ID, cancel)()
	}
	c.asks = c.asks && !out.plain
	result := s.dispatch(ctx, c, raw)
	if ctx.Err() != nil { // nobody is there to read it, or nobody wants it
		out.open()
		return
	}
	status := http.StatusOK
	if c.params.isModern() {
		status = statusOf(result.failure)
	}
	out.answer(status, result)
}

// busy tells a caller that has its share to come back.
func busy(w http.ResponseWriter, m message, text string) {
	w.Header().Set("Retry-After", "1")
	reply(w, http.StatusTooManyRequests, failed(m.ID, refusal(mcp.INTERNAL_ERROR, text+": try again when some have ended")))
}

// reply writes one JSON object.
func reply(w http.ResponseWriter, status int, a answer) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(a.text, '\n')) // fails when the client has gone
}
