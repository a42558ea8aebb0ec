package emulator_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/seed"
)

const (
	one   = "00000000-0000-0000-0000-000000000001"
	two   = "00000000-0000-0000-0000-000000000002"
	three = "00000000-0000-0000-0000-000000000003"
	four  = "00000000-0000-0000-0000-000000000004"
)

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

// wantStored compares columns of a stored row; a column that is to be null is named with nil.
func wantStored(t *testing.T, s *emulator.Server, table, id string, want map[string]any) {
	t.Helper()
	row := emulator.Stored(t, s, table, id)
	if row == nil {
		t.Fatalf("%s(%s) is not there", table, id)
	}
	got := map[string]any{}
	for column := range want {
		got[column] = row[column]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s(%s) (-want +got):\n%s", table, id, diff)
	}
}

func start(t *testing.T) *emulator.Server { return emulator.Start(t, emulator.At(noon)) }

func TestCreateAnswersWithTheAddressOfTheRow(t *testing.T) {
	s := start(t)
	r := must(t, s, http.StatusNoContent, "POST", "accounts", `{"accountid":"`+one+`","name":"Contoso"}`)
	want := s.URL + "/api/data/v9.2/accounts(" + one + ")"
	if got := r.header.Get("OData-EntityId"); got != want {
		t.Errorf("OData-EntityId: got %q, want %q", got, want)
	}
	if got := r.header.Get("Location"); got != want {
		t.Errorf("Location: got %q, want %q", got, want)
	}
}

func TestCreateFillsInWhatThePlatformKnows(t *testing.T) {
	s := start(t)
	id := add(t, s, "accounts", `{"name":"Contoso","revenue":1000.005,"address1_line1":"1 Main","address1_city":"Renton","address1_stateorprovince":"WA","address1_postalcode":"61795","address1_country":"U.S."}`)
	wantStored(t, s, "account", id, map[string]any{
		"createdon": "2026-03-02T12:00:00Z", "modifiedon": "2026-03-02T12:00:00Z",
		"createdby": seed.AdministratorID, "modifiedby": seed.AdministratorID, "createdonbehalfby": nil,
		"ownerid": seed.AdministratorID, "ownerid$table": "systemuser", "owninguser": seed.AdministratorID, "owningteam": nil,
		"owningbusinessunit": seed.RootBusinessUnitID, "statecode": int64(0), "statuscode": int64(1),
		"transactioncurrencyid": seed.BaseCurrencyID, "exchangerate": 1.0, "revenue": 1000.01, "revenue_base": 1000.01,
		"address1_composite": "1 Main\r\nRenton, WA 61795\r\nU.S.", "donotemail": int64(0), "address2_composite": nil,
	})
}
