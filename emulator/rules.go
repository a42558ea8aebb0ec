package emulator

import (
	"context"
	"slices"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// phase is when a rule acts.
type phase int

const (
	before phase = iota // on what is about to be written: fills in columns, or refuses
	after               // once the row and what is nested in it are there
	gone                // once the row is deleted
)

// rule is one thing that the platform does of its own when a row of certain tables is written.
type rule struct {
	at     phase
	tables func(*schema.Table) bool
	do     func(*writing, context.Context) error
}

// rules are what the platform does, in this order.
func rules() []rule {
	lines := among("opportunityproduct", "quotedetail", "salesorderdetail", "invoicedetail")
	sales := among("opportunity", "quote", "salesorder", "invoice")
	return []rule{
		{before, every, (*writing).defaults},                                               // columns start with their default
		{before, every, (*writing).stamp},                                                  // who wrote the row and when; its version
		{before, elastic, (*writing).partition},                                            // a row is in a partition, that of its id unless one is given
		{before, userOwned, (*writing).own},                                                // the owner is the caller unless one is given
		{before, with("businessunitid"), (*writing).joinUnit},                              // users and teams are in the caller's business unit unless one is given
		{before, with("statuscode"), (*writing).state},                                     // status and status reason go together
		{before, among("opportunity", "incident", "salesorder"), (*writing).endedByAction}, // what is sold or resolved has an action for it
		{before, with("fullname"), (*writing).fullName},                                    // a full name comes from its parts
		{before, every, (*writing).composeAddresses},                                       // as do address1_composite and its like
		{before, with("entityimage"), (*writing).image},                                    // an image has an id, a time and a URL
		{before, every, (*writing).autonumber},                                             // cases, quotes, orders and invoices are numbered
		{before, among("opportunity"), (*writing).potential},                               // the account or contact of an opportunity is its customer
		{before, every, (*writing).customer},                                               // accountid and contactid follow the customer
		{before, among("incident"), (*writing).needsCustomer},                              // a case has a customer
		{before, every, (*writing).needsParents},                                           // a row has the lookups that the system requires
		{before, every, (*writing).needsNoLoop},                                            // no row is its own ancestor
		{before, activity, (*writing).activity},                                            // type, length and end of an activity
		{before, among("activityparty"), (*writing).party},                                 // a party has an address
		{before, among("annotation"), (*writing).note},                                     // a note knows the size of its file
		{before, among("activitymimeattachment"), (*writing).attachment},                   // and so does an attachment
		{before, with("transactioncurrencyid"), (*writing).convert},                        // the currency is the organization's unless one is given
		{before, lines, (*writing).price},                                                  // price, amount and number of a line
		{before, sales, (*writing).total},                                                  // totals of what is sold
		{before, with("exchangerate"), (*writing).baseAmounts},                             // amounts in the organization's currency
		{after, activity, (*writing).standingParties},                                      // owner and regarding row are parties too
		{after, among("email"), (*writing).addressees},                                     // an e-mail shows its sender and recipients
		{after, userOwned, (*writing).assignRelated},                                       // a new owner gets what belongs to the row
		{after, lines, (*writing).totalParent},                                             // a line changes the totals of what it belongs to
		{gone, lines, (*writing).totalParent},
	}
}

// apply runs the rules of a phase.
func (w *writing) apply(ctx context.Context, at phase) error {
	for _, r := range rules() {
		if r.at != at || !r.tables(w.table) {
			continue
		}
		if err := r.do(w, ctx); err != nil {
			return err
		}
	}
	return nil
}

func every(*schema.Table) bool { return true }

func activity(t *schema.Table) bool { return t.Activity }

func userOwned(t *schema.Table) bool { return t.Ownership == schema.UserOwned }

func among(tables ...string) func(*schema.Table) bool {
	return func(t *schema.Table) bool { return slices.Contains(tables, t.Logical) }
}

func with(column string) func(*schema.Table) bool {
	return func(t *schema.Table) bool { return t.Column(column) != nil }
}
