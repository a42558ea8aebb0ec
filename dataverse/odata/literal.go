package odata

import (
	"strings"
	"time"
)

// matchGUID is the length of the GUID at the start of s, or 0.
func matchGUID(s string) int {
	const size = 36
	if len(s) < size || isWordAt(s, size) {
		return 0
	}
	for i := range size {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if s[i] != '-' {
				return 0
			}
			continue
		}
		if c := s[i] | 0x20; !isDigit(s[i]) && (c < 'a' || c > 'f') {
			return 0
		}
	}
	return size
}

// matchDate is the length of the date (2024-06-12) at the start of s, or 0.
func matchDate(s string) int {
	const size = len(time.DateOnly)
	if len(s) < size || isWordAt(s, size) {
		return 0
	}
	if _, err := time.Parse(time.DateOnly, s[:size]); err != nil {
		return 0
	}
	return size
}

// matchDateTime is the length of the date, time and zone at the start of s, or 0. The zone is required.
func matchDateTime(s string) int {
	const date = len(time.DateOnly)
	if len(s) <= date || s[date] != 'T' {
		return 0
	}
	if _, err := time.Parse(time.DateOnly, s[:date]); err != nil {
		return 0
	}
	clock := clockLen(s[date+1:])
	if clock == 0 {
		return 0
	}
	end := date + 1 + clock
	switch {
	case end < len(s) && s[end] == 'Z':
		end++
	case end < len(s) && (s[end] == '+' || s[end] == '-') && pairBelow(s[end+1:], 24) && pairAfterColon(s[end+3:]):
		end += len("+00:00")
	default:
		return 0
	}
	if isWordAt(s, end) {
		return 0
	}
	return end
}

// matchClock is the length of the time of day (13:20, 13:20:00.5) at the start of s, or 0.
func matchClock(s string) int {
	n := clockLen(s)
	if isWordAt(s, n) {
		return 0
	}
	return n
}

func clockLen(s string) int {
	if !pairBelow(s, 24) || !pairAfterColon(s[2:]) {
		return 0
	}
	n := len("13:20")
	if !pairAfterColon(s[n:]) {
		return n
	}
	n = len("13:20:00")
	if n+1 < len(s) && s[n] == '.' && isDigit(s[n+1]) {
		n = digitsEnd(s, n+1)
	}
	return n
}

// pairAfterColon reports a colon and two digits below 60 at the start of s.
func pairAfterColon(s string) bool { return strings.HasPrefix(s, ":") && pairBelow(s[1:], 60) }

// pairBelow reports two digits at the start of s whose number is below limit.
func pairBelow(s string, limit int) bool {
	return len(s) >= 2 && isDigit(s[0]) && isDigit(s[1]) && int(s[0]-'0')*10+int(s[1]-'0') < limit
}

// startsNumber reports whether a minus before s is the sign of a number rather than an operator.
func startsNumber(s string) bool {
	return s != "" && isDigit(s[0]) || strings.HasPrefix(s, "INF") && !isWordAt(s, len("INF"))
}

// matchNumber is the length of the number at the start of s; where ok is false, the offset at which a digit is missing.
func matchNumber(s string) (n int, ok bool) {
	if s[0] == '-' {
		n++
	}
	if strings.HasPrefix(s[n:], "INF") {
		return n + len("INF"), true
	}
	n = digitsEnd(s, n)
	if n < len(s) && s[n] == '.' {
		end := digitsEnd(s, n+1)
		if end == n+1 {
			return end, false
		}
		n = end
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		n++
		if n < len(s) && (s[n] == '+' || s[n] == '-') {
			n++
		}
		end := digitsEnd(s, n)
		if end == n {
			return end, false
		}
		n = end
	}
	return n, true
}

// isDuration reports an XML Schema dayTimeDuration: P1DT2H3M4.5S, with at least one part.
func isDuration(s string) bool {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(s, "-"), "P")
	if !ok {
		return false
	}
	days, clock, hasClock := strings.Cut(rest, "T")
	if days != "" && cutPart(days, 'D', false) != "" {
		return false
	}
	if !hasClock {
		return days != ""
	}
	if clock == "" {
		return false
	}
	clock = cutPart(clock, 'H', false)
	clock = cutPart(clock, 'M', false)
	return cutPart(clock, 'S', true) == ""
}

// cutPart takes digits and their unit off the start of s; without them, s is returned whole.
func cutPart(s string, unit byte, fraction bool) string {
	n := digitsEnd(s, 0)
	if n == 0 {
		return s
	}
	if fraction && n+1 < len(s) && s[n] == '.' && isDigit(s[n+1]) {
		n = digitsEnd(s, n+1)
	}
	if n < len(s) && s[n] == unit {
		return s[n+1:]
	}
	return s
}

func digitsEnd(s string, pos int) int {
	for pos < len(s) && isDigit(s[pos]) {
		pos++
	}
	return pos
}

// isWordAt reports that a word goes on at n, so that what ends there is only its beginning.
func isWordAt(s string, n int) bool {
	if n >= len(s) {
		return false
	}
	return isDigit(s[n]) || s[n] == '-' || identEnd(s, n) > n
}
