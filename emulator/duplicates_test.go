package emulator_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

const duplicateFound = `{"error":{"code":"0x80040333","message":"A record was not created or updated because a duplicate of the current record already exists."}}`

func TestDuplicatesAreFoundWhereTheClientAsks(t *testing.T) {
	s := emulator.Start(t)
	const detect = "MSCRM.SuppressDuplicateDetection: false"
	mustSend(t, s, "POST", "leads", `{"lastname":"Orton","emailaddress1":"monte@example.com"}`)
	other := newID(mustSend(t, s, "POST", "leads", `{"lastname":"Lee","emailaddress1":"lee@example.com"}`, detect))
	for _, test := range []struct {
		method, path, body, header string
		found                      bool
	}{
		{"POST", "leads", `{"lastname":"a","emailaddress1":"Monte@Example.com"}`, detect, true},
		{"POST", "leads", `{"lastname":"a","emailaddress1":"monte@example.com"}`, "MSCRM.SuppressDuplicateDetection: true", false},
		{"PATCH", "leads(" + other + ")", `{"emailaddress1":"monte@example.com"}`, detect, true},
		{"PATCH", "leads(" + other + ")", `{"firstname":"Ann"}`, detect, false},
		{"POST", "leads", `{"lastname":"no address"}`, detect, false},
		{"POST", "leads", `{"lastname":"no address"}`, detect, false},
		{"POST", "accounts", `{"name":"Contoso"}`, detect, false},
		{"POST", "accounts", `{"name":"contoso"}`, detect, true},
		{"POST", "contacts", `{"lastname":"a","parentcustomerid_account":{"name":"Contoso"}}`, detect, true},
	} {
		got := send(t, s, test.method, test.path, test.body, test.header)
		if found := got.status == http.StatusPreconditionFailed && got.body == duplicateFound; found != test.found || !found && got.status != http.StatusNoContent {
			t.Errorf("%s %s %s with %s: got %d %s, want a duplicate: %t", test.method, test.path, test.body, test.header, got.status, got.body, test.found)
		}
	}
}

func TestRulesOfOnesOwnFindDuplicatesOncePublished(t *testing.T) {
	s := emulator.Start(t)
	const detect = "MSCRM.SuppressDuplicateDetection: false"
	rule := newID(mustSend(t, s, "POST", "duplicaterules", `{"name":"Same domain","baseentityname":"lead","matchingentityname":"account"}`))
	mustSend(t, s, "POST", "duplicateruleconditions", `{"baseattributename":"companyname","matchingattributename":"name","operatorcode":1,"operatorparam":5,"regardingobjectid@odata.bind":"/duplicaterules(`+rule+`)"}`)
	first := newID(mustSend(t, s, "POST", "accounts", `{"name":"Contoso Ltd"}`))
	second := newID(mustSend(t, s, "POST", "accounts", `{"name":"CONTOSO Inc"}`))
	lead := `{"lastname":"a","companyname":"contour"}`
	mustSend(t, s, "POST", "leads", lead, detect)
	job := mustSend(t, s, "POST", "duplicaterules("+rule+")/Microsoft.Dynamics.CRM.PublishDuplicateRule", "")
	if !strings.Contains(job.body, `"asyncoperationid"`) {
		t.Errorf("answer of PublishDuplicateRule: %s", job.body)
	}
	if got := send(t, s, "POST", "leads", lead, detect); got.body != duplicateFound {
		t.Errorf("after publishing: got %d %s", got.status, got.body)
	}
	found := func(entity, paging string) string {
		return mustSend(t, s, "GET", "RetrieveDuplicates(BusinessEntity=@p1,MatchingEntityName=@p2,PagingInfo=@p3)?$select=name&@p1="+entity+"&@p2='account'&@p3="+paging, "").body
	}
	given := "{'@odata.type':'Microsoft.Dynamics.CRM.lead','companyname':'contour'}"
	if got := found(given, "{'PageNumber':1,'Count':50}"); !strings.Contains(got, first) || !strings.Contains(got, second) {
		t.Errorf("duplicates of a new lead: %s", got)
	}
	one, two := found(given, "{'PageNumber':1,'Count':1}"), found(given, "{'PageNumber':2,'Count':1}")
	if strings.Contains(one, first) == strings.Contains(two, first) || strings.Count(one+two, `"accountid"`) != 2 {
		t.Errorf("pages of one: %s and %s", one, two)
	}
	if got := found("{'@odata.type':'Microsoft.Dynamics.CRM.account','accountid':'"+first+"'}", "{'PageNumber':1,'Count':50}"); strings.Contains(got, second) {
		t.Errorf("duplicates of an account, which only leads are compared by: %s", got)
	}
	mustSend(t, s, "POST", "UnpublishDuplicateRule", `{"DuplicateRuleId":"`+rule+`"}`)
	mustSend(t, s, "POST", "leads", lead, detect)
}
