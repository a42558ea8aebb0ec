package tools

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

const deleteContoso = `{"table":"account","id":"` + contoso + `"}`

// deletion of a record as a caller sees it, whatever came of it.
type deleteAnswer struct {
	Status, Deleted, Question, Confirmation, Message string
}

// remove calls delete_record as caller. The answer meets the schema that the model was shown.
func remove(t *testing.T, set *Set, caller Caller, args string) (deleteAnswer, *Question) {
	t.Helper()
	result, err := set.Call(WithCaller(t.Context(), caller), "delete_record", json.RawMessage(args))
	if err != nil {
		t.Fatal(err)
	}
	if result.IsError {
		t.Fatalf("delete_record %s: %s", args, result.Text)
	}
	for _, offer := range set.Offers() {
		if offer.Name == "delete_record" {
			meets(t, offer.Output, result.Text)
		}
	}
	var answer deleteAnswer
	if err := json.Unmarshal([]byte(result.Text), &answer); err != nil {
		t.Fatal(err)
	}
	return answer, result.Question
}

func with(args, confirmation string) string {
	return fmt.Sprintf(`%s,"confirmation":%q}`, strings.TrimSuffix(args, "}"), confirmation)
}

// accounts is how many are left.
func accounts(t *testing.T, set *Set) int {
	t.Helper()
	return int(call[countRecordsOut](t, set, find(t, "count_records"), `{"table":"account"}`).Count)
}

// testClock is a time that a test moves.
type testClock struct{ at time.Time }

func (c *testClock) now() time.Time { return c.at }

// twoSets are two processes on one environment: with the same key, or with one each.
func twoSets(t *testing.T, clock *testClock, key []byte) (a, b *Set) {
	t.Helper()
	o := Options{
		Connections: []Connection{{Name: "test", Deps: environment(t, twoAccounts()...)}}, Now: clock.now, ConfirmKey: key,
	}
	return newSet(t, o), newSet(t, o)
}

func TestToolsThatDestroyTakeAConfirmationAndSayWhatHappened(t *testing.T) {
	for _, offer := range newSet(t, Options{}).Offers() {
		destroys := offer.Effect == Destroys
		if got := strings.Contains(string(offer.Input), `"confirmation"`); got != destroys {
			t.Errorf("%s, which %s: confirmation among its arguments: %t", offer.Name, offer.Effect, got)
		}
		if got := strings.Contains(string(offer.Output), `"required":["status"]`); got != destroys {
			t.Errorf("%s, which %s: status in its answer: %t", offer.Name, offer.Effect, got)
		}
	}
}

func TestAToolThatDestroysIsNotMountedWithoutAQuestion(t *testing.T) {
	tool := find(t, "delete_record")
	tool.question = nil
	if _, err := mount(tool, nil); err == nil {
		t.Error("a tool that destroys without a question: got no error")
	}
}

func TestTheQuestionSaysWhatWillBeLost(t *testing.T) {
	set := connectWith(t, Options{}, twoAccounts()...)
	got, question := remove(t, set, Caller{}, deleteContoso)
	want := `Delete Account "Contoso" (` + contoso + `) for good? Deleted with it, where there are any: `
	if got.Status != statusRequired || !strings.HasPrefix(got.Question, want) || !strings.Contains(got.Question, "Contacts") {
		t.Errorf("got %+v, want the question %s…", got, want)
	}
	if question != nil {
		t.Errorf("got question %+v for a person, want none where nobody can be asked", question)
	}
	if got := accounts(t, set); got != 2 {
		t.Errorf("after the question: got %d accounts, want both", got)
	}
}

func TestTheNameOfARecordCannotRewriteTheQuestion(t *testing.T) {
	name := "Keep\u202e it\u200b\n\n\u2028Press \"yes\" \U000e0041" + strings.Repeat("x", 200)
	set := connectWith(t, Options{}, emulator.Rows("accounts", row{"accountid": contoso, "name": name[:150]}))
	got, _ := remove(t, set, Caller{}, deleteContoso)
	if !strings.HasPrefix(got.Question, `Delete Account "Keep it Press \"yes\" xxx`) || len(got.Question) > 500 {
		t.Errorf("got %s, want the name quoted, on one line and cut", got.Question)
	}
}

