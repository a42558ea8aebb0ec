package tools

import (
	"context"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

var updateRecordTool = define(Spec{
	Name:   "update_record",
	Title:  "Update a record",
	Doc:    "Change the given columns of one existing record; the others stay as they are. Never creates.",
	Effect: Changes,
}, updateRecord)

// updateRecord changes whatever version is there unless an etag is given: it
// overwrites only the columns that the caller named.
func updateRecord(ctx context.Context, d Deps, in updateRecordIn) (updateRecordOut, error) {
	t, id, err := target(ctx, d, in.Table, in.ID)
	if err != nil {
		return updateRecordOut{}, err
	}
	var opts []dataverse.WriteOption
	if in.ETag != "" {
		opts = append(opts, dataverse.IfMatch(in.ETag))
	}
	done, err := d.Dataverse.Update(ctx, t.LogicalName, id, in.Values, opts...)
	if err != nil {
		return updateRecordOut{}, err
	}
	return updateRecordOut{Table: t.LogicalName, ID: done.ID, ETag: done.ETag, Changed: changed(t, in.Values)}, nil
}

type updateRecordIn struct {
	Table  string           `json:"table" jsonschema:"minLength=1" jsonschema_description:"Table name."`
	ID     string           `json:"id" jsonschema:"minLength=1" jsonschema_description:"GUID or alternate key."`
	Values dataverse.Values `json:"values" jsonschema_description:"As in create_record; null empties a column."`
	ETag   string           `json:"etag,omitempty" jsonschema_description:"From get_record: refuse if the record changed since."`
}

type updateRecordOut struct {
	Table   string   `json:"table"`
	ID      string   `json:"id"`
	ETag    string   `json:"etag,omitempty"`
	Changed []string `json:"changed"`
}
