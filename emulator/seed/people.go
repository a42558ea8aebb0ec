package seed

import "strings"

// unit is a business unit; parent is a place in units, -1 for the root business unit.
type unit struct {
	id, name string
	parent   int
}

var unitNames = []unit{
	{name: "Sales", parent: -1}, {name: "Sales Americas", parent: 0}, {name: "Sales Europe", parent: 0},
	{name: "Sales Asia Pacific", parent: 0}, {name: "Customer Service", parent: -1}, {name: "Marketing", parent: -1},
}

// Places in unitNames and territoryNames.
const (
	unitSales = iota
	unitAmericas
	unitEurope
	unitAsia
	unitService
	unitMarketing
)

var territoryNames = []string{"Americas West", "Americas East", "Northern Europe", "Central and Southern Europe", "Asia Pacific"}

// staff are the users: the first of a business unit leads it.
var staff = []struct {
	unit, territory    int
	first, last, title string
	city               int
	role               string
}{
	{unitSales, 0, "Margaret", "Chen", "Vice President of Sales", 0, SalesManagerRoleID},
	{unitAmericas, 0, "David", "O'Connor", "Sales Manager Americas", 4, SalesManagerRoleID},
	{unitAmericas, 0, "Keisha", "Robinson", "Account Executive", 2, SalespersonRoleID},
	{unitAmericas, 0, "Brandon", "Lee", "Account Executive", 0, SalespersonRoleID},
	{unitAmericas, 1, "Gabriela", "Torres", "Account Executive", 6, SalespersonRoleID},
	{unitAmericas, 1, "Étienne", "Gagnon", "Account Executive", 10, SalespersonRoleID},
	{unitAmericas, 1, "Thiago", "Araújo", "Account Executive", 34, SalespersonRoleID},
	{unitEurope, 2, "Astrid", "Holm", "Sales Manager Europe", 24, SalesManagerRoleID},
	{unitEurope, 2, "Rhys", "Llewellyn", "Account Executive", 11, SalespersonRoleID},
	{unitEurope, 2, "Linnéa", "Ström", "Account Executive", 26, SalespersonRoleID},
	{unitEurope, 3, "Jonas", "Vogel", "Account Executive", 14, SalespersonRoleID},
	{unitEurope, 3, "Élodie", "Garnier", "Account Executive", 19, SalespersonRoleID},
	{unitEurope, 3, "Zofia", "Wójcik", "Account Executive", 27, SalespersonRoleID},
	{unitAsia, 4, "Hana", "Mori", "Sales Manager Asia Pacific", 33, SalesManagerRoleID},
	{unitAsia, 4, "Jack", "Whitlam", "Account Executive", 30, SalespersonRoleID},
	{unitAsia, 4, "Ananya", "Rao", "Account Executive", 35, SalespersonRoleID},
	{unitService, 0, "Patricia", "Novak", "Customer Service Manager", 0, ServiceRoleID},
	{unitService, 0, "Marcus", "Bell", "Service Representative", 0, ServiceRoleID},
	{unitService, 0, "Ines", "Ferreira", "Service Representative", 34, ServiceRoleID},
	{unitService, 2, "Mikkel", "Dahl", "Service Representative", 24, ServiceRoleID},
	{unitService, 3, "Petra", "Hübner", "Service Representative", 15, ServiceRoleID},
	{unitService, 4, "Wei", "Zhang", "Service Representative", 32, ServiceRoleID},
	{unitMarketing, 0, "Danielle", "Brooks", "Marketing Manager", 0, MarketingRoleID},
	{unitMarketing, 3, "Tomasz", "Lis", "Marketing Specialist", 28, MarketingRoleID},
	{unitMarketing, 0, "Gloria", "Stein", "Events Specialist", 5, MarketingRoleID},
}

func (c *company) addPeople() {
	for i, u := range unitNames {
		u.id = id("businessunit", i)
		parent := RootBusinessUnitID
		if u.parent >= 0 {
			parent = c.units[u.parent].id
		}
		c.units = append(c.units, u)
		c.addUnit(i, parent)
	}
	leaders := map[int]string{}
	for i, s := range staff {
		place := cities[s.city]
		u := user{
			id: id("systemuser", i), first: s.first, last: s.last, title: s.title, unit: c.units[s.unit].id,
			email: plain(s.first) + "." + plain(s.last) + "@contoso.example", phone: c.phone(place),
			territory: id("territory", s.territory), city: place.name, country: place.country,
			manager: leaders[s.unit],
		}
		if u.manager == "" {
			leaders[s.unit] = u.id
			u.manager = leaders[unitSales]
			if s.unit == unitSales || s.unit == unitService || s.unit == unitMarketing {
				u.manager = AdministratorID
			}
		}
		c.users = append(c.users, u)
		c.addUser(u, s.role, s.unit)
		switch {
		case s.unit == unitService:
			c.agents = append(c.agents, u)
		case s.unit != unitMarketing && i > 0:
			c.sellers = append(c.sellers, u)
		}
	}
	c.addTeams()
	c.addTerritories()
	c.addQueues()
}

