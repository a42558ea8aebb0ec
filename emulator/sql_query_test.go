package emulator_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

func sqlQuery(t *testing.T, s *emulator.Server, set, text string, headers ...string) page {
	t.Helper()
	return query(t, s, set, map[string]string{"sql": text}, headers...)
}

// cells are the rows of a page in one line, each the values of some properties.
func cells(p page, names ...string) string {
	var rows []string
	for _, r := range p.Value {
		var values []string
		for _, name := range names {
			values = append(values, fmt.Sprint(r[name]))
		}
		rows = append(rows, strings.Join(values, " "))
	}
	return strings.Join(rows, "; ")
}

func TestSQLConditionsSelectAsInThreeValuedLogic(t *testing.T) {
	s := company(t)
	for where, want := range map[string]string{
		"name = 'ACME'":                                 "Acme",
		"'Acme' = name":                                 "Acme",
		"50 < revenue":                                  "Acme Bolt",
		"revenue >= 100 AND revenue <= 250.5":           "Acme Bolt",
		"revenue <> 100":                                "Bolt cargo",
		"NOT revenue = 100":                             "Bolt cargo",
		"revenue != 100 OR revenue IS NULL":             "Bolt cargo Dune's",
		"NOT (revenue = 100 OR revenue IS NULL)":        "Bolt cargo",
		"NOT (revenue > 60 AND numberofemployees = 10)": "cargo",
		"revenue BETWEEN 50 AND 100":                    "Acme cargo",
		"revenue NOT BETWEEN 50 AND 100":                "Bolt",
		"name LIKE 'b%' OR name LIKE '%e'":              "Acme Bolt",
		"name LIKE '_olt'":                              "Bolt",
		"description LIKE '100[%]%'":                    "Acme",
		"description NOT LIKE '200%'":                   "Acme",
		"name IN ('Bolt', N'Dune''s')":                  "Bolt Dune's",
		"name IN ('Bolt', NULL)":                        "Bolt",
		"name NOT IN ('Bolt', 'cargo')":                 "Acme Dune's",
		"name NOT IN ('Bolt', NULL)":                    "",
		"name = NULL":                                   "",
		"creditonhold = 1":                              "Acme",
		"creditonhold = 0 AND revenue IS NOT NULL":      "Bolt cargo",
		"industrycode IN (6, 7)":                        "Acme Bolt",
		"parentaccountid = '" + acme + "'":              "Bolt",
		"accountid IN ('" + acme + "','" + dune + "')":  "Acme Dune's",
		"createdon >= '2020-01-01' AND createdon < '2099-01-01 00:00:00' AND revenue = 50": "cargo",
		"(name = 'Acme' OR name = 'Bolt') AND revenue > 200":                               "Bolt",
		"statecode = 0 AND [name] = 'Bolt' -- and no more":                                 "Bolt",
	} {
		p := sqlQuery(t, s, "accounts", "SELECT name FROM account WHERE "+where+" ORDER BY name")
		if got := column(p, "name"); got != want || p.Error.Code != "" {
			t.Errorf("%s:\ngot  %q %s\nwant %q", where, got, p.Error.Message, want)
		}
	}
}

