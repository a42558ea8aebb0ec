package dataverse

import (
	"context"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
)

// queryPrefix stands before the names of Dataverse's own functions in filters.
const queryPrefix = "Microsoft.Dynamics.CRM."

// queryFunctions lists Dataverse's own functions. Each names its column in PropertyName.
func queryFunctions() []string {
	return strings.Fields(`
		Above AboveOrEqual Between Contains ContainValues DoesNotContainValues EqualBusinessId EqualUserId EqualUserLanguage
		EqualUserOrUserHierarchy EqualUserOrUserHierarchyAndTeams EqualUserOrUserTeams EqualUserTeams In InFiscalPeriod
		InFiscalPeriodAndYear InFiscalYear InOrAfterFiscalPeriodAndYear InOrBeforeFiscalPeriodAndYear Last7Days
		LastFiscalPeriod LastFiscalYear LastMonth LastWeek LastXDays LastXFiscalPeriods LastXFiscalYears LastXHours
		LastXMonths LastXWeeks LastXYears LastYear Next7Days NextFiscalPeriod NextFiscalYear NextMonth NextWeek NextXDays
		NextXFiscalPeriods NextXFiscalYears NextXHours NextXMonths NextXWeeks NextXYears NextYear NotBetween
		NotEqualBusinessId NotEqualUserId NotIn NotUnder OlderThanXDays OlderThanXHours OlderThanXMinutes OlderThanXMonths
		OlderThanXWeeks OlderThanXYears On OnOrAfter OnOrBefore ThisFiscalPeriod ThisFiscalYear ThisMonth ThisWeek ThisYear
		Today Tomorrow Under UnderOrEqual Yesterday`)
}

// queryFunction returns the full name of Dataverse's own function name, which may come in any case and without prefix.
func queryFunction(name string) (string, bool) {
	bare := strings.TrimPrefix(name, queryPrefix)
	all := queryFunctions()
	i := slices.IndexFunc(all, func(known string) bool { return strings.EqualFold(known, bare) })
	if i < 0 {
		return "", false
	}
	return queryPrefix + all[i], true
}

// textFunction returns how the service spells a function of text.
func textFunction(name string) (string, bool) {
	name = strings.ToLower(name)
	return name, name == "contains" || name == "startswith" || name == "endswith"
}

// call translates a function: one of text, one of Dataverse's own, or the row that contact(GUID) names.
func (tr *translator) call(ctx context.Context, s scope, call *odata.Call) (odata.Expr, error) {
	named := slices.ContainsFunc(call.Args, func(a odata.Arg) bool { return a.Name != "" })
	own, isOwn := queryFunction(call.Name)
	text, isText := textFunction(call.Name)
	switch {
	case isText && !named && len(call.On) == 0:
		return tr.textCall(ctx, s, &odata.Call{Name: text, Args: call.Args})
	case isOwn && named:
		return tr.ownCall(s, &odata.Call{On: call.On, Name: own, Args: slices.Clone(call.Args)})
	case isOwn:
		return call, tr.faults.take(invalid("filter: %s names its column: write %s", strings.TrimPrefix(own, queryPrefix), written(own, call)))
	case strings.Contains(call.Name, ".") && !strings.HasPrefix(call.Name, queryPrefix), len(call.On) > 0, namesRow(call):
		return call, nil
	}
	return call, tr.faults.take(noFunction(call))
}

// namesRow says whether call is a row's reference: contact(GUID).
func namesRow(call *odata.Call) bool {
	if len(call.Args) != 1 {
		return false
	}
	id, ok := call.Args[0].Value.(*odata.Literal)
	return ok && id.Kind == odata.GUID
}

// textCall translates contains, startswith and endswith, which columns of text have.
func (tr *translator) textCall(ctx context.Context, s scope, call *odata.Call) (odata.Expr, error) {
	out := &odata.Call{Name: call.Name, Args: slices.Clone(call.Args)}
	for i, a := range out.Args {
		value, at, err := tr.side(ctx, s, a.Value)
		if err != nil {
			return nil, err
		}
		if at != nil {
			if err := tr.faults.take(tr.withRoads(ctx, at, noText(call, at))); err != nil {
				return nil, err
			}
		}
		out.Args[i].Value = value
	}
	return out, nil
}

