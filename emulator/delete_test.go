package emulator_test

import (
	"net/http"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/seed"
)

func TestADeletedRowIsGoneAndRemembered(t *testing.T) {
	s := start(t)
	add(t, s, "accounts", `{"accountid":"`+one+`"}`)
	must(t, s, http.StatusNoContent, "DELETE", "accounts("+one+")", "")
	wantGone(t, s, "account", one)
	if n := emulator.Ask[int](t, s, `SELECT count(*) FROM "$deleted" WHERE "table" = 'account' AND id = ? AND version > 1000000`, one); n != 1 {
		t.Errorf("got %d notes of the deletion, want 1", n)
	}
	want := failure("0x80040217", "Entity 'account' With Id = "+one+" Does Not Exist")
	for _, headers := range [][]string{nil, {"If-Match: *"}} {
		if r := must(t, s, http.StatusNotFound, "DELETE", "accounts("+one+")", "", headers...); r.body != want {
			t.Errorf("got %s, want %s", r.body, want)
		}
	}
}

func TestADeletionCascadesAsTheRelationshipsSay(t *testing.T) {
	s := start(t)
	add(t, s, "accounts", `{"accountid":"`+one+`","name":"Contoso","primarycontactid":{"contactid":"`+two+`","lastname":"a"},
		"Account_Tasks":[{"activityid":"`+three+`","subject":"task","Task_Annotation":[{"annotationid":"`+four+`"}]}],
		"accountleads_association":[{"lastname":"lead"}]}`)
	child := add(t, s, "accounts", `{"parentaccountid@odata.bind":"/accounts(`+one+`)"}`)
	mail := add(t, s, "emails", `{"email_activity_parties":[{"partyid_contact@odata.bind":"/contacts(`+two+`)","participationtypemask":2}]}`)

	must(t, s, http.StatusNoContent, "DELETE", "contacts("+two+")", "")
	wantStored(t, s, "account", one, columns{"primarycontactid": nil})
	if got, want := parties(t, s, mail), "2 - -|9 systemuser admin@contoso.example"; got != want {
		t.Errorf("parties after one was deleted: got %s, want %s", got, want)
	}
	if n := emulator.Ask[int](t, s, "SELECT ispartydeleted FROM activityparty WHERE activityid = ? AND participationtypemask = 2", mail); n != 1 {
		t.Errorf("ispartydeleted: got %d, want 1", n)
	}

	must(t, s, http.StatusNoContent, "DELETE", "accounts("+one+")", "")
	wantGone(t, s, "task", three)
	wantGone(t, s, "annotation", four)
	wantStored(t, s, "account", child, columns{"parentaccountid": nil})
	for query, what := range map[string]string{
		"SELECT count(*) FROM accountleads":                                            "links to leads",
		"SELECT count(*) FROM activityparty WHERE activityid = '" + three + "'":        "parties of the task",
		"SELECT count(*) - 1 FROM lead":                                                "leads",
		"SELECT count(*) - 2 FROM \"$deleted\" WHERE \"table\" IN ('account', 'task')": "notes",
	} {
		if n := emulator.Ask[int](t, s, query); n != 0 {
			t.Errorf("%s: got %d too many", what, n)
		}
	}
}

func TestARowInUseIsNotDeleted(t *testing.T) {
	s := start(t)
	id := add(t, s, "accounts", `{"name":"Contoso"}`)
	want := failure("0x80040227", "The object you tried to delete is associated with another object and cannot be deleted.")
	if r := must(t, s, http.StatusMethodNotAllowed, "DELETE", "transactioncurrencies("+seed.BaseCurrencyID+")", ""); r.body != want {
		t.Errorf("got %s, want %s", r.body, want)
	}
	wantStored(t, s, "account", id, columns{"transactioncurrencyid": seed.BaseCurrencyID})
	add(t, s, "invoices", `{"name":"i","customerid_account@odata.bind":"/accounts(`+id+`)","invoice_details":[{"isproductoverridden":true,"productdescription":"x","quantity":1,"priceperunit":2}]}`)
	add(t, s, "accounts", `{"accountid":"`+one+`","Account_Tasks":[{"activityid":"`+two+`"}],"invoice_customer_accounts":[{"name":"i"}]}`)
	must(t, s, http.StatusMethodNotAllowed, "DELETE", "accounts("+one+")", "")
	if emulator.Stored(t, s, "task", two) == nil {
		t.Error("the refused deletion took a task with it")
	}
}
