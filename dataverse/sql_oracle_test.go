package dataverse_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the database that says what SQL means

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

// oracleColumns are the columns of two tables that queries are made of, by what they can be compared with.
var oracleColumns = map[string]map[string][]string{
	"account": {"number": {"revenue", "numberofemployees"}, "text": {"name", "address1_city"}, "id": {"accountid", "parentaccountid", "primarycontactid"}},
	"contact": {"number": {"creditlimit", "numberofchildren"}, "text": {"lastname", "address1_city"}, "id": {"contactid", "parentcustomerid"}},
}

// oracle fills both databases with the same rows, in which values are few and often missing.
func oracle(t *testing.T, c *dataverse.Client) *sql.DB {
	t.Helper()
	r := dice{Rand: rand.New(rand.NewPCG(11, 1))}
	var people, firms []string
	maybe := func(v dataverse.Values, column string, value any) {
		if r.IntN(3) > 0 {
			v[column] = value
		}
	}
	for range 8 {
		v := dataverse.Values{"lastname": pick(r, "Lee", "Ray", "Oslo")}
		maybe(v, "creditlimit", r.IntN(3))
		maybe(v, "numberofchildren", r.IntN(3))
		maybe(v, "address1_city", pick(r, "Oslo", "Rome"))
		if len(firms) > 0 {
			maybe(v, "parentcustomerid", "account("+pick(r, firms...)+")")
		}
		people = append(people, create(t, c, "contact", v))
		v = dataverse.Values{"name": pick(r, "Acme", "Oslo", "Bolt")}
		maybe(v, "revenue", r.IntN(3))
		maybe(v, "numberofemployees", r.IntN(3))
		maybe(v, "address1_city", pick(r, "oslo", "Rome"))
		maybe(v, "primarycontactid", "contact("+pick(r, people...)+")")
		if len(firms) > 0 {
			maybe(v, "parentaccountid", "account("+pick(r, firms...)+")")
		}
		firms = append(firms, create(t, c, "account", v))
	}
	db, err := sql.Open("sqlite", "file:"+t.TempDir()+"/oracle.db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for table, kinds := range oracleColumns {
		columns := slices.Concat(kinds["number"], kinds["text"], kinds["id"])
		mustExec(t, db, "CREATE TABLE "+table+" ("+strings.Join(columns, " COLLATE NOCASE, ")+" COLLATE NOCASE)")
		for _, row := range collect(t, table, c.Rows(t.Context(), table, dataverse.Query{Select: columns})) {
			values := make([]any, len(columns))
			for i, name := range columns {
				if values[i] = row.Value(name).Raw; values[i] != nil && slices.Contains(kinds["number"], name) {
					values[i] = row.Number(name)
				}
			}
			mustExec(t, db, "INSERT INTO "+table+" VALUES ("+strings.TrimSuffix(strings.Repeat("?,", len(columns)), ",")+")", values...)
		}
	}
	return db
}

