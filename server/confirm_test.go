package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/emulator"
	"github.com/dynamics-mcp/dynamics-mcp/tools"
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

func TestWhatAPersonDeclinedNobodyCanAgreeToLater(t *testing.T) {
	modernRoads(t, func(t *testing.T, w *wire) {
		asked := w.modern(askingClient, deletion(contoso), "")
		if got := w.modern(askingClient, deletion(contoso), answered(asked.RequestState, decline)); got.StructuredContent.Status != "declined" {
			t.Fatalf("got %+v, want it declined", got)
		}
		if got := w.modern(askingClient, deletion(contoso), answered(asked.RequestState, accept)); got.ResultType != "input_required" {
			t.Errorf("the declined question, accepted: got %+v, want another question", got)
		}
	})
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

func TestALegacyClientIsAskedWhileItsCallWaits(t *testing.T) {
	legacyRoads(t, askingClient, func(t *testing.T, w *wire) {
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
	})
}

func TestALegacyClientIsAskedAgainAboutARecordThatChanged(t *testing.T) {
	for name, take := range map[string]road{"stdio": overStdio, "http": overSession} {
		t.Run(name, func(t *testing.T) {
			o := withTwoAccounts(t)
			w := take(t, o)
			w.initialize(askingClient)
			asked := w.send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_record","arguments":` + deletion(contoso) + `}}`)
			if _, err := o.Connections[0].Client.Update(t.Context(), "account", contoso, dataverse.Values{"name": "Adventure Works"}); err != nil {
				t.Fatal(err)
			}
			yes := func(id json.RawMessage) string {
				return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, id, accept)
			}
			again := w.send(yes(asked.ID))
			if again.Method != "elicitation/create" || !strings.Contains(again.Params.Message, "Adventure Works") {
				t.Fatalf("after a rename: got %+v, want the question about the new name", again)
			}
			if got := w.send(yes(again.ID)).Result; got.StructuredContent.Status != "done" {
				t.Errorf("got %+v, want it done", got)
			}
		})
	}
}

func TestALegacyClientThatCannotAskPassesOnAConfirmation(t *testing.T) {
	legacyRoads(t, muteClient, func(t *testing.T, w *wire) {
		question, asked := w.legacy(deletion(contoso), "")
		token := asked.StructuredContent.Confirmation
		if question != "" || token == "" {
			t.Fatalf("asked %q, got %+v, want a confirmation and no question to a client that cannot ask", question, asked)
		}
		if _, got := w.legacy(`{"table":"account","id":"`+contoso+`","confirmation":"`+token+`"}`, ""); got.StructuredContent.Status != "done" {
			t.Errorf("got %+v, want it done", got)
		}
	})
}

func TestAClientThatNeverAnswersHasNothingChanged(t *testing.T) {
	for name, take := range map[string]road{"stdio": overStdio, "http": overSession} {
		o, began := withTwoAccounts(t), time.Now()
		t.Run(name, func(t *testing.T) {
			w := take(t, o)
			w.initialize(askingClient)
			m := w.send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_record","arguments":` + deletion(contoso) + `}}`)
			if m.Method != "elicitation/create" {
				t.Fatalf("got %+v, want the question", m)
			}
		})
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("%s: a client that left with a question open was waited for %v, want its leaving to answer it", name, took)
		}
		if _, err := o.Connections[0].Client.Get(t.Context(), "account", contoso, dataverse.Query{}); err != nil {
			t.Errorf("%s: after a question without an answer: %v, want the record untouched", name, err)
		}
	}
}

func TestWhatOneUserAgreedToNoOtherCanUse(t *testing.T) {
	o := withTwoAccounts(t)
	o.Authorize = byHeader
	w := overHTTP(t, o)
	as := func(name string) *wire {
		w.header.Set("X-Caller", name)
		return w
	}
	token := as("ann").modern(muteClient, deletion(contoso), "").StructuredContent.Confirmation
	state := as("ann").modern(askingClient, deletion(contoso), "").RequestState
	with := `{"table":"account","id":"` + contoso + `","confirmation":"` + token + `"}`
	if got := as("bob").modern(muteClient, with, ""); got.StructuredContent.Status != "confirmation_required" {
		t.Errorf("ann's confirmation from bob: got %+v, want it refused", got)
	}
	if got := as("bob").modern(askingClient, deletion(contoso), answered(state, accept)); got.ResultType != "input_required" {
		t.Errorf("ann's state from bob: got %+v, want another question", got)
	}
	if got := as("ann").modern(muteClient, with, ""); got.StructuredContent.Status != "done" {
		t.Errorf("ann's own: got %+v, want it done", got)
	}
}

func TestAProofExpires(t *testing.T) {
	o := withTwoAccounts(t)
	at := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.set, err = tools.New(tools.Options{Connections: connections(o.Connections), Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	running := httptest.NewServer(s.Handler())
	defer running.Close()
	w := overURL(t, running.URL+"/mcp")
	token := w.modern(muteClient, deletion(contoso), "").StructuredContent.Confirmation
	state := w.modern(askingClient, deletion(contoso), "").RequestState
	at = at.Add(5 * time.Minute)
	if got := w.modern(muteClient, `{"table":"account","id":"`+contoso+`","confirmation":"`+token+`"}`, ""); !strings.Contains(got.StructuredContent.Message, "has expired") {
		t.Errorf("confirmation after five minutes: got %+v, want it refused", got)
	}
	if got := w.modern(askingClient, deletion(contoso), answered(state, accept)); got.ResultType != "input_required" {
		t.Errorf("answer after five minutes: got %+v, want another question", got)
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
