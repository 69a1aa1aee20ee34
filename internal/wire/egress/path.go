package egress

import (
	"net/url"
	"slices"
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

// plainPath looks at one reading of a path; decoded is true where it is not as it
// was written. One encoded slash is data of its segment to some servers, and a
// slash to others: without a rule on paths both are the same, and [MatchPaths]
// takes it for both. One that is encoded twice is nobody's.
func plainPath(text string, decoded bool) error {
	lower := strings.ToLower(text)
	switch {
	case decoded && strings.Contains(lower, "%2f"):
		return ambiguous("holds a slash that is encoded twice")
	case strings.Contains(lower, "%5c") || strings.Contains(text, "\\"):
		return ambiguous("holds a backslash")
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

// Open is a segment of a pattern that stands for one segment, which may hold
// encoded slashes: the service takes them for data.
const Open = "*+"

// MatchPath says whether a path is one of a pattern's; see [MatchPaths].
func MatchPath(pattern, path string) bool { return MatchPaths([]string{pattern}, path) }

// MatchPaths says whether a path is one of some patterns': segment by segment, "*"
// for one, "*+" for one that may hold encoded slashes, and "**" for any rest. Both
// are compared decoded. What services read in several ways must be a pattern's in
// each: an encoded slash as data of its segment and as a slash, and empty segments
// as they are and left out.
func MatchPaths(patterns []string, path string) bool {
	raw := strings.Split(path, "/")
	asData, fits := decoded(raw)
	if !fits {
		return false
	}
	for _, p := range patterns {
		if strings.Contains(p, Open) && matchOpen(strings.Split(p, "/"), raw, asData) {
			return true
		}
	}
	asSlashes := strings.Split(strings.Join(asData, "/"), "/")
	for _, reading := range [][]string{asData, asSlashes, merged(asData), merged(asSlashes)} {
		if !slices.ContainsFunc(patterns, func(p string) bool { return match(strings.Split(p, "/"), reading) }) {
			return false
		}
	}
	return true
}

func decoded(raw []string) (out []string, ok bool) {
	for _, segment := range raw {
		text, err := url.PathUnescape(segment)
		if err != nil {
			return nil, false
		}
		out = append(out, text)
	}
	return out, true
}

// merged leaves empty segments out, but for the first and the last.
func merged(segments []string) (out []string) {
	for i, segment := range segments {
		if segment != "" || i == 0 || i == len(segments)-1 {
			out = append(out, segment)
		}
	}
	return out
}

// matchOpen matches a pattern that says itself which segments may hold slashes:
// no other does, but in the rest, and none is empty.
func matchOpen(want, raw, have []string) bool {
	for i, segment := range have {
		rest := i >= len(want)-1 && want[len(want)-1] == "**"
		open := i < len(want) && want[i] == Open
		if segment == "" && i > 0 && i < len(have)-1 || !open && !rest && raw[i] != segment && strings.Contains(segment, "/") {
			return false
		}
	}
	return match(want, have)
}

func match(want, have []string) bool {
	for i, w := range want {
		if w == "**" && i == len(want)-1 {
			return true
		}
		if i >= len(have) {
			return false
		}
		wild := w == "*" || w == Open
		if wild && have[i] == "" || !wild && have[i] != w {
			return false
		}
	}
	return len(have) == len(want)
}
