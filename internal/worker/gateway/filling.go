package gateway

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"time"

	"hotcell"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/guard"
	"hotcell/internal/wire/scrub"
)

// filling is the time in which the browser itself has a login's values: no body
// leaves it for another site, in whatever form they are in it.
type filling struct {
	origin cellrpc.Origin
	until  time.Time
}

// fillTime is how long that is at most.
const fillTime = 3 * time.Minute

// fill begins that time, or ends it.
func (b *browsing) fill(f *filling) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.filling = f
}

func (b *browsing) isFilling(now time.Time) *filling {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.filling != nil && now.After(b.filling.until) {
		b.filling = nil
	}
	return b.filling
}

// filled holds a request of the browser against a login that is being filled in. It
// answers, and returns false, where it may not go.
func (x *exchange) filled(w http.ResponseWriter, r *http.Request, to *target) bool {
	f := x.gateway.browsing.isFilling(x.gateway.Now())
	if bodiless := r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0; f == nil || bodiless && r.Header.Get("Upgrade") == "" {
		return true
	}
	if f.origin.Host == to.host && f.origin.Port == to.port {
		x.leaves = document(r)
		return true
	}
	x.refuse(w, http.StatusForbidden, "while "+f.origin.Host+" is signed in to with --fill, the browser sends nothing but to it")
	return false
}

// document says whether a request is for a page, and not for a part of one.
func document(r *http.Request) bool {
	kind := r.Header.Get("Sec-Fetch-Dest")
	return kind == "document" || kind == "iframe"
}

// gone notes that a page has gone on from its form: what was filled in is not in it
// any more. One that has the browser send the same elsewhere is no such.
func (x *exchange) gone(answer *http.Response) {
	if x.leaves && answer.StatusCode != http.StatusTemporaryRedirect && answer.StatusCode != http.StatusPermanentRedirect {
		x.gateway.browsing.fill(nil)
	}
}

// maxSpent is how many codes are looked for: the last ones.
const maxSpent = 16

// spend has the guard know the values that the vault put onto a request, before
// anything of the answer is handed on.
func (x *exchange) spend(answer *http.Response) error {
	text := answer.Header.Get(vaultrpc.HeaderSpent)
	answer.Header.Del(vaultrpc.HeaderSpent)
	if text == "" {
		return nil
	}
	packed, err := base64.StdEncoding.DecodeString(text)
	var prints guard.Fingerprints
	if err != nil || prints.UnmarshalBinary(packed) != nil {
		return fmt.Errorf("%w: reading what was put onto a request", hotcell.ErrUnavailable)
	}
	b := &x.gateway.browsing
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spent = append(b.spent, guard.Compile(prints)); len(b.spent) > maxSpent {
		b.spent = b.spent[1:]
	}
	return nil
}

// repeated takes out of an answer to the browser what was put onto an earlier
// request: a code that the next page shows.
func (x *exchange) repeated(answer *http.Response) error {
	if !x.browser {
		return nil
	}
	x.gateway.browsing.mu.Lock()
	spent := x.gateway.browsing.spent
	x.gateway.browsing.mu.Unlock()
	for _, patterns := range spent {
		if err := scrub.Scrub(answer, patterns, nil); err != nil {
			return fmt.Errorf("%w: %w", errCoding, err)
		}
	}
	return nil
}
