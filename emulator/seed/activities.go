package seed

import (
	"encoding/base64"
	"fmt"
	"time"
)

// activity is what all activities have in common.
type activity struct {
	table, subject string
	regarding      target // zero: nothing
	owner          user
	at             time.Time // when it was made
	due            time.Time // zero: at
}

// party is somebody's part in an activity.
type party struct {
	who     target
	mask    int
	address string
}

// masks are the values of participationtypemask that we use.
var masks = struct{ sender, to, cc, required, optional, organizer, regarding, owner, customer int }{1, 2, 3, 5, 6, 7, 8, 9, 11}

// addActivity adds an activity with its parties; owner and regarding row are parties always.
func (c *company) addActivity(a activity, extra row, parties ...party) {
	activityID := c.newID(a.table)
	if a.due.IsZero() {
		a.due = a.at
	}
	changed := a.due
	if a.due.Before(a.at) || a.due.After(c.today) {
		changed = a.at
	}
	by := owner{a.owner.id, a.owner.unit}
	r := row{
		{"activityid", activityID}, {"subject", a.subject}, {"activitytypecode", a.table}, {"ownerid", by},
		{"isregularactivity", true}, {"scheduledstart", stamp(a.due)}, {"scheduledend", stamp(a.due)}, {"sortdate", stamp(a.due)},
	}
	parties = append(parties, party{target{"systemuser", a.owner.id}, masks.owner, ""})
	if a.regarding.id != "" {
		r = append(r, cell{"regardingobjectid", a.regarding}, cell{"regardingobjecttypecode", a.regarding.table})
		parties = append(parties, party{a.regarding, masks.regarding, ""})
	}
	c.add(a.table, join(r, kinds[a.table], made(a.at, changed, a.owner.id), extra))
	for _, p := range parties {
		r := row{
			{"activitypartyid", c.newID("activityparty")}, {"activityid", target{a.table, activityID}}, {"partyid", p.who},
			{"partyobjecttypecode", p.who.table}, {"participationtypemask", p.mask}, {"instancetypecode", 0}, {"ownerid", by},
		}
		if p.address != "" {
			r = append(r, cell{"addressused", p.address})
		}
		if a.table == "email" && p.address != "" {
			r = append(r, cell{"addressusedemailcolumnnumber", emailColumn[p.who.table]})
		}
		c.add("activityparty", r)
	}
}

// emailColumn is the column number of the first e-mail address of a table.
var emailColumn = map[string]int{"account": 43, "contact": 42, "lead": 20, "systemuser": 51}

// kinds are the columns that only some kinds of activities have and that are the same in all of their rows.
var kinds = map[string]row{
	"appointment":        {{"instancetypecode", 0}, {"attachmentcount", 0}},
	"email":              {{"attachmentcount", 0}, {"emailreminderstatus", 0}, {"deliveryprioritycode", 1}, {"mimetype", "text/html"}},
	"incidentresolution": {{"instancetypecode", 0}},
	"opportunityclose":   {{"instancetypecode", 0}},
	"campaignresponse":   {{"instancetypecode", 0}},
}

const (
	taskCount        = 900
	phonecallCount   = 720
	emailCount       = 860
	appointmentCount = 560
	letterCount      = 100
)

func (c *company) addActivities() {
	for i := range taskCount {
		c.addTask(i)
	}
	for i := range phonecallCount {
		c.addPhonecall(i)
	}
	for i := range emailCount {
		c.addEmail(i)
	}
	for i := range appointmentCount {
		c.addAppointment(i)
	}
	for i := range letterCount {
		c.addLetter(i)
	}
}

// talk is what an activity is about and with whom.
type talk struct {
	regarding target
	topic     string
	owner     user
	with      target
	name      string
	email     string
	phone     string
	since     time.Time
}

