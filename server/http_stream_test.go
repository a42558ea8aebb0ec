package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

const modernMeta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":%s%s}`

// modernCall is the body of a request of 2026-07-28; rest are parameters, each with a comma behind.
func modernCall(id, method, rest, capabilities, token string) string {
	return `{"jsonrpc":"2.0","id":` + id + `,"method":"` + method + `","params":{` + rest + fmt.Sprintf(modernMeta, capabilities, token) + `}}`
}

func headersOf(method, name string) http.Header {
	h := http.Header{"Mcp-Protocol-Version": {"2026-07-28"}, "Mcp-Method": {method}}
	if name != "" {
		h.Set("Mcp-Name", name)
	}
	return h
}

// conversation is one open response: its events come from next.
type conversation struct {
	*http.Response
	lines *bufio.Scanner
	close context.CancelFunc
}

func open(tb testing.TB, method, url, body string, header http.Header) *conversation {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	tb.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	r.Header = header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header.Set("Content-Type", "application/json")
	if r.Header["Accept"] == nil {
		r.Header.Set("Accept", "application/json, text/event-stream")
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = answer.Body.Close() })
	return &conversation{Response: answer, lines: bufio.NewScanner(answer.Body), close: cancel}
}

// next is the next message, whether of a stream or alone; "" at the end.
func (c *conversation) next() string {
	for c.lines.Scan() {
		text := strings.TrimPrefix(c.lines.Text(), "data: ")
		if strings.HasPrefix(text, "{") {
			return text
		}
	}
	return ""
}

func want(tb testing.TB, got string, parts ...string) {
	tb.Helper()
	for _, part := range parts {
		if !strings.Contains(got, part) {
			tb.Fatalf("got %q, want %s in it", got, part)
		}
	}
}

// serveFixture serves f on a port and returns the address of MCP.
func serveFixture(tb testing.TB, f *fixture) string {
	tb.Helper()
	running := httptest.NewServer(f.Handler())
	tb.Cleanup(func() {
		f.Shutdown()
		running.CloseClientConnections()
		running.Close()
	})
	return running.URL + "/mcp"
}

// initialize begins a session of an older client.
func initialize(tb testing.TB, url, capabilities string, header http.Header) http.Header {
	tb.Helper()
	c := open(tb, http.MethodPost, url, `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":`+
		capabilities+`,"clientInfo":{"name":"t","version":"1"}}}`, header)
	want(tb, c.next(), `"protocolVersion":"2025-11-25"`, `"listChanged":true`)
	id := c.Header.Get("Mcp-Session-Id")
	if c.StatusCode != http.StatusOK || len(id) < 20 {
		tb.Fatalf("initialize: got %d, session %q", c.StatusCode, id)
	}
	h := header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Set("Mcp-Session-Id", id)
	h.Set("Mcp-Protocol-Version", "2025-11-25")
	return h
}

func legacyTool(id, name, meta string) string {
	return `{"jsonrpc":"2.0","id":` + id + `,"method":"tools/call","params":{"name":"` + name + `","arguments":{}` + meta + `}}`
}

func TestNoProgressIsLostOrLateOverHTTP(t *testing.T) {
	url := serveFixture(t, newFixture(t, Options{}))
	legacy := initialize(t, url, `{}`, nil)
	for i := range 200 {
		body, header := legacyTool("7", "steps", `,"_meta":{"progressToken":"p"}`), legacy
		if i%2 == 0 {
			body = modernCall("7", "tools/call", `"name":"steps","arguments":{},`, `{}`, `,"progressToken":"p"`)
			header = headersOf("tools/call", "steps")
		}
		c := open(t, http.MethodPost, url, body, header)
		for step := range 3 {
			want(t, c.next(), "notifications/progress", `"progressToken":"p"`, fmt.Sprintf(`"progress":%d`, step+1))
		}
		want(t, c.next(), `"id":7`, `"text":"ok"`)
		if rest := c.next(); rest != "" {
			t.Fatalf("after the result: got %s, want nothing", rest)
		}
		if got := c.Header.Get("X-Accel-Buffering"); got != "no" {
			t.Fatalf("X-Accel-Buffering: got %q, want no", got)
		}
	}
}

