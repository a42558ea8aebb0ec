package odata

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind int

const (
	tokenEnd tokenKind = iota
	tokenIdent
	tokenLiteral
	tokenAlias
	tokenPunct
)

// token is one word of the text: text[pos:end], with its name (identifiers without quotes, aliases without @), or its
// literal.
type token struct {
	kind     tokenKind
	pos, end int
	name     string
	literal  *Literal
}

func (t token) is(punct string) bool { return t.kind == tokenPunct && t.name == punct }

func (t token) isWord(word string) bool { return t.kind == tokenIdent && t.name == word }

// isSimple reports an identifier that is neither qualified nor a $-word.
func (t token) isSimple() bool { return t.kind == tokenIdent && !strings.ContainsAny(t.name, ".$") }

// scan reads the token that starts at or after pos. It keeps no state, so that the parser can look ahead and go back.
func scan(s string, pos int) (token, error) {
	for pos < len(s) && isSpace(s[pos]) {
		pos++
	}
	if pos == len(s) {
		return token{kind: tokenEnd, pos: pos, end: pos}, nil
	}
	switch c := s[pos]; {
	case c == '\'':
		return scanString(s, pos)
	case c == '@':
		return scanAlias(s, pos)
	case isDigit(c), c == '-' && startsNumber(s[pos+1:]):
		return scanDigits(s, pos)
	case strings.IndexByte("()/,:=;*[]{}-", c) >= 0:
		return token{kind: tokenPunct, pos: pos, end: pos + 1, name: s[pos : pos+1]}, nil
	}
	if n := matchGUID(s[pos:]); n > 0 {
		return literalToken(s, pos, pos+n, GUID), nil
	}
	return scanWord(s, pos)
}

func scanString(s string, pos int) (token, error) {
	value, end, ok := unquote(s, pos)
	if !ok {
		return token{}, &SyntaxError{Input: s, Pos: len(s), Msg: "There is an unterminated string literal"}
	}
	return token{kind: tokenLiteral, pos: pos, end: end, literal: &Literal{Kind: String, Value: value}}, nil
}

func scanAlias(s string, pos int) (token, error) {
	end := identEnd(s, pos+1)
	if end == pos+1 {
		return token{}, invalidChar(s, pos)
	}
	return token{kind: tokenAlias, pos: pos, end: end, name: s[pos+1 : end]}, nil
}

// scanDigits reads what starts with a digit or a sign, the longest forms first.
func scanDigits(s string, pos int) (token, error) {
	rest := s[pos:]
	if n := matchGUID(rest); n > 0 {
		return literalToken(s, pos, pos+n, GUID), nil
	}
	if n := matchDateTime(rest); n > 0 {
		return literalToken(s, pos, pos+n, DateTime), nil
	}
	if n := matchDate(rest); n > 0 {
		return literalToken(s, pos, pos+n, Date), nil
	}
	if n := matchClock(rest); n > 0 {
		return literalToken(s, pos, pos+n, TimeOfDay), nil
	}
	n, ok := matchNumber(rest)
	if !ok {
		return token{}, &SyntaxError{Input: s, Pos: pos + n, Msg: "A digit was expected"}
	}
	return literalToken(s, pos, pos+n, Number), nil
}

// scanWord reads an identifier, qualified or not, a $-word, or a literal with a type before its quote.
func scanWord(s string, pos int) (token, error) {
	start := pos
	if s[pos] == '$' {
		start++
	}
	end := identEnd(s, start)
	if end == start && start > pos { // $1 is a content id
		for end < len(s) && isDigit(s[end]) {
			end++
		}
	}
	if end == start {
		return token{}, invalidChar(s, pos)
	}
	for end < len(s) && s[end] == '.' {
		next := identEnd(s, end+1)
		if next == end+1 {
			break
		}
		end = next
	}
	if end < len(s) && s[end] == '\'' {
		return scanPrefixed(s, pos, end)
	}
	return token{kind: tokenIdent, pos: pos, end: end, name: s[pos:end]}, nil
}

// scanPrefixed reads duration'P1D' or an enum. Any word before a quote counts as a type first, which is why an
// apostrophe left single inside a string is reported as an unterminated literal.
func scanPrefixed(s string, pos, quote int) (token, error) {
	value, end, ok := unquote(s, quote)
	if !ok {
		return token{}, &SyntaxError{Input: s, Pos: len(s), Msg: "There is an unterminated literal"}
	}
	prefix := s[pos:quote]
	t := token{kind: tokenLiteral, pos: pos, end: end}
	switch {
	case prefix == "duration" && isDuration(value):
		t.literal = &Literal{Kind: Duration, Value: value}
	case strings.Contains(prefix, ".") && prefix[0] != '$':
		t.literal = &Literal{Kind: Enum, Value: value, Type: prefix}
	default:
		return token{}, &SyntaxError{Input: s, Pos: pos, Msg: "Syntax error"}
	}
	return t, nil
}

func literalToken(s string, pos, end int, kind LiteralKind) token {
	value := s[pos:end]
	if kind == GUID {
		value = strings.ToLower(value)
	}
	return token{kind: tokenLiteral, pos: pos, end: end, literal: &Literal{Kind: kind, Value: value}}
}

// unquote reads the quoted text that opens at pos; two quotes in a row stand for one.
func unquote(s string, pos int) (value string, end int, ok bool) {
	doubled := false
	for i := pos + 1; i < len(s); i++ {
		if s[i] != '\'' {
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' {
			doubled = true
			i++
			continue
		}
		value = s[pos+1 : i]
		if doubled {
			value = strings.ReplaceAll(value, "''", "'")
		}
		return value, i + 1, true
	}
	return "", len(s), false
}

// identEnd is the end of the simple identifier that starts at pos, or pos where none does.
func identEnd(s string, pos int) int {
	end := pos
	for end < len(s) {
		r, size := utf8.DecodeRuneInString(s[end:])
		if r != '_' && !unicode.IsLetter(r) && (end == pos || !unicode.In(r, unicode.Nd, unicode.Mn, unicode.Mc, unicode.Pc)) {
			break
		}
		end += size
	}
	return end
}

func invalidChar(s string, pos int) error {
	r, _ := utf8.DecodeRuneInString(s[pos:])
	return &SyntaxError{Input: s, Pos: pos, Msg: fmt.Sprintf("Syntax error: character '%c' is not valid", r)}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
