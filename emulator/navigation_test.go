package emulator

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/seed"
)

func TestAPathLeadsBehindARow(t *testing.T) {
	e := testRows(t)
	account := "accounts(" + litware + ")"
	person := `@odata.etag":"W/\"101\"","fullname":"Susanna Stubberod","contactid":"` + susanna + `"}`
	for _, c := range []struct {
		path   string
		status int
		want   string
	}{
		{account + "/accountnumber", 200, context92 + account + `/accountnumber","value":"A1"}`},
		{account + "/revenue", 200, context92 + account + `/revenue","value":20000.0000}`},
		{account + "/_primarycontactid_value", 200, context92 + account + `/_primarycontactid_value","value":"` + susanna + `"}`},
		{account + "/accountnumber/$value", 200, "A1"},
		{account + "/numberofemployees/$value", 200, "1234567"},
		{account + "/entityimage/$value", 200, "hello"},
		{account + "/description", 204, ""},
		{account + "/description/$value", 204, ""},
		{account + "/primarycontactid?$select=fullname", 200, context92 + `contacts(fullname)/$entity","` + person},
		{account + "/primarycontactid/fullname", 200, context92 + "contacts(" + susanna + `)/fullname","value":"Susanna Stubberod"}`},
		{account + "/primarycontactid/parentcustomerid_account/accountnumber/$value", 200, "A1"},
		{account + "/primarycontactid/$ref", 200, context92 + `$ref","@odata.id":"http://org/api/data/v9.2/contacts(` + susanna + `)"}`},
		{account + "/$ref", 200, context92 + `$ref","@odata.id":"http://org/api/data/v9.2/` + account + `"}`},
		{account + "/ownerid?$select=name", 200, context92 + `teams(name)/$entity","@odata.etag":ETAG,"name":"contoso","teamid":"` +
			seed.DefaultTeamID + `","ownerid":"` + seed.DefaultTeamID + `"}`},
		{account + "/parentaccountid", 204, ""},
		{account + "/parentaccountid/$ref", 204, ""},
		{account + "/Account_Tasks(" + taskTwo + ")/subject/$value", 200, "Two"},
		{account + "/Account_Tasks/$ref", 200, context92 + `Collection($ref)","value":[{"@odata.id":"http://org/api/data/v9.2/tasks(` + taskOne +
			`)"},{"@odata.id":"http://org/api/data/v9.2/tasks(` + taskTwo + `)"}]}`},
		{account + "/Account_Tasks/$ref?$filter=subject eq 'two'", 200, context92 + `Collection($ref)","value":[{"@odata.id":"http://org/api/data/v9.2/tasks(` +
			taskTwo + `)"}]}`},
		{account + "/Account_Tasks?$select=subject&$filter=subject eq 'two'", 200, context92 + `tasks(subject)","value":[{"@odata.etag":"W/\"105\"",` +
			`"subject":"Two","activityid":"` + taskTwo + `"}]}`},
		{account + "/Account_Tasks/$count", 200, "\ufeff2"},
		{"systemusers(" + reader + ")/systemuserroles_association?$select=name", 200, context92 +
			`roles(name)","value":[{"@odata.etag":"W/\"108\"","name":"Reader","roleid":"` + roleRow + `"}]}`},
		{account + "/Microsoft.Dynamics.CRM.account/accountnumber/$value", 200, "A1"},
		{"activitypointers(" + taskOne + ")/Microsoft.Dynamics.CRM.task?$select=subject", 200,
			context92 + `tasks(subject)/$entity","@odata.etag":"W/\"104\"","subject":"One","activityid":"` + taskOne + `"}`},
		{"tasks(" + taskOne + ")/regardingobjectid_contact_task", 204, ""},
		{"tasks(" + taskOne + ")/regardingobjectid_account_task/accountnumber/$value", 200, "A1"},
		{"systemusers(" + reader + ")/systemuserroles_association(" + roleRow + ")/name/$value", 200, "Reader"},
	} {
		t.Run(c.path, func(t *testing.T) { checkAnswer(t, ask(t, e, c.path), c.status, c.want) })
	}
}

