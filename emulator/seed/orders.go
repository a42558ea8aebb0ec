package seed

import (
	"math"
	"time"
)

// line is a product in an offer, an order or an invoice.
type line struct {
	product                   product
	quantity, discount, taxed float64
}

func (l line) base() float64 { return cents(l.quantity * l.product.price) }

// net is the amount before tax.
func (l line) net() float64 { return cents(l.base() - l.discount) }

func (l line) tax() float64 { return cents(l.net() * l.taxed) }

// newLines is one to four products that cost about value together.
func (c *company) newLines(value float64) []line {
	n := c.between(1, 4)
	lines := make([]line, n)
	for i := range lines {
		p := pick(c, c.products)
		for p.price > value || p.price*120 < value/float64(n) {
			p = pick(c, c.products)
		}
		l := line{product: p, quantity: max(1, math.Round(value/float64(n)/p.price))}
		if c.chance(30) {
			l.discount = cents(l.base() * float64(c.between(1, 10)) / 100)
		}
		lines[i] = l
	}
	return lines
}

// totals are the sums that the platform keeps in the header of lines.
func totals(lines []line) row {
	var net, discount, tax float64
	for _, l := range lines {
		net, discount, tax = cents(net+l.net()), cents(discount+l.discount), cents(tax+l.tax())
	}
	return row{
		{"totallineitemamount", net}, {"totallineitemdiscountamount", discount}, {"totaldiscountamount", 0.0},
		{"totalamountlessfreight", net}, {"totaltax", tax}, {"totalamount", cents(net + tax)},
	}
}

// addLines adds the rows of the lines of one header; state repeats the header's.
func (c *company) addLines(table, parent, parentID string, state cell, lines []line, by user, at time.Time) {
	for i, l := range lines {
		c.add(table, join(row{
			{table + "id", c.newID(table)}, {parent, parentID}, state, {"productid", l.product.id},
			{"productname", l.product.name}, {"uomid", l.product.unit}, {"quantity", l.quantity},
			{"priceperunit", l.product.price}, {"baseamount", l.base()}, {"manualdiscountamount", l.discount},
			{"volumediscountamount", 0.0}, {"tax", l.tax()}, {"extendedamount", cents(l.net() + l.tax())},
			{"lineitemnumber", i + 1}, {"sequencenumber", i + 1}, {"producttypecode", 1}, {"pricingerrorcode", 0},
			{"propertyconfigurationstatus", 2}, {"ownerid", owner{by.id, by.unit}},
		}, inDollars, made(at, at, by.id)))
	}
}

// addOrders turns sales with lines into quotes, orders and invoices.
func (c *company) addOrders() {
	for i := range c.opportunities {
		o := &c.opportunities[i]
		if len(o.lines) == 0 {
			continue
		}
		lines := make([]line, len(o.lines))
		for j, l := range o.lines {
			l.taxed = taxes[c.accounts[o.account].place.country]
			lines[j] = l
		}
		switch {
		case o.state == 0 && o.stage.code >= 2:
			c.addQuote(o, lines, i%4/3^1) // three of four are with the customer, one is a draft
		case o.state == 2 && i%2 == 0:
			c.addQuote(o, lines, 3)
		case o.state == 1:
			c.addOrder(o, lines, c.addQuote(o, lines, 2))
		}
	}
}

// taxes are the shares of tax by country; countries that are not here buy without.
var taxes = map[string]float64{"United States": 0.08, "Canada": 0.05, "Australia": 0.1, "New Zealand": 0.15, "Singapore": 0.09}

// document is what quotes, orders and invoices have in common.
func (c *company) document(o *opportunity, lines []line, at, changed time.Time) row {
	a, p := c.accounts[o.account], c.contacts[o.contact]
	return join(row{
		{"name", o.name}, {"opportunityid", o.id}, {"customerid", target{"account", a.id}}, {"accountid", a.id}, {"contactid", p.id},
		{"emailaddress", p.email}, {"ownerid", owner{o.owner.id, o.owner.unit}}, {"pricelevelid", standardPriceList},
		{"pricingerrorcode", 0}, {"paymenttermscode", 1 + len(lines)%4}, {"shippingmethodcode", 1 + len(o.name)%6},
		{"freightamount", 0.0}, {"billto_name", a.name}, {"shipto_name", a.name},
	}, a.address.cells("billto_"), a.address.cells("shipto_"), inDollars, made(at, changed, o.owner.id), totals(lines))
}

