// Package spelling is a catalogue of the ways in which a value is written: by
// encodings, quotings, dumps, prefixes of lines and archives, each by a writer
// of its own; of values of each kind that people keep; and a judge of whether
// anything telling of a value is left in a text.
//
// It shares no code with what it judges. It does not look for anything itself.
// One way to use it:
//
//	for _, s := range spelling.All() {
//		text := s.Write(value, random)
//		left := spelling.Left(redact(text), text, value)
//	}
package spelling

import (
	"bytes"
	"math/rand/v2"
)

// Spelling is one way to write a value.
type Spelling struct {
	// Group is what a reader of the table looks under, and Name what it finds there.
	Group, Name string
	// Packed is true where the bytes are an archive or a packed stream, which is
	// refused and never redacted.
	Packed bool
	// Write writes a value so.
	Write func(value []byte, r *rand.Rand) []byte
}

// All are the spellings of the catalogue, group by group.
func All() []Spelling {
	var out []Spelling
	for _, one := range []struct {
		group  string
		packed bool
		list   []named
	}{
		{"as it is", false, plainOnes()},
		{"encodings", false, encodings()},
		{"hex and numbers", false, numbers()},
		{"escapes", false, escapes()},
		{"quotings", false, quotings()},
		{"broken up", false, broken()},
		{"lines and streams", false, streams()},
		{"dumps", false, dumps()},
		{"packed", true, packed()},
		{"beyond", false, beyond()},
	} {
		for _, n := range one.list {
			out = append(out, Spelling{Group: one.group, Name: n.name, Packed: one.packed, Write: n.write})
		}
	}
	return out
}

type named struct {
	name  string
	write func(value []byte, r *rand.Rand) []byte
}

// fixed is a spelling that needs no chance.
func fixed(name string, write func([]byte) []byte) named {
	return named{name, func(value []byte, _ *rand.Rand) []byte { return write(value) }}
}

// text is one of strings.
func text(name string, write func(string) string) named {
	return fixed(name, func(value []byte) []byte { return []byte(write(string(value))) })
}

// Core is what a spelling writes of a value, without what it would write around any:
// what is alike where the value has another beginning and end is left out.
func (s Spelling) Core(value []byte, seeded func() *rand.Rand) []byte {
	written := s.Write(value, seeded())
	other := []rune(string(value))
	for _, i := range []int{0, len(other) - 1} {
		switch other[i] {
		case 'X', 'x':
			other[i] = 'W'
		default:
			other[i] = 'X'
		}
	}
	without := s.Write([]byte(string(other)), seeded())
	from, to, end := 0, len(written), len(without)
	for from < min(to, end) && written[from] == without[from] {
		from++
	}
	for to > from && end > from && written[to-1] == without[end-1] {
		to--
		end--
	}
	return written[from:to]
}

// telling is how many bytes of a value in a row tell of it.
const telling = 12

// Left says whether out still holds what tells of a value: 12 bytes of it as
// they are, or as much of the way in which it was written as 12 bytes take, at
// any place; of a value that is shorter, nearly all.
func Left(out, written, value []byte) bool {
	n := min(telling, max(len(value)-2, 1))
	if holds(out, value, n) {
		return true
	}
	window := (len(written)*n + len(value) - 1) / len(value)
	return holds(out, written, max(window, n))
}

// holds says whether out holds any n bytes of text.
func holds(out, text []byte, n int) bool {
	if n > len(text) {
		n = len(text)
	}
	for at := 0; at+n <= len(text); at++ {
		if bytes.Contains(out, text[at:at+n]) {
			return true
		}
	}
	return false
}
