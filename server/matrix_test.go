package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// victim is what only alice may see or use: her session, and what goes on in it.
type victim struct {
	f       *fixture
	url     string
	session http.Header   // of alice
	call    *conversation // of alice, waiting for an answer to its question: id 5
	asked   string        // id of that question
	stream  *conversation // on which alice hears of test://a
	listen  *conversation // of 2026-07-28, id "s1"
}

func newVictim(t *testing.T) *victim {
	t.Helper()
	f := newFixture(t, Options{Authorize: byHeader})
	v := &victim{f: f, url: serveFixture(t, f)}
	v.session = initialize(t, v.url, `{"elicitation":{}}`, http.Header{"X-Caller": {"alice"}})
	open(t, http.MethodPost, v.url, `{"jsonrpc":"2.0","id":2,"method":"resources/subscribe","params":{"uri":"test://a"}}`, v.session).next()
	v.stream = open(t, http.MethodGet, v.url, "", v.session)
	v.call = open(t, http.MethodPost, v.url, legacyTool("5", "ask", ""), v.session)
	var question struct{ ID json.Number }
	if err := json.Unmarshal([]byte(v.call.next()), &question); err != nil {
		t.Fatal(err)
	}
	v.asked = question.ID.String()
	v.listen = open(t, http.MethodPost, v.url, modernCall(`"s1"`, "subscriptions/listen", `"notifications":{"resourceSubscriptions":["test://a"]},`, `{}`, ""),
		by("alice", headersOf("subscriptions/listen", "")))
	want(t, v.listen.next(), "acknowledged")
	return v
}

// unharmed holds that alice's call, streams and session are as they were.
func (v *victim) unharmed(t *testing.T) {
	t.Helper()
	v.f.Notify("test://a")
	want(t, v.stream.next(), `"method":"notifications/resources/updated","params":{"uri":"test://a"}`)
	want(t, v.listen.next(), "notifications/resources/updated", `subscriptionId":"s1"`)
	open(t, http.MethodPost, v.url, `{"jsonrpc":"2.0","id":`+v.asked+`,"result":{"action":"accept","content":{}}}`, v.session)
	want(t, v.call.next(), `"id":5`, `"text":"accept state"`)
	want(t, open(t, http.MethodPost, v.url, legacyTool("9", "nothing", ""), v.session).next(), `"id":9`, `"text":"ok"`)
}

// methods are all of both eras, and those that only clients answer; params point at what is alice's.
func (v *victim) methods() map[string]string {
	return map[string]string{
		"initialize": `"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"b","version":"1"}`, "ping": "", "server/discover": "",
		"tools/list": "", "tools/call": `"name":"ask","arguments":{},"requestState":"state","inputResponses":{"sure":{"action":"decline"}}`,
		"resources/list": "", "resources/templates/list": "", "resources/read": `"uri":"test://known"`,
		"resources/subscribe": `"uri":"test://a"`, "resources/unsubscribe": `"uri":"test://a"`,
		"prompts/list": "", "prompts/get": `"name":"x"`, "completion/complete": `"ref":{"type":"ref/prompt","name":"x"},"argument":{"name":"a","value":"b"}`,
		"logging/setLevel": `"level":"debug"`, "subscriptions/listen": `"notifications":{}`,
		"tasks/list": "", "tasks/get": `"taskId":"5"`, "tasks/result": `"taskId":"5"`, "tasks/cancel": `"taskId":"5"`, "tasks/update": `"taskId":"5"`,
		"sampling/createMessage": `"messages":[],"maxTokens":1`, "elicitation/create": `"message":"m"`, "roots/list": "",
	}
}

