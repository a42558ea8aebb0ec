package emulator

import (
	"net/http"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/fetchxml"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// fetched is what a query returns of one table: its own or that of a link.
type fetched struct {
	*projection
	alias string // in SQL
	at    int    // place in a result of the first column
}

// counted is a number of child rows that a query asks for (rowaggregate).
type counted struct {
	name string
	sql  fragment
	at   int
}

// fetchRows is a query for rows.
type fetchRows struct {
	*fetchQuery
	tables     []fetched // the first is the query's own
	counts     []counted
	everything bool                   // of the query's own table: the context lists nothing then
	asked      []string               // columns, as the context lists them
	lookups    []string               // properties that the context lists as expanded
	shown      map[string]shownColumn // what the names in the answer stand for
	twice      string                 // a name that two columns would have
	list       []any                  // of the SELECT, by places
	terms      []orderTerm
	plain      bool // pages go by number: no cookie can say where one ends
}

// shownColumn is a column of a table or link in the answer.
type shownColumn struct {
	of     *projection
	column *schema.Column
}

// rows answers a query without aggregates.
func (q *fetchQuery) rows() error {
	r := &fetchRows{fetchQuery: q, shown: map[string]shownColumn{}}
	if err := r.selectColumns(); err != nil {
		return err
	}
	if err := r.order(); err != nil {
		return err
	}
	return r.answer()
}

func (r *fetchRows) selectColumns() error {
	if err := r.selectFrom(r.base, "", &r.tree.Entity.Body, len(r.tree.Entity.Attributes) == 0 && r.origin == nil); err != nil {
		return err
	}
	for _, l := range r.joined {
		prefix := r.nameOf(l) + r.dot()
		if l.Type == fetchxml.CrossApply {
			prefix = schemaNames
		}
		if err := r.selectFrom(r.links[l], prefix, &l.Body, false); err != nil {
			return err
		}
	}
	if r.twice != "" {
		return duplicateAlias(r.twice)
	}
	for i := range r.tables {
		t := &r.tables[i]
		t.at = len(r.list)
		for _, name := range t.physical {
			r.list = append(r.list, columnOf(t.alias, name))
		}
	}
	for i := range r.counts {
		r.counts[i].at = len(r.list)
		r.list = append(r.list, r.counts[i].sql)
	}
	if len(r.list) == 0 { // such as the name of a lookup alone, which is no property
		r.list = append(r.list, value(1))
	}
	return nil
}

// schemaNames is the prefix of the columns that matchfirstrowusingcrossapply joins: they go by their schema names and
// nothing before them.
const schemaNames = "*"

// dot stands between a link and its column in the name of a property.
func (r *fetchRows) dot() string {
	if strings.Contains(r.root, "/v8.") {
		return "_x002e_"
	}
	return "."
}

// selectFrom adds the columns that a body asks for; prefix begins the names of a link's.
func (r *fetchRows) selectFrom(s scope, prefix string, b *fetchxml.Body, everything bool) error {
	p := &projection{c: r.call, table: s.table, place: map[string]int{}, shown: map[string]bool{}, id: -1, version: -1, currency: -1}
	main := prefix == ""
	if main && !r.tree.Distinct {
		p.id = p.need(s.table.PrimaryID)
		if column := s.table.Column("versionnumber"); column != nil && r.metadataLevel() != metadataNone {
			p.etag, p.version = true, p.need(column.Logical)
		}
	}
	everything = everything || main && b.All
	r.everything = r.everything || everything
	if b.All || everything {
		for _, column := range s.table.Columns {
			if column.Property && column.Read {
				r.show(p, prefix, column, "", !everything)
			}
		}
	}
	for _, a := range b.Attributes {
		column := s.table.Column(a.Name)
		switch {
		case column == nil:
			return noSuchAttribute(s.table, a.Name)
		case a.RowAggregate != "":
			if err := r.countChildren(s, prefix, column, a); err != nil {
				return err
			}
		case column.Property:
			r.show(p, prefix, column, a.Alias, true)
		}
	}
	r.complete(p, s.table, main, !everything)
	r.tables = append(r.tables, fetched{projection: p, alias: s.alias})
	return nil
}

// show adds a column under its alias, or as alias.column for one of a link.
func (r *fetchRows) show(p *projection, prefix string, column *schema.Column, alias string, list bool) {
	name := column.PropertyName()
	switch {
	case alias != "":
		name = alias
	case prefix == schemaNames:
		name = column.Schema
	case prefix != "":
		name = prefix + column.Logical
	}
	if shown, ok := r.shown[name]; ok {
		if shown != (shownColumn{p, column}) {
			r.twice = name
		}
		return
	}
	r.shown[name] = shownColumn{p, column}
	p.showAs(name, column)
	if f := &p.fields[len(p.fields)-1]; r.origin != nil && name != column.PropertyName() && r.prefer.annotates(attributeName) {
		f.attribute = append(append(append(appendString(nil, name+"@"+attributeName), ':'), appendString(nil, column.Logical)...), ',')
	}
	if !list {
		return
	}
	r.asked = append(r.asked, name)
	if prefix == "" && alias == "" && column.IsLookup() {
		r.asked = append(r.asked, column.Logical)
		r.lookups = append(r.lookups, column.Logical+"()")
	}
}

// complete adds what comes unasked: the currency of amounts, and in the query's own table the primary key.
func (r *fetchRows) complete(p *projection, t *schema.Table, main, list bool) {
	currency := t.Column("transactioncurrencyid")
	money := false
	for _, f := range p.fields {
		money = money || f.column.Type == schema.Money
	}
	if money && currency != nil {
		if main && !r.tree.Distinct {
			r.show(p, "", currency, "", list)
		}
		if r.prefer.annotates(formattedValue) {
			p.currency = p.need(currency.Logical)
		}
	}
	if !main || r.tree.Distinct {
		return
	}
	r.show(p, "", t.Column(t.PrimaryID), "", list)
	if isPrincipal(t) {
		p.showAs("ownerid", t.Column(t.PrimaryID))
	}
}

// countChildren counts the rows below each row of a hierarchy.
func (r *fetchRows) countChildren(s scope, prefix string, column *schema.Column, a fetchxml.Attribute) error {
	parent := hierarchy(s.table)
	if parent == nil {
		return fail(http.StatusBadRequest, codeBadCondition, "The table '%s' has no hierarchical relationship.", s.table.Logical)
	}
	name := a.Alias
	if name == "" {
		name = strings.TrimPrefix(prefix, schemaNames) + column.Logical
	}
	if _, taken := r.shown[name]; taken {
		r.twice = name
	}
	r.shown[name] = shownColumn{}
	children := scope{s.table, "children"}
	r.counts = append(r.counts, counted{name: name, sql: concat("(SELECT count(*) FROM "+table(children)+" WHERE ",
		columnOf(children.alias, parent.Attribute), " = ", columnOf(s.alias, s.table.PrimaryID), ")")})
	r.asked = append(r.asked, name)
	return nil
}
