package auth

import "errors"

// Error is a sign-in that failed. Its text is safe to show: it says what is wrong and what to do next, and
// holds no secret.
type Error struct {
	// Code is Entra's AADSTS number such as AADSTS7000215, or the OAuth error, or "".
	Code string
	// Message says what is wrong and what to do next.
	Message string
	// Temporary says that asking again later may help: the sign-in service was out of reach or overloaded.
	Temporary bool
	// Err is the cause, for the log.
	Err error
}

func (e *Error) Error() string { return "sign-in: " + e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Denied reports whether the caller has no way in until somebody changes something. A client that cannot
// import this package finds it with errors.As on an interface of this one method.
func (e *Error) Denied() bool { return !e.Temporary }

func denied(message string) *Error { return &Error{Message: message} }

func isTemporary(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Temporary
}

// isRefusal reports that the sign-in service was asked and said no.
func isRefusal(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && !e.Temporary && e.Code != ""
}
