package emulator

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// entry is a row as a client describes it, once its names are resolved, its types checked and its references found.
type entry struct {
	table   *schema.Table
	id      string         // the primary key, "" where the client gives none
	values  map[string]any // by physical column, with the columns that a client may not write left out
	parents []parent
	related []related
	acts    bool // an action writes it, which may do what an update may not
}

// parent is a row to create before the entry, which then refers to it by the column of the relationship.
type parent struct {
	by  *schema.Relationship
	row *entry
}

// related are rows at the other end of a collection: to create, or there already.
type related struct {
	nav  schema.Nav
	rows []*entry
	refs []location
}

// entering reads an entry. Create and update differ in the columns that may be written, and only POST may nest rows.
type entering struct {
	*call
	creating bool
	nesting  bool
}

// entry reads the description of a row.
func (e entering) entry(ctx context.Context, t *schema.Table, object members) (*entry, error) {
	row := &entry{table: t, values: map[string]any{}}
	for _, m := range object {
		name, annotation, annotated := strings.Cut(m.name, "@")
		var err error
		switch {
		case m.name == "@odata.type":
			err = e.typed(t, m.value)
		case name == "":
			// @odata.etag and its like say what a read returned.
		case annotation == "odata.bind":
			err = e.bind(ctx, row, name, m.value)
		case annotated:
			// Annotations that a read returned, such as formatted values, may come back and mean nothing.
		default:
			err = e.property(ctx, row, m)
		}
		if err != nil {
			return nil, err
		}
	}
	return row, nil
}

// typed holds a row to the type that the URL says too.
func (e entering) typed(t *schema.Table, value any) error {
	name, _ := value.(string)
	name = strings.TrimPrefix(name, "#")
	logical, ok := strings.CutPrefix(name, namespace)
	if !ok {
		logical = strings.TrimPrefix(name, alias)
	}
	if given := e.schema.Table(logical); given == nil || !e.isA(given, t.Logical) {
		return payload(t, "A resource with type '%s' was found, but it is not assignable to the expected type '%s%s'.", name, namespace, t.Logical)
	}
	return nil
}

func (e entering) property(ctx context.Context, row *entry, m member) error {
	t := row.table
	if nav, ok := t.Nav(m.name); ok && (t.Column(m.name) == nil || t.Column(m.name).IsLookup()) {
		return e.nested(ctx, row, m, nav)
	}
	col := t.Column(m.name)
	if col == nil {
		if lookup := lookupOf(t, m.name); lookup != nil {
			return badRequest("CRM do not support direct update of Entity Reference properties, Use Navigation properties instead.")
		}
		return invalidProperty(t, m.name)
	}
	if col.IsLookup() && m.value == nil {
		e.put(row, col, nil, "")
		return nil
	}
	if !col.Property || col.IsLookup() {
		return invalidProperty(t, m.name)
	}
	value, err := valueIn(col, m.value)
	if err != nil {
		return err
	}
	if col.Logical == t.PrimaryID {
		if value != uuid.Nil.String() { // an empty id is none, as in the SDK
			row.id, _ = value.(string)
		}
		return nil
	}
	if e.writable(col) && col.Stored() && col.Type != schema.File { // a file has its own way in
		row.values[col.Logical] = value
	}
	return nil
}

// writable: columns that are not valid for the operation are ignored without a word, as the platform does.
func (e entering) writable(col *schema.Column) bool {
	if e.creating {
		return col.Create
	}
	return col.Update
}

// put sets a lookup.
func (e entering) put(row *entry, col *schema.Column, id any, table string) {
	if !e.writable(col) || !col.Stored() {
		return
	}
	setLookup(row.values, col, id, table)
}

// setLookup writes both halves of a lookup; a nil id clears it.
func setLookup(values map[string]any, col *schema.Column, id any, table string) {
	values[col.Logical] = id
	if col.Polymorphic() {
		values[store.TargetColumn(col.Logical)] = emptyAsNull(table)
		if id == nil {
			values[store.TargetColumn(col.Logical)] = nil
		}
	}
}

