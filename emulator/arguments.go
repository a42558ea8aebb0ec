package emulator

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// arguments are what a message is called with.
type arguments struct {
	values map[string]any        // by parameter name, as body reads them: nil, bool, json.Number, string, members or []any
	given  map[string]odata.Expr // those of a function as the URL has them
	bound  location              // the row that it is called on
}

// nowhere stands for the table in the payload errors of messages that are bound to none.
var nowhere = &schema.Table{}

func missingArgument(name string) *Error {
	return fail(http.StatusBadRequest, codeInvalidArgument, "Required field '%s' is missing", name)
}

// functionArguments reads arguments in place or through an alias. A function is found by the names of its parameters:
// with others it does not exist.
func (c *call) functionArguments(m message, s odata.Segment) (arguments, error) {
	args := arguments{values: map[string]any{}, given: map[string]odata.Expr{}}
	if s.Key != nil {
		return args, noSuchSegment(s.Name)
	}
	for _, a := range s.Args {
		i := slices.IndexFunc(m.parameters, func(p parameter) bool { return p.name == a.Name })
		if _, twice := args.values[a.Name]; i < 0 || twice {
			return args, noSuchSegment(s.Name)
		}
		e, err := c.resolveAlias(a.Value)
		if err != nil {
			return args, err
		}
		if args.values[a.Name], err = functionArgument(m.parameters[i], e); err != nil {
			return args, err
		}
		args.given[a.Name] = e
	}
	for _, p := range m.parameters {
		if _, given := args.values[p.name]; !given && !p.optional {
			return args, noSuchSegment(s.Name)
		}
	}
	return args, args.complete(m)
}

// resolveAlias replaces @p by the value that the query string gives it. An alias without one is null.
func (c *call) resolveAlias(e odata.Expr) (odata.Expr, error) {
	alias, ok := e.(*odata.Alias)
	if !ok {
		return e, nil
	}
	text, given := c.query["@"+alias.Name]
	if !given {
		return &odata.Literal{Kind: odata.Null}, nil
	}
	return odata.ParseValue(text[0])
}

// functionArgument turns an argument in a URL into the value that a body would have. A member of an enumeration may
// stand with its type or without.
func functionArgument(p parameter, e odata.Expr) (any, error) {
	value, enum, ok := jsonOf(e)
	if !ok || enum != "" && enum != namespace+p.kind || fits(p.kind, value) != nil {
		return nil, badRequest("The argument '%s' is not %s: %s", p.name, p.article(), e)
	}
	return value, nil
}

// article says what an argument of the parameter's type is.
func (p parameter) article() string {
	switch t := loadMetadataTypes().byName[p.kind]; {
	case t != nil && t.kind == "enum":
		return "a member of " + namespace + p.kind
	case strings.HasPrefix(p.kind, "Edm.") || strings.HasPrefix(p.kind, "Collection("):
		return "a " + p.kind
	}
	return "a " + namespace + p.kind
}

// jsonOf is an expression's JSON value, with the type where it is a member of an enumeration.
func jsonOf(e odata.Expr) (value any, enum string, ok bool) {
	switch e := e.(type) {
	case *odata.Literal:
		switch e.Kind {
		case odata.Null:
			return nil, "", true
		case odata.Bool:
			return e.Value == "true", "", true
		case odata.Number:
			return json.Number(e.Value), "", true
		}
		return e.Value, e.Type, true
	case *odata.List:
		items := make([]any, len(e.Items))
		for i, item := range e.Items {
			if items[i], _, ok = jsonOf(item); !ok {
				return nil, "", false
			}
		}
		return items, "", true
	case *odata.Object:
		d := json.NewDecoder(strings.NewReader(e.Text))
		d.UseNumber()
		value, err := bodyReader{decoder: d, table: nowhere}.value(0)
		return value, "", err == nil
	}
	return nil, "", false
}

// actionArguments reads arguments from the body. An action that needs none needs no body.
func (c *call) actionArguments(m message, s odata.Segment) (arguments, error) {
	args := arguments{values: map[string]any{}}
	t := nowhere
	if bound := c.schema.Table(m.bound); bound != nil {
		t = bound
	}
	if s.Key != nil || len(s.Args) > 0 {
		return args, noSuchSegment(s.Name)
	}
	body := bufio.NewReader(c.r.Body)
	if _, err := body.Peek(1); errors.Is(err, io.EOF) {
		return args, args.complete(m)
	}
	c.r.Body = io.NopCloser(body)
	object, err := c.body(t)
	if err != nil {
		return args, err
	}
	for _, given := range object {
		if strings.Contains(given.name, "@") {
			continue // an annotation
		}
		i := slices.IndexFunc(m.parameters, func(p parameter) bool { return p.name == given.name })
		if i < 0 {
			return args, notParameter(t, given.name, m.name)
		}
		if err := fits(m.parameters[i].kind, given.value); err != nil {
			return args, payload(t, "%s", err.Error())
		}
		args.values[given.name] = given.value
	}
	return args, args.complete(m)
}

