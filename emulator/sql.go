package emulator

import (
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// fragment is a piece of SQL with the arguments of its placeholders, in order.
type fragment struct {
	sql  string
	args []any
}

// concat joins texts (taken as SQL) and fragments.
func concat(parts ...any) fragment {
	var f fragment
	var b strings.Builder
	for _, part := range parts {
		switch part := part.(type) {
		case string:
			b.WriteString(part)
		case fragment:
			b.WriteString(part.sql)
			f.args = append(f.args, part.args...)
		}
	}
	f.sql = b.String()
	return f
}

// value is a placeholder with its argument.
func value(v any) fragment { return fragment{"?", []any{v}} }

// columnOf is a column of a table known as alias.
func columnOf(alias, name string) fragment {
	return fragment{sql: store.Quote(alias) + "." + store.Quote(name)}
}

// joined puts sep between fragments, in parentheses when there is more than one.
func joined(sep string, all []fragment) fragment {
	if len(all) == 1 {
		return all[0]
	}
	parts := []any{"("}
	for i, f := range all {
		if i > 0 {
			parts = append(parts, sep)
		}
		parts = append(parts, f)
	}
	return concat(append(parts, ")")...)
}
