package dataverse_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

// selected is the rows of a SELECT as text: a line of names, then a line a row, with labels where there are.
func selected(t *testing.T, c *dataverse.Client, query string) string {
	t.Helper()
	var lines []string
	for row, err := range c.SQLRows(t.Context(), query) {
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		if lines == nil {
			lines = []string{strings.Join(row.Columns(), "|")}
		}
		var cells []string
		for _, name := range row.Columns() {
			v := row.Value(name)
			text := fmt.Sprint(v.Raw)
			if v.Label != "" && v.Type != dataverse.IntegerColumn && v.Type != "" {
				text = v.Label
			}
			cells = append(cells, text)
		}
		lines = append(lines, strings.Join(cells, "|"))
	}
	return strings.Join(lines, "\n")
}

// traders are three accounts, of which two trade with one another, and two people.
func traders(t *testing.T) *dataverse.Client {
	t.Helper()
	c := emulated(t)
	ann := create(t, c, "contact", dataverse.Values{"firstname": "Ann", "lastname": "Lee", "jobtitle": "Buyer", "creditlimit": 10})
	bob := create(t, c, "contact", dataverse.Values{"firstname": "Bob", "lastname": "Ray"})
	acme := create(t, c, "account", dataverse.Values{"name": "Acme", "revenue": 300, "numberofemployees": 3, "industrycode": "Consulting",
		"primarycontactid": "contact(" + ann + ")", "address1_city": "Rome", "creditonhold": true})
	create(t, c, "account", dataverse.Values{"name": "Bolt", "revenue": 100, "numberofemployees": 5, "industrycode": "Consulting",
		"primarycontactid": "contact(" + bob + ")", "parentaccountid": "account(" + acme + ")", "address1_city": "Oslo"})
	create(t, c, "account", dataverse.Values{"name": "Cargo_1", "numberofemployees": 5, "parentaccountid": "account(" + acme + ")", "address1_city": "Cargo_1"})
	return c
}

