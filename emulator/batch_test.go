package emulator_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// batch sends the body to $batch, with each line ending in CRLF. The boundary is b.
func batch(t *testing.T, s *emulator.Server, body string, headers ...string) reply {
	t.Helper()
	return send(t, s, http.MethodPost, "$batch", crlf(body), append([]string{"Content-Type: multipart/mixed; boundary=b"}, headers...)...)
}

func crlf(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }

const onePart = "--b\nContent-Type: application/http\nContent-Transfer-Encoding: binary\n\n"

// together is a batch of one change set, of parts from changePart.
func together(parts ...string) string {
	return "--b\nContent-Type: multipart/mixed;boundary=c\n\n" + strings.Join(parts, "") + "--c--\n\n--b--\n"
}

func changePart(id, request string) string {
	return "--c\nContent-Type: application/http\nContent-Transfer-Encoding: binary\nContent-ID: " + id + "\n\n" + request + "\n"
}

var (
	anyGUID = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	anyETag = regexp.MustCompile(`W/\\?"\d+\\?"`)
)

// masked is a body with its ids and etags made alike, and lines that end in LF.
func masked(body string) string {
	body = anyETag.ReplaceAllString(anyGUID.ReplaceAllString(body, "ID"), "ETAG")
	return strings.ReplaceAll(body, "\r\n", "\n")
}

func TestBatchAnswersEachRequestInOrder(t *testing.T) {
	s := emulator.Start(t, emulator.Rows("accounts", emulator.Row{"accountid": one, "name": "Contoso, Ltd."}))
	r := batch(t, s, onePart+`POST /api/data/v9.2/tasks HTTP/1.1
Content-Type: application/json; type=entry

{
  "subject": "Task 1",
  "regardingobjectid_account_task@odata.bind": "accounts(`+one+`)"
}
`+onePart+`POST tasks?$select=subject HTTP/1.1
Content-Type: application/json
Prefer: return=representation

{"subject":"Task 2","regardingobjectid_account_task@odata.bind":"/accounts(`+one+`)"}
`+onePart+`GET http://org/api/data/v9.2/accounts?$select=name&$filter=name eq 'Contoso, Ltd.' HTTP/1.1

`+onePart+`GET accounts(`+one+`)/Account_Tasks?$select=subject&$orderby=subject HTTP/1.1
Accept: application/json

--b--
`)
	if got := r.header.Get("Content-Type"); r.status != http.StatusOK || !strings.HasPrefix(got, "multipart/mixed; boundary=batchresponse_") {
		t.Fatalf("status %d, Content-Type %q: %s", r.status, got, r.body)
	}
	head := "--batchresponse_ID\nContent-Type: application/http\nContent-Transfer-Encoding: binary\n\n"
	want := head + `HTTP/1.1 204 No Content
OData-Version: 4.0
Location: http://org/api/data/v9.2/tasks(ID)
OData-EntityId: http://org/api/data/v9.2/tasks(ID)


` + head + `HTTP/1.1 201 Created
Content-Type: application/json; odata.metadata=minimal
OData-Version: 4.0
Location: http://org/api/data/v9.2/tasks(ID)
OData-EntityId: http://org/api/data/v9.2/tasks(ID)
ETag: ETAG
Preference-Applied: return=representation

{"@odata.context":"http://org/api/data/v9.2/$metadata#tasks(subject)/$entity","@odata.etag":"ETAG","subject":"Task 2","activityid":"ID"}
` + head + `HTTP/1.1 200 OK
Content-Type: application/json; odata.metadata=minimal; odata.streaming=true
OData-Version: 4.0

{"@odata.context":"http://org/api/data/v9.2/$metadata#accounts(name)","value":[{"@odata.etag":"ETAG","name":"Contoso, Ltd.","accountid":"ID"}]}
` + head + `HTTP/1.1 200 OK
Content-Type: application/json; odata.metadata=minimal; odata.streaming=true
OData-Version: 4.0

{"@odata.context":"http://org/api/data/v9.2/$metadata#tasks(subject)","value":[{"@odata.etag":"ETAG","subject":"Task 1","activityid":"ID"},{"@odata.etag":"ETAG","subject":"Task 2","activityid":"ID"}]}
--batchresponse_ID--
`
	if diff := cmp.Diff(want, masked(r.body)); diff != "" {
		t.Error(diff)
	}
	if bare := strings.ReplaceAll(r.body, "\r\n", ""); strings.ContainsAny(bare, "\r\n") {
		t.Error("a line does not end in CRLF")
	}
}

