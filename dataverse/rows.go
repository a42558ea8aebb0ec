package dataverse

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
)

// Row is one row of a table, or one row of an expanded table. The zero Row has no columns.
type Row struct {
	Table string // logical name; "" when the service did not tell
	ID    string // primary key; "" for rows without one, such as those of an aggregate
	ETag  string // version, for IfMatch; "" for a row reached through a lookup
	cells []cell
}

// Value is one value of a row.
type Value struct {
	// Raw is nil, a bool, a json.Number (no digit is lost), a string, or a Row or a []Row of an expanded table. A lookup
	// is the id of the row that it names.
	Raw any
	// Type is the type of the column; "" for an expanded table, and where it is not known.
	Type ColumnType
	// Label is what a user reads for it: the text of a choice, the name of a row, a formatted number or date; may be "".
	Label string
	// Table is the logical name of the table that a lookup points to.
	Table string
	// More is set when the service left out rows of an expanded table.
	More bool
}

// Columns returns the names of the columns in the order they were selected in: logical names, and navigation
// properties for expanded tables.
func (r Row) Columns() []string {
	names := make([]string, len(r.cells))
	for i, c := range r.cells {
		names[i] = c.name
	}
	return names
}

// Value returns the value of the column, or the zero Value when the row has none.
func (r Row) Value(column string) Value {
	if i := r.index(column); i >= 0 {
		return r.cells[i].value()
	}
	return Value{}
}

// Has says whether the row holds the column, be it null.
func (r Row) Has(column string) bool { return r.index(column) >= 0 }

func (r Row) index(column string) int {
	return slices.IndexFunc(r.cells, func(c cell) bool { return c.name == column })
}

// clear makes the column null.
func (r Row) clear(column string) {
	if i := r.index(column); i >= 0 {
		r.cells[i] = cell{heading: r.cells[i].heading}
	}
}

// without is the row without some columns.
func (r Row) without(columns []string) Row {
	if len(columns) > 0 {
		r.cells = slices.DeleteFunc(r.cells, func(c cell) bool { return slices.Contains(columns, c.name) })
	}
	return r
}

// String returns the text of the column; "" when it is null or not there. Numbers and booleans are written out.
func (r Row) String(column string) string {
	switch v := r.Value(column).Raw.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// Number returns the column as a float64; 0 when it is no number. Use Value where no digit may be lost.
func (r Row) Number(column string) float64 {
	n, ok := r.Value(column).Raw.(json.Number)
	if !ok {
		return 0
	}
	f, err := n.Float64()
	if err != nil {
		return 0
	}
	return f
}

// Bool returns the column as a bool; false when it is none.
func (r Row) Bool(column string) bool {
	b, _ := r.Value(column).Raw.(bool)
	return b
}

// MarshalJSON writes the columns as one object in their order. See Value.MarshalJSON for the values.
func (r Row) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, c := range r.cells {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(c.name)
		if err != nil {
			return nil, err
		}
		value, err := c.value().MarshalJSON()
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// MarshalJSON writes a lookup as {"id","name","table"} and everything else as it is in Raw. Labels of choices are not
// written: only the reader knows which labels say more than the value.
func (v Value) MarshalJSON() ([]byte, error) {
	if _, expanded := v.Raw.(Row); expanded || v.Table == "" {
		return json.Marshal(v.Raw)
	}
	return json.Marshal(struct {
		ID    any    `json:"id"`
		Name  string `json:"name,omitempty"`
		Table string `json:"table"`
	}{v.Raw, v.Label, v.Table})
}
