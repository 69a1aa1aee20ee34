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
//		left := spelling.Left(redact(text), text, value, s.Write(spelling.Alike(value), random))
//	}
package spelling

import (
	"bytes"
	"math/rand/v2"
	"strings"
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
// any place; of a value that is shorter, nearly all. What another value would have
// left there as well tells nothing: alike is how that one is written.
func Left(out, written, value, alike []byte) bool {
	n := min(telling, max(len(value)-2, 1))
	if holds(out, value, n, alike) {
		return true
	}
	window := (len(written)*n + len(value) - 1) / len(value)
	return holds(out, written, max(window, n), alike)
}

// holds says whether out holds any n bytes of text that are not alike.
func holds(out, text []byte, n int, alike []byte) bool {
	if n > len(text) {
		n = len(text)
	}
	for at := 0; at+n <= len(text); at++ {
		if one := text[at : at+n]; bytes.Contains(out, one) && !bytes.Contains(alike, one) {
			return true
		}
	}
	return false
}

// Alike is another value of the same kind: with what is public of all such, and with
// other letters and digits, and characters that are not ASCII.
func Alike(value []byte) []byte {
	out := []rune(string(value))
	for i, c := range out {
		switch {
		case c >= 'a' && c <= 'z':
			out[i] = 'a' + (c-'a'+7)%26
		case c >= 'A' && c <= 'Z':
			out[i] = 'A' + (c-'A'+7)%26
		case c >= '0' && c <= '9':
			out[i] = '0' + (c-'0'+3)%10
		case c >= 0x80:
			out[i] = c ^ 1
		}
	}
	for _, p := range public {
		for from := 0; ; {
			at := strings.Index(string(value[from:]), p)
			if at < 0 {
				break
			}
			at = len([]rune(string(value[:from+at])))
			copy(out[at:], []rune(p))
			from = len(string([]rune(string(value))[:at])) + len(p)
		}
	}
	return []byte(string(out))
}

// public is what all values of a kind have.
var public = []string{"-----BEGIN PRIVATE KEY-----\n", "\n-----END PRIVATE KEY-----\n", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOi"}
