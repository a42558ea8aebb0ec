package emulator_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/seed"
)

func TestALookupTakesEveryFormOfReference(t *testing.T) {
	s := start(t)
	account := add(t, s, "accounts", `{"name":"Contoso"}`)
	contact := add(t, s, "contacts", `{"lastname":"Stubberod"}`)
	team := add(t, s, "teams", `{"name":"Sales","azureactivedirectoryobjectid":"`+four+`","membershiptype":0}`)
	key := "teams(azureactivedirectoryobjectid=" + four + ",membershiptype=0)"
	for _, c := range []struct {
		set, table, name, reference string
		want                        columns
	}{
		{"accounts", "account", "primarycontactid", "/contacts(" + contact + ")", columns{"primarycontactid": contact}},
		{"accounts", "account", "primarycontactid", "contacts(" + contact + ")", columns{"primarycontactid": contact}},
		{"accounts", "account", "primarycontactid", "contacts(contactid=" + contact + ")", columns{"primarycontactid": contact}},
		{"accounts", "account", "primarycontactid", s.URL + "/api/data/v9.2/contacts(" + contact + ")", columns{"primarycontactid": contact}},
		{"accounts", "account", "primarycontactid", "/api/data/v9.1/contacts(" + contact + ")", columns{"primarycontactid": contact}},
		{"contacts", "contact", "parentcustomerid_account", "/accounts(" + account + ")", columns{
			"parentcustomerid": account, "parentcustomerid$table": "account", "accountid": account, "parentcontactid": nil}},
		{"contacts", "contact", "parentcustomerid_contact", "/contacts(" + contact + ")", columns{
			"parentcustomerid": contact, "parentcustomerid$table": "contact", "accountid": nil, "parentcontactid": contact}},
		{"incidents", "incident", "customerid_account", "/accounts(" + account + ")", columns{"customerid": account, "accountid": account}},
		{"tasks", "task", "regardingobjectid_account_task", "/accounts(" + account + ")", columns{
			"regardingobjectid": account, "regardingobjectid$table": "account", "regardingobjecttypecode": "account"}},
		{"annotations", "annotation", "objectid_contact", "/contacts(" + contact + ")", columns{"objectid": contact, "objecttypecode": "contact"}},
		{"accounts", "account", "ownerid", "/teams(" + seed.DefaultTeamID + ")", columns{
			"ownerid": seed.DefaultTeamID, "ownerid$table": "team", "owningteam": seed.DefaultTeamID, "owninguser": nil}},
		{"accounts", "account", "ownerid", "/" + key, columns{"ownerid": team}},
		{"accounts", "account", "ownerid", "/owners(" + seed.DefaultTeamID + ")", columns{"ownerid$table": "team"}},
		{"tasks", "task", "ownerid", "/systemusers(" + seed.ApplicationUserID + ")", columns{"owninguser": seed.ApplicationUserID}},
		{"tasks", "task", "ownerid_task", "/systemusers(" + seed.ApplicationUserID + ")", columns{"owninguser": seed.ApplicationUserID}},
	} {
		id := add(t, s, c.set, `{"`+c.name+`@odata.bind":"`+c.reference+`"}`)
		wantStored(t, s, c.table, id, c.want)
	}
}

func TestALookupIsClearedByNull(t *testing.T) {
	s := start(t)
	account := add(t, s, "accounts", `{"name":"Contoso"}`)
	contact := add(t, s, "contacts", `{"parentcustomerid_account@odata.bind":"/accounts(`+account+`)"}`)
	for _, body := range []string{`{"parentcustomerid_account@odata.bind":null}`, `{"parentcustomerid_account":null}`, `{"parentcustomerid_contact@odata.bind":null}`} {
		must(t, s, http.StatusNoContent, "PATCH", "contacts("+contact+")", body)
		wantStored(t, s, "contact", contact, columns{"parentcustomerid": nil, "parentcustomerid$table": nil, "accountid": nil})
		must(t, s, http.StatusNoContent, "PATCH", "contacts("+contact+")", `{"parentcustomerid_account@odata.bind":"/accounts(`+account+`)"}`)
	}
}

