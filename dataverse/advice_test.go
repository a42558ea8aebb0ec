package dataverse_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

func TestRefusalsSayWhatToWrite(t *testing.T) {
	c := emulated(t)
	const own = "Microsoft.Dynamics.CRM."
	for _, test := range []struct {
		table string
		q     dataverse.Query
		want  string
	}{
		{"account", dataverse.Query{Select: []string{"primarycontactid/fullname"}}, `use expand: "primarycontactid($select=fullname)"`},
		{"account", dataverse.Query{Select: []string{"ownerid/fullname"}}, `select ownerid, which shows the name, or use expand: "owninguser($select=fullname)"`},
		{"opportunity", dataverse.Query{Select: []string{"customerid/name"}}, `use expand: "customerid_account($select=name)"`},
		{"account", dataverse.Query{Select: []string{"name,revenue"}}, `"name,revenue" is one text, want a list of columns`},
		{"account", dataverse.Query{Filter: "ownerid/fullname eq 'x'"}, "write owninguser/fullname"},
		{"account", dataverse.Query{Filter: "ownerid/name eq 'x'"}, "write owningteam/name"},
		{"account", dataverse.Query{Filter: "ownerid eq 'Gabriela Torres'"}, "compared as owninguser/fullname or owningteam/name"},
		{"account", dataverse.Query{Filter: "contains(ownerid,'Gab')"}, "compared as owninguser/fullname or owningteam/name"},
		{"account", dataverse.Query{Filter: "primarycontactid/ownerid/fullname eq 'x'"}, "write primarycontactid/owninguser/fullname"},
		{"opportunity", dataverse.Query{Filter: "contains(statecode,'op')"}, "statecode eq 'Open'"},
		{"opportunity", dataverse.Query{Filter: "contains(estimatedvalue,'1')"}, "compare it with eq, gt"},
		{"opportunity", dataverse.Query{Filter: "startswith(createdon,'2026')"}, "createdon ge 2026-05-01"},
		{"opportunity", dataverse.Query{Filter: "statecode eq true"}, `no choice "true", nearest: Open = 0, Won = 1, Lost = 2`},
		{"task", dataverse.Query{Filter: "regardingobjectid/name eq 'x'"}, "write regardingobjectid_account_task/name or regardingobjectid_opportunity_task/name"},
		{"task", dataverse.Query{Filter: "subject/name eq 'x'"}, "column subject of table task leads to no other table"},
		{"account", dataverse.Query{Filter: "createdon gt now()"}, "write " + own + "LastXDays(PropertyName='createdon',PropertyValue=30)"},
		{"account", dataverse.Query{Filter: "year(createdon) eq 2026"}, "write createdon ge 2026-01-01 and createdon lt 2027-01-01"},
		{"account", dataverse.Query{Filter: "LastXDays(modifiedon,7)"}, "write " + own + "LastXDays(PropertyName='modifiedon',PropertyValue=7)"},
		{"account", dataverse.Query{Filter: "ThisMonth(createdon)"}, "write " + own + "ThisMonth(PropertyName='createdon')"},
		{"account", dataverse.Query{Filter: "createdon gt addDays(now(),-30)"}, "LastXDays("},
		{"account", dataverse.Query{Filter: "length(name) gt 3"}, "contains, startswith and endswith"},
		{"account", dataverse.Query{Filter: "LastDays(createdon,7)"}, "write " + own + "LastXDays(PropertyName='createdon',PropertyValue=7)"},
		{"account", dataverse.Query{Filter: "substringof('x',name)"}, "write contains(name,'text')"},
		{"account", dataverse.Query{Filter: "LastXDays(PropertyName='creaton',PropertyValue=7)"}, `no column "creaton"`},
		{"account", dataverse.Query{Filter: "createdon gt 2026-05-01T10:00:00"}, "the zone is missing: write 2026-05-01T10:00:00Z"},
		{"account", dataverse.Query{Filter: "createdon gt '2026-05-01T10:00:00'"}, "the zone is missing: write 2026-05-01T10:00:00Z"},
		{"account", dataverse.Query{Filter: "createdon gt 2026-05-01 10:00"}, "the zone is missing: write 2026-05-01T10:00Z"},
		{"account", dataverse.Query{Filter: "createdon eq 2026-05-01"}, "midnight UTC; write " + own + "On(PropertyName='createdon',PropertyValue='2026-05-01')"},
		{"account", dataverse.Query{Filter: "'2026-05-01' ne createdon"}, "write not (" + own + "On(PropertyName='createdon',PropertyValue='2026-05-01'))"},
		{"account", dataverse.Query{Filter: "createdon in (2026-05-01T10:00:00Z,2026-05-02)"}, "write " + own + "On("},
		{"account", dataverse.Query{Filter: "owninguser/createdon eq 2026-05-01"}, "write owninguser/createdon ge 2026-05-01 and owninguser/createdon lt the day after"},
		{"account", dataverse.Query{Filter: "Account_Tasks/any(t:t/createdon eq 2026-05-01)"}, "write t/createdon ge 2026-05-01 and t/createdon lt the day after"},
		{"account", dataverse.Query{Filter: "ownerid eq me"}, "for the caller write " + own + "EqualUserId(PropertyName='ownerid') instead of eq, with not before it"},
		{"account", dataverse.Query{Filter: "ownerid eq 'me'"}, "for the caller write " + own + "EqualUserId(PropertyName='ownerid') instead of eq, with not before it"},
		{"account", dataverse.Query{Filter: "createdon gt LastMonth"}, "write " + own + "LastMonth(PropertyName='createdon') instead of the comparison"},
		{"account", dataverse.Query{Filter: "name eq me"}, "if it is text or a label, write 'me'"},
		{"contact", dataverse.Query{Filter: "month(birthdate) eq 12"}, "parts of dates cannot be compared"},
		{"contact", dataverse.Query{Filter: "date(createdon) eq 2026-05-01"}, "write " + own + "On(PropertyName='createdon'"},
		{"account", dataverse.Query{Filter: "contact_customer_accounts/$count eq 0"}, "for one or more of them, not contact_customer_accounts/any() for none"},
		{"account", dataverse.Query{Filter: "contact_customer_accounts eq null"}, "write contact_customer_accounts/any()"},
		{"account", dataverse.Query{OrderBy: "contact_customer_accounts/$count desc"}, "contact_customer_accounts holds many rows"},
		{"account", dataverse.Query{OrderBy: "-revenue"}, "order by: got -revenue, write revenue desc"},
		{"account", dataverse.Query{OrderBy: "name sideways"}, "write column or column desc"},
		{"account", dataverse.Query{Expand: "primarycontactid($selct=fullname)"}, "write $select instead of $selct"},
		{"account", dataverse.Query{Expand: "primarycontactid(filter=fullname)"}, "write $filter instead of filter"},
		{"account", dataverse.Query{Expand: "primarycontactid(fullname)"}, "as in primarycontactid($select=fullname)"},
		{"account", dataverse.Query{Filter: "createdon gt 2026-13-45"}, "there is no day 2026-13-45: write one such as 2026-05-01"},
		{"account", dataverse.Query{Filter: "createdon gt 2026-5-1 and name eq 'x'"}, "there is no day 2026-5-1: write"},
		{"account", dataverse.Query{Filter: "name = 'x'"}, "write eq instead of ="},
		{"account", dataverse.Query{Filter: "name == 'x'"}, "write eq instead of =="},
		{"account", dataverse.Query{Filter: "revenue > 5"}, "write gt instead of >"},
		{"account", dataverse.Query{Filter: "revenue >= 5"}, "write ge instead of >="},
		{"account", dataverse.Query{Filter: "name != 'x'"}, "write ne instead of !="},
		{"account", dataverse.Query{Filter: "name eq 'x' && revenue gt 5"}, "write and instead of &&"},
		{"account", dataverse.Query{Filter: "name eq 'x' AND revenue gt 5"}, "write and in lower case"},
		{"account", dataverse.Query{Filter: "name EQ 'x'"}, "write eq in lower case"},
		{"account", dataverse.Query{Filter: "name like '%x%'"}, "write contains(column,'text')"},
		{"account", dataverse.Query{Filter: `name eq "x"`}, "single quotes"},
		{"account", dataverse.Query{Filter: "name eq 'O'Connor'"}, "a quote inside text is doubled: 'O''Connor'"},
		{"account", dataverse.Query{Filter: "name eq 'O'Connor' and telephone1 eq '1'"}, "a quote inside text is doubled: 'O''Connor'"},
		{"account", dataverse.Query{Filter: "name is null"}, "write eq null"},
		{"account", dataverse.Query{Filter: "name is not null"}, "write ne null"},
		{"account", dataverse.Query{Filter: "statecode eq Active"}, "if it is text or a label, write 'Active'"},
		{"account", dataverse.Query{OrderBy: "name DESC"}, "write desc in lower case"},
		{"account", dataverse.Query{OrderBy: "name descending"}, "write desc"},
		{"account", dataverse.Query{Filter: "name eq 'x' and Number of Employees gt 5"}, "; write numberofemployees for Number of Employees"},
		{"account", dataverse.Query{OrderBy: "name,annual revenue desc"}, "; write revenue for Annual Revenue"},
		{"account", dataverse.Query{Select: []string{"parentaccountid/primarycontactid/fullname"}},
			`use expand: "parentaccountid($expand=primarycontactid($select=fullname))"`},
		{"account", dataverse.Query{Select: []string{"parentaccountid/primarycontctid/fullname"}}, "nearest: primarycontactid"},
		{"account", dataverse.Query{Expand: "primarycontactid($expand=ownerid($select=fullname))"}, "or expand owninguser($select=fullname) or owningteam($select=name)"},
		{"account", dataverse.Query{Expand: "parentaccountid($expand=Account_Tasks($top=2))"}, "expand Account_Tasks: $top and $orderby do not go inside another expand"},
		{"account", dataverse.Query{Expand: "primarycontactid($orderby=fullname)"}, "expand primarycontactid leads to one row: leave $top and $orderby out"},
	} {
		_, err := c.Page(t.Context(), test.table, test.q, "")
		e, ok := errors.AsType[*dataverse.Error](err)
		if !ok || e.Kind != dataverse.Invalid || e.Status != 0 || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %+v: got %v, want it refused here with %q", test.table, test.q, err, test.want)
		}
	}
}

