package wayin

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// fixedMark parts a field's name from the value that it must have.
const fixedMark = "="

// copied is how a copy of a stand-in is told; no [word] is like it.
const copied = "(what stands in)"

// told is how a field is written down that takes no value of the login: with what it
// says, where that is a word, a flag or a text by which a site tells what is meant
// ("action=comment", GraphQL's query), and without where it may be of the moment.
// A copy of what stands in for the login is told as one: it is another one each time.
func told(f field, username string, words Words) string {
	name := nameOf(f)
	switch {
	case words.are(f.value):
		return name + fixedMark + copied
	case username != "" && strings.EqualFold(string(f.value), username):
	case word(f.value), flag.Match(f.value):
		return name + fixedMark + string(f.value)
	case bytes.ContainsAny(f.value, " \t\r\n") && len(f.value) <= maxProse:
		sum := sha256.Sum256(f.value)
		return name + fixedMark + "sha256:" + hex.EncodeToString(sum[:16])
	}
	return name
}

// nameOf is a field's name, without the mark.
func nameOf(f field) string { return strings.ReplaceAll(f.name, fixedMark, "%3D") }

// maxProse is how long a text may be that is always the same, in bytes.
const maxProse = 64 << 10

var (
	// words are letters, with what identifiers have within them.
	words = regexp.MustCompile(`^[A-Za-z_/][A-Za-z0-9_./:$@-]{0,63}$`)
	// runs are what such parts are apart from.
	runs = regexp.MustCompile(`[A-Za-z0-9]+`)
	// flag and small are numbers that choose something.
	flag  = regexp.MustCompile(`^[0-9]{1,2}$`)
	small = regexp.MustCompile(`^[0-9]{1,4}$`)
)

// The bounds of a word: one that is longer in a stretch, or has more digits, is a
// token.
const (
	maxRun    = 20
	maxDigits = 4
)

// word says whether a value is a name that somebody chose, and no token.
func word(value []byte) bool {
	if !words.Match(value) {
		return false
	}
	digits := 0
	for _, c := range value {
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	if digits > maxDigits {
		return false
	}
	for _, run := range runs.FindAll(value, -1) {
		if len(run) > maxRun {
			return false
		}
	}
	return true
}
