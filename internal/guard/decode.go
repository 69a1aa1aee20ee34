package guard

import (
	"bytes"
	"html"
	"unicode/utf16"
	"unicode/utf8"
)

// The longest escape that is decoded, and the longest sequence that steers a
// terminal.
const maxEscape = 34

// unescape decodes percent-encoding (RFC 3986 section 2.1), escapes with a
// backslash as JSON, Go, C and shells have them, and HTML's entities.
func unescape(l *lane, final bool) {
	each(l, "%\\&", func(b []byte) (taken int, meaning []byte, more bool) {
		switch b[0] {
		case '%':
			return hexEscape(b, 1, final)
		case '&':
			return entity(b, final)
		}
		return backslash(b, final)
	})
}

// each goes from one of the characters to the next and has it decoded: taken is
// how many bytes mean meaning, 0 for none, and more is true where there are not
// enough to tell.
func each(l *lane, characters string, decode func([]byte) (taken int, meaning []byte, more bool)) {
	b := l.fresh()
	next := make([]int, len(characters))
	for i := 0; i < len(b); {
		at := len(b)
		for n := range characters {
			if next[n] <= i && next[n] < len(b) {
				next[n] = len(b)
				if k := bytes.IndexByte(b[i:], characters[n]); k >= 0 {
					next[n] = i + k
				}
			}
			at = min(at, next[n])
		}
		l.raw(b[i:at])
		if at == len(b) {
			return
		}
		taken, meaning, more := decode(b[at:])
		switch {
		case more:
			return
		case taken == 0:
			l.raw(b[at : at+1])
			i = at + 1
		default:
			l.means(taken, meaning...)
			i = at + taken
		}
		for n := range next {
			if next[n] < i {
				next[n] = i // looked for anew
			}
		}
	}
}

// digits reads n hex digits at b[from:].
func digits(b []byte, from, n int, final bool) (value rune, ok, more bool) {
	for i := from; i < from+n; i++ {
		if i >= len(b) {
			return 0, false, !final
		}
		d := nibbles[b[i]]
		if d < 0 {
			return 0, false, false
		}
		value = value<<4 | rune(d)
	}
	return value, true, false
}

// nibbles are the values of hex digits, -1 for what is none.
var nibbles = func() (out [256]int8) {
	for i := range out {
		out[i] = -1
	}
	for i, c := range []byte("0123456789abcdef") {
		out[c] = int8(i)
	}
	for i, c := range []byte("ABCDEF") {
		out[c] = int8(10 + i)
	}
	return out
}()

func hexEscape(b []byte, from int, final bool) (int, []byte, bool) {
	v, ok, more := digits(b, from, 2, final)
	if !ok {
		return 0, nil, more
	}
	return from + 2, []byte{byte(v)}, false
}

var simple = map[byte]byte{'"': '"', '\'': '\'', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'a': '\a', 'v': '\v'}

func backslash(b []byte, final bool) (int, []byte, bool) {
	if len(b) < 2 {
		return 0, nil, !final
	}
	switch c := b[1]; {
	case c == 'x':
		return hexEscape(b, 2, final)
	case c == 'u':
		return unicode(b, final)
	case c >= '0' && c <= '3':
		if len(b) < 4 {
			return 0, nil, !final
		}
		if b[2] >= '0' && b[2] <= '7' && b[3] >= '0' && b[3] <= '7' {
			return 4, []byte{(c-'0')<<6 | (b[2]-'0')<<3 | (b[3] - '0')}, false
		}
	default:
		if meaning, known := simple[c]; known {
			return 2, []byte{meaning}, false
		}
	}
	return 0, nil, false
}

// unicode reads \uXXXX, with its second half where it is one of two (RFC 8259
// section 7).
func unicode(b []byte, final bool) (int, []byte, bool) {
	v, ok, more := digits(b, 2, 4, final)
	if !ok {
		return 0, nil, more
	}
	if !utf16.IsSurrogate(v) {
		return 6, utf8.AppendRune(nil, v), false
	}
	if second := []byte("\\u"); len(b) < 8 && !final && bytes.Equal(second[:len(b)-6], b[6:]) {
		return 0, nil, true
	}
	if len(b) >= 8 && b[6] == '\\' && b[7] == 'u' {
		low, ok, more := digits(b, 8, 4, final)
		if more {
			return 0, nil, true
		}
		if r := utf16.DecodeRune(v, low); ok && r != utf8.RuneError {
			return 12, utf8.AppendRune(nil, r), false
		}
	}
	return 6, utf8.AppendRune(nil, utf8.RuneError), false
}

// entity reads &name; and &#number;.
func entity(b []byte, final bool) (int, []byte, bool) {
	for i := 1; i < min(len(b), maxEscape); i++ {
		c := b[i]
		if c == ';' {
			text := string(b[:i+1])
			if meaning := html.UnescapeString(text); meaning != text {
				return i + 1, []byte(meaning), false
			}
			return 0, nil, false
		}
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c != '#' || i != 1) {
			return 0, nil, false
		}
	}
	return 0, nil, len(b) < maxEscape && !final
}

// squeeze drops what breaks a text without being part of it: line breaks with
// the white space after them, sequences that steer a terminal (ECMA-48 section
// 5.4), and characters without width.
func squeeze(l *lane, final bool) {
	if l.state == broken {
		b := l.fresh()
		n := blank(b)
		if n > 0 {
			l.means(n)
		}
		if n < len(b) {
			l.state = 0
		}
	}
	each(l, "\n\r\x1b\xe2\xef", func(b []byte) (int, []byte, bool) {
		switch b[0] {
		case '\n', '\r':
			n := blank(b)
			if n == len(b) {
				l.state = broken
			}
			return n, nil, false
		case 0x1b:
			return steering(b, final)
		}
		return widthless(b, final)
	})
}

// broken is the state of a lane within the white space after a line break.
const broken = 1

// blank is how much of b is line breaks and white space, from its beginning.
func blank(b []byte) int {
	for n, c := range b {
		if c != '\n' && c != '\r' && c != ' ' && c != '\t' {
			return n
		}
	}
	return len(b)
}

func steering(b []byte, final bool) (int, []byte, bool) {
	if len(b) < 2 {
		return 0, nil, !final
	}
	if b[1] != '[' {
		return 0, nil, false
	}
	for i := 2; i < min(len(b), maxEscape); i++ {
		switch c := b[i]; {
		case c >= 0x40 && c <= 0x7e:
			return i + 1, nil, false
		case c < 0x20 || c > 0x3f:
			return 0, nil, false
		}
	}
	return 0, nil, len(b) < maxEscape && !final
}

func widthless(b []byte, final bool) (int, []byte, bool) {
	if len(b) < 3 {
		return 0, nil, !final
	}
	switch r, n := utf8.DecodeRune(b); {
	case r >= 0x200b && r <= 0x200f, r >= 0x2060 && r <= 0x2064, r == 0xfeff:
		return n, nil, false
	}
	return 0, nil, false
}
