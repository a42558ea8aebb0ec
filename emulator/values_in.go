package emulator

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/google/uuid"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// The codes of values that do not fit their column.
const (
	codeIntegerOutOfRange = "0x8004432f"
	codeInvalidDate       = "0x80040239"
)

// valueIn turns a JSON value into what the store keeps for the column: nil, int64, float64 or string.
func valueIn(col *schema.Column, value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	switch value.(type) {
	case members, []any:
		return nil, payload(col.Table, "An unexpected '%s' node was found when reading from the JSON reader. A 'PrimitiveValue' node was expected.", node(value))
	}
	switch col.Type {
	case schema.String, schema.Memo, schema.EntityName:
		return textIn(col, value)
	case schema.Integer, schema.Picklist, schema.State, schema.Status:
		return integerIn(col, value)
	case schema.BigInt, schema.Decimal, schema.Money:
		return exactIn(col, value)
	case schema.Double:
		n, err := strconv.ParseFloat(literalText(value), 64)
		if _, isBool := value.(bool); isBool || err != nil {
			return nil, cannotConvert(col, value)
		}
		return rangedIn(col, n, col.Precision)
	case schema.Boolean:
		return booleanIn(col, value)
	case schema.DateTime:
		return timeIn(col, value)
	case schema.Uniqueidentifier:
		s, ok := value.(string)
		id, err := uuid.Parse(s)
		if !ok || err != nil || len(s) != 36 {
			return nil, cannotConvert(col, value)
		}
		return id.String(), nil
	case schema.MultiSelect:
		return optionsIn(col, value)
	case schema.Image:
		s, ok := value.(string)
		if _, err := base64.StdEncoding.DecodeString(s); !ok || err != nil {
			return nil, cannotConvert(col, value)
		}
		return emptyAsNull(s), nil
	}
	return nil, nil
}

// cannotConvert is what the OData library says of a value of the wrong type.
func cannotConvert(col *schema.Column, value any) *Error {
	return payload(col.Table, "Cannot convert the literal '%s' to the expected type '%s'.", literalText(value), col.Edm())
}

// literalText prints a value as .NET does.
func literalText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "True"
		}
		return "False"
	}
	return ""
}

func textIn(col *schema.Column, value any) (any, error) {
	s, ok := value.(string)
	if !ok {
		return nil, cannotConvert(col, value)
	}
	if n := len(utf16.Encode([]rune(s))); col.MaxLength > 0 && n > col.MaxLength {
		return nil, fail(http.StatusBadRequest, codeTooLong,
			"A validation error occurred.  The length of the '%s' attribute of the '%s' entity exceeded the maximum allowed length of '%d'.",
			col.Logical, col.Table.Logical, col.MaxLength)
	}
	return emptyAsNull(s), nil
}

// emptyAsNull: the platform keeps no empty text.
func emptyAsNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// integerIn takes text too, as the OData library does for 32-bit numbers.
func integerIn(col *schema.Column, value any) (any, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(literalText(value)), 10, 32)
	if err != nil {
		return nil, cannotConvert(col, value)
	}
	if col.Type == schema.Integer && (col.Min != nil && float64(n) < *col.Min || col.Max != nil && float64(n) > *col.Max) {
		return nil, outOfRange(col, codeIntegerOutOfRange, strconv.FormatInt(n, 10))
	}
	if _, ok := col.Option(int(n)); col.Type != schema.Integer && !ok && len(col.Options) > 0 {
		return nil, noSuchOption(col, strconv.FormatInt(n, 10))
	}
	return n, nil
}

func outOfRange(col *schema.Column, code, value string) *Error {
	return fail(http.StatusBadRequest, code, "A validation error occurred. The value %s of '%s' on record of type '%s' is outside the valid range.",
		value, col.Logical, col.Table.Logical)
}

func noSuchOption(col *schema.Column, value string) *Error {
	accepted := make([]string, len(col.Options))
	for i, o := range col.Options {
		accepted[i] = strconv.Itoa(o.Value)
	}
	e := outOfRange(col, codeOptionOutOfRange, value)
	e.Message += " Accepted Values: " + strings.Join(accepted, ",")
	return e
}

