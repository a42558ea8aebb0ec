// Package fetchxml parses, checks and prints FetchXML, the query language of Dataverse. It knows the grammar and no
// table: whether a column exists is for the caller to say.
//
// Parse refuses every element, attribute, operator and value that the language does not have, so what a query does can
// be read off its tree. What only designers of views read (uiname, build, visible and their like) is accepted and left
// out of the tree.
package fetchxml

// Fetch is a query.
type Fetch struct {
	Top              int // rows to return at the most, 1 to 5000; 0: not given
	Count            int // rows a page; 0: not given
	Page             int // number of the page, from 1; 0: not given
	PagingCookie     string
	Distinct         bool
	Aggregate        bool
	AggregateLimit   int // rows to aggregate at the most; 0: not given
	TotalRecordCount bool
	RawOrderBy       bool // choices sort by number (useraworderby)
	NoLock           bool
	LateMaterialize  bool
	MinActiveRow     bool   // min-active-row-version
	DataSource       string // "retained" or ""
	QueryHints       string // options
	Mapping          string // "logical" or "internal"; "" if not given
	Version          string
	OutputFormat     string
	UTCOffset        string
	Entity           Entity
}

// Entity is the table that a query starts from.
type Entity struct {
	Name string
	Body
}

// Body is what stands in an entity or link-entity, each kind in the order of the text.
type Body struct {
	All        bool // all-attributes
	Attributes []Attribute
	Orders     []Order
	Filters    []Filter
	Links      []Link
}

// Attribute is a column to return, to aggregate or to group by.
type Attribute struct {
	Name         string
	Alias        string
	Aggregate    Aggregate
	Distinct     bool // countcolumn counts each value once
	GroupBy      bool
	DateGrouping DateGrouping
	UTC          bool   // group dates in UTC rather than in the user's zone (usertimezone="false")
	RowAggregate string // "CountChildren" or ""
}

// Aggregate is a function over the rows of a group.
type Aggregate string

// The aggregate functions. Count counts rows, CountColumn those that have a value.
const (
	Count       Aggregate = "count"
	CountColumn Aggregate = "countcolumn"
	Sum         Aggregate = "sum"
	Avg         Aggregate = "avg"
	Min         Aggregate = "min"
	Max         Aggregate = "max"
)

// DateGrouping is the part of a date to group by.
type DateGrouping string

// The parts of a date.
const (
	Day          DateGrouping = "day"
	Week         DateGrouping = "week"
	Month        DateGrouping = "month"
	Quarter      DateGrouping = "quarter"
	Year         DateGrouping = "year"
	FiscalPeriod DateGrouping = "fiscal-period"
	FiscalYear   DateGrouping = "fiscal-year"
)

// Order is a sort key: a column, or in an aggregate query the alias of one.
type Order struct {
	Attribute  string
	Alias      string
	EntityName string // alias of the link that has the column; "": the element around
	Descending bool
}

// Filter combines conditions, filters and links (any, not any, all, not all).
type Filter struct {
	Or         bool // type="or"
	QuickFind  bool // isquickfindfields
	Hint       string
	Conditions []Condition
	Filters    []Filter
	Links      []Link
}

// Condition compares a column with values or with another column.
type Condition struct {
	Attribute  string
	EntityName string // alias of the link that has the column; "": the element around
	Operator   Operator
	Values     []string // as many as the operator takes
	ValueOf    string   // column to compare with, "alias.column" for one of a link
}

// Link joins a table.
type Link struct {
	Name      string
	From      string // column of the table Name; "" is its primary key, or together with To: the relationship says
	To        string // column of the element around; "" is its primary key
	Alias     string
	Type      LinkType // never ""
	Intersect bool
	Body
}

// LinkType is how a link joins.
type LinkType string

// The link types. Any, NotAny, Every and NotEvery stand in filters too. Every is true where rows are joined and none of
// them passes the link's filters, and NotEvery is the same as Any, despite their names.
const (
	Inner      LinkType = "inner"
	Outer      LinkType = "outer"
	Any        LinkType = "any"
	NotAny     LinkType = "not any"
	Every      LinkType = "all"
	NotEvery   LinkType = "not all"
	Exists     LinkType = "exists"
	In         LinkType = "in"
	CrossApply LinkType = "matchfirstrowusingcrossapply"
)

// Joins reports whether the link's columns can be returned, rather than only filter the rows around.
func (t LinkType) Joins() bool { return t == Inner || t == Outer || t == CrossApply }

// filters reports whether the link may stand in a filter.
func (t LinkType) filters() bool { return t == Any || t == NotAny || t == Every || t == NotEvery }

// EachLink yields every link of a query, those in filters too, outer before inner. It returns false when yield did.
func (b *Body) EachLink(yield func(*Link) bool) bool {
	for i := range b.Links {
		if !yield(&b.Links[i]) || !b.Links[i].EachLink(yield) {
			return false
		}
	}
	return eachFilterLink(b.Filters, yield)
}

func eachFilterLink(filters []Filter, yield func(*Link) bool) bool {
	for i := range filters {
		f := &filters[i]
		for j := range f.Links {
			if !yield(&f.Links[j]) || !f.Links[j].EachLink(yield) {
				return false
			}
		}
		if !eachFilterLink(f.Filters, yield) {
			return false
		}
	}
	return true
}
