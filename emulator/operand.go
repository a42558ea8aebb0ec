package emulator

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// operand is one side of a comparison.
type operand struct {
	fragment
	edm     string // Edm.String …; "" is null
	column  *schema.Column
	literal bool
	text    string // of a literal
}

// operand compiles a column, a path to one, or a constant.
func (f *filter) operand(e odata.Expr) (operand, error) {
	switch e := e.(type) {
	case *odata.Literal:
		return constant(e)
	case *odata.Alias:
		return f.aliased(e)
	case *odata.Path:
		return f.path(e.Segments)
	case *odata.Call:
		return operand{}, unsupportedFunction(e.Name)
	case *odata.Lambda, *odata.List, *odata.Object:
		return operand{}, badRequest("A single value was expected where a collection stands.")
	case *odata.Unary:
		if l, ok := e.X.(*odata.Literal); ok && e.Op == odata.Neg && l.Kind == odata.Number {
			return constant(&odata.Literal{Kind: odata.Number, Value: "-" + l.Value})
		}
		return operand{}, unsupportedNode("UnaryOperator")
	}
	return operand{}, unsupportedNode("BinaryOperator")
}

// aliased is what a parameter alias stands for: a value or a column. One that stands for nothing is null.
func (f *filter) aliased(e *odata.Alias) (operand, error) {
	meant, err := f.resolve(e)
	if err != nil {
		return operand{}, err
	}
	switch meant := meant.(type) {
	case *odata.Literal:
		return constant(meant)
	case *odata.Path:
		return f.path(meant.Segments)
	}
	return operand{}, badRequest("The value of the parameter alias '@%s' is not a primitive value.", e.Name)
}

// resolve reads what the query says that an alias stands for.
func (c *call) resolve(e *odata.Alias) (odata.Expr, error) {
	text := c.query.Get("@" + e.Name)
	if text == "" {
		return &odata.Literal{Kind: odata.Null, Value: "null"}, nil
	}
	return odata.ParseValue(text)
}

func constant(l *odata.Literal) (operand, error) {
	o := operand{literal: true, text: l.Value}
	switch l.Kind {
	case odata.Null:
	case odata.Bool:
		o.edm, o.fragment = "Edm.Boolean", value(l.Value == "true")
	case odata.Number:
		o.edm, o.fragment = numberType(l.Value), concat("CAST(", value(l.Value), " AS NUMERIC)")
	case odata.String:
		o.edm, o.fragment = "Edm.String", value(l.Value)
	case odata.GUID:
		o.edm, o.fragment = "Edm.Guid", value(l.Value)
	case odata.Date:
		o.edm = "Edm.Date"
	case odata.DateTime:
		o.edm = "Edm.DateTimeOffset"
	case odata.TimeOfDay, odata.Duration, odata.Enum:
		return operand{}, unsupportedNode("Constant")
	}
	return o, nil
}

func numberType(text string) string {
	if strings.ContainsAny(text, ".eEIN") {
		return "Edm.Double"
	}
	return "Edm.Int32"
}

// path compiles a column, of the row itself or behind lookups: primarycontactid/createdby/fullname.
func (f *filter) path(segments []string) (operand, error) {
	from, rest := f.start(segments)
	if len(rest) == 0 {
		return operand{}, unsupportedNode("EntityRangeVariableReference")
	}
	return f.column(from, rest)
}