func TestProgressIsSentOnlyToWhomAsked(t *testing.T) {
	url := serveFixture(t, newFixture(t, Options{}))
	c := open(t, http.MethodPost, url, legacyTool("1", "nothing", ""), nil)
	if got := c.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type: got %q, want one JSON object", got)
	}
}

func TestAnswersAreOfAKindThatIsAccepted(t *testing.T) {
	url := serveFixture(t, newFixture(t, Options{}))
	steps := modernCall("1", "tools/call", `"name":"steps","arguments":{},`, `{}`, `,"progressToken":1`)
	for accept, want := range map[string]string{
		"": "text/event-stream", "*/*": "text/event-stream", "text/*, application/json": "text/event-stream", "TEXT/Event-Stream;q=0.1": "text/event-stream",
		"application/json": "application/json", "application/*": "application/json", "application/json, text/event-stream;q=0": "application/json",
	} {
		header := headersOf("tools/call", "steps")
		header["Accept"] = []string{accept}
		c := open(t, http.MethodPost, url, steps, header)
		if kind := c.Header.Get("Content-Type"); c.StatusCode != http.StatusOK || kind != want {
			t.Errorf("Accept %q: got %d %s, want %s", accept, c.StatusCode, kind, want)
		}
	}
	session := initialize(t, url, `{}`, nil)
	for what, test := range map[string]struct{ method, accept, body string }{
		"a page":                  {http.MethodPost, "text/html", legacyList},
		"nothing at all":          {http.MethodPost, "*/*;q=0", legacyList},
		"a listener without ears": {http.MethodPost, "application/json", modernCall("1", "subscriptions/listen", `"notifications":{"toolsListChanged":true},`, `{}`, "")},
		"a stream without ears":   {http.MethodGet, "application/json", ""},
	} {
		header := session.Clone()
		if strings.Contains(test.body, "listen") {
			header = headersOf("subscriptions/listen", "")
		}
		header["Accept"] = []string{test.accept}
		if c := open(t, test.method, url, test.body, header); c.StatusCode != http.StatusNotAcceptable {
			t.Errorf("%s: got %d, want 406", what, c.StatusCode)
		}
	}
}

func TestClosingTheResponseCancelsTheCall(t *testing.T) {
	f := newFixture(t, Options{})
	url := serveFixture(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(modernCall("1", "tools/call", `"name":"wait","arguments":{},`, `{}`, "")))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = headersOf("tools/call", "wait")
	r.Header.Set("Content-Type", "application/json")
	go func() {
		<-f.started
		cancel()
	}()
	if answer, err := http.DefaultClient.Do(r); err == nil {
		_ = answer.Body.Close()
	}
	received(t, f.cancelled, "the cancellation of the call")
}

func TestNobodyCancelsTheCallsOfOthers(t *testing.T) {
	f := newFixture(t, Options{Authorize: byHeader})
	url := serveFixture(t, f)
	alice, bob := http.Header{"X-Caller": {"alice"}}, http.Header{"X-Caller": {"bob"}}
	session := initialize(t, url, `{}`, alice)
	other := initialize(t, url, `{}`, bob)
	answers := make(chan string, 2)
	go func() { answers <- open(t, http.MethodPost, url, legacyTool("1", "wait", ""), session).next() }()
	modern := headersOf("tools/call", "wait")
	go func() {
		answers <- open(t, http.MethodPost, url, modernCall("1", "tools/call", `"name":"wait","arguments":{},`, `{}`, ""), modern).next()
	}()
	received(t, f.started, "the first call")
	received(t, f.started, "the second call")
	stolen := session.Clone()
	stolen.Set("X-Caller", "bob")
	for what, header := range map[string]http.Header{
		"modern": headersOf("notifications/cancelled", ""), "legacy": nil, "bob's session": other, "alice's session by bob": stolen,
	} {
		body := `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`
		wanted := http.StatusAccepted
		if what == "alice's session by bob" {
			wanted = http.StatusNotFound
		}
		if c := open(t, http.MethodPost, url, body, header); c.StatusCode != wanted {
			t.Errorf("%s: got %d, want %d", what, c.StatusCode, wanted)
		}
	}
	close(f.release)
	for range 2 {
		want(t, <-answers, `"text":"done"`)
	}
}

