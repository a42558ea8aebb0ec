package emulator_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

func TestAnOpportunityIsWonOrLostOnce(t *testing.T) {
	for _, test := range []struct {
		action, status, extra string
		state, reason         int64
		value                 any
	}{
		{"WinOpportunity", "3", `,"actualrevenue":250.5,"actualend":"2026-02-20T10:00:00Z"`, 1, 3, 250.5},
		{"WinOpportunity", "-1", `,"actualend":"2026-02-20"`, 1, 3, 100.0},
		{"LoseOpportunity", "5", `,"actualrevenue":0,"actualend":"2026-02-20T10:00:00Z"`, 2, 5, 0.0},
	} {
		s := start(t)
		id := add(t, s, "opportunities", `{"name":"o","estimatedvalue":100}`)
		body := `{"Status":` + test.status + `,"OpportunityClose":{"subject":"Done","opportunityid@odata.bind":"/opportunities(` + id + `)"` + test.extra + `}}`
		must(t, s, http.StatusNoContent, "POST", test.action, body)
		wantStored(t, s, "opportunity", id, columns{"statecode": test.state, "statuscode": test.reason, "actualvalue": test.value, "actualclosedate": "2026-02-20"})
		reason := emulator.Ask[string](t, s, "SELECT activityid FROM opportunityclose WHERE opportunityid = ?", id)
		wantStored(t, s, "opportunityclose", reason, columns{"statecode": int64(1), "statuscode": int64(2), "subject": "Done"})
		want := failure("0x80040515", "The opportunity is already closed.")
		if r := must(t, s, http.StatusBadRequest, "POST", test.action, body); r.body != want {
			t.Errorf("%s again: got %s, want %s", test.action, r.body, want)
		}
		if n := emulator.Ask[int](t, s, "SELECT count(*) FROM opportunityclose"); n != 1 {
			t.Errorf("%s that failed: got %d close activities, want 1", test.action, n)
		}
	}
}

func TestACloseNeedsARowAndAStatusOfTheRightState(t *testing.T) {
	s := start(t)
	id := add(t, s, "opportunities", `{"name":"o"}`)
	bind := `"opportunityid@odata.bind":"/opportunities(` + id + `)"`
	for _, test := range []struct {
		body, want string
		status     int
	}{
		{`{"Status":4,"OpportunityClose":{` + bind + `}}`, failure("0x80048408", "4 is not a valid status code for state code OpportunityState.Won on opportunity with Id "+id+"."), 400},
		{`{"OpportunityClose":{` + bind + `}}`, failure("0x80040203", "Required field 'Status' is missing"), 400},
		{`{"Status":3}`, failure("0x80040203", "Required field 'OpportunityClose' is missing"), 400},
		{`{"Status":3,"OpportunityClose":{"subject":"x"}}`, failure("0x80040203", "Required field 'opportunityid' is missing"), 400},
		{`{"Status":3,"OpportunityClose":{"opportunityid@odata.bind":"/opportunities(` + one + `)"}}`, failure("0x80040217", "Entity 'opportunity' With Id = "+one+" Does Not Exist"), 404},
	} {
		if r := must(t, s, test.status, "POST", "WinOpportunity", test.body); r.body != test.want {
			t.Errorf("%s: got %s, want %s", test.body, r.body, test.want)
		}
	}
	for body, want := range map[string]string{
		`{"Status":"won","OpportunityClose":{` + bind + `}}`:        "Cannot convert the literal 'won' to the expected type 'Edm.Int32'.",
		`{"Status":3,"OpportunityClose":7}`:                         "An unexpected 'PrimitiveValue' node was found when reading from the JSON reader. A 'StartObject' node was expected.",
		`{"Status":3,"Reason":1,"OpportunityClose":{` + bind + `}}`: "The parameter 'Reason' in the request payload is not a valid parameter for the operation 'WinOpportunity'.",
	} {
		if r := must(t, s, http.StatusBadRequest, "POST", "WinOpportunity", body); !strings.HasSuffix(r.body, want+`"}}`) {
			t.Errorf("%s: got %s, want %s", body, r.body, want)
		}
	}
	wantStored(t, s, "opportunity", id, columns{"statecode": int64(0)})
}

func TestAResolvedCaseLeavesNothingToDo(t *testing.T) {
	s := start(t)
	account := add(t, s, "accounts", `{"name":"Contoso"}`)
	id := add(t, s, "incidents", `{"title":"c","customerid_account@odata.bind":"/accounts(`+account+`)"}`)
	task := add(t, s, "tasks", `{"subject":"Call","regardingobjectid_incident_task@odata.bind":"/incidents(`+id+`)"}`)
	body := `{"Status":5,"IncidentResolution":{"@odata.type":"Microsoft.Dynamics.CRM.incidentresolution","subject":"Fixed","timespent":60,
		"incidentid":{"incidentid":"` + id + `","@odata.type":"Microsoft.Dynamics.CRM.incident"}}}`
	must(t, s, http.StatusNoContent, "POST", "CloseIncident", body)
	wantStored(t, s, "incident", id, columns{"statecode": int64(1), "statuscode": int64(5)})
	wantStored(t, s, "task", task, columns{"statecode": int64(2), "statuscode": int64(6)})
	reason := emulator.Ask[string](t, s, "SELECT activityid FROM incidentresolution WHERE incidentid = ?", id)
	wantStored(t, s, "incidentresolution", reason, columns{"statecode": int64(1), "timespent": int64(60), "actualend": "2026-03-02T12:00:00Z"})
	want := failure("0x80044411", "Already Closed or Canceled")
	if r := must(t, s, http.StatusBadRequest, "POST", "CloseIncident", body); r.body != want {
		t.Errorf("got %s, want %s", r.body, want)
	}
}

