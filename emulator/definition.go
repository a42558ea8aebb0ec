package emulator

import (
	"maps"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// definition is one object of the metadata: a table, column, relationship, key or choice. Its JSON is made once; each
// property is a slice of it.
type definition struct {
	kind *metadataType
	name string // by which a key finds it, besides its id
	id   string
	json []byte  // the properties, in the order of kind.all, as "Name":value with commas between
	ends []int32 // where each property ends in json
	// latest is the version of the last change of the definition or of an option in it.
	latest int64
	// follow returns the definitions behind a navigation property; nil where the type has none.
	follow func(nav string) []*definition
}

// settings are properties of a definition that differ from the initial ones. A value is string, bool, int, *float64,
// []string, uuid.UUID, raw, or nil for null.
type settings map[string]any

// raw is JSON.
type raw []byte

// define makes a definition of the kind. Version is that of its last change; extras come on top of the settings.
func (m *metadata) define(kindName, name string, id uuid.UUID, version int64, set settings, extras schema.Extras) *definition {
	kind := m.types[kindName]
	for name, value := range extras.Settings {
		set[name] = raw(value)
	}
	set["MetadataId"], set["HasChanged"] = id, m.hasChanged(version)
	d := &definition{kind: kind, name: name, id: id.String(), ends: make([]int32, len(kind.all)), latest: version}
	d.json = make([]byte, 0, 2048)
	for i, p := range kind.all {
		if i > 0 {
			d.json = append(d.json, ',')
		}
		d.json = appendString(d.json, p.name)
		d.json = append(d.json, ':')
		if value, ok := set[p.name]; ok {
			d.json = appendSetting(d.json, value)
		} else if set["IsManaged"] == false {
			d.json = append(d.json, p.custom...)
		} else {
			d.json = append(d.json, p.initial...)
		}
		d.ends[i] = int32(len(d.json))
	}
	return d
}

// hasChanged tells whether what has the version has changed since the version that was asked for.
func (m *metadata) hasChanged(version int64) raw {
	switch {
	case m.since == nil:
		return raw("null")
	case version > *m.since:
		return raw("true")
	}
	return raw("false")
}

func appendSetting(b []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(b, "null"...)
	case string:
		return appendString(b, v)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case float64:
		return strconv.AppendFloat(b, v, 'f', -1, 64)
	case uuid.UUID:
		return append(append(append(b, '"'), v.String()...), '"')
	case raw:
		return append(b, v...)
	case []string:
		b = append(b, '[')
		for i, s := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, s)
		}
		return append(b, ']')
	}
	panic("emulator: no JSON for this value of a definition") // the definitions are our own
}

// property is the i-th property, as "Name":value.
func (d *definition) property(i int) []byte {
	start := int32(0)
	if i > 0 {
		start = d.ends[i-1] + 1
	}
	return d.json[start:d.ends[i]]
}

// value is the JSON of the i-th property's value.
func (d *definition) value(i int) []byte {
	return d.property(i)[len(d.kind.all[i].name)+3:]
}

// orNull turns "" into null.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// label is a Label: the text in English and its translations. Its ids are derived from what it labels, so that they
// stay the same.
func (m *metadata) label(text string, translations map[int]string, owner uuid.UUID, part string, managed bool) raw {
	languages := slices.Sorted(maps.Keys(translations))
	if text != "" {
		languages = append([]int{english}, languages...)
	}
	var all, user []byte
	for _, language := range languages {
		if m.languages != nil && !slices.Contains(m.languages, language) {
			continue
		}
		var o object
		if language == english {
			o.text("Label", text)
		} else {
			o.text("Label", translations[language])
		}
		o.any("LanguageCode", language)
		o.any("IsManaged", managed)
		o.text("MetadataId", labelID(owner, part, language).String())
		o.raw("HasChanged", []byte("null"))
		one := o.bytes()
		all = append(comma(all, 0), one...)
		if language == english {
			user = one
		}
	}
	if all == nil {
		return raw(noLabel)
	}
	if user == nil {
		user = []byte("null")
	}
	return slices.Concat(raw(`{"LocalizedLabels":[`), all, raw(`],"UserLocalizedLabel":`), user, raw("}"))
}

// labelID is the id of a text in a language. That in English is as old as the label.
func labelID(owner uuid.UUID, part string, language int) uuid.UUID {
	if language != english {
		part += "/" + strconv.Itoa(language)
	}
	return uuid.NewSHA1(owner, []byte(part))
}

// english is the language of all labels.
const english = 1033
