package dataverse_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

// history answers RetrieveMetadataChanges: what it is told to tell next, then that nothing has changed.
type history struct {
	stamp  int
	asked  int // calls with a stamp
	begun  int // calls without one
	tables string
	gone   []string // MetadataIds
	fails  http.HandlerFunc
}

func (h *history) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	since := r.URL.Query().Get("@p3")
	if since == "" {
		h.begun++
	} else if h.asked++; since != fmt.Sprintf("'%d!01/02/2026 03:04:05'", h.stamp) {
		always(400, `{"error":{"code":"0x80040203","message":"not the stamp given last: `+since+`"}}`)(w, r)
		return
	}
	if since != "" && h.fails != nil {
		h.fails(w, r)
		return
	}
	h.stamp++
	deleted := `{"Count":0,"IsReadOnly":false,"Keys":[],"Values":[]}`
	if len(h.gone) > 0 {
		deleted = `{"Count":1,"IsReadOnly":false,"Keys":["Attribute"],"Values":[{"Items":["` + strings.Join(h.gone, `","`) + `"]}]}`
	}
	always(200, fmt.Sprintf(`{"ServerVersionStamp":"%d!01/02/2026 03:04:05","DeletedMetadata":%s,"EntityMetadata":[%s]}`, h.stamp, deleted, h.tables))(w, r)
	h.tables, h.gone = "", nil
}

// describe asks for tables, and counts the requests for their metadata.
func describe(t *testing.T, c *dataverse.Client, s *service, names ...string) int {
	t.Helper()
	before := s.fetches()
	for _, name := range names {
		if _, err := c.Table(t.Context(), name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	return s.fetches() - before
}

func TestOnlyWhatHasChangedIsFetchedAnew(t *testing.T) {
	const contact, list, team = 1, 1, 1 // requests
	for name, test := range map[string]struct {
		tables string
		gone   []string
		want   int
	}{
		"nothing":                           {want: 0},
		"a column":                          {tables: `{"LogicalName":"contact","HasChanged":false}`, want: contact},
		"a column, by a terse service":      {tables: `{"LogicalName":"contact","HasChanged":null}`, want: contact},
		"a table":                           {tables: `{"LogicalName":"contact","HasChanged":true}`, want: list + contact},
		"a table that was not held":         {tables: `{"LogicalName":"task","HasChanged":false}`, want: 0},
		"a new table":                       {tables: `{"LogicalName":"new_project","HasChanged":true}`, want: list},
		"several":                           {tables: `{"LogicalName":"team"},{"LogicalName":"contact"}`, want: contact + team},
		"a deleted column":                  {gone: []string{metadataID("contact.lastname")}, want: contact},
		"a deleted table":                   {gone: []string{strings.ToUpper(metadataID("team"))}, want: list + team},
		"something deleted that is not":     {gone: []string{metadataID("task.subject")}, want: 0},
		"something deleted, who knows what": {gone: []string{"?"}, want: list + contact + team},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &history{}
				s := &service{changes: h.ServeHTTP}
				c := bubble(t, s)
				if n := describe(t, c, s, "contact", "team"); n != list+contact+team || h.begun != 1 || h.asked != 0 {
					t.Fatalf("at first %d requests, %d and %d for changes", n, h.begun, h.asked)
				}
				time.Sleep(11 * time.Minute)
				h.tables, h.gone = test.tables, test.gone
				if n := describe(t, c, s, "contact", "team"); n != test.want || h.asked != 1 {
					t.Errorf("after the change %d requests, %d for changes, want %d and 1", n, h.asked, test.want)
				}
				if s.strong != test.want {
					t.Errorf("%d requests may be answered from memory of before the change", test.want-s.strong)
				}
				time.Sleep(11 * time.Minute)
				if n := describe(t, c, s, "contact", "team"); n != 0 || h.asked != 2 || h.begun != 1 {
					t.Errorf("later %d requests, %d and %d for changes, want 0, 1 and 2", n, h.begun, h.asked)
				}
			})
		})
	}
}

