package sql

import (
	"fmt"
	"strconv"
	"strings"
)

// maxDepth is how deep conditions and subqueries may be nested.
const maxDepth = 100

// Parse reads one SELECT, which may end in a semicolon. What it returns prints, by String, as a query that Parse reads as
// the same tree. An error is a *SyntaxError.
func Parse(query string) (*Select, error) {
	tokens, err := scan(query)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	s := p.query()
	if p.take(";") && p.err == nil && p.now().kind != end {
		p.fail("several statements stand in one text: send each SELECT by itself")
	}
	if p.err == nil && p.now().kind != end {
		p.unexpected("the end")
	}
	if p.err != nil {
		return nil, p.err
	}
	return s, nil
}

// parser keeps the first fault; after it, every token is the end.
type parser struct {
	tokens []token
	at     int
	depth  int
	err    error
}

func (p *parser) now() token {
	if p.err != nil {
		return p.tokens[len(p.tokens)-1]
	}
	return p.tokens[p.at]
}

func (p *parser) next() token {
	t := p.now()
	if t.kind != end {
		p.at++
	}
	return t
}

// ahead is a token behind the next one.
func (p *parser) ahead(n int) token { return p.tokens[min(p.at+n, len(p.tokens)-1)] }

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = &SyntaxError{p.now().pos, fmt.Sprintf(format, args...)}
	}
}

func (p *parser) unexpected(want string) {
	t := p.now()
	if hint, ok := foreign[strings.ToUpper(t.text)]; ok && (t.kind == word || t.kind == sign) {
		p.fail("%s", hint)
		return
	}
	p.fail("unexpected %s, want %s", t, want)
}

// foreign is what other SQL has, with what to write instead.
var foreign = map[string]string{
	"INSERT": "INSERT is no query: only SELECT is answered", "UPDATE": "UPDATE is no query: only SELECT is answered",
	"DELETE": "DELETE is no query: only SELECT is answered", "MERGE": "MERGE is no query: only SELECT is answered",
	"TRUNCATE": "TRUNCATE is no query: only SELECT is answered", "DROP": "DROP is no query: only SELECT is answered",
	"CREATE": "CREATE is no query: only SELECT is answered", "ALTER": "ALTER is no query: only SELECT is answered",
	"EXEC": "EXEC is no query: only SELECT is answered", "EXECUTE": "EXECUTE is no query: only SELECT is answered",
	"WITH": "there is no WITH: write a subquery with IN or EXISTS, or a join", "UNION": "there is no UNION: send each SELECT by itself",
	"EXCEPT": "there is no EXCEPT: write NOT EXISTS", "INTERSECT": "there is no INTERSECT: write EXISTS",
	"LIMIT": "there is no LIMIT: write SELECT TOP 10, or OFFSET 20 ROWS FETCH NEXT 10 ROWS ONLY",
	"OVER":  "there are no window functions: write GROUP BY", "CASE": "there is no CASE: select the columns themselves",
	"CAST": "there is no CAST: select the columns themselves", "CONVERT": "there is no CONVERT: select the columns themselves",
	"INTO": "SELECT INTO writes: only SELECT is answered",
	"+":    "there is no arithmetic: select the columns themselves", "-": "there is no arithmetic: select the columns themselves",
	"/": "there is no arithmetic: select the columns themselves", "%": "there is no arithmetic: select the columns themselves",
	"ILIKE": "there is no ILIKE: LIKE does not tell upper from lower case", "USING": "there is no USING: write ON a.x = b.y",
	"NATURAL": "there is no NATURAL JOIN: write JOIN … ON a.x = b.y",
}

// take passes the keyword or sign where it stands.
func (p *parser) take(what string) bool {
	if !p.now().is(what) {
		return false
	}
	p.next()
	return true
}

func (p *parser) want(what string) {
	if !p.take(what) {
		p.unexpected(what)
	}
}

// enter goes one level deeper, and says whether that is still allowed.
func (p *parser) enter() bool {
	if p.depth++; p.depth > maxDepth {
		p.fail("the query is nested deeper than %d", maxDepth)
	}
	return p.err == nil
}

