package tools

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

var listTablesTool = define(Spec{
	Name:   "list_tables",
	Title:  "List tables",
	Doc:    "List the tables: logical and display names.",
	Effect: Reads,
}, listTables)

func listTables(ctx context.Context, d Deps, in listTablesIn) (listTablesOut, error) {
	all, err := d.Dataverse.Tables(ctx)
	if err != nil {
		return listTablesOut{}, err
	}
	var found []dataverse.TableInfo
	for _, t := range all {
		if in.matches(t) {
			found = append(found, t)
		}
	}
	rest := found
	if in.Cursor != "" { // the last name that was shown
		last := slices.IndexFunc(found, func(t dataverse.TableInfo) bool { return t.LogicalName == in.Cursor })
		if last < 0 {
			return listTablesOut{}, refused("Repeat the arguments of the reply that the cursor came with, or leave it out to start again.",
				"cursor: %s is of no such list", brief(in.Cursor))
		}
		rest = found[last+1:]
	}
	out := tableList(rest, len(found), min(in.Top, len(rest)))
	if len(found) == 0 && in.Filter != "" {
		out.Note = "no table has this in its name: try another word for it, or leave filter out to see all"
	}
	return out, nil
}

func (in listTablesIn) matches(t dataverse.TableInfo) bool {
	if in.Custom && !t.Custom {
		return false
	}
	if in.Filter == "" {
		// The tables behind many-to-many relationships are rarely what is looked for.
		return !t.Intersect
	}
	text := strings.ToLower(in.Filter)
	return strings.Contains(t.LogicalName, text) || strings.Contains(t.SetName, text) ||
		strings.Contains(strings.ToLower(t.DisplayName), text)
}

func tableList(rest []dataverse.TableInfo, total, shown int) listTablesOut {
	out := listTablesOut{Tables: map[string]string{}, Total: total, rest: rest, shown: shown}
	for _, t := range rest[:shown] {
		out.Tables[t.LogicalName] = t.DisplayName
	}
	if shown < len(rest) && shown > 0 {
		out.Cursor = rest[shown-1].LogicalName
		out.Note = fmt.Sprintf("%d more tables: pass cursor, or narrow the list with filter", len(rest)-shown)
	}
	return out
}

// fit implements fitter.
func (o listTablesOut) fit(fits func(any) bool) any {
	part := func(k int) any { return tableList(o.rest, o.Total, k) }
	return part(max(1, mostThatFit(o.shown, part, fits)))
}

type listTablesIn struct {
	Filter string `json:"filter,omitempty" jsonschema_description:"Text in the name or display name."`
	Custom bool   `json:"custom,omitempty" jsonschema_description:"Only tables that are not Microsoft's."`
	Top    int    `json:"top,omitempty" jsonschema:"default=200,minimum=1,maximum=2000"`
	Cursor string `json:"cursor,omitempty"`
}

type listTablesOut struct {
	Tables map[string]string `json:"tables" jsonschema_description:"Logical name to display name."`
	Total  int               `json:"total"`
	Cursor string            `json:"cursor,omitempty" jsonschema_description:"For the next page."`
	Note   string            `json:"note,omitempty"`

	rest  []dataverse.TableInfo
	shown int
}
