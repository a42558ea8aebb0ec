package dataverse_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

// wrote is the body of a request.
func wrote(t *testing.T, r sent) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(r.Body))
	d.UseNumber()
	var out map[string]any
	if err := d.Decode(&out); err != nil {
		t.Fatalf("%s: %v", r.Body, err)
	}
	return out
}

func TestValuesAreWrittenInTheServicesForm(t *testing.T) {
	s := &service{rows: always(204, ``)}
	c := start(t, s)
	contact, bound := "/contacts("+contactID+")", "primarycontactid@odata.bind"
	for _, test := range []struct {
		name  string
		value any
		want  map[string]any
	}{
		{"primarycontactid", contactID, map[string]any{bound: contact}},
		{"primarycontactid", "contact(" + contactID + ")", map[string]any{bound: contact}},
		{"primarycontactid", "Contacts({" + strings.ToUpper(contactID) + "})", map[string]any{bound: contact}},
		{"primarycontactid", map[string]any{"table": "Contact", "id": contactID}, map[string]any{bound: contact}},
		{"primarycontactid", map[string]any{"id": "contact(" + contactID + ")", "name": "Ann"}, map[string]any{bound: contact}},
		{"industrycode", map[string]any{"value": 7, "label": "Consulting"}, map[string]any{"industrycode": json.Number("7")}},
		{"primarycontactid", "https://contoso.crm4.dynamics.com/api/data/v9.2/contacts(" + contactID + ")", map[string]any{bound: contact}},
		{"_primarycontactid_value", contactID, map[string]any{bound: contact}},
		{"PrimaryContactId@odata.bind", contact, map[string]any{bound: contact}},
		{"primarycontactid", nil, map[string]any{bound: nil}},
		{"ownerid", "team(" + contactID + ")", map[string]any{"ownerid@odata.bind": "/teams(" + contactID + ")"}},
		{"industrycode", "consulting", map[string]any{"industrycode": json.Number("7")}},
		{"industrycode", json.Number("7"), map[string]any{"industrycode": json.Number("7")}},
		{"new_colors", []any{"Red", json.Number("3")}, map[string]any{"new_colors": "1,3"}},
		{"new_colors", "1, blue", map[string]any{"new_colors": "1,3"}},
		{"creditonhold", "Yes", map[string]any{"creditonhold": true}},
		{"creditonhold", json.Number("0"), map[string]any{"creditonhold": false}},
		{"revenue", json.Number("90071992547409.9100"), map[string]any{"revenue": json.Number("90071992547409.9100")}},
		{"revenue", "12.50", map[string]any{"revenue": json.Number("12.50")}},
		{"numberofemployees", 5e3, map[string]any{"numberofemployees": json.Number("5000")}},
		{"new_founded", "2026-05-01", map[string]any{"new_founded": "2026-05-01"}},
		{"new_founded", "2026-05-01T00:00:00+02:00", map[string]any{"new_founded": "2026-05-01"}},
		{"lastonholdtime", "2026-05-01T10:00:00+02:00", map[string]any{"lastonholdtime": "2026-05-01T08:00:00Z"}},
		{"lastonholdtime", "2026-05-01", map[string]any{"lastonholdtime": "2026-05-01T00:00:00Z"}},
		{"lastonholdtime", time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC), map[string]any{"lastonholdtime": "2026-05-01T08:00:00Z"}},
		{"name", nil, map[string]any{"name": nil}},
		{"new_colors", []int{2}, map[string]any{"new_colors": "2"}},
		{"entityimage", []byte{0xff, 0xd8}, map[string]any{"entityimage": "/9g="}},
		{"entityimage", "/9g=", map[string]any{"entityimage": "/9g="}},
		{"primarycontactid", uuid.MustParse(contactID), map[string]any{bound: contact}},
		{"Name", strings.Repeat("é", 160), map[string]any{"name": strings.Repeat("é", 160)}},
	} {
		if _, err := c.Update(t.Context(), "account", accountID, dataverse.Values{test.name: test.value}); err != nil {
			t.Errorf("%s = %v: %v", test.name, test.value, err)
			continue
		}
		if diff := cmp.Diff(test.want, wrote(t, s.last(t))); diff != "" {
			t.Errorf("%s = %v (-want +got):\n%s", test.name, test.value, diff)
		}
	}
}

func TestALookupOfManyTablesTakesTheRoadToItsTarget(t *testing.T) {
	s := &service{rows: always(204, ``)}
	c := start(t, s)
	for value, want := range map[string]map[string]any{
		"account(" + accountID + ")":    {"parentcustomerid_account@odata.bind": "/accounts(" + accountID + ")"},
		"contacts(" + contactID + ")":   {"parentcustomerid_contact@odata.bind": "/contacts(" + contactID + ")"},
		"accounts(accountnumber='A/1')": {"parentcustomerid_account@odata.bind": "/accounts(accountnumber='A%2F1')"},
	} {
		for _, name := range []string{"parentcustomerid", "parentcustomerid_" + value[:7]} {
			if _, err := c.Update(t.Context(), "contact", contactID, dataverse.Values{name: value}); err != nil {
				t.Errorf("%s = %s: %v", name, value, err)
			} else if diff := cmp.Diff(want, wrote(t, s.last(t))); diff != "" {
				t.Errorf("%s = %s (-want +got):\n%s", name, value, diff)
			}
		}
	}
}

