package dataverse

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/buger/jsonparser"
)

// page is a collection as the service sends it.
type page struct {
	rows     []Row
	nextLink string
	count    int64 // -1 when not told
	// What a FetchXML query is answered with beside its rows.
	more    bool
	cookie  string
	counted int64 // -1 when not told
	notAll  bool  // counted stopped at a limit
	// What a query for changes is answered with.
	deltaLink string
	deleted   []string // ids
}

const (
	annotationLabel = "OData.Community.Display.V1.FormattedValue"
	annotationTable = "Microsoft.Dynamics.CRM.lookuplogicalname"
	// wantedAnnotations keeps the answer small: only what Row has a place for.
	wantedAnnotations = `odata.include-annotations="` + annotationLabel + "," + annotationTable + `"`
)

// shape says how rows of an answer are to be read: what the columns are called, and in which order they were asked for.
type shape struct {
	name     string            // of the table; "" for rows of an aggregate
	table    *Table            // nil where it is not known
	columns  []string          // nil: all, in the order of the answer
	expanded map[string]*shape // by navigation property as the service spells it
	parties  *partyColumns     // nil where none are asked for
	full     int               // rows from which on an expanded collection with a next link was cut
	nulls    bool              // the service leaves out columns without a value
	changes  bool              // among the rows stand the ids of those that are gone
	seen     map[string]property
}

// property is what a property name of a row means.
type property struct {
	name       string // column it belongs to
	annotation string // "" for the value itself
	kind       ColumnType
	isID       bool
}

// property looks key up; every row repeats them all.
func (s *shape) property(key []byte) property {
	p, ok := s.seen[string(key)]
	if ok {
		return p
	}
	p = readName(string(key))
	if s.table != nil {
		if c, ok := s.table.Column(p.name); ok {
			p.kind = c.Type
		}
		p.isID = p.name == s.table.PrimaryID
	}
	if s.seen == nil {
		s.seen = map[string]property{}
	}
	s.seen[string(key)] = p
	return p
}

// inner is the shape of the rows behind a navigation property.
func (s *shape) inner(name string) *shape {
	if inner := s.expanded[name]; inner != nil {
		return inner
	}
	return &shape{}
}

// readPage reads {"value":[…]}. A page may hold 5,000 rows, so it is walked in place: maps would cost more and lose the
// order of columns.
func readPage(body []byte, s *shape) (page, error) {
	p := page{count: -1, counted: -1}
	if !json.Valid(body) { // jsonparser reads on over much that is not JSON
		return p, errNotJSON
	}
	d := newDecoder()
	err := jsonparser.ObjectEach(body, func(key, value []byte, kind jsonparser.ValueType, _ int) (err error) {
		switch string(key) {
		case "value":
			p.rows, err = d.rows(value, kind, s)
			p.deleted = d.deleted
		case "@odata.deltaLink":
			p.deltaLink, err = text(value, kind)
		case "@odata.nextLink":
			p.nextLink, err = text(value, kind)
		case "@odata.count":
			p.count, err = strconv.ParseInt(string(value), 10, 64)
		case "@Microsoft.Dynamics.CRM.morerecords":
			p.more = string(value) == "true"
		case "@Microsoft.Dynamics.CRM.fetchxmlpagingcookie":
			p.cookie, err = text(value, kind)
		case "@Microsoft.Dynamics.CRM.totalrecordcount":
			p.counted, err = strconv.ParseInt(string(value), 10, 64)
		case "@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded":
			p.notAll = string(value) == "true"
		}
		return err
	})
	return p, err
}

// readRow reads one row.
func readRow(body []byte, s *shape) (Row, error) {
	if !json.Valid(body) {
		return Row{}, errNotJSON
	}
	return newDecoder().row(body, s)
}

var (
	errNotJSON = errors.New("not JSON")
	errNoRows  = errors.New("not an array of rows")
)

// decoder keeps what rows repeat.
type decoder struct {
	texts map[string]string // labels and tables
	cells int               // of the row before, a good guess for the next

	deleted []string // ids of rows that are gone
}

func newDecoder() *decoder { return &decoder{texts: map[string]string{}} }

func (d *decoder) rows(body []byte, kind jsonparser.ValueType, s *shape) ([]Row, error) {
	if kind != jsonparser.Array {
		return nil, errNoRows
	}
	rows := []Row{}
	var failed error
	_, err := jsonparser.ArrayEach(body, func(value []byte, kind jsonparser.ValueType, _ int, _ error) {
		if kind != jsonparser.Object {
			failed = cmp.Or(failed, errNoRows)
		}
		if failed != nil {
			return
		}
		if s.changes {
			if id, gone := deletedID(value); gone {
				d.deleted = append(d.deleted, id)
				return
			}
		}
		var row Row
		row, failed = d.row(value, s)
		rows = append(rows, row)
	})
	return rows, cmp.Or(failed, err)
}

