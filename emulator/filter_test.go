package emulator_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// Ids that the rows of the query tests have.
const (
	acme    = "10000000-0000-4000-8000-000000000001"
	bolt    = "10000000-0000-4000-8000-000000000002"
	cargo   = "10000000-0000-4000-8000-000000000003"
	dune    = "10000000-0000-4000-8000-000000000004"
	anna    = "20000000-0000-4000-8000-000000000001"
	unknown = "90000000-0000-4000-8000-000000000009"
)

// company is four accounts: Acme over Bolt over Cargo, and Dune that has nothing but a name.
func company(t *testing.T) *emulator.Server {
	t.Helper()
	return emulator.Start(t, emulator.At(noon),
		emulator.Rows("contacts", emulator.Row{"contactid": anna, "firstname": "Anna", "lastname": "Åberg", "emailaddress1": "anna@example.com"}),
		emulator.Rows("accounts",
			emulator.Row{"accountid": acme, "name": "Acme", "revenue": 100, "numberofemployees": 10, "industrycode": 6,
				"creditonhold": true, "primarycontactid@odata.bind": "/contacts(" + anna + ")", "description": "100% sure"},
			emulator.Row{"accountid": bolt, "name": "Bolt", "revenue": 250.5, "numberofemployees": 10, "industrycode": 7,
				"parentaccountid@odata.bind": "/accounts(" + acme + ")", "websiteurl": "Bolt"},
			emulator.Row{"accountid": cargo, "name": "cargo", "revenue": 50, "parentaccountid@odata.bind": "/accounts(" + bolt + ")"},
			emulator.Row{"accountid": dune, "name": "Dune's"}),
		emulator.Rows("tasks",
			emulator.Row{"subject": "call", "scheduledend": "2026-03-01T23:00:00Z", "regardingobjectid_account_task@odata.bind": "/accounts(" + acme + ")"},
			emulator.Row{"subject": "visit", "scheduledend": "2026-03-02T13:00:00Z", "regardingobjectid_account_task@odata.bind": "/accounts(" + acme + ")"},
			emulator.Row{"subject": "call", "scheduledend": "2026-02-20T09:00:00Z", "regardingobjectid_account_task@odata.bind": "/accounts(" + bolt + ")"},
			emulator.Row{"subject": "plan", "scheduledend": "2026-04-01T00:00:00Z"}))
}

// page is the part of an answer that the query tests read.
type page struct {
	Context string           `json:"@odata.context"`
	Count   *int             `json:"@odata.count"`
	Next    string           `json:"@odata.nextLink"`
	Value   []map[string]any `json:"value"`
	Error   struct{ Code, Message string }
}

func query(t *testing.T, s *emulator.Server, set string, options map[string]string, headers ...string) page {
	t.Helper()
	var parts []string
	for name, value := range options {
		parts = append(parts, name+"="+url.QueryEscape(value))
	}
	return parse(t, send(t, s, http.MethodGet, set+"?"+strings.Join(parts, "&"), "", headers...).body)
}

func parse(t *testing.T, body string) page {
	t.Helper()
	var p page
	parseInto(t, body, &p)
	return p
}

func parseInto(t *testing.T, body string, to any) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), to); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
}

