package dataverse_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

func TestSQLIsSentResolved(t *testing.T) {
	for query, want := range map[string]string{
		"select Name, primarycontactid from Accounts a where a.industrycode = 'consulting' and not revenue = 5": "SELECT name, primarycontactid FROM account " +
			"WHERE industrycode = 7 AND (revenue <> 5 AND revenue IS NOT NULL)",
		"SELECT x.fullname AS [Full name], a.name FROM contact x RIGHT JOIN account a ON a.primarycontactid = x.contactid ORDER BY [full name]": "SELECT x.fullname AS x1, a.name FROM account AS a " +
			"LEFT JOIN contact AS x ON x.contactid = a.primarycontactid ORDER BY x.fullname",
		"SELECT COUNT(*), industrycode i FROM account GROUP BY industrycode, statecode": "SELECT industrycode AS x2, statecode AS x4, COUNT(*) AS x1 FROM account GROUP BY industrycode, statecode",
	} {
		s := &service{rows: always(200, `{"value":[]}`)}
		if _, err := start(t, s).SQLPage(t.Context(), query, 10, ""); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		sent := s.requests()[0]
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/?"+sent.Query, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.URL.Query().Get("sql"); got != want || sent.Path != "accounts" || !strings.Contains(sent.Header.Get("Prefer"), "odata.maxpagesize=10") {
			t.Errorf("%s\nis sent to %s as %s\nwant %s", query, sent.Path, got, want)
		}
	}
}

// passesOver answers SQL as a service without it: with all rows of the table.
func passesOver(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has("fetchXml") {
		_, _ = io.WriteString(w, `{"value":[{"@odata.etag":"W/\"1\"","name":"Contoso","accountid":"`+accountID+`"}]}`)
		return
	}
	_, _ = io.WriteString(w, `{"value":[{"name":"Contoso","revenue":5,"accountid":"`+accountID+`"},{"name":"Fabrikam","revenue":6,"accountid":"`+contactID+`"}]}`)
}

func TestAnEnvironmentWithoutSQLIsAskedInFetchXML(t *testing.T) {
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		sql    int // requests in SQL, of two queries
	}{
		"it passes over the option": {passesOver, 1},
		"it refuses the option": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Has("sql") {
				always(400, `{"error":{"code":"0x80060888","message":"The query parameter sql is not supported"}}`)(w, r)
				return
			}
			passesOver(w, r)
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := &service{rows: test.answer}
			c := start(t, s)
			for range 2 {
				p, err := c.SQLPage(t.Context(), "SELECT name FROM account WHERE revenue = 5", 0, "")
				if err != nil || len(p.Rows) != 1 || p.Rows[0].String("name") != "Contoso" || p.Rows[0].ID != accountID || p.Rows[0].ETag == "" {
					t.Fatalf("got %+v, %v, want one row", p, err)
				}
			}
			asked := slices.DeleteFunc(s.requests(), func(r sent) bool { return !strings.HasPrefix(r.Query, "sql=") })
			if len(asked) != test.sql {
				t.Errorf("%d requests in SQL, want %d", len(asked), test.sql)
			}
		})
	}
}

func TestARefusalOfSQLIsToldInItsOwnWords(t *testing.T) {
	s := &service{rows: func(w http.ResponseWriter, r *http.Request) {
		always(400, `{"error":{"code":"0x80040203","message":"refused as `+r.URL.RawQuery[:3]+`"}}`)(w, r)
	}}
	_, err := start(t, s).SQLPage(t.Context(), "SELECT name FROM account", 0, "")
	if dataverse.KindOf(err) != dataverse.Invalid || !strings.Contains(err.Error(), "refused as sql") {
		t.Errorf("got %v", err)
	}
}

func TestAPageOfSQLThatLeadsToItselfEndsTheRows(t *testing.T) {
	pages := 1
	s := &service{rows: func(w http.ResponseWriter, r *http.Request) {
		pages++
		token := strings.ReplaceAll(capturedToken, "pagenumber=%222", "pagenumber=%22"+strconv.Itoa(pages))
		_, _ = fmt.Fprintf(w, `{"value":[{"name":"1"}],"@odata.nextLink":"http://%s/api/data/v9.2/accounts?sql=x&$skiptoken=%s"}`, r.Host, token)
	}}
	rows := 0
	for _, err := range start(t, s).SQLRows(t.Context(), "SELECT name FROM account") {
		if rows++; err != nil {
			if !strings.Contains(err.Error(), "same page again") || rows != 2 {
				t.Errorf("row %d: %v", rows, err)
			}
			return
		}
	}
	t.Error("the rows ended without an error")
}

