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

// deleteRecord needs an etag so that a record changed meanwhile survives.
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
	ETag  string `json:"etag" jsonschema:"minLength=1" jsonschema_description:"etag from get_record; proves you saw the newest version. * deletes whatever version is there."`
}

type deleteRecordOut struct {
	Table   string `json:"table"`
	Deleted string `json:"deleted"`
}