func (p *parser) query() *Select {
	defer func() { p.depth-- }()
	if !p.enter() {
		return nil
	}
	p.want("SELECT")
	s := &Select{}
	if p.take("DISTINCT") {
		s.Distinct = true
	} else {
		p.take("ALL")
	}
	if p.take("TOP") {
		s.Top = p.top()
	}
	for ok := true; ok; ok = p.take(",") {
		s.Items = append(s.Items, p.item())
	}
	p.want("FROM")
	s.From = p.table()
	if p.now().is(",") {
		p.fail("tables stand in FROM with JOIN … ON between them, not commas")
	}
	for p.joins(s) {
	}
	if p.take("WHERE") {
		s.Where = p.condition()
	}
	p.tail(s)
	return s
}

// tail reads what stands behind the rows' condition.
func (p *parser) tail(s *Select) {
	if p.take("GROUP") {
		p.want("BY")
		for ok := true; ok; ok = p.take(",") {
			s.GroupBy = append(s.GroupBy, p.value())
		}
	}
	if p.take("HAVING") {
		s.Having = p.condition()
	}
	if p.take("ORDER") {
		p.want("BY")
		for ok := true; ok; ok = p.take(",") {
			o := Order{X: p.value()}
			if o.Descending = p.take("DESC"); !o.Descending {
				p.take("ASC")
			}
			s.OrderBy = append(s.OrderBy, o)
		}
	}
	if p.take("OFFSET") {
		s.Offset = p.rows()
		if p.take("FETCH") {
			if !p.take("NEXT") {
				p.want("FIRST")
			}
			s.Fetch = p.rows()
			p.want("ONLY")
		}
	}
}

// rows reads: 10 ROWS.
func (p *parser) rows() *int {
	n := p.count()
	if !p.take("ROWS") {
		p.want("ROW")
	}
	return n
}

func (p *parser) count() *int {
	t := p.now()
	n, err := strconv.ParseInt(t.text, 10, 32)
	if t.kind != number || err != nil {
		p.unexpected("a whole number")
		return nil
	}
	p.next()
	count := int(n)
	return &count
}

func (p *parser) top() *int {
	parens := p.take("(")
	n := p.count()
	if parens {
		p.want(")")
	}
	if p.now().is("PERCENT") || p.now().is("WITH") {
		p.fail("TOP counts rows: there is no PERCENT and no WITH TIES")
	}
	return n
}

func (p *parser) item() Item {
	if p.take("*") {
		return Item{Star: true}
	}
	if p.isName(p.now()) && p.ahead(1).is(".") && p.ahead(2).is("*") {
		table := p.next().text
		p.next()
		p.next()
		return Item{Star: true, Table: table}
	}
	return Item{X: p.value(), Alias: p.alias()}
}

// alias reads a name with or without AS before it; "" where there is none.
func (p *parser) alias() string {
	if p.take("AS") {
		if t := p.now(); t.kind == text && t.text != "" {
			return p.next().text
		}
		return p.name("an alias")
	}
	if p.isName(p.now()) {
		return p.next().text
	}
	return ""
}

func (p *parser) isName(t token) bool {
	return t.kind == quoted || t.kind == word && !IsKeyword(t.text)
}

func (p *parser) name(want string) string {
	if !p.isName(p.now()) {
		p.unexpected(want)
		return ""
	}
	return p.next().text
}

func (p *parser) table() Table {
	if p.now().is("(") {
		p.fail("a subquery cannot stand in FROM: name its tables there, with joins")
	}
	t := Table{Name: p.name("the name of a table")}
	if p.take(".") { // of a schema, of which there is one
		t.Name = p.name("the name of a table")
	}
	t.Alias = p.alias()
	if p.now().is("WITH") && p.ahead(1).is("(") && p.ahead(2).is("NOLOCK") { // Dataverse reads without locks by itself
		for range 3 {
			p.next()
		}
		p.want(")")
	}
	return t
}

// joins reads one more join; false where there is none.
func (p *parser) joins(s *Select) bool {
	j := Join{Kind: Inner}
	switch {
	case p.take("LEFT"):
		j.Kind = Left
	case p.take("RIGHT"):
		j.Kind = Right
	case p.take("FULL"):
		j.Kind = Full
	case p.take("CROSS"):
		j.Kind = Cross
	case p.take("INNER"), p.now().is("JOIN"):
	default:
		return false
	}
	if j.Kind == Left || j.Kind == Right || j.Kind == Full {
		p.take("OUTER")
	}
	p.want("JOIN")
	j.Table = p.table()
	if j.Kind != Cross {
		p.want("ON")
		j.On = p.condition()
	}
	s.Joins = append(s.Joins, j)
	return p.err == nil
}
