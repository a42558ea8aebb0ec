package emulator_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/seed"
)

func TestUpdateChangesOnlyWhatItNames(t *testing.T) {
	s := start(t)
	id := add(t, s, "accounts", `{"name":"Contoso","telephone1":"1","revenue":5}`)
	before := emulator.Stored(t, s, "account", id)
	r := must(t, s, http.StatusNoContent, "PATCH", "accounts("+id+")", `{"name":"Fabrikam","telephone1":null,"createdon":"2001-01-01T00:00:00Z","accountid":"`+one+`"}`)
	if newID(r) != id {
		t.Errorf("OData-EntityId: got %q, want the row's", r.header.Get("OData-EntityId"))
	}
	after := emulator.Stored(t, s, "account", id)
	wantStored(t, s, "account", id, columns{"name": "Fabrikam", "telephone1": nil, "revenue": 5.0, "createdon": before["createdon"]})
	if after["versionnumber"].(int64) <= before["versionnumber"].(int64) {
		t.Errorf("versionnumber: got %v after %v", after["versionnumber"], before["versionnumber"])
	}
}

func TestAnUpdateOfNothingChangesNothing(t *testing.T) {
	s := start(t)
	id := add(t, s, "accounts", `{"name":"Contoso"}`)
	before := emulator.Stored(t, s, "account", id)["versionnumber"]
	must(t, s, http.StatusNoContent, "PATCH", "accounts("+id+")", `{"createdon":"2001-01-01T00:00:00Z"}`)
	wantStored(t, s, "account", id, columns{"versionnumber": before})
}

func TestPatchCreatesUnlessIfMatchForbids(t *testing.T) {
	s := start(t)
	missing := failure("0x80040217", "Entity 'account' With Id = "+one+" Does Not Exist")
	for _, etag := range []string{"*", `W/"1"`} {
		if r := must(t, s, http.StatusNotFound, "PATCH", "accounts("+one+")", `{"name":"a"}`, "If-Match: "+etag); r.body != missing {
			t.Errorf("If-Match %s: got %s, want %s", etag, r.body, missing)
		}
	}
	r := must(t, s, http.StatusNoContent, "PATCH", "accounts("+one+")", `{"name":"a"}`)
	if newID(r) != one {
		t.Errorf("OData-EntityId: got %q", r.header.Get("OData-EntityId"))
	}
	wantStored(t, s, "account", one, columns{"name": "a", "statecode": int64(0)})
	must(t, s, http.StatusOK, "PATCH", "accounts("+one+")", `{"name":"b"}`, "Prefer: return=representation")
	must(t, s, http.StatusCreated, "PATCH", "accounts("+two+")", `{"name":"c"}`, "Prefer: return=representation")
	want := failure("0x80040237", "A record with matching key values already exists.")
	if r := must(t, s, http.StatusPreconditionFailed, "PATCH", "accounts("+one+")", `{"name":"d"}`, "If-None-Match: *"); r.body != want {
		t.Errorf("got %s, want %s", r.body, want)
	}
	must(t, s, http.StatusNoContent, "PATCH", "accounts("+three+")", `{"name":"d"}`, "If-None-Match: *")
	wantStored(t, s, "account", one, columns{"name": "b"})
}

func TestAnETagGuardsUpdateAndDelete(t *testing.T) {
	s := start(t)
	id := add(t, s, "accounts", `{"name":"a"}`)
	etag := fmt.Sprintf(`W/"%d"`, emulator.Stored(t, s, "account", id)["versionnumber"])
	must(t, s, http.StatusNoContent, "PATCH", "accounts("+id+")", `{"name":"b"}`, "If-Match: "+etag)
	stale := failure("0x80060882", "The version of the existing record doesn't match the RowVersion property provided.")
	for _, method := range []string{"PATCH", "DELETE"} {
		if r := must(t, s, http.StatusPreconditionFailed, method, "accounts("+id+")", `{"name":"c"}`, "If-Match: "+etag); r.body != stale {
			t.Errorf("%s: got %s, want %s", method, r.body, stale)
		}
	}
	must(t, s, http.StatusBadRequest, "PATCH", "accounts("+id+")", `{"name":"c"}`, `If-Match: "5"`)
	rule := add(t, s, "duplicaterules", `{"name":"r","baseentityname":"account","matchingentityname":"account"}`)
	want := failure("0x8006088d", "Optimistic concurrency isn't enabled for entity type duplicaterule. The IfVersionMatch value of ConcurrencyBehavior can only be used if optimistic concurrency is enabled.")
	if r := must(t, s, http.StatusBadRequest, "PATCH", "duplicaterules("+rule+")", `{"description":"x"}`, `If-Match: W/"5"`); r.body != want {
		t.Errorf("got %s, want %s", r.body, want)
	}
}

