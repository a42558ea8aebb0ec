package odata

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// random makes trees that the grammar can say; one seed always makes the same tree.
type random struct{ *rand.Rand }

func newRandom(seed uint64) random { return random{rand.New(rand.NewPCG(1, seed))} }

func pick[T any](r random, from ...T) T { return from[r.IntN(len(from))] }

func some[T any](r random, most int, item func() T) []T {
	var items []T
	for range 1 + r.IntN(most) {
		items = append(items, item())
	}
	return items
}

// simple is a name in the positions where words such as eq and null are no operators and no literals.
func (r random) simple() string {
	return pick(r, "name", "_ownerid_value", "Größe", "x1", "eq", "in", "asc", "any", "null", "INF", "e5", "with")
}

func (r random) path() []string {
	return some(r, 3, func() string { return pick(r, r.simple(), "$it", "Ns.Sub.Type", "$count", "not") })
}

// pathExpr is a path that stands alone, so that it must not be a word with a meaning of its own.
func (r random) pathExpr() *Path {
	p := r.path()
	if len(p) == 1 && slices.Contains([]string{"null", "INF", "not"}, p[0]) {
		p[0] = "a"
	}
	return &Path{Segments: p}
}

func (r random) text() string {
	var s []rune
	for range r.IntN(6) {
		s = append(s, pick(r, []rune("ab'\"\\;),( /%&+\n\x00é☃𝄞\u2028")...))
	}
	return string(s)
}

func (r random) literal() *Literal {
	return pick(r,
		&Literal{}, &Literal{Kind: Bool, Value: "true"}, &Literal{Kind: Number, Value: "-12.50"},
		&Literal{Kind: Number, Value: "7e+2"}, &Literal{Kind: Number, Value: "INF"},
		&Literal{Kind: String, Value: r.text()},
		&Literal{Kind: GUID, Value: "4026be43-6b69-e111-8f65-78e7d1620f5e"},
		&Literal{Kind: Date, Value: "2024-06-12"}, &Literal{Kind: DateTime, Value: "2024-06-12T14:13:17.5-03:30"},
		&Literal{Kind: TimeOfDay, Value: "14:13"}, &Literal{Kind: Duration, Value: "-P1DT5.5S"},
		&Literal{Kind: Enum, Value: r.text(), Type: "Ns.E"},
	)
}

func (r random) expr(depth int) Expr {
	if depth == 0 {
		return pick[Expr](r, r.literal(), r.pathExpr(), &Alias{Name: r.simple()})
	}
	depth--
	switch r.IntN(8) {
	case 0:
		return &Unary{Op: pick(r, Not, Neg), X: r.expr(depth)}
	case 1:
		return r.call(depth)
	case 2:
		return r.lambda(depth)
	case 3:
		return &Binary{Op: In, L: r.expr(depth), R: r.inList(depth)}
	case 4:
		return r.expr(0)
	}
	op := pick(r, Or, And, Eq, Ne, Gt, Ge, Lt, Le, Has, Add, Sub, Mul, Div, Mod)
	return &Binary{Op: op, L: r.expr(depth), R: r.expr(depth)}
}

func (r random) inList(depth int) Expr {
	return pick[Expr](r, &Alias{Name: "p"}, r.json(depth),
		&List{Items: some(r, 3, func() Expr { return r.expr(depth) })})
}

func (r random) json(depth int) *List {
	return &List{JSON: true, Items: some(r, 3, func() Expr {
		if depth == 0 {
			return r.literal()
		}
		return pick[Expr](r, r.literal(), r.json(depth-1), &Object{Text: `{"a":[1,{}],"b c":"\"'é"}`})
	})}
}

func (r random) call(depth int) *Call {
	c := &Call{Name: pick(r, "contains", "now", "Ns.F", "null")}
	if r.IntN(3) == 0 {
		c.On = r.path()
	}
	if r.IntN(4) > 0 {
		c.Args = some(r, 3, func() Arg {
			a := Arg{Value: pick(r, r.expr(depth), Expr(r.json(depth)), Expr(&Object{Text: "{}"}))}
			if r.IntN(2) == 0 {
				a.Name = r.simple()
			}
			return a
		})
	}
	return c
}

func (r random) lambda(depth int) *Lambda {
	if r.IntN(4) == 0 {
		return &Lambda{Path: r.path()}
	}
	return &Lambda{Path: r.path(), All: r.IntN(2) == 0, Var: r.simple(), Body: r.expr(depth)}
}

func (r random) orderBy() []Order {
	return some(r, 2, func() Order { return Order{By: r.expr(1), Desc: r.IntN(2) == 0} })
}

