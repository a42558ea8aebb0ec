package dataverse

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
)

// rowKey names one row of a table.
type rowKey struct {
	path string // (4026be43-6b69-e111-8f65-78e7d1620f5e), percent-encoded
	text string // for errors
	guid string // "" for an alternate key
	// partition is that of an elastic table's row, where the key says it beside the GUID.
	partition string
	// parts are the texts of an alternate key by column; those of other types are for the service to compare.
	parts map[string]string
}

var guidPattern = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// parseGUID reads a GUID in any case, with or without braces, and returns it in lower case.
func parseGUID(s string) (string, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	if inner, ok := strings.CutPrefix(s, "{"); ok {
		if s, ok = strings.CutSuffix(inner, "}"); !ok {
			return "", false
		}
	}
	return s, guidPattern.MatchString(s)
}

// rowKey reads the id of a row: a GUID, or an alternate key of t.
func (t *Table) rowKey(id string) (rowKey, error) {
	if guid, ok := parseGUID(id); ok {
		return rowKey{path: "(" + guid + ")", text: guid, guid: guid}, nil
	}
	if !strings.Contains(id, "=") {
		return rowKey{}, invalid("id: got %s, want a GUID%s", quoted(id), t.keyHint())
	}
	path, err := odata.ParsePath("key(" + strings.NewReplacer("%", "%25", "/", "%2F").Replace(id) + ")")
	if err != nil || len(path) != 1 || len(path[0].Args) == 0 {
		return rowKey{}, invalid("id: %s cannot be read as a key, want a GUID%s", quoted(id), t.keyHint())
	}
	path[0].Name = ""
	names, parts, primary := make([]string, 0, len(path[0].Args)), map[string]string{}, ""
	for i := range path[0].Args {
		a := &path[0].Args[i]
		c, ok := t.Column(a.Name)
		if !ok {
			return rowKey{}, unknownColumn(t, a.Name)
		}
		if err := keyValue(c, a); err != nil {
			return rowKey{}, err
		}
		names = append(names, c.LogicalName)
		switch l, ok := a.Value.(*odata.Literal); {
		case ok && l.Kind == odata.String:
			parts[c.LogicalName] = l.Value
		case ok && c.LogicalName == t.PrimaryID:
			primary, _ = parseGUID(l.Value)
		}
	}
	if !t.hasKey(names) {
		return rowKey{}, invalid("id: %s is no alternate key of table %s, want a GUID%s", strings.Join(names, ","), t.LogicalName, t.keyHint())
	}
	k := rowKey{path: odata.FormatPath(path), text: path[0].String(), parts: parts}
	if t.elastic() && len(names) == 2 && parts[partitionColumn] != "" {
		k.guid, k.partition = primary, parts[partitionColumn]
	}
	return k, nil
}

// unchanged refuses values that would give a row another key than the one it is found by: the service leaves them alone
// without a word where the row is there, and takes them instead of the key where it is not.
func (k rowKey) unchanged(t *Table, v Values) error {
	for name, value := range v {
		c, ok := t.Column(name)
		if !ok || k.parts == nil {
			continue
		}
		if key, ok := k.parts[c.LogicalName]; ok && !strings.EqualFold(key, fmt.Sprint(value)) {
			return invalid("column %s: got %s, but the id says %s; to give a row another key, name it by its GUID",
				c.LogicalName, describeValue(value), quoted(key))
		}
	}
	return nil
}

// keyValue brings one part of a key into the service's form.
func keyValue(c *Column, a *odata.Arg) error {
	value, err := literals(c, a.Value)
	if err != nil {
		return err
	}
	a.Name, a.Value = c.property(), value
	return nil
}

// hasKey says whether the columns are an alternate key of t. The primary key among them is the key of elastic tables.
func (t *Table) hasKey(columns []string) bool {
	if slices.Contains(columns, t.PrimaryID) {
		return true
	}
	slices.Sort(columns)
	return slices.ContainsFunc(t.Keys, func(k Key) bool {
		return slices.Equal(slices.Sorted(slices.Values(k.Columns)), columns)
	})
}

// keyHint lists the alternate keys of t for an error.
func (t *Table) keyHint() string {
	if len(t.Keys) == 0 {
		return " (the table has no alternate keys)"
	}
	hints := make([]string, len(t.Keys))
	for i, k := range t.Keys {
		hints[i] = strings.Join(k.Columns, "=…,") + "=…"
	}
	return " or an alternate key: " + strings.Join(hints, " or ")
}
