package dataverse

import (
	"slices"
	"strings"
)

// TableInfo is what the list of tables tells of one.
type TableInfo struct {
	LogicalName    string // account
	SchemaName     string // Account
	SetName        string // accounts; "" for a table that the Web API does not serve
	DisplayName    string // Account, in the user's language
	PluralName     string // Accounts, in the user's language
	PrimaryID      string // accountid
	PrimaryName    string // name; "" for none
	Ownership      string // UserOwned, OrganizationOwned, None, …
	Type           string // Standard, Elastic, Virtual, …; "" when the service does not tell
	Custom         bool
	Intersect      bool // joins two tables of a many-to-many relationship
	Activity       bool
	ChangeTracking bool
}

// Table is all that is known of one table. It is shared between callers: do not change it.
type Table struct {
	TableInfo
	Description string
	Columns     []Column // those that the Web API serves, by logical name
	Keys        []Key    // alternate keys
	OneToMany   []Relationship
	ManyToOne   []Relationship
	ManyToMany  []ManyToMany
}

// Column describes one column of a table.
type Column struct {
	LogicalName string
	SchemaName  string
	DisplayName string // in the user's language; "" for none
	Description string
	Type        ColumnType
	Required    RequiredLevel
	Create      bool // may be set when a row is made
	Update      bool // may be changed
	Read        bool
	Secured     bool // field security may hide it
	Custom      bool
	Targets     []string // logical names of the tables a lookup may point to
	Choices     []Choice // of a choice, status or yes/no column
	MaxLength   int      // of text, in UTF-16 units; 0 when not limited
	Min, Max    *float64 // of a number; nil when not limited
	Precision   int      // digits after the point
	Format      string   // Email, Url, DateOnly, DateAndTime, …
	Behavior    string   // of a DateTime: UserLocal, DateOnly, TimeZoneIndependent
}

// The types of table that are not Standard and behave differently.
const (
	elasticTable = "Elastic" // no transactions
	virtualTable = "Virtual" // rows of another system
)

func (t *Table) elastic() bool { return t.Type == elasticTable }

// ColumnType is the type of a column, as the platform names it.
type ColumnType string

// The types of column.
const (
	StringColumn      ColumnType = "String"
	MemoColumn        ColumnType = "Memo"
	IntegerColumn     ColumnType = "Integer"
	BigIntColumn      ColumnType = "BigInt"
	DecimalColumn     ColumnType = "Decimal"
	DoubleColumn      ColumnType = "Double"
	MoneyColumn       ColumnType = "Money"
	BooleanColumn     ColumnType = "Boolean"
	DateTimeColumn    ColumnType = "DateTime"
	LookupColumn      ColumnType = "Lookup"
	CustomerColumn    ColumnType = "Customer"
	OwnerColumn       ColumnType = "Owner"
	PartyListColumn   ColumnType = "PartyList"
	ChoiceColumn      ColumnType = "Picklist"
	ChoicesColumn     ColumnType = "MultiSelectPicklist"
	StateColumn       ColumnType = "State"
	StatusColumn      ColumnType = "Status"
	GUIDColumn        ColumnType = "Uniqueidentifier"
	EntityNameColumn  ColumnType = "EntityName"
	ImageColumn       ColumnType = "Image"
	FileColumn        ColumnType = "File"
	VirtualColumn     ColumnType = "Virtual"
	ManagedPropColumn ColumnType = "ManagedProperty"
	CalendarColumn    ColumnType = "CalendarRules"
)

// isLookup says whether values of the type name a row of another table.
func (t ColumnType) isLookup() bool {
	return t == LookupColumn || t == CustomerColumn || t == OwnerColumn
}

// isNumber says whether values of the type are written as plain numbers.
func (t ColumnType) isNumber() bool {
	switch t {
	case IntegerColumn, BigIntColumn, DecimalColumn, DoubleColumn, MoneyColumn:
		return true
	}
	return false
}

// isChoice says whether values of the type are one number with a label.
func (t ColumnType) isChoice() bool {
	return t == ChoiceColumn || t == StateColumn || t == StatusColumn
}

// RequiredLevel says who wants a column filled in.
type RequiredLevel string

