package hotcell

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

var serviceSlug = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,62}[a-z0-9])?$`)

// CheckName says whether a credential's name is 1 to 128 characters of text in
// one line.
func CheckName(name string) error {
	switch n := utf8.RuneCountInString(name); {
	case n < 1 || n > MaxName:
		return Invalid("/name", "a name has 1 to %d characters", MaxName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, steers):
		return Invalid("/name", "a name is text in one line, without control characters")
	case strings.TrimSpace(name) != name:
		return Invalid("/name", "a name does not begin or end with white space")
	}
	return nil
}

// steers says whether a rune ends a line or steers a terminal: names are
// printed in lists.
func steers(r rune) bool {
	return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029
}

// CheckService says whether a service is a slug, or empty.
func CheckService(slug string) error {
	if slug != "" && !serviceSlug.MatchString(slug) {
		return Invalid("/service", "a service is a slug of lower-case letters, digits, dots and hyphens, such as stripe or api.acme.test")
	}
	return nil
}
