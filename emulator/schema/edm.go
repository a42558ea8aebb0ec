package schema

// Edm is the primitive type of the column in the Web API, such as Edm.String. Columns that are no single primitive
// value (managed properties, party lists) give "".
func (c *Column) Edm() string {
	switch c.Type {
	case String, Memo, EntityName, Virtual, MultiSelect:
		return "Edm.String"
	case Integer, Picklist, State, Status:
		return "Edm.Int32"
	case BigInt:
		return "Edm.Int64"
	case Money, Decimal:
		return "Edm.Decimal"
	case Double:
		return "Edm.Double"
	case Boolean:
		return "Edm.Boolean"
	case Uniqueidentifier, Lookup, Owner, Customer, File:
		return "Edm.Guid"
	case Image:
		return "Edm.Binary"
	case DateTime:
		if c.DateTimeBehavior == "DateOnly" {
			return "Edm.Date"
		}
		return "Edm.DateTimeOffset"
	}
	return ""
}