func TestSQLJoinsGroupsAndSorts(t *testing.T) {
	s := company(t)
	for _, c := range []struct {
		set, sql, columns, want string
	}{
		{"accounts", "SELECT a.name, c.fullname FROM account a JOIN contact AS c ON a.primarycontactid = c.contactid", "name c.fullname", "Acme Anna Åberg"},
		{"accounts", "SELECT a.name, c.fullname AS person FROM account a LEFT JOIN contact c ON c.contactid = a.primarycontactid ORDER BY a.name DESC",
			"name person", "Dune's <nil>; cargo <nil>; Bolt <nil>; Acme Anna Åberg"},
		{"accounts", "SELECT a.name, b.name AS parent FROM account a INNER JOIN account b ON a.parentaccountid = b.accountid ORDER BY parent, a.name",
			"name parent", "Bolt Acme; cargo Bolt"},
		{"accounts", "SELECT a.name FROM account a LEFT JOIN account b ON a.parentaccountid = b.accountid AND b.revenue > 200 WHERE b.name IS NULL ORDER BY a.name",
			"name", "Acme; Bolt; Dune's"},
		{"tasks", "SELECT t.subject, a.name FROM task t JOIN account a ON a.accountid = t.regardingobjectid JOIN contact c ON a.primarycontactid = c.contactid ORDER BY subject",
			"subject a.name", "call Acme; visit Acme"},
		{"tasks", "SELECT DISTINCT subject FROM task ORDER BY subject", "subject", "call; plan; visit"},
		{"tasks", "SELECT subject, COUNT(*) AS n FROM task GROUP BY subject ORDER BY n DESC, subject", "subject n", "call 2; plan 1; visit 1"},
		{"tasks", "SELECT a.name, COUNT(activityid) AS n, MIN(t.scheduledend) AS first FROM task t JOIN account a ON t.regardingobjectid = a.accountid GROUP BY a.name ORDER BY a.name",
			"name n first", "Acme 2 2026-03-01T23:00:00Z; Bolt 1 2026-02-20T09:00:00Z"},
		{"tasks", "SELECT COUNT(*) AS n FROM task GROUP BY subject ORDER BY n", "n", "1; 1; 2"},
		{"accounts", "SELECT SUM(revenue) AS total, AVG(numberofemployees) AS staff, MAX(name) AS last FROM account", "total staff", "400.5 10"},
		{"accounts", "SELECT COUNT(revenue), COUNT(*) FROM account", "count_revenue count", "3 4"},
		{"accounts", "SELECT TOP 2 name FROM account ORDER BY name", "name", "Acme; Bolt"},
		{"accounts", "SELECT TOP 0 name FROM account", "name", ""},
		{"tasks", "SELECT DISTINCT TOP 2 subject FROM task ORDER BY subject", "subject", "call; plan"},
		{"accounts", "SELECT name FROM account ORDER BY name OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY", "name", "Bolt; cargo"},
		{"accounts", "SELECT industrycode AS branch FROM account WHERE industrycode IS NOT NULL ORDER BY branch DESC", "branch", "7; 6"},
		{"accounts", "SELECT ACCOUNT.NAME FROM Account WHERE Name = 'bolt';", "name", "Bolt"},
	} {
		p := sqlQuery(t, s, c.set, c.sql)
		if got := cells(p, strings.Fields(c.columns)...); got != c.want || p.Error.Code != "" {
			t.Errorf("%s:\ngot  %q %s\nwant %q", c.sql, got, p.Error.Message, c.want)
		}
		if p.Next != "" {
			t.Errorf("%s: there is a next page: %s", c.sql, p.Next)
		}
	}
}

func TestSQLRefusesWhatTheEndpointDoesNotAnswer(t *testing.T) {
	s := company(t)
	for text, want := range map[string]string{
		"SELECT * FROM account": "SELECT *",
		"SELECT name FROM account a RIGHT JOIN contact c ON a.primarycontactid = c.contactid":      "RIGHT JOIN",
		"SELECT name FROM account a FULL OUTER JOIN contact c ON a.primarycontactid = c.contactid": "FULL JOIN",
		"SELECT name FROM account CROSS JOIN contact":                                              "CROSS JOIN",
		"SELECT statecode, COUNT(*) AS n FROM account GROUP BY statecode HAVING COUNT(*) > 1":      "HAVING",
		"SELECT name FROM account WHERE EXISTS (SELECT contactid FROM contact)":                    "EXISTS",
		"SELECT name FROM account WHERE accountid IN (SELECT parentcustomerid FROM contact)":       "subquery",
		"SELECT name FROM account WHERE 1=1":                                                       "1 = 1",
		"SELECT name FROM account WHERE name = websiteurl":                                         "name = websiteurl",
		"SELECT name FROM account WHERE YEAR(createdon) = 2026":                                    "YEAR(createdon)",
		"SELECT name FROM account WHERE name = UPPER('acme')":                                      "UPPER('acme')",
		"SELECT UPPER(name) FROM account":                                                          "UPPER(name)",
		"SELECT COUNT(DISTINCT name) FROM account":                                                 "COUNT(DISTINCT name)",
		"SELECT name FROM account ORDER BY COUNT(*)":                                               "ORDER BY",
		"SELECT name, COUNT(*) FROM account":                                                       "GROUP BY",
		"SELECT name FROM account OFFSET 1 ROWS FETCH NEXT 1 ROWS ONLY":                            "ORDER BY",
		"SELECT TOP 5001 name FROM account":                                                        "5000",
		"SELECT name FROM account a JOIN contact c ON a.name = 'x'":                                "pair of columns",
		"SELECT accountid FROM account JOIN account ON accountid = parentaccountid":                "alias",
		"SELECT statecode FROM account a JOIN contact c ON a.primarycontactid = c.contactid":       "'a' and in 'c'",
		"SELECT nam FROM account":                                                                  "doesn't contain attribute with Name = 'nam'",
		"SELECT x.name FROM account a":                                                             "'x'",
		"SELECT fullname FROM contact":                                                             "does not match the entity set 'accounts'",
		"SELECT a FROM accounts":                                                                   "accounts",
		"SELECT name FROM account; SELECT 1":                                                       "position",
		"DELETE FROM account":                                                                      "SELECT",
		"":                                                                                         "position",
		"SELECT name FROM account WHERE revenue = 'x'":                                             "revenue",
		"SELECT name FROM account WHERE " + strings.Repeat("name = 'a' OR ", 500) + "name = 'b'":   "500",
	} {
		p := sqlQuery(t, s, "accounts", text)
		if p.Error.Code == "" || !strings.Contains(p.Error.Message, want) || len(p.Value) > 0 {
			t.Errorf("%.200s:\ngot  %d rows, %s %q\nwant an error with %q", text, len(p.Value), p.Error.Code, p.Error.Message, want)
		}
	}
}

