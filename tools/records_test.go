package tools

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

func TestRecordShowsWhatItTakesToWriteItBack(t *testing.T) {
	set := connect(t, twoAccounts()...)
	got := call[getRecordOut](t, set, find(t, "get_record"),
		`{"table":"account","id":"account(`+contoso+`)","select":["name","revenue","industrycode","primarycontactid","fax"]}`)
	want := getRecordOut{
		Table: "account", ID: contoso, ETag: got.ETag, Empty: []string{"fax"},
		Values: map[string]any{
			"name": "Contoso", "revenue": 2500.5,
			"industrycode":     map[string]any{"value": 6.0, "label": "Business Services"},
			"primarycontactid": map[string]any{"id": "contact(" + smithA + ")", "name": "John Smith"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" || got.ETag == "" {
		t.Errorf("etag %q (-want +got):\n%s", got.ETag, diff)
	}
}

func TestRecordWithoutSelectCountsWhatIsEmpty(t *testing.T) {
	set := connect(t, twoAccounts()...)
	got := call[getRecordOut](t, set, find(t, "get_record"), `{"table":"account","id":"`+contoso+`"}`)
	if _, ok := got.Values["fax"]; ok || !strings.Contains(got.Note, "columns without a value are left out") {
		t.Errorf("got %+v, want no fax and a note of how many are left out", got)
	}
}

func TestRecordGoesByAnyFormOfAReference(t *testing.T) {
	set := connect(t, twoAccounts()...)
	for _, id := range []string{contoso, "account(" + contoso + ")", "Accounts(" + contoso + ")", "/accounts(" + contoso + ")"} {
		got := call[getRecordOut](t, set, find(t, "get_record"), `{"table":"account","id":"`+id+`","select":["name"]}`)
		if got.ID != contoso {
			t.Errorf("%s: got %s, want %s", id, got.ID, contoso)
		}
	}
}

func TestRecordOfAnotherTableIsRefused(t *testing.T) {
	set := connect(t)
	got := failure(t, set, find(t, "get_record"), `{"table":"account","id":"contact(`+contoso+`)"}`)
	if want := "is a record of contact, not of account"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMissingRecordIsNotFound(t *testing.T) {
	set := connect(t)
	got := failure(t, set, find(t, "get_record"), `{"table":"account","id":"`+contoso+`"}`)
	if !strings.Contains(got, "0x80040217") || !strings.Contains(got, "not_found") || !strings.Contains(got, "query_records") {
		t.Errorf("got %q, want the service's code, the kind and what to do", got)
	}
}

func TestRecordLivesFromCreateToDelete(t *testing.T) {
	set := connect(t, twoAccounts()...)
	made := call[createRecordOut](t, set, find(t, "create_record"),
		`{"table":"Account","values":{"name":"Northwind","industrycode":"Consulting","primarycontactid":"contact(`+smithA+`)","revenue":12.5}}`)
	if made.Table != "account" || len(made.ID) != 36 {
		t.Fatalf("create: got %+v, want an account with its id", made)
	}
	changed := call[updateRecordOut](t, set, find(t, "update_record"),
		`{"table":"account","id":"`+made.ID+`","values":{"revenue":null,"name":"Northwind Ltd"}}`)
	if diff := cmp.Diff([]string{"name", "revenue"}, changed.Changed); diff != "" {
		t.Errorf("update: changed (-want +got):\n%s", diff)
	}
	read := call[getRecordOut](t, set, find(t, "get_record"),
		`{"table":"account","id":"`+made.ID+`","select":["name","revenue","industrycode"]}`)
	if diff := cmp.Diff(map[string]any{
		"name": "Northwind Ltd", "industrycode": map[string]any{"value": 7.0, "label": "Consulting"},
	}, read.Values); diff != "" || read.ETag != changed.ETag {
		t.Errorf("read: etag %q, want %q (-want +got):\n%s", read.ETag, changed.ETag, diff)
	}
	gone := call[deleteRecordOut](t, set, find(t, "delete_record"),
		fmt.Sprintf(`{"table":"account","id":%q,"etag":%q}`, made.ID, read.ETag))
	if gone.Deleted != made.ID {
		t.Errorf("delete: got %+v, want the id", gone)
	}
	if got := failure(t, set, find(t, "get_record"), `{"table":"account","id":"`+made.ID+`"}`); !strings.Contains(got, "not_found") {
		t.Errorf("read after delete: got %q, want not found", got)
	}
}

func TestWritesWithAnOldETagAreConflicts(t *testing.T) {
	set := connect(t, twoAccounts()...)
	for tool, args := range map[string]string{
		"delete_record": `{"table":"account","id":"` + contoso + `","etag":"W/\"0\""}`,
		"update_record": `{"table":"account","id":"` + contoso + `","etag":"W/\"0\"","values":{"name":"x"}}`,
	} {
		got := failure(t, set, find(t, tool), args)
		if !strings.Contains(got, "[conflict, HTTP 412") || !strings.Contains(got, "get_record") {
			t.Errorf("%s: got %q, want a conflict that sends to get_record", tool, got)
		}
	}
	read := call[getRecordOut](t, set, find(t, "get_record"), `{"table":"account","id":"`+contoso+`","select":["name"]}`)
	if read.Values["name"] != "Contoso" {
		t.Errorf("after the conflicts: got %v, want Contoso untouched", read.Values)
	}
}

func TestDeleteWithoutAnEtagTakesAnyVersion(t *testing.T) {
	set := connect(t, twoAccounts()...)
	call[deleteRecordOut](t, set, find(t, "delete_record"), `{"table":"account","id":"`+contoso+`"}`)
	if got := failure(t, set, find(t, "get_record"), `{"table":"account","id":"`+contoso+`"}`); !strings.Contains(got, "not_found") {
		t.Errorf("after the delete: got %q, want not_found", got)
	}
}

func TestUpdateNeverCreates(t *testing.T) {
	set := connect(t)
	if got := failure(t, set, find(t, "update_record"), `{"table":"account","id":"`+contoso+`","values":{"name":"x"}}`); !strings.Contains(got, "not_found") {
		t.Errorf("got %q, want not found", got)
	}
}

func TestUpsertTellsWhetherItCreated(t *testing.T) {
	set := connect(t)
	for _, want := range []bool{true, false} {
		got := call[upsertRecordOut](t, set, find(t, "upsert_record"), `{"table":"account","id":"`+contoso+`","values":{"name":"Contoso"}}`)
		if got.Created != want || got.ID != contoso {
			t.Errorf("got %+v, want created %t", got, want)
		}
	}
}

func TestWrongValuesAreRefusedAndNothingIsWritten(t *testing.T) {
	set := connect(t)
	for values, want := range map[string]string{
		`{"nme":"X"}`: "Did you mean name",
		`{"name":"X","industrycode":"Consultin"}`:     "Did you mean Consulting = 7?",
		`{"name":"X","revenue":"much"}`:               "want a number",
		`{"name":7}`:                                  "want text",
		`{"name":"X","primarycontactid":"Yvonne"}`:    "primarycontactid",
		`{"name":"` + strings.Repeat("x", 200) + `"}`: "limit is 160",
	} {
		if got := failure(t, set, find(t, "create_record"), `{"table":"account","values":`+values+`}`); !strings.Contains(got, want) || !strings.Contains(got, "invalid") {
			t.Errorf("%s: got %q, want %q", values, got, want)
		}
	}
	if got := call[countRecordsOut](t, set, find(t, "count_records"), `{"table":"account"}`); got.Count != 0 {
		t.Errorf("accounts: got %d, want none", got.Count)
	}
}

func TestCountHoldsTheFilter(t *testing.T) {
	set := connect(t, twoAccounts()...)
	for filter, want := range map[string]int64{``: 2, `name eq 'Contoso'`: 1, `industrycode eq 'Consulting'`: 1, `revenue gt 1e9`: 0} {
		got := call[countRecordsOut](t, set, find(t, "count_records"), fmt.Sprintf(`{"table":"accounts","filter":%q}`, filter))
		if got.Count != want || got.Table != "account" {
			t.Errorf("filter %q: got %+v, want %d", filter, got, want)
		}
	}
}

func TestCurrentUserIsNamedWithReferences(t *testing.T) {
	got := call[getCurrentUserOut](t, connect(t), find(t, "get_current_user"), `{}`)
	for prefix, who := range map[string]named{"systemuser(": got.User, "businessunit(": got.BusinessUnit, "organization(": got.Organization} {
		if !strings.HasPrefix(who.ID, prefix) || who.Name == "" {
			t.Errorf("got %+v, want a name and a reference that starts with %s", who, prefix)
		}
	}
}

func TestTablesAreFoundByAnyOfTheirNames(t *testing.T) {
	set := connect(t, emulator.Rows("incidents")) // cases are called incident inside
	got := call[listTablesOut](t, set, find(t, "list_tables"), `{"filter":"case"}`)
	if got.Tables["incident"] != "Case" || got.Total != len(got.Tables) {
		t.Errorf("got %+v, want incident as Case", got)
	}
	for _, name := range []string{"account", "accounts", "Account", "ACCOUNT"} {
		if got := call[describeTableOut](t, set, find(t, "describe_table"), `{"table":"`+name+`"}`); got.Table != "account" {
			t.Errorf("%s: got %s, want account", name, got.Table)
		}
	}
}

func TestTableListGoesOnAtItsCursor(t *testing.T) {
	set := connect(t)
	whole := call[listTablesOut](t, set, find(t, "list_tables"), `{}`)
	seen, cursor := map[string]string{}, ""
	for range len(whole.Tables) {
		page := call[listTablesOut](t, set, find(t, "list_tables"), fmt.Sprintf(`{"top":10,"cursor":%q}`, cursor))
		maps.Copy(seen, page.Tables)
		if cursor = page.Cursor; cursor == "" {
			break
		}
	}
	if diff := cmp.Diff(whole.Tables, seen); diff != "" {
		t.Errorf("page by page (-whole +pages):\n%s", diff)
	}
}

func TestConnectionChoosesTheEnvironment(t *testing.T) {
	set := newSet(t, Options{Connections: []Connection{
		{Name: "live", Deps: environment(t, twoAccounts()...)},
		{Name: "test", Deps: environment(t)},
		{Name: "later", Missing: errors.New("connection later has no credentials")},
	}})
	for args, want := range map[string]int64{
		`{"table":"account"}`:                     2,
		`{"table":"account","connection":"live"}`: 2,
		`{"table":"account","connection":"test"}`: 0,
	} {
		if got := call[countRecordsOut](t, set, find(t, "count_records"), args); got.Count != want {
			t.Errorf("%s: got %d accounts, want %d", args, got.Count, want)
		}
	}
	for args, want := range map[string]string{
		`{"table":"account","connection":"later"}`: "connection later has no credentials",
		`{"table":"account","connection":"lve"}`:   "connection: got lve, want one of live, test, later",
	} {
		if got := failure(t, set, find(t, "count_records"), args); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", args, got, want)
		}
	}
}

func TestRequiredColumnsLeftEmptyAreTold(t *testing.T) {
	set := connect(t)
	for args, want := range map[string]string{
		`{"table":"contact","values":{"firstname":"Zoe"}}`:                                           "required, but left empty: lastname",
		`{"table":"contact","values":{"firstname":"Zoe","lastname":null}}`:                           "required, but left empty: lastname",
		`{"table":"contact","values":{"lastname":"Lee"}}`:                                            "",
		`{"table":"phonecall","values":{"subject":"Hello"}}`:                                         "required, but left empty: from, to",
		`{"table":"phonecall","values":{"subject":"Hello","from":"a@b.example","to":"a@b.example"}}`: "",
	} {
		if got := call[createRecordOut](t, set, find(t, "create_record"), args); got.Note != want || got.ID == "" {
			t.Errorf("%s: got %+v, want the note %q", args, got, want)
		}
	}
	account := call[createRecordOut](t, set, find(t, "create_record"), `{"table":"account","values":{"name":"Contoso"}}`)
	args := fmt.Sprintf(`{"table":"opportunity","values":{"name":"Big","customerid_account@odata.bind":"/accounts(%s)"}}`, account.ID)
	if got := call[createRecordOut](t, set, find(t, "create_record"), args); strings.Contains(got.Note, "customerid") {
		t.Errorf("%s: got the note %q about a column that has a value", args, got.Note)
	}
	if got := failure(t, set, find(t, "create_record"), `{"table":"account","values":{}}`); !strings.Contains(got, "values: got none") {
		t.Errorf("no values: got %q, want them asked for", got)
	}
}

func TestChangedColumnsGoByTheirNames(t *testing.T) {
	set := connect(t, twoAccounts()...)
	got := call[updateRecordOut](t, set, find(t, "update_record"), fmt.Sprintf(
		`{"table":"contact","id":%q,"values":{"parentcustomerid_account@odata.bind":"/accounts(%s)","jobtitle":"Chief"}}`, smithA, contoso))
	if want := []string{"jobtitle", "parentcustomerid"}; !slices.Equal(got.Changed, want) {
		t.Errorf("got %v, want %v", got.Changed, want)
	}
}
