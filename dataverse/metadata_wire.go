package dataverse

import (
	"encoding/json"
	"strings"
)

// The shapes in which the service tells of metadata.

type labelWire struct {
	UserLocalizedLabel *struct {
		Label        string
		LanguageCode int
	}
	LocalizedLabels []struct{ Label string }
}

// language is that of the user, 0 where there is no label in it.
func (l labelWire) language() int {
	if l.UserLocalizedLabel == nil {
		return 0
	}
	return l.UserLocalizedLabel.LanguageCode
}

// text is the label in the user's language, or in any language there is one in.
func (l labelWire) text() string {
	if l.UserLocalizedLabel != nil {
		return l.UserLocalizedLabel.Label
	}
	if len(l.LocalizedLabels) > 0 {
		return l.LocalizedLabels[0].Label
	}
	return ""
}

type valueWire struct{ Value string }

type tableWire struct {
	MetadataID            string `json:"MetadataId"`
	LogicalName           string
	SchemaName            string
	EntitySetName         string
	DisplayName           labelWire
	DisplayCollectionName labelWire
	Description           labelWire
	PrimaryIDAttribute    string `json:"PrimaryIdAttribute"`
	PrimaryNameAttribute  string
	OwnershipType         string
	TableType             string
	IsCustomEntity        bool
	IsIntersect           bool
	IsActivity            bool
	ChangeTrackingEnabled bool

	Attributes              []columnWire
	Keys                    []keyWire
	OneToManyRelationships  []relationshipWire
	ManyToOneRelationships  []relationshipWire
	ManyToManyRelationships []manyToManyWire
}

// tableProperties are asked for both in the list and of one table.
const tableProperties = "LogicalName,SchemaName,EntitySetName,DisplayName,DisplayCollectionName,PrimaryIdAttribute," +
	"PrimaryNameAttribute,OwnershipType,TableType,IsCustomEntity,IsIntersect,IsActivity,ChangeTrackingEnabled"

func (w *tableWire) info() TableInfo {
	return TableInfo{
		LogicalName: w.LogicalName, SchemaName: w.SchemaName, SetName: w.EntitySetName,
		DisplayName: w.DisplayName.text(), PluralName: w.DisplayCollectionName.text(),
		PrimaryID: w.PrimaryIDAttribute, PrimaryName: w.PrimaryNameAttribute,
		Ownership: w.OwnershipType, Type: w.TableType, Custom: w.IsCustomEntity, Intersect: w.IsIntersect,
		Activity: w.IsActivity, ChangeTracking: w.ChangeTrackingEnabled,
	}
}

type columnWire struct {
	MetadataID            string `json:"MetadataId"`
	LogicalName           string
	SchemaName            string
	AttributeType         string
	AttributeTypeName     valueWire
	AttributeOf           string
	DisplayName           labelWire
	Description           labelWire
	RequiredLevel         valueWire
	IsValidForCreate      bool
	IsValidForUpdate      bool
	IsValidForRead        bool
	IsValidODataAttribute *bool
	IsSecured             bool
	IsCustomAttribute     bool
	MaxLength             int
	MinValue, MaxValue    *float64
	Precision             *int
	Format                json.RawMessage // a word; of some types an object
	FormatName            *valueWire
	DateTimeBehavior      *valueWire
	Targets               []string
}

// columnType prefers AttributeTypeName: AttributeType calls images, files and multi-select choices Virtual.
func (w *columnWire) columnType() ColumnType {
	if name, ok := strings.CutSuffix(w.AttributeTypeName.Value, "Type"); ok {
		return ColumnType(name)
	}
	return ColumnType(w.AttributeType)
}

// served says whether the Web API has the column. The names and types beside lookups and choices
// (primarycontactidname, owneridtype) are in the metadata only.
func (w *columnWire) served() bool {
	if !w.IsValidForRead && !w.IsValidForCreate && !w.IsValidForUpdate {
		return false
	}
	if w.AttributeOf == "" {
		return true
	}
	if w.IsValidODataAttribute != nil {
		return *w.IsValidODataAttribute
	}
	switch w.columnType() {
	case StringColumn, VirtualColumn, EntityNameColumn:
		return strings.HasSuffix(w.LogicalName, "_url")
	}
	return true
}

