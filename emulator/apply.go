package emulator

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// aggregateLimit is how many rows the service aggregates at the most.
const aggregateLimit = 50000

// aggregation is a $apply on its way to SQL.
type aggregation struct {
	*call
	table   *schema.Table
	where   fragment
	options odata.Options
	cells   []aggregateCell
	group   []fragment
	order   []orderTerm
	sparse  bool // results without a value are left out
}

// aggregateCell is a property of the result.
type aggregateCell struct {
	name    string
	sql     fragment
	column  *schema.Column // the column whose values it holds; nil: a plain number
	grouped bool
	sums    bool                 // of no values it is 0, as Microsoft's example of groups shows
	label   func(n int64) string // of a plain number; nil: the number with commas
}

// apply answers a $apply: filter steps, then groupby or aggregate.
func (c *call) apply(t *schema.Table, where fragment, o odata.Options) error {
	a := aggregation{call: c, table: t, where: where, options: o}
	for i, step := range o.Apply {
		last := i == len(o.Apply)-1
		switch {
		case step.Filter != nil && !last:
			condition, err := c.condition(t, rowAlias, step.Filter)
			if err != nil {
				return err
			}
			a.where = concat("(", a.where, ") AND ", condition)
			continue
		case step.GroupBy != nil && last:
			if err := a.groupBy(step.GroupBy); err != nil {
				return err
			}
		case len(step.Aggregate) > 0 && last:
			if err := a.aggregate(step.Aggregate); err != nil {
				return err
			}
		default:
			return badRequest("The $apply transformation '%s' is not supported here.", step)
		}
	}
	if err := distinctNames(a.cells); err != nil {
		return err
	}
	if err := a.sort(); err != nil {
		return err
	}
	return a.answer()
}

// distinctNames refuses results of which two have the same name.
func distinctNames(cells []aggregateCell) error {
	seen := map[string]bool{}
	for _, cell := range cells {
		if seen[cell.name] {
			return duplicateAlias(cell.name)
		}
		seen[cell.name] = true
	}
	return nil
}

// sort reads $orderby: groups sort by the columns that they are of, not by aggregates.
func (a *aggregation) sort() error {
	for _, o := range a.options.OrderBy {
		path, ok := o.By.(*odata.Path)
		if !ok || !slices.ContainsFunc(a.cells, func(c aggregateCell) bool { return c.grouped && c.name == path.String() }) {
			return unsupportedNode("SingleValueOpenPropertyAccess")
		}
	}
	terms, err := a.ordering(a.table, rowAlias, a.options.OrderBy)
	a.order = terms[:min(len(terms), len(a.options.OrderBy))]
	return err
}

func (a *aggregation) groupBy(g *odata.GroupBy) error {
	for _, path := range g.Paths {
		cell, err := a.key(path)
		if err != nil {
			return err
		}
		a.cells = append(a.cells, cell)
		a.group = append(a.group, cell.sql)
	}
	switch {
	case len(g.Then) == 0:
		return nil
	case len(g.Then) == 1 && len(g.Then[0].Aggregate) > 0:
		return a.aggregate(g.Then[0].Aggregate)
	}
	return badRequest("The $apply transformation '%s' is not supported here.", odata.FormatApply(g.Then))
}

// key is a column to group by. One behind a lookup comes back as contact_fullname: its table's name, _ and its own.
func (a *aggregation) key(path odata.Path) (aggregateCell, error) {
	f := filter{call: a.call, row: scope{a.table, rowAlias}}
	o, err := f.path(path.Segments)
	if err != nil {
		return aggregateCell{}, err
	}
	if o.column == nil {
		return aggregateCell{}, badRequest("Grouping by '%s' is not supported.", path.String())
	}
	if class(o.edm) == "date" {
		return aggregateCell{}, badRequest("Grouping by the date column '%s' is not supported.", o.column.Logical)
	}
	cell := aggregateCell{name: o.column.PropertyName(), sql: o.fragment, column: o.column, grouped: true}
	if len(path.Segments) > 1 {
		cell.name = o.column.Table.Logical + "_" + o.column.Logical
	}
	return cell, nil
}

