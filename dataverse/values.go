package dataverse

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Values are what a row is to hold, by logical name of the column. nil empties a column.
//
//   - Numbers may be Go numbers, json.Number or text that is a number; money and decimals keep every digit.
//   - A choice is its number or its label, several choices a list of those or "1,2".
//   - A date is "2026-05-01", a time "2026-05-01T10:00:00Z", or a time.Time.
//   - A lookup is "contact(GUID)", "contacts(GUID)" or {"table":"contact","id":"GUID"}, the GUID alone where only one
//     table is possible, and an alternate key in place of any GUID. The OData form, "primarycontactid@odata.bind":
//     "/contacts(GUID)", works too.
//   - The parties of an activity (to, requiredattendees) are a list of references and of addresses, or one of those.
//   - Where a row is made, related rows may be made with it: the navigation property with a list of Values, or with one.
type Values map[string]any

// UnmarshalJSON reads numbers as they are written, so that no digit of money is lost.
func (v *Values) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode((*map[string]any)(v))
}

// write says what the values are for.
type write int

const (
	creating write = iota
	updating
	upserting // may turn out as either
)

// writer turns Values into a request body.
type writer struct {
	client *Client
	write  write
}

// prepare describes the table of a write and checks v against it, and returns v as the service wants it.
func (c *Client) prepare(ctx context.Context, table string, v Values, w write) (*Table, map[string]any, error) {
	var row map[string]any
	t, err := current(ctx, c, func() (*Table, error) {
		t, err := c.writable(ctx, table)
		if err != nil {
			return nil, err
		}
		row, err = (&writer{client: c, write: w}).object(ctx, t, v)
		return t, err
	})
	return t, row, err
}

func (w *writer) object(ctx context.Context, t *Table, v Values) (map[string]any, error) {
	out := make(map[string]any, len(v))
	var wrong faults
	for _, name := range slices.Sorted(maps.Keys(v)) {
		property, value, err := w.member(ctx, t, name, v[name])
		there, twice := out[property]
		if before, ok := there.(partyRows); ok { // several columns make one list
			if list, ok := value.(partyRows); ok {
				value, twice = slices.Concat(before, list), false
			}
		}
		if twice && err == nil {
			err = invalid("column %s: it is given twice", quoted(name))
		}
		if err != nil {
			if err := wrong.take(err); err != nil {
				return nil, err
			}
			continue
		}
		out[property] = value
	}
	return out, wrong.err()
}

// member translates one column, one bound lookup or one set of related rows.
func (w *writer) member(ctx context.Context, t *Table, name string, value any) (string, any, error) {
	if nav, ok := strings.CutSuffix(name, "@odata.bind"); ok {
		return w.bound(ctx, t, nav, value)
	}
	if strings.Contains(name, "@") { // @odata.type and the like are for the service
		return name, value, nil
	}
	c, isColumn := t.Column(name)
	if isRelated(value) { // seldom: looking for roads is the dearest of these questions
		if nav, ok := t.navigation(name); ok && (!isColumn || nav.collection || !isReference(value)) {
			return w.related(ctx, nav, value)
		}
	}
	if !isColumn {
		if _, ok := t.navigation(name); ok { // customerid_account: "accounts(…)"
			return w.bound(ctx, t, name, value)
		}
		return "", nil, w.unknown(t, name)
	}
	if err := w.allowed(t, c); err != nil {
		return "", nil, err
	}
	if c.Type.isLookup() {
		return w.lookup(ctx, t, c, value)
	}
	if c.Type == PartyListColumn {
		return w.parties(ctx, t, c, value)
	}
	out, err := columnValue(c, value)
	return c.LogicalName, out, err
}

// unknown is unknownColumn, but offers what can be written alone, with navigation properties among the names.
func (w *writer) unknown(t *Table, name string) error {
	e := unknownColumn(t, name)
	var writable []candidate
	for _, c := range t.Columns {
		if w.allowed(t, &c) == nil {
			writable = append(writable, t.candidate(c))
		}
	}
	e.Nearest = nearest(name, writable)
	if len(e.Nearest) == 0 {
		e.Nearest = unknownNavigation(t, name).Nearest
	}
	return e
}

// allowed refuses columns that the service would refuse, or leave alone without a word.
func (w *writer) allowed(t *Table, c *Column) error {
	switch {
	case c.Type == FileColumn:
		return invalid("column %s: a file is not written with the row", c.LogicalName)
	case !c.Create && !c.Update:
		return invalid("column %s of table %s is read-only", c.LogicalName, t.LogicalName)
	case w.write == creating && !c.Create:
		return invalid("column %s of table %s cannot be set when a row is made, only changed later", c.LogicalName, t.LogicalName)
	case w.write == updating && !c.Update:
		return invalid("column %s of table %s can be set only when a row is made", c.LogicalName, t.LogicalName)
	}
	return nil
}

// related translates rows that are made together with this one.
func (w *writer) related(ctx context.Context, nav navigation, value any) (string, any, error) {
	if w.write == updating && nav.target != partyTable {
		return "", nil, invalid("%s: related rows can be made only together with a new row; write table %s instead", nav.name, nav.target)
	}
	target, err := w.client.describe(ctx, nav.target)
	if err != nil {
		return "", nil, err
	}
	inner := &writer{client: w.client, write: creating}
	if !nav.collection {
		one, ok := asValues(value)
		if !ok {
			return "", nil, invalid("%s: got a list, want the values of one row", nav.name)
		}
		object, err := inner.object(ctx, target, one)
		return nav.name, object, err
	}
	list, ok := asList(value)
	if !ok {
		return "", nil, invalid("%s: want a list of rows", nav.name)
	}
	rows := make([]any, len(list))
	for i, item := range list {
		one, ok := asValues(item)
		if !ok {
			return "", nil, invalid("%s: item %d is %s, want the values of a row", nav.name, i+1, describeValue(item))
		}
		if rows[i], err = inner.object(ctx, target, one); err != nil {
			return "", nil, err
		}
	}
	return nav.name, rows, nil
}

// isRelated says whether value looks like rows rather than like the value of a column.
func isRelated(value any) bool {
	if _, ok := asValues(value); ok {
		return true
	}
	list, ok := asList(value)
	if !ok || len(list) == 0 {
		return false
	}
	_, ok = asValues(list[0])
	return ok
}

// isReference says whether value names a row: {"table":…,"id":…}, or {"id":…,"name":…} as answers show it.
func isReference(value any) bool {
	v, ok := asValues(value)
	if !ok || v["id"] == nil {
		return false
	}
	for name := range v {
		if name != "id" && name != "table" && name != "name" {
			return false
		}
	}
	return true
}

func asValues(value any) (Values, bool) {
	switch v := value.(type) {
	case Values:
		return v, v != nil
	case map[string]any:
		return v, v != nil
	}
	return nil, false
}

func asList(value any) ([]any, bool) {
	switch v := value.(type) {
	case []any:
		return v, true
	case []Values:
		return anySlice(v), true
	case []map[string]any:
		return anySlice(v), true
	case []string:
		return anySlice(v), true
	case []int:
		return anySlice(v), true
	}
	return nil, false
}

func anySlice[T any](list []T) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}
