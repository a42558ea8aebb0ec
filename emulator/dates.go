package emulator

import (
	"strconv"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
)

// span is a stretch of time: from ≤ t < to. A zero end is open.
type span struct{ from, to time.Time }

// fiscalPeriod is how many months a fiscal period has: quarters, from January, are the platform's default.
const fiscalPeriod = 3

// periods are the date functions by name. They get the clock, the start of today (in the caller's zone, here UTC) and
// X, the PropertyValue, which is 1 where the function has none.
var periods = map[string]func(now, today time.Time, x int) span{
	"Today":     func(_, today time.Time, _ int) span { return days(today, 0, 1) },
	"Yesterday": func(_, today time.Time, _ int) span { return days(today, -1, 1) },
	"Tomorrow":  func(_, today time.Time, _ int) span { return days(today, 1, 1) },

	"ThisWeek":  func(_, today time.Time, _ int) span { return days(week(today), 0, 7) },
	"LastWeek":  func(_, today time.Time, _ int) span { return days(week(today), -7, 7) },
	"NextWeek":  func(_, today time.Time, _ int) span { return days(week(today), 7, 7) },
	"ThisMonth": func(_, today time.Time, _ int) span { return months(month(today), 0, 1) },
	"LastMonth": func(_, today time.Time, _ int) span { return months(month(today), -1, 1) },
	"NextMonth": func(_, today time.Time, _ int) span { return months(month(today), 1, 1) },
	"ThisYear":  func(_, today time.Time, _ int) span { return months(year(today), 0, 12) },
	"LastYear":  func(_, today time.Time, _ int) span { return months(year(today), -12, 12) },
	"NextYear":  func(_, today time.Time, _ int) span { return months(year(today), 12, 12) },

	"ThisFiscalYear":   func(_, today time.Time, _ int) span { return months(year(today), 0, 12) },
	"LastFiscalYear":   func(_, today time.Time, _ int) span { return months(year(today), -12, 12) },
	"NextFiscalYear":   func(_, today time.Time, _ int) span { return months(year(today), 12, 12) },
	"ThisFiscalPeriod": func(_, today time.Time, _ int) span { return months(period(today), 0, fiscalPeriod) },
	"LastFiscalPeriod": func(_, today time.Time, _ int) span { return months(period(today), -fiscalPeriod, fiscalPeriod) },
	"NextFiscalPeriod": func(_, today time.Time, _ int) span { return months(period(today), fiscalPeriod, fiscalPeriod) },

	"Last7Days":   func(now, today time.Time, _ int) span { return span{today.AddDate(0, 0, -7), past(now)} },
	"Next7Days":   func(now, today time.Time, _ int) span { return span{now, today.AddDate(0, 0, 8)} },
	"LastXHours":  func(now, _ time.Time, x int) span { return span{hours(now.Truncate(time.Hour), -x), past(now)} },
	"NextXHours":  func(now, _ time.Time, x int) span { return span{now, hours(now.Truncate(time.Hour), x+1)} },
	"LastXDays":   func(now, today time.Time, x int) span { return span{today.AddDate(0, 0, -x), past(now)} },
	"NextXDays":   func(now, today time.Time, x int) span { return span{now, today.AddDate(0, 0, x+1)} },
	"LastXWeeks":  func(now, today time.Time, x int) span { return span{today.AddDate(0, 0, -7*x), past(now)} },
	"NextXWeeks":  func(now, today time.Time, x int) span { return span{now, today.AddDate(0, 0, 7*x+1)} },
	"LastXMonths": func(now, today time.Time, x int) span { return span{today.AddDate(0, -x, 0), past(now)} },
	"NextXMonths": func(now, today time.Time, x int) span { return span{now, today.AddDate(0, x, 1)} },
	"LastXYears":  func(now, today time.Time, x int) span { return span{today.AddDate(-x, 0, 0), past(now)} },
	"NextXYears":  func(now, today time.Time, x int) span { return span{now, today.AddDate(x, 0, 1)} },

	"LastXFiscalYears":   func(_, today time.Time, x int) span { return months(year(today), -12*x, 12*x) },
	"NextXFiscalYears":   func(_, today time.Time, x int) span { return months(year(today), 12, 12*x) },
	"LastXFiscalPeriods": func(_, today time.Time, x int) span { return months(period(today), -fiscalPeriod*x, fiscalPeriod*x) },
	"NextXFiscalPeriods": func(_, today time.Time, x int) span { return months(period(today), fiscalPeriod, fiscalPeriod*x) },

	"OlderThanXMinutes": func(now, _ time.Time, x int) span {
		return span{to: hours(now, -(x / 60)).Add(-time.Duration(x%60) * time.Minute)}
	},
	"OlderThanXHours":  func(now, _ time.Time, x int) span { return span{to: hours(now, -x)} },
	"OlderThanXDays":   func(_, today time.Time, x int) span { return span{to: today.AddDate(0, 0, -x)} },
	"OlderThanXWeeks":  func(_, today time.Time, x int) span { return span{to: today.AddDate(0, 0, -7*x)} },
	"OlderThanXMonths": func(_, today time.Time, x int) span { return span{to: today.AddDate(0, -x, 0)} },
	"OlderThanXYears":  func(_, today time.Time, x int) span { return span{to: today.AddDate(-x, 0, 0)} },

	"InFiscalYear": func(_, _ time.Time, x int) span { return months(date(x, 1), 0, 12) },
}

