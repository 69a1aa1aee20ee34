package site

import (
	"net/url"
	"regexp"
	"strings"
)

// maxStart is how long the address of a page to sign in on is, in bytes.
const maxStart = 300

// plain is a part of an address that names a page, and nothing that is good once or
// tells who somebody is: what a password manager keeps of where it saw a form may have
// such.
var plain = regexp.MustCompile(`^[A-Za-z0-9_.~!$@:+%-]{0,40}$`)

// startOf is the page that a login's address names, within its site; empty for the
// first one.
func startOf(u *url.URL) string {
	out := u.EscapedPath()
	for part := range strings.SplitSeq(out, "/") {
		if !nameable(part) {
			return ""
		}
	}
	if out == "" {
		out = "/"
	}
	if u.RawQuery != "" {
		for pair := range strings.SplitSeq(u.RawQuery, "&") {
			name, value, _ := strings.Cut(pair, "=")
			if !nameable(name) || !nameable(value) || len(value) > maxWord {
				return trimmed(out)
			}
		}
		out += "?" + u.RawQuery
	}
	// Pages of one document have their addresses behind the hash sign.
	if route, found := strings.CutPrefix(u.EscapedFragment(), "/"); found || strings.HasPrefix(u.EscapedFragment(), "!/") {
		for part := range strings.SplitSeq(route, "/") {
			if !nameable(part) {
				return trimmed(out)
			}
		}
		out += "#" + u.EscapedFragment()
	}
	return trimmed(out)
}

func trimmed(start string) string {
	if start == "/" || len(start) > maxStart {
		return ""
	}
	return start
}

// The bounds of what names a page.
const (
	maxWord   = 24
	maxDigits = 6
)

func nameable(part string) bool {
	digits := 0
	for _, c := range part {
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	return digits <= maxDigits && plain.MatchString(part)
}
