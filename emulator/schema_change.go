package emulator

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// changeDefinition answers a request that creates, replaces or deletes a definition. Definitions are replaced whole:
// there is no PATCH.
func (c *call) changeDefinition(set string) error {
	path := withoutCast(c.path)
	if set == "EntityDefinitions" && len(path) == 2 {
		return c.changeInTable(path)
	}
	if len(path) > 1 {
		return c.methodNotAllowed()
	}
	kind := loadMetadataTypes().byName[metadataSets[set]]
	change := definitionChanges[set]
	switch {
	case c.r.Method == http.MethodPost && !keyed(path[0]) && change.create != nil:
		g, err := c.givenDefinition(set, kind)
		if err != nil {
			return err
		}
		return change.create(c, g)
	case !keyed(path[0]):
		return c.methodNotAllowed()
	}
	at, err := c.pick(place{declared: kind, all: c.definitionsOf(set), set: set}, path[0])
	if err != nil {
		return err
	}
	switch {
	case c.r.Method == http.MethodPut && change.replace != nil:
		g, err := c.givenDefinition(set, at.all[0].kind)
		if err != nil {
			return err
		}
		if err := change.replace(c, at.all[0].name, g); err != nil {
			return err
		}
		return c.defined(odata.FormatPath(path))
	case c.r.Method == http.MethodDelete && change.remove != nil:
		if err := change.remove(c, at.all[0].name); err != nil {
			return err
		}
		return c.empty()
	}
	return c.methodNotAllowed()
}

// definitionChange is how the definitions of a set change.
type definitionChange struct {
	create  func(*call, given) error
	replace func(*call, string, given) error
	remove  func(*call, string) error
}

var definitionChanges = map[string]definitionChange{
	"EntityDefinitions":          {(*call).createTable, (*call).replaceTable, (*call).deleteTable},
	"RelationshipDefinitions":    {(*call).createRelationship, (*call).replaceRelationship, (*call).deleteRelationship},
	"GlobalOptionSetDefinitions": {(*call).createChoice, (*call).replaceChoice, (*call).deleteChoice},
}

// partChange is how the columns or the keys of a table change.
type partChange struct {
	create  func(table, set string, g given) error
	replace func(table, name string, g given) error // nil: they are not replaced
	remove  func(table, name string) error
}

// changeInTable changes a column or a key of a table.
func (c *call) changeInTable(path []odata.Segment) error {
	types := loadMetadataTypes().byName
	table, err := c.pick(place{declared: types["EntityMetadata"], all: c.definitionsOf("EntityDefinitions")}, path[0])
	if err != nil {
		return err
	}
	if !table.one {
		return noSuchSegment(path[1].Name)
	}
	nav, ok := table.declared.nav(path[1].Name)
	if !ok || nav.name != "Attributes" && nav.name != "Keys" {
		return c.methodNotAllowed()
	}
	logical, set := table.all[0].name, odata.FormatPath([]odata.Segment{path[0], {Name: nav.name}})
	at, err := c.step(table, nav, path[1])
	if err != nil {
		return err
	}
	change := partChange{c.createColumn, c.replaceColumn, c.deleteColumn}
	if nav.name == "Keys" {
		change = partChange{c.createKey, nil, c.deleteKey}
	}
	switch {
	case !at.one && c.r.Method == http.MethodPost:
		g, err := c.givenDefinition(set, at.declared)
		if err != nil {
			return err
		}
		return change.create(logical, set, g)
	case at.one && c.r.Method == http.MethodDelete:
		if err := change.remove(logical, at.all[0].name); err != nil {
			return err
		}
		return c.empty()
	case at.one && c.r.Method == http.MethodPut && change.replace != nil:
		g, err := c.givenDefinition(set, at.all[0].kind)
		if err != nil {
			return err
		}
		if err := change.replace(logical, at.all[0].name, g); err != nil {
			return err
		}
		return c.defined(odata.FormatPath(path))
	}
	return c.methodNotAllowed()
}

// withoutCast is a path without the type at its end, which requests may say.
func withoutCast(path []odata.Segment) []odata.Segment {
	if last := len(path) - 1; last > 0 && strings.HasPrefix(path[last].Name, namespace) {
		return path[:last]
	}
	return path
}

func keyed(s odata.Segment) bool { return s.Key != nil || len(s.Args) > 0 }

// defined answers that a definition is there, and where. What stands before a new part, and what was replaced, is
// addressed as the client did: by name or by id.
func (c *call) defined(address string) error {
	c.w.Header().Set("OData-EntityId", c.root+address)
	return c.empty()
}

// merges reports whether labels in languages that are not given stay.
func (c *call) merges() bool { return strings.EqualFold(c.r.Header.Get("MSCRM.MergeLabels"), "true") }

