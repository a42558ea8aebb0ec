package emulator

import (
	"context"
	"net/http"
	"slices"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// createChoice creates a choice that columns may share.
func (c *call) createChoice(g given) error {
	name, _, err := newName(g, "Name")
	if err != nil {
		return err
	}
	if c.schema.Choice(name) != nil {
		return fail(http.StatusBadRequest, codeChoiceName, "An option set with the name %s already exists. Specify a unique name.", name)
	}
	if err := required(g, "DisplayName"); err != nil {
		return err
	}
	made := &schema.Choice{Name: name, Type: schema.Picklist}
	if g.kind.name == "BooleanOptionSetMetadata" {
		made.Type, made.Options = schema.Boolean, booleanOptions(g)
	} else if made.Options, err = optionsFrom(g); err != nil {
		return err
	}
	writeChoice(made, g, false)
	err = c.customize(func(_ context.Context, d *draft) error {
		d.AddChoice(made, d.version)
		g.keep(newMetadata(d.Schema, nil, nil).choice(made), &made.Extras)
		return nil
	})
	if err != nil {
		return err
	}
	return c.defined("GlobalOptionSetDefinitions(" + made.MetadataID.String() + ")")
}

func writeChoice(c *schema.Choice, g given, merge bool) {
	l := labels{merge: merge, extras: &c.Extras}
	l.put(&c.Display, "DisplayName", g.value("DisplayName"))
	l.put(&c.Description, "Description", g.value("Description"))
}

func (c *call) replaceChoice(name string, g given) error {
	return c.customize(func(_ context.Context, d *draft) error {
		choice := d.Choice(name)
		writeChoice(choice, g, c.merges())
		choice.Version, choice.Changed = d.version, true
		g.keep(newMetadata(d.Schema, nil, nil).choice(choice), &choice.Extras)
		return nil
	})
}

func (c *call) deleteChoice(name string) error {
	choice := c.schema.Choice(name)
	if !choice.Custom {
		return fail(http.StatusBadRequest, codeOptionOperation, "The option set %s is not a custom one and cannot be deleted.", name)
	}
	for _, t := range c.schema.Tables {
		for _, column := range t.Columns {
			if column.GlobalOptionSet && column.OptionSet == name {
				return fail(http.StatusBadRequest, codeChoiceInUse, "The option set %s cannot be deleted: the attribute %s of %s uses it.",
					name, column.Logical, t.Logical)
			}
		}
	}
	return c.customize(func(_ context.Context, d *draft) error {
		d.RemoveChoice(d.Choice(name), d.version)
		return nil
	})
}

// chosen are the options that an action is about.
type chosen struct {
	options *[]schema.Option
	kind    schema.Type
	changed func() // says that more than one option is changed
	name    string
}

// chosenBy finds the options that an action names: of a column, or of a choice that columns share.
func (d *draft) chosenBy(g given) (chosen, error) {
	table, column, set := g.text("EntityLogicalName"), g.text("AttributeLogicalName"), g.text("OptionSetName")
	if set == "" && column == "" {
		return chosen{}, fail(http.StatusBadRequest, codeInvalidArgument,
			"Either OptionSetName, or EntityLogicalName and AttributeLogicalName must be given.")
	}
	if set == "" {
		t := d.Table(table)
		if t == nil {
			return chosen{}, noSuchTable(table)
		}
		c := t.Column(column)
		if c == nil {
			return chosen{}, fail(http.StatusBadRequest, codeNotFound, "Could not find an attribute with name %s and id 00000000-0000-0000-0000-000000000000.", column)
		}
		if !c.GlobalOptionSet {
			t.Changed = true
			return chosen{&c.Options, c.Type, func() { c.Version = d.version }, column}, nil
		}
		set = c.OptionSet
	}
	choice := d.Choice(set)
	if choice == nil {
		return chosen{}, fail(http.StatusBadRequest, codeNotFound, "Could not find an optionset with name %s and id 00000000-0000-0000-0000-000000000000.", set)
	}
	choice.Changed = true
	return chosen{&choice.Options, choice.Type, func() { choice.Version = d.version }, set}, nil
}

// find finds an option by the Value that an action gives.
func (c chosen) find(g given) (*schema.Option, error) {
	value := g.integer("Value", -1)
	i := slices.IndexFunc(*c.options, func(o schema.Option) bool { return o.Value == value })
	if i < 0 || !g.has("Value") {
		return nil, fail(http.StatusBadRequest, codeOptionOperation, "The option value %d does not exist in %s.", value, c.name)
	}
	return &(*c.options)[i], nil
}

// insert adds an option and returns its value.
func (c chosen) insert(d *draft, g given, o schema.Option) (int, error) {
	o.Value, o.Version, o.Color = g.integer("Value", nextOption(*c.options, d.firstOption)), d.version, g.text("Color")
	if slices.ContainsFunc(*c.options, func(other schema.Option) bool { return other.Value == o.Value }) {
		return 0, fail(http.StatusBadRequest, codeOptionOperation, "The option value %d exists in %s already.", o.Value, c.name)
	}
	writeOption(&o, g, false)
	*c.options = append(*c.options, o)
	return o.Value, nil
}

func writeOption(o *schema.Option, g given, merge bool) {
	l := labels{merge: merge, extras: &o.Extras}
	l.put(&o.Label, "Label", g.value("Label"))
	l.put(&o.Description, "Description", g.value("Description"))
}