// notifications are all that a client can send, pointed at what is alice's.
func (v *victim) notifications() []string {
	return []string{
		`"method":"notifications/cancelled","params":{"requestId":5}`, `"method":"notifications/cancelled","params":{"requestId":"s1"}`,
		`"method":"notifications/cancelled","params":{"requestId":` + v.asked + `}`, `"method":"notifications/initialized"`,
		`"method":"notifications/progress","params":{"progressToken":5,"progress":1}`, `"method":"notifications/roots/list_changed"`,
		`"method":"notifications/message","params":{"level":"error","data":"x"}`, `"method":"notifications/resources/updated","params":{"uri":"test://a"}`,
		`"method":"notifications/tasks/status","params":{"taskId":"5"}`, `"method":"notifications/elicitation/complete","params":{"elicitationId":"` + v.asked + `"}`,
	}
}

func TestNothingOfOneUserIsAnothersByWhateverMethod(t *testing.T) {
	v := newVictim(t)
	own := initialize(t, v.url, `{"elicitation":{}}`, http.Header{"X-Caller": {"bob"}})
	stolen := v.session.Clone()
	stolen.Set("X-Caller", "bob")
	id := v.session.Get("Mcp-Session-Id")
	leaks := func(who, what string, c *conversation) string {
		t.Helper()
		text := c.next()
		for _, secret := range []string{id, "test://a", "alice", `"Sure?"`, `"id":` + v.asked + `,"method"`} {
			if strings.Contains(text, secret) || c.Header.Get("Mcp-Session-Id") == id {
				t.Errorf("%s by %s: got %s, which holds %s of alice's", what, who, text, secret)
			}
		}
		return text
	}
	for method, params := range v.methods() {
		legacy := fmt.Sprintf(`{"jsonrpc":"2.0","id":5,"method":%q,"params":{%s}}`, method, params)
		c := open(t, http.MethodPost, v.url, legacy, stolen)
		if text := leaks("bob with alice's session", method, c); method != "initialize" && (c.StatusCode != http.StatusNotFound || !strings.Contains(text, "session is not known")) {
			t.Errorf("%s with alice's session: got %d %s, want 404", method, c.StatusCode, text)
		}
		leaks("bob in his own session", method, open(t, http.MethodPost, v.url, legacy, own))
		leaks("bob without a session", method, open(t, http.MethodPost, v.url, legacy, http.Header{"X-Caller": {"bob"}}))
		if params != "" {
			params += ","
		}
		name := map[string]string{"tools/call": "ask", "resources/read": "test://known", "prompts/get": "x"}[method]
		modern := by("bob", headersOf(method, name))
		modern.Set("Mcp-Session-Id", id) // means nothing
		leaks("bob in 2026-07-28", method, open(t, http.MethodPost, v.url, modernCall("5", method, params, `{}`, ""), modern))
	}
	for _, note := range v.notifications() {
		for who, header := range map[string]http.Header{
			"alice's session": stolen, "his own": own, "none": {"X-Caller": {"bob"}}, "2026-07-28": by("bob", headersOf("notifications/cancelled", "")),
		} {
			c := open(t, http.MethodPost, v.url, `{"jsonrpc":"2.0",`+note+`}`, header)
			if wanted := map[bool]int{true: http.StatusNotFound, false: http.StatusAccepted}[who == "alice's session"]; c.StatusCode != wanted {
				t.Errorf("%s by bob with %s: got %d, want %d", note, who, c.StatusCode, wanted)
			}
		}
	}
	for _, response := range []string{`"result":{"action":"decline"}`, `"error":{"code":1,"message":"x"}`} {
		for _, header := range []http.Header{stolen, own, {"X-Caller": {"bob"}}, by("bob", headersOf("", ""))} {
			open(t, http.MethodPost, v.url, `{"jsonrpc":"2.0","id":`+v.asked+`,`+response+`}`, header)
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		if c := open(t, method, v.url, "", stolen); c.StatusCode != http.StatusNotFound {
			t.Errorf("%s of alice's session by bob: got %d, want 404", method, c.StatusCode)
		}
	}
	v.unharmed(t)
}
