package emulator

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// given is a definition, or a part of one, as a client gives it: checked against its type.
type given struct {
	kind  *metadataType
	of    *schema.Table // stands for the entity set in errors
	props members
}

// givenDefinition reads the request's body as a definition of the type, or of one derived from it.
func (c *call) givenDefinition(set string, declared *metadataType) (given, error) {
	of := &schema.Table{Set: set}
	body, err := c.body(of)
	if err != nil {
		return given{}, err
	}
	return newGiven(of, declared, body)
}

func newGiven(of *schema.Table, declared *metadataType, props members) (given, error) {
	g := given{kind: declared, of: of, props: props}
	if name, ok := g.value("@odata.type").(string); ok {
		short := strings.TrimPrefix(strings.TrimPrefix(name, "#"), namespace)
		kind := loadMetadataTypes().byName[strings.TrimPrefix(short, "Complex")]
		if kind == nil || !kind.isA(declared) {
			return g, payload(of, "A resource with type '%s' was found, but it is not assignable to the expected type '%s%s'.",
				strings.TrimPrefix(name, "#"), namespace, declared.name)
		}
		g.kind = kind
	}
	for _, m := range props {
		if err := g.check(m); err != nil {
			return g, err
		}
	}
	return g, nil
}

// check refuses a property that the type does not have, or a value that the property cannot have.
func (g given) check(m member) error {
	if strings.Contains(m.name, "@") || m.name == "Lookup" && g.kind.name == "OneToManyRelationshipMetadata" {
		return nil
	}
	kind := ""
	if i, ok := g.kind.index[m.name]; ok {
		kind = g.kind.all[i].kind
	} else if nav, ok := g.kind.nav(m.name); ok {
		kind = nav.kind
	}
	if kind == "" {
		return payload(g.of, "The property '%s' does not exist on type '%s%s'. Make sure to only use property names that are defined by the type.",
			m.name, namespace, g.kind.name)
	}
	return g.checkValue(kind, m.value)
}

func (g given) checkValue(kind string, value any) error {
	if value == nil {
		return nil
	}
	if inner, ok := strings.CutPrefix(kind, "Collection("); ok {
		items, ok := value.([]any)
		if !ok {
			return payload(g.of, "A '%s' node was found where a 'StartArray' node was expected.", node(value))
		}
		for _, item := range items {
			if err := g.checkValue(strings.TrimSuffix(inner, ")"), item); err != nil {
				return err
			}
		}
		return nil
	}
	t := loadMetadataTypes().byName[kind]
	if t == nil || t.kind == "enum" {
		if !fitsProperty(kind, t, value) {
			return payload(g.of, "Cannot convert the literal '%v' to the expected type '%s'.", shown(value), qualified(kind))
		}
		return nil
	}
	object, ok := value.(members)
	if !ok {
		return payload(g.of, "A '%s' node was found where a 'StartObject' node was expected.", node(value))
	}
	_, err := newGiven(g.of, t, object)
	return err
}

// shown is a value for an error's text.
func shown(value any) any {
	switch value.(type) {
	case members, []any:
		return node(value)
	}
	return value
}

// fitsProperty reports whether a value is one of a primitive type or of an enum, whose members have names and numbers.
func fitsProperty(kind string, enum *metadataType, value any) bool {
	text, isText := value.(string)
	number, isNumber := value.(json.Number)
	switch kind {
	case "Edm.String":
		return isText
	case "Edm.Boolean":
		_, ok := value.(bool)
		return ok
	case "Edm.Int16", "Edm.Int32":
		n, err := strconv.ParseInt(number.String(), 10, 32)
		return isNumber && err == nil && (kind == "Edm.Int32" || n == int64(int16(n)))
	case "Edm.Int64":
		_, err := number.Int64()
		return isNumber && err == nil
	case "Edm.Decimal", "Edm.Double":
		_, err := number.Float64()
		return isNumber && err == nil
	case "Edm.Guid":
		_, err := uuid.Parse(text)
		return isText && err == nil
	case "Edm.DateTimeOffset":
		_, err := time.Parse(time.RFC3339, text)
		return isText && err == nil
	}
	return enum != nil && slices.ContainsFunc(enum.members, func(m string) bool {
		name, n, _ := strings.Cut(m, "=")
		return isText && (text == name || text == n) || isNumber && number.String() == n
	})
}

