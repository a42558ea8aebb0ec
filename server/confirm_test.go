package server

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

const (
	contoso      = "11111111-1111-4111-8111-111111111111"
	fabrikam     = "22222222-2222-4222-8222-222222222222"
	askingClient = `{"elicitation":{}}`
	muteClient   = `{}`
)

// withTwoAccounts are the options of a server over an emulator.
func withTwoAccounts(t *testing.T) Options {
	t.Helper()
	srv := emulator.Start(t, emulator.Rows("accounts",
		emulator.Row{"accountid": contoso, "name": "Contoso"}, emulator.Row{"accountid": fabrikam, "name": "Fabrikam"}))
	client, err := dataverse.New(dataverse.Options{URL: srv.URL, Transport: &oauth2.Transport{
		Source: oauth2.StaticTokenSource(&oauth2.Token{AccessToken: srv.Token}),
		Base:   emulator.Transport(srv.Emulator),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return Options{Connections: []Connection{{Name: "test", Client: client}}}
}

// wireResult is the result of tools/call, as far as these tests read it.
type wireResult struct {
	ResultType        string
	IsError           bool
	StructuredContent struct{ Status, Deleted, Question, Confirmation, Message string }
	RequestState      string
	InputRequests     map[string]struct {
		Method string
		Params struct {
			Message         string
			RequestedSchema json.RawMessage
		}
	}
}

type wireMessage struct {
	ID     json.RawMessage
	Method string
	Params struct{ Message string }
	Result wireResult
	Error  *struct {
		Code    int
		Message string
	}
}

// wire is a client by hand: a road to the server that one message goes up and the next one comes down.
type wire struct {
	t    *testing.T
	send func(message string) wireMessage
	id   int
}

// overStdio serves o on two pipes.
func overStdio(t *testing.T, o Options) *wire {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	in, toServer := io.Pipe()
	fromServer, out := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- s.ServeStdio(t.Context(), in, out) }()
	lines := bufio.NewReader(fromServer)
	t.Cleanup(func() {
		_ = toServer.Close()
		go func() { _, _ = io.Copy(io.Discard, lines) }() // ends with the pipe, below
		defer func() { _ = out.Close() }()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return &wire{t: t, send: func(message string) wireMessage {
		if _, err := io.WriteString(toServer, message+"\n"); err != nil {
			t.Fatal(err)
		}
		line, err := lines.ReadBytes('\n')
		if err != nil {
			t.Fatal(err)
		}
		return decoded(t, line)
	}}
}

// overHTTP posts each message by itself, as 2026-07-28 does.
func overHTTP(t *testing.T, o Options) *wire {
	t.Helper()
	url := endpoint(t, o)
	header := http.Header{"Mcp-Protocol-Version": {"2026-07-28"}, "Mcp-Method": {"tools/call"}, "Mcp-Name": {"delete_record"}}
	return &wire{t: t, send: func(message string) wireMessage {
		_, _, text := send(t, http.MethodPost, url, message, header, nil)
		return decoded(t, eventData([]byte(text)))
	}}
}

// eventData is the last message of an event stream, or an answer that is none as it is.
func eventData(text []byte) []byte {
	last := text
	for line := range bytes.Lines(text) {
		if data, ok := bytes.CutPrefix(line, []byte("data: ")); ok {
			last = data
		}
	}
	return last
}

func decoded(t *testing.T, text []byte) (m wireMessage) {
	t.Helper()
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatalf("no message: %q: %v", text, err)
	}
	if m.Error != nil {
		t.Fatalf("got the error %+v, want an answer", *m.Error)
	}
	return m
}

// modern calls delete_record as a client of 2026-07-28 with these capabilities; more are members of params.
func (w *wire) modern(capabilities, args, more string) wireResult {
	w.t.Helper()
	w.id++
	return w.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"delete_record","arguments":%s,"_meta":{`+
		`"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":%s}%s}}`,
		w.id, args, capabilities, more)).Result
}

// answered are the params with which a client tells what its user said.
func answered(state, answer string) string {
	return fmt.Sprintf(`,"requestState":%q,"inputResponses":{"confirm":%s}`, state, answer)
}

func deletion(id string) string { return `{"table":"account","id":"` + id + `"}` }

const (
	accept        = `{"action":"accept","content":{"agree":true}}`
	acceptWithout = `{"action":"accept","content":{"agree":false}}`
	acceptBare    = `{"action":"accept"}`
	decline       = `{"action":"decline"}`
	cancel        = `{"action":"cancel"}`
)

// modernRoads are the transports, each with a server of its own.
func modernRoads(t *testing.T, each func(t *testing.T, w *wire)) {
	for name, road := range map[string]func(*testing.T, Options) *wire{"stdio": overStdio, "http": overHTTP} {
		t.Run(name, func(t *testing.T) { each(t, road(t, withTwoAccounts(t))) })
	}
}

func TestAModernClientIsAskedAndItsUserDecides(t *testing.T) {
	modernRoads(t, func(t *testing.T, w *wire) {
		for _, try := range []struct{ answer, status, says string }{
			{decline, "declined", "The user declined. Nothing was changed."},
			{acceptWithout, "declined", "Nothing was changed"},
			{acceptBare, "declined", "Nothing was changed"},
			{cancel, "declined", "did not answer"},
			{accept, "done", ""},
		} {
			asked := w.modern(askingClient, deletion(contoso), "")
			question := asked.InputRequests["confirm"]
			if asked.ResultType != "input_required" || question.Method != "elicitation/create" ||
				!strings.Contains(question.Params.Message, `Delete Account "Contoso"`) || !bytes.Contains(question.Params.RequestedSchema, []byte(`"boolean"`)) {
				t.Fatalf("got %+v, want the question", asked)
			}
			got := w.modern(askingClient, deletion(contoso), answered(asked.RequestState, try.answer))
			if got.ResultType != "complete" || got.IsError || got.StructuredContent.Status != try.status || !strings.Contains(got.StructuredContent.Message, try.says) {
				t.Errorf("%s: got %+v, want %s", try.answer, got, try.status)
			}
		}
	})
}

func TestAnAnswerCountsForItsQuestionAlone(t *testing.T) {
	modernRoads(t, func(t *testing.T, w *wire) {
		state := func() string { return w.modern(askingClient, deletion(contoso), "").RequestState }
		tampered := []byte(state())
		tampered[20] ^= 1
		token := w.modern(muteClient, deletion(contoso), "").StructuredContent.Confirmation
		for name, more := range map[string]string{
			"no state":                  `,"inputResponses":{"confirm":` + accept + `}`,
			"no answer":                 fmt.Sprintf(`,"requestState":%q`, state()),
			"an answer to another":      fmt.Sprintf(`,"requestState":%q,"inputResponses":{"other":%s}`, state(), accept),
			"a tampered state":          answered(string(tampered), accept),
			"a token as state":          answered(token, accept),
			"a state of another call":   answered(w.modern(askingClient, deletion(fabrikam), "").RequestState, accept),
			"what is none":              answered(state(), `{"action":"approve"}`) + `,"x":1`,
			"an answer of another sort": answered(state(), `{"roots":[]}`),
		} {
			if got := w.modern(askingClient, deletion(contoso), more); got.StructuredContent.Status == "done" {
				t.Errorf("%s: got %+v, want no deletion", name, got)
			}
		}
		if got := w.modern(askingClient, `{"table":"account","id":"`+contoso+`","confirmation":"`+token+`"}`, ""); got.ResultType != "input_required" {
			t.Errorf("a model's token where the user can be asked: got %+v, want the question", got)
		}
		once := answered(state(), accept)
		if got := w.modern(askingClient, deletion(contoso), once); got.StructuredContent.Status != "done" {
			t.Fatalf("got %+v, want it done", got)
		}
	})
}

func TestAnAnswerCountsOnce(t *testing.T) {
	o := withTwoAccounts(t)
	w := overHTTP(t, o)
	asked := w.modern(askingClient, deletion(contoso), "")
	w.modern(askingClient, deletion(contoso), answered(asked.RequestState, accept))
	if _, err := o.Connections[0].Client.Upsert(t.Context(), "account", contoso, dataverse.Values{"name": "Contoso"}); err != nil {
		t.Fatal(err)
	}
	if got := w.modern(askingClient, deletion(contoso), answered(asked.RequestState, accept)); got.ResultType != "input_required" {
		t.Errorf("the same answer for the record made anew: got %+v, want another question", got)
	}
}

func TestAClientThatCannotAskPassesOnAConfirmation(t *testing.T) {
	modernRoads(t, func(t *testing.T, w *wire) {
		for _, capabilities := range []string{muteClient, `{"elicitation":{"url":{}}}`} {
			asked := w.modern(capabilities, deletion(contoso), "")
			if s := asked.StructuredContent; asked.ResultType != "complete" || asked.IsError || s.Status != "confirmation_required" ||
				!strings.Contains(s.Question, "Contoso") || !strings.Contains(s.Message, "Show the question to the user") {
				t.Fatalf("%s: got %+v, want the question and a confirmation", capabilities, asked)
			}
		}
		token := w.modern(muteClient, deletion(contoso), "").StructuredContent.Confirmation
		with := func(id string) string { return `{"table":"account","id":"` + id + `","confirmation":"` + token + `"}` }
		if got := w.modern(muteClient, with(fabrikam), ""); got.StructuredContent.Status != "confirmation_required" {
			t.Errorf("for another record: got %+v, want it refused", got)
		}
		if got := w.modern(muteClient, with(contoso), ""); got.StructuredContent.Status != "done" || got.StructuredContent.Deleted != contoso {
			t.Errorf("got %+v, want it done", got)
		}
	})
}

// initialize begins a session of the time before 2026-07-28.
func (w *wire) initialize(capabilities string) {
	w.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":"init","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":%s,`+
		`"clientInfo":{"name":"test","version":"1"}}}`, capabilities))
}

