package dataverse_test

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// fetched is the query of a FetchXML request.
func fetched(t *testing.T, r sent) string {
	t.Helper()
	q, err := url.ParseQuery(r.Query)
	if err != nil {
		t.Fatal(err)
	}
	return q.Get("fetchXml")
}

// fetchPages answers as the service does, in pages; the cookie is wrapped as in Microsoft's examples.
func fetchPages(pages int, cookie func(page string) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Page string `xml:"page,attr"`
		}
		if err := xml.Unmarshal([]byte(r.URL.Query().Get("fetchXml")), &q); err != nil {
			panic(err)
		}
		page := 1
		_, _ = fmt.Sscan(q.Page, &page)
		more := ""
		if page < pages {
			twice := strings.ReplaceAll(url.PathEscape(url.PathEscape(cookie(fmt.Sprint(page)))), "&", "&amp;")
			more = fmt.Sprintf(`"@Microsoft.Dynamics.CRM.morerecords":true,"@Microsoft.Dynamics.CRM.fetchxmlpagingcookie":%q,`,
				`<cookie pagenumber="2" pagingcookie="`+twice+`" istracking="False" />`)
		}
		_, _ = io.WriteString(w, `{`+more+`"value":[{"accountid":"`+accountID+`","name":"A`+fmt.Sprint(page)+`"}]}`)
	}
}

func cookieOf(page string) string {
	return `<cookie page="` + page + `"><name last="A&amp;B ` + page + `" first="+" /><accountid last="{4026BE43}" first="{4026BE43}" /></cookie>`
}

const byName = `<fetch count="1"><entity name="account"><attribute name="name"/><order attribute="name"/></entity></fetch>`

func TestFetchedRowsComeAsRows(t *testing.T) {
	s := &service{rows: always(200, `{"value":[{"@odata.etag":"W/\"5\"","accountid":"`+accountID+`","name":"Contoso",
		"_primarycontactid_value":"`+contactID+`","_primarycontactid_value@OData.Community.Display.V1.FormattedValue":"Yvonne McKay","_primarycontactid_value@Microsoft.Dynamics.CRM.lookuplogicalname":"contact",
		"industry":6,"industry@OData.Community.Display.V1.FormattedValue":"Business Services",
		"contact.lastname":"McKay","contact.parentcustomerid":"`+accountID+`","contact.parentcustomerid@OData.Community.Display.V1.FormattedValue":"Contoso","contact.parentcustomerid@Microsoft.Dynamics.CRM.lookuplogicalname":"account"}]}`)}
	page, err := start(t, s).FetchPage(t.Context(), `<fetch><entity name="Accounts">
		<attribute name="name"/><attribute name="primarycontactid"/><attribute name="industrycode" alias="industry"/><attribute name="revenue"/>
		<filter><condition attribute="industrycode" operator="in"><value>consulting</value><value>6</value></condition></filter>
		<link-entity name="contact" from="contactid" to="primarycontactid" link-type="outer"><attribute name="lastname"/><attribute name="parentcustomerid"/></link-entity>
	</entity></fetch>`, "")
	if err != nil || len(page.Rows) != 1 || page.Cursor != "" {
		t.Fatalf("%+v, %v", page, err)
	}
	row := page.Rows[0]
	if row.ID != accountID || row.ETag != `W/"5"` || row.Table != "account" {
		t.Errorf("id %s, etag %s, table %s", row.ID, row.ETag, row.Table)
	}
	if diff := cmp.Diff([]string{"name", "primarycontactid", "industry", "revenue", "contact.lastname", "contact.parentcustomerid"}, row.Columns()); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	for column, want := range map[string]dataverse.Value{
		"primarycontactid":         {Raw: contactID, Type: dataverse.LookupColumn, Label: "Yvonne McKay", Table: "contact"},
		"revenue":                  {Type: dataverse.MoneyColumn},
		"contact.parentcustomerid": {Raw: accountID, Type: dataverse.CustomerColumn, Label: "Contoso", Table: "account"},
	} {
		if diff := cmp.Diff(want, row.Value(column)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", column, diff)
		}
	}
	if v := row.Value("industry"); v.Type != dataverse.ChoiceColumn || v.Label != "Business Services" {
		t.Errorf("industry: %+v, want a choice with its label", v)
	}
	sent := s.last(t)
	for _, want := range []string{`name="account"`, `name="name"`, `<value>7</value>`, `alias="contact"`, `count="5000"`} {
		if q := fetched(t, sent); !strings.Contains(q, want) {
			t.Errorf("sent %s, want %s in it", q, want)
		}
	}
	if sent.Path != "accounts" || !strings.Contains(sent.Header.Get("Prefer"), "fetchxmlpagingcookie") {
		t.Errorf("asked %s with Prefer %s", sent.Path, sent.Header.Get("Prefer"))
	}
}

