package emulator

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
)

// check refuses what a filter of definitions may not hold.
func (s *view) check(e odata.Expr) error {
	switch e := e.(type) {
	case *odata.Binary:
		switch e.Op {
		case odata.And, odata.Or:
		case odata.Eq, odata.Ne, odata.Gt, odata.Ge, odata.Lt, odata.Le:
			if err := s.checkTypes(e); err != nil {
				return err
			}
		default:
			return badRequest("The query node %s is not supported", nodeName(e.Op))
		}
		if err := s.check(e.L); err != nil {
			return err
		}
		return s.check(e.R)
	case *odata.Unary:
		if e.Op != odata.Not {
			return badRequest("The query node UnaryOperator is not supported")
		}
		return s.check(e.X)
	case *odata.Literal:
		return nil
	case *odata.Path:
		_, err := s.kindOf(e)
		return err
	case *odata.Call:
		return noMetadataFunction(strings.TrimPrefix(e.Name, namespace))
	case *odata.Lambda:
		if e.All {
			return noMetadataFunction("all")
		}
		return noMetadataFunction("any")
	}
	return badRequest("The query node %s is not supported", e)
}

func nodeName(op odata.Op) string {
	if op == odata.In {
		return "In"
	}
	return "BinaryOperator"
}

func noMetadataFunction(name string) *Error {
	return fail(http.StatusNotImplemented, codeSegmentNotFound, `The "%s" function isn't supported for Metadata Entities.`, name)
}

// kindOf is the type of a path's property, such as Edm.Boolean.
func (s *view) kindOf(p *odata.Path) (string, error) {
	t := s.declared
	for i, name := range p.Segments {
		position, ok := t.index[name]
		if !ok {
			return "", noSuchProperty(name, t.name)
		}
		kind := t.all[position].kind
		if i == len(p.Segments)-1 {
			return kind, nil
		}
		if t = loadMetadataTypes().byName[kind]; t == nil || t.kind != "complex" {
			return "", badRequest("The query node %s is not supported", p)
		}
	}
	return "", badRequest("The query node %s is not supported", p)
}

// checkTypes refuses to compare what has no common type, as OData does before it looks at any value.
func (s *view) checkTypes(b *odata.Binary) error {
	left, err := s.operandKind(b.L)
	if err != nil {
		return err
	}
	right, err := s.operandKind(b.R)
	if err != nil {
		return err
	}
	if left == "" || right == "" || comparable(left) != "" && comparable(left) == comparable(right) {
		return nil
	}
	names := map[odata.Op]string{odata.Eq: "Equal", odata.Ne: "NotEqual", odata.Gt: "GreaterThan",
		odata.Ge: "GreaterThanOrEqual", odata.Lt: "LessThan", odata.Le: "LessThanOrEqual"}
	return badRequest("A binary operator with incompatible types was detected. Found operand types '%s' and '%s' for operator kind '%s'.",
		qualified(left), qualified(right), names[b.Op])
}

func qualified(kind string) string {
	if strings.HasPrefix(kind, "Edm.") {
		return kind
	}
	return namespace + kind
}

// operandKind is the type of a property or literal, "" where any will do.
func (s *view) operandKind(e odata.Expr) (string, error) {
	switch e := e.(type) {
	case *odata.Path:
		return s.kindOf(e)
	case *odata.Literal:
		switch e.Kind {
		case odata.Bool:
			return "Edm.Boolean", nil
		case odata.Number:
			return "Edm.Int32", nil
		case odata.String:
			return "Edm.String", nil
		case odata.Enum:
			return strings.TrimPrefix(e.Type, namespace), nil
		}
	}
	return "", nil
}

// comparable maps types to what they are compared as; "" for those with parts, which have no order and no equality. A
// string stands for a member of any enum, and for an id.
func comparable(kind string) string {
	switch kind {
	case "Edm.Int16", "Edm.Int32", "Edm.Int64", "Edm.Decimal", "Edm.Double":
		return "number"
	case "Edm.String", "Edm.Guid", "Edm.DateTimeOffset":
		return "text"
	}
	if t := loadMetadataTypes().byName[kind]; t != nil && t.kind == "enum" {
		return "text"
	}
	if strings.HasPrefix(kind, "Edm.") {
		return kind
	}
	return ""
}

