package emulator

import (
	"context"
	"maps"
	"net/http"
)

var qualifyLead = message{
	name:   "QualifyLead",
	action: true,
	bound:  "lead",
	parameters: []parameter{
		{name: "CreateAccount", kind: "Edm.Boolean"},
		{name: "CreateContact", kind: "Edm.Boolean"},
		{name: "CreateOpportunity", kind: "Edm.Boolean"},
		{name: "OpportunityCurrencyId", kind: "transactioncurrency", optional: true},
		{name: "OpportunityCustomerId", kind: "crmbaseentity", optional: true},
		{name: "SourceCampaignId", kind: "campaign", optional: true},
		{name: "Status", kind: "Edm.Int32"},
		{name: "ProcessInstanceId", kind: "crmbaseentity", optional: true},
	},
	result: "Collection(crmbaseentity)",
	act: func(ctx context.Context, a *acting) error {
		q := &qualification{acting: a, changes: map[string]any{}}
		if err := q.run(ctx); err != nil {
			return err
		}
		objects := make([][]byte, len(q.made))
		for i, l := range q.made {
			var o object
			o.text("@odata.type", "#"+namespace+l.table.Logical)
			o.text(l.table.PrimaryID, l.id)
			objects[i] = o.bytes()
		}
		var answer object
		a.writeContext(&answer, a.root+"$metadata#Collection("+namespace+"crmbaseentity)")
		answer.raw("value", array(objects))
		return a.answer(http.StatusOK, answer.bytes())
	},
}

// qualification turns a lead into a company, a person and an opportunity.
type qualification struct {
	*acting
	lead    map[string]any
	changes map[string]any // of the lead
	made    []location
}

func (q *qualification) run(ctx context.Context) (err error) {
	if q.lead, err = q.stands(ctx, q.bound); err != nil {
		return err
	}
	if q.lead["statecode"] != int64(0) {
		return fail(http.StatusBadRequest, "0x80040519", "The lead is already closed.")
	}
	if q.flag("CreateAccount") {
		if err := q.makeCustomer(ctx, "account", "parentaccountid", nil); err != nil {
			return err
		}
	}
	if q.flag("CreateContact") {
		company := map[string]any{}
		lookup(company, q.schema.Table("contact"), "parentcustomerid", q.parent("parentaccountid"), "account")
		if err := q.makeCustomer(ctx, "contact", "parentcontactid", company); err != nil {
			return err
		}
	}
	if q.flag("CreateOpportunity") {
		if err := q.makeOpportunity(ctx); err != nil {
			return err
		}
	}
	q.changes["statecode"] = int64(1)
	if status := q.number("Status"); status != -1 { // -1 is the default of the state
		q.changes["statuscode"] = status
	}
	return q.change(ctx, q.bound, q.changes)
}

// parent is the account or contact of the lead, which may be a new one.
func (q *qualification) parent(column string) string {
	id, ok := q.changes[column].(string)
	if !ok {
		id, _ = q.lead[column].(string)
	}
	return id
}

// mapped is what the lead gives to a new row of the table.
func (q *qualification) mapped(table string) map[string]any {
	m, _ := mappingBetween("lead", table)
	return m.values(q.bound.table, q.schema.Table(table), q.bound.id, q.lead)
}

// makeCustomer creates an account or a contact, which the lead then belongs to.
func (q *qualification) makeCustomer(ctx context.Context, table, column string, more map[string]any) error {
	t, values := q.schema.Table(table), q.mapped(table)
	maps.Copy(values, more)
	id, err := q.add(ctx, t, values)
	if err != nil {
		return err
	}
	q.made = append(q.made, location{table: t, id: id})
	lookup(q.changes, q.bound.table, column, id, table)
	return nil
}

// makeOpportunity creates an opportunity of the customer: the given one, else the lead's account, else its contact.
func (q *qualification) makeOpportunity(ctx context.Context) error {
	t, values := q.schema.Table("opportunity"), q.mapped("opportunity")
	lookup(values, t, "parentaccountid", q.parent("parentaccountid"), "account")
	lookup(values, t, "parentcontactid", q.parent("parentcontactid"), "contact")
	for _, argument := range []struct{ name, kind, column string }{
		{"OpportunityCurrencyId", "transactioncurrency", "transactioncurrencyid"},
		{"OpportunityCustomerId", "crmbaseentity", "customerid"},
		{"SourceCampaignId", "campaign", "campaignid"},
	} {
		given := q.object(argument.name)
		if given == nil {
			continue
		}
		l, err := q.referred(ctx, argument.kind, given)
		if err != nil {
			return err
		}
		lookup(values, t, argument.column, l.id, l.table.Logical)
	}
	id, err := q.add(ctx, t, values)
	if err != nil {
		return err
	}
	q.made = append(q.made, location{table: t, id: id})
	lookup(q.changes, q.bound.table, "qualifyingopportunityid", id, "opportunity")
	return nil
}