func TestChangeSetReferencesWhatItCreated(t *testing.T) {
	s := emulator.Start(t)
	r := batch(t, s, together(
		changePart("1", "POST /api/data/v9.2/accounts HTTP/1.1\nContent-Type: application/json\n\n"+`{"accountid":"`+one+`","name":"A"}`+"\n"),
		changePart("2", "POST contacts HTTP/1.1\n\n"+`{"lastname":"B"}`),
		changePart("3", "PATCH $1 HTTP/1.1\n\n"+`{"primarycontactid@odata.bind":"$2"}`),
		changePart("4", "PUT $2/firstname HTTP/1.1\n\n"+`{"value":"Bea"}`),
		changePart("5", "POST $1/Account_Tasks HTTP/1.1\n\n"+`{"subject":"C"}`),
		changePart("six", "POST contacts HTTP/1.1\n\n"+`{"lastname":"D","parentcustomerid_account@odata.bind":"$1"}`),
		changePart("7", "PUT $1/primarycontactid/$ref HTTP/1.1\n\n"+`{"@odata.id":"$six"}`),
		changePart("8", "POST $1/contact_customer_accounts/$ref HTTP/1.1\n\n"+`{"@odata.id":"$2"}`),
		changePart("9", "DELETE $5 HTTP/1.1\n"),
	))
	if r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	row := get(t, s, "accounts("+one+")?$select=name&$expand=primarycontactid($select=fullname),contact_customer_accounts($select=fullname;$orderby=fullname),Account_Tasks($select=subject)")
	for _, want := range []string{
		`"primarycontactid":{"fullname":"D",`, `"contact_customer_accounts":[{"@odata.etag":"ETAG","fullname":"Bea B",`,
		`},{"@odata.etag":"ETAG","fullname":"D",`, `"Account_Tasks":[]`,
	} {
		if got := masked(row.body); !strings.Contains(got, want) {
			t.Errorf("got %s, want %s in it", got, want)
		}
	}
	answer := masked(r.body)
	for _, want := range []string{
		"--batchresponse_ID\nContent-Type: multipart/mixed; boundary=changesetresponse_ID\n\n--changesetresponse_ID\n",
		"Content-ID: 1\n\nHTTP/1.1 204 No Content\nOData-Version: 4.0\nLocation: http://org/api/data/v9.2/accounts(ID)\nOData-EntityId: http://org/api/data/v9.2/accounts(ID)\n\n\n",
		"Content-ID: 3\n\nHTTP/1.1 204 No Content\nOData-Version: 4.0\nLocation: http://org/api/data/v9.2/accounts(ID)\n",
		"Content-ID: 4\n\nHTTP/1.1 204 No Content\nOData-Version: 4.0\n\n\n",
		"Content-ID: six\n", "--changesetresponse_ID--\n--batchresponse_ID--\n",
	} {
		if !strings.Contains(answer, want) {
			t.Errorf("answer lacks %q:\n%s", want, answer)
		}
	}
}

