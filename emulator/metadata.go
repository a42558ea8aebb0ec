package emulator

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/google/uuid"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// metadata is every definition, made when it is first asked for.
type metadata struct {
	schema *schema.Schema
	types  map[string]*metadataType
	// languages are those that labels are made in; nil is every language.
	languages []int
	since     *int64 // version after which a definition has changed, as HasChanged tells; nil where nobody asked

	tables        func() []*definition
	relationships func() []*definition
	choices       func() []*definition // global ones
}

func newMetadata(s *schema.Schema, languages []int, since *int64) *metadata {
	m := &metadata{schema: s, types: loadMetadataTypes().byName, languages: languages, since: since}
	m.tables = sync.OnceValue(func() []*definition {
		all := make([]*definition, 0, len(s.Tables))
		for _, t := range s.Tables {
			all = append(all, m.table(t))
		}
		return all
	})
	m.relationships = sync.OnceValue(m.allRelationships)
	m.choices = sync.OnceValue(m.globalChoices)
	return m
}

// table is the EntityMetadata of a table.
func (m *metadata) table(t *schema.Table) *definition {
	set := settings{
		"LogicalName": t.Logical, "SchemaName": t.Schema, "EntitySetName": t.Set, "LogicalCollectionName": t.Set,
		"CollectionSchemaName": t.CollectionSchema, "ObjectTypeCode": t.TypeCode, "OwnershipType": string(t.Ownership),
		"PrimaryIdAttribute": t.PrimaryID, "PrimaryNameAttribute": orNull(t.PrimaryName),
		"PrimaryImageAttribute": orNull(t.PrimaryImage), "ReportViewName": "Filtered" + t.Schema,
		"ActivityTypeMask": activityTypeMask(t), "IsActivity": t.Activity, "IsActivityParty": t.ActivityParty,
		"IsIntersect": t.Intersect, "IsLogicalEntity": t.Abstract, "HasNotes": t.Notes, "HasActivities": t.Activities,
		"ChangeTrackingEnabled": t.ChangeTracking, "IsOptimisticConcurrencyEnabled": t.Optimistic,
		"IsStateModelAware":  t.Column("statecode") != nil,
		"CanTriggerWorkflow": t.Ownership == schema.UserOwned,
		"IsImportable":       t.Ownership == schema.UserOwned,
		"HasEmailAddresses":  slices.ContainsFunc(t.Columns, func(c *schema.Column) bool { return c.Format == "Email" }),
		"IsCustomEntity":     t.Custom, "IsManaged": !t.Custom,
		"DisplayName":           m.label(t.Display, t.Translations["DisplayName"], t.MetadataID, "DisplayName", !t.Custom),
		"DisplayCollectionName": m.label(t.DisplayCollection, t.Translations["DisplayCollectionName"], t.MetadataID, "DisplayCollectionName", !t.Custom),
		"Description":           m.label(t.Description, t.Translations["Description"], t.MetadataID, "Description", !t.Custom),
		"Privileges":            privileges(t),
	}
	if t.Elastic {
		set["TableType"] = elasticType
	}
	d := m.define("EntityMetadata", t.Logical, t.MetadataID, t.Version, set, t.Extras)
	columns := sync.OnceValue(func() []*definition { return m.columns(t) })
	keys := sync.OnceValue(func() []*definition { return m.keys(t) })
	oneToMany := sync.OnceValue(func() []*definition { return m.oneToMany(t.OneToMany) })
	manyToOne := sync.OnceValue(func() []*definition { return m.oneToMany(t.ManyToOne) })
	manyToMany := sync.OnceValue(func() []*definition { return m.manyToMany(t.ManyToMany) })
	d.follow = func(nav string) []*definition {
		switch nav {
		case "Attributes":
			return columns()
		case "Keys":
			return keys()
		case "OneToManyRelationships":
			return oneToMany()
		case "ManyToOneRelationships":
			return manyToOne()
		case "ManyToManyRelationships":
			return manyToMany()
		}
		return nil
	}
	return d
}

// activityTypeMask is 1 for activities that people communicate by and that show in menus.
func activityTypeMask(t *schema.Table) int {
	if t.Activity {
		return 1
	}
	return 0
}

func privileges(t *schema.Table) raw {
	all := raw("[")
	for i, p := range t.Privileges {
		if i > 0 {
			all = append(all, ',')
		}
		var o object
		o.any("CanBeBasic", p.Basic)
		o.any("CanBeDeep", p.Deep)
		o.any("CanBeGlobal", p.Global)
		o.any("CanBeLocal", p.Local)
		o.any("CanBeEntityReference", false)
		o.any("CanBeParentEntityReference", false)
		o.any("CanBeRecordFilter", false)
		o.text("Name", p.Name)
		o.text("PrivilegeId", p.ID.String())
		o.text("PrivilegeType", p.Type)
		all = append(all, o.bytes()...)
	}
	return append(all, ']')
}

