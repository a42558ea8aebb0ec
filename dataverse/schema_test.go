package dataverse_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// balance is the example of Microsoft's own connector for Dataverse metadata.
const balance = `{"AttributeType":"Money","AttributeTypeName":{"Value":"MoneyType"},` +
	`"Description":{"@odata.type":"Microsoft.Dynamics.CRM.Label","LocalizedLabels":[{"@odata.type":"Microsoft.Dynamics.CRM.LocalizedLabel","Label":"Enter the balance amount","LanguageCode":1033}]},` +
	`"DisplayName":{"@odata.type":"Microsoft.Dynamics.CRM.Label","LocalizedLabels":[{"@odata.type":"Microsoft.Dynamics.CRM.LocalizedLabel","Label":"Balance","LanguageCode":1033}]},` +
	`"RequiredLevel":{"Value":"None","CanBeChanged":true,"ManagedPropertyLogicalName":"canmodifyrequirementlevelsettings"},` +
	`"SchemaName":"new_Balance","@odata.type":"Microsoft.Dynamics.CRM.MoneyAttributeMetadata","PrecisionSource":2}`

func TestAColumnCanBeUsedOnceItIsMadeAndNoMoreOnceItIsGone(t *testing.T) {
	server := emulator.Start(t)
	transport := &counting{signedIn: signedIn{server.Token}}
	c := open(t, dataverse.Options{URL: server.URL, Transport: transport, CacheDir: t.TempDir()})
	if _, err := c.Table(t.Context(), "contact"); err != nil {
		t.Fatal(err)
	}
	id, err := c.CreateColumn(t.Context(), "Accounts", json.RawMessage(balance))
	if err != nil || len(id) != 36 {
		t.Fatalf("got id %q, %v", id, err)
	}
	table, err := c.Table(t.Context(), "account", "new_balance")
	if err != nil {
		t.Fatal(err)
	}
	if column, _ := table.Column("new_balance"); column.DisplayName != "Balance" || column.Type != dataverse.MoneyColumn || !column.Custom {
		t.Errorf("got %+v", column)
	}
	row := create(t, c, "account", dataverse.Values{"name": "A", "new_balance": 12.5})
	if got := get(t, c, "account", row, dataverse.Query{Select: []string{"new_balance"}}); got.Number("new_balance") != 12.5 {
		t.Errorf("got %v, want 12.5", got.Number("new_balance"))
	}

	renamed := strings.ReplaceAll(balance, `"Label":"Balance"`, `"Label":"Credit balance"`)
	if err := c.UpdateColumn(t.Context(), "account", "new_Balance", json.RawMessage(renamed)); err != nil {
		t.Fatal(err)
	}
	if table, err = c.Table(t.Context(), "account"); err != nil {
		t.Fatal(err)
	}
	if column, _ := table.Column("new_balance"); column == nil || column.DisplayName != "Credit balance" {
		t.Errorf("renamed: got %+v", column)
	}

	if err := c.DeleteColumn(t.Context(), "account", "new_balance"); err != nil {
		t.Fatal(err)
	}
	_, err = c.Create(t.Context(), "account", dataverse.Values{"name": "B", "new_balance": 1})
	if e, ok := errors.AsType[*dataverse.Error](err); !ok || e.Kind != dataverse.Invalid || e.Status != 0 {
		t.Errorf("got %v, want that it is refused before it is sent", err)
	}
	transport.definitions.Store(0)
	if _, err := c.Table(t.Context(), "contact"); err != nil || transport.definitions.Load() != 0 {
		t.Errorf("contact, which has not changed, cost %d requests, %v", transport.definitions.Load(), err)
	}
}

