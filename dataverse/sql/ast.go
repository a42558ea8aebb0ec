// Package sql parses and prints SELECT statements, in the part of Transact-SQL that Dataverse and what can be translated
// for it have. It knows the grammar and no table: whether a column exists is for the caller to say, and so is which parts
// of the grammar are answered.
package sql

// Select is a query.
type Select struct {
	Distinct bool
	Top      *int // rows to return at the most
	Items    []Item
	From     Table
	Joins    []Join
	Where    Expr // nil: all rows
	GroupBy  []Expr
	Having   Expr // nil: all groups
	OrderBy  []Order
	Offset   *int // rows to leave out first
	Fetch    *int // rows to return behind those
}

// Item is a column of the answer, or all columns.
type Item struct {
	Star  bool
	Table string // of table.*; "" for * alone
	X     Expr   // nil with Star
	Alias string
}

// Table names a table. Alias is "" where it has none.
type Table struct {
	Name  string
	Alias string
}

// JoinKind is how a table is joined.
type JoinKind string

// The kinds of join.
const (
	Inner JoinKind = "INNER"
	Left  JoinKind = "LEFT"
	Right JoinKind = "RIGHT"
	Full  JoinKind = "FULL"
	Cross JoinKind = "CROSS"
)

// Join joins a table. On is nil with Cross alone.
type Join struct {
	Kind  JoinKind
	Table Table
	On    Expr
}

// Order is a sort key.
type Order struct {
	X          Expr
	Descending bool
}

// Expr is a condition or a value: *Column, *Literal, *Call, *Subquery, *Binary, *Not, *Like, *In, *Between, *IsNull or
// *Exists.
type Expr interface {
	// String is the expression as Parse reads it.
	String() string
	precedence() int
}

// Column names a column. Table is "" where it stands alone.
type Column struct {
	Table string
	Name  string
}

// LiteralKind is what a literal is.
type LiteralKind int

// The kinds of literal.
const (
	Null   LiteralKind = iota // Value is ""
	String                    // Value is the text without its quotes
	Number                    // Value is as written, with its sign
	Bool                      // Value is true or false
)

// Literal is a value.
type Literal struct {
	Kind  LiteralKind
	Value string
}

// Call is a function. Name is in upper case.
type Call struct {
	Name     string
	Distinct bool // COUNT(DISTINCT name)
	Star     bool // COUNT(*)
	Args     []Expr
}

// Subquery is a query that stands for a value.
type Subquery struct{ Query *Select }

// Op combines two expressions.
type Op string

// The operators. Parse reads != as Ne.
const (
	And Op = "AND"
	Or  Op = "OR"
	Eq  Op = "="
	Ne  Op = "<>"
	Lt  Op = "<"
	Le  Op = "<="
	Gt  Op = ">"
	Ge  Op = ">="
)

// Binary combines or compares.
type Binary struct {
	Op   Op
	L, R Expr
}

// Not negates a condition.
type Not struct{ X Expr }

// Like matches text with a pattern. Escape is "" where none is given.
type Like struct {
	X       Expr
	Pattern Expr
	Escape  string
	Not     bool
}

// In looks X up in List, or in the rows of Query where that is not nil.
type In struct {
	X     Expr
	List  []Expr
	Query *Select
	Not   bool
}

// Between is Low <= X <= High.
type Between struct {
	X, Low, High Expr
	Not          bool
}

// IsNull tells whether X has no value.
type IsNull struct {
	X   Expr
	Not bool
}

// Exists tells whether Query has rows.
type Exists struct{ Query *Select }
