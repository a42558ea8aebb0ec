package dataverse

import (
	"slices"
	"strconv"
	"strings"
)

// choiceOf returns the number of the choice that text means: its label in any case, or the number itself.
func choiceOf(c *Column, text string) (int, error) {
	text = strings.TrimSpace(text)
	var hits []int
	for _, choice := range c.Choices {
		if strings.EqualFold(choice.Label, text) && !slices.Contains(hits, choice.Value) {
			hits = append(hits, choice.Value)
		}
	}
	switch {
	case len(hits) == 1:
		return hits[0], nil
	case len(hits) > 1:
		e := invalid("column %s: %s is the label of several choices, use the number", c.LogicalName, quoted(text))
		for _, n := range hits {
			e.Nearest = append(e.Nearest, strconv.Itoa(n))
		}
		return 0, e
	}
	if n, err := strconv.Atoi(text); err == nil {
		return n, c.checkChoice(n)
	}
	if c.Type == BooleanColumn {
		switch strings.ToLower(text) {
		case "true":
			return 1, nil
		case "false":
			return 0, nil
		}
	}
	return 0, unknownChoice(c, text)
}

// checkChoice refuses a number that is no choice of c. A column without choices is left to the service.
func (c *Column) checkChoice(n int) error {
	if len(c.Choices) == 0 || slices.ContainsFunc(c.Choices, func(choice Choice) bool { return choice.Value == n }) {
		return nil
	}
	return unknownChoice(c, strconv.Itoa(n))
}

// fewChoices is how many choices an error lists in full when none is near.
const fewChoices = 12

func unknownChoice(c *Column, text string) *Error {
	e := invalid("column %s has no choice %s", c.LogicalName, quoted(text))
	e.unknownName = true
	candidates := make([]candidate, len(c.Choices))
	for i, choice := range c.Choices {
		candidates[i] = candidate{name: choice.text(), aliases: []string{choice.Label}, weight: i}
	}
	e.Nearest = nearest(text, candidates)
	if len(e.Nearest) > 0 {
		return e
	}
	names := make([]string, len(candidates))
	for i, choice := range candidates {
		names[i] = choice.name
	}
	if len(names) <= fewChoices {
		e.Nearest = names
	} else {
		e.Message += ", only " + someOf(names)
	}
	return e
}

// text is how an error shows a choice: Consulting = 6.
func (c Choice) text() string {
	return c.Label + " = " + strconv.Itoa(c.Value)
}
