package dataverse

import (
	"context"
	"math/big"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/fetchxml"
	"github.com/dynamics-mcp/dynamics-mcp/dataverse/sql"
)

var sqlAggregates = map[string]fetchxml.Aggregate{
	"COUNT": fetchxml.CountColumn, "SUM": fetchxml.Sum, "AVG": fetchxml.Avg, "MIN": fetchxml.Min, "MAX": fetchxml.Max,
}

// aggregates says whether x is an aggregate.
func aggregates(x sql.Expr) bool {
	c, ok := x.(*sql.Call)
	return ok && sqlAggregates[c.Name] != ""
}

// sqlDateParts are the parts of DATEPART, and the functions that are called as one.
var sqlDateParts = map[string]fetchxml.DateGrouping{
	"YEAR": fetchxml.Year, "YY": fetchxml.Year, "YYYY": fetchxml.Year, "QUARTER": fetchxml.Quarter, "QQ": fetchxml.Quarter, "Q": fetchxml.Quarter,
	"MONTH": fetchxml.Month, "MM": fetchxml.Month, "M": fetchxml.Month, "WEEK": fetchxml.Week, "WK": fetchxml.Week, "WW": fetchxml.Week,
	"DAY": fetchxml.Day, "DD": fetchxml.Day, "D": fetchxml.Day,
}

// item reads a column, an aggregate or a part of a date.
func (r *sqlReader) item(x sql.Expr) (sqlItem, error) {
	switch x := x.(type) {
	case *sql.Column:
		c, err := r.own(x)
		return sqlItem{sqlColumn: c}, err
	case *sql.Call:
		if aggregates(x) {
			return r.aggregateItem(x)
		}
		if part, column := datePart(x); column != nil {
			return r.partItem(x, part, column)
		}
		return sqlItem{}, invalid("there is no function %s here: select the column itself", x.Name)
	}
	return sqlItem{}, invalid("%s is neither a column nor an aggregate", shortened(x.String(), maxQuoted))
}

// own resolves a column of this query, not of the one around it.
func (r *sqlReader) own(x *sql.Column) (sqlColumn, error) {
	c, err := r.column(x.Table, x.Name)
	if err == nil && !slices.Contains(r.query.sources, c.source) {
		return c, invalid("%s is a column of the query around, which can only stand in the subquery's WHERE", x)
	}
	return c, err
}

func (r *sqlReader) aggregateItem(x *sql.Call) (sqlItem, error) {
	base := r.query.base()
	if one := len(x.Args) == 1; x.Star || one && !x.Distinct && x.Name == "COUNT" && isNumber(x.Args[0]) { // COUNT(1)
		if x.Name != "COUNT" {
			return sqlItem{}, invalid("%s needs a column", x.Name)
		}
		return sqlItem{sqlColumn: sqlColumn{base, base.primary()}, aggregate: fetchxml.Count, star: true}, nil
	}
	if len(x.Args) != 1 {
		return sqlItem{}, invalid("%s takes one column, not %d", x.Name, len(x.Args))
	}
	column, ok := x.Args[0].(*sql.Column)
	if !ok {
		return sqlItem{}, invalid("%s takes a column, not %s", x.Name, shortened(x.Args[0].String(), maxQuoted))
	}
	c, err := r.own(column)
	if err != nil {
		return sqlItem{}, err
	}
	item := sqlItem{sqlColumn: c, aggregate: sqlAggregates[x.Name], distinct: x.Distinct}
	number, date := c.column.Type.isNumber(), c.column.Type == DateTimeColumn
	switch item.aggregate {
	case fetchxml.Sum, fetchxml.Avg:
		if !number {
			return item, invalid("column %s: got a column of type %s, want a number or money to add up", c.column.LogicalName, c.column.Type)
		}
		if x.Distinct {
			return item, invalid("%s: every value counts as often as it is there, so leave DISTINCT out", x)
		}
	case fetchxml.Min, fetchxml.Max:
		if !number && !date {
			return item, invalid("%s is answered for numbers and dates, not for a column of type %s: write SELECT TOP 1 %s … ORDER BY %s",
				x.Name, c.column.Type, column, column)
		}
		item.distinct = false // the least of all is the least of each once
	case fetchxml.CountColumn, fetchxml.Count:
		if x.Distinct {
			r.query.beyondSQL("COUNT(DISTINCT)")
		}
	}
	return item, nil
}

