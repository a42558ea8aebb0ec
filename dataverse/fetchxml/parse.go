package fetchxml

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Parse reads a query. What it returns prints, by String, as a query that Parse reads as the same tree. An error is an
// *Error.
func Parse(text string) (*Fetch, error) {
	root, err := readTree(text)
	if err != nil {
		return nil, err
	}
	p := parser{}
	f := p.fetch(root)
	if p.err == nil {
		p.check(f)
	}
	if p.err != nil {
		return nil, p.err
	}
	return f, nil
}

// parser turns nodes into the typed tree. It keeps the first fault and goes on.
type parser struct {
	err               error
	conditions, links int
}

func (p *parser) fail(n *node, code, format string, args ...any) {
	if p.err == nil {
		line := 0
		if n != nil {
			line = n.line
		}
		p.err = &Error{Code: code, Line: line, Msg: fmt.Sprintf(format, args...)}
	}
}

func (p *parser) fetch(n *node) *Fetch {
	f := &Fetch{
		Top: p.number(n, "top", 1, 5000), Count: p.number(n, "count", 0, 0), Page: p.number(n, "page", 1, 0),
		PagingCookie: n.attrs["paging-cookie"], Distinct: p.flag(n, "distinct", false),
		Aggregate: p.flag(n, "aggregate", false), AggregateLimit: p.number(n, "aggregatelimit", 1, 0),
		TotalRecordCount: p.flag(n, "returntotalrecordcount", false), RawOrderBy: p.flag(n, "useraworderby", false),
		NoLock: p.flag(n, "no-lock", false), LateMaterialize: p.flag(n, "latematerialize", false),
		MinActiveRow: p.flag(n, "min-active-row-version", false), DataSource: p.word(n, "datasource", set("retained")),
		QueryHints: n.attrs["options"], Mapping: p.word(n, "mapping", set("logical internal")), Version: n.attrs["version"],
		OutputFormat: n.attrs["output-format"], UTCOffset: n.attrs["utc-offset"],
	}
	if f.UTCOffset != "" {
		p.number(n, "utc-offset", -24*60, 24*60)
	}
	if len(n.children) != 1 {
		p.fail(n, codeElementMissing, "fetch must have one element entity, not %d", len(n.children))
		return f
	}
	e := n.children[0]
	f.Entity = Entity{Name: p.required(e, "name"), Body: p.body(e)}
	return f
}

func (p *parser) body(n *node) Body {
	var b Body
	for _, child := range n.children {
		switch child.name {
		case "all-attributes":
			b.All = true
		case "attribute":
			b.Attributes = append(b.Attributes, p.attribute(child))
		case "order":
			b.Orders = append(b.Orders, Order{Attribute: child.attrs["attribute"], Alias: child.attrs["alias"],
				EntityName: child.attrs["entityname"], Descending: p.flag(child, "descending", false)})
		case "filter":
			b.Filters = append(b.Filters, p.filter(child))
		case "link-entity":
			b.Links = append(b.Links, p.link(child))
		}
	}
	return b
}

var (
	aggregates    = set("count countcolumn sum avg min max")
	dateGroupings = set("day week month quarter year fiscal-period fiscal-year")
	linkTypes     = map[string]bool{"inner": true, "outer": true, "natural": true, "any": true, "not any": true, "all": true,
		"not all": true, "exists": true, "in": true, "matchfirstrowusingcrossapply": true}
)

func (p *parser) attribute(n *node) Attribute {
	return Attribute{Name: p.required(n, "name"), Alias: p.alias(n), Aggregate: Aggregate(p.word(n, "aggregate", aggregates)),
		Distinct: p.flag(n, "distinct", false), GroupBy: p.flag(n, "groupby", false),
		DateGrouping: DateGrouping(p.word(n, "dategrouping", dateGroupings)), UTC: !p.flag(n, "usertimezone", true),
		RowAggregate: p.word(n, "rowaggregate", set("CountChildren"))}
}

func (p *parser) link(n *node) Link {
	p.links++
	if p.links > MaxLinks {
		p.fail(n, codeLinks, "Number of link entities in query exceeded maximum limit.")
	}
	l := Link{Name: p.required(n, "name"), From: n.attrs["from"], To: n.attrs["to"], Alias: p.alias(n),
		Type: LinkType(p.word(n, "link-type", linkTypes)), Intersect: p.flag(n, "intersect", false)}
	if l.Type == "" || l.Type == "natural" { // the platform joins both alike
		l.Type = Inner
	}
	l.Body = p.body(n)
	return l
}

