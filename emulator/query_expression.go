package emulator

import (
	"errors"
	"net/http"
	"strings"
	"unicode"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/fetchxml"
)

// readQueryExpression reads a QueryExpression, the query language of the organization service, as the FetchXML query
// that selects the same rows.
func readQueryExpression(query members) (*fetchxml.Fetch, error) {
	tree := fetchxml.Fetch{Entity: fetchxml.Entity{Name: textOf(query, "EntityName"), Body: queryBody(query, "Criteria")}}
	parsed, err := fetchxml.Parse(tree.String())
	if fault, ok := errors.AsType[*fetchxml.Error](err); ok {
		return nil, fail(http.StatusBadRequest, fault.Code, "%s", fault.Error())
	}
	return parsed, err
}

func textOf(object members, name string) string {
	value, _ := object.get(name)
	return literalText(value)
}

func objectOf(object members, name string) members {
	value, _ := object.get(name)
	inner, _ := value.(members)
	return inner
}

func itemsOf(object members, name string) []members {
	value, _ := object.get(name)
	return arguments{values: map[string]any{"": value}}.items("")
}

func queryBody(object members, criteria string) fetchxml.Body {
	var body fetchxml.Body
	if filter := objectOf(object, criteria); filter != nil {
		body.Filters = []fetchxml.Filter{queryFilter(filter)}
	}
	for _, link := range itemsOf(object, "LinkEntities") {
		kind := fetchxml.Inner
		if textOf(link, "JoinOperator") == "LeftOuter" {
			kind = fetchxml.Outer
		}
		body.Links = append(body.Links, fetchxml.Link{
			Name: textOf(link, "LinkToEntityName"), From: textOf(link, "LinkToAttributeName"), To: textOf(link, "LinkFromAttributeName"),
			Alias: textOf(link, "EntityAlias"), Type: kind, Body: queryBody(link, "LinkCriteria"),
		})
	}
	return body
}

func queryFilter(object members) fetchxml.Filter {
	f := fetchxml.Filter{Or: textOf(object, "FilterOperator") == "Or"}
	for _, condition := range itemsOf(object, "Conditions") {
		c := fetchxml.Condition{
			Attribute:  textOf(condition, "AttributeName"),
			EntityName: textOf(condition, "EntityName"),
			Operator:   fetchxml.Operator(queryOperator(textOf(condition, "Operator"))),
		}
		values, _ := condition.get("Values")
		items, _ := values.([]any)
		for _, item := range items {
			if typed, ok := item.(members); ok { // {"Value":"5","Type":"System.Int32"}
				item, _ = typed.get("Value")
			}
			c.Values = append(c.Values, literalText(item))
		}
		f.Conditions = append(f.Conditions, c)
	}
	for _, inner := range itemsOf(object, "Filters") {
		f.Filters = append(f.Filters, queryFilter(inner))
	}
	return f
}

// queryOperator is the FetchXML name of a ConditionOperator: LastXDays is last-x-days, but Equal is eq.
func queryOperator(name string) string {
	switch name {
	case "Equal":
		return "eq"
	case "NotEqual":
		return "ne"
	case "GreaterThan":
		return "gt"
	case "GreaterEqual":
		return "ge"
	case "LessThan":
		return "lt"
	case "LessEqual":
		return "le"
	case "DoesNotBeginWith":
		return "not-begin-with"
	case "DoesNotEndWith":
		return "not-end-with"
	case "BeginsWith", "EndsWith":
		return strings.ToLower(name[:len(name)-len("With")]) + "-with"
	case "Last7Days":
		return "last-seven-days"
	case "Next7Days":
		return "next-seven-days"
	case "DoesNotContainValues":
		return "not-contain-values"
	case "AboveOrEqual", "UnderOrEqual":
		return "eq-or-" + strings.ToLower(name[:len("Above")])
	}
	if rest, ok := strings.CutPrefix(name, "Equal"); ok {
		return "eq-" + strings.ToLower(rest)
	}
	if rest, ok := strings.CutPrefix(name, "NotEqual"); ok {
		return "ne-" + strings.ToLower(rest)
	}
	name = strings.Replace(name, "OlderThan", "Olderthan", 1)
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
