package sql_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/sql"
)

func TestAQueryPrintsAsItIsRead(t *testing.T) {
	for text, want := range map[string]string{
		"select name from account":                                                                 "SELECT name FROM account",
		"SELECT a.name n FROM account a;":                                                          "SELECT a.name AS n FROM account AS a",
		"SELECT a FROM b x WITH (NOLOCK) JOIN c WITH (nolock) ON x.a = c.a":                        "SELECT a FROM b AS x INNER JOIN c ON x.a = c.a",
		"SELECT * FROM dbo.account":                                                                "SELECT * FROM account",
		"SELECT a.*, count ( * ) FROM a":                                                           "SELECT a.*, COUNT(*) FROM a",
		"SELECT [order], \"a b\" FROM [a]":                                                         "SELECT [order], [a b] FROM a",
		"SELECT a FROM b WHERE (x=1 or y!=-2.5) and not z is null -- so":                           "SELECT a FROM b WHERE (x = 1 OR y <> -2.5) AND NOT z IS NULL",
		"SELECT a /* all */ FROM b WHERE x = N'O''Brien' OR y NOT IN (1,2) OR z = TRUE":            "SELECT a FROM b WHERE x = 'O''Brien' OR y NOT IN (1, 2) OR z = TRUE",
		"SELECT DISTINCT TOP (5) a FROM b JOIN c ON b.x = c.y RIGHT OUTER JOIN d ON d.z=c.z":       "SELECT DISTINCT TOP 5 a FROM b INNER JOIN c ON b.x = c.y RIGHT JOIN d ON d.z = c.z",
		"SELECT a FROM b WHERE x IN (SELECT y FROM c) AND NOT EXISTS (SELECT 1 FROM d)":            "SELECT a FROM b WHERE x IN (SELECT y FROM c) AND NOT EXISTS (SELECT 1 FROM d)",
		"SELECT a FROM b ORDER BY a DESC, c ASC OFFSET 5 ROWS FETCH FIRST 1 ROW ONLY":              "SELECT a FROM b ORDER BY a DESC, c OFFSET 5 ROWS FETCH NEXT 1 ROWS ONLY",
		"SELECT year(a) AS [y y] FROM b GROUP BY year(a) HAVING count(distinct c) BETWEEN 1 AND 2": "SELECT YEAR(a) AS [y y] FROM b GROUP BY YEAR(a) HAVING COUNT(DISTINCT c) BETWEEN 1 AND 2",
		"SELECT a FROM b WHERE a NOT LIKE '10!%' ESCAPE '!'":                                       "SELECT a FROM b WHERE a NOT LIKE '10!%' ESCAPE '!'",
	} {
		s, err := sql.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := s.String(); got != want {
			t.Errorf("%s\n is %s\nwant %s", text, got, want)
		}
	}
}

func TestWhatIsNoSelectIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                                                  "unexpected the end, want SELECT at position 0",
		"DELETE FROM account":                               "DELETE is no query",
		"update account set name = 'x'":                     "UPDATE is no query",
		"SELECT a FROM b; DROP TABLE b":                     "several statements",
		"SELECT a FROM b UNION SELECT a FROM c":             "UNION",
		"SELECT a FROM b LIMIT 5":                           "TOP 10",
		"SELECT a + 1 FROM b":                               "no arithmetic",
		"SELECT a FROM b, c":                                "not commas",
		"SELECT a FROM (SELECT b FROM c)":                   "subquery cannot stand in FROM",
		"SELECT a FROM b WHERE x = 'open":                   "the quote does not end at position 26",
		"SELECT a FROM b WHERE":                             "unexpected the end, want a column or a value at position 21",
		"SELECT TOP 5 PERCENT a FROM b":                     "no PERCENT",
		"SELECT ROW_NUMBER() OVER (ORDER BY a) FROM b":      "no window functions",
		"SELECT a FROM b WHERE x = ANY (SELECT 1 FROM c)":   "write IN or EXISTS",
		"SELECT a FROM b WHERE 1x = 2":                      "1x is no number",
		"SELECT a FROM b WHERE " + strings.Repeat("(", 200): "nested deeper than 100",
		"SELECT a FROM b WHERE x € 1":                       "unexpected '€'",
	} {
		_, err := sql.Parse(text)
		fault, ok := errors.AsType[*sql.SyntaxError](err)
		if !ok || !strings.Contains(fault.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func choose[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func value(r *rand.Rand, depth int) sql.Expr {
	switch r.IntN(6) {
	case 0:
		return &sql.Literal{Kind: sql.String, Value: choose(r, "", "a'b", "%", "é--")}
	case 1:
		return &sql.Literal{Kind: sql.Number, Value: choose(r, "0", "-1", "2.5", "1e3")}
	case 2:
		return choose[sql.Expr](r, &sql.Literal{}, &sql.Literal{Kind: sql.Bool, Value: "true"})
	case 3:
		if depth > 0 {
			return choose[sql.Expr](r, &sql.Call{Name: "COUNT", Star: true}, &sql.Call{Name: "SUM", Args: []sql.Expr{value(r, 0)}}, &sql.Subquery{Query: query(r, depth-1)},
				&sql.Call{Name: "COUNT", Distinct: true, Args: []sql.Expr{value(r, 0)}}, &sql.Call{Name: "NOW"})
		}
	}
	return &sql.Column{Table: choose(r, "", "a", "order"), Name: choose(r, "x", "select", "a b", "a]b")}
}

func condition(r *rand.Rand, depth int) sql.Expr {
	if depth == 0 {
		return &sql.Binary{Op: choose(r, sql.Eq, sql.Ne, sql.Lt, sql.Le, sql.Gt, sql.Ge), L: value(r, 0), R: value(r, 0)}
	}
	x, negated := value(r, depth), r.IntN(2) == 0
	switch r.IntN(8) {
	case 0:
		return &sql.Not{X: condition(r, depth-1)}
	case 1:
		return &sql.Like{X: x, Pattern: value(r, 0), Not: negated, Escape: choose(r, "", "!", "'")}
	case 2:
		return &sql.In{X: x, List: []sql.Expr{value(r, 0), value(r, depth)}, Not: negated}
	case 3:
		return &sql.In{X: x, Query: query(r, depth-1), Not: negated}
	case 4:
		return &sql.Between{X: x, Low: value(r, 0), High: value(r, 0), Not: negated}
	case 5:
		return choose[sql.Expr](r, &sql.IsNull{X: x, Not: negated}, &sql.Exists{Query: query(r, depth-1)})
	}
	return &sql.Binary{Op: choose(r, sql.And, sql.Or), L: condition(r, depth-1), R: condition(r, depth-1)}
}

func query(r *rand.Rand, depth int) *sql.Select {
	s := &sql.Select{Distinct: r.IntN(3) == 0, From: sql.Table{Name: "t", Alias: choose(r, "", "a", "left")}}
	n := r.IntN(9)
	if r.IntN(3) == 0 {
		s.Top = &n
	}
	for range 1 + r.IntN(3) {
		s.Items = append(s.Items, choose(r, sql.Item{Star: true}, sql.Item{Star: true, Table: "a"}, sql.Item{X: value(r, depth), Alias: choose(r, "", "n", "from")}))
	}
	for range r.IntN(3) {
		kind := choose(r, sql.Inner, sql.Left, sql.Right, sql.Full, sql.Cross)
		j := sql.Join{Kind: kind, Table: sql.Table{Name: "u", Alias: "b"}}
		if kind != sql.Cross {
			j.On = condition(r, 0)
		}
		s.Joins = append(s.Joins, j)
	}
	if r.IntN(2) == 0 {
		s.Where = condition(r, depth)
	}
	if r.IntN(3) == 0 {
		s.GroupBy, s.Having = []sql.Expr{value(r, depth)}, condition(r, depth)
	}
	if r.IntN(3) == 0 {
		s.OrderBy = []sql.Order{{X: value(r, 0), Descending: r.IntN(2) == 0}}
		s.Offset, s.Fetch = &n, &n
	}
	return s
}

func TestAnyTreePrintsAsTextThatReadsAsIt(t *testing.T) {
	for seed := range uint64(3000) {
		want := query(rand.New(rand.NewPCG(1, seed)), 3)
		got, err := sql.Parse(want.String())
		if err != nil {
			t.Fatalf("seed %d: %s\n%v", seed, want, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: %s\nreads otherwise (-want +got):\n%s", seed, want, diff)
		}
	}
}

func FuzzParse(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(query(rand.New(rand.NewPCG(2, seed)), 2).String())
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := sql.Parse(text)
		if err != nil {
			return
		}
		again, err := sql.Parse(s.String())
		if err != nil {
			t.Fatalf("%q prints as %q: %v", text, s, err)
		}
		if diff := cmp.Diff(s, again); diff != "" {
			t.Errorf("%q prints as %q, which reads otherwise:\n%s", text, s, diff)
		}
	})
}
