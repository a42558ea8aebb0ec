package dataverse_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

// fetches is how many requests the service has had about metadata.
func (s *service) fetches() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.meta
}

func TestTablesGoByAnyOfTheirNames(t *testing.T) {
	c := start(t, &service{})
	for _, name := range []string{"contact", "contacts", "Contact", "CONTACTS", " contact ", "con-tact"} {
		table, err := c.Table(t.Context(), name)
		if err != nil {
			t.Errorf("%q: %v", name, err)
		} else if table.LogicalName != "contact" {
			t.Errorf("%q: got %s", name, table.LogicalName)
		}
	}
	users, err := c.Table(t.Context(), "users") // the display name of systemuser
	if err != nil || users.LogicalName != "systemuser" {
		t.Errorf("users: got %v, %v", users, err)
	}
	_, err = c.Table(t.Context(), "contct")
	e, ok := errors.AsType[*dataverse.Error](err)
	if !ok || e.Kind != dataverse.NotFound || !cmp.Equal(e.Nearest, []string{"contact"}) || e.Op != "describe table contct" {
		t.Errorf("contct: got %#v, want NotFound with the nearest name", err)
	}
}

func TestTablesAreSortedByLogicalName(t *testing.T) {
	list, err := start(t, &service{}).Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, info := range list {
		got = append(got, info.LogicalName)
	}
	if diff := cmp.Diff([]string{"account", "contact", "systemuser", "task", "team"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestATableIsDescribedInFull(t *testing.T) {
	table, err := start(t, &service{}).Table(t.Context(), "account")
	if err != nil {
		t.Fatal(err)
	}
	zero, most := 0.0, 1e14
	for name, want := range map[string]dataverse.Column{
		"revenue": {LogicalName: "revenue", DisplayName: "Annual Revenue", Type: dataverse.MoneyColumn, Required: dataverse.NotRequired,
			Create: true, Update: true, Read: true, Min: &zero, Max: &most, Precision: 2},
		"new_colors": {LogicalName: "new_colors", DisplayName: "Colors", Type: dataverse.ChoicesColumn, Required: dataverse.NotRequired,
			Create: true, Update: true, Read: true, Choices: []dataverse.Choice{{Value: 1, Label: "Red"}, {Value: 2, Label: "Green"}, {Value: 3, Label: "Blue"}}},
		"creditonhold": {LogicalName: "creditonhold", DisplayName: "Credit Hold", Type: dataverse.BooleanColumn, Required: dataverse.NotRequired,
			Create: true, Update: true, Read: true, Choices: []dataverse.Choice{{Value: 1, Label: "Yes"}, {Value: 0, Label: "No"}}},
	} {
		got, ok := table.Column(name)
		if !ok {
			t.Errorf("no column %s", name)
		} else if diff := cmp.Diff(&want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if _, ok := table.Column("primarycontactidname"); ok {
		t.Error("primarycontactidname is listed, want only columns that the Web API serves")
	}
	if diff := cmp.Diff([]dataverse.Key{{Name: "ByNumber", Columns: []string{"accountnumber"}, Active: true}}, table.Keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestMetadataIsFetchedOnceForAllCallersUntilItIsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		c := bubble(t, s)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if _, err := c.Table(t.Context(), "contact"); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := s.fetches(); n != 2 {
			t.Errorf("%d requests for 50 callers, want the list and the table", n)
		}
		time.Sleep(9 * time.Minute)
		if _, err := c.Table(t.Context(), "contacts"); err != nil || s.fetches() != 2 {
			t.Errorf("after 9 min: %d requests (%v), want 2", s.fetches(), err)
		}
		time.Sleep(2 * time.Minute)
		if _, err := c.Table(t.Context(), "contact"); err != nil || s.fetches() != 4 {
			t.Errorf("after 11 min: %d requests (%v), want 4", s.fetches(), err)
		}
	})
}

func TestAnUnknownNameIsLookedUpAnewOnceMetadataIsNotYoung(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{rows: always(200, `{"value":[]}`)}
		c := bubble(t, s)
		ask := func(want int) {
			t.Helper()
			_, err := c.Page(t.Context(), "contact", dataverse.Query{Select: []string{"nickname"}}, "")
			_, err2 := c.Update(t.Context(), "contact", contactID, dataverse.Values{"nickname": "Vonny"})
			_, err3 := c.Table(t.Context(), "contact", "fullname", "nickname")
			for _, err := range []error{err, err2, err3} {
				if dataverse.KindOf(err) != dataverse.Invalid || s.fetches() != want {
					t.Errorf("%d requests (%v), want %d and Invalid", s.fetches(), err, want)
				}
			}
		}
		ask(2)
		time.Sleep(61 * time.Second)
		ask(4)
		time.Sleep(30 * time.Second)
		ask(4)
	})
}

func TestACallerThatGivesUpDoesNotEndTheFetchOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(5 * time.Second):
			case <-r.Context().Done():
				return
			}
			s.ServeHTTP(w, r)
		})
		c := open(t, dataverse.Options{URL: "https://contoso.crm4.dynamics.com", Transport: cancelled{inProcess{slow}}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := c.Tables(ctx); !errors.Is(err, context.DeadlineExceeded) || dataverse.KindOf(err) != dataverse.Unavailable {
				t.Errorf("impatient: got %v, want Unavailable because of the deadline", err)
			}
		})
		synctest.Wait()
		all.Go(func() {
			if _, err := c.Tables(t.Context()); err != nil {
				t.Errorf("patient: %v", err)
			}
		})
		all.Wait()
		if n := s.fetches(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

func TestAFetchThatAllHaveCancelledEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan time.Time, 20)
		hung := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			ended <- time.Now()
		})
		c := open(t, dataverse.Options{URL: "https://contoso.crm4.dynamics.com", Transport: cancelled{inProcess{hung}}})
		first, cancelFirst := context.WithCancel(t.Context())
		second, cancelSecond := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for _, ctx := range []context.Context{first, second} {
			all.Go(func() {
				if _, err := c.Tables(ctx); !errors.Is(err, context.Canceled) {
					t.Errorf("got %v, want it cancelled", err)
				}
			})
		}
		synctest.Wait()
		cancelFirst()
		synctest.Wait()
		if len(ended) > 0 {
			t.Error("the fetch ended for one who still waits")
		}
		cancelSecond()
		all.Wait()
		synctest.Wait()
		if len(ended) == 0 {
			t.Error("the fetch goes on for nobody")
		}
	})
}

