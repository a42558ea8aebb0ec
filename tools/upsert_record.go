package tools

import (
	"context"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

var upsertRecordTool = define(Spec{
	Name:   "upsert_record",
	Title:  "Create or update a record",
	Doc:    "Update the record with this id or alternate key, or create it if there is none.",
	Effect: Changes,
}, upsertRecord)

func upsertRecord(ctx context.Context, d Deps, in upsertRecordIn) (upsertRecordOut, error) {
	t, id, err := target(ctx, d, in.Table, in.ID)
	if err != nil {
		return upsertRecordOut{}, err
	}
	done, err := d.Dataverse.Upsert(ctx, t.LogicalName, id, in.Values)
	if err != nil {
		return upsertRecordOut{}, err
	}
	return upsertRecordOut{
		Table: t.LogicalName, ID: done.ID, Created: done.Created, Changed: changed(t, in.Values),
	}, nil
}

type upsertRecordIn struct {
	Table  string           `json:"table" jsonschema:"minLength=1" jsonschema_description:"Table name."`
	ID     string           `json:"id" jsonschema:"minLength=1" jsonschema_description:"GUID or alternate key such as accountnumber='A1'."`
	Values dataverse.Values `json:"values" jsonschema_description:"As in create_record."`
}

type upsertRecordOut struct {
	Table   string   `json:"table"`
	ID      string   `json:"id"`
	Created bool     `json:"created"`
	Changed []string `json:"changed"`
}
