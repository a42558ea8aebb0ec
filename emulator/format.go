package emulator

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// money is how a currency is written.
type money struct {
	symbol    string
	precision int
}

var usDollar = money{symbol: "$", precision: 2}

// hasFormat reports whether values of the column have a formatted value beside them. Text and ids have none.
func hasFormat(c *schema.Column) bool {
	switch c.Type {
	case schema.String, schema.Memo, schema.Uniqueidentifier, schema.Image, schema.File, schema.ManagedProperty:
		return false
	}
	return !ownerPart(c)
}

// formatted is the formatted value of a stored value: what a person in the United States would read. Lookups are not
// its business (their names lie in other tables) nor is money (its currency lies in the row); both are render's.
func (c *call) formatted(column *schema.Column, value any) (string, bool) {
	switch v := value.(type) {
	case int64:
		return formatInteger(column, v)
	case float64:
		return groupThousands(strconv.FormatFloat(v, 'f', max(column.Precision, 0), 64)), true
	case string:
		return c.formatText(column, v)
	}
	return "", false
}

func formatInteger(column *schema.Column, v int64) (string, bool) {
	switch {
	case column.Type == schema.Boolean || column.IsChoice():
		option, ok := column.Option(int(v))
		return option.Label, ok
	case column.Type == schema.Decimal || column.Type == schema.Double:
		return groupThousands(strconv.FormatFloat(float64(v), 'f', max(column.Precision, 0), 64)), true
	}
	return groupThousands(strconv.FormatInt(v, 10)), true
}

func (c *call) formatText(column *schema.Column, v string) (string, bool) {
	switch column.Type {
	case schema.DateTime:
		return formatDate(column, v)
	case schema.MultiSelect:
		return formatChoices(column, v), true
	case schema.EntityName:
		if t := c.schema.Table(v); t != nil {
			return t.Display, true
		}
	}
	return "", false
}

// formatDate writes a date as en-US does, in UTC, the time zone of every caller here.
func formatDate(column *schema.Column, v string) (string, bool) {
	layout := time.RFC3339
	if len(v) == len(time.DateOnly) {
		layout = time.DateOnly
	}
	at, err := time.Parse(layout, v)
	if err != nil {
		return "", false
	}
	if isDate(column) || column.Format == "DateOnly" {
		return at.UTC().Format("1/2/2006"), true
	}
	return at.UTC().Format("1/2/2006 3:04 PM"), true
}

// formatChoices turns 1,3 into the labels of a multi-select choice: Red; Blue.
func formatChoices(column *schema.Column, v string) string {
	var labels []string
	for item := range strings.SplitSeq(v, ",") {
		number, err := strconv.Atoi(strings.TrimSpace(item))
		if option, ok := column.Option(number); ok && err == nil {
			labels = append(labels, option.Label)
		}
	}
	return strings.Join(labels, "; ")
}

// format writes an amount: $1,234.50, or ($1,234.50) below zero.
func (m money) format(amount float64, precision int) string {
	digits := groupThousands(strconv.FormatFloat(amount, 'f', precision, 64))
	if positive, negative := strings.CutPrefix(digits, "-"); negative {
		return "(" + m.symbol + positive + ")"
	}
	return m.symbol + digits
}

// groupThousands puts commas between the thousands of a decimal number.
func groupThousands(digits string) string {
	whole, fraction, _ := strings.Cut(digits, ".")
	start := 0
	if strings.HasPrefix(whole, "-") {
		start = 1
	}
	if len(whole)-start <= 3 {
		return digits
	}
	b := make([]byte, 0, len(digits)+len(whole)/3)
	b = append(b, whole[:start]...)
	for i := start; i < len(whole); i++ {
		if i > start && (len(whole)-i)%3 == 0 {
			b = append(b, ',')
		}
		b = append(b, whole[i])
	}
	if fraction != "" {
		b = append(append(b, '.'), fraction...)
	}
	return string(slices.Clip(b))
}