var aggregateFunctions = map[string]string{"sum": "sum(", "average": "avg(", "min": "min(", "max": "max(", "countdistinct": "count(DISTINCT "}

func (a *aggregation) aggregate(all []odata.Aggregate) error {
	for _, g := range all {
		if g.Method == "$count" {
			a.cells = append(a.cells, aggregateCell{name: g.Alias, sql: fragment{sql: "count(*)"}})
			continue
		}
		f := filter{call: a.call, row: scope{a.table, rowAlias}}
		o, err := f.path(g.Path.Segments)
		if err != nil {
			return err
		}
		if base := baseAmount(o.column); base != nil && g.Method != "countdistinct" {
			path := append(slices.Clone(g.Path.Segments[:len(g.Path.Segments)-1]), base.Logical)
			if o, err = f.path(path); err != nil {
				return err
			}
		}
		cell, err := aggregated(g.Alias, g.Method, o)
		if err != nil {
			return err
		}
		a.cells = append(a.cells, cell)
	}
	return nil
}

// aggregated is the result of a function over a column.
func aggregated(name, method string, o operand) (aggregateCell, error) {
	function, ok := aggregateFunctions[method]
	if !ok {
		return aggregateCell{}, badRequest("The aggregation method '%s' is not supported.", method)
	}
	cell := aggregateCell{name: name, sql: concat(function, o.fragment, ")"), column: o.column}
	switch method {
	case "sum", "average":
		if class(o.edm) != "number" || o.column == nil || o.column.IsChoice() {
			return cell, badRequest("The aggregation method '%s' is not supported for columns of type '%s'.", method, o.edm)
		}
		switch {
		case method == "sum":
			cell.sums = true
		case o.edm == "Edm.Int32":
			cell.sql = concat("CAST(avg(", o.fragment, ") AS INTEGER)") // SQL Server averages integers to an integer
		}
	case "countdistinct":
		cell.column = nil
	}
	return cell, nil
}

// baseAmount is the column that holds an amount in the base currency, nil where there is none: amounts of money in
// different currencies are aggregated in that one.
func baseAmount(c *schema.Column) *schema.Column {
	if c == nil || c.Type != schema.Money {
		return nil
	}
	return c.Table.Column(c.Logical + "_base")
}

// answer runs the query. Rows have neither keys nor etags, and a group's null is left out.
func (a *aggregation) answer() error {
	return a.db.Read(a.context(), func(ctx context.Context, q store.Querier) error {
		n, err := countRows(ctx, q, a.table, a.where, aggregateLimit+1)
		if err != nil {
			return err
		}
		if n > aggregateLimit {
			return fail(http.StatusBadRequest, codeAggregateLimit,
				"The maximum record limit is exceeded. Reduce the number of records.")
		}
		all, err := readAll(ctx, q, a.statement())
		if err != nil {
			return err
		}
		all, next, err := a.cut(all)
		if err != nil {
			return err
		}
		objects, err := a.render(ctx, q, all)
		if err != nil {
			return err
		}
		var body object
		a.writeContext(&body, a.root+"$metadata#"+a.table.Set)
		return a.page(body, slices.Values(objects), -1, next)
	})
}

// cut takes the page that was asked for. Its cookie has a number alone: groups have no key to go on behind.
func (a *aggregation) cut(all [][]any) (page [][]any, next string, err error) {
	start := cookie{page: 1}
	if token := a.query.Get("$skiptoken"); token != "" {
		if start, err = parseSkiptoken(token); err != nil {
			return nil, "", err
		}
	}
	size, pages := listing{table: a.table, options: a.options}.size(a.prefer)
	all = all[min(min(start.page-1, len(all))*size, len(all)):]
	if len(all) <= size {
		return all, "", nil
	}
	if pages {
		next = a.nextLink(cookie{page: start.page + 1})
	}
	return all[:size], next, nil
}