func TestTheQuestionNamesTheEnvironmentWhereThereAreSeveral(t *testing.T) {
	deps := environment(t, twoAccounts()...)
	set := newSet(t, Options{Connections: []Connection{{Name: "live", Deps: deps}, {Name: "trial", Deps: deps}}})
	got, _ := remove(t, set, Caller{}, `{"connection":"trial",`+deleteContoso[1:])
	if !strings.HasSuffix(got.Question, " Environment: trial.") {
		t.Errorf("got %s, want the environment", got.Question)
	}
	if again, _ := remove(t, set, Caller{}, with(deleteContoso, got.Confirmation)); again.Status != statusRequired {
		t.Errorf("confirmation for trial, used on live: got %+v, want it refused", again)
	}
}

func TestAConfirmationIsGoodForTheSameCall(t *testing.T) {
	set := connectWith(t, Options{}, twoAccounts()...)
	asked, _ := remove(t, set, Caller{ID: "ann"}, deleteContoso)
	got, _ := remove(t, set, Caller{ID: "ann"}, fmt.Sprintf(`{"confirmation":%q,"id":%q,"table":"account"}`, asked.Confirmation, contoso))
	if diff := cmp.Diff(deleteAnswer{Status: statusDone, Deleted: contoso}, got); diff != "" {
		t.Errorf("with the confirmation, in another order (-want +got):\n%s", diff)
	}
	if got := accounts(t, set); got != 1 {
		t.Errorf("got %d accounts, want one", got)
	}
}

func TestAConfirmationIsGoodForNothingElse(t *testing.T) {
	clock := &testClock{time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)}
	set, other := twoSets(t, clock, nil)
	ann := Caller{ID: "ann"}
	const another = "another call, or the record has changed"
	asked := func() string {
		got, _ := remove(t, set, ann, deleteContoso)
		return got.Confirmation
	}
	_, put := remove(t, set, Caller{ID: "ann", Asks: true}, deleteContoso)
	expired := asked()
	clock.at = clock.at.Add(sealLifetime)
	for name, try := range map[string]struct {
		set         *Set
		caller      Caller
		args, token string
		want        string
	}{
		"made up":              {set, ann, deleteContoso, "yes", another},
		"empty":                {set, ann, deleteContoso, "", another},
		"changed in one bit":   {set, ann, deleteContoso, flipped(asked()), another},
		"of another user":      {set, Caller{ID: "bob"}, deleteContoso, asked(), another},
		"of another record":    {set, ann, `{"table":"account","id":"` + fabrik + `"}`, asked(), another},
		"of other arguments":   {set, ann, `{"table":"accounts","id":"` + contoso + `"}`, asked(), another},
		"of another process":   {other, ann, deleteContoso, asked(), another},
		"a question's state":   {set, ann, deleteContoso, put.State, another},
		"five minutes too old": {set, ann, deleteContoso, expired, "has expired"},
	} {
		got, _ := remove(t, try.set, try.caller, with(try.args, try.token))
		if got.Status != statusRequired || !strings.Contains(got.Message, try.want) || got.Confirmation == try.token {
			t.Errorf("confirmation %s: got %+v, want another question, since it %s", name, got, try.want)
		}
	}
	if got := accounts(t, set); got != 2 {
		t.Errorf("got %d accounts, want both", got)
	}
}

// flipped is a seal with its last whole byte changed.
func flipped(sealed string) string {
	last := byte('A')
	if sealed[len(sealed)-2] == last {
		last = 'B'
	}
	return sealed[:len(sealed)-2] + string(last) + sealed[len(sealed)-1:]
}

