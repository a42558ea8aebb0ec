package seed

import (
	"fmt"
	"time"
)

const (
	campaignCount = 10
	listCount     = 8
	listSize      = 40
	responseCount = 70
)

func (c *company) marketer(i int) user { return c.users[len(c.users)-3+i%3] }

func (c *company) addMarketing() {
	for i := range campaignCount {
		c.addCampaign(i)
	}
	for i := range listCount {
		c.addList(i)
	}
	for i := range responseCount {
		c.addResponse(i)
	}
}

func (c *company) addCampaign(i int) {
	by := c.marketer(i)
	start := c.today.AddDate(0, 1-i*2, 0)
	f := families[i%len(families)]
	status := 2 // launched
	switch {
	case i == 0:
		status = 1
	case i > 4:
		status = 3
	}
	cost := float64(c.between(5, 60)) * 1000
	r := join(row{
		{"campaignid", id("campaign", i)}, {"name", fmt.Sprintf("%s %s", f.name, []string{"Spring Fair", "Online Days", "Partner Tour"}[i%3])},
		{"codename", c.number("CMP", i)}, {"typecode", 1 + i%3}, {"statuscode", status}, {"objective", "More customers for " + f.name},
		{"proposedstart", stamp(start)}, {"proposedend", stamp(start.AddDate(0, 1, 15))}, {"budgetedcost", cost},
		{"othercost", cost * 0.1}, {"totalactualcost", cost * 0.9}, {"totalcampaignactivityactualcost", cost * 0.8},
		{"expectedrevenue", cost * 6}, {"expectedresponse", 10 + i*3}, {"pricelistid", standardPriceList}, {"ownerid", owner{by.id, by.unit}},
	}, inDollars, made(c.past(start), c.past(start), by.id))
	if i > 0 {
		r = append(r, cell{"actualstart", stamp(start)})
	}
	c.add("campaign", r)
	if i < listCount {
		c.add("campaignitem", row{{"campaignitemid", c.newID("campaignitem")}, {"campaignid", id("campaign", i)}, {"entityid", id("list", i)}})
	}
}

// addList adds a static list of contacts, or of accounts.
func (c *company) addList(i int) {
	by := c.marketer(i)
	at := c.ago(30 + 60*i)
	kind, code := "contact", 2
	if i%3 == 2 {
		kind, code = "account", 1
	}
	c.add("list", join(row{
		{"listid", id("list", i)}, {"listname", fmt.Sprintf("%s interest, %s", families[i].name, kind+"s")}, {"createdfromcode", code},
		{"membertype", code}, {"membercount", listSize}, {"type", false}, {"purpose", "Campaigns for " + families[i].name},
		{"lastusedon", stamp(c.ago(5 + i))}, {"ownerid", owner{by.id, by.unit}},
	}, inDollars, made(at, at, by.id)))
	for n := range listSize {
		member, name := c.contacts[(i*53+n*7)%len(c.contacts)].id, c.contacts[(i*53+n*7)%len(c.contacts)].name()
		if kind == "account" {
			a := c.accounts[(i*31+n*7)%len(c.accounts)]
			member, name = a.id, a.name
		}
		c.add("listmember", join(row{
			{"listmemberid", c.newID("listmember")}, {"listid", id("list", i)}, {"entityid", target{kind, member}},
			{"entitytype", kind}, {"name", name}, {"ownerid", owner{by.id, by.unit}},
		}, made(at, at, by.id)))
	}
}

func (c *company) addResponse(i int) {
	campaign := 1 + i%(campaignCount-1)
	p := c.contacts[(i*37)%len(c.contacts)]
	received := c.past(c.today.AddDate(0, 1-campaign*2, c.between(1, 30)).Add(10 * time.Hour))
	c.addActivity(activity{
		table: "campaignresponse", subject: "Response of " + p.name(), regarding: target{"campaign", id("campaign", campaign)},
		owner: c.marketer(i), at: received,
	}, row{
		{"firstname", p.first}, {"lastname", p.last}, {"emailaddress", p.email}, {"telephone", p.phone},
		{"responsecode", c.between(1, 2)}, {"channeltypecode", c.between(1, 2)}, {"receivedon", stamp(received)},
		{"statecode", i % 2}, {"statuscode", 1 + i%2}, {"prioritycode", 1},
	}, party{target{"contact", p.id}, masks.customer, p.email})
}