// column is the values of one property.
func column(p page, name string) string {
	var all []string
	for _, row := range p.Value {
		text, _ := row[name].(string)
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

func TestFiltersSelectAsTheServiceDoes(t *testing.T) {
	s := company(t)
	for filter, want := range map[string]string{
		"name eq 'ACME'":                               "Acme",
		"name eq 'Dune''s'":                            "Dune's",
		"name ne 'acme'":                               "Bolt cargo Dune's",
		"not (name eq 'acme')":                         "Bolt cargo Dune's",
		"name gt 'bolt'":                               "cargo Dune's",
		"revenue gt 75 and revenue lt 300.75":          "Acme Bolt",
		"revenue ge 100 or name eq 'cargo' and 1 eq 1": "error",
		"revenue eq null":                              "Dune's",
		"revenue ne null":                              "Acme Bolt cargo",
		"revenue ne 100":                               "Bolt cargo Dune's",
		"not (revenue gt 75)":                          "cargo",
		"numberofemployees eq 10 or name eq 'cargo'":   "Acme Bolt cargo",
		"(numberofemployees eq 10 or name eq 'cargo') and revenue lt 60": "cargo",
		"industrycode eq 6":                  "Acme",
		"creditonhold eq true":               "Acme",
		"creditonhold":                       "Acme",
		"not creditonhold":                   "Bolt cargo Dune's",
		"websiteurl eq name":                 "Bolt",
		"100 lt revenue":                     "Bolt",
		"contains(name,'A')":                 "Acme cargo",
		"startswith(name,'c')":               "cargo",
		"endswith(name,'E')":                 "Acme",
		"not contains(name,'a')":             "Bolt Dune's",
		"not contains(description,'x')":      "Acme Bolt cargo Dune's",
		"contains(description,'100[%]')":     "Acme",
		"contains(name,'_o')":                "Bolt cargo",
		"_primarycontactid_value eq " + anna: "Acme",
		"_primarycontactid_value eq '" + strings.ToUpper(anna) + "'":                                 "Acme",
		"primarycontactid eq null":                                                                   "Bolt cargo Dune's",
		"primarycontactid/lastname eq 'åberg'":                                                       "Acme",
		"primarycontactid/createdby/fullname ne null":                                                "Acme",
		"parentaccountid/parentaccountid/name eq 'acme'":                                             "cargo",
		"Account_Tasks/any(o:o/subject eq 'call')":                                                   "Acme Bolt",
		"Account_Tasks/any()":                                                                        "Acme Bolt",
		"not Account_Tasks/any()":                                                                    "cargo Dune's",
		"Account_Tasks/all(o:o/subject eq 'call')":                                                   "Bolt cargo Dune's",
		"account_parent_account/any(a:a/Account_Tasks/any(t:t/subject eq 'call'))":                   "Acme",
		"Microsoft.Dynamics.CRM.In(PropertyName='industrycode',PropertyValues=[\"6\",\"7\"])":        "Acme Bolt",
		"Microsoft.Dynamics.CRM.In(PropertyName='name',PropertyValues=['acme','CARGO'])":             "Acme cargo",
		"Microsoft.Dynamics.CRM.NotIn(PropertyName='industrycode',PropertyValues=['6'])":             "Bolt",
		"Microsoft.Dynamics.CRM.Between(PropertyName='revenue',PropertyValues=['50','100'])":         "Acme cargo",
		"Microsoft.Dynamics.CRM.Under(PropertyName='accountid',PropertyValue='" + acme + "')":        "Bolt cargo",
		"Microsoft.Dynamics.CRM.UnderOrEqual(PropertyName='accountid',PropertyValue='" + bolt + "')": "Bolt cargo",
		"Microsoft.Dynamics.CRM.Above(PropertyName='accountid',PropertyValue='" + cargo + "')":       "Acme Bolt",
		"Microsoft.Dynamics.CRM.NotUnder(PropertyName='accountid',PropertyValue='" + bolt + "')":     "Acme Dune's",
		"Microsoft.Dynamics.CRM.EqualUserId(PropertyName='ownerid')":                                 "Acme Bolt cargo Dune's",
		"Microsoft.Dynamics.CRM.NotEqualUserId(PropertyName='ownerid')":                              "",
		"Microsoft.Dynamics.CRM.EqualBusinessId(PropertyName='owningbusinessunit')":                  "Acme Bolt cargo Dune's",
		"not Microsoft.Dynamics.CRM.In(PropertyName='name',PropertyValues=['acme'])":                 "Bolt cargo Dune's",
	} {
		p := query(t, s, "accounts", map[string]string{"$select": "name", "$filter": filter, "$orderby": "name"})
		got := column(p, "name")
		if p.Error.Code != "" {
			got = "error"
		}
		if got != want {
			t.Errorf("$filter=%s: got %q %s, want %q", filter, got, p.Error.Message, want)
		}
	}
}

func TestDateFunctionsReadTheClock(t *testing.T) {
	s := company(t) // now is Monday, 2 March 2026, 12:00
	for filter, want := range map[string]string{
		"Yesterday(PropertyName='scheduledend')":                                                  "2026-03-01T23:00:00Z",
		"Today(PropertyName='scheduledend')":                                                      "2026-03-02T13:00:00Z",
		"Tomorrow(PropertyName='scheduledend')":                                                   "",
		"ThisWeek(PropertyName='scheduledend')":                                                   "2026-03-01T23:00:00Z 2026-03-02T13:00:00Z",
		"ThisMonth(PropertyName='scheduledend')":                                                  "2026-03-01T23:00:00Z 2026-03-02T13:00:00Z",
		"LastMonth(PropertyName='scheduledend')":                                                  "2026-02-20T09:00:00Z",
		"NextMonth(PropertyName='scheduledend')":                                                  "2026-04-01T00:00:00Z",
		"ThisFiscalPeriod(PropertyName='scheduledend')":                                           "2026-02-20T09:00:00Z 2026-03-01T23:00:00Z 2026-03-02T13:00:00Z",
		"NextFiscalPeriod(PropertyName='scheduledend')":                                           "2026-04-01T00:00:00Z",
		"InFiscalPeriod(PropertyName='scheduledend',PropertyValue=2)":                             "2026-04-01T00:00:00Z",
		"InFiscalYear(PropertyName='scheduledend',PropertyValue=2025)":                            "",
		"LastXDays(PropertyName='scheduledend',PropertyValue=2)":                                  "2026-03-01T23:00:00Z",
		"LastXHours(PropertyName='scheduledend',PropertyValue=13)":                                "2026-03-01T23:00:00Z",
		"LastXHours(PropertyName='scheduledend',PropertyValue=3000000)":                           "2026-02-20T09:00:00Z 2026-03-01T23:00:00Z", // 342 years
		"OlderThanXMinutes(PropertyName='scheduledend',PropertyValue=180000000)":                  "",
		"NextXHours(PropertyName='scheduledend',PropertyValue=1)":                                 "2026-03-02T13:00:00Z",
		"Last7Days(PropertyName='scheduledend')":                                                  "2026-03-01T23:00:00Z",
		"OlderThanXDays(PropertyName='scheduledend',PropertyValue=5)":                             "2026-02-20T09:00:00Z",
		"On(PropertyName='scheduledend',PropertyValue='2026-03-02')":                              "2026-03-02T13:00:00Z",
		"OnOrAfter(PropertyName='scheduledend',PropertyValue='2026-03-02T23:00:00Z')":             "2026-03-02T13:00:00Z 2026-04-01T00:00:00Z",
		"OnOrBefore(PropertyName='scheduledend',PropertyValue='2026-02-20')":                      "2026-02-20T09:00:00Z",
		"InFiscalPeriodAndYear(PropertyName='scheduledend',PropertyValue1=2,PropertyValue2=2026)": "2026-04-01T00:00:00Z",
	} {
		p := query(t, s, "tasks", map[string]string{"$select": "scheduledend", "$filter": "Microsoft.Dynamics.CRM." + filter, "$orderby": "scheduledend"})
		if got := column(p, "scheduledend"); got != want || p.Error.Code != "" {
			t.Errorf("%s: got %q %s, want %q", filter, got, p.Error.Message, want)
		}
	}
}

func TestLastPeriodsReachToNow(t *testing.T) {
	s := company(t)
	all := len(query(t, s, "tasks", map[string]string{"$select": "createdon"}).Value)
	for _, function := range []string{
		"Last7Days(PropertyName='createdon')", "LastXHours(PropertyName='createdon',PropertyValue=1)",
		"LastXDays(PropertyName='createdon',PropertyValue=1)", "LastXWeeks(PropertyName='createdon',PropertyValue=1)",
		"LastXMonths(PropertyName='createdon',PropertyValue=1)", "LastXYears(PropertyName='createdon',PropertyValue=1)",
	} {
		p := query(t, s, "tasks", map[string]string{"$select": "createdon", "$filter": "Microsoft.Dynamics.CRM." + function})
		if got := len(p.Value); got != all || p.Error.Code != "" {
			t.Errorf("%s: got %d %s, want the %d that were created this second", function, got, p.Error.Message, all)
		}
	}
}

func TestFiltersThatTheServiceRefuses(t *testing.T) {
	s := company(t)
	for filter, want := range map[string]string{
		"foo eq 1":                     "Could not find a property named 'foo' on type 'Microsoft.Dynamics.CRM.account'.",
		"name eq 5":                    "A binary operator with incompatible types was detected. Found operand types 'Edm.String' and 'Edm.Int32' for operator kind 'Equal'.",
		"industrycode eq 'Consulting'": "A binary operator with incompatible types was detected. Found operand types 'Edm.Int32' and 'Edm.String' for operator kind 'Equal'.",
		"lastname eq 'O'Bryan'":        "There is an unterminated literal at position 21 in 'lastname eq 'O'Bryan''.",
		"revenue add 1 gt 5":           "The query node BinaryOperator is not supported",
		"length(name) eq 3":            "The function 'length' is not supported.",
		"name in ('a','b')":            "The query node In is not supported",
		"primarycontactid/contact_tasks/any(o:o/subject eq 'x')": "The query node CollectionNavigationNode is not supported",
		"name":                  "The $filter expression must evaluate to a single boolean value.",
		"contains(revenue,'1')": "No function signature",
		"Microsoft.Dynamics.CRM.Foo(PropertyName='name')":            "Could not find a function named 'Microsoft.Dynamics.CRM.Foo'.",
		"Microsoft.Dynamics.CRM.LastXDays(PropertyName='createdon')": "PropertyValue",
		"primarycontactid eq " + anna:                                "The query node SingleNavigationNode is not supported",
		"Primarycontactid/fullname eq 'x'":                           "Could not find a property named 'Primarycontactid'",
	} {
		p := query(t, s, "accounts", map[string]string{"$filter": filter})
		if p.Error.Code != "0x80060888" || !strings.Contains(p.Error.Message, want) {
			t.Errorf("$filter=%s: got %s %q, want 0x80060888 %q", filter, p.Error.Code, p.Error.Message, want)
		}
	}
}

func TestParameterAliasesStandForValuesAndColumns(t *testing.T) {
	s := company(t)
	p := query(t, s, "accounts", map[string]string{"$select": "name", "$filter": "name eq @who or revenue gt @much", "@who": "'cargo'", "@much": "200", "$orderby": "name"})
	if got := column(p, "name"); got != "Bolt cargo" {
		t.Errorf("got %q, want Bolt cargo", got)
	}
	p = query(t, s, "accounts", map[string]string{"$select": "name", "$filter": "@p1 ne @none", "$orderby": "@p1 desc,@p2 asc", "@p1": "revenue", "@p2": "name"})
	plain := query(t, s, "accounts", map[string]string{"$select": "name", "$filter": "revenue ne null", "$orderby": "revenue desc,name"})
	if got, want := column(p, "name"), column(plain, "name"); got != want || got == "" {
		t.Errorf("aliases for columns: got %q %s, want %q", got, p.Error.Message, want)
	}
	p = query(t, s, "accounts", map[string]string{"$orderby": "@none"})
	if p.Error.Code != "0x80060888" {
		t.Errorf("ordering by an alias without a value: got %q, want a refusal", p.Error.Code)
	}
	p = query(t, s, "accounts", map[string]string{"$select": "name", "$filter": "revenue eq @none"})
	if got := column(p, "name"); got != "Dune's" {
		t.Errorf("an alias without a value: got %q, want Dune's (null)", got)
	}
}

func TestManagedPropertiesAreFilteredByTheirValue(t *testing.T) {
	s := emulator.Start(t)
	for filter, want := range map[string]bool{
		"iscustomizable/Value eq true":                                  true,
		"iscustomizable/Value eq false":                                 false,
		"iscustomizable/CanBeChanged eq true":                           true,
		"canbedeleted/Value":                                            true,
		"not (canbedeleted/Value eq true)":                              false,
		"createdby/systemuserid ne null and canbedeleted/Value eq true": true,
	} {
		p := query(t, s, "savedqueries", map[string]string{"$select": "name", "$top": "1", "$filter": filter})
		if got := len(p.Value) == 1; got != want || p.Error.Code != "" {
			t.Errorf("%s: got rows %t %s, want %t", filter, got, p.Error.Message, want)
		}
	}
	p := query(t, s, "savedqueries", map[string]string{"$filter": "iscustomizable/Foo eq true"})
	if p.Error.Code != "0x80060888" {
		t.Errorf("an unknown part: got %q, want 0x80060888", p.Error.Code)
	}
}

func TestMoneyIsAggregatedInTheBaseCurrency(t *testing.T) {
	s := company(t)
	euro := query(t, s, "transactioncurrencies", map[string]string{"$select": "exchangerate", "$filter": "isocurrencycode eq 'EUR'"}).Value[0]
	rate := euro["exchangerate"].(float64)
	must(t, s, http.StatusNoContent, http.MethodPost, "accounts",
		`{"name":"Echo","revenue":920,"transactioncurrencyid@odata.bind":"/transactioncurrencies(`+euro["transactioncurrencyid"].(string)+`)"}`)
	p := query(t, s, "accounts", map[string]string{"$apply": "filter(name eq 'Echo')/aggregate(revenue with sum as total,revenue with max as most)"})
	if len(p.Value) != 1 || p.Value[0]["total"] != 920/rate || p.Value[0]["most"] != 920/rate {
		t.Errorf("920 at %v: got %v %s, want %v", rate, p.Value, p.Error.Message, 920/rate)
	}
}

func TestGroupsComeInPagesByNumber(t *testing.T) {
	s := company(t)
	apply := map[string]string{"$apply": "groupby((name))"}
	p := query(t, s, "accounts", apply, "Prefer: odata.maxpagesize=3")
	if got := column(p, "name"); got != "Acme Bolt cargo" || strings.Contains(p.Next, "pagingcookie") {
		t.Fatalf("first page: got %q, next %s; want three groups and no paging cookie", got, p.Next)
	}
	_, path, _ := strings.Cut(p.Next, "/api/data/v9.2/")
	last := parse(t, send(t, s, http.MethodGet, path, "", "Prefer: odata.maxpagesize=3").body)
	if got := column(last, "name"); got != "Dune's" || last.Next != "" {
		t.Errorf("last page: got %q, next %q; want one group and no next page", got, last.Next)
	}
	apply["$top"] = "2"
	if p = query(t, s, "accounts", apply); column(p, "name") != "Acme Bolt" || p.Next != "" {
		t.Errorf("$top: got %q, next %q", column(p, "name"), p.Next)
	}
}

func TestNumbersOfRowsTakeNoOtherQuery(t *testing.T) {
	s := company(t)
	for _, option := range []string{"fetchXml", "savedQuery", "userQuery", "sql"} {
		p := query(t, s, "accounts/$count", map[string]string{option: anna})
		if p.Error.Code != "0x80040315" || len(p.Value) > 0 {
			t.Errorf("%s: got %d rows and %q, want none and 0x80040315", option, len(p.Value), p.Error.Code)
		}
	}
}

func TestPagesNeitherRepeatNorMissARow(t *testing.T) {
	s := company(t)
	for _, order := range []string{"", "name", "name desc", "revenue", "revenue desc", "numberofemployees desc,name", "_parentaccountid_value desc", "createdon", "creditonhold,industrycode"} {
		options := "$select=name&$count=true"
		if order != "" {
			options += "&$orderby=" + url.QueryEscape(order)
		}
		whole := parse(t, get(t, s, "accounts?"+options).body)
		var paged []string
		next := "accounts?" + options
		for n := 0; next != ""; n++ {
			p := parse(t, send(t, s, http.MethodGet, next, "", "Prefer: odata.maxpagesize=1").body)
			if n > 10 || p.Error.Code != "" {
				t.Fatalf("order %q: page %d: %s", order, n, p.Error.Message)
			}
			paged = append(paged, column(p, "name"))
			if n == 0 && (p.Count == nil || *p.Count != 4) {
				t.Errorf("order %q: @odata.count %v on page one, want 4", order, p.Count)
			}
			if strings.Contains(p.Next, "$count") || p.Next != "" && !strings.Contains(p.Next, "$select=name") {
				t.Errorf("order %q: nextLink %s, want $select kept and $count dropped", order, p.Next)
			}
			next = strings.TrimPrefix(p.Next, "http://org")
		}
		if got, want := strings.Join(paged, " "), column(whole, "name"); got != want {
			t.Errorf("order %q: pages give %q, one page %q", order, got, want)
		}
	}
}

func TestTheSkiptokenLooksLikeTheRealOne(t *testing.T) {
	s := company(t)
	p := parse(t, send(t, s, http.MethodGet, "accounts?$select=name", "", "Prefer: odata.maxpagesize=1").body)
	want := "http://org/api/data/v9.2/accounts?$select=name&$skiptoken=%3Ccookie%20pagenumber=%222%22%20pagingcookie=%22" +
		"%253ccookie%2520page%253d%25221%2522%253e%253caccountid%2520last%253d%2522%257b" + strings.ToUpper(acme) +
		"%257d%2522%2520first%253d%2522%257b" + strings.ToUpper(acme) + "%257d%2522%2520%252f%253e%253c%252fcookie%253e%22%20istracking=%22False%22%20/%3E"
	if p.Next != want {
		t.Errorf("got  %s\nwant %s", p.Next, want)
	}
	for _, token := range []string{"x", "%3Ccookie/%3E", "%3Ccookie%20pagenumber=%222%22%20pagingcookie=%22%2525zz%22/%3E"} {
		if got := get(t, s, "accounts?$skiptoken="+token); got.status != http.StatusBadRequest {
			t.Errorf("$skiptoken=%s: status %d, want 400", token, got.status)
		}
	}
}

func TestTopAndCount(t *testing.T) {
	s := company(t)
	if p := query(t, s, "accounts", map[string]string{"$select": "name", "$top": "2", "$orderby": "name", "$count": "true"}); column(p, "name") != "Acme Bolt" || *p.Count != 4 || p.Next != "" {
		t.Errorf("$top=2: got %q, count %d, next %q", column(p, "name"), *p.Count, p.Next)
	}
	if p := query(t, s, "accounts", map[string]string{"$select": "name", "$top": "1"}, "Prefer: odata.maxpagesize=3"); len(p.Value) != 3 {
		t.Errorf("$top=1 with a page size of 3: got %d rows, want 3 ($top is ignored)", len(p.Value))
	}
	if p := query(t, s, "accounts", map[string]string{"$top": "0"}); len(p.Value) != 0 || p.Error.Code != "" {
		t.Errorf("$top=0: got %d rows %s", len(p.Value), p.Error.Message)
	}
	if got := get(t, s, "accounts/$count?$filter="+url.QueryEscape("revenue gt 60")); got.body != "\ufeff2" || got.header.Get("Content-Type") != "text/plain" {
		t.Errorf("$count: got %q as %s, want a plain 2", got.body, got.header.Get("Content-Type"))
	}
	if p := query(t, s, "accounts", map[string]string{"$skip": "1"}); p.Error.Message != "Skip Clause is not supported in CRM" {
		t.Errorf("$skip: got %q", p.Error.Message)
	}
}

func TestApplyGroupsAndAggregates(t *testing.T) {
	s := company(t)
	for apply, want := range map[string]string{
		"aggregate(revenue with sum as total,$count as n)":                                   `[{"total":400.5000,"n":4}]`,
		"aggregate(revenue with average as a,revenue with min as lo,revenue with max as hi)": `[{"a":133.5000,"lo":50.0000,"hi":250.5000}]`,
		"filter(revenue gt 60)/aggregate($count as n)":                                       `[{"n":2}]`,
		"filter(revenue gt 999)/aggregate(revenue with sum as s,revenue with max as m)":      `[{"s":0.0000,"m":null}]`,
		"groupby((industrycode),aggregate($count as n))":                                     `[{"n":2},{"industrycode":6,"n":1},{"industrycode":7,"n":1}]`,
		"groupby((numberofemployees))":                                                       `[{},{"numberofemployees":10}]`,
		"groupby((parentaccountid/name),aggregate(accountid with countdistinct as n))":       `[{"n":2},{"account_name":"Acme","n":1},{"account_name":"Bolt","n":1}]`,
	} {
		body := get(t, s, "accounts?$apply="+url.QueryEscape(apply)).body
		want := `{"@odata.context":"http://org/api/data/v9.2/$metadata#accounts","value":` + want + `}`
		if diff := cmp.Diff(want, body); diff != "" {
			t.Errorf("$apply=%s (-want +got):\n%s", apply, diff)
		}
	}
	for _, apply := range []string{"groupby((createdon))", "aggregate(name with sum as x)", "groupby((foo))"} {
		if p := query(t, s, "accounts", map[string]string{"$apply": apply}); p.Error.Code != "0x80060888" {
			t.Errorf("$apply=%s: got %+v, want a refusal", apply, p)
		}
	}
}

func TestGroupsSortByWhatTheyAreGroupedBy(t *testing.T) {
	s := company(t)
	const node = "The query node SingleValueOpenPropertyAccess is not supported"
	for _, c := range []struct{ apply, by, want, refusal string }{
		{"groupby((name,numberofemployees),aggregate($count as n))", "numberofemployees desc,name desc", "Bolt Acme Dune's cargo", ""},
		{"groupby((name,_parentaccountid_value))", "_parentaccountid_value desc,name", "cargo Bolt Acme Dune's", ""},
		{"groupby((industrycode),aggregate($count as n))", "n desc", "", node},
		{"groupby((industrycode),aggregate($count as n))", "name", "", node},
		{"aggregate($count as n)", "industrycode", "", node},
	} {
		p := query(t, s, "accounts", map[string]string{"$apply": c.apply, "$orderby": c.by})
		if got := column(p, "name"); got != c.want || p.Error.Message != c.refusal {
			t.Errorf("$apply=%s&$orderby=%s: got %q %q, want %q %q", c.apply, c.by, got, p.Error.Message, c.want, c.refusal)
		}
	}
}

func TestNoTwoResultsHaveTheSameName(t *testing.T) {
	s := company(t)
	const contact = `<link-entity name="contact" from="contactid" to="primarycontactid" alias="c"><attribute name="fullname" %s/></link-entity>`
	for _, c := range []struct{ option, text, want string }{
		{"$apply", "groupby((createdby/fullname,modifiedby/fullname))", "0x80041130"},
		{"$apply", "groupby((statecode),aggregate($count as statecode))", "0x80041130"},
		{"sql", "SELECT SUM(revenue) AS s, MAX(revenue) AS s FROM account", "0x80041130"},
		{"sql", "SELECT name AS n, telephone1 AS n FROM account", "0x80041130"},
		{"sql", "SELECT name, name FROM account", ""},
		{"fetchXml", `<fetch><entity name="account"><attribute name="name" alias="revenue"/><attribute name="revenue"/></entity></fetch>`, "0x80041130"},
		{"fetchXml", `<fetch><entity name="account"><attribute name="name"/><attribute name="name"/></entity></fetch>`, ""},
		{"fetchXml", `<fetch><entity name="account"><attribute name="name"/>` + fmt.Sprintf(contact, `alias="name"`) + `</entity></fetch>`, "0x80041130"},
		{"fetchXml", `<fetch><entity name="account"><attribute name="name"/>` + fmt.Sprintf(contact, `alias="accountid"`) + `</entity></fetch>`, "0x80041130"},
		{"fetchXml", `<fetch><entity name="account"><attribute name="accountid" alias="accountid"/>` + fmt.Sprintf(contact, "") + `</entity></fetch>`, ""},
		{"fetchXml", `<fetch><entity name="account"><attribute name="name"/><attribute name="accountid" alias="name" rowaggregate="CountChildren"/></entity></fetch>`, "0x80041130"},
	} {
		if p := query(t, s, "accounts", map[string]string{c.option: c.text}); p.Error.Code != c.want {
			t.Errorf("%s=%s: got %v %v, want %q", c.option, c.text, p.Value, p.Error, c.want)
		}
	}
}

func TestSampleDataAnswersRealQuestions(t *testing.T) {
	s := emulator.Start(t, emulator.At(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)), emulator.WithSampleData())
	p := query(t, s, "opportunities", map[string]string{
		"$filter": "statecode eq 0 and estimatedvalue gt 50000 and Microsoft.Dynamics.CRM.ThisFiscalPeriod(PropertyName='estimatedclosedate')",
		"$select": "name,_ownerid_value", "$orderby": "estimatedvalue desc"}, `Prefer: odata.include-annotations="*"`)
	owners := map[any]bool{}
	for _, row := range p.Value {
		owners[row["_ownerid_value@OData.Community.Display.V1.FormattedValue"]] = true
	}
	if len(p.Value) < 5 || len(owners) < 3 {
		t.Errorf("open opportunities over 50k closing this quarter: %d rows of %d owners %s", len(p.Value), len(owners), p.Error.Message)
	}
}
