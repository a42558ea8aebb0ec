package emulator

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/fetchxml"
	"github.com/dynamics-mcp/dynamics-mcp/dataverse/sql"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// sqlQuery is a SELECT on its way to the tree of a FetchXML query, which does the same and is answered in the same form.
// What the endpoint is documented to refuse is refused here; the texts are ours, since no source has the service's.
type sqlQuery struct {
	*call
	text       *sql.Select
	tables     []*sqlTable // the first is the query's own
	tree       fetchxml.Fetch
	conditions int
	limit      *window // of TOP, or OFFSET and FETCH
}

// sqlTable is a table of the FROM.
type sqlTable struct {
	*schema.Table
	name   string        // what columns call it by
	link   fetchxml.Link // how it is joined
	joined []*sqlTable   // to this one
	body   fetchxml.Body
}

// selectSQL answers ?sql= over the rows of a source.
func (c *call) selectSQL(t *schema.Table, from source) error {
	q := &sqlQuery{call: c}
	text, err := sql.Parse(c.query.Get("sql"))
	if fault, ok := errors.AsType[*sql.SyntaxError](err); ok {
		return badSQL("%s.", fault.Error())
	}
	if err != nil {
		return err
	}
	q.text = text
	if err := q.translate(); err != nil {
		return err
	}
	if q.tables[0].Table != t {
		return fail(http.StatusBadRequest, codeWrongEntity, "The table '%s' of the SQL query does not match the entity set '%s'.",
			q.tables[0].Logical, t.Set)
	}
	compiled, err := c.compileFetch(t, from, &q.tree)
	if err != nil {
		return err
	}
	compiled.origin = q
	if q.tree.Aggregate {
		return compiled.aggregate()
	}
	return compiled.rows()
}

func badSQL(format string, args ...any) *Error {
	return badRequest("The SQL query is not valid: "+format, args...)
}

func unsupportedSQL(what string) *Error {
	return badRequest("The SQL query is not supported: %s.", what)
}

func (q *sqlQuery) translate() error {
	s := q.text
	if s.Having != nil {
		return unsupportedSQL("HAVING")
	}
	for _, step := range []func() error{q.from, q.page, q.items, q.groups, q.orders} {
		if err := step(); err != nil {
			return err
		}
	}
	if s.Where != nil {
		where, err := q.filter(s.Where, false)
		if err != nil {
			return err
		}
		q.tables[0].body.Filters = []fetchxml.Filter{where}
	}
	q.tree.Distinct = s.Distinct
	q.tree.RawOrderBy = true // SQL sorts choices by their numbers
	q.tree.Entity = fetchxml.Entity{Name: q.tables[0].Logical, Body: q.tables[0].whole()}
	return nil
}

// whole is the body of a table with all that is joined to it.
func (t *sqlTable) whole() fetchxml.Body {
	for _, other := range t.joined {
		other.link.Body = other.whole()
		t.body.Links = append(t.body.Links, other.link)
	}
	return t.body
}

// page reads TOP, or OFFSET and FETCH. The documentation has neither; Microsoft's own client for Python sends both.
func (q *sqlQuery) page() error {
	s := q.text
	switch {
	case s.Top != nil && s.Offset != nil:
		return badSQL("TOP and OFFSET exclude each other.")
	case s.Top != nil:
		q.limit = &window{number: 1, size: *s.Top, limited: true}
	case s.Offset != nil && len(s.OrderBy) == 0:
		return badSQL("OFFSET needs ORDER BY.")
	case s.Offset != nil && s.Fetch == nil:
		return unsupportedSQL("OFFSET without FETCH NEXT")
	case s.Offset != nil:
		q.limit = &window{number: 1, size: *s.Fetch, skip: *s.Offset, limited: true}
	}
	if q.limit != nil && q.limit.size > maxPageSize {
		return badSQL("TOP and FETCH NEXT go up to %d rows.", maxPageSize)
	}
	return nil
}

// from reads the tables.
func (q *sqlQuery) from() error {
	if _, err := q.table(q.text.From); err != nil {
		return err
	}
	if len(q.text.Joins) > fetchxml.MaxLinks {
		return fail(http.StatusBadRequest, codeTooManyJoins, "The SQL query joins more than %d tables.", fetchxml.MaxLinks)
	}
	for _, j := range q.text.Joins {
		if j.Kind != sql.Inner && j.Kind != sql.Left {
			return unsupportedSQL(string(j.Kind) + " JOIN")
		}
		if err := q.join(j); err != nil {
			return err
		}
	}
	return nil
}

