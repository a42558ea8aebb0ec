package dataverse

import (
	"cmp"
	"context"
	"slices"
)

// DeletedWith lists the tables whose rows are deleted with the row of table that they belong to, those that people
// work with first. What those take along in turn is not in it.
func (c *Client) DeletedWith(ctx context.Context, table string) ([]TableInfo, error) {
	op := "read cascades of " + table
	d, err := c.directory(ctx)
	if err != nil {
		return nil, during(op, err)
	}
	info, err := d.resolve(table)
	if err != nil {
		return nil, during(op, err)
	}
	var list struct {
		Value []struct {
			ReferencingEntity    string
			CascadeConfiguration struct{ Delete string }
		}
	}
	err = c.getDefinitions(ctx, op, "EntityDefinitions(LogicalName='"+info.LogicalName+"')/OneToManyRelationships",
		[]param{{"$select", "ReferencingEntity,CascadeConfiguration"}}, &list)
	if err != nil {
		return nil, err
	}
	goes := map[string]bool{}
	for _, r := range list.Value {
		goes[r.ReferencingEntity] = goes[r.ReferencingEntity] || r.CascadeConfiguration.Delete == "Cascade"
	}
	var found []TableInfo
	for _, t := range d.tables {
		if goes[t.LogicalName] && !t.Intersect {
			found = append(found, t)
		}
	}
	slices.SortStableFunc(found, func(a, b TableInfo) int {
		return cmp.Or(-cmp.Compare(prominence(a), prominence(b)), cmp.Compare(a.DisplayName, b.DisplayName))
	})
	return found, nil
}

// prominence is how much people would miss the rows of t. What nobody owns is mostly the platform's own notes.
func prominence(t TableInfo) int {
	switch {
	case t.Activity:
		return 1
	case t.Ownership == "UserOwned":
		return 2
	}
	return 0
}
