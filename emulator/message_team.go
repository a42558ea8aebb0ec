package emulator

import (
	"context"
	"fmt"
	"net/http"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

var addMembersTeam = message{
	name:       "AddMembersTeam",
	action:     true,
	bound:      "team",
	parameters: []parameter{{name: "Members", kind: "Collection(systemuser)"}},
	act: func(ctx context.Context, a *acting) error {
		return a.eachMember(ctx, "0x8004830b", "Can't add members to the default business unit team.", a.join)
	},
}

var removeMembersTeam = message{
	name:       "RemoveMembersTeam",
	action:     true,
	bound:      "team",
	parameters: []parameter{{name: "Members", kind: "Collection(systemuser)"}},
	act: func(ctx context.Context, a *acting) error {
		return a.eachMember(ctx, "0x8004830c", "Can't remove members from the default business unit team.", a.leave)
	},
}

// eachMember does something with every user of the argument. The default team of a business unit has who belongs to it.
func (a *acting) eachMember(ctx context.Context, code, refusal string, do func(ctx context.Context, nav schema.Nav, user string) error) error {
	team, err := a.stands(ctx, a.bound)
	if err != nil {
		return err
	}
	if team["isdefault"] == int64(1) {
		return fail(http.StatusBadRequest, code, "%s", refusal)
	}
	nav, _ := a.bound.table.Nav("teammembership_association")
	for _, member := range a.items("Members") {
		user, err := a.referred(ctx, "systemuser", member)
		if err != nil {
			return err
		}
		if err := do(ctx, nav, user.id); err != nil {
			return err
		}
	}
	return nil
}

// join makes the user a member. Who is one stays one.
func (a *acting) join(ctx context.Context, nav schema.Nav, user string) error {
	mine, theirs := ends(nav)
	found, err := exists(ctx, a.tx, fmt.Sprintf("SELECT 1 FROM %s WHERE %s = ? AND %s = ?", store.Quote(nav.Across.Intersect),
		store.Quote(mine), store.Quote(theirs)), a.bound.id, user)
	if err != nil || found {
		return err
	}
	return a.associate(ctx, a.tx, nav, a.bound.id, user)
}

func (a *acting) leave(ctx context.Context, nav schema.Nav, user string) error {
	return a.disconnect(ctx, a.tx, nav, a.bound.id, location{table: a.schema.Table("systemuser"), id: user})
}
