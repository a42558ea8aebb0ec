package dataverse_test

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/dataverse/fetchxml"
	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
)

// question is a value as it is written, and how people ask for it.
type question struct {
	table, column string
	value         any
	by            []string
}

// text is made of what means something in one of the query languages.
func (d dice) text() string {
	from := []rune("'\"%_[]^-\\ab <>&;#+/?=@$\n\té😀ßİı\u3000{}()*|~`,:.!0")
	var b strings.Builder
	for range 1 + d.IntN(6) {
		b.WriteRune(pick(d, from...))
	}
	return b.String()
}

func TestWhatIsWrittenIsFoundOnEveryRoad(t *testing.T) {
	c, _ := onRoads(t)
	contact := create(t, c, "contact", dataverse.Values{"lastname": "McKay"})
	parent := create(t, c, "account", dataverse.Values{"name": "Contoso"})
	ids := map[string]string{}
	for table, name := range map[string]string{"account": "name", "contact": "lastname"} {
		ids[table] = create(t, c, table, dataverse.Values{name: "Fabrikam"})
	}
	questions := []question{
		{"account", "industrycode", "Consulting", []string{"Consulting", "consulting", "7"}},
		{"account", "creditonhold", "Yes", []string{"Yes", "true", "1"}},
		{"account", "primarycontactid", "contact(" + contact + ")", []string{contact, "contact(" + contact + ")", "/contacts(" + contact + ")", "{" + contact + "}"}},
		{"account", "accountid", nil, []string{ids["account"], "account(" + ids["account"] + ")"}},
		{"contact", "parentcustomerid", "account(" + parent + ")", []string{parent, "account(" + parent + ")"}},
		{"account", "revenue", "12.50", []string{"12.50", "12.5", "1.25e1"}},
		{"account", "numberofemployees", 5e3, []string{"5000", "5e3", "5000.0"}},
		{"account", "lastonholdtime", "2026-05-01T10:00+02:00", []string{"2026-05-01T10:00:00+02:00", "2026-05-01T08:00:00Z", "2026-05-01T08:00Z"}},
		{"account", "lastonholdtime", "2026-05-01", []string{"2026-05-01", "2026-05-01T00:00:00Z"}},
		{"contact", "birthdate", "2026-05-01T00:00:00+02:00", []string{"2026-05-01", "2026-05-01T00:00:00Z", "2026-05-01T00:00:00+02:00"}},
		{"contact", "lastname", "null", []string{"null"}},
		{"contact", "lastname", "contact(" + contact + ")", []string{"contact(" + contact + ")"}},
	}
	d := dice{Rand: rand.New(rand.NewPCG(13, 1))}
	for range 40 {
		text := d.text()
		questions = append(questions, question{"account", pick(d, "name", "description"), text, []string{text}})
	}
	for _, q := range questions {
		if q.value != nil {
			if _, err := c.Update(t.Context(), q.table, ids[q.table], dataverse.Values{q.column: q.value}); err != nil {
				t.Errorf("%s = %q: %v", q.column, q.value, err)
				continue
			}
		}
		for _, value := range q.by {
			for road, rows := range everyRoad(t, c, q.table, q.column, value) {
				if got, err := gathered(rows); err != nil || len(got) != 1 || got[0].ID != ids[q.table] {
					t.Errorf("%s: %s = %q, written as %q: got %d rows, %v, want the one", road, q.column, value, fmt.Sprint(q.value), len(got), err)
				}
			}
		}
	}
}

// everyRoad asks for the rows where a column has a value.
func everyRoad(t *testing.T, c *dataverse.Client, table, column, value string) map[string]iter.Seq2[dataverse.Row, error] {
	t.Helper()
	f := &fetchxml.Fetch{Entity: fetchxml.Entity{Name: table, Body: fetchxml.Body{
		Attributes: []fetchxml.Attribute{{Name: table + "id"}}, Filters: []fetchxml.Filter{single(column, "", "eq", value).fetch},
	}}}
	filter := column + " eq " + odata.Quote(value)
	if column == "lastonholdtime" { // a day is its midnight in ge and le; with eq it is refused
		filter = column + " ge " + odata.Quote(value) + " and " + column + " le " + odata.Quote(value)
	}
	sql := table + "id FROM " + table + " WHERE " + column + " = " + odata.Quote(value)
	return map[string]iter.Seq2[dataverse.Row, error]{
		"$filter":         c.Rows(t.Context(), table, dataverse.Query{Select: []string{table + "id"}, Filter: filter}),
		"FetchXML":        c.FetchRows(t.Context(), f.String()),
		"SQL":             c.SQLRows(t.Context(), "SELECT "+sql),
		"SQL in FetchXML": c.SQLRows(t.Context(), "SELECT TOP 5000 "+sql),
	}
}
