package tools

import (
	"context"
	"fmt"
	"slices"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

var queryRecordsTool = define(Spec{
	Name:   "query_records",
	Title:  "Query records",
	Doc:    "Find records of a table. Cells hold labels and names; choices and lookups give the codes and ids behind them.",
	Effect: Reads,
}, queryRecords)

func queryRecords(ctx context.Context, d Deps, in queryRecordsIn) (queryRecordsOut, error) {
	t, err := d.Dataverse.Table(ctx, in.Table)
	if err != nil {
		return queryRecordsOut{}, err
	}
	columns := selected(t, in.Select)
	q := dataverse.Query{
		Select: columns, Filter: in.Filter, OrderBy: in.OrderBy, Expand: in.Expand, Usual: usual,
		Size: min(in.Top, pageRows), Count: in.Cursor == "",
	}
	at, err := readCursor(in.Cursor, d.Dataverse.URL(), q, t.LogicalName)
	if err != nil {
		return queryRecordsOut{}, err
	}
	p, err := d.Dataverse.Page(ctx, t.LogicalName, q, at.page)
	if err != nil {
		return queryRecordsOut{}, err
	}
	r, err := newReader(ctx, d, p.Rows...)
	if err != nil {
		return queryRecordsOut{}, err
	}
	found := foundRows{table: t.LogicalName, columns: columns, query: q, at: at, page: p, tables: r.tables}
	found.at.skip = min(at.skip, len(p.Rows))
	return found.reply(len(p.Rows) - found.at.skip), nil
}

// pageRows is more than a reply holds. What does not fit is fetched again for
// the next reply, so a page has no more of it than it must.
const pageRows = 1000

// foundRows is a page of rows, of which a reply shows as many as it can hold.
type foundRows struct {
	table   string
	columns []string // asked for, in order; nil: all that have a value
	query   dataverse.Query
	at      place
	page    dataverse.Page
	tables  map[string]*dataverse.Table
}

// reply shows the first shown rows of the rest of the page.
func (f foundRows) reply(shown int) queryRecordsOut {
	rows := f.page.Rows[f.at.skip : f.at.skip+shown]
	r := reader{tables: f.tables}
	out := queryRecordsOut{Table: f.table, found: f, shown: shown}
	columns := slices.Clone(f.columns)
	if columns == nil {
		columns, out.Empty = filled(rows)
	}
	out.sheet = r.sheet("", withExpanded(columns, rows), rows)
	out.legend = r.legend
	left := len(f.page.Rows) - f.at.skip - shown
	total := f.at.total
	if n := f.page.Count; n != nil && !n.AtLeast {
		total = n.N
	}
	switch {
	case left > 0:
		out.Cursor = place{skip: f.at.skip + shown, total: total, page: f.at.page, in: f.at.in}.cursor(f.query, f.table)
		out.Note = fmt.Sprintf("%d of %d rows fit into this reply: pass cursor for the rest, or select fewer columns", shown, shown+left)
	case f.page.Cursor != "":
		out.Cursor = place{total: total, page: f.page.Cursor, in: f.at.in}.cursor(f.query, f.table)
	}
	if out.Cursor != "" || f.at != (place{in: f.at.in}) { // where all rows are in one reply, they are their own total
		out.Total = total
	}
	if n := f.page.Count; n != nil && n.AtLeast && out.Cursor != "" {
		out.Note = joinNotes(out.Note, fmt.Sprintf("at least %d rows match: count_records tells how many", n.N))
	}
	return out
}

// fit implements fitter. A single row that is too much has its texts cut.
func (o queryRecordsOut) fit(fits func(any) bool) any {
	part := func(k int) any { return o.found.reply(k) }
	if n := mostThatFit(o.shown, part, fits); n > 0 {
		return part(n)
	}
	one := o.found.reply(1)
	for _, limit := range clipLimits() {
		short := one
		short.Rows = [][]any{clip(one.Rows[0], limit).([]any)}
		short.Note = joinNotes(one.Note, "long texts are cut: get_record with select reads one column more fully")
		if fits(short) || limit == clipLimits()[len(clipLimits())-1] {
			return short
		}
	}
	return one
}

// selected resolves the names in asked to the columns of t. What is no column
// stays as it is: the client tells which names are near.
func selected(t *dataverse.Table, asked []string) []string {
	if len(asked) == 0 {
		asked = usual(t)
	}
	var columns []string
	for _, name := range asked {
		if name == "*" {
			return nil
		}
		if name == "id" {
			name = t.PrimaryID
		}
		if c, ok := t.Column(name); ok {
			name = c.LogicalName
		}
		if !slices.Contains(columns, name) {
			columns = append(columns, name)
		}
	}
	return columns
}

// filled parts the columns of rows into those with a value and those without.
func filled(rows []dataverse.Row) (columns, empty []string) {
	var names []string
	seen, full := map[string]bool{}, map[string]bool{}
	for _, row := range rows {
		for _, name := range row.Columns() {
			if !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
			full[name] = full[name] || row.Value(name).Raw != nil
		}
	}
	columns = []string{}
	for _, name := range names {
		if full[name] {
			columns = append(columns, name)
		} else {
			empty = append(empty, name)
		}
	}
	return columns, empty
}

// withExpanded adds what came because of expand, after what was selected.
func withExpanded(columns []string, rows []dataverse.Row) []string {
	for _, row := range rows {
		for _, name := range row.Columns() {
			if expanded(row.Value(name)) != nil && !slices.Contains(columns, name) {
				columns = append(columns, name)
			}
		}
	}
	return columns
}

func joinNotes(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

type queryRecordsIn struct {
	Table   string   `json:"table" jsonschema:"minLength=1" jsonschema_description:"Table by logical, set, schema or display name."`
	Select  []string `json:"select,omitempty" jsonschema_description:"Columns, in this order; id is the primary key, * all that have a value. A few usual ones without it."`
	Filter  string   `json:"filter,omitempty" jsonschema_description:"OData: revenue gt 50000 and contains(name,'Ltd') and primarycontactid/fullname ne null. Choices by number or label, lookups by reference or GUID; a day is its midnight UTC."`
	OrderBy string   `json:"order_by,omitempty" jsonschema_description:"revenue desc,name"`
	Expand  string   `json:"expand,omitempty" jsonschema_description:"Related records: primarycontactid($select=fullname)"`
	Top     int      `json:"top,omitempty" jsonschema:"default=50,minimum=1,maximum=5000" jsonschema_description:"Rows a page; over 1000 come by cursor."`
	Cursor  string   `json:"cursor,omitempty" jsonschema_description:"From the last reply; other arguments unchanged."`
}

type queryRecordsOut struct {
	Table string `json:"table"`
	sheet
	legend
	Empty  []string `json:"empty,omitempty" jsonschema_description:"Columns without a value in these rows."`
	Total  int64    `json:"total,omitempty" jsonschema_description:"Rows that match."`
	Cursor string   `json:"cursor,omitempty" jsonschema_description:"For the next page."`
	Note   string   `json:"note,omitempty"`

	found foundRows
	shown int
}
