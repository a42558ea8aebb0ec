package emulator_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// changed is an answer of RetrieveMetadataChanges.
type changed struct {
	ServerVersionStamp string
	DeletedMetadata    struct {
		Count  int
		Keys   []string
		Values []struct{ Items []string }
	}
	EntityMetadata []map[string]any
}

// changesPath is the path of RetrieveMetadataChanges with a query, and a stamp where there is one.
func changesPath(query, stamp string) string {
	if stamp == "" {
		return "RetrieveMetadataChanges(Query=@p1)?@p1=" + url.QueryEscape(query)
	}
	return "RetrieveMetadataChanges(Query=@p1,DeletedMetadataFilters=@p2,ClientVersionStamp=@p3)?@p1=" + url.QueryEscape(query) +
		"&@p2=Microsoft.Dynamics.CRM.DeletedMetadataFilters'All'&@p3='" + url.QueryEscape(stamp) + "'"
}

func retrieveChanges(t *testing.T, s *emulator.Server, query, stamp string) changed {
	t.Helper()
	got := get(t, s, changesPath(query, stamp))
	var answer changed
	if err := json.Unmarshal([]byte(got.body), &answer); got.status != http.StatusOK || err != nil {
		t.Fatalf("RetrieveMetadataChanges %s since %q: status %d, %v: %s", query, stamp, got.status, err, got.body)
	}
	return answer
}

const accountNamesQuery = `{"Properties":{"AllProperties":false,"PropertyNames":["LogicalName","SchemaName","Attributes"]},` +
	`"Criteria":{"FilterOperator":"Or","Conditions":[{"ConditionOperator":"Equals","PropertyName":"LogicalName","Value":{"Type":"System.String","Value":"account"}}]},` +
	`"AttributeQuery":{"Properties":{"AllProperties":false,"PropertyNames":["SchemaName","MaxLength"]},` +
	`"Criteria":{"FilterOperator":"And","Conditions":[{"ConditionOperator":"In","PropertyName":"LogicalName","Value":{"Type":"System.String[]","Value":"['name','accountid','industrycode']"}}]}},` +
	`"LabelQuery":{"FilterLanguages":[1033],"MissingLabelBehavior":0}}`

func TestMetadataChangesHoldAllPropertiesAndFillThoseAskedFor(t *testing.T) {
	s := emulator.Start(t, emulator.At(noon))
	got := get(t, s, changesPath(accountNamesQuery, ""))
	const begin = `{"@odata.context":"http://org/api/data/v9.2/$metadata#Microsoft.Dynamics.CRM.RetrieveMetadataChangesResponse",` +
		`"ServerVersionStamp":"1000000!03/02/2026 12:00:00","DeletedMetadata":{"Count":0,"IsReadOnly":false,"Keys":[],"Values":[]},"EntityMetadata":[{"ActivityTypeMask":null,`
	if got.status != http.StatusOK || !strings.HasPrefix(got.body, begin) {
		t.Fatalf("status %d, got %.600s\nwant it to begin %s", got.status, got.body, begin)
	}
	answer := retrieveChanges(t, s, accountNamesQuery, "")
	table := answer.EntityMetadata[0]
	columns := table["Attributes"].([]any)
	var types []any
	for _, c := range columns {
		column := c.(map[string]any)
		types = append(types, column["@odata.type"], column["LogicalName"], column["MaxLength"], column["HasChanged"])
	}
	want := []any{
		nil, "accountid", nil, nil,
		"#Microsoft.Dynamics.CRM.ComplexPicklistAttributeMetadata", "industrycode", nil, nil,
		"#Microsoft.Dynamics.CRM.ComplexStringAttributeMetadata", "name", 160.0, nil,
	}
	if diff := cmp.Diff(want, types); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	if len(table) < 100 || table["SchemaName"] != "Account" || table["DisplayName"] != nil || table["Keys"] != nil {
		t.Errorf("table: %d properties, SchemaName %v, DisplayName %v, Keys %v", len(table), table["SchemaName"], table["DisplayName"], table["Keys"])
	}
}

func TestMetadataChangesOfAChoiceHoldItsOptions(t *testing.T) {
	s := emulator.Start(t)
	answer := retrieveChanges(t, s, strings.ReplaceAll(strings.Replace(accountNamesQuery, `"MaxLength"`, `"OptionSet"`, 1), `"System.String[]","Value":"['name','accountid','industrycode']"`,
		`"System.String[]","Value":"['accountcategorycode']"`), "")
	column := answer.EntityMetadata[0]["Attributes"].([]any)[0].(map[string]any)
	if options := column["OptionSet"].(map[string]any)["Options"].([]any); len(options) != 2 {
		t.Errorf("options %v, want two", options)
	}
	if column["GlobalOptionSet"] != nil {
		t.Errorf("GlobalOptionSet %v, want null", column["GlobalOptionSet"])
	}
}

func TestMetadataChangesAreFewWhereNothingChanged(t *testing.T) {
	s := emulator.Start(t)
	all := `{"Properties":{"AllProperties":true}}`
	first := retrieveChanges(t, s, all, "")
	if len(first.EntityMetadata) < 80 {
		t.Errorf("first call: %d tables, want all", len(first.EntityMetadata))
	}
	if n := len(first.EntityMetadata[0]["ManyToOneRelationships"].([]any)); n == 0 {
		t.Errorf("first call: no relationships of %v", first.EntityMetadata[0]["LogicalName"])
	}
	again := retrieveChanges(t, s, all, first.ServerVersionStamp)
	if len(again.EntityMetadata) != 0 || again.DeletedMetadata.Count != 0 {
		t.Errorf("second call: %d tables, %d deletions, want none", len(again.EntityMetadata), again.DeletedMetadata.Count)
	}
}