// value is a property's value, nil where there is none.
func (g given) value(name string) any {
	for _, m := range g.props {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

func (g given) has(name string) bool { return g.value(name) != nil }

func (g given) text(name string) string {
	text, _ := g.value(name).(string)
	return text
}

// flag is a boolean, or the value of a managed property that is one.
func (g given) flag(name string, otherwise bool) bool {
	switch v := g.value(name).(type) {
	case bool:
		return v
	case members:
		if b, ok := (given{props: v}).value("Value").(bool); ok {
			return b
		}
	}
	return otherwise
}

func (g given) integer(name string, otherwise int) int {
	number, ok := g.value(name).(json.Number)
	if !ok {
		return otherwise
	}
	n, err := strconv.Atoi(number.String())
	if err != nil {
		return otherwise
	}
	return n
}

func (g given) float(name string, otherwise *float64) *float64 {
	number, ok := g.value(name).(json.Number)
	if !ok {
		return otherwise
	}
	f, err := number.Float64()
	if err != nil {
		return otherwise
	}
	return &f
}

// word is an enum's member by name, or the text of {"Value": "…"}.
func (g given) word(name string) string {
	switch v := g.value(name).(type) {
	case string:
		return g.memberName(name, v)
	case json.Number:
		return g.memberName(name, v.String())
	case members:
		text, _ := (given{props: v}).value("Value").(string)
		return text
	}
	return ""
}

func (g given) memberName(name, value string) string {
	i, ok := g.kind.index[name]
	if !ok {
		return value
	}
	t := loadMetadataTypes().byName[g.kind.all[i].kind]
	if t == nil {
		return value
	}
	for _, m := range t.members {
		if name, number, _ := strings.Cut(m, "="); number == value {
			return name
		}
	}
	return value
}

// inner is an object inside: the zero given where there is none.
func (g given) inner(name string) given {
	object, _ := g.value(name).(members)
	made, err := newGiven(g.of, g.innerKind(name), object)
	if err != nil { // checked before
		return given{}
	}
	return made
}

func (g given) innerKind(name string) *metadataType {
	types := loadMetadataTypes().byName
	if i, ok := g.kind.index[name]; ok {
		return types[g.kind.all[i].kind]
	}
	if nav, ok := g.kind.nav(name); ok {
		kind, _ := nav.collection()
		return types[kind]
	}
	if name == "Lookup" {
		return types["LookupAttributeMetadata"]
	}
	return nil
}

// items are the objects of a collection.
func (g given) items(name, kind string) []given {
	list, _ := g.value(name).([]any)
	var all []given
	for _, item := range list {
		object, _ := item.(members)
		if made, err := newGiven(g.of, loadMetadataTypes().byName[kind], object); err == nil {
			all = append(all, made)
		}
	}
	return all
}

// texts are the strings of a collection.
func (g given) texts(name string) []string {
	list, _ := g.value(name).([]any)
	var all []string
	for _, item := range list {
		if text, ok := item.(string); ok {
			all = append(all, text)
		}
	}
	return all
}

// fixedProperties are those that follow from others, or that the platform alone sets.
var fixedProperties = strings.Fields("MetadataId HasChanged LogicalName SchemaName EntityLogicalName AttributeType " +
	"AttributeTypeName AttributeOf ColumnNumber IsManaged IsCustomEntity IsCustomAttribute IsCustomRelationship IsCustomOptionSet " +
	"CreatedOn ModifiedOn ObjectTypeCode OwnershipType PrimaryIdAttribute PrimaryNameAttribute Privileges Settings Targets " +
	"KeyAttributes EntitySetName LogicalCollectionName CollectionSchemaName ReportViewName IsPrimaryId IsPrimaryName " +
	"IsLogical Name IsGlobal OptionSetType Options TrueOption FalseOption IsIntersect IsLogicalEntity CalculationOf " +
	"IsBaseCurrency RelationshipType ReferencedAttribute ReferencedEntity ReferencingAttribute ReferencingEntity " +
	"TableType Entity1LogicalName Entity2LogicalName IntersectEntityName Entity1IntersectAttribute Entity2IntersectAttribute " +
	"DisplayName DisplayCollectionName Description IntroducedVersion IsValidODataAttribute DatabaseLength EntityKeyIndexStatus " +
	"SecurityTypes RelationshipBehavior")

// keep keeps what is given of a table or a column, and when.
func (c *call) keep(g given, d *definition, extras *schema.Extras) {
	g.keep(d, extras)
	settings, now := maps.Clone(extras.Settings), json.RawMessage(`"`+c.at.Format(time.RFC3339)+`"`)
	if settings == nil {
		settings = map[string]json.RawMessage{}
	}
	settings["ModifiedOn"] = now
	if string(d.value(d.kind.index["IsManaged"])) == "false" && settings["CreatedOn"] == nil {
		settings["CreatedOn"] = now
	}
	extras.Settings = settings
}

// keep keeps the properties given that the definition does not say already.
func (g given) keep(d *definition, extras *schema.Extras) {
	settings := map[string]json.RawMessage{}
	maps.Copy(settings, extras.Settings)
	for _, m := range g.props {
		i, ok := d.kind.index[m.name]
		if !ok || m.value == nil || slices.Contains(fixedProperties, m.name) {
			continue
		}
		now := d.value(i)
		wanted := merged(now, appendJSON(nil, m.value))
		if !sameJSON(now, wanted) {
			settings[m.name] = wanted
		}
	}
	if len(settings) > 0 {
		extras.Settings = settings
	}
}

// merged is an object with the members of another, or the other where they are no objects.
func merged(now, other []byte) []byte {
	var one, two map[string]json.RawMessage
	if json.Unmarshal(now, &one) != nil || json.Unmarshal(other, &two) != nil || one == nil || two == nil {
		return other
	}
	var o object
	for _, name := range memberNames(now) {
		value := one[name]
		if given, ok := two[name]; ok {
			value = given
		}
		o.raw(name, value)
	}
	return o.bytes()
}

// memberNames are the names in a JSON object in its order.
func memberNames(text []byte) []string {
	d := json.NewDecoder(strings.NewReader(string(text)))
	value, err := bodyReader{decoder: d, table: &schema.Table{}}.value(0)
	props, ok := value.(members)
	if err != nil || !ok {
		return nil
	}
	var names []string
	for _, m := range props {
		names = append(names, m.name)
	}
	return names
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// appendJSON appends a value that a body holds.
func appendJSON(b []byte, value any) []byte {
	switch v := value.(type) {
	case members:
		var o object
		for _, m := range v {
			if !strings.Contains(m.name, "@") {
				o.raw(m.name, appendJSON(nil, m.value))
			}
		}
		return append(b, o.bytes()...)
	case []any:
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, item)
		}
		return append(b, ']')
	case json.Number:
		return append(b, v...)
	case string:
		return appendString(b, v)
	case bool:
		return strconv.AppendBool(b, v)
	}
	return append(b, "null"...)
}
