package dataverse

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
)

// scope is what names in an expression may mean: columns of table, and variables of the lambdas around it.
type scope struct {
	table *Table
	vars  map[string]*Table
}

// filter returns x with every name and value in the service's words.
func (tr *translator) filter(ctx context.Context, t *Table, x odata.Expr) (odata.Expr, error) {
	return tr.expr(ctx, scope{table: t}, x)
}

func (tr *translator) expr(ctx context.Context, s scope, x odata.Expr) (odata.Expr, error) {
	switch x := x.(type) {
	case *odata.Path:
		p, _, err := tr.side(ctx, s, x)
		return p, err
	case *odata.Unary:
		inner, err := tr.expr(ctx, s, x.X)
		return &odata.Unary{Op: x.Op, X: inner}, err
	case *odata.Binary:
		return tr.binary(ctx, s, x)
	case *odata.Call:
		if plain := caseless(x); plain != odata.Expr(x) {
			return tr.expr(ctx, s, plain)
		}
		return tr.call(ctx, s, x)
	case *odata.Lambda:
		return tr.lambda(ctx, s, x)
	case *odata.Alias: // the service would take it for null
		return x, tr.faults.take(invalid("filter: @%s has no value here, write the value itself", x.Name))
	}
	return x, nil
}

// spot is where a path ends: a column of a table, and the steps to that table.
type spot struct {
	table  *Table
	column *Column
	before []string
}

// path is how a filter names the column.
func (s *spot) path() string {
	return strings.Join(append(slices.Clone(s.before), s.column.LogicalName), "/")
}

// path resolves the steps of p from table to table. The spot is nil where the last step is no known column.
func (tr *translator) path(ctx context.Context, s scope, p *odata.Path) (_ *odata.Path, _ *spot, err error) {
	t, steps := s.table, slices.Clone(p.Segments)
	i := 0
	if v, ok := s.vars[steps[0]]; ok {
		t, i = v, 1
	}
	for ; i < len(steps); i++ {
		if strings.HasPrefix(steps[i], "$") || strings.Contains(steps[i], ".") { // $count, a type cast
			continue
		}
		if i == len(steps)-1 {
			c, err := t.readable(steps[i])
			if err != nil {
				if nav, ok := t.navigation(steps[i]); ok && nav.collection {
					err = anyOrNone(nav)
				}
				return nil, nil, err
			}
			steps[i] = c.property()
			return &odata.Path{Segments: steps}, &spot{t, c, steps[:i]}, nil
		}
		nav, ok := t.navigation(steps[i])
		if !ok || nav.target == abstractOwner && !strings.EqualFold(steps[i+1], "ownerid") {
			return nil, nil, tr.noRoad(ctx, t, steps[:i], steps[i], steps[i+1])
		}
		steps[i] = nav.name
		if nav.collection && strings.HasPrefix(steps[i+1], "$") { // the service counts no rows in a filter
			return nil, nil, anyOrNone(nav)
		}
		if nav.collection {
			return nil, nil, invalid("filter: %s holds many rows, write %s/any(x:x/%s …)", nav.name, nav.name, shortened(strings.Join(steps[i+1:], "/"), maxQuoted))
		}
		if t, err = tr.target(ctx, nav); err != nil || t == nil {
			return &odata.Path{Segments: steps}, nil, err
		}
	}
	return &odata.Path{Segments: steps}, nil, nil
}

// anyOrNone is the error of a filter that asks how many rows are behind nav.
func anyOrNone(nav navigation) error {
	return invalid("%s holds many rows: write %s/any() for one or more of them, not %s/any() for none", nav.name, nav.name, nav.name)
}

// readable finds a column that rows can be read and compared by.
func (t *Table) readable(name string) (*Column, error) {
	c, ok := t.Column(name)
	switch {
	case !ok:
		return nil, unknownColumn(t, name)
	case c.Type == PartyListColumn:
		return nil, t.partyHint(c)
	case !c.Read:
		return nil, invalid("column %s of table %s cannot be read", c.LogicalName, t.LogicalName)
	}
	return c, nil
}

// binary translates both sides. A literal opposite a column is brought into the form that the column wants.
func (tr *translator) binary(ctx context.Context, s scope, b *odata.Binary) (odata.Expr, error) {
	left, leftSpot, err := tr.side(ctx, s, b.L)
	if err != nil {
		return nil, err
	}
	right, rightSpot, err := tr.side(ctx, s, b.R)
	if err != nil {
		return nil, err
	}
	if p, ok := b.R.(*odata.Path); ok && leftSpot != nil && rightSpot == nil && len(p.Segments) == 1 {
		tr.faults.hint(unknownColumn(s.table, p.Segments[0]).Message, "; "+bareWord(leftSpot, p.Segments[0]))
	}
	if right, err = tr.opposite(ctx, leftSpot, right); err != nil {
		return nil, err
	}
	if left, err = tr.opposite(ctx, rightSpot, left); err != nil {
		return nil, err
	}
	if err := tr.faults.take(cmp.Or(wholeDay(b.Op, leftSpot, right), wholeDay(b.Op, rightSpot, left))); err != nil {
		return nil, err
	}
	if list, ok := right.(*odata.List); ok && b.Op == odata.In {
		return anyOf(left, list), nil
	}
	return &odata.Binary{Op: b.Op, L: left, R: right}, nil
}

