package schema

import (
	"slices"
	"strings"

	"github.com/google/uuid"
)

// AddTable adds a table that has its own columns only: those that the platform gives every table of its ownership
// come with it, and the relationships and rights. The caller has checked that its names are free.
func (s *Schema) AddTable(t *Table, version int64) {
	t.MetadataID, t.Version, t.Custom, t.Changed = uuid.New(), version, true, true
	t.TypeCode = 10_000
	for _, other := range s.Tables {
		t.TypeCode = max(t.TypeCode, other.TypeCode+1)
	}
	own := t.Columns
	t.Columns, t.columns = nil, map[string]*Column{}
	t.append(&Column{Logical: t.PrimaryID, Schema: t.primaryIDSchema(), Type: Uniqueidentifier, Display: t.Display,
		Required: "SystemRequired", Create: true, Read: true, Property: true, PrimaryID: true}, version)
	for _, c := range own {
		c.Custom = !t.Activity
		t.append(c, version)
	}
	s.inherit(t, version)
	if t.Elastic {
		t.partition(version)
	}
	t.Messages = slices.Clone(s.byName["contact"].Messages)
	if t.Elastic {
		t.Messages = append(t.Messages, "DeleteMultiple")
	}
	t.Messages = slices.DeleteFunc(t.Messages, func(m string) bool {
		return m == "Merge" || m == "Rollup" || m == "Assign" && t.Ownership != UserOwned
	})
	t.Privileges = privilegesOf(t)
	s.Tables = append(s.Tables, t)
	s.Link()
	s.Relate(t, t.Notes, t.Activities, version)
}

func (t *Table) primaryIDSchema() string {
	if t.Activity {
		return "ActivityId"
	}
	return t.Schema + "Id"
}

// append adds a column as a new one.
func (t *Table) append(c *Column, version int64) {
	if t.columns[c.Logical] != nil {
		return
	}
	c.Table, c.MetadataID, c.Version = t, uuid.New(), version
	t.Columns = append(t.Columns, c)
	t.columns[c.Logical] = c
}

// standardColumns are those that every table with rows of its own has.
var standardColumns = strings.Fields("createdby createdbyname createdbyyominame createdon createdonbehalfby " +
	"createdonbehalfbyname createdonbehalfbyyominame importsequencenumber modifiedby modifiedbyname modifiedbyyominame " +
	"modifiedon modifiedonbehalfby modifiedonbehalfbyname modifiedonbehalfbyyominame overriddencreatedon statecode " +
	"statecodename statuscode statuscodename timezoneruleversionnumber utcconversiontimezonecode versionnumber")

// ownerColumns are those of tables whose rows have an owner.
var ownerColumns = strings.Fields("ownerid owneridname owneridtype owneridyominame owningbusinessunit " +
	"owningbusinessunitname owningteam owninguser")

// inherit gives a table the columns that others of its kind have, with the relationships of those that are lookups.
func (s *Schema) inherit(t *Table, version int64) {
	standard := standardColumns
	if t.Elastic {
		standard = elasticColumns
	}
	switch {
	case t.Activity:
		pointer := s.byName["activitypointer"]
		var names []string
		for _, c := range s.byName["task"].Columns {
			if pointer.columns[c.Logical] != nil && !c.PrimaryID && !c.PrimaryName {
				names = append(names, c.Logical)
			}
		}
		s.copyColumns(t, s.byName["task"], names, version)
	case t.Ownership == UserOwned:
		s.copyColumns(t, s.byName["account"], slices.Concat(standard, ownerColumns), version)
	default:
		s.copyColumns(t, s.byName["account"], standard, version)
		s.copyColumns(t, s.byName["competitor"], []string{"organizationid", "organizationidname"}, version)
	}
}

// relationshipNames begin the names of the relationships that every table has, by lookup column.
var relationshipNames = map[string]string{
	"owninguser": "user_", "owningteam": "team_", "owningbusinessunit": "business_unit_", "ownerid": "owner_",
	"organizationid": "organization_", "transactioncurrencyid": "TransactionCurrency_",
}

func (s *Schema) copyColumns(t, from *Table, names []string, version int64) {
	for _, name := range names {
		c := from.columns[name]
		if c == nil || t.columns[name] != nil {
			continue
		}
		made := *c
		made.Options, made.Targets, made.Extras = slices.Clone(c.Options), slices.Clone(c.Targets), Extras{}
		t.append(&made, version)
		for _, r := range from.ManyToOne {
			if r.Attribute == name {
				t.copyRelationship(r, from, version)
			}
		}
	}
}

