package dataverse

import (
	"slices"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/fetchxml"
)

// fetch writes q as FetchXML that means the same. What FetchXML cannot say is Invalid.
func (q *sqlQuery) fetch() (*fetchxml.Fetch, error) {
	f := &fetchxml.Fetch{Distinct: q.distinct, Aggregate: q.aggregate, RawOrderBy: true}
	f.Entity.Name = q.base().table.LogicalName
	if q.distinct && !q.aggregate && !slices.ContainsFunc(q.items, func(i sqlItem) bool { return i.source == q.base() }) {
		// No column of the table would be all of them, and those make rows differ.
		return nil, invalid("DISTINCT together with %s needs a column of %s: select one, or begin FROM with the table whose columns are selected", q.beyond, q.base().alias)
	}
	links, err := q.links(q.base())
	if err != nil {
		return nil, err
	}
	f.Entity.Body, f.Entity.Links = q.attributes(q.base()), links
	if err := q.filterAll(&f.Entity.Body); err != nil {
		return nil, err
	}
	for _, o := range q.orders {
		order := fetchxml.Order{Descending: o.descending}
		if q.aggregate {
			order.Alias = o.item.wire
		} else {
			order.Attribute, order.EntityName = o.item.column.LogicalName, q.entityName(o.item.source)
		}
		f.Entity.Orders = append(f.Entity.Orders, order)
	}
	if q.distinct && !q.aggregate { // pages go by number, and the service sorts distinct rows by what it is told alone
		for _, i := range q.items {
			if i.column.sortsItself() && !slices.ContainsFunc(q.orders, func(o sqlOrder) bool { return o.item.sqlColumn == i.sqlColumn }) {
				f.Entity.Orders = append(f.Entity.Orders, fetchxml.Order{Attribute: i.column.LogicalName, EntityName: q.entityName(i.source)})
			}
		}
	}
	if q.aggregate { // pages of groups go by number, so that their order must be the same each time
		for _, i := range q.items {
			if i.aggregate == "" && !slices.ContainsFunc(f.Entity.Orders, func(o fetchxml.Order) bool { return o.Alias == i.wire }) {
				f.Entity.Orders = append(f.Entity.Orders, fetchxml.Order{Alias: i.wire})
			}
		}
	}
	if _, err := fetchxml.Parse(f.String()); err != nil { // too much of something
		return nil, invalid("as FetchXML, which alone can say it, the query is not allowed: %s", err)
	}
	return f, nil
}

// sortsItself says whether rows sort by the values of the column: lookups sort by what they point to.
func (c *Column) sortsItself() bool { return comparedAs(c) != "" && !c.Type.isLookup() }

// entityName is what a condition at the top calls the table: the base has no name there.
func (q *sqlQuery) entityName(s *sqlSource) string {
	if s == q.base() {
		return ""
	}
	return s.wire
}

// attributes are the columns to return of a table.
func (q *sqlQuery) attributes(s *sqlSource) (b fetchxml.Body) {
	for _, i := range q.items {
		if i.source != s {
			continue
		}
		a := fetchxml.Attribute{Name: i.column.LogicalName, Alias: i.wire, Aggregate: i.aggregate, Distinct: i.distinct, DateGrouping: i.part}
		if i.plain {
			a.Alias = ""
		}
		a.GroupBy = q.aggregate && i.aggregate == ""
		a.UTC = i.part != "" // as SQL, which knows no zone of the user
		b.Attributes = append(b.Attributes, a)
	}
	if s == q.base() && len(b.Attributes) == 0 && !q.aggregate {
		b.Attributes = []fetchxml.Attribute{{Name: s.table.PrimaryID}} // none would be all
	}
	return b
}

// links are the tables that join the parent.
func (q *sqlQuery) links(parent *sqlSource) ([]fetchxml.Link, error) {
	var links []fetchxml.Link
	for _, s := range q.sources {
		if s.parent != parent {
			continue
		}
		inner, err := q.links(s)
		if err != nil {
			return nil, err
		}
		l := fetchxml.Link{Name: s.table.LogicalName, From: s.from.LogicalName, To: s.to.LogicalName, Alias: s.wire, Type: fetchxml.Inner, Body: q.attributes(s)}
		l.Links = inner
		if s.outer {
			l.Type = fetchxml.Outer
		}
		if len(s.on) > 0 {
			f, err := q.filter(allOfTests(s.on...), s)
			if err != nil {
				return nil, err
			}
			l.Filters = []fetchxml.Filter{f}
		}
		links = append(links, l)
	}
	return links, nil
}

