package odata

// ParseApply reads the value of $apply.
func ParseApply(s string) ([]Transformation, error) { return parseAll(s, (*parser).transformations) }

// transformations reads steps with slashes between them.
func (p *parser) transformations() ([]Transformation, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	var steps []Transformation
	for {
		t, err := p.transformation()
		if err != nil {
			return nil, err
		}
		steps = append(steps, t)
		if !p.tok.is("/") {
			return steps, nil
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
}

func (p *parser) transformation() (Transformation, error) {
	var t Transformation
	name := p.tok
	if !name.isWord("filter") && !name.isWord("groupby") && !name.isWord("aggregate") {
		return t, p.failHere("'aggregate|filter|groupby' expected")
	}
	if err := p.advance(); err != nil {
		return t, err
	}
	if err := p.expect("(", "'(' expected"); err != nil {
		return t, err
	}
	var err error
	switch name.name {
	case "filter":
		t.Filter, err = p.expression()
	case "groupby":
		t.GroupBy, err = p.groupBy()
	case "aggregate":
		t.Aggregate, err = commaList(p, (*parser).aggregate)
	}
	if err != nil {
		return t, err
	}
	return t, p.expect(")", "')' or ',' expected")
}

// groupBy reads (a,b/c) and the steps after it.
func (p *parser) groupBy() (*GroupBy, error) {
	if err := p.expect("(", "'(' expected"); err != nil {
		return nil, err
	}
	paths, err := commaList(p, (*parser).groupPath)
	if err != nil {
		return nil, err
	}
	g := &GroupBy{Paths: paths}
	if err := p.expect(")", "')' or ',' expected"); err != nil || !p.tok.is(",") {
		return g, err
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	g.Then, err = p.transformations()
	return g, err
}

func (p *parser) groupPath() (Path, error) {
	segments, err := p.path()
	return Path{Segments: segments}, err
}

// aggregate reads revenue with sum as total, or $count as n.
func (p *parser) aggregate() (Aggregate, error) {
	var a Aggregate
	if p.tok.isWord("$count") {
		a.Method = "$count"
		if err := p.advance(); err != nil {
			return a, err
		}
		err := p.aggregateAlias(&a)
		return a, err
	}
	path, err := p.groupPath()
	if err != nil {
		return a, err
	}
	a.Path = path
	if !p.tok.isWord("with") {
		return a, p.failHere("'with' expected")
	}
	if err := p.advance(); err != nil {
		return a, err
	}
	switch p.tok.name {
	case "sum", "average", "min", "max", "countdistinct":
		a.Method = p.tok.name
	default:
		return a, p.failHere("Unrecognized with '" + p.tokenText() + "'")
	}
	if err := p.advance(); err != nil {
		return a, err
	}
	err = p.aggregateAlias(&a)
	return a, err
}

func (p *parser) aggregateAlias(a *Aggregate) error {
	if !p.tok.isWord("as") {
		return p.failHere("'as' expected")
	}
	if err := p.advance(); err != nil {
		return err
	}
	if !p.tok.isSimple() {
		return p.failHere("An identifier was expected")
	}
	a.Alias = p.tok.name
	return p.advance()
}