// copyRelationship adds another table's relationship under a name of its own.
func (t *Table) copyRelationship(r *Relationship, from *Table, version int64) {
	made := *r
	made.Referencing, made.Version = t.Logical, version
	switch prefix, known := relationshipNames[r.Attribute]; {
	case known:
		made.Schema = prefix + t.Logical
	case from.columns[r.Attribute].Polymorphic():
		made.Schema = t.Logical + "_" + r.Attribute + "_" + r.Referenced
		made.ReferencingNav = r.Attribute + "_" + r.Referenced + "_" + t.Logical
	default:
		made.Schema = "lk_" + t.Logical + "_" + r.Attribute
	}
	made.ReferencedNav, made.MetadataID = made.Schema, uuid.New()
	t.ManyToOne = append(t.ManyToOne, &made)
}

// Relate lets notes or activities regard rows of the table.
func (s *Schema) Relate(t *Table, notes, activities bool, version int64) {
	for _, r := range s.byName["account"].OneToMany {
		other := s.byName[r.Referencing]
		switch {
		case r.Attribute == "regardingobjectid" && activities && (other.Activity || other.Logical == "activitypointer"):
		case r.Attribute == "objectid" && notes && other.Logical == "annotation":
		default:
			continue
		}
		made := *r
		made.Schema = t.Schema + r.Schema[len("account"):]
		made.Referenced, made.ReferencedAttribute, made.ReferencedNav = t.Logical, t.PrimaryID, made.Schema
		made.ReferencingNav = strings.Replace(r.ReferencingNav, "_account", "_"+t.Logical, 1)
		made.MetadataID, made.Version = uuid.New(), version
		made.Custom = true
		other.ManyToOne = append(other.ManyToOne, &made)
		column := other.columns[r.Attribute]
		column.Targets = append(column.Targets, t.Logical)
		column.Version, other.Changed = version, true
	}
	s.Link()
}

// privilegesOf are the rights on a table.
func privilegesOf(t *Table) []Privilege {
	var all []Privilege
	for _, kind := range []string{"Create", "Read", "Write", "Delete", "Assign", "Share", "Append", "AppendTo"} {
		owned := t.Ownership == UserOwned
		if !owned && (kind == "Assign" || kind == "Share") {
			continue
		}
		name := "prv" + kind + t.Schema
		all = append(all, Privilege{Name: name, ID: uuid.New(), Type: kind, Basic: owned, Local: owned, Deep: owned, Global: true})
	}
	return all
}

// AddColumn adds a column with those that come with it: the names of lookups and choices, an amount in the base
// currency. It returns all of them.
func (s *Schema) AddColumn(t *Table, c *Column, version int64) []*Column {
	before := len(t.Columns)
	t.append(c, version)
	companion := func(suffix string, kind Type, property bool) *Column {
		made := &Column{Logical: c.Logical + suffix, Schema: c.Schema + suffix, Type: kind, Required: "None", Read: true,
			Property: property, IsLogical: true, AttributeOf: c.Logical, Custom: true}
		t.append(made, version)
		return made
	}
	switch c.Type {
	case Picklist, MultiSelect, Boolean:
		companion("name", Virtual, false)
	case Lookup, Customer:
		companion("name", String, false).MaxLength = 100
		companion("yominame", String, false).MaxLength = 100
		if c.Type == Customer {
			companion("type", EntityName, false)
		}
	case Image:
		if t.PrimaryImage == "" {
			t.PrimaryImage = c.Logical
		}
		companion("_timestamp", BigInt, true)
		companion("_url", String, true).MaxLength = 200
		companion("id", Uniqueidentifier, true).IsLogical = false
	case File:
		companion("_name", String, true).MaxLength = 200
	case Money:
		s.addBase(t, c, version)
	}
	t.Changed = true
	s.Link()
	return t.Columns[before:]
}

// addBase adds the amount in the base currency, and the currency where the table has none.
func (s *Schema) addBase(t *Table, c *Column, version int64) {
	s.copyColumns(t, s.byName["account"], []string{"transactioncurrencyid", "transactioncurrencyidname", "exchangerate"}, version)
	lowest, highest := -922337203685477.0, 922337203685477.0
	display := c.Display
	if display != "" {
		display += " (Base)"
	}
	t.append(&Column{Logical: c.Logical + "_base", Schema: c.Schema + "_Base", Type: Money, Display: display,
		Required: "None", Read: true, Property: true, Custom: true, CalculationOf: c.Logical, Min: &lowest, Max: &highest,
		Precision: 4, PrecisionSource: 2}, version)
}

