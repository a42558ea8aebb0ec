package emulator_test

import (
	"net/http"
	"strings"
	"testing"

	"golang.org/x/oauth2/clientcredentials"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/seed"
)

func TestStartCreatesTheRowsOfATest(t *testing.T) {
	s := emulator.Start(t, emulator.Rows("accounts", emulator.Row{"name": "Contoso"}, emulator.Row{"name": "Fabrikam"}))
	got := get(t, s, "accounts?$select=name&$orderby=name")
	for _, want := range []string{`"name":"Contoso"`, `"name":"Fabrikam"`} {
		if strings.Count(got.body, want) != 1 {
			t.Errorf("no %s in %s", want, got.body)
		}
	}
	if got := get(t, s, "contacts/$count"); strings.TrimPrefix(got.body, "\ufeff") != "0" {
		t.Errorf("contacts of an emulator without sample data: %q, want 0", got.body)
	}
}

func TestSampleDataIsThereWhereAskedFor(t *testing.T) {
	s := emulator.Start(t, emulator.WithSampleData())
	if got := get(t, s, "accounts/$count"); strings.TrimPrefix(got.body, "\ufeff") == "0" {
		t.Errorf("accounts: none")
	}
}

// An OAuth library that knows nothing of the emulator signs in by the form it prefers.
func TestAnOAuthLibrarySignsIn(t *testing.T) {
	s := emulator.Start(t)
	config := clientcredentials.Config{
		ClientID: seed.ApplicationClientID, ClientSecret: s.Token,
		TokenURL: s.URL + "/" + seed.TenantID + "/oauth2/v2.0/token", Scopes: []string{s.URL + "/.default"},
	}
	answer, err := config.Client(t.Context()).Get(s.URL + "/api/data/v9.2/WhoAmI")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("status %d, want 200", answer.StatusCode)
	}
}

func TestARowMadeForAnotherUserNamesBoth(t *testing.T) {
	s := emulator.Start(t)
	const id = "11111111-2222-4333-8444-555555555555"
	made := send(t, s, http.MethodPost, "accounts", `{"accountid":"`+id+`","name":"Contoso"}`, "MSCRMCallerID: "+seed.ApplicationUserID)
	if made.status != http.StatusNoContent {
		t.Fatalf("create: %d %s", made.status, made.body)
	}
	got := get(t, s, "accounts("+id+")?$select=_createdby_value,_createdonbehalfby_value")
	for _, want := range []string{`"_createdby_value":"` + seed.ApplicationUserID + `"`, `"_createdonbehalfby_value":"` + seed.AdministratorID + `"`} {
		if !strings.Contains(got.body, want) {
			t.Errorf("no %s in %s", want, got.body)
		}
	}
}
