package gateway

import (
	"fmt"
	"net/http"
	"slices"

	"hotcell"
	"hotcell/internal/egress"
	"hotcell/internal/place"
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
			for _, text := range use.Brings {
				if p, err := place.Parse(text); err == nil {
					x.own = append(x.own, p)
				}
			}
		}
		known = known || use.As == hotcell.InjectEnvironment && egress.Bound(&use, to.host, to.port)
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
