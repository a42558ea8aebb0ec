package emulator

import (
	"context"
	"net/http"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

var merge = message{
	name:   "Merge",
	action: true,
	parameters: []parameter{
		{name: "Target", kind: "crmbaseentity"},
		{name: "Subordinate", kind: "crmbaseentity"},
		{name: "UpdateContent", kind: "crmbaseentity", optional: true},
		{name: "PerformParentingChecks", kind: "Edm.Boolean"},
	},
	act: func(ctx context.Context, a *acting) error {
		target, err := a.referred(ctx, "crmbaseentity", a.object("Target"))
		if err != nil {
			return err
		}
		if err := a.knows(target.table, "Merge"); err != nil {
			return err
		}
		gone, err := a.referred(ctx, target.table.Logical, a.object("Subordinate"))
		if err != nil {
			return err
		}
		if err := a.mergeable(ctx, target, gone); err != nil {
			return err
		}
		if err := a.moveRelated(ctx, target, gone); err != nil {
			return err
		}
		if err := a.takeOver(ctx, target); err != nil {
			return err
		}
		return a.retire(ctx, target, gone)
	},
}

// mergeable refuses rows that are the same or not active, and where the client wants it checked, with different parents.
func (a *acting) mergeable(ctx context.Context, target, gone location) error {
	if target.id == gone.id {
		return fail(http.StatusBadRequest, "0x80045305", "Merge cannot be performed on master and sub-entities that are identical.")
	}
	one, err := a.stands(ctx, target)
	if err != nil {
		return err
	}
	other, err := a.stands(ctx, gone)
	if err != nil {
		return err
	}
	if one["statecode"] != int64(0) || other["statecode"] != int64(0) {
		return fail(http.StatusBadRequest, "0x80045304", "Merge cannot be performed on entity that is inactive.")
	}
	parent, _, _ := hierarchies(target.table.Logical)
	if a.flag("PerformParentingChecks") && one[parent] != other[parent] {
		return fail(http.StatusBadRequest, "0x80045316", "Merge warning: sub-entity will be differently parented.")
	}
	return nil
}

// moveRelated gives the target what belongs to the row that goes, where the relationship says so.
func (a *acting) moveRelated(ctx context.Context, target, gone location) error {
	for _, r := range target.table.OneToMany {
		many := a.schema.Table(r.Referencing)
		if r.Cascade.Merge != "Cascade" || many == nil || many.Abstract {
			continue
		}
		col := many.Column(r.Attribute)
		if col == nil || !col.IsLookup() || !col.Stored() {
			continue
		}
		ids, err := referring(ctx, a.tx, many, r.Attribute, gone.id)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := a.move(ctx, location{table: many, id: id}, col, target); err != nil {
				return err
			}
		}
	}
	return nil
}

// move points a lookup of a row to the target. The target itself is not to belong to itself.
func (a *acting) move(ctx context.Context, l location, col *schema.Column, target location) error {
	values := map[string]any{}
	if setLookup(values, col, target.id, target.table.Logical); l.id == target.id {
		setLookup(values, col, nil, "")
	}
	return a.change(ctx, l, values)
}

// takeOver writes what the client took over from the row that goes.
func (a *acting) takeOver(ctx context.Context, target location) error {
	content := a.object("UpdateContent")
	if content == nil {
		return nil
	}
	row, err := entering{a.call, false, false}.entry(ctx, target.table, content)
	if err != nil {
		return err
	}
	return a.modify(ctx, a.tx, row, target.id)
}

// retire deactivates the row that goes, which remembers what it has become a part of.
func (a *acting) retire(ctx context.Context, target, gone location) error {
	values := map[string]any{"statecode": int64(1)}
	switch target.table.Logical {
	case "lead":
		values["statecode"] = int64(2) // disqualified
	case "incident":
		values["statecode"], values["statuscode"] = int64(2), int64(2000) // canceled, as merged
	}
	if col := target.table.Column("merged"); col != nil && col.Stored() {
		values["merged"] = int64(1)
	}
	lookup(values, target.table, "masterid", target.id, target.table.Logical)
	return a.change(ctx, gone, values)
}
