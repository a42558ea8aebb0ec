package store

import (
	"database/sql/driver"
	"strings"
	"sync"

	"modernc.org/sqlite"
)

// Like is the name of the SQL function dataverse_like(value, pattern) with the wildcards of SQL Server, which are live
// in Dataverse: % any run, _ one character, [a-f] and [^a-f] sets. It ignores case; a null value gives null.
const Like = "dataverse_like"

// register adds the collation and the function to the driver, once a process: the driver keeps them globally.
var register = sync.OnceFunc(func() {
	sqlite.MustRegisterCollationUtf8(Collation, Compare)
	sqlite.MustRegisterDeterministicScalarFunction(Like, 2, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		value, ok := args[0].(string)
		pattern, isText := args[1].(string)
		if !ok || !isText {
			return nil, nil
		}
		return Match(pattern, value), nil
	})
})

// Match reports whether the whole of value fits the LIKE pattern, ignoring case.
func Match(pattern, value string) bool {
	return match([]rune(strings.ToLower(pattern)), []rune(strings.ToLower(value)))
}

// match backtracks only to the last %, so it is quadratic at worst.
func match(pattern, value []rune) bool {
	p, v := 0, 0
	star, mark := -1, 0
	for v < len(value) {
		if p < len(pattern) && pattern[p] == '%' {
			star, mark = p, v
			p++
			continue
		}
		if next, ok := matchOne(pattern, p, value[v]); ok {
			p, v = next, v+1
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		p, v = star+1, mark
	}
	for p < len(pattern) && pattern[p] == '%' {
		p++
	}
	return p == len(pattern)
}

// matchOne matches one character and returns where the pattern goes on.
func matchOne(pattern []rune, p int, r rune) (next int, ok bool) {
	if p >= len(pattern) {
		return p, false
	}
	switch pattern[p] {
	case '_':
		return p + 1, true
	case '[':
		if end := closing(pattern, p); end > 0 {
			return end + 1, inSet(pattern[p+1:end], r)
		}
	}
	return p + 1, pattern[p] == r
}

// closing finds the ] of a set; one right after [ or [^ is a member.
func closing(pattern []rune, open int) int {
	first := open + 1
	if first < len(pattern) && pattern[first] == '^' {
		first++
	}
	for i := first + 1; i < len(pattern); i++ {
		if pattern[i] == ']' {
			return i
		}
	}
	return -1
}

func inSet(set []rune, r rune) bool {
	if len(set) > 1 && set[0] == '^' {
		return !inSet(set[1:], r)
	}
	for i := 0; i < len(set); i++ {
		if i+2 < len(set) && set[i+1] == '-' {
			if Compare(string(set[i]), string(r)) <= 0 && Compare(string(r), string(set[i+2])) <= 0 {
				return true
			}
			i += 2
			continue
		}
		if set[i] == r {
			return true
		}
	}
	return false
}

// Escape makes a text literal in a LIKE pattern.
func Escape(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r == '%' || r == '_' || r == '[' {
			b.WriteRune('[')
			b.WriteRune(r)
			b.WriteRune(']')
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
