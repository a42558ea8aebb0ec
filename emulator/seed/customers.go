package seed

import (
	"fmt"
	"math"
	"time"
)

// account and contact are what later rows need to know of a customer.
type account struct {
	id, name, domain string
	place            city
	address          address
	owner            user
	created          time.Time
	contacts         []int // places in company.contacts
	sector           sector
	phone            string
	size             int // employees
}

type contact struct {
	id, first, last, email, phone string
	account                       int // place in company.accounts, -1 for a private customer
	place                         city
	address                       address
	owner                         user
	created                       time.Time
}

func (c contact) name() string { return c.first + " " + c.last }

// address is a postal address.
type address struct{ line1, line2, city, state, postal, country string }

func (c *company) newAddress(place city) address {
	street, n := pick(c, place.streets), c.between(1, 240)
	a := address{city: place.name, state: place.state, postal: place.postal, country: place.country}
	if place.dial[:2] == "+1" || place.country == "United Kingdom" || place.country == "Ireland" || place.territory == 4 {
		a.line1 = fmt.Sprintf("%d %s", n*10+n%7, street)
	} else {
		a.line1 = fmt.Sprintf("%s %d", street, n)
	}
	if c.chance(15) {
		a.line2 = fmt.Sprintf("Floor %d", c.between(2, 12))
	}
	return a
}

// composite is the address in one text, as the platform puts it together.
func (a address) composite() string {
	text := a.line1 + "\r\n"
	if a.line2 != "" {
		text += a.line2 + "\r\n"
	}
	text += a.city
	if a.state != "" {
		text += ", " + a.state
	}
	return text + " " + a.postal + "\r\n" + a.country
}

// cells are the address in columns that begin with a prefix: address1_, billto_, shipto_ or none.
func (a address) cells(prefix string) row {
	r := row{
		{prefix + "line1", a.line1}, {prefix + "city", a.city}, {prefix + "postalcode", a.postal},
		{prefix + "country", a.country}, {prefix + "composite", a.composite()},
	}
	if a.line2 != "" {
		r = append(r, cell{prefix + "line2", a.line2})
	}
	if a.state != "" {
		r = append(r, cell{prefix + "stateorprovince", a.state})
	}
	return r
}

// addresses gives a customer its two address rows, which the platform makes with every customer, and returns the
// columns that repeat the first.
func (c *company) addresses(table, customerID string, a address, at time.Time, of user) row {
	var columns row
	for n := 1; n <= 2; n++ {
		addressID := c.newID("customeraddress")
		columns = append(columns, cell{fmt.Sprintf("address%d_addressid", n), addressID})
		r := join(row{
			{"customeraddressid", addressID}, {"parentid", target{table, customerID}}, {"objecttypecode", table},
			{"addressnumber", n}, {"ownerid", owner{of.id, of.unit}},
		}, made(at, at, of.id))
		if n == 1 && a.line1 != "" {
			r = append(r, a.cells("")...)
			r = append(r, cell{"addresstypecode", 3})
			columns = append(columns, a.cells("address1_")...)
			columns = append(columns, cell{"address1_addresstypecode", 3})
		}
		c.add("customeraddress", r)
	}
	return columns
}

const (
	accountCount = 330
	privateCount = 40 // contacts without an account
)

func (c *company) addCustomers() {
	names := map[string]bool{}
	for i := range accountCount {
		c.planAccount(i, names)
	}
	for i := range c.accounts {
		for range c.contactsOf(i) {
			c.planContact(i)
		}
	}
	for range privateCount {
		c.planContact(-1)
	}
	c.planTwin(0, 41)
	for i, a := range c.accounts {
		c.addAccount(i, a)
	}
	for i, p := range c.contacts {
		c.addContact(i, p)
	}
}

// contactsOf is how many people we know at an account.
func (c *company) contactsOf(account int) int {
	if account == bareAccount {
		return 0
	}
	return 1 + int(c.rand.ExpFloat64()*2.3)%6
}

// bareAccount is the place of the account that has nothing but a name.
const bareAccount = 17

// oddNames are company names that try the quoting of queries.
var oddNames = map[int]string{
	bareAccount: "Blank Slate", 23: "O'Reilly & Sons Bakery", 29: "100% Organic Foods", 37: "Data_Works [EMEA]", 43: "Łódzka Spedycja",
}

func (c *company) planAccount(i int, names map[string]bool) {
	field := sectors[(i*5+c.rand.IntN(3))%len(sectors)]
	a := account{id: c.newID("account"), place: pick(c, cities), sector: field}
	for a.name == "" || names[a.name] {
		a.name = pick(c, companyWords) + " " + pick(c, field.words)
		if c.chance(25) {
			a.name = pick(c, lastNames) + " " + pick(c, field.words)
		}
	}
	if i%9 == 8 { // a subsidiary of the one before
		parent := c.accounts[i-1]
		a.sector = parent.sector
		if name := parent.name + " " + a.place.name; !names[name] {
			a.name = name
		}
	}
	if name, ok := oddNames[i]; ok {
		a.name = name
	}
	names[a.name] = true
	a.domain = plain(a.name) + ".example"
	a.address = c.newAddress(a.place)
	a.phone = c.phone(a.place)
	a.owner = c.sellerOf(a.place)
	a.created = c.ago(30 + i*1000/accountCount)
	a.size = int(15 * math.Exp(c.rand.Float64()*6))
	c.accounts = append(c.accounts, a)
}