func TestContentIDAndReferencesStandWhereClientsPutThem(t *testing.T) {
	s := emulator.Start(t)
	among := strings.Replace(changePart("", "POST accounts HTTP/1.1\nContent-ID: 1\n\n"+`{"accountid":"`+one+`"}`), "Content-ID: \n", "", 1)
	r := batch(t, s, together(among,
		changePart("2", "PATCH /api/data/v9.2/$1 HTTP/1.1\n\n"+`{"name":"A"}`),
		changePart("3", "PUT http://org/api/data/v9.1/$1/telephone1 HTTP/1.1\n\n"+`{"value":"1"}`),
		changePart("4", "PATCH /$1?$select=telephone2 HTTP/1.1\nPrefer: return=representation\n\n"+`{"telephone2":"2"}`),
	))
	if r.status != http.StatusOK || !strings.Contains(r.body, "\r\nContent-ID: 1\r\n") || !strings.Contains(r.body, `"telephone2":"2"`) {
		t.Errorf("got %d %s, want 200 and four answers", r.status, r.body)
	}
	row := get(t, s, "accounts("+one+")?$select=name,telephone1,telephone2")
	if want := `"name":"A","telephone1":"1","telephone2":"2"`; !strings.Contains(row.body, want) {
		t.Errorf("got %s, want %s", row.body, want)
	}
	r = batch(t, s, together(changePart("2", "PATCH http://org/api/data/v9.2/$1 HTTP/1.1\n\n{}")))
	if want := "Content-ID Reference: '$1' does not exist in the batch context."; !strings.Contains(r.body, want) {
		t.Errorf("got %s, want %s", r.body, want)
	}
}

func TestFailedChangeSetLeavesNothing(t *testing.T) {
	s := emulator.Start(t)
	before := state(t, s)
	good := changePart("1", "POST accounts HTTP/1.1\n\n"+`{"accountid":"`+one+`","name":"A"}`)
	for what, failing := range map[string]string{
		"a row that breaks a rule":  changePart("2", "POST accounts HTTP/1.1\n\n"+`{"name":"`+strings.Repeat("x", 161)+`"}`),
		"a row that is not there":   changePart("2", "DELETE contacts("+one+") HTTP/1.1\n"),
		"a reference ahead":         changePart("2", "PATCH $3 HTTP/1.1\n\n{}") + changePart("3", "POST accounts HTTP/1.1\n\n{}"),
		"a reference in a body":     changePart("2", "POST contacts HTTP/1.1\n\n"+`{"parentcustomerid_account@odata.bind":"$9"}`),
		"a condition that fails":    changePart("2", "PATCH $1 HTTP/1.1\nIf-Match: W/\"1\"\n\n{}"),
		"a function of its own":     changePart("2", "POST $batch HTTP/1.1\n\n{}"),
		"an unknown set":            changePart("2", "POST nothings HTTP/1.1\n\n{}"),
		"a body that is not JSON":   changePart("2", "POST accounts HTTP/1.1\n\n{"),
		"the same row another time": changePart("2", "POST accounts HTTP/1.1\n\n"+`{"accountid":"`+one+`"}`),
	} {
		for prefer, status := range map[string]int{"": http.StatusBadRequest, "odata.continue-on-error": http.StatusOK} {
			r := batch(t, s, together(good, failing), "Prefer: "+prefer)
			if after := state(t, s); r.status != status || after != before {
				t.Errorf("%s: status %d, %s; want %d and still %s", what, r.status, after, status, before)
			}
			if n := strings.Count(r.body, "HTTP/1.1 "); n != 1 || !strings.Contains(r.body, "\r\nContent-ID: 2\r\n\r\nHTTP/1.1 4") {
				t.Errorf("%s: got %d answers, want the failed one alone: %s", what, n, r.body)
			}
		}
	}
	r := batch(t, s, together(changePart("2", "PATCH $1 HTTP/1.1\n\n{}"), changePart("1", "POST accounts HTTP/1.1\n\n{}")))
	if want := `"message":"Content-ID Reference: '$1' does not exist in the batch context."`; !strings.Contains(r.body, want) {
		t.Errorf("got %s, want %s", r.body, want)
	}
}

