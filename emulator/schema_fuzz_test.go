package emulator_test

import (
	"net/http"
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
	f.Fuzz(func(t *testing.T, body string) {
		s := emulator.Start(t)
		for _, r := range requests {
			if got := send(t, s, r.method, r.path, body); got.status >= http.StatusInternalServerError || got.status < 200 {
				t.Errorf("%s %s: status %d: %s\nbody %s", r.method, r.path, got.status, got.body, body)
			}
		}
		for _, path := range []string{"$metadata", "EntityDefinitions(LogicalName='account')?$expand=Attributes", "accounts", "RelationshipDefinitions"} {
			if got := get(t, s, path); got.status != http.StatusOK {
				t.Errorf("%s after %s: status %d: %s", path, body, got.status, got.body)
			}
		}
	})
}
