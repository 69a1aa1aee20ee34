package schema

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
)

// The bounds of a pattern: its length in bytes, and how many instructions it becomes.
const (
	maxPattern      = 1000
	maxInstructions = 4000
)

// pattern is a regular expression that can be run in bounded time: RE2's are linear
// in the text, and size is by how much.
type pattern struct {
	re   *regexp.Regexp
	size int
}

// expression reads a pattern. Its repetitions are counted before they are written
// out: a thousand of a thousand is a gigabyte.
func expression(text string) (*pattern, error) {
	if len(text) > maxPattern {
		return nil, errors.New("it is too long")
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, errors.New("it is in a dialect that is not known here")
	}
	n := instructions(tree)
	if n > maxInstructions {
		return nil, errors.New("it is too large")
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("reading a pattern: %w", err)
	}
	return &pattern{re, n}, nil
}

func instructions(r *syntax.Regexp) int {
	n := 1 + len(r.Rune)
	for _, sub := range r.Sub {
		if n += instructions(sub); n > maxInstructions {
			return maxInstructions + 1
		}
	}
	if r.Op == syntax.OpRepeat {
		n *= max(r.Min, r.Max, 1) + 1
	}
	return min(n, maxInstructions+1)
}
