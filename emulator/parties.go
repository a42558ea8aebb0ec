package emulator

import (
	"context"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// The parts that a party may play in an activity (participationtypemask), as far as the platform gives them out.
const (
	partySender    = 1
	partyTo        = 2
	partyRegarding = 8
	partyOwner     = 9
)

// party fills in what a party takes from the row that it stands for.
func (w *writing) party(ctx context.Context) error {
	if w.creating() {
		w.put("ispartydeleted", int64(0))
		w.put("instancetypecode", int64(0))
		w.preset("participationtypemask", int64(0))
	}
	id, table := w.linked("partyid")
	if !w.changed("partyid") || id == "" {
		return nil
	}
	w.put("partyobjecttypecode", table)
	column := ""
	switch table {
	case "account", "contact", "lead":
		column = "emailaddress1"
	case "systemuser":
		column = "internalemailaddress"
	case "queue":
		column = "emailaddress"
	}
	if column == "" || w.text("addressused") != "" {
		return nil
	}
	stands, err := load(ctx, w.tx, w.schema.Table(table), id)
	if err != nil {
		return err
	}
	w.put("addressused", stands[column])
	return nil
}

// standingParties keeps the parties that follow from the activity itself: its owner and the row that it regards.
func (w *writing) standingParties(ctx context.Context) error {
	for column, mask := range map[string]int64{"ownerid": partyOwner, "regardingobjectid": partyRegarding} {
		if !w.changed(column) {
			continue
		}
		if _, err := w.tx.ExecContext(ctx, "DELETE FROM activityparty WHERE activityid = ? AND participationtypemask = ?", w.id, mask); err != nil {
			return err
		}
		id, table := w.linked(column)
		if id == "" {
			continue
		}
		t := w.schema.Table("activityparty")
		row := &entry{table: t, values: map[string]any{"participationtypemask": mask}}
		setLookup(row.values, t.Column("activityid"), w.id, w.table.Logical)
		setLookup(row.values, t.Column("partyid"), id, table)
		if _, err := w.insert(ctx, w.tx, row); err != nil {
			return err
		}
	}
	return nil
}

// replaceParties puts the parties that a client gives in place of those that it gave before.
func (w *writing) replaceParties(ctx context.Context, r related) error {
	if _, err := w.tx.ExecContext(ctx, "DELETE FROM activityparty WHERE activityid = ? AND participationtypemask NOT IN (?, ?)",
		w.id, partyOwner, partyRegarding); err != nil {
		return err
	}
	return w.relate(ctx, r)
}

// addressees shows the addresses of the sender and of the recipients in the e-mail itself.
func (w *writing) addressees(ctx context.Context) error {
	shown := map[string]any{}
	for column, mask := range map[string]int{"sender": partySender, "torecipients": partyTo} {
		addresses, err := w.addresses(ctx, mask)
		if err != nil {
			return err
		}
		if len(addresses) == 0 {
			continue
		}
		shown[column] = addresses[0]
		if mask == partyTo {
			shown[column] = strings.Join(addresses, ";") + ";"
		}
	}
	if len(shown) == 0 {
		return nil
	}
	line := &writing{call: w.call, tx: w.tx, table: w.table, id: w.id, before: map[string]any{}, set: shown}
	return line.save(ctx)
}

func (w *writing) addresses(ctx context.Context, mask int) ([]string, error) {
	var q store.Querier = w.tx
	rows, err := q.QueryContext(ctx, "SELECT addressused FROM activityparty WHERE activityid = ? AND participationtypemask = ? AND addressused IS NOT NULL ORDER BY rowid", w.id, mask)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var addresses []string
	for rows.Next() {
		var address string
		if err := rows.Scan(&address); err != nil {
			return nil, err
		}
		addresses = append(addresses, address)
	}
	return addresses, rows.Err()
}

// assignRelated gives a new owner the rows that belong to the row, as far as the relationships say so.
func (w *writing) assignRelated(ctx context.Context) error {
	owner, table := w.linked("ownerid")
	if w.creating() || w.set["ownerid"] == nil || w.before["ownerid"] == owner {
		return nil
	}
	for _, r := range w.table.OneToMany {
		many := w.schema.Table(r.Referencing)
		if r.Cascade.Assign != "Cascade" || many == nil || many.Abstract || !userOwned(many) {
			continue
		}
		col := many.Column(r.Attribute)
		if col == nil || !col.IsLookup() || !col.Stored() {
			continue
		}
		children, err := referring(ctx, w.tx, many, r.Attribute, w.id)
		if err != nil {
			return err
		}
		for _, child := range children {
			if err := w.assign(ctx, entry{table: many}, child, owner, table); err != nil {
				return err
			}
		}
	}
	return nil
}

// assign gives a row another owner, unless it has that one already, which also ends circles.
func (w *writing) assign(ctx context.Context, row entry, id, owner, table string) error {
	stands, err := load(ctx, w.tx, row.table, id)
	if err != nil || stands["ownerid"] == owner {
		return err
	}
	row.values = map[string]any{}
	setLookup(row.values, row.table.Column("ownerid"), owner, table)
	return w.modify(ctx, w.tx, &row, id)
}