func TestFetchedPagesFollowTheCookie(t *testing.T) {
	s := &service{rows: fetchPages(3, cookieOf)}
	c := start(t, s)
	var names []string
	for row, err := range c.FetchRows(t.Context(), byName) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, row.String("name"))
	}
	if diff := cmp.Diff([]string{"A1", "A2", "A3"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var third struct {
		Page   int    `xml:"page,attr"`
		Cookie string `xml:"paging-cookie,attr"`
	}
	if err := xml.Unmarshal([]byte(fetched(t, s.last(t))), &third); err != nil || third.Page != 3 || third.Cookie != cookieOf("2") {
		t.Errorf("third page asked for as %+v, %v, want page 3 with the second page's cookie", third, err)
	}

	cursor := ""
	for i := range 3 {
		page, err := c.FetchPage(t.Context(), byName, cursor)
		if err != nil || page.Rows[0].String("name") != names[i] || (page.Cursor == "") != (i == 2) {
			t.Fatalf("page %d: %+v, %v", i+1, page, err)
		}
		cursor = page.Cursor
	}
}

func TestACursorFitsOnlyTheFetchItCameFrom(t *testing.T) {
	c := start(t, &service{rows: fetchPages(2, cookieOf)})
	page, err := c.FetchPage(t.Context(), byName, "")
	if err != nil || page.Cursor == "" {
		t.Fatalf("%+v, %v", page, err)
	}
	for name, call := range map[string]func() error{
		"another fetch": func() error {
			return failed(c.FetchPage(t.Context(), strings.ReplaceAll(byName, `order attribute="name"`, `order attribute="revenue"`), page.Cursor))
		},
		"a query":   func() error { return failed(c.Page(t.Context(), "account", dataverse.Query{}, page.Cursor)) },
		"damage":    func() error { return failed(c.FetchPage(t.Context(), byName, page.Cursor[:20])) },
		"invention": func() error { return failed(c.FetchPage(t.Context(), byName, "2")) },
	} {
		if err := call(); dataverse.KindOf(err) != dataverse.Invalid || !strings.Contains(err.Error(), "cursor") {
			t.Errorf("%s: got %v, want the cursor refused", name, err)
		}
	}
}

func TestDistinctRowsHaveAnOrder(t *testing.T) {
	const joined = `<link-entity name="contact" from="contactid" to="primarycontactid" alias="c"><attribute name="lastname"/></link-entity>`
	s := &service{rows: always(200, `{"value":[]}`)}
	c := start(t, s)
	for name, call := range map[string]func() error{
		"FetchXML": func() error {
			return failed(c.FetchPage(t.Context(), `<fetch distinct="true"><entity name="account"><attribute name="name"/><attribute name="primarycontactid"/>`+joined+`</entity></fetch>`, ""))
		},
		"SQL": func() error {
			return failed(c.SQLPage(t.Context(), "SELECT DISTINCT TOP 7 a.name, a.primarycontactid, c.lastname FROM account a JOIN contact c ON c.contactid = a.primarycontactid", 0, ""))
		},
	} {
		err := call()
		sent, _ := url.QueryUnescape(s.last(t).Query)
		if err != nil || strings.Count(sent, "<order ") != 2 || !strings.Contains(sent, `attribute="name"`) || strings.Contains(sent, `<order attribute="primarycontactid"`) {
			t.Errorf("%s: sent %s, %v; want orders by name and lastname", name, sent, err)
		}
	}
	for query, want := range map[string]string{
		`<attribute name="name"/><order attribute="revenue"/>`: `<order attribute="revenue"></order><order attribute="name"></order>`,
		`<attribute name="name"/><order attribute="name"/>`:    `<order attribute="name"></order>`,
		`<all-attributes/>`: `<order attribute="accountid"></order>`,
	} {
		err := failed(c.FetchPage(t.Context(), `<fetch distinct="true"><entity name="account">`+query+`</entity></fetch>`, ""))
		sent, _ := url.QueryUnescape(s.last(t).Query)
		if plain := strings.ReplaceAll(sent, "/>", "></order>"); err != nil || strings.Count(sent, "<order ") != strings.Count(want, "<order ") || !strings.Contains(plain, want) {
			t.Errorf("%s: sent %s, %v; want %s", query, sent, err, want)
		}
	}
}

func TestACookieThatStandsStillEndsTheFetch(t *testing.T) {
	s := &service{rows: fetchPages(1000, func(page string) string { return `<cookie page="` + page + `"><name last="A" first="A" /></cookie>` })}
	var last error
	for _, err := range start(t, s).FetchRows(t.Context(), byName) {
		last = err
	}
	if n := len(s.requests()); n != 2 || dataverse.KindOf(last) != dataverse.Internal {
		t.Errorf("%d requests, %v; want an error after the second", n, last)
	}
}

func TestWrongNamesInAFetchAreRefusedWithTheNearest(t *testing.T) {
	s := &service{}
	c := start(t, s)
	for query, want := range map[string]string{
		`<fetch><entity name="acount"/></fetch>`:                                                                                                                       "nearest: account",
		`<fetch><entity name="account"><attribute name="nme"/></entity></fetch>`:                                                                                       "nearest: name",
		`<fetch><entity name="account"><filter><condition attribute="revnue" operator="null"/></filter></entity></fetch>`:                                              "nearest: revenue",
		`<fetch><entity name="account"><filter><condition attribute="industrycode" operator="eq" value="consultin"/></filter></entity></fetch>`:                        "nearest: Consulting = 7",
		`<fetch><entity name="account"><link-entity name="contact" from="contactid" to="primarycontact"/></entity></fetch>`:                                            "nearest: primarycontactid",
		`<fetch><entity name="account"><link-entity name="contact" from="contactid" to="primarycontactid"><order attribute="lstname"/></link-entity></entity></fetch>`: "nearest: lastname",
		`<fetch><entity name="account">`: "fetchxml: ",
		`select name from account`:       "fetchxml: ",
	} {
		if _, err := c.FetchPage(t.Context(), query, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", query, err, want)
		}
	}
	if n := len(s.requests()); n != 0 {
		t.Errorf("%d requests, want none", n)
	}
	s.rows = always(200, `{"value":[]}`)
	if _, err := c.FetchPage(t.Context(), `<fetch><entity name="account"><filter><condition attribute="primarycontactidname" operator="eq" value="A"/></filter></entity></fetch>`, ""); err != nil {
		t.Errorf("the name of a lookup: %v, want it left to the service", err)
	}
}

func TestAnAggregateIsFetched(t *testing.T) {
	s := &service{rows: always(200, `{"value":[{"industry":6,"industry@OData.Community.Display.V1.FormattedValue":"Business Services","n":12,"n@OData.Community.Display.V1.FormattedValue":"12"}]}`)}
	page, err := start(t, s).FetchPage(t.Context(), `<fetch aggregate="true"><entity name="account"><attribute name="industrycode" groupby="true" alias="industry"/><attribute name="accountid" aggregate="count" alias="n"/></entity></fetch>`, "")
	if err != nil || len(page.Rows) != 1 {
		t.Fatalf("%+v, %v", page, err)
	}
	row := page.Rows[0]
	if row.ID != "" || row.Table != "" || row.Number("n") != 12 || row.Value("industry").Label != "Business Services" || row.Value("industry").Type != dataverse.ChoiceColumn || row.Value("n").Type != "" {
		t.Errorf("got %+v", row)
	}
}

func TestLongFetchesGoInABatch(t *testing.T) {
	s := &service{rows: unpacked(fetchPages(2, cookieOf))}
	query := strings.Replace(byName, "<order", `<filter><condition attribute="name" operator="eq" value="`+strings.Repeat("x", 40_000)+`"/></filter><order`, 1)
	page, err := start(t, s).FetchPage(t.Context(), query, "")
	if err != nil || len(page.Rows) != 1 || page.Cursor == "" || s.last(t).Path != "$batch" {
		t.Errorf("%d rows, cursor %q, %v by %s; want a page by $batch", len(page.Rows), page.Cursor, err, s.last(t).Path)
	}
}

func TestTheWholeCountOfAFetchIsTold(t *testing.T) {
	s := &service{rows: always(200, `{"@Microsoft.Dynamics.CRM.totalrecordcount":5000,"@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded":true,"value":[]}`)}
	page, err := start(t, s).FetchPage(t.Context(), strings.Replace(byName, "<fetch", `<fetch returntotalrecordcount="true"`, 1), "")
	if want := (&dataverse.Count{N: 5000, AtLeast: true}); err != nil || !cmp.Equal(page.Count, want) {
		t.Errorf("got %+v, %v, want %+v", page.Count, err, want)
	}
}

func TestFetchedColumnsOfTheFirstRowJoinedHaveTheNamesOfOtherJoins(t *testing.T) {
	c := emulated(t, emulator.Rows("accounts", emulator.Row{"name": "Contoso"}), emulator.Rows("contacts", emulator.Row{"lastname": "McKay"}))
	n := 0
	for row, err := range c.FetchRows(t.Context(), `<fetch><entity name="account"><attribute name="name"/>
		<link-entity name="contact" from="ownerid" to="ownerid" link-type="matchfirstrowusingcrossapply"><attribute name="lastname"/><attribute name="ownerid"/></link-entity></entity></fetch>`) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; row.String("contact.lastname") != "McKay" || row.Value("contact.ownerid").Label == "" {
			t.Errorf("got %v and %+v, want McKay and an owner's name", row.Value("contact.lastname"), row.Value("contact.ownerid"))
		}
	}
	if n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
}
