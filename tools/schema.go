package tools

import (
	"reflect"

	"github.com/invopop/jsonschema"
)

// schemaOf returns the JSON Schema (2020-12) of T in one piece: clients differ
// in whether they follow $ref, and a $schema or $id on every tool is paid for
// by the model without telling it anything.
func schemaOf[T any]() *jsonschema.Schema {
	r := jsonschema.Reflector{Anonymous: true, DoNotReference: true, ExpandedStruct: true, Mapper: portable}
	s := r.Reflect(*new(T))
	s.Version = ""
	return s
}

// shorten takes from the objects inside an answer what costs a model tokens and tells it nothing: that each of their
// members is there, and no other.
func shorten(answer *jsonschema.Schema) {
	for pair := answer.Properties.Oldest(); pair != nil; pair = pair.Next() {
		inner := pair.Value
		if inner.Items != nil {
			inner = inner.Items
		}
		if inner.Properties != nil {
			inner.AdditionalProperties, inner.Required = nil, nil
			shorten(inner)
		}
	}
}

// portable leaves the items of a list of anything undescribed: the bare true
// that would say the same is more than some clients can read.
func portable(t reflect.Type) *jsonschema.Schema {
	if t == reflect.TypeFor[[]any]() {
		return &jsonschema.Schema{Type: "array"}
	}
	return nil
}

// addConnection gives s the optional argument that says which of several
// connections to use. The first is the default.
func addConnection(s *jsonschema.Schema, names []string) {
	choices := make([]any, len(names))
	for i, name := range names {
		choices[i] = name
	}
	s.Properties.Set(connectionArg, &jsonschema.Schema{
		Type: "string", Enum: choices, Default: names[0], Description: "Environment to use.",
	})
}

const connectionArg = "connection"
