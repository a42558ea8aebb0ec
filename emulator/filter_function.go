package emulator

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

func unsupportedFunction(name string) *Error {
	return badRequest("The function '%s' is not supported.", name)
}

// function compiles contains and its like, and the query functions of Dataverse.
func (f *filter) function(e *odata.Call, negate bool) (fragment, error) {
	if err := f.count(); err != nil {
		return fragment{}, err
	}
	switch e.Name {
	case "contains":
		return f.like(e, "%", "%", negate)
	case "startswith":
		return f.like(e, "", "%", negate)
	case "endswith":
		return f.like(e, "%", "", negate)
	}
	name, qualified := strings.CutPrefix(e.Name, namespace)
	if !qualified {
		return fragment{}, unsupportedFunction(e.Name)
	}
	q, err := f.queryFunction(name, e)
	if err != nil {
		return fragment{}, err
	}
	compiled, err := q.compile()
	if err != nil || !negate {
		return compiled, err
	}
	return concat("(", compiled, ") IS NOT TRUE"), nil
}

// like compiles contains(column,'text'). The text's own wildcards are live, as on the real service.
func (f *filter) like(e *odata.Call, before, after string, negate bool) (fragment, error) {
	if len(e.Args) != 2 {
		return fragment{}, badRequest("No function signature for the function with name '%s' matches the specified arguments.", e.Name)
	}
	column, err := f.operand(e.Args[0].Value)
	if err != nil {
		return fragment{}, err
	}
	text, err := f.operand(e.Args[1].Value)
	if err != nil {
		return fragment{}, err
	}
	if column.edm != "Edm.String" || text.edm != "Edm.String" {
		return fragment{}, badRequest("No function signature for the function with name '%s' matches the specified arguments. The function signatures considered are: %[1]s(Edm.String Nullable=true, Edm.String Nullable=true).", e.Name)
	}
	if column.literal || !text.literal {
		return fragment{}, unsupportedNode("SingleValueFunctionCall")
	}
	return matches(column, before+text.text+after, negate), nil
}

// matches compiles the comparison of a text with a pattern.
func matches(column operand, pattern string, negate bool) fragment {
	match := concat(store.Like+"(", column.fragment, ", ", value(pattern), ")")
	if negate {
		return concat("(", match, " = 0 OR ", column.fragment, " IS NULL)") // "does not contain" keeps empty values
	}
	return match
}

// queryFunction is a call such as Microsoft.Dynamics.CRM.LastXDays(PropertyName='createdon',PropertyValue=7).
type queryFunction struct {
	*filter
	name   string
	on     operand
	column *schema.Column
	row    scope // the row that PropertyName starts from
	args   map[string]odata.Expr
}

func (f *filter) queryFunction(name string, e *odata.Call) (*queryFunction, error) {
	q := &queryFunction{filter: f, name: name, row: f.row, args: map[string]odata.Expr{}}
	if len(e.On) > 0 {
		from, rest := f.start(e.On)
		if len(rest) > 0 {
			return nil, unsupportedNode("SingleResourceFunctionCall")
		}
		q.row = from
	}
	for _, a := range e.Args {
		v := a.Value
		if alias, ok := v.(*odata.Alias); ok {
			meant, err := f.resolve(alias)
			if err != nil {
				return nil, err
			}
			v = meant
		}
		q.args[a.Name] = v
	}
	property, err := q.text("PropertyName")
	if err != nil {
		return nil, err
	}
	path := strings.Split(property, "/")
	last := len(path) - 1
	to := q.row.table
	for _, step := range path[:last] {
		nav, ok := to.Nav(step)
		if !ok || nav.One == nil {
			return nil, noSuchProperty(step, to.Logical)
		}
		to = f.schema.Table(nav.One.Referenced)
	}
	if c := to.Column(path[last]); c != nil {
		path[last] = c.PropertyName() // lookups go by their logical names here
	}
	if q.on, err = f.column(q.row, path); err != nil {
		return nil, err
	}
	if q.on.column == nil {
		return nil, noSuchProperty(property, to.Logical)
	}
	q.column = q.on.column
	return q, nil
}

// text is an argument that must be a string.
func (q *queryFunction) text(name string) (string, error) {
	if l, ok := q.args[name].(*odata.Literal); ok && l.Kind != odata.Null {
		return l.Value, nil
	}
	return "", badRequest("The parameter '%s' of the function '%s%s' is missing or is not a single value.", name, namespace, q.name)
}

// list is the PropertyValues argument.
func (q *queryFunction) list() ([]string, error) {
	list, ok := q.args["PropertyValues"].(*odata.List)
	if !ok {
		return nil, badRequest("The parameter 'PropertyValues' of the function '%s%s' is missing or is not a collection.", namespace, q.name)
	}
	var all []string
	for _, item := range list.Items {
		l, ok := item.(*odata.Literal)
		if !ok {
			return nil, badRequest("The parameter 'PropertyValues' of the function '%s%s' holds more than primitive values.", namespace, q.name)
		}
		all = append(all, l.Value)
	}
	return all, nil
}