// addUnit adds a business unit with what the platform makes for each: a default team and its own roles.
func (c *company) addUnit(i int, parent string) {
	u := c.units[i]
	c.add("businessunit", row{
		{"businessunitid", u.id}, {"name", u.name}, {"parentbusinessunitid", parent}, {"inheritancemask", 1023}, {"utcoffset", 0},
	})
	c.add("team", row{
		{"teamid", id("default team", i)}, {"name", u.name}, {"yominame", u.name}, {"isdefault", true},
		{"businessunitid", u.id}, {"administratorid", AdministratorID}, {"systemmanaged", true},
	})
	for _, r := range roles {
		c.add("role", roleRow(r, u.id, ownRole(r.id, u.id)))
	}
}

// ownRole is the id of a business unit's own row of a role.
func ownRole(root, unit string) string { return id("role "+root+" of "+unit, 0) }

func (c *company) addUser(u user, role string, unit int) {
	c.add("systemuser", userRow(u, row{{"employeeid", "E" + u.id[:5]}, {"transactioncurrencyid", BaseCurrencyID}}))
	for _, root := range []string{role, BasicUserRoleID} {
		c.add("systemuserroles", row{
			{"systemuserroleid", c.newID("systemuserroles")}, {"systemuserid", u.id}, {"roleid", ownRole(root, u.unit)},
		})
	}
	c.addMember(id("default team", unit), u.id)
}

func (c *company) addMember(team, user string) {
	c.add("teammembership", row{
		{"teammembershipid", c.newID("teammembership of sample")}, {"teamid", team}, {"systemuserid", user},
	})
}

// addTeams adds teams that cross business units.
func (c *company) addTeams() {
	for i, t := range []struct {
		name, about string
		member      func(title string) bool
	}{
		{"Key Accounts", "Looks after our largest customers", func(title string) bool { return strings.Contains(title, "Sales") }},
		{"Tier 2 Support", "Takes the cases that need an engineer", func(title string) bool { return strings.HasPrefix(title, "Service") }},
		{"Product Launch", "Prepares the launch of new products", func(title string) bool { return strings.Contains(title, "Marketing") }},
	} {
		team := id("team", i)
		c.add("team", row{
			{"teamid", team}, {"name", t.name}, {"yominame", t.name}, {"description", t.about}, {"isdefault", false},
			{"businessunitid", RootBusinessUnitID}, {"administratorid", AdministratorID}, {"systemmanaged", false},
		})
		for _, u := range c.users {
			if t.member(u.title) {
				c.addMember(team, u.id)
			}
		}
	}
}

func (c *company) addTerritories() {
	for i, name := range territoryNames {
		r := row{{"territoryid", id("territory", i)}, {"name", name}}
		for j, s := range staff {
			if s.territory == i && s.role == SalespersonRoleID {
				r = append(r, cell{"managerid", c.users[j].id})
				break
			}
		}
		c.add("territory", r)
	}
}

// Places in queueNames.
const (
	queueSupport = iota
	queueTierTwo
)

var queueNames = []string{"Support", "Tier 2 Support", "Returns and Repairs", "Sales Inquiries", "Web Leads"}

func (c *company) addQueues() {
	for i, name := range queueNames {
		c.add("queue", row{
			{"queueid", id("queue", i)}, {"name", name}, {"emailaddress", plain(name) + "@contoso.example"},
			{"ownerid", owner{AdministratorID, RootBusinessUnitID}}, {"businessunitid", RootBusinessUnitID},
			{"queueviewtype", 0}, {"emailrouteraccessapproval", 1}, {"incomingemaildeliverymethod", 2},
			{"incomingemailfilteringmethod", 0}, {"outgoingemaildeliverymethod", 2},
			{"isemailaddressapprovedbyo365admin", true}, {"queuetypecode", 1},
		})
	}
}
