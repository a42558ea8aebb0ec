package tools

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestGroupsThatDoNotFitAreTheSmallest(t *testing.T) {
	set := connectWith(t, Options{ReplyBytes: 1500})
	for i := range 40 {
		name := fmt.Sprintf("Account number %d", i)
		id := call[createRecordOut](t, set, find(t, "create_record"), `{"table":"account","values":{"name":"`+name+`"}}`).ID
		for range map[bool]int{true: 2, false: 1}[i == 39] {
			call[createRecordOut](t, set, find(t, "create_record"), `{"table":"lead","values":{"lastname":"x","parentaccountid":"account(`+id+`)"}}`)
		}
	}
	got := call[countRecordsOut](t, set, find(t, "count_records"), `{"table":"lead","group_by":["parentaccountid"]}`)
	if len(got.Rows) == 0 || len(got.Rows) == 40 || got.Count != 41 || !strings.Contains(got.Note, fmt.Sprint(40-len(got.Rows), " smaller groups")) {
		t.Fatalf("got %d rows of %d records, note %q", len(got.Rows), got.Count, got.Note)
	}
	if got.Rows[0][0] != "Account number 39" || got.Rows[0][1] != 2.0 {
		t.Errorf("first row: got %v, want the largest group", got.Rows[0])
	}
	if n := len(got.Lookups["parentaccountid"]); n != len(got.Rows) {
		text, err := json.Marshal(got.Lookups)
		t.Errorf("legend: got %d names for %d rows: %s %v", n, len(got.Rows), text, err)
	}
}
