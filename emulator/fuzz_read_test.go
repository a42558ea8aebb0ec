package emulator_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// FuzzReadsNeverFail sends arbitrary query options: what the emulator cannot answer it refuses.
func FuzzReadsNeverFail(f *testing.F) {
	sets := []string{"accounts", "contacts", "emails", "activitypointers", "environmentvariabledefinitions", "audits", "incidents", "owners", "systemusers", "goals", "campaignresponses",
		"EntityDefinitions", "EntityDefinitions(LogicalName='account')/Attributes", "EntityDefinitions(LogicalName='account')/Keys",
		"RelationshipDefinitions", "GlobalOptionSetDefinitions"}
	for _, seed := range [][2]string{
		{"$filter", "contains(name,'[a-') and primarycontactid/createdby/fullname ne null or not (revenue gt 1e400)"},
		{"$filter", "contact_customer_accounts/any(c:c/fullname eq 'x' and c/parentcustomerid_account/name ne null)"},
		{"$filter", "regardingobjectid_lead/fullname eq 'x' or Microsoft.Dynamics.CRM.On(PropertyName='createdon',PropertyValue='2024-06-12')"},
		{"$filter", "activity_pointer_activity_parties/all(p:p/partyid_account/name eq 'x')"},
		{"$filter", "Microsoft.Dynamics.CRM.UnderOrEqual(PropertyName='connectionreferenceid',PropertyValue='00000000-0000-0000-0000-000000000001')"},
		{"$filter", "Microsoft.Dynamics.CRM.Under(PropertyName='objectid',PropertyValue='00000000-0000-0000-0000-000000000001')"},
		{"$filter", "Microsoft.Dynamics.CRM.Above(PropertyName='createdbyexternalparty',PropertyValue='00000000-0000-0000-0000-000000000001')"},
		{"$filter", "Microsoft.Dynamics.CRM.LastXYears(PropertyName='createdon',PropertyValue=9223372036854775807)"},
		{"$orderby", "_ownerid_value desc,fullname"},
		{"$expand", "manager($select=fullname;$filter=contains(fullname,'a');$expand=createdby)"},
		{"$expand", "resolvebykpiid,kbarticleid($select=title)"},
		{"$apply", "filter(statecode eq 0)/groupby((createdbyexternalparty/fullname,_ownerid_value),aggregate(revenue with sum as s,$count as n))"},
		{"$skiptoken", `<cookie pagenumber="9223372036854775807" istracking="False" />`},
		{"$skiptoken", `<cookie pagenumber="2" pagingcookie="%3ccookie page=%221%22%3e%3caccountid last=%22x%22/%3e%3c/cookie%3e" />`},
		{"$select", "name,_ownerid_value,*"},
		{"$top", "0"},
		{"$filter", "IsCustomizable eq IsCustomizable and DisplayName ne DisplayName"},
		{"$filter", "KeyAttributes eq KeyAttributes or IsCustomizable/Value eq true"},
		{"$expand", "Attributes($select=LogicalName;$filter=LogicalName gt 'a'),Keys"},
	} {
		for n := range sets {
			f.Add(n, seed[0], seed[1])
		}
	}
	e, err := emulator.New(f.Context(), emulator.Options{Empty: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = e.Close() })
	f.Fuzz(func(t *testing.T, n int, option, text string) {
		set := sets[uint(n)%uint(len(sets))]
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/data/v9.2/"+set, strings.NewReader(""))
		r.URL.RawQuery = url.QueryEscape(option) + "=" + url.QueryEscape(text)
		r.Header.Set("Authorization", "Bearer "+emulator.DefaultToken)
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError && w.Code != http.StatusNotImplemented {
			t.Errorf("%s?%s=%s: got %d %s", set, option, text, w.Code, w.Body)
		}
	})
}
