package odata

import (
	"slices"
	"unicode/utf8"
)

// maxDepth bounds nesting of parentheses, operators, lists and options, so that no input exhausts the stack.
const maxDepth = 100

// parser holds one token of look-ahead.
type parser struct {
	s     string
	tok   token
	depth int
}

// ParseFilter reads a $filter, or any other expression. Its error is a *SyntaxError, as with every Parse function here.
func ParseFilter(s string) (Expr, error) {
	return parseAll(s, (*parser).expression)
}

// ParseValue reads the value of a parameter alias or of a function argument: an expression, a JSON array or a JSON
// object.
func ParseValue(s string) (Expr, error) {
	return parseAll(s, (*parser).argument)
}

// parseAll applies rule to the whole of s.
func parseAll[T any](s string, rule func(*parser) (T, error)) (T, error) {
	var none T
	p := &parser{s: s}
	if !utf8.ValidString(s) {
		return none, p.fail("The text is not valid UTF-8")
	}
	if err := p.advanceTo(0); err != nil {
		return none, err
	}
	v, err := rule(p)
	if err != nil {
		return none, err
	}
	if p.tok.kind != tokenEnd {
		return none, p.failHere("Syntax error")
	}
	return v, nil
}

func (p *parser) advance() error { return p.advanceTo(p.tok.end) }

func (p *parser) advanceTo(pos int) (err error) {
	p.tok, err = scan(p.s, pos)
	return err
}

// failHere is an error at the current token.
func (p *parser) failHere(msg string) error {
	return &SyntaxError{Input: p.s, Pos: p.tok.pos, Msg: msg}
}

// fail is an error that names no position.
func (p *parser) fail(msg string) error {
	return &SyntaxError{Input: p.s, Pos: -1, Msg: msg}
}

// expect steps over punct, or fails with msg.
func (p *parser) expect(punct, msg string) error {
	if !p.tok.is(punct) {
		return p.failHere(msg)
	}
	return p.advance()
}

