package dataverse_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
)

// asked is the query string of a request, decoded.
func asked(t *testing.T, r sent) map[string]string {
	t.Helper()
	values, err := url.ParseQuery(r.Query)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for name := range values {
		out[name] = values.Get(name)
	}
	return out
}

// FuzzFilter: what is sent for a filter is a filter, and holds no name that the service does not know.
func FuzzFilter(f *testing.F) {
	for _, filter := range []string{
		"primarycontactid/parentcustomerid eq '" + contactID + "'", "industrycode in ('Consulting',1)", "not (name eq 'x' or creditonhold eq 1)",
		"Account_Tasks/any(x:x/subject eq 'a' and contains(name,'b'))", "Microsoft.Dynamics.CRM.In(PropertyName='statecode',PropertyValues=['Active'])",
		"createdon gt '2026-01-01'", "ownerid/ownerid ne null", "revenue add 1 gt -2",
	} {
		f.Add(filter)
	}
	s := &service{rows: always(200, `{"value":[]}`)}
	c, err := dataverse.New(dataverse.Options{URL: "https://contoso.crm4.dynamics.com", Transport: inProcess{s}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, filter string) {
		s.reset()
		if _, err := c.Page(t.Context(), "account", dataverse.Query{Filter: filter}, ""); err != nil {
			if kind := dataverse.KindOf(err); kind != dataverse.Invalid && kind != dataverse.NotFound {
				t.Errorf("%q: %v", filter, err)
			}
			return
		}
		sent := asked(t, s.last(t))["$filter"]
		x, err := odata.ParseFilter(sent)
		if err != nil && filter != "" {
			t.Fatalf("%q was sent as %q: %v", filter, sent, err)
		}
		odata.Walk(x, func(x odata.Expr) bool {
			if p, ok := x.(*odata.Path); ok && p.Segments[len(p.Segments)-1] == "primarycontactid" {
				t.Errorf("%q was sent as %q, with the logical name of a lookup", filter, sent)
			}
			return true
		})
	})
}

func TestQueriesSpeakTheServicesNames(t *testing.T) {
	s := &service{rows: always(200, `{"value":[]}`)}
	c := start(t, s)
	for _, test := range []struct {
		name string
		q    dataverse.Query
		want map[string]string
	}{
		{"lookups are selected by logical name", dataverse.Query{Select: []string{"name", "primarycontactid", "Name"}},
			map[string]string{"$select": "name,_primarycontactid_value"}},
		{"the service's own form works too", dataverse.Query{Select: []string{"_primarycontactid_value"}},
			map[string]string{"$select": "_primarycontactid_value"}},
		{"a quoted id of a lookup is unquoted", dataverse.Query{Filter: "primarycontactid eq '{" + strings.ToUpper(contactID) + "}'"},
			map[string]string{"$filter": "_primarycontactid_value eq " + contactID}},
		{"a label becomes the number of the choice", dataverse.Query{Filter: "industrycode eq 'consulting' and statecode ne 'Inactive'"},
			map[string]string{"$filter": "industrycode eq 7 and statecode ne 1"}},
		{"yes is true", dataverse.Query{Filter: "creditonhold eq 'Yes'"}, map[string]string{"$filter": "creditonhold eq true"}},
		{"1 is true beside yes or no", dataverse.Query{Filter: "creditonhold eq 1"}, map[string]string{"$filter": "creditonhold eq true"}},
		{"rows behind an owner are for the service to know", dataverse.Query{Expand: "OwnerId($select=name)", Filter: "ownerid/ownerid ne null"},
			map[string]string{"$expand": "ownerid($select=name)", "$filter": "ownerid/ownerid ne null"}},
		{"a quoted number is a number", dataverse.Query{Filter: "revenue gt '12.50'"}, map[string]string{"$filter": "revenue gt 12.50"}},
		{"a number beside text is text", dataverse.Query{Filter: "telephone1 eq 5550100"}, map[string]string{"$filter": "telephone1 eq '5550100'"}},
		{"a quoted date is a date", dataverse.Query{Filter: "createdon ge '2026-05-01'"}, map[string]string{"$filter": "createdon ge 2026-05-01"}},
		{"in becomes or", dataverse.Query{Filter: "industrycode in ('Accounting','Consulting')"},
			map[string]string{"$filter": "industrycode eq 1 or industrycode eq 7"}},
		{"a path crosses tables", dataverse.Query{Filter: "PrimaryContactId/parentcustomerid eq " + accountID},
			map[string]string{"$filter": "primarycontactid/_parentcustomerid_value eq " + accountID}},
		{"a lambda knows the table of its variable", dataverse.Query{Filter: "account_tasks/any(x:x/subject eq 'Call' and name eq 'A')"},
			map[string]string{"$filter": "Account_Tasks/any(x:x/subject eq 'Call' and name eq 'A')"}},
		{"functions keep logical names and take labels", dataverse.Query{Filter: "Microsoft.Dynamics.CRM.In(PropertyName='industrycode',PropertyValues=['Consulting','1'])"},
			map[string]string{"$filter": `Microsoft.Dynamics.CRM.In(PropertyName='industrycode',PropertyValues=["7","1"])`}},
		{"text is compared without case anyway", dataverse.Query{Filter: "contains(tolower(name),'x') or toupper(telephone1) eq 5"},
			map[string]string{"$filter": "contains(name,'x') or telephone1 eq '5'"}},
		{"order goes by lookup too", dataverse.Query{OrderBy: "primarycontactid desc,name"},
			map[string]string{"$orderby": "_primarycontactid_value desc,name"}},
		{"expands are translated inside", dataverse.Query{Expand: "Primarycontactid($select=parentcustomerid),account_tasks($select=subject;$filter=subject eq 'x';$top=2)"},
			map[string]string{"$expand": "primarycontactid($select=_parentcustomerid_value),Account_Tasks($select=subject;$filter=subject eq 'x';$top=2)"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := c.Page(t.Context(), "account", test.q, ""); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, asked(t, s.last(t))); diff != "" {
				t.Errorf("%+v (-want +got):\n%s", test.q, diff)
			}
		})
	}
}
