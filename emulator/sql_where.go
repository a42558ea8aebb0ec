package emulator

import (
	"net/http"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/fetchxml"
	"github.com/dynamics-mcp/dynamics-mcp/dataverse/sql"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// fetchOperators are the comparisons of SQL and their negations.
var fetchOperators = map[sql.Op]struct{ plain, negated, turned sql.Op }{
	sql.Eq: {sql.Eq, sql.Ne, sql.Eq}, sql.Ne: {sql.Ne, sql.Eq, sql.Ne},
	sql.Lt: {sql.Lt, sql.Ge, sql.Gt}, sql.Ge: {sql.Ge, sql.Lt, sql.Le},
	sql.Gt: {sql.Gt, sql.Le, sql.Lt}, sql.Le: {sql.Le, sql.Gt, sql.Ge},
}

var operatorNames = map[sql.Op]fetchxml.Operator{
	sql.Eq: fetchxml.Eq, sql.Ne: fetchxml.Ne, sql.Lt: fetchxml.Lt, sql.Le: fetchxml.Le, sql.Gt: fetchxml.Gt, sql.Ge: fetchxml.Ge,
}

// filter is the condition, or its negation. A row passes where SQL's three-valued logic says true: NOT goes down to the
// comparisons, and no comparison but IS NULL is true of a column without a value.
func (q *sqlQuery) filter(x sql.Expr, not bool) (fetchxml.Filter, error) {
	switch x := x.(type) {
	case *sql.Not:
		return q.filter(x.X, !not)
	case *sql.Binary:
		if x.Op != sql.And && x.Op != sql.Or {
			return q.comparison(x, not)
		}
		l, err := q.filter(x.L, not)
		if err != nil {
			return l, err
		}
		r, err := q.filter(x.R, not)
		return combined((x.Op == sql.Or) != not, l, r), err
	case *sql.IsNull:
		operator := fetchxml.Operator("null")
		if x.Not != not {
			operator = "not-null"
		}
		return q.condition(x.X, operator)
	case *sql.Like:
		return q.like(x, x.Not != not)
	case *sql.In:
		return q.in(x, x.Not != not)
	case *sql.Between:
		low := &sql.Binary{Op: sql.Ge, L: x.X, R: x.Low}
		high := &sql.Binary{Op: sql.Le, L: x.X, R: x.High}
		return q.filter(&sql.Binary{Op: sql.And, L: low, R: high}, x.Not != not)
	case *sql.Exists:
		return fetchxml.Filter{}, unsupportedSQL("EXISTS and other subqueries")
	}
	return fetchxml.Filter{}, unsupportedSQL("'" + x.String() + "' as a condition")
}

// combined joins conditions, without nesting what need not be.
func combined(or bool, parts ...fetchxml.Filter) fetchxml.Filter {
	all := fetchxml.Filter{Or: or}
	for _, p := range parts {
		if p.Or == or || len(p.Conditions) == 1 && len(p.Filters) == 0 {
			all.Conditions, all.Filters = append(all.Conditions, p.Conditions...), append(all.Filters, p.Filters...)
		} else {
			all.Filters = append(all.Filters, p)
		}
	}
	return all
}

func (q *sqlQuery) comparison(x *sql.Binary, not bool) (fetchxml.Filter, error) {
	on, with, op := x.L, x.R, x.Op
	if _, ok := on.(*sql.Literal); ok {
		on, with, op = with, on, fetchOperators[op].turned
	}
	if not {
		op = fetchOperators[op].negated
	}
	value, ok := with.(*sql.Literal)
	if _, column := on.(*sql.Column); !column || !ok {
		return fetchxml.Filter{}, unsupportedSQL("'" + x.String() + "', which does not compare a column with a value")
	}
	if value.Kind == sql.Null {
		return q.never(on)
	}
	return q.condition(on, operatorNames[op], value)
}

// condition compares a column with values.
func (q *sqlQuery) condition(x sql.Expr, operator fetchxml.Operator, values ...*sql.Literal) (fetchxml.Filter, error) {
	named, ok := x.(*sql.Column)
	if !ok {
		return fetchxml.Filter{}, unsupportedSQL("'" + x.String() + "' in a condition, which takes columns")
	}
	t, column, err := q.column(named)
	if err != nil {
		return fetchxml.Filter{}, err
	}
	c := fetchxml.Condition{Attribute: column.Logical, Operator: operator}
	if t != q.tables[0] {
		c.EntityName = t.name
	}
	for _, v := range values {
		c.Values = append(c.Values, sqlValue(column, v))
	}
	f := fetchxml.Filter{Conditions: []fetchxml.Condition{c}}
	if operator == fetchxml.Ne || strings.HasPrefix(string(operator), "not-") && operator != "not-null" {
		c.Operator, c.Values = "not-null", nil
		f.Conditions = append(f.Conditions, c)
	}
	if q.conditions += len(f.Conditions); q.conditions > fetchxml.MaxConditions {
		return f, fail(http.StatusBadRequest, codeTooManyConditions, "The SQL query has more than %d conditions.", fetchxml.MaxConditions)
	}
	return f, nil
}

// sqlValue is a literal as FetchXML writes it. T-SQL puts a space between a date and its time.
func sqlValue(on *schema.Column, v *sql.Literal) string {
	if on.Edm() == "Edm.DateTimeOffset" && v.Kind == sql.String {
		return strings.Replace(strings.TrimSpace(v.Value), " ", "T", 1)
	}
	return v.Value
}

// never is true of no row: a comparison with NULL.
func (q *sqlQuery) never(x sql.Expr) (fetchxml.Filter, error) {
	null, err := q.condition(x, "null")
	if err != nil {
		return null, err
	}
	some, err := q.condition(x, "not-null")
	return combined(false, null, some), err
}

func (q *sqlQuery) like(x *sql.Like, not bool) (fetchxml.Filter, error) {
	pattern, ok := x.Pattern.(*sql.Literal)
	switch {
	case x.Escape != "":
		return fetchxml.Filter{}, unsupportedSQL("ESCAPE: put a wildcard into brackets, as in [%]")
	case !ok || pattern.Kind != sql.String:
		return fetchxml.Filter{}, unsupportedSQL("LIKE with anything but text")
	case not:
		return q.condition(x.X, "not-like", pattern)
	}
	return q.condition(x.X, "like", pattern)
}

func (q *sqlQuery) in(x *sql.In, not bool) (fetchxml.Filter, error) {
	if x.Query != nil {
		return fetchxml.Filter{}, unsupportedSQL("IN with a subquery")
	}
	var values []*sql.Literal
	unknown := false
	for _, item := range x.List {
		value, ok := item.(*sql.Literal)
		if !ok {
			return fetchxml.Filter{}, unsupportedSQL("'" + item.String() + "' in IN, which takes values")
		}
		if value.Kind == sql.Null {
			unknown = true
			continue
		}
		values = append(values, value)
	}
	switch {
	case len(values) == 0 || not && unknown:
		return q.never(x.X)
	case not:
		return q.condition(x.X, "not-in", values...)
	}
	return q.condition(x.X, "in", values...)
}
