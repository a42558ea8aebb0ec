package emulator

import (
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
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

// define makes a definition of the kind. Version is that of its last change.
func (m *metadata) define(kindName, name string, id uuid.UUID, version int64, set settings) *definition {
	kind := m.types[kindName]
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

// label is a Label with one text in English. Its id is derived from what it labels, so that it stays the same.
func (m *metadata) label(text string, owner uuid.UUID, part string) raw {
	if text == "" || m.languages != nil && !slices.Contains(m.languages, english) {
		return raw(noLabel)
	}
	var o object
	o.text("Label", text)
	o.any("LanguageCode", english)
	o.raw("IsManaged", []byte("true"))
	o.text("MetadataId", uuid.NewSHA1(owner, []byte(part)).String())
	o.raw("HasChanged", []byte("null"))
	one := string(o.bytes())
	var b strings.Builder
	b.Grow(2*len(one) + 48)
	b.WriteString(`{"LocalizedLabels":[` + one + `],"UserLocalizedLabel":` + one + `}`)
	return raw(b.String())
}

// english is the language of all labels.
const english = 1033