func (m *metadata) keys(t *schema.Table) []*definition {
	all := make([]*definition, 0, len(t.Keys))
	for _, k := range t.Keys {
		all = append(all, m.define("EntityKeyMetadata", k.Logical, k.MetadataID, k.Version, settings{
			"KeyAttributes": k.Attributes, "LogicalName": k.Logical, "SchemaName": k.Schema,
			"EntityLogicalName": t.Logical, "IsManaged": !k.Custom, "DisplayName": m.label(cmp.Or(k.Display, k.Schema),
				k.Translations["DisplayName"], k.MetadataID, "DisplayName", !k.Custom),
		}, k.Extras))
	}
	return all
}

func (m *metadata) oneToMany(relationships []*schema.Relationship) []*definition {
	all := make([]*definition, 0, len(relationships))
	for _, r := range relationships {
		set := settings{
			"SchemaName": r.Schema, "ReferencedAttribute": r.ReferencedAttribute, "ReferencedEntity": r.Referenced,
			"ReferencingAttribute": r.Attribute, "ReferencingEntity": r.Referencing, "IsHierarchical": r.Hierarchical,
			"ReferencedEntityNavigationPropertyName":  r.ReferencedNav,
			"ReferencingEntityNavigationPropertyName": r.ReferencingNav,
			"AssociatedMenuConfiguration":             menu(r.Custom), "CascadeConfiguration": cascades(r.Cascade, r.Custom),
			"IsCustomRelationship": r.Custom, "IsManaged": !r.Custom,
		}
		switch r.Attribute {
		case "createdby", "modifiedby", "createdonbehalfby", "modifiedonbehalfby", "organizationid":
			set["SecurityTypes"], set["RelationshipBehavior"] = "None", 0
		}
		all = append(all, m.define("OneToManyRelationshipMetadata", r.Schema, r.MetadataID, r.Version, set, r.Extras))
	}
	return all
}

// menu is the AssociatedMenuConfiguration: forms show relationships that users made.
func menu(custom bool) raw {
	behavior, order := "DoNotDisplay", "null"
	if custom {
		behavior, order = "UseCollectionName", "10000"
	}
	return raw(`{"Behavior":"` + behavior + `","Group":"Details","Order":` + order + `,"IsCustomizable":` + strconv.FormatBool(custom) +
		`,"Icon":null,"ViewId":"00000000-0000-0000-0000-000000000000","AvailableOffline":true,"MenuId":null,"QueryApi":null,"Label":` + noLabel + `}`)
}

func cascades(c schema.Cascade, custom bool) raw {
	archive := "NoCascade"
	if custom && c.Delete == "RemoveLink" {
		archive = c.Delete
	}
	var o object
	o.text("Assign", c.Assign)
	o.text("Delete", c.Delete)
	o.text("Archive", archive)
	o.text("Merge", c.Merge)
	o.text("Reparent", c.Reparent)
	o.text("Share", c.Share)
	o.text("Unshare", c.Unshare)
	o.text("RollupView", "NoCascade")
	return raw(o.bytes())
}

func (m *metadata) manyToMany(relationships []*schema.ManyToMany) []*definition {
	all := make([]*definition, 0, len(relationships))
	for _, r := range relationships {
		all = append(all, m.define("ManyToManyRelationshipMetadata", r.Schema, r.MetadataID, r.Version, settings{
			"SchemaName": r.Schema, "RelationshipType": "ManyToManyRelationship", "SecurityTypes": "None",
			"Entity1LogicalName": r.Entity1, "Entity2LogicalName": r.Entity2, "IntersectEntityName": r.Intersect,
			"Entity1IntersectAttribute": r.Attribute1, "Entity2IntersectAttribute": r.Attribute2,
			"Entity1NavigationPropertyName": r.Nav1, "Entity2NavigationPropertyName": r.Nav2,
			"Entity1AssociatedMenuConfiguration": menu(r.Custom), "Entity2AssociatedMenuConfiguration": menu(r.Custom),
			"IsCustomRelationship": r.Custom, "IsManaged": !r.Custom,
		}, r.Extras))
	}
	return all
}

// allRelationships gathers every relationship once, by schema name.
func (m *metadata) allRelationships() []*definition {
	seen := map[string]*definition{}
	for _, table := range m.tables() {
		for _, nav := range []string{"ManyToOneRelationships", "ManyToManyRelationships"} {
			for _, d := range table.follow(nav) {
				seen[d.name] = d
			}
		}
	}
	return byName(seen)
}

// globalChoices gathers the choices that columns share.
func (m *metadata) globalChoices() []*definition {
	seen := map[string]*definition{}
	for _, c := range m.schema.Choices {
		seen[c.Name] = m.choice(c)
	}
	return byName(seen)
}

func byName(all map[string]*definition) []*definition {
	sorted := make([]*definition, 0, len(all))
	for _, d := range all {
		sorted = append(sorted, d)
	}
	slices.SortFunc(sorted, func(a, b *definition) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.name), strings.ToLower(b.name)), strings.Compare(a.name, b.name))
	})
	return sorted
}

// derivedID is the id of a part of a definition, the same every time.
func derivedID(owner uuid.UUID, part string) uuid.UUID { return uuid.NewSHA1(owner, []byte(part)) }
