package emulator

import (
	"context"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// Rows that a body describes: items of the messages for many rows, and arguments that are entities.

// referred finds the row that an argument names. Kind is the type of the parameter: a table, principal, or
// crmbaseentity for any table.
func (c *call) referred(ctx context.Context, kind string, object members) (location, error) {
	t, err := c.tableOf(kind, object)
	if err != nil {
		return location{}, err
	}
	l, err := c.locateItem(ctx, t, object)
	switch {
	case err != nil:
		return l, err
	case l.id == "" && l.keys == nil:
		return l, missingArgument(l.table.PrimaryID)
	case !l.found:
		return l, l.missing()
	}
	l.table, err = c.concrete(ctx, l.table, l.id)
	return l, err
}

// tableOf is the table of an entity argument: the one of its @odata.type or of its address, else the parameter's.
func (c *call) tableOf(kind string, object members) (*schema.Table, error) {
	t := c.schema.Table(kind)
	if value, ok := object.get("@odata.type"); ok {
		name, _ := value.(string)
		name = strings.TrimPrefix(name, "#")
		logical, ok := strings.CutPrefix(name, namespace)
		if !ok {
			logical = strings.TrimPrefix(name, alias)
		}
		if t = c.schema.Table(logical); t == nil || !c.assignable(t, kind) {
			return nil, payload(nowhere, "A resource with type '%s' was found, but it is not assignable to the expected type '%s%s'.", name, namespace, kind)
		}
		return t, nil
	}
	if value, ok := object.get("@odata.id"); ok {
		text, _ := value.(string)
		_, named, err := c.parseReference(text)
		if err == nil && !c.assignable(named, kind) {
			err = payload(nowhere, "A resource with type '%s%s' was found, but it is not assignable to the expected type '%s%s'.", namespace, named.Logical, namespace, kind)
		}
		return named, err
	}
	if t == nil {
		return nil, untyped(nowhere)
	}
	return t, nil
}

// untyped is the answer to a row of no named type where any may stand.
func untyped(t *schema.Table) *Error {
	return payload(t, "An entry without a type name was found, but no expected type was specified. "+
		"To allow entries without type information, the expected type must also be specified when the model is specified.")
}

// assignable reports whether rows of the table may be given for the parameter.
func (c *call) assignable(t *schema.Table, kind string) bool {
	switch kind {
	case "crmbaseentity":
		return true
	case "principal":
		return isPrincipal(t)
	}
	return c.isA(t, kind)
}

// locateItem locates the row that an object names: by @odata.id, by its primary key or by the columns of an alternate key.
func (c *call) locateItem(ctx context.Context, t *schema.Table, object members) (location, error) {
	if value, ok := object.get("@odata.id"); ok {
		text, _ := value.(string)
		segment, named, err := c.parseReference(text)
		if err != nil {
			return location{}, err
		}
		if named != t {
			return location{}, unparsed()
		}
		return c.locateIn(ctx, t, segment, partitionIn(object))
	}
	l := location{table: t}
	value, ok := object.get(t.PrimaryID)
	if !ok && isPrincipal(t) {
		value, ok = object.get("ownerid") // the key of principal, which users and teams have too
	}
	if ok {
		id, err := valueIn(t.Column(t.PrimaryID), value)
		if err != nil {
			return l, err
		}
		l.id, _ = id.(string)
		l.within(partitionIn(object))
		return l, c.db.Read(ctx, l.find)
	}
	for _, key := range t.Keys {
		values, err := keyIn(t, key, object)
		if err != nil {
			return l, err
		}
		if values != nil {
			l.keys = values
			return l, c.db.Read(ctx, l.find)
		}
	}
	return l, nil
}

// keyIn is the alternate key's values, nil where the object does not have them all.
func keyIn(t *schema.Table, key schema.Key, object members) (map[string]any, error) {
	values := make(map[string]any, len(key.Attributes))
	for _, column := range key.Attributes {
		value, ok := object.get(column)
		if !ok || value == nil || t.Column(column).IsLookup() {
			return nil, nil
		}
		var err error
		if values[column], err = valueIn(t.Column(column), value); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// create makes the row that an argument describes, with what is nested in it.
func (a *acting) create(ctx context.Context, t *schema.Table, object members) (id string, err error) {
	row, err := entering{a.call, true, true}.entry(ctx, t, object)
	if err != nil {
		return "", err
	}
	return a.insert(ctx, a.tx, row)
}

// add makes a row of values by physical column.
func (a *acting) add(ctx context.Context, t *schema.Table, values map[string]any) (id string, err error) {
	return a.insert(ctx, a.tx, &entry{table: t, values: values})
}

// change writes values by physical column over a row.
func (a *acting) change(ctx context.Context, l location, values map[string]any) error {
	return a.modify(ctx, a.tx, &entry{table: l.table, values: values, acts: true}, l.id)
}

// stands is the row as it is, by physical column.
func (a *acting) stands(ctx context.Context, l location) (map[string]any, error) {
	return load(ctx, a.tx, l.table, l.id)
}

// lookup adds a lookup to values, where the table has it and id is not empty.
func lookup(values map[string]any, t *schema.Table, column, id, table string) {
	if col := t.Column(column); col != nil && col.IsLookup() && col.Stored() && id != "" {
		setLookup(values, col, id, table)
	}
}

// linkedIn is the row that a lookup of a loaded row leads to; "" where it leads nowhere.
func linkedIn(t *schema.Table, row map[string]any, column string) (id, table string) {
	col := t.Column(column)
	id, _ = row[column].(string)
	if id == "" || col == nil {
		return "", ""
	}
	if col.Polymorphic() {
		table, _ = row[store.TargetColumn(column)].(string)
		return id, table
	}
	if len(col.Targets) > 0 {
		table = col.Targets[0]
	}
	return id, table
}
