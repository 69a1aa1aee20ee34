package browser

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// mayEnter says why a page's form is not filled in; no outcome means that it may
// be. A login goes into forms to sign in with, and into nothing else that the site
// has: what a site keeps for somebody, it shows again.
func (s *signing) mayEnter(ctx context.Context, f *fields, secret, button *node) (outcome, string) {
	switch ways := sendings(secret, button, s.at); {
	case slices.ContainsFunc(ways, func(w sending) bool { return !w.same }):
		return unknown, "the form would send to another site than its own, and is not filled in"
	case s.login.Fill && slices.ContainsFunc(ways, func(w sending) bool { return w.method == "get" && w.said }):
		return unknown, "the form would put the password into an address, and is not filled in"
	case s.login.Fill && !only(secret, s.at):
		return unknown, "the form has a button that would send to another site than its own, and is not filled in"
	case f.password != nil && !s.login.Password:
		return unknown, "the site asks for a password, and the login has none"
	case f.password == nil && len(f.codes) > 0 && !s.login.OTP:
		return noCode, "the site asks for a one-time code, and the login has no secret for one"
	case f.password == nil && len(f.codes) == 1 && !s.sent() && !surelyCode(f.codes[0]):
		return noCode, "the page asks for some code, and nothing says that it is one of the login's: those come from an app, and neither by mail nor by phone"
	case f.password != nil:
		return s.mayTake(ctx, f, sendings(secret, button, s.at))
	}
	return "", ""
}

// mayTake says why a password is not for a field.
func (s *signing) mayTake(ctx context.Context, f *fields, ways []sending) (outcome, string) {
	current := strings.Contains(strings.ToLower(f.password.attribute("autocomplete")), "current-password")
	text, path := about(f.password), pathOf(f.password.document.DocumentURL)
	if f.username != nil {
		text += about(f.username)
		current = current || strings.Contains(strings.ToLower(f.username.attribute("autocomplete")), "username")
	}
	for _, way := range ways {
		path += " " + way.path
	}
	switch {
	case otherWords.MatchString(text) || otherWords.MatchString(path):
		return unknown, "the password there is another one than that to sign in with, and the form is not filled in"
	case current:
		return "", ""
	case f.out:
		return unknown, "the page is for somebody who is signed in, its form does not ask for the current password, and is not filled in"
	case otherPaths.MatchString(path):
		return unknown, "the form is one of settings, and is not filled in"
	case f.username != nil || s.username || s.login.Username == "":
		return "", ""
	case slices.Contains(f.named, s.login.Username) || hasWord(s.tab.words(ctx), s.login.Username):
		return "", ""
	}
	return unknown, "the page asks for a password alone, and does not say whose: begin at the page that asks for the user name"
}

func pathOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.EscapedPath()
}

// hasWord says whether a text has a name that stands by itself.
func hasWord(text, name string) bool {
	if name == "" {
		return false
	}
	text, name = strings.ToLower(text), strings.ToLower(name)
	within := func(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
	for from := 0; ; {
		at := strings.Index(text[from:], name)
		if at < 0 {
			return false
		}
		at += from
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		after, _ := utf8.DecodeRuneInString(text[at+len(name):])
		if !within(before) && !within(after) {
			return true
		}
		from = at + len(name)
	}
}