// enter counts a level of nesting; the caller defers p.leave.
func (p *parser) enter() error {
	p.depth++
	if p.depth > maxDepth {
		return p.fail("Recursion depth exceeded allowed limit")
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

func (p *parser) expression() (Expr, error) { return p.binary(precedence(Or)) }

// precedence says how tightly a binary operator binds, 0 for what is none. As in the OData library, has and in bind
// tighter than not, and the six comparisons share one level.
func precedence(op Op) int {
	switch op {
	case Or:
		return 1
	case And:
		return 2
	case Eq, Ne, Gt, Ge, Lt, Le:
		return 3
	case Add, Sub:
		return 4
	case Mul, Div, Mod:
		return 5
	case Has, In:
		return tight
	}
	return 0
}

// Precedence of what is not a binary operator with an expression on each side.
const (
	unary   = 6
	tight   = 7 // has, in
	primary = 8
)

// binary reads a chain of operators that bind at least as tightly as lowest; each groups to the left.
func (p *parser) binary(lowest int) (Expr, error) {
	left, err := p.unary()
	if err != nil {
		return nil, err
	}
	for p.tok.kind == tokenIdent {
		op := Op(p.tok.name)
		prec := precedence(op)
		if prec < lowest || prec > unary {
			break
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
		right, err := p.binary(prec + 1)
		if err != nil {
			return nil, err
		}
		left = &Binary{Op: op, L: left, R: right}
	}
	return left, nil
}

func (p *parser) unary() (Expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	var op Op
	switch {
	case p.tok.is("-"):
		op = Neg
	case p.tok.isWord("not") && !p.followedBy('/'):
		op = Not
	default:
		return p.hasIn()
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	x, err := p.unary()
	if err != nil {
		return nil, err
	}
	return &Unary{Op: op, X: x}, nil
}

func (p *parser) hasIn() (Expr, error) {
	left, err := p.primary()
	if err != nil {
		return nil, err
	}
	for p.tok.isWord("has") || p.tok.isWord("in") {
		op, operand := Has, p.primary
		if p.tok.isWord("in") {
			op, operand = In, p.inList
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
		right, err := operand()
		if err != nil {
			return nil, err
		}
		left = &Binary{Op: op, L: left, R: right}
	}
	return left, nil
}

// inList reads ('a','b'), ["a","b"] or an alias for one of them.
func (p *parser) inList() (Expr, error) {
	switch {
	case p.tok.is("["):
		return p.argument()
	case p.tok.kind == tokenAlias:
		return p.primary()
	}
	if err := p.expect("(", "'(' expected"); err != nil {
		return nil, err
	}
	items, err := commaList(p, (*parser).expression)
	if err != nil {
		return nil, err
	}
	return &List{Items: items}, p.expect(")", "')' or ',' expected")
}

func (p *parser) primary() (Expr, error) {
	switch {
	case p.tok.kind == tokenLiteral, p.keyword() != nil:
		return p.literal()
	case p.tok.kind == tokenAlias:
		x := &Alias{Name: p.tok.name}
		return x, p.advance()
	case p.tok.kind == tokenIdent:
		return p.pathOrCall()
	case p.tok.is("("):
		if err := p.advance(); err != nil {
			return nil, err
		}
		x, err := p.expression()
		if err != nil {
			return nil, err
		}
		return x, p.expect(")", "')' or operator expected")
	}
	return nil, p.failHere("Expression expected")
}

// literal reads the literal that the current token is known to be.
func (p *parser) literal() (Expr, error) {
	x := p.tok.literal
	if x == nil {
		x = p.keyword()
	}
	return x, p.advance()
}

// keyword is the literal that the current word stands for, nil if none: null/name and true() are not literals.
func (p *parser) keyword() *Literal {
	if p.tok.kind != tokenIdent || p.followedBy('/') || p.followedBy('(') {
		return nil
	}
	switch p.tok.name {
	case "null":
		return &Literal{Kind: Null}
	case "true", "false":
		return &Literal{Kind: Bool, Value: p.tok.name}
	case "INF", "NaN":
		return &Literal{Kind: Number, Value: p.tok.name}
	}
	return nil
}

// followedBy reports that c stands right after the current token.
func (p *parser) followedBy(c byte) bool { return p.tok.end < len(p.s) && p.s[p.tok.end] == c }

// pathOrCall reads a/b/c, f(…), a/NS.f(…) or a/any(…).
func (p *parser) pathOrCall() (Expr, error) {
	segments, err := p.path()
	if err != nil {
		return nil, err
	}
	if !p.tok.is("(") {
		return &Path{Segments: segments}, nil
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	last := len(segments) - 1
	on, name := slices.Clip(segments[:last]), segments[last]
	if last == 0 {
		on = nil
	}
	if on != nil && (name == "any" || name == "all") {
		return p.lambda(on, name == "all")
	}
	args, err := p.arguments()
	if err != nil {
		return nil, err
	}
	return &Call{On: on, Name: name, Args: args}, nil
}

// path reads identifiers with slashes between them.
func (p *parser) path() ([]string, error) {
	var segments []string
	for {
		if p.tok.kind != tokenIdent {
			return nil, p.failHere("An identifier was expected")
		}
		segments = append(segments, p.tok.name)
		if err := p.advance(); err != nil {
			return nil, err
		}
		if !p.tok.is("/") {
			return segments, nil
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
}

// lambda reads the rest of path/any( or path/all(.
func (p *parser) lambda(path []string, all bool) (Expr, error) {
	if p.tok.is(")") && !all {
		return &Lambda{Path: path}, p.advance()
	}
	if !p.tok.isSimple() {
		return nil, p.failHere("An identifier was expected")
	}
	x := &Lambda{Path: path, All: all, Var: p.tok.name}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if err := p.expect(":", "':' expected"); err != nil {
		return nil, err
	}
	body, err := p.expression()
	if err != nil {
		return nil, err
	}
	x.Body = body
	return x, p.expect(")", "')' or operator expected")
}

// arguments reads the rest of f( up to and with its closing parenthesis.
func (p *parser) arguments() ([]Arg, error) {
	if p.tok.is(")") {
		return nil, p.advance()
	}
	args, err := commaList(p, (*parser).arg)
	if err != nil {
		return nil, err
	}
	return args, p.expect(")", "')' or ',' expected")
}

func (p *parser) arg() (Arg, error) {
	name, err := p.argName()
	if err != nil {
		return Arg{}, err
	}
	value, err := p.argument()
	return Arg{Name: name, Value: value}, err
}

// argName steps over name= and returns the name, or returns "" and leaves the token where it is.
func (p *parser) argName() (string, error) {
	if !p.tok.isSimple() {
		return "", nil
	}
	next, err := scan(p.s, p.tok.end)
	if err != nil || !next.is("=") {
		return "", err
	}
	name := p.tok.name
	return name, p.advanceTo(next.end)
}

// argument reads JSON or an expression.
func (p *parser) argument() (Expr, error) {
	if p.tok.is("[") || p.tok.is("{") {
		return p.json()
	}
	return p.expression()
}

// commaList reads one or more items with commas between them.
func commaList[T any](p *parser, item func(*parser) (T, error)) ([]T, error) {
	var items []T
	for {
		v, err := item(p)
		if err != nil {
			return nil, err
		}
		items = append(items, v)
		if !p.tok.is(",") {
			return items, nil
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
}
