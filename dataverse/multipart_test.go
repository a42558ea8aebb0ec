package dataverse

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// batchAnswer is an answer as the service gives it: an answer to a read, a change set of two, and an error.
var batchAnswer = strings.ReplaceAll(`--batchresponse_1
Content-Type: application/http
Content-Transfer-Encoding: binary

HTTP/1.1 200 OK
Content-Type: application/json; odata.metadata=minimal
OData-Version: 4.0

{"value":[]}
--batchresponse_1
Content-Type: multipart/mixed; boundary=changesetresponse_2

--changesetresponse_2
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 1

HTTP/1.1 204 No Content
OData-Version: 4.0
Location: https://contoso.crm4.dynamics.com/api/data/v9.2/tasks(00000000-0000-0000-0000-000000000001)


--changesetresponse_2
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 2

HTTP/1.1 204 No Content
OData-Version: 4.0


--changesetresponse_2--
--batchresponse_1
Content-Type: application/http
Content-Transfer-Encoding: binary

HTTP/1.1 400 Bad Request
REQ_ID: 5ecd1cb3-1730-4ffc-909c-d44c22270026
Content-Type: application/json; odata.metadata=minimal

{"error":{"code":"0x80048d19","message":"Error"}}
--batchresponse_1--
`, "\n", "\r\n")

func TestTheAnswerToABatchIsUnpacked(t *testing.T) {
	replies, err := open(http.Header{"Content-Type": {"multipart/mixed; boundary=batchresponse_1"}}, strings.NewReader(batchAnswer))
	if err != nil {
		t.Fatal(err)
	}
	type seen struct {
		Status, Number int
		Body           string
	}
	got := []seen{}
	for _, r := range replies {
		got = append(got, seen{r.status, r.number, string(r.body)})
	}
	want := []seen{{200, 0, `{"value":[]}`}, {204, 1, ""}, {204, 2, ""}, {400, 0, `{"error":{"code":"0x80048d19","message":"Error"}}`}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// An answer that was cut off tells what it tells, and that it was cut off.
func FuzzTheAnswerToABatch(f *testing.F) {
	f.Add(batchAnswer)
	f.Add(batchAnswer[:len(batchAnswer)/2])
	f.Add("--batchresponse_1--")
	f.Fuzz(func(t *testing.T, body string) {
		replies, err := open(http.Header{"Content-Type": {"multipart/mixed; boundary=batchresponse_1"}}, strings.NewReader(body))
		for _, r := range replies {
			if r.status < 200 {
				t.Errorf("%q: a reply with status %d, which says nothing (%v)", body, r.status, err)
			}
		}
	})
}

func TestAnAnswerThatWasCutOffIsNoAnswer(t *testing.T) {
	whole, _, _ := strings.Cut(batchAnswer, "HTTP/1.1 400")
	replies, err := open(http.Header{"Content-Type": {"multipart/mixed; boundary=batchresponse_1"}}, strings.NewReader(whole))
	if err == nil || len(replies) != 3 {
		t.Errorf("%d replies, %v; want the three that are whole, and an error", len(replies), err)
	}
}

func FuzzPagingCookie(f *testing.F) {
	f.Add(`<cookie pagenumber="2" pagingcookie="%253ccookie%2520page%253d%25221%2522%253e%253caccountid%2520last%253d%2522%257b0%257d%2522%2520first%253d%2522%257b0%257d%2522%2520%252f%253e%253c%252fcookie%253e" istracking="False" />`)
	f.Add(`<cookie pagingcookie="a&amp;b%252b+%25"/>`)
	f.Fuzz(func(t *testing.T, annotation string) {
		cookie, err := pagingCookie(annotation)
		if err != nil {
			return
		}
		at := position{token: fetchPosition{number: 2, cookie: cookie}.token(), seen: 1}
		if len(at.token) >= maxToken {
			return
		}
		print := make([]byte, fingerprintSize)
		back, err := readCursor(at.encode(print), print)
		if err != nil || back.fetchPage().cookie != cookie {
			t.Errorf("%q: cookie %q came back as %q, %v", annotation, cookie, back.fetchPage().cookie, err)
		}
	})
}

func TestThePagingCookieIsUnwrapped(t *testing.T) {
	want := `<cookie page="1"><name last="A&amp;B + 100%" first="Ä" /></cookie>`
	annotation := `<cookie pagenumber="2" pagingcookie="` + strings.ReplaceAll(url.PathEscape(url.PathEscape(want)), "&", "&amp;") + `" istracking="False" />`
	if got, err := pagingCookie(annotation); err != nil || got != want {
		t.Errorf("%s: got %s, %v, want %s", annotation, got, err, want)
	}
}