func TestBatchStopsAtTheFirstErrorUnlessToldToContinue(t *testing.T) {
	body := onePart + "POST accounts HTTP/1.1\n\n{\"name\":\"A\"}\n" +
		onePart + "GET accounts(" + one + ") HTTP/1.1\n\n" +
		"--b\nContent-Type: multipart/mixed; boundary=c\n\n" + changePart("1", "POST contacts HTTP/1.1\n\n{\"lastname\":\"B\"}") + "--c--\n" +
		onePart + "GET accounts/$count HTTP/1.1\n\n--b--"
	for _, tt := range []struct {
		prefer   string
		status   int
		statuses []string
		contacts string
	}{
		{"", http.StatusBadRequest, []string{"204", "404"}, "0"},
		{"odata.continue-on-error=false", http.StatusBadRequest, []string{"204", "404"}, "0"},
		{"odata.continue-on-error", http.StatusOK, []string{"204", "404", "204", "200"}, "1"},
	} {
		s := emulator.Start(t)
		r := batch(t, s, body, "Prefer: "+tt.prefer)
		var statuses []string
		for _, line := range regexp.MustCompile(`HTTP/1\.1 (\d+)`).FindAllStringSubmatch(r.body, -1) {
			statuses = append(statuses, line[1])
		}
		if diff := cmp.Diff(tt.statuses, statuses); diff != "" || r.status != tt.status {
			t.Errorf("%q: status %d, want %d, answers %s", tt.prefer, r.status, tt.status, diff)
		}
		if !regexp.MustCompile(`HTTP/1.1 404 Not Found\r\nREQ_ID: \S+\r\nContent-Type: application/json; odata.metadata=minimal\r\nOData-Version: 4.0\r\n\r\n\{"error":\{"code":"0x80040217","message":"Entity 'account' With Id = \S+ Does Not Exist"\}\}\r\n--batch`).MatchString(r.body) {
			t.Errorf("%q: the error is not answered as documented: %s", tt.prefer, r.body)
		}
		if got := get(t, s, "contacts/$count"); strings.TrimPrefix(got.body, "\ufeff") != tt.contacts {
			t.Errorf("%q: got %s contacts, want %s", tt.prefer, got.body, tt.contacts)
		}
	}
}

func TestEveryErrorInABatchHasARequestID(t *testing.T) {
	s := emulator.Start(t)
	for _, part := range []string{
		onePart + "PATCH $7 HTTP/1.1\n\n{}\n--b--\n",
		onePart + "GET WhoAmI HTTP/1.1\nx-emulator-fault: status=503\n\n\n--b--\n",
		onePart + "GET WhoAmI HTTP/1.1\nx-emulator-fault: nonsense\n\n\n--b--\n",
		onePart + "GET /accounts HTTP/1.1\n\n\n--b--\n",
		onePart + "GET /emulator/faults HTTP/1.1\n\n\n--b--\n",
	} {
		r := batch(t, s, part)
		if !regexp.MustCompile(`REQ_ID: [0-9a-f-]{36}\r\n`).MatchString(r.body) || !strings.Contains(r.body, "\r\nOData-Version: 4.0\r\n") {
			t.Errorf("%q: got %s, want a request id and the OData version", part, r.body)
		}
	}
}