func (a *aggregation) statement() fragment {
	parts := []any{"SELECT "}
	for i, cell := range a.cells {
		if i > 0 {
			parts = append(parts, ", ")
		}
		parts = append(parts, cell.sql)
	}
	parts = append(parts, fmt.Sprintf(" FROM %s AS %s WHERE ", store.Quote(a.table.Logical), rowAlias), a.where)
	if len(a.group) > 0 {
		positions := make([]string, len(a.group))
		for i := range a.group {
			positions[i] = fmt.Sprint(i + 1)
		}
		list := strings.Join(positions, ", ")
		parts = append(parts, " GROUP BY "+list+" ORDER BY ")
		if len(a.order) > 0 {
			by, _ := orderFragments(a.order)
			parts = append(parts, by, ", ")
		}
		parts = append(parts, list)
	}
	return concat(parts...)
}

// render makes the JSON object of each result row.
func (a *aggregation) render(ctx context.Context, q store.Querier, rows [][]any) ([][]byte, error) {
	names := map[int]map[string]referred{}
	if a.prefer.annotates(formattedValue) || a.prefer.annotates(lookupLogicalName) {
		for i, cell := range a.cells {
			if cell.column == nil || !cell.column.IsLookup() || len(cell.column.Targets) == 0 {
				continue
			}
			var err error
			if names[i], err = a.lookupNames(ctx, q, cell.column, rows, i); err != nil {
				return nil, err
			}
		}
	}
	objects := make([][]byte, len(rows))
	for n, values := range rows {
		var o object
		for i, cell := range a.cells {
			if values[i] == nil && cell.sums {
				values[i] = int64(0)
			}
			if values[i] == nil && (cell.grouped || a.sparse) {
				continue
			}
			if text, ok := a.formattedCell(cell, values[i], names[i]); ok {
				o.text(cell.name+"@"+formattedValue, text)
			}
			if id, ok := values[i].(string); ok && names[i][id].table != "" && a.prefer.annotates(lookupLogicalName) {
				o.text(cell.name+"@"+lookupLogicalName, names[i][id].table)
			}
			if cell.column == nil {
				o.any(cell.name, values[i])
				continue
			}
			o.raw(cell.name, appendValue(nil, cell.column, values[i]))
		}
		objects[n] = o.bytes()
	}
	return objects, nil
}

func (a *aggregation) formattedCell(cell aggregateCell, v any, names map[string]referred) (string, bool) {
	if v == nil || !a.prefer.annotates(formattedValue) {
		return "", false
	}
	if id, ok := v.(string); ok && names != nil {
		row, ok := names[id]
		return row.name, ok
	}
	column := cell.column
	if n, ok := v.(int64); ok && cell.label != nil {
		return cell.label(n), true
	}
	if column == nil {
		return groupThousands(fmt.Sprint(v)), true
	}
	if amount, ok := number(v); ok && column.Type == schema.Money {
		return usDollar.format(amount, usDollar.precision), true // aggregates are in the base currency
	}
	return a.formatted(column, v)
}

// referred is the row that a lookup refers to.
type referred struct{ name, table string }

// lookupNames reads the rows behind a grouped lookup, in each table that it may refer to.
func (a *aggregation) lookupNames(ctx context.Context, q store.Querier, column *schema.Column, rows [][]any, at int) (map[string]referred, error) {
	var ids []string
	for _, values := range rows {
		if id, ok := values[at].(string); ok {
			ids = append(ids, id)
		}
	}
	all := map[string]referred{}
	for _, target := range column.Targets {
		found, err := readNames(ctx, q, a.schema.Table(target), ids)
		if err != nil {
			return nil, err
		}
		for id, name := range found {
			all[id] = referred{name, target}
		}
	}
	return all, nil
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}
