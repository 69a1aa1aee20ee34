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
// backslash as JSON, Go, C, Python, JavaScript and shells have them, HTML's
// entities, and quotes as shells, CSV and SQL have them within quotes.
func unescape(l *lane, final bool) {
	each(l, escaping, final, func(b []byte) (taken int, meaning []byte, more bool) {
		switch b[0] {
		case '%':
			return hexEscape(b, 1, final)
		case '&':
			return entity(b, final)
		case '"', '\'':
			return doubled(b, final)
		case '`':
			return symbol(b, final)
		case 0x1b: // the end of a terminal's link or title, and no escape
			if len(b) < 2 {
				return 0, nil, !final
			}
			return 2, []byte{0x1b, '\\'}, false
		}
		return backslash(b, final)
	})
}

// escaping are what an escape begins with, for unescape.
var escaping = []string{"%", "\\", "&", "`", `""`, "''", `'\'`, `'"'`, "\x1b\\"}

// quotings are how a quote is written within quotes: twice, and as shells write it.
var quotings = []string{`'\''`, `'"'"'`, "''", `""`}

func doubled(b []byte, final bool) (int, []byte, bool) {
	for _, q := range quotings {
		if n := min(len(b), len(q)); string(b[:n]) == q[:n] {
			if n == len(q) {
				return n, []byte{q[0]}, false
			}
			if !final {
				return 0, nil, true
			}
		}
	}
	return 0, nil, false
}

// symbol reads what stands before a symbol that would mean something without it.
func symbol(b []byte, final bool) (int, []byte, bool) {
	if len(b) < 2 {
		return 0, nil, !final
	}
	if c := b[1]; c > ' ' && c < 0x7f && !alphanumeric(c) && c != b[0] || c == ' ' {
		return 2, []byte{c}, false
	}
	return 0, nil, false
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
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
	case c == 'u' && (len(b) < 3 || b[2] == '{'):
		return braced(b, final)
	case c == 'u':
		return unicodeEscape(b, final)
	case c == 'U':
		return longUnicode(b, final)
	case c == '0' && bytes.HasPrefix([]byte(zeros), b[2:min(len(b), 2+len(zeros))]):
		return ofCSS(b, final)
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
		return symbol(b, final)
	}
	return 0, nil, false
}

// zeros are those of an escape of CSS that has six digits, after the first.
const zeros = "000"

// ofCSS reads \000041 and a blank after it (CSS Syntax 4.3.7), which is \000 in C where
// less of it is there.
func ofCSS(b []byte, final bool) (int, []byte, bool) {
	v, ok, more := digits(b, 1, 6, final)
	switch {
	case more:
		return 0, nil, true
	case ok && v > 0:
		return 7, utf8.AppendRune(nil, v), false
	case len(b) >= 4 && b[3] == '0':
		return 4, []byte{0}, false
	}
	return 0, nil, false
}

// braced reads \u{41}, of up to six digits.
func braced(b []byte, final bool) (int, []byte, bool) {
	var v rune
	for i := 3; i < len(b) && i <= 9; i++ {
		d := nibbles[b[i]]
		if d < 0 {
			if b[i] == '}' && i > 3 {
				return i + 1, utf8.AppendRune(nil, v), false
			}
			return 0, nil, false
		}
		v = v<<4 | rune(d)
	}
	return 0, nil, len(b) <= 9 && !final
}

// longUnicode reads \U0001f511.
func longUnicode(b []byte, final bool) (int, []byte, bool) {
	v, ok, more := digits(b, 2, 8, final)
	if !ok {
		return 0, nil, more
	}
	return 10, utf8.AppendRune(nil, v), false
}

// unicodeEscape reads \uXXXX, with its second half where it is one of two (RFC 8259
// section 7).
func unicodeEscape(b []byte, final bool) (int, []byte, bool) {
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

// entity reads &name; and &#number;, the second also without its end.
func entity(b []byte, final bool) (int, []byte, bool) {
	number := len(b) > 1 && b[1] == '#'
	hex := number && len(b) > 2 && (b[2] == 'x' || b[2] == 'X')
	for i := 1; i < min(len(b), maxEscape); i++ {
		c := b[i]
		if c == ';' {
			text := string(b[:i+1])
			if meaning := html.UnescapeString(text); meaning != text {
				return i + 1, []byte(meaning), false
			}
			return 0, nil, false
		}
		if c == '#' && i == 1 || hex && i == 2 {
			continue
		}
		if number && (hex && nibbles[c] < 0 || !hex && (c < '0' || c > '9')) {
			return unended(b[:i])
		}
		if !alphanumeric(c) {
			return 0, nil, false
		}
	}
	switch {
	case len(b) >= maxEscape:
		return 0, nil, false
	case final && number:
		return unended(b)
	}
	return 0, nil, !final
}

// unended is a number whose semicolon is not there.
func unended(b []byte) (int, []byte, bool) {
	text := string(b) + ";"
	if meaning := html.UnescapeString(text); meaning != text {
		return len(b), []byte(meaning), false
	}
	return 0, nil, false
}
