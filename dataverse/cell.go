package dataverse

import "encoding/json"

// cell is a value of a row, as small as can be: a page has fifty thousand. What it means is worked out when somebody
// asks for it.
type cell struct {
	*heading        // nil where the row has no such column
	text     string // of a text or a number
	label    string
	form     form
	*behind
}

// heading is what the cells of a column have in common.
type heading struct {
	name string
	kind ColumnType
}

// behind is what only lookups and expanded tables have.
type behind struct {
	table string
	rows  any // Row or []Row
	more  bool
}

// form tells values apart by what they are in JSON.
type form byte

const (
	nullForm form = iota
	textForm
	numberForm
	trueForm
	falseForm
	rowForm
	rowsForm
)

// formOf is the form of a value that begins with the byte.
func formOf(first byte) form {
	switch first {
	case '"':
		return textForm
	case 't':
		return trueForm
	case 'f':
		return falseForm
	case 'n':
		return nullForm
	case '{':
		return rowForm
	case '[':
		return rowsForm
	}
	return numberForm
}

// newCell is the cell of a value.
func newCell(name string, v Value) cell {
	c := cell{heading: &heading{name, v.Type}, label: v.Label}
	switch raw := v.Raw.(type) {
	case string:
		c.form, c.text = textForm, raw
	case json.Number:
		c.form, c.text = numberForm, raw.String()
	case bool:
		if c.form = falseForm; raw {
			c.form = trueForm
		}
	case Row:
		c.form, c.behind = rowForm, &behind{rows: raw}
	case []Row:
		c.form, c.behind = rowsForm, &behind{rows: raw}
	}
	if c.behind == nil && (v.Table != "" || v.More) {
		c.behind = &behind{}
	}
	if c.behind != nil {
		c.table, c.more = v.Table, v.More
	}
	return c
}

func (c *cell) value() Value {
	v := Value{Type: c.kind, Label: c.label}
	if c.behind != nil {
		v.Table, v.More = c.table, c.more
	}
	switch c.form {
	case nullForm:
	case textForm:
		v.Raw = c.text
	case numberForm:
		v.Raw = json.Number(c.text)
	case trueForm, falseForm:
		v.Raw = c.form == trueForm
	case rowForm, rowsForm:
		v.Raw = c.rows
	}
	return v
}
