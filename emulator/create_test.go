package emulator_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

const (
	one   = "00000000-0000-0000-0000-000000000001"
	two   = "00000000-0000-0000-0000-000000000002"
	three = "00000000-0000-0000-0000-000000000003"
	four  = "00000000-0000-0000-0000-000000000004"
)

func start(t *testing.T) *emulator.Server {
	t.Helper()
	return emulator.Start(t, emulator.At(noon))
}

// must makes a request that has to be answered with the status.
func must(t *testing.T, s *emulator.Server, status int, method, path, body string, headers ...string) reply {
	t.Helper()
	r := send(t, s, method, path, body, headers...)
	if r.status != status {
		t.Fatalf("%s %s %s: got %d %s, want %d", method, path, body, r.status, r.body, status)
	}
	return r
}

// newID is the id of the row that the answer is about.
func newID(r reply) string {
	_, key, _ := strings.Cut(r.header.Get("OData-EntityId"), "(")
	return strings.TrimSuffix(key, ")")
}

// add creates a row and returns its id.
func add(t *testing.T, s *emulator.Server, set, body string) string {
	t.Helper()
	return newID(must(t, s, http.StatusNoContent, "POST", set, body))
}

type columns map[string]any

// wantStored compares columns of a stored row; one that is to be null is named with nil.
func wantStored(t *testing.T, s *emulator.Server, table, id string, want columns) {
	t.Helper()
	row := emulator.Stored(t, s, table, id)
	if row == nil {
		t.Errorf("%s(%s) is not there", table, id)
		return
	}
	got := columns{}
	for column := range want {
		got[column] = row[column]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s(%s) (-want +got):\n%s", table, id, diff)
	}
}

// wantGone fails if the row is there.
func wantGone(t *testing.T, s *emulator.Server, table, id string) {
	t.Helper()
	if emulator.Stored(t, s, table, id) != nil {
		t.Errorf("%s(%s) is still there", table, id)
	}
}

// failure is the body of an error.
func failure(code, message string) string {
	return `{"error":{"code":"` + code + `","message":"` + message + `"}}`
}

// badPayload is the body of an error that the OData library found.
func badPayload(set, message string) string {
	return failure("0x80048d19", "Error identified in Payload provided by the user for Entity :'"+set+
		"', For more information on this error please follow this help link https://go.microsoft.com/fwlink/?linkid=2195293"+
		`  ---->  InnerException : Microsoft.OData.ODataException: `+message)
}

// refusal is a body that is refused, with the answer.
type refusal struct {
	set, body string
	status    int
	want      string
}

// wantRefused sends the bodies by the method, and checks that they left no row.
func wantRefused(t *testing.T, s *emulator.Server, method, key string, cases []refusal) {
	t.Helper()
	for _, c := range cases {
		before := rowCount(t, s)
		r := send(t, s, method, c.set+key, c.body)
		if r.status != c.status || r.body != c.want {
			t.Errorf("%s %s %s: got %d\n%s\nwant %d\n%s", method, c.set+key, c.body, r.status, r.body, c.status, c.want)
		}
		if after := rowCount(t, s); after != before {
			t.Errorf("%s %s %s: %d rows, want the %d from before", method, c.set+key, c.body, after, before)
		}
	}
}

func rowCount(t *testing.T, s *emulator.Server) int {
	t.Helper()
	return emulator.Ask[int](t, s, `SELECT (SELECT count(*) FROM account) + (SELECT count(*) FROM contact) +
		(SELECT count(*) FROM activitypointer) + (SELECT count(*) FROM activityparty) + (SELECT count(*) FROM incident)`)
}

func TestAnEmptyIdIsNone(t *testing.T) {
	s := start(t)
	const empty = "00000000-0000-0000-0000-000000000000"
	for range 2 {
		if id := add(t, s, "accounts", `{"name":"a","accountid":"`+empty+`"}`); id == empty {
			t.Errorf("got the row accounts(%s), want an id of its own", id)
		}
	}
}