// newName reads the schema name of something new. Names of customizations begin with a prefix that tells whose they are.
func newName(g given, property string) (schemaName, logical string, err error) {
	name := g.text(property)
	switch {
	case name == "":
		return "", "", fail(http.StatusBadRequest, codeInvalidArgument, "Required field '%s' is missing", property)
	case len(name) > maxName || !validName.MatchString(name):
		return "", "", fail(http.StatusBadRequest, codeInvalidSchemaName,
			"The schema name '%s' is invalid. It must begin with a customization prefix of 2 to 8 letters and digits and an underscore, "+
				"such as new_, and hold nothing but letters, digits and underscores, %d at most.", name, maxName)
	}
	return name, strings.ToLower(name), nil
}

// maxName is how long the name of a table or a column may be.
const maxName = 100

// validName leaves out mscrm, which is the platform's own.
var validName = regexp.MustCompile(`^(?:[A-LN-Za-ln-z]|[Mm](?:[A-RT-Za-rt-z0-9]|[Ss][ABD-Zabd-z0-9]))[A-Za-z0-9]{0,7}_[A-Za-z0-9_]+$`)

// plainName is what names of sets and of navigation properties look like.
var plainName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// required refuses a definition without a label.
func required(g given, properties ...string) error {
	for _, name := range properties {
		if labelGiven(g.value(name)) == nil {
			return fail(http.StatusBadRequest, codeInvalidArgument, "Required field '%s' is missing", name)
		}
	}
	return nil
}

// createTable creates a table with its primary column.
func (c *call) createTable(g given) error {
	var t *schema.Table
	err := c.customize(func(ctx context.Context, d *draft) (err error) {
		t, err = c.makeTable(ctx, d, g)
		return err
	})
	if err != nil {
		return err
	}
	return c.defined("EntityDefinitions(" + t.MetadataID.String() + ")")
}

// makeTable adds a table to the draft, with its columns.
func (c *call) makeTable(ctx context.Context, d *draft, g given) (*schema.Table, error) {
	t, columns, err := newTable(d.Schema, g)
	if err != nil {
		return nil, err
	}
	d.AddTable(t, d.version)
	c.keep(g, newMetadata(d.Schema, nil, nil).table(t), &t.Extras)
	for i, column := range columns {
		if i == 0 { // it came with the table
			c.keep(column, newMetadata(d.Schema, nil, nil).column(t.Columns[1], 2), &t.Columns[1].Extras)
			continue
		}
		made, err := columnFrom(d.Schema, t, column)
		if err != nil {
			return nil, err
		}
		d.AddColumn(t, made, d.version)
		c.keep(column, newMetadata(d.Schema, nil, nil).column(made, len(t.Columns)), &made.Extras)
	}
	return t, c.materialize(ctx, d, t)
}

// newTable reads a table, with its columns: first the primary one.
func newTable(s *schema.Schema, g given) (*schema.Table, []given, error) {
	name, logical, err := newName(g, "SchemaName")
	if err != nil {
		return nil, nil, err
	}
	if s.Table(logical) != nil || s.Intersect(logical) != nil {
		return nil, nil, fail(http.StatusBadRequest, codeInvalidSchemaName,
			"An entity with the specified name %s already exists. Specify a unique name.", logical)
	}
	if err := required(g, "DisplayName", "DisplayCollectionName"); err != nil {
		return nil, nil, err
	}
	t := &schema.Table{Logical: logical, Schema: name, Set: plural(logical), CollectionSchema: plural(name), PrimaryID: logical + "id",
		Ownership: schema.UserOwned, Activity: g.flag("IsActivity", false), Notes: g.flag("HasNotes", false),
		Activities: g.flag("HasActivities", false), ChangeTracking: g.flag("ChangeTrackingEnabled", true), Optimistic: true}
	if set := g.text("EntitySetName"); set != "" {
		t.Set = strings.ToLower(set)
	}
	if !plainName.MatchString(t.Set) {
		return nil, nil, fail(http.StatusBadRequest, codeInvalidSchemaName, "The entity set name %s is invalid.", t.Set)
	}
	if s.Set(t.Set) != nil || metadataSets[t.Set] != "" {
		return nil, nil, fail(http.StatusBadRequest, codeInvalidSchemaName, "The entity set name %s is already in use. Specify a unique name.", t.Set)
	}
	if owner := g.word("OwnershipType"); owner != "" {
		t.Ownership = schema.Ownership(owner)
	}
	if t.Ownership != schema.UserOwned && (t.Ownership != schema.OrganizationOwned || t.Activity) {
		return nil, nil, fail(http.StatusBadRequest, codeInvalidArgument, "The ownership type %s is not valid for the entity %s.", t.Ownership, logical)
	}
	if t.Activity {
		t.PrimaryID = "activityid"
	}
	if err := writeType(t, g.text("TableType")); err != nil {
		return nil, nil, err
	}
	writeTable(t, g, false)
	columns, err := primaryFirst(s, t, g)
	return t, columns, err
}

