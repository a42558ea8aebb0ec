package emulator_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/seed"
)

func TestARowIsSharedWithRights(t *testing.T) {
	s := start(t)
	id := add(t, s, "accounts", `{"name":"Contoso"}`)
	user := add(t, s, "systemusers", `{"firstname":"Ada","lastname":"Byron","internalemailaddress":"ada@example.com","domainname":"ada@example.com"}`)
	target := `"Target":{"@odata.type":"Microsoft.Dynamics.CRM.account","accountid":"` + id + `"}`
	principal := `{"@odata.type":"Microsoft.Dynamics.CRM.systemuser","systemuserid":"` + user + `"}`
	share := func(status int, action, mask, principal string) reply {
		return must(t, s, status, "POST", action, `{`+target+`,"PrincipalAccess":{"AccessMask":"`+mask+`","Principal":`+principal+`}}`)
	}
	const context = `{"@odata.context":"http://org/api/data/v9.2/$metadata#Microsoft.Dynamics.CRM.`
	want := func(shared, rights string) {
		t.Helper()
		r := must(t, s, http.StatusOK, "GET", "RetrieveSharedPrincipalsAndAccess(Target=@t)?@t={'@odata.id':'accounts("+id+")'}", "")
		all := ""
		if shared != "" {
			all = `{"AccessMask":"` + shared + `","Principal":{"@odata.type":"#Microsoft.Dynamics.CRM.systemuser","systemuserid":"` + user + `","ownerid":"` + user + `"}}`
		}
		if want := context + `RetrieveSharedPrincipalsAndAccessResponse","PrincipalAccesses":[` + all + `]}`; r.body != want {
			t.Errorf("got %s\nwant %s", r.body, want)
		}
		r = must(t, s, http.StatusOK, "GET", "systemusers("+user+")/Microsoft.Dynamics.CRM.RetrievePrincipalAccess(Target=@t)?@t={'@odata.id':'accounts("+id+")'}", "")
		if want := context + `RetrievePrincipalAccessResponse","AccessRights":"` + rights + `"}`; r.body != want {
			t.Errorf("got %s\nwant %s", r.body, want)
		}
	}
	want("", "None")
	share(http.StatusNoContent, "GrantAccess", "ReadAccess", principal)
	share(http.StatusNoContent, "GrantAccess", "WriteAccess,AppendAccess", principal)
	want("ReadAccess, WriteAccess, AppendAccess", "ReadAccess, WriteAccess, AppendAccess")
	share(http.StatusNoContent, "ModifyAccess", "ReadAccess, DeleteAccess", principal)
	want("ReadAccess, DeleteAccess", "ReadAccess, DeleteAccess")
	byOwnerID := strings.Replace(principal, "systemuserid", "ownerid", 1) // the key that users have from principal
	share(http.StatusNoContent, "ModifyAccess", "ReadAccess", byOwnerID)
	want("ReadAccess", "ReadAccess")
	must(t, s, http.StatusNoContent, "POST", "RevokeAccess", `{`+target+`,"Revokee":`+principal+`}`)
	want("", "None")

	owner := failure("0x80040214", "An item cannot be shared with the owning user.")
	if r := share(http.StatusBadRequest, "GrantAccess", "ReadAccess", `{"@odata.id":"systemusers(`+seed.AdministratorID+`)"}`); r.body != owner {
		t.Errorf("got %s, want %s", r.body, owner)
	}
	share(http.StatusBadRequest, "GrantAccess", "SomeAccess", principal)
	share(http.StatusBadRequest, "GrantAccess", "ReadAccess", `{"systemuserid":"`+user+`"}`) // its type is abstract
	share(http.StatusNoContent, "GrantAccess", "ReadAccess", principal)
	must(t, s, http.StatusNoContent, "DELETE", "accounts("+id+")", "")
	if n := emulator.Ask[int](t, s, `SELECT count(*) FROM "$access"`); n != 0 {
		t.Errorf("got %d shares of a row that is gone", n)
	}
}

func TestRightsComeFromRolesAndTeamsToo(t *testing.T) {
	s := start(t)
	id := add(t, s, "accounts", `{"name":"Contoso"}`)
	user := add(t, s, "systemusers", `{"firstname":"Ada","lastname":"Byron","internalemailaddress":"ada@example.com","domainname":"ada@example.com"}`)
	rights := func(user, set, id string) string {
		r := must(t, s, http.StatusOK, "GET", "systemusers("+user+")/Microsoft.Dynamics.CRM.RetrievePrincipalAccess(Target=@t)?@t={'@odata.id':'"+set+"("+id+")'}", "")
		return r.body[len(`{"@odata.context":"http://org/api/data/v9.2/$metadata#Microsoft.Dynamics.CRM.RetrievePrincipalAccessResponse","AccessRights":"`) : len(r.body)-2]
	}
	const all = "ReadAccess, WriteAccess, AppendAccess, AppendToAccess, CreateAccess, DeleteAccess, ShareAccess, AssignAccess"
	opportunity := add(t, s, "opportunities", `{"name":"o"}`)
	for set, id := range map[string]string{"accounts": id, "opportunities": opportunity} {
		if got := rights(seed.AdministratorID, set, id); got != all {
			t.Errorf("the administrator on %s: got %q", set, got)
		}
		if got := rights(user, set, id); got != "None" {
			t.Errorf("a user without roles on %s: got %q", set, got)
		}
	}
	team := add(t, s, "teams", `{"name":"Bid team"}`)
	must(t, s, http.StatusNoContent, "POST", "teams("+team+")/Microsoft.Dynamics.CRM.AddMembersTeam", `{"Members":[{"systemuserid":"`+user+`"}]}`)
	must(t, s, http.StatusNoContent, "POST", "GrantAccess", `{"Target":{"@odata.id":"accounts(`+id+`)"},"PrincipalAccess":{"AccessMask":"ReadAccess","Principal":{"@odata.type":"Microsoft.Dynamics.CRM.team","teamid":"`+team+`"}}}`)
	if got := rights(user, "accounts", id); got != "ReadAccess" {
		t.Errorf("by the team: got %q", got)
	}
	must(t, s, http.StatusNoContent, "PATCH", "opportunities("+opportunity+")", `{"ownerid@odata.bind":"/teams(`+team+`)"}`)
	if got := rights(user, "opportunities", opportunity); got != all {
		t.Errorf("on what the team owns: got %q", got)
	}
}
