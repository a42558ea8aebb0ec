package dataverse

import (
	"context"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/dataverse/sql"
)

// readSQL parses a SELECT and resolves its names. What it does not find is Invalid, with the nearest names.
func (c *Client) readSQL(ctx context.Context, text string) (*sqlQuery, error) {
	s, err := sql.Parse(text)
	if err != nil {
		e := invalid("%s", err)
		e.Err = err
		return nil, e
	}
	r := &sqlReader{client: c, query: &sqlQuery{take: -1}, wires: map[string]bool{}, faults: &faults{}}
	if err := r.read(ctx, s); err != nil {
		return nil, err
	}
	if err := r.faults.err(); err != nil {
		return nil, err
	}
	return r.query, nil
}

func (r *sqlReader) read(ctx context.Context, s *sql.Select) error {
	if err := r.tables(ctx, s); err != nil {
		return err
	}
	if err := r.rowsWanted(s); err != nil {
		return err
	}
	if err := r.filter(ctx, s.Where); err != nil {
		return err
	}
	q := r.query
	q.distinct = s.Distinct
	q.aggregate = len(s.GroupBy) > 0 || s.Having != nil || slices.ContainsFunc(s.Items, func(i sql.Item) bool { return aggregates(i.X) })
	if err := r.groupBy(s.GroupBy); err != nil {
		return err
	}
	if err := r.selectItems(s.Items); err != nil {
		return err
	}
	if err := r.having(ctx, s.Having); err != nil {
		return err
	}
	if err := r.orderBy(s.OrderBy); err != nil {
		return err
	}
	r.countSums()
	return nil
}

// filter reads WHERE, and then checks what only the whole condition tells.
func (r *sqlReader) filter(ctx context.Context, where sql.Expr) error {
	if where != nil {
		t, err := r.test(ctx, where, false)
		if err != nil {
			return err
		}
		r.query.where = allOfTests(r.query.where, t)
	}
	r.query.makeInner()
	return r.checkNotIn(r.query.requires)
}

// checkNotIn refuses NOT IN (SELECT …) about columns that may have no value.
func (r *sqlReader) checkNotIn(filled func(sqlColumn) bool) error {
	for _, c := range r.notIn {
		if filled(c) {
			continue
		}
		name := c.source.alias + "." + c.column.LogicalName
		if err := r.faults.take(invalid("%s NOT IN (SELECT …) is true of a row without a value there only where the subquery is empty, "+
			"which cannot be asked: add AND %s IS NOT NULL, or write NOT EXISTS, which keeps those rows", name, name)); err != nil {
			return err
		}
	}
	r.notIn = nil
	return nil
}

// requires says whether all rows of the query have a value in the column.
func (q *sqlQuery) requires(c sqlColumn) bool {
	if c.column.LogicalName == c.source.table.PrimaryID && c.source.inner() {
		return true
	}
	for _, s := range q.sources {
		if s.parent != nil && s.inner() && (c == sqlColumn{s, s.from} || c == sqlColumn{s.parent, s.to}) {
			return true
		}
	}
	return q.where.requires(c)
}

// tables reads FROM and the joins.
func (r *sqlReader) tables(ctx context.Context, s *sql.Select) error {
	from, joins := s.From, slices.Clone(s.Joins)
	if len(joins) > 0 && joins[0].Kind == sql.Right { // the same as LEFT JOIN the other way round
		from, joins[0].Table, joins[0].Kind = joins[0].Table, from, sql.Left
	}
	if _, err := r.source(ctx, from.Name, from.Alias); err != nil {
		return err
	}
	for _, j := range joins {
		switch j.Kind {
		case sql.Right:
			return invalid("RIGHT JOIN can only be the first join: begin FROM with the table that keeps all its rows, and LEFT JOIN the others")
		case sql.Full:
			return invalid("there is no FULL JOIN: send one query with LEFT JOIN each way round")
		case sql.Cross:
			return invalid("there is no CROSS JOIN: join by a column, … JOIN %s ON a.x = b.y", j.Table.Name)
		case sql.Inner, sql.Left:
		}
		joined, err := r.source(ctx, j.Table.Name, j.Table.Alias)
		if err != nil {
			return err
		}
		joined.outer = j.Kind == sql.Left
		if err := r.join(ctx, joined, j.On); err != nil {
			return err
		}
	}
	return nil
}

