package emulator

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// createRelationship creates a relationship: one-to-many with its lookup column, or many-to-many with the table behind.
func (c *call) createRelationship(g given) error {
	name, err := c.newRelationshipName(g)
	if err != nil {
		return err
	}
	if g.kind.name == "ManyToManyRelationshipMetadata" {
		return c.createManyToMany(name, g)
	}
	if g.kind.name != "OneToManyRelationshipMetadata" {
		return payload(g.of, "The type '%s%s' is abstract: say which relationship it is with @odata.type.", namespace, g.kind.name)
	}
	return c.createOneToMany(name, g)
}

// newRelationshipName is the schema name of a new relationship.
func (c *call) newRelationshipName(g given) (string, error) {
	name, _, err := newName(g, "SchemaName")
	if err == nil && c.relationship(name) {
		return "", relationshipExists(name)
	}
	return name, err
}

func relationshipExists(name string) *Error {
	return fail(http.StatusBadRequest, codeRelationshipExists, "An entity relationship with the schema name %s already exists. Specify a unique name.", name)
}

// relationship reports whether there is a relationship of the schema name, in any case.
func (c *call) relationship(name string) bool {
	return slices.ContainsFunc(c.schema.Tables, func(t *schema.Table) bool {
		return slices.ContainsFunc(t.ManyToOne, func(r *schema.Relationship) bool { return strings.EqualFold(r.Schema, name) }) ||
			slices.ContainsFunc(t.ManyToMany, func(m *schema.ManyToMany) bool { return strings.EqualFold(m.Schema, name) })
	})
}

// relatable finds a table that a relationship names.
func (c *call) relatable(g given, property string) (*schema.Table, error) {
	name := g.text(property)
	if name == "" {
		return nil, fail(http.StatusBadRequest, codeInvalidArgument, "Required field '%s' is missing", property)
	}
	t := c.schema.Table(name)
	if t == nil {
		return nil, noSuchTable(name)
	}
	if t.Abstract || t.Intersect {
		return nil, fail(http.StatusBadRequest, codeNotCustomTable, "The entity %s cannot be in a custom relationship.", name)
	}
	return t, nil
}

func (c *call) createOneToMany(name string, g given) error {
	one, err := c.relatable(g, "ReferencedEntity")
	if err != nil {
		return err
	}
	many, err := c.relatable(g, "ReferencingEntity")
	if err != nil {
		return err
	}
	object, ok := g.value("Lookup").(members)
	if !ok {
		return fail(http.StatusBadRequest, codeInvalidArgument, "Required field 'Lookup' is missing")
	}
	lookup, err := newGiven(g.of, loadMetadataTypes().byName["LookupAttributeMetadata"], object)
	if err != nil {
		return err
	}
	column, err := newColumn(c.schema, many, lookup, schema.Lookup)
	if err != nil {
		return err
	}
	column.Targets = []string{one.Logical}
	r, err := newOneToMany(name, one, many, column, g)
	if err != nil {
		return err
	}
	err = c.customize(func(ctx context.Context, d *draft) error {
		if err := c.addColumn(ctx, d, d.Table(many.Logical), column, lookup); err != nil {
			return err
		}
		d.AddRelationship(r, d.version)
		g.keep(newMetadata(d.Schema, nil, nil).oneToMany([]*schema.Relationship{r})[0], &r.Extras)
		return nil
	})
	if err != nil {
		return err
	}
	return c.defined("RelationshipDefinitions(" + r.MetadataID.String() + ")")
}

// newOneToMany reads a relationship whose lookup column has been read.
func newOneToMany(name string, one, many *schema.Table, column *schema.Column, g given) (*schema.Relationship, error) {
	nav := column.Schema
	if column.Polymorphic() {
		nav += "_" + one.Logical
	}
	r := &schema.Relationship{Schema: name, Referenced: one.Logical, ReferencedAttribute: one.PrimaryID, Referencing: many.Logical, Attribute: column.Logical,
		ReferencingNav: cmp.Or(g.text("ReferencingEntityNavigationPropertyName"), nav),
		ReferencedNav:  cmp.Or(g.text("ReferencedEntityNavigationPropertyName"), name),
		Hierarchical:   g.flag("IsHierarchical", false),
		Cascade:        noCascade}
	if !one.Elastic && !many.Elastic {
		r.Cascade.Delete = "RemoveLink"
	}
	if err := freeNav(many, r.ReferencingNav); err != nil {
		return nil, err
	}
	if err := freeNav(one, r.ReferencedNav); err != nil {
		return nil, err
	}
	if one == many && r.ReferencedNav == r.ReferencingNav {
		return nil, fail(http.StatusBadRequest, codeRelationshipExists, "Both navigation properties of the relationship %s are called %s.", name, r.ReferencedNav)
	}
	writeCascade(&r.Cascade, g)
	return r, elasticCascade(r, one, many)
}

