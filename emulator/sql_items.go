package emulator

import (
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/fetchxml"
	"github.com/dynamics-mcp/dynamics-mcp/dataverse/sql"
)

// sqlAggregates are the functions that a SELECT may have, each over a column.
var sqlAggregates = map[string]fetchxml.Aggregate{
	"COUNT": fetchxml.CountColumn, "SUM": fetchxml.Sum, "AVG": fetchxml.Avg, "MIN": fetchxml.Min, "MAX": fetchxml.Max,
}

// items reads what is selected.
func (q *sqlQuery) items() error {
	aggregates := false
	for _, item := range q.text.Items {
		_, call := item.X.(*sql.Call)
		aggregates = aggregates || call
	}
	q.tree.Aggregate = aggregates || len(q.text.GroupBy) > 0
	for _, item := range q.text.Items {
		if err := q.item(item); err != nil {
			return err
		}
	}
	if q.tree.Aggregate && q.text.Distinct {
		return unsupportedSQL("DISTINCT together with aggregates")
	}
	return nil
}

func (q *sqlQuery) item(item sql.Item) error {
	switch x := item.X.(type) {
	case *sql.Call:
		return q.aggregate(x, item.Alias)
	case *sql.Column:
		t, column, err := q.column(x)
		if err != nil {
			return err
		}
		a := fetchxml.Attribute{Name: column.Logical, Alias: item.Alias}
		if q.tree.Aggregate {
			if !q.grouped(t, column.Logical) {
				return badSQL("the column '%s' has to stand in GROUP BY or in an aggregate.", x.Name)
			}
			a.GroupBy = true
			if a.Alias == "" {
				a.Alias = column.Logical
			}
		}
		t.body.Attributes = append(t.body.Attributes, a)
		return nil
	case nil:
		return unsupportedSQL("SELECT *: name the columns")
	}
	return unsupportedSQL("'" + item.X.String() + "' in SELECT, which takes columns and aggregates")
}

// aggregate adds an aggregate. One without an alias goes by the function and the column.
func (q *sqlQuery) aggregate(x *sql.Call, alias string) error {
	method, known := sqlAggregates[x.Name]
	if !known || x.Distinct || len(x.Args) > 1 || len(x.Args) == 0 && !x.Star {
		return unsupportedSQL("'" + x.String() + "' in SELECT, which takes COUNT, SUM, AVG, MIN and MAX")
	}
	if x.Star {
		t := q.tables[0]
		if alias == "" {
			alias = "count"
		}
		t.body.Attributes = append(t.body.Attributes, fetchxml.Attribute{Name: t.PrimaryID, Alias: alias, Aggregate: fetchxml.Count})
		return nil
	}
	of, ok := x.Args[0].(*sql.Column)
	if !ok {
		return unsupportedSQL("'" + x.String() + "', which is not over a column")
	}
	t, column, err := q.column(of)
	if err != nil {
		return err
	}
	if alias == "" {
		alias = strings.ToLower(x.Name) + "_" + column.Logical
	}
	t.body.Attributes = append(t.body.Attributes, fetchxml.Attribute{Name: column.Logical, Alias: alias, Aggregate: method})
	return nil
}

// grouped reports whether GROUP BY has a column.
func (q *sqlQuery) grouped(t *sqlTable, logical string) bool {
	for _, x := range q.text.GroupBy {
		if named, ok := x.(*sql.Column); ok {
			if other, column, err := q.column(named); err == nil && other == t && column.Logical == logical {
				return true
			}
		}
	}
	return false
}

// groups adds the columns of GROUP BY that are not selected: without an alias they group and are not returned.
func (q *sqlQuery) groups() error {
	for _, x := range q.text.GroupBy {
		named, ok := x.(*sql.Column)
		if !ok {
			return unsupportedSQL("'" + x.String() + "' in GROUP BY, which takes columns")
		}
		t, column, err := q.column(named)
		if err != nil {
			return err
		}
		if _, selected := groupedBy(t, column.Logical); !selected {
			t.body.Attributes = append(t.body.Attributes, fetchxml.Attribute{Name: column.Logical, GroupBy: true})
		}
	}
	return nil
}

// groupedBy is the alias of a column that is grouped by.
func groupedBy(t *sqlTable, logical string) (alias string, ok bool) {
	for _, a := range t.body.Attributes {
		if a.GroupBy && a.Name == logical {
			return a.Alias, true
		}
	}
	return "", false
}

// orders reads ORDER BY: columns, or aliases of what is selected.
func (q *sqlQuery) orders() error {
	for _, o := range q.text.OrderBy {
		named, ok := o.X.(*sql.Column)
		if !ok {
			return unsupportedSQL("'" + o.X.String() + "' in ORDER BY, which takes columns")
		}
		order := fetchxml.Order{Descending: o.Descending}
		var err error
		if q.tree.Aggregate {
			order.Alias, err = q.orderedGroup(named)
		} else {
			err = q.orderedColumn(named, &order)
		}
		if err != nil {
			return err
		}
		q.tables[0].body.Orders = append(q.tables[0].body.Orders, order)
	}
	return nil
}

func (q *sqlQuery) orderedColumn(named *sql.Column, order *fetchxml.Order) error {
	if named.Table == "" {
		for _, item := range q.text.Items {
			if of, ok := item.X.(*sql.Column); ok && strings.EqualFold(item.Alias, named.Name) {
				named = of
				break
			}
		}
	}
	t, column, err := q.column(named)
	if err != nil {
		return err
	}
	order.Attribute = column.Logical
	if t != q.tables[0] {
		order.EntityName = t.name
	}
	return nil
}

// orderedGroup is the alias that groups are sorted by.
func (q *sqlQuery) orderedGroup(named *sql.Column) (string, error) {
	if named.Table == "" {
		for _, t := range q.tables {
			for _, a := range t.body.Attributes {
				if a.Alias != "" && strings.EqualFold(a.Alias, named.Name) {
					return a.Alias, nil
				}
			}
		}
	}
	t, column, err := q.column(named)
	if err != nil {
		return "", err
	}
	alias, _ := groupedBy(t, column.Logical)
	if alias == "" {
		return "", badSQL("ORDER BY '%s' is neither the name of something selected nor a column that is grouped by and selected.", named.Name)
	}
	return alias, nil
}