// join reads ON: one pair of columns to join by, and further conditions.
func (r *sqlReader) join(ctx context.Context, s *sqlSource, on sql.Expr) error {
	inner := r.notIn // of inner joins before, which are conditions on rows
	r.notIn = nil
	t, err := r.test(ctx, on, false)
	if err != nil || len(r.faults.list) > 0 {
		return err
	}
	rest := slices.Clone(t.conjuncts())
	pair := slices.IndexFunc(rest, func(t sqlTest) bool { return r.joins(s, t.leaf) })
	if pair < 0 {
		return invalid("ON of %s must name a column of it that is equal to one of a table before it, such as %s.%s = …, found %s",
			s.alias, s.alias, s.table.PrimaryID, on)
	}
	l := rest[pair].leaf
	here, there := l.on, *l.with
	if here.source != s {
		here, there = there, here
	}
	s.parent, s.from, s.to = there.source, here.column, there.column
	rest = slices.Delete(rest, pair, pair+1)
	if !s.outer {
		s.makeInner()
		r.notIn = append(inner, r.notIn...)
		r.query.where = allOfTests(append([]sqlTest{r.query.where}, rest...)...)
		return nil
	}
	for _, t := range rest {
		for _, l := range t.leaves() {
			if l.about(s) {
				continue
			}
			return invalid("beside the columns that %s is joined by, ON of a LEFT JOIN can only have conditions on columns of %s, not on others: %s", s.alias, s.alias, on)
		}
		s.on = append(s.on, t)
		r.query.beyondSQL("further conditions in ON")
	}
	err = r.checkNotIn(t.requires)
	r.notIn = inner
	return err
}

// joins says whether the condition is an equality of a column of s and one of another table of this query.
func (r *sqlReader) joins(s *sqlSource, l *sqlLeaf) bool {
	return l != nil && l.op == sqlEq && l.with != nil && l.on.source != l.with.source && (l.on.source == s || l.with.source == s) &&
		slices.Contains(r.query.sources, l.on.source) && slices.Contains(r.query.sources, l.with.source)
}

// about says whether the comparison concerns columns of s alone.
func (l *sqlLeaf) about(s *sqlSource) bool {
	if l.sub != nil {
		return l.sub.to.source == s
	}
	return l.on.source == s && (l.with == nil || l.with.source == s)
}

// rowsWanted reads TOP, OFFSET and FETCH.
func (r *sqlReader) rowsWanted(s *sql.Select) error {
	q := r.query
	switch {
	case s.Top != nil && s.Offset != nil:
		return invalid("TOP and OFFSET do not go together: write FETCH NEXT %d ROWS ONLY behind OFFSET", *s.Top)
	case s.Offset != nil && len(s.OrderBy) == 0:
		return invalid("OFFSET counts rows in an order: add ORDER BY")
	}
	if s.Top != nil {
		q.take = *s.Top
		q.beyondSQL("TOP")
	}
	if s.Offset != nil {
		q.skip = *s.Offset
		q.beyondSQL("OFFSET")
	}
	if s.Fetch != nil {
		q.take = *s.Fetch
	}
	return nil
}

// selectItems reads the columns of the answer.
func (r *sqlReader) selectItems(items []sql.Item) error {
	groups := len(r.query.items)
	for _, i := range items {
		var err error
		if i.Star {
			err = r.star(i.Table)
		} else {
			err = r.selectItem(i, groups)
		}
		if err := r.faults.take(err); err != nil {
			return err
		}
	}
	return nil
}

