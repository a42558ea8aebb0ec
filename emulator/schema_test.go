package emulator_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// text is a label in English, as JSON.
func text(s string) string {
	return `{"@odata.type":"Microsoft.Dynamics.CRM.Label","LocalizedLabels":[{"@odata.type":"Microsoft.Dynamics.CRM.LocalizedLabel","Label":"` + s + `","LanguageCode":1033}]}`
}

// bankAccount is the documented example of a new table.
var bankAccount = `{"@odata.type":"Microsoft.Dynamics.CRM.EntityMetadata","Attributes":[{"AttributeType":"String","AttributeTypeName":{"Value":"StringType"},` +
	`"Description":` + text("Type the name of the bank account") + `,"DisplayName":` + text("Account Name") + `,"IsPrimaryName":true,` +
	`"RequiredLevel":{"Value":"None","CanBeChanged":true,"ManagedPropertyLogicalName":"canmodifyrequirementlevelsettings"},"SchemaName":"new_AccountName",` +
	`"@odata.type":"Microsoft.Dynamics.CRM.StringAttributeMetadata","FormatName":{"Value":"Text"},"MaxLength":100}],` +
	`"Description":` + text("An entity to store information about customer bank accounts") + `,"DisplayCollectionName":` + text("Bank Accounts") + `,"DisplayName":` + text("Bank Account") + `,` +
	`"HasActivities":true,"HasNotes":true,"IsActivity":false,"OwnershipType":"UserOwned","SchemaName":"new_BankAccount"}`

// balance is the documented example of a new column.
const balance = `{"AttributeType":"Money","AttributeTypeName":{"Value":"MoneyType"},"Description":{"@odata.type":"Microsoft.Dynamics.CRM.Label","LocalizedLabels":[{"@odata.type":"Microsoft.Dynamics.CRM.LocalizedLabel","Label":"Enter the balance amount","LanguageCode":1033}]},"DisplayName":{"@odata.type":"Microsoft.Dynamics.CRM.Label","LocalizedLabels":[{"@odata.type":"Microsoft.Dynamics.CRM.LocalizedLabel","Label":"Balance","LanguageCode":1033}]},"RequiredLevel":{"Value":"None","CanBeChanged":true,"ManagedPropertyLogicalName":"canmodifyrequirementlevelsettings"},"SchemaName":"new_Balance","@odata.type":"Microsoft.Dynamics.CRM.MoneyAttributeMetadata","PrecisionSource":2}`

// mustSend makes a request that succeeds, and returns the answer.
func mustSend(t *testing.T, s *emulator.Server, method, path, body string, headers ...string) reply {
	t.Helper()
	got := send(t, s, method, path, body, headers...)
	if got.status/100 != 2 {
		t.Fatalf("%s %s: status %d: %s\nbody %s", method, path, got.status, got.body, body)
	}
	return got
}

// newColumn is the body of a new column.
func newColumn(kind, name, rest string) string {
	return `{"@odata.type":"Microsoft.Dynamics.CRM.` + kind + `AttributeMetadata","SchemaName":"` + name + `","DisplayName":` + text(name) + rest + `}`
}

const columnsOfBankAccount = "EntityDefinitions(LogicalName='new_bankaccount')/Attributes"

// values reads the rows of a collection.
func values(t *testing.T, r reply) []map[string]any {
	t.Helper()
	var answer struct{ Value []map[string]any }
	if err := json.Unmarshal([]byte(r.body), &answer); err != nil || r.status != http.StatusOK {
		t.Fatalf("status %d, %v: %s", r.status, err, r.body)
	}
	return answer.Value
}

func TestANewTableTakesRowsAtOnce(t *testing.T) {
	s := emulator.Start(t)
	created := mustSend(t, s, "POST", "EntityDefinitions", bankAccount)
	if got := created.header.Get("OData-EntityId"); created.status != http.StatusNoContent || !strings.HasPrefix(got, s.URL+"/api/data/v9.2/EntityDefinitions(") {
		t.Errorf("status %d, OData-EntityId %q", created.status, got)
	}
	mustSend(t, s, "POST", columnsOfBankAccount, balance)
	mustSend(t, s, "POST", "new_bankaccounts", `{"new_accountname":"Savings","new_balance":120.5}`)
	got := values(t, mustSend(t, s, "GET", "new_bankaccounts?$select=new_accountname,new_balance,new_balance_base,statecode,statuscode&$expand=owninguser($select=fullname),createdby($select=fullname)", "",
		`Prefer: odata.include-annotations="OData.Community.Display.V1.FormattedValue"`))
	if len(got) != 1 {
		t.Fatalf("got %d rows, want one", len(got))
	}
	for name, want := range map[string]any{
		"new_accountname": "Savings", "new_balance": 120.5, "new_balance_base": 120.5, "statecode": 0.0, "statuscode": 1.0,
		"new_balance@OData.Community.Display.V1.FormattedValue": "$120.50", "statecode@OData.Community.Display.V1.FormattedValue": "Active",
	} {
		if got[0][name] != want {
			t.Errorf("%s: got %v, want %v", name, got[0][name], want)
		}
	}
	if owner, _ := got[0]["owninguser"].(map[string]any); owner["fullname"] == nil {
		t.Errorf("owninguser: got %v", got[0]["owninguser"])
	}
}

