package dataverse

import (
	"context"
	"slices"
	"strconv"
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
		p, _, err := tr.path(ctx, s, x)
		return p, err
	case *odata.Unary:
		inner, err := tr.expr(ctx, s, x.X)
		return &odata.Unary{Op: x.Op, X: inner}, err
	case *odata.Binary:
		return tr.binary(ctx, s, x)
	case *odata.Call:
		return tr.call(ctx, s, x)
	case *odata.Lambda:
		return tr.lambda(ctx, s, x)
	case *odata.Alias: // the service would take it for null
		return nil, invalid("filter: @%s has no value here, write the value itself", x.Name)
	}
	return x, nil
}

// path resolves the steps of p from table to table. The column is nil where the last step is none.
func (tr *translator) path(ctx context.Context, s scope, p *odata.Path) (_ *odata.Path, _ *Column, err error) {
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
			c, ok := t.Column(steps[i])
			if !ok {
				return nil, nil, unknownColumn(t, steps[i])
			}
			steps[i] = c.property()
			return &odata.Path{Segments: steps}, c, nil
		}
		nav, ok := t.navigation(steps[i])
		if !ok {
			return nil, nil, unknownNavigation(t, steps[i])
		}
		steps[i] = nav.name
		if nav.collection && !strings.HasPrefix(steps[i+1], "$") {
			return nil, nil, invalid("filter: %s holds many rows, write %s/any(x:x/%s …)", nav.name, nav.name, strings.Join(steps[i+1:], "/"))
		}
		if t, err = tr.target(ctx, nav); err != nil || t == nil {
			return &odata.Path{Segments: steps}, nil, err
		}
	}
	return &odata.Path{Segments: steps}, nil, nil
}

// binary translates both sides. A literal opposite a column is brought into the form that the column wants.
func (tr *translator) binary(ctx context.Context, s scope, b *odata.Binary) (odata.Expr, error) {
	left, leftColumn, err := tr.side(ctx, s, b.L)
	if err != nil {
		return nil, err
	}
	right, rightColumn, err := tr.side(ctx, s, b.R)
	if err != nil {
		return nil, err
	}
	if leftColumn != nil {
		if right, err = literals(leftColumn, right); err != nil {
			return nil, err
		}
	}
	if rightColumn != nil {
		if left, err = literals(rightColumn, left); err != nil {
			return nil, err
		}
	}
	if list, ok := right.(*odata.List); ok && b.Op == odata.In {
		return anyOf(left, list), nil
	}
	return &odata.Binary{Op: b.Op, L: left, R: right}, nil
}

