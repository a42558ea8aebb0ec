package fetchxml

// Operator is how a condition compares, spelled as FetchXML spells it.
type Operator string

// The operators that compare with one value and, but for Like, may compare with a column.
const (
	Eq  Operator = "eq"
	Ne  Operator = "ne"
	Neq Operator = "neq" // the same as Ne
	Gt  Operator = "gt"
	Ge  Operator = "ge"
	Lt  Operator = "lt"
	Le  Operator = "le"
)

// operand is what values an operator takes.
type operand int

const (
	nothing operand = iota
	one             // one value
	number          // one whole number
	two             // two values
	twoNumbers
	many // one value or more
)

var operators = map[Operator]operand{
	Eq: one, Ne: one, Neq: one, Gt: one, Ge: one, Lt: one, Le: one,
	"like": one, "not-like": one, "begins-with": one, "not-begin-with": one, "ends-with": one, "not-end-with": one,
	"in": many, "not-in": many, "between": two, "not-between": two, "contain-values": many, "not-contain-values": many,
	"null": nothing, "not-null": nothing,

	"above": one, "eq-or-above": one, "under": one, "eq-or-under": one, "not-under": one,
	"eq-userid": nothing, "ne-userid": nothing, "eq-userteams": nothing, "eq-useroruserteams": nothing,
	"eq-useroruserhierarchy": nothing, "eq-useroruserhierarchyandteams": nothing,
	"eq-businessid": nothing, "ne-businessid": nothing, "eq-userlanguage": nothing,

	"on": one, "on-or-before": one, "on-or-after": one, "today": nothing, "yesterday": nothing, "tomorrow": nothing,
	"last-seven-days": nothing, "next-seven-days": nothing,
	"this-week": nothing, "last-week": nothing, "next-week": nothing,
	"this-month": nothing, "last-month": nothing, "next-month": nothing,
	"this-year": nothing, "last-year": nothing, "next-year": nothing,
	"last-x-hours": number, "last-x-days": number, "last-x-weeks": number, "last-x-months": number, "last-x-years": number,
	"next-x-hours": number, "next-x-days": number, "next-x-weeks": number, "next-x-months": number, "next-x-years": number,
	"olderthan-x-minutes": number, "olderthan-x-hours": number, "olderthan-x-days": number, "olderthan-x-weeks": number,
	"olderthan-x-months": number, "olderthan-x-years": number,
	"this-fiscal-year": nothing, "last-fiscal-year": nothing, "next-fiscal-year": nothing,
	"this-fiscal-period": nothing, "last-fiscal-period": nothing, "next-fiscal-period": nothing,
	"last-x-fiscal-years": number, "last-x-fiscal-periods": number, "next-x-fiscal-years": number, "next-x-fiscal-periods": number,
	"in-fiscal-year": number, "in-fiscal-period": number, "in-fiscal-period-and-year": twoNumbers,
	"in-or-before-fiscal-period-and-year": twoNumbers, "in-or-after-fiscal-period-and-year": twoNumbers,
}

// ComparesColumns reports whether the operator may stand with valueof.
func (o Operator) ComparesColumns() bool {
	switch o {
	case Eq, Ne, Neq, Gt, Ge, Lt, Le:
		return true
	}
	return false
}

// count is how many values there must and may be.
func (o operand) count() (least, most int) {
	switch o {
	case one, number:
		return 1, 1
	case two, twoNumbers:
		return 2, 2
	case many:
		return 1, MaxValues
	}
	return 0, 0
}

func (o operand) String() string {
	return map[operand]string{nothing: "no value", one: "one value", number: "one whole number", two: "two values",
		twoNumbers: "two whole numbers", many: "one value or more"}[o]
}

func operatorNames() map[string]bool {
	names := make(map[string]bool, len(operators))
	for name := range operators {
		names[string(name)] = true
	}
	return names
}