// freeNav refuses the name of a navigation property that a table has already.
func freeNav(t *schema.Table, name string) error {
	if !plainName.MatchString(name) {
		return fail(http.StatusBadRequest, codeInvalidSchemaName, "The navigation property name %s is invalid.", name)
	}
	_, taken := t.Nav(name)
	if c := t.Column(name); taken || c != nil && c.PropertyName() == name {
		return fail(http.StatusBadRequest, codeRelationshipExists, "The entity %s has a property %s already.", t.Logical, name)
	}
	return nil
}

func writeCascade(cascade *schema.Cascade, g given) {
	given := g.inner("CascadeConfiguration")
	if given.kind == nil {
		return
	}
	for name, word := range map[string]*string{"Assign": &cascade.Assign, "Delete": &cascade.Delete, "Merge": &cascade.Merge,
		"Reparent": &cascade.Reparent, "Share": &cascade.Share, "Unshare": &cascade.Unshare} {
		*word = cmp.Or(given.word(name), *word)
	}
}

func (c *call) createManyToMany(name string, g given) error {
	first, err := c.relatable(g, "Entity1LogicalName")
	if err != nil {
		return err
	}
	second, err := c.relatable(g, "Entity2LogicalName")
	if err != nil {
		return err
	}
	if first.Elastic || second.Elastic {
		return fail(http.StatusBadRequest, codeInvalidArgument, "The relationship %s is with an elastic table, which can only be one-to-many.", name)
	}
	m := &schema.ManyToMany{Schema: name, Intersect: strings.ToLower(cmp.Or(g.text("IntersectEntityName"), name)),
		Entity1: first.Logical, Attribute1: first.PrimaryID, Entity2: second.Logical, Attribute2: second.PrimaryID,
		Nav1: cmp.Or(g.text("Entity1NavigationPropertyName"), name), Nav2: cmp.Or(g.text("Entity2NavigationPropertyName"), name)}
	if m.Attribute1 == m.Attribute2 {
		m.Attribute1, m.Attribute2 = m.Attribute1+"one", m.Attribute2+"two"
	}
	if !validName.MatchString(m.Intersect) || c.schema.Table(m.Intersect) != nil || c.schema.Intersect(m.Intersect) != nil {
		return fail(http.StatusBadRequest, codeInvalidSchemaName, "The intersect entity name %s is in use or not valid. Specify a unique name.", m.Intersect)
	}
	if err := freeNav(first, m.Nav1); err != nil {
		return err
	}
	if err := freeNav(second, m.Nav2); err != nil {
		return err
	}
	err = c.customize(func(ctx context.Context, d *draft) error {
		d.AddManyToMany(m, d.version)
		g.keep(newMetadata(d.Schema, nil, nil).manyToMany([]*schema.ManyToMany{m})[0], &m.Extras)
		return d.execute(ctx, store.AddIntersect(m)...)
	})
	if err != nil {
		return err
	}
	return c.defined("RelationshipDefinitions(" + m.MetadataID.String() + ")")
}

// findRelationship finds a relationship by schema name: one of both is nil.
func findRelationship(s *schema.Schema, name string) (*schema.Relationship, *schema.ManyToMany) {
	for _, t := range s.Tables {
		for _, r := range t.ManyToOne {
			if r.Schema == name {
				return r, nil
			}
		}
		for _, m := range t.ManyToMany {
			if m.Schema == name {
				return nil, m
			}
		}
	}
	return nil, nil
}

func (c *call) replaceRelationship(name string, g given) error {
	return c.customize(func(_ context.Context, d *draft) error {
		r, m := findRelationship(d.Schema, name)
		if r == nil {
			m.Version, m.Changed = d.version, true
			g.keep(newMetadata(d.Schema, nil, nil).manyToMany([]*schema.ManyToMany{m})[0], &m.Extras)
			return nil
		}
		writeCascade(&r.Cascade, g)
		if err := elasticCascade(r, d.Table(r.Referenced), d.Table(r.Referencing)); err != nil {
			return err
		}
		r.Hierarchical = g.flag("IsHierarchical", r.Hierarchical)
		r.Version, d.Table(r.Referencing).Changed = d.version, true
		g.keep(newMetadata(d.Schema, nil, nil).oneToMany([]*schema.Relationship{r})[0], &r.Extras)
		return nil
	})
}

func (c *call) deleteRelationship(name string) error {
	r, m := findRelationship(c.schema, name)
	if m != nil && !m.Custom || r != nil && (!r.Custom || !c.schema.Table(r.Referencing).Column(r.Attribute).Custom) {
		return fail(http.StatusBadRequest, codeNotCustomRelationship, "The relationship %s is not a custom relationship and cannot be deleted.", name)
	}
	if r != nil && c.schema.Table(r.Referencing).Column(r.Attribute).Polymorphic() {
		return fail(http.StatusBadRequest, codeInUse, "The relationship %s is one of several of the attribute %s: delete the attribute.", name, r.Attribute)
	}
	if r != nil {
		return c.deleteColumn(r.Referencing, r.Attribute)
	}
	return c.customize(func(ctx context.Context, d *draft) error {
		_, m := findRelationship(d.Schema, name)
		d.RemoveManyToMany(m, d.version)
		return d.execute(ctx, store.DropTable(m.Intersect)...)
	})
}
