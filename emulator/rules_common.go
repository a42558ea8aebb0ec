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
	w.put("versionnumber", w.nextVersion(w.table))
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
	unit, err := peek(ctx, w.tx, w.schema.Table(table), id, "businessunitid")
	if err != nil {
		return err
	}
	user, team := id, ""
	if table == "team" {
		user, team = "", id
	}
	w.link("owninguser", user, "systemuser")
	w.link("owningteam", team, "team")
	unitID, _ := unit.(string)
	w.link("owningbusinessunit", unitID, "businessunit")
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

// decodedSize is how many bytes a text in base64 stands for.
func decodedSize(text string) int64 { return int64(len(strings.TrimRight(text, "=")) * 3 / 4) }

// attachment keeps the size of the file of an attachment.
func (w *writing) attachment(context.Context) error {
	if w.changed("body") {
		w.put("filesize", decodedSize(w.text("body")))
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
	w.put("filesize", decodedSize(body))
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
