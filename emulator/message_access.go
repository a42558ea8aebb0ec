package emulator

import (
	"context"
	"net/http"
	"slices"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

var grantAccess = message{
	name:       "GrantAccess",
	action:     true,
	parameters: []parameter{{name: "Target", kind: "crmbaseentity"}, {name: "PrincipalAccess", kind: "PrincipalAccess"}},
	act: func(ctx context.Context, a *acting) error {
		return a.share(ctx, "GrantAccess", func(stands, given access) access { return stands | given })
	},
}

var modifyAccess = message{
	name:       "ModifyAccess",
	action:     true,
	parameters: []parameter{{name: "Target", kind: "crmbaseentity"}, {name: "PrincipalAccess", kind: "PrincipalAccess"}},
	act: func(ctx context.Context, a *acting) error {
		return a.share(ctx, "ModifyAccess", func(_, given access) access { return given })
	},
}

var revokeAccess = message{
	name:       "RevokeAccess",
	action:     true,
	parameters: []parameter{{name: "Target", kind: "crmbaseentity"}, {name: "Revokee", kind: "principal"}},
	act: func(ctx context.Context, a *acting) error {
		target, principal, err := a.parties(ctx, "RevokeAccess", a.object("Revokee"))
		if err != nil {
			return err
		}
		return setShare(ctx, a.tx, target.id, share{principal: principal.id})
	},
}

// parties are the row to share and the principal to share it with.
func (a *acting) parties(ctx context.Context, name string, principal members) (target, with location, err error) {
	if target, err = a.referred(ctx, "crmbaseentity", a.object("Target")); err != nil {
		return target, with, err
	}
	if err := a.knows(target.table, name); err != nil {
		return target, with, err
	}
	with, err = a.referred(ctx, "principal", principal)
	return target, with, err
}

// share changes what the row is shared as.
func (a *acting) share(ctx context.Context, name string, becomes func(stands, given access) access) error {
	wish := a.object("PrincipalAccess")
	given := objectOf(wish, "Principal")
	if given == nil {
		return missingArgument("Principal")
	}
	mask := textOf(wish, "AccessMask")
	if !loadMetadataTypes().byName["AccessRights"].hasMembers(mask) {
		return payload(nowhere, "Cannot convert the literal '%s' to the expected type '%sAccessRights'.", mask, namespace)
	}
	target, principal, err := a.parties(ctx, name, given)
	if err != nil {
		return err
	}
	owner, err := peek(ctx, a.tx, target.table, target.id, "ownerid")
	if err != nil {
		return err
	}
	if owner == principal.id {
		return fail(http.StatusBadRequest, "0x80040214", "An item cannot be shared with the owning user.")
	}
	all, err := shares(ctx, a.tx, target.id)
	if err != nil {
		return err
	}
	next := share{principal: principal.id, table: principal.table.Logical}
	if i := slices.IndexFunc(all, func(s share) bool { return s.principal == principal.id }); i >= 0 {
		next.mask = all[i].mask
	}
	next.mask = becomes(next.mask, parseAccess(mask))
	return setShare(ctx, a.tx, target.id, next)
}

var retrievePrincipalAccess = message{
	name:       "RetrievePrincipalAccess",
	bound:      "principal",
	parameters: []parameter{{name: "Target", kind: "crmbaseentity"}},
	result:     "RetrievePrincipalAccessResponse",
	answer: func(c *call, args arguments) error {
		target, err := c.referred(c.context(), "crmbaseentity", args.object("Target"))
		if err != nil {
			return err
		}
		var given access
		err = c.db.Read(c.context(), func(ctx context.Context, q store.Querier) (err error) {
			given, err = c.rightsOf(ctx, q, args.bound, target)
			return err
		})
		if err != nil {
			return err
		}
		o := c.respond("RetrievePrincipalAccessResponse")
		o.text("AccessRights", given.String())
		return c.answer(http.StatusOK, o.bytes())
	},
}

var retrieveSharedPrincipalsAndAccess = message{
	name:       "RetrieveSharedPrincipalsAndAccess",
	parameters: []parameter{{name: "Target", kind: "crmbaseentity"}},
	result:     "RetrieveSharedPrincipalsAndAccessResponse",
	answer: func(c *call, args arguments) error {
		target, err := c.referred(c.context(), "crmbaseentity", args.object("Target"))
		if err != nil {
			return err
		}
		var all []share
		err = c.db.Read(c.context(), func(ctx context.Context, q store.Querier) (err error) {
			all, err = shares(ctx, q, target.id)
			return err
		})
		if err != nil {
			return err
		}
		objects := make([][]byte, len(all))
		for i, s := range all {
			objects[i] = c.principalAccess(s)
		}
		o := c.respond("RetrieveSharedPrincipalsAndAccessResponse")
		o.raw("PrincipalAccesses", array(objects))
		return c.answer(http.StatusOK, o.bytes())
	},
}

func (c *call) principalAccess(s share) []byte {
	var principal, o object
	principal.text("@odata.type", "#"+namespace+s.table)
	principal.text(c.schema.Table(s.table).PrimaryID, s.principal)
	principal.text("ownerid", s.principal)
	o.text("AccessMask", s.mask.String())
	o.raw("Principal", principal.bytes())
	return o.bytes()
}
