package tools

import (
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

// twoWords are the labels of a yes/no column that is not called yes and no: Allow and Do Not Allow.
func twoWords(c *dataverse.Column) (no, yes string, ok bool) {
	if c.Type != dataverse.BooleanColumn {
		return "", "", false
	}
	for _, choice := range c.Choices {
		if choice.Value == 0 {
			no = choice.Label
		} else {
			yes = choice.Label
		}
	}
	return no, yes, no != "" && yes != "" && (!plain(no) || !plain(yes))
}

func plain(label string) bool {
	switch strings.ToLower(label) {
	case "yes", "no", "true", "false":
		return true
	}
	return false
}

// word is the label of a value of such a column.
func (r *reader) word(row dataverse.Row, name string, value bool) (string, bool) {
	t := r.tables[row.Table]
	if t == nil {
		return "", false
	}
	c, ok := t.Column(name)
	if !ok {
		return "", false
	}
	no, yes, ok := twoWords(c)
	if value {
		return yes, ok
	}
	return no, ok
}
