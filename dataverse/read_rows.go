package dataverse

import (
	"bytes"
	"slices"
	"strings"
)

// rowReader reads rows of one shape. Rows are much alike, so it keeps what the row before consisted of.
type rowReader struct {
	*scanner
	shape  *shape
	placed bool // each cell has its place from the beginning
	texts  *texts
	known  map[string]*known
	start  known    // stands before the first property
	cells  int      // of the row before
	room   []cell   // for the rows to come
	piece  int      // for how many rows there was room
	cut    []*known // of this row: collections with a next link
	spare  cell     // for what was not asked for

	gone    bool     // the entry stands for a row that is gone
	goneID  string   // its id
	deleted []string // all such ids
}

func newRowReader(text *scanner, t *texts, s *shape) *rowReader {
	return &rowReader{scanner: text, texts: t, shape: s, placed: s.columns != nil && s.parties == nil}
}

// texts holds many small strings in few pieces of memory. Whoever keeps one keeps those beside it.
type texts struct{ piece strings.Builder }

const (
	firstPiece = 1 << 10
	fullPiece  = 16 << 10
)

func (t *texts) add(text []byte) string {
	if t.piece.Cap()-t.piece.Len() < len(text) {
		if len(text) > firstPiece/2 {
			return string(text)
		}
		size := min(max(2*t.piece.Cap(), firstPiece), fullPiece)
		t.piece = strings.Builder{}
		t.piece.Grow(size)
	}
	start := t.piece.Len()
	t.piece.Write(text)
	return t.piece.String()[start:]
}

// known is a property of the rows.
type known struct {
	property
	key     []byte // as it stands in the text, up to the colon; nil where it was never written without blanks
	last    string // the text before
	next    *known // the property that came after it last
	place   int    // among the columns asked for; -1 for none
	heading *heading
	rows    *heading   // where rows stand in it: they have no type
	inner   *rowReader // of the rows in it
	behind  *behind    // of the last lookup
}

// list reads an array of rows. Each is what the array is read by: whole, or once inside of a row.
func (r *rowReader) list(each func(func() error) error) ([]Row, error) {
	rows := []Row{}
	closed := false
	err := each(func() error {
		c, err := r.next()
		if err == nil && c != '[' {
			err = errNoRows
		}
		if err == nil {
			closed, err = r.open(']')
		}
		return err
	})
	one := func() error {
		row, err := r.row()
		if err == nil {
			closed, err = r.close(']')
		}
		switch {
		case err != nil:
		case r.gone && r.goneID != "":
			r.deleted = append(r.deleted, r.goneID)
		default:
			rows = append(roomy(rows), row)
		}
		return err
	}
	for err == nil && !closed {
		err = each(one)
	}
	return rows, err
}

// roomy makes room for a full page where rows are many: to double them again and again would cost more than they do.
func roomy(rows []Row) []Row {
	if n := len(rows); n == cap(rows) && n > maxPage/10 && n < maxPage {
		return slices.Grow(rows, maxPage-n)
	}
	return rows
}

func once(read func() error) error { return read() }

// enter goes into an object.
func (s *scanner) enter() (empty bool, err error) {
	c, err := s.next()
	switch {
	case err != nil:
		return false, err
	case c != '{':
		return false, errNoRows
	}
	return s.open('}')
}

func (r *rowReader) row() (Row, error) {
	row := Row{Table: r.shape.name}
	if r.placed {
		row.cells = r.places()
	} else {
		row.cells = make([]cell, 0, r.cells)
	}
	r.cut, r.gone, r.goneID = r.cut[:0], false, ""
	closed, err := r.enter()
	k := &r.start
	for err == nil && !closed {
		if k, err = r.after(k); err == nil {
			err = r.member(&row, k)
		}
		if err == nil {
			closed, err = r.close('}')
		}
	}
	if err != nil {
		return Row{}, err
	}
	r.finish(&row)
	return row, nil
}

// places are cells for a row with a place for each column. Rows share a piece of memory as their texts do.
func (r *rowReader) places() []cell {
	n := len(r.shape.columns)
	if len(r.room) < n {
		r.piece = min(2*r.piece+1, fullRoom)
		r.room = make([]cell, r.piece*n)
	}
	cells := r.room[:n:n]
	r.room = r.room[n:]
	return cells
}

// fullRoom is for how many rows there is room at the most.
const fullRoom = 15

// after reads the name of the property after before: most often that which came there in the last row.
func (r *rowReader) after(before *known) (*known, error) {
	if k := before.next; k != nil && k.key != nil && bytes.HasPrefix(r.text[r.at:], k.key) {
		r.at += len(k.key)
		return k, nil
	}
	start := r.at
	text, err := r.key()
	if err != nil {
		return nil, err
	}
	k := r.known[string(text)]
	if k == nil {
		name := string(text)
		p := r.shape.property(name)
		k = &known{property: p, place: -1, heading: &heading{p.name, p.kind}}
		if r.placed {
			k.place = slices.Index(r.shape.columns, k.name)
		}
		if r.known == nil {
			r.known = map[string]*known{}
		}
		r.known[name] = k
	}
	if all := r.text[start:r.at]; k.key == nil && len(all) == len(`"":`)+len(text) { // no blanks, no escapes
		k.key = bytes.Clone(all)
	}
	before.next = k
	return k, nil
}

