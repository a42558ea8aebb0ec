package tools

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

var getRecordTool = define(Spec{
	Name:   "get_record",
	Title:  "Get a record",
	Doc:    "Read one record with its etag. Columns without a value are left out.",
	Effect: Reads,
}, getRecord)

func getRecord(ctx context.Context, d Deps, in getRecordIn) (getRecordOut, error) {
	t, id, err := target(ctx, d, in.Table, in.ID)
	if err != nil {
		return getRecordOut{}, err
	}
	q := dataverse.Query{Expand: in.Expand, Usual: usual}
	if len(in.Select) > 0 {
		q.Select = selected(t, in.Select)
	}
	everything := q.Select == nil
	if parties := t.PartyColumns(); everything && in.Expand == "" && len(parties) > 0 {
		q.Select = append([]string{"*"}, parties...)
	}
	row, err := d.Dataverse.Get(ctx, t.LogicalName, id, q)
	if err != nil {
		return getRecordOut{}, err
	}
	r, err := newReader(ctx, d, row)
	if err != nil {
		return getRecordOut{}, err
	}
	out := getRecordOut{Table: t.LogicalName, ID: row.ID, ETag: row.ETag, Values: r.facts(row)}
	if in.From > 0 {
		if err := out.readOn(in); err != nil {
			return getRecordOut{}, err
		}
	}
	if everything {
		if n := len(row.Columns()) - len(out.Values); n > 0 {
			out.Note = fmt.Sprintf("%d columns without a value are left out", n)
		}
		return out, nil
	}
	for _, name := range row.Columns() {
		if _, ok := out.Values[name]; !ok {
			out.Empty = append(out.Empty, name)
		}
	}
	return out, nil
}

// fit implements fitter: long texts are cut, in the end whole columns left out.
func (o getRecordOut) fit(fits func(any) bool) any {
	var short getRecordOut
	for _, limit := range append([]int{48 << 10, 24 << 10}, clipLimits()...) {
		if short = o.cut(limit); fits(short) {
			return short
		}
	}
	names := slices.Sorted(maps.Keys(o.Values))
	part := func(k int) any {
		some := short
		some.Values = map[string]any{}
		for _, name := range names[:k] {
			some.Values[name] = short.Values[name]
		}
		some.Note = joinNotes(short.Note, fmt.Sprintf("%d columns did not fit: name them in select", len(names)-k))
		return some
	}
	return part(mostThatFit(len(names), part, fits))
}

// readOn leaves out what an earlier reply showed of the one column that is
// selected.
func (o *getRecordOut) readOn(in getRecordIn) error {
	const next = "Select the one column to read on in."
	if len(in.Select) != 1 || len(o.Values) != 1 {
		return refused(next, "from: got %d, want it only with one column in select, which has a value", in.From)
	}
	for name, v := range o.Values {
		text, ok := v.(string)
		if !ok || in.From > len(text) {
			return refused(next, "from: column %s has no text at byte %d", name, in.From)
		}
		for in.From < len(text) && !utf8.RuneStart(text[in.From]) {
			in.From++
		}
		o.Values[name], o.Skipped = text[in.From:], in.From
	}
	return nil
}

// cut is o with long texts cut at limit, and the way to the rest.
func (o getRecordOut) cut(limit int) getRecordOut {
	short := o
	if len(o.Values) != 1 {
		short.Values = clip(o.Values, limit).(map[string]any)
		short.Note = joinNotes(o.Note, "long texts are cut: select one column alone to read it in parts")
		return short
	}
	for name, v := range o.Values {
		text, ok := v.(string)
		if !ok || len(text) <= limit {
			short.Values = clip(o.Values, limit).(map[string]any)
			return short
		}
		kept := strings.ToValidUTF8(text[:limit], "")
		short.Values = map[string]any{name: kept}
		short.Note = joinNotes(o.Note, fmt.Sprintf("%s: bytes %d to %d of %d, pass from=%d for more", name, o.Skipped, o.Skipped+len(kept), o.Skipped+len(text), o.Skipped+len(kept)))
	}
	return short
}

type getRecordIn struct {
	Table  string   `json:"table" jsonschema:"minLength=1" jsonschema_description:"Table name."`
	ID     string   `json:"id" jsonschema:"minLength=1" jsonschema_description:"GUID, account(guid), or alternate key such as accountnumber='A1'."`
	Select []string `json:"select,omitempty" jsonschema_description:"Columns; all without it."`
	Expand string   `json:"expand,omitempty" jsonschema_description:"As in query_records."`
	From   int      `json:"from,omitempty" jsonschema:"minimum=0" jsonschema_description:"Byte of a long text to read on at, from note."`
}

type getRecordOut struct {
	Table  string         `json:"table"`
	ID     string         `json:"id"`
	ETag   string         `json:"etag,omitempty"`
	Values map[string]any `json:"values" jsonschema_description:"Choices as {value,label}, lookups as {id,name}."`
	Empty  []string       `json:"empty,omitempty" jsonschema_description:"Selected columns without a value."`
	Note   string         `json:"note,omitempty"`

	Skipped int `json:"-"` // bytes left out at the start of the one text
}
