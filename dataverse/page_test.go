package dataverse_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

// capturedToken is a $skiptoken as Dataverse writes it.
const capturedToken = "%3Ccookie%20pagenumber=%222%22%20pagingcookie=%22%253ccookie%2520page%253d%25221%2522%253e%253caccountid%2520last%253d%2522%257b4026BE43-6B69-E111-8F65-78E7D1620F5E%257d%2522%2520first%253d%2522%257b5026BE43-6B69-E111-8F65-78E7D1620F5E%257d%2522%2520%252f%253e%253c%252fcookie%253e%22%20istracking=%22False%22%20/%3E"

// numbered serves total accounts, named 1, 2, …, in pages as Dataverse does.
func numbered(total int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		size, top := 5000, total
		if _, s, ok := strings.Cut(r.Header.Get("Prefer"), "odata.maxpagesize="); ok {
			s, _, _ = strings.Cut(s, ",")
			size, _ = strconv.Atoi(s)
		} else if n, err := strconv.Atoi(r.URL.Query().Get("$top")); err == nil {
			top = min(n, total)
		}
		first := 0
		for option := range strings.SplitSeq(r.URL.RawQuery, "&") {
			if token, ok := strings.CutPrefix(option, "$skiptoken="); ok {
				n, err := strconv.Atoi(strings.TrimPrefix(token, capturedToken))
				if err != nil {
					always(400, `{"error":{"code":"0x80040203","message":"bad cookie"}}`)(w, r)
					return
				}
				first = n
			}
		}
		last := min(first+size, top)
		rows := []string{}
		for n := first + 1; n <= last; n++ {
			rows = append(rows, fmt.Sprintf(`{"@odata.etag":"W/\"%d\"","name":"%d","accountid":"%s"}`, n, n, accountID))
		}
		more := ""
		if last < top {
			more = fmt.Sprintf(`,"@odata.nextLink":"http://%s/api/data/v9.2/accounts?$select=name&$skiptoken=%s%d"`, r.Host, capturedToken, last)
		}
		if r.URL.Query().Get("$count") == "true" {
			more += fmt.Sprintf(`,"@odata.count":%d`, min(total, 5000))
		}
		_, _ = io.WriteString(w, `{"value":[`+strings.Join(rows, ",")+`]`+more+`}`)
	}
}

func names(rows []dataverse.Row) []string {
	out := []string{}
	for _, r := range rows {
		out = append(out, r.String("name"))
	}
	return out
}

