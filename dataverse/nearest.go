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
	label   string // what people read; shown beside a name that does not tell by itself why it is offered
	weight  int    // among equals the lightest comes first
	primary bool   // what rows are named by, or what has to be filled in: the first guess
}

// maxNearest is how many names an error offers.
const maxNearest = 4

// longestName is the length in bytes above which nothing is taken for a slip of a name. Names end well below it, and
// the cost of a comparison grows with both lengths.
const longestName = 128

// likeness is how near a name is to another; less is nearer. byLabel tells that it is the label that is near.
type likeness struct {
	score   int
	byLabel bool
}

// The scores of what is no slip. A slip scores the letters that it takes to undo it.
const (
	same      = 0
	sameLabel = 1
	weak      = 1 << 8 // shares its words: phone and Main Phone
)

// nearest returns the candidates that want is most likely a slip of, best first. One that is called exactly that, but
// for case and punctuation, stands alone; beside one that is labelled so, only what shares the words is offered.
func nearest(want string, candidates []candidate) []string {
	type scored struct {
		candidate
		likeness
	}
	key := fold(want)
	if key == "" || len(want) > longestName {
		return nil
	}
	var list []scored
	for _, c := range candidates {
		if best, ok := c.likeness(want, key); ok {
			list = append(list, scored{c, best})
		}
	}
	slices.SortStableFunc(list, func(a, b scored) int { return cmp.Or(a.score-b.score, a.weight-b.weight) })
	var names []string
	for _, s := range list {
		first := list[0].score
		if len(names) == maxNearest || first == same && s.score > same {
			break
		}
		if first == sameLabel && list[0].sameLabel(key) && s.score > sameLabel && s.score < weak {
			continue
		}
		name := s.name
		if s.byLabel {
			name += " (" + s.label + ")"
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (c candidate) sameLabel(key string) bool { return fold(c.label) == key }

// likeness is that of the name, label or alias of c which is nearest to want, whose folded form is key.
func (c candidate) likeness(want, key string) (best likeness, ok bool) {
	best.score, ok = edits(key, fold(c.name))
	take := func(score int, near, byLabel bool) {
		if near && (!ok || score < best.score) {
			best, ok = likeness{score, byLabel}, true
		}
	}
	if bare := unprefixed(c.name); bare != c.name { // the name as it stands comes first, and a slip in it is likelier
		score, near := edits(key, fold(bare))
		take(score+1, near && score <= 1, false)
	}
	for _, alias := range c.aliases {
		score, near := edits(key, fold(alias))
		take(score, near, false)
	}
	score, near := edits(key, fold(c.label))
	take(score+sameLabel, near && score <= 1, true)
	inName, inLabel := sharesWords(want, c)
	take(sameLabel, c.primary && (inName || inLabel), inLabel)
	take(weak, inName && inLabel, inLabel)
	take(weak+1, inName || inLabel, inLabel)
	take(weak+2, len(key) > 2 && strings.HasPrefix(fold(c.name), key), false)
	best.byLabel = best.byLabel && fold(c.label) != fold(c.name)
	return best, ok
}

// edits counts the letters that make one folded name of the other, and says whether they are few enough. A name that is
// most of the other is near.
func edits(want, name string) (int, bool) {
	if name == "" {
		return 0, false
	}
	short, long := want, name
	if len(short) > len(long) {
		short, long = long, short
	}
	if len(short) > 3 && 2*len(short) > len(long) && strings.Contains(long, short) {
		return min(2, len(long)-len(short)), true
	}
	if 2*len(short) < len(long) {
		return 0, false
	}
	if len(want) > 3 && 3*len(want) >= 2*len(name) && abbreviates(want, name) {
		return len(name) - len(want), true
	}
	n := levenshtein.ComputeDistance(want, name)
	swapped := n == 2 && len(want) == len(name) && want[0] == name[0] && slices.Equal(letters(want), letters(name))
	return n, n <= min(len(want)/3, 4) || n == 1 && len(want) > 1 || swapped
}

// abbreviates says whether letters left out of name make want: accnt of account.
func abbreviates(want, name string) bool {
	if want[0] != name[0] {
		return false
	}
	for i := range len(name) {
		if want != "" && want[0] == name[i] {
			want = want[1:]
		}
	}
	return want == ""
}

func letters(s string) []byte { return slices.Sorted(slices.Values([]byte(s))) }

// forms are the words that word may stand for in the name of a column: what a model calls the amount of an opportunity
// is its estimatedvalue, labelled Est. Revenue.
func forms(word string) []string {
	if word == "amount" {
		return []string{word, "value", "revenue"}
	}
	return []string{word}
}

// sharesWords says whether every word of want is in the name of c, or in its label.
func sharesWords(want string, c candidate) (inName, inLabel bool) {
	words := strings.FieldsFunc(strings.ToLower(want), func(r rune) bool { return !unicode.IsLetter(r) })
	name, label := fold(c.name), strings.ToLower(c.label)
	inName, inLabel = len(words) > 0, len(words) > 0
	for _, word := range words {
		isIn := func(text string) bool {
			return slices.ContainsFunc(forms(word), func(form string) bool { return len(form) > 3 && strings.Contains(text, form) })
		}
		inName, inLabel = inName && isIn(name), inLabel && isIn(label)
	}
	return inName, inLabel
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
