package emulator

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// createColumn adds a column to a table. Lookups come with a relationship instead.
func (c *call) createColumn(table, set string, g given) error {
	var made *schema.Column
	err := c.customize(func(ctx context.Context, d *draft) error {
		t := d.Table(table)
		var err error
		if made, err = columnFrom(d.Schema, t, g); err != nil {
			return err
		}
		return c.addColumn(ctx, d, t, made, g)
	})
	if err != nil {
		return err
	}
	return c.defined(set + "(" + made.MetadataID.String() + ")")
}

// addColumn adds a column with those that come with it, in the schema and in the database.
func (c *call) addColumn(ctx context.Context, d *draft, t *schema.Table, made *schema.Column, g given) error {
	for _, column := range d.AddColumn(t, made, d.version) {
		if err := d.execute(ctx, store.AddColumn(t, column)...); err != nil {
			return err
		}
	}
	c.keep(g, newMetadata(d.Schema, nil, nil).column(made, len(t.Columns)), &made.Extras)
	return nil
}

func columnExists(logical string) *Error {
	return fail(http.StatusBadRequest, codeColumnExists, "An attribute with the specified name %s already exists. Specify a unique name.", logical)
}

// columnFrom reads a new column of a table.
func columnFrom(s *schema.Schema, t *schema.Table, g given) (*schema.Column, error) {
	kind := schema.Type(strings.TrimSuffix(g.kind.name, "AttributeMetadata"))
	switch {
	case t.Abstract || t.Intersect:
		return nil, fail(http.StatusBadRequest, codeNotCustomTable, "Attributes cannot be added to the entity %s.", t.Logical)
	case kind == schema.Lookup:
		return nil, fail(http.StatusBadRequest, codeInvalidArgument,
			"A lookup is created with its relationship: POST it as Lookup of a OneToManyRelationshipMetadata to RelationshipDefinitions.")
	case !slices.Contains(creatableTypes, kind):
		return nil, fail(http.StatusBadRequest, codeInvalidArgument, "An attribute of type %s cannot be created.", g.kind.name)
	}
	if err := elasticColumn(t, kind); err != nil {
		return nil, err
	}
	return newColumn(s, t, g, kind)
}

// creatableTypes are the types that a client may give to a column.
var creatableTypes = []schema.Type{schema.BigInt, schema.Boolean, schema.DateTime, schema.Decimal, schema.Double, schema.File,
	schema.Image, schema.Integer, schema.Memo, schema.Money, schema.MultiSelect, schema.Picklist, schema.String}

func newColumn(s *schema.Schema, t *schema.Table, g given, kind schema.Type) (*schema.Column, error) {
	name, logical, err := newName(g, "SchemaName")
	if err != nil {
		return nil, err
	}
	_, taken := t.Nav(name)
	if t.Column(logical) != nil || t.Column(logical+"_base") != nil && kind == schema.Money || taken {
		return nil, columnExists(logical)
	}
	if err := required(g, "DisplayName"); err != nil {
		return nil, err
	}
	column := &schema.Column{Table: t, Logical: logical, Schema: name, Type: kind, Required: "None", Create: true, Update: true,
		Read: true, Property: true, Custom: true}
	setUsual(column)
	if kind == schema.File {
		column.Create, column.Update = false, false
	}
	return column, writeColumn(s, column, g, false)
}

// writeColumn takes over what a definition says of a column beyond its name and type.
func writeColumn(s *schema.Schema, c *schema.Column, g given, merge bool) error {
	l := labels{merge: merge, extras: &c.Extras}
	l.put(&c.Display, "DisplayName", g.value("DisplayName"))
	l.put(&c.Description, "Description", g.value("Description"))
	if level := g.word("RequiredLevel"); level != "" {
		if level == "SystemRequired" && c.Required != level {
			return fail(http.StatusBadRequest, codeInvalidArgument, "The required level SystemRequired cannot be set on the attribute %s.", c.Logical)
		}
		c.Required = level
	}
	c.Secured = g.flag("IsSecured", c.Secured)
	c.Create, c.Update, c.Read = g.flag("IsValidForCreate", c.Create), g.flag("IsValidForUpdate", c.Update), g.flag("IsValidForRead", c.Read)
	if err := writeLimits(c, g); err != nil {
		return err
	}
	return writeDefault(s, c, g)
}

// longest are the greatest lengths of text.
var longest = map[schema.Type]int{schema.String: 4000, schema.Memo: 1_048_576}

