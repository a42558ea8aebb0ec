package dataverse

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
)

// Query selects rows. The zero Query is every column of every row.
type Query struct {
	// Select names columns by logical name, lookups too (primarycontactid); nil means all but parties, which "*" leaves
	// room for: "*", "to".
	Select []string
	// Filter is an OData expression. Lookups go by logical name or as _x_value, choices by number or label.
	Filter string
	// OrderBy is an OData order, such as "revenue desc,name".
	OrderBy string
	// Expand is an OData expand, such as "primarycontactid($select=fullname)".
	Expand string
	// Usual names the columns of expanded rows where Expand has no $select; $select=* asks for all. nil means all.
	Usual func(*Table) []string
	// Top is the most rows wanted; 0 means no limit.
	Top int
	// Size is the rows a page, 1 to 5000; 0 means 5000.
	Size int
	// Count asks Page how many rows there are in all.
	Count bool
}

// maxPage is the most rows that the service puts into one page.
const maxPage = 5000

// plan is a Query in the service's words.
type plan struct {
	table   *Table
	options []param // $select, $filter, $orderby, $expand
	filter  string  // as in options
	shape   *shape
}

// compile resolves every name in q. What it does not find is Invalid, with the nearest names.
func (c *Client) compile(ctx context.Context, table string, q Query) (*plan, error) {
	return current(ctx, c, func() (*plan, error) { return c.plan(ctx, table, q) })
}

func (c *Client) plan(ctx context.Context, table string, q Query) (*plan, error) {
	t, err := c.describe(ctx, table)
	if err != nil {
		return nil, err
	}
	if t.SetName == "" {
		return nil, invalid("table %s is not served by the Web API", t.LogicalName)
	}
	tr := &translator{client: c, usual: q.Usual, table: t}
	o, err := tr.read(q)
	if err != nil {
		return nil, err
	}
	tr.nested = slices.ContainsFunc(o.Expand, func(e odata.Expand) bool { return len(e.Expand) > 0 })
	s, err := tr.options(ctx, t, &o)
	if err != nil {
		return nil, err
	}
	if err := tr.faults.err(); err != nil {
		return nil, err
	}
	p := &plan{table: t, shape: s}
	p.add("$select", strings.Join(o.Select, ","))
	if o.Filter != nil {
		p.filter = o.Filter.String()
		p.add("$filter", p.filter)
	}
	p.add("$orderby", odata.FormatOrderBy(o.OrderBy))
	p.add("$expand", odata.FormatExpand(o.Expand))
	return p, nil
}

func (p *plan) add(name, value string) {
	if value != "" {
		p.options = append(p.options, param{name, value})
	}
}

// read parses the texts of q.
func (tr *translator) read(q Query) (odata.Options, error) {
	var o odata.Options
	if q.Size < 0 || q.Size > maxPage {
		return o, invalid("size: got %d, want 1 to %d", q.Size, maxPage)
	}
	if q.Top < 0 {
		return o, invalid("top: got %d, want 0 or more", q.Top)
	}
	o.Select = slices.Clone(q.Select)
	f, err := parsed(tr, "filter", q.Filter, odata.ParseFilter)
	if err != nil {
		return o, err
	}
	o.Filter = f
	if o.OrderBy, err = parsed(tr, "order by", q.OrderBy, odata.ParseOrderBy); err != nil {
		return o, err
	}
	o.Expand, err = parsed(tr, "expand", q.Expand, odata.ParseExpand)
	return o, err
}

// maxText is far more than a request can hold. A chain of ands becomes a tree as deep as it is long, and work on one of
// tens of megabytes exhausts the stack, which ends the program.
const maxText = 1 << 20

// parsed is what parse makes of text; nothing for an empty text, and for a fault that was taken.
func parsed[T any](tr *translator, where, text string, parse func(string) (T, error)) (out T, err error) {
	if text == "" {
		return out, nil
	}
	if len(text) > maxText {
		return out, invalid("%s: it is %d bytes long, more than any request can hold", where, len(text))
	}
	v, err := parse(text)
	if err != nil {
		e := syntaxError(where, text, err)
		if fault, ok := errors.AsType[*odata.SyntaxError](err); ok && tr.table != nil {
			e.Message += tr.table.labelSlip(text, fault.Pos)
		}
		return out, tr.faults.take(e)
	}
	return v, nil
}

// translator turns names of the domain into names of the Web API.
type translator struct {
	client *Client
	table  *Table // whose labels an error may explain; nil where it is not known
	nested bool   // there are expands inside expands
	depth  int    // expands around what is translated
	faults faults
	usual  func(*Table) []string // of Query
}

// options translates o in place, and tells how the rows will look.
func (tr *translator) options(ctx context.Context, t *Table, o *odata.Options) (*shape, error) {
	s := &shape{name: t.LogicalName, table: t, full: maxPage}
	if err := tr.selectColumns(ctx, t, o, s); err != nil {
		return s, err
	}
	if o.Filter != nil {
		f, err := tr.filter(ctx, t, o.Filter)
		if err != nil {
			return s, err
		}
		o.Filter = f
	}
	for i := range o.OrderBy {
		if err := orderable(o.OrderBy[i].By); err != nil {
			if err := tr.faults.take(err); err != nil {
				return s, err
			}
			continue
		}
		by, err := tr.filter(ctx, t, o.OrderBy[i].By)
		if err != nil {
			return s, err
		}
		o.OrderBy[i].By = by
	}
	return s, tr.expand(ctx, t, o, s)
}

