package emulator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/fetchxml"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// fetchGroups is a query for aggregates.
type fetchGroups struct {
	*fetchQuery
	cells []aggregateCell
	keys  map[string]fragment // what an alias sorts by
	group []fragment
}

// aggregate answers a query with aggregate="true".
func (q *fetchQuery) aggregate() error {
	g := &fetchGroups{fetchQuery: q, keys: map[string]fragment{}}
	if err := g.cellsFrom(q.base, q.tree.Entity.Attributes); err != nil {
		return err
	}
	for _, l := range q.joined {
		if err := g.cellsFrom(q.links[l], l.Attributes); err != nil {
			return err
		}
	}
	if len(g.cells) == 0 {
		return fail(http.StatusBadRequest, "0x8004112f", "An aggregate query must have an attribute with aggregate or groupby.")
	}
	if err := distinctNames(g.cells); err != nil { // a query in SQL, which the FetchXML grammar has not checked
		return err
	}
	query, err := g.statement()
	if err != nil {
		return err
	}
	return g.answer(query)
}

func (g *fetchGroups) cellsFrom(s scope, attributes []fetchxml.Attribute) error {
	for _, a := range attributes {
		on, err := g.operand(s, a.Name)
		if err != nil {
			return err
		}
		cell := g.groupCell(s, on, a)
		if a.GroupBy {
			g.group = append(g.group, cell.sql)
			if a.Alias == "" { // SQL may group by what it does not select
				continue
			}
		} else if cell, err = g.functionCell(s, on, a); err != nil {
			return err
		}
		g.cells = append(g.cells, cell)
		if _, special := g.keys[a.Alias]; !special {
			g.keys[a.Alias] = cell.sql
		}
	}
	return nil
}

// functionCell is an aggregate over a column.
func (g *fetchGroups) functionCell(s scope, on operand, a fetchxml.Attribute) (aggregateCell, error) {
	if base := baseAmount(on.column); base != nil && a.Aggregate != fetchxml.Count && a.Aggregate != fetchxml.CountColumn {
		on = operand{fragment: columnOf(s.alias, base.Logical), edm: base.Edm(), column: base}
	}
	switch method := string(a.Aggregate); {
	case a.Aggregate == fetchxml.Count && !a.Distinct:
		return aggregateCell{name: a.Alias, sql: fragment{sql: "count(*)"}}, nil
	case a.Distinct:
		return aggregated(a.Alias, "countdistinct", on)
	case a.Aggregate == fetchxml.CountColumn:
		return aggregateCell{name: a.Alias, sql: concat("count(", on.fragment, ")")}, nil
	case a.Aggregate == fetchxml.Avg:
		return g.checked(s, a, "average", on)
	default:
		return g.checked(s, a, method, on)
	}
}

func (g *fetchGroups) checked(s scope, a fetchxml.Attribute, method string, on operand) (aggregateCell, error) {
	cell, err := aggregated(a.Alias, method, on)
	if _, ok := errors.AsType[*Error](err); ok {
		return cell, fail(http.StatusBadRequest, "0x80060559", "Attribute '%s' of the entity '%s' can't be aggregated with '%s': its type is '%s'.",
			a.Name, s.table.Logical, a.Aggregate, on.edm)
	}
	return cell, err
}

// groupCell is a column to group by. Lookups sort by the names of their rows.
func (g *fetchGroups) groupCell(s scope, on operand, a fetchxml.Attribute) aggregateCell {
	cell := aggregateCell{name: a.Alias, sql: on.fragment, column: on.column, grouped: true}
	if a.GroupBy && on.column.Stored() && on.column.IsLookup() {
		g.keys[a.Alias] = g.orderBy(on.column, s.alias, false).sql
	}
	if a.DateGrouping != "" {
		cell.column, cell.sql, cell.label = nil, datePart(on.fragment, a.DateGrouping), dateLabels[a.DateGrouping]
	}
	return cell
}

