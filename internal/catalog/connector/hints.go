package connector

import (
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// hints adds to a failure what the answer's headers say beyond its status: whether and
// when the call may be tried again, and what a person has to do first, in words.
func (f *Failure) hints(h http.Header, now time.Time) (words string) {
	switch strings.ToLower(h.Get("Stripe-Should-Retry")) { // the service knows whether the call was begun
	case "true":
		f.Retryable = true
	case "false":
		f.Retryable = false
	}
	if wait := untilReset(h, now); f.RetryAfter == 0 && wait > 0 && (f.Status == http.StatusTooManyRequests || f.Status == http.StatusForbidden) {
		f.Retryable, f.RetryAfter = true, wait
	}
	if state, rest, _ := strings.Cut(h.Get("X-GitHub-SSO"), ";"); strings.TrimSpace(state) == "required" {
		words = "; the organisation wants single sign-on, and a person has to authorise the connection for it"
		if at, told := strings.CutPrefix(strings.TrimSpace(rest), "url="); told {
			words += ": " + shortLine(at, maxHint)
		}
	}
	return words + f.challenged(h)
}

// challenge is a parameter of a Bearer challenge that is for people (RFC 6750 section 3).
var challenge = regexp.MustCompile(`(?i)[ ,](error|error_description|scope)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))`)

// challenged is what the challenge of an answer says that has no place for words but its
// headers: why, and which scopes it wants.
func (f *Failure) challenged(h http.Header) (words string) {
	if f.Status != http.StatusUnauthorized && f.Status != http.StatusForbidden {
		return ""
	}
	told := map[string]string{}
	for _, header := range h.Values("WWW-Authenticate") {
		for _, found := range challenge.FindAllStringSubmatch(header[:min(len(header), maxChallenge)], -1) {
			name := strings.ToLower(found[1])
			if text := shortLine(found[2]+found[3], maxHint); told[name] == "" {
				told[name] = text
			}
		}
	}
	for _, one := range []struct{ name, before string }{{"error", "; it says "}, {"error_description", "; it says: "}, {"scope", "; it wants the scopes "}} {
		if told[one.name] != "" {
			words += one.before + told[one.name]
		}
	}
	return words
}

// maxChallenge is how much of a header is read, in bytes.
const maxChallenge = 8 << 10

// maxHint is how much of a stranger's text a hint has, in bytes.
const maxHint = 300

// untilReset is how long until a limit of requests that is used up begins anew, by the
// headers that services have for it; 0 where none says so. A number is seconds from now,
// or a time in seconds or milliseconds since 1970, and told apart by its size.
func untilReset(h http.Header, now time.Time) time.Duration {
	for _, name := range []string{"X-RateLimit-", "RateLimit-", "X-Rate-Limit-"} {
		if wait := lasting(h.Get(name+"Reset-After"), time.Second); wait > 0 && strings.TrimSpace(h.Get(name+"Remaining")) == "0" {
			return wait
		}
		left, err := strconv.ParseFloat(h.Get(name+"Remaining"), 64)
		if err != nil || left > 0 {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(h.Get(name+"Reset")), 10, 64)
		if err != nil || n < 0 {
			continue
		}
		const epoch, millis = 1_000_000_000, 1_000_000_000_000
		at := time.Unix(n, 0)
		switch {
		case n >= millis:
			at = time.UnixMilli(n)
		case n < epoch:
			at = now.Add(time.Duration(min(n, int64(maxWait/time.Second))) * time.Second)
		}
		return max(min(at.Sub(now), maxWait), 0)
	}
	// In one header, with long names or short ones: "limit=100, remaining=0, reset=30", and
	// "default";r=0;t=30 (draft-ietf-httpapi-ratelimit-headers).
	text := h.Get("RateLimit")
	for _, used := range limit.FindAllStringSubmatch(text[:min(len(text), maxHint)], -1) {
		if wait := lasting(used[1], time.Second); wait > 0 {
			return wait
		}
	}
	return 0
}

// limit is one of a RateLimit header that is used up, with when it begins anew.
var limit = regexp.MustCompile(`\b(?:remaining|r)=0\s*[,;]\s*(?:reset|t)=(\d{1,9})\b`)

// came says what an answer is whose words are in no usual place: its type and how it
// begins, of a page its title.
func (a *Answer) came() string {
	kind, _, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if err != nil || kind == "" {
		kind = "a body without a type"
	}
	const looked = 8 << 10
	text := strings.ToValidUTF8(string(a.Body[:min(len(a.Body), looked)]), "")
	if page := strings.ToLower(text); strings.Contains(kind, "html") && len(page) == len(text) {
		if _, after, ok := strings.Cut(page, "<title"); ok {
			text = text[len(text)-len(after):]
			if _, title, ok := strings.Cut(text, ">"); ok {
				text, _, _ = strings.Cut(title, "<")
			}
		}
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			return "what came is " + shortLine(kind, maxHint) + " and begins with: " + shortLine(line, maxHint)
		}
	}
	return "it said no more than that"
}
