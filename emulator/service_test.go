package emulator_test

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

func TestTheServiceDocumentListsEntitySetsByName(t *testing.T) {
	s := emulator.Start(t)
	for _, path := range []string{"/api/data/v9.2/", "/api/data/v9.2"} {
		got := get(t, s, path)
		if want := root[:len(root)-1] + `","value":[{"name":"accounts","kind":"EntitySet","url":"accounts"},`; !strings.HasPrefix(got.body, want) {
			t.Errorf("%s: got %d %.200s, want %s…", path, got.status, got.body, want)
		}
		var document struct {
			Value []struct{ Name, Kind, URL string }
		}
		if err := json.Unmarshal([]byte(got.body), &document); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, set := range document.Value {
			names = append(names, strings.ToLower(set.Name))
		}
		for _, want := range []string{"accounts", "entitydefinitions", "relationshipdefinitions", "tasks"} {
			if !slices.Contains(names, want) {
				t.Errorf("%s: no %s", path, want)
			}
		}
		if !slices.IsSorted(names) {
			t.Errorf("%s: not sorted: %v", path, names)
		}
	}
}

// The parts of CSDL that the tests look at.
type (
	csdlDocument struct {
		Schema csdlSchema `xml:"DataServices>Schema"`
	}
	csdlSchema struct {
		Namespace    string     `xml:",attr"`
		Alias        string     `xml:",attr"`
		EntityTypes  []csdlType `xml:"EntityType"`
		ComplexTypes []csdlType `xml:"ComplexType"`
		EnumTypes    []csdlType `xml:"EnumType"`
		Functions    []struct {
			Name       string         `xml:",attr"`
			Parameters []csdlProperty `xml:"Parameter"`
			Return     csdlProperty   `xml:"ReturnType"`
		} `xml:"Function"`
		Sets []struct {
			Name       string `xml:",attr"`
			EntityType string `xml:",attr"`
			Bindings   []struct {
				Path   string `xml:",attr"`
				Target string `xml:",attr"`
			} `xml:"NavigationPropertyBinding"`
		} `xml:"EntityContainer>EntitySet"`
		Imports []struct {
			Name     string `xml:",attr"`
			Function string `xml:",attr"`
		} `xml:"EntityContainer>FunctionImport"`
	}
	csdlType struct {
		Name     string `xml:",attr"`
		BaseType string `xml:",attr"`
		Key      *struct {
			Names []csdlProperty `xml:"PropertyRef"`
		}
		Properties []csdlProperty `xml:"Property"`
		Navs       []struct {
			csdlProperty
			Partner     string `xml:",attr"`
			Constraints []struct {
				Property           string `xml:",attr"`
				ReferencedProperty string `xml:",attr"`
			} `xml:"ReferentialConstraint"`
		} `xml:"NavigationProperty"`
	}
	csdlProperty struct {
		Name string `xml:",attr"`
		Type string `xml:",attr"`
	}
)

func readCSDL(t *testing.T, s *emulator.Server, path string) csdlSchema {
	t.Helper()
	got := get(t, s, path)
	if got.status != http.StatusOK || got.header.Get("Content-Type") != "application/xml" {
		t.Fatalf("%s: %d %s", path, got.status, got.header.Get("Content-Type"))
	}
	var document csdlDocument
	if err := xml.Unmarshal([]byte(got.body), &document); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return document.Schema
}

func TestTheMetadataDocumentIsSound(t *testing.T) {
	s := emulator.Start(t)
	for _, path := range []string{"$metadata", "$metadata?annotations=true"} {
		schema := readCSDL(t, s, path)
		if schema.Namespace != "Microsoft.Dynamics.CRM" || schema.Alias != "mscrm" {
			t.Fatalf("%s: namespace %q alias %q", path, schema.Namespace, schema.Alias)
		}
		types := map[string]csdlType{}
		for _, group := range [][]csdlType{schema.EntityTypes, schema.ComplexTypes, schema.EnumTypes} {
			for _, typ := range group {
				if _, twice := types[typ.Name]; twice {
					t.Errorf("%s: type %s twice", path, typ.Name)
				}
				types[typ.Name] = typ
			}
		}
		for _, typ := range types {
			checkCSDLType(t, types, typ)
		}
		checkContainer(t, types, schema)
	}
}

