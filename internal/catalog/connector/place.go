package connector

import (
	"net/url"
	"slices"
	"strings"

	"hotcell"
)

// errValue is told where a value does not fit its place: no call is made then.
var errValue = hotcell.Invalid("/arguments", "an argument cannot be put into the request: it is empty, or has characters that may not be there")

// same writes a value as it is.
func same(s string) (string, error) { return s, nil }

func steering(r rune) bool { return r < ' ' || r == 0x7f }

// segment writes a value as one path segment (RFC 3986 section 3.3), in which
// nothing steers, also for a server that decodes before it splits, or twice: no
// slash, no dot segment, nothing empty.
func segment(s string) (string, error) {
	if strings.Contains(settled(s), "/") {
		return "", errValue
	}
	return slashed(s)
}

// slashed writes a value as one path segment, for a place whose values may hold
// a slash: it is encoded. Dot segments are not taken there either.
func slashed(s string) (string, error) {
	meant := settled(s)
	if meant == "" || strings.Contains(meant, `\`) || strings.ContainsFunc(meant, steering) || !straight(meant) {
		return "", errValue
	}
	return url.PathEscape(s), nil
}

// rounds bounds how often a text is decoded.
const rounds = 4

// settled is a text as it is once nobody can decode it any further; empty where
// that takes too long.
func settled(s string) string {
	for range rounds {
		once := decoded(s)
		if once == s {
			return s
		}
		s = once
	}
	return ""
}

// decoded undoes percent-encoding once; what is no such code stays.
func decoded(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, err := url.PathUnescape(s[i : i+3]); err == nil {
				out.WriteString(c)
				i += 2
				continue
			}
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

// straight says whether a path has no dot segments, parameters of a segment put
// aside.
func straight(path string) bool {
	return !slices.ContainsFunc(strings.Split(path, "/"), func(one string) bool {
		name, _, _ := strings.Cut(one, ";")
		return name == "." || name == ".."
	})
}

// headerValue takes a value that arrives in a header as it is.
func headerValue(s string) (string, error) {
	if strings.ContainsFunc(s, steering) || strings.TrimSpace(s) != s {
		return "", errValue
	}
	return s, nil
}

// headerText takes a value of characters that are the same in every charset.
func headerText(s string) (string, error) {
	if strings.ContainsFunc(s, func(r rune) bool { return r > '~' }) {
		return "", errValue
	}
	return headerValue(s)
}

// partName takes a name within a multipart form: what readers of such a form
// take in different ways is not taken.
func partName(s string) (string, error) {
	if strings.ContainsAny(s, `"\/`) || strings.ContainsFunc(s, steering) {
		return "", errValue
	}
	return s, nil
}
