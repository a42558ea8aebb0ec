package dataverse

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind says what the caller can do about an Error.
type Kind string

// The kinds of Error.
const (
	Invalid     Kind = "invalid"     // change the arguments
	NotFound    Kind = "not_found"   // look for the right name or id
	Denied      Kind = "denied"      // sign in, or ask for a privilege
	Conflict    Kind = "conflict"    // read the row again, then decide
	Throttled   Kind = "throttled"   // wait RetryAfter
	Unavailable Kind = "unavailable" // try again later, or check the address
	Internal    Kind = "internal"    // a fault of the service or of this program
)

// Error is every failure that the client reports.
type Error struct {
	Op         string        // what was being done, such as update account
	Kind       Kind          // what the caller can do
	Status     int           // HTTP status; 0 when no answer came
	Code       string        // the service's code, such as 0x80040217; may be empty
	Message    string        // why, safe to show: the service's own words where it answered
	RequestID  string        // what Microsoft support asks for; may be empty
	RetryAfter time.Duration // how long the service asked to wait; 0 when it did not
	Nearest    []string      // names or labels that may have been meant, best first
	Faults     []*Error      // what is wrong one by one, where Message tells of several things; at most ten
	Err        error         // cause, for the log
	InDoubt    bool          // the change may have been made all the same: read the row before trying again

	// uncertain is set when an earlier attempt of the same call may have been carried out.
	uncertain bool
	// written tells of the rows of a bulk request which were written all the same; nil where the service did not tell.
	written []bool
	// unknownName is set when a name was not found in metadata that may be out of date.
	unknownName bool
}

// Error tells the operation, the kind, the message and the code in one line.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Op != "" {
		b.WriteString(e.Op + ": ")
	}
	b.WriteString(e.Message)
	if e.Message == "" {
		fmt.Fprintf(&b, "%s (status %d)", e.Kind, e.Status)
	}
	if e.Code != "" {
		b.WriteString(" (" + e.Code + ")")
	}
	if len(e.Nearest) > 0 {
		b.WriteString(", nearest: " + strings.Join(e.Nearest, ", "))
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// doubt tells that the change may have been made all the same.
func (e *Error) doubt() {
	if !e.InDoubt {
		e.InDoubt = true
		e.Message += "; whether the change was made is not known: read the row before trying again"
	}
}

// KindOf returns the kind of err: "" for nil, Internal for an error that is no *Error.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// invalid is the error of an argument that was refused before anything was sent.
func invalid(format string, args ...any) *Error {
	return &Error{Kind: Invalid, Message: fmt.Sprintf(format, args...)}
}

// maxOp bounds in bytes the name of an operation, which repeats what the caller gave as table and id.
const maxOp = 160

// during names the operation of an error that was made where the operation was not known.
func during(op string, err error) error {
	if err == nil {
		return nil
	}
	op = shortened(op, maxOp)
	e, ok := errors.AsType[*Error](err)
	switch {
	case !ok && isContext(err):
		return &Error{Op: op, Kind: Unavailable, Message: contextMessage(err), Err: err}
	case !ok:
		return &Error{Op: op, Kind: Internal, Message: err.Error(), Err: err}
	case e.Op == "":
		e.Op = op
	}
	return e
}

func isContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func contextMessage(err error) string {
	if errors.Is(err, context.Canceled) {
		return "cancelled by the caller"
	}
	return "the caller's time was over before the service answered"
}
func equalCode(a, b string) bool { return strings.EqualFold(a, b) }
