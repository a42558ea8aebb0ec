package tools

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

func TestAdviceFitsTheFault(t *testing.T) {
	deps := environment(t)
	set := newSet(t, Options{Connections: []Connection{{Name: "prod", Deps: deps}, {Name: "test", Deps: deps}}})
	for _, test := range []struct{ tool, args, want, not string }{
		{"list_tables", `{"connection":"Prod"}`, "connection: got Prod, want one of prod, test, did you mean prod?", "describe_table"},
		{"list_tables", `{"cursor":"zzz"}`, "leave it out to start again", "describe_table"},
		{"query_records", `{"table":"account","cursor":"zzz"}`, "leave it out to start again", "describe_table"},
		{"query_records", `{"table":"deal"}`, "list_tables with filter", "Did you mean"},
		{"query_records", `{"table":"account","filter":"nothing_like_it eq 1"}`, "describe_table", "Did you mean"},
		{"query_records", `{"table":"account","select":["nmae","telephon1"]}`, "Did you mean the nearest names told above?", "describe_table"},
		{"query_records", `{"table":"account","select":["xyzzy","telephon1"]}`, "Did you mean the nearest names told above?", "describe_table"},
		{"query_records", `{"table":"account","select":["xyzzy, nearest: plugh","plugh"]}`, "describe_table", "Did you mean"},
		{"describe_table", `{"table":"account","columns":["name","nmae","telephon1"]}`, `no column "telephon1", nearest: telephone1`, "column: "},
		{"get_record", `{"table":"account","id":"00000000-0000-0000-0000-000000000001"}`, "Check the id with query_records", "describe_table"},
	} {
		got := failure(t, set, find(t, test.tool), test.args)
		if !strings.Contains(got, test.want) || strings.Contains(got, test.not) {
			t.Errorf("%s %s: got %q, want %q and no %s", test.tool, test.args, got, test.want, test.not)
		}
	}
}

func TestHugeArgumentsGetAShortAnswer(t *testing.T) {
	deps := environment(t)
	set := newSet(t, Options{Connections: []Connection{{Name: "prod", Deps: deps}, {Name: "test", Deps: deps}}})
	call[listTablesOut](t, set, find(t, "list_tables"), `{}`)
	huge := strings.Repeat("x", 4<<20)
	for _, args := range []string{
		fmt.Sprintf(`{"table":%q}`, huge), fmt.Sprintf(`{"table":"account","connection":%q}`, huge),
		fmt.Sprintf(`{"table":"account",%q:1}`, huge), fmt.Sprintf(`{"table":"account","select":[%q]}`, huge),
		fmt.Sprintf(`{"table":"account","cursor":%q}`, huge), fmt.Sprintf(`{"table":"account","order_by":%q}`, huge),
		fmt.Sprintf(`{"table":"account","select":[%q]}`, strings.Repeat("masterid/", 400_000)+"name"),
		fmt.Sprintf(`{"table":"account","select":[%q]}`, "ownerid/"+huge), fmt.Sprintf(`{"table":"account","select":[%q]}`, "name/"+huge),
		fmt.Sprintf(`{"table":"account","filter":"ownerid/%s eq 1"}`, huge[:900_000]), fmt.Sprintf(`{"table":"account","filter":"name/%s eq 1"}`, huge[:900_000]),
		fmt.Sprintf(`{"table":"account","expand":%q}`, huge), fmt.Sprintf(`{"table":"account","filter":"%s(name)"}`, huge),
	} {
		if got := failure(t, set, find(t, "query_records"), args); len(got) > 1000 {
			t.Errorf("%.40s: got %d bytes, want a short answer", args, len(got))
		}
	}
	got := failure(t, set, find(t, "get_record"), fmt.Sprintf(`{"table":"account","id":"%s(1)"}`, huge))
	if len(got) > 1000 {
		t.Errorf("a huge id: got %d bytes", len(got))
	}
}

func TestALongTextIsReadInParts(t *testing.T) {
	text := strings.Repeat("Grüße aus dem Süden. \n", 9000)
	const id = "4026be43-6b69-e111-8f65-78e7d1620f5e"
	set := connect(t, emulator.Rows("annotations", row{"annotationid": id, "subject": "Long", "notetext": text}))
	tool := find(t, "get_record")
	var read strings.Builder
	for parts := 0; read.Len() < len(text) && parts < 20; parts++ {
		got := call[getRecordOut](t, set, tool, fmt.Sprintf(`{"table":"annotation","id":%q,"select":["notetext"],"from":%d}`, id, read.Len()))
		part, _ := got.Values["notetext"].(string)
		read.WriteString(part)
		if more := fmt.Sprintf("pass from=%d", read.Len()); (read.Len() < len(text)) != strings.Contains(got.Note, more) {
			t.Fatalf("note %q after %d of %d bytes", got.Note, read.Len(), len(text))
		}
	}
	if read.String() != text {
		t.Errorf("got %d bytes that differ from the %d written", read.Len(), len(text))
	}
	for _, args := range []string{`"from":5`, `"select":["notetext","subject"],"from":5`, `"select":["notetext"],"from":99999999`} {
		if got := failure(t, set, tool, fmt.Sprintf(`{"table":"annotation","id":%q,%s}`, id, args)); !strings.Contains(got, "from: ") {
			t.Errorf("%s: got %q, want it refused", args, got)
		}
	}
}

func TestTheTimeComesWithTheUser(t *testing.T) {
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.FixedZone("", 7200))
	set := connectWith(t, Options{Now: func() time.Time { return at }})
	result, err := set.Call(t.Context(), "get_current_user", json.RawMessage(`{}`))
	if err != nil || !strings.Contains(result.Text, `"now":"2026-05-01T10:00:00Z"`) {
		t.Errorf("got %s, %v, want the time in UTC", result.Text, err)
	}
}

func TestExpandedRowsComeWithTheirUsualColumns(t *testing.T) {
	set := connect(t, twoAccounts()...)
	for expand, all := range map[string]bool{"primarycontactid": false, "primarycontactid($select=*)": true} {
		got := call[queryRecordsOut](t, set, find(t, "query_records"),
			fmt.Sprintf(`{"table":"account","select":["name"],"filter":"primarycontactid ne null","expand":%q,"top":1}`, expand))
		contact, _ := got.Rows[0][1].(map[string]any)
		if _, has := contact["lastname"]; contact["fullname"] == nil || has != all {
			t.Errorf("%s: got %v, want all columns %v", expand, contact, all)
		}
	}
}
