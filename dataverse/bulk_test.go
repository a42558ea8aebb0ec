package dataverse_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

func named(n int) []dataverse.Values {
	rows := make([]dataverse.Values, n)
	for i := range rows {
		rows[i] = dataverse.Values{"name": fmt.Sprint("A", i)}
	}
	return rows
}

func createMany(t *testing.T, c *dataverse.Client, rows []dataverse.Values) []dataverse.Result {
	t.Helper()
	results, err := c.CreateMany(t.Context(), "account", rows)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != len(rows) {
		t.Fatalf("%d results for %d rows", len(results), len(rows))
	}
	return results
}

const (
	createMultiple = "POST accounts/Microsoft.Dynamics.CRM.CreateMultiple"
	updateMultiple = "POST accounts/Microsoft.Dynamics.CRM.UpdateMultiple"
	upsertMultiple = "POST accounts/Microsoft.Dynamics.CRM.UpsertMultiple"
)

func TestManyRowsGoInFewRequests(t *testing.T) {
	for name, bulk := range map[string]bool{"by CreateMultiple": true, "by $batch": false} {
		t.Run(name, func(t *testing.T) {
			k := &keeper{bulk: bulk}
			s := &service{rows: unpacked(k.ServeHTTP)}
			c := start(t, s)
			for i, r := range createMany(t, c, named(1000)) {
				if r.Err != nil || r.Position != i || !r.Created || k.writes[r.ID] != 1 {
					t.Fatalf("row %d: %+v, want it made", i, r)
				}
			}
			if n := len(s.requests()); n != 6 {
				t.Errorf("%d requests, want 5 and one that asks for the message", n)
			}
			if (k.asked(createMultiple) > 0) != bulk {
				t.Errorf("CreateMultiple was asked for %d times", k.asked(createMultiple))
			}
			createMany(t, c, named(3))
			if n := k.asked("GET sdkmessagefilters"); n != 1 {
				t.Errorf("asked %d times for the message, want once", n)
			}
		})
	}
}

func TestOneBadRowKeepsNoOtherAway(t *testing.T) {
	k := &keeper{bulk: true}
	s := &service{rows: unpacked(k.ServeHTTP)}
	rows := named(300)
	rows[7] = dataverse.Values{"nme": "A"}
	rows[42]["name"] = "bad"
	results := createMany(t, start(t, s), rows)
	for i, r := range results {
		switch {
		case i == 7 && (r.Err == nil || !slices.Contains(r.Err.Nearest, "name")):
			t.Errorf("row 7: %+v, want its unknown column refused with the nearest", r)
		case i == 42 && (r.Err == nil || r.Err.Error() != "row 43, create account: Credit limit exceeded (0x80040265)" || r.Err.InDoubt):
			t.Errorf("row 42: %+v, want the service's words", r)
		case i != 7 && i != 42 && r.Err != nil:
			t.Errorf("row %d: %v", i, r.Err)
		}
	}
	if n, twice := k.total(); n != 298 || twice {
		t.Errorf("%d rows, want 298, each once", n)
	}
}

func TestLostAnswersMakeNoDuplicatesAndLoseNoRows(t *testing.T) {
	for name, bulk := range map[string]bool{"by CreateMultiple": true, "by $batch": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dice := rand.New(rand.NewPCG(1, 2))
				k := &keeper{bulk: bulk}
				s := &service{rows: losing(unpacked(k.ServeHTTP), func(int) bool { return dice.IntN(3) == 0 })}
				for i, r := range createMany(t, bubble(t, s), named(2000)) {
					if r.Err != nil || r.ID == "" {
						t.Fatalf("row %d: %+v, want it made", i, r)
					}
				}
				if n, twice := k.total(); n != 2000 || twice {
					t.Errorf("%d rows, one of them twice: %v, want 2000, each once", n, twice)
				}
			})
		})
	}
}

func TestChangesOfManyRowsAreSentOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{bulk: true, writes: map[string]int{accountID: 1, contactID: 1}}
		lost := atomic.Bool{}
		s := &service{rows: losing(unpacked(k.ServeHTTP), func(int) bool { return lost.Load() })}
		c := bubble(t, s)
		rows := []dataverse.RowValues{{ID: accountID, Values: dataverse.Values{"name": "A"}}, {ID: contactID, Values: dataverse.Values{"name": "B"}}}
		for _, many := range []struct {
			call    string
			results func() ([]dataverse.Result, error)
		}{
			{updateMultiple, func() ([]dataverse.Result, error) { return c.UpdateMany(t.Context(), "account", rows) }},
			{upsertMultiple, func() ([]dataverse.Result, error) { return c.UpsertMany(t.Context(), "account", rows) }},
		} {
			for _, losing := range []bool{false, true} {
				if lost.Store(losing); losing {
					k.calls = nil
				}
				results, err := many.results()
				if err != nil || len(results) != 2 {
					t.Fatalf("%v, %v", results, err)
				}
				for i, r := range results {
					if r.ID != rows[i].ID || (r.Err != nil) != losing || losing && !r.Err.InDoubt {
						t.Errorf("%s, lost %v: %+v", many.call, losing, r)
					}
				}
				if n := k.asked(many.call); n != 1 {
					t.Errorf("%s: sent %d times, want once", many.call, n)
				}
			}
		}
		if k.writes[accountID] != 5 {
			t.Errorf("written %d times, want one create and four changes", k.writes[accountID])
		}
	})
}

func TestChangesOfManyRowsThatMayHaveBeenMadeAreNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{bulk: true, writes: map[string]int{accountID: 1, contactID: 1}}
		take := unpacked(k.ServeHTTP)
		s := &service{rows: func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.URL.Path, "Multiple") {
				take(w, r)
				return
			}
			take(httptest.NewRecorder(), r)
			always(500, `<h1>Server Error</h1>`)(w, r)
		}}
		results, err := bubble(t, s).UpdateMany(t.Context(), "account", []dataverse.RowValues{
			{ID: accountID, Values: dataverse.Values{"name": "A"}}, {ID: contactID, Values: dataverse.Values{"name": "B"}}})
		for i, r := range results {
			if r.Err == nil || !r.Err.InDoubt {
				t.Errorf("row %d: %+v, want it in doubt", i, r)
			}
		}
		if err != nil || k.writes[accountID] != 2 {
			t.Errorf("%v, written %d times, want a create and one change", err, k.writes[accountID])
		}
	})
}

func TestRowsThatAreMissingAreFoundAmongMany(t *testing.T) {
	k := &keeper{bulk: true, writes: map[string]int{accountID: 1}}
	s := &service{rows: unpacked(k.ServeHTTP)}
	results, err := start(t, s).UpdateMany(t.Context(), "account", []dataverse.RowValues{
		{ID: accountID, Values: dataverse.Values{"name": "A"}}, {ID: otherID, Values: dataverse.Values{"name": "B"}}})
	if err != nil || results[0].Err != nil || dataverse.KindOf(results[1].Err) != dataverse.NotFound {
		t.Errorf("%+v, %v; want the first changed and the second not found", results, err)
	}
}

func TestChangesOfOneRowKeepTheirOrder(t *testing.T) {
	k := &keeper{bulk: true, writes: map[string]int{accountID: 1}}
	s := &service{rows: unpacked(k.ServeHTTP)}
	rows := []dataverse.RowValues{}
	for i := range 500 {
		rows = append(rows, dataverse.RowValues{ID: accountID, Values: dataverse.Values{"name": fmt.Sprint("A", i)}})
	}
	results, err := start(t, s).UpdateMany(t.Context(), "account", rows)
	if err != nil || len(s.requests()) != 1 || k.asked("PATCH accounts") != 500 {
		t.Errorf("%d requests with %d changes, %v, %+v; want one batch, which keeps the order", len(s.requests()), k.asked("PATCH accounts"), err, results[0])
	}
}

