package emulator_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

const trackChanges = "Prefer: odata.track-changes"

// delta is the part of an answer that the tests of change tracking read.
type delta struct {
	page
	Delta string `json:"@odata.deltaLink"`
}

func readDelta(t *testing.T, r reply) delta {
	t.Helper()
	var d delta
	parseInto(t, r.body, &d)
	if r.status != http.StatusOK {
		t.Fatalf("got %d %s", r.status, r.body)
	}
	return d
}

// link is the path of a link of the answers.
func link(t *testing.T, address string) string {
	t.Helper()
	path, ok := strings.CutPrefix(address, "http://org")
	if !ok {
		t.Fatalf("link %q does not lead to the emulator", address)
	}
	return path
}

// names lists changes: names, and ids with a minus for deletions.
func names(d delta) string {
	var all []string
	for _, row := range d.Value {
		if row["reason"] == "deleted" {
			all = append(all, fmt.Sprint("-", row["id"]))
			continue
		}
		all = append(all, fmt.Sprint(row["name"]))
	}
	return strings.Join(all, " ")
}

func TestATrackedTableIsReadWholeAndThenByItsChanges(t *testing.T) {
	s := start(t)
	add(t, s, "accounts", `{"accountid":"`+one+`","name":"A"}`)
	add(t, s, "accounts", `{"accountid":"`+two+`","name":"B"}`)
	version := emulator.Ask[int64](t, s, "SELECT max(versionnumber) FROM account")
	first := must(t, s, http.StatusOK, "GET", "accounts?$select=name", "", trackChanges)
	if got := first.header.Values("Preference-Applied"); !cmp.Equal(got, []string{"odata.track-changes"}) {
		t.Errorf("Preference-Applied: got %q", got)
	}
	link1 := fmt.Sprintf("http://org/api/data/v9.2/accounts?$select=name&$deltatoken=%d%%2103%%2f02%%2f2026%%2012%%3a00%%3a00", version)
	want := fmt.Sprintf(`{"@odata.context":"http://org/api/data/v9.2/$metadata#accounts(name)","@odata.deltaLink":"%s","value":[`+
		`{"@odata.etag":"W/\"%d\"","name":"A","accountid":"%s"},{"@odata.etag":"W/\"%d\"","name":"B","accountid":"%s"}]}`,
		link1, version-1, one, version, two)
	if first.body != want {
		t.Errorf("got  %s\nwant %s", first.body, want)
	}

	d := readDelta(t, get(t, s, link(t, link1)))
	if len(d.Value) != 0 || d.Context != "http://org/api/data/v9.2/$metadata#accounts(name)/$delta" || d.Delta != link1 {
		t.Errorf("without a change: got %+v", d)
	}
	add(t, s, "accounts", `{"accountid":"`+three+`","name":"C"}`)
	must(t, s, http.StatusNoContent, "DELETE", "accounts("+two+")", "")
	must(t, s, http.StatusNoContent, "PATCH", "accounts("+one+")", `{"name":"A2"}`)
	r := get(t, s, link(t, link1))
	gone := `{"@odata.context":"http://org/api/data/v9.2/$metadata#accounts/$deletedEntity","id":"` + two + `","reason":"deleted"}]}`
	if d = readDelta(t, r); names(d) != "C A2 -"+two || !strings.HasSuffix(r.body, gone) {
		t.Errorf("got %s, want C, A2 in the order of their versions, then the deletion", r.body)
	}
	if len(r.header.Values("Preference-Applied")) > 0 {
		t.Errorf("Preference-Applied: got %q, want none", r.header)
	}
	if after := readDelta(t, get(t, s, link(t, d.Delta))); len(after.Value) != 0 {
		t.Errorf("behind the last change: got %s", names(after))
	}
}

func TestADeletionIsToldOnceAndOnlyWhileTheRowIsGone(t *testing.T) {
	s := start(t)
	d := readDelta(t, send(t, s, "GET", "accounts?$select=name", "", trackChanges))
	for range 2 { // created and deleted in between shows too
		add(t, s, "accounts", `{"accountid":"`+one+`","name":"A"}`)
		must(t, s, http.StatusNoContent, "DELETE", "accounts("+one+")", "")
	}
	if got := names(readDelta(t, get(t, s, link(t, d.Delta)))); got != "-"+one {
		t.Errorf("got %q, want one deletion", got)
	}
	add(t, s, "accounts", `{"accountid":"`+one+`","name":"A"}`)
	if got := names(readDelta(t, get(t, s, link(t, d.Delta)))); got != "A" {
		t.Errorf("a row that came back: got %q", got)
	}
}

