package dataverse_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// emulated opens a client of an emulator.
func emulated(t *testing.T, options ...emulator.Option) *dataverse.Client {
	t.Helper()
	server := emulator.Start(t, options...)
	return open(t, dataverse.Options{URL: server.URL, Transport: signedIn{server.Token}})
}

func create(t *testing.T, c *dataverse.Client, table string, v dataverse.Values) string {
	t.Helper()
	id, err := c.Create(t.Context(), table, v)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func get(t *testing.T, c *dataverse.Client, table, id string, q dataverse.Query) dataverse.Row {
	t.Helper()
	row, err := c.Get(t.Context(), table, id, q)
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func TestEveryTableCanBeDescribed(t *testing.T) {
	c := emulated(t)
	tables, err := c.Tables(t.Context())
	if err != nil || len(tables) < 80 {
		t.Fatalf("%d tables, %v", len(tables), err)
	}
	for _, name := range []string{"account", "email", "activityparty", "systemuser", "Opportunity Line", "listmember"} {
		table, err := c.Table(t.Context(), name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, ok := table.Column(table.PrimaryID); !ok || len(table.Columns) < 3 {
			t.Errorf("%s: %d columns, primary key %q among them %v", name, len(table.Columns), table.PrimaryID, ok)
		}
		for _, column := range table.Columns {
			needsChoices := column.Type == dataverse.StateColumn || column.Type == dataverse.StatusColumn
			if column.Type == "" || needsChoices && len(column.Choices) == 0 {
				t.Errorf("%s.%s: type %q, %d choices", name, column.LogicalName, column.Type, len(column.Choices))
			}
		}
	}
}

func TestWhatIsWrittenReadsBack(t *testing.T) {
	c := emulated(t)
	contact := create(t, c, "contact", dataverse.Values{"firstname": "Yvonne", "lastname": "McKay"})
	account := create(t, c, "Accounts", dataverse.Values{
		"name": "O'Brien & Sons", "industrycode": "consulting", "revenue": json.Number("20000.55"), "creditonhold": true,
		"numberofemployees": 12, "primarycontactid": "contact(" + contact + ")",
	})
	row := get(t, c, "account", account, dataverse.Query{Select: []string{
		"name", "industrycode", "revenue", "creditonhold", "numberofemployees", "primarycontactid", "statecode", "description"}})
	if row.ID != account || row.ETag == "" || row.Table != "account" {
		t.Errorf("got id %s, etag %s, table %s", row.ID, row.ETag, row.Table)
	}
	if row.String("name") != "O'Brien & Sons" || row.Number("revenue") != 20000.55 || !row.Bool("creditonhold") || row.Number("numberofemployees") != 12 {
		t.Errorf("got %+v", row)
	}
	for column, label := range map[string]string{"industrycode": "Consulting", "primarycontactid": "Yvonne McKay", "statecode": "Active", "description": ""} {
		if got := row.Value(column).Label; got != label {
			t.Errorf("%s: label %q, want %q", column, got, label)
		}
	}
	if v := row.Value("primarycontactid"); v.Raw != contact || v.Table != "contact" || v.Type != dataverse.LookupColumn {
		t.Errorf("primarycontactid: got %+v", v)
	}
}

func TestAnUpdateByAlternateKeyTellsTheRow(t *testing.T) {
	c := emulated(t)
	id := create(t, c, "account", dataverse.Values{"name": "Contoso", "accountnumber": "A1"})
	if done, err := c.Update(t.Context(), "account", "accountnumber='A1'", dataverse.Values{"name": "B"}); err != nil || done.ID != id {
		t.Errorf("got %+v, %v, want the id %s", done, err, id)
	}
}

func TestAChangeNeedsTheVersionItWasBasedOn(t *testing.T) {
	c := emulated(t)
	id := create(t, c, "account", dataverse.Values{"name": "Contoso"})
	first := get(t, c, "account", id, dataverse.Query{}).ETag
	second, err := c.Update(t.Context(), "account", id, dataverse.Values{"telephone1": "1"}, dataverse.IfMatch(first))
	if err != nil || second.ETag == "" || second.ETag == first || second.ID != id {
		t.Fatalf("update of version %s: got %+v, %v", first, second, err)
	}
	if _, err := c.Update(t.Context(), "account", id, dataverse.Values{"telephone1": "2"}, dataverse.IfMatch(first)); dataverse.KindOf(err) != dataverse.Conflict {
		t.Errorf("update of an old version: got %v, want Conflict", err)
	}
	if err := c.Delete(t.Context(), "account", id, dataverse.IfMatch(first)); dataverse.KindOf(err) != dataverse.Conflict {
		t.Errorf("delete of an old version: got %v, want Conflict", err)
	}
	if err := c.Delete(t.Context(), "account", id, dataverse.IfMatch(second.ETag)); err != nil {
		t.Errorf("delete of this version: %v", err)
	}
	for name, err := range map[string]error{
		"delete": c.Delete(t.Context(), "account", id),
		"update": failed(c.Update(t.Context(), "account", id, dataverse.Values{"telephone1": "3"})),
		"get":    failed(c.Get(t.Context(), "account", id, dataverse.Query{})),
	} {
		if dataverse.KindOf(err) != dataverse.NotFound {
			t.Errorf("%s of a row that is gone: got %v, want NotFound", name, err)
		}
	}
}

func failed[T any](_ T, err error) error { return err }

func TestAnUpsertTellsWhatItDid(t *testing.T) {
	c := emulated(t)
	for i, want := range []dataverse.Upserted{{ID: accountID, Created: true}, {ID: accountID}} {
		got, err := c.Upsert(t.Context(), "account", accountID, dataverse.Values{"name": fmt.Sprint(i)})
		if err != nil || got.ETag == "" {
			t.Fatalf("upsert %d: %+v, %v", i+1, got, err)
		}
		got.ETag = ""
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("upsert %d (-want +got):\n%s", i+1, diff)
		}
	}
	if _, err := c.Upsert(t.Context(), "account", accountID, dataverse.Values{"name": "2"}, dataverse.IfNoneMatch()); dataverse.KindOf(err) != dataverse.Conflict {
		t.Errorf("upsert that only makes: got %v, want Conflict", err)
	}
	if name := get(t, c, "account", accountID, dataverse.Query{}).String("name"); name != "1" {
		t.Errorf("name is %q, want 1", name)
	}
}

func TestQueriesFindWhatTheyAskFor(t *testing.T) {
	c := emulated(t)
	yvonne := create(t, c, "contact", dataverse.Values{"lastname": "McKay"})
	for i, industry := range []string{"Accounting", "Consulting", "Consulting", "Brokers"} {
		values := dataverse.Values{"name": fmt.Sprint("A", i), "industrycode": industry, "revenue": i * 1000, "creditonhold": i == 3}
		if i > 1 {
			values["primarycontactid"] = yvonne
		}
		id := create(t, c, "account", values)
		if i == 2 {
			create(t, c, "task", dataverse.Values{"subject": "Call", "regardingobjectid": "account(" + id + ")"})
		}
	}
	for filter, want := range map[string][]string{
		"industrycode eq 'consulting'":                                                      {"A1", "A2"},
		"industrycode in ('Accounting','Brokers')":                                          {"A0", "A3"},
		"primarycontactid eq " + yvonne + " and creditonhold eq 'No'":                       {"A2"},
		"primarycontactid/lastname eq 'mckay'":                                              {"A2", "A3"},
		"account_tasks/any(x:x/subject eq 'Call')":                                          {"A2"},
		"not account_tasks/any()":                                                           {"A0", "A1", "A3"},
		"Microsoft.Dynamics.CRM.In(PropertyName='industrycode',PropertyValues=['Brokers'])": {"A3"},
		"revenue ge '1000' and revenue lt 3000":                                             {"A1", "A2"},
		"statecode eq 'Active' and contains(name,'3')":                                      {"A3"},
		"name eq 'nobody'":                                                                  {},
	} {
		p, err := c.Page(t.Context(), "account", dataverse.Query{Select: []string{"name"}, Filter: filter, OrderBy: "name"}, "")
		if err != nil {
			t.Errorf("%s: %v", filter, err)
		} else if diff := cmp.Diff(want, names(p.Rows)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", filter, diff)
		}
		n, err := c.Count(t.Context(), "account", filter)
		if err != nil || n != (dataverse.Count{N: int64(len(want))}) {
			t.Errorf("count of %s: got %+v, %v, want %d", filter, n, err, len(want))
		}
	}
}

func TestPagesOfTheServiceFollowOneAnother(t *testing.T) {
	var rows []emulator.Row
	want := map[string]bool{}
	for i := range 23 {
		name := fmt.Sprintf("A%02d", i)
		rows, want[name] = append(rows, emulator.Row{"name": name}), true
	}
	c := emulated(t, emulator.Rows("accounts", rows...))
	q := dataverse.Query{Select: []string{"name"}, OrderBy: "name desc", Size: 5, Count: true}
	got, pages := []string{}, 0
	for cursor := "first"; cursor != ""; pages++ {
		p, err := c.Page(t.Context(), "account", q, strings.TrimPrefix(cursor, "first"))
		if err != nil {
			t.Fatal(err)
		}
		if pages == 0 && (p.Count == nil || p.Count.N != 23) {
			t.Errorf("count %v, want 23", p.Count)
		}
		got, cursor = append(got, names(p.Rows)...), p.Cursor
		if len(cursor) > 220 {
			t.Errorf("the cursor has %d characters, want at most 220", len(cursor))
		}
	}
	sorted := slices.Sorted(maps.Keys(want))
	slices.Reverse(sorted)
	if diff := cmp.Diff(sorted, got); diff != "" || pages != 5 {
		t.Errorf("%d pages, want 5 (-want +got):\n%s", pages, diff)
	}
	q.Top = 12
	n := 0
	for _, err := range c.Rows(t.Context(), "account", q) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 12 {
		t.Errorf("top 12: %d rows", n)
	}
}

func TestExpandsReadAsRows(t *testing.T) {
	c := emulated(t)
	id := create(t, c, "account", dataverse.Values{
		"name":                      "Contoso",
		"primarycontactid":          map[string]any{"lastname": "McKay"},
		"contact_customer_accounts": []any{map[string]any{"lastname": "A"}, map[string]any{"lastname": "B"}},
	})
	row := get(t, c, "account", id, dataverse.Query{
		Select: []string{"name", "primarycontactid"},
		Expand: "primarycontactid($select=fullname),contact_customer_accounts($select=lastname;$orderby=lastname desc)",
	})
	contact, ok := row.Value("primarycontactid").Raw.(dataverse.Row)
	if !ok || contact.String("fullname") != "McKay" || contact.Table != "contact" || contact.ID == "" {
		t.Errorf("primarycontactid: got %+v", row.Value("primarycontactid"))
	}
	value := row.Value("contact_customer_accounts")
	contacts, ok := value.Raw.([]dataverse.Row)
	if !ok || len(contacts) != 2 || contacts[0].String("lastname") != "B" || contacts[0].ETag == "" || value.More {
		t.Errorf("contact_customer_accounts: got %+v", value)
	}
	if diff := cmp.Diff([]string{"name", "primarycontactid", "contact_customer_accounts"}, row.Columns()); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
}

func TestALookupOfManyTablesKnowsWhatItPointsTo(t *testing.T) {
	c := emulated(t)
	account := create(t, c, "account", dataverse.Values{"name": "Contoso"})
	contact := create(t, c, "contact", dataverse.Values{"lastname": "McKay", "parentcustomerid": "account(" + account + ")"})
	task := create(t, c, "task", dataverse.Values{"subject": "Call", "regardingobjectid": map[string]any{"table": "contact", "id": contact}})
	for _, test := range []struct{ table, id, column, wantTable, wantID string }{
		{"contact", contact, "parentcustomerid", "account", account},
		{"task", task, "regardingobjectid", "contact", contact},
		{"account", account, "ownerid", "systemuser", ""},
	} {
		v := get(t, c, test.table, test.id, dataverse.Query{Select: []string{test.column}}).Value(test.column)
		if v.Table != test.wantTable || test.wantID != "" && v.Raw != test.wantID {
			t.Errorf("%s.%s: got %+v, want %s(%s)", test.table, test.column, v, test.wantTable, test.wantID)
		}
	}
	if _, err := c.Update(t.Context(), "contact", contact, dataverse.Values{"parentcustomerid": nil}); err != nil {
		t.Errorf("emptying a lookup: %v", err)
	}
	if v := get(t, c, "contact", contact, dataverse.Query{Select: []string{"parentcustomerid"}}).Value("parentcustomerid"); v.Raw != nil {
		t.Errorf("the emptied lookup: got %+v", v)
	}
}

func TestAnEmailIsMadeWithItsParties(t *testing.T) {
	c := emulated(t)
	contact := create(t, c, "contact", dataverse.Values{"lastname": "McKay", "emailaddress1": "yvonne@contoso.com"})
	id := create(t, c, "email", dataverse.Values{
		"subject": "Hello",
		"email_activity_parties": []any{
			map[string]any{"partyid_contact@odata.bind": "/contacts(" + contact + ")", "participationtypemask": 2},
			map[string]any{"partyid": "contact(" + contact + ")", "participationtypemask": "CC Recipient"},
		},
	})
	row := get(t, c, "email", id, dataverse.Query{Select: []string{"subject"}, Expand: "email_activity_parties($select=participationtypemask,partyid)"})
	parties, _ := row.Value("email_activity_parties").Raw.([]dataverse.Row)
	got := map[string]int{}
	for _, p := range parties {
		if p.Value("partyid").Raw == contact {
			got[p.String("participationtypemask")]++
		}
	}
	if diff := cmp.Diff(map[string]int{"2": 1, "3": 1}, got); diff != "" {
		t.Errorf("parties by mask (-want +got):\n%s", diff)
	}
	if _, err := c.Page(t.Context(), "email", dataverse.Query{Filter: "to eq 'x'"}, ""); err == nil || !strings.Contains(err.Error(), "email_activity_parties/any(") {
		t.Errorf("filter by to: got %v, want the condition to write instead", err)
	}
}

func TestTheServicesRefusalsComeThrough(t *testing.T) {
	c := emulated(t)
	id := create(t, c, "account", dataverse.Values{"name": "Contoso"})
	_, err := c.Update(t.Context(), "account", id, dataverse.Values{"statecode": "Active", "statuscode": "Inactive"})
	if dataverse.KindOf(err) != dataverse.Invalid || !strings.Contains(err.Error(), "is not a valid status code") {
		t.Errorf("a status of another state: got %v, want Invalid in the service's words", err)
	}
	server := emulator.Start(t)
	stranger := open(t, dataverse.Options{URL: server.URL, Transport: signedIn{"wrong"}})
	if _, err := stranger.WhoAmI(t.Context()); dataverse.KindOf(err) != dataverse.Denied || !strings.Contains(err.Error(), "refused the token") {
		t.Errorf("a wrong token: got %v, want Denied", err)
	}
}
