package dataverse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/sql"
)

// test reads a condition, negated or not.
func (r *sqlReader) test(ctx context.Context, x sql.Expr, negated bool) (sqlTest, error) {
	t, err := r.oneTest(ctx, x, negated)
	return t, r.faults.take(err)
}

func (r *sqlReader) oneTest(ctx context.Context, x sql.Expr, negated bool) (sqlTest, error) {
	switch x := x.(type) {
	case *sql.Not:
		return r.test(ctx, x.X, !negated)
	case *sql.Binary:
		if x.Op == sql.And || x.Op == sql.Or {
			return r.both(ctx, (x.Op == sql.Or) != negated, negated, x.L, x.R)
		}
		return r.compare(x, directed(sqlOp(x.Op), negated))
	case *sql.Between:
		negated = x.Not != negated
		return r.both(ctx, negated, negated, &sql.Binary{Op: sql.Ge, L: x.X, R: x.Low}, &sql.Binary{Op: sql.Le, L: x.X, R: x.High})
	case *sql.Like:
		return r.like(x, directed(sqlLike, x.Not != negated))
	case *sql.In:
		if x.Query != nil {
			return r.inQuery(ctx, x, x.Not != negated)
		}
		return r.in(x, directed(sqlIn, x.Not != negated))
	case *sql.IsNull:
		c, err := r.side(x.X)
		return sqlLeaf{on: c, op: directed(sqlNull, x.Not != negated)}.test(), err
	case *sql.Exists:
		return r.exists(ctx, x, negated)
	case *sql.Column:
		return sqlTest{}, invalid("%s is no condition: write %s = 1, or IS NOT NULL", x, x)
	}
	return sqlTest{}, invalid("%s is no condition: compare a column with something", shortened(x.String(), maxQuoted))
}

func (r *sqlReader) both(ctx context.Context, or, negated bool, l, right sql.Expr) (sqlTest, error) {
	a, err := r.test(ctx, l, negated)
	if err != nil {
		return a, err
	}
	b, err := r.test(ctx, right, negated)
	return together(or, []sqlTest{a, b}), err
}

// side resolves what is compared: a column. Text is compared without regard to case, so UPPER and LOWER say nothing.
func (r *sqlReader) side(x sql.Expr) (sqlColumn, error) {
	switch x := x.(type) {
	case *sql.Column:
		return r.column(x.Table, x.Name)
	case *sql.Call:
		if (x.Name == "UPPER" || x.Name == "LOWER") && len(x.Args) == 1 {
			return r.side(x.Args[0])
		}
		if aggregates(x) {
			return sqlColumn{}, invalid("%s cannot stand in WHERE: put it into HAVING", x)
		}
		if _, column := datePart(x); column != nil {
			return sqlColumn{}, invalid("%s cannot stand in WHERE: write %s >= '2026-01-01' AND %s < '2027-01-01'", x, column, column)
		}
		if slices.Contains([]string{"GETDATE", "GETUTCDATE", "SYSDATETIME", "SYSUTCDATETIME", "NOW", "DATEADD", "CURRENT_TIMESTAMP"}, x.Name) {
			return sqlColumn{}, invalid("%s is not known here: write the date itself, such as '2026-05-01'", x.Name)
		}
		return sqlColumn{}, invalid("there is no function %s in conditions: compare the column itself", x.Name)
	case *sql.Subquery:
		return sqlColumn{}, invalid("a subquery cannot be compared with a value: write IN (SELECT …) or EXISTS, or send it first")
	}
	return sqlColumn{}, invalid("%s cannot be compared: want a column", shortened(x.String(), maxQuoted))
}

func (r *sqlReader) compare(b *sql.Binary, op sqlOp) (sqlTest, error) {
	left, right := b.L, b.R
	if _, ok := left.(*sql.Literal); ok {
		left, right, op = right, left, op.mirrored()
	}
	if l, ok := left.(*sql.Literal); ok {
		return sqlTest{}, invalid("%s %s %s compares no column: leave it out", right, op, l)
	}
	on, err := r.side(left)
	if err != nil {
		return sqlTest{}, err
	}
	if l, ok := right.(*sql.Literal); ok {
		if l.Kind == sql.Null {
			return sqlTest{}, invalid("nothing is equal to or other than NULL: write %s IS NULL or IS NOT NULL", left)
		}
		v, err := r.value(on, literalOf(l))
		return sqlLeaf{on: on, op: op, values: []sqlValue{v}}.test(), err
	}
	with, err := r.side(right)
	if err != nil {
		if c, ok := right.(*sql.Column); ok && c.Table == "" {
			hint(err, fmt.Sprintf("; if it is text or a label, write '%s'", shortened(c.Name, maxQuoted)))
		}
		return sqlTest{}, err
	}
	if a, b := comparedAs(on.column), comparedAs(with.column); a != b || a == "" {
		return sqlTest{}, invalid("%s and %s are of types %s and %s, which cannot be compared", left, right, on.column.Type, with.column.Type)
	}
	if slices.Contains(r.query.sources, on.source) && slices.Contains(r.query.sources, with.source) && (op != sqlEq || on.source == with.source) {
		r.query.beyondSQL("comparing columns")
	}
	return sqlLeaf{on: on, op: op, with: &with}.test(), nil
}