func TestBatchRefusesWhatTheServiceCannotRead(t *testing.T) {
	s := emulator.Start(t)
	post := "POST accounts HTTP/1.1\n\n{}\n"
	before := state(t, s)
	for _, tt := range []struct{ what, contentType, body, message string }{
		{"lines that end in LF", "multipart/mixed; boundary=b", onePart + post + "--b--\n", "CRLF"},
		{"JSON", "application/json", `{"requests":[]}`, "The batch request must have 'multipart/mixed' as the media type."},
		{"no boundary", "multipart/mixed", crlf(onePart + post + "--b--\n"), "must have a boundary specification"},
		{"another boundary", "multipart/mixed; boundary=a", crlf(onePart + post + "--b--\n"), "'--a'"},
		{"no end", "multipart/mixed; boundary=b", crlf(onePart + post), "'--b--'"},
		{"no blank line after the headers of a GET", "multipart/mixed; boundary=b",
			crlf(onePart + "GET accounts HTTP/1.1\nAccept: application/json\n--b--\n"), "The message header '--b' is invalid."},
		{"a request line without a version", "multipart/mixed; boundary=b", crlf(onePart + "GET accounts\n\n--b--\n"), "The request line 'GET accounts' is invalid."},
		{"another version of HTTP", "multipart/mixed; boundary=b", crlf(onePart + "GET accounts HTTP/1.0\n\n\n--b--\n"), "The HTTP version 'HTTP/1.0'"},
		{"a method that no batch has", "multipart/mixed; boundary=b", crlf(onePart + post + onePart + "HEAD accounts HTTP/1.1\n\n\n--b--\n"), "Invalid HTTP method 'HEAD'"},
		{"a method in small letters", "multipart/mixed; boundary=b", crlf(onePart + post + onePart + "get accounts HTTP/1.1\n\n\n--b--\n"), "Invalid HTTP method 'get'"},
		{"a part that says no type", "multipart/mixed; boundary=b", crlf("--b\nContent-Transfer-Encoding: binary\n\n" + post + "--b--\n"), "'application/http'"},
		{"a part that says no encoding", "multipart/mixed; boundary=b", crlf("--b\nContent-Type: application/http\n\n" + post + "--b--\n"), "'Content-Transfer-Encoding'"},
		{"GET in a change set", "multipart/mixed; boundary=b", crlf(together(changePart("1", post), changePart("2", "GET accounts HTTP/1.1\n"))),
			"An invalid HTTP method 'GET' was detected for a request in a change set."},
		{"no Content-ID in a change set", "multipart/mixed; boundary=b", crlf(strings.ReplaceAll(together(changePart("1", post)), "Content-ID: 1\n", "")),
			"The header with name 'Content-ID' was not present in the header collection of the batch operation."},
		{"a Content-ID twice", "multipart/mixed; boundary=b", crlf(together(changePart("1", post), changePart("1", post))), "The content ID '1' was found more than once"},
		{"nested change sets", "multipart/mixed; boundary=b", crlf(together("--c\nContent-Type: multipart/mixed; boundary=d\n\n--d--\n")), "Nested change sets"},
		{"1,001 requests", "multipart/mixed; boundary=b", crlf(strings.Repeat(onePart+post, 1001) + "--b--\n"), "'1000'"},
	} {
		r := send(t, s, http.MethodPost, "$batch", tt.body, "Content-Type: "+tt.contentType)
		if r.status != http.StatusBadRequest || !strings.Contains(r.body, tt.message) || !strings.HasPrefix(r.body, `{"error":{"code":"0x80060888"`) {
			t.Errorf("%s: got %d %s, want 400 with %q", tt.what, r.status, r.body, tt.message)
		}
		if after := state(t, s); after != before {
			t.Errorf("%s: left %s, from %s", tt.what, after, before)
		}
	}
	if r := get(t, s, "$batch"); r.status != http.StatusMethodNotAllowed {
		t.Errorf("GET $batch: status %d, want 405", r.status)
	}
}

