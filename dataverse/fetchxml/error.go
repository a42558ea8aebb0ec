package fetchxml

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Error says where a text is no FetchXML. Code is the one that Dataverse answers with for such a fault (ErrorCodes of
// Microsoft's SDK).
type Error struct {
	Code string
	Line int // where the fault stands, from 1; 0 for a fault of the whole query
	Msg  string
}

// Error is the message with its line.
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Msg
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Msg)
}

// The codes of faults that have no attribute of their own.
const (
	codeInvalidXML       = "0x80040201"
	codeEmpty            = "0x80041124"
	codeNoElement        = "0x80041125"
	codeElementMissing   = "0x80041123"
	codeInvalidNode      = "0x8004111c"
	codeAttributeMissing = "0x8004111e"
	codeInvalidValue     = "0x80041139"
	codeNotPositive      = "0x8004110c"
	codeInvalidOperator  = "0x80041120"
	codeInvalidCondition = "0x80041106"
	codeInvalidAlias     = "0x80041109"
	codeDuplicateAlias   = "0x80041130"
	codeNoAlias          = "0x8004110b"
	codeGroupAggregate   = "0x80041137"
	codeAggregateMissing = "0x8004112f"
	codeOrderAttribute   = "0x80041131"
	codeOrderAlias       = "0x80041132"
	codeOrderUnnamed     = "0x80041133"
	codeOrderNoAlias     = "0x80041134"
	codeConditions       = "0x8004430c"
	codeLinks            = "0x8004430d"
	codeParameters       = "0x8004430e"
)

// valueCodes are the codes for a wrong value of these attributes; the others share codeInvalidValue.
var valueCodes = map[string]string{
	"distinct": "0x80041115", "mapping": "0x80041116", "link-type": "0x80041117", "no-lock": "0x80041118",
	"descending": "0x80041119", "aggregate": "0x8004111a", "min-active-row-version": "0x8004111b",
	"utc-offset": "0x8004111d", "type": "0x80041122", "groupby": "0x8004112e", "dategrouping": "0x80041135",
}

// known is a text's tail that offers the valid words nearest to a wrong one, or all where none is near.
func known[V any](word string, valid map[string]V) string {
	names := slices.Sorted(maps.Keys(valid))
	if len(names) == 0 {
		return "; none is allowed here"
	}
	near := slices.Clone(names)
	slices.SortStableFunc(near, func(a, b string) int {
		return levenshtein.ComputeDistance(word, a) - levenshtein.ComputeDistance(word, b)
	})
	if levenshtein.ComputeDistance(word, near[0]) <= 1+len(word)/3 {
		return "; did you mean " + near[0] + "?"
	}
	if len(names) > 12 {
		return "; near it: " + strings.Join(near[:5], ", ")
	}
	return "; known: " + strings.Join(names, ", ")
}
