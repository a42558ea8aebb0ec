package emulator

import (
	"slices"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// changedDefinitions are those that a query selects and that have changed.
type changedDefinitions struct {
	*metadata
	query *entityQuery
}

// complexName is what a type of definitions is called within the answer.
func complexName(t *metadataType) string { return "Complex" + t.name }

// tables is the JSON array of tables. A table that has not changed itself stands there for what has changed in it.
func (c changedDefinitions) tables() []byte {
	b := []byte{'['}
	for _, t := range c.schema.Tables {
		d := c.table(t)
		if !c.query.Criteria.matches(d) {
			continue
		}
		// The service tells of privileges whether they have changed or not.
		changed := c.since == nil || t.Version > *c.since || c.query.names("Privileges")
		inside := map[string][]*definition{}
		for _, nav := range d.kind.navs {
			if c.query.asks(nav.name) {
				inside[nav.name] = c.selected(d, t, nav.name)
				changed = changed || len(inside[nav.name]) > 0
			}
		}
		if changed {
			b = c.appendTable(comma(b, 1), d, inside)
		}
	}
	return append(b, ']')
}

func (c changedDefinitions) appendTable(b []byte, d *definition, inside map[string][]*definition) []byte {
	b = append(b, '{')
	b = c.query.appendProperties(b, d)
	for _, nav := range d.kind.navs {
		b = append(append(append(b, `,"`...), nav.name...), `":`...)
		if !c.query.asks(nav.name) {
			b = append(b, "null"...)
			continue
		}
		declared, _ := nav.collection()
		b = append(b, '[')
		start := len(b)
		for _, child := range inside[nav.name] {
			b = c.appendChild(comma(b, start), child, c.types[declared], c.queryOf(nav.name))
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

// queryOf is the query for what a table's property leads to, nil where there is none: then it leads to everything.
func (c changedDefinitions) queryOf(nav string) *definitionQuery {
	switch nav {
	case "Attributes":
		return c.query.AttributeQuery
	case "Keys":
		return c.query.KeyQuery
	}
	return c.query.RelationshipQuery
}

// selected are the definitions in a table that the query asks for and that have changed.
func (c changedDefinitions) selected(table *definition, t *schema.Table, nav string) []*definition {
	if c.since != nil && latest(c.schema, t) <= *c.since {
		return nil
	}
	query := c.queryOf(nav)
	return slices.DeleteFunc(slices.Clone(table.follow(nav)), func(d *definition) bool {
		return c.since != nil && d.latest <= *c.since || query != nil && !query.Criteria.matches(d)
	})
}

// latest is the version of the last change in a table.
func latest(s *schema.Schema, t *schema.Table) int64 {
	version := t.Version
	for _, c := range t.Columns {
		version = max(version, s.Latest(c))
	}
	for _, r := range slices.Concat(t.ManyToOne, t.OneToMany) {
		version = max(version, r.Version)
	}
	for _, m := range t.ManyToMany {
		version = max(version, m.Version)
	}
	for _, k := range t.Keys {
		version = max(version, k.Version)
	}
	return version
}

// appendChild appends a column, relationship or key. Choices stand inside their columns.
func (c changedDefinitions) appendChild(b []byte, d *definition, declared *metadataType, query *definitionQuery) []byte {
	b = append(b, '{')
	start := len(b)
	if d.kind != declared {
		b = append(append(append(b, `"@odata.type":"#`+namespace...), complexName(d.kind)...), '"')
	}
	b = query.appendProperties(comma(b, start), d)
	for _, nav := range d.kind.navs {
		b = append(append(append(b, `,"`...), nav.name...), `":`...)
		var choice []*definition
		if query.asks(nav.name) && d.follow != nil {
			choice = d.follow(nav.name)
		}
		if len(choice) == 0 {
			b = append(b, "null"...)
			continue
		}
		b = append(append(append(b, '{'), choice[0].json...), '}')
	}
	return append(b, '}')
}

// appendProperties appends every property, null where it was not asked for.
func (q *definitionQuery) appendProperties(b []byte, d *definition) []byte {
	for i, p := range d.kind.all {
		if i > 0 {
			b = append(b, ',')
		}
		if q.asks(p.name) || slices.Contains([]string{"MetadataId", "LogicalName", "HasChanged"}, p.name) {
			b = append(b, d.property(i)...)
			continue
		}
		b = append(append(append(b, '"'), p.name...), `":null`...)
	}
	return b
}

// asks reports whether the query wants a property.
func (q *definitionQuery) asks(name string) bool {
	return q == nil || q.Properties != nil && q.Properties.AllProperties || q.names(name)
}

// names reports whether the query wants a property by its name.
func (q *definitionQuery) names(name string) bool {
	return q != nil && q.Properties != nil && slices.Contains(q.Properties.PropertyNames, name)
}