func TestPagesOfChangesEndAtTheMomentTheyBeganAt(t *testing.T) {
	const small = "Prefer: odata.maxpagesize=2"
	s := start(t)
	for i := range 5 {
		add(t, s, "accounts", fmt.Sprintf(`{"accountid":"00000000-0000-0000-0000-0000000001%02d","name":"n%d"}`, i, i))
	}
	d := readDelta(t, send(t, s, "GET", "accounts?$select=name&$count=true", "", trackChanges+", odata.maxpagesize=2"))
	if d.Delta != "" || d.Count == nil || *d.Count != 5 || !strings.Contains(d.Next, "istracking=%22True%22") {
		t.Fatalf("first page: got %+v, want a next link and no delta link", d)
	}
	must(t, s, http.StatusNoContent, "PATCH", "accounts(00000000-0000-0000-0000-000000000104)", `{"name":"late"}`)
	first := readDelta(t, send(t, s, "GET", link(t, d.Next), "", small))
	last := readDelta(t, send(t, s, "GET", link(t, d.Next), "", small))
	if got := names(d) + " " + names(first); got != "n0 n1 n2 n3" || first.Delta == "" || first.Next != "" || first.Delta != last.Delta {
		t.Errorf("got %q and %+v, want the rows that have not changed, and a delta link for the other", got, first)
	}

	for i := range 3 {
		must(t, s, http.StatusNoContent, "DELETE", fmt.Sprintf("accounts(00000000-0000-0000-0000-0000000001%02d)", i), "")
	}
	add(t, s, "accounts", `{"name":"new"}`)
	for _, size := range []int{1, 2, 3, 4, 5, 6} {
		var all []string
		next, pages := link(t, first.Delta), 0
		for ; next != ""; pages++ {
			page := readDelta(t, send(t, s, "GET", next, "", fmt.Sprint("Prefer: odata.maxpagesize=", size)))
			if all = append(all, names(page)); len(page.Value) > size || page.Next == "" && page.Delta == "" {
				t.Fatalf("size %d: got %+v", size, page)
			}
			next = strings.TrimPrefix(page.Next, "http://org")
		}
		want := "late new -00000000-0000-0000-0000-000000000100 -00000000-0000-0000-0000-000000000101 -00000000-0000-0000-0000-000000000102"
		if got := strings.Join(all, " "); got != want || pages != (5+size-1)/size {
			t.Errorf("size %d: %d pages of %q, want %q", size, pages, got, want)
		}
	}
	_, token, _ := strings.Cut(first.Delta, "$deltatoken=")
	if r := get(t, s, "accounts/$count?$deltatoken="+token); r.status != http.StatusOK || r.body != "\ufeff5" {
		t.Errorf("count: got %d %q, want 5", r.status, r.body)
	}
}

func TestChangeTrackingRefusesWhatItCannotDo(t *testing.T) {
	s := start(t)
	add(t, s, "accounts", `{"accountid":"`+one+`","name":"A"}`)
	refused := func(option string) string {
		return failure("0x80060888", "The "+option+" query parameter isn't supported when Change Tracking is enabled.")
	}
	expired := failure("0x80044352", "Version stamp associated with the client has expired. Please perform a full sync.")
	for _, test := range []struct{ path, want string }{
		{"accounts?$filter=name eq 'A'", refused("$filter")},
		{"accounts?$orderby=name", refused("$orderby")},
		{"accounts?$expand=primarycontactid", refused("$expand")},
		{"accounts?$top=1", refused("$top")},
		{"accounts?$deltatoken=1000001!03/02/2026 12:00:00&$top=1", refused("$top")},
		{"accounts/$count?$deltatoken=1000001!03/02/2026 12:00:00&$filter=name eq 'A'", refused("$filter")},
		{"accounts?$deltatoken=1000001!02/23/2026 11:59:59", expired},
		{"accounts?$deltatoken=9000001!03/02/2026 12:00:00", expired},
		{"accounts?$deltatoken=yesterday", failure("0x80040203", "The version stamp 'yesterday' is not valid.")},
		{"userqueries?$select=name", failure("0x80060888", "Change tracking is not enabled for the entity 'userquery'.")},
		{"accounts(" + one + ")/contact_customer_accounts?$deltatoken=1000001!03/02/2026 12:00:00", failure("0x80060888", "Change tracking is not enabled for the entity 'contact'.")},
		{"accounts(" + one + ")?$deltatoken=1000001!03/02/2026 12:00:00", failure("0x80060888", "The query parameter $deltatoken is not supported here.")},
		{"accounts?$skiptoken=%3Ccookie%20pagenumber=%222%22%20istracking=%22True%22%20/%3E", failure("0x8004112a", "Malformed XML in the Paging Cookie")},
	} {
		path := strings.ReplaceAll(test.path, " ", "%20")
		if r := send(t, s, "GET", path, "", trackChanges); r.status != http.StatusBadRequest || r.body != test.want {
			t.Errorf("%s: got %d %s, want %s", test.path, r.status, r.body, test.want)
		}
	}
}

func TestADeltaTokenLivesAsLongAsTheOrganizationSays(t *testing.T) {
	now := noon
	s := emulator.Start(t, emulator.Clock(func() time.Time { return now }))
	d := readDelta(t, send(t, s, "GET", "accounts?$select=name", "", trackChanges))
	now = noon.Add(7 * 24 * time.Hour)
	must(t, s, http.StatusOK, "GET", link(t, d.Delta), "")
	now = now.Add(time.Second)
	must(t, s, http.StatusBadRequest, "GET", link(t, d.Delta), "")
	emulator.Execute(t, s, "UPDATE organization SET expirechangetrackingindays = 30")
	must(t, s, http.StatusOK, "GET", link(t, d.Delta), "")
}

func TestMetadataTellsWhichTablesAreTracked(t *testing.T) {
	s := start(t)
	answer := get(t, s, "EntityDefinitions?$select=EntitySetName&$filter="+url.QueryEscape("ChangeTrackingEnabled eq true")).body
	var tables struct {
		Value []struct{ EntitySetName string }
	}
	if err := json.Unmarshal([]byte(answer), &tables); err != nil || len(tables.Value) == 0 {
		t.Fatalf("%v: %s", err, answer)
	}
	csdl := get(t, s, "$metadata?annotations=true").body
	if got := strings.Count(csdl, `Term="Org.OData.Capabilities.V1.ChangeTracking"`); got != len(tables.Value) {
		t.Errorf("$metadata: got %d tracked tables, want %d", got, len(tables.Value))
	}
	for _, table := range tables.Value {
		want := http.StatusOK
		if get(t, s, table.EntitySetName+"?$select=versionnumber&$top=0").status != http.StatusOK { // audits, importjobs
			want = http.StatusNotImplemented
		}
		must(t, s, want, "GET", table.EntitySetName, "", trackChanges)
	}
}
