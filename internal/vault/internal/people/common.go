package people

import (
	"bytes"
	_ "embed"
	"strings"
	"unicode"
)

// list is what passwords are made of most often, and what guesses begin with.
//
//go:embed words.txt
var list []byte

// words are the list's, in the form of [plain].
func words() [][]byte { return bytes.Fields(plain(list)) }

// common says whether a password is one of those that are guessed first: little but the
// account's name, a word of the list, a row of keys or a few characters, said again,
// counted on or put together.
func common(password []byte, name string) bool {
	letters := plain(password)
	defer clear(letters)
	for _, word := range append([][]byte{plain([]byte(name))}, words()...) {
		if len(word) >= 3 {
			letters = bytes.ReplaceAll(letters, word, nil)
		}
	}
	return min(surprises(letters), surprises(bytes.ToLower(password))) < leastSurprises
}

// leastSurprises is how many characters a password has at least that do not follow from
// what stands before them, once common words are out of it.
const leastSurprises = 5

// surprises counts the characters that are not one of the two before them, and not the
// next in the alphabet, the digits or a row of keys.
func surprises(letters []byte) (n int) {
	seen := map[byte]bool{}
	for i, b := range letters {
		if seen[b] || i > 0 && follows(letters[i-1], b) {
			continue
		}
		seen[b] = true
		n++
	}
	return n
}

func follows(a, b byte) bool {
	if b == a+1 || b+1 == a {
		return true
	}
	for _, row := range []string{"qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc4rfv5tgb", "azertyuiop", "qwertzuiop"} {
		at := strings.IndexByte(row, a)
		if at >= 0 && (at+1 < len(row) && row[at+1] == b || at > 0 && row[at-1] == b) {
			return true
		}
	}
	return false
}

// plain is a text in lower case, with digits and signs that stand for letters as those.
func plain(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for _, r := range string(text) {
		r = unicode.ToLower(r)
		switch r {
		case '0':
			r = 'o'
		case '1', '!', '|':
			r = 'i'
		case '3':
			r = 'e'
		case '4', '@':
			r = 'a'
		case '5', '$':
			r = 's'
		case '7':
			r = 't'
		}
		out = append(out, string(r)...)
	}
	return out
}
