package tools

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
)

// Markdown is the page that documents the catalogue: docs/tools.md.
func Markdown() (string, error) {
	set, err := New(Options{})
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("# Tools\n\nGenerated from the catalogue by `make generate`; do not edit.\n\n")
	b.WriteString("| Tool | Effect | What it does |\n|---|---|---|\n")
	for _, o := range set.Offers() {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", o.Name, o.Name, o.Effect, cells(o.Doc))
	}
	b.WriteString("\nTables are named by their logical, set, schema or display name. With more than one connection " +
		"configured, every tool also takes `connection`.\n")
	b.WriteString(filterHelp)
	for _, o := range set.Offers() {
		if err := section(&b, o); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

const filterHelp = `
## Filters

A filter is an OData expression: ` + "`eq ne gt ge lt le`, `and or not`, `in (…)`, `contains`, `startswith`, `endswith`" + `, and Dataverse's
own functions, with or without ` + "`Microsoft.Dynamics.CRM.` before them: `LastXDays(PropertyName='createdon',PropertyValue=30)`, " +
	"`ThisMonth(PropertyName='createdon')`" + `.

- Columns go by logical name. A label, such as Revenue, names none; it is answered with the column that it belongs to.
- Text stands in single quotes, and a quote inside it is doubled: ` + "`name eq 'O''Connor'`" + `. Case does not matter.
- ` + "`%`, `_` and `[`" + ` are wildcards of Dataverse in contains, startswith and endswith: ` + "`contains(name,'100%')`" + ` finds every name
  with 100 in it. To find the character itself, put it into brackets: ` + "`contains(name,'100[%]')`" + `. In ` + "`eq`" + ` they are plain characters.
- Choices go by number or label, lookups by reference or GUID, or by a column behind them: ` + "`primarycontactid/fullname`" + `. Owners
  are users or teams: ` + "`owninguser/fullname`, `owningteam/name`" + `.
- A date is ` + "`2026-05-01`, a time has its zone: `2026-05-01T10:00:00Z`" + `. Where a column holds moments, a day is its
  midnight UTC: ` + "`createdon lt 2026-06-01`" + ` ends with May. On a day is ` + "`On(PropertyName='createdon',PropertyValue='2026-05-01')`, not `eq`" + `.
`

// section documents one tool.
func section(b *strings.Builder, o Offer) error {
	fmt.Fprintf(b, "\n## %s\n\n%s. %s\n", o.Name, o.Title, o.Doc)
	for _, part := range []struct {
		title  string
		schema json.RawMessage
	}{{"Argument", o.Input}, {"Answer", o.Output}} {
		fields, err := fieldsOf(part.schema)
		if err != nil {
			return fmt.Errorf("tool %s: %w", o.Name, err)
		}
		if len(fields) == 0 {
			continue
		}
		fmt.Fprintf(b, "\n| %s | Type | Meaning |\n|---|---|---|\n", part.title)
		for _, f := range fields {
			fmt.Fprintf(b, "| `%s` | %s | %s |\n", f.name, f.kind, cells(f.doc))
		}
	}
	return nil
}

type field struct{ name, kind, doc string }

// fieldsOf lists the properties of an object schema in their order.
func fieldsOf(schema json.RawMessage) ([]field, error) {
	var object struct {
		Properties json.RawMessage `json:"properties"`
		Required   []string        `json:"required"`
	}
	if err := json.Unmarshal(schema, &object); err != nil {
		return nil, err
	}
	required := map[string]bool{}
	for _, name := range object.Required {
		required[name] = true
	}
	var fields []field
	d := json.NewDecoder(strings.NewReader(string(object.Properties)))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var p property
		if err := d.Decode(&p); err != nil {
			return nil, err
		}
		f := field{name: fmt.Sprint(name), kind: p.kind(), doc: p.doc()}
		if required[f.name] {
			f.kind += ", required"
		}
		fields = append(fields, f)
	}
	return fields, nil
}

// property is as much of a schema as the page tells.
type property struct {
	Type        string          `json:"type"`
	Description string          `json:"description"`
	Default     json.RawMessage `json:"default"`
	Enum        []string        `json:"enum"`
	Minimum     json.Number     `json:"minimum"`
	Maximum     json.Number     `json:"maximum"`
	Items       *property       `json:"items"`
}

func (p property) kind() string {
	if p.Type == "array" && p.Items != nil && p.Items.Type != "" {
		return "list of " + p.Items.kind()
	}
	return cmp.Or(p.Type, "any")
}

func (p property) doc() string {
	words := []string{}
	if p.Description != "" {
		words = append(words, p.Description)
	}
	enum := p.Enum
	if p.Items != nil {
		enum = p.Items.Enum
	}
	if len(enum) > 0 {
		words = append(words, "One of "+strings.Join(enum, ", ")+".")
	}
	if p.Minimum != "" && p.Maximum != "" {
		words = append(words, fmt.Sprintf("%s to %s.", p.Minimum, p.Maximum))
	}
	if p.Default != nil {
		words = append(words, "Default "+string(p.Default)+".")
	}
	return strings.Join(words, " ")
}

// cells keeps s from ending a cell of the table.
func cells(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