func TestANewTableIsInAllDocuments(t *testing.T) {
	s := emulator.Start(t)
	mustSend(t, s, "POST", "EntityDefinitions", bankAccount)
	for path, want := range map[string]string{
		"$metadata": `<EntityType Name="new_bankaccount" BaseType="mscrm.crmbaseentity">`,
		"":          `{"name":"new_bankaccounts","kind":"EntitySet","url":"new_bankaccounts"}`,
		"EntityDefinitions(LogicalName='new_bankaccount')?$select=SchemaName,IsCustomEntity,IsManaged,ObjectTypeCode,EntitySetName,HasNotes": `"IsCustomEntity":true`,
		"sdkmessagefilters?$filter=primaryobjecttypecode eq 'new_bankaccount'&$select=primaryobjecttypecode":                                 `"primaryobjecttypecode":"new_bankaccount"`,
		"privileges?$filter=name eq 'prvReadnew_BankAccount'&$select=name":                                                                   `"name":"prvReadnew_BankAccount"`,
	} {
		if got := get(t, s, strings.ReplaceAll(path, " ", "%20")); got.status != http.StatusOK || !strings.Contains(got.body, want) {
			t.Errorf("%s: status %d, no %s in %.3000s", path, got.status, want, got.body)
		}
	}
}

func TestRowsOfANewTableHaveNotesAndActivities(t *testing.T) {
	s := emulator.Start(t)
	mustSend(t, s, "POST", "EntityDefinitions", bankAccount)
	mustSend(t, s, "POST", "new_bankaccounts", `{"new_bankaccountid":"aaaaaaaa-0000-4000-8000-000000000001","new_accountname":"Savings"}`)
	mustSend(t, s, "POST", "tasks", `{"subject":"Call the bank","regardingobjectid_new_bankaccount_task@odata.bind":"/new_bankaccounts(aaaaaaaa-0000-4000-8000-000000000001)"}`)
	mustSend(t, s, "POST", "annotations", `{"subject":"Opened","objectid_new_bankaccount@odata.bind":"/new_bankaccounts(aaaaaaaa-0000-4000-8000-000000000001)"}`)
	got := values(t, get(t, s, "new_bankaccounts?$select=new_accountname&$expand=new_BankAccount_Tasks($select=subject),new_BankAccount_ActivityPointers($select=subject),new_BankAccount_Annotation($select=subject)"))
	for _, name := range []string{"new_BankAccount_Tasks", "new_BankAccount_ActivityPointers", "new_BankAccount_Annotation"} {
		if rows, _ := got[0][name].([]any); len(rows) != 1 {
			t.Errorf("%s: got %v, want one row", name, got[0][name])
		}
	}
	mustSend(t, s, "DELETE", "EntityDefinitions(LogicalName='new_bankaccount')", "")
	tasks := values(t, get(t, s, "tasks?$select=subject,_regardingobjectid_value"))
	if len(tasks) != 1 || tasks[0]["_regardingobjectid_value"] != nil {
		t.Errorf("tasks after the table is gone: %v", tasks)
	}
	if got := get(t, s, "new_bankaccounts"); got.status != http.StatusNotFound {
		t.Errorf("the set of a deleted table: status %d, want 404", got.status)
	}
}

