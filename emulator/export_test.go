package emulator

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
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

// Call is how a message is called: Path is below the service root, with %s for the key of a row.
type Call struct {
	Method, Path string
	Parameters   []string
	Kinds        []string // of the parameters
}

// Calls are the calls of all messages.
func Calls(t *testing.T, s *Server) []Call {
	t.Helper()
	var calls []Call
	for _, m := range messages {
		c := Call{Method: http.MethodGet, Path: m.name}
		if m.action {
			c.Method = http.MethodPost
		}
		table := m.bound
		if table == "principal" {
			table = "systemuser"
		}
		switch {
		case m.collection:
			c.Path = s.Emulator.current.Load().schema.Table(table).Set + "/" + namespace + m.name
		case table != "":
			c.Path = s.Emulator.current.Load().schema.Table(table).Set + "(%s)/" + namespace + m.name
		}
		for _, p := range m.parameters {
			c.Parameters, c.Kinds = append(c.Parameters, p.name), append(c.Kinds, p.kind)
		}
		calls = append(calls, c)
	}
	return calls
}
