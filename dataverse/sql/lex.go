package sql

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxBytes is how long a query may be: longer than any request.
const MaxBytes = 64 << 10

// SyntaxError says where a text leaves the grammar.
type SyntaxError struct {
	Pos int // byte at which the fault was found
	Msg string
}

// Error is the message with its place.
func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at position %d", e.Msg, e.Pos) }

type tokenKind int

const (
	end    tokenKind = iota
	word             // a keyword or a name
	quoted           // a name in brackets or double quotes
	text             // a literal in single quotes
	number
	sign // punctuation
)

type token struct {
	kind tokenKind
	text string // of a word or a sign as written; without quotes
	pos  int
}

// is says whether the token is the keyword or sign.
func (t token) is(what string) bool {
	return (t.kind == word || t.kind == sign) && strings.EqualFold(t.text, what)
}

// String is how an error shows the token.
func (t token) String() string {
	switch t.kind {
	case end:
		return "the end"
	case text:
		return "'" + shortened(t.text) + "'"
	}
	return shortened(t.text)
}

func shortened(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// signs are the signs of two characters, then those of one.
func signs() []string {
	return []string{"<>", "!=", "<=", ">=", "=", "<", ">", "(", ")", ",", ".", "*", ";", "+", "-", "/", "%"}
}

func scan(query string) ([]token, error) {
	if len(query) > MaxBytes {
		return nil, &SyntaxError{0, fmt.Sprintf("the query has %d bytes, more than %d", len(query), MaxBytes)}
	}
	var all []token
	for pos := 0; ; {
		var err error
		if pos, err = skipBlank(query, pos); err != nil {
			return nil, err
		}
		if pos == len(query) {
			return append(all, token{kind: end, pos: pos}), nil
		}
		t, after, err := scanOne(query, pos)
		if err != nil {
			return nil, err
		}
		all, pos = append(all, t), after
	}
}

// skipBlank passes blanks and comments.
func skipBlank(query string, pos int) (int, error) {
	for {
		rest := query[pos:]
		trimmed := strings.TrimLeftFunc(rest, unicode.IsSpace)
		pos += len(rest) - len(trimmed)
		var after string
		switch {
		case strings.HasPrefix(trimmed, "--"):
			after = "\n"
		case strings.HasPrefix(trimmed, "/*"):
			after = "*/"
		default:
			return pos, nil
		}
		_, behind, found := strings.Cut(trimmed[2:], after)
		if !found && after == "*/" {
			return pos, &SyntaxError{pos, "the comment does not end"}
		}
		pos = len(query) - len(behind)
		if !found {
			pos = len(query)
		}
	}
}

func scanOne(query string, pos int) (token, int, error) {
	rest := query[pos:]
	first, _ := utf8.DecodeRuneInString(rest)
	switch {
	case first == '\'':
		return between(query, pos, pos, '\'', text)
	case (first == 'N' || first == 'n') && strings.HasPrefix(rest[1:], "'"):
		return between(query, pos, pos+1, '\'', text)
	case first == '"':
		return between(query, pos, pos, '"', quoted)
	case first == '[':
		return between(query, pos, pos, ']', quoted)
	case isDigit(rest[0]) || first == '.' && len(rest) > 1 && isDigit(rest[1]):
		n := numberLength(rest)
		if next, _ := utf8.DecodeRuneInString(rest[n:]); inName(next) {
			return token{}, 0, &SyntaxError{pos + n, fmt.Sprintf("%s is no number", shortened(rest[:n+utf8.RuneLen(next)]))}
		}
		return token{number, rest[:n], pos}, pos + n, nil
	case unicode.IsLetter(first) || first == '_' || first == '@' || first == '#':
		n := strings.IndexFunc(rest, func(r rune) bool { return !inName(r) && r != '@' && r != '#' })
		if n < 0 {
			n = len(rest)
		}
		return token{word, rest[:n], pos}, pos + n, nil
	}
	for _, s := range signs() {
		if strings.HasPrefix(rest, s) {
			return token{sign, s, pos}, pos + len(s), nil
		}
	}
	return token{}, 0, &SyntaxError{pos, fmt.Sprintf("unexpected %q", first)}
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func inName(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '$'
}

var numberPattern = regexp.MustCompile(`^[0-9]*(\.[0-9]*)?([eE][-+]?[0-9]+)?`)

// numberLength is how many bytes of text are a number.
func numberLength(s string) int { return len(numberPattern.FindString(s)) }

// between reads what stands in quotes, the last of which is doubled where it is meant itself.
func between(query string, pos, open int, last byte, kind tokenKind) (token, int, error) {
	var b strings.Builder
	for i := open + 1; i < len(query); i++ {
		if query[i] != last {
			b.WriteByte(query[i])
			continue
		}
		if i+1 < len(query) && query[i+1] == last {
			b.WriteByte(last)
			i++
			continue
		}
		if kind == quoted && b.Len() == 0 {
			return token{}, 0, &SyntaxError{pos, "a name in quotes is empty"}
		}
		return token{kind, b.String(), pos}, i + 1, nil
	}
	return token{}, 0, &SyntaxError{pos, "the quote does not end"}
}
