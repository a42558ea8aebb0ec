package dataverse

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"github.com/agnivade/levenshtein"
)

// candidate is a name that may have been meant, with what else it is called.
type candidate struct {
	name    string
	aliases []string
}

// maxNearest is how many names an error offers.
const maxNearest = 3

// likeness is how near a name is to another; less is nearer, and 0 is the same but for case and punctuation.
type likeness struct{ score, edits int }

// weak is the score of a name that only holds the other as a part: phone in Main Phone. Any slip is nearer.
const weak = 1 << 8

// nearest returns the candidates that want is most likely a slip of, best first. One that is called exactly that, but
// for case and punctuation, stands alone.
func nearest(want string, candidates []candidate) []string {
	type scored struct {
		name string
		likeness
	}
	key := fold(want)
	if key == "" {
		return nil
	}
	var list []scored
	for _, c := range candidates {
		if best, ok := c.likeness(key); ok {
			list = append(list, scored{c.name, best})
		}
	}
	slices.SortStableFunc(list, func(a, b scored) int { return cmp.Or(a.score-b.score, a.edits-b.edits) })
	var names []string
	for _, s := range list {
		if exact := list[0].score == 0; len(names) == maxNearest || exact && s.score > 0 {
			break
		}
		if !slices.Contains(names, s.name) {
			names = append(names, s.name)
		}
	}
	return names
}

// likeness is that of the name or alias of c which is nearest to key.
func (c candidate) likeness(key string) (best likeness, ok bool) {
	for i, name := range append([]string{c.name, unprefixed(c.name)}, c.aliases...) {
		l, near := compare(key, fold(name))
		if i == 1 && near { // the name as it stands comes first, and a slip in it is likelier
			near = l.score <= 1 || l.score == weak
			l.score++
		}
		if near && (!ok || l.score < best.score || l.score == best.score && l.edits < best.edits) {
			best, ok = l, true
		}
	}
	return best, ok
}

// compare tells the likeness of two folded names, and whether there is any. A name that is most of the other is near.
func compare(want, name string) (likeness, bool) {
	if name == "" {
		return likeness{}, false
	}
	edits := levenshtein.ComputeDistance(want, name)
	short, long := want, name
	if len(short) > len(long) {
		short, long = long, short
	}
	// In a short name two edits leave little of it, unless it begins the same.
	farFetched := edits > 1 && len(want) < 6 && want[0] != name[0]
	switch {
	case len(short) > 3 && 2*len(short) > len(long) && strings.Contains(long, short):
		return likeness{min(edits, 2), edits}, true
	case edits <= max(2, len(want)/3) && !farFetched:
		return likeness{edits, edits}, true
	case len(want) > 3 && strings.Contains(name, want):
		return likeness{weak, edits}, true
	}
	return likeness{}, false
}

// fold leaves what people remember of a name: letters and digits in lower case.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// unprefixed drops the publisher's prefix: new_project is remembered as project.
func unprefixed(name string) string {
	if _, rest, ok := strings.Cut(name, "_"); ok && rest != "" {
		return rest
	}
	return name
}
