// Package schema is the emulator's table definitions: 93 standard Dataverse tables with the columns, types, limits,
// choices and relationships that Microsoft documents. They are embedded in tables.tsv, which generate/ writes.
package schema

import (
	"encoding/json"
	"sync"

	"github.com/google/uuid"
)

// Schema is a set of tables that refer to one another. It is read only once loaded.
type Schema struct {
	Tables  []*Table   // sorted by logical name
	Choices []*Choice  // those that columns share, sorted by name
	Version int64      // of its last change; 0 where nothing has changed since it was made
	Deleted []Deletion // what it has lost, oldest first
	many    []*ManyToMany
	byName  map[string]*Table
	bySet   map[string]*Table
}

// Deletion tells that a definition is gone.
type Deletion struct {
	Kind    Kind
	ID      uuid.UUID // its MetadataID
	Version int64     // that the deletion got
}

// Kind is a kind of definition, spelled as DeletedMetadataFilters spells it.
type Kind string

// The kinds of definitions that deletions are told of.
const (
	TableKind        Kind = "Entity"
	ColumnKind       Kind = "Attribute"
	RelationshipKind Kind = "Relationship"
	ChoiceKind       Kind = "OptionSet"
)

// Table is a table (an entity, in the Web API's words).
type Table struct {
	Logical           string // account
	Schema            string // Account
	Set               string // accounts, the entity set
	Display           string
	DisplayCollection string
	CollectionSchema  string
	PrimaryID         string
	PrimaryName       string // "" where the table has none
	PrimaryImage      string
	TypeCode          int
	Ownership         Ownership
	Activity          bool // task, email, …: shares activitypointer
	ActivityParty     bool // may be a party of an activity
	Notes             bool
	Activities        bool // may be the regarding row of an activity
	ChangeTracking    bool
	Optimistic        bool // supports If-Match
	Elastic           bool // rows go by partitions, and neither by transactions nor joins
	Intersect         bool
	Abstract          bool // owner and activitypointer: rows come from other tables
	Messages          []string
	Columns           []*Column
	ManyToOne         []*Relationship // this table holds the lookup
	OneToMany         []*Relationship `json:"-"` // this table is looked up
	ManyToMany        []*ManyToMany   `json:"-"`
	Keys              []Key
	Privileges        []Privilege
	MetadataID        uuid.UUID
	Version           int64 // of the last change of the table itself, 0 for none
	Custom            bool
	Changed           bool // it, or something in it, is not as it was made
	Extras
	columns map[string]*Column
	navs    map[string]Nav
}

// Ownership is who owns the rows of a table, spelled as OwnershipTypes spells it.
type Ownership string

// The ownership types that occur.
const (
	UserOwned         Ownership = "UserOwned"
	OrganizationOwned Ownership = "OrganizationOwned"
	BusinessOwned     Ownership = "BusinessOwned"
	NoOwner           Ownership = "None"
)

// Type is the type of a column, spelled as AttributeTypeCode spells it, with Image, File and MultiSelectPicklist told
// apart where AttributeTypeCode says only Virtual.
type Type string

// The column types that occur.
const (
	BigInt           Type = "BigInt"
	Boolean          Type = "Boolean"
	Customer         Type = "Customer"
	DateTime         Type = "DateTime"
	Decimal          Type = "Decimal"
	Double           Type = "Double"
	EntityName       Type = "EntityName"
	File             Type = "File"
	Image            Type = "Image"
	Integer          Type = "Integer"
	Lookup           Type = "Lookup"
	ManagedProperty  Type = "ManagedProperty"
	Memo             Type = "Memo"
	Money            Type = "Money"
	MultiSelect      Type = "MultiSelectPicklist"
	Owner            Type = "Owner"
	PartyList        Type = "PartyList"
	Picklist         Type = "Picklist"
	State            Type = "State"
	Status           Type = "Status"
	String           Type = "String"
	Uniqueidentifier Type = "Uniqueidentifier"
	Virtual          Type = "Virtual"
)

// Column is a column (an attribute).
type Column struct {
	Table            *Table `json:"-"`
	Logical          string
	Schema           string
	Display          string // "" where it has no label
	Type             Type
	Required         string // None, Recommended, ApplicationRequired or SystemRequired
	Create           bool   // may be set on create
	Update           bool   // may be set on update
	Read             bool
	Property         bool // is a Web API property; false: only in the metadata
	IsLogical        bool // computed or stored in another table, such as addresses
	Secured          bool
	Custom           bool
	PrimaryID        bool
	PrimaryName      bool
	AttributeOf      string // the column that this one belongs to: primarycontactid of primarycontactidname
	CalculationOf    string // revenue of revenue_base
	MaxLength        int
	Min, Max         *float64
	Precision        int
	PrecisionSource  int
	Format           string
	DateTimeBehavior string   // UserLocal, DateOnly or TimeZoneIndependent
	Targets          []string // lookups: logical names of the tables that it may refer to
	Options          []Option // choices, yes/no, state and status reason
	OptionSet        string
	GlobalOptionSet  bool
	Default          string
	MetadataID       uuid.UUID
	Version          int64
	Extras
}

// Extras are what a definition says of itself beyond what the emulator acts on.
type Extras struct {
	Description  string
	Translations map[string]map[int]string  `json:",omitempty"` // of labels: property, language, text
	Settings     map[string]json.RawMessage `json:",omitempty"` // other properties that differ from the usual
}