func TestAReferenceThatLeadsNowhereIsRefused(t *testing.T) {
	s := start(t)
	add(t, s, "accounts", `{"accountid":"`+one+`"}`)
	unparsed := failure("0x80060888", "URL was not parsed due to an ODataUnrecognizedPathException. Resource not found for the segment provided in the URL.")
	bind := func(name, reference string) string { return `{"` + name + `@odata.bind":"` + reference + `"}` }
	wantRefused(t, s, "POST", "", []refusal{
		{"accounts", bind("primarycontactid", "/contact("+two+")"), 400, unparsed},
		{"accounts", bind("primarycontactid", "/Contacts("+two+")"), 400, unparsed},
		{"accounts", bind("primarycontactid", "/contacts"), 400, unparsed},
		{"accounts", bind("primarycontactid", "http://elsewhere/contacts("+two+")"), 400, unparsed},
		{"accounts", bind("primarycontactid", ""), 400, unparsed},
		{"accounts", bind("primarycontactid", "/contacts("+two+")"), 404, failure("0x80040217", "Entity 'contact' With Id = "+two+" Does Not Exist")},
		{"accounts", bind("primarycontactid", "/contacts(emailaddress1='a@b.c')"), 400, failure("0x80060890", "The specified key attributes are not a defined key for the contact entity")},
		{"accounts", bind("primarycontactid", "/accounts("+one+")"), 400, badPayload("accounts", "A resource with type 'Microsoft.Dynamics.CRM.account' was found, but it is not assignable to the expected type 'Microsoft.Dynamics.CRM.contact'.")},
		{"accounts", bind("ownerid", "/teams(azureactivedirectoryobjectid="+two+",membershiptype=0)"), 404, failure("0x80060891", "A record with the specified key values does not exist in team entity")},
	})
}

func TestRowsAreCreatedTogetherAtAnyDepth(t *testing.T) {
	s := start(t)
	id := add(t, s, "accounts", `{"name":"Contoso","primarycontactid":{"contactid":"`+one+`","lastname":"Stubberod","ownerid@odata.bind":"/teams(`+seed.DefaultTeamID+`)"},
		"Account_Tasks":[{"activityid":"`+two+`","subject":"first","Task_Annotation":[{"annotationid":"`+three+`","subject":"note"}]},{"subject":"second"}],
		"accountleads_association":[{"lastname":"lead"}]}`)
	wantStored(t, s, "account", id, columns{"primarycontactid": one})
	wantStored(t, s, "contact", one, columns{"fullname": "Stubberod", "ownerid": seed.DefaultTeamID})
	wantStored(t, s, "task", two, columns{"regardingobjectid": id, "regardingobjectid$table": "account"})
	wantStored(t, s, "annotation", three, columns{"objectid": two, "objectid$table": "task"})
	if n := emulator.Ask[int](t, s, "SELECT count(*) FROM accountleads l JOIN lead USING (leadid) WHERE l.accountid = ?", id); n != 1 {
		t.Errorf("got %d leads of the account, want 1", n)
	}
}

func TestRowsThatAreThereAreBoundToACollection(t *testing.T) {
	s := start(t)
	contact := add(t, s, "contacts", `{"lastname":"a"}`)
	lead := add(t, s, "leads", `{"lastname":"b"}`)
	id := add(t, s, "accounts", `{"contact_customer_accounts@odata.bind":["/contacts(`+contact+`)"],"accountleads_association@odata.bind":["leads(`+lead+`)"]}`)
	wantStored(t, s, "contact", contact, columns{"parentcustomerid": id, "accountid": id})
	if n := emulator.Ask[int](t, s, "SELECT count(*) FROM accountleads WHERE accountid = ? AND leadid = ?", id, lead); n != 1 {
		t.Errorf("got %d links to the lead, want 1", n)
	}
}

