package dataverse

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// page is a collection as the service sends it.
type page struct {
	rows     []Row
	nextLink string
	count    int64 // -1 when not told
}

const (
	annotationLabel = "OData.Community.Display.V1.FormattedValue"
	annotationTable = "Microsoft.Dynamics.CRM.lookuplogicalname"
	// wantedAnnotations keeps the answer small: only what Row has a place for.
	wantedAnnotations = `odata.include-annotations="` + annotationLabel + "," + annotationTable + `"`
)

// shape says how rows of an answer are to be read: what the columns are called, and in which order they were asked for.
type shape struct {
	table     string // logical name
	primaryID string
	columns   []string         // nil: all, in the order of the answer
	expanded  map[string]shape // by navigation property as the service spells it
	full      int              // rows from which on an expanded collection with a next link was cut
}

// readPage reads {"value":[…]}, token by token: a page may hold 5,000 rows, and maps would lose the order of columns.
func readPage(body []byte, s shape) (page, error) {
	p := page{count: -1}
	d := newDecoder(body)
	err := d.object(func(key string) error {
		switch key {
		case "value":
			rows, err := d.rows(&s)
			p.rows = rows
			return err
		case "@odata.nextLink":
			return d.dec.Decode(&p.nextLink)
		case "@odata.count":
			return d.dec.Decode(&p.count)
		}
		return d.skip()
	})
	return p, err
}

// readRow reads one row.
func readRow(body []byte, s shape) (Row, error) {
	d := newDecoder(body)
	tok, err := d.dec.Token()
	if err != nil {
		return Row{}, err
	}
	if tok != json.Delim('{') {
		return Row{}, errors.New("want an object")
	}
	return d.row(&s)
}

type decoder struct {
	dec *json.Decoder
	// names keeps one string of each property name: every row repeats them all.
	names map[string]property
	cells int // of the row before, a good guess for the next
}

// property is what a property name of a row means.
type property struct {
	name       string // column it belongs to
	annotation string // "" for the value itself
}

func newDecoder(body []byte) *decoder {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	return &decoder{dec: dec, names: map[string]property{}}
}

// object reads an object from its brace on, calling member for each name; member reads the value.
func (d *decoder) object(member func(key string) error) error {
	tok, err := d.dec.Token()
	if err != nil {
		return err
	}
	if tok != json.Delim('{') {
		return fmt.Errorf("got %v, want an object", tok)
	}
	return d.members(member)
}

// members reads the members of an object whose brace was read, and the closing brace.
func (d *decoder) members(member func(key string) error) error {
	for d.dec.More() {
		tok, err := d.dec.Token()
		if err != nil {
			return err
		}
		key, ok := tok.(string)
		if !ok {
			return fmt.Errorf("got %v, want a name", tok)
		}
		if err := member(key); err != nil {
			return err
		}
	}
	_, err := d.dec.Token()
	return err
}

func (d *decoder) skip() error {
	var raw json.RawMessage
	return d.dec.Decode(&raw)
}

// rows reads an array of rows from its bracket on.
func (d *decoder) rows(s *shape) ([]Row, error) {
	tok, err := d.dec.Token()
	if err != nil {
		return nil, err
	}
	if tok != json.Delim('[') {
		return nil, fmt.Errorf("got %v, want an array of rows", tok)
	}
	return d.restOfRows(s)
}

func (d *decoder) restOfRows(s *shape) ([]Row, error) {
	rows := []Row{}
	for d.dec.More() {
		tok, err := d.dec.Token()
		if err != nil {
			return nil, err
		}
		if tok != json.Delim('{') {
			return nil, fmt.Errorf("got %v, want a row", tok)
		}
		row, err := d.row(s)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	_, err := d.dec.Token()
	return rows, err
}

// row reads a row whose brace was read.
func (d *decoder) row(s *shape) (Row, error) {
	r := Row{Table: s.table, cells: make([]cell, 0, d.cells)}
	var cut []string
	err := d.members(func(key string) error {
		p, ok := d.names[key]
		if !ok {
			p = readName(key)
			d.names[key] = p
		}
		switch p.annotation {
		case "":
			v, err := d.value(s, p.name)
			if p.name == s.primaryID {
				r.ID, _ = v.(string)
			}
			r.at(p.name).value.set(v)
			return err
		case "odata.etag":
			return d.dec.Decode(&r.ETag)
		case "odata.nextLink":
			cut = append(cut, p.name)
		case annotationLabel:
			return d.dec.Decode(&r.at(p.name).value.Label)
		case annotationTable:
			return d.dec.Decode(&r.at(p.name).value.Table)
		}
		return d.skip()
	})
	d.cells = len(r.cells)
	if err != nil {
		return Row{}, err
	}
	r.finish(s, cut)
	return r, nil
}

// readName tells a column from an annotation of it, and takes the _x_value form off a lookup.
func readName(key string) property {
	name, annotation, _ := strings.Cut(key, "@")
	if inner, ok := lookupProperty(name); ok {
		name = inner
	}
	return property{name, annotation}
}

// at returns the cell called name. Annotations stand beside their value, so the search is from the end.
func (r *Row) at(name string) *cell {
	for i := len(r.cells) - 1; i >= 0; i-- {
		if r.cells[i].name == name {
			return &r.cells[i]
		}
	}
	r.cells = append(r.cells, cell{name: name})
	return &r.cells[len(r.cells)-1]
}

func (d *decoder) value(s *shape, name string) (any, error) {
	tok, err := d.dec.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := tok.(json.Delim)
	if !ok {
		return tok, nil
	}
	inner := s.expanded[name]
	if delim == '{' {
		row, err := d.row(&inner)
		return row, err
	}
	rows, err := d.restOfRows(&inner)
	return rows, err
}

// set keeps an expanded row when the id of the same lookup comes after it.
func (v *Value) set(raw any) {
	if _, expanded := v.Raw.(Row); !expanded {
		v.Raw = raw
	}
}

// finish marks what was cut and brings the columns into the order they were asked for in. What was not asked for goes:
// the service adds the primary key, the currency beside money and the lookup behind an expanded collection.
func (r *Row) finish(s *shape, cut []string) {
	for _, name := range cut {
		v := &r.at(name).value
		if rows, ok := v.Raw.([]Row); ok && len(rows) >= s.expanded[name].full {
			v.More = true
		}
	}
	if s.columns == nil {
		return
	}
	ordered := make([]cell, 0, len(s.columns))
	for _, name := range s.columns {
		if i := r.index(name); i >= 0 {
			ordered = append(ordered, r.cells[i])
		}
	}
	r.cells = slices.Clip(ordered)
}