// csdlProperties are those of a type and of its base types, by name.
func csdlProperties(t *testing.T, types map[string]csdlType, name string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for name != "" {
		typ, ok := types[name]
		if !ok {
			t.Errorf("no type %s", name)
		}
		for _, p := range typ.Properties {
			if _, twice := all[p.Name]; twice {
				t.Errorf("type %s: property %s twice", name, p.Name)
			}
			all[p.Name] = p.Type
		}
		for _, p := range typ.Navs {
			if _, twice := all[p.Name]; twice {
				t.Errorf("type %s: property %s twice", name, p.Name)
			}
			all[p.Name] = p.Type
		}
		name = strings.TrimPrefix(typ.BaseType, "mscrm.")
	}
	return all
}

// element is the type name without alias and Collection().
func element(kind string) string {
	return strings.TrimPrefix(strings.TrimSuffix(strings.TrimPrefix(kind, "Collection("), ")"), "mscrm.")
}

func checkCSDLType(t *testing.T, types map[string]csdlType, typ csdlType) {
	t.Helper()
	own := csdlProperties(t, types, typ.Name)
	for name, kind := range own {
		if _, known := types[element(kind)]; !known && !strings.HasPrefix(element(kind), "Edm.") {
			t.Errorf("%s.%s: no type %s", typ.Name, name, kind)
		}
	}
	if typ.Key != nil {
		for _, key := range typ.Key.Names {
			if own[key.Name] != "Edm.Guid" {
				t.Errorf("%s: the key %s has type %q", typ.Name, key.Name, own[key.Name])
			}
		}
	}
	for _, nav := range typ.Navs {
		other := csdlProperties(t, types, element(nav.Type))
		if partner := other[nav.Partner]; nav.Partner != "" && (partner == "" || strings.HasPrefix(partner, "Edm.")) {
			t.Errorf("%s.%s: the partner %s on %s leads to %q", typ.Name, nav.Name, nav.Partner, nav.Type, partner)
		}
		for _, c := range nav.Constraints {
			if own[c.Property] != "Edm.Guid" || other[c.ReferencedProperty] != "Edm.Guid" {
				t.Errorf("%s.%s: constraint %s (%s) to %s (%s)", typ.Name, nav.Name, c.Property, own[c.Property], c.ReferencedProperty, other[c.ReferencedProperty])
			}
		}
	}
}

func checkContainer(t *testing.T, types map[string]csdlType, schema csdlSchema) {
	t.Helper()
	sets := map[string]string{}
	for _, set := range schema.Sets {
		sets[set.Name] = strings.TrimPrefix(set.EntityType, "Microsoft.Dynamics.CRM.")
	}
	for _, set := range schema.Sets {
		own := csdlProperties(t, types, sets[set.Name])
		for _, b := range set.Bindings {
			if own[b.Path] == "" || sets[b.Target] != element(own[b.Path]) {
				t.Errorf("set %s: %s (%s) is bound to %s (%s)", set.Name, b.Path, own[b.Path], b.Target, sets[b.Target])
			}
		}
	}
	functions := map[string]bool{}
	for _, f := range schema.Functions {
		functions["Microsoft.Dynamics.CRM."+f.Name] = true
		for _, p := range append(f.Parameters, f.Return) {
			if _, known := types[element(p.Type)]; !known && !strings.HasPrefix(element(p.Type), "Edm.") {
				t.Errorf("function %s: no type %q", f.Name, p.Type)
			}
		}
	}
	for _, i := range schema.Imports {
		if !functions[i.Function] {
			t.Errorf("import %s: no function %s", i.Name, i.Function)
		}
	}
}