func TestColumnsOfEveryTypeHoldValues(t *testing.T) {
	s := emulator.Start(t)
	mustSend(t, s, "POST", "EntityDefinitions", bankAccount)
	options := `,"OptionSet":{"@odata.type":"Microsoft.Dynamics.CRM.OptionSetMetadata","IsGlobal":false,"OptionSetType":"Picklist","Options":[` +
		`{"Value":1,"Label":` + text("One") + `},{"Label":` + text("Next") + `}]}`
	for _, test := range []struct{ kind, rest, value, want string }{
		{"String", `,"MaxLength":20,"FormatName":{"Value":"Email"}`, `"a@b.example"`, `"a@b.example"`},
		{"Memo", `,"Format":"TextArea","MaxLength":500`, `"long"`, `"long"`},
		{"Integer", `,"Format":"None","MinValue":0,"MaxValue":100`, `7`, `7`},
		{"BigInt", ``, `9007199254740993`, `9007199254740993`},
		{"Decimal", `,"Precision":3,"MinValue":-10.5,"MaxValue":10.5`, `1.234`, `1.234`},
		{"Double", `,"Precision":2`, `2.5`, `2.5`},
		{"Money", `,"PrecisionSource":0,"Precision":2`, `3.25`, `3.25`},
		{"DateTime", `,"Format":"DateOnly","DateTimeBehavior":{"Value":"DateOnly"}`, `"2026-03-02"`, `"2026-03-02"`},
		{"Boolean", `,"DefaultValue":true,"OptionSet":{"TrueOption":{"Value":1,"Label":` + text("Open") + `},"FalseOption":{"Value":0,"Label":` + text("Shut") + `}}`, `false`, `false`},
		{"Picklist", options, `1`, `1`},
		{"MultiSelectPicklist", options, `"1,100000000"`, `"1,100000000"`},
		{"Image", ``, `"R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"`, `"R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"`},
	} {
		name := "new_The" + test.kind
		mustSend(t, s, "POST", columnsOfBankAccount, newColumn(test.kind, name, test.rest))
		logical := strings.ToLower(name)
		row := mustSend(t, s, "POST", "new_bankaccounts?$select="+logical, `{"new_accountname":"x","`+logical+`":`+test.value+`}`, "Prefer: return=representation")
		if !strings.Contains(row.body, `"`+logical+`":`+test.want) {
			t.Errorf("%s: got %s, want %s", test.kind, row.body, test.want)
		}
		definition := get(t, s, columnsOfBankAccount+"(LogicalName='"+logical+"')")
		if want := `"@odata.type":"#Microsoft.Dynamics.CRM.` + test.kind + `AttributeMetadata"`; definition.status != http.StatusOK || !strings.Contains(definition.body, want) {
			t.Errorf("%s: definition %d %.300s", test.kind, definition.status, definition.body)
		}
	}
	mustSend(t, s, "POST", columnsOfBankAccount, newColumn("File", "new_TheFile", `,"MaxSizeInKB":1024`))
	if got := get(t, s, columnsOfBankAccount+"(LogicalName='new_thefile')/Microsoft.Dynamics.CRM.FileAttributeMetadata?$select=MaxSizeInKB"); !strings.Contains(got.body, `"MaxSizeInKB":1024`) {
		t.Errorf("MaxSizeInKB: %s", got.body)
	}
	if got := get(t, s, "new_bankaccounts?$filter=new_theinteger%20gt%2050"); got.status != http.StatusOK {
		t.Errorf("filter: %d %s", got.status, got.body)
	}
	if got := send(t, s, "POST", "new_bankaccounts", `{"new_theinteger":101}`); got.status != http.StatusBadRequest {
		t.Errorf("a value above MaxValue: status %d", got.status)
	}
	for name := range map[string]bool{"new_thestring": true, "new_themoney": true, "new_thepicklist": true, "new_theimage": true, "new_thefile": true} {
		mustSend(t, s, "DELETE", columnsOfBankAccount+"(LogicalName='"+name+"')", "")
		if got := get(t, s, "new_bankaccounts?$select="+name); got.status != http.StatusBadRequest {
			t.Errorf("%s after its deletion: status %d, want 400", name, got.status)
		}
	}
	if got := get(t, s, "new_bankaccounts"); got.status != http.StatusOK {
		t.Errorf("rows after deletions: %d %s", got.status, got.body)
	}
}

const bankOfAccount = `{"@odata.type":"Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata","SchemaName":"new_account_new_bankaccount",` +
	`"ReferencedEntity":"account","ReferencedAttribute":"accountid","ReferencingEntity":"new_bankaccount",` +
	`"CascadeConfiguration":{"Assign":"NoCascade","Delete":"Cascade","Merge":"NoCascade","Reparent":"NoCascade","Share":"NoCascade","Unshare":"NoCascade"},` +
	`"AssociatedMenuConfiguration":{"Behavior":"UseCollectionName","Group":"Details","Label":{"LocalizedLabels":[],"UserLocalizedLabel":null},"Order":10000},` +
	`"Lookup":{"@odata.type":"Microsoft.Dynamics.CRM.LookupAttributeMetadata","AttributeType":"Lookup","AttributeTypeName":{"Value":"LookupType"},"SchemaName":"new_AccountId",` +
	`"DisplayName":{"LocalizedLabels":[{"Label":"Account","LanguageCode":1033}]},"RequiredLevel":{"Value":"None"}}}`