// noText refuses to look for text in the column at, unless it holds text.
func noText(call *odata.Call, at *spot) error {
	c := at.column
	path := at.path()
	switch {
	case c.Type.isLookup():
		return invalid("%s: column %s holds the id of a row, not text", call.Name, c.LogicalName)
	case c.Type.isChoice(), c.Type == BooleanColumn:
		return invalid("%s: column %s holds a number, not text; compare it with eq and a label: %s eq %s", call.Name, c.LogicalName, path, labelFor(c, call))
	case c.Type == ChoicesColumn:
		return invalid("%s: column %s holds choices, not text; write %sContainValues(PropertyName='%s',PropertyValues=[%s])",
			call.Name, c.LogicalName, queryPrefix, c.LogicalName, labelFor(c, call))
	case c.Type.isNumber(), c.Type == GUIDColumn:
		return invalid("%s: column %s holds a %s, not text; compare it with eq, gt, ge, lt or le", call.Name, c.LogicalName, c.Type)
	case c.Type == DateTimeColumn:
		return invalid("%s: column %s holds a date, not text; write %s ge 2026-05-01 and %s lt 2026-06-01", call.Name, c.LogicalName, path, path)
	}
	return nil
}

// labelFor is the label that the text in call comes nearest to, quoted; any label where none is near.
func labelFor(c *Column, call *odata.Call) string {
	for _, a := range call.Args {
		text, ok := a.Value.(*odata.Literal)
		if !ok || text.Kind != odata.String || text.Value == "" {
			continue
		}
		for _, choice := range c.Choices {
			if strings.Contains(fold(choice.Label), fold(text.Value)) {
				return (&odata.Literal{Kind: odata.String, Value: choice.Label}).String()
			}
		}
	}
	if len(c.Choices) == 0 {
		return "'label'"
	}
	return (&odata.Literal{Kind: odata.String, Value: c.Choices[0].Label}).String()
}

// ownCall translates one of Dataverse's own functions. They take logical names and JSON strings, so only the name is
// checked and labels are put into numbers.
func (tr *translator) ownCall(s scope, call *odata.Call) (odata.Expr, error) {
	var column *Column
	for i, a := range call.Args {
		if a.Name == "PropertyName" {
			c, value, err := propertyName(s.table, a.Value)
			if err := tr.faults.take(err); err != nil {
				return nil, err
			}
			column, call.Args[i].Value = c, value
			continue
		}
		value, err := functionValue(column, a.Value)
		if err := tr.faults.take(err); err != nil {
			return nil, err
		}
		call.Args[i].Value = value
	}
	return call, nil
}

// propertyName checks the column that a Dataverse function names, with quotes or without. A path to another table is
// left to the service.
func propertyName(t *Table, x odata.Expr) (*Column, odata.Expr, error) {
	var name string
	switch x := x.(type) {
	case *odata.Path:
		name = x.String()
	case *odata.Literal:
		name = x.Value
	default:
		return nil, x, nil
	}
	value := &odata.Literal{Kind: odata.String, Value: name}
	if strings.Contains(name, "/") {
		return nil, value, nil
	}
	c, ok := t.Column(name)
	if !ok {
		return nil, value, unknownColumn(t, name)
	}
	value.Value = c.LogicalName
	return c, value, nil
}

// written is how call is written as Dataverse's own function.
func written(own string, call *odata.Call) string {
	column, value := "createdon", ""
	for _, a := range call.Args {
		x, isLiteral := a.Value.(*odata.Literal)
		switch p, isPath := a.Value.(*odata.Path); {
		case isPath:
			column = p.String()
		case isLiteral && a.Name == "PropertyName":
			column = x.Value
		case isLiteral:
			value = shortened(x.String(), maxQuoted)
		}
	}
	bare := strings.TrimPrefix(own, queryPrefix)
	form := own + "(PropertyName='" + shortened(column, maxQuoted)
	switch {
	case strings.Contains(bare, "X"):
		return form + "',PropertyValue=" + orElse(value, "30") + ")"
	case strings.HasPrefix(bare, "On"):
		return form + "',PropertyValue=" + orElse(value, "2026-05-01") + ")"
	case strings.HasPrefix(bare, "Between"), strings.HasPrefix(bare, "NotBetween"):
		return form + "',PropertyValues=['1','2'])"
	case bare == "In", bare == "NotIn", strings.HasSuffix(bare, "ContainValues"), strings.HasSuffix(bare, "NotContainValues"):
		return form + "',PropertyValues=['a','b'])"
	case strings.Contains(bare, "Under"), strings.Contains(bare, "Above"), strings.Contains(bare, "Fiscal") && strings.HasPrefix(bare, "In"), bare == "Contains":
		return form + "',PropertyValue=" + orElse(value, "…") + ")"
	}
	return form + "')"
}