// sellerOf is one of those who look after the customers of a place.
func (c *company) sellerOf(place city) user {
	var near []user
	for _, u := range c.sellers {
		if u.territory == id("territory", place.territory) {
			near = append(near, u)
		}
	}
	return pick(c, near)
}

func (c *company) planContact(of int) {
	p := contact{id: c.newID("contact"), first: pick(c, firstNames), last: pick(c, lastNames), account: of, place: pick(c, cities)}
	domain := "mail.example"
	p.created = c.ago(c.between(20, 900))
	if of >= 0 {
		a := &c.accounts[of]
		a.contacts = append(a.contacts, len(c.contacts))
		p.place, p.address, p.owner, domain = a.place, a.address, a.owner, a.domain
		if p.created.Before(a.created) {
			p.created = a.created
		}
	} else {
		p.address, p.owner = c.newAddress(p.place), c.sellerOf(p.place)
	}
	p.email = plain(p.first) + "." + plain(p.last) + "@" + domain
	p.phone = c.phone(p.place)
	c.contacts = append(c.contacts, p)
}

// planTwin gives one account a contact with the same name as the first contact of another.
func (c *company) planTwin(of, at int) {
	a := &c.accounts[at]
	twin := c.contacts[c.accounts[of].contacts[0]]
	twin.id, twin.account, twin.created, twin.owner = c.newID("contact"), at, a.created, a.owner
	twin.place, twin.address, twin.phone = a.place, a.address, c.phone(a.place)
	twin.email = plain(twin.first) + "@" + a.domain
	a.contacts = append(a.contacts, len(c.contacts))
	c.contacts = append(c.contacts, twin)
}

// inactiveEvery makes some customers inactive.
const inactiveEvery = 26

func (c *company) addAccount(i int, a account) {
	r := join(row{
		{"accountid", a.id}, {"name", a.name}, {"ownerid", owner{a.owner.id, a.owner.unit}},
	}, inDollars, made(a.created, c.since(a.created), a.owner.id))
	if i == bareAccount {
		c.add("account", append(r, c.addresses("account", a.id, address{}, a.created, a.owner)...))
		return
	}
	r = append(r, c.addresses("account", a.id, a.address, a.created, a.owner)...)
	r = append(r, row{
		{"accountnumber", fmt.Sprintf("AC-%05d", 10001+i*7)}, {"telephone1", a.phone}, {"emailaddress1", "info@" + a.domain},
		{"websiteurl", "https://www." + a.domain}, {"industrycode", a.sector.code}, {"sic", a.sector.sic},
		{"numberofemployees", a.size}, {"revenue", float64(a.size) * float64(c.between(90, 260)) * 1000},
		{"creditlimit", float64(c.between(1, 40)) * 5000}, {"paymenttermscode", c.between(1, 4)},
		{"customertypecode", pick(c, []int{3, 3, 3, 3, 8, 5, 9})}, {"accountcategorycode", 2 - i%4/3},
		{"ownershipcode", c.between(1, 3)}, {"territoryid", id("territory", a.place.territory)},
		{"primarycontactid", c.contacts[a.contacts[0]].id}, {"defaultpricelevelid", standardPriceList},
		{"description", a.sector.words[0] + " company in " + a.place.name + ", customer of the " + territoryNames[a.place.territory] + " team"},
	}...)
	if i%9 == 8 {
		r = append(r, cell{"parentaccountid", c.accounts[i-1].id})
	}
	if c.chance(20) {
		r = append(r, cell{"fax", c.phone(a.place)}, cell{"preferredcontactmethodcode", c.between(2, 3)})
	}
	if i%40 == 3 {
		r = append(r, cell{"creditonhold", true}, cell{"donotemail", true}, cell{"donotbulkemail", true})
	}
	if i%inactiveEvery == inactiveEvery-1 {
		r = append(r, cell{"statecode", 1}, cell{"statuscode", 2})
	}
	c.add("account", r)
}

func (c *company) addContact(i int, p contact) {
	r := join(row{
		{"contactid", p.id}, {"firstname", p.first}, {"lastname", p.last}, {"fullname", p.name()}, {"yomifullname", p.name()},
		{"emailaddress1", p.email}, {"telephone1", p.phone}, {"ownerid", owner{p.owner.id, p.owner.unit}},
		{"jobtitle", pick(c, jobTitles)}, {"department", pick(c, departments)},
		{"address3_addressid", c.newID("address3")},
	}, inDollars, made(p.created, c.since(p.created), p.owner.id),
		c.addresses("contact", p.id, p.address, p.created, p.owner))
	if p.account >= 0 {
		r = append(r, cell{"parentcustomerid", target{"account", c.accounts[p.account].id}}, cell{"accountid", c.accounts[p.account].id})
		r = append(r, cell{"accountrolecode", c.between(1, 3)})
	}
	if c.chance(55) {
		r = append(r, cell{"mobilephone", c.phone(p.place)})
	}
	if c.chance(20) {
		born := time.Date(1955+c.rand.IntN(45), time.Month(c.between(1, 12)), c.between(1, 28), 0, 0, 0, 0, time.UTC)
		r = append(r, cell{"birthdate", day(born)}, cell{"familystatuscode", c.between(1, 4)})
	}
	if c.chance(8) {
		r = append(r, cell{"donotphone", true}, cell{"donotbulkemail", true}, cell{"preferredcontactmethodcode", 2})
	}
	if i%inactiveEvery == 11 {
		r = append(r, cell{"statecode", 1}, cell{"statuscode", 2})
	}
	c.add("contact", r)
}
