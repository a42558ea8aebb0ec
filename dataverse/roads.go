package dataverse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxRoads is how many ways through a lookup an error offers.
const maxRoads = 6

// wellKnown are the tables that lookups to many tables point to most.
func wellKnown() []string {
	return []string{"account", "contact", "opportunity", "lead", "incident", "systemuser", "team", "quote", "salesorder", "invoice", "campaign"}
}

// withRoads adds to an error about a lookup what its rows are to be compared by instead: their names.
func (tr *translator) withRoads(ctx context.Context, at *spot, err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || !at.column.Type.isLookup() {
		return err
	}
	roads, roadsErr := tr.roadsTo(ctx, at.table, at.column, at.before, "")
	if roadsErr == nil && roads != "" { // of two errors the first is the better to tell
		e.Message += "; by name it is compared as " + roads
	}
	return e
}

// roadsTo words the paths from t through the lookup c to a column called name, or for "" to what the rows there are
// named by: parentcustomerid_account/name or parentcustomerid_contact/fullname.
func (tr *translator) roadsTo(ctx context.Context, t *Table, c *Column, before []string, name string) (string, error) {
	d, err := tr.client.directory(ctx)
	if err != nil {
		return "", err
	}
	var paths []string
	for _, nav := range byUse(namedRoads(t, c)) {
		info, err := d.resolve(nav.target)
		if err != nil {
			continue
		}
		column := info.PrimaryName
		if name != "" && name != column {
			column = tr.wellKnownColumn(ctx, info, name)
		}
		if column != "" {
			paths = append(paths, strings.Join(append(slices.Clone(before), nav.name, column), "/"))
		}
	}
	if n := len(paths) - maxRoads; n > 0 {
		return oneOf(paths[:maxRoads]) + fmt.Sprintf(" or %d more like these", n), nil
	}
	return oneOf(paths), nil
}

// wellKnownColumn is name where the table has such a column. Only much used tables are asked for, as each may cost a
// request.
func (tr *translator) wellKnownColumn(ctx context.Context, info TableInfo, name string) string {
	if !slices.Contains(wellKnown(), info.LogicalName) {
		return ""
	}
	t, err := tr.client.describe(ctx, info.LogicalName)
	if err != nil {
		return ""
	}
	if c, ok := t.Column(name); ok {
		return c.property()
	}
	return ""
}

// namedRoads are the roads through c to rows with columns of their own. Rows behind an owner have none that can be
// compared; those behind its twins do.
func namedRoads(t *Table, c *Column) []navigation {
	var list []navigation
	for _, nav := range t.roads(c) {
		if nav.target != abstractOwner {
			list = append(list, nav)
			continue
		}
		list = append(list, navigation{name: "owninguser", target: "systemuser"}, navigation{name: "owningteam", target: "team"})
	}
	return list
}

// abstractOwner is the table behind an owner: users and teams.
const abstractOwner = "owner"

// byUse sorts roads to much used tables before others.
func byUse(roads []navigation) []navigation {
	slices.SortStableFunc(roads, func(a, b navigation) int {
		return cmp.Or(useRank(a.target)-useRank(b.target), len(a.target)-len(b.target))
	})
	return roads
}

// useRank is less for tables that are used more.
func useRank(table string) int {
	if i := slices.Index(wellKnown(), table); i >= 0 {
		return i
	}
	return len(wellKnown())
}

// noRoad is the error of a step in a path that leads to no rows, or to rows of several tables.
func (tr *translator) noRoad(ctx context.Context, t *Table, before []string, step, next string) error {
	c, ok := t.Column(step)
	switch {
	case !ok:
		return unknownNavigation(t, step)
	case !c.Type.isLookup():
		return invalid("column %s of table %s leads to no other table", c.LogicalName, t.LogicalName)
	}
	roads, err := tr.roadsTo(ctx, t, c, before, next)
	if err == nil && roads == "" {
		roads, err = tr.roadsTo(ctx, t, c, before, "")
	}
	if err != nil || roads == "" {
		return unknownNavigation(t, step)
	}
	return invalid("%s/%s: rows of several tables are behind %s, write %s", c.LogicalName, shortened(next, maxQuoted), c.LogicalName, roads)
}

// expandOf is the expand that shows the column at the end of a path behind nav.
func (tr *translator) expandOf(ctx context.Context, nav navigation, path string) (string, error) {
	step, rest, deeper := strings.Cut(path, "/")
	if !deeper {
		return nav.name + "($select=" + path + ")", nil
	}
	t, err := tr.target(ctx, nav)
	if err != nil || t == nil {
		return nav.name, err
	}
	next, ok := t.navigation(step)
	if !ok {
		return "", unknownNavigation(t, step)
	}
	within, err := tr.expandOf(ctx, next, rest)
	return nav.name + "($expand=" + within + ")", err
}

// maxSteps is how far a path is followed to say what was meant.
const maxSteps = 8

// notSelected is the error of what is no column, but a path: select stays within a table, expand leaves it.
func (tr *translator) notSelected(ctx context.Context, t *Table, name string) error {
	if strings.Contains(name, ",") {
		return invalid("select: %s is one text, want a list of columns", quoted(name))
	}
	step, column, ok := strings.Cut(name, "/")
	if !ok || strings.Count(name, "/") > maxSteps {
		return unknownColumn(t, name)
	}
	nav, found := t.navigation(step)
	if found && nav.target != abstractOwner {
		within, err := tr.expandOf(ctx, nav, column)
		if err != nil {
			return err
		}
		return invalid("select takes columns of table %s alone: for %s use expand: %q", t.LogicalName, quoted(name), within)
	}
	c, isColumn := t.Column(step)
	if !isColumn || !c.Type.isLookup() {
		return unknownNavigation(t, step)
	}
	roads, err := tr.roadsTo(ctx, t, c, nil, column)
	if first, _, _ := strings.Cut(roads, " or "); err == nil && first != "" {
		nav, column, _ := strings.Cut(first, "/")
		return invalid(`select takes columns of table %s alone: select %s, which shows the name, or use expand: "%s($select=%s)"`,
			t.LogicalName, c.LogicalName, nav, column)
	}
	return invalid("select takes columns of table %s alone: %s shows the name of the row", t.LogicalName, c.LogicalName)
}
