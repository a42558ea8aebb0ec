package emulator_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// targets is the body of a bulk message. Each row is what stands between the braces after its type.
func targets(table string, rows ...string) string {
	for i, row := range rows {
		rows[i] = `{"@odata.type":"Microsoft.Dynamics.CRM.` + table + `",` + row + `}`
	}
	return `{"Targets":[` + strings.Join(rows, ",") + `]}`
}

func bulk(t *testing.T, s *emulator.Server, message, body string) reply {
	t.Helper()
	return send(t, s, http.MethodPost, "accounts/Microsoft.Dynamics.CRM."+message, body)
}

func TestCreateMultipleAnswersWithIdsInOrder(t *testing.T) {
	s := emulator.Start(t)
	r := bulk(t, s, "CreateMultiple", targets("account", `"name":"A","accountid":"`+two+`"`, `"name":"B"`, `"name":"C","accountid":"`+one+`"`))
	ids := anyGUID.FindAllString(r.body, -1)
	want := `{"@odata.context":"http://org/api/data/v9.2/$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse","Ids":["ID","ID","ID"]}`
	if r.status != http.StatusOK || masked(r.body) != want || ids[0] != two || ids[2] != one {
		t.Fatalf("got %d %s, want 200 %s", r.status, r.body, want)
	}
	for i, name := range []string{"A", "B", "C"} {
		if row := emulator.Stored(t, s, "account", ids[i]); row["name"] != name {
			t.Errorf("row %d: got %v, want %s", i, row["name"], name)
		}
	}
}

func TestUpdateMultipleChangesAllRows(t *testing.T) {
	s := emulator.Start(t, emulator.Rows("accounts", emulator.Row{"accountid": one, "name": "A", "telephone1": "1"}, emulator.Row{"accountid": two, "name": "B"}))
	r := bulk(t, s, "UpdateMultiple", targets("account", `"accountid":"`+one+`","name":"AA"`, `"@odata.id":"accounts(`+two+`)","name":"BB"`))
	if r.status != http.StatusNoContent || r.body != "" {
		t.Fatalf("got %d %s, want 204", r.status, r.body)
	}
	a, b := emulator.Stored(t, s, "account", one), emulator.Stored(t, s, "account", two)
	if a["name"] != "AA" || a["telephone1"] != "1" || b["name"] != "BB" {
		t.Errorf("got %v, %v and %v; want AA, 1 and BB", a["name"], a["telephone1"], b["name"])
	}
}

func TestUpsertMultipleCreatesWhatIsNotThere(t *testing.T) {
	s := emulator.Start(t, emulator.Rows("accounts", emulator.Row{"accountid": one, "name": "A"}))
	r := bulk(t, s, "UpsertMultiple", targets("account", `"accountid":"`+one+`","name":"AA"`, `"accountid":"`+two+`","name":"B"`,
		`"@odata.id":"accounts(`+three+`)","name":"C"`, `"name":"D"`))
	if r.status != http.StatusNoContent || r.body != "" {
		t.Fatalf("got %d %s, want 204", r.status, r.body)
	}
	list := get(t, s, "accounts?$select=name&$orderby=name").body
	for _, want := range []string{`"AA","accountid":"` + one, `"B","accountid":"` + two, `"C","accountid":"` + three, `"D"`} {
		if !strings.Contains(list, want) {
			t.Errorf("got %s, want %s in it", list, want)
		}
	}
}

func TestUpsertMultipleFindsRowsByAlternateKey(t *testing.T) {
	s := emulator.Start(t)
	for _, name := range []string{"one", "two"} {
		r := bulk(t, s, "UpsertMultiple", targets("account", `"accountnumber":"A1","name":"`+name+`"`, `"@odata.id":"accounts(accountnumber='A2')","name":"`+name+`"`))
		if r.status != http.StatusNoContent {
			t.Fatalf("got %d %s, want 204", r.status, r.body)
		}
	}
	list := masked(get(t, s, "accounts?$select=accountnumber,name&$orderby=accountnumber").body)
	for _, want := range []string{`"accountnumber":"A1","name":"two"`, `"accountnumber":"A2","name":"two"`} {
		if strings.Count(list, `"name"`) != 2 || !strings.Contains(list, want) {
			t.Errorf("got %s, want two rows and %s", list, want)
		}
	}
}