// datePart is a part of a date as a number: weeks are counted from January 1 and begin on Sunday, as SQL Server does.
// A fiscal period is the year and two digits.
func datePart(on fragment, part fetchxml.DateGrouping) fragment {
	number := func(format string) fragment { return concat("CAST(strftime('"+format+"', ", on, ") AS INTEGER)") }
	quarter := concat("((", number("%m"), " - 1) / 3 + 1)")
	switch part {
	case fetchxml.Day:
		return number("%d")
	case fetchxml.Week:
		first := concat("CAST(strftime('%w', ", on, ", 'start of year') AS INTEGER)")
		return concat("((", number("%j"), " - 1 + ", first, ") / 7 + 1)")
	case fetchxml.Month:
		return number("%m")
	case fetchxml.Quarter:
		return quarter
	case fetchxml.FiscalPeriod:
		return concat("(", number("%Y"), " * 100 + ", quarter, ")")
	}
	return number("%Y")
}

// dateLabels are the formatted values that are more than the number.
var dateLabels = map[fetchxml.DateGrouping]func(int64) string{
	fetchxml.FiscalPeriod: func(n int64) string { return fmt.Sprintf("Quarter %d FY%d", n%100, n/100) },
	fetchxml.FiscalYear:   func(n int64) string { return fmt.Sprintf("FY%d", n) },
}

// statement is the SELECT of all groups. Orders go by alias; without any, groups come in their own order.
func (g *fetchGroups) statement() (fragment, error) {
	parts := []any{"SELECT "}
	for i, cell := range g.cells {
		if i > 0 {
			parts = append(parts, ", ")
		}
		parts = append(parts, cell.sql)
	}
	parts = append(parts, g.joins.sql())
	if len(g.group) > 0 {
		parts = append(parts, " GROUP BY ", list(g.group))
	}
	var keys []fragment
	for _, o := range g.orders() {
		key, ok := g.keys[o.Alias]
		if !ok {
			return fragment{}, fail(http.StatusBadRequest, codeNoSuchAlias, "The alias '%s' of an order is not the alias of an attribute.", o.Alias)
		}
		if o.Descending {
			key = concat(key, " DESC")
		}
		keys = append(keys, key)
	}
	if keys = append(keys, g.group...); len(keys) > 0 {
		parts = append(parts, " ORDER BY ", list(keys))
	}
	return concat(parts...), nil
}

func (q *fetchQuery) orders() []fetchxml.Order {
	all := slices.Clone(q.tree.Entity.Orders)
	for _, l := range q.joined {
		all = append(all, l.Orders...)
	}
	return all
}

// list puts commas between fragments.
func list(all []fragment) fragment {
	var parts []any
	for i, f := range all {
		if i > 0 {
			parts = append(parts, ", ")
		}
		parts = append(parts, f)
	}
	return concat(parts...)
}

// answer runs the query, unless it is over too many rows. Results have neither keys nor etags.
func (g *fetchGroups) answer(query fragment) error {
	p, err := g.window(nil, true)
	if err != nil {
		return err
	}
	limit := aggregateLimit
	if g.tree.AggregateLimit > 0 {
		limit = min(limit, g.tree.AggregateLimit)
	}
	return g.db.Read(g.context(), func(ctx context.Context, db store.Querier) error {
		n, err := g.total(ctx, db, nil, limit)
		if err != nil {
			return err
		}
		if n > limit {
			return fail(http.StatusBadRequest, codeAggregateLimit, "The maximum record limit is exceeded. Reduce the number of records.")
		}
		all, err := readAll(ctx, db, query)
		if err != nil {
			return err
		}
		total := -1
		if g.tree.TotalRecordCount || g.query.Get("$count") == "true" {
			total = len(all)
		}
		all = all[min(p.skip, len(all)):]
		more := len(all) > p.size
		all = all[:min(len(all), p.size)]
		a := aggregation{call: g.call, cells: g.cells, sparse: true}
		objects, err := a.render(ctx, db, all)
		if err != nil {
			return err
		}
		asked := make([]string, len(g.cells))
		for i, cell := range g.cells {
			asked[i] = cell.name
		}
		return g.write(objects, asked, total, more && !p.limited, cookie{page: p.number + 1})
	})
}
