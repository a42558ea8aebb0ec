package emulator

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// The annotations of a value that a client may ask for.
const (
	formattedValue     = "OData.Community.Display.V1.FormattedValue"
	attributeName      = "OData.Community.Display.V1.AttributeName"
	lookupLogicalName  = "Microsoft.Dynamics.CRM.lookuplogicalname"
	associatedProperty = "Microsoft.Dynamics.CRM.associatednavigationproperty"
)

// field is a property of an answer: where its value comes from and the JSON that never changes from row to row.
type field struct {
	column *schema.Column
	at     int // place of the value in a row, -1 where it is not stored
	target int // place of the name of the table that a polymorphic lookup refers to, else -1

	key        []byte // "revenue":
	formatted  []byte // "revenue@OData.Community.Display.V1.FormattedValue": , nil where not asked for
	navigation []byte
	logical    []byte
	attribute  []byte // the column behind an alias, with its value
}

func newField(c *call, name string, column *schema.Column) field {
	f := field{column: column, at: -1, target: -1}
	annotation := func(term string) []byte {
		if !c.prefer.annotates(term) {
			return nil
		}
		return append(appendString(nil, name+"@"+term), ':')
	}
	if hasFormat(column) {
		f.formatted = annotation(formattedValue)
	}
	if column.IsLookup() {
		f.logical = annotation(lookupLogicalName)
		if !ownerPart(column) {
			f.navigation = annotation(associatedProperty)
		}
	}
	if kind, ok := strings.CutPrefix(column.Edm(), "Edm."); ok && !plainJSON(kind) && c.metadataLevel() == metadataFull {
		f.key = append(append(appendString(f.key, name+"@odata.type"), ':'), `"#`+kind+`",`...)
	}
	f.key = append(appendString(f.key, name), ':')
	return f
}

// ownerPart reports whether the column repeats the owner as owninguser or owningteam: real answers give these neither
// a name nor a navigation property.
func ownerPart(c *schema.Column) bool { return c.Logical == "owninguser" || c.Logical == "owningteam" }

// plainJSON reports whether a value in JSON tells its own type, so that full metadata need not.
func plainJSON(kind string) bool {
	return kind == "String" || kind == "Boolean" || kind == "Int32" || kind == "Double"
}

// isDate reports whether the column holds a day, Edm.Date. A day that is shown alone but kept with a time and a zone
// (Format DateOnly, behavior UserLocal) is Edm.DateTimeOffset.
func isDate(c *schema.Column) bool {
	return c.Type == schema.DateTime && c.DateTimeBehavior == "DateOnly"
}

// appendValue appends a stored value of the column as the Web API writes it.
func appendValue(b []byte, c *schema.Column, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(b, "null"...)
	case string:
		return appendString(b, v)
	case int64:
		if c.Type == schema.Boolean {
			return strconv.AppendBool(b, v != 0)
		}
		if decimals := scale(c); decimals >= 0 {
			return strconv.AppendFloat(b, float64(v), 'f', decimals, 64)
		}
		return strconv.AppendInt(b, v, 10)
	case float64:
		return strconv.AppendFloat(b, v, 'f', scale(c), 64)
	case bool:
		return strconv.AppendBool(b, v)
	}
	return appendString(b, fmt.Sprint(value))
}

// scale is how many decimals the Web API always shows, -1 for as many as there are. Dataverse keeps money with 4
// decimals, rates of exchange with 12 and other decimals with 10, whatever the precision of the column.
func scale(c *schema.Column) int {
	switch c.Type {
	case schema.Money:
		return 4
	case schema.Decimal:
		if c.Precision > 10 || c.Logical == "exchangerate" {
			return 12
		}
		return 10
	}
	return -1
}

// managedProperty is the value of a managed property.
func managedProperty(c *schema.Column) []byte {
	var o object
	o.raw("Value", strconv.AppendBool(nil, managedValue(c, "Value")))
	o.raw("CanBeChanged", strconv.AppendBool(nil, managedValue(c, "CanBeChanged")))
	o.text("ManagedPropertyLogicalName", c.Logical)
	return o.bytes()
}

// managedValue is a part of a managed property: nobody has locked or hidden anything here.
func managedValue(c *schema.Column, part string) bool {
	return part == "CanBeChanged" || c.Logical != "ishidden"
}
