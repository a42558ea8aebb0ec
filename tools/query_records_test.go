package tools

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

type row = emulator.Row

// today is the clock of tests that look at the sample data.
var today = emulator.At(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC))

const (
	contoso = "11111111-1111-4111-8111-111111111111"
	fabrik  = "22222222-2222-4222-8222-222222222222"
	smithA  = "33333333-3333-4333-8333-333333333333"
	smithB  = "44444444-4444-4444-8444-444444444444"
)

// twoAccounts are two accounts whose contacts share a name.
func twoAccounts() []emulator.Option {
	return []emulator.Option{
		emulator.Rows("contacts",
			row{"contactid": smithA, "firstname": "John", "lastname": "Smith"},
			row{"contactid": smithB, "firstname": "John", "lastname": "Smith"}),
		emulator.Rows("accounts",
			row{"accountid": contoso, "name": "Contoso", "industrycode": 6, "revenue": 2500.50,
				"primarycontactid@odata.bind": "/contacts(" + smithA + ")"},
			row{"accountid": fabrik, "name": "Fabrik", "industrycode": 7,
				"primarycontactid@odata.bind": "/contacts(" + smithB + ")"}),
	}
}

func TestQueryAnswersTheColumnsAskedInTheirOrder(t *testing.T) {
	set := connect(t, twoAccounts()...)
	got := call[map[string]any](t, set, find(t, "query_records"),
		`{"table":"Accounts","select":["primarycontactid","id","revenue","industrycode","name"],"order_by":"name"}`)
	want := map[string]any{
		"table":   "account",
		"columns": []any{"primarycontactid", "accountid", "revenue", "industrycode", "name"},
		"rows": []any{
			[]any{"John Smith", contoso, 2500.5, "Business Services", "Contoso"},
			[]any{"John Smith [2]", fabrik, nil, "Consulting", "Fabrik"},
		},
		"choices": map[string]any{"industrycode": map[string]any{"Business Services": 6.0, "Consulting": 7.0}},
		"lookups": map[string]any{"primarycontactid": map[string]any{
			"John Smith": "contact(" + smithA + ")", "John Smith [2]": "contact(" + smithB + ")"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestQueryWithoutSelectShowsTheUsualColumns(t *testing.T) {
	set := connect(t, twoAccounts()...)
	got := call[queryRecordsOut](t, set, find(t, "query_records"), `{"table":"account"}`)
	if want := []string{"accountid", "name", "primarycontactid", "revenue", "emailaddress1", "statecode", "ownerid", "modifiedon"}; !slices.Equal(got.Columns, want) {
		t.Errorf("columns: got %v, want %v", got.Columns, want)
	}
}

func TestTheUsualColumnsAreThoseThatPeopleLookFor(t *testing.T) {
	d := environment(t)
	for table, wants := range map[string][]string{
		"opportunity": {"name", "customerid", "estimatedvalue", "estimatedclosedate", "statecode", "ownerid", "modifiedon"},
		"incident":    {"title", "customerid", "resolveby", "ticketnumber"},
		"lead":        {"fullname", "estimatedamount", "estimatedclosedate", "statecode"},
		"contact":     {"fullname", "parentcustomerid", "emailaddress1"},
		"task":        {"subject", "regardingobjectid", "scheduledend"},
		"quote":       {"name", "customerid", "totalamount"},
		"account":     {"name", "ownerid"},
		"systemuser":  {"fullname"},
	} {
		described, err := d.Dataverse.Table(t.Context(), table)
		if err != nil {
			t.Fatal(err)
		}
		got := usual(described)
		if len(got) > maxUsual || got[0] != described.PrimaryID {
			t.Errorf("%s: got %v, want at most %d columns, the id first", table, got, maxUsual)
		}
		for _, want := range wants {
			if !slices.Contains(got, want) {
				t.Errorf("%s: got %v, want %s among them", table, got, want)
			}
		}
	}
}

func TestQueryForEverythingNamesTheEmptyColumns(t *testing.T) {
	set := connect(t, twoAccounts()...)
	got := call[queryRecordsOut](t, set, find(t, "query_records"), `{"table":"account","select":["*"],"filter":"name eq 'Contoso'"}`)
	if !slices.Contains(got.Columns, "revenue") || slices.Contains(got.Columns, "fax") || !slices.Contains(got.Empty, "fax") {
		t.Errorf("got columns %v, empty %v, want revenue among the first and fax among the others", got.Columns, got.Empty)
	}
	for i, cell := range got.Rows[0] {
		if cell == nil {
			t.Errorf("column %s has no value, but is not among the empty ones", got.Columns[i])
		}
	}
}

func TestExpandedRecordsAreNestedWithTheirOwnLegend(t *testing.T) {
	set := connect(t, twoAccounts()...)
	got := call[map[string]any](t, set, find(t, "query_records"),
		`{"table":"account","select":["name"],"filter":"name eq 'Contoso'","expand":"primarycontactid($select=fullname,statecode)"}`)
	want := map[string]any{
		"table":   "account",
		"columns": []any{"name", "primarycontactid"},
		"rows":    []any{[]any{"Contoso", map[string]any{"fullname": "John Smith", "statecode": "Active"}}},
		"choices": map[string]any{"primarycontactid/statecode": map[string]any{"Active": 0.0}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCursorsLeadThroughEveryRowOnce(t *testing.T) {
	var rows []row
	for i := range 23 {
		rows = append(rows, row{"name": fmt.Sprintf("Account %02d %s", i, strings.Repeat("x", 100))})
	}
	for budget, reason := range map[int]string{0: "by pages", 700: "by the budget, inside pages"} {
		set := connectWith(t, Options{ReplyBytes: budget}, emulator.Rows("accounts", rows...))
		var names []string
		for cursor, replies := "", 0; ; replies++ {
			args, err := json.Marshal(map[string]any{"table": "account", "select": []string{"name"}, "order_by": "name", "top": 10, "cursor": cursor})
			if err != nil {
				t.Fatal(err)
			}
			page := call[queryRecordsOut](t, set, find(t, "query_records"), string(args))
			for _, r := range page.Rows {
				names = append(names, r[0].(string)[:10])
			}
			if page.Total != 23 {
				t.Errorf("%s, reply %d: total %d, want 23", reason, replies, page.Total)
			}
			if cursor = page.Cursor; cursor == "" || replies > 30 {
				break
			}
		}
		var want []string
		for i := range 23 {
			want = append(want, fmt.Sprintf("Account %02d", i))
		}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("%s (-want +got):\n%s", reason, diff)
		}
	}
}

func TestReplyNeverGrowsPastItsBudget(t *testing.T) {
	note := strings.Repeat("long ", 15_000)
	options := emulator.Rows("annotations", row{"annotationid": contoso, "subject": "Minutes", "notetext": note},
		row{"subject": "Short", "notetext": "short"})
	for _, budget := range []int{1000, 2400} {
		set := connectWith(t, Options{ReplyBytes: budget}, options)
		for tool, args := range map[string]string{
			"query_records":  `{"table":"annotation","select":["subject","notetext"],"order_by":"subject"}`,
			"get_record":     `{"table":"annotation","id":"` + contoso + `"}`,
			"list_tables":    `{}`,
			"describe_table": `{"table":"account","columns":["*"]}`,
		} {
			result, err := set.Call(t.Context(), tool, json.RawMessage(args))
			if err != nil || result.IsError {
				t.Fatalf("%s: %v %s", tool, err, result.Text)
			}
			var reply struct {
				Note string `json:"note"`
			}
			if err := json.Unmarshal([]byte(result.Text), &reply); err != nil {
				t.Errorf("%s: reply is no JSON: %v", tool, err)
			}
			if len(result.Text) > budget || reply.Note == "" {
				t.Errorf("%s: got %d bytes with note %q, want at most %d and a note of what was left out", tool, len(result.Text), reply.Note, budget)
			}
		}
	}
}

func TestFiftyRowsOfFourColumnsStayWithinFourKilobytes(t *testing.T) {
	set := connect(t, emulator.WithSampleData(), today)
	for _, columns := range []string{`"name","revenue","statecode","ownerid"`, `"name","revenue","address1_city","statecode"`} {
		result, err := set.Call(t.Context(), "query_records", json.RawMessage(`{"table":"account","select":[`+columns+`]}`))
		if err != nil || result.IsError {
			t.Fatalf("%v %s", err, result.Text)
		}
		t.Logf("%s: %d bytes", columns, len(result.Text))
		if got := len(result.Text); got > 4096 {
			t.Errorf("%s: got %d bytes, want at most 4096", columns, got)
		}
	}
}

func TestReferencesFromALegendCanBeFilteredBy(t *testing.T) {
	set := connect(t, twoAccounts()...)
	for _, filter := range []string{
		"primarycontactid eq contact(" + smithB + ")",
		"primarycontactid eq 'contact(" + smithB + ")'",
		"primarycontactid eq " + smithB,
		"primarycontactid in (contact(" + smithB + "))",
		"accountid ne account(" + contoso + ")",
	} {
		got := call[queryRecordsOut](t, set, find(t, "query_records"), fmt.Sprintf(`{"table":"account","select":["name"],"filter":%q}`, filter))
		if diff := cmp.Diff([][]any{{"Fabrik"}}, got.Rows); diff != "" {
			t.Errorf("%s (-want +got):\n%s", filter, diff)
		}
	}
}

func TestWrongQueriesAreRefusedWithAdvice(t *testing.T) {
	set := connect(t)
	for _, test := range []struct{ args, want string }{
		{`{"table":"acount"}`, "describe table acount: there is no table \"acount\" [not_found]\nDid you mean account?"},
		{`{"table":"account","select":["nme"]}`, "no column \"nme\" [invalid]\nDid you mean name"},
		{`{"table":"account","filter":"nme eq 'x'"}`, "no column \"nme\" [invalid]\nDid you mean name"},
		{`{"table":"account","filter":"name eq"}`, "position 7"},
		{`{"table":"account","cursor":"7.x.y"}`, "cursor: it belongs to another query"},
	} {
		if got := failure(t, set, find(t, "query_records"), test.args); !strings.Contains(got, test.want) {
			t.Errorf("%s: got %q, want it to contain %q", test.args, got, test.want)
		}
	}
}
