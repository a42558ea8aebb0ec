package emulator_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// fetch asks an entity set with FetchXML.
func fetch(t *testing.T, s *emulator.Server, set, xml string, headers ...string) page {
	t.Helper()
	return query(t, s, set, map[string]string{"fetchXml": xml}, headers...)
}

// accountsWhere are the names of the accounts that pass a filter and links, in order of the names.
func accountsWhere(t *testing.T, s *emulator.Server, body string) string {
	t.Helper()
	p := fetch(t, s, "accounts", `<fetch><entity name="account"><attribute name="name"/><order attribute="name"/>`+body+`</entity></fetch>`)
	if p.Error.Code != "" {
		return p.Error.Code + " " + p.Error.Message
	}
	return column(p, "name")
}

func TestFetchConditionsSelectAsTheServiceDoes(t *testing.T) {
	s := company(t)
	for condition, want := range map[string]string{
		`attribute="name" operator="eq" value="ACME"`:                       "Acme",
		`attribute="name" operator="eq" value="Dune's"`:                     "Dune's",
		`attribute="name" operator="ne" value="acme"`:                       "Bolt cargo Dune's",
		`attribute="revenue" operator="neq" value="100"`:                    "Bolt cargo Dune's",
		`attribute="revenue" operator="ge" value="100"`:                     "Acme Bolt",
		`attribute="revenue" operator="lt" value="100"`:                     "cargo",
		`attribute="revenue" operator="null"`:                               "Dune's",
		`attribute="revenue" operator="not-null"`:                           "Acme Bolt cargo",
		`attribute="creditonhold" operator="eq" value="1"`:                  "Acme",
		`attribute="creditonhold" operator="eq" value="false"`:              "Bolt cargo Dune's",
		`attribute="industrycode" operator="eq" value="6"`:                  "Acme",
		`attribute="name" operator="like" value="%A%"`:                      "Acme cargo",
		`attribute="name" operator="not-like" value="%a%"`:                  "Bolt Dune's",
		`attribute="name" operator="begins-with" value="_o"`:                "Bolt",
		`attribute="description" operator="not-begin-with" value="1"`:       "Bolt cargo Dune's",
		`attribute="name" operator="ends-with" value="E"`:                   "Acme",
		`attribute="name" operator="not-end-with" value="e"`:                "Bolt cargo Dune's",
		`attribute="websiteurl" operator="eq" valueof="name"`:               "Bolt",
		`attribute="primarycontactid" operator="eq" value="{` + anna + `}"`: "Acme",
		`attribute="primarycontactidname" operator="like" value="anna%"`:    "Acme",
		`attribute="owneridtype" operator="eq" value="8"`:                   "Acme Bolt cargo Dune's",
		`attribute="industrycodename" operator="not-null"`:                  "Acme Bolt",
		`attribute="accountid" operator="above" value="` + cargo + `"`:      "Acme Bolt",
		`attribute="accountid" operator="eq-or-above" value="` + bolt + `"`: "Acme Bolt",
		`attribute="accountid" operator="under" value="` + acme + `"`:       "Bolt cargo",
		`attribute="accountid" operator="eq-or-under" value="` + bolt + `"`: "Bolt cargo",
		`attribute="accountid" operator="not-under" value="` + bolt + `"`:   "Acme Dune's",
		`attribute="ownerid" operator="eq-userid"`:                          "Acme Bolt cargo Dune's",
		`attribute="ownerid" operator="ne-userid"`:                          "",
		`attribute="ownerid" operator="eq-useroruserhierarchyandteams"`:     "Acme Bolt cargo Dune's",
		`attribute="owningbusinessunit" operator="eq-businessid"`:           "Acme Bolt cargo Dune's",
		`attribute="createdon" operator="today"`:                            "Acme Bolt cargo Dune's",
		`attribute="createdon" operator="yesterday"`:                        "",
		`attribute="createdon" operator="last-seven-days"`:                  "Acme Bolt cargo Dune's",
		`attribute="createdon" operator="on" value="2026-03-02"`:            "Acme Bolt cargo Dune's",
		`attribute="createdon" operator="last-x-hours" value="1"`:           "Acme Bolt cargo Dune's",
		`attribute="createdon" operator="olderthan-x-minutes" value="1"`:    "",
		`attribute="createdon" operator="next-x-years" value="20000"`:       "Acme Bolt cargo Dune's",
		`attribute="createdon" operator="last-x-years" value="20000"`:       "Acme Bolt cargo Dune's",
		`attribute="createdon" operator="olderthan-x-years" value="20000"`:  "",
		`attribute="createdon" operator="in-fiscal-year" value="2026"`:      "Acme Bolt cargo Dune's",
		`attribute="createdon" operator="ge" value="2026-03-02 12:00:00"`:   "Acme Bolt cargo Dune's",
		`attribute="createdon" operator="gt" value="2026-03-02T12:00:00Z"`:  "",
		`attribute="nothing" operator="null"`:                               "0x80041103 'account' entity doesn't contain attribute with Name = 'nothing' and NameMapping = 'Logical'.",
		`attribute="revenue" operator="eq" value="much"`:                    "0x80041106 Condition for attribute 'account.revenue': The value 'much' of 'revenue' is not a number.",
		`attribute="name" operator="last-x-days" value="7"`:                 "0x80041106 Condition for attribute 'account.name': The operator 'last-x-days' needs a date column, 'name' is none.",
		`attribute="name" operator="eqq" value="7"`:                         `0x80041120 line 1: Invalid condition operator "eqq"; did you mean eq?`,
		`attribute="name" entityname="nobody" operator="null"`:              "0x8004110a Link entity with name or alias nobody is not found",
		`attribute="name" operator="eq" valueof="nobody.name"`:              "0x8004110a Link entity with name or alias nobody is not found",
		`attribute="createdon" operator="eq" value="soon"`:                  "0x80041106 Condition for attribute 'account.createdon': The date 'soon' is not valid.",
		`attribute="primarycontactid" operator="eq" value="anna"`:           "0x80041106 Condition for attribute 'account.primarycontactid': A binary operator with incompatible types was detected. Found operand types 'Edm.Guid' and 'Edm.String' for operator kind 'Equal'.",
		`attribute="revenue" operator="like" value="1%"`:                    "0x80041106 Condition for attribute 'account.revenue': the operator 'like' needs a text column.",
	} {
		if got := accountsWhere(t, s, `<filter><condition `+condition+`/></filter>`); got != want {
			t.Errorf("%s:\n got %q\nwant %q", condition, got, want)
		}
	}
}