func TestWhatOthersAddIsKnownToAStartFromDisk(t *testing.T) {
	server := emulator.Start(t)
	dir := t.TempDir()
	starting(t, server, dir)
	other := open(t, dataverse.Options{URL: server.URL, Transport: signedIn{server.Token}})
	if _, err := other.CreateColumn(t.Context(), "account", json.RawMessage(balance)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{true, false} {
		table, _ := starting(t, server, dir)
		if _, ok := table.Column("new_balance"); ok != want {
			t.Errorf("new_balance is there: %v, want %v", ok, want)
		}
		if want {
			if err := other.DeleteColumn(t.Context(), "account", "new_balance"); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestDefinitionsThatCannotBeAreRefusedBeforeTheyAreSent(t *testing.T) {
	c := open(t, dataverse.Options{URL: emulator.Start(t).URL, Transport: signedIn{emulator.DefaultToken}})
	_, noJSON := c.CreateColumn(t.Context(), "account", json.RawMessage(`{`))
	for name, test := range map[string]struct {
		err  error
		kind dataverse.Kind
		near []string
	}{
		"no JSON":   {err: noJSON, kind: dataverse.Invalid},
		"no object": {err: c.UpdateColumn(t.Context(), "account", "name", json.RawMessage(`[]`)), kind: dataverse.Invalid},
		"no table":  {err: c.DeleteColumn(t.Context(), "acount", "name"), kind: dataverse.NotFound, near: []string{"account"}},
		"no column": {err: c.DeleteColumn(t.Context(), "account", "telefone1"), kind: dataverse.Invalid, near: []string{"telephone1"}},
	} {
		e, ok := errors.AsType[*dataverse.Error](test.err)
		if !ok || e.Kind != test.kind || e.Status != 0 || test.near != nil && !cmp.Equal(e.Nearest[:1], test.near) {
			t.Errorf("%s: got %#v", name, test.err)
		}
	}
}

// project is a table with a name and nothing else.
const project = `{"@odata.type":"Microsoft.Dynamics.CRM.EntityMetadata","SchemaName":"new_Project","OwnershipType":"UserOwned","HasActivities":false,"HasNotes":false,"IsActivity":false,` +
	`"DisplayName":{"LocalizedLabels":[{"Label":"Project","LanguageCode":1033}]},"DisplayCollectionName":{"LocalizedLabels":[{"Label":"Projects","LanguageCode":1033}]},` +
	`"Attributes":[{"@odata.type":"Microsoft.Dynamics.CRM.StringAttributeMetadata","IsPrimaryName":true,"SchemaName":"new_Name","MaxLength":100,` +
	`"RequiredLevel":{"Value":"None"},"DisplayName":{"LocalizedLabels":[{"Label":"Name","LanguageCode":1033}]},"FormatName":{"Value":"Text"}}]}`

func TestTablesThatOthersMakeAndDeleteComeAndGo(t *testing.T) {
	server := emulator.Start(t)
	now := time.Now()
	c := open(t, dataverse.Options{URL: server.URL, Transport: signedIn{server.Token}, Now: func() time.Time { return now }})
	if _, err := c.Table(t.Context(), "Projects"); dataverse.KindOf(err) != dataverse.NotFound {
		t.Fatalf("got %v, want NotFound", err)
	}
	send := func(method, path, body string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL+root+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		answer, err := signedIn{server.Token}.RoundTrip(r)
		if err != nil || answer.StatusCode != http.StatusNoContent {
			t.Fatalf("%s %s: %v, %v", method, path, answer, err)
		}
		if err := answer.Body.Close(); err != nil {
			t.Fatal(err)
		}
	}
	send(http.MethodPost, "EntityDefinitions", project)
	now = now.Add(61 * time.Second)
	if table, err := c.Table(t.Context(), "Projects"); err != nil || table.LogicalName != "new_project" {
		t.Fatalf("got %v, %v", table, err)
	}
	send(http.MethodDelete, "EntityDefinitions(LogicalName='new_project')", "")
	now = now.Add(11 * time.Minute)
	if _, err := c.Table(t.Context(), "new_project"); dataverse.KindOf(err) != dataverse.NotFound {
		t.Errorf("got %v, want NotFound", err)
	}
}
