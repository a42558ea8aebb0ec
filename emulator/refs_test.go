package emulator_test

import (
	"net/http"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

func TestRowsAreLinkedAndUnlinked(t *testing.T) {
	s := start(t)
	account := add(t, s, "accounts", `{"name":"Contoso"}`)
	contact := add(t, s, "contacts", `{"lastname":"a"}`)
	lead := add(t, s, "leads", `{"lastname":"b"}`)
	row := "accounts(" + account + ")"
	link := func(set, id string) string {
		return `{"@odata.id":"` + s.URL + "/api/data/v9.2/" + set + "(" + id + `)"}`
	}
	leads := func(want int) {
		t.Helper()
		if n := emulator.Ask[int](t, s, "SELECT count(*) FROM accountleads WHERE accountid = ? AND leadid = ?", account, lead); n != want {
			t.Errorf("got %d links to the lead, want %d", n, want)
		}
	}

	must(t, s, 204, "PUT", row+"/primarycontactid/$ref", link("contacts", contact))
	wantStored(t, s, "account", account, columns{"primarycontactid": contact})
	must(t, s, 204, "DELETE", row+"/primarycontactid/$ref", "")
	wantStored(t, s, "account", account, columns{"primarycontactid": nil})

	must(t, s, 204, "POST", row+"/contact_customer_accounts/$ref", link("contacts", contact))
	wantStored(t, s, "contact", contact, columns{"parentcustomerid": account, "parentcustomerid$table": "account"})
	must(t, s, 204, "DELETE", row+"/contact_customer_accounts("+contact+")/$ref", "")
	wantStored(t, s, "contact", contact, columns{"parentcustomerid": nil, "parentcustomerid$table": nil})
	must(t, s, 404, "DELETE", row+"/contact_customer_accounts("+contact+")/$ref", "")

	must(t, s, 204, "POST", row+"/accountleads_association/$ref", link("leads", lead))
	leads(1)
	want := failure("0x80040237", "Cannot insert duplicate key.")
	if r := must(t, s, http.StatusPreconditionFailed, "POST", row+"/accountleads_association/$ref", link("leads", lead)); r.body != want {
		t.Errorf("got %s, want %s", r.body, want)
	}
	must(t, s, 204, "DELETE", row+"/accountleads_association/$ref?$id="+s.URL+"/api/data/v9.2/leads("+lead+")", "")
	leads(0)
	must(t, s, 204, "POST", "leads("+lead+")/accountleads_association/$ref", link("accounts", account))
	leads(1)
	must(t, s, 204, "DELETE", "leads("+lead+")/accountleads_association("+account+")/$ref", "")
	leads(0)
}

func TestARowIsCreatedInACollection(t *testing.T) {
	s := start(t)
	account := add(t, s, "accounts", `{"name":"Contoso"}`)
	r := must(t, s, 204, "POST", "accounts("+account+")/Account_Tasks", `{"subject":"a"}`)
	if want := s.URL + "/api/data/v9.2/tasks(" + newID(r) + ")"; r.header.Get("OData-EntityId") != want {
		t.Errorf("OData-EntityId: got %q, want %q", r.header.Get("OData-EntityId"), want)
	}
	wantStored(t, s, "task", newID(r), columns{"regardingobjectid": account, "regardingobjectid$table": "account"})
	lead := newID(must(t, s, 201, "POST", "accounts("+account+")/accountleads_association", `{"lastname":"b"}`, "Prefer: return=representation"))
	if n := emulator.Ask[int](t, s, "SELECT count(*) FROM accountleads WHERE leadid = ?", lead); n != 1 {
		t.Errorf("got %d links, want 1", n)
	}
}

func TestReferencesThatMakeNoSenseAreRefused(t *testing.T) {
	s := start(t)
	account := "accounts(" + add(t, s, "accounts", `{"name":"Contoso"}`) + ")"
	link := `{"@odata.id":"` + s.URL + `/api/data/v9.2/contacts(` + one + `)"}`
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", account + "/primarycontactid/$ref", link, 405},
		{"PUT", account + "/contact_customer_accounts/$ref", link, 405},
		{"PUT", account + "/primarycontactid/$ref", link, 404},
		{"PUT", account + "/primarycontactid/$ref", `{"@odata.id":"` + s.URL + `/api/data/v9.2/` + account + `"}`, 400},
		{"PUT", account + "/primarycontactid/$ref", `{"id":"x"}`, 400},
		{"PUT", account + "/primarycontactid/$ref", `{"@odata.id":"contacts(` + one + `)"}`, 400},
		{"POST", account + "/contact_customer_accounts/$ref", `{"@odata.id":"/contacts(` + one + `)"}`, 400},
		{"PUT", account + "/primarycontactid/$ref", `{"@odata.context":"` + s.URL + `/api/data/v9.2/$metadata#$ref","@odata.id":"contacts(` + one + `)"}`, 404},
		{"PUT", account + "/createdby/$ref", link, 404},
		{"DELETE", account + "/createdby/$ref", "", 405},
		{"DELETE", account + "/contact_customer_accounts/$ref", "", 400},
		{"PUT", account + "/nonsense/$ref", link, 404},
		{"PUT", account + "/name/$ref", link, 404},
		{"PUT", account + "/primarycontactid/fullname", link, 404},
		{"POST", "accounts(" + one + ")/Account_Tasks", `{"subject":"a"}`, 404},
		{"POST", account + "/createdby", `{}`, 405},
	} {
		must(t, s, c.status, c.method, c.path, c.body)
	}
}
