package emulator_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/seed"
)

func TestATeamGainsAndLosesMembers(t *testing.T) {
	s := start(t)
	team := add(t, s, "teams", `{"name":"Bid team"}`)
	user := `{"Members":[{"@odata.type":"Microsoft.Dynamics.CRM.systemuser","systemuserid":"` + seed.AdministratorID + `"},{"systemuserid":"` + seed.SystemUserID + `"}]}`
	members := func() int {
		return emulator.Ask[int](t, s, "SELECT count(*) FROM teammembership WHERE teamid = ?", team)
	}
	for range 2 { // who is a member stays one
		must(t, s, http.StatusNoContent, "POST", "teams("+team+")/Microsoft.Dynamics.CRM.AddMembersTeam", user)
	}
	if members() != 2 {
		t.Errorf("got %d members, want 2", members())
	}
	must(t, s, http.StatusNoContent, "POST", "teams("+team+")/Microsoft.Dynamics.CRM.RemoveMembersTeam", `{"Members":[{"@odata.id":"systemusers(`+seed.SystemUserID+`)"}]}`)
	if members() != 1 {
		t.Errorf("got %d members, want 1", members())
	}
	for action, want := range map[string]string{
		"AddMembersTeam":    failure("0x8004830b", "Can't add members to the default business unit team."),
		"RemoveMembersTeam": failure("0x8004830c", "Can't remove members from the default business unit team."),
	} {
		if r := must(t, s, http.StatusBadRequest, "POST", "teams("+seed.DefaultTeamID+")/Microsoft.Dynamics.CRM."+action, user); r.body != want {
			t.Errorf("%s: got %s, want %s", action, r.body, want)
		}
	}
}

func TestABoundActionNeedsItsNamespaceItsRowAndPOST(t *testing.T) {
	s := start(t)
	team := add(t, s, "teams", `{"name":"Bid team"}`)
	body := `{"Members":[]}`
	for _, test := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"POST", "teams(" + team + ")/AddMembersTeam", 404, failure("0x8006088a", "Resource not found for the segment 'AddMembersTeam'.")},
		{"POST", "AddMembersTeam", 404, failure("0x8006088a", "Resource not found for the segment 'AddMembersTeam'.")},
		{"POST", "teams/Microsoft.Dynamics.CRM.AddMembersTeam", 404, failure("0x8006088a", "Resource not found for the segment 'Microsoft.Dynamics.CRM.AddMembersTeam'.")},
		{"POST", "accounts(" + one + ")/Microsoft.Dynamics.CRM.AddMembersTeam", 404, failure("0x8006088a", "Resource not found for the segment 'Microsoft.Dynamics.CRM.AddMembersTeam'.")},
		{"POST", "teams(" + one + ")/Microsoft.Dynamics.CRM.AddMembersTeam", 404, failure("0x80040217", "Entity 'team' With Id = "+one+" Does Not Exist")},
		{"GET", "teams(" + team + ")/Microsoft.Dynamics.CRM.AddMembersTeam", 405, failure("0x80040315", "The requested resource does not support http method 'GET'.")},
		{"POST", "teams(" + team + ")/Microsoft.Dynamics.CRM.AddMembersTeam/x", 404, failure("0x8006088a", "Resource not found for the segment 'x'.")},
	} {
		if r := send(t, s, test.method, test.path, body); r.status != test.status || r.body != test.want {
			t.Errorf("%s %s: got %d %s\nwant %d %s", test.method, test.path, r.status, r.body, test.status, test.want)
		}
	}
}

