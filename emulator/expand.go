package emulator

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// expansion is one item of $expand.
type expansion struct {
	parent  *projection
	name    string // the navigation property
	nav     schema.Nav
	options odata.Options
	ref     bool        // references instead of rows
	inner   *projection // of the related rows, nil with ref
	from    int         // place in the parent's rows of the lookup, or of the id that lookups refer to
	target  int         // place of the table that a polymorphic lookup refers to, else -1
}

// mergedExpands makes one item of those for the same navigation property, as Microsoft's OData library does: what any of them
// selects and expands, with the other options of the first.
func mergedExpands(items []odata.Expand) []odata.Expand {
	var all []odata.Expand
	for _, item := range items {
		item.Expand = mergedExpands(item.Expand)
		i := slices.IndexFunc(all, func(e odata.Expand) bool { return e.Path == item.Path })
		if i < 0 {
			all = append(all, item)
			continue
		}
		all[i].Ref = all[i].Ref && item.Ref
		all[i].Select = slices.Concat(all[i].Select, item.Select)
		all[i].Expand = mergedExpands(slices.Concat(all[i].Expand, item.Expand))
	}
	return all
}

// expand resolves one item of $expand.
func (p *projection) expand(item odata.Expand, nested bool) (*expansion, error) {
	nav, ok := p.table.Nav(item.Path)
	if !ok {
		return nil, noSuchProperty(item.Path, typeName(p.table))
	}
	e := &expansion{parent: p, name: item.Path, nav: nav, options: item.Options, ref: item.Ref, from: p.id, target: -1}
	if err := e.check(item, nested); err != nil {
		return nil, err
	}
	inner := shape{nested: nested}
	if nav.One != nil {
		e.lookup(p.table.Column(nav.One.Attribute))
	} else if !nested {
		inner.etag = p.c.metadataLevel() != metadataNone
		if nav.Many != nil {
			inner.foreign = nav.Many.Attribute
		}
	}
	if e.ref {
		return e, nil
	}
	related := p.c.schema.Table(relatedTable(nav))
	if related == nil {
		return nil, noSuchProperty(item.Path, typeName(p.table)) // a table that the emulator does not have
	}
	var err error
	e.inner, err = p.c.projectTable(related, item.Options, inner)
	return e, err
}

func (e *expansion) lookup(column *schema.Column) {
	e.from = e.parent.need(column.Logical)
	if column.Polymorphic() {
		e.target = e.parent.need(store.TargetColumn(column.Logical))
	}
}

// check refuses the options that Dataverse does not take inside $expand.
func (e *expansion) check(item odata.Expand, nested bool) error {
	o := item.Options
	switch {
	case item.Ref && e.nav.One == nil:
		return badRequest("Expand with $ref is only supported on lookup type navigation property.")
	case item.Count || o.WithCount != nil:
		return badRequest("$count is not supported inside $expand.")
	case o.Skip != nil:
		return badRequest("Skip Clause is not supported in CRM")
	case o.Search != "":
		return badRequest("$search is not supported inside $expand.")
	case o.Levels != "":
		return badRequest("$levels is not supported inside $expand.")
	case o.Compute != "":
		return badRequest("$compute is not supported inside $expand.")
	case len(o.Apply) > 0:
		return badRequest("$apply is not supported inside $expand.")
	case (e.nav.One != nil || nested) && (o.Top != nil || len(o.OrderBy) > 0):
		return badRequest("Only $select and $filter clause can be provided while doing $expand on many-to-one relationship or nested one-to-many relationship.")
	}
	return nil
}

// added is what the expansion adds to each of the parent's rows: a property, for collections with its nextLink.
func (e *expansion) added(ctx context.Context, q store.Querier, rows []row) ([][]byte, error) {
	switch {
	case e.ref:
		return e.references(rows), nil
	case e.nav.One != nil:
		return e.single(ctx, q, rows)
	}
	return e.collections(ctx, q, rows)
}