// connectionRoles are what two parties of a connection are to each other.
var connectionRoles = []struct {
	name     string
	category int
}{{"Stakeholder", 1000}, {"Decision Maker", 4}, {"Former Employer", 1}, {"Former Employee", 1}, {"Influencer", 4}, {"Referral", 1}}

const connectionCount = 40

// addConnections links contacts with sales and with accounts. Every connection is two rows, one for each side.
func (c *company) addConnections() {
	for i, r := range connectionRoles {
		roleID := id("connectionrole", i)
		c.add("connectionrole", row{
			{"connectionroleid", roleID}, {"connectionroleidunique", roleID}, {"name", r.name}, {"category", r.category},
			{"solutionid", ActiveSolutionID},
		})
	}
	for i := range connectionCount {
		p := c.contacts[(i*17+3)%len(c.contacts)]
		other, code, name := target{"account", c.accounts[i*3].id}, 1, c.accounts[i*3].name
		role, otherRole := id("connectionrole", 3), id("connectionrole", 2)
		if i%2 == 0 {
			o := c.opportunities[i]
			other, code, name = target{"opportunity", o.id}, 3, o.name
			role, otherRole = id("connectionrole", i%4/2), id("connectionrole", 0)
		}
		there, back := c.newID("connection"), c.newID("connection")
		c.addConnection(there, back, target{"contact", p.id}, 2, role, other, code, otherRole, name, p.owner)
		c.addConnection(back, there, other, code, otherRole, target{"contact", p.id}, 2, role, p.name(), p.owner)
	}
}

func (c *company) addConnection(
	connection, reciprocal string, from target, fromCode int, fromRole string, to target, toCode int, toRole, name string, by user,
) {
	c.add("connection", row{
		{"connectionid", connection}, {"relatedconnectionid", reciprocal}, {"record1id", from}, {"record1objecttypecode", fromCode},
		{"record1roleid", fromRole}, {"record2id", to}, {"record2objecttypecode", toCode}, {"record2roleid", toRole},
		{"name", name}, {"ismaster", connection < reciprocal}, {"ownerid", owner{by.id, by.unit}},
	})
}

// addGoals sets what the sellers are to sell in this quarter.
func (c *company) addGoals() {
	start, end := c.quarter(0), c.quarter(1)
	for i, u := range c.sellers {
		var won, open float64
		for _, o := range c.opportunities {
			if o.owner.id != u.id || o.closes.Before(start) || !o.closes.Before(end) {
				continue
			}
			switch o.state {
			case 0:
				open = cents(open + o.value)
			case 1:
				won = cents(won + o.value)
			}
		}
		goal := id("goal", i)
		const quota = 400000.0
		c.add("goal", join(row{
			{"goalid", goal}, {"title", fmt.Sprintf("Q%d revenue, %s", (int(start.Month())+2)/3, u.name())}, {"goalownerid", target{"systemuser", u.id}},
			{"ownerid", owner{u.id, u.unit}}, {"metricid", id("metric", 1)}, {"isamount", true}, {"amountdatatype", 0},
			{"isfiscalperiodgoal", true}, {"fiscalyear", start.Year()}, {"fiscalperiod", (int(start.Month()) + 2) / 3},
			{"goalstartdate", stamp(start)}, {"goalenddate", stamp(end.Add(-time.Second))}, {"targetmoney", quota},
			{"stretchtargetmoney", quota * 1.2}, {"actualmoney", won}, {"inprogressmoney", open}, {"percentage", cents(won / quota * 100)},
			{"consideronlygoalownersrecords", true}, {"lastrolledupdate", stamp(c.today)}, {"depth", 0}, {"treeid", goal}, {"isoverride", false},
		}, inDollars))
	}
}
