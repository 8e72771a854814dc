// Package fault holds the kinds of error that the outside is told about. An
// error that is no fault is ours to fix: its text stays in the log and the
// outside reads "internal error".
package fault

import (
	"errors"
	"fmt"
	"time"
)

// A Kind says what the caller can do about an error.
type Kind uint8

// The kinds of error.
const (
	Internal     Kind = iota // ours to fix; details stay in the log
	Invalid                  // the request can never succeed as it stands
	NotFound                 // no such thing, or not yours to see
	Conflict                 // the thing changed or already exists
	Unauthorized             // we do not know who is asking
	Forbidden                // we know who is asking, and the answer is no
	TooLarge                 // more than a limit allows
	TooMany                  // asked too often; wait
	Unavailable              // try again later
)

// An Error pairs a cause with a message that is safe to show outside.
type Error struct {
	Kind  Kind
	Msg   string        // one sentence; names the place and the mend
	After time.Duration // when asking again makes sense; 0 if it is not known
	Err   error         // the cause, for the log; may be nil
}

// Error returns the message and, for the log, its cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Msg + ": " + e.Err.Error()
	}
	return e.Msg
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an error of a kind whose whole text is safe outside. To keep a
// cause that is not, use Wrap.
func Errorf(k Kind, format string, args ...any) error {
	return &Error{Kind: k, Msg: fmt.Sprintf(format, args...)}
}

// Wrap gives err a kind and a message for the outside; err itself is for the
// log only.
func Wrap(k Kind, err error, msg string) error {
	return &Error{Kind: k, Msg: msg, Err: err}
}

// KindOf returns the kind of the outermost Error in err's chain, and Internal
// for any other error.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// Message returns what the outside may read about err.
func Message(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Msg
	}
	return "internal error"
}
