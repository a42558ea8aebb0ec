package tools

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLabelsOfYesAndNoAreShownWhereTheyAreOthers(t *testing.T) {
	set := connect(t)
	for _, direction := range []string{`"Outgoing"`, `false`} {
		call[createRecordOut](t, set, find(t, "create_record"), `{"table":"phonecall","values":{"subject":"Ring","directioncode":`+direction+`}}`)
	}
	for _, filter := range []string{"directioncode eq 'Outgoing'", "directioncode eq true", "directioncode eq 1"} {
		got := call[queryRecordsOut](t, set, find(t, "query_records"), `{"table":"phonecall","select":["directioncode","leftvoicemail"],"filter":"`+filter+`"}`)
		if diff := cmp.Diff([][]any{{"Outgoing", false}}, got.Rows); diff != "" {
			t.Errorf("%s (-want +got):\n%s", filter, diff)
		}
		if diff := cmp.Diff(map[string]map[string]int64{"directioncode": {"Outgoing": 1}}, got.Choices); diff != "" {
			t.Errorf("legend (-want +got):\n%s", diff)
		}
	}
	described := call[describeTableOut](t, set, find(t, "describe_table"), `{"table":"phonecall"}`)
	if got, want := described.Columns["directioncode"], "boolean (true: Outgoing, false: Incoming)"; !strings.HasPrefix(got, want) {
		t.Errorf("directioncode: got %q, want %q", got, want)
	}
	if got := described.Columns["leftvoicemail"]; !strings.HasPrefix(got, "boolean") || strings.Contains(got, "(") {
		t.Errorf("leftvoicemail: got %q, want no labels", got)
	}
}

func TestLookupsShowOnlyTablesOfTheEnvironment(t *testing.T) {
	set := connect(t)
	got := call[describeTableOut](t, set, find(t, "describe_table"), `{"table":"task"}`).Columns["regardingobjectid"]
	targets, _, _ := strings.Cut(strings.TrimPrefix(got, "lookup "), " and ")
	if n := len(strings.Split(targets, ",")); n != maxTargets || strings.Contains(got, "bookableresource") || !strings.HasSuffix(got, " more") {
		t.Errorf("regardingobjectid: got %q, want %d tables and the number of others", got, maxTargets)
	}
	full := call[describeTableOut](t, set, find(t, "describe_table"), `{"table":"task","columns":["regardingobjectid"]}`).Details[0].Type
	if n := len(strings.Split(full, ",")); n <= maxTargets {
		t.Errorf("named column: got %q, want all tables", full)
	}
}

func TestANamelessLookupIsCalledAsElsewhereInTheRow(t *testing.T) {
	set := connect(t)
	id := call[createRecordOut](t, set, find(t, "create_record"), `{"table":"account","values":{"name":"Litware"}}`).ID
	got := call[getRecordOut](t, set, find(t, "get_record"), `{"table":"account","id":"`+id+`","select":["ownerid","owninguser"]}`)
	if diff := cmp.Diff(got.Values["ownerid"], got.Values["owninguser"]); diff != "" || got.Values["ownerid"] == nil {
		t.Errorf("owninguser (-ownerid +got):\n%s", diff)
	}
	alone := call[getRecordOut](t, set, find(t, "get_record"), `{"table":"account","id":"`+id+`","select":["owninguser"]}`).Values["owninguser"]
	if named, ok := alone.(map[string]any); ok && named["name"] == "" || alone == nil {
		t.Errorf("owninguser alone: got %v, want no empty name", alone)
	}
	if fields := call[queryRecordsOut](t, set, find(t, "query_records"), `{"table":"account","select":["owninguser"]}`); slices.Contains(fields.Rows[0], any("")) {
		t.Errorf("owninguser in a query: got %v", fields.Rows)
	}
}