func TestFetchFiltersNest(t *testing.T) {
	s := company(t)
	for filter, want := range map[string]string{
		``:                           "Acme Bolt cargo Dune's",
		`<filter/>`:                  "Acme Bolt cargo Dune's",
		`<filter><filter/></filter>`: "Acme Bolt cargo Dune's",
		`<filter type="or"><condition attribute="name" operator="eq" value="acme"/><condition attribute="name" operator="eq" value="bolt"/></filter>`:                                                                             "Acme Bolt",
		`<filter><condition attribute="numberofemployees" operator="eq" value="10"/><filter type="or"><condition attribute="name" operator="eq" value="bolt"/><condition attribute="revenue" operator="null"/></filter></filter>`: "Bolt",
		`<filter><condition attribute="revenue" operator="not-null"/></filter><filter><condition attribute="name" operator="gt" value="b"/></filter>`:                                                                             "Bolt cargo",
		`<filter><condition attribute="name" operator="in"><value>ACME</value><value>cargo</value></condition></filter>`:                                                                                                          "Acme cargo",
		`<filter><condition attribute="name" operator="not-in"><value>ACME</value><value>cargo</value></condition></filter>`:                                                                                                      "Bolt Dune's",
		`<filter><condition attribute="revenue" operator="between"><value>50</value><value>100</value></condition></filter>`:                                                                                                      "Acme cargo",
		`<filter><condition attribute="revenue" operator="not-between"><value>50</value><value>100</value></condition></filter>`:                                                                                                  "Bolt",
		`<filter><condition attribute="createdon" operator="in-fiscal-period-and-year"><value>1</value><value>2026</value></condition></filter>`:                                                                                  "Acme Bolt cargo Dune's",
	} {
		if got := accountsWhere(t, s, filter); got != want {
			t.Errorf("%s:\n got %q\nwant %q", filter, got, want)
		}
	}
}

