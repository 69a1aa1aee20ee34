// Package measure looks at a JSON text before anybody reads it: how deep it leads, and
// how much memory its values will take. A reader that makes values of a stranger's text
// takes forty times what came over the wire, where that is empty lists and objects, and
// one that calls itself for each level takes a stack as deep as the stranger likes.
//
// It guards that neither happens: it reads in constant memory and calls nothing. It does
// not say that a text is JSON (RFC 8259): whoever reads it then does, and whatever they
// take for JSON was measured rightly. One way to use it:
//
//	if err := measure.JSON(body, measure.Limits{Depth: 100, Weight: 64 << 20}); err != nil {
//		return err // tell the stranger's side, and read nothing
//	}
package measure

import "errors"

// Limits bound a text.
type Limits struct {
	// Depth is how many lists and objects may lie within each other.
	Depth int
	// Weight is how much memory the text's values may take as Go has them, in bytes,
	// by a generous estimate.
	Weight int64
}

var (
	// ErrDeep is a text that is nested deeper than may be.
	ErrDeep = errors.New("nested too deep")
	// ErrHeavy is a text whose values would take too much memory.
	ErrHeavy = errors.New("too many values")
)

// What values take as map[string]any and []any, in bytes: an object with its first
// group of places, a list, and one entry of either with what its growing left behind.
const (
	ofObject = 336
	ofList   = 48
	ofEntry  = 64
)

// JSON says whether a text is within limits: nil, [ErrDeep] or [ErrHeavy].
func JSON(text []byte, l Limits) error {
	weight, depth := int64(len(text)), 0
	if weight > l.Weight {
		return ErrHeavy
	}
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i = closing(text, i+1)
		case '{':
			depth++
			weight += ofObject
		case '[':
			depth++
			weight += ofList
		case '}', ']':
			depth--
		case ',', ':':
			weight += ofEntry
		}
		if depth > l.Depth {
			return ErrDeep
		}
		if weight > l.Weight {
			return ErrHeavy
		}
	}
	return nil
}

// closing is where the string ends whose inside begins at i: at its quote, or at the
// text's end.
func closing(text []byte, i int) int {
	for ; i < len(text); i++ {
		switch text[i] {
		case '"':
			return i
		case '\\':
			i++
		}
	}
	return i
}
