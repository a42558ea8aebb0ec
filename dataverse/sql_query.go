package dataverse

import (
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/fetchxml"
	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
)

// sqlQuery is a SELECT with every name resolved. It can be put into FetchXML, and as a rule into the SQL of the service.
type sqlQuery struct {
	sources   []*sqlSource // the first is the one that others join
	items     []sqlItem
	shown     []string // names of the items that rows have, in their order
	where     sqlTest
	orders    []sqlOrder
	sums      []sqlSum
	having    *havingTest // nil: all groups
	distinct  bool
	aggregate bool
	skip      int
	take      int // -1: no limit
	// beyond says why the service's SQL does not do for the query; "" where it does.
	beyond string
}

func (q *sqlQuery) base() *sqlSource { return q.sources[0] }

// beyondSQL notes what the service's SQL does not have.
func (q *sqlQuery) beyondSQL(what string) {
	if q.beyond == "" {
		q.beyond = what
	}
}

// sqlSource is a table that a query reads.
type sqlSource struct {
	table  *Table
	alias  string // what the query calls it
	wire   string // what it is called on the wire: unique, letters and digits
	parent *sqlSource
	outer  bool
	from   *Column   // of table
	to     *Column   // of parent
	on     []sqlTest // further conditions of an outer join, about this table alone
}

// makeInner turns the outer joins that lead to s into inner ones: what s joins by then may not be null.
func (s *sqlSource) makeInner() {
	for ; s != nil; s = s.parent {
		s.outer = false
	}
}

// makeInner turns those outer joins into inner ones whose rows without a match pass no condition: only that of an inner
// join can stand beside its table.
func (q *sqlQuery) makeInner() {
	for _, t := range q.where.conjuncts() {
		if t.leaf == nil || t.leaf.op == sqlNull || t.leaf.op == sqlNotExists {
			continue
		}
		for _, c := range t.leaf.columns() {
			if slices.Contains(q.sources, c.source) {
				c.source.makeInner()
			}
		}
	}
}

// inner says whether every row of the answer has a row of s.
func (s *sqlSource) inner() bool {
	for ; s != nil; s = s.parent {
		if s.outer {
			return false
		}
	}
	return true
}

// sqlColumn is a column of one of the tables.
type sqlColumn struct {
	source *sqlSource
	column *Column
}

// sqlItem is a column of the answer.
type sqlItem struct {
	sqlColumn
	name      string // what rows call it
	wire      string // what the answer calls it
	plain     bool   // the answer calls it as the column
	aggregate fetchxml.Aggregate
	distinct  bool
	part      fetchxml.DateGrouping
	hidden    bool // needed for an order or HAVING alone
	star      bool // COUNT(*)
}

// kind is the type of its values; "" for numbers that are no column's.
func (i sqlItem) kind() ColumnType {
	if i.part != "" || i.aggregate == fetchxml.Count || i.aggregate == fetchxml.CountColumn {
		return ""
	}
	return i.column.Type
}

// same says whether two items hold the same, whatever they are called.
func (i sqlItem) same(o sqlItem) bool {
	return i.sqlColumn == o.sqlColumn && i.aggregate == o.aggregate && i.distinct == o.distinct && i.part == o.part && i.star == o.star
}

// sqlSum is the name of a sum, with that of the number of its values.
type sqlSum struct{ sum, count string }

type sqlOrder struct {
	item       sqlItem // of an aggregate query; else a column alone
	descending bool
}

// sqlTest is a condition in which negations have been carried inwards to the comparisons. A row passes where it is true,
// and a comparison with null is not, so "and" and "or" are all that it takes.
type sqlTest struct {
	or    bool
	parts []sqlTest // none: all rows pass, or with or none does
	leaf  *sqlLeaf  // then there are no parts
}

// sqlLeaf is a comparison, which is never true of null but for IS NULL.
type sqlLeaf struct {
	on     sqlColumn
	op     sqlOp
	values []sqlValue
	with   *sqlColumn  // compare with a column instead
	sub    *sqlRelated // of sqlExists and sqlNotExists, which have no on
}

// sqlRelated is a subquery: rows of its first table whose column from has the value of to in the row around.
type sqlRelated struct {
	query *sqlQuery
	from  *Column
	to    sqlColumn
}

