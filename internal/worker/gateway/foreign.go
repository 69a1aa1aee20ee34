package gateway

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"hotcell"
	"hotcell/internal/value/guard"
	"hotcell/internal/wire/egress"
	"hotcell/internal/wire/place"
)

// foreign looks for credentials that are not ours on a request to a host for which
// one is attached. What the vault puts ours onto, it judges itself; it cannot know
// the values that the job has in its environment, so those are told to it. A
// request that goes without ours brings nobody else's either: else a job could
// read as the company and write as itself. It answers, and returns false, where the
// request may not pass.
func (x *exchange) foreign(w http.ResponseWriter, r *http.Request, to *target) bool {
	if to.browser || !x.gateway.credentialed(to.host, to.port) {
		return true
	}
	var beside []string
	known := false
	for _, use := range x.gateway.rules().Uses {
		if egress.Applies(&use, to.host, to.port) {
			beside = append(beside, use.Name)
			if x.verdict.Account {
				continue // the request is to be that account's and nobody else's
			}
			for _, text := range use.Brings {
				if p, err := place.Parse(text); err == nil {
					x.own = append(x.own, p)
				}
			}
		}
		known = known || !x.verdict.Account && use.As == hotcell.InjectEnvironment && egress.Bound(&use, to.host, to.port)
	}
	if known {
		x.ownCookies(r, to)
	}
	ours := slices.Clone(x.own)
	for {
		at, found := place.Foreign(to.host, r.Header, r.URL.RawQuery, ours)
		if !found {
			break
		}
		own := known && x.had(r, at, to)
		if own {
			x.own = append(x.own, at)
		} else if len(x.verdict.Uses) == 0 {
			x.refuse(w, http.StatusForbidden, fmt.Sprintf("the request brings a credential that is not the job's, in %s, to a host for which %s is attached", at, beside[0]))
			return false
		}
		ours = append(ours, at)
	}
	if len(x.verdict.Uses) == 0 {
		delete(r.Header, "Cookie") // a session is as good as a key
	}
	return true
}

// shown finds a place of the head, meant for keys, that holds a value which would be
// taken out on its way to a model: the service would get a mark for a key.
func (x *exchange) shown(r *http.Request) (at place.Place, m guard.Match, found bool) {
	var seen place.Set
	for _, use := range x.verdict.Uses { // what the vault puts there itself
		for _, text := range egress.Places(use, x.inspect.to.host) {
			if p, err := place.Parse(text); err == nil && use.As == hotcell.InjectHTTP {
				seen = append(seen, p)
			}
		}
	}
	for {
		at, found := place.Foreign(x.inspect.to.host, r.Header, r.URL.RawQuery, seen)
		if !found {
			return at, m, false
		}
		for _, m := range x.inspect.patterns.Find([]byte(textOf(r, at))) {
			if x.inspect.verdict(x.inspect.uses[m.ID], true) == guard.Redact {
				return at, m, true
			}
		}
		seen = append(seen, at)
	}
}

// textOf is what a place of the head holds, in lines.
func textOf(r *http.Request, at place.Place) string {
	if at.Kind != place.Query {
		return strings.Join(r.Header[at.Name], "\n")
	}
	var values []string
	for name, value := range place.Parameters(r.URL.RawQuery) {
		if name == at.Name {
			values = append(values, value)
		}
	}
	return strings.Join(values, "\n")
}

// ownCookies finds the cookies that hold values which the job has and may send there.
func (x *exchange) ownCookies(r *http.Request, to *target) {
	for _, c := range r.Cookies() {
		if p := (place.Place{Kind: place.Cookie, Name: c.Name}); x.bears(to, c.Value) {
			x.own = append(x.own, p)
		}
	}
}

// had says whether a place of the head holds a value that the job has and may send
// there.
func (x *exchange) had(r *http.Request, at place.Place, to *target) bool {
	values := r.Header[at.Name]
	if at.Kind == place.Query {
		values = nil
		for name, value := range place.Parameters(r.URL.RawQuery) {
			if name == at.Name {
				values = append(values, value)
			}
		}
	}
	for _, v := range values {
		if !x.bears(to, v) {
			return false
		}
	}
	return len(values) > 0
}

// bears says whether a text holds a value that the job has and may send to a host.
func (x *exchange) bears(to *target, text string) bool {
	if x.inspect.patterns == nil {
		return false
	}
	for _, m := range x.inspect.patterns.Find([]byte(text)) {
		use := x.inspect.uses[m.ID]
		if use != nil && use.As == hotcell.InjectEnvironment && egress.Bound(use, to.host, to.port) {
			return true
		}
	}
	return false
}