func (r random) apply(depth int) []Transformation {
	return some(r, 2, func() Transformation {
		paths := func() Path { return Path{Segments: r.path()} }
		switch r.IntN(3) {
		case 0:
			return Transformation{Filter: r.expr(2)}
		case 1:
			g := &GroupBy{Paths: some(r, 2, paths)}
			if depth > 0 {
				g.Then = r.apply(depth - 1)
			}
			return Transformation{GroupBy: g}
		}
		return Transformation{Aggregate: some(r, 2, func() Aggregate {
			if r.IntN(2) == 0 {
				return Aggregate{Method: "$count", Alias: r.simple()}
			}
			p := paths()
			if p.Segments[0] == "$count" {
				p.Segments[0] = "a"
			}
			return Aggregate{Path: p, Method: pick(r, "sum", "average", "min", "max", "countdistinct"), Alias: r.simple()}
		})}
	})
}

func (r random) expand(depth int) []Expand {
	return some(r, 2, func() Expand {
		e := Expand{Path: pick(r, "primarycontactid", "a/b"), Options: r.options(depth)}
		switch r.IntN(4) {
		case 0:
			e.Ref = true
		case 1:
			e.Count = true
		}
		if r.IntN(3) == 0 {
			e.Cast = "Ns.Type"
		}
		return e
	})
}

// options are a few options at a time, so that each meets each.
func (r random) options(depth int) Options {
	var o Options
	n, yes := r.IntN(9), r.IntN(2) == 0
	for range r.IntN(4) {
		switch r.IntN(10) {
		case 0:
			o.Select = []string{"name", "*", "a/b"}
		case 1:
			o.Filter = r.expr(2)
		case 2:
			o.OrderBy = r.orderBy()
		case 3:
			o.Top = &n
		case 4:
			o.Skip = &n
		case 5:
			o.WithCount = &yes
		case 6:
			o.Levels = pick(r, "max", "3")
		case 7:
			o.Search, o.Compute = `"a);" OR (b;c)`, "a mul b as c"
		case 8:
			o.Apply = r.apply(1)
		case 9:
			if depth > 0 {
				o.Expand = r.expand(depth - 1)
			}
		}
	}
	return o
}

func (r random) segments() []Segment {
	return some(r, 3, func() Segment {
		seg := Segment{Name: pick(r, r.simple(), "$ref", "$1", "Ns.F"), HasParens: r.IntN(2) == 0}
		if !seg.HasParens {
			return seg
		}
		value := func() Expr { return pick[Expr](r, r.literal(), &Alias{Name: "p"}, r.json(1), &Object{Text: "{}"}) }
		switch r.IntN(3) {
		case 0:
			seg.Key = value()
		case 1:
			seg.Args = some(r, 3, func() Arg { return Arg{Name: r.simple(), Value: value()} })
		}
		return seg
	})
}

const trees = 2000

func TestPrintedTreesParseBackToThemselves(t *testing.T) {
	for seed := range uint64(trees) {
		r := newRandom(seed)
		same(t, seed, r.expr(5), Expr.String, ParseFilter)
		same(t, seed, r.orderBy(), FormatOrderBy, ParseOrderBy)
		same(t, seed, r.expand(3), FormatExpand, ParseExpand)
		same(t, seed, r.apply(2), FormatApply, ParseApply)
		same(t, seed, r.segments(), FormatPath, ParsePath)
		same(t, seed, r.options(2), Options.String, func(s string) (Options, error) {
			if s == "" {
				return Options{}, nil
			}
			e, err := ParseExpand("a(" + s + ")")
			if err != nil {
				return Options{}, err
			}
			return e[0].Options, nil
		})
		if t.Failed() {
			return
		}
	}
}

func same[T any](t *testing.T, seed uint64, want T, format func(T) string, parse func(string) (T, error)) {
	t.Helper()
	text := format(want)
	got, err := parse(text)
	if err != nil {
		t.Errorf("seed %d: %s: %v", seed, text, err)
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("seed %d: %s (-want +got):\n%s", seed, text, diff)
	}
}

func TestQuotedTextIsThatText(t *testing.T) {
	for seed := range uint64(trees) {
		want := newRandom(seed).text()
		got, err := ParseFilter(Quote(want))
		if err != nil {
			t.Fatalf("ParseFilter(%s): %v", Quote(want), err)
		}
		if diff := cmp.Diff(Expr(str(want)), got); diff != "" {
			t.Fatalf("ParseFilter(%s) (-want +got):\n%s", Quote(want), diff)
		}
	}
}
