package place

import (
	"slices"
	"strings"
)

// What a field of a body is called, in the form of loose, that signs somebody in:
// where OAuth has it (RFC 6749, RFC 6750 section 2.2, RFC 7523), and where
// services take a key beside everything else.
var (
	signingFields   = []string{"clientsecret", "accesstoken", "apikey", "privatetoken", "authtoken", "clientassertion"}
	signingForm     = []string{"assertion", "refreshtoken"}
	passwords       = []string{"password", "passwd", "pass", "pwd", "passphrase"}
	signingSegments = []string{
		"login", "signin", "sign_in", "sign-in", "logon", "session", "sessions", "token", "oauth", "oauth2", "auth", "authenticate", "authentication", "authorize", "sso", "user_session", "access_token",
	}
)

// TakesFields says whether a service takes credentials in fields of bodies.
func TakesFields(host string) bool {
	return slices.ContainsFunc(Known(host), func(p Place) bool { return p.Kind == Body })
}

// ForeignName says whether a field of a body is called as one that signs somebody
// in at a host, in a request to a path, and is not ours.
func ForeignName(host, path string, form Form, name string, ours Set) bool {
	p := Place{Body, name}
	if slices.Contains(ours, p) {
		return false
	}
	plain := loose(name)
	switch {
	case Set(Known(host)).Has(p), slices.Contains(signingFields, plain):
		return true
	case form == URLForm && slices.Contains(signingForm, plain):
		return true
	}
	return slices.Contains(passwords, plain) && signsInPath(path)
}

// signsInPath says whether a path is one by which people sign in.
func signsInPath(path string) bool {
	for segment := range strings.SplitSeq(strings.ToLower(path), "/") {
		segment, _, _ = strings.Cut(segment, ".") // login.php
		if slices.Contains(signingSegments, segment) {
			return true
		}
	}
	return false
}
