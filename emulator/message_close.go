package emulator

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// closing is how a row of a kind ends: an activity says why, and the row takes the state that the action stands for.
type closing struct {
	parameter, activity string // the activity to create, and the name of its parameter
	table, lookup       string // what ends, and the activity's lookup to it
	from                []int64
	to                  int64
	collection          bool                                              // called on the entity set
	anyType             bool                                              // the parameter is declared as crmbaseentity, so that the activity has to name its type
	wrong               func() *Error                                     // the answer where the row is in another state
	note                func(row, activity map[string]any) map[string]any // columns of the row that the activity fills; nil for none
	end                 func(context.Context, *acting, location) error    // what else ends; nil for nothing
}

var winOpportunity = closing{
	parameter: "OpportunityClose", activity: "opportunityclose", table: "opportunity", lookup: "opportunityid",
	from: []int64{0}, to: 1, wrong: opportunityClosed, note: noteSale,
}.message("WinOpportunity")

var loseOpportunity = closing{
	parameter: "OpportunityClose", activity: "opportunityclose", table: "opportunity", lookup: "opportunityid",
	from: []int64{0}, to: 2, wrong: opportunityClosed, note: noteSale,
}.message("LoseOpportunity")

var closeIncident = closing{
	parameter: "IncidentResolution", activity: "incidentresolution", table: "incident", lookup: "incidentid",
	from: []int64{0}, to: 1, wrong: incidentClosed, end: cancelActivities,
}.message("CloseIncident")

var winQuote = closing{
	parameter: "QuoteClose", activity: "quoteclose", table: "quote", lookup: "quoteid",
	from: []int64{1}, to: 2, wrong: invalidState, note: noteQuote,
}.message("WinQuote")

var closeQuote = closing{
	parameter: "QuoteClose", activity: "quoteclose", table: "quote", lookup: "quoteid",
	from: []int64{1}, to: 3, wrong: invalidState, note: noteQuote,
}.message("CloseQuote")

var fulfillSalesOrder = closing{
	parameter: "OrderClose", activity: "orderclose", table: "salesorder", lookup: "salesorderid",
	from: []int64{0, 1}, to: 3, wrong: invalidState, note: noteOrder, collection: true,
}.message("FulfillSalesOrder")

var cancelSalesOrder = closing{
	parameter: "OrderClose", activity: "orderclose", table: "salesorder", lookup: "salesorderid",
	from: []int64{0, 1}, to: 2, wrong: invalidState, anyType: true,
}.message("CancelSalesOrder")

// message is the action of the closing.
func (k closing) message(name string) message {
	m := message{name: name, action: true, collection: k.collection, act: k.act}
	if k.collection {
		m.bound = k.table
	}
	kind := k.activity
	if k.anyType {
		kind = "crmbaseentity"
	}
	m.parameters = []parameter{{name: k.parameter, kind: kind}, {name: "Status", kind: "Edm.Int32"}}
	return m
}

func (k closing) act(ctx context.Context, a *acting) error {
	activities := a.schema.Table(k.activity)
	if _, typed := a.object(k.parameter).get("@odata.type"); k.anyType && !typed {
		return untyped(nowhere)
	}
	id, err := a.create(ctx, activities, a.nestedAsBind(activities, k.lookup, a.object(k.parameter)))
	if err != nil {
		return err
	}
	reason := location{table: activities, id: id}
	activity, err := a.stands(ctx, reason)
	if err != nil {
		return err
	}
	closed := location{table: a.schema.Table(k.table)}
	if closed.id, _ = activity[k.lookup].(string); closed.id == "" {
		return missingArgument(k.lookup)
	}
	if err := a.finish(ctx, reason, activity); err != nil {
		return err
	}
	return k.settle(ctx, a, closed, activity)
}

// settle gives the row that ends its state, and what the activity says of it.
func (k closing) settle(ctx context.Context, a *acting, closed location, activity map[string]any) error {
	row, err := a.stands(ctx, closed)
	if err != nil {
		return err
	}
	if state, _ := row["statecode"].(int64); !slices.Contains(k.from, state) {
		return k.wrong()
	}
	values := map[string]any{"statecode": k.to}
	if k.note != nil {
		values = k.note(row, activity)
		values["statecode"] = k.to
	}
	if status := a.number("Status"); status != -1 { // -1 is the default of the state
		values["statuscode"] = status
	}
	if k.end != nil {
		if err := k.end(ctx, a, closed); err != nil {
			return err
		}
	}
	return a.change(ctx, closed, values)
}

// finish completes the activity that ends something.
func (a *acting) finish(ctx context.Context, reason location, activity map[string]any) error {
	values := map[string]any{"statecode": int64(1)}
	if activity["actualend"] == nil {
		activity["actualend"] = a.at.Format(storedTime)
		values["actualend"] = activity["actualend"]
	}
	return a.change(ctx, reason, values)
}

// nestedAsBind turns {"incidentid":{"incidentid":"…"}}, by which some clients name a row that is there, into a bind.
func (c *call) nestedAsBind(t *schema.Table, nav string, object members) members {
	i := slices.IndexFunc(object, func(m member) bool { return m.name == nav })
	n, _ := t.Nav(nav)
	if i < 0 || n.One == nil {
		return object
	}
	nested, _ := object[i].value.(members)
	target := c.schema.Table(n.One.Referenced)
	id := textOf(nested, target.PrimaryID)
	if id == "" {
		return object
	}
	object = slices.Clone(object)
	object[i] = member{nav + "@odata.bind", "/" + target.Set + "(" + id + ")"}
	return object
}

// noteSale: what was earned in the end is what was estimated, unless the activity says otherwise.
func noteSale(row, activity map[string]any) map[string]any {
	values := map[string]any{"actualclosedate": day(activity["actualend"])}
	switch {
	case activity["actualrevenue"] != nil:
		values["actualvalue"] = activity["actualrevenue"]
	case row["actualvalue"] == nil && row["estimatedvalue"] != nil:
		values["actualvalue"] = row["estimatedvalue"]
	}
	return values
}

func noteQuote(_, activity map[string]any) map[string]any {
	return map[string]any{"closedon": day(activity["actualend"])}
}

func noteOrder(_, activity map[string]any) map[string]any {
	return map[string]any{"datefulfilled": activity["actualend"]}
}

// day is the day of a stored time.
func day(at any) string {
	text, _ := at.(string)
	return text[:min(len(text), len(time.DateOnly))]
}

// cancelActivities ends what is still to be done about a case.
func cancelActivities(ctx context.Context, a *acting, closed location) error {
	result, err := a.tx.QueryContext(ctx, "SELECT activitytypecode, activityid FROM activitypointer WHERE regardingobjectid = ? AND statecode IN (0, 3)", closed.id)
	if err != nil {
		return err
	}
	var open []location
	err = scanAll(result, func(cells []any) error {
		table, _ := cells[0].(string)
		id, _ := cells[1].(string)
		open = append(open, location{table: a.schema.Table(table), id: id})
		return nil
	})
	if err != nil {
		return err
	}
	for _, l := range open {
		if err := a.change(ctx, l, map[string]any{"statecode": int64(2)}); err != nil {
			return err
		}
	}
	return nil
}

func opportunityClosed() *Error {
	return fail(http.StatusBadRequest, "0x80040515", "The opportunity is already closed.")
}

func incidentClosed() *Error {
	return fail(http.StatusBadRequest, "0x80044411", "Already Closed or Canceled")
}

func invalidState() *Error {
	return fail(http.StatusBadRequest, "0x80040233", "The object is not in a valid state to perform this operation.")
}