func TestMetadataIsFetchedAnewWhereTheServiceCannotTellWhatHasChanged(t *testing.T) {
	for name, fails := range map[string]http.HandlerFunc{
		"the stamp is too old": always(400, `{"error":{"code":"0x80044352","message":"Version stamp associated with the client has expired. Please perform a full sync."}}`),
		"a privilege is gone":  always(403, `{"error":{"code":"0x80040220","message":"missing a privilege"}}`),
		"the answer is odd":    always(200, `{"value":[]}`),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &history{fails: fails}
				s := &service{changes: h.ServeHTTP}
				c := bubble(t, s)
				describe(t, c, s, "contact")
				time.Sleep(11 * time.Minute)
				if n := describe(t, c, s, "contact"); n != 2 || h.begun != 2 {
					t.Errorf("%d requests, %d for stamps, want 2 and 2", n, h.begun)
				}
				h.fails = nil
				time.Sleep(11 * time.Minute)
				if n := describe(t, c, s, "contact"); n != 0 {
					t.Errorf("with a new stamp: %d requests, want none", n)
				}
			})
		})
	}
}

func TestMetadataThatCannotBeCheckedIsNotTakenForTrue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &history{}
		s := &service{changes: h.ServeHTTP}
		c := bubble(t, s)
		describe(t, c, s, "contact")
		time.Sleep(11 * time.Minute)
		h.fails = always(503, "")
		if _, err := c.Table(t.Context(), "contact"); dataverse.KindOf(err) != dataverse.Unavailable {
			t.Errorf("got %v, want Unavailable", err)
		}
		h.fails = nil
		if n := describe(t, c, s, "contact"); n != 0 {
			t.Errorf("after the fault: %d requests, want none", n)
		}
	})
}

func TestAnUnknownNameCostsOneCheckAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &history{}
		s := &service{changes: h.ServeHTTP}
		c := bubble(t, s)
		ask := func(wait time.Duration, checks int) {
			t.Helper()
			time.Sleep(wait)
			before := s.fetches()
			for _, name := range []string{"nickname", "maidenname"} {
				if _, err := c.Table(t.Context(), "contact", name); dataverse.KindOf(err) != dataverse.Invalid {
					t.Errorf("%s: got %v, want Invalid", name, err)
				}
			}
			if h.asked != checks || wait > 0 && s.fetches() != before {
				t.Errorf("%d checks, %d requests, want %d and none", h.asked, s.fetches()-before, checks)
			}
		}
		ask(0, 0)
		ask(30*time.Second, 0)
		ask(31*time.Second, 1)
		ask(59*time.Second, 1)
		time.Sleep(time.Minute)
		h.tables = `{"LogicalName":"contact"}`
		before := s.fetches()
		if _, err := c.Table(t.Context(), "contact", "nickname"); dataverse.KindOf(err) != dataverse.Invalid || s.fetches() != before+1 {
			t.Errorf("got %v after %d requests, want Invalid after 1", err, s.fetches()-before)
		}
	})
}

func TestNothingIsHeldForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{changes: (&history{}).ServeHTTP}
		c := bubble(t, s)
		describe(t, c, s, "contact")
		time.Sleep(8 * 24 * time.Hour)
		if n := describe(t, c, s, "contact"); n != 2 {
			t.Errorf("after 8 days: %d requests, want 2", n)
		}
	})
}

func TestANameThatTheServiceRefusesPutsMetadataInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &history{}
		s := &service{changes: h.ServeHTTP, rows: always(400, `{"error":{"code":"0x80060888","message":"Could not find a property named 'lastname' on type 'Microsoft.Dynamics.CRM.contact'."}}`)}
		c := bubble(t, s)
		describe(t, c, s, "contact")
		for _, step := range []struct {
			wait time.Duration
			want int // checks
		}{{30 * time.Second, 0}, {time.Minute, 1}, {30 * time.Second, 1}} {
			time.Sleep(step.wait)
			if _, err := c.Page(t.Context(), "contact", dataverse.Query{Select: []string{"lastname"}}, ""); dataverse.KindOf(err) != dataverse.Invalid {
				t.Errorf("got %v, want Invalid", err)
			}
			if describe(t, c, s, "contact"); h.asked != step.want {
				t.Errorf("%d checks, want %d", h.asked, step.want)
			}
		}
	})
}
