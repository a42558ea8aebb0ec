package sql

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// String is the query as Parse reads it, in one line.
func (s *Select) String() string {
	var b strings.Builder
	b.WriteString("SELECT ")
	if s.Distinct {
		b.WriteString("DISTINCT ")
	}
	if s.Top != nil {
		b.WriteString("TOP " + strconv.Itoa(*s.Top) + " ")
	}
	b.WriteString(list(s.Items, Item.String) + " FROM " + s.From.String())
	for _, j := range s.Joins {
		b.WriteString(" " + j.String())
	}
	if s.Where != nil {
		b.WriteString(" WHERE " + s.Where.String())
	}
	if len(s.GroupBy) > 0 {
		b.WriteString(" GROUP BY " + list(s.GroupBy, valueText))
	}
	if s.Having != nil {
		b.WriteString(" HAVING " + s.Having.String())
	}
	if len(s.OrderBy) > 0 {
		b.WriteString(" ORDER BY " + list(s.OrderBy, Order.String))
	}
	if s.Offset != nil {
		b.WriteString(" OFFSET " + strconv.Itoa(*s.Offset) + " ROWS")
	}
	if s.Fetch != nil {
		b.WriteString(" FETCH NEXT " + strconv.Itoa(*s.Fetch) + " ROWS ONLY")
	}
	return b.String()
}

func list[T any](all []T, text func(T) string) string {
	parts := make([]string, len(all))
	for i, x := range all {
		parts[i] = text(x)
	}
	return strings.Join(parts, ", ")
}

// String is the item as in a query.
func (i Item) String() string {
	switch {
	case i.Star && i.Table != "":
		return Name(i.Table) + ".*"
	case i.Star:
		return "*"
	case i.Alias != "":
		return valueText(i.X) + " AS " + Name(i.Alias)
	}
	return valueText(i.X)
}

// String is the table as in a query.
func (t Table) String() string {
	if t.Alias == "" {
		return Name(t.Name)
	}
	return Name(t.Name) + " AS " + Name(t.Alias)
}

// String is the join as in a query.
func (j Join) String() string {
	text := string(j.Kind) + " JOIN " + j.Table.String()
	if j.On != nil {
		text += " ON " + j.On.String()
	}
	return text
}

// String is the sort key as in a query.
func (o Order) String() string {
	if o.Descending {
		return valueText(o.X) + " DESC"
	}
	return valueText(o.X)
}

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Name is a name as in a query: in brackets where it would be read as something else.
func Name(name string) string {
	if plainName.MatchString(name) && !IsKeyword(name) {
		return name
	}
	return "[" + strings.ReplaceAll(name, "]", "]]") + "]"
}

var keywords = strings.Fields("ADD ALL ALTER AND ANY AS ASC BETWEEN BY CASE CAST COLUMN CONSTRAINT CONVERT CREATE CROSS DATABASE DEFAULT " +
	"DELETE DESC DISTINCT DROP ELSE END ESCAPE EXCEPT EXEC EXECUTE EXISTS FALSE FETCH FOR FOREIGN FROM FULL FUNCTION GROUP HAVING IDENTITY IF IN " +
	"INDEX INNER INSERT INTERSECT INTO IS JOIN KEY LEFT LIKE LIMIT MERGE NOT NULL OFFSET ON OPTION OR ORDER OUTER OVER PERCENT PRIMARY " +
	"RIGHT SELECT SET SOME TABLE THEN TO TOP TRUE TRUNCATE UNION UNIQUE UPDATE USING VALUES VIEW WHEN WHERE WITH")

// IsKeyword says whether the grammar keeps the word for itself, so that it is no name without brackets.
func IsKeyword(word string) bool {
	_, found := slices.BinarySearch(keywords, strings.ToUpper(word))
	return found
}

// String is the column as in a query.
func (c *Column) String() string {
	if c.Table == "" {
		return Name(c.Name)
	}
	return Name(c.Table) + "." + Name(c.Name)
}

// String is the literal as in a query.
func (l *Literal) String() string {
	switch l.Kind {
	case String:
		return "'" + strings.ReplaceAll(l.Value, "'", "''") + "'"
	case Number:
		return l.Value
	case Bool:
		return strings.ToUpper(l.Value)
	case Null:
	}
	return "NULL"
}

// String is the call as in a query.
func (c *Call) String() string {
	switch {
	case c.Star:
		return c.Name + "(*)"
	case c.Distinct:
		return c.Name + "(DISTINCT " + list(c.Args, valueText) + ")"
	}
	return c.Name + "(" + list(c.Args, valueText) + ")"
}

// String is the query in parentheses.
func (s *Subquery) String() string { return "(" + s.Query.String() + ")" }

func (b *Binary) String() string {
	left := b.precedence()
	if b.Op != And && b.Op != Or {
		left++ // 1 = 2 = 3 is no condition
	}
	return within(b.L, left) + " " + string(b.Op) + " " + within(b.R, b.precedence()+1)
}

func (n *Not) String() string { return "NOT " + within(n.X, n.precedence()) }

func (l *Like) String() string {
	text := within(l.X, primaryLevel) + not(l.Not) + " LIKE " + within(l.Pattern, primaryLevel)
	if l.Escape != "" {
		text += " ESCAPE " + (&Literal{String, l.Escape}).String()
	}
	return text
}

func (i *In) String() string {
	text := within(i.X, primaryLevel) + not(i.Not) + " IN ("
	if i.Query != nil {
		return text + i.Query.String() + ")"
	}
	return text + list(i.List, valueText) + ")"
}

func (b *Between) String() string {
	return within(b.X, primaryLevel) + not(b.Not) + " BETWEEN " + within(b.Low, primaryLevel) + " AND " + within(b.High, primaryLevel)
}

func (i *IsNull) String() string { return within(i.X, primaryLevel) + " IS" + not(i.Not) + " NULL" }

// String is the condition as in a query.
func (e *Exists) String() string { return "EXISTS (" + e.Query.String() + ")" }

func not(negated bool) string {
	if negated {
		return " NOT"
	}
	return ""
}

// The levels of precedence, from the loosest.
const (
	orLevel = iota
	andLevel
	notLevel
	comparisonLevel
	primaryLevel
)

// within is x where only what binds as tightly as level may stand without parentheses.
func within(x Expr, level int) string {
	if x.precedence() < level {
		return "(" + x.String() + ")"
	}
	return x.String()
}

// valueText is x where a value stands, so that a condition needs parentheses.
func valueText(x Expr) string { return within(x, primaryLevel) }

func (*Column) precedence() int   { return primaryLevel }
func (*Literal) precedence() int  { return primaryLevel }
func (*Call) precedence() int     { return primaryLevel }
func (*Subquery) precedence() int { return primaryLevel }
func (*Exists) precedence() int   { return primaryLevel }
func (*Not) precedence() int      { return notLevel }
func (*Like) precedence() int     { return comparisonLevel }
func (*In) precedence() int       { return comparisonLevel }
func (*Between) precedence() int  { return comparisonLevel }
func (*IsNull) precedence() int   { return comparisonLevel }
func (b *Binary) precedence() int {
	switch b.Op {
	case Or:
		return orLevel
	case And:
		return andLevel
	}
	return comparisonLevel
}
