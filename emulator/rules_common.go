package emulator

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// What the platform does with rows of every table, or with columns that many tables have.

// defaults fills in what a new row has from the definition of its columns.
func (w *writing) defaults(context.Context) error {
	if !w.creating() {
		return nil
	}
	for _, col := range w.table.Columns {
		if col.Default == "" || !col.Stored() || col.Type == schema.State || w.set[col.Logical] != nil {
			continue
		}
		switch n, err := strconv.ParseInt(col.Default, 10, 64); {
		case col.Type == schema.Boolean:
			w.set[col.Logical] = truth(col.Default == "true")
		case err == nil && (col.IsNumber() || col.Type == schema.Picklist):
			w.set[col.Logical] = n
		}
	}
	for _, prefix := range []string{"address1", "address2", "address3"} {
		w.preset(prefix+"_addressid", uuid.NewString())
	}
	return nil
}

// truth is how the store keeps yes and no.
func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// stamp records who writes the row, when, and as which version. A createdon that the client overrides is the row's
// age; overriddencreatedon then tells when it really came.
func (w *writing) stamp(context.Context) error {
	now := w.at.Format(storedTime)
	if w.creating() {
		w.put("createdon", now)
		if age := w.text("overriddencreatedon"); age != "" {
			w.put("createdon", age)
			w.put("overriddencreatedon", now)
		}
		w.link("createdby", w.caller.user, "systemuser")
		w.link("createdonbehalfby", w.caller.onBehalfOf, "systemuser")
	}
	w.put("modifiedon", now)
	w.link("modifiedby", w.caller.user, "systemuser")
	w.link("modifiedonbehalfby", w.caller.onBehalfOf, "systemuser")
	w.put("versionnumber", w.db.NextVersion())
	return nil
}

// own gives the row an owner and derives the owning user, team and business unit.
func (w *writing) own(ctx context.Context) error {
	if w.creating() && w.value("ownerid") == nil {
		w.link("ownerid", w.caller.user, "systemuser")
	}
	if !w.changed("ownerid") {
		return nil
	}
	id, table := w.linked("ownerid")
	if table != "systemuser" && table != "team" {
		return fail(http.StatusBadRequest, codeInvalidArgument, "The owner of a row cannot be removed.")
	}
	owner, err := load(ctx, w.tx, w.schema.Table(table), id)
	if err != nil {
		return err
	}
	user, team := id, ""
	if table == "team" {
		user, team = "", id
	}
	w.link("owninguser", user, "systemuser")
	w.link("owningteam", team, "team")
	unit, _ := owner["businessunitid"].(string)
	w.link("owningbusinessunit", unit, "businessunit")
	return nil
}

// joinUnit puts a new user or team into the caller's business unit. The caller administers a new team.
func (w *writing) joinUnit(context.Context) error {
	if w.creating() && w.table.Logical == "team" && w.value("administratorid") == nil {
		w.link("administratorid", w.caller.user, "systemuser")
	}
	if w.creating() && w.value("businessunitid") == nil {
		w.link("businessunitid", w.caller.businessUnit, "businessunit")
	}
	return nil
}

// state keeps status (statecode) and status reason (statuscode) together: either of them brings the other.
func (w *writing) state(context.Context) error {
	states, reasons := w.table.Column("statecode"), w.table.Column("statuscode")
	if states == nil || len(states.Options) == 0 || !w.changed("statecode", "statuscode") {
		return nil
	}
	for _, column := range []string{"statecode", "statuscode"} {
		if v, given := w.set[column]; given && v == nil { // neither can be emptied
			delete(w.set, column)
		}
	}
	state, hasState := w.set["statecode"].(int64)
	reason, hasReason := w.set["statuscode"].(int64)
	switch {
	case w.creating():
		hasState = true
		state, _ = strconv.ParseInt(states.Default, 10, 64) // none is 0, the first state
	case hasReason && !hasState:
		if option, ok := reasons.Option(int(reason)); ok {
			w.set["statecode"] = int64(option.State)
		}
		return nil
	case hasState && !hasReason && w.before["statecode"] == state:
		delete(w.set, "statuscode")
		return nil
	}
	option, ok := states.Option(int(state))
	if !ok || !hasState {
		return nil
	}
	if !hasReason {
		reason = int64(option.DefaultStatus)
	}
	if status, ok := reasons.Option(int(reason)); !ok || status.State != option.Value {
		return fail(http.StatusBadRequest, codeInvalidStatus, "%d is not a valid status code for state code %sState.%s on %s with Id %s.",
			reason, w.table.Schema, option.Invariant, w.table.Logical, w.id)
	}
	w.set["statecode"], w.set["statuscode"] = state, reason
	return nil
}

// fullName joins the parts of a name. Without phonetic parts the phonetic name is the name.
func (w *writing) fullName(context.Context) error {
	if !w.changed("firstname", "middlename", "lastname", "yomifirstname", "yomimiddlename", "yomilastname") {
		return nil
	}
	name := w.join(" ", "firstname", "middlename", "lastname")
	phonetic := w.join(" ", "yomifirstname", "yomimiddlename", "yomilastname")
	if phonetic == "" {
		phonetic = name
	}
	w.put("fullname", emptyAsNull(name))
	w.put("yomifullname", emptyAsNull(phonetic))
	return nil
}

