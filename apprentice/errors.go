package apprentice

import (
	"errors"
	"fmt"
)

// Kind says what a caller can do about an error. It maps in one table each to
// RPC codes (rpc), exit codes (cmd/aa) and log levels (daemon).
type Kind string

const (
	Internal    Kind = "internal"    // aad could not do its own work
	Invalid     Kind = "invalid"     // the request is wrong as it stands
	NotFound    Kind = "not_found"   // the thing named does not exist
	Conflict    Kind = "conflict"    // the thing is in a state that forbids this
	Denied      Kind = "denied"      // the caller may not do this
	Unmet       Kind = "unmet"       // a precondition outside the request is missing
	Unavailable Kind = "unavailable" // not now; may be retried
)

// exitCodes are what aa and aad end with for an error of a kind.
var exitCodes = map[Kind]int{Internal: 1, Invalid: 2, NotFound: 3, Conflict: 4, Denied: 5, Unmet: 6, Unavailable: 7}

// ExitCode is what a program ends with for an error of this kind, 0 for "".
func (k Kind) ExitCode() int { return exitCodes[k] }

// Error is a refusal or a fault told to the person who asked: one sentence, and
// what to type next. The zero Kind is Internal.
type Error struct {
	Kind    Kind
	Message string // one sentence without a final full stop
	Field   string // the parameter or setting at fault, or ""
	Hint    string // what to type or do next, or ""
	Err     error  // the cause, kept for the log; never shown
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error of the given kind with a message for people.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Because returns a copy of e with its cause, for the log.
func (e *Error) Because(err error) *Error {
	c := *e
	c.Err = err
	return &c
}

// WithHint returns a copy of e that says what to do next.
func (e *Error) WithHint(format string, args ...any) *Error {
	c := *e
	c.Hint = fmt.Sprintf(format, args...)
	return &c
}

// WithField returns a copy of e that names the parameter at fault.
func (e *Error) WithField(field string) *Error {
	c := *e
	c.Field = field
	return &c
}

// KindOf returns the kind of the first Error in err's chain, Internal when there
// is none, and "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) && e.Kind != "" {
		return e.Kind
	}
	return Internal
}

// Reason is an error in words for people: the message of the first Error in err's
// chain; what else there is stands in the log.
func Reason(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Message
	}
	return "internal error, see aa daemon logs"
}

// HintOf returns the hint of the first Error in err's chain.
func HintOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Hint
	}
	return ""
}