// exactIn reads the types that JSON may carry as text only under IEEE754Compatible, which the platform does not offer.
func exactIn(col *schema.Column, value any) (any, error) {
	number, ok := value.(json.Number)
	if _, isText := value.(string); isText {
		return nil, payload(col.Table, "Cannot convert a value to target type '%s' because of conflict between input format string/number and parameter 'IEEE754Compatible' false/true.", col.Edm())
	}
	if !ok {
		return nil, cannotConvert(col, value)
	}
	if col.Type == schema.BigInt {
		n, err := number.Int64()
		if err != nil {
			return nil, cannotConvert(col, value)
		}
		return n, nil
	}
	n, err := number.Float64()
	if err != nil || math.Abs(n) > maxDecimal {
		return nil, cannotConvert(col, value)
	}
	return rangedIn(col, n, decimals(col))
}

const (
	maxDecimal        = 79228162514264337593543950335.0 // of System.Decimal
	currencyPrecision = 2                               // decimals of the currencies and of the organization's prices
)

// decimals is how many decimals the column keeps. PrecisionSource 1 is the organization's pricing precision, 2 the
// currency's, which bounds no base amount.
func decimals(col *schema.Column) int {
	if col.Type == schema.Money && col.PrecisionSource != 0 && !strings.HasSuffix(col.Logical, "_base") {
		return currencyPrecision
	}
	return col.Precision
}

func rangedIn(col *schema.Column, n float64, places int) (any, error) {
	if col.Min != nil && n < *col.Min || col.Max != nil && n > *col.Max || math.IsNaN(n) || math.IsInf(n, 0) {
		return nil, outOfRange(col, codeDecimalOutOfRange, strconv.FormatFloat(n, 'f', -1, 64))
	}
	return round(n, places), nil
}

// round rounds half away from zero, as SQL Server does.
func round(n float64, decimals int) float64 {
	factor := math.Pow10(decimals)
	if shifted := n * factor; math.Abs(shifted) < 1<<53 {
		// The nearest text of the product undoes the binary error of 1.005 * 100.
		exact, err := strconv.ParseFloat(strconv.FormatFloat(shifted, 'g', 15, 64), 64)
		if err == nil {
			return math.Round(exact) / factor
		}
	}
	return n
}

func booleanIn(col *schema.Column, value any) (any, error) {
	b, ok := value.(bool)
	if s, isText := value.(string); isText && (strings.EqualFold(s, "true") || strings.EqualFold(s, "false")) {
		b, ok = strings.EqualFold(s, "true"), true
	}
	if !ok {
		return nil, cannotConvert(col, value)
	}
	if b {
		return int64(1), nil
	}
	return int64(0), nil
}

// storedTime is how the store keeps a date with a time: it sorts as text.
const storedTime = "2006-01-02T15:04:05Z"

// instants are the forms of Edm.DateTimeOffset: seconds may be missing, the zone may not. A bare date is midnight UTC.
var instants = [...]string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04Z07:00", time.DateOnly}

func timeIn(col *schema.Column, value any) (any, error) {
	s, ok := value.(string)
	if !ok {
		return nil, cannotConvert(col, value)
	}
	if col.Edm() == "Edm.Date" {
		if t, err := time.Parse(time.DateOnly, s); err != nil {
			return nil, cannotConvert(col, value)
		} else if t.Year() < firstYear {
			return nil, tooEarly()
		}
		return s, nil
	}
	for _, layout := range instants {
		t, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		if t = t.UTC(); t.Year() < firstYear || t.Year() > 9999 {
			return nil, tooEarly()
		}
		return t.Format(storedTime), nil // the fraction of a second is dropped
	}
	return nil, cannotConvert(col, value)
}

// firstYear is where SQL Server's datetime begins.
const firstYear = 1753

func tooEarly() *Error {
	return fail(http.StatusBadRequest, codeInvalidDate, "The date-time format is invalid, or value is outside the supported range.")
}

func optionsIn(col *schema.Column, value any) (any, error) {
	s, ok := value.(string)
	if !ok {
		return nil, cannotConvert(col, value)
	}
	var values []string
	for item := range strings.SplitSeq(s, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		n, err := strconv.Atoi(item)
		if err != nil {
			return nil, cannotConvert(col, value)
		}
		if _, ok := col.Option(n); !ok && len(col.Options) > 0 {
			return nil, noSuchOption(col, item)
		}
		if !slices.Contains(values, item) {
			values = append(values, item)
		}
	}
	return emptyAsNull(strings.Join(values, ",")), nil
}
