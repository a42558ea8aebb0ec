package emulator

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// projection is what an answer shows of the rows of one table: properties in the order of the answer, and expansions.
// It knows which physical columns that takes.
type projection struct {
	c          *call
	table      *schema.Table
	asked      []string // $select as the client wrote it, nil for everything
	fields     []field
	expansions []*expansion
	etag       bool // rows show @odata.etag
	paged      bool // $expand is nested somewhere in the query: expanded collections come in pages

	physical []string // columns that fetch reads, in its order
	place    map[string]int
	id       int // places of what every row needs; -1 where the table has none
	version  int
	currency int
	shown    map[string]bool
}

// row is what SQL gave for one row.
type row struct {
	id     string
	values []any // the physical columns of the projection
	extra  []any // what the query's list had after selectList
}

// maxExpand is how many $expand options a query may have.
const maxExpand = 15

// project resolves $select and $expand against the table.
func (c *call) project(t *schema.Table, o odata.Options) (*projection, error) {
	if err := checkExpand(t, o); err != nil {
		return nil, err
	}
	o.Expand = mergedExpands(o.Expand)
	nested := slices.ContainsFunc(o.Expand, func(e odata.Expand) bool { return len(e.Expand) > 0 })
	return c.projectTable(t, o, shape{etag: c.metadataLevel() != metadataNone, nested: nested})
}

// shape is what a row looks like where it stands in the answer.
type shape struct {
	etag    bool
	nested  bool   // the query nests $expand somewhere, which pages and thins every expanded collection
	foreign string // lookup by which an expanded collection was found, which its rows show
}

func (c *call) projectTable(t *schema.Table, o odata.Options, s shape) (*projection, error) {
	p := &projection{c: c, table: t, asked: o.Select, place: map[string]int{}, shown: map[string]bool{}, version: -1, currency: -1, paged: s.nested}
	p.etag = s.etag
	p.id = p.need(t.PrimaryID)
	if column := t.Column("versionnumber"); column != nil {
		p.version = p.need(column.Logical)
	}
	if err := p.selectAll(o, s.foreign); err != nil {
		return nil, err
	}
	if column := t.Column("transactioncurrencyid"); column != nil && c.prefer.annotates(formattedValue) {
		p.currency = p.need(column.Logical)
	}
	for _, item := range o.Expand {
		e, err := p.expand(item, s.nested)
		if err != nil {
			return nil, err
		}
		p.expansions = append(p.expansions, e)
	}
	return p, nil
}

// selectAll adds the properties that the client asked for, then those that come with them unasked.
func (p *projection) selectAll(o odata.Options, foreign string) error {
	for _, name := range o.Select {
		if err := p.selectProperty(name); err != nil {
			return err
		}
	}
	for _, e := range o.Expand {
		if nav, ok := p.table.Nav(e.Path); ok && e.Ref && nav.One != nil && o.Select != nil {
			p.show(p.table.Column(nav.One.Attribute))
		}
	}
	if o.Select == nil {
		p.selectEverything()
	}
	if slices.ContainsFunc(p.fields, func(f field) bool { return f.column.Type == schema.Money }) {
		p.show(p.table.Column("transactioncurrencyid"))
	}
	p.show(p.table.Column(foreign))
	p.show(p.table.Column(p.table.PrimaryID))
	if p.table.Elastic {
		for _, name := range []string{schema.PartitionID, "versionnumber", "ownerid", "owningbusinessunit"} {
			p.show(p.table.Column(name))
		}
	}
	if isPrincipal(p.table) {
		p.showAs("ownerid", p.table.Column(p.table.PrimaryID))
	}
	return nil
}

func (p *projection) selectEverything() {
	for _, column := range p.table.Columns {
		if column.Property && column.Read {
			p.show(column)
		}
	}
}

// selectProperty adds one name of $select. The name of a lookup's navigation property stands for its value.
func (p *projection) selectProperty(name string) error {
	if name == "*" {
		p.selectEverything()
		return nil
	}
	if column := columnNamed(p.table, name); column != nil {
		p.showAs(name, column)
		return nil
	}
	nav, ok := p.table.Nav(name)
	if !ok {
		return noSuchProperty(name, typeName(p.table))
	}
	if nav.One != nil {
		p.show(p.table.Column(nav.One.Attribute))
	}
	return nil
}

