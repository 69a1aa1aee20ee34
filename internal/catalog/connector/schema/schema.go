// Package schema holds values against JSON Schemas that strangers wrote (JSON
// Schema 2020-12, and what draft 7 writes otherwise), with bounds for both.
//
// A schema is written out first: its references are followed, so that what is left
// is a tree of bounded size, in which nothing leads back to itself and nothing is
// hidden from its reader. Holding a value against it takes a bounded number of
// steps, ends with its context, and says which rule is broken where, without a word
// of the value. Where something can't be kept within the bounds, the schema says
// less than it did, never more: whoever wrote it still holds what it is sent
// against the whole. It reads nothing but the text that it is given. One way to use
// it:
//
//	s, err := schema.Read(text, schema.Options{})
//	s.Fill(arguments)
//	err = s.Check(ctx, arguments)
package schema

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// The bounds of a schema.
const (
	// MaxText is how long a schema may be, in bytes, before and after it is
	// written out.
	MaxText = 256 << 10
	// maxNodes is how many schemas there are in one, all in all, and maxLevel how deep.
	maxNodes = 2000
	maxLevel = 24
	// maxRefs is how many references may follow on one another.
	maxRefs = 20
)

// Options say how a schema is read.
type Options struct {
	// Strict makes an error of what would be left out or cut.
	Strict bool
	// Closed has the whole value take no properties but those that are named, where
	// the schema does not say whether it takes others.
	Closed bool
}

// Schema is one that was read. It does not change.
type Schema struct {
	root  *node
	text  json.RawMessage
	notes []string
}

// Errors of [Read], which wrap what is wrong.
var (
	// ErrCycle is a schema that leads back to itself without going into the value.
	ErrCycle = errors.New("it refers to itself")
	// ErrLarge is one that is too large to be read.
	ErrLarge = errors.New("it is too large")
	// ErrShape is a text that is no schema of an object.
	ErrShape = errors.New("it is no JSON Schema of an object")
)

// Read reads the schema of an object, as the arguments of a tool are one.
func Read(text []byte, o Options) (*Schema, error) {
	if len(text) > MaxText {
		return nil, fmt.Errorf("%w: a schema has at most %d KiB", ErrLarge, MaxText>>10)
	}
	whole, err := decode(text)
	if err != nil {
		return nil, ErrShape
	}
	root, ok := whole.(map[string]any)
	if !ok {
		return nil, ErrShape
	}
	w := newWriter(root, o)
	written, _ := w.write(root, 0)
	if w.err != nil {
		return nil, w.err
	}
	out, ok := written.(map[string]any)
	if !ok || !ofObject(out) {
		return nil, ErrShape
	}
	if _, said := out["additionalProperties"]; !said && o.Closed && !w.unnamed {
		out["additionalProperties"] = false
	}
	s := &Schema{root: compile(out), notes: w.notes}
	if s.text, err = json.Marshal(out); err != nil {
		return nil, ErrShape
	}
	if len(s.text) > MaxText {
		return nil, fmt.Errorf("%w: written out, a schema has at most %d KiB", ErrLarge, MaxText>>10)
	}
	if err := s.usual(o); err != nil {
		return nil, err
	}
	return s, nil
}

// ofObject says whether a schema is for objects, and has it say so.
func ofObject(s map[string]any) bool {
	switch kind := s["type"].(type) {
	case nil:
	case string:
		return kind == kindObject
	case []any:
		if !slices.Contains(kind, any(kindObject)) {
			return false
		}
	}
	s["type"] = kindObject
	return true
}

// Text is the schema as it was written out.
func (s *Schema) Text() json.RawMessage { return slices.Clone(s.text) }

// Notes say what of the schema was left out or cut, in a few words each.
func (s *Schema) Notes() []string { return slices.Clone(s.notes) }

// decode reads JSON with its numbers as they are written.
func decode(text []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, ErrShape
	}
	return v, nil
}

// usual holds the defaults against their own schemas: one that doesn't fit is never
// put in.
func (s *Schema) usual(o Options) error {
	var wrong bool
	s.root.each(func(n *node) {
		if !n.hasDefault {
			return
		}
		if c := (&check{ctx: context.Background(), left: maxSteps}); c.value(n.usual, n, nil) != nil {
			n.hasDefault, wrong = false, true
		}
	})
	if wrong && o.Strict {
		return errors.New("a default is not what its own schema takes")
	}
	return nil
}
