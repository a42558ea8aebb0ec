package emulator

import (
	"cmp"
	"net/http"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/fetchxml"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// joinAll adds the links of a body that return columns.
func (q *fetchQuery) joinAll(to *joins, parent scope, b *fetchxml.Body) error {
	for i := range b.Links {
		l := &b.Links[i]
		if !l.Type.Joins() {
			continue
		}
		if err := q.join(to, parent, l); err != nil {
			return err
		}
		q.joined = append(q.joined, l)
		if err := q.joinAll(to, q.links[l], &l.Body); err != nil {
			return err
		}
	}
	return nil
}

// join adds one link. The filters of an outer join decide what is joined, not which rows there are.
func (q *fetchQuery) join(to *joins, parent scope, l *fetchxml.Link) error {
	s := q.links[l]
	match, err := q.match(parent, s, l)
	if err != nil {
		return err
	}
	if l.Type == fetchxml.CrossApply {
		return q.joinFirst(to, s, l, match)
	}
	conditions, err := q.conditions(s, &l.Body)
	if err != nil {
		return err
	}
	if l.Type == fetchxml.Outer {
		on := joined(" AND ", append([]fragment{match}, conditions...))
		to.from = concat(to.from, " LEFT JOIN "+table(s)+" ON ", on)
		return nil
	}
	to.from = concat(to.from, " JOIN "+table(s)+" ON ", match)
	to.where = append(to.where, conditions...)
	return nil
}

func table(s scope) string { return store.Quote(s.table.Logical) + " AS " + store.Quote(s.alias) }

// joinFirst joins the first row alone that matches and passes the filters.
func (q *fetchQuery) joinFirst(to *joins, s scope, l *fetchxml.Link, match fragment) error {
	conditions, err := q.conditions(s, &l.Body)
	if err != nil {
		return err
	}
	key := columnOf(s.alias, s.table.PrimaryID)
	// The inner row goes by the link's own name, which hides the outer one.
	first := concat("(SELECT ", key, " FROM "+table(s)+" WHERE ", joined(" AND ", append([]fragment{match}, conditions...)),
		" ORDER BY ", key, " LIMIT 1)")
	to.from = concat(to.from, " JOIN "+table(s)+" ON ", key, " = ", first)
	return nil
}

// match compares the columns that a link joins by. Without from and to, a many-to-many relationship must say.
func (q *fetchQuery) match(parent, s scope, l *fetchxml.Link) (fragment, error) {
	if l.From == "" {
		return q.across(parent, s)
	}
	from, err := q.operand(s, l.From)
	if err != nil {
		return fragment{}, err
	}
	to, err := q.operand(parent, cmp.Or(l.To, parent.table.PrimaryID))
	if err != nil {
		return fragment{}, err
	}
	if class(from.edm) != class(to.edm) || !joinable(from.column) || !joinable(to.column) {
		return fragment{}, fail(http.StatusBadRequest, codeBadCondition, "The link-entity '%s' joins '%s' of type '%s' with '%s' of type '%s'.",
			l.Name, l.From, from.edm, l.To, to.edm)
	}
	return concat(from.fragment, " = ", to.fragment), nil
}

// joinable reports whether a column may stand in from and to.
func joinable(c *schema.Column) bool {
	return c.Type != schema.MultiSelect && c.Type != schema.File && c.Type != schema.Image
}

// across matches through a many-to-many relationship between the tables, or between the parent and others when the link
// is its intersect table.
func (q *fetchQuery) across(parent, s scope) (fragment, error) {
	for _, m := range parent.table.ManyToMany {
		near, far, other := m.Attribute1, m.Attribute2, m.Entity2
		if m.Entity1 != parent.table.Logical {
			near, far, other = m.Attribute2, m.Attribute1, m.Entity1
		}
		key := columnOf(parent.alias, parent.table.PrimaryID)
		switch s.table.Logical {
		case m.Intersect:
			return concat(columnOf(s.alias, near), " = ", key), nil
		case other:
			return concat(columnOf(s.alias, s.table.PrimaryID),
				" IN (SELECT "+store.Quote(far)+" FROM "+store.Quote(m.Intersect)+" WHERE "+store.Quote(near)+" = ", key, ")"), nil
		}
	}
	return fragment{}, fail(http.StatusBadRequest, codeInvalidArgument,
		"No system many-to-many relationship exists between %s and %s.  If attempting to link through a custom many-to-many relationship ensure that you provide the from and to attributes.",
		parent.table.Logical, s.table.Logical)
}

// conditions are the filters of a body, and its links that only filter.
func (q *fetchQuery) conditions(s scope, b *fetchxml.Body) ([]fragment, error) {
	var all []fragment
	for i := range b.Filters {
		f, err := q.filter(s, &b.Filters[i])
		if err != nil {
			return nil, err
		}
		if f.sql != "" {
			all = append(all, f)
		}
	}
	for i := range b.Links {
		if b.Links[i].Type.Joins() {
			continue
		}
		f, err := q.semi(s, &b.Links[i])
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// filter compiles a filter; one without conditions is no condition.
func (q *fetchQuery) filter(s scope, f *fetchxml.Filter) (fragment, error) {
	var all []fragment
	for i := range f.Conditions {
		condition, err := q.condition(s, &f.Conditions[i])
		if err != nil {
			return fragment{}, err
		}
		all = append(all, condition)
	}
	for i := range f.Filters {
		inner, err := q.filter(s, &f.Filters[i])
		if err != nil {
			return fragment{}, err
		}
		if inner.sql != "" {
			all = append(all, inner)
		}
	}
	for i := range f.Links {
		related, err := q.semi(s, &f.Links[i])
		if err != nil {
			return fragment{}, err
		}
		all = append(all, related)
	}
	switch {
	case len(all) == 0:
		return fragment{}, nil
	case f.Or:
		return joined(" OR ", all), nil
	}
	return joined(" AND ", all), nil
}

// semi compiles a link that only filters the rows around it.
func (q *fetchQuery) semi(parent scope, l *fetchxml.Link) (compiled fragment, err error) {
	s := q.links[l]
	match, err := q.match(parent, s, l)
	if err != nil {
		return fragment{}, err
	}
	var passing joins
	err = q.within(func() error {
		q.names[q.nameOf(l)] = s
		q.declare(&l.Body)
		passing = joins{from: fragment{sql: table(s)}, where: []fragment{match}}
		conditions, err := q.conditions(s, &l.Body)
		if err != nil {
			return err
		}
		passing.where = append(passing.where, conditions...)
		known := q.joined
		err = q.joinAll(&passing, s, &l.Body)
		q.joined = known // nothing in here is returned
		return err
	})
	if err != nil {
		return fragment{}, err
	}
	exists := concat("EXISTS (SELECT 1", passing.sql(), ")")
	switch l.Type {
	case fetchxml.NotAny:
		return concat("NOT ", exists), nil
	case fetchxml.Every: // rows there are, and none of them passes: see fetchxml.Every
		return concat("(EXISTS (SELECT 1 FROM "+table(s)+" WHERE ", match, ") AND NOT ", exists, ")"), nil
	}
	return exists, nil
}

// operand is a column of a scope as conditions compare it. Names of lookups and labels of choices are columns, too,
// though nothing of them is stored.
func (q *fetchQuery) operand(s scope, name string) (operand, error) {
	column := s.table.Column(name)
	if column == nil {
		return operand{}, noSuchAttribute(s.table, name)
	}
	if column.Stored() {
		return operand{fragment: columnOf(s.alias, name), edm: column.Edm(), column: column}, nil
	}
	of := s.table.Column(column.AttributeOf)
	if of == nil || !of.Stored() {
		return operand{}, fail(http.StatusBadRequest, codeBadCondition, "The attribute '%s' of the entity '%s' can't be used in a query.", name, s.table.Logical)
	}
	o := operand{edm: "Edm.String", column: column}
	switch {
	case of.IsLookup() && column.Type == schema.EntityName:
		o.fragment = value(of.Targets[0])
		if of.Polymorphic() {
			o.fragment = columnOf(s.alias, store.TargetColumn(of.Logical))
		}
	case of.IsLookup():
		o.fragment = q.orderBy(of, s.alias, false).sql
	default:
		o.fragment = label(of, s.alias)
	}
	return o, nil
}

// label is the label of a choice.
func label(c *schema.Column, alias string) fragment {
	parts := []any{"(CASE ", columnOf(alias, c.Logical)}
	for _, option := range c.Options {
		parts = append(parts, " WHEN ", value(option.Value), " THEN ", value(option.Label))
	}
	return concat(append(parts, " WHEN NULL THEN NULL END COLLATE "+store.Collation+")")...)
}

func noSuchAttribute(t *schema.Table, name string) *Error {
	return fail(http.StatusBadRequest, codeNoSuchColumn, "'%s' entity doesn't contain attribute with Name = '%s' and NameMapping = 'Logical'.",
		t.Logical, name)
}