// join joins the columns that have a value.
func (w *writing) join(separator string, columns ...string) string {
	var parts []string
	for _, column := range columns {
		if text := w.text(column); text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, separator)
}

// composeAddresses writes every address as the lines of a letter.
func (w *writing) composeAddresses(context.Context) error {
	for _, col := range w.table.Columns {
		prefix, ok := strings.CutSuffix(col.Logical, "composite")
		if !ok {
			continue
		}
		parts := []string{"line1", "line2", "line3", "city", "stateorprovince", "postalcode", "country"}
		for i := range parts {
			parts[i] = prefix + parts[i]
		}
		if !w.changed(parts...) {
			continue
		}
		region := w.join(" ", parts[4], parts[5])
		town := w.text(parts[3])
		if town != "" && region != "" {
			town += ", "
		}
		lines := []string{w.text(parts[0]), w.text(parts[1]), w.text(parts[2]), town + region, w.text(parts[6])}
		w.put(col.Logical, emptyAsNull(joinLines(lines)))
	}
	return nil
}

func joinLines(lines []string) string {
	var b strings.Builder
	for _, line := range lines {
		if line == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(line)
	}
	return b.String()
}

// image derives the siblings of an image column.
func (w *writing) image(context.Context) error {
	value, written := w.set["entityimage"]
	if !written {
		return nil
	}
	if value == nil {
		w.put("entityimageid", nil)
		w.put("entityimage_timestamp", nil)
		w.put("entityimage_url", nil)
		return nil
	}
	ticks := w.at.UnixMilli()*10_000 + dotNetEpoch
	w.put("entityimageid", uuid.NewString())
	w.put("entityimage_timestamp", ticks)
	w.put("entityimage_url", fmt.Sprintf("/Image/download.aspx?Entity=%s&Attribute=entityimage&Id=%s&Timestamp=%d", w.table.Logical, w.id, ticks))
	return nil
}

// dotNetEpoch is 1970 in ticks of .NET, of 100 ns each since the year 1.
const dotNetEpoch = 621_355_968_000_000_000

// autonumbers are the columns that the platform numbers, with the prefix of the number.
func autonumbers(table string) (column, prefix string) {
	switch table {
	case "incident":
		return "ticketnumber", "CAS"
	case "quote":
		return "quotenumber", "QUO"
	case "salesorder":
		return "ordernumber", "ORD"
	case "invoice":
		return "invoicenumber", "INV"
	case "campaign":
		return "codename", "CMP"
	case "contract":
		return "contractnumber", "CNR"
	case "knowledgearticle":
		return "articlepublicnumber", "KA"
	}
	return "", ""
}

// firstNumber is where every series starts.
const firstNumber = 1000

// autonumber numbers a new row, such as CAS-01000-B7C9D2, unless the client did. The end is no counter: it keeps
// numbers apart that two offices gave out.
func (w *writing) autonumber(ctx context.Context) error {
	if w.creating() {
		w.preset("revisionnumber", int64(0))
	}
	column, prefix := autonumbers(w.table.Logical)
	if column == "" || !w.creating() || w.value(column) != nil {
		return nil
	}
	var n int64
	err := w.tx.QueryRowContext(ctx, `INSERT INTO "$state" (name, value) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value`, "number "+prefix, firstNumber).Scan(&n)
	if err != nil {
		return err
	}
	w.put(column, fmt.Sprintf("%s-%05d-%s", prefix, n, strings.ToUpper(w.id[:6])))
	return nil
}

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

// note keeps the size of the file of a note.
func (w *writing) note(context.Context) error {
	if _, table := w.linked("objectid"); w.changed("objectid") {
		w.put("objecttypecode", emptyAsNull(table))
	}
	if !w.changed("documentbody", "filename") {
		return nil
	}
	body := w.text("documentbody")
	w.put("isdocument", truth(body != "" || w.text("filename") != ""))
	w.put("filesize", int64(len(strings.TrimRight(body, "="))*3/4))
	if body != "" {
		w.preset("mimetype", "application/octet-stream")
	}
	return nil
}

// activity fills in what every activity has.
func (w *writing) activity(context.Context) error {
	if w.creating() {
		w.put("activitytypecode", w.table.Logical)
		w.put("isregularactivity", int64(1))
		w.put("instancetypecode", int64(0))
		w.preset("prioritycode", int64(1))
	}
	if w.changed("regardingobjectid") {
		_, table := w.linked("regardingobjectid")
		w.put("regardingobjecttypecode", emptyAsNull(table))
	}
	if w.changed("scheduledstart", "scheduledend") {
		start, startErr := time.Parse(storedTime, w.text("scheduledstart"))
		end, endErr := time.Parse(storedTime, w.text("scheduledend"))
		if startErr == nil && endErr == nil {
			w.put("scheduleddurationminutes", int64(end.Sub(start).Minutes()))
		}
	}
	if done, ok := w.set["statecode"].(int64); ok && done == 1 && w.before["statecode"] != done {
		w.preset("actualend", w.at.Format(storedTime))
	}
	return nil
}
