// Package guard finds credential values, raw or encoded, in bytes that are
// about to cross a border, and puts [hotcell:NAME] in their place.
//
// It finds the forms that [forms] lists, wherever a stream is split. It does
// not find what was enciphered, compressed or taken apart by somebody who
// wants it unseen: it is a net under the walls, not a wall. Its users see
// [Patterns] and [Writer] only, so that what is looked for can be fingerprints
// where the values themselves must not be. One way to use it:
//
//	b := guard.NewBuilder()
//	err := b.Add("billing", value)
//	w := b.Build().Writer(log)
package guard

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

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
