package emulator

import (
	"strconv"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

func (m *metadata) columns(t *schema.Table) []*definition {
	all := make([]*definition, 0, len(t.Columns))
	for i, c := range t.Columns {
		all = append(all, m.column(c, i+1))
	}
	return all
}

// columnKind names the metadata type of a column. Ids and the labels of choices have the base type alone.
func columnKind(t schema.Type) string {
	switch t {
	case schema.Customer, schema.Owner, schema.PartyList:
		return "LookupAttributeMetadata"
	case schema.Uniqueidentifier, schema.Virtual:
		return "AttributeMetadata"
	}
	return string(t) + "AttributeMetadata"
}

// attributeType is the AttributeTypeCode, which knows no images, files and multiple choices.
func attributeType(t schema.Type) string {
	switch t {
	case schema.Image, schema.File, schema.MultiSelect:
		return "Virtual"
	}
	return string(t)
}

// column is the AttributeMetadata of a column, of the type that its settings have.
func (m *metadata) column(c *schema.Column, number int) *definition {
	securable := c.Secured || c.Custom
	set := settings{
		"AttributeOf": orNull(c.AttributeOf), "AttributeType": attributeType(c.Type), "ColumnNumber": number,
		"EntityLogicalName": c.Table.Logical, "LogicalName": c.Logical, "SchemaName": c.Schema,
		"IsCustomAttribute": c.Custom, "IsPrimaryId": c.PrimaryID, "IsPrimaryName": c.PrimaryName,
		"IsValidODataAttribute": c.Property, "IsValidForCreate": c.Create, "IsValidForRead": c.Read,
		"IsValidForUpdate": c.Update, "IsSecured": c.Secured, "IsLogical": c.IsLogical,
		"CanBeSecuredForRead": securable, "CanBeSecuredForCreate": securable && c.Create,
		"CanBeSecuredForUpdate": securable && c.Update, "IsRequiredForForm": c.Required == "ApplicationRequired",
		"IsValidForForm": c.Display != "", "IsValidForGrid": c.Display != "",
		"AttributeTypeName": raw(`{"Value":"` + string(c.Type) + `Type"}`),
		"IsManaged":         !c.Custom,
		"DisplayName":       m.label(c.Display, c.Translations["DisplayName"], c.MetadataID, "DisplayName", !c.Custom),
		"Description":       m.label(c.Description, c.Translations["Description"], c.MetadataID, "Description", !c.Custom),
		"RequiredLevel": raw(managed(`"`+c.Required+`"`, strconv.FormatBool(c.Required != "SystemRequired"),
			"canmodifyrequirementlevelsettings")),
		"IsValidForAdvancedFind": raw(managed(strconv.FormatBool(c.Display != ""), "true", "canmodifysearchsettings")),
	}
	if c.Type != schema.Virtual {
		set["SourceType"] = 0
	}
	setText(c, set)
	setNumber(c, set)
	setOther(c, set)
	d := m.define(columnKind(c.Type), c.Logical, c.MetadataID, c.Version, set, c.Extras)
	d.latest = m.schema.Latest(c)
	if len(d.kind.navs) > 0 && len(c.Options) > 0 {
		d.follow = m.columnChoices(c)
	}
	return d
}

func setText(c *schema.Column, set settings) {
	switch c.Type {
	case schema.String, schema.Memo:
	default:
		return
	}
	format := c.Format
	if format == "" {
		format = map[schema.Type]string{schema.String: "Text", schema.Memo: "TextArea"}[c.Type]
	}
	set["MaxLength"] = c.MaxLength
	set["Format"] = format
	set["FormatName"] = raw(`{"Value":"` + format + `"}`)
	if c.Type == schema.String {
		set["DatabaseLength"] = 2 * c.MaxLength
	}
}

func setNumber(c *schema.Column, set settings) {
	switch c.Type {
	case schema.BigInt, schema.Integer, schema.Decimal, schema.Double, schema.Money:
	default:
		return
	}
	if c.Min != nil {
		set["MinValue"] = *c.Min
	}
	if c.Max != nil {
		set["MaxValue"] = *c.Max
	}
	switch c.Type {
	case schema.Decimal, schema.Double:
		set["Precision"] = c.Precision
	case schema.Integer:
		if c.Format != "" {
			set["Format"] = c.Format
		}
	case schema.Money:
		set["Precision"], set["PrecisionSource"] = c.Precision, c.PrecisionSource
		set["CalculationOf"], set["IsBaseCurrency"] = orNull(c.CalculationOf), c.CalculationOf != ""
	}
}

func setOther(c *schema.Column, set settings) {
	switch c.Type {
	case schema.DateTime:
		if c.Format != "" {
			set["Format"] = c.Format
		}
		behavior := c.DateTimeBehavior
		if behavior == "" {
			behavior = "UserLocal"
		}
		set["DateTimeBehavior"] = raw(`{"Value":"` + behavior + `"}`)
	case schema.Boolean:
		set["DefaultValue"] = c.Default == "true"
	case schema.Picklist, schema.State, schema.Status, schema.MultiSelect:
		if n, err := strconv.Atoi(c.Default); err == nil {
			set["DefaultFormValue"] = n
		}
	case schema.Lookup, schema.Owner, schema.Customer, schema.PartyList:
		set["Targets"] = c.Targets
		if c.Format != "" {
			set["Format"] = c.Format
		}
	case schema.Image:
		set["IsPrimaryImage"] = c.Table.PrimaryImage == c.Logical
	case schema.ManagedProperty:
		set["ManagedPropertyLogicalName"] = c.Logical
	}
}

// columnChoices leads from a column to its choices. A shared choice stands behind both properties, as in real answers.
func (m *metadata) columnChoices(c *schema.Column) func(string) []*definition {
	set := []*definition{m.optionSet(c)}
	return func(nav string) []*definition {
		if nav == "OptionSet" || c.GlobalOptionSet {
			return set
		}
		return nil
	}
}

// optionSet is the choice of a column.
func (m *metadata) optionSet(c *schema.Column) *definition {
	if c.GlobalOptionSet {
		return m.choice(m.schema.Choice(c.OptionSet))
	}
	name := c.OptionSet
	if name == "" {
		name = c.Table.Logical + "_" + c.Logical
	}
	own := &schema.Choice{Name: name, Display: c.Display, Type: c.Type, Options: c.Options, Custom: c.Custom,
		MetadataID: derivedID(c.MetadataID, "OptionSet")}
	own.Translations = c.Translations
	if c.Custom {
		own.Description = c.Description
	}
	return m.optionsOf(own, false)
}

// choice is a choice that columns share.
func (m *metadata) choice(c *schema.Choice) *definition { return m.optionsOf(c, true) }

func (m *metadata) optionsOf(c *schema.Choice, global bool) *definition {
	set := settings{"Name": c.Name, "IsGlobal": global, "IsManaged": !c.Custom, "IsCustomOptionSet": c.Custom,
		"DisplayName": m.label(c.Display, c.Translations["DisplayName"], c.MetadataID, "DisplayName", !c.Custom),
		"Description": m.label(c.Description, c.Translations["Description"], c.MetadataID, "Description", !c.Custom)}
	if !global && !c.Custom {
		set["Description"] = raw(noLabel)
	}
	kind := "OptionSetMetadata"
	switch c.Type {
	case schema.Boolean:
		kind = "BooleanOptionSetMetadata"
		set["OptionSetType"] = "Boolean"
		for _, o := range c.Options {
			set[map[int]string{0: "FalseOption", 1: "TrueOption"}[o.Value]] = m.option(c, o)
		}
	case schema.State, schema.Status:
		set["OptionSetType"] = string(c.Type)
	}
	if kind == "OptionSetMetadata" {
		set["Options"] = m.options(c)
	}
	d := m.define(kind, c.Name, c.MetadataID, c.Version, set, c.Extras)
	return d
}

func (m *metadata) options(c *schema.Choice) raw {
	b := raw{'['}
	for _, o := range c.Options {
		b = append(comma(b, 1), m.option(c, o)...)
	}
	return append(b, ']')
}

// option is one value of a choice.
func (m *metadata) option(c *schema.Choice, value schema.Option) raw {
	var o object
	switch c.Type {
	case schema.State:
		o.text("@odata.type", "#"+namespace+"StateOptionMetadata")
	case schema.Status:
		o.text("@odata.type", "#"+namespace+"StatusOptionMetadata")
	}
	managed := !c.Custom && value.Version == 0
	part := strconv.Itoa(value.Value)
	o.any("Value", value.Value)
	o.any("Color", orNull(value.Color))
	o.any("IsManaged", managed)
	o.text("ExternalValue", "")
	o.raw("ParentValues", []byte("[]"))
	o.raw("Tag", []byte("null"))
	o.any("IsHidden", false)
	o.raw("MetadataId", []byte("null"))
	o.raw("HasChanged", m.hasChanged(value.Version))
	switch c.Type {
	case schema.State:
		o.any("DefaultStatus", value.DefaultStatus)
		o.text("InvariantName", value.Invariant)
	case schema.Status:
		o.any("State", value.State)
		o.raw("TransitionData", []byte("null"))
	}
	o.raw("Label", m.label(value.Label, value.Translations["Label"], c.MetadataID, part, managed))
	o.raw("Description", m.label(value.Description, value.Translations["Description"], c.MetadataID, part+"/Description", managed))
	return raw(o.bytes())
}