func TestSQLAnswers(t *testing.T) {
	c := traders(t)
	for query, want := range map[string]string{
		"SELECT name, industrycode FROM account WHERE industrycode = 'consulting' ORDER BY name DESC": "name|industrycode\nBolt|Consulting\nAcme|Consulting",
		"select Name as [the name], primarycontactid from Accounts where revenue > 200":               "the name|primarycontactid\nAcme|Ann Lee",
		"SELECT TOP 1 name FROM account ORDER BY numberofemployees DESC, name":                        "name\nBolt",
		"SELECT name FROM account ORDER BY name OFFSET 1 ROWS FETCH NEXT 1 ROWS ONLY":                 "name\nBolt",
		"SELECT name FROM account ORDER BY name OFFSET 2 ROWS":                                        "name\nCargo_1",
		"SELECT TOP 0 name FROM account":                                                              "",
		"SELECT name FROM account WHERE revenue <> 100 ORDER BY 1":                                    "name\nAcme",
		"SELECT name FROM account WHERE NOT (revenue = 100 OR revenue < 50) ORDER BY 1":               "name\nAcme",
		"SELECT name FROM account WHERE revenue NOT IN (100) OR name LIKE 'c%' ORDER BY name":         "name\nAcme\nCargo_1",
		"SELECT name FROM account WHERE revenue NOT IN (100, NULL)":                                   "",
		"SELECT name FROM account WHERE name LIKE '%!_1' ESCAPE '!'":                                  "name\nCargo_1",
		"SELECT name FROM account WHERE numberofemployees NOT BETWEEN 4 AND 9":                        "name\nAcme",
		"SELECT name FROM account WHERE creditonhold = 1":                                             "name\nAcme",
		"SELECT name FROM account WHERE name = address1_city":                                         "name\nCargo_1",
		"SELECT name FROM account WHERE name <> address1_city ORDER BY name":                          "name\nAcme\nBolt",
		"SELECT a.name, c.fullname, p.name FROM account a LEFT JOIN account p ON a.parentaccountid = p.accountid JOIN contact c ON c.contactid = a.primarycontactid ORDER BY a.name":        "name|fullname|p.name\nAcme|Ann Lee|<nil>\nBolt|Bob Ray|Acme",
		"SELECT a.name, c.fullname FROM contact c RIGHT JOIN account a ON c.contactid = a.primarycontactid AND c.lastname = 'Lee' ORDER BY a.name":                                          "name|fullname\nAcme|Ann Lee\nBolt|<nil>\nCargo_1|<nil>",
		"SELECT a.name FROM account a LEFT JOIN contact c ON c.contactid = a.primarycontactid WHERE c.contactid IN (SELECT primarycontactid FROM account WHERE name = 'acme')":              "name\nAcme",
		"SELECT p.name, COUNT(*) children FROM account p JOIN account a ON a.parentaccountid = p.accountid GROUP BY p.name":                                                                 "name|children\nAcme|2",
		"SELECT name FROM account WHERE primarycontactid IN (SELECT contactid FROM contact WHERE lastname LIKE 'L%')":                                                                       "name\nAcme",
		"SELECT name FROM account WHERE primarycontactid IS NOT NULL AND primarycontactid NOT IN (SELECT contactid FROM contact WHERE lastname LIKE 'L%')":                                  "name\nBolt",
		"SELECT name FROM account a WHERE NOT EXISTS (SELECT 1 FROM account c WHERE c.parentaccountid = a.accountid) AND (numberofemployees = 5 OR name = 'x') ORDER BY name":               "name\nBolt\nCargo_1",
		"SELECT a.name FROM account a JOIN contact c ON c.contactid = a.primarycontactid WHERE EXISTS (SELECT 1 FROM account o WHERE o.primarycontactid = c.contactid AND o.name = 'bolt')": "name\nBolt",
		"SELECT COUNT(*), COUNT(revenue), SUM(revenue) AS total, COUNT(DISTINCT numberofemployees) sizes FROM account":                                                                      "count|count_revenue|total|sizes\n3|2|$400.00|2",
		"SELECT COUNT(*) n FROM account WHERE name = 'nobody'":                                                                                   "n\n0",
		"SELECT numberofemployees, COUNT(*) n FROM account GROUP BY numberofemployees HAVING COUNT(*) > 1":                                       "numberofemployees|n\n5|2",
		"SELECT COUNT(*) n, numberofemployees FROM account GROUP BY numberofemployees HAVING SUM(revenue) IS NOT NULL AND numberofemployees > 3": "n|numberofemployees\n2|5",
		"SELECT numberofemployees FROM account GROUP BY numberofemployees HAVING NOT (COUNT(*) = 2 OR MAX(revenue) < 1) ORDER BY COUNT(*)":       "numberofemployees\n3",
		"SELECT YEAR(createdon) y, COUNT(*) n FROM account WHERE name = 'nobody' GROUP BY YEAR(createdon)":                                       "",
		"SELECT DISTINCT numberofemployees FROM account ORDER BY numberofemployees":                                                              "numberofemployees\n3\n5",
		"SELECT DISTINCT TOP 1 numberofemployees FROM account ORDER BY numberofemployees DESC":                                                   "numberofemployees\n5",
	} {
		if got := selected(t, c, query); got != want {
			t.Errorf("%s\n got %q\nwant %q", query, got, want)
		}
	}
}