func TestARowWaitsInOneQueue(t *testing.T) {
	s := start(t)
	first, second := add(t, s, "queues", `{"name":"First"}`), add(t, s, "queues", `{"name":"Second"}`)
	letter := add(t, s, "letters", `{"subject":"Offer"}`)
	into := func(status int, queue, more string) reply {
		return must(t, s, status, "POST", "queues("+queue+")/Microsoft.Dynamics.CRM.AddToQueue",
			`{"Target":{"@odata.type":"Microsoft.Dynamics.CRM.letter","activityid":"`+letter+`"}`+more+`}`)
	}
	r := into(http.StatusOK, first, "")
	item := emulator.Ask[string](t, s, "SELECT queueitemid FROM queueitem")
	if want := `{"@odata.context":"http://org/api/data/v9.2/$metadata#Microsoft.Dynamics.CRM.AddToQueueResponse","QueueItemId":"` + item + `"}`; r.body != want {
		t.Errorf("got %s, want %s", r.body, want)
	}
	wantStored(t, s, "queueitem", item, columns{"queueid": first, "objectid": letter, "objectid$table": "letter", "title": "Offer", "enteredon": "2026-03-02T12:00:00Z"})
	into(http.StatusOK, second, `,"SourceQueue":{"queueid":"`+first+`"}`)
	if queue := emulator.Ask[string](t, s, "SELECT queueid FROM queueitem"); queue != second {
		t.Errorf("got queue %s, want %s alone", queue, second)
	}
	into(http.StatusNotFound, second, `,"SourceQueue":{"queueid":"`+first+`"}`)
	account := add(t, s, "accounts", `{"name":"a"}`)
	want := failure("0x80040800", "The method being invoked does not support provided entity type.")
	if r := must(t, s, http.StatusBadRequest, "POST", "queues("+first+")/Microsoft.Dynamics.CRM.AddToQueue", `{"Target":{"@odata.id":"accounts(`+account+`)"}}`); r.body != want {
		t.Errorf("got %s, want %s", r.body, want)
	}
	if r := must(t, s, http.StatusBadRequest, "POST", "queues("+first+")/Microsoft.Dynamics.CRM.AddToQueue", `{"Target":{"activityid":"`+letter+`"}}`); !strings.Contains(r.body, "An entry without a type name was found") {
		t.Errorf("a target of no type: got %s", r.body)
	}
}

func TestAnEMailIsSentOnce(t *testing.T) {
	s := start(t)
	contact := add(t, s, "contacts", `{"lastname":"Stubberod","emailaddress1":"s@example.com"}`)
	id := add(t, s, "emails", `{"subject":"Offer","email_activity_parties":[{"partyid_contact@odata.bind":"/contacts(`+contact+`)","participationtypemask":2}]}`)
	path := "emails(" + id + ")/Microsoft.Dynamics.CRM.SendEmail"
	r := must(t, s, http.StatusOK, "POST", path, `{"IssueSend":true,"TrackingToken":"CRM:0001001"}`)
	if want := `{"@odata.context":"http://org/api/data/v9.2/$metadata#Microsoft.Dynamics.CRM.SendEmailResponse","Subject":"Offer CRM:0001001"}`; r.body != want {
		t.Errorf("got %s, want %s", r.body, want)
	}
	wantStored(t, s, "email", id, columns{"statecode": int64(1), "statuscode": int64(6), "senton": nil, "subject": "Offer CRM:0001001"})
	must(t, s, http.StatusBadRequest, "POST", path, `{"IssueSend":true}`)
	other := add(t, s, "emails", `{"subject":"Note"}`)
	want := failure("0x80040b04", "The e-mail must have at least one recipient before it can be sent")
	if r := must(t, s, http.StatusBadRequest, "POST", "emails("+other+")/Microsoft.Dynamics.CRM.SendEmail", `{"IssueSend":false}`); r.body != want {
		t.Errorf("got %s, want %s", r.body, want)
	}
}

func TestAMergedRowLeavesWhatItHadToTheOther(t *testing.T) {
	s := start(t)
	add(t, s, "accounts", `{"accountid":"`+one+`","name":"Contoso"}`)
	add(t, s, "accounts", `{"accountid":"`+two+`","name":"Contoso Inc","telephone1":"555","contact_customer_accounts":[{"contactid":"`+three+`"}],"Account_Tasks":[{"subject":"Call"}]}`)
	must(t, s, http.StatusNoContent, "PATCH", "accounts("+one+")", `{"parentaccountid@odata.bind":"/accounts(`+two+`)"}`)
	account := func(id string) string {
		return `{"@odata.type":"Microsoft.Dynamics.CRM.account","accountid":"` + id + `"}`
	}
	body := `{"Target":` + account(one) + `,"Subordinate":` + account(two) + `,"PerformParentingChecks":false,
		"UpdateContent":{"@odata.type":"Microsoft.Dynamics.CRM.account","accountid":"00000000-0000-0000-0000-000000000000","telephone1":"555"}}`
	must(t, s, http.StatusNoContent, "POST", "Merge", body)
	wantStored(t, s, "account", one, columns{"telephone1": "555", "statecode": int64(0), "parentaccountid": nil})
	wantStored(t, s, "account", two, columns{"merged": int64(1), "masterid": one, "statecode": int64(1), "statuscode": int64(2)})
	wantStored(t, s, "contact", three, columns{"parentcustomerid": one})
	if regarding := emulator.Ask[string](t, s, "SELECT regardingobjectid FROM task"); regarding != one {
		t.Errorf("the task is regarding %s, want %s", regarding, one)
	}
	for body, want := range map[string]string{
		body: failure("0x80045304", "Merge cannot be performed on entity that is inactive."),
		`{"Target":` + account(one) + `,"Subordinate":` + account(one) + `,"PerformParentingChecks":false}`: failure("0x80045305", "Merge cannot be performed on master and sub-entities that are identical."),
	} {
		if r := must(t, s, http.StatusBadRequest, "POST", "Merge", body); r.body != want {
			t.Errorf("%s: got %s, want %s", body, r.body, want)
		}
	}
	task := emulator.Ask[string](t, s, "SELECT activityid FROM task")
	must(t, s, http.StatusBadRequest, "POST", "Merge", `{"Target":{"@odata.id":"tasks(`+task+`)"},"Subordinate":{"@odata.id":"tasks(`+task+`)"},"PerformParentingChecks":false}`)
}