func TestQuotesAndOrdersEnd(t *testing.T) {
	s := start(t)
	account := add(t, s, "accounts", `{"name":"Contoso"}`)
	for _, test := range []struct {
		set, table, action, body string
		first                    string // what the row goes through before
		state, reason            int64
		more                     columns
	}{
		{"quotes", "quote", "WinQuote", `{"Status":4,"QuoteClose":{"quoteid@odata.bind":"/quotes(ID)"}}`, `{"statecode":1}`, 2, 4, columns{"closedon": "2026-03-02"}},
		{"quotes", "quote", "CloseQuote", `{"Status":6,"QuoteClose":{"quoteid@odata.bind":"/quotes(ID)"}}`, `{"statecode":1}`, 3, 6, columns{"closedon": "2026-03-02"}},
		{"salesorders", "salesorder", "salesorders/Microsoft.Dynamics.CRM.FulfillSalesOrder", `{"Status":100001,"OrderClose":{"salesorderid@odata.bind":"/salesorders(ID)"}}`, "", 3, 100001, columns{"datefulfilled": "2026-03-02T12:00:00Z"}},
		{"salesorders", "salesorder", "CancelSalesOrder", `{"Status":4,"OrderClose":{"@odata.type":"Microsoft.Dynamics.CRM.orderclose","salesorderid@odata.bind":"/salesorders(ID)"}}`, "", 2, 4, nil},
	} {
		id := add(t, s, test.set, `{"name":"x","customerid_account@odata.bind":"/accounts(`+account+`)"}`)
		body := strings.ReplaceAll(test.body, "ID", id)
		if test.first != "" {
			must(t, s, http.StatusBadRequest, "POST", test.action, body)
			must(t, s, http.StatusNoContent, "PATCH", test.set+"("+id+")", test.first)
		}
		must(t, s, http.StatusNoContent, "POST", test.action, body)
		want := columns{"statecode": test.state, "statuscode": test.reason}
		maps.Copy(want, test.more)
		wantStored(t, s, test.table, id, want)
		invalid := failure("0x80040233", "The object is not in a valid state to perform this operation.")
		if r := must(t, s, http.StatusBadRequest, "POST", test.action, body); r.body != invalid {
			t.Errorf("%s again: got %s, want %s", test.action, r.body, invalid)
		}
	}
}

func TestAnUpdateDoesNotEndWhatAnActionEnds(t *testing.T) {
	s := start(t)
	account := add(t, s, "accounts", `{"name":"Contoso"}`)
	opportunity := add(t, s, "opportunities", `{"name":"o"}`)
	incident := add(t, s, "incidents", `{"title":"c","customerid_account@odata.bind":"/accounts(`+account+`)"}`)
	won := failure("0x80100005", "This message can not be used to set the state of opportunity to won. In order to set state of opportunity to won, use the won message instead.")
	resolved := failure("0x80040203", "This message can not be used to set the state of incident to Resolved. In order to set state of incident to Resolved, use the CloseIncidentRequest message instead.")
	for _, test := range []struct{ path, body, want string }{
		{"opportunities(" + opportunity + ")", `{"statecode":1,"statuscode":3}`, won},
		{"opportunities(" + opportunity + ")", `{"statuscode":3}`, won},
		{"incidents(" + incident + ")", `{"statecode":1}`, resolved},
	} {
		if r := must(t, s, http.StatusBadRequest, "PATCH", test.path, test.body); r.body != test.want {
			t.Errorf("%s: got %s, want %s", test.body, r.body, test.want)
		}
	}
	must(t, s, http.StatusNoContent, "POST", "WinOpportunity", `{"Status":3,"OpportunityClose":{"opportunityid@odata.bind":"/opportunities(`+opportunity+`)"}}`)
	must(t, s, http.StatusNoContent, "PATCH", "opportunities("+opportunity+")", `{"description":"x","statecode":1}`)
	must(t, s, http.StatusNoContent, "PATCH", "opportunities("+opportunity+")", `{"statecode":0}`)
	wantStored(t, s, "opportunity", opportunity, columns{"statecode": int64(0), "statuscode": int64(1)})
	must(t, s, http.StatusNoContent, "PATCH", "incidents("+incident+")", `{"statecode":2}`)
}