// orderable refuses -revenue, which other languages write for the largest first.
func orderable(x odata.Expr) error {
	minus, ok := x.(*odata.Unary)
	if !ok || minus.Op != odata.Neg {
		return nil
	}
	column := shortened(minus.X.String(), maxQuoted)
	return invalid("order by: got -%s, write %s desc", column, column)
}

// selectable finds a column that can be selected: one that can be read, or a list of parties.
func (tr *translator) selectable(ctx context.Context, t *Table, name string) (*Column, error) {
	c, ok := t.Column(strings.TrimSpace(name))
	switch {
	case !ok:
		return nil, tr.notSelected(ctx, t, name)
	case c.Type == PartyListColumn:
		return c, nil
	}
	return t.readable(c.LogicalName)
}

// selectColumns resolves $select. Columns that are named twice are asked for once.
func (tr *translator) selectColumns(ctx context.Context, t *Table, o *odata.Options, s *shape) error {
	all := len(o.Select) == 0 || slices.Contains(o.Select, "*")
	properties := make([]string, 0, len(o.Select))
	for _, name := range o.Select {
		if name == "*" {
			continue
		}
		c, err := tr.selectable(ctx, t, name)
		if err == nil && c.Type == PartyListColumn {
			if err := selectParties(t, c, o, s); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			if err := tr.faults.take(err); err != nil {
				return err
			}
			continue
		}
		if !slices.Contains(s.columns, c.LogicalName) {
			s.columns = append(s.columns, c.LogicalName)
			properties = append(properties, c.property())
		}
	}
	switch {
	case all:
		o.Select, s.columns = nil, nil
	case len(properties) == 0: // nothing but parties
		o.Select = []string{t.PrimaryID}
	default:
		o.Select = properties
	}
	return nil
}

// expand resolves $expand, and what is in it against the tables that it leads to.
func (tr *translator) expand(ctx context.Context, t *Table, o *odata.Options, s *shape) error {
	for i := range o.Expand {
		e := &o.Expand[i]
		nav, ok := t.navigation(e.Path)
		if !ok {
			if err := tr.faults.take(unknownNavigation(t, e.Path)); err != nil {
				return err
			}
			continue
		}
		e.Path = nav.name
		if err := tr.expandable(t, nav, e); err != nil {
			if err := tr.faults.take(err); err != nil {
				return err
			}
			continue
		}
		inner, err := tr.expanded(ctx, nav, e)
		if err != nil {
			return err
		}
		if s.expanded == nil {
			s.expanded = map[string]*shape{}
		}
		s.expanded[nav.name] = inner
		if s.parties != nil && s.parties.road == nav.name {
			continue
		}
		if s.columns != nil && !slices.Contains(s.columns, nav.name) {
			s.columns = append(s.columns, nav.name)
		}
	}
	if s.parties != nil && tr.nested { // the service would cut the parties to the size of the page
		return invalid("column %s: parties cannot be selected together with an expand inside an expand", s.parties.first())
	}
	return nil
}

// expanded resolves what is asked for of the rows behind nav.
func (tr *translator) expanded(ctx context.Context, nav navigation, e *odata.Expand) (*shape, error) {
	inner := &shape{name: nav.target, full: maxPage}
	target, err := tr.target(ctx, nav)
	if err != nil {
		return nil, err
	}
	if target != nil {
		if len(e.Select) == 0 && tr.usual != nil { // a contact has 200 columns, few of which were meant
			e.Select = tr.usual(target)
		}
		tr.depth++
		inner, err = tr.options(ctx, target, &e.Options)
		if tr.depth--; err != nil {
			return nil, err
		}
	}
	if inner.parties != nil {
		return nil, invalid("column %s: parties cannot be selected inside an expand; query table %s", inner.parties.first(), nav.target)
	}
	// Dataverse sends a next link with every collection. It says that rows were left out only where the query has
	// expands inside expands, or where the collection fills a page.
	if tr.nested {
		inner.full = 0
	}
	if e.Top != nil { // what the caller cut is not More
		inner.full = max(inner.full, *e.Top+1)
	}
	return inner, nil
}

// expandable refuses what the service does not do to the rows behind nav.
func (tr *translator) expandable(t *Table, nav navigation, e *odata.Expand) error {
	switch cut := e.Top != nil || len(e.OrderBy) > 0; {
	case cut && !nav.collection:
		return invalid("expand %s leads to one row: leave $top and $orderby out", nav.name)
	case cut && tr.depth > 0:
		return invalid("expand %s: $top and $orderby do not go inside another expand: leave them out, or query table %s", nav.name, nav.target)
	}
	shared := []string{"ownerid", "name", "yominame", "versionnumber"}
	other := slices.IndexFunc(e.Select, func(name string) bool { return !slices.Contains(shared, strings.ToLower(name)) })
	if nav.target != abstractOwner || other < 0 {
		return nil
	}
	return invalid("expand %s: rows of users and teams are behind it, which share no column %s: of table %s select ownerid, which shows the name, or expand owninguser($select=fullname) or owningteam($select=name)",
		nav.name, quoted(e.Select[other]), t.LogicalName)
}

// target describes the table that nav leads to; nil for an abstract one, whose columns only the service knows: rows
// behind ownerid are users or teams.
func (tr *translator) target(ctx context.Context, nav navigation) (*Table, error) {
	if nav.target == "owner" || nav.target == "principal" {
		return nil, nil
	}
	return tr.client.describe(ctx, nav.target)
}

// preferences joins what the client prefers into one header.
func preferences(list ...string) param {
	return param{"Prefer", strings.Join(slices.DeleteFunc(list, func(s string) bool { return s == "" }), ",")}
}
