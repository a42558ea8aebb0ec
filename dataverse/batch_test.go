package dataverse_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

func first(n int) bool { return n == 1 }

func creates(n int) []dataverse.Operation {
	ops := make([]dataverse.Operation, n)
	for i := range ops {
		ops[i] = dataverse.Operation{Action: dataverse.CreateRow, Table: "account", Values: dataverse.Values{"name": fmt.Sprint("A", i)}}
	}
	return ops
}

func batch(t *testing.T, c *dataverse.Client, ops []dataverse.Operation, o dataverse.BatchOptions) []dataverse.Result {
	t.Helper()
	results, err := c.Batch(t.Context(), ops, o)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

const otherID = "b1d2c3e4-0c2b-4f7e-8f0a-2b4c6d8e0f13"

func TestEachOperationOfABatchSucceedsOrFailsByItself(t *testing.T) {
	const staleID, goneID = "c1d2c3e4-0c2b-4f7e-8f0a-2b4c6d8e0f13", "d1d2c3e4-0c2b-4f7e-8f0a-2b4c6d8e0f13"
	k := &keeper{writes: map[string]int{accountID: 1, staleID: 1, goneID: 1}}
	s := &service{rows: unpacked(k.ServeHTTP)}
	results := batch(t, start(t, s), []dataverse.Operation{
		{Action: dataverse.CreateRow, Table: "account", Values: dataverse.Values{"name": "A", "accountid": contactID}},
		{Action: dataverse.UpdateRow, Table: "accounts", ID: accountID, Values: dataverse.Values{"industrycode": "consulting"}},
		{Action: dataverse.UpdateRow, Table: "account", ID: otherID, Values: dataverse.Values{"name": "B"}},
		{Action: dataverse.UpdateRow, Table: "account", ID: accountID, Values: dataverse.Values{"nme": "B"}},
		{Action: dataverse.UpdateRow, Table: "account", ID: staleID, Values: dataverse.Values{"name": "C"}, IfMatch: `W/"0"`},
		{Action: "merge", Table: "account", ID: accountID},
		{Action: dataverse.CreateRow, Table: "account", Values: dataverse.Values{"name": "bad"}},
		{Action: dataverse.DeleteRow, Table: "account", ID: goneID},
	}, dataverse.BatchOptions{})
	type seen struct {
		Position      int
		ID, ETag      string
		Created       bool
		Kind          dataverse.Kind
		Op, Message   string
		InDoubt       bool
		HasSuggestion bool
	}
	got := []seen{}
	for _, r := range results {
		one := seen{Position: r.Position, ID: r.ID, ETag: r.ETag, Created: r.Created, InDoubt: r.Err != nil && r.Err.InDoubt}
		if r.Err != nil {
			one.Kind, one.Op, one.Message, one.HasSuggestion = r.Err.Kind, r.Err.Op, r.Err.Message, len(r.Err.Nearest) > 0
		}
		got = append(got, one)
	}
	want := []seen{
		{Position: 0, ID: contactID, Created: true},
		{Position: 1, ID: accountID, ETag: `W/"7"`},
		{Position: 2, ID: otherID, Kind: dataverse.NotFound, Op: "operation 3, update account", Message: "Entity 'account' With Id = " + otherID + " Does Not Exist"},
		{Position: 3, Kind: dataverse.Invalid, Op: "operation 4, update account", HasSuggestion: true},
		{Position: 4, ID: staleID, Kind: dataverse.Conflict, Op: "operation 5, update account"},
		{Position: 5, Kind: dataverse.Invalid, Op: "operation 6, merge account"},
		{Position: 6, Kind: dataverse.Invalid, Op: "operation 7, create account", Message: "Credit limit exceeded"},
		{Position: 7, ID: goneID},
	}
	for i := range want {
		if want[i].Message == "" {
			got[i].Message = ""
		}
	}
	got[6].ID = "" // picked by the client
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if sent := s.requests(); len(sent) != 1 || sent[0].Header.Get("Prefer") != "odata.continue-on-error" || !strings.Contains(sent[0].Body, "PATCH /api/data/v9.2/accounts("+accountID+")?$select=accountid HTTP/1.1\r\n") {
		t.Errorf("got %d requests, want one $batch that goes on after an error: %+v", len(sent), sent)
	}
}

func TestLongBatchesGoInParts(t *testing.T) {
	k := &keeper{}
	s := &service{rows: unpacked(k.ServeHTTP)}
	results := batch(t, start(t, s), creates(2500), dataverse.BatchOptions{})
	for i, r := range results {
		if r.Err != nil || r.Position != i || k.writes[r.ID] != 1 {
			t.Fatalf("operation %d: %+v, want its row made", i, r)
		}
	}
	if n := len(s.requests()); n != 3 {
		t.Errorf("%d requests, want 3 of at most 1000 operations", n)
	}
}

func TestALostAnswerToABatchMakesNoDuplicates(t *testing.T) {
	for name, atomic := range map[string]bool{"each by itself": false, "all or none": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := &keeper{}
				s := &service{rows: losing(unpacked(k.ServeHTTP), first)}
				results := batch(t, bubble(t, s), creates(20), dataverse.BatchOptions{Atomic: atomic})
				for i, r := range results {
					if r.Err != nil || !r.Created || k.writes[r.ID] != 1 {
						t.Errorf("operation %d: %+v, want its row made once", i, r)
					}
				}
				if rows, _ := k.total(); rows != 20 {
					t.Errorf("%d rows, want 20", rows)
				}
			})
		})
	}
}