func TestANewLookupJoinsTables(t *testing.T) {
	s := emulator.Start(t)
	mustSend(t, s, "POST", "EntityDefinitions", bankAccount)
	mustSend(t, s, "POST", "RelationshipDefinitions", bankOfAccount)
	const account = "aaaaaaaa-0000-4000-8000-000000000001"
	mustSend(t, s, "POST", "accounts", `{"accountid":"`+account+`","name":"Litware","new_account_new_bankaccount":[{"new_accountname":"Savings"}]}`)
	mustSend(t, s, "POST", "new_bankaccounts", `{"new_accountname":"Current","new_AccountId@odata.bind":"/accounts(`+account+`)"}`)
	rows := values(t, get(t, s, "new_bankaccounts?$filter=new_AccountId/name%20eq%20'Litware'&$expand=new_AccountId($select=name)&$orderby=new_accountname&$select=new_accountname,_new_accountid_value"))
	if len(rows) != 2 || rows[0]["new_accountname"] != "Current" || rows[0]["_new_accountid_value"] != account || rows[0]["new_AccountId"].(map[string]any)["name"] != "Litware" {
		t.Errorf("got %v", rows)
	}
	fetch := `<fetch><entity name="new_bankaccount"><attribute name="new_accountname"/><link-entity name="account" from="accountid" to="new_accountid" alias="a"><attribute name="name"/></link-entity></entity></fetch>`
	if rows := values(t, get(t, s, "new_bankaccounts?fetchXml="+strings.ReplaceAll(strings.ReplaceAll(fetch, " ", "%20"), `"`, "%22"))); len(rows) != 2 || rows[0]["a.name"] != "Litware" {
		t.Errorf("FetchXML: got %v", rows)
	}
	if got := get(t, s, "RelationshipDefinitions(SchemaName='new_account_new_bankaccount')/Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata"); !strings.Contains(got.body, `"Behavior":"UseCollectionName"`) || !strings.Contains(got.body, `"IsCustomRelationship":true`) {
		t.Errorf("relationship: %s", got.body)
	}
	mustSend(t, s, "DELETE", "accounts("+account+")", "")
	if rows := values(t, get(t, s, "new_bankaccounts")); len(rows) != 0 {
		t.Errorf("Delete cascades: %d rows are left", len(rows))
	}
	mustSend(t, s, "DELETE", "RelationshipDefinitions(SchemaName='new_account_new_bankaccount')", "")
	if got := get(t, s, "new_bankaccounts?$expand=new_AccountId"); got.status != http.StatusBadRequest {
		t.Errorf("expansion of a deleted relationship: status %d", got.status)
	}
}

func TestANewManyToManyRelationshipJoinsRows(t *testing.T) {
	s := emulator.Start(t)
	mustSend(t, s, "POST", "EntityDefinitions", bankAccount)
	mustSend(t, s, "POST", "RelationshipDefinitions", `{"@odata.type":"Microsoft.Dynamics.CRM.ManyToManyRelationshipMetadata","SchemaName":"new_bankaccount_contact","IntersectEntityName":"new_bankaccounts_contacts",`+
		`"Entity1LogicalName":"new_bankaccount","Entity2LogicalName":"contact","Entity1AssociatedMenuConfiguration":{"Behavior":"UseLabel","Group":"Details","Label":`+text("Holders")+`,"Order":10000}}`)
	const contact, bank = "cccccccc-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-000000000001"
	mustSend(t, s, "POST", "contacts", `{"contactid":"`+contact+`","lastname":"Holder"}`)
	mustSend(t, s, "POST", "new_bankaccounts", `{"new_bankaccountid":"`+bank+`","new_accountname":"Savings"}`)
	mustSend(t, s, "POST", "new_bankaccounts("+bank+")/new_bankaccount_contact/$ref", `{"@odata.id":"`+s.URL+`/api/data/v9.2/contacts(`+contact+`)"}`)
	rows := values(t, get(t, s, "contacts?$select=lastname&$expand=new_bankaccount_contact($select=new_accountname)&$filter=new_bankaccount_contact/any(b:b/new_accountname%20eq%20'Savings')"))
	if len(rows) != 1 || len(rows[0]["new_bankaccount_contact"].([]any)) != 1 {
		t.Errorf("got %v", rows)
	}
	mustSend(t, s, "DELETE", "RelationshipDefinitions(SchemaName='new_bankaccount_contact')", "")
	mustSend(t, s, "DELETE", "EntityDefinitions(LogicalName='new_bankaccount')", "")
}

func TestANewKeyFindsRows(t *testing.T) {
	s := emulator.Start(t)
	mustSend(t, s, "POST", "EntityDefinitions", bankAccount)
	mustSend(t, s, "POST", columnsOfBankAccount, newColumn("String", "new_Number", `,"MaxLength":20`))
	const keys = "EntityDefinitions(LogicalName='new_bankaccount')/Keys"
	const key = `{"SchemaName":"new_ByNumber","DisplayName":{"LocalizedLabels":[{"Label":"By number","LanguageCode":1033}]},"KeyAttributes":["new_number"]}`
	mustSend(t, s, "POST", keys, key)
	mustSend(t, s, "PATCH", "new_bankaccounts(new_number='N1')", `{"new_accountname":"Savings"}`)
	if got := get(t, s, "new_bankaccounts(new_number='N1')?$select=new_accountname"); !strings.Contains(got.body, `"new_accountname":"Savings"`) {
		t.Errorf("row by its key: %d %s", got.status, got.body)
	}
	if got := send(t, s, "POST", "new_bankaccounts", `{"new_number":"N1"}`); got.status != http.StatusPreconditionFailed {
		t.Errorf("a second row of the key: %d %s", got.status, got.body)
	}
	if got := send(t, s, "POST", keys, key); !strings.Contains(got.body, "0x80060893") {
		t.Errorf("a second key of the name: %s", got.body)
	}
	if got := send(t, s, "DELETE", columnsOfBankAccount+"(LogicalName='new_number')", ""); !strings.Contains(got.body, "0x8004f01f") {
		t.Errorf("deletion of a column in a key: %d %s", got.status, got.body)
	}
	mustSend(t, s, "DELETE", keys+"(LogicalName='new_bynumber')", "")
	mustSend(t, s, "DELETE", columnsOfBankAccount+"(LogicalName='new_number')", "")
}