// filterAll puts the conditions where they can stand: at the top, but those with subqueries beside the table that these
// are about.
func (q *sqlQuery) filterAll(top *fetchxml.Body) error {
	at := map[*sqlSource][]sqlTest{}
	for _, t := range q.where.conjuncts() {
		home := q.home(t)
		if home != q.base() && !home.inner() {
			return invalid("a subquery about a column of %s, which is left joined, cannot be said to the service: join it with INNER JOIN", home.alias)
		}
		at[home] = append(at[home], t)
	}
	if q.where.or && q.where.leaf == nil && len(q.where.parts) == 0 {
		at[q.base()] = []sqlTest{q.where}
	}
	var err error
	put := func(s *sqlSource, b *fetchxml.Body) {
		if len(at[s]) == 0 || err != nil {
			return
		}
		var f fetchxml.Filter
		if f, err = q.filter(allOfTests(at[s]...), s); err == nil {
			b.Filters = append(b.Filters, f)
		}
	}
	put(q.base(), top)
	top.EachLink(func(l *fetchxml.Link) bool {
		for _, s := range q.sources[1:] {
			if s.wire == l.Alias {
				put(s, &l.Body)
			}
		}
		return true
	})
	return err
}

// home is the table whose filter a condition stands in.
func (q *sqlQuery) home(t sqlTest) *sqlSource {
	for _, l := range t.leaves() {
		if l.sub != nil {
			return l.sub.to.source
		}
	}
	return q.base()
}

// filter writes a condition that stands in the filter of home.
func (q *sqlQuery) filter(t sqlTest, home *sqlSource) (fetchxml.Filter, error) {
	f := fetchxml.Filter{Or: t.or}
	parts := t.parts
	if t.leaf != nil {
		parts = []sqlTest{t}
	}
	if len(parts) == 0 && t.or { // no row passes
		f.Conditions = []fetchxml.Condition{{Attribute: home.table.PrimaryID, Operator: "null"}}
		return f, nil
	}
	for _, part := range parts {
		var err error
		switch {
		case part.leaf == nil:
			var inner fetchxml.Filter
			if inner, err = q.filter(part, home); err == nil {
				f.Filters = append(f.Filters, inner)
			}
		case part.leaf.sub != nil:
			err = q.addRelated(&f, part.leaf, home)
		default:
			err = q.addCondition(&f, part.leaf, home)
		}
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

var fetchOperators = map[sqlOp]fetchxml.Operator{
	sqlEq: fetchxml.Eq, sqlNe: fetchxml.Ne, sqlLt: fetchxml.Lt, sqlLe: fetchxml.Le, sqlGt: fetchxml.Gt, sqlGe: fetchxml.Ge,
	sqlLike: "like", sqlNotLike: "not-like", sqlIn: "in", sqlNotIn: "not-in", sqlNull: "null", sqlNotNull: "not-null",
}

func (q *sqlQuery) addCondition(f *fetchxml.Filter, l *sqlLeaf, home *sqlSource) error {
	for _, c := range l.columns() {
		if c.source != home && home != q.base() {
			return invalid("%s and %s cannot stand in one condition with a subquery: put them into conditions of their own, joined by AND", c.source.alias, home.alias)
		}
	}
	on, with, op := l.on, l.with, l.op
	if with != nil && with.source != on.source && with.source == home { // only the other side may be a link's
		on, with, op = *l.with, &l.on, op.mirrored()
	}
	c := fetchxml.Condition{Attribute: on.column.LogicalName, Operator: fetchOperators[op]}
	for _, v := range l.values {
		c.Values = append(c.Values, v.text)
	}
	if with != nil {
		c.ValueOf = with.column.LogicalName
		if with.source != on.source {
			c.ValueOf = with.source.wire + "." + c.ValueOf
		}
	}
	if on.source != home {
		c.EntityName = on.source.wire
	}
	if op != sqlNe && op != sqlNotLike && op != sqlNotIn {
		f.Conditions = append(f.Conditions, c)
		return nil
	}
	// These operators of FetchXML hold for a column without a value, too, and SQL's do not.
	known := []fetchxml.Condition{{Attribute: c.Attribute, EntityName: c.EntityName, Operator: "not-null"}}
	if with != nil {
		there := fetchxml.Condition{Attribute: with.column.LogicalName, Operator: "not-null"}
		if with.source != home {
			there.EntityName = with.source.wire
		}
		known = append(known, there)
	}
	if !f.Or {
		f.Conditions = append(append(f.Conditions, c), known...)
		return nil
	}
	f.Filters = append(f.Filters, fetchxml.Filter{Conditions: append([]fetchxml.Condition{c}, known...)})
	return nil
}

// addRelated writes a subquery as a link that only filters.
func (q *sqlQuery) addRelated(f *fetchxml.Filter, l *sqlLeaf, home *sqlSource) error {
	if l.sub.to.source != home {
		return invalid("subqueries about columns of %s and %s cannot stand in one condition: put them into conditions of their own, joined by AND", home.alias, l.sub.to.source.alias)
	}
	sub := l.sub.query
	links, err := sub.links(sub.base())
	if err != nil {
		return err
	}
	link := fetchxml.Link{Name: sub.base().table.LogicalName, From: l.sub.from.LogicalName, To: l.sub.to.column.LogicalName,
		Alias: sub.base().wire, Type: fetchxml.Any}
	if l.op == sqlNotExists {
		link.Type = fetchxml.NotAny
	}
	link.Links = links
	if err := sub.filterAll(&link.Body); err != nil {
		return err
	}
	f.Links = append(f.Links, link)
	return nil
}
