package emulator_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// FuzzDefinitionBodies holds every body of a definition to an answer of the service, and the schema to staying whole.
func FuzzDefinitionBodies(f *testing.F) {
	for _, body := range []string{
		bankAccount, balance, bankOfAccount, `{}`, `[]`, `{"SchemaName":null}`, `{"@odata.type":"#Microsoft.Dynamics.CRM.Label"}`,
		newColumn("Picklist", "new_Kind", `,"OptionSet":{"Options":[{"Value":1,"Label":`+text("One")+`},{"Value":1}]}`),
		newColumn("Boolean", "new_Flag", `,"OptionSet":{"TrueOption":null}`), newColumn("Image", "new_Photo", ""),
		`{"@odata.type":"Microsoft.Dynamics.CRM.ManyToManyRelationshipMetadata","SchemaName":"new_a_b","Entity1LogicalName":"contact","Entity2LogicalName":"contact"}`,
		`{"SchemaName":"new_Key","KeyAttributes":["name","name"]}`,
		`{"Name":"new_Kinds","DisplayName":` + text("Kinds") + `,"@odata.type":"Microsoft.Dynamics.CRM.OptionSetMetadata","Options":[{}]}`,
		`{"OptionSetName":"budgetstatus","Value":1,"Values":[1,1],"Label":` + text("One") + `}`,
	} {
		f.Add(body)
	}
	requests := []struct{ method, path string }{
		{"POST", "EntityDefinitions"}, {"PUT", "EntityDefinitions(LogicalName='account')"},
		{"POST", "EntityDefinitions(LogicalName='account')/Attributes"}, {"PUT", "EntityDefinitions(LogicalName='account')/Attributes(LogicalName='name')"},
		{"POST", "EntityDefinitions(LogicalName='account')/Keys"}, {"POST", "RelationshipDefinitions"}, {"POST", "GlobalOptionSetDefinitions"},
		{"POST", "InsertOptionValue"}, {"POST", "OrderOption"}, {"POST", "DeleteOptionValue"}, {"POST", "PublishXml"},
	}
	e, err := emulator.New(f.Context(), emulator.Options{Empty: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = e.Close() })
	ask := func(t *testing.T, method, path, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, "/api/data/v9.2/"+path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+emulator.DefaultToken)
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		return w
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, r := range requests {
			if got := ask(t, r.method, r.path, body); got.Code >= http.StatusInternalServerError {
				t.Errorf("%s %s: status %d: %s\nbody %s", r.method, r.path, got.Code, got.Body, body)
			}
		}
		for _, path := range []string{"EntityDefinitions(LogicalName='account')?$expand=Attributes", "accounts", "RelationshipDefinitions"} {
			if got := ask(t, http.MethodGet, path, ""); got.Code != http.StatusOK {
				t.Errorf("%s after %s: status %d: %s", path, body, got.Code, got.Body)
			}
		}
	})
}