func TestWrongValuesAreRefusedBeforeAnythingIsSent(t *testing.T) {
	s := &service{rows: always(204, ``)}
	c := start(t, s)
	for _, test := range []struct {
		name    string
		value   any
		want    string
		nearest []string
	}{
		{"naem", "A", `table account has no column "naem"`, []string{"name"}},
		{"Account Name", "A", `no column "Account Name"`, []string{"name (Account Name)"}},
		{"name", strings.Repeat("x", 161), "the text is 161 characters long, the limit is 160", nil},
		{"name", 5, "column name: got 5, want text", nil},
		{"name", []any{"A"}, "column name: got a list, want text", nil},
		{"name", map[string]any{"a": 1}, "column name: got an object, want text", nil},
		{"name", true, "column name: got true, want text", nil},
		{"entityimage", "no base64", "want an image in base64", nil},
		{"industrycode", "Consultin", `column industrycode has no choice "Consultin"`, []string{"Consulting = 7"}},
		{"industrycode", 99, "no choice", []string{"Accounting = 1", "Business Services = 6", "Consulting = 7"}},
		{"new_colors", []any{"Red", "Pink"}, `column new_colors has no choice "Pink"`, []string{"Red = 1", "Green = 2", "Blue = 3"}},
		{"numberofemployees", "many", `got "many", want a number`, nil},
		{"numberofemployees", 1.5, "got 1.5, want a whole number", nil},
		{"numberofemployees", -1, "-1 is outside the range 0 to 1000000000", nil},
		{"revenue", "1e999999999", "want a number", nil},
		{"creditonhold", "perhaps", `no choice "perhaps"`, []string{"Yes = 1", "No = 0"}},
		{"new_founded", "2026-05-01T10:00:00Z", "want a day without a time", nil},
		{"new_founded", "1 May", `got "1 May", want a date such as 2026-05-01`, nil},
		{"createdon", "2026-05-01", "column createdon of table account is read-only", nil},
		{"accountid", accountID, "can be set only when a row is made", nil},
		{"primarycontactid", "account(" + accountID + ")", "it cannot point to table account, only to contact", nil},
		{"primarycontactid", "contcat(" + contactID + ")", `there is no table "contcat"`, []string{"contact"}},
		{"primarycontactid", "Yvonne", "want contact(GUID)", nil},
		{"primarycontactid", "", `got "", want null to empty it, or contact(GUID)`, nil},
		{"primarycontactid", 5, "want contact(GUID)", nil},
		{"ownerid", contactID, "want systemuser(GUID) or team(GUID)", nil},
		{"primarycontact@odata.bind", "/contacts(" + contactID + ")", `no navigation property "primarycontact"`, []string{"primarycontactid"}},
		{"Account_Tasks", []any{map[string]any{"subject": "Call"}}, "related rows can be made only together with a new row", nil},
	} {
		_, err := c.Update(t.Context(), "account", accountID, dataverse.Values{test.name: test.value})
		e, ok := errors.AsType[*dataverse.Error](err)
		if !ok || e.Kind != dataverse.Invalid || !strings.Contains(e.Message, test.want) {
			t.Errorf("%s = %v: got %v, want Invalid: %s", test.name, test.value, err, test.want)
			continue
		}
		if diff := cmp.Diff(test.nearest, e.Nearest); diff != "" {
			t.Errorf("%s = %v: nearest (-want +got):\n%s", test.name, test.value, diff)
		}
	}
	if n := len(s.requests()); n != 0 {
		t.Errorf("%d requests were sent, want none", n)
	}
}

