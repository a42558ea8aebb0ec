package emulator

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// lookupNames reads the names of all rows that lookups refer to: one query for each table.
func (w *renderer) lookupNames(ctx context.Context, q store.Querier, rows []row) (map[string]map[string]string, error) {
	names := map[string]map[string]string{}
	for i := range w.fields {
		f := &w.fields[i]
		if f.formatted == nil || !f.column.IsLookup() || f.at < 0 {
			continue
		}
		for _, r := range rows {
			id := r.text(f.at)
			if id == "" {
				continue
			}
			target := f.targetOf(r)
			if names[target] == nil {
				names[target] = map[string]string{}
			}
			names[target][id] = ""
		}
	}
	for logical := range names {
		found, err := readNames(ctx, q, w.c.schema.Table(logical), slices.Collect(maps.Keys(names[logical])))
		if err != nil {
			return nil, err
		}
		names[logical] = found
	}
	return names, nil
}

// readNames reads primary names by id. Rows that do not exist or have no name are not among them.
func readNames(ctx context.Context, q store.Querier, t *schema.Table, ids []string) (map[string]string, error) {
	if t == nil {
		return nil, nil // a lookup may refer to tables that the emulator does not have
	}
	name := t.Column(t.PrimaryName)
	if name == nil || !name.Stored() {
		return nil, nil
	}
	result, err := q.QueryContext(ctx, fmt.Sprintf("SELECT %s, %s FROM %s WHERE %[1]s IN (SELECT value FROM json_each(?)) AND %[2]s IS NOT NULL",
		store.Quote(t.PrimaryID), store.Quote(name.Logical), store.Quote(t.Logical)), idList(ids))
	if err != nil {
		return nil, err
	}
	defer result.Close()
	found := make(map[string]string, len(ids))
	for result.Next() {
		var id, text string
		if err := result.Scan(&id, &text); err != nil {
			return nil, err
		}
		found[id] = text
	}
	return found, result.Err()
}

// idList is the argument of json_each for these ids: one parameter, however many they are.
func idList(ids []string) string {
	list, _ := json.Marshal(append([]string{}, ids...)) // strings never fail; nil would be null
	return string(list)
}