// byHeader lets everybody in who says a name.
func byHeader(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(WithCaller(r.Context(), r.Header.Get("X-Caller"))))
	})
}

func TestAnotherCallerFindsNoSession(t *testing.T) {
	url := serveFixture(t, newFixture(t, Options{Authorize: byHeader}))
	session := initialize(t, url, `{}`, http.Header{"X-Caller": {"alice"}})
	stolen := session.Clone()
	stolen.Set("X-Caller", "bob")
	for _, test := range []struct{ method, body string }{
		{http.MethodPost, legacyTool("1", "nothing", "")},
		{http.MethodPost, `{"jsonrpc":"2.0","id":1,"result":{}}`},
		{http.MethodPost, `{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"test://known"}}`},
		{http.MethodPost, `{"jsonrpc":"2.0","method":"notifications/initialized"}`},
		{http.MethodGet, ""},
		{http.MethodDelete, ""},
	} {
		if c := open(t, test.method, url, test.body, stolen); c.StatusCode != http.StatusNotFound {
			t.Errorf("%s %s by another caller: got %d, want 404", test.method, test.body, c.StatusCode)
		}
	}
	want(t, open(t, http.MethodPost, url, legacyTool("1", "nothing", ""), session).next(), `"text":"ok"`)
	if c := open(t, http.MethodDelete, url, "", session); c.StatusCode != http.StatusNoContent {
		t.Errorf("DELETE by the owner: got %d, want 204", c.StatusCode)
	}
	if c := open(t, http.MethodPost, url, legacyTool("1", "nothing", ""), session); c.StatusCode != http.StatusNotFound {
		t.Errorf("a call after DELETE: got %d, want 404", c.StatusCode)
	}
}

