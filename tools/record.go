package tools

import (
	"context"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

// target finds the table and the record that a caller means. An id may come as
// it stands in the legend of a query, contact(guid), or in OData, /contacts(guid).
func target(ctx context.Context, d Deps, table, id string) (*dataverse.Table, string, error) {
	t, err := d.Dataverse.Table(ctx, table)
	if err != nil {
		return nil, "", err
	}
	named, key, ok := strings.Cut(strings.TrimPrefix(id, "/"), "(")
	if !ok || !strings.HasSuffix(key, ")") || strings.ContainsAny(named, "='") {
		return t, id, nil
	}
	if !strings.EqualFold(named, t.LogicalName) && !strings.EqualFold(named, t.SetName) {
		return nil, "", refused("Name the table of the record, or its GUID alone.",
			"id: %s is a record of %s, not of %s", brief(id), brief(named), t.LogicalName)
	}
	return t, strings.TrimSuffix(key, ")"), nil
}

// changed names the columns that values are of, also where OData's form of a lookup names its road.
func changed(t *dataverse.Table, values dataverse.Values) []string {
	names := []string{}
	for name := range values {
		name = strings.TrimSuffix(name, "@odata.bind")
		for _, r := range t.ManyToOne {
			if r.ReferencingNav == name {
				name = r.ReferencingColumn
				break
			}
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// reference is the form in which a lookup is read here and may be written back.
func reference(table, id string) string { return table + "(" + id + ")" }
