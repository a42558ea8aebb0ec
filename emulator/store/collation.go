package store

import (
	"cmp"
	"slices"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Collation is the name of the collation of text columns. Dataverse compares text without regard to case, and with
// regard to accents. It sorts as a dictionary does: signs, digits, letters, and é beside e.
const Collation = "dataverse"

// collationVersion is written into a file, whose indexes are in the order of the collation that made them.
const collationVersion = 1

// Compare orders text as the collation does.
func Compare(a, b string) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i] >= utf8.RuneSelf || b[i] >= utf8.RuneSelf {
			return compareKeys(a[i:], b[i:])
		}
		if a[i] != b[i] {
			if x, y := weight(rune(a[i])), weight(rune(b[i])); x != y {
				return cmp.Compare(x, y)
			}
		}
	}
	return len(a) - len(b)
}

// weight is the place of a character without an accent in the dictionary, whatever its case.
func weight(r rune) rune {
	switch {
	case 'A' <= r && r <= 'Z':
		r += 'a' - 'A'
	case r >= utf8.RuneSelf:
		r = unicode.ToLower(r)
	}
	if r < '0' || r > '9' && r < 'a' || r > 'z' && r < utf8.RuneSelf {
		return r // a sign: they come before digits and letters
	}
	return r + utf8.RuneSelf
}

// spelled are letters with more than an accent, as a dictionary sorts them.
var spelled = map[rune]string{'ø': "o", 'ł': "l", 'đ': "d", 'ħ': "h", 'ı': "i", 'æ': "ae", 'œ': "oe", 'ß': "ss", 'þ': "th"}

// compareKeys compares letters first. Accents decide where those are equal.
func compareKeys(a, b string) int {
	x, xAccents := keys(a)
	y, yAccents := keys(b)
	return cmp.Or(slices.Compare(x, y), slices.Compare(xAccents, yAccents))
}

// keys are the weights of a text's letters, and its accents, each behind its place counted down: a letter without an accent
// comes first.
func keys(text string) (letters, accents []rune) {
	for _, r := range norm.NFD.String(text) {
		lower := unicode.ToLower(r)
		parts, special := spelled[lower]
		switch {
		case unicode.Is(unicode.Mn, r):
			accents = append(accents, -rune(len(letters)), r)
		case special:
			for _, part := range parts {
				letters = append(letters, weight(part))
			}
			accents = append(accents, -rune(len(letters)), lower)
		default:
			letters = append(letters, weight(r))
		}
	}
	return letters, accents
}
