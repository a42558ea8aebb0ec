package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// SavedSchema returns what SaveSchema has kept, nil where there is nothing.
func (d *DB) SavedSchema(ctx context.Context) ([]byte, error) {
	var data []byte
	err := d.sql.QueryRowContext(ctx, `SELECT value FROM "$state" WHERE name = 'schema'`).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return data, err
}

// SaveSchema keeps a description of the schema with the rows that it describes.
func SaveSchema(ctx context.Context, tx *sql.Tx, data []byte) error {
	_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO "$state" VALUES ('schema', ?)`, string(data))
	return err
}

// AddTable creates the physical form of a table.
func AddTable(t *schema.Table) []string {
	return append([]string{CreateTable(t)}, indexes(t)...)
}

// DropTable removes a table with its rows and their files.
func DropTable(name string) []string {
	return []string{"DROP TABLE " + Quote(name), `DELETE FROM "$file" WHERE "table" = ` + literal(name)}
}

// literal is text as SQL writes it.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// AddColumn adds a column to a table that is there.
func AddColumn(t *schema.Table, c *schema.Column) []string {
	if !c.Stored() {
		return nil
	}
	all := []string{"ALTER TABLE " + Quote(t.Logical) + " ADD COLUMN " + ColumnDefinition(c)}
	if c.Polymorphic() {
		all = append(all, "ALTER TABLE "+Quote(t.Logical)+" ADD COLUMN "+Quote(TargetColumn(c.Logical))+" TEXT")
	}
	if c.IsLookup() {
		all = append(all, lookupIndex(t, c))
	}
	return all
}

// DropColumn removes a column with its values.
func DropColumn(t *schema.Table, c *schema.Column) []string {
	if !c.Stored() {
		return nil
	}
	all := []string{
		"DROP INDEX IF EXISTS " + Quote(t.Logical+"."+c.Logical),
		"ALTER TABLE " + Quote(t.Logical) + " DROP COLUMN " + Quote(c.Logical),
	}
	if c.Type == schema.File {
		all = append(all, `DELETE FROM "$file" WHERE "table" = `+literal(t.Logical)+` AND "column" = `+literal(c.Logical))
	}
	if c.Polymorphic() {
		all = append(all, "ALTER TABLE "+Quote(t.Logical)+" DROP COLUMN "+Quote(TargetColumn(c.Logical)))
	}
	return all
}

// AddKey lets rows be found by an alternate key.
func AddKey(t *schema.Table, key schema.Key) []string { return []string{keyIndex(t, key)} }

// DropKey undoes AddKey.
func DropKey(t *schema.Table, key schema.Key) []string {
	return []string{"DROP INDEX IF EXISTS " + Quote(t.Logical+"."+key.Schema)}
}

// AddIntersect creates the table behind a many-to-many relationship.
func AddIntersect(m *schema.ManyToMany) []string {
	return []string{intersect(m.Intersect, m.Attribute1, m.Attribute2)}
}

// ActivityView makes the view of all activities anew, after a change of the tables behind it.
func ActivityView(s *schema.Schema) []string {
	return []string{"DROP VIEW IF EXISTS activitypointer", activityView(s)}
}

// DropActivityView removes the view of all activities, without which a table behind it can be dropped.
func DropActivityView() []string { return []string{"DROP VIEW IF EXISTS activitypointer"} }

func lookupIndex(t *schema.Table, c *schema.Column) string {
	return fmt.Sprintf("CREATE INDEX %s ON %s (%s) WHERE %[3]s IS NOT NULL",
		Quote(t.Logical+"."+c.Logical), Quote(t.Logical), Quote(c.Logical))
}

func keyIndex(t *schema.Table, key schema.Key) string {
	columns := make([]string, len(key.Attributes))
	for i, name := range key.Attributes {
		columns[i] = Quote(name)
	}
	return fmt.Sprintf("CREATE INDEX %s ON %s (%s) WHERE %s IS NOT NULL",
		Quote(t.Logical+"."+key.Schema), Quote(t.Logical), strings.Join(columns, ", "), strings.Join(columns, " IS NOT NULL AND "))
}

// intersect creates the table that joins two: an id and the columns.
func intersect(name string, columns ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE %s (%s TEXT PRIMARY KEY NOT NULL, versionnumber INTEGER", Quote(name), Quote(name+"id"))
	for _, column := range columns {
		if column != name+"id" {
			fmt.Fprintf(&b, ", %s TEXT", Quote(column))
		}
	}
	return b.String() + ")"
}