func (p *parser) filter(n *node) Filter {
	f := Filter{Or: p.word(n, "type", set("and or")) == "or", QuickFind: p.flag(n, "isquickfindfields", false),
		Hint: p.word(n, "hint", set("union"))}
	for _, child := range n.children {
		switch child.name {
		case "condition":
			f.Conditions = append(f.Conditions, p.condition(child))
		case "filter":
			f.Filters = append(f.Filters, p.filter(child))
		case "link-entity":
			l := p.link(child)
			if !l.Type.filters() {
				p.fail(child, valueCodes["link-type"], "the link-entity %s in a filter must be of link-type any, not any, all or not all, not %s", l.Name, l.Type)
			}
			f.Links = append(f.Links, l)
		}
	}
	return f
}

func (p *parser) condition(n *node) Condition {
	p.conditions++
	for _, unsupported := range []string{"column", "aggregate", "rowaggregate", "alias"} {
		if n.attrs[unsupported] != "" {
			p.fail(n, codeInvalidCondition, "the attribute %s of a condition is not supported", unsupported)
		}
	}
	c := Condition{Attribute: p.required(n, "attribute"), EntityName: n.attrs["entityname"],
		Operator: Operator(p.required(n, "operator")), ValueOf: n.attrs["valueof"]}
	if value, given := n.attrs["value"]; given {
		c.Values = append(c.Values, value)
	}
	for _, child := range n.children {
		c.Values = append(c.Values, child.text.String())
	}
	p.operands(n, c)
	return c
}

// operands checks that the condition has as many values as its operator takes, and numbers where it takes those.
func (p *parser) operands(n *node, c Condition) {
	takes, ok := operators[c.Operator]
	if !ok {
		p.fail(n, codeInvalidOperator, "Invalid condition operator %q%s", c.Operator, known(string(c.Operator), operatorNames()))
		return
	}
	if c.ValueOf != "" {
		if !c.Operator.ComparesColumns() || len(c.Values) > 0 {
			p.fail(n, codeInvalidCondition, "valueof on %s stands with one of eq, ne, gt, ge, lt, le and without a value", c.Attribute)
		}
		return
	}
	least, most := takes.count()
	if len(c.Values) < least || len(c.Values) > most && takes != many {
		p.fail(n, codeInvalidCondition, "the operator %s on %s takes %s, not %d", c.Operator, c.Attribute, takes, len(c.Values))
	}
	if len(c.Values) > MaxValues {
		p.fail(n, codeParameters, "Number of parameters in a condition exceeded maximum limit.")
	}
	if takes == number || takes == twoNumbers {
		for _, text := range c.Values {
			if x, err := strconv.Atoi(text); err != nil || x < 0 {
				p.fail(n, codeInvalidCondition, "the operator %s on %s takes %s, not %q", c.Operator, c.Attribute, takes, text)
			}
		}
	}
}

// word is an attribute that must be one of the words; "" when it is not given.
func (p *parser) word(n *node, name string, words map[string]bool) string {
	text, given := n.attrs[name]
	if given && !words[text] {
		p.fail(n, valueCode(name), "Invalid value %q of the attribute %s of %s%s", text, name, n.name, known(text, words))
	}
	return text
}

func valueCode(attribute string) string {
	if code, ok := valueCodes[attribute]; ok {
		return code
	}
	return codeInvalidValue
}

func (p *parser) flag(n *node, name string, otherwise bool) bool {
	text, given := n.attrs[name]
	switch {
	case !given:
		return otherwise
	case text == "1" || strings.EqualFold(text, "true"):
		return true
	case text == "0" || strings.EqualFold(text, "false"):
		return false
	}
	p.fail(n, valueCode(name), "Invalid value %q of the attribute %s of %s: want true or false", text, name, n.name)
	return false
}

// number is a whole number; a most of 0 is no limit.
func (p *parser) number(n *node, name string, least, most int) int {
	text, given := n.attrs[name]
	if !given {
		return 0
	}
	x, err := strconv.ParseInt(text, 10, 32)
	switch {
	case err != nil:
		p.fail(n, valueCode(name), "Invalid value %q of the attribute %s of %s: want a whole number", text, name, n.name)
	case int(x) < least && least > 0:
		p.fail(n, codeNotPositive, "Invalid value %q of the attribute %s of %s: want at least %d%s", text, name, n.name, least, upTo(most))
	case int(x) < least || most > 0 && int(x) > most:
		p.fail(n, valueCode(name), "Invalid value %q of the attribute %s of %s: want at least %d%s", text, name, n.name, least, upTo(most))
	}
	return int(x)
}

func upTo(most int) string {
	if most == 0 {
		return ""
	}
	return fmt.Sprintf(" and at most %d", most)
}

