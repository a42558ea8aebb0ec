package emulator_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

func TestEveryViewAnswersByItsID(t *testing.T) {
	s := emulator.Start(t, emulator.At(noon), emulator.WithSampleData())
	sets := map[string]string{}
	var definitions struct {
		Value []struct{ LogicalName, EntitySetName string }
	}
	parseInto(t, get(t, s, "EntityDefinitions?$select=LogicalName,EntitySetName").body, &definitions)
	for _, d := range definitions.Value {
		sets[d.LogicalName] = d.EntitySetName
	}
	views := query(t, s, "savedqueries", map[string]string{"$select": "name,returnedtypecode,fetchxml"})
	if len(views.Value) == 0 {
		t.Fatal("there are no views")
	}
	for _, v := range views.Value {
		set := sets[v["returnedtypecode"].(string)]
		byID := query(t, s, set, map[string]string{"savedQuery": v["savedqueryid"].(string)})
		if byID.Error.Code != "" || byID.Context == "" {
			t.Errorf("%s: %v", v["name"], byID.Error)
			continue
		}
		if diff := cmp.Diff(fetch(t, s, set, v["fetchxml"].(string)), byID); diff != "" {
			t.Errorf("%s: the id and its FetchXML give different answers:\n%s", v["name"], diff)
		}
	}
}

func TestViewsOfAUserAnswerByTheirID(t *testing.T) {
	xml := `<fetch><entity name="account"><attribute name="name"/><filter><condition attribute="name" operator="begins-with" value="b"/></filter></entity></fetch>`
	s := company(t)
	body, err := json.Marshal(map[string]any{"userqueryid": one, "name": "B", "returnedtypecode": "account", "fetchxml": xml, "querytype": 0})
	if err != nil {
		t.Fatal(err)
	}
	if r := send(t, s, http.MethodPost, "userqueries", string(body)); r.status != http.StatusNoContent {
		t.Fatalf("create a view: %d %s", r.status, r.body)
	}
	if got := column(query(t, s, "accounts", map[string]string{"userQuery": one}), "name"); got != "Bolt" {
		t.Errorf("got %q, want Bolt", got)
	}
	for option, want := range map[string]string{"savedQuery=" + one: "0x80040217", "userQuery=x": "0x80060888"} {
		if p := parse(t, get(t, s, "accounts?"+option).body); p.Error.Code != want {
			t.Errorf("%s: got %q, want %s", option, p.Error.Code, want)
		}
	}
	if p := query(t, s, "contacts", map[string]string{"userQuery": one}); p.Error.Code != "0x80041128" {
		t.Errorf("a view of another table: got %v, want 0x80041128", p.Error)
	}
}

func TestAFetchOfACollectionHoldsItsRowsAlone(t *testing.T) {
	s := company(t)
	p := fetch(t, s, "accounts("+acme+")/Account_Tasks", `<fetch><entity name="task"><attribute name="subject"/><order attribute="subject"/></entity></fetch>`)
	if got := column(p, "subject"); got != "call visit" {
		t.Errorf("got %q, want the tasks of Acme", got)
	}
}

