package seed

import (
	"fmt"
	"strings"
	"time"
)

// incident is what later rows need to know of a case.
type incident struct {
	id, title string
	customer  target
	contact   int
	owner     user
	created   time.Time
	state     int // 0 active, 1 resolved, 2 canceled
	priority  int
	resolved  time.Time
}

// troubles are what customers report; %s is a product of the family, or of any that is a device. The answer becomes the
// text of the resolution.
var troubles = []struct{ title, answer, family string }{
	{"%s does not start", "Replaced the power supply", ""},
	{"%s loses its network connection", "Updated the firmware", ""},
	{"Question about the warranty of %s", "Sent the warranty terms", ""},
	{"%s was delivered damaged", "Sent a replacement", ""},
	{"Wrong invoice for %s", "Issued a credit note", ""},
	{"%s is noisy", "Replaced the fan on site", ""},
	{"How do I set up %s?", "Walked the customer through the set-up", ""},
	{"Request for training on %s", "Booked a training day", ""},
	{"%s prints stripes", "Cleaned the print head", "Printers"},
	{"Part missing in the box of %s", "Shipped the missing part", ""},
	{"%s reports error 50", "Reset the device and cleared the log", ""},
	{"Return of %s", "Collected the device", ""},
}

const (
	caseCount        = 540
	entitlementCount = 24
	contractCount    = 12
)

func (c *company) addService() {
	c.addArticles()
	for i := range entitlementCount {
		c.addEntitlement(i)
	}
	for i := range contractCount {
		c.addContract(i)
	}
	for i := range caseCount {
		c.addCase(i)
	}
}

func (c *company) planCase(i int) incident {
	who := c.rand.IntN(len(c.contacts))
	k := incident{
		id: c.newID("incident"), contact: who, owner: pick(c, c.agents), priority: 1 + (i*7%10+4)/5,
		created: c.ago(i * (i + caseCount) * 540 / (2 * caseCount * caseCount)), // more of late
	}
	k.customer = target{"contact", c.contacts[who].id}
	if of := c.contacts[who].account; of >= 0 && i%6 != 0 {
		k.customer = target{"account", c.accounts[of].id}
	}
	age := int(c.today.Sub(k.created).Hours() / 24)
	open := age < 4 || age < 40 && i%3 != 0 || i%29 == 0
	switch {
	case open:
	case i%19 == 7:
		k.state, k.resolved = 2, c.past(k.created.AddDate(0, 0, 2))
	default:
		k.state, k.resolved = 1, c.past(k.created.Add(time.Duration(c.between(3, 260))*time.Hour))
	}
	return k
}

func (c *company) addCase(i int) {
	k := c.planCase(i)
	trouble := pick(c, troubles)
	p := pick(c, c.products)
	for p.kind == "Services" || p.kind == "Supplies" || trouble.family != "" && p.kind != trouble.family {
		p = pick(c, c.products)
	}
	k.title = strings.ReplaceAll(trouble.title, "%s", p.name)
	status, changed := c.caseStatus(k, i)
	r := join(row{
		{"incidentid", k.id}, {"title", k.title}, {"ticketnumber", c.number("CAS", caseCount-i)}, {"customerid", k.customer},
		{"primarycontactid", c.contacts[k.contact].id}, {"emailaddress", c.contacts[k.contact].email}, {"prioritycode", k.priority},
		{"severitycode", 1}, {"caseorigincode", pick(c, []int{1, 1, 2, 2, 2, 3, 3, 2483})}, {"casetypecode", c.between(1, 3)},
		{"incidentstagecode", 1}, {"messagetypecode", 1}, {"contractservicelevelcode", c.between(1, 3)}, {"productid", p.id},
		{"productserialnumber", fmt.Sprintf("SN%07d", c.rand.IntN(10_000_000))}, {"subjectid", subjectOf(p)}, {"statecode", k.state},
		{"statuscode", status}, {"ownerid", owner{k.owner.id, k.owner.unit}}, {"firstresponsesent", k.state != 0 || i%2 == 0},
		{"isescalated", k.state == 0 && k.priority == 1 && i%2 == 0}, {"customercontacted", i%2 == 0},
		{"responseby", stamp(k.created.Add(4 * time.Hour))}, {"resolveby", stamp(k.created.Add(72 * time.Hour))},
		{"followupby", stamp(k.created.AddDate(0, 0, 7))},
		{"description", fmt.Sprintf("%s wrote: %s. Please help.", c.contacts[k.contact].name(), k.title)},
	}, made(k.created, changed, k.owner.id))
	column := "accountid"
	if k.customer.table == "contact" {
		column = "contactid"
	}
	r = append(r, cell{column, k.customer.id})
	if k.state == 1 {
		r = append(r, cell{"customersatisfactioncode", min(5, c.between(2, 6))})
		c.addResolution(k, trouble.answer)
	}
	if i%45 == 10 { // the next case is older: it was the cause
		r = append(r, cell{"parentcaseid", id("incident", c.sequence["incident"]+1)})
	}
	c.cases = append(c.cases, k)
	c.add("incident", r)
	if k.state == 0 {
		c.queue(k, i)
	}
}

// caseStatus is the status reason of a case and when it last changed.
func (c *company) caseStatus(k incident, i int) (status int, changed time.Time) {
	switch {
	case k.state == 1 && i%8 == 0:
		return 1000, k.resolved // information provided
	case k.state == 1:
		return 5, k.resolved
	case k.state == 2:
		return 6, k.resolved
	}
	return c.between(1, 4), c.past(k.created.Add(time.Duration(c.between(1, 70)) * time.Hour))
}

