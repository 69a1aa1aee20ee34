package connection

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"hotcell"
)

// token is RFC 9110's, section 5.6.2.
var token = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$")

// forbidden are headers that say how a message is read, or where it goes.
var forbidden = []string{
	"host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "expect", "content-type", "content-encoding",
	"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via", "cookie", "date", "http2-settings",
}

// checkAuth says whether a key can go onto requests so.
func checkAuth(a hotcell.Auth) error {
	lower := strings.ToLower(a.Name)
	switch a.Kind {
	case "header":
		if !token.MatchString(a.Name) {
			return hotcell.Invalid("/http/auth/name", "which header does the key go into? A name such as X-Api-Key")
		}
		if slices.Contains(forbidden, lower) || strings.HasPrefix(lower, "proxy-") || strings.HasPrefix(lower, "hotcell-") {
			return hotcell.Invalid("/http/auth/name", "no key goes into this header: it says how a message is read, or where it goes")
		}
	case "query":
		if a.Name == "" || len(a.Name) > 128 || unprintable(a.Name) {
			return hotcell.Invalid("/http/auth/name", "which query parameter does the key go into? A name such as api_key")
		}
	case "cookie":
		if !token.MatchString(a.Name) {
			return hotcell.Invalid("/http/auth/name", "which cookie does the key go into? A name such as session")
		}
	case "bearer", "basic", "sigv4":
		if a.Name != "" {
			return hotcell.Invalid("/http/auth/name", "this kind has no name: it goes into the header Authorization")
		}
	default:
		return hotcell.Invalid("/http/auth/kind", "a key goes onto requests as bearer, basic, header, query, cookie or sigv4")
	}
	return checkParts(a)
}

// checkParts refuses what does not belong to the kind.
func checkParts(a hotcell.Auth) error {
	for _, part := range []struct{ name, text, kind string }{
		{"prefix", a.Prefix, "header"}, {"user", a.User, "basic"}, {"access_key_id", a.AccessKeyID, "sigv4"}, {"region", a.Region, "sigv4"}, {"service", a.Service, "sigv4"},
	} {
		switch {
		case part.text == "":
		case a.Kind != part.kind:
			return hotcell.Invalid("/http/auth/"+part.name, "this belongs to the kind %s", part.kind)
		case len(part.text) > 128 || unprintable(part.text) || part.name == "user" && strings.Contains(part.text, ":"):
			return hotcell.Invalid("/http/auth/"+part.name, "this has at most 128 printable ASCII characters, and a user no colon")
		}
	}
	return nil
}

func unprintable(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// normalise returns a copy of the key in the form in which it is kept.
func normalise(a hotcell.Auth, key []byte) ([]byte, error) {
	if a.Kind == "sigv4" {
		return normaliseAWS(a, key)
	}
	least := byte('!')
	if a.Kind == "basic" || a.Kind == "query" || a.Kind == "header" {
		least = ' '
	}
	if bytes.ContainsFunc(key, func(r rune) bool { return r < rune(least) || r > '~' }) {
		return nil, hotcell.Invalid("/key", "a key of this kind is printable ASCII, in one line")
	}
	switch {
	case a.Kind == "cookie" && bytes.ContainsAny(key, `",;\`):
		return nil, hotcell.Invalid("/key", "a cookie's value has none of \" , ; \\")
	case a.Kind == "basic" && a.User == "" && bytes.IndexByte(key, ':') < 1:
		return nil, hotcell.Invalid("/key", "a key of this kind is user:password, or the password where the user is given")
	case len(bytes.TrimSpace(key)) != len(key):
		return nil, hotcell.Invalid("/key", "a key does not begin or end with white space")
	}
	return bytes.Clone(key), nil
}

// normaliseAWS takes the forms that package inject reads: the secret access key
// where its id is given, ID:SECRET, or JSON as `aws sts` prints it.
func normaliseAWS(a hotcell.Auth, key []byte) ([]byte, error) {
	wrong := hotcell.Invalid("/key", "a key for sigv4 is ID:SECRET, the JSON that aws sts prints, or the secret alone where access_key_id is given")
	key = bytes.TrimSpace(key)
	if !bytes.HasPrefix(key, []byte("{")) {
		id, secret, pair := bytes.Cut(key, []byte(":"))
		if bytes.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) || pair && (len(id) == 0 || len(secret) == 0) || !pair && a.AccessKeyID == "" {
			return nil, wrong
		}
		return bytes.Clone(key), nil
	}
	type keys struct{ AccessKeyID, SecretAccessKey, SessionToken string }
	var parsed struct {
		keys
		Credentials keys
	}
	whole := func(k keys) bool {
		return k.AccessKeyID != "" && k.SecretAccessKey != "" && !unprintable(k.AccessKeyID+k.SecretAccessKey+k.SessionToken)
	}
	var compact bytes.Buffer
	if json.Unmarshal(key, &parsed) != nil || !whole(parsed.keys) && !whole(parsed.Credentials) || json.Compact(&compact, key) != nil {
		return nil, wrong
	}
	return compact.Bytes(), nil
}
