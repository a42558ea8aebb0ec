package emulator

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

var addPrivilegesRole = message{
	name:       "AddPrivilegesRole",
	action:     true,
	bound:      "role",
	parameters: []parameter{{name: "Privileges", kind: "Collection(RolePrivilege)"}},
	act:        func(ctx context.Context, a *acting) error { return a.addPrivileges(ctx) },
}

var replacePrivilegesRole = message{
	name:       "ReplacePrivilegesRole",
	action:     true,
	bound:      "role",
	parameters: []parameter{{name: "Privileges", kind: "Collection(RolePrivilege)"}},
	act: func(ctx context.Context, a *acting) error {
		if _, err := a.tx.ExecContext(ctx, "DELETE FROM roleprivileges WHERE roleid = ?", a.bound.id); err != nil {
			return err
		}
		return a.addPrivileges(ctx)
	},
}

var removePrivilegeRole = message{
	name:       "RemovePrivilegeRole",
	action:     true,
	bound:      "role",
	parameters: []parameter{{name: "PrivilegeId", kind: "Edm.Guid"}},
	act: func(ctx context.Context, a *acting) error {
		_, err := a.tx.ExecContext(ctx, "DELETE FROM roleprivileges WHERE roleid = ? AND privilegeid = ?", a.bound.id, strings.ToLower(a.text("PrivilegeId")))
		return err
	},
}

var retrieveRolePrivilegesRole = message{
	name:       "RetrieveRolePrivilegesRole",
	parameters: []parameter{{name: "RoleId", kind: "Edm.Guid"}},
	result:     "RetrieveRolePrivilegesRoleResponse",
	answer: func(c *call, args arguments) error {
		return c.answerPrivileges("RetrieveRolePrivilegesRoleResponse", "rp.roleid = ?", strings.ToLower(args.text("RoleId")))
	},
}

var retrieveUserPrivileges = message{
	name:   "RetrieveUserPrivileges",
	bound:  "systemuser",
	result: "RetrieveUserPrivilegesResponse",
	answer: func(c *call, args arguments) error {
		return c.answerPrivileges("RetrieveUserPrivilegesResponse", `rp.roleid IN (SELECT coalesce(parentrootroleid, roleid) FROM role WHERE roleid IN
			(SELECT roleid FROM systemuserroles WHERE systemuserid = ?1 UNION SELECT roleid FROM teamroles
			WHERE teamid IN (SELECT teamid FROM teammembership WHERE systemuserid = ?1)))`, args.bound.id)
	},
}

// addPrivileges gives the role the privileges of the argument. One that the role has gets the depth given.
func (a *acting) addPrivileges(ctx context.Context) error {
	nav, _ := a.bound.table.Nav("roleprivileges_association")
	for _, item := range a.items("Privileges") {
		depth, ok := depthMask(textOf(item, "Depth"))
		if !ok {
			return payload(nowhere, "Cannot convert the literal '%s' to the expected type '%sPrivilegeDepth'.", textOf(item, "Depth"), namespace)
		}
		id, err := a.privilege(ctx, item)
		if err != nil {
			return err
		}
		privilege := location{table: a.schema.Table("privilege"), id: id}
		if err := a.disconnect(ctx, a.tx, nav, a.bound.id, privilege); err != nil {
			return err
		}
		if err := a.associate(ctx, a.tx, nav, a.bound.id, id); err != nil {
			return err
		}
		if _, err := a.tx.ExecContext(ctx, "UPDATE roleprivileges SET privilegedepthmask = ? WHERE roleid = ? AND privilegeid = ?",
			depth, a.bound.id, id); err != nil {
			return err
		}
	}
	return nil
}

// privilege finds the privilege that an item names, by its id.
func (a *acting) privilege(ctx context.Context, item members) (string, error) {
	t := a.schema.Table("privilege")
	value, _ := item.get("PrivilegeId")
	id, err := valueIn(t.Column(t.PrimaryID), value)
	if err != nil {
		return "", err
	}
	text, _ := id.(string)
	if text == "" {
		return "", missingArgument("PrivilegeId")
	}
	_, err = load(ctx, a.tx, t, text)
	return text, err
}

// privilegeDepths are the names of how far a privilege reaches. The role keeps the bit of its place: reachOwn and so on.
func privilegeDepths() []string { return []string{"Basic", "Local", "Deep", "Global"} }

// depthMask reads a PrivilegeDepth by name or by number.
func depthMask(text string) (int64, bool) {
	for i, name := range privilegeDepths() {
		if text == name || text == strconv.Itoa(i) {
			return reachOwn << i, true
		}
	}
	return 0, false
}

// answerPrivileges answers with the privileges in the roles that the condition finds, each as far as it reaches.
func (c *call) answerPrivileges(response, condition, id string) error {
	all := []byte{'['}
	err := c.db.Read(c.context(), func(ctx context.Context, q store.Querier) error {
		rows, err := q.QueryContext(ctx, "SELECT p.privilegeid, p.name, max(rp.privilegedepthmask) FROM roleprivileges rp "+
			"JOIN privilege p ON p.privilegeid = rp.privilegeid WHERE "+condition+" GROUP BY p.privilegeid ORDER BY p.name", id)
		if err != nil {
			return err
		}
		return scanAll(rows, func(cells []any) error {
			var o object
			mask, _ := cells[2].(int64)
			for i, name := range privilegeDepths() {
				if mask == reachOwn<<i {
					o.text("Depth", name)
				}
			}
			o.any("PrivilegeId", cells[0])
			o.text("BusinessUnitId", c.caller.businessUnit)
			o.any("PrivilegeName", cells[1])
			o.raw("RecordFilterId", []byte(`"00000000-0000-0000-0000-000000000000"`))
			o.raw("RecordFilterUniqueName", []byte("null"))
			all = append(comma(all, 1), o.bytes()...)
			return nil
		})
	})
	if err != nil {
		return err
	}
	o := c.respond(response)
	o.raw("RolePrivileges", append(all, ']'))
	return c.answer(http.StatusOK, o.bytes())
}