// hint adds what to write instead to an error made here.
func hint(err error, more string) {
	if e, ok := errors.AsType[*Error](err); ok {
		e.Message += more
	}
}

// comparedAs is what columns must share to be compared with one another; "" for those that cannot be.
func comparedAs(c *Column) string {
	switch {
	case c.Type.isNumber(), c.Type.isChoice():
		return "number"
	case c.Type.isLookup(), c.Type == GUIDColumn:
		return "id"
	case c.Type == StringColumn, c.Type == MemoColumn, c.Type == EntityNameColumn:
		return "text"
	case c.Type == BooleanColumn, c.Type == DateTimeColumn:
		return string(c.Type) + c.Behavior
	}
	return ""
}

func (r *sqlReader) like(x *sql.Like, op sqlOp) (sqlTest, error) {
	on, err := r.side(x.X)
	if err != nil {
		return sqlTest{}, err
	}
	if on.column.Type != StringColumn && on.column.Type != MemoColumn {
		return sqlTest{}, invalid("column %s: LIKE is for text, not for a column of type %s: write =, <, > or IN", on.column.LogicalName, on.column.Type)
	}
	pattern, ok := x.Pattern.(*sql.Literal)
	if !ok || pattern.Kind != sql.String {
		return sqlTest{}, invalid("column %s: LIKE wants a pattern in quotes, not %s", on.column.LogicalName, x.Pattern)
	}
	text := pattern.Value
	if x.Escape != "" {
		if text, err = unescaped(text, x.Escape); err != nil {
			return sqlTest{}, err
		}
	}
	v, err := r.value(on, literalOf(&sql.Literal{Kind: sql.String, Value: text}))
	return sqlLeaf{on: on, op: op, values: []sqlValue{v}}.test(), err
}

// unescaped writes a pattern without ESCAPE: what stood behind the escape is put into brackets.
func unescaped(pattern, escape string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		if !strings.HasPrefix(pattern[i:], escape) {
			b.WriteByte(pattern[i])
			continue
		}
		i += len(escape)
		if i >= len(pattern) {
			return "", invalid("the pattern %s ends in its escape character", quoted(pattern))
		}
		if strings.ContainsRune("%_[", rune(pattern[i])) {
			b.WriteString("[" + pattern[i:i+1] + "]")
		} else {
			b.WriteByte(pattern[i])
		}
	}
	return b.String(), nil
}

func (r *sqlReader) in(x *sql.In, op sqlOp) (sqlTest, error) {
	on, err := r.side(x.X)
	if err != nil {
		return sqlTest{}, err
	}
	l := sqlLeaf{on: on, op: op}
	for _, item := range x.List {
		literal, ok := item.(*sql.Literal)
		switch {
		case !ok:
			return sqlTest{}, invalid("IN wants values, not %s: write = … OR = …", shortened(item.String(), maxQuoted))
		case literal.Kind == sql.Null && op == sqlNotIn: // nothing is known to be other than NULL
			return sqlTest{or: true}, nil
		case literal.Kind == sql.Null:
			continue
		}
		v, err := r.value(on, literalOf(literal))
		if err != nil {
			return sqlTest{}, err
		}
		l.values = append(l.values, v)
	}
	if len(l.values) == 0 {
		return sqlTest{or: true}, nil
	}
	return l.test(), nil
}

