package emulator

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

//go:embed metadata_types.txt
var metadataTypesText string

// namespace is what all types are named in.
const namespace = "Microsoft.Dynamics.CRM."

// metadataType is a type of the metadata: of a definition (an entity type), of a part of one (complex) or an enum.
type metadataType struct {
	kind    string // entity, complex or enum
	name    string
	base    *metadataType
	own     []metadataProperty
	navs    []metadataProperty // with those of the base type
	members []string           // of an enum, as name=value
	all     []metadataProperty // with those of the base type, in the order of the service's answers
	index   map[string]int     // into all
	// expanded orders all as answers do that went through $expand or a cast: the base type's properties first.
	expanded []int
}

// metadataProperty is a property. Initial is its value, as JSON, where a definition says nothing else.
type metadataProperty struct {
	name, kind string
	complex    bool // its type is a complex type, or a collection of one
	initial    []byte
	custom     []byte // the initial value in what users made, which is not managed
}

// isA reports whether the type is the other, or derived from it.
func (t *metadataType) isA(other *metadataType) bool {
	for ; t != nil; t = t.base {
		if t == other {
			return true
		}
	}
	return false
}

// nav finds a navigation property.
func (t *metadataType) nav(name string) (metadataProperty, bool) {
	for _, p := range t.navs {
		if p.name == name {
			return p, true
		}
	}
	return metadataProperty{}, false
}

// collection tells Collection(X) from X, and returns X.
func (p metadataProperty) collection() (string, bool) {
	inner, ok := strings.CutPrefix(p.kind, "Collection(")
	return strings.TrimSuffix(inner, ")"), ok
}

// metadataTypes are the types by name, and in the order of their text.
type metadataTypes struct {
	byName map[string]*metadataType
	sorted []*metadataType
}

var loadMetadataTypes = sync.OnceValue(func() metadataTypes { return parseMetadataTypes(metadataTypesText) })

func parseMetadataTypes(text string) metadataTypes {
	types := metadataTypes{byName: map[string]*metadataType{}}
	var current *metadataType
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch words[0] {
		case "#":
		case "enum", "complex", "entity":
			current = &metadataType{kind: words[0], name: words[1]}
			if words[0] == "enum" {
				current.members = words[2:]
			} else if len(words) > 2 {
				current.base = types.byName[words[2]]
			}
			types.byName[current.name] = current
			types.sorted = append(types.sorted, current)
		case ">":
			current.navs = append(current.navs, metadataProperty{name: words[1], kind: words[2]})
		default:
			current.own = append(current.own, types.property(words))
		}
	}
	for _, t := range types.sorted {
		t.arrange()
	}
	return types
}

const noLabel = `{"LocalizedLabels":[],"UserLocalizedLabel":null}`

// property reads "name type initial value".
func (types metadataTypes) property(words []string) metadataProperty {
	p := metadataProperty{name: words[0], kind: words[1]}
	inner, collection := p.collection()
	t := types.byName[inner]
	p.complex = t != nil && t.kind == "complex"
	ours, theirs := make([]string, len(words)-2), make([]string, len(words)-2)
	for i, word := range words[2:] {
		var differs bool
		if ours[i], theirs[i], differs = strings.Cut(word, "/"); !differs {
			theirs[i] = ours[i]
		}
	}
	p.initial, p.custom = initialValue(t, inner, collection, ours), initialValue(t, inner, collection, theirs)
	return p
}

func initialValue(t *metadataType, kind string, collection bool, initial []string) []byte {
	switch {
	case collection:
		return []byte("[]")
	case kind == "Label":
		return []byte(noLabel)
	case len(initial) == 3:
		value := initial[0]
		if kind == "AttributeRequiredLevelManagedProperty" {
			value = `"` + value + `"`
		}
		return managed(value, initial[1], initial[2])
	case len(initial) == 1 && t != nil && initial[0] != "null":
		return []byte(`"` + initial[0] + `"`)
	case len(initial) == 1:
		return []byte(initial[0])
	}
	return []byte("null")
}

// managed is the JSON of a managed property.
func managed(value, canBeChanged, name string) []byte {
	return []byte(`{"Value":` + value + `,"CanBeChanged":` + canBeChanged + `,"ManagedPropertyLogicalName":"` + name + `"}`)
}

// arrange puts the properties in the order of the service's answers: the type's own before those of its base, and
// simple ones before complex ones.
func (t *metadataType) arrange() {
	var line []*metadataType // from the type up to its root
	for ancestor := t; ancestor != nil; ancestor = ancestor.base {
		line = append(line, ancestor)
	}
	t.index = map[string]int{}
	for _, complexOnes := range []bool{false, true} {
		for _, ancestor := range line {
			for _, p := range ancestor.own {
				if p.complex == complexOnes {
					t.index[p.name] = len(t.all)
					t.all = append(t.all, p)
				}
			}
		}
	}
	for _, complexOnes := range []bool{false, true} {
		for _, ancestor := range slices.Backward(line) {
			for _, p := range ancestor.own {
				if p.complex == complexOnes {
					t.expanded = append(t.expanded, t.index[p.name])
				}
			}
		}
	}
	if t.base != nil && len(t.base.navs) > 0 {
		t.navs = append(append([]metadataProperty(nil), t.base.navs...), t.navs...)
	}
}