func (c *company) newTalk() talk {
	roll := c.rand.IntN(100)
	switch {
	case roll < 38:
		o := pick(c, c.opportunities)
		return c.talkWith(o.contact, talk{regarding: target{"opportunity", o.id}, topic: o.name, owner: o.owner, since: o.created})
	case roll < 56:
		k := pick(c, c.cases)
		return c.talkWith(k.contact, talk{regarding: target{"incident", k.id}, topic: k.title, owner: k.owner, since: k.created})
	case roll < 66:
		l := pick(c, c.leads)
		return talk{
			regarding: target{"lead", l.id}, topic: l.subject, owner: l.owner, since: l.created,
			with: target{"lead", l.id}, name: l.first + " " + l.last, email: l.email, phone: l.phone,
		}
	}
	who := c.rand.IntN(len(c.contacts))
	p := c.contacts[who]
	t := talk{regarding: target{"contact", p.id}, topic: pick(c, families).name, owner: p.owner, since: p.created}
	if p.account >= 0 && roll < 88 {
		t.regarding = target{"account", c.accounts[p.account].id}
	}
	return c.talkWith(who, t)
}

func (c *company) talkWith(who int, t talk) talk {
	p := c.contacts[who]
	t.with, t.name, t.email, t.phone = target{"contact", p.id}, p.name(), p.email, p.phone
	return t
}

// when is when an activity was made and when it is due. One in five is still to do; some of those are late.
func (c *company) when(i int, since time.Time) (at, due time.Time, done bool) {
	if i%5 == 0 {
		return c.ago(c.between(0, 20)), c.ahead(c.between(-6, 30)), false
	}
	age := int(c.today.Sub(since).Hours() / 24)
	days := c.rand.Float64()
	at = c.ago(int(days * days * float64(age)))
	if at.Before(since) {
		at = c.past(since.Add(time.Hour))
	}
	return at, at.Add(time.Duration(c.between(1, 8)) * 30 * time.Minute), true
}

func (c *company) addTask(i int) {
	t := c.newTalk()
	at, due, done := c.when(i, t.since)
	verb := pick(c, []string{"Follow up with", "Prepare the offer for", "Send documents to", "Check the delivery to", "Plan the visit to", "Review the needs of"})
	extra := row{
		{"prioritycode", c.between(0, 2)}, {"statecode", 0}, {"statuscode", pick(c, []int{2, 2, 2, 3, 4})}, {"percentcomplete", 0},
		{"scheduleddurationminutes", 30}, {"description", t.topic},
	}
	if done {
		extra = append(extra, cell{"statecode", 1}, cell{"statuscode", 5}, cell{"percentcomplete", 100},
			cell{"actualend", stamp(c.past(due))}, cell{"actualdurationminutes", c.between(1, 9) * 10})
		if i%31 == 1 {
			extra = append(extra, cell{"statecode", 2}, cell{"statuscode", 6}, cell{"percentcomplete", 0})
		}
	}
	c.addActivity(activity{table: "task", subject: verb + " " + t.name, regarding: t.regarding, owner: t.owner, at: at, due: due}, extra)
}

func (c *company) addPhonecall(i int) {
	t := c.newTalk()
	at, due, done := c.when(i, t.since)
	outgoing := i%3 != 0
	from, to := party{target{"systemuser", t.owner.id}, masks.sender, t.owner.phone}, party{t.with, masks.to, t.phone}
	subject := "Call " + t.name
	if !outgoing {
		from.mask, to.mask = masks.to, masks.sender
		subject = "Call from " + t.name
	}
	extra := row{
		{"prioritycode", 1}, {"phonenumber", t.phone}, {"directioncode", outgoing}, {"statecode", 0}, {"statuscode", 1},
		{"description", "About: " + t.topic}, {"scheduleddurationminutes", 15},
	}
	if done {
		status := 2
		if !outgoing {
			status = 4
		}
		extra = append(extra, cell{"statecode", 1}, cell{"statuscode", status}, cell{"leftvoicemail", i%11 == 1},
			cell{"actualend", stamp(c.past(due))}, cell{"actualdurationminutes", c.between(1, 8) * 5})
	}
	c.addActivity(activity{table: "phonecall", subject: subject, regarding: t.regarding, owner: t.owner, at: at, due: due}, extra, from, to)
}