func TestBulkMessagesAreDoneToAllRowsOrNone(t *testing.T) {
	s := emulator.Start(t, emulator.Rows("accounts", emulator.Row{"accountid": one, "name": "A"}))
	before := state(t, s)
	good, long := `"name":"B"`, `"name":"`+strings.Repeat("x", 161)+`"`
	key := func(id string) string { return `"accountid":"` + id + `"` }
	for _, tt := range []struct {
		message, body string
		status        int
		want          string
	}{
		{"CreateMultiple", targets("account", good, long), 400, "exceeded the maximum allowed length of '160'."},
		{"CreateMultiple", targets("account", good, key(one)), 412, "A record with matching key values already exists."},
		{"CreateMultiple", `{"Targets":[{"name":"B"}]}`, 400, "An entry without a type name was found"},
		{"CreateMultiple", targets("contact", `"lastname":"B"`), 400, "it is not assignable to the expected type 'Microsoft.Dynamics.CRM.account'."},
		{"CreateMultiple", `{"Targets":[]}`, 400, "Required field 'Targets' is missing"},
		{"CreateMultiple", strings.Replace(targets("account", good), "{", `{"Target":1,`, 1), 400, "The parameter 'Target' in the request payload is not a valid parameter for the operation 'CreateMultiple'."},
		{"CreateMultiple", `{}`, 400, "Required field 'Targets' is missing"},
		{"CreateMultiple", `{"Targets":[1]}`, 400, "'PrimitiveValue' node was found"},
		{"UpdateMultiple", targets("account", key(one)+`,"name":"AA"`, `"name":"B"`), 400, "Entity Id must be specified"},
		{"UpdateMultiple", targets("account", key(one)+`,"name":"AA"`, key(two)), 404, "Account With Ids = " + two + " Do Not Exist"},
		{"UpdateMultiple", targets("account", key(one)+`,"name":"AA"`, key(one)+`,"name":"AB"`), 400, "more than once"},
		{"UpsertMultiple", targets("account", key(two)+`,"name":"AA"`, key(two)+`,"name":"AB"`), 400, "more than once"},
		{"UpsertMultiple", targets("account", key(two)+`,"name":"AA"`, key(three)+","+long), 400, "exceeded the maximum allowed length"},
		{"UpsertMultiple", targets("account", good, `"@odata.id":"contacts(`+one+`)"`), 400, "URL was not parsed"},
		{"DeleteMultiple", targets("account", key(one)), 501, "DeleteMultiple has not yet been implemented."},
		{"ExplodeMultiple", targets("account", key(one)), 404, "Resource not found for the segment 'Microsoft.Dynamics.CRM.ExplodeMultiple'."},
	} {
		r := bulk(t, s, tt.message, tt.body)
		if r.status != tt.status || !strings.Contains(r.body, tt.want) {
			t.Errorf("%s %s: got %d %s, want %d %s", tt.message, tt.body, r.status, r.body, tt.status, tt.want)
		}
		if after := state(t, s); after != before {
			t.Errorf("%s %s: left %s, from %s", tt.message, tt.body, after, before)
		}
	}
}

func TestBulkMessagesAreListedForTheTablesThatTakeThem(t *testing.T) {
	s := emulator.Start(t)
	for message, tables := range map[string]map[string]bool{
		"CreateMultiple": {"account": true, "task": true, "privilege": false, "activitypointer": false, "systemuserroles": false},
		"UpdateMultiple": {"account": true, "organization": true, "privilege": false},
		"UpsertMultiple": {"account": true, "organization": false},
		"DeleteMultiple": {"account": false},
	} {
		for table, takes := range tables {
			r := get(t, s, fmt.Sprintf("sdkmessagefilters?$select=sdkmessagefilterid&$filter=sdkmessageid/name%%20eq%%20@message%%20and%%20"+
				"primaryobjecttypecode%%20eq%%20@table&@message='%s'&@table='%s'", message, table))
			if got := strings.Count(r.body, `"sdkmessagefilterid":`) == 1; r.status != http.StatusOK || got != takes {
				t.Errorf("%s of %s: got %t, want %t: %s", message, table, got, takes, r.body)
			}
		}
	}
	if r := bulk(t, s, "CreateMultiple", targets("account", `"name":"A"`)); r.status != http.StatusOK {
		t.Errorf("CreateMultiple of account: got %d %s", r.status, r.body)
	}
	if r := send(t, s, http.MethodPost, "accounts/CreateMultiple", targets("account", `"name":"A"`)); r.status != http.StatusNotFound {
		t.Errorf("without the namespace: got %d %s, want 404", r.status, r.body)
	}
	r := send(t, s, http.MethodPost, "privileges/Microsoft.Dynamics.CRM.CreateMultiple", targets("privilege", `"name":"x"`))
	if want := "The 'CreateMultiple' method does not support entities of type 'privilege'."; !strings.Contains(r.body, want) {
		t.Errorf("CreateMultiple of privilege: got %d %s, want %s", r.status, r.body, want)
	}
}