func mustExec(t *testing.T, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// writer makes queries on the tables of the oracle.
type writer struct {
	dice
	aliases int
}

// tableAs is a table in a query.
type tableAs struct{ table, alias string }

func (w *writer) table() tableAs {
	w.aliases++
	return tableAs{pick(w.dice, "account", "contact"), "t" + strconv.Itoa(w.aliases)}
}

func (w *writer) column(of tableAs, kind string) string {
	return of.alias + "." + pick(w.dice, oracleColumns[of.table][kind]...)
}

func (w *writer) literal(kind string) string {
	if kind == "number" {
		return strconv.Itoa(w.IntN(3))
	}
	return pick(w.dice, "'oslo'", "'Rome'", "'Acme'", "'Lee'")
}

// where is a condition on the tables.
func (w *writer) where(depth int, tables ...tableAs) string {
	if depth > 0 && w.IntN(3) > 0 {
		if w.IntN(4) == 0 {
			return "NOT (" + w.where(depth-1, tables...) + ")"
		}
		return "(" + w.where(depth-1, tables...) + pick(w.dice, " AND ", " OR ") + w.where(depth-1, tables...) + ")"
	}
	of, kind := pick(w.dice, tables...), pick(w.dice, "number", "text", "id")
	column, not := w.column(of, kind), pick(w.dice, "", "NOT ")
	switch w.IntN(7) {
	case 0:
		return column + " IS " + not + "NULL"
	case 1:
		return column + pick(w.dice, " = ", " <> ", " < ", " >= ") + w.column(pick(w.dice, tables...), kind)
	case 2:
		other := w.table()
		return not + "EXISTS (SELECT 1 FROM " + other.table + " " + other.alias + " WHERE " + w.column(other, "id") + " = " + w.column(of, "id") + w.more(depth, other) + ")"
	case 3:
		other := w.table()
		y := w.column(other, "id")
		x := w.column(of, "id")
		in := x + " " + not + "IN (SELECT " + y + " FROM " + other.table + " " + other.alias + " WHERE " + y + " IS NOT NULL" + w.more(depth, other) + ")"
		if not != "" && w.IntN(3) > 0 {
			return "(" + x + " IS NOT NULL AND " + in + ")"
		}
		return in
	}
	if kind == "id" {
		kind, column = "number", w.column(of, "number")
	}
	switch w.IntN(4) {
	case 0:
		return column + " " + not + "IN (" + w.literal(kind) + ", " + pick(w.dice, w.literal(kind), "NULL") + ")"
	case 1:
		if kind == "text" {
			return column + " " + not + "LIKE " + pick(w.dice, "'%o%'", "'r_me'", "'A%'")
		}
		return column + " " + not + "BETWEEN 1 AND " + w.literal(kind)
	}
	return column + pick(w.dice, " = ", " <> ", " < ", " >= ", " > ", " <= ") + w.literal(kind)
}

func (w *writer) more(depth int, of tableAs) string {
	if depth == 0 || w.IntN(2) == 0 {
		return ""
	}
	return " AND " + w.where(depth-1, of)
}

func (w *writer) query() string {
	tables := []tableAs{w.table()}
	from := " FROM " + tables[0].table + " " + tables[0].alias
	for range w.IntN(3) {
		joined := w.table()
		from += pick(w.dice, " JOIN ", " LEFT JOIN ") + joined.table + " " + joined.alias + " ON " + w.column(joined, "id") + " = " + w.column(pick(w.dice, tables...), "id")
		if w.IntN(3) == 0 {
			from += " AND " + w.where(0, joined)
		}
		tables = append(tables, joined)
	}
	if w.IntN(4) > 0 {
		from += " WHERE " + w.where(2, tables...)
	}
	if w.IntN(3) > 0 {
		return "SELECT " + pick(w.dice, "", "DISTINCT ") + w.column(tables[0], pick(w.dice, "number", "text", "id")) + " AS x, " + w.column(pick(w.dice, tables...), "text") + " AS y" + from
	}
	by := w.column(pick(w.dice, tables...), pick(w.dice, "number", "text", "id"))
	number := w.column(pick(w.dice, tables...), "number")
	query := "SELECT " + by + " AS x, COUNT(*) AS n, " + pick(w.dice, "SUM("+number+")", "COUNT(DISTINCT "+number+")", "MAX("+number+")", "COUNT("+number+")") + " AS m" + from + " GROUP BY " + by
	if w.IntN(2) == 0 {
		query += " HAVING " + pick(w.dice, "", "NOT ") + "(" + pick(w.dice, "SUM("+number+") > 1", "MIN("+number+") <> 1", "COUNT(DISTINCT "+number+") = 1", "MAX("+number+") IS NULL") +
			pick(w.dice, " AND ", " OR ") + pick(w.dice, "COUNT(*) > 1", "COUNT("+number+") BETWEEN 1 AND 2", "MAX("+number+") NOT IN (0, 2)", "MIN("+number+") < MAX("+number+")") + ")"
	}
	return query
}

func TestSQLMeansWhatADatabaseTakesItFor(t *testing.T) {
	c := emulated(t)
	db := oracle(t, c)
	answered, refused := 0, map[string]int{}
	for seed := range uint64(oracleQueries) {
		query := (&writer{dice: dice{Rand: rand.New(rand.NewPCG(12, seed))}}).query()
		p, err := c.SQLPage(t.Context(), query, 0, "")
		if e, ok := errors.AsType[*dataverse.Error](err); ok && e.Kind == dataverse.Invalid && e.Status == 0 { // by the client, not the service
			refused[err.Error()]++
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		var got []string
		for _, row := range p.Rows {
			var cells []string
			for _, name := range row.Columns() {
				cells = append(cells, plainValue(row.Value(name).Raw))
			}
			got = append(got, strings.Join(cells, "|"))
		}
		want := answerOf(t, db, query)
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: %s (-database +client)\n%s", seed, query, diff)
		}
		if len(want) > 0 {
			answered++
		}
	}
	if answered < oracleQueries/4 {
		t.Errorf("only %d of %d queries had an answer; refusals: %v", answered, oracleQueries, refused)
	}
}

const oracleQueries = 120

// plainValue writes a value as both databases have it: text of any case, numbers without empty digits.
func plainValue(raw any) string {
	switch v := raw.(type) {
	case nil:
		return "null"
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return err.Error()
		}
		return strconv.FormatFloat(f, 'f', -1, 64)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strings.ToLower(fmt.Sprint(raw))
}

func answerOf(t *testing.T, db *sql.DB, query string) (all []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, places := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			places[i] = &values[i]
		}
		if err := rows.Scan(places...); err != nil {
			t.Fatal(err)
		}
		var cells []string
		for _, v := range values {
			cells = append(cells, plainValue(v))
		}
		all = append(all, strings.Join(cells, "|"))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
