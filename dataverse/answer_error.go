package dataverse

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// errorBody is how the service tells of an error: {"error":{"code":"0x80040217","message":"…"}}. Some gateways in
// front of it answer {"Message":"…"}.
type errorBody struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
	Message string `json:"Message"`
}

// maxMessage bounds what is kept of a message in bytes: plug-ins put whole stack traces there.
const maxMessage = 4 << 10

// answerError makes the Error of an answer that is no success.
func (c *Client) answerError(op string, a *answer) *Error {
	var body errorBody
	isJSON := json.Unmarshal(a.body, &body) == nil
	e := &Error{
		Op: op, Status: a.status, RequestID: requestID(a.header), RetryAfter: retryAfter(a.header, c.now()),
		Code: body.Error.Code, Message: clip(strings.TrimSpace(body.Error.Message)),
	}
	if e.Message == "" {
		e.Message = clip(strings.TrimSpace(body.Message))
	}
	e.Kind = kindOfAnswer(a.status, e.Code)
	switch {
	case a.status == http.StatusUnauthorized:
		e.Message = "the service refused the token" + suffix(e.Message) + ": sign in again, or check that it was issued for " + c.URL()
	case a.status >= 300 && a.status < 400:
		e.Kind, e.Message = Unavailable, "answered with a redirect"+redirectHost(a.header)+", which is not followed: check the environment URL"
	case e.Message != "":
	case !isJSON && isHTML(a.header, a.body):
		e.Message = "answered with a web page instead of data: check the environment URL"
	default:
		e.Message = strings.ToLower(http.StatusText(a.status)) + " (status " + strconv.Itoa(a.status) + ")"
	}
	switch strings.ToLower(e.Code) {
	case "0x80060888", "0x8006088a", "0x80048d19", "0x80041102", "0x80041103": // most often a name that is not known
		c.metadata.doubt()
	}
	return e
}

// kindOfAnswer prefers the service's code to the status: plug-ins and older layers answer 400 or 500 for everything.
func kindOfAnswer(status int, code string) Kind {
	switch strings.ToLower(code) {
	case "0x80040217", "0x80060891", "0x80041102", "0x8006088a": // no such row, key, table, resource
		return NotFound
	case "0x80040220", "0x80048306", "0x80042f09", "0x80040256", "0x80048405", "0x80072560", "0x80040225", "0x8004a110":
		return Denied
	case "0x80060882", "0x80040237", "0x80040333", "0x80060892", "0x80040227": // version, duplicates, restricted delete
		return Conflict
	case "0x80072321", "0x80072322", "0x80072326", "0x8005f103", "0x80060714":
		return Throttled
	case "0x80044150", "0x80044151": // deadlock, SQL time-out
		return Unavailable
	case "0x80040203", "0x80040265", "0x80060888", "0x80048d19": // bad argument, a plug-in's refusal, bad query, bad payload
		return Invalid
	}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return Denied
	case status == http.StatusNotFound || status == http.StatusGone:
		return NotFound
	case status == http.StatusConflict || status == http.StatusPreconditionFailed:
		return Conflict
	case status == http.StatusTooManyRequests:
		return Throttled
	case status == http.StatusRequestTimeout, status == http.StatusBadGateway,
		status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		return Unavailable
	case status >= 400 && status < 500, status == http.StatusNotImplemented:
		return Invalid
	}
	return Internal
}

func requestID(h http.Header) string {
	id := h.Get("REQ_ID")
	if id == "" {
		id, _, _ = strings.Cut(h.Get("x-ms-service-request-id"), ",")
	}
	return strings.TrimSpace(id)
}

// retryAfter reads Retry-After: seconds, or a date, which is by the clock that Date tells. It returns 0 for none.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if n, err := strconv.ParseFloat(v, 64); err == nil && n > 0 && n < 1e6 {
		return time.Duration(n * float64(time.Second))
	}
	if t, err := http.ParseTime(v); err == nil {
		if there, err := http.ParseTime(h.Get("Date")); err == nil {
			now = there
		}
		return max(0, t.Sub(now))
	}
	return 0
}

func isHTML(h http.Header, body []byte) bool {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return kind == "text/html" || bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))
}

// redirectHost tells only the host of a redirect: the rest may hold secrets.
func redirectHost(h http.Header) string {
	u, err := url.Parse(h.Get("Location"))
	if err != nil || u.Host == "" {
		return ""
	}
	return " to " + u.Host
}

func suffix(message string) string {
	if message == "" {
		return ""
	}
	return " (" + message + ")"
}

func clip(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	return strings.ToValidUTF8(s[:maxMessage], "") + "…"
}
