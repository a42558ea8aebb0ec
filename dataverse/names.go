package dataverse

import (
	"slices"
	"strings"
)

// directory finds tables by any of their names.
type directory struct {
	tables []TableInfo    // by logical name
	byName map[string]int // lower-case logical, set, schema, display and plural names
	twice  map[string][]string
	ids    map[string]string // logical names by MetadataId
}

func newDirectory(tables []TableInfo, ids map[string]string) *directory {
	slices.SortFunc(tables, func(a, b TableInfo) int { return strings.Compare(a.LogicalName, b.LogicalName) })
	d := &directory{tables: tables, byName: map[string]int{}, twice: map[string][]string{}, ids: ids}
	for _, name := range []func(TableInfo) string{
		func(t TableInfo) string { return t.LogicalName }, func(t TableInfo) string { return t.SetName },
		func(t TableInfo) string { return t.SchemaName },
	} {
		for i, t := range tables {
			d.add(name(t), i)
		}
	}
	d.addLabels()
	return d
}

func (d *directory) add(name string, i int) {
	name = strings.ToLower(name)
	if _, taken := d.byName[name]; name != "" && !taken {
		d.byName[name] = i
	}
}

// addLabels adds display names after all technical ones. One that several tables share names none of them.
func (d *directory) addLabels() {
	labels := map[string][]int{}
	for i, t := range d.tables {
		for _, label := range slices.Compact([]string{strings.ToLower(t.DisplayName), strings.ToLower(t.PluralName)}) {
			if label != "" {
				labels[label] = append(labels[label], i)
			}
		}
	}
	for label, list := range labels {
		if len(list) == 1 {
			d.add(label, list[0])
			continue
		}
		for _, i := range list {
			d.twice[label] = append(d.twice[label], d.tables[i].LogicalName)
		}
	}
}

// resolve finds the table called name, or returns an error with the nearest names.
func (d *directory) resolve(name string) (TableInfo, error) {
	if len(name) > longestName {
		return TableInfo{}, invalid("table: %s is no name of a table: it is %d bytes long", quoted(name), len(name))
	}
	key := strings.ToLower(strings.TrimSpace(name))
	if i, ok := d.byName[key]; ok {
		return d.tables[i], nil
	}
	if key == "" {
		return TableInfo{}, invalid("table: got nothing, want the name of a table, such as account")
	}
	if i, ok := d.folded(key); ok {
		return d.tables[i], nil
	}
	if names := d.twice[key]; len(names) > 0 {
		e := invalid("table %q: several tables are called that, use a logical name", name)
		e.Nearest = names
		return TableInfo{}, e
	}
	candidates := make([]candidate, len(d.tables))
	for i, t := range d.tables {
		candidates[i] = candidate{name: t.LogicalName, aliases: []string{t.SetName, t.PluralName}, label: t.DisplayName, weight: len(t.LogicalName)}
	}
	return TableInfo{}, &Error{
		Kind: NotFound, Message: "there is no table " + quoted(name), Nearest: nearest(name, candidates), unknownName: true,
	}
}

// folded finds the one table whose names differ from name only in blanks and punctuation: sales order.
func (d *directory) folded(name string) (int, bool) {
	found, key := -1, fold(name)
	for other, i := range d.byName {
		if fold(other) != key {
			continue
		}
		if found >= 0 && found != i {
			return 0, false
		}
		found = i
	}
	return found, found >= 0 && key != ""
}

// candidate is a column of t under all its names.
func (t *Table) candidate(c Column) candidate {
	out := candidate{name: c.LogicalName, label: c.DisplayName, weight: c.weight(), primary: c.Required == ApplicationRequired}
	if c.LogicalName == t.PrimaryName {
		out.primary, out.weight = true, 0
	}
	return out
}

// weight puts columns that have to be filled in before others, short names before long ones, and copies last.
func (c Column) weight() int {
	weight := len(c.LogicalName) + len(c.DisplayName)
	switch {
	case strings.HasSuffix(c.LogicalName, "_base"), strings.HasPrefix(c.LogicalName, "yomi"):
		weight += 1000
	case c.Required == SystemRequired || c.Required == ApplicationRequired:
		weight -= 10
	}
	if strings.HasSuffix(c.LogicalName, "1") { // telephone1 before telephone2
		weight -= 10
	}
	return weight
}

// unknownColumn is the error of a column name that t does not have.
func unknownColumn(t *Table, name string) *Error {
	e := invalid("table %s has no column %s", t.LogicalName, quoted(name))
	e.unknownName = true
	candidates := make([]candidate, len(t.Columns))
	for i, c := range t.Columns {
		candidates[i] = t.candidate(c)
	}
	e.Nearest = nearest(name, candidates)
	return e
}

// unknownNavigation is the error of a navigation property that t does not have. A lookup with several roads, such as
// customerid, is answered with its roads.
func unknownNavigation(t *Table, name string) *Error {
	e := invalid("table %s has no navigation property %s", t.LogicalName, quoted(name))
	e.unknownName = true
	navs := t.navigations()
	for _, n := range navs {
		if n.column != "" && strings.EqualFold(n.column, name) && len(e.Nearest) < 2*maxNearest {
			e.Nearest = append(e.Nearest, n.name)
		}
	}
	if len(e.Nearest) > 0 {
		return e
	}
	candidates := make([]candidate, len(navs))
	for i, n := range navs {
		aliases := []string{n.target}
		if !n.collection {
			aliases = []string{n.column}
		}
		candidates[i] = candidate{name: n.name, aliases: aliases, weight: len(n.name)}
	}
	e.Nearest = nearest(name, candidates)
	return e
}

// ColumnNamed returns the column called name, as Column does, or Invalid with the nearest names. A label names none:
// on an opportunity Revenue is that of isrevenuesystemcalculated.
func (t *Table) ColumnNamed(name string) (*Column, error) {
	if c, ok := t.Column(strings.TrimSpace(name)); ok {
		return c, nil
	}
	return nil, unknownColumn(t, name)
}

// maxQuoted bounds in bytes what an error repeats of a value it was given.
const maxQuoted = 80

func quoted(s string) string { return `"` + shortened(s, maxQuoted) + `"` }

func shortened(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}
