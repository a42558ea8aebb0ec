package tools

import "context"

var countRecordsTool = define(Spec{
	Name:   "count_records",
	Title:  "Count records",
	Doc:    "Count the records of a table that match a filter.",
	Effect: Reads,
}, countRecords)

func countRecords(ctx context.Context, d Deps, in countRecordsIn) (countRecordsOut, error) {
	t, err := d.Dataverse.Table(ctx, in.Table)
	if err != nil {
		return countRecordsOut{}, err
	}
	n, err := d.Dataverse.Count(ctx, t.LogicalName, in.Filter)
	if err != nil {
		return countRecordsOut{}, err
	}
	return countRecordsOut{Table: t.LogicalName, Count: n.N, AtLeast: n.AtLeast}, nil
}

type countRecordsIn struct {
	Table  string `json:"table" jsonschema:"minLength=1" jsonschema_description:"Table name."`
	Filter string `json:"filter,omitempty" jsonschema_description:"As in query_records; all records without it."`
}

type countRecordsOut struct {
	Table   string `json:"table"`
	Count   int64  `json:"count"`
	AtLeast bool   `json:"at_least,omitempty" jsonschema_description:"The service stopped counting; there may be more."`
}
