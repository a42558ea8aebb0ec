package emulator

import (
	"context"
	"net/http"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// rulePublished is the status of a duplicate rule that is in force.
const rulePublished = 2

// duplicateRule says when a row is a duplicate of one of the matching table: when all conditions hold.
type duplicateRule struct {
	matching   *schema.Table
	activeOnly bool // inactive rows are no duplicates
	conditions []duplicateCondition
}

type duplicateCondition struct {
	base, matching *schema.Column
	operator       int64 // operatorcode
	length         int64 // of what has to be the same, for some operators
	blanksDiffer   bool  // two rows without a value do not match
}

// The operators that do not compare the whole value.
const (
	sameFirst = 1
	sameLast  = 2
	sameDay   = 3
)

// duplicateRules are the published rules for rows of the table.
func (c *call) duplicateRules(ctx context.Context, q store.Querier, base *schema.Table) ([]*duplicateRule, error) {
	rows, err := q.QueryContext(ctx, `SELECT r.duplicateruleid, r.matchingentityname, coalesce(r.excludeinactiverecords, 0),
			c.baseattributename, c.matchingattributename, c.operatorcode, coalesce(c.operatorparam, 0), coalesce(c.ignoreblankvalues, 1)
		FROM duplicaterule r JOIN duplicaterulecondition c ON c.regardingobjectid = r.duplicateruleid
		WHERE r.statuscode = ? AND r.baseentityname = ? ORDER BY r.duplicateruleid`, rulePublished, base.Logical)
	if err != nil {
		return nil, err
	}
	var all []*duplicateRule
	last := ""
	err = scanAll(rows, func(cells []any) error {
		text := func(i int) string { s, _ := cells[i].(string); return s }
		number := func(i int) int64 { n, _ := cells[i].(int64); return n }
		matching := c.schema.Table(text(1))
		if matching == nil {
			return nil
		}
		if text(0) != last {
			last = text(0)
			all = append(all, &duplicateRule{matching: matching, activeOnly: number(2) == 1 && matching.Column("statecode") != nil})
		}
		rule := all[len(all)-1]
		rule.conditions = append(rule.conditions, duplicateCondition{base: base.Column(text(3)), matching: matching.Column(text(4)),
			operator: number(5), length: number(6), blanksDiffer: number(7) == 1})
		return nil
	})
	return all, err
}

// duplicates are the rows, known as rowAlias, that the rule takes for duplicates of one with these values and this id.
// Not ok: there can be none.
func (r *duplicateRule) duplicates(values func(string) any, id string) (where fragment, ok bool) {
	all := []fragment{concat(columnOf(rowAlias, r.matching.PrimaryID), " <> ", value(id))}
	if r.activeOnly {
		all = append(all, concat(columnOf(rowAlias, "statecode"), " = 0"))
	}
	for _, c := range r.conditions {
		if c.base == nil || !c.base.Stored() || c.matching == nil || !c.matching.Stored() {
			return fragment{}, false
		}
		mine, theirs := values(c.base.Logical), columnOf(rowAlias, c.matching.Logical)
		blank := mine == nil || mine == ""
		switch {
		case blank && c.blanksDiffer:
			return fragment{}, false
		case blank:
			all = append(all, concat("coalesce(", theirs, ", '') = ''"))
		default:
			all = append(all, c.matches(theirs, mine))
		}
	}
	return joined(" AND ", all), true
}

// matches compares the column with a value, as far as the operator says.
func (c duplicateCondition) matches(theirs fragment, mine any) fragment {
	part := func(f fragment) fragment { return f }
	switch {
	case c.operator == sameFirst && c.length > 0:
		part = func(f fragment) fragment {
			return concat("substr(", f, ", 1, ", value(c.length), ") COLLATE "+store.Collation)
		}
	case c.operator == sameLast && c.length > 0:
		part = func(f fragment) fragment {
			return concat("substr(", f, ", ", value(-c.length), ") COLLATE "+store.Collation)
		}
	case c.operator == sameDay:
		part = func(f fragment) fragment { return concat("substr(", f, ", 1, 10)") }
	}
	return concat(part(theirs), " = ", part(value(mine)))
}

// original refuses a row that duplicates another, where the client wants to know: it is not told unless it asks.
func (w *writing) original(ctx context.Context) error {
	if !strings.EqualFold(w.r.Header.Get("MSCRM.SuppressDuplicateDetection"), "false") {
		return nil
	}
	rules, err := w.duplicateRules(ctx, w.tx, w.table)
	if err != nil {
		return err
	}
	for _, rule := range rules {
		where, ok := rule.duplicates(w.value, w.id)
		if !ok || !w.changed(rule.columns()...) {
			continue
		}
		query := concat("SELECT 1 FROM "+store.Quote(rule.matching.Logical)+" "+rowAlias+" WHERE ", where)
		found, err := exists(ctx, w.tx, query.sql, query.args...)
		if err != nil {
			return err
		}
		if found {
			return fail(http.StatusPreconditionFailed, "0x80040333", "A record was not created or updated because a duplicate of the current record already exists.")
		}
	}
	return nil
}

// columns are those of the row that the rule looks at.
func (r *duplicateRule) columns() []string {
	names := make([]string, len(r.conditions))
	for i, c := range r.conditions {
		if c.base != nil {
			names[i] = c.base.Logical
		}
	}
	return names
}