func (w *columnWire) column() Column {
	c := Column{
		LogicalName: w.LogicalName, SchemaName: w.SchemaName, DisplayName: w.DisplayName.text(),
		Description: w.Description.text(), Type: w.columnType(), Required: RequiredLevel(w.RequiredLevel.Value),
		Create: w.IsValidForCreate, Update: w.IsValidForUpdate, Read: w.IsValidForRead, Secured: w.IsSecured,
		Custom: w.IsCustomAttribute, Targets: w.Targets, MaxLength: w.MaxLength, Min: w.MinValue, Max: w.MaxValue,
	}
	if w.Precision != nil {
		c.Precision = *w.Precision
	}
	if json.Unmarshal(w.Format, &c.Format) != nil || c.Format == "" {
		if w.FormatName != nil {
			c.Format = w.FormatName.Value
		}
	}
	if w.DateTimeBehavior != nil {
		c.Behavior = w.DateTimeBehavior.Value
	}
	return c
}

type keyWire struct {
	MetadataID           string `json:"MetadataId"`
	LogicalName          string
	SchemaName           string
	KeyAttributes        []string
	EntityKeyIndexStatus string
}

type relationshipWire struct {
	MetadataID                              string `json:"MetadataId"`
	SchemaName                              string
	ReferencedEntity                        string
	ReferencedAttribute                     string
	ReferencedEntityNavigationPropertyName  string
	ReferencingEntity                       string
	ReferencingAttribute                    string
	ReferencingEntityNavigationPropertyName string
}

const relationshipProperties = "SchemaName,ReferencedEntity,ReferencedAttribute,ReferencedEntityNavigationPropertyName," +
	"ReferencingEntity,ReferencingAttribute,ReferencingEntityNavigationPropertyName"

func (w *relationshipWire) relationship() Relationship {
	return Relationship{
		Name: w.SchemaName, Referenced: w.ReferencedEntity, ReferencedColumn: w.ReferencedAttribute,
		ReferencedNav: w.ReferencedEntityNavigationPropertyName, Referencing: w.ReferencingEntity,
		ReferencingColumn: w.ReferencingAttribute, ReferencingNav: w.ReferencingEntityNavigationPropertyName,
	}
}

type manyToManyWire struct {
	MetadataID                    string `json:"MetadataId"`
	SchemaName                    string
	IntersectEntityName           string
	Entity1LogicalName            string
	Entity1IntersectAttribute     string
	Entity1NavigationPropertyName string
	Entity2LogicalName            string
	Entity2IntersectAttribute     string
	Entity2NavigationPropertyName string
}

const manyToManyProperties = "SchemaName,IntersectEntityName,Entity1LogicalName,Entity1IntersectAttribute," +
	"Entity1NavigationPropertyName,Entity2LogicalName,Entity2IntersectAttribute,Entity2NavigationPropertyName"

func (w *manyToManyWire) manyToMany() ManyToMany {
	return ManyToMany{
		Name: w.SchemaName, Intersect: w.IntersectEntityName,
		Table1: w.Entity1LogicalName, Column1: w.Entity1IntersectAttribute, Nav1: w.Entity1NavigationPropertyName,
		Table2: w.Entity2LogicalName, Column2: w.Entity2IntersectAttribute, Nav2: w.Entity2NavigationPropertyName,
	}
}

// choicesWire is a column with the choices it has of its own or shares with others.
type choicesWire struct {
	LogicalName     string
	OptionSet       *optionSetWire
	GlobalOptionSet *optionSetWire
}

type optionSetWire struct {
	Options                 []optionWire
	TrueOption, FalseOption *optionWire
}

type optionWire struct {
	Value int
	Label labelWire
	State *int
}

func (w *choicesWire) choices() []Choice {
	set := w.OptionSet
	if set == nil || len(set.Options) == 0 && set.TrueOption == nil {
		set = w.GlobalOptionSet
	}
	if set == nil {
		return nil
	}
	options := set.Options
	for _, o := range []*optionWire{set.TrueOption, set.FalseOption} {
		if o != nil {
			options = append(options, *o)
		}
	}
	list := make([]Choice, len(options))
	for i, o := range options {
		list[i] = Choice{Value: o.Value, Label: o.Label.text(), State: o.State}
	}
	return list
}
