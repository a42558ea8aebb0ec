package emulator

import (
	"context"
	"fmt"
	"net/http"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// What a row must refer to, and must not.

// potential makes the account, or else the contact, of an opportunity its customer, and a customer its account or
// contact.
func (w *writing) potential(context.Context) error {
	id, table := w.linked("customerid")
	switch {
	case w.changed("customerid") && table == "account":
		w.link("parentaccountid", id, table)
	case w.changed("customerid") && table == "contact":
		w.link("parentcontactid", id, table)
	case w.changed("parentaccountid", "parentcontactid"):
		if account := w.text("parentaccountid"); account != "" {
			w.link("customerid", account, "account")
		} else if contact := w.text("parentcontactid"); contact != "" {
			w.link("customerid", contact, "contact")
		}
	}
	return nil
}

// customer copies a customer, which is an account or a contact, into the lookup of its kind.
func (w *writing) customer(context.Context) error {
	source, contact := "customerid", "contactid"
	if w.table.Logical == "contact" {
		source, contact = "parentcustomerid", "parentcontactid"
	}
	account := w.table.Column("accountid")
	if account == nil || !account.IsLookup() || w.table.Column(source) == nil || !w.changed(source) {
		return nil
	}
	id, table := w.linked(source)
	for _, copied := range [][2]string{{"accountid", "account"}, {contact, "contact"}} {
		if copied[1] == table {
			w.link(copied[0], id, table)
		} else {
			w.link(copied[0], "", "")
		}
	}
	return nil
}

// codeNoCustomer is the code of a case without a customer.
const codeNoCustomer = "0x80044410"

func (w *writing) needsCustomer(context.Context) error {
	if w.value("customerid") == nil {
		return fail(http.StatusBadRequest, codeNoCustomer, "You should specify a parent contact or account.")
	}
	return nil
}

// needsParents refuses a row without a lookup that the system requires: a line of no quote, a member of no list.
// ApplicationRequired is for forms; the Web API enforces it no more than the platform does.
func (w *writing) needsParents(context.Context) error {
	for _, col := range w.table.Columns {
		if col.Type != schema.Lookup || col.Required != "SystemRequired" || !col.Create || w.value(col.Logical) != nil ||
			col.Logical == "plugintypeid" { // the old name of a step's eventhandler
			continue
		}
		for _, r := range w.table.ManyToOne {
			if r.Attribute == col.Logical && w.schema.Table(r.Referenced) != nil {
				return fail(http.StatusBadRequest, codeRequiredMissing, "Attribute '%s' cannot be NULL", col.Logical)
			}
		}
	}
	return nil
}

// hierarchies are the lookups to a parent in the same table, and the code for one that would close a circle.
func hierarchies(table string) (column, code, plural string) {
	switch table {
	case "account":
		return "parentaccountid", "0x80040507", "Accounts"
	case "contact":
		return "parentcustomerid", "0x8004050a", "Contacts"
	case "systemuser":
		return "parentsystemuserid", "0x80041d25", "Users"
	case "subject":
		return "parentsubject", "0x80043e01", "Subjects"
	case "businessunit":
		return "parentbusinessunitid", "0x80041d21", "Business Units"
	}
	return "", "", ""
}

// needsNoLoop refuses a parent that is the row itself or below it.
func (w *writing) needsNoLoop(ctx context.Context) error {
	column, code, plural := hierarchies(w.table.Logical)
	if column == "" || w.creating() || !w.changed(column) || w.value(column) == nil {
		return nil
	}
	query := fmt.Sprintf(`WITH RECURSIVE up (id) AS (SELECT ? UNION SELECT %[1]s FROM %[2]s JOIN up ON %[3]s = up.id)
		SELECT 1 FROM up WHERE id = ?`, store.Quote(column), store.Quote(w.table.Logical), store.Quote(w.table.PrimaryID))
	found, err := exists(ctx, w.tx, query, w.value(column), w.id)
	if err == nil && found {
		return fail(http.StatusBadRequest, code, "Creating this parental association would create a loop in %s hierarchy.", plural)
	}
	return err
}