// inQuery reads x IN (SELECT y …).
func (r *sqlReader) inQuery(ctx context.Context, x *sql.In, negated bool) (sqlTest, error) {
	on, err := r.side(x.X)
	if err != nil {
		return sqlTest{}, err
	}
	in, err := r.subquery(ctx, x.Query)
	if err != nil || len(r.faults.list) > 0 {
		return sqlTest{}, err
	}
	var column *sql.Column
	if len(x.Query.Items) == 1 {
		column, _ = x.Query.Items[0].X.(*sql.Column)
	}
	if column == nil {
		return sqlTest{}, invalid("a subquery of IN must select one column")
	}
	from, err := in.own(column)
	if err != nil {
		return sqlTest{}, err
	}
	if comparedAs(on.column) != comparedAs(from.column) || comparedAs(on.column) == "" {
		return sqlTest{}, invalid("%s and %s are of types %s and %s, which cannot be compared", x.X, column, on.column.Type, from.column.Type)
	}
	if negated {
		if !in.query.requires(from) {
			return sqlTest{}, invalid("NOT IN is true of no row where the subquery finds a %s without a value: add WHERE %s IS NOT NULL to it, or write NOT EXISTS", column, column)
		}
		r.notIn = append(r.notIn, on)
	}
	return r.related(in, from, on, negated)
}

// exists reads EXISTS (SELECT … WHERE y = x …), where x is a column of the query around.
func (r *sqlReader) exists(ctx context.Context, x *sql.Exists, negated bool) (sqlTest, error) {
	in, err := r.subquery(ctx, x.Query)
	if err != nil || len(r.faults.list) > 0 {
		return sqlTest{}, err
	}
	rest := slices.Clone(in.query.where.conjuncts())
	pair := slices.IndexFunc(rest, func(t sqlTest) bool {
		l := t.leaf
		return l != nil && l.op == sqlEq && l.with != nil && slices.Contains(in.query.sources, l.on.source) != slices.Contains(in.query.sources, l.with.source)
	})
	if pair < 0 {
		return sqlTest{}, invalid("a subquery of EXISTS must say how its rows belong to those around it: WHERE %s.column = outer.column", in.query.base().alias)
	}
	from, to := rest[pair].leaf.on, *rest[pair].leaf.with
	if !slices.Contains(in.query.sources, from.source) {
		from, to = to, from
	}
	in.query.where = allOfTests(slices.Delete(rest, pair, pair+1)...)
	return r.related(in, from, to, negated)
}

// subquery reads the tables and conditions of a subquery.
func (r *sqlReader) subquery(ctx context.Context, s *sql.Select) (*sqlReader, error) {
	in := &sqlReader{client: r.client, query: &sqlQuery{take: -1}, outer: r, wires: r.wires, faults: r.faults}
	r.query.beyondSQL("subqueries")
	grouped := len(s.GroupBy) > 0 || s.Having != nil || slices.ContainsFunc(s.Items, func(i sql.Item) bool { return aggregates(i.X) })
	if grouped || s.Top != nil || s.Offset != nil {
		return in, invalid("a subquery can have no aggregates, GROUP BY, TOP or OFFSET: send it first, and put what it finds into IN (…)")
	}
	if err := in.tables(ctx, s); err != nil {
		return in, err
	}
	return in, in.filter(ctx, s.Where)
}

// related joins a subquery with the rows around it by one pair of columns.
func (r *sqlReader) related(in *sqlReader, from, to sqlColumn, negated bool) (sqlTest, error) {
	if from.source != in.query.base() {
		return sqlTest{}, invalid("begin FROM of the subquery with %s, whose column %s is compared with the rows around", from.source.alias, from.column.LogicalName)
	}
	if !slices.Contains(r.query.sources, to.source) {
		return sqlTest{}, invalid("a subquery can only be about the query just around it, and %s is further out", to.source.alias)
	}
	for _, l := range in.query.allLeaves() {
		for _, c := range l.columns() {
			if !slices.Contains(in.query.sources, c.source) {
				return sqlTest{}, invalid("a subquery can be joined with the rows around it by one = alone, which is %s = %s here: %s.%s is one too many",
					from.column.LogicalName, to.column.LogicalName, c.source.alias, c.column.LogicalName)
			}
		}
	}
	op := directed(sqlExists, negated)
	return sqlLeaf{op: op, sub: &sqlRelated{in.query, from.column, to}}.test(), nil
}

// allLeaves are the comparisons of a query, outside of its subqueries.
func (q *sqlQuery) allLeaves() []*sqlLeaf {
	all := q.where.leaves()
	for _, s := range q.sources {
		for _, t := range s.on {
			all = append(all, t.leaves()...)
		}
	}
	return all
}

// columns are those that the comparison names.
func (l *sqlLeaf) columns() []sqlColumn {
	switch {
	case l.sub != nil:
		return []sqlColumn{l.sub.to}
	case l.with != nil:
		return []sqlColumn{l.on, *l.with}
	}
	return []sqlColumn{l.on}
}
