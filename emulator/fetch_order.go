package emulator

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/fetchxml"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

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
			named, ok := r.names[o.EntityName]
			if !ok {
				return fail(http.StatusBadRequest, codeNoLinkOfOrder, "Link entity with name or alias %s is not found", o.EntityName)
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
	if q.origin != nil && q.origin.limit != nil {
		return *q.origin.limit, nil
	}
	limit := pageLimit(q.base.table)
	if q.tree.Top > 0 {
		return window{number: 1, size: min(q.tree.Top, limit), limited: true}, nil
	}
	p = window{number: max(q.tree.Page, 1), size: q.tree.Count}
	if p.size == 0 && q.prefer.maxPageSize > 0 {
		p.size = q.prefer.maxPageSize
	}
	if p.size == 0 || p.size > limit {
		p.size = limit
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
	if p.number > math.MaxInt32/p.size {
		return p, highPage()
	}
	if len(k.last) > 0 && !plain && p.number > k.page {
		p.after, err = k.after(terms)
		p.skip = (p.number - k.page - 1) * p.size
		return p, err
	}
	if p.number*p.size > maxSimplePaging {
		return p, highPage()
	}
	p.skip = (p.number - 1) * p.size
	return p, nil
}

func highPage() *Error {
	return fail(http.StatusBadRequest, codeHighPage, "Paging cookie is required when trying to retrieve a set of records on any high pages.")
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
