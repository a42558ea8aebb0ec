package emulator

import (
	"context"
	"iter"
	"slices"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// render makes the JSON object of each row. What lies in other tables (names of lookups, currencies, expansions) is
// read for all rows together.
func (p *projection) render(ctx context.Context, q store.Querier, rows []row) ([][]byte, error) {
	w, err := p.renderer(ctx, q, rows)
	if err != nil {
		return nil, err
	}
	objects, ends := make([][]byte, len(rows)), make([]int, len(rows))
	var buffer []byte
	for i, r := range rows {
		buffer = w.appendRow(buffer, i, r)
		ends[i] = len(buffer)
		if i == 0 {
			buffer = slices.Grow(buffer, len(rows)*(len(buffer)+len(buffer)/4)) // rows of a table are about of a size
		}
	}
	start := 0
	for i, end := range ends {
		objects[i] = buffer[start:end:end]
		start = end
	}
	return objects, nil
}

// renderer reads what rendering the rows takes.
func (p *projection) renderer(ctx context.Context, q store.Querier, rows []row) (*renderer, error) {
	w := &renderer{projection: p}
	return w, w.prepare(ctx, q, rows)
}

// objects makes the JSON object of each row, which holds until the next.
func (w *renderer) objects(rows []row) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		var object []byte
		for i, r := range rows {
			if object = w.appendRow(object[:0], i, r); !yield(object) {
				return
			}
		}
	}
}

// renderer holds what one render has read from other tables.
type renderer struct {
	*projection
	names      map[string]map[string]string // table → id → primary name
	currencies map[string]money
	base       money      // of the organization
	expanded   [][][]byte // for each expansion, what it adds to each row
	full       bool
}

func (w *renderer) prepare(ctx context.Context, q store.Querier, rows []row) (err error) {
	if len(rows) == 0 {
		return nil
	}
	w.full = w.c.metadataLevel() == metadataFull && w.table.Logical != "owner" // the real table is named by the expansion
	if w.names, err = w.lookupNames(ctx, q, rows); err != nil {
		return err
	}
	if err := w.readCurrencies(ctx, q); err != nil {
		return err
	}
	for _, e := range w.expansions {
		added, err := e.added(ctx, q, rows)
		if err != nil {
			return err
		}
		w.expanded = append(w.expanded, added)
	}
	return nil
}

// appendRow writes the properties that have a value first and the null ones after them, as real answers do.
func (w *renderer) appendRow(b []byte, number int, r row) []byte {
	b = append(b, '{')
	start := len(b)
	b = w.appendControls(b, r)
	b, nulls := w.appendValues(b, start, r)
	if nulls {
		b = w.appendNulls(b, start, r)
	}
	for _, added := range w.expanded {
		b = append(separate(b, start), added[number]...)
	}
	return append(b, '}')
}

// appendValues writes the properties that have a value, and reports whether there are others.
func (w *renderer) appendValues(b []byte, start int, r row) (_ []byte, nulls bool) {
	for i := range w.fields {
		f := &w.fields[i]
		switch {
		case f.column.Type == schema.ManagedProperty:
			b = append(separate(b, start), f.key...)
			b = append(b, managedProperty(f.column)...)
		case f.at < 0 || r.values[f.at] == nil:
			nulls = true
		default:
			b = w.appendAnnotations(separate(b, start), f, r)
			b = append(b, f.key...)
			b = appendValue(b, f.column, r.values[f.at])
		}
	}
	return b, nulls
}

func (w *renderer) appendNulls(b []byte, start int, r row) []byte {
	for i := range w.fields {
		f := &w.fields[i]
		if f.column.Type == schema.ManagedProperty || f.at >= 0 && r.values[f.at] != nil {
			continue
		}
		b = append(separate(b, start), f.key...)
		b = append(b, "null"...)
	}
	return b
}

// separate puts a comma between properties.
func separate(b []byte, start int) []byte {
	if len(b) > start {
		return append(b, ',')
	}
	return b
}

// appendControls writes what stands before the properties: the etag and, in full metadata, what the row is.
func (w *renderer) appendControls(b []byte, r row) []byte {
	start, address := len(b), ""
	if w.full {
		address = w.table.Set + "(" + r.id + ")"
		b = append(b, `"@odata.type":"#Microsoft.Dynamics.CRM.`+w.table.Logical+`","@odata.id":"`+w.c.root+address+`"`...)
	}
	if version, ok := w.versionOf(r); ok && w.etag {
		b = append(separate(b, start), `"@odata.etag":"W/\"`...)
		b = appendVersion(b, w.table, version)
		b = append(b, `\""`...)
	}
	if w.full {
		b = append(b, `,"@odata.editLink":"`+address+`"`...)
	}
	return b
}

// versionOf is the version of a row. Some tables count none.
func (p *projection) versionOf(r row) (int64, bool) {
	if p.version < 0 {
		return 0, false
	}
	version, ok := r.values[p.version].(int64)
	return version, ok
}

// etagOf is the etag of a row, "" where the table counts no versions.
func (p *projection) etagOf(r row) string {
	version, ok := p.versionOf(r)
	if !ok {
		return ""
	}
	return `W/"` + string(appendVersion(nil, p.table, version)) + `"`
}

// appendAnnotations writes what the client asked to know about a value. It stands before the value.
func (w *renderer) appendAnnotations(b []byte, f *field, r row) []byte {
	if f.formatted != nil {
		if text, ok := w.formattedOf(f, r); ok {
			b = append(b, f.formatted...)
			b = append(appendString(b, text), ',')
		}
	}
	b = append(b, f.attribute...)
	if f.navigation == nil && f.logical == nil {
		return b
	}
	target := f.targetOf(r)
	if f.navigation != nil {
		if name := navigationOf(f.column, target); name != "" {
			b = append(b, f.navigation...)
			b = append(appendString(b, name), ',')
		}
	}
	if f.logical != nil && target != "" {
		b = append(b, f.logical...)
		b = append(appendString(b, target), ',')
	}
	return b
}

func (w *renderer) formattedOf(f *field, r row) (string, bool) {
	switch {
	case f.column.IsLookup():
		name, ok := w.names[f.targetOf(r)][r.text(f.at)]
		return name, ok
	case f.column.Type == schema.Money:
		return w.formatMoney(f.column, r, r.values[f.at])
	}
	return w.c.formatted(f.column, r.values[f.at])
}

// targetOf is the logical name of the table that a lookup refers to.
func (f *field) targetOf(r row) string {
	if f.target >= 0 {
		return r.text(f.target)
	}
	if len(f.column.Targets) > 0 {
		return f.column.Targets[0]
	}
	return ""
}

// navigationOf is the single-valued navigation property that leads to the row in the target table.
func navigationOf(c *schema.Column, target string) string {
	relationship := c.Table.Lookup(c.Logical, target)
	if relationship == nil {
		relationship = c.Table.Lookup(c.Logical, "owner")
	}
	if relationship == nil {
		return ""
	}
	return relationship.ReferencingNav
}
