package emulator_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

const formatted = "@OData.Community.Display.V1.FormattedValue"

func TestFetchAggregates(t *testing.T) {
	s := company(t)
	p := fetch(t, s, "accounts", `<fetch aggregate="true"><entity name="account">
		<attribute name="numberofemployees" alias="count" aggregate="count"/>
		<attribute name="numberofemployees" alias="filled" aggregate="countcolumn"/>
		<attribute name="numberofemployees" alias="different" aggregate="countcolumn" distinct="true"/>
		<attribute name="revenue" alias="sum" aggregate="sum"/><attribute name="revenue" alias="avg" aggregate="avg"/>
		<attribute name="revenue" alias="min" aggregate="min"/><attribute name="revenue" alias="max" aggregate="max"/>
		<attribute name="marketcap" alias="nothing" aggregate="sum"/>
	</entity></fetch>`)
	want := []map[string]any{{"count": 4.0, "filled": 2.0, "different": 1.0, "sum": 400.5, "avg": 133.5, "min": 50.0, "max": 250.5, "nothing": 0.0}}
	if diff := cmp.Diff(want, p.Value); diff != "" {
		t.Errorf("%s\n%v", diff, p.Error)
	}
	if want := "http://org/api/data/v9.2/$metadata#accounts(count,filled,different,sum,avg,min,max,nothing)"; p.Context != want {
		t.Errorf("context: got %s, want %s", p.Context, want)
	}
}

func TestFetchGroupsByColumnsOfLinksToo(t *testing.T) {
	s := company(t)
	p := fetch(t, s, "tasks", `<fetch aggregate="true"><entity name="task"><attribute name="activityid" alias="n" aggregate="count"/>
		<link-entity name="account" from="accountid" to="regardingobjectid" link-type="outer" alias="a">
			<attribute name="name" alias="company" groupby="true"/><attribute name="industrycode" alias="branch" groupby="true"/>
			<attribute name="primarycontactid" alias="who" groupby="true"/>
			<order alias="company" descending="true"/>
		</link-entity></entity></fetch>`, `Prefer: odata.include-annotations="OData.Community.Display.V1.FormattedValue,Microsoft.Dynamics.CRM.lookuplogicalname"`)
	want := []map[string]any{
		{"n": 1.0, "n" + formatted: "1", "company": "Bolt", "branch": 7.0, "branch" + formatted: "Consulting"},
		{"n": 2.0, "n" + formatted: "2", "company": "Acme", "branch": 6.0, "branch" + formatted: "Business Services", "who": anna, "who" + formatted: "Anna Åberg", "who@Microsoft.Dynamics.CRM.lookuplogicalname": "contact"},
		{"n": 1.0, "n" + formatted: "1"},
	}
	if diff := cmp.Diff(want, p.Value); diff != "" {
		t.Errorf("%s\n%v", diff, p.Error)
	}
}

func TestFetchGroupsByPartsOfDates(t *testing.T) {
	s := emulator.Start(t, emulator.At(noon), emulator.Rows("tasks", // the days of Microsoft's own example
		emulator.Row{"subject": "a", "scheduledend": "2023-03-25T10:00:00Z"}, emulator.Row{"subject": "b", "scheduledend": "2023-03-25T23:59:59Z"},
		emulator.Row{"subject": "c", "scheduledend": "2023-08-27T00:00:00Z"}))
	p := fetch(t, s, "tasks", `<fetch aggregate="true"><entity name="task"><attribute name="activityid" alias="n" aggregate="count"/>
		<attribute name="scheduledend" alias="day" groupby="true" dategrouping="day"/>
		<attribute name="scheduledend" alias="week" groupby="true" dategrouping="week" usertimezone="false"/>
		<attribute name="scheduledend" alias="month" groupby="true" dategrouping="month"/>
		<attribute name="scheduledend" alias="quarter" groupby="true" dategrouping="quarter"/>
		<attribute name="scheduledend" alias="year" groupby="true" dategrouping="year"/>
		<attribute name="scheduledend" alias="period" groupby="true" dategrouping="fiscal-period"/>
		<attribute name="scheduledend" alias="fiscal" groupby="true" dategrouping="fiscal-year"/>
		<order alias="month" descending="true"/></entity></fetch>`, `Prefer: odata.include-annotations="OData.Community.Display.V1.FormattedValue"`)
	row := func(n, day, week, month, quarter string, period string) map[string]string {
		return map[string]string{"n": n, "day": day, "week": week, "month": month, "quarter": quarter, "year": "2,023",
			"period": period, "fiscal": "FY2023"}
	}
	want := []map[string]string{row("1", "27", "35", "8", "3", "Quarter 3 FY2023"), row("2", "25", "12", "3", "1", "Quarter 1 FY2023")}
	var got []map[string]string
	for _, values := range p.Value {
		labels := map[string]string{}
		for name := range want[0] {
			labels[name], _ = values[name+formatted].(string)
		}
		got = append(got, labels)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n%v", diff, p.Error)
	}
}