func TestAKeyWithALookupTakesRowsThatAreThere(t *testing.T) {
	s := emulator.Start(t)
	mustSend(t, s, "POST", "EntityDefinitions", bankAccount)
	mustSend(t, s, "POST", "RelationshipDefinitions", `{"@odata.type":"Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata","SchemaName":"new_account_bankaccount",
		"ReferencedEntity":"account","ReferencingEntity":"new_bankaccount","Lookup":{"SchemaName":"new_OwnerId","DisplayName":`+text("Owner")+`}}`)
	mustSend(t, s, "POST", "EntityDefinitions(LogicalName='new_bankaccount')/Keys", `{"SchemaName":"new_ByOwner","DisplayName":`+text("By owner")+`,"KeyAttributes":["new_ownerid"]}`)
	owner := add(t, s, "accounts", `{"name":"Contoso"}`)
	row := func(id string) string { return "new_bankaccounts(_new_ownerid_value=" + id + ")" }

	mustSend(t, s, "PATCH", row(strings.ToUpper(owner)), `{"new_accountname":"Savings"}`)
	if got := get(t, s, row(owner)+"?$select=new_accountname&$expand=new_OwnerId($select=name)"); !strings.Contains(got.body, `"name":"Contoso"`) {
		t.Errorf("row by its lookup: %d %s", got.status, got.body)
	}
	for id, want := range map[string]int{"'a%22b'": http.StatusBadRequest, "00000000-0000-0000-0000-000000000001": http.StatusNotFound} {
		if got := send(t, s, "PATCH", row(id), `{"new_accountname":"Nobody's"}`); got.status != want {
			t.Errorf("row of %s: %d %s, want %d", id, got.status, got.body, want)
		}
	}
	mustSend(t, s, "GET", "new_bankaccounts", "", `Prefer: odata.include-annotations="*"`)
}

func TestChoicesChangeByActions(t *testing.T) {
	s := emulator.Start(t)
	mustSend(t, s, "POST", "EntityDefinitions", bankAccount)
	mustSend(t, s, "POST", "GlobalOptionSetDefinitions", `{"@odata.type":"Microsoft.Dynamics.CRM.OptionSetMetadata","Name":"new_Kinds","DisplayName":`+text("Kinds")+`,"OptionSetType":"Picklist","Options":[{"Value":1,"Label":`+text("One")+`}]}`)
	mustSend(t, s, "POST", columnsOfBankAccount, newColumn("Picklist", "new_Kind", `,"GlobalOptionSet@odata.bind":"/GlobalOptionSetDefinitions(Name='new_Kinds')"`))
	mustSend(t, s, "POST", columnsOfBankAccount, newColumn("Picklist", "new_Own", `,"OptionSet":{"Options":[{"Label":`+text("First")+`}]}`))
	if got := mustSend(t, s, "POST", "InsertOptionValue", `{"OptionSetName":"new_Kinds","Label":`+text("Two")+`,"Value":2}`); !strings.Contains(got.body, `"NewOptionValue":2`) {
		t.Errorf("InsertOptionValue: %s", got.body)
	}
	if got := mustSend(t, s, "POST", "InsertOptionValue", `{"EntityLogicalName":"new_bankaccount","AttributeLogicalName":"new_own","Label":`+text("Second")+`}`); !strings.Contains(got.body, `"NewOptionValue":100000001`) {
		t.Errorf("InsertOptionValue: %s", got.body)
	}
	mustSend(t, s, "POST", "UpdateOptionValue", `{"OptionSetName":"new_Kinds","Value":1,"Label":`+text("Uno")+`,"MergeLabels":true}`)
	mustSend(t, s, "POST", "OrderOption", `{"OptionSetName":"new_Kinds","Values":[2,1]}`)
	if got := mustSend(t, s, "POST", "InsertStatusValue", `{"EntityLogicalName":"new_bankaccount","AttributeLogicalName":"statuscode","StateCode":1,"Label":`+text("Closed")+`}`); !strings.Contains(got.body, `"NewOptionValue":100000000`) {
		t.Errorf("InsertStatusValue: %s", got.body)
	}
	row := mustSend(t, s, "POST", "new_bankaccounts?$select=new_kind,new_own", `{"new_kind":1,"new_own":100000001}`, "Prefer: return=representation", `Prefer: return=representation,odata.include-annotations="*"`)
	for _, want := range []string{`"new_kind@OData.Community.Display.V1.FormattedValue":"Uno"`, `"new_own@OData.Community.Display.V1.FormattedValue":"Second"`} {
		if !strings.Contains(row.body, want) {
			t.Errorf("no %s in %s", want, row.body)
		}
	}
	mustSend(t, s, "POST", "DeleteOptionValue", `{"EntityLogicalName":"new_bankaccount","AttributeLogicalName":"new_own","Value":100000000}`)
	if got := send(t, s, "POST", "new_bankaccounts", `{"new_own":100000000}`); got.status != http.StatusBadRequest {
		t.Errorf("a deleted option: status %d", got.status)
	}
	for _, test := range []struct{ action, body, want string }{
		{"DeleteOptionValue", `{"EntityLogicalName":"new_bankaccount","AttributeLogicalName":"statuscode","Value":1}`, "0x80044341"},
		{"DeleteOptionValue", `{"EntityLogicalName":"new_bankaccount","AttributeLogicalName":"new_own","Value":5}`, "0x80048403"},
		{"InsertOptionValue", `{"OptionSetName":"new_Kinds","Label":` + text("Two") + `,"Value":2}`, "0x80048403"},
		{"InsertOptionValue", `{"EntityLogicalName":"account","AttributeLogicalName":"statecode","Label":` + text("Gone") + `}`, "0x80044320"},
		{"InsertOptionValue", `{"EntityLogicalName":"house","AttributeLogicalName":"x","Label":` + text("Gone") + `}`, "0x80041102"},
		{"InsertOptionValue", `{"Colour":1}`, "The parameter 'Colour' in the request payload is not a valid parameter for the operation 'InsertOptionValue'."},
		{"OrderOption", `{"OptionSetName":"new_Kinds","Values":[2]}`, "0x80048403"},
	} {
		if got := send(t, s, "POST", test.action, test.body); got.status != http.StatusBadRequest || !strings.Contains(got.body, test.want) {
			t.Errorf("%s %s: got %d %s, want %s", test.action, test.body, got.status, got.body, test.want)
		}
	}
	if got := send(t, s, "DELETE", "GlobalOptionSetDefinitions(Name='new_Kinds')", ""); !strings.Contains(got.body, "0x80048417") {
		t.Errorf("deletion of a choice in use: %d %s", got.status, got.body)
	}
	mustSend(t, s, "DELETE", columnsOfBankAccount+"(LogicalName='new_kind')", "")
	mustSend(t, s, "DELETE", "GlobalOptionSetDefinitions(Name='new_Kinds')", "")
	mustSend(t, s, "POST", "PublishAllXml", "")
	mustSend(t, s, "POST", "PublishXml", `{"ParameterXml":"<importexportxml><entities><entity>new_bankaccount</entity></entities></importexportxml>"}`)
}