func TestRefusedValuesSayWhatToWrite(t *testing.T) {
	c := emulated(t)
	const id = "(4026be43-6b69-e111-8f65-78e7d1620f5e)"
	for _, test := range []struct {
		table, column string
		value         any
		want          string
	}{
		{"list", "listcontact_association", []any{"contact" + id}, "rows of tables list and contact are joined many to many, which cannot be done here yet"},
		{"list", "listcontact_association@odata.bind", []any{"contacts" + id}, "joined many to many"},
		{"account", "Account_Tasks", []any{"task" + id}, "rows of table task point here by their column regardingobjectid: write account(GUID) there"},
		{"phonecall", "phonecall_activity_parties", "contact" + id, "are written by its columns from, to"},
		{"account", "account_activity_parties", []any{"activityparty" + id}, "point here by their column partyid"},
		{"listmember", "entityid", "contact" + id, "only an action of the service writes it, which cannot be sent here yet"},
		{"phonecall", "to", "Anna Evans", "want account(GUID), with a table of account, contact, "},
		{"phonecall", "to", "Anna Evans", "or a mail address; the id of a name is found by a query"},
		{"account", "ownerid", "Jonas Vogel", "want systemuser(GUID) or team(GUID); the id of a name is found by a query"},
		{"account", "ownerid", id[1 : len(id)-1], "got an id alone, want systemuser(GUID) or team(GUID)"},
	} {
		_, err := c.Create(t.Context(), test.table, dataverse.Values{test.column: test.value})
		e, ok := errors.AsType[*dataverse.Error](err)
		if !ok || e.Kind != dataverse.Invalid || e.Status != 0 || len(e.Nearest) > 0 || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %s = %v: got %v, want it refused here with %q", test.table, test.column, test.value, err, test.want)
		}
	}
	for grouping, want := range map[*dataverse.Grouping]string{
		{By: []string{"parentaccountid/industrycode"}}: `"parentaccountid/industrycode": rows are grouped and added up by columns of table account alone`,
		{Sum: "parentaccountid/revenue"}:               `"parentaccountid/revenue": rows are grouped`,
	} {
		if _, err := c.Groups(t.Context(), "account", *grouping); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %q", *grouping, err, want)
		}
	}
}

