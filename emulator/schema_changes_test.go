package emulator_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

const customTables = `{"Properties":{"PropertyNames":["SchemaName","Attributes","ManyToOneRelationships","Keys"]},` +
	`"AttributeQuery":{"Properties":{"PropertyNames":["SchemaName","OptionSet"]}},"RelationshipQuery":{"Properties":{"PropertyNames":["SchemaName"]}}}`

// nodes are the changed parts of an answer: "table", "table.column" and so on, with what HasChanged says.
func nodes(answer changed) []string {
	var all []string
	for _, table := range answer.EntityMetadata {
		name := table["LogicalName"].(string)
		all = append(all, name+" "+mark(table))
		for _, nav := range []string{"Attributes", "Keys", "ManyToOneRelationships"} {
			children, _ := table[nav].([]any)
			for _, child := range children {
				c := child.(map[string]any)
				childName, ok := c["LogicalName"].(string)
				if !ok {
					childName = c["SchemaName"].(string)
				}
				all = append(all, name+"."+childName+" "+mark(c))
			}
		}
	}
	return all
}

func mark(node map[string]any) string {
	switch node["HasChanged"] {
	case nil:
		return "null"
	case true:
		return "changed"
	}
	return "same"
}

func TestMetadataChangesTellWhatChanged(t *testing.T) {
	s := emulator.Start(t)
	stamp := retrieveChanges(t, s, customTables, "").ServerVersionStamp
	steps := []struct {
		method, path, body string
		want               []string
	}{
		{"POST", "EntityDefinitions", `{"SchemaName":"new_Thing","OwnershipType":"OrganizationOwned","DisplayName":` + text("Thing") + `,"DisplayCollectionName":` + text("Things") +
			`,"Attributes":[` + strings.Replace(newColumn("String", "new_Name", ""), `"SchemaName"`, `"IsPrimaryName":true,"SchemaName"`, 1) + `]}`, nil},
		{"POST", "EntityDefinitions(LogicalName='new_thing')/Attributes", newColumn("Picklist", "new_Kind", `,"OptionSet":{"Options":[{"Value":1,"Label":`+text("One")+`}]}`),
			[]string{"new_thing same", "new_thing.new_kind changed", "new_thing.new_kindname changed"}},
		{"POST", "InsertOptionValue", `{"EntityLogicalName":"new_thing","AttributeLogicalName":"new_kind","Value":2,"Label":` + text("Two") + `}`,
			[]string{"new_thing same", "new_thing.new_kind same"}},
		{"POST", "EntityDefinitions(LogicalName='new_thing')/Keys", `{"SchemaName":"new_ByKind","KeyAttributes":["new_kind"]}`,
			[]string{"new_thing same", "new_thing.new_bykind changed"}},
		{"PUT", "EntityDefinitions(LogicalName='new_thing')", `{"DisplayName":` + text("Object") + `}`, []string{"new_thing changed"}},
		{"PUT", "EntityDefinitions(LogicalName='account')/Attributes(LogicalName='name')", `{"@odata.type":"Microsoft.Dynamics.CRM.StringAttributeMetadata","MaxLength":200}`,
			[]string{"account same", "account.name changed"}},
		{"POST", "new_things", `{"new_name":"a row is no change"}`, nil},
	}
	for i, step := range steps {
		mustSend(t, s, step.method, step.path, step.body)
		answer := retrieveChanges(t, s, customTables, stamp)
		stamp = answer.ServerVersionStamp
		got := nodes(answer)
		if i == 0 { // a whole table
			if len(got) < 20 || got[0] != "new_thing changed" || !strings.Contains(strings.Join(got, " "), "new_thing.organization_new_thing changed") {
				t.Errorf("a new table: got %v", got)
			}
			continue
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", step.method, step.path, diff)
		}
	}
	before := stamp
	mustSend(t, s, "DELETE", "EntityDefinitions(LogicalName='new_thing')/Keys(LogicalName='new_bykind')", "")
	mustSend(t, s, "DELETE", "EntityDefinitions(LogicalName='new_thing')/Attributes(LogicalName='new_kind')", "")
	if got := retrieveChanges(t, s, customTables, before).DeletedMetadata; len(got.Keys) != 1 || got.Keys[0] != "Attribute" || len(got.Values[0].Items) != 2 {
		t.Errorf("a deleted column: got %+v", got)
	}
	mustSend(t, s, "DELETE", "EntityDefinitions(LogicalName='new_thing')", "")
	if got := retrieveChanges(t, s, customTables, before).DeletedMetadata; strings.Join(got.Keys, " ") != "Entity Attribute Relationship" {
		t.Errorf("a deleted table: got %+v", got)
	}
}

func TestSchemaChangesOutliveARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "emulator.db")
	open := func() *emulator.Server {
		e, err := emulator.New(t.Context(), emulator.Options{DB: file, Empty: true})
		if err != nil {
			t.Fatal(err)
		}
		return serving(t, e)
	}
	s := open()
	mustSend(t, s, "POST", "EntityDefinitions", bankAccount)
	mustSend(t, s, "POST", columnsOfBankAccount, balance)
	mustSend(t, s, "POST", "RelationshipDefinitions", bankOfAccount)
	mustSend(t, s, "POST", "GlobalOptionSetDefinitions", `{"@odata.type":"Microsoft.Dynamics.CRM.OptionSetMetadata","Name":"new_Kinds","DisplayName":`+text("Kinds")+`,"Options":[{"Value":1,"Label":`+text("One")+`}]}`)
	mustSend(t, s, "POST", columnsOfBankAccount, newColumn("Picklist", "new_Kind", `,"GlobalOptionSet@odata.bind":"/GlobalOptionSetDefinitions(Name='new_Kinds')"`))
	mustSend(t, s, "POST", "new_bankaccounts", `{"new_accountname":"Savings","new_balance":5,"new_kind":1}`)
	paths := []string{"$metadata", "EntityDefinitions(LogicalName='new_bankaccount')", columnsOfBankAccount,
		"RelationshipDefinitions", "GlobalOptionSetDefinitions", "new_bankaccounts"}
	before := map[string]string{}
	for _, path := range paths {
		before[path] = get(t, s, path).body
	}
	stamp := retrieveChanges(t, s, customTables, "").ServerVersionStamp
	if err := s.Emulator.Close(); err != nil {
		t.Fatal(err)
	}
	s = open()
	for _, path := range paths {
		if diff := cmp.Diff(before[path], get(t, s, path).body); diff != "" {
			t.Errorf("%s (-before +after):\n%.2000s", path, diff)
		}
	}
	if got := nodes(retrieveChanges(t, s, customTables, stamp)); got != nil {
		t.Errorf("changes by a restart: %v", got)
	}
	mustSend(t, s, "DELETE", "EntityDefinitions(LogicalName='new_bankaccount')", "")
	if err := s.Emulator.Close(); err != nil {
		t.Fatal(err)
	}
	s = open()
	if got := get(t, s, "new_bankaccounts"); got.status != http.StatusNotFound {
		t.Errorf("a deleted table after a restart: status %d", got.status)
	}
	if err := s.Emulator.Close(); err != nil {
		t.Fatal(err)
	}
}

// changeSet is a batch with one change set.
func changeSet(requests ...string) string {
	var b strings.Builder
	b.WriteString("--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n")
	for i, r := range requests {
		head, body, _ := strings.Cut(r, "\n")
		b.WriteString("--c\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: " + string(rune('1'+i)) +
			"\r\n\r\n" + head + " HTTP/1.1\r\nContent-Type: application/json\r\n\r\n" + body + "\r\n")
	}
	return b.String() + "--c--\r\n\r\n--b--\r\n"
}

func TestSchemaChangesOfAChangeSetStayTogether(t *testing.T) {
	s := emulator.Start(t)
	const batch = "Content-Type: multipart/mixed; boundary=b"
	row := "POST /api/data/v9.2/new_bankaccounts\n" + `{"new_accountname":"Savings"}`
	wrong := "POST /api/data/v9.2/new_bankaccounts\n" + `{"new_colour":"red"}`
	table := "POST /api/data/v9.2/EntityDefinitions\n" + bankAccount
	if got := send(t, s, "POST", "$batch", changeSet(table, row, wrong), batch); !strings.Contains(got.body, "new_colour") {
		t.Errorf("batch: %d %s", got.status, got.body)
	}
	if got := get(t, s, "new_bankaccounts"); got.status != http.StatusNotFound {
		t.Errorf("a table of a change set that failed: status %d", got.status)
	}
	if got := send(t, s, "POST", "$batch", changeSet(table, row), batch); got.status != http.StatusOK {
		t.Errorf("batch: %d %s", got.status, got.body)
	}
	if rows := values(t, get(t, s, "new_bankaccounts")); len(rows) != 1 {
		t.Errorf("got %d rows, want one", len(rows))
	}
}

func TestANewActivityIsAmongAllActivities(t *testing.T) {
	s := emulator.Start(t)
	mustSend(t, s, "POST", "EntityDefinitions", `{"SchemaName":"new_Visit","IsActivity":true,"OwnershipType":"UserOwned","DisplayName":`+text("Visit")+`,"DisplayCollectionName":`+text("Visits")+
		`,"HasNotes":true,"Attributes":[`+strings.Replace(newColumn("String", "Subject", `,"MaxLength":200`), `"SchemaName"`, `"IsPrimaryName":true,"SchemaName"`, 1)+`]}`)
	mustSend(t, s, "POST", "accounts", `{"accountid":"aaaaaaaa-0000-4000-8000-000000000001","name":"Litware"}`)
	mustSend(t, s, "POST", "new_visits", `{"subject":"Coffee","regardingobjectid_account_new_visit@odata.bind":"/accounts(aaaaaaaa-0000-4000-8000-000000000001)"}`)
	rows := values(t, get(t, s, "activitypointers?$select=subject,activitytypecode,_regardingobjectid_value"))
	if len(rows) != 1 || rows[0]["activitytypecode"] != "new_visit" || rows[0]["_regardingobjectid_value"] != "aaaaaaaa-0000-4000-8000-000000000001" {
		t.Errorf("got %v", rows)
	}
	mustSend(t, s, "DELETE", "EntityDefinitions(LogicalName='new_visit')", "")
	if rows := values(t, get(t, s, "activitypointers")); len(rows) != 0 {
		t.Errorf("after the table is gone: %v", rows)
	}
}

func TestRequestsRunWhileTheSchemaChanges(t *testing.T) {
	s := emulator.Start(t)
	mustSend(t, s, "POST", "EntityDefinitions", bankAccount)
	mustSend(t, s, "POST", "new_bankaccounts", `{"new_accountname":"Savings"}`)
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				for _, path := range []string{"new_bankaccounts", "EntityDefinitions(LogicalName='new_bankaccount')?$expand=Attributes($select=LogicalName)", "accounts"} {
					if got := get(t, s, path); got.status != http.StatusOK {
						t.Errorf("%s: %d %s", path, got.status, got.body)
						return
					}
				}
			}
		})
	}
	for range 5 {
		mustSend(t, s, "POST", columnsOfBankAccount, balance)
		mustSend(t, s, "POST", "new_bankaccounts", `{"new_accountname":"More","new_balance":1}`)
		mustSend(t, s, "DELETE", columnsOfBankAccount+"(LogicalName='new_balance')", "")
	}
	close(done)
	readers.Wait()
}
