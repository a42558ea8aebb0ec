package odata

import (
	"strconv"
	"strings"
)

// ParseOrderBy reads the value of $orderby.
func ParseOrderBy(s string) ([]Order, error) { return parseAll(s, (*parser).orderBy) }

// ParseSelect reads the value of $select; without a column in it, the answer is nil.
func ParseSelect(s string) ([]string, error) { return parseAll(s, (*parser).selects) }

// ParseExpand reads the value of $expand; without an item in it, the answer is nil.
func ParseExpand(s string) ([]Expand, error) { return parseAll(s, (*parser).expands) }

func (p *parser) orderBy() ([]Order, error) { return commaList(p, (*parser).order) }

func (p *parser) order() (Order, error) {
	by, err := p.expression()
	if err != nil {
		return Order{}, err
	}
	o := Order{By: by, Desc: p.tok.isWord("desc")}
	if o.Desc || p.tok.isWord("asc") {
		err = p.advance()
	}
	return o, err
}

func (p *parser) selects() ([]string, error) {
	if p.atValueEnd() {
		return nil, nil
	}
	return commaList(p, (*parser).column)
}

func (p *parser) column() (string, error) {
	if p.tok.is("*") {
		return "*", p.advance()
	}
	path, err := p.path()
	return strings.Join(path, "/"), err
}

func (p *parser) expands() ([]Expand, error) {
	if p.atValueEnd() {
		return nil, nil
	}
	return commaList(p, (*parser).expand)
}

func (p *parser) expand() (Expand, error) {
	e, err := p.expandPath()
	if err != nil || !p.tok.is("(") {
		return e, err
	}
	if err := p.enter(); err != nil {
		return Expand{}, err
	}
	defer p.leave()
	if err := p.advance(); err != nil {
		return Expand{}, err
	}
	if p.tok.is(")") {
		return Expand{}, p.fail("Missing expand option on navigation property '" + e.Path +
			"'. If a parenthesis expression follows an expanded navigation property, then at least one expand option must be provided")
	}
	e.Options, err = p.expandOptions()
	if err != nil {
		return Expand{}, err
	}
	return e, p.expect(")", "')' or operator expected")
}

// expandPath reads *, nav, nav/NS.Type, nav/$ref or nav/$count.
func (p *parser) expandPath() (Expand, error) {
	if p.tok.is("*") {
		e := Expand{Path: "*"}
		if err := p.advance(); err != nil || !p.tok.is("/") {
			return e, err
		}
		if err := p.advance(); err != nil {
			return Expand{}, err
		}
		e.Ref = true
		if !p.tok.isWord("$ref") {
			return Expand{}, p.failHere("'$ref' expected")
		}
		return e, p.advance()
	}
	path, err := p.path()
	if err != nil {
		return Expand{}, err
	}
	var e Expand
	last := len(path) - 1
	if last > 0 && (path[last] == "$ref" || path[last] == "$count") {
		e.Ref, e.Count = path[last] == "$ref", path[last] == "$count"
		last--
	}
	if last > 0 && strings.Contains(path[last], ".") {
		e.Cast = path[last]
		last--
	}
	e.Path = strings.Join(path[:last+1], "/")
	if strings.Contains(e.Path, "$") {
		return Expand{}, p.fail("Found system token in select or expand clause '" + p.s + "'")
	}
	return e, nil
}

// expandOptions reads $select=…;$filter=… up to the closing parenthesis.
func (p *parser) expandOptions() (Options, error) {
	var o Options
	seen := map[string]bool{}
	for {
		name := p.tok
		if name.kind != tokenIdent {
			return o, p.failHere("An identifier was expected")
		}
		if seen[name.name] {
			return o, p.fail(repeated(name.name))
		}
		seen[name.name] = true
		if err := p.advance(); err != nil {
			return o, err
		}
		if !p.tok.is("=") {
			return o, p.failHere("'=' expected")
		}
		if err := p.option(name, &o); err != nil {
			return o, err
		}
		if !p.tok.is(";") {
			return o, nil
		}
		if err := p.advance(); err != nil {
			return o, err
		}
		if p.tok.is(")") { // a semicolon may end the last option too
			return o, nil
		}
	}
}

// option reads the value of one option; the current token is the equals sign before it.
func (p *parser) option(name token, o *Options) (err error) {
	if name.name == "$search" || name.name == "$compute" {
		text, err := p.rawValue()
		if err != nil {
			return err
		}
		return o.set(name.name, text)
	}
	if err := p.advance(); err != nil {
		return err
	}
	switch name.name {
	case "$select":
		o.Select, err = p.selects()
	case "$filter":
		o.Filter, err = p.expression()
	case "$orderby":
		o.OrderBy, err = p.orderBy()
	case "$expand":
		o.Expand, err = p.expands()
	case "$apply":
		o.Apply, err = p.transformations()
	case "$top", "$skip", "$count", "$levels":
		if err := o.set(name.name, p.tokenText()); err != nil {
			return err
		}
		err = p.advance()
	default:
		err = &SyntaxError{Input: p.s, Pos: name.pos, Msg: "Syntax error"}
	}
	return err
}

func (p *parser) tokenText() string { return p.s[p.tok.pos:p.tok.end] }

// atValueEnd reports that the value of an option is empty.
func (p *parser) atValueEnd() bool {
	return p.tok.kind == tokenEnd || p.depth > 0 && (p.tok.is(")") || p.tok.is(";"))
}

// rawValue takes the text after the equals sign up to the end of the option, as it is.
func (p *parser) rawValue() (string, error) {
	start := p.tok.end
	end := rawEnd(p.s, start)
	return strings.TrimSpace(p.s[start:end]), p.advanceTo(end)
}

// rawEnd is where a ; or ) outside of quotes and parentheses ends the option.
func rawEnd(s string, pos int) int {
	open, quote := 0, byte(0)
	for ; pos < len(s); pos++ {
		c := s[pos]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"', c == '\'':
			quote = c
		case c == '(':
			open++
		case open == 0 && (c == ';' || c == ')'):
			return pos
		case c == ')':
			open--
		}
	}
	return pos
}

func parseCount(option, s string) (*int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || digitsEnd(s, 0) < len(s) {
		return nil, &SyntaxError{Input: s, Pos: -1, Msg: "Invalid value '" + s + "' for " + option +
			" query option found. The " + option + " query option requires a non-negative integer value"}
	}
	return &n, nil
}

func parseFlag(option, s string) (*bool, error) {
	if s != "true" && s != "false" {
		return nil, &SyntaxError{Input: s, Pos: -1, Msg: "Invalid value '" + s + "' for " + option +
			" query option found. Valid values are 'true' and 'false'"}
	}
	yes := s == "true"
	return &yes, nil
}

func parseLevels(s string) (string, error) {
	if s == "max" || s != "" && digitsEnd(s, 0) == len(s) {
		return s, nil
	}
	return "", &SyntaxError{Input: s, Pos: -1, Msg: "Invalid value '" + s +
		"' for $levels query option found. The $levels query option requires a non-negative integer or 'max'"}
}

func repeated(option string) string {
	return "Query option '" + option + "' was specified more than once, but it must be specified at most once"
}