// typed reads a value as the column's type: they come as strings, numbers too.
func (q *queryFunction) typed(text string) (fragment, error) {
	o, err := typed(q.on, text)
	if err != nil {
		return fragment{}, err
	}
	o, err = o.as(q.on, odata.Eq)
	return o.fragment, err
}

// typed is the constant that a text means where it is compared with a column.
func typed(on operand, text string) (operand, error) {
	l := odata.Literal{Kind: odata.String, Value: text}
	switch class(on.edm) {
	case "number":
		l.Kind = odata.Number
		if !isNumber(text) {
			return operand{}, badRequest("The value '%s' of '%s' is not a number.", text, on.column.Logical)
		}
	case "date":
		l.Kind = odata.DateTime
	case "Edm.Boolean":
		l.Kind, l.Value = odata.Bool, fmt.Sprint(text == "1" || strings.EqualFold(text, "true"))
	}
	return constant(&l)
}

func (q *queryFunction) compile() (fragment, error) {
	if compile, ok := valueFunctions[q.name]; ok {
		return compile(q)
	}
	if compile, ok := userFunctions[q.name]; ok {
		return compile(q)
	}
	if compile, ok := hierarchyFunctions[q.name]; ok {
		return compile(q)
	}
	if class(q.on.edm) != "date" {
		if _, ok := periods[q.name]; ok || strings.Contains(q.name, "X") || strings.HasPrefix(q.name, "On") {
			return fragment{}, badRequest("The function '%s%s' needs a date column, '%s' is none.", namespace, q.name, q.column.Logical)
		}
	}
	return q.period()
}

var valueFunctions = map[string]func(*queryFunction) (fragment, error){
	"In":                   func(q *queryFunction) (fragment, error) { return q.in(" IN (") },
	"NotIn":                func(q *queryFunction) (fragment, error) { return q.in(" NOT IN (") },
	"Between":              func(q *queryFunction) (fragment, error) { return q.between(" BETWEEN ") },
	"NotBetween":           func(q *queryFunction) (fragment, error) { return q.between(" NOT BETWEEN ") },
	"ContainValues":        func(q *queryFunction) (fragment, error) { return q.containValues("") },
	"DoesNotContainValues": func(q *queryFunction) (fragment, error) { return q.containValues("NOT ") },
}

func (q *queryFunction) in(operator string) (fragment, error) {
	list, err := q.list()
	if err != nil {
		return fragment{}, err
	}
	if q.column.Type == schema.MultiSelect {
		return q.exactly(list, operator == " NOT IN ("), nil
	}
	parts := []any{q.on.fragment, operator}
	for i, text := range list {
		v, err := q.typed(text)
		if err != nil {
			return fragment{}, err
		}
		if i > 0 {
			parts = append(parts, ",")
		}
		parts = append(parts, v)
	}
	return concat(append(parts, ")")...), nil
}

func (q *queryFunction) between(operator string) (fragment, error) {
	list, err := q.list()
	if err != nil {
		return fragment{}, err
	}
	if len(list) != 2 {
		return fragment{}, badRequest("The function '%s%s' needs two values, not %d.", namespace, q.name, len(list))
	}
	low, err := q.typed(list[0])
	if err != nil {
		return fragment{}, err
	}
	high, err := q.typed(list[1])
	if err != nil {
		return fragment{}, err
	}
	return concat(q.on.fragment, operator, low, " AND ", high), nil
}

// exactly asks a multi-select choice for the values in the list and no other, in any order.
func (q *queryFunction) exactly(list []string, negate bool) fragment {
	slices.Sort(list)
	list = slices.Compact(list)
	all := []fragment{concat("length(", q.on.fragment, ") = ", value(len(strings.Join(list, ","))))}
	for _, text := range list {
		all = append(all, q.holds(text))
	}
	compiled := joined(" AND ", all)
	if negate {
		return concat(compiled, " IS NOT TRUE")
	}
	return compiled
}

// holds asks a multi-select choice, kept as 1,2,3, for a value.
func (q *queryFunction) holds(text string) fragment {
	return concat("instr(',' || ", q.on.fragment, " || ',', ", value(","+text+","), ") > 0")
}

// containValues asks a multi-select choice for any of the values. One without values does not contain them.
func (q *queryFunction) containValues(not string) (fragment, error) {
	if q.column.Type != schema.MultiSelect {
		return fragment{}, badRequest("The function '%s%s' needs a choices column, '%s' is none.", namespace, q.name, q.column.Logical)
	}
	list, err := q.list()
	if err != nil {
		return fragment{}, err
	}
	var any []fragment
	for _, text := range list {
		any = append(any, q.holds(text))
	}
	if len(any) == 0 {
		return fragment{}, badRequest("The parameter 'PropertyValues' of the function '%s%s' is empty.", namespace, q.name)
	}
	return concat(joined(" OR ", any), " IS "+not+"TRUE"), nil
}

// isNumber reports whether the text is a JSON-like number.
func isNumber(text string) bool {
	l, err := odata.ParseValue(text)
	if err != nil {
		return false
	}
	switch l := l.(type) {
	case *odata.Literal:
		return l.Kind == odata.Number
	case *odata.Unary:
		return l.Op == odata.Neg
	}
	return false
}
