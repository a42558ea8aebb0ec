package seed

import (
	"fmt"
	"math"
	"time"
)

// lead and opportunity are what later rows need to know of a sale.
type lead struct {
	id, first, last, company, email, phone, subject string
	owner                                           user
	created                                         time.Time
	state                                           int
	address                                         address
}

type opportunity struct {
	id, name      string
	account       int
	contact       int
	owner         user
	created       time.Time
	closes        time.Time // expected for an open one, actual for a closed one
	state         int       // 0 open, 1 won, 2 lost
	lines         []line
	value         float64
	stage         stage
	originatingID string // leadid
}

// stage is a step of the sales process.
type stage struct {
	code        int
	name        string
	probability int
}

var stages = []stage{{0, "1-Qualify", 20}, {1, "2-Develop", 45}, {2, "3-Propose", 65}, {3, "4-Close", 85}}

// How many opportunities there are of each kind. The open ones close in this quarter, the next and later.
const (
	openNow       = 56
	openNext      = 44
	openLater     = 60
	wonCount      = 170
	lostCount     = 110
	openCount     = openNow + openNext + openLater
	saleCount     = openCount + wonCount + lostCount
	qualifiedEach = 3 // every third sale came from a lead
)

func (c *company) addSales() {
	for i := range saleCount {
		c.planOpportunity(i)
	}
	c.addLeads()
	for i := range c.opportunities {
		c.addOpportunity(i)
	}
}

func (c *company) planOpportunity(i int) {
	of := c.rand.IntN(len(c.accounts))
	for len(c.accounts[of].contacts) == 0 || of%inactiveEvery == inactiveEvery-1 {
		of = (of + 1) % len(c.accounts)
	}
	a := c.accounts[of]
	o := opportunity{id: c.newID("opportunity"), account: of, contact: pick(c, a.contacts), owner: a.owner, stage: pick(c, stages)}
	kind := pick(c, families)
	o.name = fmt.Sprintf("%s - %s", pick(c, []string{kind.name, kind.name + " renewal", "Upgrade to " + pick(c, kind.items), pick(c, kind.items)}), a.name)
	c.schedule(i, &o)
	o.value = math.Round(2500*math.Exp(c.rand.Float64()*4.6)/100) * 100
	if i < openNow {
		o.value += 32000 // the sales of this quarter are worth asking for
	}
	if c.chance(62) {
		o.lines = c.newLines(o.value)
		o.value = 0
		for _, l := range o.lines {
			o.value = cents(o.value + l.net())
		}
	}
	c.opportunities = append(c.opportunities, o)
}

// schedule sets when a sale began and when it closes or closed.
func (c *company) schedule(i int, o *opportunity) {
	closed := i - openCount
	switch {
	case i < openNow:
		o.closes = c.inQuarter(0)
	case i < openNow+openNext:
		o.closes = c.inQuarter(1)
	case i < openCount:
		o.closes = c.inQuarter(2 + c.rand.IntN(2))
	case closed < wonCount: // evenly over two years, so that every month has some
		o.state, o.closes = 1, c.ago(1+closed*725/wonCount)
	default:
		o.state, o.closes = 2, c.ago(2+(closed-wonCount)*720/lostCount)
	}
	if o.state == 0 {
		o.created = c.ago(c.between(3, 160))
	} else {
		o.created = o.closes.AddDate(0, 0, -c.between(15, 150))
		o.stage = stages[3]
	}
}

func (c *company) addOpportunity(i int) {
	o := &c.opportunities[i]
	a, p := c.accounts[o.account], c.contacts[o.contact]
	changed, expected := c.since(o.created), o.closes
	if o.state != 0 {
		changed, expected = c.past(o.closes), o.closes.AddDate(0, 0, c.between(-14, 21))
	}
	r := join(row{
		{"opportunityid", o.id}, {"name", o.name}, {"customerid", target{"account", a.id}}, {"parentaccountid", a.id},
		{"parentcontactid", p.id}, {"accountid", a.id}, {"contactid", p.id}, {"emailaddress", p.email},
		{"ownerid", owner{o.owner.id, o.owner.unit}}, {"pricelevelid", standardPriceList}, {"pricingerrorcode", 0},
		{"prioritycode", 1}, {"salesstagecode", 1}, {"salesstage", o.stage.code}, {"stepname", o.stage.name},
		{"opportunityratingcode", c.between(1, 3)}, {"budgetamount", math.Round(o.value*1.1/1000) * 1000},
		{"budgetstatus", c.between(0, 3)}, {"need", c.between(0, 3)}, {"purchasetimeframe", c.between(0, 4)},
		{"purchaseprocess", c.between(0, 2)}, {"timeline", c.between(0, 3)}, {"identifycompetitors", c.chance(40)},
		{"decisionmaker", c.chance(50)}, {"isrevenuesystemcalculated", len(o.lines) > 0},
		{"estimatedvalue", o.value}, {"estimatedclosedate", day(expected)},
		{"description", fmt.Sprintf("%s asked %s for an offer.", p.name(), o.owner.name())},
	}, inDollars, made(o.created, changed, o.owner.id), totals(o.lines))
	if o.originatingID != "" {
		r = append(r, cell{"originatingleadid", o.originatingID})
	}
	if i%7 == 2 {
		r = append(r, cell{"campaignid", id("campaign", i%campaignCount)})
	}
	c.add("opportunity", append(r, c.outcome(i, o)...))
	c.addLines("opportunityproduct", "opportunityid", o.id, cell{"opportunitystatecode", o.state}, o.lines, o.owner, o.created)
	if i%3 == 0 {
		c.addCompetition("opportunitycompetitors", "opportunityid", o.id, i)
	}
}