func TestFetchLinksJoinAndFilter(t *testing.T) {
	s := company(t)
	tasks := func(kind string) string {
		return `<link-entity name="task" from="regardingobjectid" to="accountid" link-type="` + kind +
			`"><filter><condition attribute="subject" operator="eq" value="call"/></filter></link-entity>`
	}
	parent := `<link-entity name="account" from="accountid" to="parentaccountid" alias="p" link-type="outer"/>`
	for body, want := range map[string]string{
		`<link-entity name="task" from="regardingobjectid" to="accountid"/>`: strings.Repeat("Acme ", 2) + "Bolt",
		tasks("inner"):                              "Acme Bolt",
		tasks("outer"):                              "Acme Bolt cargo Dune's",
		tasks("exists"):                             "Acme Bolt",
		tasks("in"):                                 "Acme Bolt",
		tasks("matchfirstrowusingcrossapply"):       "Acme Bolt",
		`<filter>` + tasks("any") + `</filter>`:     "Acme Bolt",
		`<filter>` + tasks("not any") + `</filter>`: "cargo Dune's",
		`<filter>` + tasks("not all") + `</filter>`: "Acme Bolt",
		`<filter>` + tasks("all") + `</filter>`:     "",
		`<filter>` + strings.Replace(tasks("all"), "call", "visit", 1) + `</filter>`:                                                                          "Bolt",
		`<filter type="or"><condition attribute="name" operator="eq" value="cargo"/>` + tasks("any") + `</filter>`:                                            "Acme Bolt cargo",
		parent + `<filter><condition entityname="p" attribute="name" operator="eq" value="acme"/></filter>`:                                                   "Bolt",
		parent + `<filter><condition entityname="p" attribute="accountid" operator="null"/></filter>`:                                                         "Acme Dune's",
		parent + `<filter><condition attribute="revenue" operator="gt" valueof="p.revenue"/></filter>`:                                                        "Bolt",
		`<link-entity name="account" from="accountid" to="parentaccountid"><link-entity name="account" from="accountid" to="parentaccountid"/></link-entity>`: "cargo",
		`<link-entity name="account" from="accountid" to="parentaccountid" link-type="exists"><link-entity name="task" from="regardingobjectid" to="accountid"><filter><condition attribute="subject" operator="eq" value="visit"/></filter></link-entity></link-entity>`: "Bolt",
		`<link-entity name="systemuser" to="owninguser" from="systemuserid" alias="u"><filter><condition attribute="systemuserid" operator="eq-userid"/></filter></link-entity>`:                                                                                          "Acme Bolt cargo Dune's",
		`<link-entity name="nothing" from="a" to="b"/>`:                                                         "0x80041102 The entity with a name = 'nothing' with namemapping = 'Logical' was not found in the MetadataCache.",
		`<link-entity name="task" from="nothing" to="accountid"/>`:                                              "0x80041103 'task' entity doesn't contain attribute with Name = 'nothing' and NameMapping = 'Logical'.",
		`<link-entity name="task" from="subject" to="accountid"/>`:                                              "0x80041106 The link-entity 'task' joins 'subject' of type 'Edm.String' with 'accountid' of type 'Edm.Guid'.",
		`<link-entity name="contact"/>`:                                                                         "0x80040203 No system many-to-many relationship exists between account and contact.  If attempting to link through a custom many-to-many relationship ensure that you provide the from and to attributes.",
		tasks("exists") + `<filter><condition entityname="task" attribute="subject" operator="null"/></filter>`: "0x8004110a Link entity with name or alias task is not found",
		strings.Repeat(`<link-entity name="task" from="regardingobjectid" to="accountid"/>`, 16):                "0x8004430d line 1: Number of link entities in query exceeded maximum limit.",
	} {
		if got := accountsWhere(t, s, body); got != want {
			t.Errorf("%s:\n got %q\nwant %q", body, got, want)
		}
	}
}