// countSums asks how many values each sum has: of none the service answers 0, which is null in SQL.
func (r *sqlReader) countSums() {
	for _, item := range r.query.items {
		if item.aggregate != fetchxml.Sum {
			continue
		}
		counter := sqlItem{sqlColumn: item.sqlColumn, aggregate: fetchxml.CountColumn}
		at := slices.IndexFunc(r.query.items, counter.same)
		if at < 0 {
			at = r.hide(counter)
		}
		r.query.sums = append(r.query.sums, sqlSum{item.name, r.query.items[at].name})
	}
}

func isNumber(x sql.Expr) bool {
	l, ok := x.(*sql.Literal)
	return ok && l.Kind == sql.Number
}

// datePart reads YEAR(createdon) and DATEPART(year, createdon); the column is nil where x is something else.
func datePart(x *sql.Call) (fetchxml.DateGrouping, *sql.Column) {
	part, args := x.Name, x.Args
	if x.Name == "DATEPART" && len(args) == 2 {
		named, ok := args[0].(*sql.Column)
		if !ok {
			return "", nil
		}
		part, args = strings.ToUpper(named.Name), args[1:]
	} else if !slices.Contains([]string{"YEAR", "QUARTER", "MONTH", "WEEK", "DAY"}, x.Name) {
		return "", nil
	}
	if len(args) != 1 || x.Star || x.Distinct || sqlDateParts[part] == "" {
		return "", nil
	}
	column, _ := args[0].(*sql.Column)
	return sqlDateParts[part], column
}

func (r *sqlReader) partItem(x *sql.Call, part fetchxml.DateGrouping, column *sql.Column) (sqlItem, error) {
	c, err := r.own(column)
	if err != nil {
		return sqlItem{}, err
	}
	if c.column.Type != DateTimeColumn {
		return sqlItem{}, invalid("%s: column %s is no date but of type %s", x, c.column.LogicalName, c.column.Type)
	}
	r.query.beyondSQL("parts of dates")
	return sqlItem{sqlColumn: c, part: part}, nil
}

// groupBy adds what rows are grouped by, hidden until it is selected.
func (r *sqlReader) groupBy(by []sql.Expr) error {
	for _, x := range by {
		item, err := r.item(x)
		if err == nil {
			err = item.groups(x)
		}
		if err != nil {
			if err := r.faults.take(err); err != nil {
				return err
			}
			continue
		}
		if !slices.ContainsFunc(r.query.items, item.same) {
			at := r.hide(item)
			r.query.items[at].wire = r.itemWire(item.ownName())
		}
	}
	return nil
}

// groups refuses what the service cannot group by.
func (i sqlItem) groups(x sql.Expr) error {
	name := i.column.LogicalName
	switch t := i.column.Type; {
	case i.aggregate != "":
		return invalid("GROUP BY %s: rows are grouped by columns, not by an aggregate", x)
	case t == DateTimeColumn && i.part == "":
		return invalid("rows cannot be grouped by the date %s: write GROUP BY YEAR(%s), MONTH(%s), DAY(%s)", name, name, name, name)
	case t == MemoColumn, t == ChoicesColumn, t == ImageColumn, t == FileColumn, t == VirtualColumn:
		return invalid("column %s: rows cannot be grouped by a column of type %s", name, t)
	}
	return nil
}

// having reads HAVING. What is about the groups' columns alone is asked of rows; the rest is decided here.
func (r *sqlReader) having(ctx context.Context, x sql.Expr) error {
	if x == nil {
		return nil
	}
	if b, ok := x.(*sql.Binary); ok && b.Op == sql.And {
		if err := r.having(ctx, b.L); err != nil {
			return err
		}
		return r.having(ctx, b.R)
	}
	r.query.beyondSQL("HAVING")
	if !calls(x) {
		t, err := r.test(ctx, x, false)
		if err != nil {
			return err
		}
		for _, l := range t.leaves() {
			if l.sub != nil || l.with != nil || !slices.ContainsFunc(r.query.items, sqlItem{sqlColumn: l.on}.same) {
				return r.faults.take(invalid("HAVING %s: want an aggregate or a column of GROUP BY; put conditions on rows into WHERE", shortened(x.String(), maxQuoted)))
			}
		}
		r.query.where = allOfTests(r.query.where, t)
		return nil
	}
	t, err := r.groupTest(x, false)
	if err != nil {
		return r.faults.take(err)
	}
	if r.query.having == nil {
		r.query.having = &havingTest{}
	}
	r.query.having.parts = append(r.query.having.parts, t)
	return nil
}

