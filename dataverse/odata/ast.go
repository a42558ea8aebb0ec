// Package odata parses and prints the part of OData 4.0 that Dataverse speaks: resource paths, $filter, $select,
// $orderby, $expand and $apply. It knows the grammar and no table: whether a column exists, and whether the service
// supports an operator, is for the caller to say.
//
// The grammar is the OASIS ABNF (odata-abnf-construction-rules, OData 4.01), read as OData 4.0. Every node prints
// itself with String in canonical form, and what is printed parses back to the same node.
package odata

// Expr is a node of a $filter, $orderby or function-argument expression.
type Expr interface {
	// String prints the node as OData text, not percent-encoded.
	String() string
	expr()
}

// LiteralKind says which primitive a Literal is.
type LiteralKind int

// The kinds of literal. Number covers every numeric primitive: its text is kept, so no digit is lost.
const (
	Null LiteralKind = iota
	Bool
	Number
	String
	GUID
	Date
	DateTime
	TimeOfDay
	Duration
	Enum
)

// Literal is a constant. Value is the text without delimiters: true, 12.50, O'Brien (unescaped),
// 4026be43-6b69-e111-8f65-78e7d1620f5e (lower case), 2024-06-12, 2024-06-12T14:13:17Z. For Enum, Value is the member
// list and Type the qualified type: Microsoft.Dynamics.CRM.OwnershipTypes'UserOwned'. For Null, Value is empty.
type Literal struct {
	Kind  LiteralKind
	Value string
	Type  string
}

// Path names a property: name, primarycontactid/fullname, or o/subject where o is a lambda variable. A last segment
// of $count counts a collection; a segment with a dot is a type cast.
type Path struct {
	Segments []string
}

// Alias is a parameter alias, such as @p1; Name has no @.
type Alias struct {
	Name string
}

// Op is an operator of a Unary or Binary expression, spelled as OData spells it.
type Op string

// The operators, from the loosest to the tightest binding.
const (
	Or  Op = "or"
	And Op = "and"
	Eq  Op = "eq"
	Ne  Op = "ne"
	Gt  Op = "gt"
	Ge  Op = "ge"
	Lt  Op = "lt"
	Le  Op = "le"
	Add Op = "add"
	Sub Op = "sub"
	Mul Op = "mul"
	Div Op = "div"
	Mod Op = "mod"
	Not Op = "not"
	Neg Op = "-"
	Has Op = "has"
	In  Op = "in"
)

// Unary is not X or -X.
type Unary struct {
	Op Op
	X  Expr
}

// Binary is L Op R. The right side of In is a List or an Alias.
type Binary struct {
	Op   Op
	L, R Expr
}

// Arg is an argument of a Call: positional (Name empty) as in contains(name,'x'), or named as in
// Microsoft.Dynamics.CRM.In(PropertyName='c',PropertyValues=['1']).
type Arg struct {
	Name  string
	Value Expr
}

// Call is a function call: a built-in such as contains, or a qualified name such as
// Microsoft.Dynamics.CRM.LastXDays. On is set where a bound function is called on a path (a/b/NS.F()).
type Call struct {
	On   []string
	Name string
	Args []Arg
}

// Lambda is Path/any(Var:Body) or Path/all(Var:Body). Body is nil, and Var empty, for Path/any().
type Lambda struct {
	Path []string
	All  bool // all rather than any
	Var  string
	Body Expr
}

// List is the right side of in, ('a','b'), or a collection literal in a function argument, ["a","b"], where JSON is
// set. JSON strings are String literals.
type List struct {
	Items []Expr
	JSON  bool
}

// Object is a JSON object given as a function argument, such as {'@odata.id':'accounts(…)'}; Text is the JSON with
// single quotes around strings turned into double ones.
type Object struct {
	Text string
}

func (*Literal) expr() {}
func (*Path) expr()    {}
func (*Alias) expr()   {}
func (*Unary) expr()   {}
func (*Binary) expr()  {}
func (*Call) expr()    {}
func (*Lambda) expr()  {}
func (*List) expr()    {}
func (*Object) expr()  {}

// Order is one key of $orderby.
type Order struct {
	By   Expr
	Desc bool
}

// Expand is one item of $expand: a navigation property with its own options. Ref is nav/$ref. Count is nav/$count.
// Cast is a derived type after the property (Attributes/NS.StringAttributeMetadata), empty for none.
type Expand struct {
	Path  string
	Cast  string
	Ref   bool
	Count bool
	Options
}

// Options are the system query options, of a request or inside an $expand. Nil means not given.
type Options struct {
	Select    []string // property paths; "*" is every property
	Filter    Expr
	OrderBy   []Order
	Expand    []Expand
	Apply     []Transformation
	Top       *int
	Skip      *int
	WithCount *bool // $count=true|false
	Levels    string
	Search    string
	Compute   string
}

// Transformation is one step of $apply: exactly one of its fields is set.
type Transformation struct {
	Filter    Expr
	GroupBy   *GroupBy
	Aggregate []Aggregate
}

// GroupBy is groupby((Paths),Then…).
type GroupBy struct {
	Paths []Path
	Then  []Transformation
}

// Aggregate is one expression of aggregate(): Path with Method as Alias, or $count as Alias (Path empty, Method
// "$count"). Method is sum, average, min, max, countdistinct or $count.
type Aggregate struct {
	Path   Path
	Method string
	Alias  string
}

// Segment is one step of a resource path: accounts(…), primarycontactid, $ref, $count, $value, $metadata, $batch,
// Microsoft.Dynamics.CRM.WhoAmI(), or $1 (a content id).
type Segment struct {
	Name string
	// HasParens tells WhoAmI() and accounts() from WhoAmI and accounts.
	HasParens bool
	// Key is the single unnamed key: accounts(4026be43-…); nil without one.
	Key Expr
	// Args are named keys or function arguments: contacts(firstname='Joe',emailaddress1='a@b.c').
	Args []Arg
}