func TestMetadataChangesFilterByEveryOperator(t *testing.T) {
	s := emulator.Start(t)
	for _, test := range []struct{ condition, want string }{
		{`"PropertyName":"OwnershipType","ConditionOperator":"Equals","Value":{"Type":"Microsoft.Xrm.Sdk.Metadata.OwnershipTypes","Value":"8"}`, "currency"},
		{`"PropertyName":"OwnershipType","ConditionOperator":"NotEquals","Value":{"Type":"Microsoft.Xrm.Sdk.Metadata.OwnershipTypes","Value":"UserOwned"}`, "currency"},
		{`"PropertyName":"LogicalName","ConditionOperator":"NotIn","Value":{"Type":"System.String[]","Value":"['account','contact']"}`, "currency"},
		{`"PropertyName":"ObjectTypeCode","ConditionOperator":"LessThan","Value":{"Type":"System.Int32","Value":"3"}`, "account"},
		{`"PropertyName":"IsCustomizable","ConditionOperator":"Equals","Value":{"Type":"System.Boolean","Value":"True"}`, "account"},
		{`"PropertyName":"IsIntersect","ConditionOperator":0,"Value":{"Type":"System.Boolean","Value":"false"}`, "account"},
		{`"PropertyName":"PrimaryImageAttribute","ConditionOperator":"NotEquals","Value":null`, "account"},
	} {
		answer := retrieveChanges(t, s, `{"Criteria":{"FilterOperator":"And","Conditions":[{`+test.condition+`}]}}`, "")
		var names []string
		for _, table := range answer.EntityMetadata {
			names = append(names, table["LogicalName"].(string))
		}
		account := strings.Contains(" "+strings.Join(names, " ")+" ", " account ")
		if len(names) == 0 || account != (test.want == "account") {
			t.Errorf("%s: account is among them: %v, %d tables", test.condition, account, len(names))
		}
	}
}

func TestMetadataChangesRefuseWhatCannotBeRead(t *testing.T) {
	s := emulator.Start(t, emulator.At(noon))
	all := url.QueryEscape(`{"Properties":{"AllProperties":true}}`)
	const expired = `{"error":{"code":"0x80044352","message":"Version stamp associated with the client has expired. Please perform a full sync."}}`
	for _, test := range []struct{ path, want string }{
		{changesPath(`{"Properties":{"PropertyNames":["Colour"]}}`, ""), `{"error":{"code":"0x80060888","message":"Could not find a property named 'Colour' on type 'Microsoft.Dynamics.CRM.ComplexEntityMetadata'."}}`},
		{changesPath(`{"Criteria":{"Conditions":[{"PropertyName":"DisplayName","ConditionOperator":"Equals"}]}}`, ""), `{"error":{"code":"0x80060888","message":"The property 'DisplayName' cannot be used in a filter of definitions."}}`},
		{changesPath(`{"Criteria":{"Conditions":[{"PropertyName":"LogicalName","ConditionOperator":"Like"}]}}`, ""), `{"error":{"code":"0x80060888","message":"'Like' is not a member of Microsoft.Dynamics.CRM.MetadataConditionOperator."}}`},
		{changesPath(`{"Criteria":{"FilterOperator":"Xor"}}`, ""), `{"error":{"code":"0x80060888","message":"'Xor' is not a member of Microsoft.Dynamics.CRM.LogicalOperator."}}`},
		{"RetrieveMetadataChanges(Query=@p1)?@p1='all'", `{"error":{"code":"0x80060888","message":"The argument 'Query' is not a Microsoft.Dynamics.CRM.EntityQueryExpression: 'all'"}}`},
		{"RetrieveMetadataChanges()", `{"error":{"code":"0x8006088a","message":"Resource not found for the segment 'RetrieveMetadataChanges'."}}`},
		{changesPath(`{}`, "1000000!12/01/2025 11:59:59"), expired},
		{changesPath(`{}`, "1000001!03/02/2026 12:00:00"), expired},
		{changesPath(`{}`, "yesterday"), `{"error":{"code":"0x80040203","message":"The version stamp 'yesterday' is not valid."}}`},
		{"RetrieveMetadataChanges(Query=@p1,DeletedMetadataFilters=@p2)?@p1=" + all + "&@p2=Microsoft.Dynamics.CRM.DeletedMetadataFilters'Some'",
			`{"error":{"code":"0x80060888","message":"The argument 'DeletedMetadataFilters' is not a member of Microsoft.Dynamics.CRM.DeletedMetadataFilters: Microsoft.Dynamics.CRM.DeletedMetadataFilters'Some'"}}`},
	} {
		if got := get(t, s, test.path); got.status/100 != 4 || got.body != test.want {
			t.Errorf("%s: got %d %s\nwant %s", test.path, got.status, got.body, test.want)
		}
	}
}

func TestMetadataChangesHaveNoLabelsInOtherLanguages(t *testing.T) {
	s := emulator.Start(t)
	query := strings.NewReplacer("[1033]", "[1031]", `"SchemaName","Attributes"`, `"DisplayName"`).Replace(accountNamesQuery)
	label := retrieveChanges(t, s, query, "").EntityMetadata[0]["DisplayName"]
	if diff := cmp.Diff(map[string]any{"LocalizedLabels": []any{}, "UserLocalizedLabel": nil}, label); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