func (p *parser) required(n *node, name string) string {
	if n.attrs[name] == "" {
		p.fail(n, codeAttributeMissing, "the element %s must have the attribute %s", n.name, name)
	}
	return n.attrs[name]
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (p *parser) alias(n *node) string {
	alias := n.attrs["alias"]
	if alias != "" && !identifier.MatchString(alias) {
		p.fail(n, codeInvalidAlias, "Invalid character specified for alias: %s. Only characters within the ranges [A-Z], [a-z] or [0-9] or _ are allowed.  The first character may only be in the ranges [A-Z], [a-z] or _.", alias)
	}
	return alias
}

// check looks at what one element alone does not show.
func (p *parser) check(f *Fetch) {
	if p.conditions+p.links > MaxConditions {
		p.fail(nil, codeConditions, "Number of conditions in query exceeded maximum limit.")
	}
	if f.Top > 0 && (f.Page > 0 || f.Count > 0 || f.PagingCookie != "") {
		p.fail(nil, codeInvalidValue, "The top attribute can't be specified with paging attribute page")
	}
	if f.Top > 0 && f.TotalRecordCount {
		p.fail(nil, codeInvalidValue, "The top attribute can't be specified with returntotalrecordcount")
	}
	aliases := map[string]bool{}
	p.checkLinks(&f.Entity.Body, map[string]bool{})
	p.checkBody(f, &f.Entity.Body, aliases)
	f.Entity.EachLink(func(l *Link) bool {
		if !l.Type.Joins() && (l.All || len(l.Attributes) > 0 || len(l.Orders) > 0) {
			p.fail(nil, codeInvalidNode, "the link-entity %s of link-type %s can have neither attributes nor orders", l.Name, l.Type)
		}
		p.checkBody(f, &l.Body, aliases)
		return true
	})
}

// checkLinks refuses two joins by the same alias, but for those of different subqueries.
func (p *parser) checkLinks(b *Body, aliases map[string]bool) {
	for i := range b.Links {
		l := &b.Links[i]
		if !l.Type.Joins() {
			p.checkLinks(&l.Body, map[string]bool{})
			continue
		}
		alias := strings.ToLower(l.Alias)
		if alias != "" && aliases[alias] {
			p.fail(nil, codeDuplicateAlias, "Table %s is not unique amongst all top-level table and join aliases", l.Alias)
		}
		aliases[alias] = true
		p.checkLinks(&l.Body, aliases)
	}
}

func (p *parser) checkBody(f *Fetch, b *Body, aliases map[string]bool) {
	for _, a := range b.Attributes {
		if a.Alias != "" && aliases[a.Alias] {
			p.fail(nil, codeDuplicateAlias, "Each alias must be unique within a query: %s", a.Alias)
		}
		aliases[a.Alias] = true
		p.checkAttribute(f.Aggregate, a)
	}
	if f.Aggregate && b.All {
		p.fail(nil, codeAggregateMissing, "an aggregate query can't have all-attributes")
	}
	for _, o := range b.Orders {
		switch {
		case f.Aggregate && o.Attribute != "":
			p.fail(nil, codeOrderAttribute, "An attribute can not be specified for an order clause for an aggregate Query. Use an alias")
		case f.Aggregate && o.Alias == "":
			p.fail(nil, codeOrderNoAlias, "An alias is required for an order clause for an aggregate Query.")
		case !f.Aggregate && o.Alias != "":
			p.fail(nil, codeOrderAlias, "An alias cannot be specified for an order clause for a non-aggregate Query. Use an attribute.")
		case !f.Aggregate && o.Attribute == "":
			p.fail(nil, codeOrderUnnamed, "An attribute is required for an order clause for a non-aggregate Query.")
		}
	}
}

func (p *parser) checkAttribute(aggregate bool, a Attribute) {
	switch {
	case !aggregate && (a.Aggregate != "" || a.GroupBy || a.DateGrouping != "" || a.Distinct || a.UTC):
		p.fail(nil, codeAggregateMissing, "the attribute %s is aggregated or grouped, so fetch must have aggregate=\"true\"", a.Name)
	case !aggregate:
	case a.RowAggregate != "":
		p.fail(nil, codeAggregateMissing, "the attribute %s can't have rowaggregate in an aggregate query", a.Name)
	case a.Aggregate != "" && a.GroupBy:
		p.fail(nil, codeGroupAggregate, "the attribute %s can't have both of aggregate and groupby", a.Name)
	case a.Aggregate == "" && !a.GroupBy:
		p.fail(nil, codeAggregateMissing, "the attribute %s of an aggregate query must have aggregate or groupby", a.Name)
	case a.Alias == "":
		p.fail(nil, codeNoAlias, "the attribute %s of an aggregate query must have an alias", a.Name)
	case !a.GroupBy && (a.DateGrouping != "" || a.UTC):
		p.fail(nil, valueCodes["dategrouping"], "the attribute %s has a dategrouping or usertimezone without groupby", a.Name)
	case a.Distinct && !slices.Contains([]Aggregate{Count, CountColumn}, a.Aggregate):
		p.fail(nil, valueCodes["distinct"], "the attribute %s can have distinct only with countcolumn", a.Name)
	}
}