// referred is the row that the parent row's lookup refers to, if it refers into the expanded table.
func (e *expansion) referred(r row) (table, id string) {
	table = e.nav.One.Referenced
	if e.target < 0 {
		return table, r.text(e.from)
	}
	actual := r.text(e.target)
	within := actual == table || table == "owner" || table == "activitypointer" && e.isActivity(actual)
	if !within {
		return table, ""
	}
	return actual, r.text(e.from)
}

func (e *expansion) isActivity(table string) bool {
	t := e.parent.c.schema.Table(table)
	return t != nil && t.Activity
}

// property begins what the expansion adds to a row.
func (e *expansion) property() []byte { return append(appendString(nil, e.name), ':') }

func (e *expansion) references(rows []row) [][]byte {
	all := make([][]byte, len(rows))
	for i, r := range rows {
		table, id := e.referred(r)
		t := e.parent.c.schema.Table(table)
		if id == "" || t == nil {
			all[i] = append(e.property(), "null"...)
			continue
		}
		var o object
		o.text("@odata.id", e.parent.c.rowURL(t, id))
		all[i] = append(e.property(), o.bytes()...)
	}
	return all
}

// single reads the rows that lookups refer to, each once.
func (e *expansion) single(ctx context.Context, q store.Querier, rows []row) ([][]byte, error) {
	seen := map[string]bool{}
	var ids []string
	for _, r := range rows {
		if _, id := e.referred(r); id != "" && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	where, err := e.where(concat(columnOf(rowAlias, e.inner.table.PrimaryID), in(ids)))
	if err != nil {
		return nil, err
	}
	query := concat("SELECT "+e.inner.selectList()+" FROM "+store.Quote(e.inner.table.Logical)+" AS "+rowAlias+" WHERE ", where)
	found, err := e.inner.fetch(ctx, q, query.sql, query.args...)
	if err != nil {
		return nil, err
	}
	objects, err := e.inner.render(ctx, q, found)
	if err != nil {
		return nil, err
	}
	byID := make(map[string][]byte, len(found))
	for i, r := range found {
		byID[r.id] = objects[i]
	}
	all := make([][]byte, len(rows))
	for i, r := range rows {
		all[i] = e.appendSingle(e.property(), r, byID)
	}
	return all, nil
}

func (e *expansion) appendSingle(b []byte, r row, byID map[string][]byte) []byte {
	table, id := e.referred(r)
	object := byID[id]
	if id == "" || object == nil {
		return append(b, "null"...)
	}
	if e.nav.One.Referenced != "owner" || e.parent.c.metadataLevel() == metadataNone {
		return append(b, object...)
	}
	// An owner is declared as a principal; what it really is must be said.
	b = append(b, `{"@odata.type":"#Microsoft.Dynamics.CRM.`+table+`",`...)
	return append(b, object[1:]...)
}

// where adds the nested $filter to a condition.
func (e *expansion) where(condition fragment) (fragment, error) {
	if e.options.Filter == nil {
		return condition, nil
	}
	filter, err := e.parent.c.condition(e.inner.table, rowAlias, e.options.Filter)
	if err != nil {
		return fragment{}, err
	}
	return concat(condition, " AND (", filter, ")"), nil
}

func in(ids []string) fragment {
	return concat(" IN (SELECT value FROM json_each(", value(idList(ids)), "))")
}

// collections reads the related rows of all the parent's rows with one query, cut to the limit for each.
func (e *expansion) collections(ctx context.Context, q store.Querier, rows []row) ([][]byte, error) {
	limit := e.limit()
	query, err := e.collectionQuery(rows, limit)
	if err != nil {
		return nil, err
	}
	found, err := e.inner.fetch(ctx, q, query.sql, query.args...)
	if err != nil {
		return nil, err
	}
	objects, err := e.inner.render(ctx, q, found)
	if err != nil {
		return nil, err
	}
	items := make(map[string][][]byte, len(rows))
	for i, r := range found {
		owner, _ := r.extra[0].(string)
		items[owner] = append(items[owner], objects[i])
	}
	all := make([][]byte, len(rows))
	for i, r := range rows {
		all[i] = e.appendCollection(e.property(), r.id, items[r.id], limit)
	}
	return all, nil
}

// limit is how many rows each collection may show.
func (e *expansion) limit() int {
	switch {
	case e.parent.paged && e.parent.c.prefer.maxPageSize > 0:
		return e.parent.c.prefer.maxPageSize
	case e.options.Top != nil:
		return min(*e.options.Top, pageLimit(e.inner.table))
	}
	return pageLimit(e.inner.table)
}

// collectionQuery numbers the related rows of each parent and keeps one more than the limit, which tells that there
// are more. The parent's id is the first extra column.
func (e *expansion) collectionQuery(rows []row, limit int) (fragment, error) {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.id
	}
	owner, from := e.reach()
	where, err := e.where(concat(owner, in(ids)))
	if err != nil {
		return fragment{}, err
	}
	terms, err := e.parent.c.ordering(e.inner.table, rowAlias, e.options.OrderBy)
	if err != nil {
		return fragment{}, err
	}
	var by []any
	for i, term := range terms {
		if i > 0 {
			by = append(by, ", ")
		}
		by = append(by, term.sql)
		if term.desc {
			by = append(by, " DESC")
		}
	}
	list := e.inner.selectList()
	return concat("SELECT "+list+", "+rowAlias+`."$owner" FROM (SELECT `+list+", ", owner, ` AS "$owner", row_number() OVER (PARTITION BY `,
		owner, " ORDER BY ", concat(by...), `) AS "$number" FROM `+from+" WHERE ", where,
		fmt.Sprintf(`) AS %s WHERE %[1]s."$number" <= %d ORDER BY %[1]s."$number"`, rowAlias, limit+1)), nil
}

