// Package shell writes words for a POSIX shell, so that a command that is shown to a
// person can be pasted and does what it says: a name that somebody chose, with a
// semicolon in it, stays a name.
//
//	hint := "hotcell assignments attach " + shell.Quote(name) + " CREDENTIAL"
package shell

import "strings"

// plain are the bytes, beside letters and digits, that no shell takes for anything
// but themselves wherever they stand in a word. A leading tilde or equals sign it does.
const plain = "_-./:@%+,"

// Quote is a text as one word: as it is where that is safe, else in single quotes
// (POSIX.1-2024, Shell Command Language 2.2.2). Control characters, which a terminal
// might act on and which end the line, are written as $'…' would read them.
func Quote(text string) string {
	switch {
	case strings.ContainsFunc(text, control):
		return escaped(text)
	case text != "" && !strings.ContainsFunc(text, special):
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

func special(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(plain, r)
}

func control(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }

// escaped writes $'…' (POSIX.1-2024, 2.2.4), byte by byte.
func escaped(text string) string {
	const digits = "01234567"
	var out strings.Builder
	out.WriteString("$'")
	for _, b := range []byte(text) {
		switch {
		case b == '\'' || b == '\\':
			out.WriteByte('\\')
			out.WriteByte(b)
		case b < ' ' || b >= 0x7f:
			out.Write([]byte{'\\', digits[b>>6], digits[b>>3&7], digits[b&7]})
		default:
			out.WriteByte(b)
		}
	}
	return out.String() + "'"
}