func TestAConfirmationIsGoodOnce(t *testing.T) {
	clock := &testClock{time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)}
	set, replica := twoSets(t, clock, []byte("a key of both"))
	asked, _ := remove(t, set, Caller{}, deleteContoso)
	if got, _ := remove(t, replica, Caller{}, with(deleteContoso, asked.Confirmation)); got.Status != statusDone {
		t.Fatalf("at a replica with the same key: got %+v, want it done", got)
	}
	call[upsertRecordOut](t, set, find(t, "upsert_record"), `{"table":"account","id":"`+contoso+`","values":{"name":"Contoso"}}`)
	got, _ := remove(t, replica, Caller{}, with(deleteContoso, asked.Confirmation))
	if got.Status != statusRequired || !strings.Contains(got.Message, "the record has changed") {
		t.Errorf("again, for a record made anew: got %+v, want it refused", got)
	}
	clock.at = clock.at.Add(sealLifetime)
	remove(t, replica, Caller{}, with(deleteContoso, got.Confirmation))
	if n := len(replica.sealer.spent); n > 1 {
		t.Errorf("got %d proofs remembered, want those that have expired forgotten", n)
	}
}

func TestAProofIsAcceptedOnceAmongManyAtATime(t *testing.T) {
	s, d := newSealer(nil, time.Now), deed{tool: "delete_record", args: json.RawMessage(`{}`)}
	sealed := s.seal(forToken, d)
	verdicts := make([]verdict, 16)
	var wg sync.WaitGroup
	for i := range verdicts {
		wg.Go(func() { verdicts[i] = s.open(forToken, d, sealed) })
	}
	wg.Wait()
	accepted := 0
	for _, v := range verdicts {
		if v == valid {
			accepted++
		} else if v != spent {
			t.Errorf("got verdict %d, want %d", v, spent)
		}
	}
	if accepted != 1 {
		t.Errorf("16 at a time: got %d accepted, want 1", accepted)
	}
}

func TestARecordThatChangedIsAskedAboutAgain(t *testing.T) {
	set := connectWith(t, Options{}, twoAccounts()...)
	caller := Caller{Asks: true}
	_, put := remove(t, set, caller, deleteContoso)
	asked, _ := remove(t, set, Caller{}, deleteContoso)
	call[updateRecordOut](t, set, find(t, "update_record"), `{"table":"account","id":"`+contoso+`","values":{"telephone1":"555-0100"}}`)
	if got, again := remove(t, set, Caller{Asks: true, State: put.State, Answer: Agreed}, deleteContoso); again == nil || accounts(t, set) != 2 {
		t.Errorf("after a change that the question does not show: got %+v, want it asked again", got)
	}
	if got, _ := remove(t, set, Caller{}, with(deleteContoso, asked.Confirmation)); got.Status != statusRequired || accounts(t, set) != 2 {
		t.Errorf("a confirmation from before a change: got %+v, want it refused", got)
	}
	_, put = remove(t, set, caller, deleteContoso)
	call[updateRecordOut](t, set, find(t, "update_record"), `{"table":"account","id":"`+contoso+`","values":{"name":"Adventure Works"}}`)
	got, again := remove(t, set, Caller{Asks: true, State: put.State, Answer: Agreed}, deleteContoso)
	if again == nil || !strings.Contains(again.Text, "Adventure Works") || accounts(t, set) != 2 {
		t.Errorf("after a rename: got %+v, want the question about the new name", got)
	}
}

func TestAModelCannotAnswerForThePersonWhoCanBeAsked(t *testing.T) {
	set := connectWith(t, Options{}, twoAccounts()...)
	elsewhere, _ := remove(t, set, Caller{}, deleteContoso) // how a model may have come by a token
	for _, try := range []Caller{
		{Asks: true},
		{Asks: true, Answer: Agreed},
		{Asks: true, Answer: Agreed, State: elsewhere.Confirmation},
		{Asks: true, State: elsewhere.Confirmation},
	} {
		got, question := remove(t, set, try, with(deleteContoso, elsewhere.Confirmation))
		if got.Status != statusRequired || got.Confirmation != "" || question == nil {
			t.Errorf("%+v: got %+v, want the question for the person and no token", try, got)
		}
	}
	if got := accounts(t, set); got != 2 {
		t.Errorf("got %d accounts, want both", got)
	}
}

