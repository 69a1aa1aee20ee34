package hotcell

import (
	"errors"
	"fmt"
	"strings"
)

// The sentinels: what a caller decides on. Everything else is "internal error"
// and a request id to the outside. No text that is wrapped around them may
// hold a value or a URL's query.
var (
	// ErrNotFound: no such thing, or the caller may not know of it.
	ErrNotFound = errors.New("not found")
	// ErrSignIn: nobody is signed in by what the caller proves themselves by.
	ErrSignIn = errors.New("sign in")
	// ErrDenied: the caller may know of it, and may not do this.
	ErrDenied = errors.New("denied")
	// ErrConfirm: they may, once they have confirmed it; a [ConfirmError] says what.
	ErrConfirm = errors.New("to be confirmed")
	// ErrConflict: it exists already, or is in a state that forbids this.
	ErrConflict = errors.New("conflict")
	// ErrStale: it changed since the caller read it.
	ErrStale = errors.New("changed meanwhile")
	// ErrInvalid: the input breaks a rule; a [FieldError] says which.
	ErrInvalid = errors.New("invalid")
	// ErrUnavailable: a part is down; the same call may succeed later.
	ErrUnavailable = errors.New("unavailable")
	// ErrNeedsReconnect: a person must renew the connection.
	ErrNeedsReconnect = errors.New("needs to be reconnected")
	// ErrRateLimited: too many calls; later is fine.
	ErrRateLimited = errors.New("rate limited")
	// ErrTampered: stored bytes are not what the vault wrote there.
	ErrTampered = errors.New("stored data was altered")
)

// FieldError says which part of the input breaks which rule. It is an
// [ErrInvalid], and never holds what was sent.
type FieldError struct {
	// Pointer is a JSON pointer (RFC 6901) into the input: /variables/0/name.
	Pointer string `json:"pointer"`
	// Reason is one sentence without what was sent.
	Reason string `json:"detail"`
}

func (e *FieldError) Error() string {
	if e.Pointer == "" {
		return e.Reason
	}
	return fmt.Sprintf("%s: %s", strings.ReplaceAll(strings.TrimPrefix(e.Pointer, "/"), "/", "."), e.Reason)
}

// Is makes every FieldError an [ErrInvalid].
func (e *FieldError) Is(target error) bool { return target == ErrInvalid }

// Invalid makes a [FieldError]; format must be given no part of the input that
// could be a value.
func Invalid(pointer, format string, args ...any) error {
	return &FieldError{Pointer: pointer, Reason: fmt.Sprintf(format, args...)}
}

// StaleError is an [ErrStale] that names the version to read.
type StaleError struct{ Current int }

func (e *StaleError) Error() string {
	return fmt.Sprintf("changed meanwhile: the current version is %d", e.Current)
}

// Is makes every StaleError an [ErrStale].
func (e *StaleError) Is(target error) bool { return target == ErrStale }