func TestAnOlderClientCancelsItsOwnCall(t *testing.T) {
	f := newFixture(t, Options{})
	url := serveFixture(t, f)
	session := initialize(t, url, `{}`, nil)
	answer := make(chan string, 1)
	go func() { answer <- open(t, http.MethodPost, url, legacyTool("1", "wait", ""), session).next() }()
	received(t, f.started, "the call")
	open(t, http.MethodPost, url, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`, session)
	received(t, f.cancelled, "the cancellation of the call")
	if got := <-answer; got != "" {
		t.Errorf("a cancelled call: got %s, want no answer", got)
	}
}

func TestListenTellsWhatWasAskedFor(t *testing.T) {
	f := newFixture(t, Options{})
	url := serveFixture(t, f)
	c := open(t, http.MethodPost, url, modernCall(`"s1"`, "subscriptions/listen",
		`"notifications":{"promptsListChanged":true,"resourceSubscriptions":["test://b","test://a","test://b"]},`, `{}`, ""), headersOf("subscriptions/listen", ""))
	tag := `"io.modelcontextprotocol/subscriptionId":"s1"`
	want(t, c.next(), "notifications/subscriptions/acknowledged", tag, `{"promptsListChanged":true,"resourceSubscriptions":["test://a","test://b"]}`)
	f.ListChanged(ListTools)
	f.Notify("test://other")
	f.Notify("test://a")
	want(t, c.next(), "notifications/resources/updated", tag, `"uri":"test://a"`)
	f.ListChanged(ListPrompts)
	want(t, c.next(), "notifications/prompts/list_changed", tag)
	f.Shutdown()
	want(t, c.next(), `"id":"s1"`, `"resultType":"complete"`, tag)
	if rest := c.next(); rest != "" {
		t.Errorf("after the result: got %s", rest)
	}
}

func TestOlderClientsHearOnTheirStream(t *testing.T) {
	f := newFixture(t, Options{})
	url := serveFixture(t, f)
	session := initialize(t, url, `{}`, nil)
	open(t, http.MethodPost, url, `{"jsonrpc":"2.0","id":2,"method":"resources/subscribe","params":{"uri":"test://a"}}`, session).next()
	f.Notify("test://a") // before there is a stream: kept
	f.Notify("test://a")
	f.Notify("test://other")
	first := open(t, http.MethodGet, url, "", session)
	want(t, first.next(), `"method":"notifications/resources/updated","params":{"uri":"test://a"}`)
	second := open(t, http.MethodGet, url, "", session)
	if rest := first.next(); rest != "" {
		t.Errorf("the stream before: got %s, want its end", rest)
	}
	f.ListChanged(ListTools)
	want(t, second.next(), `"method":"notifications/tools/list_changed"`)
	open(t, http.MethodPost, url, `{"jsonrpc":"2.0","id":3,"method":"resources/unsubscribe","params":{"uri":"test://a"}}`, session).next()
	f.Notify("test://a")
	f.ListChanged(ListPrompts)
	want(t, second.next(), `"method":"notifications/prompts/list_changed"`)
	open(t, http.MethodDelete, url, "", session)
	if rest := second.next(); rest != "" {
		t.Errorf("after DELETE: got %s, want the end of the stream", rest)
	}
}

func TestAHundredStreamsEndAtOnce(t *testing.T) {
	f := newFixture(t, Options{})
	url := serveFixture(t, f)
	var streams []*conversation
	for i := range 100 {
		c := open(t, http.MethodPost, url, modernCall(fmt.Sprint(i), "subscriptions/listen", `"notifications":{"toolsListChanged":true},`, `{}`, ""), headersOf("subscriptions/listen", ""))
		c.next()
		streams = append(streams, c)
	}
	start := time.Now()
	f.Shutdown()
	for _, c := range streams {
		want(t, c.next(), `"resultType":"complete"`)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("100 streams ended after %v, want less than 1 s", took)
	}
	if status, _, _ := send(t, http.MethodGet, strings.TrimSuffix(url, "/mcp")+"/readyz", "", nil, nil); status != http.StatusServiceUnavailable {
		t.Errorf("readyz after Shutdown: got %d, want 503", status)
	}
}

func TestAPersonIsAskedInBothEras(t *testing.T) {
	url := serveFixture(t, newFixture(t, Options{}))
	can := `{"elicitation":{}}`
	// An older client is asked on the stream of its call, and answers by a request of its own.
	session := initialize(t, url, can, nil)
	c := open(t, http.MethodPost, url, legacyTool("5", "ask", ""), session)
	question := c.next()
	want(t, question, `"method":"elicitation/create"`, `"Sure?"`)
	var asked struct {
		ID json.Number `json:"id"`
	}
	if err := json.Unmarshal([]byte(question), &asked); err != nil {
		t.Fatal(err)
	}
	response := `{"jsonrpc":"2.0","id":` + asked.ID.String() + `,"result":{"action":"accept","content":{}}}`
	open(t, http.MethodPost, url, response, initialize(t, url, can, nil)) // another session cannot answer
	open(t, http.MethodPost, url, strings.Replace(response, "accept", "decline", 1), session)
	want(t, c.next(), `"id":5`, `"text":"decline state"`)
	// A newer one finds the question in the result.
	c = open(t, http.MethodPost, url, modernCall("6", "tools/call", `"name":"ask","arguments":{},`, can, ""), headersOf("tools/call", "ask"))
	want(t, c.next(), `"resultType":"input_required"`, `"requestState":"state"`, `"elicitation/create"`)
	for what, header := range map[string]http.Header{"no capability": initialize(t, url, `{}`, nil), "no session": nil} {
		if got := open(t, http.MethodPost, url, legacyTool("7", "ask", ""), header).next(); !strings.Contains(got, "cannot ask") {
			t.Errorf("%s: got %s, want no question", what, got)
		}
	}
}

func TestErrorsHaveTheirCodes(t *testing.T) {
	url := serveFixture(t, newFixture(t, Options{}))
	for _, test := range []struct {
		body   string
		header http.Header
		status int
		want   []string
	}{
		{modernCall("1", "tools/call", `"name":"refuse","arguments":{},`, `{}`, ""), headersOf("tools/call", "refuse"), 400, []string{"-32021", `"requiredCapabilities":{"sampling":{}}`}},
		{modernCall("1", "resources/read", `"uri":"test://no",`, `{}`, ""), headersOf("resources/read", "test://no"), 400, []string{"-32602", `"uri":"test://no"`}},
		{`{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"test://no"}}`, nil, 200, []string{"-32002", `"uri":"test://no"`}},
		{`{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{}}`, nil, 200, []string{"-32602", "uri is required"}},
		{`{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":5}}`, nil, 200, []string{"-32602", "uri: got number, want string"}},
		{modernCall("1", "tools/call", `"name":"nothing","arguments":{},`, `{}`, ""), headersOf("tools/call", "other"), 400, []string{"-32020"}},
		{modernCall("1", "tools/call", `"name":"nothing","arguments":{},`, `{}`, ""), headersOf("tools/call", ""), 400, []string{"-32020"}},
		{modernCall("1", "tools/call", `"name":"list_table","arguments":{},`, `{}`, ""), headersOf("tools/call", "list_table"), 400, []string{"-32602", "did you mean list_tables?"}},
		{modernCall("1", "no/method", "", `{}`, ""), headersOf("no/method", ""), 404, []string{"-32601"}},
		{modernCall("1", "ping", "", `{}`, ""), headersOf("ping", ""), 404, []string{"-32601"}},
		{modernCall("1", "tools/list", "", `5`, ""), headersOf("tools/list", ""), 400, []string{"-32602"}},
		{modernCall("1", "tools/list", `"cursor":"nonsense",`, `{}`, ""), headersOf("tools/list", ""), 400, []string{"-32602"}},
		{strings.ReplaceAll(modernCall("1", "tools/list", "", `{}`, ""), "2026-07-28", "2099-01-01"),
			http.Header{"Mcp-Protocol-Version": {"2099-01-01"}, "Mcp-Method": {"tools/list"}}, 400, []string{"-32022", `"supported":[`}},
		{legacyList, http.Header{"Mcp-Protocol-Version": {"1999-01-01"}}, 400, nil},
		{legacyList, http.Header{"Mcp-Session-Id": {"guessed"}}, 404, nil},
		{`{"jsonrpc":"1.0","id":1,"method":"ping"}`, nil, 400, []string{"-32600", `"id":1`}},
	} {
		c := open(t, http.MethodPost, url, test.body, test.header)
		got := c.next()
		if c.StatusCode != test.status || slices.ContainsFunc(test.want, func(part string) bool { return !strings.Contains(got, part) }) {
			t.Errorf("%s: got %d %s, want %d with %v", test.body, c.StatusCode, got, test.status, test.want)
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		if c := open(t, method, url, "", headersOf("", "")); c.StatusCode != http.StatusMethodNotAllowed || c.Header.Get("Allow") != "POST" {
			t.Errorf("modern %s: got %d, Allow %q, want 405, POST", method, c.StatusCode, c.Header.Get("Allow"))
		}
	}
}

func TestIconsAreShownWhereAClientGetsToKnowThingsAndNotWithEveryResult(t *testing.T) {
	f := newFixture(t, Options{})
	url := serveFixture(t, f)
	for what, test := range map[string]struct {
		body   string
		header http.Header
		icons  int
	}{
		"initialize": {`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`, nil, 1},
		"discover":   {modernCall("1", "server/discover", "", `{}`, ""), headersOf("server/discover", ""), 1},
		"list":       {modernCall("1", "tools/list", "", `{}`, ""), headersOf("tools/list", ""), len(f.set.Offers())},
		"call":       {modernCall("1", "tools/call", `"name":"nothing","arguments":{},`, `{}`, ""), headersOf("tools/call", "nothing"), 0},
	} {
		got := open(t, http.MethodPost, url, test.body, test.header).next()
		want(t, got, `"name":"dynamics-mcp"`)
		if n := strings.Count(got, "data:image/svg+xml"); n != test.icons {
			t.Errorf("%s: got %d icons, want %d", what, n, test.icons)
		}
	}
}
