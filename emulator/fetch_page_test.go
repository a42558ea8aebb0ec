package emulator_test

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

const fetchAnnotations = `Prefer: odata.include-annotations="Microsoft.Dynamics.CRM.fetchxmlpagingcookie,Microsoft.Dynamics.CRM.morerecords"`

// fetchPage is an answer with the annotations of a page.
type fetchPage struct {
	page
	Cookie string `json:"@Microsoft.Dynamics.CRM.fetchxmlpagingcookie"`
	More   bool   `json:"@Microsoft.Dynamics.CRM.morerecords"`
	Total  *int   `json:"@Microsoft.Dynamics.CRM.totalrecordcount"`
}

func fetchOne(t *testing.T, s *emulator.Server, set, query string, headers ...string) fetchPage {
	t.Helper()
	var p fetchPage
	parseInto(t, send(t, s, http.MethodGet, set+"?fetchXml="+url.QueryEscape(query), "", headers...).body, &p)
	return p
}

// inner takes the cookie for the next page out of an annotation, as Microsoft tells clients to.
func inner(t *testing.T, annotation string) string {
	t.Helper()
	var outer struct {
		Inner string `xml:"pagingcookie,attr"`
	}
	if err := xml.Unmarshal([]byte(annotation), &outer); err != nil {
		t.Fatalf("%v in %s", err, annotation)
	}
	once, err := url.QueryUnescape(outer.Inner)
	if err != nil {
		t.Fatal(err)
	}
	twice, err := url.QueryUnescape(once)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(twice)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestFetchPagesNeitherRepeatNorMissARow(t *testing.T) {
	s := company(t)
	for _, body := range []string{
		``, `<order attribute="name"/>`, `<order attribute="name" descending="true"/>`, `<order attribute="revenue"/>`,
		`<order attribute="revenue" descending="true"/>`, `<order attribute="industrycode"/>`, `<order attribute="creditonhold" descending="true"/>`,
		`<order attribute="parentaccountid" descending="true"/><order attribute="createdon"/>`, `<order attribute="accountid" descending="true"/>`,
		`<order attribute="numberofemployees"/><link-entity name="contact" from="contactid" to="primarycontactid" link-type="outer"/>`,
		`<order attribute="name"/><link-entity name="task" from="regardingobjectid" to="accountid" link-type="outer" alias="t"><order attribute="subject"/></link-entity>`,
	} {
		query := func(n int, cookie string) string {
			return fmt.Sprintf(`<fetch %s page="%d"%s><entity name="account"><attribute name="name"/>%s</entity></fetch>`, `count="1"`, n, cookie, body)
		}
		whole := fetchOne(t, s, "accounts", strings.Replace(query(1, ""), `count="1"`, ``, 1))
		var paged []string
		cookie := ""
		for n := 1; n < 9; n++ {
			p := fetchOne(t, s, "accounts", query(n, cookie), fetchAnnotations)
			paged = append(paged, column(p.page, "name"))
			if p.Next != "" {
				t.Errorf("%s: page %d has a nextLink", body, n)
			}
			if !p.More {
				break
			}
			if cookie = ""; p.Cookie != "" {
				cookie = ` paging-cookie="` + inner(t, p.Cookie) + `"`
			}
		}
		if got, want := strings.Join(paged, " "), column(whole.page, "name"); got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
}

func TestFetchCookiesAreEncodedTwice(t *testing.T) {
	s := company(t)
	query := `<fetch count="2"><entity name="account"><attribute name="name"/><order attribute="name"/></entity></fetch>`
	p := fetchOne(t, s, "accounts", query, fetchAnnotations)
	want := `<cookie pagenumber="2" pagingcookie="%253ccookie%2520page%253d%25221%2522%253e%253cname%2520last%253d%2522Bolt%2522%2520first%253d%2522Acme%2522%2520%252f%253e` +
		`%253caccountid%2520last%253d%2522%257b` + strings.ToUpper(bolt) + `%257d%2522%2520first%253d%2522%257b` + strings.ToUpper(acme) +
		`%257d%2522%2520%252f%253e%253c%252fcookie%253e" istracking="False" />`
	if p.Cookie != want || !p.More {
		t.Errorf("got  %s\nwant %s", p.Cookie, want)
	}
	second := strings.Replace(query, `count="2"`, `count="1" page="2"`, 1)
	if p = fetchOne(t, s, "accounts", second, fetchAnnotations); !strings.Contains(p.Cookie, `pagenumber="2"`) || !strings.Contains(p.Cookie, "page%253d%25222") {
		t.Errorf("second page: got %s, want pagenumber 2 and page 2 within", p.Cookie)
	}
	if p = fetchOne(t, s, "accounts", query); p.Cookie != "" || p.More {
		t.Errorf("without the preference: cookie %q, more %t; want neither", p.Cookie, p.More)
	}
	distinct := strings.Replace(query, "<fetch", `<fetch distinct="true"`, 1)
	if p = fetchOne(t, s, "accounts", distinct, fetchAnnotations); p.Cookie != "" || !p.More {
		t.Errorf("distinct: cookie %q, more %t; want none and true", p.Cookie, p.More)
	}
}

func TestAFetchWithoutPagesGoesOnByLink(t *testing.T) {
	s := company(t)
	var names []string
	next := "accounts?fetchXml=" + url.QueryEscape(`<fetch><entity name="account"><attribute name="name"/><order attribute="name"/></entity></fetch>`)
	for n := 0; next != "" && n < 9; n++ {
		p := parse(t, send(t, s, http.MethodGet, next, "", "Prefer: odata.maxpagesize=3").body)
		names = append(names, column(p, "name"))
		next = strings.TrimPrefix(p.Next, "http://org")
	}
	if want := []string{"Acme Bolt cargo", "Dune's"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}

func TestFetchPagesThatCannotBeAreRefused(t *testing.T) {
	s := company(t)
	for attributes, want := range map[string]string{
		`count="5000" page="11"`:                      "0x8004430a",
		`count="5000" page="10"`:                      "",
		`count="9" page="2147483647"`:                 "0x8004430a",
		`count="2" page="2" paging-cookie="nonsense"`: "0x8004112a",
		`count="2" page="2" paging-cookie="&lt;cookie page='1'>&lt;name last='x'/>&lt;/cookie>"`: "0x80041129",
		`top="2" page="1"`: "0x80041139",
	} {
		if p := fetchOne(t, s, "accounts", `<fetch `+attributes+`><entity name="account"/></fetch>`); p.Error.Code != want {
			t.Errorf("%s: got %q %s, want %q", attributes, p.Error.Code, p.Error.Message, want)
		}
	}
}

func TestFetchCountsTheRecordsOfTheWholeQuery(t *testing.T) {
	s := company(t)
	all := `Prefer: odata.include-annotations="*"`
	for attributes, want := range map[string]int{``: -1, `returntotalrecordcount="true"`: 4, `returntotalrecordcount="1" distinct="1"`: 3} {
		p := fetchOne(t, s, "accounts", `<fetch count="1" `+attributes+`><entity name="account"><attribute name="numberofemployees"/><attribute name="creditonhold"/></entity></fetch>`, all)
		if p.Total == nil || *p.Total != want || (p.Count == nil) != (want < 0) {
			t.Errorf("%s: got %v and @odata.count %v, want %d", attributes, p.Total, p.Count, want)
		}
	}
	p := query(t, s, "accounts", map[string]string{"fetchXml": `<fetch count="1"><entity name="account"/></fetch>`, "$count": "true"})
	if p.Count == nil || *p.Count != 4 {
		t.Errorf("$count: got %v, want 4", p.Count)
	}
}
