package tools

import (
	"context"

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
	id, err := d.Dataverse.Create(ctx, t.LogicalName, in.Values)
	if err != nil {
		return createRecordOut{}, err
	}
	return createRecordOut{Table: t.LogicalName, ID: id}, nil
}

type createRecordIn struct {
	Table  string           `json:"table" jsonschema:"minLength=1" jsonschema_description:"Table by logical, set, schema or display name."`
	Values dataverse.Values `json:"values" jsonschema_description:"Column to value. Lookup: \"contact(guid)\". Choice: label or number. Parties (to): references or addresses."`
}

type createRecordOut struct {
	Table string `json:"table"`
	ID    string `json:"id"`
}