// Choice is a set of options that columns share.
type Choice struct {
	Name       string
	Display    string
	Type       Type // Picklist, or that of the first column where a column came before it
	Options    []Option
	MetadataID uuid.UUID
	Version    int64
	Custom     bool
	Changed    bool
	Extras
}

// Option is one value of a choice. State is the state that a status reason belongs to; DefaultStatus and Invariant
// belong to a state.
type Option struct {
	Value         int
	Label         string
	State         int
	DefaultStatus int
	Invariant     string
	Version       int64
	Color         string
	Extras
}

// Relationship is one-to-many: many rows of Referencing point by Attribute to one row of Referenced.
type Relationship struct {
	Schema              string
	Referenced          string // logical name of the one side
	ReferencedAttribute string
	ReferencedNav       string // collection property on the one side
	Referencing         string
	Attribute           string // the lookup column
	ReferencingNav      string // single-valued property on the many side
	Hierarchical        bool
	Cascade             Cascade
	MetadataID          uuid.UUID
	Version             int64
	Custom              bool
	Extras
}

// Cascade says what an action on the one side does to the many side: NoCascade, Cascade, RemoveLink or Restrict.
type Cascade struct {
	Assign, Delete, Merge, Reparent, Share, Unshare string
}

// ManyToMany joins Entity1 and Entity2 through Intersect.
type ManyToMany struct {
	Schema     string
	Intersect  string
	Entity1    string
	Attribute1 string
	Nav1       string // the property on Entity1 that leads to Entity2
	Entity2    string
	Attribute2 string
	Nav2       string
	MetadataID uuid.UUID
	Version    int64
	Custom     bool
	Changed    bool
	Extras
}

// Key is an alternate key.
type Key struct {
	Logical    string
	Schema     string
	Attributes []string
	MetadataID uuid.UUID
	Version    int64
	Display    string // "" is the schema name
	Custom     bool
	Extras
}

// Privilege is a right on a table, such as prvReadAccount.
type Privilege struct {
	Name                       string
	ID                         uuid.UUID
	Type                       string
	Basic, Local, Deep, Global bool
}

// Nav is a navigation property of a table: exactly one field is set.
type Nav struct {
	One    *Relationship // single-valued: the lookup side
	Many   *Relationship // collection: the looked-up side
	Across *ManyToMany   // collection
	First  bool          // with Across: the table is Entity1
}

// Load returns the embedded schema. It is parsed once and shared: callers must not change it.
func Load() *Schema { return load() }

var load = sync.OnceValue(func() *Schema {
	s, err := parse(embedded)
	if err != nil {
		panic("emulator/schema: " + err.Error()) // our own table is wrong
	}
	return s
})

// Table finds a table by logical name, nil if there is none.
func (s *Schema) Table(logical string) *Table { return s.byName[logical] }

// Set finds a table by entity set name, nil if there is none.
func (s *Schema) Set(set string) *Table { return s.bySet[set] }

// Column finds a column by logical name, nil if there is none.
func (t *Table) Column(logical string) *Column { return t.columns[logical] }

// Nav finds a navigation property by its case-sensitive name.
func (t *Table) Nav(name string) (Nav, bool) {
	n, ok := t.navs[name]
	return n, ok
}

// Navs calls yield for every navigation property, in no order.
func (t *Table) Navs(yield func(string, Nav) bool) {
	for name, n := range t.navs {
		if !yield(name, n) {
			return
		}
	}
}

// Lookup returns the relationship by which column refers to target, nil if there is none.
func (t *Table) Lookup(column, target string) *Relationship {
	for _, r := range t.ManyToOne {
		if r.Attribute == column && r.Referenced == target {
			return r
		}
	}
	return nil
}

// IsLookup reports whether the column refers to a row of another table.
func (c *Column) IsLookup() bool {
	return c.Type == Lookup || c.Type == Owner || c.Type == Customer
}

// IsChoice reports whether the column holds the number of an option: choice, state or status reason.
func (c *Column) IsChoice() bool {
	return c.Type == Picklist || c.Type == State || c.Type == Status
}

// IsNumber reports whether values of the column compare as numbers.
func (c *Column) IsNumber() bool {
	switch c.Type {
	case BigInt, Integer, Decimal, Double, Money:
		return true
	}
	return c.IsChoice()
}

// Polymorphic reports whether a lookup may refer to more than one table.
func (c *Column) Polymorphic() bool { return c.IsLookup() && len(c.Targets) > 1 }

// Stored reports whether the column has a place in the database. The rest is derived from other columns (names of
// lookups, labels of choices) or from other tables (party lists).
func (c *Column) Stored() bool {
	switch c.Type {
	case Virtual, PartyList, ManagedProperty:
		return false
	}
	return c.AttributeOf == "" || c.Property
}

// PropertyName is the column's name in the Web API: _primarycontactid_value for a lookup, else the logical name.
func (c *Column) PropertyName() string {
	if c.IsLookup() {
		return "_" + c.Logical + "_value"
	}
	return c.Logical
}

// Option finds the option with the value.
func (c *Column) Option(value int) (Option, bool) {
	for _, o := range c.Options {
		if o.Value == value {
			return o, true
		}
	}
	return Option{}, false
}
