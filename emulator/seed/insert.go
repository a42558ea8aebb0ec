package seed

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// batch is rows of one table on their way into the database. A row may be shorter than columns: the rest is null.
type batch struct {
	table   string
	columns []string
	rows    [][]any
}

// maxParameters keeps the statements small enough to prepare quickly.
const maxParameters = 2000

// insert writes the rows with few statements: columns that are the same in every row are written into the statement.
func (b *batch) insert(ctx context.Context, tx *sql.Tx) error {
	varying, fixed := b.split()
	step := max(1, min(len(b.rows), maxParameters/max(1, len(varying))))
	whole := len(b.rows) / step * step
	if err := b.exec(ctx, tx, b.rows[:whole], step, varying, fixed); err != nil {
		return err
	}
	return b.exec(ctx, tx, b.rows[whole:], len(b.rows)-whole, varying, fixed)
}

// exec inserts rows, step at a time.
func (b *batch) exec(ctx context.Context, tx *sql.Tx, rows [][]any, step int, varying, fixed []int) error {
	if len(rows) == 0 {
		return nil
	}
	statement, err := tx.PrepareContext(ctx, b.statement(step, varying, fixed))
	if err != nil {
		return fmt.Errorf("insert into %s: %w", b.table, err)
	}
	defer statement.Close()
	args := make([]any, step*len(varying))
	for start := 0; start < len(rows); start += step {
		for i, values := range rows[start : start+step] {
			for j, column := range varying {
				args[i*len(varying)+j] = at(values, column)
			}
		}
		if _, err := statement.ExecContext(ctx, args...); err != nil {
			return fmt.Errorf("insert into %s: %w", b.table, err)
		}
	}
	return nil
}

// split tells the columns whose values differ from those with one value in all rows. Columns without any value are in
// neither.
func (b *batch) split() (varying, fixed []int) {
	for column := range b.columns {
		first := at(b.rows[0], column)
		same := true
		for _, values := range b.rows[1:] {
			if at(values, column) != first {
				same = false
				break
			}
		}
		switch {
		case !same:
			varying = append(varying, column)
		case first != nil:
			fixed = append(fixed, column)
		}
	}
	return varying, fixed
}

func (b *batch) statement(rows int, varying, fixed []int) string {
	var s, values strings.Builder
	s.WriteString("INSERT INTO " + store.Quote(b.table) + " (")
	values.WriteByte('(')
	for i, column := range slices.Concat(varying, fixed) {
		if i > 0 {
			s.WriteByte(',')
			values.WriteByte(',')
		}
		s.WriteString(store.Quote(b.columns[column]))
		if i < len(varying) {
			values.WriteByte('?')
		} else {
			values.WriteString(literal(at(b.rows[0], column)))
		}
	}
	values.WriteByte(')')
	s.WriteString(") VALUES ")
	s.WriteString(strings.Repeat(values.String()+",", rows-1))
	s.WriteString(values.String())
	return s.String()
}

func literal(value any) string {
	switch v := value.(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case string:
		return "'" + strings.ReplaceAll(v, "'", "''") + "'"
	}
	return "NULL"
}

func at(values []any, column int) any {
	if column >= len(values) {
		return nil
	}
	return values[column]
}