func TestPagesFollowOneAnother(t *testing.T) {
	s := &service{rows: numbered(7)}
	c := start(t, s)
	q := dataverse.Query{Select: []string{"name"}, Size: 3, Count: true}
	var got [][]string
	cursor := ""
	for {
		p, err := c.Page(t.Context(), "account", q, cursor)
		if err != nil {
			t.Fatal(err)
		}
		if (p.Count != nil) != (cursor == "") || p.Count != nil && *p.Count != (dataverse.Count{N: 7}) {
			t.Errorf("page %d: count %v, want 7 on the first page only", len(got)+1, p.Count)
		}
		got = append(got, names(p.Rows))
		if cursor = p.Cursor; cursor == "" {
			break
		}
		if len(cursor) > 150 || strings.ContainsAny(cursor, "/?&=") {
			t.Errorf("cursor %q: want at most 150 plain characters", cursor)
		}
	}
	if diff := cmp.Diff([][]string{{"1", "2", "3"}, {"4", "5", "6"}, {"7"}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if query := s.last(t).Query; query != "$select=name&$skiptoken="+capturedToken+"6" {
		t.Errorf("query %s: want the service's token unaltered", query)
	}
}

func TestTopHoldsAcrossPages(t *testing.T) {
	for _, test := range []struct{ top, size, want, requests int }{
		{0, 3, 7, 3}, {5, 3, 5, 2}, {3, 3, 3, 1}, {2, 3, 2, 1}, {6, 3, 6, 2}, {100, 3, 7, 3}, {5, 0, 5, 1},
	} {
		s := &service{rows: numbered(7)}
		c := start(t, s)
		q := dataverse.Query{Top: test.top, Size: test.size}
		n := 0
		for _, err := range c.Rows(t.Context(), "account", q) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if sent := len(s.requests()); n != test.want || sent != test.requests {
			t.Errorf("top %d, size %d: %d rows in %d requests, want %d in %d", test.top, test.size, n, sent, test.want, test.requests)
		}
		n = 0
		for cursor := "first"; cursor != ""; {
			p, err := c.Page(t.Context(), "account", q, strings.TrimPrefix(cursor, "first"))
			if err != nil {
				t.Fatal(err)
			}
			n, cursor = n+len(p.Rows), p.Cursor
		}
		if n != test.want {
			t.Errorf("top %d, size %d: pages hold %d rows, want %d", test.top, test.size, n, test.want)
		}
	}
}

func TestACallerThatBreaksAsksForNoMorePages(t *testing.T) {
	s := &service{rows: numbered(7)}
	c := start(t, s)
	for row, err := range c.Rows(t.Context(), "account", dataverse.Query{Size: 3}) {
		if err != nil {
			t.Fatal(err)
		}
		if row.String("name") == "2" {
			break
		}
	}
	if n := len(s.requests()); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

func TestACursorFitsOnlyItsQuery(t *testing.T) {
	s := &service{rows: numbered(7)}
	c := start(t, s)
	q := dataverse.Query{Filter: "name ne 'x'", Size: 3}
	p, err := c.Page(t.Context(), "account", q, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Page(t.Context(), "Accounts", q, p.Cursor); err != nil {
		t.Errorf("the same query by another name of the table: %v", err)
	}
	sent := len(s.requests())
	elsewhere := open(t, dataverse.Options{URL: "https://fabrikam.crm4.dynamics.com", Transport: inProcess{s}})
	for name, call := range map[string]func() error{
		"another filter": func() error {
			_, err := c.Page(t.Context(), "account", dataverse.Query{Filter: "name ne 'y'", Size: 3}, p.Cursor)
			return err
		},
		"another size": func() error {
			_, err := c.Page(t.Context(), "account", dataverse.Query{Filter: "name ne 'x'", Size: 4}, p.Cursor)
			return err
		},
		"another table": func() error {
			_, err := c.Page(t.Context(), "contact", dataverse.Query{Size: 3}, p.Cursor)
			return err
		},
		"another environment": func() error { _, err := elsewhere.Page(t.Context(), "account", q, p.Cursor); return err },
		"nonsense":            func() error { _, err := c.Page(t.Context(), "account", q, "https://evil.example/"); return err },
		"cut":                 func() error { _, err := c.Page(t.Context(), "account", q, p.Cursor[:12]); return err },
	} {
		if err := call(); dataverse.KindOf(err) != dataverse.Invalid || !strings.Contains(err.Error(), "cursor: it") {
			t.Errorf("%s: got %v, want Invalid", name, err)
		}
	}
	for i := range p.Cursor {
		wrong := []byte(p.Cursor)
		if wrong[i] = 'A'; p.Cursor[i] == 'A' {
			wrong[i] = 'B'
		}
		if _, err := c.Page(t.Context(), "account", q, string(wrong)); dataverse.KindOf(err) != dataverse.Invalid {
			t.Errorf("%s with sign %d changed: got %v, want Invalid", p.Cursor, i, err)
		}
	}
	if n := len(s.requests()); n != sent {
		t.Errorf("%d requests with wrong cursors, want none", n-sent)
	}
}

func TestANextLinkElsewhereIsNotFollowed(t *testing.T) {
	for _, link := range []string{
		"https://evil.example/api/data/v9.2/accounts?$skiptoken=1", "/api/data/v9.2/contacts?$skiptoken=1", "?", "http://%zz",
		"HOST/api/data/v9.2/accounts?$skip=1", "//user@HOST/api/data/v9.2/accounts?$skiptoken=1",
	} {
		s := &service{rows: func(w http.ResponseWriter, r *http.Request) {
			link := strings.ReplaceAll(link, "HOST", "http://"+r.Host)
			_ = json.NewEncoder(w).Encode(map[string]any{"value": []any{}, "@odata.nextLink": link})
		}}
		_, err := start(t, s).Page(t.Context(), "account", dataverse.Query{}, "")
		if dataverse.KindOf(err) != dataverse.Internal || len(s.requests()) != 1 {
			t.Errorf("%s: got %v after %d requests, want Internal after one", link, err, len(s.requests()))
		}
	}
}

func TestPagesThatGoRoundInACircleEndTheRows(t *testing.T) {
	pages := 0
	s := &service{rows: func(w http.ResponseWriter, r *http.Request) {
		pages++
		_, _ = fmt.Fprintf(w, `{"value":[{"name":"1"}],"@odata.nextLink":"http://%s/api/data/v9.2/accounts?$skiptoken=%d"}`, r.Host, pages%3)
	}}
	var last error
	rows := 0
	for _, err := range start(t, s).Rows(t.Context(), "account", dataverse.Query{}) {
		if last = err; err == nil {
			rows++
		}
		if rows > 9 {
			break
		}
	}
	if dataverse.KindOf(last) != dataverse.Internal || rows != 3 {
		t.Errorf("%v after %d rows, want an error after three pages", last, rows)
	}
}

func TestAPageThatLeadsToItselfEndsTheRows(t *testing.T) {
	cookie := `%3Ccookie%20pagenumber=%22N%22%20pagingcookie=%22%253ccookie%2520page%253d%2522N%2522%253e%253caccountid%2520` +
		`last%253d%2522%257bA%257d%2522%2520%252f%253e%253c%252fcookie%253e%22%20istracking=%22False%22%20/%3E`
	for name, token := range map[string]string{
		"the same token": "same", "a page number that rises": cookie,
		"one that is encoded once more": strings.ReplaceAll(cookie, "%25", "%2525"),
	} {
		t.Run(name, func(t *testing.T) {
			pages := 1
			s := &service{rows: func(w http.ResponseWriter, r *http.Request) {
				pages++
				_, _ = fmt.Fprintf(w, `{"value":[{"name":"1"}],"@odata.nextLink":"http://%s/api/data/v9.2/accounts?$skiptoken=%s"}`,
					r.Host, strings.ReplaceAll(token, "N", strconv.Itoa(pages)))
			}}
			rows := 0
			for _, err := range start(t, s).Rows(t.Context(), "account", dataverse.Query{}) {
				if err != nil {
					if !strings.Contains(err.Error(), "same page again") || rows != 1 {
						t.Errorf("after %d rows: %v, want one row and an end", rows, err)
					}
					return
				}
				if rows++; rows > 9 {
					break
				}
			}
			t.Error("the rows ended without an error")
		})
	}
}

func TestRowsReadAsTheyWereAskedFor(t *testing.T) {
	answer := `{"@odata.context":"x","value":[{"@odata.etag":"W/\"12345\"",
		"statecode@OData.Community.Display.V1.FormattedValue":"Active","statecode":0,
		"revenue@OData.Community.Display.V1.FormattedValue":"€20,000.00","revenue":20000.0000,
		"_transactioncurrencyid_value":"` + contactID + `",
		"_primarycontactid_value@OData.Community.Display.V1.FormattedValue":"Yvonne McKay",
		"_primarycontactid_value@Microsoft.Dynamics.CRM.lookuplogicalname":"contact",
		"_primarycontactid_value":"` + contactID + `",
		"_ownerid_value":null,"name":"Contoso","accountid":"` + accountID + `",
		"Account_Tasks":[{"@odata.etag":"W/\"7\"","subject":"Call","activityid":"` + contactID + `"}],
		"Account_Tasks@odata.nextLink":"https://x/"}]}`
	s := &service{rows: always(200, answer)}
	c := start(t, s)
	q := dataverse.Query{Select: []string{"primarycontactid", "name", "revenue", "statecode", "ownerid"}, Expand: "Account_Tasks($select=subject)"}
	p, err := c.Page(t.Context(), "account", q, "")
	if err != nil {
		t.Fatal(err)
	}
	row := p.Rows[0]
	if row.Table != "account" || row.ID != accountID || row.ETag != `W/"12345"` {
		t.Errorf("got %s %s %s", row.Table, row.ID, row.ETag)
	}
	want := []string{"primarycontactid", "name", "revenue", "statecode", "ownerid", "Account_Tasks"}
	if diff := cmp.Diff(want, row.Columns()); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	for column, want := range map[string]dataverse.Value{
		"primarycontactid": {Raw: contactID, Type: dataverse.LookupColumn, Label: "Yvonne McKay", Table: "contact"},
		"revenue":          {Raw: json.Number("20000.0000"), Type: dataverse.MoneyColumn, Label: "€20,000.00"},
		"statecode":        {Raw: json.Number("0"), Type: dataverse.StateColumn, Label: "Active"},
		"ownerid":          {Type: dataverse.OwnerColumn},
		"accountid":        {}, // not asked for
	} {
		if diff := cmp.Diff(want, row.Value(column)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", column, diff)
		}
	}
	tasks, _ := row.Value("Account_Tasks").Raw.([]dataverse.Row)
	if len(tasks) != 1 || tasks[0].Table != "task" || tasks[0].ID != contactID || tasks[0].ETag != `W/"7"` || row.Value("Account_Tasks").More {
		t.Errorf("tasks %v, more %v: want the one task, all there", tasks, row.Value("Account_Tasks").More)
	}
	text, err := json.Marshal(row)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"primarycontactid":{"id":"` + contactID + `","name":"Yvonne McKay","table":"contact"},"name":"Contoso","revenue":20000.0000,"statecode":0,"ownerid":null,"Account_Tasks":[{"subject":"Call"}]}`; string(text) != want {
		t.Errorf("as JSON: got %s, want %s", text, want)
	}
}

func TestTextIsReadAsItWasCut(t *testing.T) {
	// The service cuts text without regard to pairs of UTF-16 units.
	c := start(t, &service{rows: always(200, `{"name":"caf\u00e9 \"\ud83d\ude00\" \ud83d"}`)})
	row, err := c.Get(t.Context(), "account", accountID, dataverse.Query{Select: []string{"name"}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := row.String("name"), "café \"😀\" \ufffd"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !row.Has("name") || row.Has("telephone1") {
		t.Errorf("columns %v, want name alone", row.Columns())
	}
}

func TestALookupMayBeSelectedAndExpandedAtOnce(t *testing.T) {
	id := `"_primarycontactid_value":"` + contactID + `","_primarycontactid_value@OData.Community.Display.V1.FormattedValue":"Yvonne McKay"`
	expanded := `"primarycontactid":{"lastname":"McKay","contactid":"` + contactID + `"}`
	for _, body := range []string{"{" + id + "," + expanded + "}", "{" + expanded + "," + id + "}"} {
		c := start(t, &service{rows: always(200, body)})
		row, err := c.Get(t.Context(), "account", accountID, dataverse.Query{Select: []string{"primarycontactid"}, Expand: "primarycontactid($select=lastname)"})
		if err != nil {
			t.Fatal(err)
		}
		value := row.Value("primarycontactid")
		contact, ok := value.Raw.(dataverse.Row)
		if !ok || contact.ID != contactID || contact.String("lastname") != "McKay" || value.Label != "Yvonne McKay" || len(row.Columns()) != 1 {
			t.Errorf("%s: got %+v", body, value)
		}
	}
}

func TestACutExpandIsTold(t *testing.T) {
	body := `{"value":[{"contact_customer_accounts":[{"contactid":"` + contactID + `"}],"contact_customer_accounts@odata.nextLink":"https://x/"}]}`
	s := &service{rows: always(200, body)}
	c := start(t, s)
	for expand, want := range map[string]bool{
		"contact_customer_accounts": false, // a link is always given there
		"contact_customer_accounts($select=lastname;$expand=parentcustomerid_account)":     true,
		"contact_customer_accounts($top=1;$expand=parentcustomerid_account($select=name))": false, // the caller's own cut
	} {
		p, err := c.Page(t.Context(), "account", dataverse.Query{Expand: expand}, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Rows[0].Value("contact_customer_accounts").More; got != want {
			t.Errorf("%s: more %v, want %v", expand, got, want)
		}
	}
}

func TestWrongNamesAreRefusedWithTheNearest(t *testing.T) {
	s := &service{rows: always(200, `{"value":[]}`)}
	c := start(t, s)
	for _, test := range []struct {
		table   string
		q       dataverse.Query
		kind    dataverse.Kind
		want    string
		nearest []string
	}{
		{"acount", dataverse.Query{}, dataverse.NotFound, `there is no table "acount"`, []string{"account"}},
		{"people", dataverse.Query{}, dataverse.NotFound, `there is no table "people"`, nil},
		{"account", dataverse.Query{Select: []string{"accountname"}}, dataverse.Invalid, `no column "accountname"`, []string{"name (Account Name)"}},
		{"account", dataverse.Query{Select: []string{"primarycontactidname"}}, dataverse.Invalid, `no column`, []string{"primarycontactid"}},
		{"account", dataverse.Query{Select: []string{"phone"}}, dataverse.Invalid, `no column`, []string{"telephone1 (Main Phone)"}},
		{"account", dataverse.Query{Select: []string{"citty"}}, dataverse.Invalid, `no column`, nil},
		{"account", dataverse.Query{Select: []string{"colours"}}, dataverse.Invalid, `no column`, []string{"new_colors"}},
		{"account", dataverse.Query{Filter: "nam eq 'x'"}, dataverse.Invalid, `no column "nam"`, []string{"name"}},
		{"account", dataverse.Query{Filter: "name eq 'x"}, dataverse.Invalid, `filter: There is an unterminated string literal`, nil},
		{"account", dataverse.Query{Filter: "industrycode eq 'Consultancy'"}, dataverse.Invalid, `no choice "Consultancy"`, []string{"Consulting = 7"}},
		{"account", dataverse.Query{Filter: "primarycontactid eq 'Yvonne'"}, dataverse.Invalid, `want the id of a row; by name it is compared as primarycontactid/fullname`, nil},
		{"account", dataverse.Query{Filter: "ownerid eq 'Alex'"}, dataverse.Invalid, `by name it is compared as owninguser/fullname`, nil},
		{"account", dataverse.Query{Filter: "contains(primarycontactid/parentcustomerid,'x')"}, dataverse.Invalid,
			"not text; by name it is compared as primarycontactid/parentcustomerid_account/name or primarycontactid/parentcustomerid_contact/fullname", nil},
		{"account", dataverse.Query{Filter: "startswith(industrycode,'Cons')"}, dataverse.Invalid, "compare it with eq and a label", nil},
		{"account", dataverse.Query{Filter: "contact_customer_acounts/any()"}, dataverse.Invalid, `no navigation property`, []string{"contact_customer_accounts"}},
		{"account", dataverse.Query{Filter: "name eq @p1"}, dataverse.Invalid, "@p1 has no value here", nil},
		{"account", dataverse.Query{Filter: "account_tasks/subject eq 'Call'"}, dataverse.Invalid, "write Account_Tasks/any(x:x/subject …)", nil},
		{"account", dataverse.Query{OrderBy: "revenu desc"}, dataverse.Invalid, `no column "revenu"`, []string{"revenue"}},
		{"account", dataverse.Query{Expand: "Tasks"}, dataverse.Invalid, `no navigation property "Tasks"`, []string{"Account_Tasks"}},
		{"account", dataverse.Query{Expand: "primarycontactid($select=fulname)"}, dataverse.Invalid, `table contact has no column "fulname"`, []string{"fullname"}},
		{"contact", dataverse.Query{Expand: "parentcustomerid"}, dataverse.Invalid, `no navigation property`, []string{"parentcustomerid_account", "parentcustomerid_contact"}},
		{"account", dataverse.Query{Size: 5001}, dataverse.Invalid, "size: got 5001, want 1 to 5000", nil},
		{"account", dataverse.Query{Filter: "name eq '" + strings.Repeat("x", 70_000) + "'"}, dataverse.Invalid, "the query is", nil},
	} {
		_, err := c.Page(t.Context(), test.table, test.q, "")
		e, ok := errors.AsType[*dataverse.Error](err)
		if !ok || e.Kind != test.kind || !strings.Contains(e.Message, test.want) {
			t.Errorf("%s %+v: got %v, want %s: %s", test.table, test.q, err, test.kind, test.want)
			continue
		}
		if diff := cmp.Diff(test.nearest, e.Nearest); diff != "" {
			t.Errorf("%s %+v: nearest (-want +got):\n%s", test.table, test.q, diff)
		}
	}
	if n := len(s.requests()); n != 0 {
		t.Errorf("%d requests were sent, want none", n)
	}
}

func TestTextsThatNoRequestCanHoldAreRefusedUnread(t *testing.T) {
	c := start(t, &service{})
	_, err := c.Page(t.Context(), "contact", dataverse.Query{Filter: strings.Repeat("1 or ", 300_000) + "1"}, "")
	if dataverse.KindOf(err) != dataverse.Invalid || !strings.Contains(err.Error(), "filter: it is 1500001 bytes long") {
		t.Errorf("got %.200v, want Invalid with the length", err)
	}
}

func TestCountsPastFiveThousand(t *testing.T) {
	limit := always(400, `{"error":{"code":"0x8004E023","message":"AggregateQueryRecordLimit exceeded. Cannot perform this operation."}}`)
	for _, test := range []struct {
		name  string
		steps []http.HandlerFunc
		want  dataverse.Count
	}{
		{"few", []http.HandlerFunc{always(200, `{"@odata.count":4999,"value":[]}`)}, dataverse.Count{N: 4999}},
		{"many", []http.HandlerFunc{always(200, `{"@odata.count":5000,"value":[]}`), always(200, `{"value":[{"n":12345}]}`)}, dataverse.Count{N: 12345}},
		{"too many", []http.HandlerFunc{always(200, `{"@odata.count":5000,"value":[]}`), limit}, dataverse.Count{N: 50_000, AtLeast: true}},
	} {
		s := &service{rows: scripted(test.steps...)}
		got, err := start(t, s).Count(t.Context(), "account", "statecode eq 'Active'")
		if err != nil || got != test.want {
			t.Errorf("%s: got %+v, %v, want %+v", test.name, got, err, test.want)
		}
		if q := asked(t, s.last(t)); len(s.requests()) == 2 && q["$apply"] != "filter(statecode eq 0)/aggregate($count as n)" {
			t.Errorf("%s: asked %v", test.name, q)
		}
	}
}