func TestAWrongReadIsRefusedInDataversesWords(t *testing.T) {
	e := testRows(t)
	account := "accounts(" + litware + ")"
	many := "$expand=" + strings.TrimSuffix(strings.Repeat("createdby($select=fullname),", 16), ",")
	for _, c := range []struct {
		path    string
		status  int
		code    string
		message string
	}{
		{"accounts(" + nobody + ")", 404, "0x80040217", "Entity 'account' With Id = " + nobody + " Does Not Exist"},
		{"accounts(" + nobody + ")/name", 404, "0x80040217", "Entity 'account' With Id = " + nobody + " Does Not Exist"},
		{account + "/Account_Tasks(" + mail + ")", 404, "0x80040217", "Entity 'task' With Id = " + mail + " Does Not Exist"},
		{account + "/foo", 404, "0x8006088a", "Resource not found for the segment 'foo'."},
		{account + "/name/foo", 404, "0x8006088a", "Resource not found for the segment 'foo'."},
		{account + "/Microsoft.Dynamics.CRM.contact", 404, "0x8006088a", "Resource not found for the segment 'Microsoft.Dynamics.CRM.contact'."},
		{account + "?$select=foo", 400, "0x80060888", "Could not find a property named 'foo' on type 'Microsoft.Dynamics.CRM.account'."},
		{account + "?$select=Name", 400, "0x80060888", "Could not find a property named 'Name' on type 'Microsoft.Dynamics.CRM.account'."},
		{account + "?$select=primarycontactidname", 400, "0x80060888", "Could not find a property named 'primarycontactidname' on type 'Microsoft.Dynamics.CRM.account'."},
		{account + "?$expand=foo", 400, "0x80060888", "Could not find a property named 'foo' on type 'Microsoft.Dynamics.CRM.account'."},
		{account + "?$expand=ownerid($select=fullname)", 400, "0x80060888", "Could not find a property named 'fullname' on type 'Microsoft.Dynamics.CRM.principal'."},
		{"tasks(" + taskOne + ")?$select=regardingobjectid", 400, "0x80060888", "Could not find a property named 'regardingobjectid' on type 'Microsoft.Dynamics.CRM.task'."},
		{account + "?$expand=Account_Tasks/$ref", 400, "0x80060888", "Expand with $ref is only supported on lookup type navigation property."},
		{account + "?$expand=Account_Tasks($skip=1)", 400, "0x80060888", "Skip Clause is not supported in CRM"},
		{account + "?$expand=primarycontactid($top=1)", 400, "0x80060888",
			"Only $select and $filter clause can be provided while doing $expand on many-to-one relationship or nested one-to-many relationship."},
		{account + "?$expand=Account_Tasks($top=1;$expand=createdby_task)", 400, "0x80060888",
			"Only $select and $filter clause can be provided while doing $expand on many-to-one relationship or nested one-to-many relationship."},
		{account + "?" + many, 400, "0x8004430d", "Number of $expand options in the query is 16, which exceeds the maximum of 15."},
		{account + "?$Select=name", 400, "0x80060888", "The query parameter $Select is not supported."},
		{account + "?$format=json", 400, "0x80060888", "The query parameter $format is not supported."},
	} {
		t.Run(c.path, func(t *testing.T) {
			checkAnswer(t, ask(t, e, c.path), c.status, `{"error":{"code":"`+c.code+`","message":"`+c.message+`"}}`)
		})
	}
}

