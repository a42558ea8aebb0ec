package dataverse_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

func fetchAll(t *testing.T, c *dataverse.Client, query string) []dataverse.Row {
	t.Helper()
	var rows []dataverse.Row
	for row, err := range c.FetchRows(t.Context(), query) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

func TestFetchAndQuerySeeTheSameRows(t *testing.T) {
	c := emulated(t, emulator.WithSampleData())
	columns := []string{"name", "industrycode", "revenue", "primarycontactid", "createdon", "creditonhold", "statecode", "description"}
	var queried []dataverse.Row
	for row, err := range c.Rows(t.Context(), "account", dataverse.Query{Select: columns, OrderBy: "name,accountid"}) {
		if err != nil {
			t.Fatal(err)
		}
		queried = append(queried, row)
	}
	fetched := fetchAll(t, c, `<fetch count="7"><entity name="account"><attribute name="`+strings.Join(columns, `"/><attribute name="`)+`"/>
		<order attribute="name"/><order attribute="accountid"/></entity></fetch>`)
	if len(fetched) != len(queried) || len(fetched) < 20 {
		t.Fatalf("fetched %d rows, queried %d", len(fetched), len(queried))
	}
	for i := range fetched {
		if diff := cmp.Diff(queried[i], fetched[i], cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
			t.Fatalf("row %d (-queried +fetched):\n%s", i, diff)
		}
	}
}

func TestAFetchJoinsAndAdds(t *testing.T) {
	c := emulated(t)
	contact := create(t, c, "contact", dataverse.Values{"firstname": "Yvonne", "lastname": "McKay"})
	create(t, c, "account", dataverse.Values{"name": "Contoso", "industrycode": "Consulting", "revenue": 100, "primarycontactid": "contact(" + contact + ")"})
	create(t, c, "account", dataverse.Values{"name": "Fabrikam", "industrycode": "Consulting", "revenue": 50})
	rows := fetchAll(t, c, `<fetch><entity name="account"><attribute name="name"/><order attribute="name"/>
		<filter><condition attribute="industrycode" operator="eq" value="consulting"/></filter>
		<link-entity name="contact" from="contactid" to="primarycontactid" link-type="outer"><attribute name="lastname"/><attribute name="ownerid"/></link-entity></entity></fetch>`)
	if len(rows) != 2 || rows[0].String("contact.lastname") != "McKay" || rows[0].Value("contact.ownerid").Label == "" || rows[0].Value("contact.ownerid").Type != dataverse.OwnerColumn {
		t.Errorf("got %+v", rows)
	}
	if v := rows[1].Value("contact.lastname"); !rows[1].Has("contact.lastname") || v.Raw != nil || v.Type != dataverse.StringColumn {
		t.Errorf("a row without a contact has %+v, want null", v)
	}
	sums := fetchAll(t, c, `<fetch aggregate="true"><entity name="account"><attribute name="industrycode" groupby="true" alias="industry"/>
		<attribute name="revenue" aggregate="sum" alias="total"/><attribute name="accountid" aggregate="count" alias="n"/></entity></fetch>`)
	if len(sums) != 1 || sums[0].Number("total") != 150 || sums[0].Number("n") != 2 || sums[0].Value("industry").Label != "Consulting" {
		t.Errorf("got %+v", sums)
	}
}

func TestALongFetchIsAnsweredInABatch(t *testing.T) {
	c := emulated(t)
	id := create(t, c, "account", dataverse.Values{"name": "Contoso"})
	values := strings.Repeat("<value>"+otherID+"</value>", 800) + "<value>" + id + "</value>"
	rows := fetchAll(t, c, `<fetch count="1"><entity name="account"><attribute name="name"/><filter><condition attribute="accountid" operator="in">`+values+`</condition></filter></entity></fetch>`)
	if len(rows) != 1 || rows[0].ID != id || rows[0].String("name") != "Contoso" {
		t.Errorf("got %+v", rows)
	}
}

func TestDistinctRowsAreFetchedPageByPage(t *testing.T) {
	c := emulated(t)
	for _, r := range createMany(t, c, named(25)) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	rows := fetchAll(t, c, `<fetch distinct="true" count="10"><entity name="account"><attribute name="name"/><order attribute="name"/></entity></fetch>`)
	if len(rows) != 25 {
		t.Errorf("%d rows, want 25", len(rows))
	}
}