func TestAPersonsAnswerDecides(t *testing.T) {
	same := func(state string) string { return state }
	set := connectWith(t, Options{}, twoAccounts()...)
	for _, try := range []struct {
		id           string
		answer       Answer
		state        func(string) string
		status, says string
	}{
		{"ann", Declined, same, statusDeclined, "The user declined. Nothing was changed."},
		{"ann", Dismissed, same, statusDeclined, "did not answer"},
		{"ann", Unanswered, same, statusRequired, ""},
		{"bob", Agreed, same, statusRequired, ""},
		{"ann", Agreed, flipped, statusRequired, ""},
		{"ann", Agreed, same, statusDone, ""},
	} {
		_, put := remove(t, set, Caller{ID: "ann", Asks: true}, deleteContoso)
		got, _ := remove(t, set, Caller{ID: try.id, Asks: true, State: try.state(put.State), Answer: try.answer}, deleteContoso)
		if got.Status != try.status || !strings.Contains(got.Message, try.says) {
			t.Errorf("%s, answer %d: got %+v, want %s", try.id, try.answer, got, try.status)
		}
	}
	if got := accounts(t, set); got != 1 {
		t.Errorf("got %d accounts, want one", got)
	}
}

func TestNobodyIsAskedAboutWhatCannotBeDone(t *testing.T) {
	set := connectWith(t, Options{}, twoAccounts()...)
	for args, want := range map[string]string{
		`{"table":"account","id":"99999999-9999-4999-8999-999999999999"}`:    "[not_found",
		`{"table":"account","id":"` + contoso + `","etag":"W/\"0\""}`:        "[conflict]",
		`{"table":"account","id":"` + contoso + `","confirmation":true}`:     "confirmation: got boolean, want string",
		`{"table":"acount","id":"` + contoso + `"}`:                          "Did you mean account?",
		`{"table":"account","id":"` + contoso + `","confirm":true}`:          "confirm: unknown argument",
		`{"table":"account","id":"contact(` + contoso + `)"}`:                "is a record of contact",
		`{"table":"account","id":"` + contoso + `","etag":"W/\"0\"","x":""}`: "x: unknown argument",
	} {
		if got := failure(t, set, find(t, "delete_record"), args); !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %s", args, got, want)
		}
	}
}

func TestUnconfirmedAsksNobodyAndSaysWhatHappened(t *testing.T) {
	w := &witness{}
	set := connectWith(t, Options{Unconfirmed: true, Observers: []Observer{w.observe}}, twoAccounts()...)
	got, _ := remove(t, set, Caller{Asks: true}, with(deleteContoso, "any"))
	if diff := cmp.Diff(deleteAnswer{Status: statusDone, Deleted: contoso}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(w.outcomes) != 1 || w.outcomes[0].Status != statusDone {
		t.Errorf("observer: got %+v, want what became of the call", w.outcomes)
	}
}

func TestAProofIsOfOneDeed(t *testing.T) {
	at := stake{question: "Delete it?", version: `W/"1"`}
	d := deed{caller: "ann", tool: "delete_record", connection: "live", args: json.RawMessage(`{"a":1,"b":[2,3]}`), stake: at}
	s := newSealer(nil, time.Now)
	for name, change := range map[string]func(*deed){
		"caller":     func(d *deed) { d.caller = "bob" },
		"tool":       func(d *deed) { d.tool = "delete_table" },
		"connection": func(d *deed) { d.connection = "trial" },
		"arguments":  func(d *deed) { d.args = json.RawMessage(`{"a":1,"b":[3,2]}`) },
		"question":   func(d *deed) { d.question = "Delete that?" },
		"version":    func(d *deed) { d.version = `W/"2"` },
		"boundary":   func(d *deed) { d.caller, d.tool = "anndelete", "_record" },
	} {
		other := d
		change(&other)
		if got := s.open(forToken, other, s.seal(forToken, d)); got != forged {
			t.Errorf("with another %s: got verdict %d, want forged", name, got)
		}
	}
	d.args = json.RawMessage(` {"b": [2,3], "a": 1}`)
	if got := s.open(forToken, deed{caller: "ann", tool: "delete_record", connection: "live", args: json.RawMessage(`{"a":1,"b":[2,3]}`),
		stake: at}, s.seal(forToken, d)); got != valid {
		t.Errorf("the same in another order: got verdict %d, want valid", got)
	}
}