func writeLimits(c *schema.Column, g given) error {
	switch c.Type {
	case schema.String, schema.Memo:
		c.MaxLength = g.integer("MaxLength", c.MaxLength)
		if c.MaxLength < 1 || c.MaxLength > longest[c.Type] {
			return fail(http.StatusBadRequest, codeInvalidArgument, "The MaxLength %d of the attribute %s is not valid: it must be between 1 and %d.",
				c.MaxLength, c.Logical, longest[c.Type])
		}
		if format := g.word("FormatName"); format != "" {
			c.Format = format
		} else if format := g.word("Format"); format != "" {
			c.Format = format
		}
	case schema.BigInt, schema.Integer, schema.Decimal, schema.Double, schema.Money:
		c.Min, c.Max = g.float("MinValue", c.Min), g.float("MaxValue", c.Max)
		if c.Min != nil && c.Max != nil && *c.Min > *c.Max {
			return fail(http.StatusBadRequest, codeInvalidArgument, "The MinValue of the attribute %s is greater than its MaxValue.", c.Logical)
		}
		c.Precision, c.PrecisionSource = g.integer("Precision", c.Precision), g.integer("PrecisionSource", c.PrecisionSource)
		if c.Precision < 0 || c.Precision > 10 {
			return fail(http.StatusBadRequest, codeInvalidArgument, "The Precision %d of the attribute %s is not valid: it must be between 0 and 10.", c.Precision, c.Logical)
		}
		if format := g.word("Format"); c.Type == schema.Integer && format != "" {
			c.Format = format
		}
	case schema.DateTime:
		if format := g.word("Format"); format != "" {
			c.Format = format
		}
		if behavior := g.word("DateTimeBehavior"); behavior != "" {
			if !slices.Contains([]string{"UserLocal", "DateOnly", "TimeZoneIndependent"}, behavior) {
				return fail(http.StatusBadRequest, codeInvalidArgument, "The DateTimeBehavior %s of the attribute %s is not valid.", behavior, c.Logical)
			}
			c.DateTimeBehavior = behavior
		}
	}
	return nil
}

// writeDefault takes over the choices of a column, and the value that new rows get.
func writeDefault(s *schema.Schema, c *schema.Column, g given) error {
	switch c.Type {
	case schema.Boolean:
		if value, ok := g.value("DefaultValue").(bool); ok {
			c.Default = strconv.FormatBool(value)
		}
		if c.Options == nil {
			c.Options = booleanOptions(g.inner("OptionSet"))
		}
	case schema.Picklist, schema.MultiSelect, schema.Status:
		if c.Options == nil && !c.GlobalOptionSet {
			if err := chooseOptions(s, c, g); err != nil {
				return err
			}
		}
		if !g.has("DefaultFormValue") {
			return nil
		}
		value := g.integer("DefaultFormValue", -1)
		if _, ok := c.Option(value); !ok && value != -1 {
			return fail(http.StatusBadRequest, codeOptionOutOfRange, "The value %d is not one of the options of the attribute %s.", value, c.Logical)
		}
		if c.Default = strconv.Itoa(value); value == -1 {
			c.Default = ""
		}
	}
	return nil
}

func booleanOptions(g given) []schema.Option {
	options := []schema.Option{{Value: 0, Label: "No"}, {Value: 1, Label: "Yes"}}
	for i, name := range []string{"FalseOption", "TrueOption"} {
		if g.kind != nil && g.has(name) {
			labels{extras: &options[i].Extras}.put(&options[i].Label, "Label", g.inner(name).value("Label"))
		}
	}
	return options
}

// chooseOptions gives a new choice its own options, or those of one that columns share.
func chooseOptions(s *schema.Schema, c *schema.Column, g given) error {
	name := ""
	if bound, ok := g.value("GlobalOptionSet@odata.bind").(string); ok {
		var err error
		if name, err = boundChoice(s, bound); err != nil {
			return err
		}
	} else if set := g.inner("OptionSet"); set.kind != nil && set.flag("IsGlobal", false) {
		name = set.text("Name")
	}
	if name == "" {
		options, err := optionsFrom(g.inner("OptionSet"))
		c.Options = options
		return err
	}
	choice := s.Choice(name)
	if choice == nil {
		return fail(http.StatusBadRequest, codeNotFound, "Could not find an optionset with name %s and id 00000000-0000-0000-0000-000000000000.", name)
	}
	c.OptionSet, c.GlobalOptionSet, c.Options = name, true, choice.Options
	return nil
}

// boundChoice is the name of the choice that a path leads to: /GlobalOptionSetDefinitions(id) or (Name='…').
func boundChoice(s *schema.Schema, path string) (string, error) {
	if _, rest, ok := strings.Cut(path, "GlobalOptionSetDefinitions"); ok {
		path = "GlobalOptionSetDefinitions" + rest
	}
	segments, err := odata.ParsePath(path)
	if err != nil || len(segments) != 1 || segments[0].Name != "GlobalOptionSetDefinitions" {
		return "", badRequest("The value '%s' of GlobalOptionSet@odata.bind leads to no GlobalOptionSetDefinition.", path)
	}
	key := segments[0].Key
	if len(segments[0].Args) == 1 {
		key = segments[0].Args[0].Value
	}
	literal, _ := key.(*odata.Literal)
	for _, choice := range s.Choices {
		if literal != nil && (literal.Value == choice.Name || strings.EqualFold(literal.Value, choice.MetadataID.String())) {
			return choice.Name, nil
		}
	}
	return "", badRequest("The value '%s' of GlobalOptionSet@odata.bind leads to no GlobalOptionSetDefinition.", path)
}

