package browser

import (
	"context"
	"errors"
	"time"
)

// enter fills in what one page asks for, and sends it.
func (s *signing) enter(ctx context.Context, f *page) (outcome, string, error) {
	secret := f.password
	if secret == nil && len(f.codes) > 0 {
		secret = f.codes[0]
	}
	last := secret
	if last == nil {
		last = f.username
	}
	button := f.button(last, s.seen(ctx))
	if secret != nil {
		if result, why := s.mayEnter(ctx, f.fields, secret, button); result != "" {
			return result, why, nil
		}
	}
	if n := f.username; n != nil && s.login.Username != "" && n.attribute("value") != s.login.Username {
		// One that is read-only shows who is meant, and takes nothing.
		if err := s.tab.fill(ctx, n.session, n.BackendNodeID, []byte(s.login.Username)); err != nil && !n.has("readonly") {
			return "", "", err
		}
	}
	s.begin(f)
	if secret == nil {
		if s.login.Username == "" {
			return unknown, "the site asks for a user name, and the login has none", nil
		}
		s.username = true
		return "", "", s.submit(ctx, last, button, s.changed(ctx, f.username))
	}
	if s.login.Fill {
		return s.fill(ctx, f.fields, button)
	}
	return s.wire(ctx, f.fields, button)
}

// submit sends what was filled in: by Enter, then by the button, until it is seen
// to do something.
func (s *signing) submit(ctx context.Context, from, button *node, did func() bool) error {
	ways := []func() error{func() error { return s.tab.press(ctx, from.session, "Enter") }}
	if button != nil && !enters(from, s.at) { // Enter is the first button's, which leads elsewhere
		ways = nil
	}
	if button != nil {
		ways = append(ways,
			func() error { return s.tab.click(ctx, button.session, button.BackendNodeID, "left", 1, 0) },
			func() error {
				return button.session.call(ctx, button.BackendNodeID, "function() { this.click() }", nil)
			})
		if formOf(from) == nil && len(ways) > 2 { // Enter does nothing there, most often
			ways = append(ways[1:], ways[0])
		}
	}
	for _, way := range ways {
		began := s.changed(ctx, from)
		if err := way(); err != nil && (errors.Is(err, errGone) || ctx.Err() != nil) {
			return err
		}
		if s.await(ctx, submitTime, did) {
			return nil
		}
		// A page that has begun to do something is not asked a second time at once: it
		// would send twice, and the second time what was spent by then.
		if began() && s.await(ctx, patientTime, did) {
			return nil
		}
	}
	return nil
}

// patientTime is how long a page may work on what it is to send.
const patientTime = 3 * time.Second

// submitTime is how long a way of sending may take to show.
const submitTime = 1200 * time.Millisecond

// await waits until something is so, or a while.
func (s *signing) await(ctx context.Context, limit time.Duration, so func() bool) bool {
	for until := time.Now().Add(limit); ; {
		if so() {
			return true
		}
		if ctx.Err() != nil || time.Now().After(until) {
			return false
		}
		time.Sleep(5 * time.Millisecond) //nolint:forbidigo // a page tells nobody
	}
}

// changed says whether the page has gone on since: a request, or a field that is
// no more.
func (s *signing) changed(ctx context.Context, field *node) func() bool {
	t := s.tab
	t.mu.Lock()
	before := len(t.requests)
	first := ""
	if before > 0 {
		first = t.requests[before-1].url
	}
	t.mu.Unlock()
	return func() bool {
		t.mu.Lock()
		now := len(t.requests)
		moved := now != before || now > 0 && t.requests[now-1].url != first || t.loading
		t.mu.Unlock()
		return moved || !s.there(ctx, field)
	}
}
