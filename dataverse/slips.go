package dataverse

import (
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
)

// syntaxError is the error of a text that does not follow the grammar. Where it is another language's way of saying
// it, the OData way is told.
func syntaxError(where, text string, err error) *Error {
	told := err.Error()
	fault, ok := errors.AsType[*odata.SyntaxError](err)
	if ok && len(text) > maxShown {
		told = fault.Msg
	}
	e := invalid("%s: %s", where, strings.TrimSuffix(told, "."))
	if ok {
		if hint := orElse(slip(text, fault.Pos), slipIn(where, text, fault.Pos)); hint != "" {
			e.Message += "; " + hint
		}
	}
	e.Err = err
	return e
}

// maxShown is how long in bytes a text may be that an error repeats in full.
const maxShown = 500

// operators are those of other languages, with what OData writes. Longer ones stand before their beginnings.
func operators() [][2]string {
	return [][2]string{
		{"===", "eq"}, {"==", "eq"}, {"!=", "ne"}, {"<>", "ne"}, {">=", "ge"}, {"<=", "le"}, {"=>", "ge"}, {"=<", "le"},
		{"=", "eq"}, {">", "gt"}, {"<", "lt"}, {"&&", "and"}, {"||", "or"}, {"&", "and"}, {"|", "or"}, {"!", "not"},
		{"+", "the sum itself: there is no arithmetic"}, {"%", "contains(column,'text')"},
	}
}

var (
	wordPattern  = regexp.MustCompile(`^[A-Za-z]+`)
	dayPattern   = regexp.MustCompile(`\d{4}-\d{1,2}-\d{1,2}`)
	zonelessTime = regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?`)
)

// slip tells what to write where text leaves the grammar at byte pos; "" where that is not known.
func slip(text string, pos int) string {
	if pos < 0 || pos > len(text) {
		return ""
	}
	rest := strings.TrimLeft(text[pos:], " \t\r\n")
	before := strings.TrimRight(text[:pos], " \t\r\n")
	if at := touching(zonelessTime, text, pos); at != "" {
		return zoneMissing(at)
	}
	if day := touching(dayPattern, text, pos); day != "" {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return "there is no day " + day + ": write one such as 2026-05-01"
		}
	}
	if rest == "" && strings.Count(text, "'")%2 == 1 || strings.HasSuffix(before, "'") && wordPattern.MatchString(rest) && quoteInside(rest) {
		return "a quote inside text is doubled: 'O''Connor'"
	}
	if strings.HasPrefix(rest, `"`) || strings.HasPrefix(rest, "“") || strings.HasPrefix(rest, "`") {
		return "text stands in single quotes: 'text'"
	}
	for _, o := range operators() {
		if strings.HasPrefix(rest, o[0]) {
			return "write " + o[1] + " instead of " + o[0]
		}
	}
	return wordSlip(wordPattern.FindString(rest), rest)
}

// slipIn is slip for what only one kind of text has.
func slipIn(where, text string, pos int) string {
	if pos < 0 || pos > len(text) {
		return ""
	}
	switch where {
	case "expand":
		word, _, _ := strings.Cut(text[pos:], "=")
		if near := nearest(word, expandOptions()); len(near) > 0 {
			return "write " + near[0] + " instead of " + word
		}
		return "write as in primarycontactid($select=fullname)"
	case "order by":
		return "write column or column desc, with commas between several"
	}
	return ""
}

func expandOptions() []candidate {
	return []candidate{{name: "$select"}, {name: "$filter"}, {name: "$orderby"}, {name: "$expand"}, {name: "$top"}}
}

// labelSlip tells what to write for the label of a column, which has several words, where text leaves the grammar within
// it; "" where there is none.
func (t *Table) labelSlip(text string, pos int) string {
	text = strings.ToLower(text)
	label, names := "", []string(nil)
	for _, c := range t.Columns {
		at := strings.Index(text, strings.ToLower(c.DisplayName))
		if !strings.Contains(c.DisplayName, " ") || at < 0 || pos < at || pos > at+len(c.DisplayName) || len(c.DisplayName) < len(label) {
			continue
		}
		if !strings.EqualFold(c.DisplayName, label) {
			label, names = c.DisplayName, nil
		}
		names = append(names, c.LogicalName)
	}
	if label == "" {
		return ""
	}
	return "; write " + oneOf(names) + " for " + label
}

// quoteInside says whether the word that rest begins with runs into a quote: Connor' after 'O'.
func quoteInside(rest string) bool {
	word, _, _ := strings.Cut(rest, " ")
	return strings.Contains(word, "'")
}

// touching is the match of pattern that the byte at pos of text belongs to.
func touching(pattern *regexp.Regexp, text string, pos int) string {
	for _, at := range pattern.FindAllStringIndex(text, -1) {
		if at[0] <= pos && pos <= at[1] {
			return text[at[0]:at[1]]
		}
	}
	return ""
}

// zoneMissing tells how at, a time without a zone, is written.
func zoneMissing(at string) string {
	return "the zone is missing: write " + strings.Replace(at, " ", "T", 1) + "Z for UTC"
}

// wordSlip tells what to write for a word that is no operator.
func wordSlip(word, rest string) string {
	lower := strings.ToLower(word)
	switch lower {
	case "eq", "ne", "gt", "ge", "lt", "le", "and", "or", "not", "in", "asc", "desc", "null", "true", "false":
		if lower != word {
			return "write " + lower + " in lower case"
		}
		if lower == "not" {
			return "write not (column in (…)) or not contains(column,'text')"
		}
	case "like", "contains", "startswith", "endswith", "includes", "matches":
		function := lower
		if _, ok := textFunction(lower); !ok {
			function = "contains"
		}
		return "write " + function + "(column,'text')"
	case "is":
		if strings.Contains(strings.ToLower(rest), "not") {
			return "write ne null"
		}
		return "write eq null"
	case "between":
		return "write column ge 1 and column le 2"
	case "equals", "equal":
		return "write eq"
	case "ascending", "descending":
		return "write " + strings.TrimSuffix(lower, "ending")
	case "gte", "lte":
		return "write " + lower[:1] + "e"
	}
	return ""
}
