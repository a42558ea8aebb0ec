package emulator

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// rowKey names a row.
type rowKey struct{ table, id string }

// remove deletes a row and does to the rows that refer to it what their relationships say.
func (c *call) remove(ctx context.Context, tx *sql.Tx, t *schema.Table, id string) error {
	r := removal{call: c, tx: tx, seen: map[rowKey]bool{}}
	return r.row(ctx, t, id)
}

// removal is one deletion with its cascade. A row that is on its way out is not visited again.
type removal struct {
	*call
	tx   *sql.Tx
	seen map[rowKey]bool
}

func (r removal) row(ctx context.Context, t *schema.Table, id string) error {
	key := rowKey{t.Logical, id}
	if r.seen[key] {
		return nil
	}
	r.seen[key] = true
	relationships := t.OneToMany
	if t.Activity {
		relationships = append(slices.Clip(relationships), r.schema.Table("activitypointer").OneToMany...)
	}
	stands, err := load(ctx, r.tx, t, id)
	if err != nil {
		return err
	}
	for _, rel := range relationships {
		if err := r.follow(ctx, rel, id); err != nil {
			return err
		}
	}
	if err := r.forget(ctx, t, id); err != nil {
		return err
	}
	w := &writing{call: r.call, tx: r.tx, table: t, id: id, before: stands, set: map[string]any{}}
	return w.apply(ctx, gone)
}

// follow does what the relationship says to the rows that refer to the one that goes.
func (r removal) follow(ctx context.Context, rel *schema.Relationship, id string) error {
	many := r.schema.Table(rel.Referencing)
	if many == nil || many.Abstract {
		return nil
	}
	col := many.Column(rel.Attribute)
	if rel.Cascade.Delete == "NoCascade" || col == nil || !col.IsLookup() || !col.Stored() {
		return nil
	}
	ids, err := referring(ctx, r.tx, many, rel.Attribute, id)
	if err != nil {
		return err
	}
	for _, child := range ids {
		if r.seen[rowKey{many.Logical, child}] {
			continue
		}
		switch rel.Cascade.Delete {
		case "Restrict":
			return inUse()
		case "Cascade":
			err = r.row(ctx, many, child)
		case "RemoveLink":
			err = r.clear(ctx, many, child, col)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// clear empties a lookup without the rules of an update: the platform does it below them.
func (r removal) clear(ctx context.Context, t *schema.Table, id string, col *schema.Column) error {
	set := map[string]any{}
	setLookup(set, col, nil, "")
	if t.Column("versionnumber") != nil {
		set["versionnumber"] = r.nextVersion(t)
	}
	w := &writing{call: r.call, tx: r.tx, table: t, id: id, before: map[string]any{}, set: set}
	return w.save(ctx)
}

// forget deletes the row itself with its places in many-to-many relationships, and notes that it is gone.
func (r removal) forget(ctx context.Context, t *schema.Table, id string) error {
	for _, m := range t.ManyToMany {
		for entity, column := range map[*string]string{&m.Entity1: m.Attribute1, &m.Entity2: m.Attribute2} {
			if *entity != t.Logical {
				continue
			}
			if _, err := r.tx.ExecContext(ctx, fmt.Sprintf("DELETE FROM %s WHERE %s = ?", store.Quote(m.Intersect), store.Quote(column)), id); err != nil {
				return err
			}
		}
	}
	if t.ActivityParty {
		// A party stays on its activities when the row that it stood for goes.
		if _, err := r.tx.ExecContext(ctx, fmt.Sprintf("UPDATE activityparty SET ispartydeleted = 1, partyid = NULL, %s = NULL WHERE partyid = ?",
			store.Quote(store.TargetColumn("partyid"))), id); err != nil {
			return err
		}
	}
	if t.Ownership == schema.UserOwned || isPrincipal(t) {
		if _, err := r.tx.ExecContext(ctx, `DELETE FROM "$access" WHERE objectid = ?1 OR principalid = ?1`, id); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(t.Columns, func(c *schema.Column) bool { return c.Type == schema.File }) {
		if _, err := r.tx.ExecContext(ctx, `DELETE FROM "$file" WHERE objectid = ?`, id); err != nil {
			return err
		}
	}
	if _, err := r.tx.ExecContext(ctx, fmt.Sprintf("DELETE FROM %s WHERE %s = ?", store.Quote(t.Logical), store.Quote(t.PrimaryID)), id); err != nil {
		return err
	}
	_, err := r.tx.ExecContext(ctx, `INSERT INTO "$deleted" (version, "table", id) VALUES (?, ?, ?)`, r.db.NextVersion(), t.Logical, id)
	return err
}

// referring lists the rows whose lookup holds the id.
func referring(ctx context.Context, q store.Querier, t *schema.Table, column, id string) ([]string, error) {
	rows, err := q.QueryContext(ctx, fmt.Sprintf("SELECT %s FROM %s WHERE %s = ?", store.Quote(t.PrimaryID), store.Quote(t.Logical), store.Quote(column)), id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var child string
		if err := rows.Scan(&child); err != nil {
			return nil, err
		}
		ids = append(ids, child)
	}
	return ids, rows.Err()
}
