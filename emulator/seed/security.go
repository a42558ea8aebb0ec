package seed

import "github.com/dynamics-mcp/dynamics-mcp/emulator/schema"

// Ids of the roles of the root business unit.
const (
	SystemAdministratorRoleID = "d1a00001-63b7-4c52-8f0e-5b9d1e7a4c20"
	SystemCustomizerRoleID    = "d1a00002-63b7-4c52-8f0e-5b9d1e7a4c20"
	BasicUserRoleID           = "d1a00003-63b7-4c52-8f0e-5b9d1e7a4c20"
	SalespersonRoleID         = "d1a00004-63b7-4c52-8f0e-5b9d1e7a4c20"
	SalesManagerRoleID        = "d1a00005-63b7-4c52-8f0e-5b9d1e7a4c20"
	ServiceRoleID             = "d1a00006-63b7-4c52-8f0e-5b9d1e7a4c20"
	MarketingRoleID           = "d1a00007-63b7-4c52-8f0e-5b9d1e7a4c20"
)

// role is a security role. Its template is the one that every environment's role of that name is made from.
type role struct{ id, name, template string }

var roles = []role{
	{SystemAdministratorRoleID, "System Administrator", "627090ff-40a3-4053-8790-584edc5be201"},
	{SystemCustomizerRoleID, "System Customizer", "119f245c-3cc8-4b62-b31c-d1a046ced15d"},
	{BasicUserRoleID, "Basic User", ""},
	{SalespersonRoleID, "Salesperson", ""},
	{SalesManagerRoleID, "Sales Manager", ""},
	{ServiceRoleID, "Customer Service Representative", ""},
	{MarketingRoleID, "Marketing Professional", ""},
}

func addRoles(l *loader) {
	for _, r := range roles {
		l.add("role", roleRow(r, RootBusinessUnitID, ""))
	}
	for i, user := range []string{AdministratorID, ApplicationUserID, SystemUserID, IntegrationUserID} {
		l.add("systemuserroles", row{
			{"systemuserroleid", id("systemuserroles of base", i)}, {"systemuserid", user}, {"roleid", SystemAdministratorRoleID},
		})
	}
	n := 0
	for _, t := range l.schema.Tables {
		for _, p := range t.Privileges {
			l.add("privilege", privilegeRow(p))
			for _, holder := range roles[:3] {
				depth := 8 // organization
				if holder.id == BasicUserRoleID {
					if !p.Basic || p.Type == "Delete" {
						continue
					}
					depth = 1
				}
				n++
				l.add("roleprivileges", row{
					{"roleprivilegeid", id("roleprivileges", n)}, {"roleprivilegeidunique", id("roleprivileges", n)},
					{"roleid", holder.id}, {"privilegeid", p.ID.String()}, {"privilegedepthmask", depth},
					{"solutionid", ActiveSolutionID},
				})
			}
		}
	}
}

// roleRow is a role in a business unit. Each child business unit has its own row of each role, which inherits.
func roleRow(r role, unit, own string) row {
	roleID := r.id
	if own != "" {
		roleID = own
	}
	made := row{
		{"roleid", roleID}, {"roleidunique", roleID}, {"name", r.name}, {"businessunitid", unit},
		{"organizationidname", OrganizationName}, {"parentrootroleid", r.id}, {"solutionid", ActiveSolutionID},
		{"ismanaged", true},
	}
	if own != "" {
		made = append(made, cell{"parentroleid", r.id})
	}
	if r.template != "" {
		made = append(made, cell{"roletemplateid", r.template})
	}
	return made
}

// accessRights are the bits of privilege.accessright.
var accessRights = map[string]int{
	"Read": 1, "Write": 2, "Append": 4, "AppendTo": 16, "Create": 32, "Delete": 65536, "Share": 262144, "Assign": 524288,
}

func privilegeRow(p schema.Privilege) row {
	return row{
		{"privilegeid", p.ID.String()}, {"privilegerowid", p.ID.String()}, {"name", p.Name},
		{"accessright", accessRights[p.Type]}, {"canbebasic", p.Basic}, {"canbelocal", p.Local}, {"canbedeep", p.Deep},
		{"canbeglobal", p.Global}, {"canbeentityreference", false}, {"canbeparententityreference", false},
		{"solutionid", ActiveSolutionID}, {"ismanaged", true},
	}
}