// matches evaluates the filter, which check has passed.
func (s *view) matches(d *definition) bool { return isTrue(s.evaluate(s.filter, d)) }

func isTrue(v any) bool {
	yes, ok := v.(bool)
	return ok && yes
}

// evaluate returns nil, bool, float64 or string. Null equals null, and is neither above nor below anything.
func (s *view) evaluate(e odata.Expr, d *definition) any {
	switch e := e.(type) {
	case *odata.Binary:
		switch e.Op {
		case odata.And:
			return isTrue(s.evaluate(e.L, d)) && isTrue(s.evaluate(e.R, d))
		case odata.Or:
			return isTrue(s.evaluate(e.L, d)) || isTrue(s.evaluate(e.R, d))
		}
		return compare(e.Op, s.evaluate(e.L, d), s.evaluate(e.R, d))
	case *odata.Unary:
		return !isTrue(s.evaluate(e.X, d))
	case *odata.Literal:
		return literalValue(e)
	case *odata.Path:
		return d.at(e.Segments)
	}
	return nil
}

func compare(op odata.Op, left, right any) bool {
	switch op {
	case odata.Eq:
		return left == right
	case odata.Ne:
		return left != right
	}
	var order int
	switch l := left.(type) {
	case string:
		r, ok := right.(string)
		if !ok {
			return false
		}
		order = cmp.Compare(l, r)
	case float64:
		r, ok := right.(float64)
		if !ok {
			return false
		}
		order = cmp.Compare(l, r)
	default:
		return false
	}
	switch op {
	case odata.Gt:
		return order > 0
	case odata.Ge:
		return order >= 0
	case odata.Lt:
		return order < 0
	}
	return order <= 0
}

func literalValue(l *odata.Literal) any {
	switch l.Kind {
	case odata.Null:
		return nil
	case odata.Bool:
		return l.Value == "true"
	case odata.Number:
		n, err := strconv.ParseFloat(l.Value, 64)
		if err != nil {
			return nil
		}
		return n
	}
	return l.Value
}

// at is the value at a path, such as LogicalName or IsCustomizable/Value.
func (d *definition) at(path []string) any {
	position, ok := d.kind.index[path[0]]
	if !ok {
		return nil
	}
	text := d.value(position)
	if len(path) == 1 && text[0] == '"' && !strings.ContainsRune(string(text), '\\') {
		return string(text[1 : len(text)-1])
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return nil
	}
	for _, name := range path[1:] {
		inner, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = inner[name]
	}
	return value
}

// withoutAliases replaces @p in a filter by what the query string gives it.
func (c *call) withoutAliases(e odata.Expr) (odata.Expr, error) {
	switch e := e.(type) {
	case *odata.Alias:
		return c.resolveAlias(e)
	case *odata.Unary:
		x, err := c.withoutAliases(e.X)
		return &odata.Unary{Op: e.Op, X: x}, err
	case *odata.Binary:
		l, err := c.withoutAliases(e.L)
		if err != nil {
			return nil, err
		}
		r, err := c.withoutAliases(e.R)
		return &odata.Binary{Op: e.Op, L: l, R: r}, err
	}
	return e, nil
}

// memberOf is the JSON of a member of a JSON object, nil if there is none.
func memberOf(text []byte, name string) []byte {
	var inner map[string]json.RawMessage
	if err := json.Unmarshal(text, &inner); err != nil {
		return nil
	}
	return inner[name]
}

// plainValue answers with a value as text.
func (c *call) plainValue(value []byte) error {
	if string(value) == "null" {
		return c.empty()
	}
	if value[0] == '{' || value[0] == '[' {
		return badRequest("$value is only supported on a primitive property.")
	}
	var text string
	if err := json.Unmarshal(value, &text); err != nil {
		text = string(value)
	}
	return c.plain(http.StatusOK, text)
}