// legacy calls delete_record and, when it is asked, answers with reply: a result or an error. It returns the question.
func (w *wire) legacy(args, reply string) (question string, result wireResult) {
	w.t.Helper()
	w.id++
	m := w.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"delete_record","arguments":%s}}`, w.id, args))
	if m.Method == "elicitation/create" {
		question = m.Params.Message
		m = w.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,%s}`, m.ID, reply))
	}
	return question, m.Result
}

func TestALegacyClientIsAskedWhileItsCallWaits(t *testing.T) {
	w := overStdio(t, withTwoAccounts(t))
	w.initialize(askingClient)
	for _, try := range []struct{ reply, status, says string }{
		{`"result":` + decline, "declined", "The user declined"},
		{`"result":` + cancel, "declined", "did not answer"},
		{`"result":` + acceptBare, "declined", ""},
		{`"error":{"code":-32601,"message":"not here"}`, "declined", "did not answer"},
		{`"result":` + accept, "done", ""},
	} {
		question, got := w.legacy(`{"table":"account","id":"`+contoso+`","confirmation":"a model's"}`, try.reply)
		if !strings.Contains(question, `Delete Account "Contoso"`) {
			t.Fatalf("%s: asked %q, want the question", try.reply, question)
		}
		if s := got.StructuredContent; got.IsError || s.Status != try.status || !strings.Contains(s.Message, try.says) {
			t.Errorf("%s: got %+v, want %s", try.reply, got, try.status)
		}
	}
}

