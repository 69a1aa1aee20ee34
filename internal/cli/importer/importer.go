// Package importer reads other programs' files into drafts. It does no I/O and
// stores nothing.
//
// It guards that a value arrives to the byte as it is written, and that no
// error or notice tells of one: errors name a line, never what is on it. It
// does not guard the file itself, nor the copies that its reader made. One way
// to use it:
//
//	variables, notices, err := importer.ParseDotenv(text, importer.Refuse)
//	defer importer.Clear(variables)
package importer

import (
	"fmt"

	"hotcell"
	"hotcell/internal/value/sensitive"
)

// Variable is one variable of a file. Whoever reads it clears the value.
type Variable struct {
	Name  string
	Value sensitive.Bytes
	// Line is where it begins, from 1.
	Line int
}

// Clear clears every value.
func Clear(variables []Variable) {
	for _, v := range variables {
		v.Value.Clear()
	}
}

// Notice is something that a person may want to know of a variable: where
// other programs read it otherwise. It never holds a value.
type Notice struct {
	// Line is where it was noticed, from 1.
	Line int
	Name string
	Text string
}

// SyntaxError says which line is refused, and never what is on it, not even a
// name: a value that has lost its quotes can look like one.
type SyntaxError struct {
	// Line counts from 1.
	Line   int
	Reason string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// Is makes every SyntaxError a [hotcell.ErrInvalid].
func (e *SyntaxError) Is(target error) bool { return target == hotcell.ErrInvalid }

// Whitespace says what to do with white space around a value.
type Whitespace int

// The choices: refuse it, keep it, or cut it off.
const (
	Refuse Whitespace = iota
	Verbatim
	Trim
)