// wholeDay refuses to look for a day among moments: it stands for its midnight, so that no row would match, which looks
// like an answer.
func wholeDay(op odata.Op, at *spot, x odata.Expr) error {
	if list, ok := x.(*odata.List); ok {
		for _, item := range list.Items {
			if err := wholeDay(op, at, item); err != nil {
				return err
			}
		}
	}
	day, ok := x.(*odata.Literal)
	if !ok || day.Kind != odata.Date || at == nil || !at.column.holdsMoments() || op != odata.Eq && op != odata.Ne && op != odata.In {
		return nil
	}
	path := at.path()
	write := path + " ge " + day.Value + " and " + path + " lt the day after"
	if len(at.before) == 0 {
		write = queryPrefix + "On(PropertyName='" + path + "',PropertyValue='" + day.Value + "')"
	}
	if op == odata.Ne {
		write = "not (" + write + ")"
	}
	return invalid("column %s holds moments, and a day alone is its midnight UTC; write %s", at.column.LogicalName, write)
}

// holdsMoments tells moments from days. A column that only shows the day may hold moments too: midnights of its users.
func (c *Column) holdsMoments() bool {
	return c.Type == DateTimeColumn && c.Behavior != "DateOnly"
}

// opposite brings x into the form of the column that it is compared with.
func (tr *translator) opposite(ctx context.Context, at *spot, x odata.Expr) (odata.Expr, error) {
	if at == nil {
		return x, nil
	}
	out, err := literals(at.column, x)
	if err == nil && at.column.Type == EntityNameColumn {
		err = tr.knownTables(ctx, at.column, out)
	}
	if word, ok := x.(*odata.Literal); ok && err != nil && caller(at, word.Value) != "" {
		return x, tr.faults.take(invalid("column %s: got %s, %s", at.column.LogicalName, quoted(word.Value), caller(at, word.Value)))
	}
	if err != nil {
		return x, tr.faults.take(tr.withRoads(ctx, at, err))
	}
	return out, nil
}

func (tr *translator) side(ctx context.Context, s scope, x odata.Expr) (odata.Expr, *spot, error) {
	if p, ok := caseless(x).(*odata.Path); ok {
		out, at, err := tr.path(ctx, s, p)
		if err != nil {
			return p, nil, tr.faults.take(err)
		}
		return out, at, nil
	}
	x, err := tr.expr(ctx, s, x)
	return x, nil, err
}

// caseless takes tolower and toupper off: Dataverse has neither, and compares text without regard to case.
func caseless(x odata.Expr) odata.Expr {
	if c, ok := x.(*odata.Call); ok && (c.Name == "tolower" || c.Name == "toupper") && len(c.Args) == 1 && len(c.On) == 0 {
		return caseless(c.Args[0].Value)
	}
	return x
}

// anyOf writes in as or: Dataverse has no in.
func anyOf(left odata.Expr, list *odata.List) odata.Expr {
	var any odata.Expr
	for _, item := range list.Items {
		eq := &odata.Binary{Op: odata.Eq, L: left, R: item}
		if any == nil {
			any = eq
		} else {
			any = &odata.Binary{Op: odata.Or, L: any, R: eq}
		}
	}
	if any == nil { // in () holds for no row
		return &odata.Binary{Op: odata.In, L: left, R: list}
	}
	return any
}

// lambda resolves the collection and binds its variable to the table that it leads to.
func (tr *translator) lambda(ctx context.Context, s scope, l *odata.Lambda) (odata.Expr, error) {
	t, steps := s.table, slices.Clone(l.Path)
	start := 0
	if v, ok := s.vars[steps[0]]; ok {
		t, start = v, 1
	}
	for i := start; i < len(steps); i++ {
		nav, ok := t.navigation(steps[i])
		if !ok {
			return l, tr.faults.take(unknownNavigation(t, steps[i]))
		}
		steps[i] = nav.name
		next, err := tr.client.describe(ctx, nav.target)
		if err != nil {
			return nil, err
		}
		t = next
	}
	out := &odata.Lambda{Path: steps, All: l.All, Var: l.Var}
	if l.Body == nil {
		return out, nil
	}
	inner := scope{table: s.table, vars: map[string]*Table{l.Var: t}}
	for name, table := range s.vars {
		if _, taken := inner.vars[name]; !taken {
			inner.vars[name] = table
		}
	}
	body, err := tr.expr(ctx, inner, l.Body)
	out.Body = body
	return out, err
}