func (tr *translator) side(ctx context.Context, s scope, x odata.Expr) (odata.Expr, *Column, error) {
	if p, ok := x.(*odata.Path); ok {
		return tr.path(ctx, s, p)
	}
	x, err := tr.expr(ctx, s, x)
	return x, nil, err
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

// literals brings x into the form that column c is compared with.
func literals(c *Column, x odata.Expr) (odata.Expr, error) {
	switch x := x.(type) {
	case *odata.Literal:
		return literal(c, x)
	case *odata.List:
		items := make([]odata.Expr, len(x.Items))
		for i, item := range x.Items {
			item, err := literals(c, item)
			if err != nil {
				return nil, err
			}
			items[i] = item
		}
		return &odata.List{Items: items, JSON: x.JSON}, nil
	case *odata.Call:
		return callLiteral(c, x)
	}
	return x, nil
}

// callLiteral reads contact(GUID), which the grammar takes for a function, as the row that it names in Values.
func callLiteral(c *Column, x *odata.Call) (odata.Expr, error) {
	if !c.Type.isLookup() && c.Type != GUIDColumn || len(x.On) > 0 || len(x.Args) != 1 {
		return x, nil
	}
	id, ok := x.Args[0].Value.(*odata.Literal)
	if !ok || id.Kind != odata.GUID {
		return x, nil
	}
	return rowLiteral(c, x.Name+"("+id.Value+")")
}

// rowLiteral is the id in a reference to a row, or an id alone: the service compares ids, which are one of a kind.
func rowLiteral(c *Column, text string) (odata.Expr, error) {
	if _, id, err := reference(c, text); err == nil {
		if guid, ok := parseGUID(id); ok {
			return &odata.Literal{Kind: odata.GUID, Value: guid}, nil
		}
	}
	return nil, invalid("column %s: got %s, want the id of a row; to compare its name, write the path to it, such as primarycontactid/fullname", c.LogicalName, quoted(text))
}

// literal translates a value: the label of a choice to its number, a quoted guid, date or number to what it is.
func literal(c *Column, x *odata.Literal) (odata.Expr, error) {
	switch {
	case x.Kind == odata.String:
		return quotedLiteral(c, x)
	case c.Type == StringColumn, c.Type == MemoColumn:
		return textLiteral(x), nil
	case c.Type == BooleanColumn && x.Kind == odata.Number && (x.Value == "0" || x.Value == "1"):
		return &odata.Literal{Kind: odata.Bool, Value: strconv.FormatBool(x.Value == "1")}, nil
	}
	return x, nil
}

func quotedLiteral(c *Column, x *odata.Literal) (odata.Expr, error) {
	switch {
	case c.Type.isChoice(), c.Type == ChoicesColumn, c.Type == BooleanColumn:
		n, err := choiceOf(c, x.Value)
		if err != nil {
			return nil, err
		}
		if c.Type == BooleanColumn {
			return &odata.Literal{Kind: odata.Bool, Value: strconv.FormatBool(n == 1)}, nil
		}
		return &odata.Literal{Kind: odata.Number, Value: strconv.Itoa(n)}, nil
	case c.Type.isLookup(), c.Type == GUIDColumn:
		return rowLiteral(c, x.Value)
	case c.Type.isNumber(), c.Type == DateTimeColumn:
		if plain, err := odata.ParseValue(x.Value); err == nil {
			if l, ok := plain.(*odata.Literal); ok && fits(c, l.Kind) {
				return l, nil
			}
		}
		return nil, invalid("column %s: got %s, want %s", c.LogicalName, quoted(x.Value), wantOf(c))
	}
	return x, nil
}

func fits(c *Column, k odata.LiteralKind) bool {
	if c.Type == DateTimeColumn {
		return k == odata.Date || k == odata.DateTime
	}
	return k == odata.Number
}

func wantOf(c *Column) string {
	if c.Type == DateTimeColumn {
		return "a date such as 2026-05-01 or 2026-05-01T10:00:00Z"
	}
	return "a number"
}

// textLiteral quotes what a text column is compared with: telephone1 eq 5550100.
func textLiteral(x *odata.Literal) odata.Expr {
	if x.Kind == odata.Null || x.Kind == odata.Enum {
		return x
	}
	return &odata.Literal{Kind: odata.String, Value: x.Value}
}

// call translates the arguments. Dataverse's own functions name their column in PropertyName and take logical names
// and JSON strings, so there only the name is checked and labels are put into numbers.
func (tr *translator) call(ctx context.Context, s scope, call *odata.Call) (odata.Expr, error) {
	out := &odata.Call{On: call.On, Name: call.Name, Args: slices.Clone(call.Args)}
	var column *Column
	for i, a := range out.Args {
		name, isString := a.Value.(*odata.Literal)
		if a.Name == "PropertyName" && isString && name.Kind == odata.String {
			c, err := propertyName(s.table, name.Value)
			if err != nil {
				return nil, err
			}
			if column = c; c != nil {
				out.Args[i].Value = &odata.Literal{Kind: odata.String, Value: c.LogicalName}
			}
			continue
		}
		if a.Name != "" {
			value, err := functionValue(column, a.Value)
			if err != nil {
				return nil, err
			}
			out.Args[i].Value = value
			continue
		}
		value, err := tr.expr(ctx, s, a.Value)
		if err != nil {
			return nil, err
		}
		out.Args[i].Value = value
	}
	return out, nil
}

// propertyName checks the column that a Dataverse function names. A path to another table is left to the service.
func propertyName(t *Table, name string) (*Column, error) {
	if strings.Contains(name, "/") {
		return nil, nil
	}
	c, ok := t.Column(name)
	if !ok {
		return nil, unknownColumn(t, name)
	}
	return c, nil
}

// functionValue puts labels of a choice column into numbers, and leaves the quotes: these arguments are JSON strings.
func functionValue(c *Column, x odata.Expr) (odata.Expr, error) {
	if c == nil || !c.Type.isChoice() && c.Type != ChoicesColumn {
		return x, nil
	}
	switch x := x.(type) {
	case *odata.Literal:
		if x.Kind != odata.String {
			return x, nil
		}
		n, err := choiceOf(c, x.Value)
		return &odata.Literal{Kind: odata.String, Value: strconv.Itoa(n)}, err
	case *odata.List:
		items := make([]odata.Expr, len(x.Items))
		for i, item := range x.Items {
			item, err := functionValue(c, item)
			if err != nil {
				return nil, err
			}
			items[i] = item
		}
		return &odata.List{Items: items, JSON: x.JSON}, nil
	}
	return x, nil
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
			return nil, unknownNavigation(t, steps[i])
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
