package tools

import (
	"slices"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

// maxUsual keeps a row that nobody asked columns of short.
const maxUsual = 8

// usual is what one wants to see of a record that one knows nothing about: who and what it is, whom it is for, what it
// is worth and until when, its state, owner and age.
func usual(t *dataverse.Table) []string {
	last := present(t, "statecode", "ownerid", "modifiedon")
	columns := []string{t.PrimaryID}
	add := func(name string) {
		full := len(columns)+len(last) >= maxUsual
		if name != "" && !full && !slices.Contains(columns, name) {
			columns = append(columns, name)
		}
	}
	for _, name := range present(t, t.PrimaryName) {
		add(name)
	}
	add(salient(t, isLookup, "customerid", "parentcustomerid", "regardingobjectid", "primarycontactid"))
	add(salient(t, isMoney, "estimatedvalue", "estimatedamount", "totalamount", "extendedamount", "revenue", "price"))
	add(salient(t, isDate, "estimatedclosedate", "scheduledend", "expireson", "duedate", "effectiveto", "resolveby", "proposedend"))
	for _, name := range present(t, "ticketnumber", "companyname", "emailaddress1", "telephone1") {
		add(name)
	}
	return append(columns, last...)
}

// present keeps the names that are columns of t.
func present(t *dataverse.Table, names ...string) []string {
	var found []string
	for _, name := range names {
		if c, ok := t.Column(name); ok && c.Read {
			found = append(found, c.LogicalName)
		}
	}
	return found
}

// salient is the column of a kind that tells most: one of those that Microsoft's tables call names, else the first that
// has to be filled in; "" when there is none.
func salient(t *dataverse.Table, kind func(*dataverse.Column) bool, names ...string) string {
	for _, name := range names {
		if c, ok := t.Column(name); ok && c.Read && kind(c) {
			return c.LogicalName
		}
	}
	for i := range t.Columns {
		if c := &t.Columns[i]; c.Read && kind(c) && required(c) && c.LogicalName != "transactioncurrencyid" {
			return c.LogicalName
		}
	}
	return ""
}

func isLookup(c *dataverse.Column) bool { return lookupType(c.Type) && c.Type != dataverse.OwnerColumn }

func isMoney(c *dataverse.Column) bool { return c.Type == dataverse.MoneyColumn }

func isDate(c *dataverse.Column) bool { return c.Type == dataverse.DateTimeColumn }
