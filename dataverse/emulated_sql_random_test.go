package dataverse_test

import (
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/dataverse/fetchxml"
	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// roads counts the requests of each query language.
type roads struct {
	http.RoundTripper

	mu         sync.Mutex
	sql, fetch int
}

func (r *roads) RoundTrip(q *http.Request) (*http.Response, error) {
	r.mu.Lock()
	if q.URL.Query().Has("sql") {
		r.sql++
	}
	if q.URL.Query().Has("fetchXml") {
		r.fetch++
	}
	r.mu.Unlock()
	return r.RoundTripper.RoundTrip(q)
}

// taken runs do, and tells how many requests went by SQL and by FetchXML.
func (r *roads) taken(do func()) [2]int {
	sql, fetch := r.sql, r.fetch
	do()
	return [2]int{r.sql - sql, r.fetch - fetch}
}

func onRoads(t *testing.T, options ...emulator.Option) (*dataverse.Client, *roads) {
	t.Helper()
	server := emulator.Start(t, options...)
	r := &roads{RoundTripper: signedIn{server.Token}}
	return open(t, dataverse.Options{URL: server.URL, Transport: r, Limits: unlimited}), r
}

// forms is a condition that keeps the same rows in two languages.
type forms struct {
	odata string
	fetch fetchxml.Filter
}

// condition is one in SQL, with what it is true of and what it is false of: neither is the rows where it is unknown.
type condition struct {
	sql      string
	is, isnt forms
}

type dice struct {
	*rand.Rand
	values map[string][]string // of the columns, as SQL writes them
}

func pick[T any](d dice, from ...T) T { return from[d.IntN(len(from))] }

// comparisons are the operators of SQL with those of the other languages, and their opposites.
var comparisons = map[string]struct{ other, opposite string }{
	"=": {"eq", "<>"}, "<>": {"ne", "="}, "<": {"lt", ">="}, ">=": {"ge", "<"}, ">": {"gt", "<="}, "<=": {"le", ">"},
}

func (d dice) condition(depth int) condition {
	if depth == 0 || d.IntN(4) == 0 {
		return d.leaf()
	}
	a := d.condition(depth - 1)
	if d.IntN(4) == 0 {
		return condition{"NOT (" + a.sql + ")", a.isnt, a.is}
	}
	b := d.condition(depth - 1)
	if d.IntN(2) == 0 {
		return condition{"(" + a.sql + " AND " + b.sql + ")", both("and", a.is, b.is), both("or", a.isnt, b.isnt)}
	}
	return condition{"(" + a.sql + " OR " + b.sql + ")", both("or", a.is, b.is), both("and", a.isnt, b.isnt)}
}

func both(word string, a, b forms) forms {
	return forms{"(" + a.odata + " " + word + " " + b.odata + ")", fetchxml.Filter{Or: word == "or", Filters: []fetchxml.Filter{a.fetch, b.fetch}}}
}

func single(column, odata string, o fetchxml.Operator, values ...string) forms {
	return forms{odata, fetchxml.Filter{Conditions: []fetchxml.Condition{{Attribute: column, Operator: o, Values: values}}}}
}

func filled(column string) forms { return single(column, column+" ne null", "not-null") }
func empty(column string) forms  { return single(column, column+" eq null", "null") }

func (d dice) leaf() condition {
	column := pick(d, "name", "revenue", "numberofemployees", "industrycode", "creditonhold", "createdon", "parentaccountid", "accountid", "address1_city")
	if d.IntN(6) == 0 {
		c := condition{column + " IS NULL", empty(column), filled(column)}
		if d.IntN(2) == 0 {
			c = condition{column + " IS NOT NULL", c.isnt, c.is}
		}
		return c
	}
	value := func() string { return pick(d, d.values[column]...) }
	switch kind := d.IntN(8); {
	case kind < 2 && (column == "name" || column == "address1_city"):
		return d.like(column, value())
	case kind == 2 && !strings.HasSuffix(column, "id") && column != "creditonhold":
		low, high := value(), value()
		a, b := compared(column, ">=", low), compared(column, "<=", high)
		return negated(d, condition{column + " BETWEEN " + low + " AND " + high, both("and", a.is, b.is), both("or", a.isnt, b.isnt)}, " BETWEEN ", " NOT BETWEEN ")
	case kind == 3:
		one, other := value(), value()
		a, b := compared(column, "=", one), compared(column, "=", other)
		return negated(d, condition{column + " IN (" + one + ", " + other + ")", both("or", a.is, b.is), both("and", a.isnt, b.isnt)}, " IN ", " NOT IN ")
	case strings.HasSuffix(column, "id"), column == "creditonhold":
		return compared(column, pick(d, "=", "<>"), value())
	}
	return compared(column, pick(d, slices.Sorted(maps.Keys(comparisons))...), value())
}

func negated(d dice, c condition, plain, not string) condition {
	if d.IntN(2) == 0 {
		return c
	}
	return condition{strings.Replace(c.sql, plain, not, 1), c.isnt, c.is}
}

// compared is a column against a value as SQL writes it.
func compared(column, operator, value string) condition {
	plain := strings.ReplaceAll(strings.Trim(value, "'"), "''", "'")
	literal := value
	switch column {
	case "createdon", "accountid", "parentaccountid":
		literal = plain
	case "creditonhold":
		literal = map[string]string{"0": "false", "1": "true"}[value]
	}
	form := func(operator string) forms {
		other := comparisons[operator].other
		f := single(column, column+" "+other+" "+literal, fetchxml.Operator(other), plain)
		if other == "ne" { // it keeps the rows without a value
			f = both("and", f, filled(column))
		}
		return f
	}
	return condition{column + " " + operator + " " + value, form(operator), form(comparisons[operator].opposite)}
}

func (d dice) like(column, value string) condition {
	part := strings.ReplaceAll(strings.Trim(value, "'"), "''", "'")
	part = string([]rune(part)[:min(len([]rune(part)), 1+d.IntN(3))])
	p := pick(d, [3]string{"contains", "like", "%%%s%%"}, [3]string{"startswith", "begins-with", "%s%%"}, [3]string{"endswith", "ends-with", "%%%s"})
	call := fmt.Sprintf("%s(%s,%s)", p[0], column, odata.Quote(part))
	fetch, not := single(column, "", "like", fmt.Sprintf(p[2], part)), single(column, "", "not-like", fmt.Sprintf(p[2], part))
	c := condition{column + " LIKE " + odata.Quote(fmt.Sprintf(p[2], part)), forms{call, fetch.fetch}, both("and", forms{"not " + call, not.fetch}, filled(column))}
	return negated(d, c, " LIKE ", " NOT LIKE ")
}

// accountValues are values that accounts have, and some that none has.
func accountValues(t *testing.T, c *dataverse.Client) map[string][]string {
	t.Helper()
	values := map[string][]string{"creditonhold": {"0", "1"}, "revenue": {"0"}, "numberofemployees": {"-1"}, "industrycode": {"1", "7"},
		"parentaccountid": {"'" + otherID + "'"}}
	for row, err := range c.Rows(t.Context(), "account", dataverse.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, column := range []string{"name", "address1_city", "revenue", "numberofemployees", "createdon", "parentaccountid", "accountid"} {
			switch v := row.Value(column); {
			case v.Raw == nil:
			case v.Type == dataverse.MoneyColumn || v.Type == dataverse.IntegerColumn:
				values[column] = append(values[column], row.String(column))
			default:
				values[column] = append(values[column], odata.Quote(row.String(column)))
			}
		}
	}
	return values
}

func collect(t *testing.T, what string, rows iter.Seq2[dataverse.Row, error]) []dataverse.Row {
	t.Helper()
	var all []dataverse.Row
	for row, err := range rows {
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		all = append(all, row)
	}
	return all
}

var wholeRows = cmp.Exporter(func(reflect.Type) bool { return true })

func TestFilterFetchXMLAndSQLSelectTheSameRows(t *testing.T) {
	c, r := onRoads(t, emulator.WithSampleData())
	values := accountValues(t, c)
	total, some := len(collect(t, "all", c.Rows(t.Context(), "account", dataverse.Query{}))), 0
	for seed := range uint64(100) {
		d := dice{rand.New(rand.NewPCG(7, seed)), values}
		x := d.condition(3)
		columns := []string{"name", "revenue", "industrycode", "parentaccountid", "createdon"}
		f := &fetchxml.Fetch{Entity: fetchxml.Entity{Name: "account", Body: fetchxml.Body{Orders: []fetchxml.Order{{Attribute: "accountid"}}, Filters: []fetchxml.Filter{x.is.fetch}}}}
		for _, name := range columns {
			f.Entity.Attributes = append(f.Entity.Attributes, fetchxml.Attribute{Name: name})
		}
		selected := strings.Join(columns, ", ") + " FROM account WHERE " + x.sql + " ORDER BY accountid"
		want := collect(t, x.is.odata, c.Rows(t.Context(), "account", dataverse.Query{Select: columns, Filter: x.is.odata, OrderBy: "accountid"}))
		got := map[string][]dataverse.Row{f.String(): collect(t, f.String(), c.FetchRows(t.Context(), f.String()))}
		took := r.taken(func() { got[selected] = collect(t, selected, c.SQLRows(t.Context(), "SELECT "+selected)) })
		took2 := r.taken(func() {
			got["TOP "+selected] = collect(t, selected, c.SQLRows(t.Context(), "SELECT TOP 5000 "+selected))
		})
		if took != [2]int{1, 0} || took2 != [2]int{0, 1} {
			t.Fatalf("%s: took %v and %v requests by SQL and FetchXML, want one of each road", selected, took, took2)
		}
		for text, rows := range got {
			if diff := cmp.Diff(want, rows, wholeRows); diff != "" {
				t.Fatalf("seed %d: %s\n selects %d rows\n%s\n selects %d:\n%s", seed, x.is.odata, len(want), text, len(rows), diff)
			}
		}
		if len(want) > 0 && len(want) < total {
			some++
		}
	}
	if some < 45 {
		t.Errorf("only %d of the conditions told rows apart", some)
	}
}

// query is a SELECT that both roads answer, without the word SELECT.
func (d dice) query() (text string, ordered bool) {
	from := " FROM account a"
	columns := []string{"a.name", "a.industrycode", "a.revenue", "a.primarycontactid", "a.ownerid", "a.statecode", "a.creditonhold", "a.accountid", "a.address1_city"}
	if d.IntN(2) == 0 {
		from += pick(d, " LEFT", " INNER") + " JOIN contact c ON c.contactid = a.primarycontactid"
		columns = append(columns, "c.fullname", "c.parentcustomerid", "c.createdon")
		if d.IntN(2) == 0 {
			from += pick(d, " LEFT", "") + " JOIN account p ON c.parentcustomerid = p.accountid"
			columns = append(columns, "p.name", "p.accountid")
		}
	}
	if d.IntN(3) == 0 {
		from += " JOIN opportunity o ON o.parentaccountid = a.accountid"
		columns = append(columns, "o.name", "o.estimatedvalue", "o.statecode")
	}
	d.Shuffle(len(columns), func(i, j int) { columns[i], columns[j] = columns[j], columns[i] })
	columns = columns[:1+d.IntN(4)]
	distinct := ""
	if d.IntN(4) == 0 {
		distinct, columns[0] = "DISTINCT ", "a.name" // FetchXML needs a column of the first table
		columns = slices.Compact(columns)
	}
	where := ""
	if d.IntN(2) == 0 {
		where = " WHERE " + pick(d, "a.revenue > 1000000", "a.industrycode IS NOT NULL AND NOT a.statecode = 1", "a.name NOT LIKE '%s%' OR a.creditonhold <> 0", "a.name IN ('nobody')")
	}
	if distinct == "" && d.IntN(3) == 0 {
		return d.groups(columns, from, where)
	}
	var keys []string
	for _, c := range columns {
		if d.IntN(2) == 0 {
			keys = append(keys, c+pick(d, "", " DESC"))
		}
	}
	list := slices.Clone(columns)
	for i := range list {
		list[i] += pick(d, "", "", fmt.Sprintf(" AS x%d", i), fmt.Sprintf(" [the %d]", i))
	}
	text = distinct + strings.Join(list, ", ") + from + where
	if len(keys) > 0 {
		text += " ORDER BY " + strings.Join(keys, ", ")
	}
	return text, distinct == ""
}

func (d dice) groups(columns []string, from, where string) (string, bool) {
	columns = slices.DeleteFunc(columns, func(c string) bool { return c == "c.createdon" })
	list := append(slices.Clone(columns[:min(len(columns), d.IntN(3))]), "COUNT(*) AS n", pick(d, "SUM(a.revenue)", "MAX(a.createdon)", "COUNT(a.industrycode)", "AVG(a.numberofemployees) m", "MIN(a.revenue)"))
	text := strings.Join(list, ", ") + from + where
	if len(columns) > 0 {
		text += " GROUP BY " + strings.Join(columns, ", ")
	}
	return text, false
}

func TestBothRoadsOfSQLAnswerAlike(t *testing.T) {
	c, r := onRoads(t, emulator.WithSampleData())
	full := 0
	for seed := range uint64(100) {
		text, ordered := dice{Rand: rand.New(rand.NewPCG(8, seed))}.query()
		var bySQL, byFetch []dataverse.Row
		took := r.taken(func() { bySQL = collect(t, text, c.SQLRows(t.Context(), "SELECT "+text)) })
		top := "SELECT TOP 5000 " + text
		if rest, ok := strings.CutPrefix(text, "DISTINCT "); ok {
			top = "SELECT DISTINCT TOP 5000 " + rest
		}
		took2 := r.taken(func() { byFetch = collect(t, top, c.SQLRows(t.Context(), top)) })
		if took != [2]int{1, 0} || took2 != [2]int{0, 1} {
			t.Fatalf("%s: took %v and %v requests by SQL and FetchXML, want one of each road", text, took, took2)
		}
		if !ordered {
			byText := func(a, b dataverse.Row) int {
				return strings.Compare(fmt.Sprintf("%v", shown(a)), fmt.Sprintf("%v", shown(b)))
			}
			slices.SortFunc(bySQL, byText)
			slices.SortFunc(byFetch, byText)
		}
		if diff := cmp.Diff(bySQL, byFetch, wholeRows); diff != "" {
			t.Fatalf("seed %d: %s (-?sql= +FetchXML)\n%s", seed, text, diff)
		}
		if len(bySQL) > 1 {
			full++
		}
	}
	if full < 60 {
		t.Errorf("only %d of the queries had rows to compare", full)
	}
}

func shown(row dataverse.Row) (all []string) {
	for _, name := range row.Columns() {
		all = append(all, fmt.Sprint(row.Value(name).Raw))
	}
	return all
}
