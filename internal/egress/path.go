package egress

import (
	"net/url"
	"strings"

	"hotcell"
)

// CheckPath refuses a request's target that two servers could read in two ways:
// where a credential goes on, a path must mean what it says. The errors are
// [hotcell.ErrInvalid], and hold nothing of the path.
func CheckPath(uri string) error {
	raw := path(uri)
	if raw == "*" {
		return nil
	}
	if !strings.HasPrefix(raw, "/") {
		return ambiguous("does not begin with a slash")
	}
	for _, c := range []byte(uri) {
		if c <= ' ' || c == 0x7f {
			return ambiguous("holds white space or control characters")
		}
	}
	// Encodings of encodings are undone by some servers, so they are looked at too.
	for text, depth := raw, 0; ; depth++ {
		if err := plainPath(text, depth > 0); err != nil {
			return err
		}
		next, err := url.PathUnescape(text)
		if err != nil {
			if depth > 0 {
				return nil // what was decoded is text that has a % in it
			}
			return ambiguous("is not percent-encoded as it should be")
		}
		if next == text {
			return nil
		}
		if depth == maxUnescape {
			return ambiguous("is percent-encoded many times over")
		}
		text = next
	}
}

// maxUnescape is how many times over a path is decoded to be looked at.
const maxUnescape = 3

func ambiguous(what string) error { return hotcell.Invalid("", "the path %s", what) }

// plainPath looks at one reading of a path; decoded is true where slashes in it
// may have been encoded ones.
func plainPath(text string, decoded bool) error {
	lower := strings.ToLower(text)
	switch {
	case strings.Contains(lower, "%2f") || strings.Contains(lower, "%5c"):
		return ambiguous("holds an encoded slash")
	case strings.ContainsAny(text, "\\"):
		return ambiguous("holds a backslash")
	case strings.Contains(text, "//"):
		return ambiguous("holds an empty segment")
	case strings.Contains(text, ";") || strings.Contains(lower, "%3b"):
		return ambiguous("holds a semicolon")
	case !decoded && strings.Contains(text, "#"):
		return ambiguous("holds a fragment")
	}
	for _, c := range []byte(text) {
		if c < ' ' || c == 0x7f {
			return ambiguous("holds control characters")
		}
	}
	for segment := range strings.SplitSeq(text, "/") {
		if segment == "." || segment == ".." {
			return ambiguous("holds dot segments")
		}
	}
	return nil
}

// MatchPath says whether a path is one of a pattern's: segment by segment, "*"
// for one and "**" for any rest. Both are compared decoded.
func MatchPath(pattern, path string) bool {
	want, have := strings.Split(pattern, "/"), strings.Split(path, "/")
	for i, w := range want {
		if w == "**" && i == len(want)-1 {
			return true
		}
		if i >= len(have) {
			return false
		}
		segment, err := url.PathUnescape(have[i])
		if err != nil || w == "*" && segment == "" || w != "*" && segment != w {
			return false
		}
	}
	return len(have) == len(want)
}