func TestAnAlternateKeyAddressesTheRow(t *testing.T) {
	s := start(t)
	key := "teams(azureactivedirectoryobjectid=" + one + ",membershiptype=2)"
	r := must(t, s, http.StatusNoContent, "PATCH", key, `{"name":"Sales","teamtype":2}`)
	if want := s.URL + "/api/data/v9.2/" + key; r.header.Get("OData-EntityId") != want {
		t.Errorf("OData-EntityId: got %q, want %q", r.header.Get("OData-EntityId"), want)
	}
	id := emulator.Ask[string](t, s, "SELECT teamid FROM team WHERE name = 'Sales'")
	wantStored(t, s, "team", id, columns{"azureactivedirectoryobjectid": one, "membershiptype": int64(2), "businessunitid": seed.RootBusinessUnitID})
	must(t, s, http.StatusBadRequest, "PATCH", "teams(azureactivedirectoryobjectid="+one+",membershiptype=77)", `{"name":"Sales"}`)
	must(t, s, http.StatusNoContent, "PATCH", key, `{"description":"x","azureactivedirectoryobjectid":"`+two+`"}`)
	wantStored(t, s, "team", id, columns{"description": "x", "azureactivedirectoryobjectid": one})
	r = must(t, s, http.StatusPreconditionFailed, "POST", "teams", `{"name":"again","azureactivedirectoryobjectid":"`+one+`","membershiptype":2}`)
	want := failure("0x80060892", "A record that has the attribute values azureactivedirectoryobjectid, membershiptype already exists. The entity key aadobjectid_membershiptype requires that this set of attributes contains unique values. Select unique values and try again.")
	if r.body != want {
		t.Errorf("got %s, want %s", r.body, want)
	}
}

func TestAnAddressIsPercentEncoded(t *testing.T) {
	s := start(t)
	r := must(t, s, http.StatusNoContent, "PATCH", "environmentvariabledefinitions(schemaname='new_%C3%89%20lan',componentstate=0,overwritetime=1900-01-01T00:00:00Z)", `{"displayname":"x"}`)
	want := s.URL + "/api/data/v9.2/environmentvariabledefinitions(schemaname='new_%C3%89%20lan',componentstate=0,overwritetime=1900-01-01T00:00:00Z)"
	if got := r.header.Get("OData-EntityId"); got != want {
		t.Errorf("OData-EntityId: got %q, want %q", got, want)
	}
}

func TestRowsDoNotNestInAnUpdate(t *testing.T) {
	s := start(t)
	add(t, s, "accounts", `{"accountid":"`+one+`"}`)
	want := failure("0x80060888", "Deep update of navigation properties is not allowed.")
	for _, path := range []string{"accounts(" + one + ")", "accounts(" + two + ")"} {
		for _, body := range []string{`{"primarycontactid":{"lastname":"a"}}`, `{"Account_Tasks":[{"subject":"a"}]}`, `{"contact_customer_accounts@odata.bind":[]}`} {
			if r := must(t, s, http.StatusBadRequest, "PATCH", path, body); r.body != want {
				t.Errorf("%s %s: got %s, want %s", path, body, r.body, want)
			}
		}
	}
	wantGone(t, s, "account", two)
}

