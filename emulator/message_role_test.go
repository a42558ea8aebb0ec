package emulator_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/seed"
)

// The privileges of Microsoft's functions and actions sample.
const (
	readAccount   = "886b280c-6396-4d56-a0a3-2c1b0a50ceb0"
	createAccount = "d26fe964-230b-42dd-ad93-5cc879de411e"
)

func TestARoleIsGivenPrivileges(t *testing.T) {
	s := emulator.Start(t)
	role := newID(mustSend(t, s, "POST", "roles", `{"businessunitid@odata.bind":"businessunits(`+seed.RootBusinessUnitID+`)","name":"Test Role"}`))
	has := func(wants ...string) {
		t.Helper()
		body := mustSend(t, s, "GET", "RetrieveRolePrivilegesRole(RoleId=@p)?@p="+role, "").body
		if got := strings.Count(body, `"PrivilegeId"`); got != len(wants) {
			t.Errorf("got %d privileges, want %d: %s", got, len(wants), body)
		}
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("no %s in %s", want, body)
			}
		}
	}
	call := "roles(" + role + ")/Microsoft.Dynamics.CRM."
	given := func(depth, id string) string { return `{"Depth":"` + depth + `","PrivilegeId":"` + id + `"}` }
	mustSend(t, s, "POST", call+"AddPrivilegesRole", `{"Privileges":[`+given("Basic", readAccount)+`,`+given("Global", createAccount)+`]}`)
	has(`{"Depth":"Basic","PrivilegeId":"`+readAccount+`"`, `{"Depth":"Global","PrivilegeId":"`+createAccount+`"`)
	mustSend(t, s, "POST", call+"AddPrivilegesRole", `{"Privileges":[`+given("Deep", readAccount)+`]}`)
	has(`{"Depth":"Deep","PrivilegeId":"`+readAccount+`"`, `"prvCreateAccount"`)
	expanded := mustSend(t, s, "GET", "roles("+role+")?$select=roleid&$expand=roleprivileges_association($select=name)", "").body
	if !strings.Contains(expanded, `"name":"prvReadAccount"`) {
		t.Errorf("the role's privileges: %s", expanded)
	}
	mustSend(t, s, "POST", call+"RemovePrivilegeRole", `{"PrivilegeId":"`+createAccount+`"}`)
	has(`"prvReadAccount"`)
	mustSend(t, s, "POST", call+"ReplacePrivilegesRole", `{"Privileges":[`+given("Local", createAccount)+`]}`)
	has(`{"Depth":"Local","PrivilegeId":"` + createAccount + `"`)
	for body, want := range map[string]int{
		`{"Privileges":[` + given("Wide", createAccount) + `]}`:                           http.StatusBadRequest,
		`{"Privileges":[` + given("Basic", "00000000-0000-0000-0000-000000000001") + `]}`: http.StatusNotFound,
		`{"Privileges":[{"Depth":"Basic"}]}`:                                              http.StatusBadRequest,
	} {
		if got := send(t, s, "POST", call+"AddPrivilegesRole", body); got.status != want {
			t.Errorf("%s: got %d %s, want %d", body, got.status, got.body, want)
		}
	}
	all := mustSend(t, s, "GET", "systemusers("+seed.AdministratorID+")/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()", "").body
	if !strings.Contains(all, `{"Depth":"Global","PrivilegeId":"`+readAccount+`"`) {
		t.Errorf("privileges of an administrator: %.500s", all)
	}
}

func TestAddressesAreFormattedAsTheirCountriesWriteThem(t *testing.T) {
	s := emulator.Start(t)
	for arguments, want := range map[string]string{
		"@p1='123%20Maple%20St.'&@p2='Seattle'&@p3='WA'&@p4='98007'&@p5='USA'":     `"Address":"123 Maple St.\r\nSeattle, WA 98007\r\nUSA"`,
		"@p1='1-2-3%20Sakura'&@p2='Nagoya'&@p3='Aichi'&@p4='455-2345'&@p5='JAPAN'": `"Address":"455-2345\r\nAichi\r\nNagoya\r\n1-2-3 Sakura\r\nJAPAN"`,
		"@p1=''&@p2='Seattle'&@p3=''&@p4=''&@p5='USA'":                             `"Address":"Seattle\r\nUSA"`,
	} {
		got := get(t, s, "FormatAddress(Line1=@p1,City=@p2,StateOrProvince=@p3,PostalCode=@p4,Country=@p5)?"+arguments)
		if got.status != http.StatusOK || !strings.Contains(got.body, want) {
			t.Errorf("%s: got %d %s, want %s", arguments, got.status, got.body, want)
		}
	}
}

func TestToolsLearnWhichTablesCanBeRelated(t *testing.T) {
	s := emulator.Start(t)
	mustSend(t, s, "POST", "EntityDefinitions", bankAccount)
	for _, test := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", "CanBeReferenced", `{"EntityName":"new_bankaccount"}`, 200, `#Microsoft.Dynamics.CRM.CanBeReferencedResponse","CanBeReferenced":true}`},
		{"POST", "CanBeReferencing", `{"EntityName":"contact"}`, 200, `"CanBeReferencing":true}`},
		{"POST", "CanManyToMany", `{"EntityName":"systemuserroles"}`, 200, `"CanManyToMany":false}`},
		{"POST", "CanManyToMany", `{"EntityName":"nosuch"}`, 400, `"code":"0x80041102"`},
		{"GET", "GetValidReferencingEntities(ReferencedEntityName='new_bankaccount')", "", 200, `"contact"`},
		{"GET", "GetValidReferencedEntities(ReferencingEntityName='contact')", "", 200, `"new_bankaccount"`},
		{"GET", "GetValidManyToMany", "", 200, `"new_bankaccount"`},
		{"GET", "GetValidManyToMany()", "", 200, `"account"`},
	} {
		got := send(t, s, test.method, test.path, test.body)
		if got.status != test.status || !strings.Contains(got.body, test.want) || slices.Contains(strings.Split(got.body, `"`), "owner") {
			t.Errorf("%s %s %s: got %d %s, want %d with %s", test.method, test.path, test.body, got.status, got.body, test.status, test.want)
		}
	}
}
