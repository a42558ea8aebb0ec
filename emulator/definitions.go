package emulator

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
)

// place is where a path through the metadata stands.
type place struct {
	declared *metadataType
	all      []*definition
	one      bool   // all is a single definition, not a collection
	set      string // the context of the collection: EntityDefinitions('account')/Attributes
	key      string // ('name'), where one was picked
	cast     string // /Microsoft.Dynamics.CRM.StringAttributeMetadata, where cast
}

// metadataSets are the entity sets of the metadata, with the type of what they hold.
var metadataSets = map[string]string{
	"EntityDefinitions":          "EntityMetadata",
	"GlobalOptionSetDefinitions": "OptionSetMetadataBase",
	"ManagedPropertyDefinitions": "ManagedPropertyMetadata",
	"RelationshipDefinitions":    "RelationshipMetadataBase",
}

// metadataRoute finds what answers for the first segment of a path when it names metadata.
func (c *call) metadataRoute(name string) (func() error, bool) {
	if name == "$metadata" {
		return c.metadataDocument, true
	}
	kind, ok := metadataSets[name]
	if !ok {
		return nil, false
	}
	return func() error { return c.serveDefinitions(name, loadMetadataTypes().byName[kind]) }, true
}

// serveDefinitions walks the path and answers with what stands at its end.
func (c *call) serveDefinitions(set string, kind *metadataType) error {
	if c.r.Method != http.MethodGet {
		return c.changeDefinition(set)
	}
	at, err := c.pick(place{declared: kind, all: c.definitionsOf(set), set: set}, c.path[0])
	if err != nil {
		return err
	}
	for i, segment := range c.path[1:] {
		nav, isNav := at.declared.nav(segment.Name)
		switch {
		case strings.HasPrefix(segment.Name, namespace):
			at, err = at.castTo(segment.Name)
		case at.one && isNav:
			at, err = c.step(at, nav, segment)
		case at.one && at.declared.has(segment.Name):
			return c.definitionProperty(at, c.path[i+1:])
		default:
			return noSuchSegment(segment.Name)
		}
		if err != nil {
			return err
		}
	}
	if at.one && len(at.all) == 0 {
		return c.empty()
	}
	return c.answerMetadata(at, at.cast != "")
}

// definitionsOf are all definitions in a set, labelled in the languages asked for.
func (c *call) definitionsOf(set string) []*definition {
	m := c.labelled
	if text := c.query.Get("LabelLanguages"); text != "" {
		var languages []int
		for code := range strings.SplitSeq(text, ",") {
			if n, err := strconv.Atoi(strings.TrimSpace(code)); err == nil {
				languages = append(languages, n)
			}
		}
		m = c.labelledIn(languages)
	}
	switch set {
	case "EntityDefinitions":
		return m.tables()
	case "GlobalOptionSetDefinitions":
		return m.choices()
	case "RelationshipDefinitions":
		return m.relationships()
	}
	return nil
}

// keyNames says by which property besides MetadataId a key may name a definition.
func keyName(t *metadataType) string {
	for _, name := range []string{"LogicalName", "SchemaName", "Name"} {
		if t.has(name) {
			return name
		}
	}
	return "MetadataId"
}

// pick picks one of a collection where the segment has a key.
func (c *call) pick(at place, s odata.Segment) (place, error) {
	if s.Key == nil && len(s.Args) == 0 {
		return at, nil
	}
	byID, value := true, s.Key
	if len(s.Args) > 0 {
		byID, value = s.Args[0].Name == "MetadataId", s.Args[0].Value
		if len(s.Args) > 1 || !byID && s.Args[0].Name != keyName(at.declared) {
			return at, fail(http.StatusBadRequest, codeKeyUnknown,
				"The specified key attributes are not a defined key for the %s entity", at.declared.name)
		}
	}
	value, err := c.resolveAlias(value)
	if err != nil {
		return at, err
	}
	var text string
	if byID {
		if text, err = guidOf(value); err != nil {
			return at, err
		}
		at.key = "(" + text + ")"
	} else {
		literal, ok := value.(*odata.Literal)
		if !ok || literal.Kind != odata.String {
			return at, badRequest("The key value '%s' is not a string.", value)
		}
		text = literal.Value
		at.key = "(" + odata.Quote(text) + ")"
	}
	at.one = true
	for _, d := range at.all {
		if byID && d.id == text || !byID && d.name == text {
			at.all = []*definition{d}
			return at, nil
		}
	}
	return at, noSuchDefinition(at.declared, text, byID)
}

func noSuchDefinition(t *metadataType, key string, byID bool) *Error {
	name, id := key, "00000000-0000-0000-0000-000000000000"
	if byID {
		name, id = "", key
	}
	what := "object"
	switch {
	case t.name == "EntityMetadata":
		what = "entity"
	case t.has("AttributeOf"):
		what = "attribute"
	case t.has("OptionSetType"):
		what = "optionset"
	case t.has("RelationshipType"):
		what = "relationship"
	case t.has("KeyAttributes"):
		what = "key"
	}
	return fail(http.StatusNotFound, codeNotFound, "Could not find an %s with name %s and id %s.", what, name, id)
}

// castTo narrows to a derived type.
func (at place) castTo(name string) (place, error) {
	t, err := castOf(name, at.declared)
	if err != nil {
		return at, err
	}
	at.declared, at.cast = t, "/"+name
	at.all = slices.DeleteFunc(slices.Clone(at.all), func(d *definition) bool { return !d.kind.isA(t) })
	if at.one && len(at.all) == 0 {
		return at, noSuchSegment(name)
	}
	return at, nil
}

// step goes through a navigation property.
func (c *call) step(at place, nav metadataProperty, s odata.Segment) (place, error) {
	kind, collection := nav.collection()
	next := place{declared: loadMetadataTypes().byName[kind], one: !collection,
		set: at.set + at.key + at.cast + "/" + nav.name}
	if d := at.all[0]; d.follow != nil {
		next.all = d.follow(nav.name)
	}
	if !collection {
		return next, nil
	}
	return c.pick(next, s)
}

// definitionProperty answers with one property, with a part of it (IsCustomizable/Value), or with its bare text
// (LogicalName/$value). Path starts at the property.
func (c *call) definitionProperty(at place, path []odata.Segment) error {
	d := at.all[0]
	position := d.kind.index[path[0].Name]
	value, kind := d.value(position), d.kind.all[position].kind
	names := []string{at.set + at.key + at.cast, path[0].Name}
	for i, segment := range path[1:] {
		if segment.Name == "$value" && i == len(path)-2 {
			return c.plainValue(value)
		}
		t := loadMetadataTypes().byName[kind]
		if t == nil || !t.has(segment.Name) {
			return noSuchSegment(segment.Name)
		}
		names = append(names, segment.Name)
		kind = t.all[t.index[segment.Name]].kind
		if value = memberOf(value, segment.Name); value == nil {
			return c.empty()
		}
	}
	if string(value) == "null" {
		return c.empty()
	}
	body := appendString([]byte(`{"@odata.context":`), c.root+"$metadata#"+strings.Join(names, "/"))
	if value[0] == '{' {
		return c.answer(http.StatusOK, append(append(body, ','), value[1:]...))
	}
	return c.answer(http.StatusOK, append(append(append(body, `,"value":`...), value...), '}'))
}