func TestAdviceWorks(t *testing.T) {
	c := emulated(t)
	for table, filters := range map[string][]string{
		"account": {
			"owninguser/fullname eq 'x'", "owningteam/name eq 'x'", "LastXDays(PropertyName='createdon',PropertyValue=7)",
			"lastxdays(PropertyName=createdon,PropertyValue=7)", "Microsoft.Dynamics.CRM.ThisMonth(PropertyName='createdon')",
			"Contains(name,'x')", "primarycontactid eq contact(4026be43-6b69-e111-8f65-78e7d1620f5e)", "name eq 'O''Connor'",
			"not (Microsoft.Dynamics.CRM.On(PropertyName='createdon',PropertyValue='2026-05-01'))",
			"createdon ge 2026-05-01 and createdon lt '2026-05-02' or createdon eq 2026-05-01T00:00:00Z",
			"Microsoft.Dynamics.CRM.EqualUserId(PropertyName='ownerid')", "contact_customer_accounts/any() or not contact_customer_accounts/any()",
			"Today(PropertyName='createdon') or On(PropertyName='createdon',PropertyValue=2026-05-01)",
		},
		"task":    {"regardingobjectid_account_task/name eq 'x'"},
		"contact": {"birthdate eq 2026-05-01 or birthdate in (2026-05-02)"},
	} {
		for _, filter := range filters {
			if _, err := c.Page(t.Context(), table, dataverse.Query{Filter: filter, Top: 1}, ""); err != nil {
				t.Errorf("%s %s: %v", table, filter, err)
			}
		}
	}
}