// firstOption is the value of the first option that a customization adds, from the default publisher's option value prefix.
const firstOption = 100_000_000

// firstOptionOf is that of the publisher of a solution, firstOption for no solution.
func firstOptionOf(ctx context.Context, tx *sql.Tx, solution string) (int, error) {
	first := firstOption
	err := tx.QueryRowContext(ctx, `SELECT coalesce(p.customizationoptionvalueprefix * 10000, ?2) FROM solution s
		JOIN publisher p ON p.publisherid = s.publisherid WHERE s.uniquename = ?1`, solution, firstOption).Scan(&first)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return first, err
}

// optionsFrom reads the options of a choice. Those without a value get one.
func optionsFrom(g given) ([]schema.Option, error) {
	options := []schema.Option{}
	if g.kind == nil {
		return options, nil
	}
	for _, item := range g.items("Options", "OptionMetadata") {
		o := schema.Option{Value: item.integer("Value", nextOption(options, firstOption)), Color: item.text("Color")}
		l := labels{extras: &o.Extras}
		l.put(&o.Label, "Label", item.value("Label"))
		l.put(&o.Description, "Description", item.value("Description"))
		if slices.ContainsFunc(options, func(other schema.Option) bool { return other.Value == o.Value }) {
			return nil, fail(http.StatusBadRequest, codeOptionOperation, "The option value %d is there twice.", o.Value)
		}
		options = append(options, o)
	}
	return options, nil
}

// nextOption is the value of the next option that a customization adds.
func nextOption(options []schema.Option, first int) int {
	next := first
	for _, o := range options {
		next = max(next, o.Value+1)
	}
	return next
}

func (c *call) replaceColumn(table, logical string, g given) error {
	return c.customize(func(_ context.Context, d *draft) error {
		t := d.Table(table)
		column := t.Column(logical)
		if err := writeColumn(d.Schema, column, g, c.merges()); err != nil {
			return err
		}
		column.Version, t.Changed = d.version, true
		number := slices.Index(t.Columns, column) + 1
		c.keep(g, newMetadata(d.Schema, nil, nil).column(column, number), &column.Extras)
		return nil
	})
}

func (c *call) deleteColumn(table, logical string) error {
	t := c.schema.Table(table)
	column := t.Column(logical)
	switch {
	case column.PrimaryName || column.PrimaryID:
		return fail(http.StatusBadRequest, codePrimaryColumn, "The attribute %s is the primary attribute of %s and cannot be deleted.", logical, table)
	case column.CalculationOf != "":
		return fail(http.StatusBadRequest, codeBaseColumn, "The attribute %s belongs to %s and cannot be deleted by itself.", logical, column.CalculationOf)
	case column.AttributeOf != "" && column.Type != schema.Image:
		return fail(http.StatusBadRequest, codeChildColumn, "The attribute %s belongs to %s and cannot be deleted by itself.", logical, column.AttributeOf)
	case !column.Custom:
		return fail(http.StatusBadRequest, codeNotCustomColumn, "The attribute %s of %s is not a custom attribute and cannot be deleted.", logical, table)
	}
	for _, key := range t.Keys {
		if slices.Contains(key.Attributes, logical) {
			return fail(http.StatusBadRequest, codeInUse, "The Attribute(%s) component cannot be deleted because it is referenced by "+
				"1 other components: EntityKey %s.", column.MetadataID, key.Logical)
		}
	}
	return c.customize(func(ctx context.Context, d *draft) error {
		return d.removeColumn(ctx, d.Table(table).Column(logical))
	})
}

// removeColumn removes a column with those that came with it, from the schema and from the database.
func (d *draft) removeColumn(ctx context.Context, column *schema.Column) error {
	for _, gone := range d.RemoveColumn(column, d.version) {
		if err := d.execute(ctx, store.DropColumn(column.Table, gone)...); err != nil {
			return err
		}
	}
	return nil
}

// setUsual gives a new column the limits that it has where nothing is said of them.
func setUsual(c *schema.Column) {
	limits := func(lowest, highest float64) { c.Min, c.Max = &lowest, &highest }
	switch c.Type {
	case schema.String:
		c.MaxLength, c.Format = 100, "Text"
	case schema.Memo:
		c.MaxLength, c.Format = 2000, "TextArea"
	case schema.Integer:
		limits(-2147483648, 2147483647)
	case schema.Decimal, schema.Double:
		limits(-100000000000, 100000000000)
		c.Precision = 2
	case schema.Money:
		limits(-922337203685477, 922337203685477)
		c.Precision = 2
	case schema.DateTime:
		c.Format, c.DateTimeBehavior = "DateAndTime", "UserLocal"
	case schema.Boolean:
		c.Default = "false"
	}
}
