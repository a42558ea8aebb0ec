package tools

import "fmt"

// legend says once what stands behind the labels and names in the cells, by
// column. The zero legend is empty and ready for use.
type legend struct {
	Choices map[string]map[string]int64  `json:"choices,omitempty" jsonschema_description:"Column to label to number."`
	Lookups map[string]map[string]string `json:"lookups,omitempty" jsonschema_description:"Column to name to reference, usable in values."`
}

// choice enters a code of column and returns the text to show for it.
func (l *legend) choice(column, label string, code int64) string {
	return enter(&l.Choices, column, label, code)
}

// lookup enters a record that column names and returns the text to show for it.
func (l *legend) lookup(column, name, reference string) string {
	return enter(&l.Lookups, column, name, reference)
}

// of is the part of l that rows need.
func (l legend) of(columns []string, rows [][]any) legend {
	var part legend
	for _, row := range rows {
		for i, name := range columns {
			text, ok := row[i].(string)
			if !ok {
				continue
			}
			if code, ok := l.Choices[name][text]; ok {
				part.choice(name, text, code)
			}
			if id, ok := l.Lookups[name][text]; ok {
				part.lookup(name, text, id)
			}
		}
	}
	return part
}

// enter puts value under text, or under the first free "text [n]" when another
// value of the column is called the same.
func enter[V comparable](entries *map[string]map[string]V, column, text string, value V) string {
	if *entries == nil {
		*entries = map[string]map[string]V{}
	}
	known := (*entries)[column]
	if known == nil {
		known = map[string]V{}
		(*entries)[column] = known
	}
	shown := text
	for n := 2; ; n++ {
		there, taken := known[shown]
		if !taken {
			known[shown] = value
		}
		if !taken || there == value {
			return shown
		}
		shown = fmt.Sprintf("%s [%d]", text, n)
	}
}