func TestLabelsInOtherLanguagesAreMergedOrLost(t *testing.T) {
	s := emulator.Start(t)
	const path = "EntityDefinitions(LogicalName='new_bankaccount')"
	mustSend(t, s, "POST", "EntityDefinitions", bankAccount)
	german := strings.Replace(text("Bank Account"), `}]`, `},{"Label":"Bankkonto","LanguageCode":1031}]`, 1)
	put := func(label string, headers ...string) string {
		t.Helper()
		mustSend(t, s, "PUT", path, `{"@odata.type":"Microsoft.Dynamics.CRM.EntityMetadata","DisplayName":`+label+`,"IsAuditEnabled":{"Value":true}}`, headers...)
		return get(t, s, path+"?$select=DisplayName,IsAuditEnabled").body
	}
	if got := put(german); !strings.Contains(got, `"Label":"Bankkonto","LanguageCode":1031`) || !strings.Contains(got, `"IsAuditEnabled":{"Value":true,"CanBeChanged":`) {
		t.Errorf("after PUT: %s", got)
	}
	if got := put(text("Deposit"), "MSCRM.MergeLabels: true"); !strings.Contains(got, `"Bankkonto"`) || !strings.Contains(got, `"Deposit"`) {
		t.Errorf("after PUT with MergeLabels: %s", got)
	}
	if got := put(text("Deposit")); strings.Contains(got, `"Bankkonto"`) {
		t.Errorf("after PUT without MergeLabels: %s", got)
	}
}

func TestADefinitionReadCanBePutBack(t *testing.T) {
	s := emulator.Start(t)
	mustSend(t, s, "POST", "EntityDefinitions", bankAccount)
	undated := regexp.MustCompile(`"ModifiedOn":"[^"]*"`)
	for _, path := range []string{"EntityDefinitions(LogicalName='new_bankaccount')", "EntityDefinitions(LogicalName='account')",
		columnsOfBankAccount + "(LogicalName='new_accountname')", "EntityDefinitions(LogicalName='account')/Attributes(LogicalName='industrycode')",
		"RelationshipDefinitions(SchemaName='account_primary_contact')"} {
		before := get(t, s, path)
		mustSend(t, s, "PUT", path, before.body)
		if diff := cmp.Diff(undated.ReplaceAllString(before.body, ""), undated.ReplaceAllString(get(t, s, path).body, "")); diff != "" {
			t.Errorf("%s (-before +after):\n%s", path, diff)
		}
	}
}

