package dataverse_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

// called is an operation of the client. It writes rows with the names that it is given, or reads those five that are
// there.
type called struct {
	name    string
	table   string // whose rows are written; "" is account
	path    string // of the requests that trouble meets; "" is those about rows
	writes  int    // rows
	fresh   bool   // they are not there before
	deletes bool
	safe    bool // a lost answer is made up for: the call succeeds all the same
	whole   bool // all rows or none
	version bool // of the rows is asked for: a lost answer may end in a conflict with the change itself
	run     func(context.Context, *dataverse.Client, []written) []error
}

// written is a row that a call is to write.
type written struct{ id, name, number, etag string }

func (w written) values() dataverse.Values {
	return dataverse.Values{"name": w.name, "accountnumber": w.number}
}

func one(err error) []error { return []error{err} }

// ofRows are the errors of the rows.
func ofRows(n int) func([]dataverse.Result, error) []error {
	return func(results []dataverse.Result, err error) []error {
		if err != nil {
			return slices.Repeat(one(err), n)
		}
		all := make([]error, 0, n)
		for _, r := range results {
			if r.Err != nil {
				all = append(all, r.Err)
				continue
			}
			all = append(all, nil)
		}
		return all
	}
}

var accountsQuery = dataverse.Query{Select: []string{"name"}, Filter: "startswith(name,'read')", OrderBy: "name", Size: 2}

// isRead fails unless the rows are the five that there are to be read, each once.
func isRead(rows []dataverse.Row, err error) []error {
	if got := fmt.Sprint(names(rows)); err == nil && got != "[read0 read1 read2 read3 read4]" {
		err = fmt.Errorf("read %s", got)
	}
	return one(err)
}

func gathered(each func(func(dataverse.Row, error) bool)) (rows []dataverse.Row, err error) {
	for row, failed := range each {
		if failed != nil {
			return rows, failed
		}
		rows = append(rows, row)
	}
	return rows, nil
}

var reads = []called{
	{name: "Rows", run: func(ctx context.Context, c *dataverse.Client, _ []written) []error {
		return isRead(gathered(c.Rows(ctx, "account", accountsQuery)))
	}},
	{name: "Page", run: func(ctx context.Context, c *dataverse.Client, _ []written) []error {
		var rows []dataverse.Row
		for cursor := ""; ; {
			page, err := c.Page(ctx, "account", accountsQuery, cursor)
			if rows = append(rows, page.Rows...); err != nil || page.Cursor == "" {
				return isRead(rows, err)
			}
			cursor = page.Cursor
		}
	}},
	{name: "FetchRows", run: func(ctx context.Context, c *dataverse.Client, _ []written) []error {
		return isRead(gathered(c.FetchRows(ctx, `<fetch count="2"><entity name="account"><attribute name="name"/><order attribute="name"/>`+
			`<filter><condition attribute="name" operator="like" value="read%"/></filter></entity></fetch>`)))
	}},
	{name: "SQLPage", run: func(ctx context.Context, c *dataverse.Client, _ []written) []error {
		var rows []dataverse.Row
		for cursor := ""; ; {
			page, err := c.SQLPage(ctx, "SELECT name FROM account WHERE name LIKE 'read%' ORDER BY name", 2, cursor)
			if rows = append(rows, page.Rows...); err != nil || page.Cursor == "" {
				return isRead(rows, err)
			}
			cursor = page.Cursor
		}
	}},
	{name: "SQLRows in FetchXML", run: func(ctx context.Context, c *dataverse.Client, _ []written) []error {
		return isRead(gathered(c.SQLRows(ctx, "SELECT TOP 5 name FROM account WHERE name LIKE 'read%' ORDER BY name")))
	}},
	{name: "Get", run: func(ctx context.Context, c *dataverse.Client, rows []written) []error {
		row, err := c.Get(ctx, "account", "accountnumber='read3'", dataverse.Query{Select: []string{"name"}})
		if err == nil && row.String("name") != "read3" {
			err = fmt.Errorf("got %+v", row)
		}
		return one(err)
	}},
	{name: "Count", run: func(ctx context.Context, c *dataverse.Client, _ []written) []error {
		n, err := c.Count(ctx, "account", accountsQuery.Filter)
		if err == nil && n.N != 5 {
			err = fmt.Errorf("counted %d", n.N)
		}
		return one(err)
	}},
	{name: "Groups", run: func(ctx context.Context, c *dataverse.Client, _ []written) []error {
		groups, err := c.Groups(ctx, "account", dataverse.Grouping{Filter: accountsQuery.Filter, By: []string{"accountnumber"}, Sum: "numberofemployees"})
		if err == nil && (len(groups) != 5 || groups[0].N != 1) {
			err = fmt.Errorf("got %d groups", len(groups))
		}
		return one(err)
	}},
	{name: "Changes", run: func(ctx context.Context, c *dataverse.Client, _ []written) []error {
		all, parts, err := following(ctx, c, []string{"name"}, "")
		if err == nil && parts < 3 {
			err = fmt.Errorf("got %d parts, want pages of two rows", parts)
		}
		read := slices.DeleteFunc(all.Rows, func(r dataverse.Row) bool { return !strings.HasPrefix(r.String("name"), "read") })
		return isRead(read, err)
	}},
	{name: "WhoAmI", path: "WhoAmI", run: func(ctx context.Context, c *dataverse.Client, _ []written) []error {
		me, err := c.WhoAmI(ctx)
		if err == nil && me.UserID == "" {
			err = fmt.Errorf("got %+v", me)
		}
		return one(err)
	}},
	{name: "Tables", path: "EntityDefinitions", run: func(ctx context.Context, c *dataverse.Client, _ []written) []error {
		tables, err := c.Tables(ctx)
		if err == nil && len(tables) < 80 {
			err = fmt.Errorf("got %d tables", len(tables))
		}
		return one(err)
	}},
	{name: "Table", path: "EntityDefinitions", run: func(ctx context.Context, c *dataverse.Client, _ []written) []error {
		table, err := c.Table(ctx, "Account")
		if err == nil && (len(table.Columns) < 100 || len(table.Keys) == 0 || len(table.ManyToOne) == 0) {
			err = fmt.Errorf("got %d columns", len(table.Columns))
		}
		return one(err)
	}},
}

