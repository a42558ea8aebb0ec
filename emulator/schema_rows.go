package emulator

import (
	"context"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/seed"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// materialize gives a new table its place in the database, and the rows that tell of it: rights and messages.
func (c *call) materialize(ctx context.Context, d *draft, t *schema.Table) error {
	if err := d.execute(ctx, store.AddTable(t)...); err != nil {
		return err
	}
	if t.Activity {
		if err := d.execute(ctx, store.ActivityView(d.Schema)...); err != nil {
			return err
		}
	}
	return seed.Table(ctx, c.db, d.Schema, t, c.at)
}

// dematerialize undoes materialize. What regards a row of the table regards nothing afterwards.
func (c *call) dematerialize(ctx context.Context, d *draft, t *schema.Table) error {
	for _, r := range t.OneToMany {
		other := d.Table(r.Referencing)
		if other == t || other.Abstract || !other.Column(r.Attribute).Polymorphic() {
			continue
		}
		column, target := store.Quote(r.Attribute), store.Quote(store.TargetColumn(r.Attribute))
		if _, err := d.tx.ExecContext(ctx, "UPDATE "+store.Quote(other.Logical)+" SET "+column+" = NULL, "+target+" = NULL WHERE "+
			target+" = ?", t.Logical); err != nil {
			return err
		}
	}
	if t.Activity {
		if err := d.execute(ctx, store.DropActivityView()...); err != nil {
			return err
		}
	}
	for _, m := range t.ManyToMany {
		if err := d.execute(ctx, store.DropTable(m.Intersect)...); err != nil {
			return err
		}
	}
	if err := d.execute(ctx, store.DropTable(t.Logical)...); err != nil {
		return err
	}
	if _, err := d.tx.ExecContext(ctx, `DELETE FROM "$deleted" WHERE "table" = ?`, t.Logical); err != nil {
		return err
	}
	return seed.RemoveTable(ctx, d.tx, t)
}