func (r *rowReader) member(row *Row, k *known) error {
	var err error
	switch k.annotation {
	case "":
		c := r.cell(row, k)
		if err = r.value(c, k); k.isID {
			row.ID = c.text
		}
		if r.shape.changes && k.name == "id" {
			r.goneID = c.text
		}
	case "odata.context":
		var context string
		context, err = r.label(k)
		r.gone = r.shape.changes && strings.HasSuffix(context, "/$deletedEntity")
	case "odata.etag":
		row.ETag, err = r.label(k)
	case annotationLabel:
		r.cell(row, k).label, err = r.label(k)
	case annotationTable:
		var table string
		table, err = r.label(k)
		r.cell(row, k).refer(k, table)
	case "odata.nextLink":
		r.cut = append(r.cut, k)
		fallthrough
	default:
		_, _, err = r.scalar()
	}
	return err
}

// cell is the place of k in row.
func (r *rowReader) cell(row *Row, k *known) *cell {
	switch {
	case !r.placed:
		return row.at(k)
	case k.place < 0:
		r.spare = cell{}
		return &r.spare
	}
	c := &row.cells[k.place]
	if c.heading == nil {
		c.heading = k.heading
	}
	return c
}

// at returns the cell of k. Annotations stand beside their value, so the search is from the end.
func (r *Row) at(k *known) *cell {
	for i := len(r.cells) - 1; i >= 0; i-- {
		if r.cells[i].name == k.name {
			return &r.cells[i]
		}
	}
	r.cells = append(r.cells, cell{heading: k.heading})
	return &r.cells[len(r.cells)-1]
}

// refer notes the table that a lookup points to. Cells of lookups to one table share it.
func (c *cell) refer(k *known, table string) {
	switch {
	case c.behind != nil: // the row behind it is expanded
		c.table = table
	case k.behind == nil || k.behind.table != table:
		k.behind = &behind{table: table}
		fallthrough
	default:
		c.behind = k.behind
	}
}

// expand puts rows into the cell.
func (c *cell) expand(k *known, f form, rows any) {
	if k.rows == nil {
		k.rows = &heading{name: k.name}
	}
	own := &behind{rows: rows}
	if c.behind != nil {
		own.table = c.table
	}
	c.heading, c.form, c.behind = k.rows, f, own
}

// label reads a string; null and anything else is "".
func (r *rowReader) label(k *known) (string, error) {
	text, first, err := r.scalar()
	if first != '"' || err != nil {
		return "", err
	}
	return r.keep(k, text), nil
}

// keep is text as a string: that of the row before where it is the same, which labels and choices often are.
func (r *rowReader) keep(k *known, text []byte) string {
	if string(text) != k.last {
		k.last = r.texts.add(text)
	}
	return k.last
}

// value reads a value into c. An expanded row stays when the id of the same lookup comes after it.
func (r *rowReader) value(c *cell, k *known) error {
	first, err := r.next()
	if err != nil {
		return err
	}
	if first == '{' || first == '[' {
		return r.expanded(c, k, formOf(first))
	}
	text, _, err := r.scalar()
	if c.form == rowForm {
		return err
	}
	c.heading, c.form = k.heading, formOf(first)
	if c.text = ""; c.form == textForm || c.form == numberForm {
		c.text = r.keep(k, text)
	}
	return err
}

// expanded reads the rows behind a navigation property.
func (r *rowReader) expanded(c *cell, k *known, f form) error {
	if k.inner == nil {
		k.inner = newRowReader(r.scanner, r.texts, r.shape.inner(k.name))
	}
	var rows any
	var err error
	if f == rowForm {
		rows, err = k.inner.row()
	} else {
		rows, err = k.inner.list(once)
	}
	if c.form != rowForm {
		c.expand(k, f, rows)
	}
	return err
}

// finish marks what was cut and brings the columns into the order they were asked for in. What was not asked for goes:
// the service adds the primary key, the currency beside money and the lookup behind an expanded collection.
func (r *rowReader) finish(row *Row) {
	s := r.shape
	for _, k := range r.cut {
		c := r.cell(row, k)
		if c.form != rowsForm {
			continue
		}
		if rows, _ := c.rows.([]Row); len(rows) >= s.inner(k.name).full {
			c.more = true
		}
	}
	r.cells = len(row.cells)
	if s.parties != nil {
		row.parties(s.parties)
	}
	if s.columns == nil {
		return
	}
	if !r.placed {
		row.order(s.columns)
	}
	missing := 0
	for i := range row.cells {
		switch c := &row.cells[i]; {
		case c.heading != nil:
		case s.nulls:
			c.heading = &heading{s.columns[i], s.kind(s.columns[i])}
		default:
			missing++
		}
	}
	if missing > 0 {
		row.cells = slices.DeleteFunc(row.cells, func(c cell) bool { return c.heading == nil })
	}
}

// order brings the cells into the order of columns, with empty cells for those that are not there.
func (r *Row) order(columns []string) {
	ordered := make([]cell, len(columns))
	for i, name := range columns {
		if at := r.index(name); at >= 0 {
			ordered[i] = r.cells[at]
		}
	}
	r.cells = ordered
}
