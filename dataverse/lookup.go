package dataverse

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// lookup writes the value of a lookup column as the binding that the service wants: the navigation property that leads
// to the target's table, and the address of the row.
func (w *writer) lookup(ctx context.Context, t *Table, c *Column, value any) (string, any, error) {
	roads := t.roads(c)
	if len(roads) == 0 {
		return "", nil, invalid("column %s of table %s has no navigation property: only an action of the service writes it, which cannot be sent here yet",
			c.LogicalName, t.LogicalName)
	}
	if value == nil {
		return roads[0].name + "@odata.bind", nil, nil
	}
	return w.follow(ctx, roads, c, value)
}

// follow binds the row that value names, along the one of roads that leads to its table.
func (w *writer) follow(ctx context.Context, roads []navigation, c *Column, value any) (string, any, error) {
	d, err := w.client.directory(ctx)
	if err != nil {
		return "", nil, err
	}
	targets := d.served(c.Targets)
	table, id, err := reference(c, value)
	if err != nil {
		return "", nil, wrongReference(c, value, targets)
	}
	if table == "" {
		if len(targets) != 1 {
			return "", nil, invalid("column %s: got an id alone, want %s", c.LogicalName, referenceForm(targets))
		}
		table = targets[0]
	}
	info, err := d.resolve(table)
	if err != nil {
		return "", nil, columnError(c, err)
	}
	if len(c.Targets) > 0 && !slices.Contains(c.Targets, info.LogicalName) {
		return "", nil, invalid("column %s: it cannot point to table %s, only to %s", c.LogicalName, info.LogicalName, someOf(targets))
	}
	address, err := w.client.address(ctx, info, id)
	if err != nil {
		return "", nil, columnError(c, err)
	}
	return roadTo(roads, info.LogicalName).name + "@odata.bind", address, nil
}

// served keeps the tables that the environment has: much used ones first, then others that Microsoft ships.
func (d *directory) served(tables []string) []string {
	var standard, custom []string
	for _, name := range tables {
		switch i, ok := d.byName[name]; {
		case !ok || d.tables[i].SetName == "":
		case d.tables[i].Custom:
			custom = append(custom, name)
		default:
			standard = append(standard, name)
		}
	}
	slices.SortStableFunc(standard, func(a, b string) int { return useRank(a) - useRank(b) })
	return append(standard, custom...)
}

// maxTargets is how many tables an error lists.
const maxTargets = 6

// someOf lists the first few names and says how many more there are.
func someOf(names []string) string {
	if len(names) <= maxTargets {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxTargets], ", "), len(names)-maxTargets)
}

// referenceForm says how a row of one of tables is named.
func referenceForm(tables []string) string {
	switch len(tables) {
	case 0:
		return "TABLE(GUID)"
	case 1:
		return tables[0] + "(GUID)"
	case 2:
		return tables[0] + "(GUID) or " + tables[1] + "(GUID)"
	}
	return tables[0] + "(GUID), with a table of " + someOf(tables)
}

// wrongReference is the error of a value that names no row.
func wrongReference(c *Column, value any, targets []string) error {
	if value == "" {
		return invalid(`column %s: got "", want null to empty it, or %s`, c.LogicalName, referenceForm(targets))
	}
	want := referenceForm(targets)
	if c.Type == PartyListColumn {
		want += ", or a mail address"
	}
	if _, isText := value.(string); isText {
		want += "; the id of a name is found by a query"
	}
	return wrongType(c, value, want)
}

// roads are the navigation properties of a lookup: one for each table that it may point to.
func (t *Table) roads(c *Column) []navigation {
	var list []navigation
	for _, n := range t.navigations() {
		if n.column == c.LogicalName {
			list = append(list, n)
		}
	}
	return list
}

// roadTo chooses among roads. A lookup to an owner has one road, to the abstract table owner, for users and teams.
func roadTo(roads []navigation, table string) navigation {
	for _, n := range roads {
		if n.target == table {
			return n
		}
	}
	return roads[0]
}