func TestALegacyClientThatCannotAskPassesOnAConfirmation(t *testing.T) {
	w := overStdio(t, withTwoAccounts(t))
	w.initialize(muteClient)
	question, asked := w.legacy(deletion(contoso), "")
	token := asked.StructuredContent.Confirmation
	if question != "" || token == "" {
		t.Fatalf("asked %q, got %+v, want a confirmation and no question to a client that cannot ask", question, asked)
	}
	if _, got := w.legacy(`{"table":"account","id":"`+contoso+`","confirmation":"`+token+`"}`, ""); got.StructuredContent.Status != "done" {
		t.Errorf("got %+v, want it done", got)
	}
}

func TestAClientThatNeverAnswersHasNothingChanged(t *testing.T) {
	o := withTwoAccounts(t)
	o.DrainTimeout = time.Millisecond
	t.Run("leaves", func(t *testing.T) { // the end of its input ends the wait
		w := overStdio(t, o)
		w.initialize(askingClient)
		m := w.send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_record","arguments":` + deletion(contoso) + `}}`)
		if m.Method != "elicitation/create" {
			t.Fatalf("got %+v, want the question", m)
		}
	})
	if _, err := o.Connections[0].Client.Get(t.Context(), "account", contoso, dataverse.Query{}); err != nil {
		t.Errorf("after a question without an answer: %v, want the record untouched", err)
	}
}

func TestUnconfirmedAsksNoClient(t *testing.T) {
	o := withTwoAccounts(t)
	o.Unconfirmed = true
	w := overHTTP(t, o)
	if got := w.modern(askingClient, deletion(contoso), ""); got.StructuredContent.Status != "done" {
		t.Errorf("got %+v, want it done at once", got)
	}
}