func TestSchemaWritesAreRefused(t *testing.T) {
	s := emulator.Start(t)
	mustSend(t, s, "POST", "EntityDefinitions", bankAccount)
	mustSend(t, s, "POST", columnsOfBankAccount, balance)
	for _, test := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", "EntityDefinitions", bankAccount, 400, "0x8004700b"},
		{"POST", "EntityDefinitions", strings.Replace(bankAccount, "new_BankAccount", "BankAccount2", 1), 400, "0x8004700b"},
		{"POST", "EntityDefinitions", strings.Replace(bankAccount, "new_BankAccount", "mscrm_Bank", 1), 400, "0x8004700b"},
		{"POST", "EntityDefinitions", strings.NewReplacer(`"IsPrimaryName":true,`, "", "new_BankAccount", "new_Bare").Replace(bankAccount), 400, "IsPrimaryName"},
		{"POST", "EntityDefinitions", `{"SchemaName":"new_Empty"}`, 400, "Required field 'DisplayName' is missing"},
		{"POST", "EntityDefinitions", `{"SchemaNames":"new_Empty"}`, 400, "The property 'SchemaNames' does not exist on type 'Microsoft.Dynamics.CRM.EntityMetadata'."},
		{"POST", "EntityDefinitions", `{"SchemaName":5}`, 400, "Cannot convert the literal '5' to the expected type 'Edm.String'."},
		{"POST", "EntityDefinitions", `{"OwnershipType":"Everybody"}`, 400, "Cannot convert the literal 'Everybody' to the expected type 'Microsoft.Dynamics.CRM.OwnershipTypes'."},
		{"POST", "EntityDefinitions", `{"SchemaName":`, 400, "0x80048d19"},
		{"POST", columnsOfBankAccount, balance, 400, "0x80047013"},
		{"POST", columnsOfBankAccount, newColumn("String", "Number", ""), 400, "0x8004700b"},
		{"POST", columnsOfBankAccount, newColumn("String", "new_Long", `,"MaxLength":4001`), 400, "MaxLength"},
		{"POST", columnsOfBankAccount, newColumn("Lookup", "new_Look", ""), 400, "RelationshipDefinitions"},
		{"POST", columnsOfBankAccount, newColumn("State", "new_State", ""), 400, "cannot be created"},
		{"POST", columnsOfBankAccount, `{"SchemaName":"new_Any"}`, 400, "cannot be created"},
		{"POST", "EntityDefinitions(LogicalName='house')/Attributes", balance, 404, "0x80040217"},
		{"PATCH", "EntityDefinitions(LogicalName='new_bankaccount')", `{"HasNotes":true}`, 405, "PATCH"},
		{"PATCH", columnsOfBankAccount + "(LogicalName='new_balance')", `{}`, 405, "PATCH"},
		{"DELETE", "EntityDefinitions(LogicalName='account')", "", 400, "0x80047008"},
		{"DELETE", "EntityDefinitions(LogicalName='account')/Attributes(LogicalName='revenue')", "", 400, "0x80047009"},
		{"DELETE", "EntityDefinitions(LogicalName='account')/Attributes(LogicalName='name')", "", 400, "0x80047002"},
		{"DELETE", columnsOfBankAccount + "(LogicalName='new_balance_base')", "", 400, "0x80048cfe"},
		{"DELETE", "RelationshipDefinitions(SchemaName='account_primary_contact')", "", 400, "0x8004700a"},
		{"DELETE", columnsOfBankAccount, "", 405, "DELETE"},
		{"DELETE", "EntityDefinitions", "", 405, "DELETE"},
		{"PUT", "EntityDefinitions(LogicalName='new_bankaccount')/Keys(LogicalName='x')", `{}`, 404, "0x80040217"},
		{"POST", "RelationshipDefinitions", strings.Replace(bankOfAccount, `"ReferencedEntity":"account"`, `"ReferencedEntity":"house"`, 1), 400, "0x80041102"},
		{"POST", "RelationshipDefinitions", `{"SchemaName":"new_x_y"}`, 400, "@odata.type"},
		{"POST", "ManagedPropertyDefinitions", `{}`, 405, "POST"},
	} {
		if got := send(t, s, test.method, test.path, test.body); got.status != test.status || !strings.Contains(got.body, test.want) {
			t.Errorf("%s %s %.60s: got %d %s\nwant %d with %s", test.method, test.path, test.body, got.status, got.body, test.status, test.want)
		}
	}
	if got := get(t, s, "new_bankaccounts"); got.status != http.StatusOK {
		t.Errorf("the table is there after all: %d %s", got.status, got.body)
	}
}

