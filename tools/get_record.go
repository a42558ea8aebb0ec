package tools

import (
	"context"
	"fmt"
	"maps"
	"slices"

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
	q := dataverse.Query{Expand: in.Expand}
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
	short := o
	for _, limit := range clipLimits() {
		short.Values = clip(o.Values, limit).(map[string]any)
		short.Note = joinNotes(o.Note, "long texts are cut: select one column to read more of it")
		if fits(short) {
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

type getRecordIn struct {
	Table  string   `json:"table" jsonschema:"minLength=1" jsonschema_description:"Table name."`
	ID     string   `json:"id" jsonschema:"minLength=1" jsonschema_description:"GUID, reference such as account(guid), or alternate key such as accountnumber='A1'."`
	Select []string `json:"select,omitempty" jsonschema_description:"Columns; all without it."`
	Expand string   `json:"expand,omitempty" jsonschema_description:"As in query_records."`
}

type getRecordOut struct {
	Table  string         `json:"table"`
	ID     string         `json:"id"`
	ETag   string         `json:"etag,omitempty"`
	Values map[string]any `json:"values" jsonschema_description:"Choices as {value,label}, lookups as {id,name}."`
	Empty  []string       `json:"empty,omitempty" jsonschema_description:"Selected columns without a value."`
	Note   string         `json:"note,omitempty"`
}