// deletedID is the id in an entry that stands for a row that is gone.
func deletedID(entry []byte) (id string, gone bool) {
	context, _ := jsonparser.GetString(entry, "@odata.context")
	if !strings.HasSuffix(context, "/$deletedEntity") {
		return "", false
	}
	id, err := jsonparser.GetString(entry, "id")
	return id, err == nil
}

func (d *decoder) row(body []byte, s *shape) (Row, error) {
	r := Row{Table: s.name, cells: make([]cell, 0, d.cells)}
	var cut []string
	err := jsonparser.ObjectEach(body, func(key, value []byte, kind jsonparser.ValueType, _ int) (err error) {
		p := s.property(key)
		switch p.annotation {
		case "":
			var v any
			if v, err = d.value(value, kind, s, p.name); p.isID {
				r.ID, _ = v.(string)
			}
			r.at(p.name).value.set(v, p.kind)
		case "odata.etag":
			r.ETag, err = text(value, kind)
		case "odata.nextLink":
			cut = append(cut, p.name)
		case annotationLabel:
			r.at(p.name).value.Label, err = d.repeated(value, kind)
		case annotationTable:
			r.at(p.name).value.Table, err = d.repeated(value, kind)
		}
		return err
	})
	d.cells = len(r.cells)
	r.finish(s, cut)
	return r, err
}

// text reads a string; null and anything else is "".
func text(value []byte, kind jsonparser.ValueType) (string, error) {
	if kind != jsonparser.String {
		return "", nil
	}
	if s, err := jsonparser.ParseString(value); err == nil {
		return s, nil
	}
	// Half a surrogate pair, which the service leaves where it cuts a text: encoding/json puts U+FFFD there.
	var s string
	err := json.Unmarshal(slices.Concat([]byte{'"'}, value, []byte{'"'}), &s)
	return s, err
}

// maxRepeated is how many texts a decoder keeps: labels repeat, formatted numbers do not.
const maxRepeated = 1 << 10

// repeated reads a string that other rows are likely to hold too, and keeps one copy of it.
func (d *decoder) repeated(value []byte, kind jsonparser.ValueType) (string, error) {
	if s, ok := d.texts[string(value)]; ok && kind == jsonparser.String {
		return s, nil
	}
	s, err := text(value, kind)
	if err == nil && kind == jsonparser.String && len(d.texts) < maxRepeated {
		d.texts[string(value)] = s
	}
	return s, err
}

// readName tells a column from an annotation of it, and takes the _x_value form off a lookup.
func readName(key string) property {
	name, annotation, _ := strings.Cut(key, "@")
	if inner, ok := lookupProperty(name); ok {
		name = inner
	}
	return property{name: name, annotation: annotation}
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

func (d *decoder) value(value []byte, kind jsonparser.ValueType, s *shape, name string) (any, error) {
	switch kind {
	case jsonparser.String:
		return text(value, kind)
	case jsonparser.Number:
		return json.Number(value), nil
	case jsonparser.Boolean:
		return value[0] == 't', nil
	case jsonparser.Object:
		return d.row(value, s.inner(name))
	case jsonparser.Array:
		return d.rows(value, kind, s.inner(name))
	}
	return nil, nil
}

// set keeps an expanded row when the id of the same lookup comes after it.
func (v *Value) set(raw any, kind ColumnType) {
	if _, expanded := v.Raw.(Row); expanded {
		return
	}
	switch raw.(type) {
	case Row, []Row:
		kind = ""
	}
	v.Raw, v.Type = raw, kind
}

// finish marks what was cut and brings the columns into the order they were asked for in. What was not asked for goes:
// the service adds the primary key, the currency beside money and the lookup behind an expanded collection.
func (r *Row) finish(s *shape, cut []string) {
	for _, name := range cut {
		v := &r.at(name).value
		if rows, ok := v.Raw.([]Row); ok && len(rows) >= s.inner(name).full {
			v.More = true
		}
	}
	if s.parties != nil {
		r.parties(s.parties)
	}
	if s.columns == nil {
		return
	}
	ordered := make([]cell, 0, len(s.columns))
	for _, name := range s.columns {
		switch i := r.index(name); {
		case i >= 0:
			ordered = append(ordered, r.cells[i])
		case s.nulls:
			ordered = append(ordered, cell{name: name, value: Value{Type: s.property([]byte(name)).kind}})
		}
	}
	r.cells = slices.Clip(ordered)
}