func TestMetadataIsNotWaitedForPastTheCallersTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		answer := scripted(throttled("50"), s.ServeHTTP)
		limited := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			answer(w, r)
		})
		c := open(t, dataverse.Options{URL: "https://contoso.crm4.dynamics.com", Transport: inProcess{limited}})
		began := time.Now()
		call := func(seconds time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), seconds*time.Second)
			defer cancel()
			_, err := c.Tables(ctx)
			return err
		}
		var all sync.WaitGroup
		all.Go(func() {
			err := call(45)
			if e, ok := errors.AsType[*dataverse.Error](err); !ok || e.Kind != dataverse.Throttled || e.RetryAfter == 0 || time.Since(began) > time.Second {
				t.Errorf("impatient: got %v after %v, want the reason at once", err, time.Since(began))
			}
		})
		synctest.Wait()
		all.Go(func() {
			if err := call(90); err != nil {
				t.Errorf("patient: %v", err)
			}
		})
		all.Wait()
	})
}

func TestAFailedFetchIsNotKept(t *testing.T) {
	s := &service{}
	broken := true
	flaky := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if broken {
			always(403, `{"error":{"code":"0x80040220","message":"missing prvReadEntity privilege"}}`)(w, r)
			return
		}
		s.ServeHTTP(w, r)
	})
	c := open(t, dataverse.Options{URL: "https://contoso.crm4.dynamics.com", Transport: inProcess{flaky}})
	if _, err := c.Table(t.Context(), "account"); dataverse.KindOf(err) != dataverse.Denied {
		t.Errorf("got %v, want Denied", err)
	}
	broken = false
	if _, err := c.Table(t.Context(), "account"); err != nil {
		t.Errorf("after the fault: %v", err)
	}
}

func TestWhoAmINamesWhatItMayRead(t *testing.T) {
	s := &service{rows: func(w http.ResponseWriter, r *http.Request) {
		switch path := strings.TrimPrefix(r.URL.Path, root); path {
		case "WhoAmI":
			always(200, `{"BusinessUnitId":"b","UserId":"u","OrganizationId":"o"}`)(w, r)
		case "systemusers(u)":
			always(200, `{"fullname":"Yvonne McKay","domainname":"yvonne@contoso.com","systemuserid":"u"}`)(w, r)
		case "businessunits(b)":
			always(200, `{"name":"Contoso"}`)(w, r)
		default:
			always(403, `{"error":{"code":"0x80040220","message":"missing prvReadOrganization"}}`)(w, r)
		}
	}}
	got, err := start(t, s).WhoAmI(t.Context())
	want := dataverse.Identity{UserID: "u", User: "Yvonne McKay", UserName: "yvonne@contoso.com", BusinessUnitID: "b", BusinessUnit: "Contoso", OrganizationID: "o"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
