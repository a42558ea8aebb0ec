package emulator

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// writing is one row on its way into the database.
type writing struct {
	*call
	tx     *sql.Tx
	table  *schema.Table
	id     string
	before map[string]any // the row as it stands, by physical column; nil while it is created
	set    map[string]any // what is written
	given  map[string]any // what of it the client gave
	acts   bool           // an action writes the row
}

func (w *writing) creating() bool { return w.before == nil }

// has reports whether the table stores the column.
func (w *writing) has(column string) bool {
	col := w.table.Column(column)
	return col != nil && col.Stored()
}

// value is the column's value as it will be.
func (w *writing) value(column string) any {
	if v, ok := w.set[column]; ok {
		return v
	}
	return w.before[column]
}

func (w *writing) text(column string) string {
	s, _ := w.value(column).(string)
	return s
}

// number is the column's value as a number, 0 for null.
func (w *writing) number(column string) float64 {
	n, _ := number(w.value(column))
	return n
}

// changed reports whether the row is new or the client gave one of the columns.
func (w *writing) changed(columns ...string) bool {
	return w.creating() || slices.ContainsFunc(columns, func(c string) bool { _, ok := w.set[c]; return ok })
}

// put writes a column where the table stores it.
func (w *writing) put(column string, value any) {
	if w.has(column) {
		w.set[column] = value
	}
}

// preset writes a column unless it gets or has a value.
func (w *writing) preset(column string, value any) {
	if w.value(column) == nil {
		w.put(column, value)
	}
}

// link writes a lookup where the table stores it; an empty id clears it.
func (w *writing) link(column, id, table string) {
	if w.has(column) {
		setLookup(w.set, w.table.Column(column), emptyAsNull(id), table)
	}
}

// linked is the row that a lookup leads to.
func (w *writing) linked(column string) (id, table string) {
	id = w.text(column)
	col := w.table.Column(column)
	switch {
	case id == "" || col == nil:
		return "", ""
	case col.Polymorphic():
		return id, w.text(store.TargetColumn(column))
	case len(col.Targets) == 1:
		return id, col.Targets[0]
	}
	return id, ""
}

// insert creates the row with all that is nested in it, inside the transaction.
func (c *call) insert(ctx context.Context, tx *sql.Tx, row *entry) (string, error) {
	w := &writing{call: c, tx: tx, table: row.table, id: row.id, set: row.values, given: maps.Clone(row.values)}
	if w.id == "" {
		w.id = uuid.NewString()
	}
	if err := w.unused(ctx); err != nil {
		return "", err
	}
	for _, p := range row.parents {
		id, err := c.insert(ctx, tx, p.row)
		if err != nil {
			return "", err
		}
		setLookup(w.set, w.table.Column(p.by.Attribute), id, p.row.table.Logical)
	}
	if err := w.apply(ctx, before); err != nil {
		return "", err
	}
	if err := w.unique(ctx); err != nil {
		return "", err
	}
	if err := w.original(ctx); err != nil {
		return "", err
	}
	w.set[w.table.PrimaryID] = w.id
	if err := w.save(ctx); err != nil {
		return "", err
	}
	for _, r := range row.related {
		if err := w.relate(ctx, r); err != nil {
			return "", err
		}
	}
	return w.id, w.apply(ctx, after)
}

// modify writes the entry's values over the row.
func (c *call) modify(ctx context.Context, tx *sql.Tx, row *entry, id string) error {
	stands, err := load(ctx, tx, row.table, id)
	if err != nil {
		return err
	}
	if row.table.Elastic {
		delete(row.values, schema.PartitionID) // it stays
	}
	w := &writing{call: c, tx: tx, table: row.table, id: id, before: stands, set: row.values, given: maps.Clone(row.values), acts: row.acts}
	if len(w.set) == 0 && len(row.related) == 0 {
		return nil // the platform changes neither version nor modifiedon
	}
	if err := w.apply(ctx, before); err != nil {
		return err
	}
	if err := w.unique(ctx); err != nil {
		return err
	}
	if err := w.original(ctx); err != nil {
		return err
	}
	if err := w.save(ctx); err != nil {
		return err
	}
	for _, r := range row.related {
		if err := w.replaceParties(ctx, r); err != nil {
			return err
		}
	}
	return w.apply(ctx, after)
}

// load reads a row by physical column.
func load(ctx context.Context, q store.Querier, t *schema.Table, id string) (map[string]any, error) {
	rows, err := q.QueryContext(ctx, fmt.Sprintf("SELECT * FROM %s WHERE %s = ?", store.Quote(t.Logical), store.Quote(t.PrimaryID)), id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return nil, err
		}
		return nil, noSuchRow(t.Logical, id)
	}
	values, targets := make([]any, len(names)), make([]any, len(names))
	for i := range values {
		targets[i] = &values[i]
	}
	if err := rows.Scan(targets...); err != nil {
		return nil, err
	}
	row := make(map[string]any, len(names))
	for i, name := range names {
		if values[i] != nil {
			row[name] = values[i]
		}
	}
	return row, rows.Err()
}