// reach is the SQL for the parent's id beside a related row, and the FROM that has both.
func (e *expansion) reach() (owner fragment, from string) {
	from = store.Quote(e.inner.table.Logical) + " AS " + rowAlias
	if e.nav.Many != nil {
		return columnOf(rowAlias, e.nav.Many.Attribute), from
	}
	near, far := ends(e.nav)
	from += fmt.Sprintf(` JOIN %s AS "$pair" ON "$pair".%s = %s.%s`, store.Quote(e.nav.Across.Intersect), store.Quote(far),
		rowAlias, store.Quote(e.inner.table.PrimaryID))
	return columnOf("$pair", near), from
}

// ends are the columns of an intersect table that point to the near and to the far side of a navigation.
func ends(nav schema.Nav) (near, far string) {
	if nav.First {
		return nav.Across.Attribute1, nav.Across.Attribute2
	}
	return nav.Across.Attribute2, nav.Across.Attribute1
}

// appendCollection writes the items and the link to the whole collection, or to its next page where it comes in pages.
func (e *expansion) appendCollection(b []byte, id string, items [][]byte, limit int) []byte {
	more := len(items) > limit
	if more {
		items = items[:limit]
	}
	b = append(b, '[')
	for i, item := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, item...)
	}
	b = append(b, ']')
	if e.parent.paged && !more {
		return b
	}
	link := e.parent.c.rowURL(e.parent.table, id) + "/" + e.name
	query := optionsText(e.options)
	if e.parent.paged {
		query = append(query, "$skiptoken="+encodeToken(cookie{page: 2}.skiptoken()))
	}
	if len(query) > 0 {
		link += "?" + strings.Join(query, "&")
	}
	b = append(appendString(append(b, ','), e.name+"@odata.nextLink"), ':')
	return appendString(b, link)
}

// optionsText are the options as query parameters, encoded no more than they must be, as real links are.
func optionsText(o odata.Options) []string {
	var all []string
	given := o.Values()
	for _, name := range []string{"$select", "$filter", "$orderby", "$top", "$expand"} {
		if text := given.Get(name); text != "" {
			all = append(all, name+"="+queryEscape.Replace(text))
		}
	}
	return all
}

var queryEscape = strings.NewReplacer("%", "%25", " ", "%20", `"`, "%22", "#", "%23", "&", "%26", "+", "%2B", "<", "%3C", ">", "%3E")

// rowURL is the address of a row.
func (c *call) rowURL(t *schema.Table, id string) string { return c.root + t.Set + "(" + id + ")" }
