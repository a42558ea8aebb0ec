package dataverse_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

// partiesOf reads the parties in columns of an activity as text, sorted: the service has no order of its own.
func partiesOf(t *testing.T, c *dataverse.Client, table, id string, columns ...string) map[string][]string {
	t.Helper()
	row := get(t, c, table, id, dataverse.Query{Select: columns})
	if !slices.Equal(row.Columns(), columns) {
		t.Errorf("selected %v, got the columns %v", columns, row.Columns())
	}
	got := map[string][]string{}
	for _, name := range columns {
		got[name] = nil
		rows, _ := row.Value(name).Raw.([]dataverse.Row)
		for _, p := range rows {
			text := p.String("addressused")
			if who := p.Value("partyid"); who.Raw != nil {
				text = who.Table + " " + who.Label
			}
			got[name] = append(got[name], text)
		}
		slices.Sort(got[name])
	}
	return got
}

func TestPartiesAreWrittenAndReadByTheirColumns(t *testing.T) {
	c := emulated(t)
	yvonne := create(t, c, "contact", dataverse.Values{"firstname": "Yvonne", "lastname": "McKay", "emailaddress1": "yvonne@contoso.com"})
	litware := create(t, c, "account", dataverse.Values{"name": "Litware"})
	id := create(t, c, "email", dataverse.Values{
		"subject": "Hello",
		"from":    "sender@example.com",
		"to":      []any{"contact(" + yvonne + ")", "someone@example.com"},
		"cc":      map[string]any{"table": "account", "id": litware},
		"bcc":     nil,
	})
	columns := []string{"to", "cc", "bcc", "from"}
	want := map[string][]string{
		"from": {"sender@example.com"}, "to": {"contact Yvonne McKay", "someone@example.com"}, "cc": {"account Litware"}, "bcc": nil,
	}
	if diff := cmp.Diff(want, partiesOf(t, c, "email", id, columns...)); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}

	// A change of some parts keeps the others.
	if _, err := c.Update(t.Context(), "email", id, dataverse.Values{"to": []any{"account(" + litware + ")"}, "bcc": "x@example.com"}); err != nil {
		t.Fatal(err)
	}
	want["to"], want["bcc"] = []string{"account Litware"}, []string{"x@example.com"}
	if diff := cmp.Diff(want, partiesOf(t, c, "email", id, columns...)); diff != "" {
		t.Errorf("updated (-want +got):\n%s", diff)
	}

	// null and an empty list take a part's parties away; an upsert keeps the others too.
	if _, err := c.Upsert(t.Context(), "email", id, dataverse.Values{"to": nil, "bcc": []any{}}); err != nil {
		t.Fatal(err)
	}
	want["to"], want["bcc"] = nil, nil
	if diff := cmp.Diff(want, partiesOf(t, c, "email", id, columns...)); diff != "" {
		t.Errorf("emptied (-want +got):\n%s", diff)
	}

	// The list itself replaces everything.
	if _, err := c.Update(t.Context(), "email", id, dataverse.Values{"email_activity_parties": []any{
		map[string]any{"addressused": "only@example.com", "participationtypemask": "To Recipient"},
	}}); err != nil {
		t.Fatal(err)
	}
	want = map[string][]string{"to": {"only@example.com"}, "cc": nil, "bcc": nil, "from": nil}
	if diff := cmp.Diff(want, partiesOf(t, c, "email", id, columns...)); diff != "" {
		t.Errorf("replaced (-want +got):\n%s", diff)
	}
}

func TestPartiesComeBesideColumnsAndInPages(t *testing.T) {
	c := emulated(t)
	me, err := c.WhoAmI(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	id := create(t, c, "phonecall", dataverse.Values{"subject": "Call", "from": "systemuser(" + me.UserID + ")", "to": "+1 (425) 555-0100"})
	for row, err := range c.Rows(t.Context(), "phonecall", dataverse.Query{Select: []string{"subject", "To", "from"}}) {
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(row.Columns(), []string{"subject", "to", "from"}) {
			t.Errorf("got the columns %v", row.Columns())
		}
	}
	row := get(t, c, "phonecall", id, dataverse.Query{Select: []string{"*", "to"}})
	if to, _ := row.Value("to").Raw.([]dataverse.Row); len(to) != 1 || !row.Has("subject") || row.Has("phonecall_activity_parties") {
		t.Errorf("* and to: got to %v among %v", row.Value("to").Raw, row.Columns())
	}
}

func TestPartiesThatTheServiceWouldCutAreRefused(t *testing.T) {
	c := emulated(t)
	for want, q := range map[string]dataverse.Query{
		"inside an expand; query table phonecall": {Expand: "Account_Phonecalls($select=subject,to)"},
		"is expanded already":                     {Select: []string{"to"}, Expand: "phonecall_activity_parties"},
		"together with an expand inside an expand": {
			Select: []string{"to"}, Expand: "regardingobjectid_account_phonecall($expand=primarycontactid)"},
	} {
		table := "phonecall"
		if strings.HasPrefix(q.Expand, "Account_") {
			table = "account"
		}
		if _, err := c.Page(t.Context(), table, q, ""); dataverse.KindOf(err) != dataverse.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want Invalid: %s", q, err, want)
		}
	}
}

func TestAWrongPartyIsRefusedWithTheWayOut(t *testing.T) {
	c := emulated(t)
	for value, want := range map[any]string{
		"":                      `column to: got ""`,
		"Yvonne":                `column to: got "Yvonne", want account(GUID)`,
		5:                       "column to: got 5",
		"role(" + unknown + ")": "column to: it cannot point to table role",
		unknown:                 "column to: got an id alone, want account(GUID)",
	} {
		_, err := c.Create(t.Context(), "email", dataverse.Values{"subject": "x", "to": []any{value}})
		if dataverse.KindOf(err) != dataverse.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("to %v: got %v, want %s", value, err, want)
		}
	}
	_, err := c.Create(t.Context(), "campaignactivity", dataverse.Values{"subject": "x", "partners": "a@b.c"})
	if dataverse.KindOf(err) != dataverse.Invalid || !strings.Contains(err.Error(), "campaignactivity_activity_parties") {
		t.Errorf("partners: got %v, want the list to write instead", err)
	}
}

const unknown = "99999999-9999-4999-8999-999999999999"