func TestAnUnchangedRowIsNotSentAgain(t *testing.T) {
	e := testRows(t)
	path := "accounts(" + litware + ")?$select=name"
	w := ask(t, e, path)
	etag := w.Header().Get("ETag")
	if etag != `W/"102"` {
		t.Fatalf("ETag: got %q, want %q", etag, `W/"102"`)
	}
	if w = ask(t, e, path, "If-None-Match: "+etag); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("If-None-Match with the row's etag: status %d, body %q, want 304 without one", w.Code, w.Body)
	}
	for _, other := range []string{`W/"101"`, "null"} {
		if w = ask(t, e, path, "If-None-Match: "+other); w.Code != http.StatusOK {
			t.Errorf("If-None-Match: %s: status %d, want 200", other, w.Code)
		}
	}
	// Related rows may have changed.
	if w = ask(t, e, path+"&$expand=primarycontactid($select=fullname)", "If-None-Match: "+etag); w.Code != http.StatusOK {
		t.Errorf("If-None-Match with $expand: status %d, want 200", w.Code)
	}
	if w = ask(t, e, path, "If-None-Match: "+etag, `Prefer: odata.include-annotations="*"`); w.Code != http.StatusOK {
		t.Errorf("If-None-Match with annotations: status %d, want 200", w.Code)
	}
}

func TestMetadataLevelSaysHowMuchAnAnswerExplains(t *testing.T) {
	e := testRows(t)
	path := "accounts(" + litware + ")?$select=accountnumber,revenue&$expand=primarycontactid($select=fullname)"
	person := `"primarycontactid":{"fullname":"Susanna Stubberod","contactid":"` + susanna + `"}}`
	for level, want := range map[string]string{
		"none": `{"accountnumber":"A1","revenue":20000.0000,"_transactioncurrencyid_value":"` + seed.BaseCurrencyID + `","accountid":"` + litware + `",` + person,
		"minimal": context92 + `accounts(accountnumber,revenue,primarycontactid(fullname))/$entity","@odata.etag":"W/\"102\"","accountnumber":"A1",` +
			`"revenue":20000.0000,"_transactioncurrencyid_value":"` + seed.BaseCurrencyID + `","accountid":"` + litware + `",` + person,
		"full": context92 + `accounts(accountnumber,revenue,primarycontactid(fullname))/$entity","@odata.type":"#Microsoft.Dynamics.CRM.account",` +
			`"@odata.id":"http://org/api/data/v9.2/accounts(` + litware + `)","@odata.etag":"W/\"102\"","@odata.editLink":"accounts(` + litware + `)",` +
			`"accountnumber":"A1","revenue@odata.type":"#Decimal","revenue":20000.0000,` +
			`"_transactioncurrencyid_value@odata.type":"#Guid","_transactioncurrencyid_value":"` + seed.BaseCurrencyID + `",` +
			`"accountid@odata.type":"#Guid","accountid":"` + litware + `","primarycontactid":{"@odata.type":"#Microsoft.Dynamics.CRM.contact",` +
			`"@odata.id":"http://org/api/data/v9.2/contacts(` + susanna + `)","@odata.editLink":"contacts(` + susanna + `)",` +
			`"fullname":"Susanna Stubberod","contactid@odata.type":"#Guid","contactid":"` + susanna + `"}}`,
	} {
		w := ask(t, e, path, "Accept: application/json;odata.metadata="+level)
		checkAnswer(t, w, http.StatusOK, want)
		if got, want := w.Header().Get("Content-Type"), "application/json; odata.metadata="+level; got != want {
			t.Errorf("Content-Type: got %q, want %q", got, want)
		}
	}
}

func TestWithoutSelectEveryPropertyComesNullsLast(t *testing.T) {
	e := testRows(t)
	body := ask(t, e, "accounts("+fourth+")").Body.String()
	seen := map[string]bool{}
	nulls := false
	for _, pair := range strings.Split(strings.Trim(body, "{}"), `,"`)[2:] {
		name, value, _ := strings.Cut(pair, `":`)
		seen[name] = true
		if nulls && value != "null" {
			t.Errorf("%s has a value and stands behind a null", name)
		}
		nulls = value == "null"
	}
	for _, column := range e.current.Load().schema.Table("account").Columns {
		if want := column.Property && column.Read; seen[column.PropertyName()] != want {
			t.Errorf("%s: in the answer %v, want %v", column.PropertyName(), !want, want)
		}
	}
}