func TestATimeZoneHasACode(t *testing.T) {
	s := start(t)
	r := must(t, s, http.StatusOK, "GET", "GetTimeZoneCodeByLocalizedName(LocalizedStandardName=@p1,LocaleId=@p2)?@p1='Pacific%20Standard%20Time'&@p2=1033", "")
	if want := `{"@odata.context":"http://org/api/data/v9.2/$metadata#Microsoft.Dynamics.CRM.GetTimeZoneCodeByLocalizedNameResponse","TimeZoneCode":4}`; r.body != want {
		t.Errorf("got %s, want %s", r.body, want)
	}
	must(t, s, http.StatusNotFound, "GET", "GetTimeZoneCodeByLocalizedName(LocalizedStandardName='Nowhere',LocaleId=1033)", "")
}

func TestAQueueItemIsPickedAndGivenBack(t *testing.T) {
	s := start(t)
	queue := add(t, s, "queues", `{"name":"First"}`)
	letter := add(t, s, "letters", `{"subject":"Offer"}`)
	must(t, s, http.StatusOK, "POST", "queues("+queue+")/Microsoft.Dynamics.CRM.AddToQueue", `{"Target":{"@odata.id":"letters(`+letter+`)"}}`)
	item := emulator.Ask[string](t, s, "SELECT queueitemid FROM queueitem")
	call := func(name, body string) {
		must(t, s, http.StatusNoContent, "POST", "queueitems("+item+")/Microsoft.Dynamics.CRM."+name, body)
	}
	call("PickFromQueue", `{"SystemUser":{"systemuserid":"`+seed.AdministratorID+`"},"RemoveQueueItem":false}`)
	wantStored(t, s, "queueitem", item, columns{"workerid": seed.AdministratorID, "workeridmodifiedon": "2026-03-02T12:00:00Z"})
	call("ReleaseToQueue", "")
	wantStored(t, s, "queueitem", item, columns{"workerid": nil})
	call("RemoveFromQueue", "")
	if emulator.Stored(t, s, "queueitem", item) != nil {
		t.Error("the item is still in the queue")
	}
}

func TestAWorkflowRunsOnDemandOncePublished(t *testing.T) {
	s := start(t)
	account := add(t, s, "accounts", `{"name":"Contoso"}`)
	id := add(t, s, "workflows", `{"name":"Greet","type":1,"category":0,"primaryentity":"account"}`)
	call := func(want string) {
		t.Helper()
		got := send(t, s, "POST", "workflows("+id+")/Microsoft.Dynamics.CRM.ExecuteWorkflow", `{"EntityId":"`+account+`"}`)
		if !strings.Contains(got.body, want) {
			t.Errorf("got %d %s, want %s", got.status, got.body, want)
		}
	}
	call(`"0x80045047"`)
	must(t, s, http.StatusNoContent, "PATCH", "workflows("+id+")", `{"statecode":1,"statuscode":2}`)
	call(`"0x80045046"`)
	must(t, s, http.StatusNoContent, "PATCH", "workflows("+id+")", `{"ondemand":true}`)
	call(`$metadata#asyncoperations(asyncoperationid)/$entity"`)
	jobs := must(t, s, http.StatusOK, "GET", "asyncoperations?$select=name,statecode,statuscode,_regardingobjectid_value", "")
	if want := `"name":"Greet","statecode":3,"statuscode":30,"_regardingobjectid_value":"` + account + `"`; !strings.Contains(jobs.body, want) {
		t.Errorf("jobs: %s, want %s", jobs.body, want)
	}
}
