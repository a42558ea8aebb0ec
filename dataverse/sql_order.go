package dataverse

import (
	"slices"
	"strconv"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/sql"
)

// orderBy reads ORDER BY: columns, aliases, places in the list of columns, and aggregates.
func (r *sqlReader) orderBy(orders []sql.Order) error {
	for _, o := range orders {
		if err := r.faults.take(r.order(o)); err != nil {
			return err
		}
	}
	return nil
}

func (r *sqlReader) order(o sql.Order) error {
	q := r.query
	item, err := r.ordered(o.X)
	if err != nil {
		return err
	}
	if item.part != "" && !q.aggregate {
		return invalid("rows cannot be sorted by %s: sort by %s itself", o.X, item.column.LogicalName)
	}
	at := slices.IndexFunc(q.items, item.same)
	switch {
	case q.aggregate && at < 0 && item.aggregate == "":
		return invalid("groups cannot be sorted by %s, which is not in GROUP BY", o.X)
	case at < 0 && q.distinct:
		return invalid("DISTINCT rows can only be sorted by what is selected, and %s is not", o.X)
	case q.aggregate && at < 0:
		at = r.hide(item)
	}
	if q.aggregate {
		item = q.items[at]
		if item.aggregate != "" {
			q.beyondSQL("ORDER BY an aggregate")
		}
	}
	q.orders = append(q.orders, sqlOrder{item, o.Descending})
	return nil
}

// ordered finds what rows are sorted by.
func (r *sqlReader) ordered(x sql.Expr) (sqlItem, error) {
	q := r.query
	switch x := x.(type) {
	case *sql.Column:
		if x.Table == "" {
			for _, i := range q.items {
				if !i.hidden && folded(i.name) == folded(x.Name) {
					return i, nil
				}
			}
		}
	case *sql.Literal:
		var shown []sqlItem
		for _, i := range q.items {
			if !i.hidden {
				shown = append(shown, i)
			}
		}
		n, err := strconv.Atoi(x.Value)
		if err != nil || x.Kind != sql.Number || n < 1 || n > len(shown) {
			return sqlItem{}, invalid("ORDER BY %s: want a column, or the place of one from 1 to %d", x, len(shown))
		}
		return shown[n-1], nil
	}
	return r.item(x)
}

// hide adds an aggregate that is needed to sort or to decide by, and tells its place.
func (r *sqlReader) hide(item sqlItem) int {
	item.hidden = true
	item.wire = r.itemWire("x")
	item.name = "\x00" + item.wire // as no alias is
	r.query.items = append(r.query.items, item)
	return len(r.query.items) - 1
}
