package fetchxml

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAPrintedTreeParsesAsItself(t *testing.T) {
	for seed := range uint64(3000) {
		want := newRandom(seed).fetch()
		got, err := Parse(want.String())
		if err != nil {
			t.Fatalf("seed %d: %v in\n%s", seed, err, want)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: %s\n%s", seed, want, diff)
		}
	}
}

// random makes queries that the grammar can say; one seed always makes the same query.
type random struct {
	*rand.Rand
	aggregate bool
	links     int
	aliases   int
}

func newRandom(seed uint64) *random { return &random{Rand: rand.New(rand.NewPCG(2, seed))} }

func pick[T any](r *random, from ...T) T { return from[r.IntN(len(from))] }

func several[T any](r *random, most int, item func() T) []T {
	var all []T
	for range r.IntN(most + 1) {
		all = append(all, item())
	}
	return all
}

func (r *random) name() string { return pick(r, "account", "name", "x1", "a<b", "c\"d'&", "é\n\t☃") }

func (r *random) text() string {
	return pick(r, "", "1", "%a_[b-c]%", " two words ", "<a href='x'>&amp;", "\r\n\t", "𝄞 ]]>", "\u2028")
}

func (r *random) flag() bool { return r.IntN(3) == 0 }

func (r *random) alias() string {
	if r.flag() && !r.aggregate {
		return ""
	}
	r.aliases++
	return fmt.Sprintf("A_%d", r.aliases)
}

func (r *random) fetch() *Fetch {
	r.aggregate = r.flag()
	f := &Fetch{
		Distinct: r.flag(), Aggregate: r.aggregate, TotalRecordCount: r.flag(), RawOrderBy: r.flag(), NoLock: r.flag(),
		LateMaterialize: r.flag(), MinActiveRow: r.flag(), DataSource: pick(r, "", "retained"), QueryHints: r.text(),
		Mapping: pick(r, "", "logical", "internal"), Version: pick(r, "", "1.0"), OutputFormat: pick(r, "", "xml-platform"),
		UTCOffset: pick(r, "", "-90"), AggregateLimit: r.IntN(3),
	}
	if r.flag() {
		f.Top, f.TotalRecordCount = 1+r.IntN(5000), false
	} else {
		f.Count, f.Page, f.PagingCookie = r.IntN(9), r.IntN(9), r.text()
	}
	f.Entity = Entity{Name: r.name(), Body: r.body(3, true)}
	return f
}

func (r *random) body(depth int, joins bool) Body {
	var b Body
	if joins {
		b.All = !r.aggregate && r.flag()
		b.Attributes = several(r, 3, r.attribute)
		b.Orders = several(r, 2, r.order)
	}
	if depth == 0 {
		return b
	}
	b.Filters = several(r, 2, func() Filter { return r.filter(depth - 1) })
	for r.flag() && r.links < MaxLinks {
		b.Links = append(b.Links, r.link(depth-1, Inner, Outer, CrossApply, Exists, In, Any, NotAny))
	}
	return b
}

func (r *random) attribute() Attribute {
	a := Attribute{Name: r.name(), Alias: r.alias()}
	switch {
	case !r.aggregate:
		a.RowAggregate = pick(r, "", "CountChildren")
	case r.flag():
		a.GroupBy, a.UTC = true, r.flag()
		a.DateGrouping = pick(r, "", Day, Week, Month, Quarter, Year, FiscalPeriod, FiscalYear)
	default:
		a.Aggregate = pick(r, Count, CountColumn, Sum, Avg, Min, Max)
		a.Distinct = a.Aggregate == CountColumn && r.flag()
	}
	return a
}

func (r *random) order() Order {
	if r.aggregate {
		return Order{Alias: r.alias(), Descending: r.flag()}
	}
	return Order{Attribute: r.name(), EntityName: pick(r, "", "A_1"), Descending: r.flag()}
}

func (r *random) filter(depth int) Filter {
	f := Filter{Or: r.flag(), QuickFind: r.flag(), Hint: pick(r, "", "union"), Conditions: several(r, 3, r.condition)}
	if depth == 0 {
		return f
	}
	f.Filters = several(r, 2, func() Filter { return r.filter(depth - 1) })
	if r.flag() && r.links < MaxLinks {
		f.Links = append(f.Links, r.link(depth-1, Any, NotAny, Every, NotEvery))
	}
	return f
}

func (r *random) link(depth int, types ...LinkType) Link {
	r.links++
	l := Link{Name: r.name(), Alias: r.alias(), Type: pick(r, types...), Intersect: r.flag()}
	if r.flag() {
		l.From, l.To = r.name(), r.name()
	}
	l.Body = r.body(depth, l.Type.Joins())
	return l
}

func (r *random) condition() Condition {
	operator := pick(r, slices.Sorted(maps.Keys(operators))...)
	c := Condition{Attribute: r.name(), EntityName: pick(r, "", "A_1"), Operator: operator}
	if operator.ComparesColumns() && r.flag() {
		c.ValueOf = pick(r, "name", "A_1.name")
		return c
	}
	takes := operators[operator]
	least, most := takes.count()
	for range least + r.IntN(min(most, least+2)-least+1) {
		text := r.text()
		if takes == number || takes == twoNumbers {
			text = fmt.Sprint(r.IntN(100))
		}
		c.Values = append(c.Values, text)
	}
	return c
}
