package emulator_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// FuzzWritesNeverFailHalfway sends arbitrary bodies: the answer is never the server's own failure, and one that is not
// a success leaves everything as it was.
func FuzzWritesNeverFailHalfway(f *testing.F) {
	sets := []string{"accounts", "contacts", "emails", "quotes", "incidents", "annotations", "teams", "opportunityproducts", "activitypointers", "lists"}
	for i, body := range []string{
		`{"name":"a","revenue":1e308,"primarycontactid":{"lastname":"b"},"Account_Tasks":[{"subject":"c"}]}`,
		`{"parentcustomerid_account@odata.bind":"/accounts(00000000-0000-0000-0000-000000000001)","birthdate":"1980-04-10","entityimage":"AA=="}`,
		`{"email_activity_parties":[{"addressused":"x","participationtypemask":2}],"ownerid@odata.bind":null}`,
		`{"quote_details":[{"quantity":-1e20,"priceperunit":1e20,"isproductoverridden":true}],"discountpercentage":33.333}`,
		`{"customerid_account":{"name":"x"},"statuscode":2,"statecode":1}`,
		`{"documentbody":"====","filename":"","objectid_account@odata.bind":"accounts(accountnumber='\u0000')"}`,
		`{"azureactivedirectoryobjectid":null,"membershiptype":0,"businessunitid@odata.bind":"/businessunits"}`,
		`{"value":[],"opportunityid":{},"productid":null,"@odata.type":7,"x@y":{}}`,
		`[{"a":{"a":{}}}]`, `{"listname":"\ud800","membercount":9999999999,"listcontact_association":[{"lastname":"z"}]}`,
	} {
		f.Add(i, body)
	}
	e, err := emulator.New(f.Context(), emulator.Options{Empty: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = e.Close() })
	s := &emulator.Server{Emulator: e}
	f.Fuzz(func(t *testing.T, n int, body string) {
		set := sets[uint(n)%uint(len(sets))]
		for method, path := range map[string]string{
			http.MethodPost: set, http.MethodPatch: set + "(" + one + ")", http.MethodPut: set + "(" + one + ")/name",
		} {
			before := state(t, s)
			r := httptest.NewRequestWithContext(t.Context(), method, "/api/data/v9.2/"+path, strings.NewReader(body))
			r.Header.Set("Authorization", "Bearer "+emulator.DefaultToken)
			w := httptest.NewRecorder()
			e.ServeHTTP(w, r)
			if w.Code >= http.StatusInternalServerError {
				t.Errorf("%s %s %q: got %d %s", method, path, body, w.Code, w.Body)
			}
			if after := state(t, s); w.Code >= http.StatusBadRequest && after != before {
				t.Errorf("%s %s %q: answered %d and left %s, from %s", method, path, body, w.Code, after, before)
			}
		}
	})
}

// state tells whether anything was written: the last row version, and how many rows there are.
func state(t *testing.T, s *emulator.Server) string {
	t.Helper()
	version := emulator.Ask[int64](t, s, `SELECT value FROM "$state" WHERE name = 'version'`)
	return fmt.Sprintf("version %d, %d rows", version, rowCount(t, s))
}
