// Package guard finds credential values, raw or encoded, in bytes that are
// about to cross a border, and puts [hotcell:NAME] in their place, or refuses.
//
// It works from keyed [Fingerprints], not from values, so that it can stand
// where the values must not be; and on decoded lanes of the stream, so that
// one fingerprint finds a value however it is escaped, wherever the stream is
// split. It does not find what was enciphered or taken apart by somebody who
// wants it unseen, and does not unpack (package coding does): it is a net under
// the walls, not a wall. One way to use it:
//
//	b := guard.NewBuilder()
//	err := b.Add(guard.Label{ID: id, Name: "billing"}, value)
//	w := b.Build().Writer(log, nil)
package guard

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Label says whose a value is: ID is what policies decide on, Name what the mark
// shows.
type Label struct{ ID, Name string }

// Match is one occurrence of a value.
type Match struct {
	Label
	// Form is how it was written: "raw", "base64", "percent or escapes", …
	Form string
}

// Verdict is what becomes of a match.
type Verdict int

// The verdicts.
const (
	Redact Verdict = iota
	Pass
	Refuse
)

// Policy decides on a match; a nil one redacts all.
type Policy func(Match) Verdict

// Told is called with each stretch that was replaced: with 0 where it holds a whole
// value, else with a number that is the same for the same text. So who counts sees
// whether one part of a value comes again and again, or always another.
type Told func(part uint64)

// RefusedError says that a policy refused a match. Nothing of the value was
// passed on.
type RefusedError struct{ Match }

func (r *RefusedError) Error() string {
	return fmt.Sprintf("a value of %s is in it (%s)", r.Name, r.Form)
}

// ErrUnguardable says that a value cannot be looked for without breaking
// ordinary text. The error that wraps it says why.
var ErrUnguardable = errors.New("the guard cannot look for it")

// The least that a value must have to be looked for.
const (
	minLength  = 6
	minVariety = 4
)

// common are values that ordinary text is full of.
var common = []string{
	"password", "passwd", "secret", "default", "changeme", "localhost", "postgres", "production", "development",
	"staging", "testing", "example", "username", "enabled", "disabled", "127.0.0.1", "0.0.0.0", "admin123", "database",
	"letmein", "welcome", "qwerty", "abc123", "123456", "1234567", "12345678", "123456789", "1234567890", "service", "public",
	"private", "internal", "external", "administrator", "anonymous", "undefined", "unknown", "success", "warning", "message",
	"content", "application", "accept", "server", "client", "github", "google", "amazon", "stripe", "https://", "http://", "us-east-1",
	"eu-west-1", "eu-central-1", "us-west-2",
}

// Guardable says whether a value can be looked for. The error, which wraps
// [ErrUnguardable], says why not without telling of the value.
func Guardable(value []byte) error {
	switch {
	case len(value) < minLength:
		return fmt.Errorf("%w: it has fewer than %d bytes", ErrUnguardable, minLength)
	case variety(value) < minVariety:
		return fmt.Errorf("%w: it has fewer than %d different bytes", ErrUnguardable, minVariety)
	case slices.ContainsFunc(common, func(word string) bool { return bytes.EqualFold(value, []byte(word)) }):
		return fmt.Errorf("%w: it is a common word", ErrUnguardable)
	}
	return nil
}

func variety(value []byte) int {
	var seen [256]bool
	n := 0
	for _, b := range value {
		if !seen[b] {
			seen[b] = true
			n++
		}
	}
	return n
}

// mark replaces a value of that name.
func mark(name string) []byte { return []byte("[hotcell:" + strings.Map(plain, name) + "]") }

// plain keeps a name from breaking the text that it is put into.
func plain(r rune) rune {
	if r < ' ' || strings.ContainsRune("\"'\\<>&]", r) {
		return '_'
	}
	return r
}
