package emulator_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

const label = `{"@odata.type":"Microsoft.Dynamics.CRM.Label","LocalizedLabels":[{"@odata.type":"Microsoft.Dynamics.CRM.LocalizedLabel","Label":"x","LanguageCode":1033}]}`

// severalTargets is the body that makes a lookup of tasks to tables.
func severalTargets(lookup string, targets ...string) string {
	relationships := make([]string, len(targets))
	for i, target := range targets {
		relationships[i] = `{"SchemaName":"` + lookup + `_` + target + `_task","ReferencedEntity":"` + target + `","ReferencingEntity":"task"}`
	}
	return `{"OneToManyRelationships":[` + strings.Join(relationships, ",") + `],"Lookup":{"AttributeType":"Lookup",
		"AttributeTypeName":{"Value":"LookupType"},"SchemaName":"` + lookup + `","DisplayName":` + label + `,
		"@odata.type":"Microsoft.Dynamics.CRM.ComplexLookupAttributeMetadata"}}`
}

func TestALookupLeadsToSeveralTables(t *testing.T) {
	for action, lookup := range map[string]string{"CreatePolymorphicLookupAttribute": "new_Poly", "CreateCustomerRelationships": "new_CustomerId"} {
		s := start(t)
		made := must(t, s, http.StatusOK, "POST", action, severalTargets(lookup, "contact", "account"))
		if !regexp.MustCompile(action + `Response","RelationshipIds":\["[0-9a-f-]{36}","[0-9a-f-]{36}"\],"AttributeId":"[0-9a-f-]{36}"\}$`).MatchString(made.body) {
			t.Errorf("%s: got %s", action, made.body)
		}
		column := strings.ToLower(lookup)
		if r := get(t, s, "EntityDefinitions(LogicalName='task')/Attributes(LogicalName='"+column+"')/Microsoft.Dynamics.CRM.LookupAttributeMetadata?$select=Targets"); !strings.Contains(r.body, `"Targets":["account","contact"]`) {
			t.Errorf("%s: got %s", action, r.body)
		}
		for set, target := range map[string]string{"accounts": "account", "contacts": "contact"} {
			one := add(t, s, set, `{}`)
			id := add(t, s, "tasks", `{"subject":"x","`+lookup+`_`+target+`@odata.bind":"/`+set+`(`+one+`)"}`)
			r := must(t, s, http.StatusOK, "GET", "tasks("+id+")?$select=_"+column+"_value", "", `Prefer: odata.include-annotations="Microsoft.Dynamics.CRM.*"`)
			for _, want := range []string{`_value":"` + one + `"`, `lookuplogicalname":"` + target + `"`, `associatednavigationproperty":"` + lookup + `_` + target + `"`} {
				if !strings.Contains(r.body, want) {
					t.Errorf("%s: got %s, want %s", action, r.body, want)
				}
			}
			if r := get(t, s, set+"("+one+")/"+lookup+"_"+target+"_task?$select=subject"); !strings.Contains(r.body, id) {
				t.Errorf("%s: got %s, want the task %s", action, r.body, id)
			}
		}
		must(t, s, http.StatusBadRequest, "DELETE", "RelationshipDefinitions(SchemaName='"+lookup+"_account_task')", "")
		must(t, s, http.StatusNoContent, "DELETE", "EntityDefinitions(LogicalName='task')/Attributes(LogicalName='"+column+"')", "")
		must(t, s, http.StatusOK, "POST", action, severalTargets(lookup, "account", "contact"))
	}
}

func TestALookupToSeveralTablesIsCheckedBeforeItIsMade(t *testing.T) {
	s := start(t)
	for action, body := range map[string]string{
		"CreateCustomerRelationships":            severalTargets("new_CustomerId", "account", "lead"),
		"CreatePolymorphicLookupAttribute":       severalTargets("new_Poly"),
		"CreatePolymorphicLookupAttribute?twice": severalTargets("new_Poly", "account", "account"),
		"CreatePolymorphicLookupAttribute?none":  severalTargets("new_Poly", "nothing"),
		"CreatePolymorphicLookupAttribute?name":  severalTargets("Poly", "account"),
		"CreatePolymorphicLookupAttribute?kind":  strings.Replace(severalTargets("new_Poly", "account"), "ComplexLookup", "ComplexString", 1),
	} {
		must(t, s, http.StatusBadRequest, "POST", action, body)
	}
	if r := get(t, s, "EntityDefinitions(LogicalName='task')/Attributes?$select=LogicalName&$filter=LogicalName%20eq%20'new_poly'"); !strings.Contains(r.body, `"value":[]`) {
		t.Errorf("got %s", r.body)
	}
}