func TestSQLRefusalsSayWhatToWrite(t *testing.T) {
	c := traders(t)
	for query, want := range map[string]string{
		"SELECT nam FROM account":                                                                                  `table account has no column "nam", nearest: name`,
		"SELECT name FROM acount":                                                                                  `there is no table "acount", nearest: account`,
		"SELECT a.name FROM account b":                                                                             `no table of the query is called "a"`,
		"SELECT account.name FROM account b":                                                                       "it has an alias, write b",
		"SELECT nam, revenu FROM account WHERE cty = 'x'":                                                          "3 faults",
		"SELECT name FROM account WHERE industrycode = 'Consultng'":                                                "nearest: Consulting = 7",
		"SELECT name FROM account WHERE name = NULL":                                                               "IS NULL",
		"SELECT name FROM account WHERE 1 = 1":                                                                     "leave it out",
		"SELECT name FROM account WHERE primarycontactid = 'Ann'":                                                  "join table contact",
		"SELECT name FROM account WHERE YEAR(createdon) = 2026":                                                    "createdon >= '2026-01-01'",
		"SELECT name FROM account WHERE createdon > GETDATE()":                                                     "write the date itself",
		"SELECT name FROM account WHERE createdon > '2026-05-01 10:00:00'":                                         "the zone is missing",
		"SELECT name FROM account WHERE revenue > 'much'":                                                          "want a number",
		"SELECT name FROM account WHERE revenue LIKE '1%'":                                                         "LIKE is for text",
		"SELECT name FROM account WHERE name = Acme":                                                               "write 'Acme'",
		"SELECT name FROM account WHERE name = revenue":                                                            "cannot be compared",
		"SELECT name FROM account WHERE creditonhold":                                                              "creditonhold = 1",
		"SELECT name, COUNT(*) FROM account":                                                                       "add it to GROUP BY",
		"SELECT createdon, COUNT(*) FROM account GROUP BY createdon":                                               "YEAR(createdon)",
		"SELECT YEAR(createdon) FROM account":                                                                      "can only be grouped by",
		"SELECT name FROM account WHERE COUNT(*) > 1":                                                              "put it into HAVING",
		"SELECT name FROM account GROUP BY name HAVING revenue > 1":                                                "put conditions on rows into WHERE",
		"SELECT name FROM account ORDER BY name, 3":                                                                "from 1 to 1",
		"SELECT name FROM account ORDER BY 1.5":                                                                    "from 1 to 1",
		"SELECT DISTINCT name FROM account ORDER BY revenue":                                                       "DISTINCT rows can only be sorted by what is selected",
		"SELECT name FROM account OFFSET 1 ROWS":                                                                   "add ORDER BY",
		"SELECT name AS x, revenue AS x FROM account":                                                              "two columns of the answer are called x",
		"SELECT name FROM account, contact":                                                                        "not commas",
		"SELECT fullname FROM account a FULL JOIN contact c ON c.contactid = a.primarycontactid":                   "no FULL JOIN",
		"SELECT fullname FROM account CROSS JOIN contact":                                                          "no CROSS JOIN",
		"SELECT fullname FROM account a JOIN contact c ON c.lastname = 'x'":                                        "ON of c must name",
		"SELECT accountid FROM account a JOIN contact c ON c.contactid = a.primarycontactid WHERE ownerid IS NULL": "write a.ownerid",
		"SELECT name FROM account WHERE accountid IN (SELECT COUNT(*) FROM contact)":                               "send it first",
		"SELECT name FROM account WHERE revenue = (SELECT MAX(revenue) FROM account)":                              "write IN (SELECT",
		"SELECT name FROM account WHERE EXISTS (SELECT 1 FROM contact)":                                            "how its rows belong",
		"SELECT name FROM account WHERE primarycontactid NOT IN (SELECT contactid FROM contact)":                   "account.primarycontactid IS NOT NULL",
		"SELECT fullname FROM contact WHERE contactid NOT IN (SELECT primarycontactid FROM account)":               "WHERE primarycontactid IS NOT NULL",
		"SELECT c.fullname FROM account a LEFT JOIN contact c ON c.contactid = a.primarycontactid AND c.parentcustomerid NOT IN (SELECT accountid FROM account)": "c.parentcustomerid IS NOT NULL",
		"DELETE FROM account":                                "only SELECT is answered",
		"SELECT name FROM account; SELECT name FROM contact": "each SELECT by itself",
	} {
		_, err := c.SQLPage(t.Context(), query, 0, "")
		if dataverse.KindOf(err) != dataverse.Invalid && dataverse.KindOf(err) != dataverse.NotFound || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n got %v\nwant %q", query, err, want)
		}
	}
}