func (c *company) addEmail(i int) {
	t := c.newTalk()
	at, due, done := c.when(i, t.since)
	outgoing := i%5 == 0 || i%2 == 0
	user, other := party{target{"systemuser", t.owner.id}, masks.sender, t.owner.email}, party{t.with, masks.to, t.email}
	sender, recipient, status := t.owner.email, t.email, 3
	if !outgoing {
		user.mask, other.mask = masks.to, masks.sender
		sender, recipient, status = t.email, t.owner.email, 4
	}
	extra := row{
		{"prioritycode", 1}, {"directioncode", outgoing}, {"sender", sender}, {"torecipients", recipient + ";"},
		{"description", "<p>Hello " + t.name + ",</p><p>this is about " + t.topic + ".</p>"}, {"messageiddupcheck", id("message", i)},
		{"statecode", 0}, {"statuscode", 1},
	}
	if done {
		extra = append(extra, cell{"statecode", 1}, cell{"statuscode", status}, cell{"senton", stamp(at)}, cell{"actualend", stamp(at)},
			cell{"messageid", "<" + id("message", i) + "@mail.example>"})
	}
	c.addActivity(activity{table: "email", subject: t.topic, regarding: t.regarding, owner: t.owner, at: at, due: due}, extra, user, other)
}

func (c *company) addAppointment(i int) {
	t := c.newTalk()
	at, start, done := c.when(i, t.since)
	start = start.Truncate(15 * time.Minute)
	minutes := 30 * c.between(1, 4)
	extra := row{
		{"prioritycode", 1}, {"location", pick(c, []string{"Online", "Customer site", "Our showroom", "Conference room 2"})},
		{"scheduledend", stamp(start.Add(time.Duration(minutes) * time.Minute))}, {"scheduleddurationminutes", minutes},
		{"isalldayevent", false}, {"statecode", 3}, {"statuscode", 5}, {"description", t.topic},
	}
	if done {
		extra = append(extra, cell{"statecode", 1}, cell{"statuscode", 3}, cell{"actualend", stamp(c.past(start))})
		if i%17 == 1 {
			extra = append(extra, cell{"statecode", 2}, cell{"statuscode", 4})
		}
	}
	c.addActivity(activity{
		table: "appointment", subject: "Meeting with " + t.name, regarding: t.regarding, owner: t.owner, at: at, due: start,
	}, extra, party{target{"systemuser", t.owner.id}, masks.organizer, t.owner.email}, party{t.with, masks.required, t.email})
}

func (c *company) addLetter(i int) {
	t := c.newTalk()
	at, due, done := c.when(i, t.since)
	extra := row{{"prioritycode", 1}, {"directioncode", true}, {"statecode", 0}, {"statuscode", 1}}
	if done {
		extra = append(extra, cell{"statecode", 1}, cell{"statuscode", 4}, cell{"actualend", stamp(c.past(due))})
	}
	c.addActivity(activity{table: "letter", subject: "Letter to " + t.name, regarding: t.regarding, owner: t.owner, at: at, due: due}, extra,
		party{target{"systemuser", t.owner.id}, masks.sender, ""}, party{t.with, masks.to, ""})
}

const noteCount = 620

// addNotes adds notes to customers, sales and cases; some carry a small file.
func (c *company) addNotes() {
	for i := range noteCount {
		t := c.newTalk()
		at := c.past(t.since.Add(time.Duration(c.between(1, 240)) * time.Hour))
		r := join(row{
			{"annotationid", c.newID("annotation")}, {"objectid", t.regarding}, {"objecttypecode", t.regarding.table},
			{"subject", "Note on " + t.name}, {"ownerid", owner{t.owner.id, t.owner.unit}},
			{"notetext", pick(c, []string{
				"Prefers to be called in the morning.", "Asked for a discount on larger quantities.", "Decision after the board meeting.",
				"Very happy with the last delivery.", "Compares us with a cheaper offer.", "New budget from next quarter.",
			})},
		}, made(at, at, t.owner.id))
		if i%25 == 0 {
			text := fmt.Sprintf("Minutes of the meeting with %s\r\n%s\r\n", t.name, t.topic)
			r = append(r, cell{"isdocument", true}, cell{"filename", "minutes.txt"}, cell{"mimetype", "text/plain"},
				cell{"filesize", len(text)}, cell{"documentbody", base64.StdEncoding.EncodeToString([]byte(text))})
		}
		c.add("annotation", r)
	}
}
