package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// pipe is a client on standard input and output.
type pipe struct {
	t     testing.TB
	in    *io.PipeWriter
	lines *bufio.Scanner
}

func stdio(tb testing.TB, f *fixture) *pipe {
	tb.Helper()
	in, client := io.Pipe()
	answers, out := io.Pipe()
	served := make(chan struct{})
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		defer close(served)
		_ = f.ServeStdio(ctx, in, out) // the test may close the pipe in mid-sentence
		_ = out.Close()
	}()
	tb.Cleanup(func() {
		stop()
		_ = client.Close()
		_ = answers.Close()
		<-served
	})
	p := &pipe{t: tb, in: client, lines: bufio.NewScanner(answers)}
	p.lines.Buffer(nil, maxBody)
	return p
}

func (p *pipe) say(message string) {
	p.t.Helper()
	if _, err := io.WriteString(p.in, message+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pipe) next() string {
	p.lines.Scan()
	return p.lines.Text()
}

// initialize begins the older era with capabilities of the client.
func (p *pipe) initialize(capabilities string) {
	p.t.Helper()
	p.say(`{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":` + capabilities + `,"clientInfo":{"name":"t","version":"1"}}}`)
	want(p.t, p.next(), `"id":"i"`, `"protocolVersion":"2025-11-25"`)
	p.say(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
}

func TestNoProgressIsLostOrLateOverStdio(t *testing.T) {
	p := stdio(t, newFixture(t, Options{}))
	p.initialize(`{}`)
	for i := range 200 {
		if i%2 == 0 {
			p.say(modernCall(fmt.Sprint(i), "tools/call", `"name":"steps","arguments":{},`, `{}`, `,"progressToken":"p"`))
		} else {
			p.say(legacyTool(fmt.Sprint(i), "steps", `,"_meta":{"progressToken":"p"}`))
		}
		for step := range 3 {
			want(t, p.next(), "notifications/progress", fmt.Sprintf(`"progress":%d`, step+1))
		}
		want(t, p.next(), fmt.Sprintf(`"id":%d`, i), `"text":"ok"`)
	}
}

func TestStdioSaysNothingMoreOfWhatWasCancelled(t *testing.T) {
	f := newFixture(t, Options{})
	p := stdio(t, f)
	p.say(modernCall(`"a"`, "tools/call", `"name":"wait","arguments":{},`, `{}`, ""))
	received(t, f.started, "the call")
	p.say(modernCall(`"l"`, "subscriptions/listen", `"notifications":{"toolsListChanged":true},`, `{}`, ""))
	want(t, p.next(), "acknowledged")
	for _, id := range []string{`"a"`, `"l"`, `"nobody"`} {
		p.say(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":` + id + `}}`)
	}
	received(t, f.cancelled, "the cancellation of the call")
	p.say(modernCall("2", "tools/list", "", `{}`, "")) // is answered after whatever was sent of the others
	want(t, p.next(), `"id":2`)
	f.ListChanged(ListTools)
	p.say(modernCall("3", "tools/list", "", `{}`, ""))
	want(t, p.next(), `"id":3`)
}

func TestStdioTellsOnlyWhatWasAskedFor(t *testing.T) {
	f := newFixture(t, Options{})
	p := stdio(t, f)
	p.say(modernCall("1", "server/discover", "", `{}`, ""))
	want(t, p.next(), `"supportedVersions"`)
	f.ListChanged(ListTools) // nobody listens
	p.say(modernCall(`"s"`, "subscriptions/listen", `"notifications":{"resourceSubscriptions":["test://a"]},`, `{}`, ""))
	want(t, p.next(), "acknowledged", `subscriptionId":"s"`, `{"resourceSubscriptions":["test://a"]}`)
	f.ListChanged(ListTools)
	f.Notify("test://b")
	f.Notify("test://a")
	want(t, p.next(), `"uri":"test://a"`, `subscriptionId":"s"`)

	p.initialize(`{}`) // the same process, as some clients do
	f.Notify("test://b")
	f.ListChanged(ListPrompts)
	want(t, p.next(), `{"jsonrpc":"2.0","method":"notifications/prompts/list_changed"}`)
	_ = p.in.Close()
	want(t, p.next(), `"id":"s"`, `"resultType":"complete"`)
}

func TestChangesThatTheLastCallsMakeAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, Options{})
		p := stdio(t, f)
		p.initialize(`{}`)
		p.say(modernCall(`"s"`, "subscriptions/listen", `"notifications":{"toolsListChanged":true},`, `{}`, ""))
		want(t, p.next(), "acknowledged")
		p.say(legacyTool("1", "wait", ""))
		_ = p.in.Close()
		synctest.Wait() // the end of input was read, and the call goes on
		f.ListChanged(ListTools)
		close(f.release)
		got := []string{p.next(), p.next(), p.next(), p.next()}
		want(t, strings.Join(got, "\n"), `{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`, `subscriptionId":"s"}}}`, `"id":1,"result"`)
		i := slices.IndexFunc(got, func(line string) bool { return strings.Contains(line, `"resultType":"complete"`) })
		if j := slices.IndexFunc(got, func(line string) bool { return strings.Contains(line, `subscriptionId":"s"}}}`) }); i < j {
			t.Errorf("got %q, want the end of the stream after what it tells", got)
		}
	})
}

func TestAPersonIsAskedOverStdio(t *testing.T) {
	p := stdio(t, newFixture(t, Options{}))
	p.initialize(`{"elicitation":{"form":{}}}`)
	p.say(legacyTool("5", "ask", ""))
	want(t, p.next(), `"id":1,"method":"elicitation/create"`)
	p.say(`{"jsonrpc":"2.0","id":1,"result":{"action":"accept","content":{}}}`)
	want(t, p.next(), `"id":5`, `"text":"accept state"`)
}

func TestStdioGoesOnAfterWhatItCannotRead(t *testing.T) {
	p := stdio(t, newFixture(t, Options{}))
	for message, wanted := range map[string]string{
		`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"` + strings.Repeat("x", maxBody) + `"}}`: "message is longer than 4 MiB",
		`{`: "-32700",
		"\ufeff" + legacyTool("1", "nothing", "") + "\r": `"text":"ok"`,
		`[]`:                            "batches are not supported",
		`{"jsonrpc":"2.0","id":1}`:      "neither a request nor a response",
		`{"id":1,"method":"ping"}`:      "-32600",
		legacyTool("1", "refuse", ""):   "-32021",
		legacyTool("1", "no_such", ""):  "-32602",
		legacyTool("1", "nothing", ""):  `"text":"ok"`,
		legacyTool("null", "steps", ""): "has to be a string or a number",
	} {
		p.say(message)
		if got := p.next(); !strings.Contains(got, wanted) {
			t.Errorf("%.60s: got %s, want %s", message, got, wanted)
		}
	}
}