func BenchmarkCreateColumn(b *testing.B) {
	s := emulator.Start(b)
	for b.Loop() {
		for _, r := range []struct{ method, path, body string }{
			{"POST", "EntityDefinitions(LogicalName='account')/Attributes", balance},
			{"DELETE", "EntityDefinitions(LogicalName='account')/Attributes(LogicalName='new_balance')", ""},
		} {
			request := httptest.NewRequestWithContext(b.Context(), r.method, "/api/data/v9.2/"+r.path, strings.NewReader(r.body))
			request.Header.Set("Authorization", "Bearer "+s.Token)
			w := httptest.NewRecorder()
			if s.Emulator.ServeHTTP(w, request); w.Code != http.StatusNoContent {
				b.Fatalf("%s %s: %d %s", r.method, r.path, w.Code, w.Body)
			}
		}
	}
}

// The values of Microsoft's metadata operations sample.
func TestNewOptionsBeginWithThePrefixOfTheSolutionsPublisher(t *testing.T) {
	s := emulator.Start(t)
	mustSend(t, s, "POST", "EntityDefinitions", bankAccount)
	publisher := newID(mustSend(t, s, "POST", "publishers", `{"friendlyname":"Example","uniquename":"example","customizationprefix":"sample","customizationoptionvalueprefix":72700}`))
	mustSend(t, s, "POST", "solutions", `{"friendlyname":"Example","uniquename":"examplesolution","version":"1.0.0.0","publisherid@odata.bind":"publishers(`+publisher+`)"}`)
	const status = `{"EntityLogicalName":"new_bankaccount","AttributeLogicalName":"statuscode","StateCode":1,"SolutionUniqueName":"SOLUTION","Label":`
	for _, test := range []struct{ solution, want string }{
		{"Default", `"NewOptionValue":100000000}`}, {"examplesolution", `"NewOptionValue":727000000}`}, {"examplesolution", `"NewOptionValue":727000001}`},
	} {
		got := mustSend(t, s, "POST", "InsertStatusValue", strings.ReplaceAll(status, "SOLUTION", test.solution)+text("Frozen")+`}`)
		if !strings.Contains(got.body, test.want) {
			t.Errorf("in the solution %s: got %s, want %s", test.solution, got.body, test.want)
		}
	}
}

// TestWhatUsersMadeSaysSo follows Microsoft's metadata operations sample: what users made can be changed, began with
// version 1.0.0.0 and today, and is addressed as the request did.
func TestWhatUsersMadeSaysSo(t *testing.T) {
	s := emulator.Start(t)
	began := time.Now().UTC().Truncate(time.Second)
	mustSend(t, s, "POST", "EntityDefinitions", bankAccount)
	const table = "EntityDefinitions(LogicalName='new_bankaccount')"
	address := func(r reply) string {
		return strings.TrimPrefix(r.header.Get("OData-EntityId"), s.URL+"/api/data/v9.2/")
	}
	if got := address(mustSend(t, s, "POST", columnsOfBankAccount, balance)); !strings.HasPrefix(got, columnsOfBankAccount+"(") {
		t.Errorf("address of a new column: got %s", got)
	}
	column := columnsOfBankAccount + "(LogicalName='new_balance')"
	if got := address(mustSend(t, s, "PUT", column, balance)); got != column {
		t.Errorf("address of a replaced column: got %s, want %s", got, column)
	}
	definition := mustSend(t, s, "GET", table, "").body
	if got := address(mustSend(t, s, "PUT", table, definition)); got != table {
		t.Errorf("address of a replaced table: got %s, want %s", got, table)
	}
	mustSend(t, s, "POST", "RelationshipDefinitions", `{"@odata.type":"Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata",`+
		`"SchemaName":"new_account_bank","ReferencedEntity":"account","ReferencingEntity":"new_bankaccount","SecurityTypes":"None",`+
		`"Lookup":{"SchemaName":"new_AccountId","DisplayName":`+text("Account")+`}}`)
	for path, wants := range map[string][]string{
		table:  {`"IsCustomizable":{"Value":true,"CanBeChanged":true`, `"IntroducedVersion":"1.0.0.0"`, `"CanBeInManyToMany":{"Value":true,"CanBeChanged":true`},
		column: {`"IsCustomizable":{"Value":true,"CanBeChanged":true`, `"IntroducedVersion":"1.0.0.0"`},
		"RelationshipDefinitions(SchemaName='new_account_bank')": {`"SecurityTypes":"Append"`, `"Archive":"RemoveLink"`, `"Behavior":"UseCollectionName"`},
		"EntityDefinitions(LogicalName='account')":               {`"IsCustomizable":{"Value":true,"CanBeChanged":false`, `"IntroducedVersion":"5.0.0.0"`},
	} {
		body := mustSend(t, s, "GET", path, "").body
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s: no %s in %s", path, want, body)
			}
		}
		var dates struct{ CreatedOn, ModifiedOn time.Time }
		if err := json.Unmarshal([]byte(body), &dates); err != nil || strings.Contains(path, "new_bankaccount") && (dates.CreatedOn.Before(began) || dates.ModifiedOn.Before(dates.CreatedOn)) {
			t.Errorf("%s: %v, created %s and modified %s, want after %s", path, err, dates.CreatedOn, dates.ModifiedOn, began)
		}
	}
}
