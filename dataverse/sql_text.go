package dataverse

import (
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/fetchxml"
	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
)

// text writes q in the SQL of the service, which has no NOT, no subqueries, and conditions on literals alone.
func (q *sqlQuery) text() string {
	var b strings.Builder
	b.WriteString("SELECT ")
	if q.distinct {
		b.WriteString("DISTINCT ")
	}
	for n, i := range q.items {
		if n > 0 {
			b.WriteString(", ")
		}
		b.WriteString(q.itemText(i))
	}
	if len(q.items) == 0 {
		b.WriteString(q.columnText(sqlColumn{q.base(), q.base().primary()}))
	}
	b.WriteString(" FROM " + q.base().table.LogicalName)
	if len(q.sources) > 1 {
		b.WriteString(" AS " + q.base().wire)
	}
	for _, s := range q.sources[1:] {
		b.WriteString(" " + map[bool]string{false: "INNER", true: "LEFT"}[s.outer] + " JOIN " + s.table.LogicalName + " AS " + s.wire +
			" ON " + q.columnText(sqlColumn{s, s.from}) + " = " + q.columnText(sqlColumn{s.parent, s.to}))
	}
	if len(q.where.parts) > 0 || q.where.leaf != nil || q.where.or {
		b.WriteString(" WHERE " + q.testText(q.where))
	}
	var by []string
	for _, i := range q.items {
		if q.aggregate && i.aggregate == "" {
			by = append(by, q.columnText(i.sqlColumn))
		}
	}
	if len(by) > 0 {
		b.WriteString(" GROUP BY " + strings.Join(by, ", "))
	}
	for n, o := range q.orders {
		b.WriteString(map[bool]string{false: ", ", true: " ORDER BY "}[n == 0] + q.columnText(o.item.sqlColumn))
		if o.descending {
			b.WriteString(" DESC")
		}
	}
	return b.String()
}

func (s *sqlSource) primary() *Column {
	c, _ := s.table.Column(s.table.PrimaryID)
	return c
}

var sqlFunctions = map[fetchxml.Aggregate]string{
	fetchxml.Count: "COUNT", fetchxml.CountColumn: "COUNT", fetchxml.Sum: "SUM", fetchxml.Avg: "AVG", fetchxml.Min: "MIN", fetchxml.Max: "MAX",
}

func (q *sqlQuery) itemText(i sqlItem) string {
	text := q.columnText(i.sqlColumn)
	switch {
	case i.star:
		text = "COUNT(*)"
	case i.aggregate != "":
		text = sqlFunctions[i.aggregate] + "(" + text + ")"
	}
	if i.plain {
		return text
	}
	return text + " AS " + i.wire
}

// columnText names a column; with its table where there are several.
func (q *sqlQuery) columnText(c sqlColumn) string {
	if len(q.sources) == 1 {
		return c.column.LogicalName
	}
	return c.source.wire + "." + c.column.LogicalName
}

func (q *sqlQuery) testText(t sqlTest) string {
	if t.leaf != nil {
		return q.leafText(t.leaf)
	}
	if len(t.parts) == 0 {
		return q.columnText(sqlColumn{q.base(), q.base().primary()}) + map[bool]string{false: " IS NOT NULL", true: " IS NULL"}[t.or]
	}
	parts := make([]string, len(t.parts))
	for i, part := range t.parts {
		parts[i] = q.testText(part)
		if part.leaf == nil && len(part.parts) > 1 {
			parts[i] = "(" + parts[i] + ")"
		}
	}
	return strings.Join(parts, map[bool]string{false: " AND ", true: " OR "}[t.or])
}

func (q *sqlQuery) leafText(l *sqlLeaf) (out string) {
	text := q.columnText(l.on) + " " + string(l.op)
	if l.op == sqlNe || l.op == sqlNotLike || l.op == sqlNotIn { // whether the service keeps rows without a value here is not documented
		known := *l
		known.op, known.values = sqlNotNull, nil
		defer func() { out = "(" + out + " AND " + q.leafText(&known) + ")" }()
	}
	values := make([]string, len(l.values))
	for i, v := range l.values {
		values[i] = v.sql()
	}
	switch {
	case l.op == sqlIn || l.op == sqlNotIn:
		return text + " (" + strings.Join(values, ", ") + ")"
	case len(values) > 0:
		return text + " " + values[0]
	}
	return text
}

// sql writes a literal.
func (v sqlValue) sql() string {
	if v.kind == odata.Number {
		return v.text
	}
	return "'" + strings.ReplaceAll(v.text, "'", "''") + "'"
}
