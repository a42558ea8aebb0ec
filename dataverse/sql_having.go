package dataverse

import (
	"encoding/json"
	"math/big"
	"slices"
)

// havingTest is a condition on the groups of an answer, as sqlTest is on rows: the service does not know HAVING. Every
// group comes in one row, so that each can be decided on by itself.
type havingTest struct {
	or    bool
	parts []havingTest
	leaf  *havingLeaf
}

// havingLeaf compares a column of the answer. Null passes only IS NULL.
type havingLeaf struct {
	column string
	op     sqlOp
	values []*big.Rat
	with   string // column to compare with instead
}

func (t *havingTest) passes(row Row) bool {
	if t.leaf != nil {
		return t.leaf.passes(row)
	}
	decided := func(part havingTest) bool { return part.passes(row) == t.or }
	return slices.ContainsFunc(t.parts, decided) == t.or
}

func (l *havingLeaf) passes(row Row) bool {
	have := groupNumber(row.Value(l.column).Raw)
	switch {
	case l.op == sqlNull:
		return have == nil
	case have == nil:
		return false
	case l.op == sqlNotNull:
		return true
	}
	values := l.values
	if l.with != "" {
		values = []*big.Rat{groupNumber(row.Value(l.with).Raw)}
		if values[0] == nil {
			return false
		}
	}
	equal := func(v *big.Rat) bool { return have.Cmp(v) == 0 }
	switch l.op {
	case sqlEq, sqlIn:
		return slices.ContainsFunc(values, equal)
	case sqlNe, sqlNotIn:
		return !slices.ContainsFunc(values, equal)
	case sqlLt:
		return have.Cmp(values[0]) < 0
	case sqlLe:
		return have.Cmp(values[0]) <= 0
	case sqlGt:
		return have.Cmp(values[0]) > 0
	case sqlGe:
		return have.Cmp(values[0]) >= 0
	}
	return false
}

// groupNumber reads what numbers, yes and no, and moments compare by; nil for null.
func groupNumber(raw any) *big.Rat {
	switch v := raw.(type) {
	case json.Number:
		if hugeExponent(v.String()) { // the service sends none
			return nil
		}
		if n, ok := new(big.Rat).SetString(v.String()); ok {
			return n
		}
	case bool:
		if v {
			return big.NewRat(1, 1)
		}
		return new(big.Rat)
	case string:
		return momentNumber(v)
	}
	return nil
}

// momentNumber is a moment as a number; nil where text is none.
func momentNumber(text string) *big.Rat {
	at, err := parseTime(text)
	if err != nil {
		return nil
	}
	seconds := new(big.Rat).SetInt64(at.Unix())
	return seconds.Add(seconds, big.NewRat(int64(at.Nanosecond()), 1e9))
}