func TestFetchLinksGoThroughManyToMany(t *testing.T) {
	s := company(t)
	if r := send(t, s, http.MethodPost, "leads", `{"leadid":"`+one+`","subject":"x","lastname":"Lee"}`); r.status != http.StatusNoContent {
		t.Fatal(r.body)
	}
	if r := send(t, s, http.MethodPost, "accounts("+bolt+")/accountleads_association/$ref", `{"@odata.id":"`+s.URL+`/api/data/v9.2/leads(`+one+`)"}`); r.status != http.StatusNoContent {
		t.Fatal(r.body)
	}
	for body, want := range map[string]string{
		`<link-entity name="accountleads" from="accountid" to="accountid" intersect="true"><link-entity name="lead" from="leadid" to="leadid" alias="l"><filter><condition attribute="lastname" operator="eq" value="lee"/></filter></link-entity></link-entity>`: "Bolt",
		`<link-entity name="lead"/>`:                    "Bolt",
		`<link-entity name="accountleads"/>`:            "Bolt",
		`<link-entity name="lead" link-type="exists"/>`: "Bolt",
		`<filter><link-entity name="accountleads" from="accountid" to="accountid" link-type="not any"/></filter>`: "Acme cargo Dune's",
	} {
		if got := accountsWhere(t, s, body); got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
	p := fetch(t, s, "leads", `<fetch><entity name="lead"><attribute name="lastname"/><link-entity name="accountleads" from="leadid" to="leadid">
		<attribute name="accountid"/><link-entity name="account" from="accountid" to="accountid"><attribute name="name"/></link-entity></link-entity></entity></fetch>`)
	delete(p.Value[0], "@odata.etag")
	want := []map[string]any{{"lastname": "Lee", "leadid": one, "accountleads1.accountid": bolt, "account.name": "Bolt"}}
	if diff := cmp.Diff(want, p.Value); diff != "" {
		t.Error(diff)
	}
}

func TestFetchLinksLeadToPrimaryKeys(t *testing.T) {
	s := company(t)
	for body, want := range map[string]string{
		`<link-entity name="contact" to="primarycontactid"><filter><condition attribute="lastname" operator="ne" value="Cannon"/></filter></link-entity>`: "Acme",
		`<link-entity name="systemuser" to="createdby"/>`:                                      "Acme Bolt cargo Dune's",
		`<filter><link-entity name="task" from="regardingobjectid" link-type="any"/></filter>`: "Acme Bolt",
		`<link-entity name="contact" to="primarycontactid" link-type="outer" alias="c"/><filter><condition entityname="c" attribute="contactid" operator="null"/></filter>`: "Bolt cargo Dune's",
	} {
		if got := accountsWhere(t, s, body); got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
}

func TestFetchCountsChildren(t *testing.T) {
	s := company(t)
	p := fetch(t, s, "accounts", `<fetch><entity name="account"><attribute name="name"/><attribute name="accountid" alias="n" rowaggregate="CountChildren"/><order attribute="name"/></entity></fetch>`)
	var got []any
	for _, row := range p.Value {
		got = append(got, row["n"])
	}
	if diff := cmp.Diff([]any{1.0, 1.0, 0.0, 0.0}, got); diff != "" {
		t.Error(diff, p.Error)
	}
}

func TestDistinctFetchesHaveNeitherKeysNorEtags(t *testing.T) {
	s := company(t)
	p := fetch(t, s, "accounts", `<fetch distinct="true"><entity name="account"><attribute name="numberofemployees"/><attribute name="creditonhold"/>
		<order attribute="numberofemployees" descending="true"/><order attribute="creditonhold"/></entity></fetch>`)
	want := []map[string]any{{"numberofemployees": 10.0, "creditonhold": false}, {"numberofemployees": 10.0, "creditonhold": true}, {"creditonhold": false}}
	if diff := cmp.Diff(want, p.Value); diff != "" {
		t.Error(diff, p.Error)
	}
}

func TestFetchSortsChoicesByLabelUnlessAskedForNumbers(t *testing.T) {
	s := emulator.Start(t, emulator.At(noon), emulator.Rows("accounts", // 3, 4 and 5
		emulator.Row{"name": "Phone", "preferredcontactmethodcode": 3}, emulator.Row{"name": "Mail", "preferredcontactmethodcode": 5},
		emulator.Row{"name": "Fax", "preferredcontactmethodcode": 4}))
	for attributes, want := range map[string]string{"": "Fax Mail Phone", `useraworderby="true"`: "Phone Fax Mail", `top="1"`: "Fax"} {
		p := fetch(t, s, "accounts", `<fetch `+attributes+`><entity name="account"><attribute name="name"/><order attribute="preferredcontactmethodcode"/></entity></fetch>`)
		if got := column(p, "name"); got != want {
			t.Errorf("%s: got %q, want %q", attributes, got, want)
		}
	}
}

func TestFetchNamesOfOldVersionsHaveNoDot(t *testing.T) {
	s := company(t)
	xml := `<fetch><entity name="account"><attribute name="name"/><link-entity name="contact" from="contactid" to="primarycontactid" alias="c"><attribute name="lastname"/></link-entity></entity></fetch>`
	for version, name := range map[string]string{"v9.2": "c.lastname", "v8.2": "c_x002e_lastname"} {
		p := parse(t, get(t, s, "/api/data/"+version+"/accounts?fetchXml="+url.QueryEscape(xml)).body)
		if len(p.Value) != 1 || p.Value[0][name] != "Åberg" {
			t.Errorf("%s: got %v, want %s", version, p.Value, name)
		}
	}
}

func TestFetchRefusesWhatIsNotTheSetsQuery(t *testing.T) {
	s := company(t)
	for xml, want := range map[string]string{
		`<fetch><entity name="contact"/></fetch>`:                                              "0x80041128",
		`<fetch><entity name="nothing"/></fetch>`:                                              "0x80041102",
		`<fetch><entity name="account"><attribute name="x"/></entity></fetch>`:                 "0x80041103",
		`<fetch><entity name="account"><order attribute="x"/></entity></fetch>`:                "0x80041103",
		`<fetch><entity name="account"><order attribute="x" entityname="l"/></entity></fetch>`: "0x80041126",
		`<fetch><entity name="account"`:                                                        "0x80040201",
		`<!DOCTYPE x [<!ENTITY a "b">]><fetch/>`:                                               "0x80040201",
		strings.Repeat("<a>", 40):                                                              "0x8004111c",
	} {
		if p := fetch(t, s, "accounts", xml); p.Error.Code != want || len(p.Value) > 0 {
			t.Errorf("%s: got %q %s, want %s", xml, p.Error.Code, p.Error.Message, want)
		}
	}
}

func TestFetchNamesColumnsOfLinksWithoutAlias(t *testing.T) {
	s := company(t)
	link := `<link-entity name="%s" from="%s" to="%s" link-type="%s"><attribute name="%s"/></link-entity>`
	for _, c := range []struct{ links, names string }{
		{fmt.Sprintf(link, "contact", "contactid", "primarycontactid", "outer", "lastname"), "contact.lastname"},
		{fmt.Sprintf(link, "task", "regardingobjectid", "accountid", "inner", "subject"), "task1.subject"},
		{fmt.Sprintf(link, "account", "parentaccountid", "accountid", "inner", "name") + fmt.Sprintf(link, "account", "accountid", "accountid", "inner", "name") +
			fmt.Sprintf(link, "account", "accountid", "accountid", "inner", "name"), "account.name account1.name account3.name"},
		{fmt.Sprintf(link, "contact", "contactid", "primarycontactid", "matchfirstrowusingcrossapply", "lastname"), "LastName"}, // as documented
	} {
		p := fetch(t, s, "accounts", `<fetch top="1"><entity name="account"><attribute name="accountid"/><order attribute="name"/>`+c.links+`</entity></fetch>`)
		var names []string
		for name := range p.Value[0] {
			if name != "accountid" && name != "@odata.etag" {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		if got := strings.Join(names, " "); got != c.names {
			t.Errorf("%s: got %s, want %s", c.links, got, c.names)
		}
	}
}
