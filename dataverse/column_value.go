package dataverse

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// columnValue checks value against c and returns it in the service's form.
func columnValue(c *Column, value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	if shown, ok := asValues(value); ok && shown["value"] != nil { // {"value":…,"label":…}, as answers show it
		value = shown["value"]
	}
	switch {
	case c.Type == StringColumn, c.Type == MemoColumn, c.Type == EntityNameColumn:
		return textValue(c, value)
	case c.Type.isNumber():
		return numberValue(c, value)
	case c.Type.isChoice():
		return choiceValue(c, value)
	case c.Type == ChoicesColumn:
		return choicesValue(c, value)
	case c.Type == BooleanColumn:
		return boolValue(c, value)
	case c.Type == DateTimeColumn:
		return dateValue(c, value)
	case c.Type == GUIDColumn:
		return guidValue(c, value)
	case c.Type == ImageColumn:
		return imageValue(c, value)
	}
	return value, nil
}

func wrongType(c *Column, value any, want string) error {
	return invalid("column %s: got %s, want %s", c.LogicalName, describeValue(value), want)
}

// describeValue shows a value in an error: its type where it is long or has parts.
func describeValue(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case string:
		return quoted(v)
	case bool, int, int64, float64, json.Number:
		return fmt.Sprint(v)
	}
	if _, ok := asValues(value); ok {
		return "an object"
	}
	if _, ok := asList(value); ok {
		return "a list"
	}
	return fmt.Sprintf("a %T", value)
}

func textValue(c *Column, value any) (any, error) {
	s, ok := value.(string)
	if !ok {
		return nil, wrongType(c, value, "text")
	}
	if n := len(utf16.Encode([]rune(s))); c.MaxLength > 0 && n > c.MaxLength {
		return nil, invalid("column %s: the text is %d characters long, the limit is %d", c.LogicalName, n, c.MaxLength)
	}
	return s, nil
}

// numberText returns a number as JSON writes it.
func numberText(value any) (string, bool) {
	switch v := value.(type) {
	case json.Number:
		return v.String(), isJSONNumber(v.String())
	case string:
		s := strings.TrimSpace(v)
		return s, isJSONNumber(s)
	case float64, float32, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
		b, err := json.Marshal(v)
		return string(b), err == nil
	}
	return "", false
}

func isJSONNumber(s string) bool {
	return s != "" && (s[0] == '-' || s[0] >= '0' && s[0] <= '9') && json.Valid([]byte(s))
}

// numberValue never goes through a float: 0.1 and 19 digits of money arrive as they were written.
func numberValue(c *Column, value any) (any, error) {
	text, ok := numberText(value)
	if !ok {
		return nil, wrongType(c, value, "a number")
	}
	// An exponent of five digits would make big.Rat fill the memory.
	n, ok := new(big.Rat), len(text) <= 400 && !hugeExponent(text)
	if ok {
		_, ok = n.SetString(text)
	}
	if !ok {
		return nil, wrongType(c, value, "a number")
	}
	if (c.Type == IntegerColumn || c.Type == BigIntColumn) && !n.IsInt() {
		return nil, wrongType(c, value, "a whole number")
	}
	if c.Min != nil && n.Cmp(new(big.Rat).SetFloat64(*c.Min)) < 0 || c.Max != nil && n.Cmp(new(big.Rat).SetFloat64(*c.Max)) > 0 {
		return nil, invalid("column %s: %s is outside the range %s to %s", c.LogicalName, text, bound(c.Min), bound(c.Max))
	}
	if c.Type == IntegerColumn || c.Type == BigIntColumn { // 5.0 and 5e0 are no integers for the service
		text = n.Num().String()
	}
	return json.Number(text), nil
}

func hugeExponent(text string) bool {
	_, exponent, ok := strings.Cut(strings.ToLower(text), "e")
	n, err := strconv.Atoi(exponent)
	return ok && (err != nil || n > 400 || n < -400)
}

func bound(f *float64) string {
	if f == nil {
		return "any"
	}
	return strconv.FormatFloat(*f, 'f', -1, 64)
}

func choiceValue(c *Column, value any) (any, error) {
	if s, ok := value.(string); ok {
		return anyOrError(choiceOf(c, s))
	}
	text, ok := numberText(value)
	n, err := strconv.Atoi(text)
	if !ok || err != nil {
		return nil, wrongType(c, value, "the number or the label of a choice")
	}
	return n, c.checkChoice(n)
}

func anyOrError[T any](v T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

// choicesValue writes several choices as the service wants them: "1,2".
func choicesValue(c *Column, value any) (any, error) {
	list, ok := asList(value)
	if s, isText := value.(string); isText {
		if _, err := choiceOf(c, s); err == nil { // a label may hold a comma
			list = []any{s}
		} else {
			list = anySlice(strings.Split(s, ","))
		}
		ok = true
	}
	if !ok {
		list = []any{value}
	}
	numbers := make([]string, len(list))
	for i, item := range list {
		n, err := choiceValue(c, item)
		if err != nil {
			return nil, err
		}
		numbers[i] = fmt.Sprint(n)
	}
	return strings.Join(numbers, ","), nil
}

func boolValue(c *Column, value any) (any, error) {
	switch v := value.(type) {
	case bool:
		return v, nil
	case string:
		n, err := choiceOf(c, v)
		return n == 1, err
	}
	if text, ok := numberText(value); ok && (text == "0" || text == "1") {
		return text == "1", nil
	}
	return nil, wrongType(c, value, "true or false")
}

// dateValue writes a column with a day alone as 2026-05-01 and any other as UTC.
func dateValue(c *Column, value any) (any, error) {
	var at time.Time
	switch v := value.(type) {
	case time.Time:
		at = v
	case string:
		var err error
		if at, err = parseTime(v); err != nil {
			return nil, wrongType(c, value, wantOf(c, v))
		}
	default:
		return nil, wrongType(c, value, wantOf(c, ""))
	}
	if c.Behavior != "DateOnly" {
		return at.UTC().Format("2006-01-02T15:04:05Z"), nil
	}
	day, ok := dayOf(at)
	if !ok {
		return nil, wrongType(c, value, wantDay)
	}
	return day, nil
}

const wantDay = "a day without a time, such as 2026-05-01"

// dayOf is the day that a moment means in a column with days alone: one without a time, or midnight in any zone.
func dayOf(at time.Time) (day string, ok bool) {
	h, m, s := at.Clock()
	return at.Format(time.DateOnly), h == 0 && m == 0 && s == 0 && at.Nanosecond() == 0
}

// parseTime reads a day, or a moment with its zone; seconds may be left out, as OData has it.
func parseTime(s string) (at time.Time, err error) {
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04Z07:00", time.RFC3339} {
		if at, err = time.Parse(layout, strings.TrimSpace(s)); err == nil {
			return at, nil
		}
	}
	return at, err
}

func guidValue(c *Column, value any) (any, error) {
	text, ok := value.(string)
	if s, isText := value.(fmt.Stringer); isText {
		text, ok = s.String(), true
	}
	id, isGUID := parseGUID(text)
	if !ok || !isGUID {
		return nil, wrongType(c, value, "a GUID")
	}
	return id, nil
}

func imageValue(c *Column, value any) (any, error) {
	switch v := value.(type) {
	case []byte:
		return base64.StdEncoding.EncodeToString(v), nil
	case string:
		if _, err := base64.StdEncoding.DecodeString(v); err == nil {
			return v, nil
		}
	}
	return nil, invalid("column %s: want an image in base64", c.LogicalName)
}