func (q *sqlQuery) table(from sql.Table) (*sqlTable, error) {
	name := strings.ToLower(from.Name)
	t := q.schema.Table(name)
	if t == nil {
		t = q.schema.Intersect(name)
	}
	if t == nil {
		return nil, noSuchTable(from.Name)
	}
	added := &sqlTable{Table: t, name: from.Alias}
	if added.name == "" {
		added.name = t.Logical
	}
	if q.called(added.name) != nil {
		return nil, badSQL("two tables are called '%s': give one of them an alias.", added.name)
	}
	q.tables = append(q.tables, added)
	return added, nil
}

// called is the table that columns call by a name.
func (q *sqlQuery) called(name string) *sqlTable {
	i := slices.IndexFunc(q.tables, func(t *sqlTable) bool { return strings.EqualFold(t.name, name) })
	if i < 0 {
		return nil
	}
	return q.tables[i]
}

// join reads a join: one pair of columns that have to be equal, and conditions for the rows that it adds.
func (q *sqlQuery) join(j sql.Join) error {
	added, err := q.table(j.Table)
	if err != nil {
		return err
	}
	added.link = fetchxml.Link{Name: added.Logical, Alias: added.name, Type: fetchxml.Inner}
	if j.Kind == sql.Left {
		added.link.Type = fetchxml.Outer
	}
	for _, term := range conjuncts(j.On) {
		pair, isPair := pairOf(term)
		if !isPair {
			on, err := q.filter(term, false)
			if err != nil {
				return err
			}
			added.body.Filters = append(added.body.Filters, on)
			continue
		}
		if err := q.joinBy(added, pair); err != nil {
			return err
		}
	}
	if added.link.From == "" {
		return unsupportedSQL("a join without a pair of columns that have to be equal")
	}
	return nil
}

func (q *sqlQuery) joinBy(added *sqlTable, pair [2]*sql.Column) error {
	near, from, err := q.column(pair[0])
	if err != nil {
		return err
	}
	far, to, err := q.column(pair[1])
	if err != nil {
		return err
	}
	if near != added {
		near, from, far, to = far, to, near, from
	}
	if near != added || far == added || added.link.From != "" {
		return unsupportedSQL("a join by anything but one column of the table and one of those before it")
	}
	added.link.From, added.link.To = from.Logical, to.Logical
	far.joined = append(far.joined, added)
	return nil
}

// conjuncts are the conditions that AND combines.
func conjuncts(x sql.Expr) []sql.Expr {
	if both, ok := x.(*sql.Binary); ok && both.Op == sql.And {
		return append(conjuncts(both.L), both.R)
	}
	return []sql.Expr{x}
}

// pairOf are the columns of a condition such as a.x = b.y.
func pairOf(x sql.Expr) (pair [2]*sql.Column, ok bool) {
	equal, ok := x.(*sql.Binary)
	if !ok || equal.Op != sql.Eq {
		return pair, false
	}
	l, left := equal.L.(*sql.Column)
	r, right := equal.R.(*sql.Column)
	return [2]*sql.Column{l, r}, left && right
}

// column finds a column. Without a table before it, one table alone may have it.
func (q *sqlQuery) column(named *sql.Column) (*sqlTable, *schema.Column, error) {
	name := strings.ToLower(named.Name)
	if named.Table != "" {
		t := q.called(named.Table)
		if t == nil {
			return nil, nil, fail(http.StatusBadRequest, codeNoSuchAlias, "The SQL query has no table or alias '%s'.", named.Table)
		}
		if column := t.Column(name); column != nil {
			return t, column, nil
		}
		return nil, nil, noSuchAttribute(t.Table, named.Name)
	}
	var found *sqlTable
	for _, t := range q.tables {
		switch {
		case t.Column(name) == nil:
		case found != nil:
			return nil, nil, badSQL("the column '%s' is in '%s' and in '%s': put one of them before it.", named.Name, found.name, t.name)
		default:
			found = t
		}
	}
	if found == nil {
		return nil, nil, noSuchAttribute(q.tables[0].Table, named.Name)
	}
	return found, found.Column(name), nil
}
