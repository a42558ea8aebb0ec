package emulator_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// deletion is the body of a BulkDelete of accounts.
func deletion(conditions string) string {
	return `{"QuerySet":[{"@odata.type":"Microsoft.Dynamics.CRM.QueryExpression","EntityName":"account","ColumnSet":{"@odata.type":"Microsoft.Dynamics.CRM.ColumnSet","AllColumns":false,"Columns":["accountid"]},
		"Criteria":{"@odata.type":"Microsoft.Dynamics.CRM.FilterExpression","FilterOperator":"And","Conditions":[` + conditions + `]}}],
		"JobName":"Clean up","SendEmailNotification":false,"ToRecipients":[],"CCRecipients":[],"RecurrencePattern":"","StartDateTime":"2026-03-02T12:00:00Z"}`
}

func TestABulkDeletionIsAJobThatIsOver(t *testing.T) {
	s := start(t)
	for _, name := range []string{"Adventure Works", "Alpine Ski", "Contoso"} {
		add(t, s, "accounts", `{"name":"`+name+`","contact_customer_accounts":[{"lastname":"x"}]}`)
	}
	kept := add(t, s, "accounts", `{"name":"Alpine"}`)
	add(t, s, "incidents", `{"title":"c","customerid_account@odata.bind":"/accounts(`+kept+`)"}`)
	r := must(t, s, http.StatusOK, "POST", "BulkDelete", deletion(`{"AttributeName":"name","Operator":"BeginsWith","Values":[{"Value":"A","Type":"System.String"}]},`+
		`{"AttributeName":"statecode","Operator":"In","Values":[{"Value":"0","Type":"System.Int32"},{"Value":"1","Type":"System.Int32"}]}`))
	job := emulator.Ask[string](t, s, "SELECT asyncoperationid FROM asyncoperation")
	if want := `{"@odata.context":"http://org/api/data/v9.2/$metadata#Microsoft.Dynamics.CRM.BulkDeleteResponse","JobId":"` + job + `"}`; r.body != want {
		t.Errorf("got %s, want %s", r.body, want)
	}
	wantStored(t, s, "asyncoperation", job, columns{"name": "Clean up", "operationtype": int64(13), "statecode": int64(3), "statuscode": int64(30), "completedon": "2026-03-02T12:00:00Z", "message": "3 records deleted."})
	if name := emulator.Ask[string](t, s, "SELECT group_concat(name) FROM account"); name != "Contoso" {
		t.Errorf("got %s left, want Contoso", name)
	}
}

func TestABulkDeletionLeavesWhatItMayNot(t *testing.T) {
	s := start(t)
	used := add(t, s, "pricelevels", `{"name":"Retail"}`)
	add(t, s, "pricelevels", `{"name":"Wholesale"}`)
	add(t, s, "accounts", `{"name":"Contoso","defaultpricelevelid@odata.bind":"/pricelevels(`+used+`)"}`)
	must(t, s, http.StatusOK, "POST", "BulkDelete", strings.Replace(deletion(`{"AttributeName":"name","Operator":"NotNull"}`), `"account"`, `"pricelevel"`, 1))
	if left := emulator.Ask[string](t, s, "SELECT group_concat(pricelevelid) FROM pricelevel"); left != used {
		t.Errorf("got %s left, want %s", left, used)
	}
	job := emulator.Ask[string](t, s, "SELECT asyncoperationid FROM asyncoperation")
	wantStored(t, s, "asyncoperation", job, columns{"statuscode": int64(31),
		"message": "1 records deleted, 1 not: The object you tried to delete is associated with another object and cannot be deleted."})
}

func TestABulkDeletionForLaterIsRefused(t *testing.T) {
	s := start(t)
	must(t, s, http.StatusNotImplemented, "POST", "BulkDelete", strings.Replace(deletion(""), "2026-03-02", "2026-03-03", 1))
	must(t, s, http.StatusNotImplemented, "POST", "BulkDelete", strings.Replace(deletion(""), `"RecurrencePattern":""`, `"RecurrencePattern":"FREQ=DAILY"`, 1))
	must(t, s, http.StatusBadRequest, "POST", "BulkDelete", deletion(`{"AttributeName":"nonsense","Operator":"Null"}`))
	must(t, s, http.StatusBadRequest, "POST", "BulkDelete", deletion(`{"AttributeName":"name","Operator":"Nearly","Values":["x"]}`))
	must(t, s, http.StatusBadRequest, "POST", "BulkDelete", strings.Replace(deletion(""), `"account"`, `"house"`, 1))
}

func TestEveryConditionOperatorHasItsFetchXML(t *testing.T) {
	for name, want := range map[string]string{
		"Equal": "eq", "NotEqual": "ne", "LessEqual": "le", "Like": "like", "NotLike": "not-like", "NotIn": "not-in", "NotNull": "not-null", "BeginsWith": "begins-with",
		"EndsWith": "ends-with", "LastXDays": "last-x-days", "OlderThanXMonths": "olderthan-x-months", "EqualUserId": "eq-userid", "NotEqualBusinessId": "ne-businessid",
		"EqualUserOrUserTeams": "eq-useroruserteams", "OnOrBefore": "on-or-before", "Last7Days": "last-seven-days", "InFiscalPeriodAndYear": "in-fiscal-period-and-year",
		"NextXFiscalYears": "next-x-fiscal-years", "UnderOrEqual": "eq-or-under", "NotUnder": "not-under", "ContainValues": "contain-values",
	} {
		if got := emulator.QueryOperator(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}