// bareWord tells what to write for a word that the column at is compared with, and that is no column itself.
func bareWord(at *spot, word string) string {
	if own, ok := queryFunction(word); ok && at.column.Type == DateTimeColumn {
		return "write " + ofColumn(own, at) + " instead of the comparison"
	}
	return orElse(caller(at, word), "if it is text or a label, write '"+shortened(word, maxQuoted)+"'")
}

// caller tells what to write where word is what people call themselves, and a user is asked for; else "".
func caller(at *spot, word string) string {
	me := []string{"me", "myself", "currentuser", "current_user"}
	if !slices.Contains(at.column.Targets, "systemuser") || !slices.Contains(me, strings.ToLower(word)) {
		return ""
	}
	return "for the caller write " + ofColumn(queryPrefix+"EqualUserId", at) + " instead of eq, with not before it instead of ne"
}

// ofColumn is Dataverse's own function own of the column at.
func ofColumn(own string, at *spot) string {
	return written(own, &odata.Call{Args: []odata.Arg{{Value: &odata.Path{Segments: []string{at.path()}}}}})
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// noFunction is the error of a function that Dataverse has not, with what to write instead.
func noFunction(call *odata.Call) error {
	column := "createdon"
	for _, a := range call.Args {
		if p, ok := a.Value.(*odata.Path); ok {
			column = shortened(p.String(), maxQuoted)
			break
		}
	}
	bare := strings.TrimPrefix(call.Name, queryPrefix)
	e := invalid("filter: there is no function %s here", shortened(bare, maxQuoted))
	switch name := strings.ToLower(bare); name {
	case "thisquarter", "currentquarter", "thisfiscalquarter", "lastquarter", "lastfiscalquarter", "nextquarter", "nextfiscalquarter":
		own := "ThisFiscalPeriod"
		switch {
		case strings.HasPrefix(name, "last"):
			own = "LastFiscalPeriod"
		case strings.HasPrefix(name, "next"):
			own = "NextFiscalPeriod"
		}
		e.Message += "; write " + written(queryPrefix+own, call) + ", where fiscal periods are quarters, or compare with its first and last day"
	case "now", "today", "utcnow", "getdate", "adddays", "addmonths", "addyears", "dateadd", "datediff", "mindatetime", "maxdatetime", "totalseconds":
		e.Message += "; write " + queryPrefix + "LastXDays(PropertyName='" + column + "',PropertyValue=30), or compare with a date such as 2026-05-01"
	case "year":
		e.Message += "; write " + column + " ge 2026-01-01 and " + column + " lt 2027-01-01, or " + queryPrefix + "ThisYear(PropertyName='" + column + "')"
	case "date":
		e.Message += "; write " + written(queryPrefix+"On", call)
	case "month", "day", "hour", "minute", "second", "time":
		e.Message += "; parts of dates cannot be compared, only whole ones: " + column + " ge 2026-05-01 and " + column + " lt 2026-06-01"
	case "substringof", "like", "search", "includes", "matchespattern":
		e.Message += "; write contains(name,'text')"
	case "isnull", "empty", "isempty", "exists":
		e.Message += "; write eq null or ne null"
	case "length", "trim", "concat", "substring", "indexof", "replace", "tolower", "toupper", "lower", "upper":
		e.Message += "; text is compared by eq, contains, startswith and endswith, whatever its case"
	case "round", "floor", "ceiling", "abs":
		e.Message += "; numbers are compared by eq, ne, gt, ge, lt and le as they are"
	default:
		own := queryFunctions()
		candidates := make([]candidate, len(own))
		for i, name := range own {
			candidates[i] = candidate{name: name, weight: len(name)}
			if strings.Contains(name, "X") { // the general one before Last7Days
				candidates[i].weight = 0
			}
		}
		if near := nearest(bare, candidates); len(near) > 0 {
			e.Message += "; write " + written(queryPrefix+near[0], call)
		} else {
			e.Message += "; there are contains, startswith, endswith and those of Dataverse, such as " + written(queryPrefix+"LastXDays", call)
		}
	}
	return e
}
