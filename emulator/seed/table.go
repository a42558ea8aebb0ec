package seed

import (
	"context"
	"database/sql"
	"time"

	"github.com/google/uuid"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// Table adds the rows that tell of a table made later: its rights, who has them, and the messages that it takes. It
// joins the transaction of ctx.
func Table(ctx context.Context, db *store.DB, s *schema.Schema, t *schema.Table, now time.Time) error {
	known, err := knownMessages(ctx, db)
	if err != nil {
		return err
	}
	return load(ctx, db, s, now, func(l *loader) {
		for _, p := range t.Privileges {
			l.add("privilege", privilegeRow(p))
			for _, holder := range []string{SystemAdministratorRoleID, SystemCustomizerRoleID} {
				link := uuid.NewString()
				l.add("roleprivileges", row{
					{"roleprivilegeid", link}, {"roleprivilegeidunique", link}, {"roleid", holder}, {"privilegeid", p.ID.String()},
					{"privilegedepthmask", 8}, {"solutionid", ActiveSolutionID},
				})
			}
		}
		for _, name := range t.Messages {
			if known[name] == "" { // no table took it before
				known[name] = uuid.NewString()
				l.add("sdkmessage", messageRow(known[name], name))
			}
			l.add("sdkmessagefilter", filterRow(uuid.NewString(), known[name], t.Logical))
		}
	})
}

func knownMessages(ctx context.Context, db *store.DB) (map[string]string, error) {
	known := map[string]string{}
	err := db.Read(ctx, func(ctx context.Context, q store.Querier) error {
		rows, err := q.QueryContext(ctx, "SELECT name, sdkmessageid FROM sdkmessage")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var name, id string
			if err := rows.Scan(&name, &id); err != nil {
				return err
			}
			known[name] = id
		}
		return rows.Err()
	})
	return known, err
}

// RemoveTable removes what Table has added.
func RemoveTable(ctx context.Context, tx *sql.Tx, t *schema.Table) error {
	for _, p := range t.Privileges {
		for _, table := range []string{"roleprivileges", "privilege"} {
			if _, err := tx.ExecContext(ctx, "DELETE FROM "+store.Quote(table)+" WHERE privilegeid = ?", p.ID.String()); err != nil {
				return err
			}
		}
	}
	_, err := tx.ExecContext(ctx, "DELETE FROM sdkmessagefilter WHERE primaryobjecttypecode = ?", t.Logical)
	return err
}
