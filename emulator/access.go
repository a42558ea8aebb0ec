package emulator

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/seed"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// access is a set of rights on a row, a bit for each.
type access int64

// allAccess is every right that there is.
const allAccess access = 1 | 2 | 4 | 16 | 32 | 65536 | 262144 | 524288

// right is a member of AccessRights, with the type of privilege that gives it.
type right struct {
	bit             access
	name, privilege string
}

// rights are all rights, in the order of their bits.
func rights() []right {
	return []right{
		{1, "ReadAccess", "Read"}, {2, "WriteAccess", "Write"}, {4, "AppendAccess", "Append"}, {16, "AppendToAccess", "AppendTo"},
		{32, "CreateAccess", "Create"}, {65536, "DeleteAccess", "Delete"}, {262144, "ShareAccess", "Share"}, {524288, "AssignAccess", "Assign"},
	}
}

// String names the rights as the Web API does: ReadAccess, WriteAccess.
func (a access) String() string {
	var names []string
	for _, r := range rights() {
		if a&r.bit != 0 {
			names = append(names, r.name)
		}
	}
	if names == nil {
		return "None"
	}
	return strings.Join(names, ", ")
}

// parseAccess reads the names of rights. Names that do not exist count for nothing: the type is checked before.
func parseAccess(text string) (a access) {
	for name := range strings.SplitSeq(text, ",") {
		for _, r := range rights() {
			if r.name == strings.TrimSpace(name) {
				a |= r.bit
			}
		}
	}
	return a
}

// share is what a row is shared as, with a user or a team.
type share struct {
	principal, table string
	mask             access
}

// shares are those of a row.
func shares(ctx context.Context, q store.Querier, row string) ([]share, error) {
	result, err := q.QueryContext(ctx, `SELECT principalid, principaltable, mask FROM "$access" WHERE objectid = ? ORDER BY rowid`, row)
	if err != nil {
		return nil, err
	}
	var all []share
	err = scanAll(result, func(cells []any) error {
		principal, _ := cells[0].(string)
		table, _ := cells[1].(string)
		mask, _ := cells[2].(int64)
		all = append(all, share{principal, table, access(mask)})
		return nil
	})
	return all, err
}

// setShare writes what a row is shared as; no right is no share.
func setShare(ctx context.Context, tx *sql.Tx, row string, s share) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM "$access" WHERE objectid = ? AND principalid = ?`, row, s.principal); err != nil || s.mask == 0 {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO "$access" (objectid, principalid, principaltable, mask) VALUES (?, ?, ?, ?)`, row, s.principal, s.table, int64(s.mask))
	return err
}

// rightsOf are the rights of a user or team on a row: by roles, by ownership and by shares, of its own and, for a user,
// of the teams. As the emulator keeps nobody from anything, this is what roles and shares say, not what is enforced.
func (c *call) rightsOf(ctx context.Context, q store.Querier, principal, target location) (access, error) {
	row, err := load(ctx, q, target.table, target.id)
	if err != nil {
		return 0, err
	}
	who, err := identities(ctx, q, principal.id)
	if err != nil {
		return 0, err
	}
	given, err := c.byRoles(ctx, q, target.table, who, row)
	if err != nil {
		return 0, err
	}
	all, err := shares(ctx, q, target.id)
	for _, s := range all {
		if slices.Contains(who, s.principal) {
			given |= s.mask
		}
	}
	return given, err
}

// identities are the ids that a principal acts as: a user's own and those of the user's teams.
func identities(ctx context.Context, q store.Querier, principal string) ([]string, error) {
	ids := []string{principal}
	result, err := q.QueryContext(ctx, "SELECT teamid FROM teammembership WHERE systemuserid = ?", principal)
	if err != nil {
		return nil, err
	}
	err = scanAll(result, func(cells []any) error {
		id, _ := cells[0].(string)
		ids = append(ids, id)
		return nil
	})
	return ids, err
}

// The reach of a privilege in a role.
const (
	reachOwn          = 1
	reachUnit         = 2
	reachUnitsBelow   = 4
	reachOrganization = 8
)

// byRoles are the rights that roles give. Of a table whose privileges are not known, system administrators have all
// rights, and others those on what is theirs.
func (c *call) byRoles(ctx context.Context, q store.Querier, t *schema.Table, who []string, row map[string]any) (access, error) {
	list, err := json.Marshal(who)
	if err != nil {
		return 0, err
	}
	const roles = `(SELECT roleid FROM systemuserroles WHERE systemuserid IN (SELECT value FROM json_each(?1))
		UNION SELECT roleid FROM teamroles WHERE teamid IN (SELECT value FROM json_each(?1)))`
	owner, _ := row["ownerid"].(string)
	mine := t.Ownership != schema.UserOwned || slices.Contains(who, owner)
	if len(t.Privileges) == 0 {
		var administers bool
		err := q.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM role WHERE roleid IN "+roles+" AND coalesce(parentrootroleid, roleid) = ?2)",
			string(list), seed.SystemAdministratorRoleID).Scan(&administers)
		if administers || mine && t.Ownership == schema.UserOwned {
			return allAccess, err
		}
		return 0, err
	}
	near, err := c.nearness(ctx, q, t, who[0], mine, row)
	if err != nil {
		return 0, err
	}
	var given access
	for _, p := range t.Privileges {
		var reach int64
		query := "SELECT coalesce(max(privilegedepthmask), 0) FROM roleprivileges WHERE privilegeid = ?2 AND roleid IN " +
			"(SELECT coalesce(parentrootroleid, roleid) FROM role WHERE roleid IN " + roles + ")"
		if err := q.QueryRowContext(ctx, query, string(list), p.ID.String()).Scan(&reach); err != nil {
			return 0, err
		}
		if reach < near {
			continue
		}
		for _, r := range rights() {
			if r.privilege == p.Type {
				given |= r.bit
			}
		}
	}
	return given, nil
}

// nearness is the reach that a privilege needs to cover the row.
func (c *call) nearness(ctx context.Context, q store.Querier, t *schema.Table, principal string, mine bool, row map[string]any) (int64, error) {
	if t.Ownership != schema.UserOwned {
		return reachOrganization, nil
	}
	if mine {
		return reachOwn, nil
	}
	var unit *string
	err := q.QueryRowContext(ctx, "SELECT businessunitid FROM systemuser WHERE systemuserid = ?1 UNION ALL SELECT businessunitid FROM team WHERE teamid = ?1", principal).Scan(&unit)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, err
	}
	if unit == nil {
		return reachOrganization, nil
	}
	if row["owningbusinessunit"] == *unit {
		return reachUnit, nil
	}
	var below bool
	err = q.QueryRowContext(ctx, `WITH RECURSIVE up (id) AS (SELECT ?1 UNION SELECT parentbusinessunitid FROM businessunit JOIN up ON businessunitid = up.id)
		SELECT EXISTS (SELECT 1 FROM up WHERE id = ?2)`, row["owningbusinessunit"], *unit).Scan(&below)
	if below {
		return reachUnitsBelow, err
	}
	return reachOrganization, err
}