func TestAllFaultsAreToldAtOnce(t *testing.T) {
	c := emulated(t)
	_, err := c.Page(t.Context(), "contact", dataverse.Query{
		Select: []string{"fulname", "phne", "fulname"}, Filter: "frstname eq 'x' and statecode eq 'Actve' or fulname eq 'y'", OrderBy: "creaton",
	}, "")
	for _, want := range []string{`"fulname", nearest: fullname`, `"phne"`, `"frstname", nearest: firstname`, `no choice "Actve"`, `"creaton"`} {
		if err == nil || strings.Count(err.Error(), want) != 1 {
			t.Errorf("got %v, want %s once", err, want)
		}
	}
	_, err = c.Create(t.Context(), "contact", dataverse.Values{"name": "x"})
	if err == nil || strings.Contains(err.Error(), "fullname") || !strings.Contains(err.Error(), "lastname") {
		t.Errorf("got %v, want columns that can be written", err)
	}
	_, err = c.Create(t.Context(), "task", dataverse.Values{"scheduledend": "2026-05-01T10:00:00"})
	if err == nil || !strings.Contains(err.Error(), "the zone is missing: write 2026-05-01T10:00:00Z") {
		t.Errorf("got %v, want the zone asked for", err)
	}
	_, err = c.Create(t.Context(), "contact", dataverse.Values{"fistname": "A", "lstname": "B", "statecode": "none"})
	for _, want := range []string{`"fistname"`, `"lstname"`, "statecode"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s in it", err, want)
		}
	}
}

func TestLabelsAreNoNamesOfColumns(t *testing.T) {
	c := emulated(t)
	for _, q := range []dataverse.Query{{Select: []string{"Revenue"}}, {Filter: "Revenue eq 1"}, {OrderBy: "revenue"}} {
		if _, err := c.Page(t.Context(), "opportunity", q, ""); err == nil || !strings.Contains(err.Error(), "nearest: isrevenuesystemcalculated (Revenue)") {
			t.Errorf("%+v: got %v, want the column that is labelled so as the first suggestion", q, err)
		}
	}
}

func TestATableInAColumnGoesByItsLogicalName(t *testing.T) {
	c := emulated(t)
	for filter, want := range map[string]string{
		"activitytypecode eq 'phonecalls'":           `column activitytypecode: got "phonecalls", want the logical name of a table, nearest: phonecall`,
		"activitytypecode in ('task','phncall')":     `column activitytypecode: got "phncall", want the logical name of a table, nearest: phonecall`,
		"not (activitytypecode ne 'appointements')":  `column activitytypecode: got "appointements", want the logical name of a table, nearest: appointment`,
		"activitytypecode eq 'Task'":                 "",
		"'email' eq activitytypecode":                "",
		"activitytypecode eq null":                   "",
		"activitytypecode in ('task','appointment')": "",
	} {
		_, err := c.Count(t.Context(), "activitypointer", filter)
		if want == "" && err != nil || want != "" && (dataverse.KindOf(err) != dataverse.Invalid || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", filter, err, want)
		}
	}
}
