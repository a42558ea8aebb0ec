package emulator

import (
	"fmt"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// condition compiles a $filter over the rows of a table that the surrounding SELECT knows as alias. Lookup paths become
// scalar subqueries and lambdas EXISTS, so the condition needs no joins.
func (c *call) condition(t *schema.Table, alias string, e odata.Expr) (fragment, error) {
	f := filter{call: c, row: scope{t, alias}}
	return f.boolean(e, false)
}

// filter compiles one expression.
type filter struct {
	*call
	row        scope            // what a path without variable starts from
	vars       map[string]scope // lambda variables
	subqueries int              // aliases given out
	conditions int
}

// scope is a row that paths start from.
type scope struct {
	table *schema.Table
	alias string
}

// maxConditions is the platform's limit for one query.
const maxConditions = 500

func unsupportedNode(node string) *Error {
	return badRequest("The query node %s is not supported", node)
}

// boolean compiles an expression that is true or false. With negate it compiles the opposite: the platform pushes not
// down to the conditions, where ne and "does not contain" keep the rows without a value.
func (f *filter) boolean(e odata.Expr, negate bool) (fragment, error) {
	switch e := e.(type) {
	case *odata.Binary:
		switch e.Op {
		case odata.And, odata.Or:
			return f.logical(e, negate)
		case odata.Eq, odata.Ne, odata.Gt, odata.Ge, odata.Lt, odata.Le:
			return f.comparison(e, negate)
		case odata.In:
			return fragment{}, unsupportedNode("In")
		case odata.Has:
			return fragment{}, unsupportedNode("BinaryOperator")
		}
		return fragment{}, badRequest("The $filter expression must evaluate to a single boolean value.")
	case *odata.Unary:
		if e.Op == odata.Not {
			return f.boolean(e.X, !negate)
		}
	case *odata.Call:
		return f.function(e, negate)
	case *odata.Lambda:
		return f.lambda(e, negate)
	case *odata.Path:
		return f.flag(e, negate)
	}
	return fragment{}, badRequest("The $filter expression must evaluate to a single boolean value.")
}

func (f *filter) logical(e *odata.Binary, negate bool) (fragment, error) {
	l, err := f.boolean(e.L, negate)
	if err != nil {
		return fragment{}, err
	}
	r, err := f.boolean(e.R, negate)
	if err != nil {
		return fragment{}, err
	}
	sep := " AND "
	if (e.Op == odata.Or) != negate {
		sep = " OR "
	}
	return concat("(", l, sep, r, ")"), nil
}

// flag is a yes/no column standing alone.
func (f *filter) flag(e *odata.Path, negate bool) (fragment, error) {
	o, err := f.operand(e)
	if err != nil {
		return fragment{}, err
	}
	if o.edm != "Edm.Boolean" {
		return fragment{}, badRequest("The $filter expression must evaluate to a single boolean value.")
	}
	want := 1
	if negate {
		want = 0
	}
	return concat(o.fragment, fmt.Sprintf(" = %d", want)), f.count()
}

func (f *filter) count() error {
	f.conditions++
	if f.conditions > maxConditions {
		return fail(400, "0x8004430c", "Number of conditions in query exceeded maximum limit.")
	}
	return nil
}

var opposites = map[odata.Op]odata.Op{
	odata.Eq: odata.Ne, odata.Ne: odata.Eq, odata.Gt: odata.Le, odata.Le: odata.Gt, odata.Lt: odata.Ge, odata.Ge: odata.Lt,
}

var mirrored = map[odata.Op]odata.Op{
	odata.Eq: odata.Eq, odata.Ne: odata.Ne, odata.Gt: odata.Lt, odata.Lt: odata.Gt, odata.Ge: odata.Le, odata.Le: odata.Ge,
}

var sqlOperators = map[odata.Op]string{odata.Eq: "=", odata.Gt: ">", odata.Ge: ">=", odata.Lt: "<", odata.Le: "<="}

var operatorKinds = map[odata.Op]string{
	odata.Eq: "Equal", odata.Ne: "NotEqual", odata.Gt: "GreaterThan", odata.Ge: "GreaterThanOrEqual",
	odata.Lt: "LessThan", odata.Le: "LessThanOrEqual",
}

func (f *filter) comparison(e *odata.Binary, negate bool) (fragment, error) {
	l, err := f.operand(e.L)
	if err != nil {
		return fragment{}, err
	}
	r, err := f.operand(e.R)
	if err != nil {
		return fragment{}, err
	}
	if err := f.count(); err != nil {
		return fragment{}, err
	}
	op := e.Op
	if negate {
		op = opposites[op]
	}
	return compared(l, op, r)
}

// compared compiles a comparison of a column with a constant or another column.
func compared(l operand, op odata.Op, r operand) (_ fragment, err error) {
	if l.literal && !r.literal {
		l, r, op = r, l, mirrored[op]
	}
	if l.literal {
		return fragment{}, unsupportedNode("Constant")
	}
	if r.edm == "" {
		return nullCheck(l, op)
	}
	if r, err = r.as(l, op); err != nil {
		return fragment{}, err
	}
	if op != odata.Ne {
		return concat(l.fragment, " "+sqlOperators[op]+" ", r.fragment), nil
	}
	if r.literal {
		return concat(l.fragment, " IS NOT ", r.fragment), nil // ne keeps the rows without a value
	}
	return concat("(", l.fragment, " <> ", r.fragment, " OR ", l.fragment, " IS NULL)"), nil
}

func nullCheck(l operand, op odata.Op) (fragment, error) {
	switch op {
	case odata.Eq:
		return concat(l.fragment, " IS NULL"), nil
	case odata.Ne:
		return concat(l.fragment, " IS NOT NULL"), nil
	}
	return fragment{sql: "0"}, nil // nothing is greater or less than null
}

// lambda compiles any and all over a collection.
func (f *filter) lambda(e *odata.Lambda, negate bool) (fragment, error) {
	from, path := f.start(e.Path)
	if len(path) != 1 {
		return fragment{}, unsupportedNode("CollectionNavigationNode")
	}
	nav, ok := from.table.Nav(path[0])
	if !ok || nav.One != nil {
		return fragment{}, noSuchProperty(path[0], from.table.Logical)
	}
	item := scope{f.schema.Table(relatedTable(nav)), f.alias()}
	if err := unjoined(from.table, item.table); err != nil {
		return fragment{}, err
	}
	exists := concat("EXISTS (SELECT 1 FROM ", collectionFrom(nav, from, item))
	if e.Body != nil {
		inner := filter{call: f.call, row: f.row, vars: map[string]scope{e.Var: item}, subqueries: f.subqueries, conditions: f.conditions}
		for name, s := range f.vars {
			if name != e.Var {
				inner.vars[name] = s
			}
		}
		body, err := inner.boolean(e.Body, false)
		if err != nil {
			return fragment{}, err
		}
		f.subqueries, f.conditions = inner.subqueries, inner.conditions
		if e.All {
			body = concat("(", body, ") IS NOT TRUE")
		}
		exists = concat(exists, " AND (", body, ")")
	}
	if e.All != negate {
		return concat("NOT ", exists, ")"), nil
	}
	return concat(exists, ")"), nil
}

// collectionFrom is the FROM and WHERE that reach the items of a collection from a row.
func collectionFrom(nav schema.Nav, from, item scope) fragment {
	items := store.Quote(item.table.Logical) + " AS " + store.Quote(item.alias)
	if r := nav.Many; r != nil {
		return concat(items, " WHERE ", columnOf(item.alias, r.Attribute), " = ", columnOf(from.alias, r.ReferencedAttribute))
	}
	near, far := ends(nav)
	pair := item.alias + "_pair"
	return concat(store.Quote(nav.Across.Intersect)+" AS "+store.Quote(pair)+" JOIN "+items+" ON ",
		columnOf(item.alias, item.table.PrimaryID), " = ", columnOf(pair, far),
		" WHERE ", columnOf(pair, near), " = ", columnOf(from.alias, from.table.PrimaryID))
}

// start finds what a path begins with: a lambda variable, $it or the row of the query.
func (f *filter) start(path []string) (scope, []string) {
	if s, ok := f.vars[path[0]]; ok {
		return s, path[1:]
	}
	if path[0] == "$it" {
		return f.row, path[1:]
	}
	return f.row, path
}

func (f *filter) alias() string {
	f.subqueries++
	return fmt.Sprintf("%s_%d", strings.TrimRight(f.row.alias, "0123456789_"), f.subqueries)
}