// address is how the service wants a row named: /contacts(4026be43-…).
func (c *Client) address(ctx context.Context, info TableInfo, id string) (string, error) {
	if info.SetName == "" {
		return "", invalid("table %s is not served by the Web API", info.LogicalName)
	}
	if guid, ok := parseGUID(id); ok {
		return "/" + info.SetName + "(" + guid + ")", nil
	}
	t, err := c.describe(ctx, info.LogicalName)
	if err != nil {
		return "", err
	}
	key, err := t.rowKey(id)
	if err != nil {
		return "", err
	}
	return "/" + info.SetName + key.path, nil
}

// reference reads a row named as TABLE(ID), {"table","id"} or ID alone.
func reference(c *Column, value any) (table, id string, err error) {
	if object, ok := asValues(value); ok {
		if !isReference(value) {
			return "", "", invalid(`column %s: want {"table","id"} or TABLE(ID)`, c.LogicalName)
		}
		if object["table"] == nil {
			return reference(c, object["id"])
		}
		table, _ = object["table"].(string)
		id, _ = object["id"].(string)
		return table, id, nil
	}
	text, ok := value.(string)
	if !ok {
		s, isText := value.(fmt.Stringer) // a uuid.UUID
		if !isText {
			return "", "", invalid("column %s: got %s, want TABLE(ID)", c.LogicalName, describeValue(value))
		}
		text = s.String()
	}
	if guid, ok := parseGUID(text); ok {
		return "", guid, nil
	}
	table, id, ok = splitReference(text)
	if !ok {
		return "", "", invalid("column %s: got %s, want TABLE(ID)", c.LogicalName, quoted(text))
	}
	return table, id, nil
}

// splitReference takes contacts(4026be43-…) apart, also with a slash before it or as a whole address.
func splitReference(text string) (table, id string, ok bool) {
	text = strings.TrimSpace(text)
	rest, ok := strings.CutSuffix(text, ")")
	if !ok {
		return "", "", false
	}
	if u, err := url.Parse(rest); err == nil && u.Host != "" {
		_, rest, ok = strings.Cut(u.Path, apiPath)
		if !ok {
			return "", "", false
		}
	}
	table, id, ok = strings.Cut(strings.TrimPrefix(rest, "/"), "(")
	return table, id, ok && table != "" && id != ""
}

// bound translates the OData form of a lookup: the navigation property and @odata.bind.
func (w *writer) bound(ctx context.Context, t *Table, name string, value any) (string, any, error) {
	nav, ok := t.navigation(name)
	if !ok {
		return "", nil, unknownNavigation(t, name)
	}
	if nav.collection {
		return "", nil, t.notJoined(nav)
	}
	c, ok := t.Column(nav.column)
	if !ok {
		return "", nil, unknownColumn(t, nav.column)
	}
	if err := w.allowed(t, c); err != nil {
		return "", nil, err
	}
	property := nav.name + "@odata.bind"
	if value == nil {
		return property, nil, nil
	}
	_, address, err := w.lookup(ctx, t, c, value)
	return property, address, err
}

// notJoined is the error of values that would join rows which are there to many others.
func (t *Table) notJoined(nav navigation) error {
	i := slices.IndexFunc(t.OneToMany, func(r Relationship) bool { return r.ReferencedNav == nav.name })
	switch {
	case nav.target == partyTable && len(t.PartyColumns()) > 0:
		return invalid("%s: the parties of %s are written by its columns %s", nav.name, t.LogicalName, strings.Join(t.PartyColumns(), ", "))
	case i >= 0:
		return invalid("%s: rows of table %s point here by their column %s: write %s(GUID) there", nav.name, nav.target, t.OneToMany[i].ReferencingColumn, t.LogicalName)
	}
	return invalid("%s: rows of tables %s and %s are joined many to many, which cannot be done here yet", nav.name, t.LogicalName, nav.target)
}

// columnError says which column an error is about.
func columnError(c *Column, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		own := *e
		own.Kind, own.Message = Invalid, "column "+c.LogicalName+": "+e.Message
		return &own
	}
	return err
}
