package dataverse_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// paged asks for pages of two rows, whatever the client prefers.
type paged struct{ http.RoundTripper }

func (p paged) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Add("Prefer", "odata.maxpagesize=2")
	return p.RoundTripper.RoundTrip(r)
}

// following reads changes to their end, and counts the parts that they come in.
func following(ctx context.Context, c *dataverse.Client, columns []string, token string) (all dataverse.Changes, parts int, err error) {
	for all.Token, all.More = token, true; all.More; parts++ {
		part, err := c.Changes(ctx, "account", columns, all.Token)
		if err != nil {
			return all, parts, err
		}
		all = dataverse.Changes{
			Rows: append(all.Rows, part.Rows...), Deleted: append(all.Deleted, part.Deleted...),
			Token: part.Token, More: part.More,
		}
	}
	return all, parts, nil
}

func changes(t *testing.T, c *dataverse.Client, token string) dataverse.Changes {
	t.Helper()
	all, _, err := following(t.Context(), c, []string{"name", "accountnumber"}, token)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestChangesComeInPartsThatGoOnAnywhere(t *testing.T) {
	server := emulator.Start(t)
	open := func() *dataverse.Client {
		return open(t, dataverse.Options{URL: server.URL, Transport: paged{signedIn{server.Token}}})
	}
	c := open()
	var ids []string
	for _, name := range []string{"A", "B", "C", "D", "E"} {
		ids = append(ids, create(t, c, "account", dataverse.Values{"name": name}))
	}
	read := func(token string, wantMore ...bool) (got []string, last string) {
		t.Helper()
		for i, want := range wantMore {
			part, err := open().Changes(t.Context(), "account", []string{"name"}, token) // by another process each
			if err != nil {
				t.Fatal(err)
			}
			if n := len(part.Rows) + len(part.Deleted); n > 2 || part.More != want {
				t.Errorf("part %d: %d rows, more %v, want at most 2, %v", i, n, part.More, want)
			}
			got, token = append(append(got, names(part.Rows)...), part.Deleted...), part.Token
		}
		return got, token
	}
	got, token := read("", true, true, false)
	if diff := cmp.Diff([]string{"A", "B", "C", "D", "E"}, got); diff != "" {
		t.Errorf("all rows (-want +got)\n%s", diff)
	}
	for _, id := range ids[:2] {
		if _, err := c.Update(t.Context(), "account", id, dataverse.Values{"name": "new"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Delete(t.Context(), "account", ids[4]); err != nil {
		t.Fatal(err)
	}
	got, token = read(token, true, false)
	if diff := cmp.Diff([]string{"new", "new", ids[4]}, got); diff != "" {
		t.Errorf("what changed (-want +got)\n%s", diff)
	}
	if got, _ = read(token, false); len(got) > 0 {
		t.Errorf("behind the last change: got %v", got)
	}
}

func TestChangesAreAllRowsAndThenWhatChanged(t *testing.T) {
	server := emulator.Start(t)
	for name, transport := range map[string]http.RoundTripper{"in one page": signedIn{server.Token}, "in many pages": paged{signedIn{server.Token}}} {
		t.Run(name, func(t *testing.T) {
			c := open(t, dataverse.Options{URL: server.URL, Transport: transport})
			var ids []string
			for _, name := range []string{"A", "B", "C", "D", "E"} {
				ids = append(ids, create(t, c, "account", dataverse.Values{"name": name}))
			}
			first := changes(t, c, "")
			if got := strings.Join(names(first.Rows), " "); !strings.HasSuffix(got, "A B C D E") || len(first.Deleted) > 0 || first.Token == "" {
				t.Fatalf("got %q, %v, token %q", got, first.Deleted, first.Token)
			}
			if got := first.Rows[0]; !slices.Equal(got.Columns(), []string{"name", "accountnumber"}) || got.ETag == "" || got.ID == "" {
				t.Errorf("got %+v, want the columns asked for", got)
			}
			for _, id := range ids[:3] {
				if err := c.Delete(t.Context(), "account", id); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := c.Update(t.Context(), "account", ids[3], dataverse.Values{"name": "D2"}); err != nil {
				t.Fatal(err)
			}
			second := changes(t, c, first.Token)
			if got := strings.Join(names(second.Rows), " "); got != "D2" || !slices.Equal(second.Deleted, ids[:3]) {
				t.Errorf("got %q, deleted %v, want D2 and %v", got, second.Deleted, ids[:3])
			}
			third := changes(t, c, second.Token)
			if len(third.Rows)+len(third.Deleted) > 0 || third.Token == "" {
				t.Errorf("behind the last change: got %+v", third)
			}
		})
	}
}

func TestATokenFitsTheTableAndColumnsItCameFrom(t *testing.T) {
	c := emulated(t)
	token := changes(t, c, "").Token
	for _, test := range []struct {
		table, token string
		columns      []string
		want         string
	}{
		{"account", token, []string{"name"}, "follow account: token: it belongs to another query, repeat the query that it came from"},
		{"contact", token, []string{"fullname"}, "follow contact: token: it belongs to another query, repeat the query that it came from"},
		{"account", "x" + token, []string{"name", "accountnumber"}, "follow account: token: it is damaged, use it as it was returned, or start without one"},
		{"account", "", []string{"nmae"}, "follow account: table account has no column \"nmae\", nearest: name"},
		{"email", "", []string{"subject", "to"}, "follow email: column to: parties cannot be followed; follow table activityparty"},
		{"userquery", "", nil, "follow userquery: table userquery does not track changes: turn on its change tracking first"},
	} {
		_, err := c.Changes(t.Context(), test.table, test.columns, test.token)
		if dataverse.KindOf(err) != dataverse.Invalid || err.Error() != test.want {
			t.Errorf("%s %v: got %v, want %s", test.table, test.columns, err, test.want)
		}
	}
}

func TestAnOldTokenIsToBeginAnew(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	c := emulated(t, emulator.Clock(func() time.Time { return now }))
	token := changes(t, c, "").Token
	now = now.Add(8 * 24 * time.Hour)
	_, err := c.Changes(t.Context(), "account", []string{"name", "accountnumber"}, token)
	want := "follow account: the token is older than the service remembers deletions for: start anew without a token, which reads all rows (0x80044352)"
	if dataverse.KindOf(err) != dataverse.Conflict || err.Error() != want {
		t.Errorf("got %v (%s), want %s", err, dataverse.KindOf(err), want)
	}
}

func TestChangesAreReadAsMicrosoftShowsThem(t *testing.T) {
	s := &service{}
	c := start(t, s)
	link := `http://` + "HOST" + `/api/data/v9.2/accounts?$select=name,telephone1,fax&$deltatoken=919058%2108%2f22%2f2017%2008%3a21%3a20`
	answer := ""
	s.rows = func(w http.ResponseWriter, r *http.Request) {
		always(http.StatusOK, strings.ReplaceAll(answer, "HOST", r.Host))(w, r)
	}
	answer = `{"@odata.context":"x#accounts(name)","@odata.deltaLink":"` + link + `","value":[{"@odata.etag":"W/\"915244\"","name":"Monte Orton","accountid":"` + accountID + `"}]}`
	first, err := c.Changes(t.Context(), "account", []string{"name"}, "")
	if err != nil || len(first.Rows) != 1 || first.Rows[0].ID != accountID {
		t.Fatalf("got %+v, %v", first, err)
	}
	if got := s.last(t); got.Header.Get("Prefer") == "" || !strings.HasPrefix(got.Header.Get("Prefer"), "odata.track-changes,") || got.Query != "$select=name" {
		t.Errorf("got %+v, want the preference", got)
	}
	answer = `{"@odata.context":"x#accounts(name)/$delta","@odata.deltaLink":"` + link + `","value":[` +
		`{"@odata.context":"x#accounts/$deletedEntity","id":"2e451703-c686-e711-80e5-00155db19e6d","reason":"deleted"}]}`
	second, err := c.Changes(t.Context(), "account", []string{"name"}, first.Token)
	if diff := cmp.Diff([]string{"2e451703-c686-e711-80e5-00155db19e6d"}, second.Deleted); err != nil || diff != "" || len(second.Rows) > 0 {
		t.Errorf("got %+v, %v", second, err)
	}
	if got := s.last(t); got.Query != "$select=name&$deltatoken=919058%2108%2f22%2f2017%2008%3a21%3a20" {
		t.Errorf("got query %s, want the token as it came", got.Query)
	}
	answer = `{}` // as Microsoft describes the answer where nothing has changed
	if third, err := c.Changes(t.Context(), "account", []string{"name"}, second.Token); err != nil || third.Token != second.Token {
		t.Errorf("got %+v, %v, want the token once more", third, err)
	}
	if _, err := c.Changes(t.Context(), "account", []string{"name"}, ""); dataverse.KindOf(err) != dataverse.Internal {
		t.Errorf("no link at first: got %v", err)
	}
	answer = `{"@odata.deltaLink":"https://evil.example/api/data/v9.2/accounts?$deltatoken=1","value":[]}`
	if _, err := c.Changes(t.Context(), "account", []string{"name"}, second.Token); dataverse.KindOf(err) != dataverse.Internal {
		t.Errorf("a foreign link: got %v", err)
	}
}
