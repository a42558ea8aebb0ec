package odata

import "fmt"

// SyntaxError says where a text leaves the grammar. Its words are those of the Microsoft OData library, capitals and
// full stop included, because the emulator answers with Error() as the service does:
//
//	There is an unterminated literal at position 21 in 'lastname eq 'O'Bryan''.
type SyntaxError struct {
	Input string
	Pos   int    // byte offset of the fault in Input; negative where the service names no position
	Msg   string // without position and full stop
}

// Error is the sentence of the service.
func (e *SyntaxError) Error() string {
	if e.Pos < 0 {
		return e.Msg + "."
	}
	return fmt.Sprintf("%s at position %d in '%s'.", e.Msg, e.Pos, e.Input)
}