// columnNamed finds a column by its name in the Web API, which is case-sensitive; nil if there is none.
func columnNamed(t *schema.Table, name string) *schema.Column {
	if name == "ownerid" && isPrincipal(t) {
		return t.Column(t.PrimaryID)
	}
	logical := name
	if inner, ok := strings.CutPrefix(name, "_"); ok {
		if inner, ok = strings.CutSuffix(inner, "_value"); ok {
			logical = inner
		}
	}
	column := t.Column(logical)
	if column == nil || !column.Property || column.PropertyName() != name {
		return nil
	}
	return column
}

// isPrincipal reports whether the table's type derives from principal, and so has an ownerid that repeats its id.
func isPrincipal(t *schema.Table) bool { return t.Logical == "systemuser" || t.Logical == "team" }

// typeName is the name of the table's type in the Web API. What owns rows is declared as a principal.
func typeName(t *schema.Table) string {
	if t.Logical == "owner" {
		return "principal"
	}
	return t.Logical
}

func (p *projection) show(column *schema.Column) {
	if column != nil && column.Property {
		p.showAs(column.PropertyName(), column)
	}
}

func (p *projection) showAs(name string, column *schema.Column) {
	if p.shown[name] {
		return
	}
	p.shown[name] = true
	f := newField(p.c, name, column)
	if column.Stored() && column.Read || column.Logical == p.table.PrimaryID {
		f.at = p.need(column.Logical)
	}
	if column.Polymorphic() && f.at >= 0 {
		f.target = p.need(store.TargetColumn(column.Logical))
	}
	p.fields = append(p.fields, f)
}

// need makes fetch read a physical column and returns its place in the rows.
func (p *projection) need(physical string) int {
	if at, ok := p.place[physical]; ok {
		return at
	}
	at := len(p.physical)
	p.physical = append(p.physical, physical)
	p.place[physical] = at
	return at
}

// selectList is the SQL list of the columns that fetch expects, of the row known as rowAlias.
func (p *projection) selectList() string {
	var b strings.Builder
	for i, name := range p.physical {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(rowAlias + "." + store.Quote(name))
	}
	return b.String()
}

// fetch runs a query whose list starts with selectList. What stands after it in the list ends the rows.
func (p *projection) fetch(ctx context.Context, q store.Querier, query string, args ...any) ([]row, error) {
	result, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer result.Close()
	names, err := result.Columns()
	if err != nil {
		return nil, err
	}
	targets := make([]any, len(names))
	var rows []row
	for result.Next() {
		values := make([]any, len(names))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := result.Scan(targets...); err != nil {
			return nil, err
		}
		r := row{values: values[:len(p.physical)], extra: values[len(p.physical):]}
		r.id = r.text(p.id)
		rows = append(rows, r)
	}
	return rows, result.Err()
}

// text is a place of the row as text, "" where it is null or -1.
func (r row) text(at int) string {
	if at < 0 {
		return ""
	}
	s, _ := r.values[at].(string)
	return s
}

// checkExpand refuses what no $expand may be.
func checkExpand(t *schema.Table, o odata.Options) error {
	if count := countExpands(o.Expand); count > maxExpand {
		return fail(http.StatusBadRequest, codeTooManyJoins,
			"Number of $expand options in the query is %d, which exceeds the maximum of %d.", count, maxExpand)
	}
	across, other, nested := 0, 0, false
	for _, e := range o.Expand {
		nested = nested || len(e.Expand) > 0
		if nav, ok := t.Nav(e.Path); ok && nav.Across != nil {
			across++
		} else {
			other++
		}
	}
	if across > 0 && (other > 0 || nested) {
		return badRequest("$expand on a many-to-many relationship can't be combined with other relationships or with nested $expand.")
	}
	return nil
}

func countExpands(items []odata.Expand) int {
	n := len(items)
	for _, e := range items {
		n += countExpands(e.Expand)
	}
	return n
}