func TestFetchRowsAreNamedAsTheServiceNamesThem(t *testing.T) {
	s := company(t)
	p := fetch(t, s, "accounts", `<fetch><entity name="account"><attribute name="name"/><attribute name="primarycontactid"/>
		<attribute name="industrycode" alias="branch"/><attribute name="description"/><order attribute="name"/>
		<filter><condition attribute="numberofemployees" operator="eq" value="10"/></filter>
		<link-entity name="contact" from="contactid" to="primarycontactid" link-type="outer" alias="who">
			<attribute name="lastname"/><attribute name="emailaddress1" alias="mail"/><attribute name="ownerid"/>
		</link-entity></entity></fetch>`, `Prefer: odata.include-annotations="OData.Community.Display.V1.FormattedValue"`)
	want := []map[string]any{
		{"name": "Acme", "_primarycontactid_value": anna, "_primarycontactid_value@OData.Community.Display.V1.FormattedValue": "Anna Åberg",
			"branch": 6.0, "branch@OData.Community.Display.V1.FormattedValue": "Business Services", "description": "100% sure", "accountid": acme,
			"who.lastname": "Åberg", "mail": "anna@example.com"},
		{"name": "Bolt", "branch": 7.0, "branch@OData.Community.Display.V1.FormattedValue": "Consulting", "accountid": bolt},
	}
	for i, row := range p.Value {
		for name := range row {
			if strings.HasPrefix(name, "who.ownerid") {
				delete(row, name)
			}
		}
		if row["@odata.etag"] == nil {
			t.Errorf("row %d has no etag", i)
		}
		delete(row, "@odata.etag")
	}
	if diff := cmp.Diff(want, p.Value); diff != "" {
		t.Error(diff)
	}
	if want := "http://org/api/data/v9.2/$metadata#accounts(name,_primarycontactid_value,primarycontactid,branch,description,accountid,who.lastname,mail,who.ownerid,primarycontactid())"; p.Context != want {
		t.Errorf("context:\n got %s\nwant %s", p.Context, want)
	}
}

func TestFetchKnowsEveryOperatorOfTheDocumentation(t *testing.T) {
	s := company(t)
	for attribute, operators := range map[string]string{
		"name":      "eq ne neq gt ge lt le like not-like begins-with not-begin-with ends-with not-end-with in not-in null not-null",
		"revenue":   "eq ne neq gt ge lt le in not-in between not-between null not-null",
		"accountid": "above eq-or-above under eq-or-under not-under",
		"ownerid":   "eq-userid ne-userid eq-userteams eq-useroruserteams eq-useroruserhierarchy eq-useroruserhierarchyandteams",
		"createdon": "on on-or-before on-or-after today yesterday tomorrow last-seven-days next-seven-days " +
			"this-week last-week next-week this-month last-month next-month this-year last-year next-year " +
			"last-x-hours last-x-days last-x-weeks last-x-months last-x-years next-x-hours next-x-days next-x-weeks next-x-months next-x-years " +
			"olderthan-x-minutes olderthan-x-hours olderthan-x-days olderthan-x-weeks olderthan-x-months olderthan-x-years " +
			"this-fiscal-year last-fiscal-year next-fiscal-year this-fiscal-period last-fiscal-period next-fiscal-period " +
			"last-x-fiscal-years last-x-fiscal-periods next-x-fiscal-years next-x-fiscal-periods in-fiscal-year in-fiscal-period " +
			"in-fiscal-period-and-year in-or-before-fiscal-period-and-year in-or-after-fiscal-period-and-year",
		"owningbusinessunit": "eq-businessid ne-businessid", "utcconversiontimezonecode": "eq-userlanguage",
	} {
		value := map[string]string{"name": "a", "accountid": acme, "createdon": "2026-03-02"}[attribute]
		for operator := range strings.FieldsSeq(operators) {
			given := value
			if given == "" || strings.Contains(operator, "-x-") || strings.Contains(operator, "in-") && strings.Contains(operator, "fiscal") {
				given = "1"
			}
			answered := false
			for n := range 3 { // as many values as it takes
				got := accountsWhere(t, s, `<filter><condition attribute="`+attribute+`" operator="`+operator+`">`+
					strings.Repeat("<value>"+given+"</value>", n)+`</condition></filter>`)
				answered = answered || !strings.HasPrefix(got, "0x")
			}
			if !answered {
				t.Errorf("%s %s is refused", attribute, operator)
			}
		}
	}
}
