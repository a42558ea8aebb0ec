// Package seed fills an emulator's database: Base with what every environment has from its first day, Sample with the
// rows of a mid-size company. The same day always gives the same rows, and all dates move with the day.
package seed

import (
	"context"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// Ids of what every environment has. Those of publishers and solutions are the same in every real environment too.
const (
	TenantID      = "4f8c2b61-7d0e-4a35-9c1b-2e6d5a90b7c4"
	EnvironmentID = "7b1e9f30-52c8-4d6a-8e47-0c3fa1d2b596"

	OrganizationID     = "a3d5c7e1-1b24-4f68-9a0c-6e8f2b4d7013"
	RootBusinessUnitID = "c0ffee00-2f5b-4b1d-9e63-4a7d8c905e12"
	DefaultTeamID      = "c0ffee01-2f5b-4b1d-9e63-4a7d8c905e12"

	AdministratorID     = "5d6f3a1e-8c47-4e0b-b2a9-71c5e4d80f36"
	ApplicationUserID   = "6e7a4b2f-9d58-4f1c-83ba-82d6f5e91a47"
	SystemUserID        = "7f8b5c30-ae69-402d-94cb-93e7a6fa2b58"
	IntegrationUserID   = "809c6d41-bf7a-413e-a5dc-a4f8b70b3c69"
	ApplicationClientID = "91ad7e52-c08b-424f-b6ed-b509c81c4d7a"

	BaseCurrencyID = "a2be8f63-d19c-4350-87fe-c61ad92d5e8b"
	EuroID         = "b3cfa074-e2ad-4461-980f-d72bea3e6f9c"
	PoundID        = "c4d0b185-f3be-4572-a910-e83cfb4f70ad"

	DefaultPublisherID = "d21aab71-79e7-11dd-8874-00188b01e34f"
	DefaultSolutionID  = "fd140aaf-4df4-11dd-bd17-0019b9312238"
	ActiveSolutionID   = "fd140aae-4df4-11dd-bd17-0019b9312238"

	DefaultSubjectID   = "d5e1c296-04cf-4683-ba21-f94d0c5081be"
	DefaultUnitGroupID = "e6f2d3a7-15d0-4794-8b32-0a5e1d6192cf"
	PrimaryUnitID      = "f703e4b8-26e1-48a5-9c43-1b6f2e72a3d0"
)

// Names of the first user and of the organization.
const (
	OrganizationName   = "contoso"
	AdministratorName  = "Alex Morgan"
	AdministratorEmail = "admin@contoso.example"
	ApplicationName    = "# Dynamics MCP"
)

// Base adds what every environment has: organization, root business unit, first users, roles, currencies, the default
// publisher, solutions, subject and unit group, messages, privileges, views and duplicate rules. The database must be new.
func Base(ctx context.Context, db *store.DB, s *schema.Schema, now time.Time) error {
	created := firstDay(now)
	return load(ctx, db, s, created, func(l *loader) {
		addOrganization(l, created)
		addFirstUsers(l)
		addRoles(l)
		addCurrencies(l)
		addSolutions(l, created)
		addCatalogDefaults(l)
		addMessages(l)
		addViews(l)
		addDuplicateRules(l)
	})
}

// firstDay is the day on which the environment was set up.
func firstDay(now time.Time) time.Time {
	return now.UTC().Truncate(24*time.Hour).AddDate(-3, 0, 0).Add(8 * time.Hour)
}

func addFirstUsers(l *loader) {
	l.add("businessunit", row{
		{"businessunitid", RootBusinessUnitID}, {"name", OrganizationName}, {"inheritancemask", 1023},
		{"utcoffset", 0}, {"usergroupid", id("usergroup", 0)},
	})
	l.add("team", row{
		{"teamid", DefaultTeamID}, {"name", OrganizationName}, {"yominame", OrganizationName}, {"isdefault", true},
		{"businessunitid", RootBusinessUnitID}, {"administratorid", AdministratorID}, {"systemmanaged", true},
		{"description", "Default team for the parent business unit. The name and membership for default team are inherited from their parent business unit."},
	})
	l.add("systemuser", userRow(user{
		id: AdministratorID, first: "Alex", last: "Morgan", email: AdministratorEmail, title: "System Administrator",
		unit: RootBusinessUnitID, phone: "+1 206 555 0100",
	}, row{{"setupuser", false}}))
	l.add("systemuser", userRow(user{
		id: ApplicationUserID, first: "#", last: "Dynamics MCP", email: "dynamics-mcp@contoso.example", unit: RootBusinessUnitID,
	}, row{
		{"applicationid", ApplicationClientID}, {"applicationiduri", "api://" + ApplicationClientID},
		{"domainname", ApplicationClientID}, {"accessmode", 4}, {"islicensed", false},
	}))
	l.add("systemuser", userRow(user{
		id: SystemUserID, last: "SYSTEM", email: "system@contoso.example", unit: RootBusinessUnitID,
	}, row{{"accessmode", 3}, {"isdisabled", true}, {"islicensed", false}, {"setupuser", true}, {"domainname", ""}}))
	l.add("systemuser", userRow(user{
		id: IntegrationUserID, last: "INTEGRATION", email: "integration@contoso.example", unit: RootBusinessUnitID,
	}, row{{"accessmode", 3}, {"isdisabled", true}, {"islicensed", false}, {"isintegrationuser", true}, {"domainname", ""}}))
	for i, member := range []string{AdministratorID, ApplicationUserID, SystemUserID, IntegrationUserID} {
		l.add("teammembership", row{
			{"teammembershipid", id("teammembership", i)}, {"teamid", DefaultTeamID}, {"systemuserid", member},
		})
	}
}

// user is what tells one user from another.
type user struct {
	id, first, last, email, title, phone string
	unit                                 string // business unit
	manager                              string // systemuserid, "" for none
	territory                            string
	city, country                        string
}

func (u user) name() string {
	if u.first == "" {
		return u.last
	}
	return u.first + " " + u.last
}

// userRow is a full user whom the directory knows; extra overrides.
func userRow(u user, extra row) row {
	r := row{
		{"systemuserid", u.id}, {"lastname", u.last}, {"fullname", u.name()}, {"yomifullname", u.name()},
		{"domainname", u.email}, {"internalemailaddress", u.email}, {"windowsliveid", u.email},
		{"azureactivedirectoryobjectid", ObjectID(u.id)}, {"activedirectoryguid", ObjectID(u.id)},
		{"businessunitid", u.unit}, {"organizationidname", OrganizationName}, {"accessmode", 0}, {"caltype", 7},
		{"identityid", 1}, {"invitestatuscode", 4}, {"isdisabled", false}, {"islicensed", true},
		{"issyncwithdirectory", true}, {"emailrouteraccessapproval", 1}, {"incomingemaildeliverymethod", 2},
		{"outgoingemaildeliverymethod", 2}, {"isemailaddressapprovedbyo365admin", true}, {"defaultfilterspopulated", false},
		{"defaultodbfoldername", "CRM"}, {"preferredaddresscode", 1}, {"preferredemailcode", 1}, {"preferredphonecode", 1},
		{"address1_addressid", id("address1 of user "+u.id, 0)}, {"address2_addressid", id("address2 of user "+u.id, 0)},
		{"userlicensetype", 20}, {"createdby", SystemUserID}, {"modifiedby", SystemUserID},
	}
	for _, optional := range []cell{
		{"firstname", u.first}, {"title", u.title}, {"jobtitle", u.title}, {"address1_telephone1", u.phone},
		{"parentsystemuserid", u.manager}, {"territoryid", u.territory}, {"address1_city", u.city},
		{"address1_country", u.country},
	} {
		if optional.value != "" {
			r = append(r, optional)
		}
	}
	return append(r, extra...)
}

// ObjectID is the directory's id (Entra object id) of a user.
func ObjectID(systemuserid string) string { return id("object of user "+systemuserid, 0) }

func addCurrencies(l *loader) {
	for _, c := range []struct {
		id, name, code, symbol string
		rate                   float64
	}{
		{BaseCurrencyID, "US Dollar", "USD", "$", 1},
		{EuroID, "Euro", "EUR", "€", 0.92},
		{PoundID, "Pound Sterling", "GBP", "£", 0.79},
	} {
		l.add("transactioncurrency", row{
			{"transactioncurrencyid", c.id}, {"currencyname", c.name}, {"isocurrencycode", c.code},
			{"currencysymbol", c.symbol}, {"currencyprecision", 2}, {"exchangerate", c.rate},
			{"uniquedscid", id("uniquedscid", int(c.code[0]))},
		})
	}
}

func addSolutions(l *loader, created time.Time) {
	l.add("publisher", row{
		{"publisherid", DefaultPublisherID}, {"uniquename", "DefaultPublisher" + OrganizationName},
		{"friendlyname", "Default Publisher for " + OrganizationName}, {"customizationprefix", "new"},
		{"customizationoptionvalueprefix", 10000}, {"address1_addressid", id("publisher address", 1)},
		{"address2_addressid", id("publisher address", 2)}, {"address1_addresstypecode", 1}, {"address2_addresstypecode", 1},
		{"address1_shippingmethodcode", 1}, {"address2_shippingmethodcode", 1},
	})
	for _, solution := range []struct {
		id, unique, friendly string
		visible              bool
	}{
		{DefaultSolutionID, "Default", "Default Solution", true},
		{ActiveSolutionID, "Active", "Active Solution", false},
	} {
		l.add("solution", row{
			{"solutionid", solution.id}, {"uniquename", solution.unique}, {"friendlyname", solution.friendly},
			{"isvisible", solution.visible}, {"version", "1.0"}, {"publisherid", DefaultPublisherID},
			{"installedon", stamp(created)}, {"solutionpackageversion", "9.2"},
		})
	}
}

func addCatalogDefaults(l *loader) {
	l.add("subject", row{{"subjectid", DefaultSubjectID}, {"title", "Default Subject"}, {"featuremask", 1}})
	l.add("uomschedule", row{
		{"uomscheduleid", DefaultUnitGroupID}, {"name", "Default Unit"}, {"baseuomname", "Primary Unit"},
		{"description", "Default Unit Group"},
	})
	l.add("uom", row{
		{"uomid", PrimaryUnitID}, {"name", "Primary Unit"}, {"quantity", 1.0}, {"isschedulebaseuom", true},
		{"uomscheduleid", DefaultUnitGroupID},
	})
}
