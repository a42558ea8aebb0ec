package sql

import (
	"strings"
	"unicode/utf8"
)

// condition reads an expression of any precedence.
func (p *parser) condition() Expr {
	defer func() { p.depth-- }()
	if !p.enter() {
		return nil
	}
	x := p.conjunction()
	for p.take("OR") {
		x = &Binary{Or, x, p.conjunction()}
	}
	return x
}

func (p *parser) conjunction() Expr {
	x := p.negation()
	for p.take("AND") {
		x = &Binary{And, x, p.negation()}
	}
	return x
}

func (p *parser) negation() Expr {
	if !p.now().is("NOT") {
		return p.comparison()
	}
	defer func() { p.depth-- }()
	if !p.enter() {
		return nil
	}
	p.next()
	return &Not{p.negation()}
}

var comparisons = map[string]Op{"=": Eq, "<>": Ne, "!=": Ne, "<": Lt, "<=": Le, ">": Gt, ">=": Ge}

func (p *parser) comparison() Expr {
	x := p.value()
	if op, ok := comparisons[p.now().text]; ok && p.now().kind == sign {
		p.next()
		if t := p.now(); t.is("ANY") || t.is("ALL") || t.is("SOME") {
			p.fail("there is no comparison with %s: write IN or EXISTS", strings.ToUpper(t.text))
		}
		return &Binary{op, x, p.value()}
	}
	if p.take("IS") {
		negated := p.take("NOT")
		p.want("NULL")
		return &IsNull{x, negated}
	}
	negated := p.take("NOT")
	switch {
	case p.take("LIKE"):
		return p.like(x, negated)
	case p.take("IN"):
		return p.in(x, negated)
	case p.take("BETWEEN"):
		low := p.value()
		p.want("AND")
		return &Between{x, low, p.value(), negated}
	case negated:
		p.unexpected("LIKE, IN or BETWEEN")
	}
	return x
}

func (p *parser) like(x Expr, negated bool) Expr {
	l := &Like{X: x, Pattern: p.value(), Not: negated}
	if p.take("ESCAPE") {
		if t := p.now(); t.kind != text || utf8.RuneCountInString(t.text) != 1 {
			p.unexpected("one character in quotes")
		}
		l.Escape = p.next().text
	}
	return l
}

func (p *parser) in(x Expr, negated bool) Expr {
	i := &In{X: x, Not: negated}
	p.want("(")
	if p.now().is("SELECT") {
		i.Query = p.query()
	} else {
		for ok := true; ok; ok = p.take(",") {
			i.List = append(i.List, p.value())
		}
	}
	p.want(")")
	return i
}

// value reads what can stand on one side of a comparison, or a condition in parentheses.
func (p *parser) value() Expr {
	t := p.now()
	var x Expr
	switch {
	case t.kind == text:
		x = &Literal{String, p.next().text}
	case t.kind == number:
		x = &Literal{Number, p.next().text}
	case (t.is("-") || t.is("+")) && p.ahead(1).kind == number:
		p.next()
		x = &Literal{Number, strings.TrimPrefix(t.text, "+") + p.next().text}
	case p.take("NULL"):
		x = &Literal{Kind: Null}
	case t.is("TRUE"), t.is("FALSE"):
		x = &Literal{Bool, strings.ToLower(p.next().text)}
	case p.take("EXISTS"):
		p.want("(")
		x = &Exists{p.query()}
		p.want(")")
	case t.is("("):
		x = p.parenthesized()
	case t.kind == word && p.isName(t) && plainName.MatchString(t.text) && p.ahead(1).is("("):
		x = p.call()
	case p.isName(t):
		x = p.column()
	case (t.is("LEFT") || t.is("RIGHT")) && p.ahead(1).is("("):
		p.fail("there is no function %s: write LIKE with %%", strings.ToUpper(t.text))
	default:
		p.unexpected("a column or a value")
	}
	for _, arithmetic := range []string{"+", "-", "*", "/", "%"} {
		if p.now().is(arithmetic) {
			p.fail("there is no arithmetic: select and compare the columns themselves")
		}
	}
	return x
}

func (p *parser) parenthesized() Expr {
	p.next()
	var x Expr
	if p.now().is("SELECT") {
		x = &Subquery{p.query()}
	} else {
		x = p.condition()
	}
	p.want(")")
	return x
}

func (p *parser) call() Expr {
	c := &Call{Name: strings.ToUpper(p.next().text)}
	p.next()
	defer func() { p.depth-- }()
	switch {
	case !p.enter():
		return c
	case p.take("*"):
		c.Star = true
	case p.now().is(")"):
	default:
		c.Distinct = p.take("DISTINCT")
		for ok := true; ok; ok = p.take(",") {
			c.Args = append(c.Args, p.value())
		}
	}
	p.want(")")
	if p.now().is("OVER") {
		p.unexpected("")
	}
	return c
}

// column reads name, table.name or schema.table.name.
func (p *parser) column() Expr {
	c := &Column{Name: p.next().text}
	for range 2 {
		if !p.take(".") {
			break
		}
		c.Table, c.Name = c.Name, p.name("the name of a column")
	}
	return c
}
