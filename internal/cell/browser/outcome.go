package browser

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"hotcell/internal/line/cellrpc"
	"hotcell/internal/text/site"
)

// sent says whether a secret was sent.
func (s *signing) sent() bool { return s.password || s.code }

// inside says whether a page shows plainly that somebody is signed in: it offers to
// sign out, or, having not done so before, names the user and asks for nothing.
func (s *signing) inside(p *page) bool {
	if p.out && (s.before == nil || !s.before.out || s.before.document != p.document) {
		return len(p.codes) == 0 || s.code
	}
	asks := p.password != nil || len(p.codes) > 0 || p.captcha
	return !asks && s.moved(p) && hasWord(p.words, s.login.Username) && (s.before == nil || s.before.document != p.document || !hasWord(s.before.words, s.login.Username)) &&
		!s.bad(p) && !stepWords.MatchString(p.words)
}

// moved says whether a page is another one than that on which something was sent:
// another document, or one whose form is gone.
func (s *signing) moved(p *page) bool {
	if s.before == nil || s.before.document != p.document {
		return true
	}
	return p.password == nil && len(p.codes) == 0 && (p.username == nil || s.before.username == nil)
}

// bad says whether a page says that something was not taken. What it had said
// before that is no answer.
func (s *signing) bad(p *page) bool {
	return s.complaint(p.words) != "" || s.fresh(limitWords, p.words) != "" || s.fresh(captchaWords, p.words) != ""
}

// complaint is what a page says of a user name, password or code that is wrong.
func (s *signing) complaint(words string) string {
	for _, at := range wrongWords.FindAllStringIndex(words, maxComplaints) {
		around := strings.ToValidUTF8(words[max(0, at[0]-complaintWidth):min(len(words), at[1]+complaintWidth)], "")
		if s.before != nil && strings.Contains(s.before.words, words[max(0, at[0]-complaintNear):min(len(words), at[1]+complaintNear)]) {
			continue
		}
		if userWords.MatchString(around) || passWords.MatchString(around) || codeWords.MatchString(around) || credentialWords.MatchString(around) {
			return around
		}
	}
	return ""
}

// How much of a page is looked at for a complaint, in bytes.
const (
	maxComplaints  = 20
	complaintWidth = 60
	complaintNear  = 15
)

// fresh is a text that a page has not said before.
func (s *signing) fresh(pattern *regexp.Regexp, words string) string {
	for _, found := range pattern.FindAllString(words, maxComplaints) {
		if s.before == nil || !strings.Contains(s.before.words, found) {
			return found
		}
	}
	return ""
}

// failed is the status of the answer to what was sent, where it says that it was
// not taken; 0 else.
func (s *signing) failed() int {
	status := s.status
	if status == 0 && s.sent() && s.login.Fill {
		status = s.tab.answered(addressOf(s.at), s.since)
	}
	if status < 400 {
		return 0
	}
	return status
}

const aPerson = "the site wants to know whether a person is there: one has to take over in the live view"

// conclude says how it ended, of a page that has nothing more to fill in, or asks
// for the same again.
func (s *signing) conclude(ctx context.Context, f *page) (outcome, string, error) {
	again := f.password != nil && s.password || len(f.codes) > 0 && s.code || f.username != nil && s.username && !s.sent() && f.at == s.at
	if s.sent() && s.inside(f) {
		return s.arrived(f)
	}
	complaint := s.complaint(f.words)
	switch {
	case s.failed() == 429, s.fresh(limitWords, f.words) != "" && (s.sent() || s.username):
		return limited, "the site takes no more tries for now; do not try again soon", nil
	case f.captcha && complaint == "" && (again || !s.evident(ctx, f)), s.fresh(captchaWords, f.words) != "":
		return captcha, aPerson, nil
	case len(f.codes) > 0 && s.code:
		return refused, "the site did not take the one-time code", nil
	case len(f.codes) > 0:
		return noCode, "the site asks for a one-time code, and the login has no secret for one", nil
	case again, s.username && !s.sent() && complaint != "":
		return wrong, "the site did not take the user name or the password" + quoted(complaint), nil
	case s.sent():
		return s.after(ctx, f, complaint)
	case s.username:
		return more, "the site took the user name, and asks for no password: look at the page, do what it asks for, and sign in again", nil
	}
	return unknown, "no form to sign in with was found on this page: go to the site's sign-in page", nil
}

// after says how it ended where the form is gone.
func (s *signing) after(ctx context.Context, f *page, complaint string) (outcome, string, error) {
	status, page := s.failed(), s.tab.status()
	switch {
	case status >= 400 && status < 500 && status != 404 || complaint != "":
		if s.code {
			return refused, "the site did not take the one-time code" + quoted(complaint), nil
		}
		return wrong, "the site did not take the user name or the password" + quoted(complaint), nil
	case status >= 400:
		return unknown, fmt.Sprintf("what was sent was answered with status %d", status), nil
	case page >= 400:
		return unknown, fmt.Sprintf("what was sent was answered with status %d", page), nil
	case stepWords.MatchString(f.words) && s.fresh(stepWords, f.words) != "":
		return more, "the site took what was sent, and wants something more: look at the page, choose a code from an app where it lets one choose, and sign in again", nil
	case s.evident(ctx, f):
		return s.arrived(f)
	}
	return more, "the site took what was sent, and nothing shows that one is signed in: look at the page", nil
}

func (s *signing) arrived(f *page) (outcome, string, error) {
	as := ""
	if s.login.Username != "" {
		as = " as " + s.login.Username
	}
	return signedIn, "signed in" + as + "; the page is " + bare(f.address) + " now", nil
}

// evident says whether something speaks for one's being signed in: the form is gone,
// and the page is another, or the site has the browser keep something new.
func (s *signing) evident(ctx context.Context, f *page) bool {
	if !s.sent() || f.password != nil || len(f.codes) > 0 {
		return false
	}
	if s.before != nil && pathOf(s.before.address) != pathOf(f.address) || f.at != s.at {
		return true
	}
	return slices.ContainsFunc(s.holdings(ctx), func(value []byte) bool {
		return !slices.ContainsFunc(s.had, func(old []byte) bool { return bytes.Equal(old, value) })
	})
}

// holdings are what the site has the browser keep to be known by.
func (s *signing) holdings(ctx context.Context) (values [][]byte) {
	name, found := site.Registrable(s.at.Host), map[string][][]byte{}
	sites := map[string]cellrpc.Origin{name: s.at}
	s.driver.cookies(ctx, sites, found)
	s.tab.storage(ctx, sites, found)
	return found[name]
}

// quoted is what the site seems to say of it; it passes the guard with the rest.
func quoted(complaint string) string {
	if complaint == "" {
		return ""
	}
	return fmt.Sprintf("; it says: %q", complaint)
}