// peek reads one value of a row: most tables are too wide to load for it.
func peek(ctx context.Context, tx *sql.Tx, t *schema.Table, id, column string) (value any, err error) {
	prepared, err := store.Prepared(ctx, tx, fmt.Sprintf("SELECT %s FROM %s WHERE %s = ?", store.Quote(column), store.Quote(t.Logical), store.Quote(t.PrimaryID)))
	if err != nil {
		return nil, err
	}
	err = prepared.QueryRowContext(ctx, id).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, noSuchRow(t.Logical, id)
	}
	return value, err
}

// save runs the INSERT or UPDATE.
func (w *writing) save(ctx context.Context) error {
	columns := slices.Sorted(maps.Keys(w.set))
	args := make([]any, len(columns), len(columns)+1)
	quoted := make([]string, len(columns))
	for i, column := range columns {
		quoted[i], args[i] = store.Quote(column), w.set[column]
	}
	var statement string
	if w.creating() {
		statement = fmt.Sprintf("INSERT INTO %s (%s) VALUES (?%s)", store.Quote(w.table.Logical),
			strings.Join(quoted, ", "), strings.Repeat(", ?", len(columns)-1))
	} else {
		statement = fmt.Sprintf("UPDATE %s SET %s = ? WHERE %s = ?", store.Quote(w.table.Logical),
			strings.Join(quoted, " = ?, "), store.Quote(w.table.PrimaryID))
		args = append(args, w.id)
	}
	prepared, err := store.Prepared(ctx, w.tx, statement)
	if err != nil {
		return err
	}
	_, err = prepared.ExecContext(ctx, args...)
	return err
}

// unused refuses an id that a row has already. Activities share their ids, as users and teams do.
func (w *writing) unused(ctx context.Context) error {
	table, column := w.table.Logical, w.table.PrimaryID
	switch {
	case w.table.Activity:
		table = "activitypointer"
	case table == "systemuser" || table == "team":
		table, column = "owner", "ownerid"
	}
	found, err := exists(ctx, w.tx, fmt.Sprintf("SELECT 1 FROM %s WHERE %s = ?", store.Quote(table), store.Quote(column)), w.id)
	if err != nil || !found {
		return err
	}
	if w.table.Elastic {
		if err := w.elsewhere(ctx); err != nil {
			return err
		}
	}
	return duplicate()
}

func duplicate() *Error {
	return fail(http.StatusPreconditionFailed, codeDuplicateKey, "A record with matching key values already exists.")
}

func exists(ctx context.Context, tx *sql.Tx, query string, args ...any) (bool, error) {
	prepared, err := store.Prepared(ctx, tx, query+" LIMIT 1")
	if err != nil {
		return false, err
	}
	var one int
	err = prepared.QueryRowContext(ctx, args...).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// unique refuses a second row with the values of an alternate key. A key with a null does not count.
func (w *writing) unique(ctx context.Context) error {
	for _, key := range w.table.Keys {
		if !w.changed(key.Attributes...) || slices.ContainsFunc(key.Attributes, func(column string) bool { return w.value(column) == nil }) {
			continue
		}
		where, args := store.Quote(w.table.PrimaryID)+" <> ?", []any{w.id}
		for _, column := range key.Attributes {
			where += " AND " + store.Quote(column) + " = ?"
			args = append(args, w.value(column))
		}
		found, err := exists(ctx, w.tx, fmt.Sprintf("SELECT 1 FROM %s WHERE %s", store.Quote(w.table.Logical), where), args...)
		if err != nil {
			return err
		}
		if found {
			return fail(http.StatusPreconditionFailed, codeKeyExists, "A record that has the attribute values %s already exists. "+
				"The entity key %s requires that this set of attributes contains unique values. Select unique values and try again.",
				strings.Join(key.Attributes, ", "), key.Schema)
		}
	}
	return nil
}

// relate adds the rows at the far end of a collection, and creates those that are new.
func (w *writing) relate(ctx context.Context, r related) error {
	for _, row := range r.rows {
		if r.nav.Many != nil {
			setLookup(row.values, row.table.Column(r.nav.Many.Attribute), w.id, w.table.Logical)
		}
		id, err := w.insert(ctx, w.tx, row)
		if err != nil {
			return err
		}
		if r.nav.Across != nil {
			if err := w.associate(ctx, w.tx, r.nav, w.id, id); err != nil {
				return err
			}
		}
	}
	for _, ref := range r.refs {
		if err := w.connect(ctx, w.tx, r.nav, w.table, w.id, ref); err != nil {
			return err
		}
	}
	return nil
}