func TestSQLAnswersLookLikeOData(t *testing.T) {
	s := company(t)
	r := send(t, s, http.MethodGet, "accounts?sql="+url.QueryEscape("SELECT a.name, a.primarycontactid, a.telephone1 AS phone, a.industrycode AS branch FROM account a WHERE a.name = 'Acme'"),
		"", `Prefer: odata.include-annotations="*"`)
	for _, want := range []string{
		`"@odata.context":"http://org/api/data/v9.2/$metadata#accounts(`, `"@Microsoft.Dynamics.CRM.totalrecordcount":-1`,
		`"@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded":false`, `"@Microsoft.Dynamics.CRM.globalmetadataversion":`,
		`"@odata.etag":"W/`, `"accountid":"` + acme + `"`, `"_primarycontactid_value":"` + anna + `"`,
		`"_primarycontactid_value@OData.Community.Display.V1.FormattedValue":"Anna Åberg"`,
		`"branch@OData.Community.Display.V1.AttributeName":"industrycode"`, `"branch":6`,
	} {
		if !strings.Contains(r.body, want) {
			t.Errorf("no %s in\n%s", want, r.body)
		}
	}
	if plain := send(t, s, http.MethodGet, "accounts?sql="+url.QueryEscape("SELECT name FROM account WHERE name = 'Acme'"), ""); !strings.Contains(plain.body, `#accounts(name,accountid)"`) {
		t.Errorf("the context does not list the columns and the key: %s", plain.body)
	}
	joined := sqlQuery(t, s, "accounts", "SELECT c.fullname FROM account a JOIN contact c ON a.primarycontactid = c.contactid")
	if len(joined.Value) != 1 || len(joined.Value[0]) != 3 { // etag, key and the column
		t.Errorf("columns that nobody asked for: %v", joined.Value)
	}
}

func TestSQLPagesNeitherRepeatNorMissARow(t *testing.T) {
	s := company(t)
	for _, text := range []string{
		"SELECT name FROM account", "SELECT name FROM account ORDER BY revenue DESC", "SELECT DISTINCT subject AS name FROM task",
		"SELECT t.subject AS name FROM task t LEFT JOIN account a ON t.regardingobjectid = a.accountid ORDER BY a.name",
		"SELECT subject AS name, COUNT(*) AS n FROM task GROUP BY subject",
	} {
		set := "accounts"
		if strings.Contains(text, "task") {
			set = "tasks"
		}
		whole := strings.Fields(column(sqlQuery(t, s, set, text), "name"))
		var paged []string
		next := set + "?sql=" + url.QueryEscape(text)
		for pages := 0; next != "" && pages < 10; pages++ {
			p := parse(t, send(t, s, http.MethodGet, next, "", "Prefer: odata.maxpagesize=1").body)
			paged = append(paged, strings.Fields(column(p, "name"))...)
			next = strings.TrimPrefix(p.Next, "http://org/api/data/v9.2/")
		}
		if len(whole) == 0 || !slices.Equal(whole, paged) {
			t.Errorf("%s: got %q in pages, %q at once", text, paged, whole)
		}
	}
}

func TestSQLWorksInABatch(t *testing.T) {
	s := company(t)
	line := "GET /api/data/v9.2/accounts?sql=" + url.QueryEscape("SELECT name FROM account WHERE revenue > 200") + " HTTP/1.1"
	body := strings.Join([]string{"--b", "Content-Type: application/http", "Content-Transfer-Encoding: binary", "", line, "Accept: application/json", "", "", "--b--", ""}, "\r\n")
	r := send(t, s, http.MethodPost, "$batch", body, "Content-Type: multipart/mixed; boundary=b")
	if r.status != http.StatusOK || !strings.Contains(r.body, `"name":"Bolt"`) {
		t.Errorf("got %d %s", r.status, r.body)
	}
}
