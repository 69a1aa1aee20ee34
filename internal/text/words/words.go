// Package words makes what strangers wrote fit to be read: the descriptions of a
// service's tools, the names of accounts, what an agent says when it asks for
// something. People and agents get the same text from it.
//
// It guards that nothing is in such a text that its reader cannot see: characters
// that draw nothing, turn the line around, steer a terminal, or pass for others
// are written as \u{…}. It does not judge what a text says. It is pure, and a text
// that went through it comes out of it unchanged. One way to use it:
//
//	fmt.Println(words.Line(tool.Description, 200))
//	fmt.Println(words.Name(account), words.Host(host))
package words

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// The bounds of what is written out of what cannot be seen.
const (
	// maxRun is how many hidden characters in a row are written one by one; of more,
	// their number is told.
	maxRun = 8
	// maxMarks is how many marks may stand on one letter: no script needs more.
	maxMarks = 4
)

// Plain is a text of several lines in which all can be seen. Line breaks and tabs
// stay; other blanks become spaces. What belongs to a picture character and draws
// nothing by itself is left out.
func Plain(s string) string {
	if ascii(s) {
		return s
	}
	return plain([]rune(strings.ToValidUTF8(s, string(unicode.ReplacementChar))))
}

func plain(runes []rune) string {
	var out strings.Builder
	mixed := lookalikes(runes)
	marks := 0
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		if unicode.In(r, unicode.Mn, unicode.Me) && !Hidden(r) {
			marks++
		} else {
			marks = 0
		}
		switch {
		case ofPicture(runes, i):
		case Hidden(r):
			i += run(&out, runes[i:]) - 1
		case mixed[i] || marks > maxMarks:
			escape(&out, r)
		case r > unicode.MaxASCII && unicode.Is(unicode.Zs, r):
			out.WriteByte(' ')
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// run writes the hidden characters that a text begins with, and returns how many
// there are.
func run(out *strings.Builder, runes []rune) (n int) {
	for n < len(runes) && Hidden(runes[n]) {
		if n < maxRun {
			escape(out, runes[n])
		}
		n++
	}
	if n > maxRun {
		fmt.Fprintf(out, `\u{… and %d more that cannot be seen}`, n-maxRun)
	}
	return n
}

func escape(out *strings.Builder, r rune) { fmt.Fprintf(out, `\u{%x}`, r) }

// ascii says whether a text is of ASCII that can be seen alone, as most are.
func ascii(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// Line is [Plain] in one line that has so many characters at most, without spaces
// around and with one between words. What is longer ends in an ellipsis.
func Line(s string, most int) string {
	if len(s) > most*utf8.UTFMax {
		s = s[:most*utf8.UTFMax] // the rest cannot be shown, and need not be read
	}
	return Clip(strings.Join(strings.Fields(Plain(s)), " "), most)
}

// Clip is a text that has so many characters at most; what is longer ends in an ellipsis.
func Clip(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:max(most-1, 0)])) + "…"
}

// Name is what somebody or something is known by, in one line, where a reader
// decides by it: all beyond ASCII is written as \u{…}, so that no two names look
// alike.
func Name(s string) string {
	var out strings.Builder
	for _, r := range s {
		if r < ' ' || r >= 0x7f {
			escape(&out, r)
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}

// Host is a host's name as it is on the wire (RFC 5890): ASCII, whatever it is
// written in.
func Host(s string) string {
	if ascii(s) {
		return Name(s)
	}
	if wire, err := idna.Punycode.ToASCII(s); err == nil && ascii(wire) {
		return Name(wire)
	}
	return Name(s)
}
