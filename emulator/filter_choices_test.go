package emulator_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// hobbies are contacts with the choices of Microsoft's own example, and one without any.
func hobbies(t *testing.T) *emulator.Server {
	t.Helper()
	s := emulator.Start(t, emulator.At(noon))
	var options []string
	for i := 1; i <= 9; i++ {
		options = append(options, fmt.Sprintf(`{"Value":%d,"Label":%s}`, i, text(fmt.Sprint("Hobby ", i))))
	}
	mustSend(t, s, http.MethodPost, "EntityDefinitions(LogicalName='contact')/Attributes", newColumn("MultiSelectPicklist", "sample_OutdoorActivities",
		`,"OptionSet":{"@odata.type":"Microsoft.Dynamics.CRM.OptionSetMetadata","IsGlobal":false,"OptionSetType":"Picklist","Options":[`+strings.Join(options, ",")+`]}`))
	for name, choices := range map[string]string{"Wayne": `"1, 9"`, "Monte": `"2"`, "Randal": `"4"`, "Hiram": `"2,3,8,9"`, "Barbara": `"1,4,7"`,
		"Georgette": `"4,5,9"`, "Verna": `"9,2,4"`, "Marvin": `"1,2,8,9"`, "Nobody": `null`} {
		mustSend(t, s, http.MethodPost, "contacts", `{"lastname":"`+name+`","sample_outdooractivities":`+choices+`}`)
	}
	return s
}

func TestChoicesAreAskedForByTheirValues(t *testing.T) {
	s := hobbies(t)
	for _, c := range []struct{ function, operator, values, want string }{
		{"ContainValues", "contain-values", "2", "Hiram Marvin Monte Verna"},
		{"ContainValues", "contain-values", "3,7", "Barbara Hiram"},
		{"DoesNotContainValues", "not-contain-values", "2", "Barbara Georgette Nobody Randal Wayne"},
		{"DoesNotContainValues", "not-contain-values", "4,9", "Monte Nobody"},
		{"In", "in", "2", "Monte"},
		{"In", "in", "2,4,9", "Verna"},
		{"In", "in", "9,1,1", "Wayne"},
		{"NotIn", "not-in", "9,8,3,2", "Barbara Georgette Marvin Monte Nobody Randal Verna Wayne"},
	} {
		list := strings.Split(c.values, ",")
		filter := "Microsoft.Dynamics.CRM." + c.function + "(PropertyName='sample_outdooractivities',PropertyValues=['" + strings.Join(list, "','") + "'])"
		xml := `<fetch><entity name="contact"><attribute name="lastname"/><filter><condition attribute="sample_outdooractivities" operator="` + c.operator +
			`"><value>` + strings.Join(list, "</value><value>") + `</value></condition></filter></entity></fetch>`
		for what, p := range map[string]page{
			filter: query(t, s, "contacts", map[string]string{"$select": "lastname", "$filter": filter}),
			xml:    query(t, s, "contacts", map[string]string{"fetchXml": xml}),
		} {
			names := strings.Fields(column(p, "lastname"))
			slices.Sort(names)
			if got := strings.Join(names, " "); got != c.want {
				t.Errorf("%s: got %q %s, want %q", what, got, p.Error.Message, c.want)
			}
		}
	}
}

func TestAFetchEncodedTwiceIsRead(t *testing.T) {
	s := company(t)
	p := query(t, s, "accounts", map[string]string{"fetchXml": url.QueryEscape(`<fetch top="1"><entity name="account"><attribute name="name"/><order attribute="name"/></entity></fetch>`)})
	if got := column(p, "name"); got != "Acme" {
		t.Errorf("got %q %v, want Acme", got, p.Error)
	}
}