func TestFetchAggregatesAreRefused(t *testing.T) {
	s := company(t)
	for xml, want := range map[string]string{
		`<fetch aggregate="true" aggregatelimit="3"><entity name="account"><attribute name="name" alias="n" aggregate="count"/></entity></fetch>`: "0x8004e023",
		`<fetch aggregate="true" aggregatelimit="4"><entity name="account"><attribute name="name" alias="n" aggregate="count"/></entity></fetch>`: "",
		`<fetch aggregate="true"><entity name="account"><attribute name="name" alias="n" aggregate="sum"/></entity></fetch>`:                      "0x80060559",
		`<fetch aggregate="true"><entity name="account"><attribute name="nam" alias="n" aggregate="count"/></entity></fetch>`:                     "0x80041103",
		`<fetch aggregate="true"><entity name="account"><attribute name="name" alias="n" aggregate="count"/><order alias="m"/></entity></fetch>`:  "0x8004110a",
		`<fetch aggregate="true"><entity name="account"/></fetch>`:                                                                                "0x8004112f",
		`<fetch aggregate="true"><entity name="account"><attribute name="name" aggregate="count"/></entity></fetch>`:                              "0x8004110b",
	} {
		if p := fetch(t, s, "accounts", xml); p.Error.Code != want {
			t.Errorf("%s: got %q %s, want %q", xml, p.Error.Code, p.Error.Message, want)
		}
	}
}

func TestFetchGroupsComeInPages(t *testing.T) {
	s := company(t)
	for page, want := range map[string]string{"1": "Acme Bolt", "2": "cargo Dune's", "3": ""} {
		p := fetch(t, s, "accounts", `<fetch aggregate="true" count="2" page="`+page+`"><entity name="account">
			<attribute name="name" alias="n" groupby="true"/><order alias="n"/></entity></fetch>`)
		if got := column(p, "n"); got != want {
			t.Errorf("page %s: got %q, want %q", page, got, want)
		}
	}
}

func TestFetchAggregatesAtMost50000Rows(t *testing.T) {
	s := emulator.Start(t, emulator.At(noon))
	const count = `<fetch aggregate="true"><entity name="subject"><attribute name="subjectid" alias="n" aggregate="count"/></entity></fetch>`
	before := emulator.Ask[int](t, s, "SELECT count(*) FROM subject")
	emulator.Execute(t, s, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO subject (subjectid) SELECT printf('30000000-0000-4000-8000-%012d', i) FROM n`, 50000-before)
	if p := fetch(t, s, "subjects", count); len(p.Value) != 1 || p.Value[0]["n"] != 50000.0 {
		t.Errorf("50,000 rows: got %v %v", p.Value, p.Error)
	}
	emulator.Execute(t, s, `INSERT INTO subject (subjectid) VALUES ('40000000-0000-4000-8000-000000000001')`)
	if p := fetch(t, s, "subjects", count); p.Error.Code != "0x8004e023" {
		t.Errorf("50,001 rows: got %v %v, want 0x8004e023", p.Value, p.Error)
	}
}