func TestBatchTakesWhatClientsSend(t *testing.T) {
	s := emulator.Start(t, emulator.Rows("accounts", emulator.Row{"accountid": one, "name": "A"}, emulator.Row{"name": "B"}))
	long := "GET accounts?$select=name&$filter=name eq 'A'" + " or name eq '" + strings.Repeat("x", 60000) + "' HTTP/1.1\n\n"
	for _, tt := range []struct{ what, contentType, body, want string }{
		{"a boundary in quotes, no blank", `multipart/mixed;boundary="b"`, onePart + "GET accounts/$count HTTP/1.1\n\n\n--b--\n", "2\r\n"},
		{"a preamble and no last line break", "multipart/mixed; boundary=b", "\n" + onePart + "GET accounts/$count HTTP/1.1\n\n--b--", "2"},
		{"a preamble that names the boundary", "multipart/mixed; boundary=b", "what --b parts\n" + onePart + "GET accounts/$count HTTP/1.1\n\n\n--b--\nand an epilogue", "2\r\n"},
		{"a byte order mark", "multipart/mixed; boundary=b", "\ufeff" + onePart + "GET accounts/$count HTTP/1.1\n\n\n--b--\n", "2\r\n"},
		{"blank lines before the request line", "multipart/mixed; boundary=b", onePart + "\n\nGET accounts/$count HTTP/1.1\n\n\n--b--\n", "2\r\n"},
		{"one blank line between a GET and the boundary", "multipart/mixed; boundary=b", onePart + "GET accounts/$count HTTP/1.1\nAccept: application/json\n\n--b--\n", "2"},
		{"nothing", "multipart/mixed; boundary=b", "--b--\n", ""},
		{"an empty change set", "multipart/mixed; boundary=b", together(), ""},
		{"encoded URLs", "multipart/mixed; boundary=b", onePart + "GET accounts%28" + one + "%29?%24select=name HTTP/1.1\n\n\n--b--\n", `"name":"A"`},
		{"a URL of 60,000 characters", "multipart/mixed; boundary=b", onePart + long + "\n--b--\n", `"name":"A"`},
		{"paging", "multipart/mixed; boundary=b", onePart + "GET accounts?$select=name&$filter=name ne 'C' HTTP/1.1\nPrefer: odata.maxpagesize=1\n\n\n--b--\n",
			`"@odata.nextLink":"http://org/api/data/v9.2/accounts?$select=name&$filter=name%20ne%20'C'&$skiptoken=`},
		{"$metadata", "multipart/mixed; boundary=b", onePart + "GET $metadata HTTP/1.1\n\n\n--b--\n", "<edmx:Edmx"},
		{"a function", "multipart/mixed; boundary=b", onePart + "GET WhoAmI HTTP/1.1\n\n\n--b--\n", "BusinessUnitId"},
	} {
		r := send(t, s, http.MethodPost, "$batch", crlf(tt.body), "Content-Type: "+tt.contentType)
		if r.status != http.StatusOK || !strings.Contains(r.body, tt.want) {
			t.Errorf("%s: got %d %.2000s, want 200 with %s", tt.what, r.status, r.body, tt.want)
		}
	}
	tooLong := strings.Replace(long, "name eq 'A'", "name eq '"+strings.Repeat("A", 6000)+"'", 1)
	if r := batch(t, s, onePart+tooLong+"\n--b--\n"); !strings.Contains(r.body, "HTTP/1.1 414 ") {
		t.Errorf("a URL over 65,536 characters: got %s, want 414 in the part", r.body)
	}
}

func TestHeadersOutsideABatchHoldInside(t *testing.T) {
	s := emulator.Start(t)
	user := emulator.Ask[string](t, s, `SELECT systemuserid FROM systemuser WHERE applicationid IS NOT NULL`)
	r := batch(t, s, onePart+"GET WhoAmI HTTP/1.1\n\n\n--b--\n", "MSCRMCallerID: "+user)
	if want := `"UserId":"` + user; !strings.Contains(r.body, want) {
		t.Errorf("got %s, want %s", r.body, want)
	}
	if r := batch(t, s, onePart+"GET WhoAmI HTTP/1.1\n\n\n--b--\n", "Authorization: "); r.status != http.StatusUnauthorized {
		t.Errorf("without a token: status %d, want 401", r.status)
	}
}

