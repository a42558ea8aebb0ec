package dataverse

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// faults gathers what is wrong with a call, so that one answer tells all of it.
type faults struct{ list []*Error }

// take keeps err where it is about the caller's words, and returns every other error, which ends the work.
func (f *faults) take(err error) error {
	e, ok := errors.AsType[*Error](err)
	if err == nil || !ok || e.Kind != Invalid || e.Status != 0 {
		return err
	}
	if !slices.ContainsFunc(f.list, func(known *Error) bool { return known.Message == e.Message }) {
		f.list = append(f.list, e)
	}
	return nil
}

// hint adds to the fault that says message.
func (f *faults) hint(message, more string) {
	for _, e := range f.list {
		if e.Message == message {
			e.Message += more
		}
	}
}

// maxFaults is how many faults one error tells.
const maxFaults = 10

// err is nil, the one fault, or an error with a line for each.
func (f *faults) err() error {
	switch len(f.list) {
	case 0:
		return nil
	case 1:
		return f.list[0]
	}
	all := invalid("%d faults", len(f.list))
	all.unknownName = slices.ContainsFunc(f.list, func(e *Error) bool { return e.unknownName })
	all.Faults = f.list[:min(len(f.list), maxFaults)]
	for _, e := range all.Faults {
		all.Message += "\n- " + (&Error{Message: e.Message, Nearest: e.Nearest}).Error()
	}
	if more := len(f.list) - maxFaults; more > 0 {
		all.Message += fmt.Sprintf("\n- and %d more", more)
	}
	return all
}

// oneOf lists what may be written instead.
func oneOf(words []string) string { return strings.Join(words, " or ") }
