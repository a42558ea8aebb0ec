package emulator

import (
	"encoding/json"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// The standard tables have no column of some types and limits; these rules speak of columns that an environment adds.
func TestValuesOfAddedColumnsAreChecked(t *testing.T) {
	table := &schema.Table{Logical: "new_thing", Set: "new_things"}
	options := []schema.Option{{Value: 1}, {Value: 20}}
	column := func(kind schema.Type, precision int) *schema.Column {
		return &schema.Column{Table: table, Logical: "new_x", Type: kind, Precision: precision, Options: options}
	}
	for _, c := range []struct {
		column *schema.Column
		value  any
		want   any
		code   string // of the error
	}{
		{column(schema.MultiSelect, 0), "20, 1,20", "20,1", ""},
		{column(schema.MultiSelect, 0), "", nil, ""},
		{column(schema.MultiSelect, 0), "1,3", nil, codeOptionOutOfRange},
		{column(schema.MultiSelect, 0), "1,x", nil, codePayload},
		{column(schema.MultiSelect, 0), json.Number("1"), nil, codePayload},
		{column(schema.BigInt, 0), json.Number("9007199254740993"), int64(9007199254740993), ""},
		{column(schema.BigInt, 0), json.Number("1.5"), nil, codePayload},
		{column(schema.Decimal, 4), json.Number("1.00005"), 1.0001, ""},
		{column(schema.Decimal, 4), json.Number("-1.00005"), -1.0001, ""},
		{column(schema.Decimal, 4), json.Number("1e400"), nil, codePayload},
		{column(schema.Double, 2), json.Number("2.675"), 2.68, ""},
		{column(schema.Double, 2), "NaN", nil, codeDecimalOutOfRange},
		{column(schema.Double, 2), true, nil, codePayload},
		{column(schema.Picklist, 0), json.Number("20"), int64(20), ""},
		{column(schema.Uniqueidentifier, 0), "{00000000-0000-0000-0000-000000000001}", nil, codePayload},
		{column(schema.Image, 0), "not base64", nil, codePayload},
		{column(schema.DateTime, 0), "9999-12-31T23:59:59-01:00", nil, codeInvalidDate},
	} {
		got, err := valueIn(c.column, c.value)
		code := ""
		if err != nil {
			code = asError(err).Code
		}
		if got != c.want || code != c.code {
			t.Errorf("%s %v: got %#v, code %q, want %#v, code %q", c.column.Type, c.value, got, code, c.want, c.code)
		}
	}
}
