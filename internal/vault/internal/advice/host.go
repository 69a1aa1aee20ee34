package advice

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"hotcell/internal/text/site"
)

// mailbox is an address of mail, near enough: what is before the @ is not looked at.
var mailbox = regexp.MustCompile(`^[A-Za-z0-9._%+-]+@([A-Za-z0-9.-]+)$`)

// hostOf reads a host out of what was typed; "" where there is none. A token with dots
// in it is none: an answer about it would repeat it.
func hostOf(what string) string {
	text := what
	if m := mailbox.FindStringSubmatch(text); m != nil {
		text = m[1]
	}
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		text = u.Hostname()
	} else {
		text, _, _ = strings.Cut(text, "/")
		text, _, _ = strings.Cut(text, ":")
	}
	if !hostLike(text) {
		return ""
	}
	host, err := site.Host(text)
	if err != nil {
		return ""
	}
	return host
}

// domain is what a host's last part is: letters, or what IDNA made of them.
var domain = regexp.MustCompile(`(?i)^(\pL{2,24}|xn--[a-z0-9-]{2,59})$`)

// hostLike says whether a text is written as hosts are, and not as tokens.
func hostLike(text string) bool {
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	parts := strings.Split(strings.TrimSuffix(text, "."), ".")
	if len(parts) < 2 || !domain.MatchString(parts[len(parts)-1]) {
		return false
	}
	return !slices.ContainsFunc(parts, mixed)
}

// mixed says whether capitals come after small letters or digits, as nobody writes a
// host: Example.com is one, sG3kX is none.
func mixed(part string) bool {
	small := false
	for _, r := range part {
		if small && unicode.IsUpper(r) {
			return true
		}
		small = small || unicode.IsLower(r) || unicode.IsDigit(r)
	}
	return false
}

// leastToken is how long a text is, in bytes, that may be a token of nobody known.
const leastToken = 16

// looksRandom says whether a text looks like a token: long, in one word, and with
// digits.
func looksRandom(text string) bool {
	return len(text) >= leastToken && !strings.ContainsFunc(text, unicode.IsSpace) && strings.ContainsFunc(text, unicode.IsDigit)
}