// lookupOf finds the lookup behind a property name such as _primarycontactid_value.
func lookupOf(t *schema.Table, property string) *schema.Column {
	name, ok := strings.CutPrefix(property, "_")
	name, value := strings.CutSuffix(name, "_value")
	if col := t.Column(name); ok && value && col != nil && col.IsLookup() {
		return col
	}
	return nil
}

// invalidProperty is the answer to a property that the table does not have.
func invalidProperty(t *schema.Table, name string) *Error {
	e := payload(t, "The property '%s' does not exist on type 'Microsoft.Dynamics.CRM.%s'. Make sure to only use property names that are defined by the type.", name, t.Logical)
	e.Message = strings.Replace(e.Message, "InnerException : ", "InnerException : Microsoft.Crm.CrmException: Invalid property '"+
		name+"' was found in entity 'Microsoft.Dynamics.CRM."+t.Logical+"'. ---> ", 1)
	return e
}

// undeclared is the answer to an @odata.bind on what is no navigation property.
func undeclared(t *schema.Table, name string) *Error {
	return payload(t, "An undeclared property '%s' which only has property annotations in the payload but no property value was found in the payload. "+
		"In OData, only declared navigation properties and declared named streams can be represented as properties without values.", name)
}

// nested reads what stands under a navigation property: rows to create with this one, or null for no row.
func (e entering) nested(ctx context.Context, row *entry, m member, nav schema.Nav) error {
	switch value := m.value.(type) {
	case nil:
		if nav.One == nil {
			return payload(row.table, "A null value was found for the collection property '%s'.", m.name)
		}
		if col := row.table.Column(nav.One.Attribute); col != nil && col.IsLookup() {
			e.put(row, col, nil, "")
		}
		return nil
	case members:
		if nav.One == nil {
			return payload(row.table, "An unexpected 'StartObject' node was found when reading from the JSON reader. A 'StartArray' node was expected.")
		}
		return e.nestedParent(ctx, row, m.name, nav.One, value)
	case []any:
		if nav.One != nil {
			return payload(row.table, "An unexpected 'StartArray' node was found when reading from the JSON reader. A 'StartObject' node was expected.")
		}
		return e.nestedRows(ctx, row, nav, value)
	}
	return payload(row.table, "A '%s' node with non-null value was found when trying to read the value of the property '%s'; however, a 'StartArray' node, a 'StartObject' node, or a 'PrimitiveValue' node with null value was expected.",
		node(m.value), m.name)
}

// deepUpdate is the answer to rows nested in a PATCH, which may not even create them.
func deepUpdate() *Error {
	return fail(http.StatusBadRequest, codeODataRequest, "Deep update of navigation properties is not allowed.")
}

func (e entering) nestedParent(ctx context.Context, row *entry, name string, r *schema.Relationship, object members) error {
	target := e.schema.Table(r.Referenced)
	col := row.table.Column(r.Attribute)
	switch {
	case !e.nesting:
		return deepUpdate()
	case target == nil || target.Abstract || col == nil || !col.IsLookup():
		return undeclared(row.table, name)
	}
	nested, err := e.entry(ctx, target, object)
	if err != nil {
		return err
	}
	row.parents = append(row.parents, parent{r, nested})
	return nil
}

func (e entering) nestedRows(ctx context.Context, row *entry, nav schema.Nav, items []any) error {
	target := e.farSide(nav)
	if target == nil {
		return deepUpdate()
	}
	if !e.nesting && target.Logical != "activityparty" { // the parties of an activity are replaced as a whole
		return deepUpdate()
	}
	add := related{nav: nav}
	for _, item := range items {
		object, ok := item.(members)
		if !ok {
			return payload(target, "An unexpected '%s' node was found when reading from the JSON reader. A 'StartObject' node was expected.", node(item))
		}
		nested, err := entering{e.call, true, true}.entry(ctx, target, object)
		if err != nil {
			return err
		}
		add.rows = append(add.rows, nested)
	}
	row.related = append(row.related, add)
	return nil
}

// farSide is the table at the other end of a collection, nil where its rows come from other tables.
func (c *call) farSide(nav schema.Nav) *schema.Table {
	if t := c.schema.Table(relatedTable(nav)); t != nil && !t.Abstract {
		return t
	}
	return nil
}