// past ends a stretch that has now in it: moments are whole seconds.
func past(now time.Time) time.Time { return now.Add(time.Second) }

// hours is a moment n hours later. A time.Duration ends after 292 years.
func hours(from time.Time, n int) time.Time {
	return from.AddDate(0, 0, n/24).Add(time.Duration(n%24) * time.Hour)
}

func date(year, month int) time.Time {
	return time.Date(year, time.Month(month), 1, 0, 0, 0, 0, time.UTC)
}
func week(day time.Time) time.Time  { return day.AddDate(0, 0, -int(day.Weekday())) } // weeks start on Sunday
func month(day time.Time) time.Time { return date(day.Year(), int(day.Month())) }
func year(day time.Time) time.Time  { return date(day.Year(), 1) }
func period(day time.Time) time.Time {
	return date(day.Year(), (int(day.Month())-1)/fiscalPeriod*fiscalPeriod+1)
}

func days(from time.Time, offset, n int) span {
	return span{from.AddDate(0, 0, offset), from.AddDate(0, 0, offset+n)}
}

func months(from time.Time, offset, n int) span {
	return span{from.AddDate(0, offset, 0), from.AddDate(0, offset+n, 0)}
}

// period compiles a function of dates.
func (q *queryFunction) period() (fragment, error) {
	today := q.at.Truncate(24 * time.Hour)
	switch q.name {
	case "On", "OnOrAfter", "OnOrBefore":
		return q.onDay()
	case "InFiscalPeriod":
		n, err := q.number("PropertyValue")
		if err != nil {
			return fragment{}, err
		}
		return concat("((CAST(substr(", q.on.fragment, ", 6, 2) AS INTEGER) - 1) / ", value(fiscalPeriod), " + 1) = ", value(n)), nil
	case "InFiscalPeriodAndYear", "InOrAfterFiscalPeriodAndYear", "InOrBeforeFiscalPeriodAndYear":
		return q.fiscalPeriodAndYear()
	}
	make, ok := periods[q.name]
	if !ok {
		return fragment{}, noSuchFunction(q.name)
	}
	x := 1
	if _, given := q.args["PropertyValue"]; given || needsValue(q.name) {
		n, err := q.number("PropertyValue")
		if err != nil {
			return fragment{}, err
		}
		x = n
	}
	return q.within(make(q.at, today, x)), nil
}

func noSuchFunction(name string) *Error {
	return badRequest("Could not find a function named '%s%s'.", namespace, name)
}

// needsValue tells LastXDays from LastWeek.
func needsValue(name string) bool {
	for i := 1; i+1 < len(name); i++ {
		if name[i] == 'X' && name[i-1] >= 'a' {
			return true
		}
	}
	return name == "InFiscalYear"
}

func (q *queryFunction) number(name string) (int, error) {
	if l, ok := q.args[name].(*odata.Literal); ok {
		if n, err := strconv.Atoi(l.Value); err == nil && n >= 0 {
			return n, nil
		}
	}
	return 0, badRequest("The parameter '%s' of the function '%s%s' must be a whole number.", name, namespace, q.name)
}

// within compares the column with a span.
func (q *queryFunction) within(s span) fragment {
	var bounds []fragment
	if !s.from.IsZero() {
		bounds = append(bounds, concat(q.on.fragment, " >= ", value(q.stored(s.from))))
	}
	if !s.to.IsZero() {
		bounds = append(bounds, concat(q.on.fragment, " < ", value(q.stored(s.to))))
	}
	if len(bounds) == 0 {
		return concat(q.on.fragment, " IS NOT NULL")
	}
	return joined(" AND ", bounds)
}

// stored writes a moment as the store holds those of the column. A date column compares with whole days, so an end
// within a day moves to the next.
func (q *queryFunction) stored(at time.Time) string {
	switch year := at.Year(); { // what sorts as text has four digits
	case year < 1:
		at = date(1, 1)
	case year > 9999:
		at = date(9999, 12).AddDate(0, 0, 30)
	}
	if q.on.edm != "Edm.Date" {
		return at.Format(storedTime)
	}
	if midnight := at.Truncate(24 * time.Hour); !midnight.Equal(at) {
		return midnight.AddDate(0, 0, 1).Format(time.DateOnly)
	}
	return at.Format(time.DateOnly)
}

// onDay compares with one day, given as a date or a moment.
func (q *queryFunction) onDay() (fragment, error) {
	text, err := q.text("PropertyValue")
	if err != nil {
		return fragment{}, err
	}
	at, err := parseTime(text)
	if err != nil {
		return fragment{}, badRequest("The date '%s' is not valid.", text)
	}
	day := days(at.Truncate(24*time.Hour), 0, 1)
	switch q.name {
	case "OnOrAfter":
		return q.within(span{from: day.from}), nil
	case "OnOrBefore":
		return q.within(span{to: day.to}), nil
	}
	return q.within(day), nil
}

func (q *queryFunction) fiscalPeriodAndYear() (fragment, error) {
	n, err := q.number("PropertyValue1")
	if err != nil {
		return fragment{}, err
	}
	y, err := q.number("PropertyValue2")
	if err != nil {
		return fragment{}, err
	}
	s := months(date(y, 1), fiscalPeriod*(n-1), fiscalPeriod)
	switch q.name {
	case "InOrAfterFiscalPeriodAndYear":
		s.to = time.Time{}
	case "InOrBeforeFiscalPeriodAndYear":
		s.from = time.Time{}
	}
	return q.within(s), nil
}