// addQuote adds a quote in a state (0 draft, 1 active, 2 won, 3 closed) and returns its id.
func (c *company) addQuote(o *opportunity, lines []line, state int) string {
	quoteID := c.newID("quote")
	status := []int{1, 2, 4, 5}[state]
	at := c.past(o.created.AddDate(0, 0, 5))
	changed := at
	r := row{
		{"quoteid", quoteID}, {"quotenumber", c.number("QUO", c.sequence["quote"])}, {"revisionnumber", 0}, {"statecode", state},
		{"statuscode", status}, {"effectivefrom", stamp(at)}, {"effectiveto", stamp(at.AddDate(0, 2, 0))},
		{"expireson", day(at.AddDate(0, 2, 0))}, {"uniquedscid", c.newID("quote uniquedscid")},
	}
	if state >= 2 {
		changed = c.past(o.closes)
		r = append(r, cell{"closedon", day(o.closes)})
	}
	c.add("quote", join(r, c.document(o, lines, at, changed)))
	c.addLines("quotedetail", "quoteid", quoteID, cell{"quotestatecode", state}, lines, o.owner, at)
	return quoteID
}

// addOrder adds the order of a sale that was won: the older, the further on.
func (c *company) addOrder(o *opportunity, lines []line, quoteID string) {
	orderID := c.newID("salesorder")
	age := int(c.today.Sub(o.closes).Hours() / 24)
	state, status := 4, 100003 // invoiced
	switch {
	case age < 10:
		state, status = 0, 1
	case age < 25:
		state, status = 1, 3
	case age < 40:
		state, status = 3, 100001
	case c.sequence["salesorder"]%23 == 0:
		state, status = 2, 4
	}
	at := c.past(o.closes.Add(2 * time.Hour))
	r := row{
		{"salesorderid", orderID}, {"ordernumber", c.number("ORD", c.sequence["salesorder"])}, {"quoteid", quoteID}, {"statecode", state},
		{"statuscode", status}, {"prioritycode", 1}, {"requestdeliveryby", stamp(at.AddDate(0, 0, 21))},
	}
	if state > 0 {
		r = append(r, cell{"submitdate", stamp(c.past(at.AddDate(0, 0, 3)))}, cell{"submitstatus", 0})
	}
	if state >= 3 {
		r = append(r, cell{"datefulfilled", stamp(c.past(at.AddDate(0, 0, 20)))})
	}
	c.add("salesorder", join(r, c.document(o, lines, at, c.past(at.AddDate(0, 0, 20)))))
	c.addLines("salesorderdetail", "salesorderid", orderID, cell{"salesorderstatecode", state}, lines, o.owner, at)
	if state == 4 {
		c.addInvoice(o, lines, orderID, c.past(at.AddDate(0, 0, 22)))
	}
}

func (c *company) addInvoice(o *opportunity, lines []line, orderID string, at time.Time) {
	invoiceID := c.newID("invoice")
	due := at.AddDate(0, 0, 30)
	state, status := 2, 100001 // paid
	switch {
	case c.sequence["invoice"]%31 == 0:
		state, status = 3, 100003
	case due.After(c.today) || c.sequence["invoice"]%17 == 0:
		state, status = 0, 4 // billed; some are overdue
	}
	c.add("invoice", join(row{
		{"invoiceid", invoiceID}, {"invoicenumber", c.number("INV", c.sequence["invoice"])}, {"salesorderid", orderID},
		{"statecode", state}, {"statuscode", status}, {"prioritycode", 1}, {"duedate", day(due)}, {"datedelivered", stamp(at)},
	}, c.document(o, lines, at, c.past(due))))
	c.addLines("invoicedetail", "invoiceid", invoiceID, cell{"invoicestatecode", state}, lines, o.owner, at)
}
