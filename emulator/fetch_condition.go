package emulator

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/fetchxml"
	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// comparisons are the operators that $filter has too.
var comparisons = map[fetchxml.Operator]odata.Op{
	fetchxml.Eq: odata.Eq, fetchxml.Ne: odata.Ne, fetchxml.Neq: odata.Ne,
	fetchxml.Gt: odata.Gt, fetchxml.Ge: odata.Ge, fetchxml.Lt: odata.Lt, fetchxml.Le: odata.Le,
}

// patterns are the operators that match text, as what stands before and after the value.
var patterns = map[fetchxml.Operator]struct {
	before, after string
	negate        bool
}{
	"like": {}, "not-like": {negate: true},
	"begins-with": {after: "%"}, "not-begin-with": {after: "%", negate: true},
	"ends-with": {before: "%"}, "not-end-with": {before: "%", negate: true},
}

// condition compiles a condition of a filter that stands in the scope.
func (q *fetchQuery) condition(s scope, c *fetchxml.Condition) (fragment, error) {
	if c.EntityName != "" {
		named, err := q.named(c.EntityName)
		if err != nil {
			return fragment{}, err
		}
		s = named
	}
	on, err := q.operand(s, c.Attribute)
	if err != nil {
		return fragment{}, err
	}
	compiled, err := q.compare(s, on, c)
	if fault, ok := errors.AsType[*Error](err); ok && fault.Code == codeODataRequest {
		text := strings.Replace(fault.Message, "function '"+namespace+functionName(c.Operator)+"'", "operator '"+string(c.Operator)+"'", 1)
		return compiled, fail(http.StatusBadRequest, codeBadCondition, "Condition for attribute '%s.%s': %s", s.table.Logical, c.Attribute, text)
	}
	return compiled, err
}

// named is the scope that an entityname or the first half of a valueof means.
func (q *fetchQuery) named(alias string) (scope, error) {
	s, ok := q.names[alias]
	if !ok {
		return s, fail(http.StatusBadRequest, codeNoSuchAlias, "Link entity with name or alias %s is not found", alias)
	}
	return s, nil
}

func (q *fetchQuery) compare(s scope, on operand, c *fetchxml.Condition) (fragment, error) {
	switch c.Operator {
	case "null":
		return concat(on.fragment, " IS NULL"), nil
	case "not-null":
		return concat(on.fragment, " IS NOT NULL"), nil
	}
	if op, ok := comparisons[c.Operator]; ok {
		with, err := q.comparand(s, on, c)
		if err != nil {
			return fragment{}, err
		}
		return compared(on, op, with)
	}
	if p, ok := patterns[c.Operator]; ok {
		if on.edm != "Edm.String" {
			return fragment{}, badRequest("the operator '%s' needs a text column.", c.Operator)
		}
		return matches(on, p.before+c.Values[0]+p.after, p.negate), nil
	}
	return q.function(s, on, c)
}

// comparand is what a comparison compares the column with: a value or, with valueof, a column.
func (q *fetchQuery) comparand(s scope, on operand, c *fetchxml.Condition) (operand, error) {
	if c.ValueOf == "" {
		return typed(on, q.entityCode(on, c.Values[0]))
	}
	alias, name, linked := strings.Cut(c.ValueOf, ".")
	if !linked {
		return q.operand(s, c.ValueOf)
	}
	other, err := q.named(alias)
	if err != nil {
		return operand{}, err
	}
	return q.operand(other, name)
}

// entityCode is the name of the table whose type code is given where a column holds names of tables.
func (q *fetchQuery) entityCode(on operand, text string) string {
	code, err := strconv.Atoi(text)
	if err != nil || on.column.Type != schema.EntityName {
		return text
	}
	for _, t := range q.schema.Tables {
		if t.TypeCode == code {
			return t.Logical
		}
	}
	return text
}

// function compiles an operator that $filter has as a query function.
func (q *fetchQuery) function(s scope, on operand, c *fetchxml.Condition) (fragment, error) {
	f := &queryFunction{filter: &filter{call: q.call, row: s}, name: functionName(c.Operator), on: on, column: on.column, row: s,
		args: map[string]odata.Expr{}}
	var values []odata.Expr
	for i, text := range c.Values {
		literal := &odata.Literal{Kind: odata.String, Value: text}
		values = append(values, literal)
		f.args["PropertyValue"+strconv.Itoa(i+1)] = literal
	}
	f.args["PropertyValues"] = &odata.List{Items: values}
	if len(values) == 1 {
		f.args["PropertyValue"] = values[0]
	}
	return f.compile()
}

// functionNames are the query functions that are called otherwise than the operator.
var functionNames = map[fetchxml.Operator]string{
	"not-contain-values": "DoesNotContainValues", "eq-or-above": "AboveOrEqual", "eq-or-under": "UnderOrEqual",
	"last-seven-days": "Last7Days", "next-seven-days": "Next7Days",
	"eq-userid": "EqualUserId", "ne-userid": "NotEqualUserId", "eq-userteams": "EqualUserTeams",
	"eq-useroruserteams": "EqualUserOrUserTeams", "eq-useroruserhierarchy": "EqualUserOrUserHierarchy",
	"eq-useroruserhierarchyandteams": "EqualUserOrUserHierarchyAndTeams",
	"eq-businessid":                  "EqualBusinessId", "ne-businessid": "NotEqualBusinessId", "eq-userlanguage": "EqualUserLanguage",
}

// functionName is the query function that does what the operator does: last-x-days is LastXDays.
func functionName(operator fetchxml.Operator) string {
	if name, ok := functionNames[operator]; ok {
		return name
	}
	var name strings.Builder
	for word := range strings.SplitSeq(strings.Replace(string(operator), "olderthan", "older-than", 1), "-") {
		name.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return name.String()
}
