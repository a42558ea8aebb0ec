package dataverse

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/dataverse/sql"
)

// sqlReader resolves the names of one SELECT, or of a subquery of it.
type sqlReader struct {
	client *Client
	query  *sqlQuery
	outer  *sqlReader      // of the query around a subquery
	wires  map[string]bool // names taken on the wire
	faults *faults
	notIn  []sqlColumn // that NOT IN (SELECT …) is about, not yet checked
}

// source adds a table to the query.
func (r *sqlReader) source(ctx context.Context, name, alias string) (*sqlSource, error) {
	t, err := r.client.describe(ctx, name)
	if err != nil {
		return nil, err
	}
	if t.SetName == "" {
		return nil, invalid("table %s is not served by the Web API", t.LogicalName)
	}
	if alias == "" {
		alias = name
	}
	if r.named(alias) != nil {
		return nil, invalid("two tables are called %s: give each an alias", alias)
	}
	s := &sqlSource{table: t, alias: alias, wire: r.wire(alias)}
	r.query.sources = append(r.query.sources, s)
	return s, nil
}

func (r *sqlReader) named(alias string) *sqlSource {
	for _, s := range r.query.sources {
		if folded(s.alias) == folded(alias) {
			return s
		}
	}
	return nil
}

// sqlWord is what the service takes as a name without quoting it.
var sqlWord = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// wire picks a name for the wire: name itself where that is plain and free.
func (r *sqlReader) wire(name string) string {
	free := func(name string) bool { return !r.wires[folded(name)] }
	out := name
	if !sqlWord.MatchString(name) || reserved(name) {
		out, name = "x1", "x"
	}
	for i := 2; !free(out); i++ {
		out = name + strconv.Itoa(i)
	}
	r.wires[folded(out)] = true
	return out
}

// reserved says whether SQL may read the word otherwise than as a name: beside the keywords of the grammar, words that
// databases know as functions, types and clauses.
func reserved(word string) bool {
	return sql.IsKeyword(word) || slices.Contains(strings.Fields("avg check count current date first last max min next of off only open "+
		"public read row rows schema sum use user"), folded(word))
}

// column resolves table.column, or column alone where one table of the query has it. A subquery may name what the query
// around it has.
func (r *sqlReader) column(qualifier, name string) (sqlColumn, error) {
	if qualifier != "" {
		for in := r; in != nil; in = in.outer {
			if s := in.named(qualifier); s != nil {
				c, err := s.table.readable(name)
				return sqlColumn{s, c}, err
			}
		}
		return sqlColumn{}, r.noTable(qualifier)
	}
	for in := r; in != nil; in = in.outer {
		found, err := in.unqualified(name)
		if err != nil || found.column != nil {
			return found, err
		}
	}
	if len(r.query.sources) == 1 {
		return sqlColumn{}, unknownColumn(r.query.base().table, name)
	}
	var names, near []string
	for _, s := range r.query.sources {
		names = append(names, s.alias)
		for _, n := range unknownColumn(s.table, name).Nearest {
			near = append(near, s.alias+"."+n)
		}
	}
	e := invalid("none of the tables %s has a column %s", strings.Join(names, ", "), quoted(name))
	e.Nearest, e.unknownName = near, true
	return sqlColumn{}, e
}

// unqualified finds a column among the tables of this query alone.
func (r *sqlReader) unqualified(name string) (found sqlColumn, err error) {
	for _, s := range r.query.sources {
		if _, has := s.table.Column(name); !has {
			continue
		}
		if found.column != nil {
			return found, invalid("column %s is in both of %s and %s: write %s.%s", name, found.source.alias, s.alias, found.source.alias, name)
		}
		c, err := s.table.readable(name)
		if err != nil {
			return found, err
		}
		found = sqlColumn{s, c}
	}
	return found, nil
}

func (r *sqlReader) noTable(name string) error {
	e := invalid("no table of the query is called %s", quoted(name))
	var candidates []candidate
	for in := r; in != nil; in = in.outer {
		for _, s := range in.query.sources {
			candidates = append(candidates, candidate{name: s.alias, aliases: []string{s.table.LogicalName, s.table.SetName}})
			if folded(s.table.LogicalName) == folded(name) {
				e.Message += ": it has an alias, write " + s.alias
			}
		}
	}
	e.Nearest = nearest(name, candidates)
	return e
}

// value brings a literal into the form of the column that it is compared with, as a filter's are.
func (r *sqlReader) value(c sqlColumn, l *odata.Literal) (sqlValue, error) {
	if c.column.Type == ChoicesColumn {
		return sqlValue{}, invalid("column %s: it holds several choices at once, which SQL cannot compare: query it with a filter, "+
			"Microsoft.Dynamics.CRM.ContainValues(PropertyName='%s',PropertyValues=['1'])", c.column.LogicalName, c.column.LogicalName)
	}
	if l.Kind == odata.String && strings.ContainsFunc(l.Value, unprintable) {
		return sqlValue{}, invalid("column %s: the text holds a control character, which a query cannot", c.column.LogicalName)
	}
	x, err := literal(c.column, l)
	if err != nil {
		if c.column.Type.isLookup() && len(c.column.Targets) > 0 {
			hint(err, "; to compare its name, join table "+oneOf(c.column.Targets)+" by this column")
		}
		return sqlValue{}, err
	}
	out, ok := x.(*odata.Literal)
	if !ok {
		return sqlValue{}, errors.New("a literal became an expression")
	}
	if !suits(c.column, out.Kind) {
		return sqlValue{}, wrongType(c.column, l.Value, wanted(c.column, l.Value))
	}
	v := sqlValue{out.Kind, out.Value}
	if c.column.Type == BooleanColumn && out.Kind == odata.Bool {
		v = sqlValue{odata.Number, map[string]string{"true": "1", "false": "0"}[out.Value]}
	}
	return v.moment(c.column)
}

func unprintable(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == '\uFFFE' || r == '\uFFFF'
}

// suits says whether a literal of the kind can be compared with the column.
func suits(c *Column, k odata.LiteralKind) bool {
	switch {
	case c.Type == BooleanColumn:
		return k == odata.Bool
	case c.Type.isNumber(), c.Type.isChoice():
		return k == odata.Number
	case c.Type == DateTimeColumn:
		return k == odata.Date || k == odata.DateTime
	case c.Type.isLookup(), c.Type == GUIDColumn:
		return k == odata.GUID
	}
	return k == odata.String
}

// wanted says what is compared with the column.
func wanted(c *Column, text string) string {
	switch {
	case c.Type == BooleanColumn:
		return "0 or 1"
	case c.Type.isChoice():
		return "the number or the label of a choice"
	case c.Type.isLookup(), c.Type == GUIDColumn:
		return "the id of a row in quotes"
	case c.Type.isNumber(), c.Type == DateTimeColumn:
		return wantOf(c, text)
	}
	return "text in quotes"
}