// writeTable takes over what a definition says of a table beyond its names.
func writeTable(t *schema.Table, g given, merge bool) {
	l := labels{merge: merge, extras: &t.Extras}
	l.put(&t.Display, "DisplayName", g.value("DisplayName"))
	l.put(&t.DisplayCollection, "DisplayCollectionName", g.value("DisplayCollectionName"))
	l.put(&t.Description, "Description", g.value("Description"))
}

// primaryFirst adds the primary column to a new table, and returns all columns given, that first.
func primaryFirst(s *schema.Schema, t *schema.Table, g given) ([]given, error) {
	columns := g.items("Attributes", "AttributeMetadata")
	isPrimary := func(column given) bool { return column.flag("IsPrimaryName", false) }
	i := slices.IndexFunc(columns, isPrimary)
	switch {
	case i < 0 || columns[i].kind.name != "StringAttributeMetadata":
		return nil, fail(http.StatusBadRequest, codeInvalidArgument,
			"The entity %s needs one attribute of type String with IsPrimaryName.", t.Logical)
	case slices.ContainsFunc(columns[i+1:], isPrimary):
		return nil, fail(http.StatusBadRequest, codeTwoPrimaryNames, "The entity %s has more than one primary name attribute.", t.Logical)
	}
	name, logical, err := newName(columns[i], "SchemaName")
	if t.Activity {
		name, logical, err = "Subject", "subject", nil
		if !strings.EqualFold(columns[i].text("SchemaName"), name) {
			err = fail(http.StatusBadRequest, codeInvalidSchemaName, "The primary attribute of the activity %s must have the schema name Subject.", t.Logical)
		}
	}
	if err != nil {
		return nil, err
	}
	if logical == t.PrimaryID {
		return nil, columnExists(logical)
	}
	column := &schema.Column{Logical: logical, Schema: name, Type: schema.String, Required: "None", Create: true, Update: true,
		Read: true, Property: true, PrimaryName: true, MaxLength: 100, Format: "Text"}
	if err := writeColumn(s, column, columns[i], false); err != nil {
		return nil, err
	}
	t.PrimaryName, t.Columns = logical, []*schema.Column{column}
	return slices.Concat(columns[i:i+1], columns[:i], columns[i+1:]), nil
}

// plural is the name of a set of something, as the platform makes it.
func plural(name string) string {
	lower := strings.ToLower(name)
	switch {
	case strings.HasSuffix(lower, "s"), strings.HasSuffix(lower, "x"), strings.HasSuffix(lower, "z"),
		strings.HasSuffix(lower, "ch"), strings.HasSuffix(lower, "sh"):
		return name + "es"
	case strings.HasSuffix(lower, "y") && len(lower) > 1 && !strings.ContainsRune("aeiou", rune(lower[len(lower)-2])):
		return name[:len(name)-1] + "ies"
	}
	return name + "s"
}

func (c *call) replaceTable(logical string, g given) error {
	return c.customize(func(ctx context.Context, d *draft) error {
		t := d.Table(logical)
		writeTable(t, g, c.merges())
		notes, activities := !t.Notes && g.flag("HasNotes", false), !t.Activities && g.flag("HasActivities", false)
		t.Notes, t.Activities = t.Notes || notes, t.Activities || activities
		t.ChangeTracking = g.flag("ChangeTrackingEnabled", t.ChangeTracking)
		d.Relate(t, notes, activities, d.version)
		t.Version, t.Changed = d.version, true
		c.keep(g, newMetadata(d.Schema, nil, nil).table(t), &t.Extras)
		return nil
	})
}

func (c *call) deleteTable(logical string) error {
	t := c.schema.Table(logical)
	if !t.Custom {
		return fail(http.StatusBadRequest, codeNotCustomTable, "The entity %s is not a custom entity and cannot be deleted.", logical)
	}
	for _, r := range t.OneToMany {
		if c.schema.Table(r.Referencing).Column(r.Attribute).Custom && r.Referencing != logical {
			return fail(http.StatusBadRequest, codeInUse, "The Entity(%s) component cannot be deleted because it is referenced by "+
				"1 other components: Attribute %s of %s.", t.MetadataID, r.Attribute, r.Referencing)
		}
	}
	return c.customize(func(ctx context.Context, d *draft) error {
		t := d.Table(logical)
		if err := c.dematerialize(ctx, d, t); err != nil {
			return err
		}
		d.RemoveTable(t, d.version)
		if t.Activity {
			return d.execute(ctx, store.ActivityView(d.Schema)...)
		}
		return nil
	})
}
