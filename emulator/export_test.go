package emulator

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// Stored is a row as the store keeps it, nil if there is none.
func Stored(t *testing.T, s *Server, table, id string) map[string]any {
	t.Helper()
	var row map[string]any
	err := s.Emulator.db.Read(t.Context(), func(ctx context.Context, q store.Querier) (err error) {
		row, err = load(ctx, q, s.Emulator.current.Load().schema.Table(table), id)
		if e, ok := errors.AsType[*Error](err); ok && e.Code == codeNotFound {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return row
}

// Ask runs a query that gives one value.
func Ask[T any](t *testing.T, s *Server, query string, args ...any) T {
	t.Helper()
	var value T
	err := s.Emulator.db.Read(t.Context(), func(ctx context.Context, q store.Querier) error {
		return q.QueryRowContext(ctx, query, args...).Scan(&value)
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return value
}

// Execute runs a statement.
func Execute(t *testing.T, s *Server, statement string, args ...any) {
	t.Helper()
	err := s.Emulator.db.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, statement, args...)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// QueryOperator is the FetchXML name of a ConditionOperator.
func QueryOperator(name string) string { return queryOperator(name) }
