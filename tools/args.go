package tools

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// checker holds arguments to the schema that the model was shown.
type checker struct {
	schema   *jsonschema.Schema
	names    []string                   // the arguments that exist, sorted
	required map[string]bool            // those that have to be there
	defaults map[string]json.RawMessage // those that are filled in
}

// newChecker compiles the input schema of a tool.
func newChecker(input json.RawMessage) (*checker, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(input))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	if err := compiler.AddResource("input.json", doc); err != nil {
		return nil, err
	}
	compiled, err := compiler.Compile("input.json")
	if err != nil {
		return nil, err
	}
	var shown struct {
		Properties map[string]struct {
			Default json.RawMessage `json:"default"`
		} `json:"properties"`
		Required []string `json:"required"`
	}
	if err := json.Unmarshal(input, &shown); err != nil {
		return nil, err
	}
	c := &checker{schema: compiled, required: map[string]bool{}, defaults: map[string]json.RawMessage{}}
	for name, property := range shown.Properties {
		c.names = append(c.names, name)
		if property.Default != nil {
			c.defaults[name] = property.Default
		}
	}
	slices.Sort(c.names)
	for _, name := range shown.Required {
		c.required[name] = true
	}
	return c, nil
}

// check returns args with the defaults of the schema filled in, or an Invalid
// error that lists everything wrong with them at once.
func (c *checker) check(args json.RawMessage) (map[string]json.RawMessage, error) {
	given := map[string]json.RawMessage{}
	if len(bytes.TrimSpace(args)) > 0 && !isNull(args) {
		if err := json.Unmarshal(args, &given); err != nil {
			return nil, invalidArguments("arguments: want one JSON object")
		}
		if name := givenTwice(json.NewDecoder(bytes.NewReader(args))); name != "" {
			return nil, invalidArguments("arguments: " + brief(name) + " is given twice")
		}
	}
	for name, value := range given {
		// Some clients spell an argument that is left out as null.
		if isNull(value) && slices.Contains(c.names, name) && !c.required[name] {
			delete(given, name)
		}
	}
	plain, err := json.Marshal(given)
	if err != nil {
		return nil, invalidArguments("arguments: " + err.Error())
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(plain))
	if err != nil {
		return nil, invalidArguments("arguments: " + err.Error())
	}
	if err := c.schema.Validate(instance); err != nil {
		return nil, invalidArguments(c.problems(err)...)
	}
	for name, value := range c.defaults {
		if _, ok := given[name]; !ok {
			given[name] = value
		}
	}
	return given, nil
}

// givenTwice is a name that an object in the value that d is at has twice; "" for none. Of two values decoding takes the
// last without a word.
func givenTwice(d *json.Decoder) string {
	token, err := d.Token()
	open, ok := token.(json.Delim)
	if err != nil || !ok {
		return ""
	}
	names := map[string]bool{}
	for d.More() {
		if open == '{' {
			key, err := d.Token()
			name, ok := key.(string)
			if err != nil || !ok || names[name] {
				return name
			}
			names[name] = true
		}
		if name := givenTwice(d); name != "" {
			return name
		}
	}
	_, _ = d.Token() // its end, which is there: the text was decoded before
	return ""
}

// problems says in a line each what err found, in the order of the arguments.
func (c *checker) problems(err error) []string {
	found, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return []string{err.Error()}
	}
	var lines []string
	var visit func(*jsonschema.ValidationError)
	visit = func(e *jsonschema.ValidationError) {
		for _, cause := range e.Causes {
			visit(cause)
		}
		if len(e.Causes) == 0 {
			lines = append(lines, c.explain(strings.Join(e.InstanceLocation, "."), e.ErrorKind)...)
		}
	}
	visit(found)
	slices.Sort(lines)
	return slices.Compact(lines)
}

// explain words one finding: the argument, then what came and what is wanted.
func (c *checker) explain(at string, found jsonschema.ErrorKind) []string {
	switch k := found.(type) {
	case *kind.Type:
		return []string{fmt.Sprintf("%s: got %s, want %s", at, k.Got, strings.Join(k.Want, " or "))}
	case *kind.Enum:
		return []string{fmt.Sprintf("%s: got %s, want one of %s%s", at, brief(fmt.Sprint(k.Got)), listed(k.Want), meant(fmt.Sprint(k.Got), k.Want))}
	case *kind.Required:
		return each(k.Missing, func(name string) string { return joined(at, name) + ": missing, but required" })
	case *kind.AdditionalProperties:
		return each(k.Properties, func(name string) string { return joined(at, brief(name)) + ": " + c.unknown(name) })
	case *kind.Minimum:
		return []string{fmt.Sprintf("%s: got %s, want at least %s", at, k.Got.RatString(), k.Want.RatString())}
	case *kind.Maximum:
		return []string{fmt.Sprintf("%s: got %s, want at most %s", at, k.Got.RatString(), k.Want.RatString())}
	case *kind.MinLength, *kind.MinItems:
		return []string{at + ": empty, but needs a value"}
	default:
		return []string{fmt.Sprintf("%s: does not meet %s", at, strings.Join(found.KeywordPath(), "."))}
	}
}

// unknown names the argument that was probably meant.
func (c *checker) unknown(name string) string {
	if len(c.names) == 0 {
		return "unknown argument, this tool takes none"
	}
	best := closest(name, c.names)
	if best == "" {
		return "unknown argument, want one of " + strings.Join(c.names, ", ")
	}
	return "unknown argument, did you mean " + best + "?"
}

// meant is the question after a value that none of those wanted equals.
func meant(got string, want []any) string {
	if best := closest(got, strings.Split(listed(want), ", ")); best != "" {
		return ", did you mean " + best + "?"
	}
	return ""
}

// closest is the one of known that name is most likely a slip of; "" for none.
func closest(name string, known []string) string {
	const longest = 128 // no name is longer, and the cost of comparing grows with the length
	if len(name) > longest {
		return ""
	}
	best, distance := "", 1+len(name)/2
	for _, k := range known {
		if d := levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	return best
}

func invalidArguments(problems ...string) error {
	return refused("Correct the arguments and call again.", "%s", strings.Join(problems, "; "))
}

// decode reads checked arguments into the type of a handler. Numbers inside
// free-form values keep every digit.
func decode(args json.RawMessage, in any) error {
	d := json.NewDecoder(bytes.NewReader(args))
	d.UseNumber()
	if err := d.Decode(in); err != nil {
		return invalidArguments(err.Error())
	}
	return nil
}

func isNull(value json.RawMessage) bool {
	return bytes.Equal(bytes.TrimSpace(value), []byte("null"))
}

func joined(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func each(names []string, line func(string) string) []string {
	lines := make([]string, len(names))
	for i, name := range names {
		lines[i] = line(name)
	}
	return lines
}

func listed(values []any) string {
	words := make([]string, len(values))
	for i, value := range values {
		words[i] = fmt.Sprint(value)
	}
	return strings.Join(words, ", ")
}
