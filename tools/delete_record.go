package tools

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"unicode"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

var deleteRecordTool = defineDestroying(Spec{
	Name:   "delete_record",
	Title:  "Delete a record",
	Doc:    "Delete one record for good, with what belongs to it. The user is asked first.",
	Effect: Destroys,
}, deletion, deleteRecord)

// deletion names the record as its user knows it. Nobody is asked to delete what is not there or has changed.
func deletion(ctx context.Context, d Deps, in deleteRecordIn) (stake, error) {
	t, id, err := target(ctx, d, in.Table, in.ID)
	if err != nil {
		return stake{}, err
	}
	row, err := d.Dataverse.Get(ctx, t.LogicalName, id, dataverse.Query{Select: []string{cmp.Or(t.PrimaryName, t.PrimaryID)}})
	if err != nil {
		return stake{}, err
	}
	if in.ETag != "" && in.ETag != row.ETag {
		return stake{}, &dataverse.Error{
			Op: "delete " + t.LogicalName, Kind: dataverse.Conflict, Message: fmt.Sprintf("the record is at %s, not at %s", row.ETag, brief(in.ETag)),
		}
	}
	lost, err := d.Dataverse.DeletedWith(ctx, t.LogicalName)
	if err != nil {
		return stake{}, err
	}
	name, _ := row.Value(t.PrimaryName).Raw.(string)
	question := fmt.Sprintf("Delete %s %s for good?%s", cmp.Or(t.DisplayName, t.LogicalName), recordName(name, row.ID), lostToo(lost))
	return stake{question: question, version: row.ETag}, nil
}

// recordName is a record in a question: by its name, and by its id since names are not unique.
func recordName(name, id string) string {
	if name = shown(name); name == "" {
		return id
	}
	return fmt.Sprintf("%q (%s)", name, id)
}

// shown is text of a record as a person may be shown it: of readable length, and without the invisible characters
// that would make it say something else.
func shown(s string) string {
	return brief(strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)), " "))
}

// lostToo says what else goes, as kinds of records: how many there are of each would take a request a kind.
func lostToo(tables []dataverse.TableInfo) string {
	const most = 8
	if len(tables) == 0 {
		return ""
	}
	names := make([]string, 0, most)
	for _, t := range tables[:min(most, len(tables))] {
		names = append(names, cmp.Or(t.PluralName, t.DisplayName, t.LogicalName))
	}
	rest := ""
	if more := len(tables) - most; more > 0 {
		rest = fmt.Sprintf(" and %d more kinds of records", more)
	}
	return " Deleted with it, where there are any: " + strings.Join(names, ", ") + rest + "."
}

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
