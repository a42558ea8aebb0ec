package odata

import (
	"bytes"
	"net/url"
	"strings"
)

// ParsePath reads a percent-encoded resource path below the service root, without its query. Slashes divide it before
// anything is decoded, so that %2F inside a key is data. Empty segments are dropped; a fault is reported in the decoded
// segment.
func ParsePath(s string) ([]Segment, error) {
	var path []Segment
	for raw := range strings.SplitSeq(s, "/") {
		if raw == "" {
			continue
		}
		text, err := url.PathUnescape(raw)
		if err != nil {
			return nil, &SyntaxError{Input: s, Pos: -1, Msg: "Bad Request - Error in query syntax"}
		}
		segment, err := parseAll(text, (*parser).segment)
		if err != nil {
			return nil, err
		}
		path = append(path, segment)
	}
	return path, nil
}

func (p *parser) segment() (Segment, error) {
	seg := Segment{Name: p.tok.name}
	if p.tok.kind != tokenIdent {
		return seg, p.failHere("An identifier was expected")
	}
	if err := p.advance(); err != nil || !p.tok.is("(") {
		return seg, err
	}
	seg.HasParens = true
	if err := p.advance(); err != nil {
		return seg, err
	}
	if p.tok.is(")") {
		return seg, p.advance()
	}
	name, err := p.argName()
	if err != nil {
		return seg, err
	}
	value, err := p.constant()
	if err != nil {
		return seg, err
	}
	if name == "" {
		seg.Key = value
		return seg, p.expect(")", "')' or operator expected")
	}
	seg.Args = []Arg{{Name: name, Value: value}}
	if p.tok.is(",") {
		if err := p.advance(); err != nil {
			return seg, err
		}
		more, err := commaList(p, (*parser).namedConstant)
		if err != nil {
			return seg, err
		}
		seg.Args = append(seg.Args, more...)
	}
	return seg, p.expect(")", "')' or ',' expected")
}

func (p *parser) namedConstant() (Arg, error) {
	name, err := p.argName()
	if err != nil {
		return Arg{}, err
	}
	if name == "" {
		return Arg{}, p.failHere("Syntax error")
	}
	value, err := p.constant()
	return Arg{Name: name, Value: value}, err
}

// constant reads a literal, an alias or JSON: a path has no row of which an expression could speak.
func (p *parser) constant() (Expr, error) {
	switch {
	case p.tok.is("["), p.tok.is("{"):
		return p.json()
	case p.tok.kind == tokenLiteral, p.tok.kind == tokenAlias, p.keyword() != nil:
		return p.primary()
	}
	return nil, p.failHere("Syntax error")
}

// FormatPath prints the path percent-encoded, without a slash at either end.
func FormatPath(path []Segment) string {
	var out bytes.Buffer
	for i, seg := range path {
		if i > 0 {
			out.WriteByte('/')
		}
		writeEscaped(&out, seg.String())
	}
	return out.String()
}

// String prints the segment, not percent-encoded.
func (s Segment) String() string {
	var out bytes.Buffer
	out.WriteString(s.Name)
	switch {
	case s.Key != nil:
		writeArgs(&out, []Arg{{Value: s.Key}})
	case s.HasParens || len(s.Args) > 0:
		writeArgs(&out, s.Args)
	}
	return out.String()
}

// writeEscaped encodes what may not stand in a path segment, and + and & because readers disagree about them;
// url.PathEscape would encode the parentheses and quotes too.
func writeEscaped(out *bytes.Buffer, s string) {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		if isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' || strings.IndexByte("-._~!$'()*,;=:@", c) >= 0 {
			out.WriteByte(c)
			continue
		}
		out.Write([]byte{'%', hex[c>>4], hex[c&15]})
	}
}
