package browser

import (
	"cmp"
	"context"
	"errors"
	"time"

	"hotcell/internal/line/cellrpc"
)

// The bounds of a sign-in.
const (
	maxSteps   = 10
	maxHosts   = 3
	appearTime = 4 * time.Second
	changeTime = 5 * time.Second
	signTime   = 2 * time.Minute
	// calmTime is how long a page that shows no sign of how it went may be without
	// change before that is the end; nameTime, of one that names the user, and
	// brieflyTime, of one that offers to sign out, or shows a bad sign.
	calmTime    = 1500 * time.Millisecond
	nameTime    = time.Second
	brieflyTime = 250 * time.Millisecond
	// pollTime is how often it is looked at.
	pollTime = 30 * time.Millisecond
)

// run signs in: over one page or several, until there is nothing more to fill in.
func (s *signing) run(ctx context.Context) (outcome, string, error) {
	ctx, cancel := context.WithTimeout(ctx, signTime)
	defer cancel()
	s.had = s.holdings(ctx)
	for range maxSteps {
		f, err := s.look(ctx)
		if err != nil {
			return "", "", err
		}
		result, why, err := s.step(ctx, f)
		if err != nil || result != "" {
			return result, why, err
		}
	}
	return unknown, "the site asks for one thing after the other: sign-in was given up", nil
}

// page is what a page is like at one moment.
type page struct {
	*fields
	// at is the site that it is of; there is none where known is false.
	at    cellrpc.Origin
	known bool
	// document tells one document from the next.
	document int64
	address  string
	words    string
	// still is true of one that nothing can change any more: it has no scripts.
	still bool
}

// view reads the page as it is now.
func (s *signing) view(ctx context.Context) (*page, error) {
	documents, err := s.tab.documents(ctx)
	if err != nil {
		return nil, err
	}
	p := &page{fields: &fields{}, words: s.tab.words(ctx)}
	if len(documents) == 0 {
		return p, nil
	}
	p.document, p.address, p.still = documents[0].BackendNodeID, documents[0].DocumentURL, true
	for _, d := range documents {
		d.walk(func(n *node) bool {
			p.still = p.still && !n.is("script", "iframe", "frame", "object", "embed") && !(n.is("meta") && n.has("http-equiv")) && !n.acts()
			return p.still
		})
	}
	if p.at, p.known = originOf(p.address); p.known {
		p.fields = find(documents, p.at, s.eye(ctx, p.at))
	}
	return p, nil
}

// look waits until the page shows what comes next, or how it went. What a script
// has yet to show is waited for.
func (s *signing) look(ctx context.Context) (*page, error) {
	s.moveOn()
	s.tab.settle(ctx)
	began, words := time.Now(), ""
	var calm time.Time
	for {
		s.moveOn()
		p, err := s.view(ctx)
		switch {
		case errors.Is(err, errGone) || ctx.Err() != nil:
			return nil, errors.Join(err, ctx.Err())
		case err != nil: // it is on its way to another page
			p = &page{fields: &fields{}}
		}
		if p.words != words || calm.IsZero() {
			words, calm = p.words, time.Now()
		}
		if err == nil && s.ready(p, time.Since(began), time.Since(calm)) || time.Since(began) > changeTime {
			return p, err
		}
		time.Sleep(pollTime) //nolint:forbidigo // the page tells nobody of its fields
	}
}

// ready says whether a page shows enough to go on by, having been waited for so
// long, and been without change for so long.
func (s *signing) ready(p *page, waited, calm time.Duration) bool {
	next := p.password != nil && !s.password || len(p.codes) > 0 && !s.code
	switch {
	case !s.username && !s.password && !s.code:
		return next || p.username != nil || p.out && calm > brieflyTime || waited > appearTime
	case next && !(p.password != nil && s.password): // the form that was sent is gone
		return true
	case p.at != s.at && p.username != nil && !s.password:
		return true
	case s.sent() && p.out && s.inside(p), s.bad(p), s.failed() != 0:
		return calm > brieflyTime
	case s.sent() && s.inside(p):
		return p.still || calm > nameTime
	case p.password != nil || len(p.codes) > 0 || p.username != nil && !s.sent():
		return waited > appearTime // it may still be under way
	}
	return calm > calmTime && !s.tab.working()
}

// begin notes what the page is like before something is sent.
func (s *signing) begin(f *page) {
	s.before, s.status, s.since = f, 0, time.Now()
	s.driver.mu.Lock()
	s.tabs = map[*tab]bool{}
	for _, t := range s.driver.tabs {
		s.tabs[t] = true
	}
	s.driver.mu.Unlock()
}

// moveOn goes over to the page that a form has opened.
func (s *signing) moveOn() {
	for s.driver.opening.Load() > 0 {
		time.Sleep(lookEvery) //nolint:forbidigo // a page that was opened is made ready
	}
	s.driver.mu.Lock()
	defer s.driver.mu.Unlock()
	now := s.driver.current
	if s.tabs != nil && now != nil && now != s.tab && !s.tabs[now] && now.opener == s.tab.target {
		s.tab = now
	}
}

// step does what the page asks for next; no outcome means that there may be more.
func (s *signing) step(ctx context.Context, f *page) (outcome, string, error) {
	if f.at != s.at && f.known {
		if result, why, err := s.elsewhere(ctx, f); result != "" || err != nil || f.at != s.at {
			return result, why, err
		}
	}
	switch {
	case f.out && !s.again && !s.username && !s.sent() && len(f.codes) == 0:
		return signedIn, "the page offers to sign out: somebody is signed in already; the page is " + bare(f.address) + ". Where it asks for the password again, say again: true", nil
	case s.sent() && s.inside(f):
	case f.renewing && f.password != nil && !s.password:
		return unknown, "the form is one to choose a new password with, and is not filled in", nil
	case f.password != nil && !s.password:
		return s.enter(ctx, f)
	case len(f.codes) > 0 && f.password == nil && !s.code:
		return s.enter(ctx, f)
	case f.username != nil && f.password == nil && len(f.codes) == 0 && !s.username && !s.password:
		return s.enter(ctx, f)
	}
	return s.conclude(ctx, f)
}

// elsewhere goes on where a site has sent the browser to another one: with a login
// of exactly that. Where there is none, the agent is told which it would be.
func (s *signing) elsewhere(ctx context.Context, f *page) (outcome, string, error) {
	if s.learning {
		return unknown, "the sign-in goes on at " + addressOf(f.at) + ": the login is for another site than that", nil
	}
	asks := f.password != nil || len(f.codes) > 0 || f.username != nil && !s.sent()
	if !asks || f.out && s.sent() {
		return s.conclude(ctx, f)
	}
	found, err := s.driver.Config.Hand.Logins(ctx, cellrpc.LoginsRequest{Origin: f.at})
	if err != nil {
		return "", "", err
	}
	var login *cellrpc.Login
	if len(found.Logins) == 1 {
		login = &found.Logins[0]
	} else if login, err = choose(found.Logins, s.login.Username); err != nil {
		return more, "the sign-in goes on at " + addressOf(f.at) + ": " + cmp.Or(found.Others, err.Error()), nil
	}
	if s.hosts++; s.hosts > maxHosts {
		return unknown, "the site leads from one host to the next: sign-in was given up", nil
	}
	s.at, s.login, s.again = f.at, *login, false
	s.before, s.password, s.code = nil, false, false
	s.had = s.holdings(ctx)
	if !s.login.Known {
		return another, "", nil
	}
	return "", "", nil
}