// star adds all columns of a table, or of all tables.
func (r *sqlReader) star(table string) error {
	if r.query.aggregate {
		return invalid("* does not go together with GROUP BY and aggregates: name the columns")
	}
	sources := r.query.sources
	if table != "" {
		s := r.named(table)
		if s == nil {
			return r.noTable(table)
		}
		sources = []*sqlSource{s}
	}
	r.query.beyondSQL("*")
	for _, s := range sources {
		for i := range s.table.Columns {
			if c := &s.table.Columns[i]; c.Read && c.Type != PartyListColumn && c.Type != CalendarColumn {
				if err := r.add(sqlItem{sqlColumn: sqlColumn{s, c}}, ""); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// selectItem adds one column. In an aggregate query it is an aggregate or one of the first groups items, which GROUP BY
// has made.
func (r *sqlReader) selectItem(i sql.Item, groups int) error {
	item, err := r.item(i.X)
	if err != nil {
		return err
	}
	if item.part != "" && !r.query.aggregate {
		return invalid("%s can only be grouped by: select %s itself, or add GROUP BY %s", i.X, item.column.LogicalName, i.X)
	}
	if r.query.aggregate && item.aggregate == "" {
		if !slices.ContainsFunc(r.query.items[:groups], item.same) {
			return invalid("%s is neither in GROUP BY nor in an aggregate: add it to GROUP BY", i.X)
		}
		// The group that is hidden so far is shown, once; shown twice, it takes two columns of the answer.
		for n := range groups {
			if g := &r.query.items[n]; g.same(item) && g.hidden {
				name, err := r.itemName(item, i.Alias)
				g.name, g.hidden = name, false
				r.query.shown = append(r.query.shown, name)
				return err
			}
		}
		return invalid("%s is selected twice", i.X)
	}
	return r.add(item, i.Alias)
}

// add adds an item under its alias, or else its own name.
func (r *sqlReader) add(item sqlItem, alias string) error {
	if alias == "" && slices.ContainsFunc(r.query.items, func(o sqlItem) bool { return o.same(item) && o.name == item.ownName() }) {
		return nil
	}
	name, err := r.itemName(item, alias)
	if err != nil {
		return err
	}
	item.name = name
	item.plain = !r.query.aggregate && item.source == r.query.base() && name == item.column.LogicalName
	if item.plain {
		item.wire = name
	} else {
		item.wire = r.itemWire(name)
	}
	r.query.items = append(r.query.items, item)
	r.query.shown = append(r.query.shown, name)
	return nil
}

// itemName is what rows call the item.
func (r *sqlReader) itemName(item sqlItem, alias string) (string, error) {
	name := alias
	if name == "" {
		if name = item.ownName(); slices.Contains(r.query.shown, name) {
			name = item.source.alias + "." + name
		}
	}
	if slices.Contains(r.query.shown, name) {
		return "", invalid("two columns of the answer are called %s: give one another alias", name)
	}
	return name, nil
}

// ownName is what the item is called without an alias: name, count, sum_revenue, year_createdon.
func (i sqlItem) ownName() string {
	switch {
	case i.star:
		return "count"
	case i.part != "":
		return string(i.part) + "_" + i.column.LogicalName
	case i.aggregate != "":
		return strings.ToLower(sqlFunctions[i.aggregate]) + "_" + i.column.LogicalName
	}
	return i.column.LogicalName
}

// itemWire picks a name for the wire that no column of the base table has: those come unasked.
func (r *sqlReader) itemWire(name string) string {
	if _, taken := r.query.base().table.Column(name); taken {
		name = "x"
	}
	return r.wire(name)
}

// literalOf is a literal as the filter's are.
func literalOf(l *sql.Literal) *odata.Literal {
	return &odata.Literal{Kind: map[sql.LiteralKind]odata.LiteralKind{
		sql.Null: odata.Null, sql.String: odata.String, sql.Number: odata.Number, sql.Bool: odata.Bool}[l.Kind], Value: l.Value}
}
