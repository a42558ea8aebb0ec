package dataverse

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
)

// Grouping says which rows are counted together. The zero Grouping is one group of all rows.
type Grouping struct {
	Filter string   // as in Query
	By     []string // columns whose values make a group, lookups too; no dates
	Sum    string   // numeric column to add up; "" for none. Money is added up in the base currency
}

// Group is the rows that have the same values.
type Group struct {
	Values Row   // the columns of Grouping.By; one that is null in the group is not there
	N      int64 // how many rows
	Sum    Value // of Grouping.Sum; null where no row has a value
}

const sumAlias = "total"

// Groups counts rows by the values they have in some columns, the largest group first. The service adds up no more than
// 50,000 rows: more are Invalid.
func (c *Client) Groups(ctx context.Context, table string, g Grouping) ([]Group, error) {
	op := "count " + table
	p, err := current(ctx, c, func() (*groupPlan, error) { return c.groupPlan(ctx, table, g) })
	if err != nil {
		return nil, during(op, err)
	}
	l := &listing{op: op, fetch: func(ctx context.Context, at position) (Page, position, error) { return c.applied(ctx, op, p, at) }}
	var groups []Group
	for row, err := range allRows(ctx, op, func() (*listing, error) { return l, nil }) {
		if err != nil {
			return nil, err
		}
		groups = append(groups, groupOf(row, p.by))
	}
	slices.SortStableFunc(groups, func(a, b Group) int { return cmp.Compare(b.N, a.N) })
	return groups, nil
}

// groupPlan is a Grouping in the service's words.
type groupPlan struct {
	*plan
	by    []*Column
	apply string
}

func (c *Client) groupPlan(ctx context.Context, table string, g Grouping) (*groupPlan, error) {
	p, err := c.plan(ctx, table, Query{Filter: g.Filter})
	if err != nil {
		return nil, err
	}
	by, err := p.table.groupColumns(g.By)
	if err != nil {
		return nil, err
	}
	apply, err := p.apply(by, g.Sum)
	return &groupPlan{plan: p, by: by, apply: apply}, err
}

// groupColumns finds the columns to group by, and refuses those that the service cannot group by.
func (t *Table) groupColumns(names []string) ([]*Column, error) {
	var columns []*Column
	for _, name := range names {
		found, err := t.groupable(name)
		if err != nil {
			return nil, err
		}
		if found, err = t.readable(found.LogicalName); err != nil {
			return nil, err
		}
		switch found.Type {
		case DateTimeColumn:
			return nil, invalid("column %s: rows cannot be grouped by a date; count each period with a filter", found.LogicalName)
		case MemoColumn, ChoicesColumn, ImageColumn, FileColumn, VirtualColumn:
			return nil, invalid("column %s: rows cannot be grouped by a column of type %s", found.LogicalName, found.Type)
		}
		if !slices.Contains(columns, found) {
			columns = append(columns, found)
		}
	}
	return columns, nil
}

// groupable finds a column of t itself.
func (t *Table) groupable(name string) (*Column, error) {
	if strings.Contains(name, "/") {
		return nil, invalid("%s: rows are grouped and added up by columns of table %s alone, not by those of related tables", quoted(name), t.LogicalName)
	}
	return t.ColumnNamed(name)
}

// apply writes the $apply that counts the rows of p.
func (p *plan) apply(by []*Column, sum string) (string, error) {
	aggregates := []odata.Aggregate{{Method: "$count", Alias: countAlias}}
	if sum != "" {
		c, err := p.table.groupable(sum)
		if err != nil {
			return "", err
		}
		if !c.Type.isNumber() || !c.Read {
			return "", invalid("column %s: got a column of type %s, want a number or money to add up", c.LogicalName, c.Type)
		}
		aggregates = append(aggregates, odata.Aggregate{
			Path: odata.Path{Segments: []string{c.LogicalName}}, Method: "sum", Alias: sumAlias})
	}
	steps := []odata.Transformation{{Aggregate: aggregates}}
	if len(by) > 0 {
		paths := make([]odata.Path, len(by))
		for i, c := range by {
			paths[i] = odata.Path{Segments: []string{c.property()}}
		}
		steps = []odata.Transformation{{GroupBy: &odata.GroupBy{Paths: paths, Then: steps}}}
	}
	apply := odata.FormatApply(steps)
	if p.filter != "" {
		apply = "filter(" + p.filter + ")/" + apply
	}
	return apply, nil
}

// applied asks for one page of the groups that apply makes.
func (c *Client) applied(ctx context.Context, op string, p *groupPlan, at position) (Page, position, error) {
	read, a, err := c.rows(ctx, request{
		op: op, method: http.MethodGet, path: p.table.SetName, query: []param{{"$apply", p.apply}}, skipToken: at.token,
		header: []param{preferences(wantedAnnotations)},
	}, &shape{name: p.table.LogicalName, table: p.table})
	if err != nil {
		return Page{}, position{}, tooManyToAdd(err)
	}
	next, err := c.nextPosition(op, p.table.SetName, a, read, at)
	return Page{Rows: read.rows}, next, err
}

// tooManyToAdd says what to do where the service refuses to aggregate that many rows.
func tooManyToAdd(err error) error {
	if e, ok := errors.AsType[*Error](err); ok && equalCode(e.Code, codeAggregateLimit) {
		e.Kind, e.Message = Invalid, "more than 50,000 rows match, and the service adds up no more: narrow the filter"
	}
	return err
}

// groupOf reads one row of an answer. Of a lookup to one table alone the service need not tell the table.
func groupOf(row Row, by []*Column) Group {
	g := Group{N: int64(row.Number(countAlias)), Sum: row.Value(sumAlias), Values: Row{Table: row.Table}}
	for _, c := range by {
		v := row.Value(c.LogicalName)
		if v.Table == "" && v.Raw != nil && len(c.Targets) == 1 {
			v.Table = c.Targets[0]
		}
		if v.Raw != nil {
			g.Values.cells = append(g.Values.cells, newCell(c.LogicalName, v))
		}
	}
	return g
}