func TestAFaultInANestedRowLeavesNoRow(t *testing.T) {
	s := start(t)
	before := rowCount(t, s)
	for _, body := range []string{
		`{"name":"a","primarycontactid":{"lastname":"b","gendercode":77}}`,
		`{"name":"a","Account_Tasks":[{"subject":"fine"},{"subject":"not fine","statuscode":5}]}`,
		`{"name":"a","Account_Tasks":[{"activityid":"` + one + `"},{"activityid":"` + one + `"}]}`,
		`{"name":"a","Account_Tasks":{}}`, `{"name":"a","Account_Tasks":[7]}`, `{"name":"a","primarycontactid":[]}`,
	} {
		if r := send(t, s, "POST", "accounts", body); r.status != 400 && r.status != 412 {
			t.Errorf("%s: got %d %s", body, r.status, r.body)
		}
	}
	if after := rowCount(t, s); after != before {
		t.Errorf("got %d rows, want %d", after, before)
	}
}

func TestAnActivityHasPartiesAndItsOwnerAndRegardingRowAmongThem(t *testing.T) {
	s := start(t)
	account := add(t, s, "accounts", `{"name":"Contoso","emailaddress1":"info@contoso.example"}`)
	contact := add(t, s, "contacts", `{"lastname":"a","emailaddress1":"a@contoso.example"}`)
	id := add(t, s, "emails", `{"subject":"Hello","regardingobjectid_account_email@odata.bind":"/accounts(`+account+`)","email_activity_parties":[
		{"partyid_systemuser@odata.bind":"/systemusers(`+seed.AdministratorID+`)","participationtypemask":1},
		{"partyid_contact@odata.bind":"/contacts(`+contact+`)","participationtypemask":2},{"addressused":"x@y.example","participationtypemask":2}]}`)
	want := "1 systemuser admin@contoso.example|2 - x@y.example|2 contact a@contoso.example|8 account info@contoso.example|9 systemuser admin@contoso.example"
	if got := parties(t, s, id); got != want {
		t.Errorf("got parties\n%s\nwant\n%s", got, want)
	}
	wantStored(t, s, "email", id, columns{"activitytypecode": "email", "sender": "admin@contoso.example",
		"torecipients": "a@contoso.example;x@y.example;", "statecode": int64(0), "statuscode": int64(1), "prioritycode": int64(1)})

	must(t, s, http.StatusNoContent, "PATCH", "emails("+id+")", `{"ownerid@odata.bind":"/teams(`+seed.DefaultTeamID+`)","regardingobjectid_account_email@odata.bind":null,
		"email_activity_parties":[{"partyid_account@odata.bind":"/accounts(`+account+`)","participationtypemask":3}]}`)
	if got, want := parties(t, s, id), "3 account info@contoso.example|9 team -"; got != want {
		t.Errorf("after the update: got parties %s, want %s", got, want)
	}
	const line = `{"partyid_account@odata.bind":"accounts(ID)","participationtypemask":4}`
	must(t, s, http.StatusNoContent, "PUT", "emails("+id+")/email_activity_parties", `{"value":[`+strings.ReplaceAll(line, "ID", account)+`]}`)
	if got, want := parties(t, s, id), "4 account info@contoso.example|9 team -"; got != want {
		t.Errorf("after PUT of the collection: got parties %s, want %s", got, want)
	}
	for path, body := range map[string]string{
		"emails(" + id + ")/email_activity_parties":           `{"value":{}}`,
		"accounts(" + account + ")/contact_customer_accounts": `{"value":[]}`,
	} {
		if got := send(t, s, "PUT", path, body); got.status != http.StatusBadRequest && got.status != http.StatusMethodNotAllowed {
			t.Errorf("PUT %s %s: got %d %s", path, body, got.status, got.body)
		}
	}
}

// parties lists the parties of an activity.
func parties(t *testing.T, s *emulator.Server, id string) string {
	t.Helper()
	return emulator.Ask[string](t, s, `SELECT coalesce(group_concat(line, '|'), '') FROM (SELECT participationtypemask || ' ' || coalesce("partyid$table", '-') || ' ' ||
		coalesce(addressused, '-') AS line FROM activityparty WHERE activityid = ? ORDER BY line)`, id)
}
