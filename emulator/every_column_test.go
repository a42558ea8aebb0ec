package emulator_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// sample is a value that the column takes.
func sample(c *schema.Column) any {
	switch c.Type {
	case schema.String, schema.Memo, schema.EntityName:
		return "x"
	case schema.Integer, schema.BigInt, schema.Decimal, schema.Double, schema.Money:
		if c.Min != nil && *c.Min > 0 {
			return *c.Min
		}
		return 0
	case schema.Picklist, schema.State, schema.Status:
		if len(c.Options) > 0 {
			return c.Options[0].Value
		}
		return 0
	case schema.MultiSelect:
		return ""
	case schema.Boolean:
		return true
	case schema.Uniqueidentifier:
		return four
	case schema.Image:
		return "AA=="
	case schema.DateTime:
		return "2024-06-12"
	}
	return nil
}

func TestEveryColumnOfEveryTableTakesItsValueAndNull(t *testing.T) {
	s := start(t)
	for _, table := range schema.Load().Tables {
		if table.Abstract || len(table.Messages) > 0 && !slices.Contains(table.Messages, "Create") {
			continue
		}
		full, empty := map[string]any{}, map[string]any{}
		for _, c := range table.Columns {
			if !c.Property || c.IsLookup() || c.Logical == table.PrimaryID || c.Type == schema.State || c.Type == schema.Status {
				continue
			}
			full[c.Logical], empty[c.Logical] = sample(c), nil
		}
		for _, body := range []map[string]any{full, empty} {
			data, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			r := send(t, s, http.MethodPost, table.Set, string(data))
			// A row without a lookup that the system requires is the only thing refused.
			if r.status != http.StatusNoContent && !strings.Contains(r.body, "cannot be NULL") && !strings.Contains(r.body, "0x80044410") {
				t.Errorf("%s %.200s: got %d %s", table.Set, data, r.status, r.body)
			}
		}
	}
}

func TestEveryTableIsOrderedByEveryColumn(t *testing.T) {
	s := start(t)
	for _, table := range schema.Load().Tables {
		if table.Abstract {
			continue
		}
		for _, c := range table.Columns {
			if !c.Property || !c.Stored() {
				continue
			}
			if r := get(t, s, table.Set+"?$top=1&$orderby="+c.PropertyName()); r.status != http.StatusOK {
				t.Errorf("%s by %s: %d %s", table.Set, c.PropertyName(), r.status, r.body)
			}
		}
	}
}