func TestOperationsThatAreNotSafeToRepeatAreSentOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{writes: map[string]int{accountID: 1, contactID: 1}}
		s := &service{rows: losing(unpacked(k.ServeHTTP), first)}
		results := batch(t, bubble(t, s), []dataverse.Operation{
			{Action: dataverse.UpdateRow, Table: "account", ID: accountID, Values: dataverse.Values{"name": "A"}},
			{Action: dataverse.CreateRow, Table: "account", Values: dataverse.Values{"accountid": otherID}},
			{Action: dataverse.DeleteRow, Table: "account", ID: contactID},
			{Action: dataverse.CreateRow, Table: "account", Values: dataverse.Values{"name": "A"}},
		}, dataverse.BatchOptions{})
		for i, uncertain := range []bool{true, true, false, false} {
			r := results[i]
			if (r.Err != nil) != uncertain || uncertain && !r.Err.InDoubt || uncertain && !strings.Contains(r.Err.Message, "not known") {
				t.Errorf("operation %d: %+v, want uncertain %v", i, r, uncertain)
			}
		}
		if k.writes[accountID] != 2 || k.writes[otherID] != 1 {
			t.Errorf("writes: %v, want one of the update and one of the create with its own id", k.writes)
		}
	})
}

func TestOperationsThatWereThrottledInsideABatchAreSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{writes: map[string]int{accountID: 1}}
		one := scripted(k.ServeHTTP, throttled("20"), throttled("10"), k.ServeHTTP)
		s := &service{rows: unpacked(one)}
		ops := creates(4)
		ops[1] = dataverse.Operation{Action: dataverse.UpdateRow, Table: "account", ID: accountID, Values: dataverse.Values{"name": "A"}}
		results := batch(t, bubble(t, s), ops, dataverse.BatchOptions{})
		for i, r := range results {
			if r.Err != nil {
				t.Errorf("operation %d: %v", i, r.Err)
			}
		}
		if rows, twice := k.total(); rows != 4 || k.writes[accountID] != 2 || !twice {
			t.Errorf("writes %v, want each once", k.writes)
		}
		if n := len(s.requests()); n != 2 {
			t.Errorf("%d requests, want 2", n)
		}
	})
}

func TestABatchThatTheServiceTakesBitByBitIsFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{}
		var n atomic.Int64
		s := &service{rows: unpacked(func(w http.ResponseWriter, r *http.Request) {
			if n.Add(1)%4 > 0 { // one in four is carried out
				throttled("1")(w, r)
				return
			}
			k.ServeHTTP(w, r)
		})}
		for i, r := range batch(t, bubble(t, s), creates(40), dataverse.BatchOptions{}) {
			if r.Err != nil || k.writes[r.ID] != 1 {
				t.Errorf("operation %d: %+v, want its row made", i, r)
			}
		}
	})
}