// calls says whether a condition has an aggregate or another function in it.
func calls(x sql.Expr) bool {
	switch x := x.(type) {
	case *sql.Call:
		return true
	case *sql.Binary:
		return calls(x.L) || calls(x.R)
	case *sql.Not:
		return calls(x.X)
	case *sql.In:
		return calls(x.X) || slices.ContainsFunc(x.List, calls)
	case *sql.Between:
		return calls(x.X) || calls(x.Low) || calls(x.High)
	case *sql.IsNull:
		return calls(x.X)
	case *sql.Like:
		return calls(x.X)
	}
	return false
}

// groupTest reads a condition on groups, negated or not.
func (r *sqlReader) groupTest(x sql.Expr, negated bool) (havingTest, error) {
	switch x := x.(type) {
	case *sql.Not:
		return r.groupTest(x.X, !negated)
	case *sql.Binary:
		if x.Op == sql.And || x.Op == sql.Or {
			return r.bothGroups((x.Op == sql.Or) != negated, negated, x.L, x.R)
		}
		op := directed(sqlOp(x.Op), negated)
		if _, ok := x.L.(*sql.Literal); ok {
			return r.groupLeaf(x.R, op.mirrored(), x.L)
		}
		return r.groupLeaf(x.L, op, x.R)
	case *sql.Between:
		return r.bothGroups(x.Not != negated, x.Not != negated, &sql.Binary{Op: sql.Ge, L: x.X, R: x.Low}, &sql.Binary{Op: sql.Le, L: x.X, R: x.High})
	case *sql.In:
		if x.Query == nil {
			return r.groupLeaf(x.X, directed(sqlIn, x.Not != negated), x.List...)
		}
	case *sql.IsNull:
		return r.groupLeaf(x.X, directed(sqlNull, x.Not != negated))
	}
	return havingTest{}, invalid("HAVING %s: want comparisons of aggregates with numbers or dates", shortened(x.String(), maxQuoted))
}

func (r *sqlReader) bothGroups(or, negated bool, l, right sql.Expr) (havingTest, error) {
	a, err := r.groupTest(l, negated)
	if err != nil {
		return a, err
	}
	b, err := r.groupTest(right, negated)
	return havingTest{or: or, parts: []havingTest{a, b}}, err
}

func directed(op sqlOp, negated bool) sqlOp {
	if negated {
		return op.opposite()
	}
	return op
}

func (r *sqlReader) groupLeaf(x sql.Expr, op sqlOp, values ...sql.Expr) (havingTest, error) {
	item, err := r.groupItem(x)
	if err != nil {
		return havingTest{}, err
	}
	l := &havingLeaf{column: item.name, op: op}
	for _, v := range values {
		literal, ok := v.(*sql.Literal)
		if !ok && len(values) == 1 && op != sqlIn && op != sqlNotIn {
			other, err := r.groupItem(v)
			l.with = other.name
			return havingTest{leaf: l}, err
		}
		if !ok || literal.Kind == sql.Null {
			return havingTest{}, invalid("HAVING %s %s %s: want a number or a date; for no value write IS NULL", x, op, v)
		}
		n, err := r.groupValue(item, literal)
		if err != nil {
			return havingTest{}, err
		}
		l.values = append(l.values, n)
	}
	return havingTest{leaf: l}, nil
}

// groupItem finds an aggregate or a column of GROUP BY, and asks for it where it is not selected.
func (r *sqlReader) groupItem(x sql.Expr) (sqlItem, error) {
	item, err := r.item(x)
	if err != nil {
		return item, err
	}
	if t := item.kind(); t != "" && !t.isNumber() && !t.isChoice() && t != BooleanColumn && t != DateTimeColumn {
		return item, invalid("HAVING cannot compare %s, of type %s, beside an aggregate: put it into WHERE", x, t)
	}
	if at := slices.IndexFunc(r.query.items, item.same); at >= 0 {
		return r.query.items[at], nil
	}
	if item.aggregate == "" {
		return item, invalid("HAVING: %s is not in GROUP BY; put conditions on rows into WHERE", x)
	}
	return r.query.items[r.hide(item)], nil
}

func (r *sqlReader) groupValue(item sqlItem, l *sql.Literal) (*big.Rat, error) {
	text := l.Value
	if item.kind() != "" {
		v, err := r.value(item.sqlColumn, literalOf(l))
		if err != nil {
			return nil, err
		}
		text = v.text
	}
	n := momentNumber(text)
	if n == nil && !hugeExponent(text) {
		n, _ = new(big.Rat).SetString(text)
	}
	if n == nil || item.kind() == "" && l.Kind != sql.Number {
		return nil, invalid("HAVING: got %s, want a number", l)
	}
	return n, nil
}