// The levels. Only SystemRequired is enforced by the Web API; ApplicationRequired is enforced by forms.
const (
	NotRequired         RequiredLevel = "None"
	Recommended         RequiredLevel = "Recommended"
	ApplicationRequired RequiredLevel = "ApplicationRequired"
	SystemRequired      RequiredLevel = "SystemRequired"
)

// Choice is one value of a choice column. State is the statecode that a status belongs to; nil for other columns.
type Choice struct {
	Value int
	Label string // in the user's language
	State *int
}

// Key is an alternate key: columns that name one row together.
type Key struct {
	Name    string
	Columns []string
	Active  bool // the index stands; before that the key cannot be used
}

// Relationship joins the table whose lookup points (Referencing) to the table it points to (Referenced).
type Relationship struct {
	Name              string // schema name
	Referenced        string // table, logical name
	ReferencedColumn  string
	ReferencedNav     string // collection of referencing rows, as seen from the referenced table
	Referencing       string
	ReferencingColumn string
	ReferencingNav    string // the one referenced row, as seen from the referencing table
}

// ManyToMany joins two tables through an intersect table.
type ManyToMany struct {
	Name                  string // schema name
	Intersect             string
	Table1, Column1, Nav1 string // Nav1 is the collection of Table2 rows, as seen from Table1
	Table2, Column2, Nav2 string
}

// Column returns the column called name: a logical name in any case, or the _name_value form of a lookup.
func (t *Table) Column(name string) (*Column, bool) {
	name = strings.ToLower(name)
	if i, ok := t.find(name); ok {
		return &t.Columns[i], true
	}
	if inner, ok := lookupProperty(name); ok {
		if i, ok := t.find(inner); ok {
			return &t.Columns[i], true
		}
	}
	return nil, false
}

func (t *Table) find(logicalName string) (int, bool) {
	return slices.BinarySearchFunc(t.Columns, logicalName, func(c Column, name string) int {
		return strings.Compare(c.LogicalName, name)
	})
}

// lookupProperty takes _primarycontactid_value apart.
func lookupProperty(name string) (string, bool) {
	inner, ok := strings.CutPrefix(name, "_")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(inner, "_value")
}

// property is the name of the column in the Web API.
func (c *Column) property() string {
	if c.Type.isLookup() {
		return "_" + c.LogicalName + "_value"
	}
	return c.LogicalName
}

// navigation is a navigation property of a table: the road to rows of another.
type navigation struct {
	name       string
	target     string // logical name of the table it leads to
	collection bool
	column     string // lookup behind a single-valued one
}

// navigations lists the roads that lead away from t.
func (t *Table) navigations() []navigation {
	navs := make([]navigation, 0, len(t.ManyToOne)+len(t.OneToMany)+len(t.ManyToMany))
	for _, r := range t.ManyToOne {
		navs = append(navs, navigation{name: r.ReferencingNav, target: r.Referenced, column: r.ReferencingColumn})
	}
	for _, r := range t.OneToMany {
		navs = append(navs, navigation{name: r.ReferencedNav, target: r.Referencing, collection: true})
	}
	for _, m := range t.ManyToMany {
		if m.Table1 == t.LogicalName {
			navs = append(navs, navigation{name: m.Nav1, target: m.Table2, collection: true})
		}
		if m.Table2 == t.LogicalName && (m.Table1 != m.Table2 || m.Nav1 != m.Nav2) {
			navs = append(navs, navigation{name: m.Nav2, target: m.Table1, collection: true})
		}
	}
	return slices.DeleteFunc(navs, func(n navigation) bool { return n.name == "" })
}

// navigation finds a road by its name, in any case, or by the lookup behind it when that has only one road.
func (t *Table) navigation(name string) (navigation, bool) {
	var loose, byColumn []navigation
	for _, n := range t.navigations() {
		if n.name == name {
			return n, true
		}
		if strings.EqualFold(n.name, name) {
			loose = append(loose, n)
		}
		if n.column != "" && strings.EqualFold(n.column, name) {
			byColumn = append(byColumn, n)
		}
	}
	if len(loose) > 0 {
		return loose[0], true
	}
	if len(byColumn) == 1 {
		return byColumn[0], true
	}
	return navigation{}, false
}
