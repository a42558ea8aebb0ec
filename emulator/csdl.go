package emulator

import (
	"bytes"
	"encoding/xml"
	"slices"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// csdl writes the metadata document: the types of all tables, of the definitions and of the functions.
type csdl struct {
	bytes.Buffer
	schema    *schema.Schema
	annotated bool // with descriptions and permissions
}

// alias is how types name one another within the document.
const alias = "mscrm."

// writeCSDL makes the document. It names no address, so that it is the same for every request.
func writeCSDL(s *schema.Schema, annotated bool) []byte {
	w := &csdl{schema: s, annotated: annotated}
	w.WriteString(`<?xml version="1.0" encoding="utf-8"?>` +
		`<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">` +
		`<edmx:Reference Uri="http://vocabularies.odata.org/OData.Community.Keys.V1.xml">` +
		`<edmx:Include Namespace="OData.Community.Keys.V1" Alias="Keys" />` +
		`<edmx:IncludeAnnotations TermNamespace="OData.Community.Keys.V1" /></edmx:Reference>` +
		`<edmx:DataServices><Schema Namespace="Microsoft.Dynamics.CRM" Alias="mscrm" xmlns="http://docs.oasis-open.org/odata/ns/edm">` +
		`<EntityType Name="crmbaseentity" Abstract="true" />` +
		`<EntityType Name="expando" BaseType="mscrm.crmbaseentity" OpenType="true" />` +
		`<EntityType Name="principal" BaseType="mscrm.crmbaseentity"><Key><PropertyRef Name="ownerid" /></Key>` +
		`<Property Name="ownerid" Type="Edm.Guid" /></EntityType>`)
	for _, t := range s.Tables {
		w.table(t)
	}
	w.WriteString(`<EntityType Name="crmmodelbaseentity" Abstract="true" />`)
	for _, t := range loadMetadataTypes().sorted {
		w.metadataType(t)
	}
	for _, m := range messages {
		w.message(m)
	}
	w.bulkActions()
	w.container()
	w.WriteString(`</Schema></edmx:DataServices></edmx:Edmx>`)
	return w.Bytes()
}

// open writes an element's start tag from pairs of attribute name and value; what has no value is left out.
func (w *csdl) open(name string, attributes ...string) {
	w.WriteString("<" + name)
	for i := 0; i < len(attributes); i += 2 {
		if attributes[i+1] == "" {
			continue
		}
		w.WriteString(" " + attributes[i] + `="`)
		_ = xml.EscapeText(w, []byte(attributes[i+1])) // a buffer takes everything
		w.WriteString(`"`)
	}
	w.WriteString(">")
}

// element writes an element without content.
func (w *csdl) element(name string, attributes ...string) {
	w.open(name, attributes...)
	w.Truncate(w.Len() - 1)
	w.WriteString(" />")
}

// inherited is the type that a table's rows inherit from, and the table that it stands for.
func (w *csdl) inherited(t *schema.Table) (base string, from *schema.Table) {
	switch {
	case t.Logical == "systemuser" || t.Logical == "team":
		return "principal", nil
	case t.Activity && t.PrimaryID == "activityid":
		return "activitypointer", w.schema.Table("activitypointer")
	}
	return "crmbaseentity", nil
}

func (w *csdl) table(t *schema.Table) {
	base, from := w.inherited(t)
	w.open("EntityType", "Name", t.Logical, "BaseType", alias+base)
	if base == "crmbaseentity" {
		w.WriteString(`<Key>`)
		w.element("PropertyRef", "Name", t.PrimaryID)
		w.WriteString(`</Key>`)
	}
	for _, c := range t.Columns {
		if edm := propertyType(c); edm != "" && !inherits(base, from, c) {
			w.property(c, edm)
		}
	}
	for _, name := range navNames(t) {
		if from != nil {
			if _, inherited := from.Nav(name); inherited {
				continue
			}
		}
		nav, _ := t.Nav(name)
		w.navigation(t, name, nav)
	}
	w.alternateKeys(t)
	w.describe(t.Display)
	w.WriteString(`</EntityType>`)
}

// navNames are a table's navigation properties, sorted. One whose name a column has too gives way to it.
func navNames(t *schema.Table) []string {
	names := make([]string, 0, 64)
	for name := range t.Navs {
		if navigates(t, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// navigates reports whether no column takes the name of a navigation property.
func navigates(t *schema.Table, name string) bool {
	c := t.Column(name)
	return c == nil || c.PropertyName() != name || propertyType(c) == ""
}

// inherits reports whether the base type has the column already.
func inherits(base string, from *schema.Table, c *schema.Column) bool {
	if base == "principal" {
		return c.Logical == "ownerid"
	}
	if from == nil {
		return false
	}
	other := from.Column(c.Logical)
	return other != nil && propertyType(other) != "" && other.PropertyName() == c.PropertyName()
}

// propertyType is the type of a column's property, "" where the column has none.
func propertyType(c *schema.Column) string {
	if !c.Property {
		return ""
	}
	if c.Type == schema.ManagedProperty {
		return alias + "BooleanManagedProperty"
	}
	return c.Edm()
}

func (w *csdl) property(c *schema.Column, edm string) {
	unicode, scale := "", ""
	switch edm {
	case "Edm.String":
		unicode = "false"
	case "Edm.Decimal":
		scale = "Variable"
	}
	if !w.annotated {
		w.element("Property", "Name", c.PropertyName(), "Type", edm, "Scale", scale, "Unicode", unicode)
		return
	}
	w.open("Property", "Name", c.PropertyName(), "Type", edm, "Scale", scale, "Unicode", unicode)
	w.describe(c.Display)
	if !c.Create && !c.Update {
		w.WriteString(`<Annotation Term="Org.OData.Core.V1.Permissions"><EnumMember>Org.OData.Core.V1.PermissionType/Read</EnumMember></Annotation>`)
	}
	w.WriteString(`</Property>`)
}

func (w *csdl) describe(text string) {
	if w.annotated && text != "" {
		w.element("Annotation", "Term", "Org.OData.Core.V1.Description", "String", text)
	}
}

// navigation writes a navigation property, unless it leads to a table that does not exist here.
func (w *csdl) navigation(t *schema.Table, name string, nav schema.Nav) {
	switch {
	case nav.One != nil:
		if target := w.typeName(nav.One.Referenced); target != "" {
			w.single(t, name, nav.One, target)
		}
	case nav.Many != nil:
		if target := w.typeName(nav.Many.Referencing); target != "" {
			partner := nav.Many.ReferencingNav
			if !navigates(w.schema.Table(nav.Many.Referencing), partner) {
				partner = ""
			}
			w.element("NavigationProperty", "Name", name, "Type", "Collection("+target+")", "Partner", partner)
		}
	default:
		other, partner := nav.Across.Entity1, nav.Across.Nav1
		if nav.First {
			other, partner = nav.Across.Entity2, nav.Across.Nav2
		}
		if target := w.typeName(other); target != "" {
			w.element("NavigationProperty", "Name", name, "Type", "Collection("+target+")", "Partner", partner)
		}
	}
}

func (w *csdl) single(t *schema.Table, name string, r *schema.Relationship, target string) {
	partner, key := r.ReferencedNav, r.ReferencedAttribute
	if r.Referenced == "owner" {
		target, partner, key = alias+"principal", "", "ownerid"
	}
	w.open("NavigationProperty", "Name", name, "Type", target, "Nullable", "false", "Partner", partner)
	if c := t.Column(r.Attribute); c != nil && propertyType(c) != "" {
		w.element("ReferentialConstraint", "Property", c.PropertyName(), "ReferencedProperty", key)
	}
	w.WriteString(`</NavigationProperty>`)
}

func (w *csdl) typeName(table string) string {
	if w.schema.Table(table) == nil {
		return ""
	}
	return alias + table
}

func (w *csdl) alternateKeys(t *schema.Table) {
	if len(t.Keys) == 0 {
		return
	}
	w.WriteString(`<Annotation Term="OData.Community.Keys.V1.AlternateKeys"><Collection>`)
	for _, k := range t.Keys {
		w.WriteString(`<Record Type="OData.Community.Keys.V1.AlternateKey"><PropertyValue Property="Key"><Collection>`)
		for _, attribute := range k.Attributes {
			name := attribute
			if c := t.Column(attribute); c != nil {
				name = c.PropertyName()
			}
			w.WriteString(`<Record Type="OData.Community.Keys.V1.PropertyRef">`)
			w.element("PropertyValue", "Property", "Alias", "String", name)
			w.element("PropertyValue", "Property", "Name", "PropertyPath", name)
			w.WriteString(`</Record>`)
		}
		w.WriteString(`</Collection></PropertyValue></Record>`)
	}
	w.WriteString(`</Collection></Annotation>`)
}

// container lists the entity sets, with the sets that their navigation properties lead to, and the functions.
func (w *csdl) container() {
	w.WriteString(`<EntityContainer Name="System">`)
	for _, name := range setNames(w.schema) {
		if kind, ok := metadataSets[name]; ok {
			w.element("EntitySet", "Name", name, "EntityType", namespace+kind)
			continue
		}
		w.entitySet(w.schema.Set(name))
	}
	for _, m := range messages {
		if m.bound != "" {
			continue
		}
		element, kind := "FunctionImport", "Function"
		if m.action {
			element, kind = "ActionImport", "Action"
		}
		w.element(element, "Name", m.name, kind, namespace+m.name)
	}
	w.WriteString(`</EntityContainer>`)
}

func (w *csdl) entitySet(t *schema.Table) {
	w.open("EntitySet", "Name", t.Set, "EntityType", namespace+t.Logical)
	for _, name := range navNames(t) {
		nav, _ := t.Nav(name)
		target := ""
		switch {
		case nav.One != nil && nav.One.Referenced != "owner":
			target = nav.One.Referenced
		case nav.Many != nil:
			target = nav.Many.Referencing
		case nav.Across != nil && nav.First:
			target = nav.Across.Entity2
		case nav.Across != nil:
			target = nav.Across.Entity1
		}
		if to := w.schema.Table(target); to != nil {
			w.element("NavigationPropertyBinding", "Path", name, "Target", to.Set)
		}
	}
	if w.annotated && t.ChangeTracking {
		w.WriteString(`<Annotation Term="Org.OData.Capabilities.V1.ChangeTracking"><Record><PropertyValue Property="Supported" Bool="true"/></Record></Annotation>`)
	}
	w.WriteString(`</EntitySet>`)
}