var writes = []called{
	{name: "Create", writes: 1, fresh: true, safe: true, run: func(ctx context.Context, c *dataverse.Client, rows []written) []error {
		_, err := c.Create(ctx, "account", rows[0].values())
		return one(err)
	}},
	{name: "Create while metadata is read", path: "EntityDefinitions", writes: 1, fresh: true, safe: true, run: func(ctx context.Context, c *dataverse.Client, rows []written) []error {
		_, err := c.Create(ctx, "account", rows[0].values())
		return one(err)
	}},
	{name: "Update", writes: 1, run: func(ctx context.Context, c *dataverse.Client, rows []written) []error {
		_, err := c.Update(ctx, "account", rows[0].id, rows[0].values())
		return one(err)
	}},
	{name: "Update of a version", writes: 1, version: true, run: func(ctx context.Context, c *dataverse.Client, rows []written) []error {
		_, err := c.Update(ctx, "account", rows[0].id, rows[0].values(), dataverse.IfMatch(rows[0].etag))
		return one(err)
	}},
	{name: "Upsert of a new row", writes: 1, fresh: true, run: func(ctx context.Context, c *dataverse.Client, rows []written) []error {
		_, err := c.Upsert(ctx, "account", "accountnumber='"+rows[0].number+"'", dataverse.Values{"name": rows[0].name})
		return one(err)
	}},
	{name: "Upsert of an old row", writes: 1, run: func(ctx context.Context, c *dataverse.Client, rows []written) []error {
		_, err := c.Upsert(ctx, "account", rows[0].id, rows[0].values())
		return one(err)
	}},
	{name: "Delete", writes: 1, deletes: true, safe: true, run: func(ctx context.Context, c *dataverse.Client, rows []written) []error {
		return one(c.Delete(ctx, "account", rows[0].id))
	}},
	{name: "DeleteMany", writes: 3, deletes: true, safe: true, run: func(ctx context.Context, c *dataverse.Client, rows []written) []error {
		return ofRows(3)(c.DeleteMany(ctx, "account", idsOf(rows)))
	}},
	{name: "DeleteMany of an elastic table", table: "new_reading", path: `/new_readings\b|\$batch`, writes: 3, deletes: true, safe: true, run: func(ctx context.Context, c *dataverse.Client, rows []written) []error {
		return ofRows(3)(c.DeleteMany(ctx, "new_reading", idsOf(rows)))
	}},
	{name: "CreateMany of an elastic table", table: "new_reading", path: `/new_readings\b|\$batch`, writes: 3, fresh: true, safe: true, run: func(ctx context.Context, c *dataverse.Client, rows []written) []error {
		values := make([]dataverse.Values, len(rows))
		for i, row := range rows {
			values[i] = dataverse.Values{"new_name": row.name}
		}
		return ofRows(3)(c.CreateMany(ctx, "new_reading", values))
	}},
	{name: "Batch of creates", writes: 3, fresh: true, safe: true, run: func(ctx context.Context, c *dataverse.Client, rows []written) []error {
		return ofRows(3)(c.Batch(ctx, createsOf(rows), dataverse.BatchOptions{}))
	}},
	{name: "Batch whose creates are refused", path: "/accounts$", writes: 3, fresh: true, safe: true, run: func(ctx context.Context, c *dataverse.Client, rows []written) []error {
		return ofRows(3)(c.Batch(ctx, createsOf(rows), dataverse.BatchOptions{}))
	}},
	{name: "Batch of updates", writes: 3, run: func(ctx context.Context, c *dataverse.Client, rows []written) []error {
		return ofRows(3)(c.Batch(ctx, updatesOf(rows), dataverse.BatchOptions{}))
	}},
	{name: "Batch of updates of versions", writes: 3, version: true, run: func(ctx context.Context, c *dataverse.Client, rows []written) []error {
		ops := updatesOf(rows)
		for i := range ops {
			ops[i].IfMatch = rows[i].etag
		}
		return ofRows(3)(c.Batch(ctx, ops, dataverse.BatchOptions{}))
	}},
	{name: "Delete of a version", writes: 1, deletes: true, safe: true, run: func(ctx context.Context, c *dataverse.Client, rows []written) []error {
		return one(c.Delete(ctx, "account", rows[0].id, dataverse.IfMatch(rows[0].etag)))
	}},
	{name: "Batch whose updates are refused", path: `/accounts\(`, writes: 3, run: func(ctx context.Context, c *dataverse.Client, rows []written) []error {
		return ofRows(3)(c.Batch(ctx, updatesOf(rows), dataverse.BatchOptions{}))
	}},
	{name: "atomic Batch of creates", writes: 3, fresh: true, safe: true, whole: true, run: func(ctx context.Context, c *dataverse.Client, rows []written) []error {
		return ofRows(3)(c.Batch(ctx, createsOf(rows), dataverse.BatchOptions{Atomic: true}))
	}},
	{name: "atomic Batch whose creates are refused", path: "/accounts$", writes: 3, fresh: true, safe: true, whole: true, run: func(ctx context.Context, c *dataverse.Client, rows []written) []error {
		return ofRows(3)(c.Batch(ctx, createsOf(rows), dataverse.BatchOptions{Atomic: true}))
	}},
	{name: "atomic Batch of updates", writes: 3, whole: true, run: func(ctx context.Context, c *dataverse.Client, rows []written) []error {
		return ofRows(3)(c.Batch(ctx, updatesOf(rows), dataverse.BatchOptions{Atomic: true}))
	}},
	{name: "CreateMany", writes: 3, fresh: true, safe: true, run: func(ctx context.Context, c *dataverse.Client, rows []written) []error {
		values := make([]dataverse.Values, len(rows))
		for i, row := range rows {
			values[i] = row.values()
		}
		return ofRows(3)(c.CreateMany(ctx, "account", values))
	}},
	{name: "UpdateMany", writes: 3, run: func(ctx context.Context, c *dataverse.Client, rows []written) []error {
		return ofRows(3)(c.UpdateMany(ctx, "account", rowValues(rows)))
	}},
	{name: "UpsertMany of new rows", writes: 3, fresh: true, run: func(ctx context.Context, c *dataverse.Client, rows []written) []error {
		return ofRows(3)(c.UpsertMany(ctx, "account", rowValues(rows)))
	}},
	{name: "UpsertMany of old rows", writes: 3, run: func(ctx context.Context, c *dataverse.Client, rows []written) []error {
		return ofRows(3)(c.UpsertMany(ctx, "account", rowValues(rows)))
	}},
}

func idsOf(rows []written) []string {
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = row.id
	}
	return ids
}

func createsOf(rows []written) []dataverse.Operation {
	var ops []dataverse.Operation
	for _, row := range rows {
		ops = append(ops, dataverse.Operation{Action: dataverse.CreateRow, Table: "account", Values: row.values()})
	}
	return ops
}

func updatesOf(rows []written) []dataverse.Operation {
	var ops []dataverse.Operation
	for _, row := range rows {
		ops = append(ops, dataverse.Operation{Action: dataverse.UpdateRow, Table: "account", ID: row.id, Values: row.values()})
	}
	return ops
}

func rowValues(rows []written) []dataverse.RowValues {
	var all []dataverse.RowValues
	for _, row := range rows {
		all = append(all, dataverse.RowValues{ID: row.id, Values: row.values()})
	}
	return all
}
