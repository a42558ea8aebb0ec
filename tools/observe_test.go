package tools

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

// witness writes down what an observer is told.
type witness struct {
	calls    []Call
	outcomes []Outcome
	refusal  error
}

func (w *witness) observe(ctx context.Context, c Call) (context.Context, func(Outcome), error) {
	w.calls = append(w.calls, c)
	return ctx, func(o Outcome) { w.outcomes = append(w.outcomes, o) }, w.refusal
}

func TestObserversLearnWhatACallIsAbout(t *testing.T) {
	const id = "11111111-1111-4111-8111-111111111111"
	const unmade = "22222222-2222-4222-8222-222222222222"
	w := &witness{}
	set := connectWith(t, Options{Observers: []Observer{w.observe}})
	for _, c := range []struct {
		tool, args    string
		before, after Subject
		kind          dataverse.Kind
	}{
		{"upsert_record", `{"table":"Accounts","id":"` + id + `","values":{"name":"Litware"}}`,
			Subject{Table: "Accounts", IDs: []string{id}}, Subject{Table: "account", IDs: []string{id}}, ""},
		{"query_records", `{"table":"account","filter":"name eq 'Litware'"}`,
			Subject{Table: "account"}, Subject{Table: "account", Rows: 1}, ""},
		{"get_record", `{"table":"account","id":"account(` + unmade + `)"}`,
			Subject{Table: "account", IDs: []string{"account(" + unmade + ")"}}, Subject{Table: "account", IDs: []string{"account(" + unmade + ")"}}, dataverse.NotFound},
		{"get_record", `{"table":"account","id":7}`, Subject{}, Subject{}, dataverse.Invalid},
	} {
		*w = witness{}
		if _, err := set.Call(t.Context(), c.tool, json.RawMessage(c.args)); err != nil {
			t.Fatal(err)
		}
		if len(w.calls) != 1 || len(w.outcomes) != 1 {
			t.Fatalf("%s: told of %d calls and %d outcomes, want one each", c.tool, len(w.calls), len(w.outcomes))
		}
		if diff := cmp.Diff(c.before, w.calls[0].Subject); diff != "" {
			t.Errorf("%s %s, before: %s", c.tool, c.args, diff)
		}
		if diff := cmp.Diff(c.after, w.outcomes[0].Subject, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s %s, after: %s", c.tool, c.args, diff)
		}
		if got := w.outcomes[0].Kind; got != c.kind {
			t.Errorf("%s %s: got kind %q, want %q", c.tool, c.args, got, c.kind)
		}
	}
}

func TestObserversLearnOfToolsThatAreNotOffered(t *testing.T) {
	w := &witness{}
	set := connectWith(t, Options{ReadOnly: true, Observers: []Observer{w.observe}})
	for name, want := range map[string]string{"delete_record": "delete_record", strings.Repeat("x", 100): strings.Repeat("x", 80) + "…"} {
		*w = witness{}
		if _, err := set.Call(t.Context(), name, json.RawMessage(`{"table":"account"}`)); dataverse.KindOf(err) != dataverse.NotFound {
			t.Errorf("%s: got %v", name, err)
		}
		if len(w.calls) != 1 || w.calls[0].Tool != want || w.calls[0].Effect != 0 || len(w.outcomes) != 1 || w.outcomes[0].Kind != dataverse.NotFound {
			t.Errorf("%s: told of %+v and %+v, want one call that was not found", name, w.calls, w.outcomes)
		}
	}
}

func TestObserverThatRefusesStopsTheCall(t *testing.T) {
	first, last := &witness{}, &witness{refusal: errors.New("the disk is full")}
	set := connectWith(t, Options{Observers: []Observer{first.observe, last.observe}})
	result, err := set.Call(t.Context(), "create_record", json.RawMessage(`{"table":"account","values":{"name":"Litware"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if !result.IsError || !strings.Contains(result.Text, "nothing was done: the disk is full [unavailable]") {
		t.Errorf("got %+v, want the refusal", result)
	}
	if len(first.outcomes) != 1 || first.outcomes[0].Kind != dataverse.Unavailable || len(last.outcomes) != 0 {
		t.Errorf("got outcomes %v and %v, want one for the observer before the one that refused", first.outcomes, last.outcomes)
	}
	last.refusal = nil
	counted := call[countRecordsOut](t, set, countRecordsTool, `{"table":"account","filter":"name eq 'Litware'"}`)
	if counted.Count != 0 {
		t.Errorf("got %d accounts, want none: nothing may be sent for a call that was refused", counted.Count)
	}
}

func TestRecordIDIsAGUIDAndNothingElse(t *testing.T) {
	const guid = "7f3a1c52-0b1e-4a57-9c3d-2f6f1f7f0a11"
	for id, want := range map[string]string{
		guid: guid, strings.ToUpper(guid): guid, "contact(" + guid + ")": guid, "/contacts(" + guid + ")": guid,
		"emailaddress1='kim@example.com'": "", "contacts(emailaddress1='kim@example.com')": "", "{" + guid + "}": "",
		"urn:uuid:" + guid: "", "": "", "(": "",
	} {
		if got, ok := RecordID(id); ok != (want != "") || ok && got != want {
			t.Errorf("%q: got %q %t, want %q", id, got, ok, want)
		}
	}
}

// BenchmarkUnobserved is what a call costs more because it could be observed, when nobody does.
func BenchmarkUnobserved(b *testing.B) {
	set, err := New(Options{})
	if err != nil {
		b.Fatal(err)
	}
	given := map[string]json.RawMessage{"table": json.RawMessage(`"contact"`), "id": json.RawMessage(`"1"`)}
	b.ReportAllocs()
	for b.Loop() {
		call := newCall(set.mounted[0], "default", given, nil, set.options.Now())
		_, end, err := set.begin(b.Context(), call)
		end(Outcome{Subject: call.and(found(updateRecordOut{Table: "contact", ID: "1"})), Err: err})
	}
}