func TestRelatedRowsAreMadeWithTheRow(t *testing.T) {
	s := &service{rows: always(204, ``)}
	c := start(t, s)
	id, err := c.Create(t.Context(), "Accounts", dataverse.Values{
		"name":             "Contoso",
		"account_tasks":    []any{map[string]any{"Subject": "Call"}},
		"primarycontactid": map[string]any{"lastname": "McKay"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"accountid": id, "name": "Contoso", "primarycontactid": map[string]any{"lastname": "McKay"},
		"Account_Tasks": []any{map[string]any{"subject": "Call"}},
	}
	if diff := cmp.Diff(want, wrote(t, s.last(t))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, err = c.Create(t.Context(), "account", dataverse.Values{"account_tasks": []any{map[string]any{"subjct": "Call"}}})
	if e, ok := errors.AsType[*dataverse.Error](err); !ok || e.Message != `table task has no column "subjct"` {
		t.Errorf("got %v, want the table of the related row named", err)
	}
}

func TestARowIsMadeUnderTheIDItWasGiven(t *testing.T) {
	s := &service{rows: always(204, ``)}
	c := start(t, s)
	id, err := c.Create(t.Context(), "account", dataverse.Values{"AccountId": "{" + strings.ToUpper(accountID) + "}", "name": "A"})
	if err != nil || id != accountID {
		t.Errorf("got %s, %v, want the id that was given", id, err)
	}
	if diff := cmp.Diff(map[string]any{"accountid": accountID, "name": "A"}, wrote(t, s.last(t))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, err = c.Create(t.Context(), "account", dataverse.Values{"statecode": 1})
	if want := "cannot be set when a row is made"; dataverse.KindOf(err) != dataverse.Invalid || !strings.Contains(err.Error(), want) {
		t.Errorf("statecode: got %v, want Invalid: %s", err, want)
	}
}

func TestNumbersFromJSONKeepEveryDigit(t *testing.T) {
	s := &service{rows: always(204, ``)}
	c := start(t, s)
	var values dataverse.Values
	if err := json.Unmarshal([]byte(`{"revenue":90071992547409.9137}`), &values); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Update(t.Context(), "account", accountID, values); err != nil {
		t.Fatal(err)
	}
	if body := s.last(t).Body; body != `{"revenue":90071992547409.9137}` {
		t.Errorf("wrote %s", body)
	}
}

func TestAnUpdateNeverMakesARow(t *testing.T) {
	s := &service{rows: always(204, ``)}
	c := start(t, s)
	for _, test := range []struct {
		name string
		call func() error
		want map[string]string
	}{
		{"update", func() error {
			_, err := c.Update(t.Context(), "account", accountID, dataverse.Values{"name": "A"})
			return err
		}, map[string]string{"If-Match": "*"}},
		{"update of a version", func() error {
			_, err := c.Update(t.Context(), "account", accountID, dataverse.Values{"name": "A"}, dataverse.IfMatch(`W/"1"`))
			return err
		}, map[string]string{"If-Match": `W/"1"`}},
		{"upsert", func() error {
			_, err := c.Upsert(t.Context(), "account", accountID, dataverse.Values{"name": "A"})
			return err
		}, map[string]string{}},
		{"upsert that only makes", func() error {
			_, err := c.Upsert(t.Context(), "account", accountID, dataverse.Values{"name": "A"}, dataverse.IfNoneMatch())
			return err
		}, map[string]string{"If-None-Match": "*"}},
		{"delete of a version", func() error {
			return c.Delete(t.Context(), "account", accountID, dataverse.IfMatch(`W/"1"`))
		}, map[string]string{"If-Match": `W/"1"`}},
	} {
		if err := test.call(); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		got := map[string]string{}
		for _, name := range []string{"If-Match", "If-None-Match"} {
			if v := s.last(t).Header.Get(name); v != "" {
				got[name] = v
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestAVersionThatIsNoneIsRefused(t *testing.T) {
	s := &service{rows: always(204, ``)}
	c := start(t, s)
	for etag, ok := range map[string]bool{`W/"12345"`: true, `W/"e1015c6f-0000-0200-0000-67af80e80000"`: true, "": true, "*": true,
		"12345": false, `"12345"`: false, "W/\"1\"\r\nX-Evil: 1": false} {
		if err := c.Delete(t.Context(), "account", accountID, dataverse.IfMatch(etag)); (err == nil) != ok || !ok && dataverse.KindOf(err) != dataverse.Invalid {
			t.Errorf("%q: got %v, want accepted %v", etag, err, ok)
		}
	}
}

func TestRowsGoByGUIDOrAlternateKey(t *testing.T) {
	s := &service{rows: always(200, `{}`)}
	c := start(t, s)
	for id, want := range map[string]string{
		accountID:                              "accounts(" + accountID + ")",
		"{" + strings.ToUpper(accountID) + "}": "accounts(" + accountID + ")",
		"accountnumber='A1'":                   "accounts(accountnumber='A1')",
		"AccountNumber='O''Brien/1 %'":         "accounts(accountnumber='O''Brien/1 %')",
		"accountnumber=17":                     "accounts(accountnumber='17')",
	} {
		if _, err := c.Get(t.Context(), "account", id, dataverse.Query{}); err != nil {
			t.Errorf("%s: %v", id, err)
		} else if got := s.last(t).Path; got != want {
			t.Errorf("%s: got %s, want %s", id, got, want)
		}
	}
	sent := len(s.requests())
	for id, want := range map[string]string{
		"":                       "want a GUID or an alternate key: accountnumber=…",
		"Contoso":                "want a GUID or an alternate key: accountnumber=…",
		"name='Contoso'":         "id: name is no alternate key of table account, want a GUID or an alternate key: accountnumber=…",
		"acountnumber='A1'":      `no column "acountnumber"`,
		"accountnumber='A1')/x(": "cannot be read as a key",
		"accountnumber='A1":      "cannot be read as a key",
		"../contacts(x=1)":       "cannot be read as a key",
	} {
		_, err := c.Get(t.Context(), "account", id, dataverse.Query{})
		if dataverse.KindOf(err) != dataverse.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want Invalid: %s", id, err, want)
		}
	}
	if n := len(s.requests()); n != sent {
		t.Errorf("%d requests with wrong ids, want none", n-sent)
	}
}
