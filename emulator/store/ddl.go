package store

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// TargetColumn is the physical column that names the table a polymorphic lookup refers to: customerid$table.
func TargetColumn(lookup string) string { return lookup + "$table" }

// Quote quotes an identifier.
func Quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// FirstVersion is where a young organization's row versions stand.
const FirstVersion = 1_000_000

// accessTable keeps with whom rows are shared, and which rights: the bits of AccessRights. Files of earlier versions lack it.
const accessTable = `CREATE TABLE IF NOT EXISTS "$access" (objectid TEXT NOT NULL, principalid TEXT NOT NULL, principaltable TEXT NOT NULL,
	mask INTEGER NOT NULL, UNIQUE (objectid, principalid))`

// fileTable keeps what file columns hold; the column itself keeps the id. Files of earlier versions lack it.
const fileTable = `CREATE TABLE IF NOT EXISTS "$file" (id TEXT PRIMARY KEY NOT NULL, "table" TEXT NOT NULL, "column" TEXT NOT NULL,
	objectid TEXT NOT NULL, name TEXT NOT NULL, content BLOB NOT NULL, UNIQUE (objectid, "column"))`

// statements yields what creates an empty database.
func statements(s *schema.Schema) iter.Seq[string] {
	return func(yield func(string) bool) {
		all := []string{
			fmt.Sprintf("PRAGMA user_version = %d", collationVersion),
			`CREATE TABLE "$state" (name TEXT PRIMARY KEY, value) WITHOUT ROWID`,
			fmt.Sprintf(`INSERT INTO "$state" VALUES ('version', %d)`, FirstVersion),
			// What was deleted, for change tracking: version is the row version that the deletion got.
			`CREATE TABLE "$deleted" (version INTEGER PRIMARY KEY, "table" TEXT NOT NULL, id TEXT NOT NULL)`,
			`CREATE INDEX "$deleted.table" ON "$deleted" ("table", version)`,
		}
		for _, t := range s.Tables {
			if !t.Abstract {
				all = append(all, CreateTable(t))
				all = append(all, indexes(t)...)
			}
		}
		all = append(all, intersects(s)...)
		all = append(all, activityView(s), ownerView)
		for _, statement := range all {
			if !yield(statement) {
				return
			}
		}
	}
}

// CreateTable is the statement that creates a table's physical form.
func CreateTable(t *schema.Table) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE %s (%s TEXT PRIMARY KEY NOT NULL", Quote(t.Logical), Quote(t.PrimaryID))
	for _, c := range t.Columns {
		if !c.Stored() || c.Logical == t.PrimaryID {
			continue
		}
		fmt.Fprintf(&b, ", %s", ColumnDefinition(c))
		if c.Polymorphic() {
			fmt.Fprintf(&b, ", %s TEXT", Quote(TargetColumn(c.Logical)))
		}
	}
	b.WriteString(")")
	return b.String()
}

// ColumnDefinition is a column's physical form, as CREATE TABLE and ALTER TABLE ADD COLUMN take it.
func ColumnDefinition(c *schema.Column) string {
	kind := "TEXT"
	switch c.Type {
	case schema.String, schema.Memo, schema.EntityName:
		kind = "TEXT COLLATE " + Collation
	case schema.BigInt, schema.Integer, schema.Boolean, schema.Picklist, schema.State, schema.Status:
		kind = "INTEGER"
	case schema.Money, schema.Decimal, schema.Double:
		kind = "REAL"
	}
	return Quote(c.Logical) + " " + kind
}

// indexes covers alternate keys, which every write is checked against, and the lookups that people follow. Those of the audit columns point to few users and would only slow
// writes down. Rows without a value are left out, so an unused lookup costs nothing.
func indexes(t *schema.Table) []string {
	var all []string
	for _, c := range t.Columns {
		if !c.IsLookup() || !c.Stored() {
			continue
		}
		switch c.Logical {
		case "createdby", "modifiedby", "createdonbehalfby", "modifiedonbehalfby", "transactioncurrencyid",
			"owningbusinessunit", "owninguser", "owningteam":
			continue
		}
		all = append(all, lookupIndex(t, c))
	}
	for _, key := range t.Keys {
		all = append(all, keyIndex(t, key))
	}
	if t.Elastic {
		all = append(all, fmt.Sprintf("CREATE INDEX %s ON %s (%s) WHERE ttlinseconds > 0", Quote(t.Logical+".$expiry"), Quote(t.Logical), expiry))
	}
	return all
}

// expiry is when a row of an elastic table ends, in seconds since 1970: so long after it was last written.
const expiry = "unixepoch(modifiedon) + ttlinseconds"

// Expired is the condition for rows of an elastic table that have ended at a time, its one argument.
func Expired() string { return "ttlinseconds > 0 AND " + expiry + " <= ?" }

// intersects creates the tables behind many-to-many relationships that are not tables of the schema themselves.
func intersects(s *schema.Schema) []string {
	columns := map[string][]string{}
	var order []string
	for _, t := range s.Tables {
		for _, m := range t.ManyToMany {
			if s.Table(m.Intersect) != nil || m.Entity1 != t.Logical {
				continue
			}
			if columns[m.Intersect] == nil {
				order = append(order, m.Intersect)
			}
			for _, column := range []string{m.Attribute1, m.Attribute2} {
				if !slices.Contains(columns[m.Intersect], column) {
					columns[m.Intersect] = append(columns[m.Intersect], column)
				}
			}
		}
	}
	var all []string
	for _, name := range order {
		all = append(all, intersect(name, columns[name]...))
	}
	return all
}

// activityView gathers the rows of every activity table under the columns that they share with activitypointer.
func activityView(s *schema.Schema) string {
	pointer := s.Table("activitypointer")
	var selects []string
	for _, t := range s.Tables {
		if !t.Activity {
			continue
		}
		var fields []string
		for _, c := range pointer.Columns {
			if !c.Stored() {
				continue
			}
			own := t.Column(c.Logical)
			switch {
			case c.Logical == "activitytypecode":
				fields = append(fields, fmt.Sprintf("'%s' AS activitytypecode", t.Logical))
			case own != nil && own.Stored():
				fields = append(fields, Quote(c.Logical))
			default:
				fields = append(fields, "NULL AS "+Quote(c.Logical))
			}
			if !c.Polymorphic() {
				continue
			}
			target := Quote(TargetColumn(c.Logical))
			switch {
			case own == nil || !own.Stored():
				target = "NULL AS " + target
			case !own.Polymorphic():
				target = fmt.Sprintf("CASE WHEN %s IS NULL THEN NULL ELSE '%s' END AS %s", Quote(c.Logical), own.Targets[0], target)
			}
			fields = append(fields, target)
		}
		selects = append(selects, fmt.Sprintf("SELECT %s FROM %s", strings.Join(fields, ", "), Quote(t.Logical)))
	}
	return "CREATE VIEW activitypointer AS " + strings.Join(selects, " UNION ALL ")
}

// ownerView gathers users and teams, the tables behind every ownerid.
const ownerView = `CREATE VIEW owner AS ` +
	`SELECT systemuserid AS ownerid, fullname AS name, yomifullname AS yominame FROM systemuser ` +
	`UNION ALL SELECT teamid, name, yominame FROM team`