func TestChangesOfOneRowKeepTheirOrderThoughOneIsThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{bulk: true, writes: map[string]int{accountID: 1}}
		var done []string
		n := 0
		s := &service{rows: unpacked(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			switch n++; {
			case n == 2 || n == 7:
				throttled("1")(w, r)
				return
			case strings.Contains(string(body), "bad"):
				always(400, `{"error":{"code":"0x80040265","message":"Credit limit exceeded"}}`)(w, r)
				return
			}
			done = append(done, string(body))
			k.ServeHTTP(w, r)
		})}
		var rows []dataverse.RowValues
		for _, name := range []string{"A", "B", "bad", "C", "D", "bad", "E"} {
			rows = append(rows, dataverse.RowValues{ID: accountID, Values: dataverse.Values{"name": name}})
		}
		results, err := bubble(t, s).UpdateMany(t.Context(), "account", rows)
		want := []string{`{"name":"A"}`, `{"name":"B"}`, `{"name":"C"}`, `{"name":"D"}`, `{"name":"E"}`}
		if diff := cmp.Diff(want, done); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		for i, r := range results {
			if bad := rows[i].Values["name"] == "bad"; bad != (r.Err != nil) {
				t.Errorf("row %d: %+v", i, r)
			}
		}
	})
}

func TestAChangeOfARowComesAfterItsCreationThoughThatIsThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		var done []string
		k := &keeper{bulk: true, writes: map[string]int{}}
		s := &service{rows: unpacked(func(w http.ResponseWriter, r *http.Request) {
			if n++; n == 1 {
				throttled("1")(w, r)
				return
			}
			done = append(done, r.Method)
			k.ServeHTTP(w, r)
		})}
		results, err := bubble(t, s).Batch(t.Context(), []dataverse.Operation{
			{Action: dataverse.CreateRow, Table: "account", Values: dataverse.Values{"accountid": accountID, "name": "A"}},
			{Action: dataverse.UpdateRow, Table: "account", ID: accountID, Values: dataverse.Values{"name": "B"}},
		}, dataverse.BatchOptions{})
		if diff := cmp.Diff([]string{"POST", "PATCH"}, done); diff != "" || err != nil || results[0].Err != nil || results[1].Err != nil {
			t.Errorf("%+v, %v (-want +got):\n%s", results, err, diff)
		}
	})
}

func TestPartsRunAsTheServiceRecommends(t *testing.T) {
	for hint, want := range map[string]int64{"": 4, "7": 7, "100": 8} {
		synctest.Test(t, func(t *testing.T) {
			var now, most atomic.Int64
			k := &keeper{bulk: true}
			s := &service{rows: func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("x-ms-dop-hint", hint)
				if n := now.Add(1); n > most.Load() {
					most.Store(n)
				}
				time.Sleep(time.Second)
				now.Add(-1)
				k.ServeHTTP(w, r)
			}}
			c := limited(t, s, dataverse.Limits{InFlight: 8})
			createMany(t, c, named(1)) // learns the hint
			createMany(t, c, named(4000))
			if most.Load() != want {
				t.Errorf("hint %q: %d parts at once, want %d", hint, most.Load(), want)
			}
		})
	}
}

func TestAnUnknownTableIsToldOnce(t *testing.T) {
	s := &service{}
	results, err := start(t, s).CreateMany(t.Context(), "acount", named(3))
	if dataverse.KindOf(err) != dataverse.NotFound || results != nil || !strings.Contains(err.Error(), "nearest: account") {
		t.Errorf("%v, %v; want one error with the nearest name", results, err)
	}
}

func TestGivenIDsAreKept(t *testing.T) {
	k := &keeper{bulk: true}
	s := &service{rows: unpacked(k.ServeHTTP)}
	id := uuid.NewString()
	results := createMany(t, start(t, s), []dataverse.Values{{"accountid": id, "name": "A"}, {"name": "B"}})
	if results[0].ID != id || results[1].ID == id || results[1].ID == "" {
		t.Errorf("got %+v, want id %s for the first", results, id)
	}
}
