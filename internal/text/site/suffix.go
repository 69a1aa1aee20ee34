package site

import (
	_ "embed"
	"strings"
)

// suffixes are the rules of the public suffix list, a line each, sorted, after a
// first line that says of which day they are (scripts/suffixes.sh writes them). They
// are searched as they lie there: a process that asks nothing pays nothing.
//
//go:embed suffixes.txt
var suffixes string

// SuffixesOf is the day of the public suffix list that this program carries, as in
// 2026-11-25.
func SuffixesOf() string {
	first, _, _ := strings.Cut(suffixes, "\n")
	return first[strings.LastIndexByte(first, ' ')+1:]
}

// Suffixes is the public suffix list as net/http/cookiejar asks for it.
type Suffixes struct{}

// PublicSuffix is what comes after the part of a name that one owner registered.
func (Suffixes) PublicSuffix(name string) string {
	suffix, _ := suffixOf(name)
	return suffix
}

// String names the list.
func (Suffixes) String() string { return "publicsuffix.org of " + SuffixesOf() }

// suffixOf is the public suffix of a name in its normal form, by the list's own
// algorithm (publicsuffix.org/list): an exception wins, then the longest rule.
// listed is false where only the rule for all that is on no list applies: its last
// label.
func suffixOf(name string) (suffix string, listed bool) {
	for rest := name; ; {
		_, parent, more := strings.Cut(rest, ".")
		switch {
		case more && rule("!"+rest):
			return parent, true
		case rule(rest), more && rule("*."+parent):
			return rest, true
		case !more:
			return rest, false
		}
		rest = parent
	}
}

// shared says whether different owners have names below this one: it is on the list,
// or all that is right below it is (ck, by *.ck).
func shared(name string) bool {
	suffix, listed := suffixOf(name)
	below, _ := suffixOf("x." + name)
	return listed && suffix == name || below == "x."+name
}

// rule says whether the list has a rule.
func rule(text string) bool {
	_, rules, _ := strings.Cut(suffixes, "\n")
	for len(rules) > 0 {
		middle := strings.LastIndexByte(rules[:len(rules)/2], '\n') + 1
		line, after, _ := strings.Cut(rules[middle:], "\n")
		line, _, _ = strings.Cut(line, "\t") // the mark of the private half
		switch strings.Compare(text, line) {
		case 0:
			return true
		case -1:
			rules = rules[:middle]
		default:
			rules = after
		}
	}
	return false
}
