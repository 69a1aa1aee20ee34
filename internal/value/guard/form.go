package guard

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// minLine is how long a line of a value must be to be looked for by itself.
const minLine = 12

// form is one way to write a value, of those that are looked for as they are.
// Those that can be spelt in many ways are found on lanes instead.
type form struct {
	kind kind
	text []byte
	// further is true of what begins with further bytes of a value than its first
	// ones: fewer of them are hashed by themselves (see classOf).
	further bool
	// bare is true of what has no marks, and tells enough without.
	bare bool
}

// kind names a form.
type kind uint8

const (
	kindRaw kind = iota
	kindCase
	kindReversed
	kindUTF16
	kindBase64
	kindBase32
	kindHex
	kinds
)

var kindNames = [kinds]string{"raw", "in another case", "reversed", "UTF-16", "base64", "base32", "hex"}

// forms are the ways in which a value is usually written: raw; in one case, as
// host names and headers are; with + for space; reversed; UTF-16; base64 in
// both alphabets and base32, at each offset within a longer text; in base64 of some
// of those (see nested); and, for a value of several lines, each line that is long
// enough, since logs are read and written by line.
func forms(value []byte) []form {
	out := append(encodings(value), nested(value)...)
	// A value that itself has what a lane takes out is on that lane without it.
	// Of each reading it is looked for as the readings after that one give it.
	once := read(value, unescape)
	twice := read(once, unescape)
	for _, other := range [][]byte{once, twice, read(twice, squeeze), read(once, squeeze), read(value, squeeze)} {
		if Guardable(other) == nil {
			out = append(out, form{kind: kindRaw, text: other})
		}
	}
	out = withBare(value, out)
	if lines := bytes.Split(bytes.TrimRight(value, "\r\n"), []byte("\n")); len(lines) > 1 {
		for _, line := range lines {
			line = bytes.TrimSpace(line)
			if len(line) >= minLine && Guardable(line) == nil && !boundary(line) {
				for _, f := range withBare(line, encodings(line)) {
					f.further = true
					if f.kind != kindReversed { // whose first bytes are the line's last
						out = append(out, f)
					}
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b form) int { return bytes.Compare(a.text, b.text) })
	return compacted(out)
}

// compacted leaves out what is there already, and keeps what is said of it.
func compacted(sorted []form) []form {
	out := sorted[:0]
	for _, f := range sorted {
		if n := len(out); n > 0 && bytes.Equal(out[n-1].text, f.text) {
			out[n-1].bare = out[n-1].bare || f.bare
			continue
		}
		out = append(out, f)
	}
	return out
}

// boundary lines of PEM (RFC 7468) are no secret.
func boundary(line []byte) bool {
	return bytes.HasPrefix(line, []byte("-----BEGIN ")) || bytes.HasPrefix(line, []byte("-----END "))
}

func encodings(value []byte) []form {
	out := []form{
		{kind: kindRaw, text: bytes.Clone(value)}, {kind: kindCase, text: bytes.ToLower(value)}, {kind: kindCase, text: bytes.ToUpper(value)},
		{kind: kindReversed, text: reversed(value), further: true},
	}
	out = append(append(out, form{kind: kindUTF16, text: wide(value)}), foreign(value)...)
	if bytes.IndexByte(value, ' ') >= 0 {
		out = append(out, form{kind: kindRaw, text: bytes.ReplaceAll(value, []byte(" "), []byte("+"))})
	}
	out = inBase64(out, value)
	if len(value) <= wholeSpelling { // a lane finds it as well, but not in pieces
		out = append(out, form{kind: kindHex, text: hex.AppendEncode(nil, value)}, form{kind: kindHex, text: bytes.ToUpper(hex.AppendEncode(nil, value))})
	}
	for offset := range 5 {
		text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(append(make([]byte, offset), value...))
		out = add(out, kindBase32, text, offset, len(value), 5)
		out = add(out, kindBase32, strings.ToLower(text), offset, len(value), 5)
	}
	return slices.DeleteFunc(out, func(f form) bool { return len(f.text) < minLength })
}

// inBase64 adds a text in both alphabets, at each offset within a longer one.
func inBase64(out []form, text []byte) []form {
	for _, alphabet := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for offset := range 3 {
			out = add(out, kindBase64, alphabet.EncodeToString(append(make([]byte, offset), text...)), offset, len(text), 6)
		}
	}
	return out
}

// add adds the characters that the value alone decides: what stands before and
// after it in the encoded text does not matter. At most one character at either
// edge is shared with its neighbours.
func add(out []form, k kind, text string, offset, size, bits int) []form {
	shared, whole := (offset*8+bits-1)/bits, (offset+size)*8/bits
	if whole <= shared {
		return out
	}
	return append(out, form{kind: k, text: []byte(text[shared:whole])})
}

// inUTF16 is a text in UTF-16, in an order of bytes.
func inUTF16(text []byte, order binary.AppendByteOrder) (out []byte) {
	for _, unit := range utf16.Encode([]rune(string(text))) {
		out = order.AppendUint16(out, unit)
	}
	return out
}

// foreign are the forms that a value has only where it is not ASCII alone: UTF-16
// in both orders of bytes, and its characters in reverse.
func foreign(value []byte) (out []form) {
	if ascii(value) || !utf8.Valid(value) {
		return nil
	}
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		out = append(out, form{kind: kindUTF16, text: inUTF16(value, order)})
	}
	characters := []rune(string(value))
	slices.Reverse(characters)
	return append(out, form{kind: kindReversed, text: []byte(string(characters)), further: true})
}

func ascii(value []byte) bool {
	return !slices.ContainsFunc(value, func(c byte) bool { return c >= utf8.RuneSelf })
}

func reversed(value []byte) []byte {
	out := bytes.Clone(value)
	slices.Reverse(out)
	return out
}

// wide is UTF-16 of a value that is ASCII, which is what is ever widened. Without
// the zero at its edge, both orders of bytes are the same.
func wide(value []byte) []byte {
	out := make([]byte, 0, 2*len(value))
	for _, b := range value {
		out = append(out, b, 0)
	}
	return out[:len(out)-1]
}

// read is how a text reads on a lane.
func read(text []byte, decode func(*lane, bool)) []byte {
	l := &lane{parent: &lane{matcher: matcher{buf: text}}}
	decode(l, true)
	return l.buf
}
