package dataverse

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/fetchxml"
)

// fetchNames turns names of the domain into those of the service, in place, and tells how rows will look.
type fetchNames struct {
	client *Client
	tables map[*fetchxml.Link]*Table
	links  map[string]*Table // by alias
	shape  *shape
	all    bool // some columns are not named
}

func (n *fetchNames) resolve(ctx context.Context, q *fetchxml.Fetch) (*Table, *shape, error) {
	t, err := n.client.describe(ctx, q.Entity.Name)
	if err != nil {
		return nil, nil, err
	}
	if t.SetName == "" {
		return nil, nil, invalid("table %s is not served by the Web API", t.LogicalName)
	}
	q.Entity.Name = t.LogicalName
	n.shape = &shape{name: t.LogicalName, table: t, full: maxPage, nulls: true, seen: map[string]property{}}
	if q.Aggregate {
		n.shape.name, n.shape.table = "", nil
	}
	if err := n.nameLinks(ctx, &q.Entity.Body); err != nil {
		return nil, nil, err
	}
	if err := n.body(t, &q.Entity.Body, nil); err != nil {
		return nil, nil, err
	}
	if q.Distinct && !q.Aggregate && q.Top == 0 && !linksSort(&q.Entity.Body) {
		n.sort(t, &q.Entity.Body)
	}
	if n.all || len(n.shape.columns) == 0 {
		n.shape.columns = nil
	}
	return t, n.shape, nil
}

// linksSort says whether a link in b has an order. What is sorted by then comes after those of b, so b can have no more.
func linksSort(b *fetchxml.Body) bool {
	return !b.EachLink(func(l *fetchxml.Link) bool { return len(l.Orders) == 0 })
}

// sort completes the order of distinct rows: their pages go by number, and the service, which sorts other rows by their
// id last, leaves these as they come, so that a row would be on two pages and another on none.
func (n *fetchNames) sort(t *Table, b *fetchxml.Body) {
	names := []string{}
	if b.All {
		names = append(names, t.PrimaryID)
	}
	for _, a := range b.Attributes {
		names = append(names, a.Name)
	}
	for _, name := range names {
		c, ok := t.Column(name)
		if ok && c.sortsItself() && !slices.ContainsFunc(b.Orders, func(o fetchxml.Order) bool { return o.Attribute == name }) {
			b.Orders = append(b.Orders, fetchxml.Order{Attribute: name})
		}
	}
	for i := range b.Links {
		if l := &b.Links[i]; l.Type == fetchxml.Inner || l.Type == fetchxml.Outer {
			n.sort(n.tables[l], &l.Body)
		}
	}
}

// nameLinks finds the table of every link, and gives an alias to those that join and have none.
func (n *fetchNames) nameLinks(ctx context.Context, b *fetchxml.Body) error {
	var links []*fetchxml.Link
	b.EachLink(func(l *fetchxml.Link) bool {
		links = append(links, l)
		return true
	})
	for _, l := range links {
		if l.Alias != "" {
			n.links[l.Alias] = nil
		}
	}
	for _, l := range links {
		t, err := n.client.describe(ctx, l.Name)
		if err != nil {
			return err
		}
		l.Name, n.tables[l] = t.LogicalName, t
		if l.Alias == "" && l.Type.Joins() {
			l.Alias = n.freeAlias(t.LogicalName)
		}
		if l.Alias != "" {
			n.links[l.Alias] = t
		}
	}
	return nil
}

func (n *fetchNames) freeAlias(table string) string {
	alias := table
	for i := 2; ; i++ {
		if _, taken := n.links[alias]; !taken {
			return alias
		}
		alias = table + strconv.Itoa(i)
	}
}

// body resolves what stands in t, which is the table of the query or of a link.
func (n *fetchNames) body(t *Table, b *fetchxml.Body, link *fetchxml.Link) error {
	if b.All || link == nil && len(b.Attributes) == 0 {
		n.all = true
	}
	for i := range b.Attributes {
		if err := n.attribute(t, &b.Attributes[i], link); err != nil {
			return err
		}
	}
	for i := range b.Orders {
		o := &b.Orders[i]
		if err := n.name(n.owner(t, o.EntityName), &o.Attribute); err != nil {
			return err
		}
	}
	if err := n.filters(t, b.Filters); err != nil {
		return err
	}
	return n.joins(t, b.Links)
}