func TestAliasesKeepWhatTheirColumnIs(t *testing.T) {
	s := &service{rows: always(200, `{"value":[{"@odata.etag":"W/\"1\"",
		"who@OData.Community.Display.V1.AttributeName":"primarycontactid","who@OData.Community.Display.V1.FormattedValue":"Yvonne McKay",
		"who@Microsoft.Dynamics.CRM.lookuplogicalname":"contact","who":"`+contactID+`",
		"x@OData.Community.Display.V1.FormattedValue":"Consulting","x":6,"accountid":"`+accountID+`"}]}`)}
	p, err := start(t, s).SQLPage(t.Context(), "SELECT primarycontactid who, industrycode AS accountid, description FROM account", 0, "")
	if err != nil {
		t.Fatal(err)
	}
	row := p.Rows[0]
	want := map[string]dataverse.Value{
		"who":         {Raw: contactID, Type: dataverse.LookupColumn, Label: "Yvonne McKay", Table: "contact"},
		"accountid":   {Raw: row.Value("accountid").Raw, Type: dataverse.ChoiceColumn, Label: "Consulting"},
		"description": {Type: dataverse.MemoColumn},
	}
	for name, want := range want {
		if diff := cmp.Diff(want, row.Value(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if row.ID != accountID || row.Number("accountid") != 6 || !slices.Equal(row.Columns(), []string{"who", "accountid", "description"}) {
		t.Errorf("id %s, columns %v, accountid %v", row.ID, row.Columns(), row.Value("accountid"))
	}
}

// inPages reads a SELECT page by page, with a new client for each, as replicas do.
func inPages(t *testing.T, server *emulator.Server, query string, size int) []dataverse.Row {
	t.Helper()
	var all []dataverse.Row
	cursor := ""
	for range 1000 {
		c := open(t, dataverse.Options{URL: server.URL, Transport: signedIn{server.Token}, Limits: unlimited})
		p, err := c.SQLPage(t.Context(), query, size, cursor)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		if len(p.Rows) > size || len(p.Rows) == 0 && p.Cursor != "" {
			t.Fatalf("%s: a page of %d rows", query, len(p.Rows))
		}
		if all = append(all, p.Rows...); p.Cursor == "" {
			return all
		}
		cursor = p.Cursor
	}
	t.Fatalf("%s: pages without end", query)
	return nil
}

func TestPagesOfSQLAreItsRows(t *testing.T) {
	server := emulator.Start(t)
	c := open(t, dataverse.Options{URL: server.URL, Transport: signedIn{server.Token}, Limits: unlimited})
	rows := make([]dataverse.Values, 60)
	for i := range rows {
		rows[i] = dataverse.Values{"name": fmt.Sprintf("a%02d", i), "numberofemployees": i % 20, "revenue": i}
	}
	createMany(t, c, rows)
	for query, want := range map[string]int{
		"SELECT name FROM account ORDER BY name":                                                                                      60,
		"SELECT DISTINCT numberofemployees FROM account ORDER BY numberofemployees":                                                   20,
		"SELECT TOP 33 name FROM account ORDER BY name DESC":                                                                          33,
		"SELECT name FROM account ORDER BY name OFFSET 14 ROWS FETCH NEXT 21 ROWS ONLY":                                               21,
		"SELECT name FROM account ORDER BY name OFFSET 13 ROWS FETCH NEXT 20 ROWS ONLY":                                               20,
		"SELECT name FROM account ORDER BY name OFFSET 55 ROWS FETCH NEXT 20 ROWS ONLY":                                               5,
		"SELECT name FROM account ORDER BY name OFFSET 70 ROWS":                                                                       0,
		"SELECT numberofemployees n, COUNT(*) FROM account GROUP BY numberofemployees":                                                20,
		"SELECT numberofemployees FROM account GROUP BY numberofemployees HAVING SUM(revenue) > 80":                                   13,
		"SELECT TOP 9 numberofemployees FROM account GROUP BY numberofemployees HAVING MAX(revenue) >= 45 ORDER BY MIN(revenue) DESC": 9,
	} {
		all := collect(t, query, c.SQLRows(t.Context(), query))
		paged := inPages(t, server, query, 7)
		if diff := cmp.Diff(all, paged, wholeRows); diff != "" || len(all) != want {
			t.Errorf("%s: %d rows, want %d; in pages of 7 (-at once +in pages):\n%s", query, len(all), want, diff)
		}
	}
	p, err := c.SQLPage(t.Context(), "SELECT name FROM account ORDER BY name", 7, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{"SELECT name FROM account", "SELECT TOP 5 name FROM account ORDER BY name"} {
		if _, err := c.SQLPage(t.Context(), other, 7, p.Cursor); dataverse.KindOf(err) != dataverse.Invalid {
			t.Errorf("%s with the cursor of another query: got %v, want Invalid", other, err)
		}
	}
}