// BenchmarkThousandCreates compares the roads on which many rows come in one request.
func BenchmarkThousandCreates(b *testing.B) {
	row := `{"name":"Contoso","telephone1":"555-0100","revenue":1000}`
	request := "POST accounts HTTP/1.1\n\n" + row
	parts, rows := make([]string, 1000), make([]string, 1000)
	for i := range parts {
		parts[i], rows[i] = changePart(fmt.Sprint(i), request), row[1:len(row)-1]
	}
	for road, r := range map[string]struct{ path, contentType, body string }{
		"batch":          {"$batch", "multipart/mixed; boundary=b", crlf(strings.Repeat(onePart+request+"\n", 1000) + "--b--\n")},
		"change set":     {"$batch", "multipart/mixed; boundary=b", crlf(together(parts...))},
		"CreateMultiple": {"accounts/Microsoft.Dynamics.CRM.CreateMultiple", "application/json", targets("account", rows...)},
	} {
		b.Run(road, func(b *testing.B) {
			e, err := emulator.New(b.Context(), emulator.Options{Empty: true})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = e.Close() }()
			for b.Loop() {
				q := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/api/data/v9.2/"+r.path, strings.NewReader(r.body))
				q.Header = http.Header{"Authorization": {"Bearer " + emulator.DefaultToken}, "Content-Type": {r.contentType}}
				w := httptest.NewRecorder()
				if e.ServeHTTP(w, q); w.Code != http.StatusOK {
					b.Fatalf("%d %.500s", w.Code, w.Body)
				}
			}
		})
	}
}

// FuzzBatchIsNeverCarriedOutInPart sends arbitrary change sets: the answer is never the server's own failure, and one
// that is not a success leaves everything as it was.
func FuzzBatchIsNeverCarriedOutInPart(f *testing.F) {
	f.Add("POST accounts HTTP/1.1\r\n\r\n{}", "PATCH $2 HTTP/1.1\r\n\r\n{\"name\":\"a\"}", "")
	f.Add("DELETE $1 HTTP/1.1\r\n\r\n", "PUT $1/primarycontactid/$ref HTTP/1.1\r\n\r\n{\"@odata.id\":\"$1\"}", "Content-ID: 3\r\n")
	f.Add("POST $1/Account_Tasks HTTP/1.1\r\nA\r\n\r\n{}", "POST /$batch HTTP/1.1", "\r\n--c--\r\n")
	f.Add("POST http:///api/data/v9.2/contacts?%zz HTTP/1.1\r\n\r\n[]", "PATCH $$ HTTP/1.0\r\n\r\nnull", "--c")
	f.Add("POST accounts/Microsoft.Dynamics.CRM.CreateMultiple HTTP/1.1\r\n\r\n{\"Targets\":[{}]}", "POST  HTTP/1.1\r\n\r\n", "\n")
	e, err := emulator.New(f.Context(), emulator.Options{Empty: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = e.Close() })
	s := &emulator.Server{Emulator: e}
	part := "--c\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: %d\r\n\r\n%s\r\n"
	f.Fuzz(func(t *testing.T, first, second, end string) {
		if strings.Contains(first+second+end, "--b") {
			return // more than one change set may be carried out in part
		}
		body := "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n" + fmt.Sprintf(part, 1, "POST accounts HTTP/1.1\r\n\r\n{\"name\":\"x\"}") +
			fmt.Sprintf(part, 2, first) + fmt.Sprintf(part, 3, second) + end + "--c--\r\n--b--\r\n"
		before := state(t, s)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/data/v9.2/$batch", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+emulator.DefaultToken)
		r.Header.Set("Content-Type", "multipart/mixed; boundary=b")
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError || strings.Contains(w.Body.String(), "HTTP/1.1 5") {
			t.Errorf("%q: got %d %s", body, w.Code, w.Body)
		}
		if after := state(t, s); w.Code >= http.StatusBadRequest && after != before {
			t.Errorf("%q: answered %d and left %s, from %s", body, w.Code, after, before)
		}
	})
}
