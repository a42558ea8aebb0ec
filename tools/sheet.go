package tools

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

// reader turns rows into what a model reads: labels for codes, names for ids,
// numbers without the zeros that pad money.
type reader struct {
	tables map[string]*dataverse.Table // of the rows and of those expanded in them
	legend legend
}

// newReader looks up the columns of every table that rows come from. The client
// has them at hand: it needed them to ask.
func newReader(ctx context.Context, d Deps, rows ...dataverse.Row) (*reader, error) {
	r := &reader{tables: map[string]*dataverse.Table{}}
	var learn func(rows []dataverse.Row) error
	learn = func(rows []dataverse.Row) error {
		for _, row := range rows {
			if _, known := r.tables[row.Table]; !known && row.Table != "" {
				t, err := d.Dataverse.Table(ctx, row.Table)
				if err != nil {
					return err
				}
				r.tables[row.Table] = t
			}
			for _, name := range row.Columns() {
				if err := learn(expanded(row.Value(name))); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return r, learn(rows)
}

func expanded(v dataverse.Value) []dataverse.Row {
	switch raw := v.Raw.(type) {
	case dataverse.Row:
		return []dataverse.Row{raw}
	case []dataverse.Row:
		return raw
	}
	return nil
}

// columnType returns what kind of column name is; "" when that is not known.
func (r *reader) columnType(row dataverse.Row, name string) dataverse.ColumnType {
	if t := r.tables[row.Table]; t != nil {
		if c, ok := t.Column(name); ok {
			return c.Type
		}
	}
	return ""
}

// sheet is rows written as columns once and cells in their order.
type sheet struct {
	Columns []string `json:"columns"`
	Rows    [][]any  `json:"rows"`
}

// sheet writes rows. What path says goes before the columns in the legend.
func (r *reader) sheet(path string, columns []string, rows []dataverse.Row) sheet {
	s := sheet{Columns: columns, Rows: make([][]any, len(rows))}
	for i, row := range rows {
		cells := make([]any, len(columns))
		for j, name := range columns {
			cells[j] = r.cell(path, row, name)
		}
		s.Rows[i] = cells
	}
	return s
}

// cell is the value of a column as it stands in a sheet.
func (r *reader) cell(path string, row dataverse.Row, name string) any {
	v := row.Value(name)
	switch raw := v.Raw.(type) {
	case dataverse.Row:
		record := map[string]any{}
		for _, inner := range raw.Columns() {
			if c := r.cell(path+name+"/", raw, inner); c != nil {
				record[inner] = c
			}
		}
		return record
	case []dataverse.Row:
		if v.Type == dataverse.PartyListColumn {
			return r.partyNames(path+name, raw)
		}
		return r.inner(path+name+"/", raw, v.More)
	case json.Number:
		if code, ok := r.code(row, name, raw); ok && v.Label != "" {
			return r.legend.choice(path+name, v.Label, code)
		}
		return trimmed(raw)
	case string:
		switch {
		case v.Table != "" && nameOf(row, v) != "":
			return r.legend.lookup(path+name, nameOf(row, v), reference(v.Table, raw))
		case v.Table != "":
			return reference(v.Table, raw)
		case v.Label != "" && lookupType(v.Type): // a group by a lookup to several tables does not tell which
			return r.legend.lookup(path+name, v.Label, raw)
		}
		codes := r.codes(row, name, v)
		if codes == nil {
			return raw
		}
		labels := make([]any, len(codes))
		for i, c := range codes {
			labels[i] = r.legend.choice(path+name, c.Label, c.Value)
		}
		return labels
	case bool:
		if label, ok := r.word(row, name, raw); ok {
			return r.legend.choice(path+name, label, map[bool]int64{true: 1}[raw])
		}
		return raw
	default:
		return raw
	}
}

// nameOf is the name of the row that v points to. Some lookups, such as owninguser, come without one, but the same row
// may stand in another column.
func nameOf(row dataverse.Row, v dataverse.Value) string {
	if v.Label != "" {
		return v.Label
	}
	for _, name := range row.Columns() {
		if other := row.Value(name); other.Table == v.Table && other.Raw == v.Raw && other.Label != "" {
			return other.Label
		}
	}
	return ""
}

// inner is an expanded collection: a sheet inside a cell.
func (r *reader) inner(path string, rows []dataverse.Row, more bool) any {
	if len(rows) == 0 {
		return []any{}
	}
	s := r.sheet(path, rows[0].Columns(), rows)
	nested := map[string]any{"columns": anys(s.Columns), "rows": rowsOf(s.Rows)}
	if more {
		nested["more"] = true
	}
	return nested
}

// fact is the value of a column as it stands in a single record: with what is
// needed to write it back.
func (r *reader) fact(row dataverse.Row, name string) any {
	v := row.Value(name)
	switch raw := v.Raw.(type) {
	case dataverse.Row:
		return r.facts(raw)
	case []dataverse.Row:
		list := make([]any, len(raw))
		for i, inner := range raw {
			if v.Type == dataverse.PartyListColumn {
				list[i] = r.party(inner)
			} else {
				list[i] = r.facts(inner)
			}
		}
		if v.More {
			return map[string]any{"records": list, "more": true}
		}
		return list
	case json.Number:
		if code, ok := r.code(row, name, raw); ok && v.Label != "" {
			return map[string]any{"value": code, "label": v.Label}
		}
		return trimmed(raw)
	case string:
		switch {
		case v.Table != "" && nameOf(row, v) != "":
			return map[string]any{"id": reference(v.Table, raw), "name": nameOf(row, v)}
		case v.Table != "":
			return reference(v.Table, raw)
		}
		codes := r.codes(row, name, v)
		if codes == nil {
			return raw
		}
		list := make([]any, len(codes))
		for i, c := range codes {
			list[i] = map[string]any{"value": c.Value, "label": c.Label}
		}
		return list
	case bool:
		if label, ok := r.word(row, name, raw); ok {
			return map[string]any{"value": raw, "label": label}
		}
		return raw
	default:
		return raw
	}
}

// facts are the columns of row that have a value.
func (r *reader) facts(row dataverse.Row) map[string]any {
	values := map[string]any{}
	for _, name := range row.Columns() {
		if v := r.fact(row, name); v != nil {
			values[name] = v
		}
	}
	return values
}

// code tells the number of a choice from every other number that has a
// formatted value.
func (r *reader) code(row dataverse.Row, name string, n json.Number) (int64, bool) {
	switch r.columnType(row, name) {
	case dataverse.ChoiceColumn, dataverse.StateColumn, dataverse.StatusColumn:
		code, err := n.Int64()
		return code, err == nil
	}
	return 0, false
}

type code struct {
	Value int64
	Label string
}

// codes takes apart a column of several choices: "1,3" labelled "Red; Blue".
func (r *reader) codes(row dataverse.Row, name string, v dataverse.Value) []code {
	raw, ok := v.Raw.(string)
	if !ok || raw == "" || r.columnType(row, name) != dataverse.ChoicesColumn {
		return nil
	}
	numbers, labels := strings.Split(raw, ","), strings.Split(v.Label, "; ")
	list := make([]code, len(numbers))
	for i, number := range numbers {
		n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		if err != nil {
			return nil
		}
		list[i] = code{n, number}
		if len(labels) == len(numbers) {
			list[i].Label = labels[i]
		}
	}
	return list
}

func lookupType(t dataverse.ColumnType) bool {
	return t == dataverse.LookupColumn || t == dataverse.CustomerColumn || t == dataverse.OwnerColumn
}

// number is a value that is a number or null.
func number(v dataverse.Value) any {
	if n, ok := v.Raw.(json.Number); ok {
		return trimmed(n)
	}
	return nil
}

// trimmed is n without the zeros that money and decimals carry after the point.
func trimmed(n json.Number) json.Number {
	s := n.String()
	if !strings.Contains(s, ".") || strings.ContainsAny(s, "eE") {
		return n
	}
	return json.Number(strings.TrimSuffix(strings.TrimRight(s, "0"), "."))
}

func anys[T any](list []T) []any {
	out := make([]any, len(list))
	for i, item := range list {
		out[i] = item
	}
	return out
}

func rowsOf(rows [][]any) []any {
	out := make([]any, len(rows))
	for i, row := range rows {
		out[i] = row
	}
	return out
}