// RemoveColumn removes a column with those that came with it, and its relationships. It returns all columns removed.
func (s *Schema) RemoveColumn(c *Column, version int64) []*Column {
	t := c.Table
	var gone []*Column
	t.Columns = slices.DeleteFunc(t.Columns, func(other *Column) bool {
		remove := other == c || other.AttributeOf == c.Logical || other.CalculationOf == c.Logical
		if remove {
			gone = append(gone, other)
			s.Deleted = append(s.Deleted, Deletion{ColumnKind, other.MetadataID, version})
		}
		return remove
	})
	s.dropRelationships(t, version, func(r *Relationship) bool { return r.Attribute == c.Logical })
	t.Changed = true
	s.Link()
	return gone
}

func (s *Schema) dropRelationships(t *Table, version int64, match func(*Relationship) bool) {
	t.ManyToOne = slices.DeleteFunc(t.ManyToOne, func(r *Relationship) bool {
		if match(r) {
			s.Deleted = append(s.Deleted, Deletion{RelationshipKind, r.MetadataID, version})
			t.Changed = true
			return true
		}
		return false
	})
}

// RemoveTable removes a table with what others have because of it: relationships, and its place among the targets of
// lookups.
func (s *Schema) RemoveTable(t *Table, version int64) {
	s.Deleted = append(s.Deleted, Deletion{TableKind, t.MetadataID, version})
	for _, c := range t.Columns {
		s.Deleted = append(s.Deleted, Deletion{ColumnKind, c.MetadataID, version})
	}
	s.dropRelationships(t, version, func(*Relationship) bool { return true })
	for _, m := range slices.Clone(t.ManyToMany) {
		s.RemoveManyToMany(m, version)
	}
	s.Tables = slices.DeleteFunc(s.Tables, func(other *Table) bool { return other == t })
	for _, other := range s.Tables {
		s.dropRelationships(other, version, func(r *Relationship) bool { return r.Referenced == t.Logical })
		for _, c := range other.Columns {
			if i := slices.Index(c.Targets, t.Logical); i >= 0 {
				c.Targets, c.Version = slices.Delete(c.Targets, i, i+1), version
			}
		}
	}
	s.Link()
}

// AddRelationship adds a relationship, whose lookup column is there.
func (s *Schema) AddRelationship(r *Relationship, version int64) {
	r.MetadataID, r.Version, r.Custom = uuid.New(), version, true
	t := s.byName[r.Referencing]
	t.ManyToOne, t.Changed = append(t.ManyToOne, r), true
	s.Link()
}

// AddManyToMany adds a many-to-many relationship.
func (s *Schema) AddManyToMany(m *ManyToMany, version int64) {
	m.MetadataID, m.Version, m.Custom, m.Changed = uuid.New(), version, true, true
	s.many = append(s.many, m)
	s.Link()
}

// RemoveManyToMany removes a many-to-many relationship.
func (s *Schema) RemoveManyToMany(m *ManyToMany, version int64) {
	s.Deleted = append(s.Deleted, Deletion{RelationshipKind, m.MetadataID, version})
	s.many = slices.DeleteFunc(s.many, func(other *ManyToMany) bool { return other == m })
	s.Link()
}

// AddKey adds an alternate key.
func (s *Schema) AddKey(t *Table, k Key, version int64) Key {
	k.MetadataID, k.Version, k.Custom = uuid.New(), version, true
	t.Keys, t.Changed = append(t.Keys, k), true
	return k
}

// RemoveKey removes an alternate key. Clients hear of it by the version of the table: deletions of keys have no kind.
func (s *Schema) RemoveKey(t *Table, logical string, version int64) {
	t.Keys = slices.DeleteFunc(t.Keys, func(k Key) bool { return k.Logical == logical })
	t.Version, t.Changed = version, true
}

// AddChoice adds a choice that columns may share.
func (s *Schema) AddChoice(c *Choice, version int64) {
	c.MetadataID, c.Version, c.Custom, c.Changed = uuid.New(), version, true, true
	s.Choices = append(s.Choices, c)
	s.Link()
}

// RemoveChoice removes a choice that no column uses.
func (s *Schema) RemoveChoice(c *Choice, version int64) {
	s.Deleted = append(s.Deleted, Deletion{ChoiceKind, c.MetadataID, version})
	s.Choices = slices.DeleteFunc(s.Choices, func(other *Choice) bool { return other == c })
	s.Link()
}
