package guard

import (
	"bytes"
	"encoding/binary"
	"html"
	uni "unicode"
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
		}
		return backslash(b, final)
	})
}

// escaping are what an escape begins with, for unescape.
var escaping = []string{"%", "\\", "&", "`", `""`, "''", `'\'`, `'"'`}

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

// each goes from one of the triggers to the next and has it decoded: taken is
// how many bytes mean meaning, 0 for none, and more is true where there are not
// enough to tell. A trigger that b ends within waits for its rest.
func each(l *lane, triggers []string, final bool, decode func([]byte) (taken int, meaning []byte, more bool)) {
	b := l.fresh()
	var next [maxTriggers]int
	for n := range triggers {
		next[n] = trigger(b, 0, triggers[n], final)
	}
	for i := 0; i < len(b); {
		at := len(b)
		for n, t := range triggers {
			if next[n] < i {
				next[n] = trigger(b, i, t, final)
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
	}
}

// maxTriggers is how many triggers there are at most.
const maxTriggers = 16

// trigger is where one is next from i on, if only in part at the end of b.
func trigger(b []byte, i int, t string, final bool) int {
	if len(t) == 1 {
		if k := bytes.IndexByte(b[i:], t[0]); k >= 0 {
			return i + k
		}
		return len(b)
	}
	if k := bytes.Index(b[i:], []byte(t)); k >= 0 {
		return i + k
	}
	for n := min(len(t)-1, len(b)-i); n > 0 && !final; n-- {
		if string(b[len(b)-n:]) == t[:n] {
			return len(b) - n
		}
	}
	return len(b)
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
		return unicode(b, final)
	case c == 'U':
		return longUnicode(b, final)
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

// squeeze drops what breaks a text without being part of it: line breaks with
// the white space after them, sequences that steer a terminal (ECMA-48 sections
// 5.4 and 5.6), NULs, and characters that are not seen.
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
	each(l, breaking(l.fresh()), final, func(b []byte) (int, []byte, bool) {
		switch b[0] {
		case '\n', '\r':
			n := blank(b)
			if n == len(b) {
				l.state = broken
			}
			return n, nil, false
		case 0:
			return 1, nil, false
		case 0x1b:
			return steering(b, final)
		}
		return unseen(b, final)
	})
}

// breaking are what a break begins with, for squeeze: in text that is ASCII
// alone, no character can be one that is not seen.
func breaking(b []byte) []string {
	for len(b) >= 8 {
		if binary.LittleEndian.Uint64(b)&0x8080808080808080 != 0 {
			return breaksOfAll
		}
		b = b[8:]
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return breaksOfAll
		}
	}
	return breaksOfASCII
}

var (
	breaksOfASCII = []string{"\n", "\r", "\x1b", "\x00"}
	breaksOfAll   = []string{"\n", "\r", "\x1b", "\x00", "\xc2", "\xcd", "\xd8", "\xdb", "\xdc", "\xe0", "\xe1", "\xe2", "\xe3", "\xef", "\xf0", "\xf3"}
)

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
	if b[1] == ']' {
		return command(b, final)
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

// maxCommand is how long a command to a terminal may be that is dropped.
const maxCommand = 256

// command reads a title or a link for a terminal, up to its end.
func command(b []byte, final bool) (int, []byte, bool) {
	for i := 2; i < min(len(b), maxCommand); i++ {
		switch c := b[i]; {
		case c == 7:
			return i + 1, nil, false
		case c == 0x1b && i+1 < len(b) && b[i+1] == '\\':
			return i + 2, nil, false
		case c == 0x1b && i+1 == len(b) && !final:
			return 0, nil, true
		case c < 0x20:
			return 0, nil, false
		}
	}
	return 0, nil, len(b) < maxCommand && !final
}

// unseen reads a character that has no picture of its own (Unicode's category Cf,
// and Default_Ignorable_Code_Point).
func unseen(b []byte, final bool) (int, []byte, bool) {
	if !utf8.FullRune(b) {
		return 0, nil, !final
	}
	if r, n := utf8.DecodeRune(b); n > 1 && (uni.Is(uni.Cf, r) || uni.Is(uni.Other_Default_Ignorable_Code_Point, r) || uni.Is(uni.Variation_Selector, r)) {
		return n, nil, false
	}
	return 0, nil, false
}