func TestAnAtomicBatchIsAllOrNothing(t *testing.T) {
	k := &keeper{}
	s := &service{rows: unpacked(k.ServeHTTP)}
	c := start(t, s)
	results, err := c.Batch(t.Context(), slices.Concat(creates(1), []dataverse.Operation{
		{Action: dataverse.CreateRow, Table: "account", Values: dataverse.Values{"name": "bad"}}}), dataverse.BatchOptions{Atomic: true})
	if dataverse.KindOf(err) != dataverse.Invalid || !strings.Contains(err.Error(), "operation 2, create account: Credit limit exceeded") || results != nil {
		t.Errorf("got %v and %v, want the error of the operation that failed", results, err)
	}
	for _, r := range batch(t, c, creates(3), dataverse.BatchOptions{Atomic: true}) {
		if r.Err != nil || r.ID == "" || !r.Created {
			t.Errorf("%+v, want a row made", r)
		}
	}
	sent := s.last(t).Body
	if !strings.Contains(sent, "Content-Type: multipart/mixed; boundary=changeset_") || !strings.Contains(sent, "Content-ID: 3\r\n") {
		t.Errorf("sent %q, want a change set with numbered requests", sent)
	}
	s.reset()
	for name, ops := range map[string][]dataverse.Operation{
		"too many":  creates(1001),
		"one wrong": slices.Concat(creates(1), []dataverse.Operation{{Action: dataverse.DeleteRow, Table: "accunt", ID: accountID}}),
	} {
		if _, err := c.Batch(t.Context(), ops, dataverse.BatchOptions{Atomic: true}); err == nil || len(s.requests()) != 0 {
			t.Errorf("%s: %v after %d requests, want it refused before anything is sent", name, err, len(s.requests()))
		}
	}
}

func TestAnAtomicBatchThatWasCarriedOutIsFoundToBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{}
		s := &service{rows: unpacked(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				k.ServeHTTP(w, r)
				return
			}
			k.ServeHTTP(httptest.NewRecorder(), r)
			always(503, ``)(w, r)
		})}
		for i, r := range batch(t, bubble(t, s), creates(1), dataverse.BatchOptions{Atomic: true}) {
			if r.Err != nil || k.writes[r.ID] != 1 {
				t.Errorf("operation %d: %+v, want its row made", i, r)
			}
		}
	})
}

func TestAnAtomicBatchThatIsNotSafeToRepeatIsSentOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{writes: map[string]int{accountID: 1}}
		s := &service{rows: losing(unpacked(k.ServeHTTP), first)}
		_, err := bubble(t, s).Batch(t.Context(), []dataverse.Operation{
			{Action: dataverse.UpdateRow, Table: "account", ID: accountID, Values: dataverse.Values{"name": "A"}}}, dataverse.BatchOptions{Atomic: true})
		if n := len(s.requests()); n != 1 || dataverse.KindOf(err) != dataverse.Unavailable || strings.Count(err.Error(), "not known") != 1 {
			t.Errorf("%d requests, %v; want one, and an error that tells that the outcome is not known", n, err)
		}
	})
}

func TestACancelledBatchSendsNothing(t *testing.T) {
	s := &service{}
	c := start(t, s)
	if _, err := c.Table(t.Context(), "account"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	results, err := c.Batch(ctx, creates(2), dataverse.BatchOptions{})
	if len(s.requests()) != 0 {
		t.Errorf("%d requests, want none (%v, %v)", len(s.requests()), results, err)
	}
	for _, r := range results {
		if r.Err == nil || r.Err.InDoubt {
			t.Errorf("%+v, want certainly not carried out", r)
		}
	}
}

func TestQueriesTooLongForAURLGoInABatch(t *testing.T) {
	s := &service{rows: unpacked(func(w http.ResponseWriter, r *http.Request) {
		if len(r.URL.RawQuery) < 40_000 || !strings.Contains(r.Header.Get("Prefer"), "odata.maxpagesize=10") {
			t.Errorf("got %d bytes of query, headers %v", len(r.URL.RawQuery), r.Header)
		}
		always(200, `{"value":[{"accountid":"`+accountID+`","name":"Contoso"}]}`)(w, r)
	})}
	page, err := start(t, s).Page(t.Context(), "account", dataverse.Query{
		Filter: "name eq '" + strings.Repeat("x", 40_000) + "'", Select: []string{"name"}, Size: 10}, "")
	if err != nil || len(page.Rows) != 1 || page.Rows[0].ID != accountID {
		t.Errorf("got %+v, %v, want the row", page, err)
	}
	if r := s.last(t); r.Method != http.MethodPost || r.Path != "$batch" {
		t.Errorf("sent %s %s, want a $batch", r.Method, r.Path)
	}
}

func TestAReadInABatchIsRepeatedAndExplained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		missing := always(404, `{"error":{"code":"0x80060888","message":"no such thing"}}`)
		s := &service{rows: unpacked(scripted(throttled("3"), always(503, ``), missing))}
		_, err := bubble(t, s).Page(t.Context(), "account", dataverse.Query{Filter: "name eq '" + strings.Repeat("x", 40_000) + "'"}, "")
		if n := len(s.requests()); n != 3 || dataverse.KindOf(err) != dataverse.Invalid || err.Error() != "list account: no such thing (0x80060888)" {
			t.Errorf("after %d requests: %v, want the third answer's error", n, err)
		}
	})
}