func TestStatusAndStatusReasonGoTogether(t *testing.T) {
	s := start(t)
	for _, c := range []struct {
		set, table, create, update string
		status                     int
		want                       columns
	}{
		{"accounts", "account", `{}`, `{"statecode":1}`, 204, columns{"statecode": int64(1), "statuscode": int64(2)}},
		{"accounts", "account", `{}`, `{"statuscode":2}`, 204, columns{"statecode": int64(1), "statuscode": int64(2)}},
		{"accounts", "account", `{}`, `{"statecode":1,"statuscode":2}`, 204, columns{"statecode": int64(1), "statuscode": int64(2)}},
		{"accounts", "account", `{}`, `{"statecode":1,"statuscode":1}`, 400, columns{"statecode": int64(0), "statuscode": int64(1)}},
		{"accounts", "account", `{"statuscode":null}`, `{"statecode":null,"statuscode":null}`, 204, columns{"statecode": int64(0), "statuscode": int64(1)}},
		{"accounts", "account", `{}`, `{"statecode":9}`, 400, columns{"statecode": int64(0)}},
		{"tasks", "task", `{"statuscode":3}`, `{"statecode":0}`, 204, columns{"statecode": int64(0), "statuscode": int64(3), "actualend": nil}},
		{"tasks", "task", `{}`, `{"statecode":1}`, 204, columns{"statecode": int64(1), "statuscode": int64(5), "actualend": "2026-03-02T12:00:00Z"}},
	} {
		id := add(t, s, c.set, c.create)
		must(t, s, c.status, "PATCH", c.set+"("+id+")", c.update)
		wantStored(t, s, c.table, id, c.want)
	}
	add(t, s, "accounts", `{"accountid":"`+one+`"}`)
	for _, c := range []refusal{
		{"PATCH accounts(" + one + ")", `{"statecode":0,"statuscode":2}`, 400, "2 is not a valid status code for state code AccountState.Active on account with Id " + one + "."},
		{"POST tasks", `{"activityid":"` + two + `","statuscode":5}`, 400, "5 is not a valid status code for state code TaskState.Open on task with Id " + two + "."},
	} {
		var method, path string
		if _, err := fmt.Sscan(c.set, &method, &path); err != nil {
			t.Fatal(err)
		}
		if r := must(t, s, c.status, method, path, c.body); r.body != failure("0x80048408", c.want) {
			t.Errorf("%s %s: got %s, want %s", c.set, c.body, r.body, c.want)
		}
	}
}

func TestAnActivityIsWrittenThroughActivityPointers(t *testing.T) {
	s := start(t)
	id := add(t, s, "phonecalls", `{"subject":"a"}`)
	r := must(t, s, http.StatusNoContent, "PATCH", "activitypointers("+id+")", `{"subject":"b"}`)
	if want := s.URL + "/api/data/v9.2/activitypointers(" + id + ")"; r.header.Get("OData-EntityId") != want {
		t.Errorf("OData-EntityId: got %q, want %q", r.header.Get("OData-EntityId"), want)
	}
	wantStored(t, s, "phonecall", id, columns{"subject": "b"})
	must(t, s, http.StatusNotFound, "PATCH", "activitypointers("+one+")", `{"subject":"b"}`)
	must(t, s, http.StatusMethodNotAllowed, "PATCH", "owners("+seed.AdministratorID+")", `{"name":"b"}`)
	must(t, s, http.StatusNoContent, "DELETE", "activitypointers("+id+")", "")
	wantGone(t, s, "phonecall", id)
}

func TestAnImpersonatedUserIsTheOneWhoWrites(t *testing.T) {
	s := start(t)
	id := newID(must(t, s, http.StatusNoContent, "POST", "accounts", `{"name":"a"}`, "MSCRMCallerID: "+seed.ApplicationUserID))
	wantStored(t, s, "account", id, columns{"createdby": seed.ApplicationUserID, "createdonbehalfby": seed.AdministratorID,
		"modifiedonbehalfby": seed.AdministratorID, "ownerid": seed.ApplicationUserID})
	must(t, s, http.StatusNoContent, "PATCH", "accounts("+id+")", `{"name":"b"}`)
	wantStored(t, s, "account", id, columns{"createdonbehalfby": seed.AdministratorID, "modifiedby": seed.AdministratorID, "modifiedonbehalfby": nil})
}

func TestASingleColumnIsSetAndEmptied(t *testing.T) {
	s := emulator.Start(t, emulator.At(noon.Add(500*time.Millisecond)))
	id := add(t, s, "accounts", `{"name":"a","description":"b"}`)
	must(t, s, http.StatusNoContent, "PUT", "accounts("+id+")/name", `{"value":"c"}`)
	must(t, s, http.StatusNoContent, "DELETE", "accounts("+id+")/description", "")
	wantStored(t, s, "account", id, columns{"name": "c", "description": nil, "modifiedon": "2026-03-02T12:00:00Z"})
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"DELETE", "accounts(" + id + ")/name", "", 400}, // required
		{"DELETE", "accounts(" + id + ")/primarycontactid", "", 405},
		{"DELETE", "accounts(" + id + ")/_primarycontactid_value", "", 404},
		{"PUT", "accounts(" + id + ")/name", `{"name":"d"}`, 400},
		{"PUT", "accounts(" + id + ")/nonsense", `{"value":"d"}`, 404},
		{"PUT", "accounts(" + one + ")/name", `{"value":"d"}`, 404},
		{"PATCH", "accounts(" + id + ")/name", `{"value":"d"}`, 405},
		{"PUT", "accounts(" + id + ")", `{"name":"d"}`, 405},
	} {
		must(t, s, c.status, c.method, c.path, c.body)
	}
	wantStored(t, s, "account", id, columns{"name": "c"})
}
