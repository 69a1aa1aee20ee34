package place

import (
	"encoding/base64"
	"strings"
)

// prefixes are what comes before a credential in a header, from services'
// documentation. They are a list, and no pattern: who could choose what stands
// before a value could choose which part of it a service repeats.
var prefixes = []string{
	"Bearer ", "Token token=", "Token ", "ApiKey ", "Api-Key ", "Key ", "Bot ", "OAuth ", "SSWS ", "GenieKey ", "Splunk ", "DeepL-Auth-Key ", "Klaviyo-API-Key ",
	"Zoho-oauthtoken ", "Client-ID ", "Discogs token=", "sso-key ", "PVEAPIToken=", "ServiceToken ", "GoogleLogin auth=", "App ", "PRIVATE-TOKEN ",
}

// Split reads a header's value: what comes before the credential, and the
// credential. A value that has none of the usual prefixes is a credential by
// itself.
func Split(value string) (before, credential string) {
	for _, p := range prefixes {
		if len(value) > len(p) && strings.EqualFold(value[:len(p)], p) {
			return value[:len(p)], value[len(p):]
		}
	}
	return "", value
}

// maxUser is how long the name beside a password may be: it moves what follows.
const maxUser = 128

// companions are what services want as the other half of a pair whose one half is
// the token, from their documentation.
var companions = map[string]bool{"": true, "x": true, "X": true, "x-oauth-basic": true, "x-token-auth": true, "api_token": true, "unused": true, "nologin": true, "none": true, ".": true}

// Pair is what a Basic header holds (RFC 7617).
type Pair struct{ User, Password string }

// Basic reads a Basic header; false for what is none.
func Basic(value string) (pair Pair, ok bool) {
	const scheme = "basic "
	if len(value) <= len(scheme) || !strings.EqualFold(value[:len(scheme)], scheme) {
		return pair, false
	}
	text, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(value[len(scheme):]))
	if err != nil {
		return pair, false
	}
	pair.User, pair.Password, ok = strings.Cut(string(text), ":")
	return pair, ok
}

// String is the pair as it is sent.
func (p Pair) String() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(p.User+":"+p.Password))
}

// Swap puts the value in where the pair is a user and a stand-in: the password, the
// user beside one of the words that services want there, or both together.
func (p Pair) Swap(value func(standIn string) ([]byte, bool)) (out Pair, ok bool) {
	if v, whole := value(p.User + ":" + p.Password); whole {
		user, password, _ := strings.Cut(string(v), ":")
		return Pair{user, password}, true
	}
	user, first := value(p.User)
	password, second := value(p.Password)
	switch {
	case first && second:
		return Pair{string(user), string(password)}, true
	case second && plainUser(p.User):
		return Pair{p.User, string(password)}, true
	case first && companions[p.Password]:
		return Pair{string(user), p.Password}, true
	}
	return p, false
}

func plainUser(text string) bool {
	return len(text) <= maxUser && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > 0x7e })
}
