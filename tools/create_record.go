package tools

import (
	"context"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

var createRecordTool = define(Spec{
	Name:   "create_record",
	Title:  "Create a record",
	Doc:    "Create one record (row) and return its id.",
	Effect: Adds,
}, createRecord)

func createRecord(ctx context.Context, d Deps, in createRecordIn) (createRecordOut, error) {
	t, err := d.Dataverse.Table(ctx, in.Table)
	if err != nil {
		return createRecordOut{}, err
	}
	if len(in.Values) == 0 {
		return createRecordOut{}, refused("describe_table shows the table's columns, and which of them are required.",
			"values: got none, want at least one column to fill")
	}
	id, err := d.Dataverse.Create(ctx, t.LogicalName, in.Values)
	if err != nil {
		return createRecordOut{}, err
	}
	out := createRecordOut{Table: t.LogicalName, ID: id}
	if empty := leftEmpty(ctx, d, t, id, in.Values); len(empty) > 0 {
		out.Note = "required, but left empty: " + strings.Join(empty, ", ")
	}
	return out, nil
}

// leftEmpty names the required columns that are empty in a new record. Forms insist on them, the service does not, and
// it fills some in by itself, so it is asked. A record that cannot be read was made all the same.
func leftEmpty(ctx context.Context, d Deps, t *dataverse.Table, id string, values dataverse.Values) []string {
	var missing []string
	for i := range t.Columns {
		if c := &t.Columns[i]; required(c) && values[c.LogicalName] == nil {
			missing = append(missing, c.LogicalName)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	row, err := d.Dataverse.Get(ctx, t.LogicalName, id, dataverse.Query{Select: missing})
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(missing, func(name string) bool { return row.Value(name).Raw != nil })
}

type createRecordIn struct {
	Table  string           `json:"table" jsonschema:"minLength=1" jsonschema_description:"Table by logical, set, schema or display name."`
	Values dataverse.Values `json:"values" jsonschema_description:"Column to value. Lookup: \"contact(guid)\". Choice: label or number. Parties (to): references or addresses."`
}

type createRecordOut struct {
	Table string `json:"table"`
	ID    string `json:"id"`
	Note  string `json:"note,omitempty"`
}
