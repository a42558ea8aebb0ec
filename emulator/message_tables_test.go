package emulator_test

import (
	"net/http"
	"strings"
	"testing"
)

// complexTable is a table as an action takes it: its types are the complex twins of those of EntityDefinitions.
func complexTable(name string) string {
	const kind = `"@odata.type":"Microsoft.Dynamics.CRM.Complex`
	column := func(of, name, rest string) string {
		return `{` + kind + of + `AttributeMetadata","SchemaName":"` + name + `","DisplayName":` + text(name) + `,"RequiredLevel":{"Value":"None"}` + rest + `}`
	}
	option := func(value, name string) string {
		return `{` + kind + `OptionMetadata","Value":` + value + `,"Label":` + text(name) + `}`
	}
	return `{` + kind + `EntityMetadata","SchemaName":"` + name + `","DisplayName":` + text(name) + `,"DisplayCollectionName":` + text(name+"s") +
		`,"OwnershipType":"UserOwned","HasActivities":false,"HasNotes":true,"IsActivity":false,"Attributes":[` + strings.Join([]string{
		column("String", "new_Name", `,"MaxLength":200,"FormatName":{"Value":"Text"},"IsPrimaryName":true`),
		column("Picklist", "new_Size", `,"OptionSet":{`+kind+`OptionSetMetadata","IsGlobal":false,"Options":[`+option("1", "Small")+`,`+option("2", "Large")+`]}`),
		column("Boolean", "new_Done", `,"OptionSet":{`+kind+`BooleanOptionSetMetadata","TrueOption":{"Value":1,"Label":`+text("True")+`},"FalseOption":{"Value":0,"Label":`+text("False")+`},"IsGlobal":false}`),
	}, ",") + `]}`
}

func TestAnActionMakesTables(t *testing.T) {
	s := start(t)
	body := `{"Entities":[` + complexTable("new_Crate") + `,` + complexTable("new_Box") + `]}`
	must(t, s, http.StatusNoContent, "POST", "CreateEntities?SolutionUniqueName=mine", body)
	for _, set := range []string{"new_crates", "new_boxes"} {
		id := add(t, s, set, `{"new_name":"a","new_size":2,"new_done":true}`)
		r := must(t, s, http.StatusOK, "GET", set+"("+id+")?$select=new_size", "", `Prefer: odata.include-annotations="*"`)
		if !strings.Contains(r.body, `"new_size@OData.Community.Display.V1.FormattedValue":"Large"`) {
			t.Errorf("%s: got %s", set, r.body)
		}
	}
}

func TestAnActionMakesAllTablesOrNone(t *testing.T) {
	s := start(t)
	for _, other := range []string{complexTable("NoPrefix"), complexTable("new_Crate"), `{"SchemaName":"new_Box"}`, `{"Colour":"red"}`} {
		must(t, s, http.StatusBadRequest, "POST", "CreateEntities", `{"Entities":[`+complexTable("new_Crate")+`,`+other+`]}`)
	}
	must(t, s, http.StatusNotFound, "GET", "new_crates", "")
	must(t, s, http.StatusBadRequest, "POST", "CreateEntities", `{}`)
}