func notParameter(t *schema.Table, name, operation string) *Error {
	return payload(t, "The parameter '%s' in the request payload is not a valid parameter for the operation '%s'.", name, operation)
}

// complete refuses a call without a parameter that the message needs.
func (a arguments) complete(m message) error {
	for _, p := range m.parameters {
		if !p.optional && a.values[p.name] == nil {
			return missingArgument(p.name)
		}
	}
	return nil
}

// misfit says that a value is not of the type of its parameter, as the OData library does.
type misfit string

// Error returns the sentence.
func (m misfit) Error() string { return string(m) }

// fits checks a value against a type. Objects are not looked into: what the message reads of them it checks itself.
func fits(kind string, value any) error {
	if value == nil {
		return nil
	}
	if inner, ok := strings.CutPrefix(kind, "Collection("); ok {
		items, ok := value.([]any)
		if !ok {
			return misfit("An unexpected '" + node(value) + "' node was found when reading from the JSON reader. A 'StartArray' node was expected.")
		}
		for _, item := range items {
			if err := fits(strings.TrimSuffix(inner, ")"), item); err != nil {
				return err
			}
		}
		return nil
	}
	t := loadMetadataTypes().byName[kind]
	if isEnum := t != nil && t.kind == "enum"; !isEnum && !strings.HasPrefix(kind, "Edm.") {
		if _, ok := value.(members); !ok {
			return misfit("An unexpected '" + node(value) + "' node was found when reading from the JSON reader. A 'StartObject' node was expected.")
		}
		return nil
	}
	if !fitsPrimitive(kind, t, value) {
		return misfit("Cannot convert the literal '" + literalText(value) + "' to the expected type '" + kind + "'.")
	}
	return nil
}

func fitsPrimitive(kind string, enum *metadataType, value any) bool {
	switch {
	case kind == "Edm.Int32": // text too, as the OData library does
		_, err := strconv.ParseInt(literalText(value), 10, 32)
		return err == nil
	case kind == "Edm.Int64":
		_, err := strconv.ParseInt(literalText(value), 10, 64)
		return err == nil
	case kind == "Edm.Binary":
		text, isText := value.(string)
		_, err := base64.StdEncoding.DecodeString(text)
		return isText && err == nil
	case enum != nil:
		text, isText := value.(string)
		_, isNumber := value.(json.Number)
		return isNumber || isText && enum.hasMembers(text)
	}
	return fitsProperty(kind, nil, value)
}

// hasMembers reports whether text names members of the enumeration, separated by commas.
func (t *metadataType) hasMembers(text string) bool {
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name) + "="
		if !slices.ContainsFunc(t.members, func(member string) bool { return strings.HasPrefix(member, name) }) {
			return false
		}
	}
	return true
}

// text is an argument that is text, a guid or a member of an enumeration; "" for null.
func (a arguments) text(name string) string {
	s, _ := a.values[name].(string)
	return s
}

// number is an Edm.Int32 or Edm.Int64 argument, 0 for null.
func (a arguments) number(name string) int64 {
	n, _ := strconv.ParseInt(literalText(a.values[name]), 10, 64)
	return n
}

// flag is an Edm.Boolean argument, false for null.
func (a arguments) flag(name string) bool {
	b, _ := a.values[name].(bool)
	return b
}

// binary is an Edm.Binary argument, nil for null.
func (a arguments) binary(name string) []byte {
	data, _ := base64.StdEncoding.DecodeString(a.text(name))
	return data
}

// texts is an argument that is a collection of strings.
func (a arguments) texts(name string) []string {
	items, _ := a.values[name].([]any)
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i], _ = item.(string)
	}
	return texts
}

// object is an argument that is a row or a complex value, nil for null.
func (a arguments) object(name string) members {
	m, _ := a.values[name].(members)
	return m
}

// items is an argument that is a collection of rows or complex values.
func (a arguments) items(name string) []members {
	items, _ := a.values[name].([]any)
	objects := make([]members, len(items))
	for i, item := range items {
		objects[i], _ = item.(members)
	}
	return objects
}