func TestEveryTableCanBeReadWhole(t *testing.T) {
	e := testRows(t)
	for _, table := range e.current.Load().schema.Tables {
		w := ask(t, e, table.Set+"("+nobody+")")
		if w.Code != http.StatusNotFound {
			t.Errorf("%s(%s): status %d, want 404: %s", table.Set, nobody, w.Code, w.Body)
		}
		if table.Abstract {
			continue
		}
		insert(t, e, table.Logical, cells{table.PrimaryID: nobody})
		if w = ask(t, e, table.Set+"("+nobody+")", allNotes); w.Code != http.StatusOK {
			t.Errorf("%s(%s): status %d, want 200: %s", table.Set, nobody, w.Code, w.Body)
		}
	}
}

func TestEveryNavigationCanBeFollowedAndExpanded(t *testing.T) {
	e := testRows(t)
	for _, table := range e.current.Load().schema.Tables {
		if table.Abstract {
			continue
		}
		insert(t, e, table.Logical, cells{table.PrimaryID: nobody})
		address := table.Set + "(" + nobody + ")"
		for name, nav := range table.Navs {
			if w := ask(t, e, address+"?$select="+table.PrimaryID+"&$expand="+name); w.Code != http.StatusOK {
				t.Errorf("%s?$expand=%s: status %d: %s", table.Set, name, w.Code, w.Body)
			}
			if w := ask(t, e, address+"/"+name+"/$ref"); w.Code >= http.StatusBadRequest {
				t.Errorf("%s/%s/$ref to %s: status %d: %s", table.Set, name, relatedTable(nav), w.Code, w.Body)
			}
		}
	}
}

func TestRepresentationOfAWriteIsTheRowAsRead(t *testing.T) {
	e := testRows(t)
	for method, want := range map[string]string{
		http.MethodPost: context92 + `accounts(accountnumber,primarycontactid(fullname))/$entity","@odata.etag":"W/\"102\"","accountnumber":"A1",` +
			`"accountid":"` + litware + `","primarycontactid":{"fullname":"Susanna Stubberod","contactid":"` + susanna + `"}}`,
		http.MethodPatch: context92 + `accounts(accountnumber)/$entity","@odata.etag":"W/\"102\"","accountnumber":"A1","accountid":"` + litware + `"}`,
	} {
		r := httptest.NewRequestWithContext(t.Context(), method,
			"http://org/api/data/v9.2/accounts?$select=accountnumber&$expand=primarycontactid($select=fullname)", http.NoBody)
		w := httptest.NewRecorder()
		c := newCall(e, w, r)
		c.root = "http://org/api/data/v9.2/"
		if err := c.readBack(t.Context(), e.current.Load().schema.Table("account"), litware, http.StatusCreated); err != nil {
			t.Fatal(err)
		}
		c.send()
		checkAnswer(t, w, http.StatusCreated, want)
		if got := w.Header().Get("Preference-Applied") + w.Header().Get("ETag"); got != `return=representationW/"102"` {
			t.Errorf("%s: Preference-Applied and ETag: got %q", method, got)
		}
	}
}

func TestNumbersAreGroupedByThousands(t *testing.T) {
	for digits, want := range map[string]string{
		"0": "0", "999": "999", "1000": "1,000", "-1000": "-1,000", "-100": "-100", "1234567.50": "1,234,567.50", "100.5": "100.5", "100000": "100,000",
	} {
		if got := groupThousands(digits); got != want {
			t.Errorf("groupThousands(%q): got %q, want %q", digits, got, want)
		}
	}
}
