package main

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// didYouMean returns `: did you mean X?` for the known word nearest to word, or the list of all when none is near.
func didYouMean(word string, known []string) string {
	best, distance := "", max(2, len(word)/3)+1
	for _, candidate := range known {
		if d := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(candidate)); d < distance {
			best, distance = candidate, d
		}
	}
	if best != "" {
		return ": did you mean " + best + "?"
	}
	return ": want one of " + strings.Join(known, ", ")
}
