package odata

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// stable checks that what parses prints as a text that parses to the same tree.
func stable[T any](t *testing.T, in string, parse func(string) (T, error), format func(T) string) {
	t.Helper()
	want, err := parse(in)
	if err != nil {
		return
	}
	text := format(want)
	got, err := parse(text)
	if err != nil {
		t.Fatalf("%q prints as %q: %v", in, text, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%q prints as %q (-want +got):\n%s", in, text, diff)
	}
}

func FuzzFilter(f *testing.F) {
	for _, s := range []string{
		"firstname eq lastname",
		"revenue gt 1000.50 and contains(name,'O''Brien')",
		"primarycontactid/createdby/fullname eq 'x'",
		"_ownerid_value eq 4026be43-6b69-e111-8f65-78e7d1620f5e",
		"Microsoft.Dynamics.CRM.Between(PropertyName='numberofemployees',PropertyValues=[\"5\",\"2000\"])",
		"Microsoft.Dynamics.CRM.In(PropertyName='c',PropertyValues=['1',\"2\"])",
		"Microsoft.Dynamics.CRM.LastXDays(PropertyName=@p1,PropertyValue=7)",
		"OwnershipType eq Microsoft.Dynamics.CRM.OwnershipTypes'UserOwned' or IsCustomizable/Value eq true",
		"tasks/any(o:o/x eq 1 or o/y/all(p:not (p/z lt -5))) and coll/any()",
		"createdon ge 2024-06-12T14:13:17.123+02:00 and d ne 2024-06-12 and t le 14:13:17.5",
		"a add -b mul - 5 in ('x',null) and c has Ns.E'A,B' and d eq duration'P1DT2H'",
		"F({'@odata.id':'contacts(4026be43-6b69-e111-8f65-78e7d1620f5e)'},[1,[true,{\"a\":1e5}]])",
		"lastname eq 'O'Bryan'",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		stable(t, s, ParseFilter, Expr.String)
		stable(t, s, ParseValue, Expr.String)
		stable(t, s, ParseOrderBy, FormatOrderBy)
	})
}

func FuzzExpand(f *testing.F) {
	for _, s := range []string{
		"OptionSet($select=Options),GlobalOptionSet($select=Options)",
		"primarycontactid($select=fullname;$expand=ownerid/$ref),tasks($filter=subject eq 'a;)';$orderby=x desc;$top=1)",
		"Attributes/Ns.StringAttributeMetadata($select=MaxLength),a/b/$count($search=\"x)\" OR (y;z))",
		"*($levels=max;$count=true;$skip=0;$compute=a as b),*/$ref",
		"a($apply=groupby((b),aggregate($count as n)))",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { stable(t, s, ParseExpand, FormatExpand) })
}

func FuzzApply(f *testing.F) {
	for _, s := range []string{
		"groupby((statuscode))",
		"groupby((a,b/c),aggregate(revenue with sum as total,$count as n))",
		"aggregate(revenue with average as total,x with countdistinct as d)",
		"filter(statecode eq 0)/groupby((primarycontactid/fullname),filter(a)/aggregate(b with max as c))",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { stable(t, s, ParseApply, FormatApply) })
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{
		"accounts(4026be43-6b69-e111-8f65-78e7d1620f5e)/primarycontactid/$ref",
		"contacts(firstname='Joe',emailaddress1='a@b.c',_new_x_value=4026be43-6b69-e111-8f65-78e7d1620f5e)",
		"EntityDefinitions(LogicalName='account')/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata",
		"RetrieveMetadataChanges(Query=@p1,DeletedMetadataFilters=@p2,ClientVersionStamp=@p3)",
		"RetrieveTotalRecordCount(EntityNames=['account'])",
		"a('b%2Fc%27%27')/name/$value",
		"$1/x/WhoAmI()/$batch/F(T=%7B'@odata.id':'contacts(1)'%7D)",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { stable(t, s, ParsePath, FormatPath) })
}

func BenchmarkParseFilter(b *testing.B) {
	const filter = "statecode eq 0 and revenue gt 100000 and (contains(name,'Contoso') or startswith(name,'A'))" +
		" and _ownerid_value eq 4026be43-6b69-e111-8f65-78e7d1620f5e and createdon ge 2024-06-12T14:13:17Z" +
		" and Microsoft.Dynamics.CRM.In(PropertyName='industrycode',PropertyValues=[\"1\",\"2\"])"
	b.ReportAllocs()
	b.SetBytes(int64(len(filter)))
	for b.Loop() {
		if _, err := ParseFilter(filter); err != nil {
			b.Fatal(err)
		}
	}
}