func TestCreateAnswersWithTheAddressOfTheRow(t *testing.T) {
	s := start(t)
	r := must(t, s, http.StatusNoContent, "POST", "accounts", `{"accountid":"`+one+`","name":"Contoso"}`)
	want := s.URL + "/api/data/v9.2/accounts(" + one + ")"
	for _, name := range []string{"OData-EntityId", "Location"} {
		if got := r.header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if got := r.header.Get("OData-Version"); got != "4.0" || r.body != "" {
		t.Errorf("got OData-Version %q and body %q, want 4.0 and none", got, r.body)
	}
}

func TestCreateReturnsTheRowWhenAsked(t *testing.T) {
	s := start(t)
	r := must(t, s, http.StatusCreated, "POST", "accounts?$select=name,revenue", `{"accountid":"`+one+`","name":"Contoso","revenue":5}`,
		"Prefer: return=representation")
	if r.header.Get("Preference-Applied") != "return=representation" || r.header.Get("ETag") == "" || newID(r) != one {
		t.Errorf("got headers %v", r.header)
	}
	if !strings.Contains(r.body, `"name":"Contoso"`) || strings.Contains(r.body, "accountnumber") {
		t.Errorf("got %s", r.body)
	}
}

func TestARepresentationThatCannotBeGivenPreventsTheWrite(t *testing.T) {
	s := start(t)
	must(t, s, http.StatusBadRequest, "POST", "accounts?$select=nonsense", `{"accountid":"`+one+`"}`, "Prefer: return=representation")
	wantGone(t, s, "account", one)
}

func TestAnIDServesOnce(t *testing.T) {
	s := start(t)
	add(t, s, "accounts", `{"accountid":"`+one+`"}`)
	add(t, s, "tasks", `{"activityid":"`+two+`","subject":"x"}`)
	want := failure("0x80040237", "A record with matching key values already exists.")
	for _, c := range []struct{ set, body string }{
		{"accounts", `{"accountid":"` + one + `","name":"again"}`},
		{"letters", `{"activityid":"` + two + `","subject":"another activity"}`},
	} {
		if r := must(t, s, http.StatusPreconditionFailed, "POST", c.set, c.body, "If-None-Match: *"); r.body != want {
			t.Errorf("%s: got %s, want %s", c.set, r.body, want)
		}
	}
	wantStored(t, s, "account", one, columns{"name": nil})
}

func TestValuesAreKeptAsThePlatformKeepsThem(t *testing.T) {
	s := start(t)
	for _, c := range []struct {
		set, table, property, json string
		want                       any
	}{
		{"accounts", "account", "name", `"Élan \"&\" <Co>"`, `Élan "&" <Co>`},
		{"accounts", "account", "name", `""`, nil},
		{"accounts", "account", "name", `null`, nil},
		{"accounts", "account", "numberofemployees", `12`, int64(12)},
		{"accounts", "account", "numberofemployees", `"12"`, int64(12)},
		{"accounts", "account", "revenue", `1000.005`, 1000.01},
		{"accounts", "account", "revenue", `5`, 5.0},
		{"accounts", "account", "revenue", `1e3`, 1000.0},
		{"accounts", "account", "address1_latitude", `47.6395834`, 47.63958},
		{"accounts", "account", "creditonhold", `true`, int64(1)},
		{"accounts", "account", "creditonhold", `"False"`, int64(0)},
		{"accounts", "account", "industrycode", `1`, int64(1)},
		{"accounts", "account", "lastonholdtime", `"2024-06-12T14:13:17.999Z"`, "2024-06-12T14:13:17Z"},
		{"accounts", "account", "lastonholdtime", `"2024-06-12T14:13:17+02:00"`, "2024-06-12T12:13:17Z"},
		{"accounts", "account", "lastonholdtime", `"2024-06-12T14:13Z"`, "2024-06-12T14:13:00Z"},
		{"accounts", "account", "lastonholdtime", `"2024-06-12"`, "2024-06-12T00:00:00Z"},
		{"accounts", "account", "processid", `"AAAAAAAA-0000-0000-0000-00000000000A"`, "aaaaaaaa-0000-0000-0000-00000000000a"},
		{"accounts", "account", "entityimage", `"aGVsbG8="`, "aGVsbG8="},
		{"contacts", "contact", "birthdate", `"1980-04-10"`, "1980-04-10"},
	} {
		id := add(t, s, c.set, `{"`+c.property+`":`+c.json+`}`)
		if got := emulator.Stored(t, s, c.table, id)[c.property]; got != c.want {
			t.Errorf("%s %s: got %#v, want %#v", c.property, c.json, got, c.want)
		}
	}
}

func TestValuesThatDoNotFitAreRefused(t *testing.T) {
	literal := func(value, edm string) string {
		return badPayload("accounts", "Cannot convert the literal '"+value+"' to the expected type '"+edm+"'.")
	}
	long := strings.Repeat("x", 161)
	wantRefused(t, start(t), "POST", "", []refusal{
		{"accounts", `{"numberofemployees":"many"}`, 400, literal("many", "Edm.Int32")},
		{"accounts", `{"numberofemployees":1.5}`, 400, literal("1.5", "Edm.Int32")},
		{"accounts", `{"name":10}`, 400, literal("10", "Edm.String")},
		{"accounts", `{"name":true}`, 400, literal("True", "Edm.String")},
		{"accounts", `{"creditonhold":"perhaps"}`, 400, literal("perhaps", "Edm.Boolean")},
		{"accounts", `{"creditonhold":1}`, 400, literal("1", "Edm.Boolean")},
		{"accounts", `{"lastonholdtime":"2024-06-12T14:13:17"}`, 400, literal("2024-06-12T14:13:17", "Edm.DateTimeOffset")},
		{"accounts", `{"lastonholdtime":"June"}`, 400, literal("June", "Edm.DateTimeOffset")},
		{"accounts", `{"accountid":"7"}`, 400, literal("7", "Edm.Guid")},
		{"accounts", `{"revenue":"5"}`, 400, badPayload("accounts", "Cannot convert a value to target type 'Edm.Decimal' because of conflict between input format string/number and parameter 'IEEE754Compatible' false/true.")},
		{"accounts", `{"name":{}}`, 400, badPayload("accounts", "An unexpected 'StartObject' node was found when reading from the JSON reader. A 'PrimitiveValue' node was expected.")},
		{"contacts", `{"birthdate":"1980-04-10T00:00:00Z"}`, 400, badPayload("contacts", "Cannot convert the literal '1980-04-10T00:00:00Z' to the expected type 'Edm.Date'.")},
		{"contacts", `{"birthdate":"1700-01-01"}`, 400, failure("0x80040239", "The date-time format is invalid, or value is outside the supported range.")},
		{"accounts", `{"name":"` + long + `"}`, 400, failure("0x80044331", "A validation error occurred.  The length of the 'name' attribute of the 'account' entity exceeded the maximum allowed length of '160'.")},
		{"accounts", `{"accountcategorycode":99}`, 400, failure("0x8004431a", "A validation error occurred. The value 99 of 'accountcategorycode' on record of type 'account' is outside the valid range. Accepted Values: 1,2")},
		{"accounts", `{"numberofemployees":-1}`, 400, failure("0x8004432f", "A validation error occurred. The value -1 of 'numberofemployees' on record of type 'account' is outside the valid range.")},
		{"accounts", `{"revenue":-1}`, 400, failure("0x80044330", "A validation error occurred. The value -1 of 'revenue' on record of type 'account' is outside the valid range.")},
		{"tasks", `{"subject":"` + strings.Repeat("é", 201) + `"}`, 400, failure("0x80044331", "A validation error occurred.  The length of the 'subject' attribute of the 'task' entity exceeded the maximum allowed length of '200'.")},
	})
}

func TestBodiesThatDoNotFitTheTableAreRefused(t *testing.T) {
	invalid := func(name string) string {
		return strings.Replace(badPayload("accounts", "The property '"+name+"' does not exist on type 'Microsoft.Dynamics.CRM.account'. Make sure to only use property names that are defined by the type."),
			"InnerException : ", "InnerException : Microsoft.Crm.CrmException: Invalid property '"+name+"' was found in entity 'Microsoft.Dynamics.CRM.account'. ---> ", 1)
	}
	undeclared := func(name string) string {
		return badPayload("accounts", "An undeclared property '"+name+"' which only has property annotations in the payload but no property value was found in the payload. In OData, only declared navigation properties and declared named streams can be represented as properties without values.")
	}
	wantRefused(t, start(t), "POST", "", []refusal{
		{"accounts", `{"nonsense":1}`, 400, invalid("nonsense")},
		{"accounts", `{"Name":"x"}`, 400, invalid("Name")},
		{"accounts", `{"owneridname":"x"}`, 400, invalid("owneridname")},
		{"accounts", `{"_primarycontactid_value":"` + one + `"}`, 400, failure("0x80060888", "CRM do not support direct update of Entity Reference properties, Use Navigation properties instead.")},
		{"accounts", `{"primarycontactid2@odata.bind":"/contacts(` + one + `)"}`, 400, undeclared("primarycontactid2")},
		{"accounts", `{"PrimaryContactId@odata.bind":"/contacts(` + one + `)"}`, 400, undeclared("PrimaryContactId")},
		{"accounts", `{"name@odata.bind":"/contacts(` + one + `)"}`, 400, undeclared("name")},
		{"accounts", `{"primarycontactid":"` + one + `"}`, 400, badPayload("accounts", "A 'PrimitiveValue' node with non-null value was found when trying to read the value of the property 'primarycontactid'; however, a 'StartArray' node, a 'StartObject' node, or a 'PrimitiveValue' node with null value was expected.")},
		{"accounts", `{"name":"a","name":"b"}`, 400, badPayload("accounts", "Multiple properties with the name 'name' were detected in a resource or a complex value. In OData, duplicate property names are not allowed.")},
		{"accounts", `{"name":`, 400, badPayload("accounts", "Invalid JSON. Unexpected end of input was found in JSON content. Not all object and array scopes were closed.")},
		{"accounts", ``, 400, badPayload("accounts", "Invalid JSON. Unexpected end of input was found in JSON content. Not all object and array scopes were closed.")},
		{"accounts", `{name:1}`, 400, badPayload("accounts", "Invalid JSON. A token was not recognized in the JSON content.")},
		{"accounts", `{}{}`, 400, badPayload("accounts", "Invalid JSON. More than one value was found at the root of the JSON content.")},
		{"accounts", `[]`, 400, badPayload("accounts", "An unexpected 'StartArray' node was found when reading from the JSON reader. A 'StartObject' node was expected.")},
		{"incidents", `{"title":"x"}`, 400, failure("0x80044410", "You should specify a parent contact or account.")},
		{"quotedetails", `{"quantity":1}`, 400, failure("0x80040200", "Attribute 'quoteid' cannot be NULL")},
		{"activityparties", `{"participationtypemask":1}`, 400, failure("0x80040800", "The 'Create' method does not support entities of type 'activityparty'. MessageProcessorCache returned MessageProcessor.Empty.")},
		{"owners", `{}`, 400, failure("0x80040800", "The 'Create' method does not support entities of type 'owner'. MessageProcessorCache returned MessageProcessor.Empty.")},
	})
}

func TestAnnotationsAndReadOnlyColumnsAreIgnored(t *testing.T) {
	s := start(t)
	id := add(t, s, "accounts", `{"@odata.type":"#Microsoft.Dynamics.CRM.account","@odata.etag":"W/\"1\"","name":"Contoso",
		"name@OData.Community.Display.V1.FormattedValue":"x","createdon":"2001-01-01T00:00:00Z","versionnumber":7,"statecode":1,"revenue_base":9}`)
	wantStored(t, s, "account", id, columns{"name": "Contoso", "createdon": "2026-03-02T12:00:00Z", "statecode": int64(0), "revenue_base": nil})
}

func TestTheTypeOfARowIsThatOfItsSet(t *testing.T) {
	s := start(t)
	for _, name := range []string{"Microsoft.Dynamics.CRM.account", "#Microsoft.Dynamics.CRM.account", "mscrm.account"} {
		must(t, s, http.StatusNoContent, http.MethodPost, "accounts", `{"@odata.type":"`+name+`","name":"A"}`)
	}
	for _, name := range []string{"Microsoft.Dynamics.CRM.contact", "Microsoft.Dynamics.CRM.nonsense"} {
		r := must(t, s, http.StatusBadRequest, http.MethodPost, "accounts", `{"@odata.type":"`+name+`","name":"A"}`)
		want := badPayload("accounts", "A resource with type '"+name+"' was found, but it is not assignable to the expected type 'Microsoft.Dynamics.CRM.account'.")
		if diff := cmp.Diff(want, r.body); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestBodyHasToBeJSON(t *testing.T) {
	s := start(t)
	for format, want := range map[string]int{
		"application/json":                         http.StatusNoContent,
		"Application/JSON; charset=utf-8; odata=x": http.StatusNoContent,
		"":                                  http.StatusNoContent,
		"application/x-www-form-urlencoded": http.StatusUnsupportedMediaType,
		"application/atom+xml":              http.StatusUnsupportedMediaType,
		"nonsense/":                         http.StatusUnsupportedMediaType,
	} {
		if got := send(t, s, http.MethodPost, "accounts", `{"name":"Contoso"}`, "Content-Type: "+format); got.status != want {
			t.Errorf("%q: got %d %s, want %d", format, got.status, got.body, want)
		}
	}
}

func TestBodyIsReadInItsEncoding(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write([]byte(`{"name":"Café"}`))
	_ = w.Close()
	s := start(t)
	for _, tt := range []struct {
		what, body, contentType, encoding string
		status                            int
	}{
		{"UTF-8", `{"name":"Café"}`, "application/json; charset=UTF-8", "", http.StatusCreated},
		{"a byte order mark", "\ufeff" + `{"name":"Café"}`, "application/json", "", http.StatusCreated},
		{"Latin-1", "{\"name\":\"Caf\xe9\"}", "application/json; charset=iso-8859-1", "", http.StatusCreated},
		{"gzip", packed.String(), "application/json", "gzip", http.StatusCreated},
		{"identity", `{"name":"Café"}`, "application/json", "identity", http.StatusCreated},
		{"a charset that nobody knows", `{"name":"Café"}`, "application/json; charset=klingon", "", http.StatusUnsupportedMediaType},
		{"an encoding that nobody knows", `{"name":"Café"}`, "application/json", "br", http.StatusUnsupportedMediaType},
		{"gzip that is none", `{"name":"Café"}`, "application/json", "gzip", http.StatusBadRequest},
		{"half of gzip", packed.String()[:20], "application/json", "gzip", http.StatusBadRequest},
	} {
		r := send(t, s, http.MethodPost, "accounts?$select=name", tt.body, "Content-Type: "+tt.contentType,
			"Content-Encoding: "+tt.encoding, "Prefer: return=representation")
		if r.status != tt.status || tt.status == http.StatusCreated && !strings.Contains(r.body, `"name":"Café"`) {
			t.Errorf("%s: got %d %s, want %d", tt.what, r.status, r.body, tt.status)
		}
	}
}

func TestHeadersAreSpelledAsDocumented(t *testing.T) {
	s := start(t)
	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	body := `{"name":"A"}`
	fmt.Fprintf(connection, "POST /api/data/v9.2/accounts HTTP/1.1\r\nHost: org\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"+
		"Prefer: return=representation\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", s.Token, len(body), body)
	answer, err := io.ReadAll(connection)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"OData-Version", "OData-EntityId", "ETag", "REQ_ID", "Preference-Applied", "x-ms-service-request-id",
		"x-ms-dop-hint", "x-ms-ratelimit-time-remaining-xrm-requests"} {
		if got := strings.Count(string(answer), "\r\n"+name+": "); got != 1 {
			t.Errorf("%s: got %d times, want once in %.1500s", name, got, answer)
		}
	}
}

func TestPageOfRowsIsStreamed(t *testing.T) {
	s := start(t)
	id := add(t, s, "accounts", `{"name":"Contoso"}`)
	for path, want := range map[string]string{
		"accounts":             "application/json; odata.metadata=minimal; odata.streaming=true",
		"accounts(" + id + ")": "application/json; odata.metadata=minimal",
		"WhoAmI":               "application/json; odata.metadata=minimal",
	} {
		if got := get(t, s, path).header.Get("Content-Type"); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}
