package guard

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"
)

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
	if r, n := utf8.DecodeRune(b); n > 1 && (unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) || unicode.Is(unicode.Variation_Selector, r)) {
		return n, nil, false
	}
	return 0, nil, false
}