// outcome is the state of a sale and what follows from it.
func (c *company) outcome(i int, o *opportunity) row {
	switch o.state {
	case 0:
		status := 1
		if i%13 == 5 {
			status = 2 // on hold
		}
		return row{{"statecode", 0}, {"statuscode", status}, {"closeprobability", o.stage.probability + c.between(-2, 2)*5}}
	case 1:
		c.addClose(o, "Won: "+o.name, o.value)
		return row{
			{"statecode", 1}, {"statuscode", 3}, {"closeprobability", 100}, {"actualvalue", o.value}, {"actualclosedate", day(o.closes)},
		}
	}
	c.addClose(o, "Lost: "+o.name, 0)
	return row{
		{"statecode", 2}, {"statuscode", 4 + i%2}, {"closeprobability", 0}, {"actualvalue", 0.0}, {"actualclosedate", day(o.closes)},
	}
}

// addClose adds the activity that records the end of a sale.
func (c *company) addClose(o *opportunity, subject string, revenue float64) {
	r := join(row{
		{"opportunityid", o.id}, {"actualrevenue", revenue}, {"actualend", stamp(o.closes)}, {"statecode", 1}, {"statuscode", 2},
	}, inDollars)
	if o.state == 2 && c.chance(60) {
		r = append(r, cell{"competitorid", id("competitor", c.rand.IntN(len(competitorNames)))})
	}
	c.addActivity(activity{
		table: "opportunityclose", subject: subject, regarding: target{"opportunity", o.id}, owner: o.owner, at: o.closes,
	}, r)
}

func (c *company) addCompetition(table, column, of string, i int) {
	for n := range 1 + i%2 {
		c.add(table, row{
			{table + "id", c.newID(table)}, {column, of}, {"competitorid", id("competitor", (i+n)%len(competitorNames))},
		})
	}
}

const (
	leadsOpen = 140
	leadsLost = 80
)

func (c *company) addLeads() {
	for i := range c.opportunities {
		if i%qualifiedEach == 0 {
			c.addQualified(&c.opportunities[i])
		}
	}
	for i := range leadsOpen {
		c.addLead(c.newLead(c.ago(i*120/leadsOpen), 0), 1+i%2, nil)
	}
	for i := range leadsLost {
		c.addLead(c.newLead(c.ago(20+i*600/leadsLost), 2), 4+i%4, nil)
	}
}

// newLead is a person who is not a customer yet.
func (c *company) newLead(created time.Time, state int) lead {
	place := pick(c, cities)
	l := lead{
		id: c.newID("lead"), first: pick(c, firstNames), last: pick(c, lastNames), state: state, created: created,
		company: pick(c, companyWords) + " " + pick(c, pick(c, sectors).words), owner: c.sellerOf(place), phone: c.phone(place),
		subject: "Interested in " + pick(c, families).name, address: c.newAddress(place),
	}
	l.email = plain(l.first) + "." + plain(l.last) + "@" + plain(l.company) + ".example"
	return l
}

// addQualified adds the lead from which a sale came.
func (c *company) addQualified(o *opportunity) {
	a, p := c.accounts[o.account], c.contacts[o.contact]
	l := lead{
		id: c.newID("lead"), first: p.first, last: p.last, company: a.name, email: p.email, phone: p.phone, owner: o.owner,
		created: o.created.AddDate(0, 0, -c.between(2, 30)), state: 1, subject: "Request about " + o.name, address: a.address,
	}
	o.originatingID = l.id
	c.addLead(l, 3, row{
		{"parentaccountid", a.id}, {"parentcontactid", p.id}, {"qualifyingopportunityid", o.id}, {"accountid", a.id},
		{"customerid", target{"account", a.id}},
	})
}

func (c *company) addLead(l lead, status int, extra row) {
	c.leads = append(c.leads, l)
	name := l.first + " " + l.last
	budget := float64(c.between(2, 120)) * 1000
	r := join(row{
		{"leadid", l.id}, {"firstname", l.first}, {"lastname", l.last}, {"fullname", name}, {"yomifullname", name},
		{"subject", l.subject}, {"companyname", l.company}, {"emailaddress1", l.email}, {"telephone1", l.phone},
		{"jobtitle", pick(c, jobTitles)}, {"leadsourcecode", c.between(1, 10)}, {"leadqualitycode", c.between(1, 3)},
		{"industrycode", pick(c, sectors).code}, {"numberofemployees", c.between(5, 3000)}, {"budgetamount", budget},
		{"estimatedamount", budget * 0.9}, {"estimatedclosedate", day(l.created.AddDate(0, 0, c.between(30, 180)))},
		{"ownerid", owner{l.owner.id, l.owner.unit}}, {"statecode", l.state}, {"statuscode", status}, {"prioritycode", 1},
		{"preferredcontactmethodcode", 1}, {"salesstagecode", 1}, {"address1_addressid", c.newID("lead address")},
		{"address2_addressid", c.newID("lead address")}, {"address1_addresstypecode", 1}, {"address2_addresstypecode", 1},
	}, l.address.cells("address1_"), inDollars, made(l.created, c.since(l.created), l.owner.id), extra)
	if len(c.leads)%5 == 0 {
		r = append(r, cell{"campaignid", id("campaign", len(c.leads)%campaignCount)})
	}
	c.add("lead", r)
}