func (n *fetchNames) joins(t *Table, links []fetchxml.Link) error {
	for i := range links {
		l := &links[i]
		target := n.tables[l]
		if err := n.name(target, &l.From); err != nil {
			return err
		}
		if err := n.name(t, &l.To); err != nil {
			return err
		}
		if err := n.body(target, &l.Body, l); err != nil {
			return err
		}
	}
	return nil
}

func (n *fetchNames) filters(t *Table, filters []fetchxml.Filter) error {
	for i := range filters {
		f := &filters[i]
		for j := range f.Conditions {
			if err := n.condition(t, &f.Conditions[j]); err != nil {
				return err
			}
		}
		if err := n.filters(t, f.Filters); err != nil {
			return err
		}
		if err := n.joins(t, f.Links); err != nil {
			return err
		}
	}
	return nil
}

// owner is the table that a condition or an order is about; nil where a link is named that the service may know.
func (n *fetchNames) owner(t *Table, alias string) *Table {
	if alias == "" {
		return t
	}
	return n.links[alias]
}

// attribute resolves a column to return, and notes how it will be called.
func (n *fetchNames) attribute(t *Table, a *fetchxml.Attribute, link *fetchxml.Link) error {
	if err := n.name(t, &a.Name); err != nil {
		return err
	}
	c, known := t.Column(a.Name)
	name := a.Alias
	if name == "" {
		name = a.Name
		if link != nil && link.Alias != "" {
			name = link.Alias + "." + name
		}
	}
	answered := name
	if known && link != nil && link.Type == fetchxml.CrossApply && a.Alias == "" {
		answered = c.SchemaName // the service names the columns of this join, and of no other, so
	}
	p := property{name: name}
	if known && a.DateGrouping == "" && a.Aggregate != fetchxml.Count && a.Aggregate != fetchxml.CountColumn {
		p.kind = c.Type
	}
	p.isID = n.shape.table != nil && link == nil && a.Alias == "" && a.Name == t.PrimaryID
	for _, annotation := range []string{"", annotationLabel, annotationTable} {
		key := answered
		if p.annotation = annotation; annotation != "" {
			key += "@" + annotation
		}
		n.shape.seen[key] = p
	}
	if !slices.Contains(n.shape.columns, name) {
		n.shape.columns = append(n.shape.columns, name)
	}
	return nil
}

func (n *fetchNames) condition(t *Table, c *fetchxml.Condition) error {
	owner := n.owner(t, c.EntityName)
	if err := n.name(owner, &c.Attribute); err != nil || owner == nil {
		return err
	}
	if !strings.Contains(c.ValueOf, ".") { // else it is a link's
		if err := n.name(t, &c.ValueOf); err != nil {
			return err
		}
	}
	column, ok := owner.Column(c.Attribute)
	if !ok {
		return nil
	}
	for i, v := range c.Values {
		v, err := fetchValue(column, c.Operator, v)
		if err != nil {
			return err
		}
		c.Values[i] = v
	}
	return nil
}

// fetchValue brings what a column is compared with into the service's form: the label of a choice, the reference to a
// row, midnight where there are days alone. What is none of these is the service's to judge.
func fetchValue(c *Column, by fetchxml.Operator, value string) (string, error) {
	switch {
	case len(c.Choices) > 0 && slices.Contains([]fetchxml.Operator{
		fetchxml.Eq, fetchxml.Ne, fetchxml.Neq, "in", "not-in", "contain-values", "not-contain-values"}, by):
		number, err := choiceOf(c, value)
		return strconv.Itoa(number), err
	case c.Type.isLookup(), c.Type == GUIDColumn:
		if _, id, err := reference(c, value); err == nil {
			if guid, ok := parseGUID(id); ok {
				return guid, nil
			}
		}
	case c.Behavior == "DateOnly":
		if at, err := parseTime(value); err == nil {
			if day, ok := dayOf(at); ok {
				return day, nil
			}
		}
	}
	return value, nil
}

// name resolves the name of a column. FetchXML knows columns that the Web API does not list, such as
// primarycontactidname: what begins like a column is left to the service.
func (n *fetchNames) name(t *Table, name *string) error {
	if t == nil || *name == "" {
		return nil
	}
	c, err := t.ColumnNamed(*name)
	if err == nil {
		*name = c.LogicalName
		return nil
	}
	if slices.ContainsFunc(t.Columns, func(c Column) bool { return strings.HasPrefix(*name, c.LogicalName) }) {
		return nil
	}
	return err
}
