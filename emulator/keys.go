package emulator

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// location is what a key in a URL or in a bind refers to: accounts(guid) or accounts(accountnumber='A1').
type location struct {
	table *schema.Table
	id    string // "" where an alternate key fits no row
	found bool   // the row exists
	// partition is where the row of an elastic table is; "" is anywhere.
	partition string
	// keys are the alternate key's values by column, nil for a primary key.
	keys map[string]any
}

// missing is the error for a location without a row.
func (l location) missing() *Error {
	if l.keys != nil {
		return fail(http.StatusNotFound, codeKeyNoMatch,
			"A record with the specified key values does not exist in %s entity", l.table.Logical)
	}
	return noSuchRow(l.table.Logical, l.id)
}

// locate finds the row that a segment with a key names. It is no error that there is none: see location.found.
func (c *call) locate(ctx context.Context, t *schema.Table, s odata.Segment) (location, error) {
	l, err := keyOf(t, s)
	if err != nil {
		return l, err
	}
	return l, c.db.Read(ctx, l.find)
}

// locateIn is locate, but looks for a row of an elastic table in the partition that the key names, or else in the one
// given, or else in that of the row's id.
func (c *call) locateIn(ctx context.Context, t *schema.Table, s odata.Segment, partition string) (location, error) {
	l, err := keyOf(t, s)
	if err != nil {
		return l, err
	}
	l.within(partition)
	return l, c.db.Read(ctx, l.find)
}

func (l *location) within(partition string) {
	if l.table.Elastic {
		l.partition = cmp.Or(l.partition, partition, l.id)
	}
}

// keyOf reads the key of a segment.
func keyOf(t *schema.Table, s odata.Segment) (location, error) {
	l := location{table: t}
	switch {
	case s.Key != nil:
		id, err := guidOf(s.Key)
		if err != nil {
			return l, err
		}
		l.id = id
	case len(s.Args) == 1 && s.Args[0].Name == t.PrimaryID:
		id, err := guidOf(s.Args[0].Value)
		if err != nil {
			return l, err
		}
		l.id = id
	case len(s.Args) > 0:
		keys, err := alternateKey(t, s.Args)
		if err != nil {
			return l, err
		}
		l.keys = keys
		if t.Elastic { // both parts of its only key
			l.id, _ = keys[t.PrimaryID].(string)
			l.partition, _ = keys[schema.PartitionID].(string)
		}
	default:
		return l, badRequest("The key of the segment '%s' is missing.", s.Name)
	}
	return l, nil
}

func (l *location) find(ctx context.Context, q store.Querier) error {
	where, args := store.Quote(l.table.PrimaryID)+" = ?", []any{l.id}
	switch {
	case l.partition != "":
		where, args = where+" AND "+schema.PartitionID+" = ? COLLATE BINARY", append(args, l.partition)
	case l.keys != nil:
		where, args = "", nil
		for column, value := range l.keys {
			if where != "" {
				where += " AND "
			}
			where += store.Quote(column) + " IS ?"
			args = append(args, value)
		}
	}
	query := fmt.Sprintf("SELECT %s FROM %s WHERE %s LIMIT 1", store.Quote(l.table.PrimaryID), store.Quote(l.table.Logical), where)
	var id string
	err := q.QueryRowContext(ctx, query, args...).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	l.id, l.found = id, true
	return nil
}

// guidOf reads a primary key.
func guidOf(e odata.Expr) (string, error) {
	if l, ok := e.(*odata.Literal); ok && l.Kind == odata.GUID {
		return strings.ToLower(l.Value), nil
	}
	return "", badRequest("Guid should contain 32 digits with 4 dashes (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx).")
}

// alternateKey reads named key values. They must be exactly those of a key that the table has.
func alternateKey(t *schema.Table, args []odata.Arg) (map[string]any, error) {
	values := map[string]any{}
	for _, a := range args {
		name := a.Name
		if lookup, ok := strings.CutPrefix(name, "_"); ok {
			name = strings.TrimSuffix(lookup, "_value")
		}
		if t.Elastic && name == "partitionId" { // as it is called in a query string
			name = schema.PartitionID
		}
		column := t.Column(name)
		literal, ok := a.Value.(*odata.Literal)
		if column == nil || !ok {
			return nil, unknownKey(t)
		}
		value, err := keyValue(column, literal)
		if err != nil {
			return nil, err
		}
		values[name] = value
	}
	for _, k := range t.Keys {
		if len(k.Attributes) == len(values) &&
			!slices.ContainsFunc(k.Attributes, func(a string) bool { _, ok := values[a]; return !ok }) {
			return values, nil
		}
	}
	return nil, unknownKey(t)
}

// keyValue is a part of a key as the store keeps it.
func keyValue(col *schema.Column, l *odata.Literal) (any, error) {
	switch {
	case l.Kind == odata.Null:
		return nil, nil
	case l.Kind == odata.Number:
		return valueIn(col, json.Number(l.Value))
	case l.Kind == odata.Bool:
		return valueIn(col, l.Value == "true")
	case col.IsLookup():
		return guidOf(l)
	case col.Type == schema.String || col.Type == schema.Memo:
		return l.Value, nil
	}
	return valueIn(col, l.Value)
}

func unknownKey(t *schema.Table) *Error {
	return fail(http.StatusBadRequest, codeKeyUnknown,
		"The specified key attributes are not a defined key for the %s entity", t.Logical)
}
