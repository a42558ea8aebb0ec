package tools

import (
	"strings"
	"testing"
)

func TestPartiesReadAndWriteInDomainWords(t *testing.T) {
	set := connect(t)
	create := func(table, values string) string {
		return call[createRecordOut](t, set, find(t, "create_record"), `{"table":"`+table+`","values":`+values+`}`).ID
	}
	contact := create("contact", `{"firstname":"Zoe","lastname":"Quint"}`)
	phonecall := create("phonecall", `{"subject":"Ring","to":["contact(`+contact+`)","someone@example.com"]}`)

	found := call[queryRecordsOut](t, set, find(t, "query_records"), `{"table":"phonecall","select":["subject","to","from"],"filter":"subject eq 'Ring'"}`)
	text, err := compact(found.Rows)
	if err != nil || !strings.Contains(text, `"Zoe Quint"`) || !strings.Contains(text, `"someone@example.com"`) || !strings.HasSuffix(text, `],null]]`) {
		t.Errorf("query: got %s, %v", text, err)
	}
	if got := found.Lookups["to"]["Zoe Quint"]; got != "contact("+contact+")" {
		t.Errorf("legend: got %q", got)
	}

	for _, selected := range []string{``, `,"select":["to"]`} {
		one := call[getRecordOut](t, set, find(t, "get_record"), `{"table":"phonecall","id":"`+phonecall+`"`+selected+`}`)
		text, err = compact(one.Values["to"])
		if err != nil || !strings.Contains(text, `{"id":"contact(`+contact+`)","name":"Zoe Quint"}`) || !strings.Contains(text, `"someone@example.com"`) {
			t.Errorf("get_record %s: got %s, %v", selected, text, err)
		}
	}

	described := call[describeTableOut](t, set, find(t, "describe_table"), `{"table":"phonecall"}`)
	if got := described.Columns["to"]; !strings.HasPrefix(got, "list of references or addresses") {
		t.Errorf("describe_table: to is %q", got)
	}
}