// subjectOf is where cases about a product are filed.
func subjectOf(p product) string {
	for i, f := range families {
		if f.name == p.kind {
			return id("subject", i)
		}
	}
	return DefaultSubjectID
}

func (c *company) addResolution(k incident, answer string) {
	c.addActivity(activity{
		table: "incidentresolution", subject: answer, owner: k.owner, at: k.resolved,
	}, row{
		{"incidentid", k.id}, {"timespent", c.between(1, 24) * 10}, {"statecode", 1}, {"statuscode", 2}, {"actualend", stamp(k.resolved)},
		{"description", answer + "."},
	})
}

// queue puts an open case where somebody picks it up.
func (c *company) queue(k incident, i int) {
	place := queueSupport
	if k.priority == 1 {
		place = queueTierTwo
	}
	r := join(row{
		{"queueitemid", c.newID("queueitem")}, {"queueid", id("queue", place)}, {"objectid", target{"incident", k.id}},
		{"objecttypecode", 112}, {"title", k.title}, {"enteredon", stamp(k.created)}, {"priority", k.priority},
		{"ownerid", owner{AdministratorID, RootBusinessUnitID}},
	}, made(k.created, k.created, k.owner.id))
	if i%2 == 0 {
		r = append(r, cell{"workerid", target{"systemuser", k.owner.id}}, cell{"workeridmodifiedon", stamp(k.created)})
	}
	c.add("queueitem", r)
}

func (c *company) addEntitlement(i int) {
	a := c.accounts[i*13]
	start := c.today.AddDate(0, -i, 0)
	state, status := 1, 1
	if i >= 12 {
		state, status = 3, 3 // expired
	}
	total := float64(c.between(2, 8) * 5)
	c.add("entitlement", join(row{
		{"entitlementid", c.newID("entitlement")}, {"name", "Care Plan " + []string{"Basic", "Plus", "Premium"}[i%3] + " - " + a.name},
		{"customerid", target{"account", a.id}}, {"accountid", a.id}, {"allocationtypecode", 0}, {"decreaseremainingon", 0},
		{"startdate", stamp(start)}, {"enddate", stamp(start.AddDate(1, 0, 0))}, {"totalterms", total},
		{"remainingterms", float64(c.rand.IntN(int(total)))}, {"statecode", state}, {"statuscode", status}, {"kbaccesslevel", 0},
		{"ownerid", owner{c.agents[0].id, c.agents[0].unit}},
	}, inDollars, made(c.past(start), c.past(start), c.agents[0].id)))
}

func (c *company) addContract(i int) {
	a := c.accounts[i*19+2]
	start := c.today.AddDate(0, -2*i, 0)
	state, status := 2, 3 // active
	if i >= 6 {
		state, status = 5, 6 // expired
	}
	price := float64(c.between(4, 40)) * 500
	c.add("contract", join(row{
		{"contractid", c.newID("contract")}, {"title", "Service contract " + a.name}, {"contractnumber", c.number("CNR", i)},
		{"customerid", target{"account", a.id}}, {"accountid", a.id}, {"billingcustomerid", target{"account", a.id}},
		{"billingaccountid", a.id}, {"activeon", stamp(start)}, {"expireson", stamp(start.AddDate(1, 0, -1))},
		{"billingstarton", stamp(start)}, {"billingendon", stamp(start.AddDate(1, 0, -1))}, {"duration", 364},
		{"contracttemplateid", id("contracttemplate", 1)}, {"contracttemplateabbreviation", "SVC"}, {"allotmenttypecode", 1},
		{"billingfrequencycode", 3}, {"contractservicelevelcode", 1 + i%3}, {"totalprice", price}, {"totaldiscount", 0.0},
		{"netprice", price}, {"statecode", state}, {"statuscode", status}, {"ownerid", owner{c.agents[0].id, c.agents[0].unit}},
	}, inDollars, made(c.past(start), c.past(start), c.agents[0].id)))
}

func (c *company) addArticles() {
	for i, t := range troubles {
		articleID := c.newID("knowledgearticle")
		f := families[i%len(families)]
		title := strings.ReplaceAll(t.title, "%s", f.items[i%len(f.items)])
		at := c.ago(40 + i*45)
		state, status := 3, 7 // published
		if i >= 9 {
			state, status = 0, 2
		}
		c.add("knowledgearticle", join(row{
			{"knowledgearticleid", articleID}, {"title", title}, {"articlepublicnumber", fmt.Sprintf("KA-%05d", 1001+i)},
			{"content", "<p>" + title + "</p><p>" + t.answer + ".</p>"}, {"description", t.answer}, {"keywords", f.name + ", " + f.subject},
			{"isrootarticle", false}, {"islatestversion", true}, {"isprimary", true}, {"isinternal", i%4 == 3},
			{"languagelocaleid", id("languagelocale", 1033)}, {"languagelocaleidlocaleid", 1033}, {"majorversionnumber", 1},
			{"minorversionnumber", 0}, {"subjectid", id("subject", i%len(families))}, {"knowledgearticleviews", c.between(3, 400)},
			{"primaryauthorid", c.agents[1].id}, {"statecode", state}, {"statuscode", status},
			{"ownerid", owner{c.agents[1].id, c.agents[1].unit}},
		}, made(at, at, c.agents[1].id)))
	}
}
