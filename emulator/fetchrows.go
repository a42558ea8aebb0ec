package emulator

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/fetchxml"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
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
	everything bool     // of the query's own table: the context lists nothing then
	asked      []string // columns, as the context lists them
	lookups    []string // properties that the context lists as expanded
	list       []any    // of the SELECT, by places
	terms      []orderTerm
	plain      bool // pages go by number: no cookie can say where one ends
}

// rows answers a query without aggregates.
func (q *fetchQuery) rows() error {
	r := &fetchRows{fetchQuery: q}
	if err := r.selectColumns(); err != nil {
		return err
	}
	if err := r.order(); err != nil {
		return err
	}
	return r.answer()
}

func (r *fetchRows) selectColumns() error {
	if err := r.selectFrom(r.base, "", &r.tree.Entity.Body, len(r.tree.Entity.Attributes) == 0); err != nil {
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
	if p.shown[name] {
		return
	}
	p.showAs(name, column)
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
	children := scope{s.table, "children"}
	r.counts = append(r.counts, counted{name: name, sql: concat("(SELECT count(*) FROM "+table(children)+" WHERE ",
		columnOf(children.alias, parent.Attribute), " = ", columnOf(s.alias, s.table.PrimaryID), ")")})
	r.asked = append(r.asked, name)
	return nil
}

// order resolves the sort keys: those of the query's own table, then those of links. Primary keys come last, so that the
// order is total.
func (r *fetchRows) order() error {
	if err := r.orderFrom(r.base, r.tree.Entity.Orders); err != nil {
		return err
	}
	for _, l := range r.joined {
		if err := r.orderFrom(r.links[l], l.Orders); err != nil {
			return err
		}
	}
	r.plain = r.plain || r.tree.Distinct || !r.unique()
	if !r.plain && len(r.terms) > 0 && r.terms[len(r.terms)-1].name == r.base.table.PrimaryID {
		return nil
	}
	r.terms = append(r.terms, orderTerm{name: r.base.table.PrimaryID, sql: columnOf(r.base.alias, r.base.table.PrimaryID), edm: "Edm.Guid"})
	if r.plain {
		for _, l := range r.joined {
			s := r.links[l]
			r.terms = append(r.terms, orderTerm{name: s.table.PrimaryID, sql: columnOf(s.alias, s.table.PrimaryID), edm: "Edm.Guid"})
		}
	}
	return nil
}

func (r *fetchRows) orderFrom(s scope, orders []fetchxml.Order) error {
	for _, o := range orders {
		from := s
		if o.EntityName != "" {
			named, err := r.named(o.EntityName)
			if err != nil {
				return err
			}
			from = named
		}
		on, err := r.operand(from, o.Attribute)
		if err != nil {
			return err
		}
		r.plain = r.plain || from != r.base
		r.terms = append(r.terms, r.term(from, on, o))
	}
	return nil
}

// term sorts lookups by the names of their rows, and choices by their labels unless the query wants the numbers.
func (r *fetchRows) term(s scope, on operand, o fetchxml.Order) orderTerm {
	if !on.column.Stored() {
		return orderTerm{name: o.Attribute, sql: on.fragment, desc: o.Descending, edm: on.edm}
	}
	term := r.orderBy(on.column, s.alias, o.Descending)
	if on.column.IsChoice() && !r.tree.RawOrderBy {
		term.sql, term.edm = label(on.column, s.alias), "Edm.String"
	}
	return term
}

// window is where the page of a query begins and how long it is.
type window struct {
	number, size, skip int
	after              fragment // the condition for rows behind the cookie
	limited            bool     // by top: there is no next page
}

// maxSimplePaging is how far pages without a cookie go.
const maxSimplePaging = 50000

// window reads which page the query asks for.
func (q *fetchQuery) window(terms []orderTerm, plain bool) (p window, err error) {
	if q.tree.Top > 0 {
		return window{number: 1, size: q.tree.Top, limited: true}, nil
	}
	p = window{number: max(q.tree.Page, 1), size: q.tree.Count}
	if p.size == 0 && q.prefer.maxPageSize > 0 {
		p.size = q.prefer.maxPageSize
	}
	if p.size == 0 || p.size > maxPageSize {
		p.size = maxPageSize
	}
	k := cookie{}
	if token := q.query.Get("$skiptoken"); token != "" {
		if k, err = parseSkiptoken(token); err != nil {
			return p, err
		}
		p.number = k.page
		k.page--
	} else if q.tree.PagingCookie != "" {
		if k.page, k.last, err = parseInnerCookie(q.tree.PagingCookie); err != nil {
			return p, err
		}
	}
	if len(k.last) > 0 && !plain && p.number > k.page {
		p.after, err = k.after(terms)
		p.skip = (p.number - k.page - 1) * p.size
		return p, err
	}
	if p.number > math.MaxInt32/p.size || p.number*p.size > maxSimplePaging {
		return p, fail(http.StatusBadRequest, codeHighPage, "Paging cookie is required when trying to retrieve a set of records on any high pages.")
	}
	p.skip = (p.number - 1) * p.size
	return p, nil
}

// statement is the SELECT for a page, and one row more that tells whether there is another.
func (r *fetchRows) statement(p window) fragment {
	all := r.joins
	if p.after.sql != "" {
		all.where = append(slices.Clip(all.where), p.after)
	}
	parts := []any{"SELECT "}
	for _, item := range r.list {
		parts = append(parts, item, ", ")
	}
	by, columns := orderFragments(r.terms)
	parts = append(parts, columns, all.sql())
	if r.tree.Distinct {
		places := make([]string, len(r.list))
		for i := range places {
			places[i] = fmt.Sprint(i + 1)
		}
		parts = append(parts, " GROUP BY "+strings.Join(places, ", "))
	}
	return concat(append(parts, " ORDER BY ", by, fmt.Sprintf(" LIMIT %d OFFSET %d", p.size+1, p.skip))...)
}

// orderFragments is the ORDER BY of the terms, and their list as extra columns.
func orderFragments(terms []orderTerm) (by, columns fragment) {
	var keys, list []any
	for i, term := range terms {
		if i > 0 {
			keys, list = append(keys, ", "), append(list, ", ")
		}
		keys, list = append(keys, term.sql), append(list, term.sql)
		if term.desc {
			keys = append(keys, " DESC")
		}
	}
	return concat(keys...), concat(list...)
}

// total counts the rows of the query, to one more than the limit; distinct counts the rows of which it has the list.
func (q *fetchQuery) total(ctx context.Context, db store.Querier, list []any, limit int) (n int, err error) {
	parts := []any{"SELECT count(*) FROM (SELECT "}
	if q.tree.Distinct && len(list) > 0 {
		parts = append(parts, "DISTINCT ")
		for _, item := range list {
			parts = append(parts, item, ", ")
		}
	}
	query := concat(append(parts, "1", q.joins.sql(), fmt.Sprintf(" LIMIT %d)", limit+1))...)
	err = db.QueryRowContext(ctx, query.sql, query.args...).Scan(&n)
	return n, err
}
