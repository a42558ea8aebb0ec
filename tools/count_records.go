package tools

import (
	"context"
	"fmt"
	"slices"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

var countRecordsTool = define(Spec{
	Name:   "count_records",
	Title:  "Count records",
	Doc:    "Count the records of a table that match a filter, also for each value of some columns, with a sum.",
	Effect: Reads,
}, countRecords)

func countRecords(ctx context.Context, d Deps, in countRecordsIn) (countRecordsOut, error) {
	t, err := d.Dataverse.Table(ctx, in.Table)
	if err != nil {
		return countRecordsOut{}, err
	}
	if len(in.GroupBy) > 0 || in.Sum != "" {
		return countGroups(ctx, d, t, in)
	}
	n, err := d.Dataverse.Count(ctx, t.LogicalName, in.Filter)
	if err != nil {
		return countRecordsOut{}, err
	}
	return countRecordsOut{Table: t.LogicalName, Count: n.N, AtLeast: n.AtLeast}, nil
}

func countGroups(ctx context.Context, d Deps, t *dataverse.Table, in countRecordsIn) (countRecordsOut, error) {
	g := dataverse.Grouping{Filter: in.Filter, Sum: in.Sum}
	if len(in.GroupBy) > 0 {
		g.By = selected(t, in.GroupBy)
	}
	groups, err := d.Dataverse.Groups(ctx, t.LogicalName, g)
	if err != nil {
		return countRecordsOut{}, err
	}
	r := &reader{tables: map[string]*dataverse.Table{t.LogicalName: t}}
	out := countRecordsOut{Table: t.LogicalName, Columns: append(slices.Clone(g.By), "count")}
	if in.Sum != "" {
		out.Columns = append(out.Columns, "sum")
	}
	for _, group := range groups {
		out.Count += group.N
		cells := make([]any, len(g.By), len(out.Columns))
		for i, name := range g.By {
			cells[i] = r.cell("", group.Values, name)
		}
		cells = append(cells, group.N)
		if in.Sum != "" {
			cells = append(cells, number(group.Sum))
		}
		out.Rows = append(out.Rows, cells)
	}
	out.legend = r.legend
	return out, nil
}

// fit implements fitter: the smallest groups give way.
func (o countRecordsOut) fit(fits func(any) bool) any {
	part := func(k int) any {
		short := o
		short.Rows = o.Rows[:k]
		short.legend = o.of(o.Columns, short.Rows)
		short.Note = fmt.Sprintf("%d smaller groups did not fit: narrow the filter", len(o.Rows)-k)
		return short
	}
	return part(mostThatFit(len(o.Rows), part, fits))
}

type countRecordsIn struct {
	Table   string   `json:"table" jsonschema:"minLength=1" jsonschema_description:"Table name."`
	Filter  string   `json:"filter,omitempty" jsonschema_description:"As in query_records; all records without it."`
	GroupBy []string `json:"group_by,omitempty" jsonschema_description:"Columns (no dates): one row for each value, largest count first."`
	Sum     string   `json:"sum,omitempty" jsonschema_description:"Numeric column to add up; money in base currency."`
}

type countRecordsOut struct {
	Table   string   `json:"table"`
	Count   int64    `json:"count"`
	AtLeast bool     `json:"at_least,omitempty" jsonschema_description:"The service stopped counting; there may be more."`
	Columns []string `json:"columns,omitempty"`
	Rows    [][]any  `json:"rows,omitempty"`
	legend
	Note string `json:"note,omitempty"`
}
