package tools

import (
	"context"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

var deleteRecordTool = define(Spec{
	Name:   "delete_record",
	Title:  "Delete a record",
	Doc:    "Delete one record for good. Related records may be deleted with it.",
	Effect: Destroys,
}, deleteRecord)

// deleteRecord takes an etag so that a record changed meanwhile survives; without one any version is deleted.
func deleteRecord(ctx context.Context, d Deps, in deleteRecordIn) (deleteRecordOut, error) {
	t, id, err := target(ctx, d, in.Table, in.ID)
	if err != nil {
		return deleteRecordOut{}, err
	}
	if err := d.Dataverse.Delete(ctx, t.LogicalName, id, dataverse.IfMatch(in.ETag)); err != nil {
		return deleteRecordOut{}, err
	}
	return deleteRecordOut{Table: t.LogicalName, Deleted: id}, nil
}

type deleteRecordIn struct {
	Table string `json:"table" jsonschema:"minLength=1" jsonschema_description:"Table name."`
	ID    string `json:"id" jsonschema:"minLength=1" jsonschema_description:"GUID or alternate key."`
	ETag  string `json:"etag,omitempty" jsonschema_description:"From get_record: refuse if the record changed since."`
}

type deleteRecordOut struct {
	Table   string `json:"table"`
	Deleted string `json:"deleted"`
}
