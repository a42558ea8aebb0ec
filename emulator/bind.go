package emulator

import (
	"context"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// bind reads a reference to a row, or to several, under a navigation property.
func (e entering) bind(ctx context.Context, row *entry, name string, value any) error {
	nav, ok := bindable(row.table, name)
	if !ok {
		return undeclared(row.table, name)
	}
	if nav.One == nil {
		return e.bindMany(ctx, row, name, nav, value)
	}
	col := row.table.Column(nav.One.Attribute)
	switch text := value.(type) {
	case nil:
		e.put(row, col, nil, "")
		return nil
	case string:
		target, err := e.reference(ctx, text, nav.One.Referenced)
		if err != nil {
			return err
		}
		e.put(row, col, target.id, target.table.Logical)
		return nil
	}
	return payload(row.table, "The 'odata.bind' property annotation of the property '%s' must be a string.", name)
}

// bindMany reads the references under a collection.
func (e entering) bindMany(ctx context.Context, row *entry, name string, nav schema.Nav, value any) error {
	items, ok := value.([]any)
	far := e.farSide(nav)
	if !ok || far == nil {
		return payload(row.table, "The value of the 'odata.bind' property annotation of the collection '%s' must be an array of strings.", name)
	}
	if !e.nesting {
		return deepUpdate()
	}
	add := related{nav: nav}
	for _, item := range items {
		text, ok := item.(string)
		if !ok {
			return payload(row.table, "The value of the 'odata.bind' property annotation of the collection '%s' must be an array of strings.", name)
		}
		target, err := e.reference(ctx, text, far.Logical)
		if err != nil {
			return err
		}
		add.refs = append(add.refs, target)
	}
	row.related = append(row.related, add)
	return nil
}

// bindable finds the navigation property to bind. Activities call theirs ownerid_task, but plain ownerid, which other
// tables have, is what clients send and what the platform takes.
func bindable(t *schema.Table, name string) (schema.Nav, bool) {
	nav, ok := t.Nav(name)
	if !ok && name == "ownerid" {
		nav, ok = t.Nav(name + "_" + t.Logical)
	}
	if !ok {
		return nav, false
	}
	if nav.One == nil {
		return nav, true
	}
	col := t.Column(nav.One.Attribute)
	return nav, col != nil && col.IsLookup()
}

// unparsed is the answer to a reference that leads nowhere.
func unparsed() *Error {
	return badRequest("URL was not parsed due to an ODataUnrecognizedPathException. Resource not found for the segment provided in the URL.")
}

// reference finds the row that the text refers to: accounts(…), /accounts(…), an absolute URL or, in a change set, $1.
// Expected is the table that the relationship leads to.
func (c *call) reference(ctx context.Context, text, expected string) (location, error) {
	segment, t, err := c.parseReference(text)
	if err != nil {
		return location{}, err
	}
	l, err := c.locate(ctx, t, segment)
	if err != nil {
		return location{}, err
	}
	if !l.found {
		return location{}, l.missing()
	}
	if l.table, err = c.concrete(ctx, t, l.id); err != nil {
		return location{}, err
	}
	if !c.isA(l.table, expected) {
		return location{}, payload(l.table, "A resource with type 'Microsoft.Dynamics.CRM.%s' was found, but it is not assignable to the expected type 'Microsoft.Dynamics.CRM.%s'.",
			l.table.Logical, expected)
	}
	return l, nil
}

func (c *call) parseReference(text string) (odata.Segment, *schema.Table, error) {
	if c.inner != nil && strings.HasPrefix(text, "$") {
		var err error
		if text, err = dereference(text, c.inner.named); err != nil {
			return odata.Segment{}, nil, err
		}
	}
	if _, rest, absolute := strings.Cut(text, "://"); absolute {
		_, path, _ := strings.Cut(rest, "/")
		root := serviceRoot.FindString("/" + path)
		if root == "" {
			return odata.Segment{}, nil, unparsed()
		}
		text = strings.TrimPrefix("/"+path, root)
	} else if root := serviceRoot.FindString(text); root != "" {
		text = strings.TrimPrefix(text, root)
	}
	path, err := odata.ParsePath(text)
	if err != nil || len(path) != 1 || path[0].Key == nil && len(path[0].Args) == 0 {
		return odata.Segment{}, nil, unparsed()
	}
	t := c.schema.Set(path[0].Name)
	if t == nil {
		return odata.Segment{}, nil, unparsed()
	}
	return path[0], t, nil
}

// concrete is the table that really holds a row of an abstract table.
func (c *call) concrete(ctx context.Context, t *schema.Table, id string) (*schema.Table, error) {
	if !t.Abstract {
		return t, nil
	}
	query := "SELECT activitytypecode FROM activitypointer WHERE activityid = ?"
	if t.Logical == "owner" {
		query = "SELECT 'systemuser' FROM systemuser WHERE systemuserid = ?1 UNION ALL SELECT 'team' FROM team WHERE teamid = ?1"
	}
	var name string
	err := c.db.Read(ctx, func(ctx context.Context, q store.Querier) error {
		return q.QueryRowContext(ctx, query, id).Scan(&name)
	})
	return c.schema.Table(name), err
}

// isA reports whether rows of t are rows of the table, which may be abstract.
func (c *call) isA(t *schema.Table, table string) bool {
	switch table {
	case "owner":
		return t.Logical == "systemuser" || t.Logical == "team"
	case "activitypointer":
		return t.Activity
	}
	return t.Logical == table
}