func TestTheMetadataDocumentShowsAColumnAndItsLookup(t *testing.T) {
	s := emulator.Start(t)
	body := get(t, s, "$metadata").body
	for _, want := range []string{
		`<EntityType Name="account" BaseType="mscrm.crmbaseentity"><Key><PropertyRef Name="accountid" /></Key>`,
		`<Property Name="name" Type="Edm.String" Unicode="false" />`,
		`<Property Name="revenue" Type="Edm.Decimal" Scale="Variable" />`,
		`<Property Name="_primarycontactid_value" Type="Edm.Guid" />`,
		`<NavigationProperty Name="primarycontactid" Type="mscrm.contact" Nullable="false" Partner="account_primary_contact"><ReferentialConstraint Property="_primarycontactid_value" ReferencedProperty="contactid" /></NavigationProperty>`,
		`<NavigationProperty Name="ownerid" Type="mscrm.principal" Nullable="false"><ReferentialConstraint Property="_ownerid_value" ReferencedProperty="ownerid" /></NavigationProperty>`,
		`<EntityType Name="systemuser" BaseType="mscrm.principal">`,
		`<EntityType Name="task" BaseType="mscrm.activitypointer">`,
		`<EntityType Name="MetadataBase" BaseType="mscrm.crmmodelbaseentity"><Key><PropertyRef Name="MetadataId" /></Key>`,
		`<Function Name="RetrieveTotalRecordCount"><Parameter Name="EntityNames" Type="Collection(Edm.String)" Nullable="false" /><ReturnType Type="mscrm.RetrieveTotalRecordCountResponse" Nullable="false" /></Function>`,
		`<EntitySet Name="accounts" EntityType="Microsoft.Dynamics.CRM.account">`,
		`<NavigationPropertyBinding Path="primarycontactid" Target="contacts" />`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s", want)
		}
	}
}

// Every property of a row must be one that the metadata document declares: clients generate their types from it.
func TestRowsHoldOnlyDeclaredProperties(t *testing.T) {
	s := emulator.Start(t, emulator.WithSampleData(), emulator.At(noon))
	schema := readCSDL(t, s, "$metadata")
	types := map[string]csdlType{}
	for _, typ := range schema.EntityTypes {
		types[typ.Name] = typ
	}
	for _, set := range schema.Sets {
		if strings.HasSuffix(set.Name, "Definitions") {
			continue
		}
		got := get(t, s, set.Name+"?$top=1")
		var page struct {
			Value []map[string]json.RawMessage
		}
		if err := json.Unmarshal([]byte(got.body), &page); err != nil || got.status != http.StatusOK {
			t.Errorf("%s: %d %.300s", set.Name, got.status, got.body)
			continue
		}
		declared := csdlProperties(t, types, strings.TrimPrefix(set.EntityType, "Microsoft.Dynamics.CRM."))
		var unknown []string
		for _, row := range page.Value {
			for name := range row {
				if _, ok := declared[name]; !ok && !strings.Contains(name, "@") {
					unknown = append(unknown, name)
				}
			}
		}
		slices.Sort(unknown)
		if diff := cmp.Diff([]string(nil), unknown); diff != "" {
			t.Errorf("%s: undeclared properties (-want +got):\n%s", set.Name, diff)
		}
	}
}

func TestAnnotationsComeByOptionAndByPreference(t *testing.T) {
	s := emulator.Start(t)
	const description = `<Annotation Term="Org.OData.Core.V1.Description" String="Account Name" />`
	for _, test := range []struct {
		path, header string
		want         bool
	}{
		{"$metadata", "Accept: application/xml", false},
		{"$metadata?annotations=true", "Accept: application/xml", true},
		{"$metadata", `Prefer: odata.include-annotations="*"`, true},
	} {
		got := send(t, s, http.MethodGet, test.path, "", test.header)
		if strings.Contains(got.body, description) != test.want {
			t.Errorf("%s with %s: described %t, want %t", test.path, test.header, !test.want, test.want)
		}
	}
}

// TestTablesThatToolsAskForAreThere holds the tables that development and administration tools read besides those of
// people's work.
func TestTablesThatToolsAskForAreThere(t *testing.T) {
	s := emulator.Start(t)
	for set := range strings.FieldsSeq(`workflows sdkmessages sdkmessageprocessingsteps plugintracelogs audits annotations
		connectionreferences environmentvariabledefinitions environmentvariablevalues solutions webresourceset customapis
		customapirequestparameters customapiresponseproperties serviceendpoints fieldsecurityprofiles savedqueries roles
		privileges teams businessunits duplicaterules duplicateruleconditions`) {
		if got := get(t, s, set+"?$top=1"); got.status != http.StatusOK {
			t.Errorf("%s: got %d %s", set, got.status, got.body)
		}
	}
}