type sqlOp string

const (
	sqlEq        sqlOp = "="
	sqlNe        sqlOp = "<>"
	sqlLt        sqlOp = "<"
	sqlLe        sqlOp = "<="
	sqlGt        sqlOp = ">"
	sqlGe        sqlOp = ">="
	sqlLike      sqlOp = "LIKE"
	sqlNotLike   sqlOp = "NOT LIKE"
	sqlIn        sqlOp = "IN"
	sqlNotIn     sqlOp = "NOT IN"
	sqlNull      sqlOp = "IS NULL"
	sqlNotNull   sqlOp = "IS NOT NULL"
	sqlExists    sqlOp = "EXISTS"
	sqlNotExists sqlOp = "NOT EXISTS"
)

// opposite is the comparison that is true where op is false: where either is null, neither is true.
func (op sqlOp) opposite() sqlOp {
	pairs := [][2]sqlOp{{sqlEq, sqlNe}, {sqlLt, sqlGe}, {sqlGt, sqlLe}, {sqlLike, sqlNotLike}, {sqlIn, sqlNotIn},
		{sqlNull, sqlNotNull}, {sqlExists, sqlNotExists}}
	for _, p := range pairs {
		if p[0] == op {
			return p[1]
		}
		if p[1] == op {
			return p[0]
		}
	}
	return op
}

// mirrored is the comparison with its sides exchanged.
func (op sqlOp) mirrored() sqlOp {
	switch op {
	case sqlLt:
		return sqlGt
	case sqlGt:
		return sqlLt
	case sqlLe:
		return sqlGe
	case sqlGe:
		return sqlLe
	}
	return op
}

// sqlValue is a literal in the form that its column wants.
type sqlValue struct {
	kind odata.LiteralKind
	text string
}

// moment writes days as moments, where the column holds those: FetchXML takes a day for that of the user's zone.
func (v sqlValue) moment(c *Column) (sqlValue, error) {
	if c.Type != DateTimeColumn {
		return v, nil
	}
	at, err := parseTime(v.text)
	if err != nil {
		return v, wrongType(c, v.text, wantOf(c, v.text))
	}
	if c.Behavior == "DateOnly" {
		day, ok := dayOf(at)
		if !ok {
			return v, wrongType(c, v.text, wantDay)
		}
		return sqlValue{odata.Date, day}, nil
	}
	return sqlValue{odata.DateTime, at.UTC().Format("2006-01-02T15:04:05.999999999Z07:00")}, nil
}

// allOfTests is true where all tests are.
func allOfTests(tests ...sqlTest) sqlTest { return together(false, tests) }

// together joins tests by and or by or, and leaves out what decides nothing.
func together(or bool, tests []sqlTest) sqlTest {
	out := sqlTest{or: or}
	for _, t := range tests {
		switch {
		case t.leaf == nil && t.or == or: // also what adds nothing
			out.parts = append(out.parts, t.parts...)
		case t.leaf == nil && len(t.parts) == 0: // decides it
			return t
		default:
			out.parts = append(out.parts, t)
		}
	}
	if len(out.parts) == 1 {
		return out.parts[0]
	}
	return out
}

func (l sqlLeaf) test() sqlTest { return sqlTest{leaf: &l} }

// conjuncts are the tests that all have to be true.
func (t sqlTest) conjuncts() []sqlTest {
	if t.leaf == nil && !t.or {
		return t.parts
	}
	return []sqlTest{t}
}

// leaves are all comparisons in t.
func (t sqlTest) leaves() []*sqlLeaf {
	if t.leaf != nil {
		return []*sqlLeaf{t.leaf}
	}
	var all []*sqlLeaf
	for _, part := range t.parts {
		all = append(all, part.leaves()...)
	}
	return all
}

// requires says whether a row passes only where the column has a value.
func (t sqlTest) requires(c sqlColumn) bool {
	return slices.ContainsFunc(t.conjuncts(), func(t sqlTest) bool {
		return t.leaf != nil && t.leaf.sub == nil && t.leaf.op != sqlNull && (t.leaf.on == c || t.leaf.with != nil && *t.leaf.with == c)
	})
}

// folded is how names are compared that SQL does not tell apart.
func folded(name string) string { return strings.ToLower(name) }