func (f *filter) column(from scope, path []string) (operand, error) {
	name := path[0]
	if len(path) == 1 {
		if c := columnNamed(from.table, name); c != nil && c.Stored() {
			return operand{fragment: columnOf(from.alias, c.Logical), edm: c.Edm(), column: c}, nil
		}
		if from.table.Logical == "owner" {
			return operand{}, unsupportedNode("SingleValueOpenPropertyAccess") // principal is an open type
		}
		return f.navigation(from, name)
	}
	if c := columnNamed(from.table, name); c != nil && c.Type == schema.ManagedProperty && len(path) == 2 &&
		slices.Contains([]string{"Value", "CanBeChanged"}, path[1]) {
		return operand{fragment: value(managedValue(c, path[1])), edm: "Edm.Boolean"}, nil
	}
	nav, ok := from.table.Nav(name)
	if !ok || nav.One == nil {
		return operand{}, noSuchProperty(name, from.table.Logical)
	}
	to := scope{f.schema.Table(nav.One.Referenced), f.alias()}
	if err := unjoined(from.table, to.table); err != nil {
		return operand{}, err
	}
	inner, err := f.column(to, path[1:])
	if err != nil {
		return operand{}, err
	}
	inner.fragment = concat("(SELECT ", inner.fragment, " FROM "+store.Quote(to.table.Logical)+" AS "+store.Quote(to.alias)+" WHERE ",
		columnOf(to.alias, nav.One.ReferencedAttribute), " = ", columnOf(from.alias, nav.One.Attribute), ")")
	if inner.edm == "Edm.String" {
		inner.fragment = concat(inner.fragment, " COLLATE "+store.Collation) // a subquery forgets its column's
	}
	return inner, nil
}

// navigation is a lookup without a column behind it, which can only be compared with null.
func (f *filter) navigation(from scope, name string) (operand, error) {
	nav, ok := from.table.Nav(name)
	if !ok {
		return operand{}, noSuchProperty(name, from.table.Logical)
	}
	if nav.One == nil {
		return operand{}, unsupportedNode("CollectionNavigationNode")
	}
	lookup := columnOf(from.alias, nav.One.Attribute)
	if c := from.table.Column(nav.One.Attribute); c.Polymorphic() && nav.One.Referenced != "owner" {
		target := columnOf(from.alias, store.TargetColumn(c.Logical))
		lookup = concat("CASE WHEN ", target, " = ", value(nav.One.Referenced), " THEN ", lookup, " END")
	}
	return operand{fragment: lookup, edm: "Navigation"}, nil
}

// as converts the right side of a comparison to what the left side is compared with.
func (o operand) as(l operand, op odata.Op) (operand, error) {
	mismatch := badRequest("A binary operator with incompatible types was detected. Found operand types '%s' and '%s' for operator kind '%s'.",
		l.edm, o.edm, operatorKinds[op])
	if l.edm == "Navigation" {
		return o, unsupportedNode("SingleNavigationNode")
	}
	if !o.literal {
		if class(l.edm) != class(o.edm) {
			return o, mismatch
		}
		return o, nil
	}
	switch class(l.edm) {
	case "guid": // a quoted guid passes, as it does on the real service
		if id, err := uuid.Parse(o.text); err == nil && (o.edm == "Edm.Guid" || o.edm == "Edm.String") {
			o.fragment = value(id.String())
			return o, nil
		}
		return o, mismatch
	case "date":
		if class(o.edm) != "date" {
			return o, mismatch
		}
		return o.asDate(l.edm)
	}
	if class(l.edm) != class(o.edm) {
		return o, mismatch
	}
	return o, nil
}

// asDate writes a date as the store holds those of the column it is compared with.
func (o operand) asDate(edm string) (operand, error) {
	at, err := parseTime(o.text)
	if err != nil {
		return o, badRequest("The date '%s' is not valid.", o.text)
	}
	if edm == "Edm.Date" {
		o.fragment = value(at.Format(time.DateOnly))
	} else {
		o.fragment = value(at.Format(storedTime))
	}
	return o, nil
}

// parseTime reads a date or a moment, into UTC. FetchXML writes moments without a zone, too: in the caller's, which is
// UTC here.
func parseTime(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Parse(time.DateOnly, text)
}

// class is what a type can be compared with.
func class(edm string) string {
	switch edm {
	case "Edm.Int32", "Edm.Int64", "Edm.Decimal", "Edm.Double":
		return "number"
	case "Edm.Date", "Edm.DateTimeOffset":
		return "date"
	case "Edm.Guid":
		return "guid"
	}
	return edm
}
