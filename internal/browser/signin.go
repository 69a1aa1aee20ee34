package browser

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"hotcell/internal/cellrpc"
)

// outcome is how a sign-in ended; an agent's program may read it.
type outcome string

// The outcomes.
const (
	signedIn  outcome = "signed_in"
	wrong     outcome = "wrong_credentials"
	refused   outcome = "code_refused"
	captcha   outcome = "captcha"
	limited   outcome = "rate_limited"
	needsFill outcome = "needs_fill"
	noCode    outcome = "code_needed"
	unknown   outcome = "unknown_form"
)

// signing is one sign-in under way. While it is, nothing can be observed.
type signing struct {
	driver *Driver
	tab    *tab
	at     cellrpc.Origin
	login  cellrpc.Login
	// done says which steps were taken; a page that shows one of them again has
	// not taken what was sent.
	username, password, code bool
	status                   int
	// filled are fields that hold a real value, in fill mode, and values what they hold.
	filled []*node
	values [][]byte
}

// signIn is the tool: it finds the login for the page's site, or asks a person for
// one, and signs in.
func (c *call) signIn() error {
	d := c.driver
	if c.in.URL != "" {
		if err := c.navigate(); err != nil {
			return err
		}
	}
	c.look = false
	t, err := c.tab()
	if err != nil {
		return err
	}
	address, _ := t.at(c.ctx)
	at, ok := originOf(address)
	if !ok {
		return fmt.Errorf("the page is of no site that could be signed in to: go to its sign-in page first, by https")
	}
	login, err := c.login(at)
	if err != nil {
		return err
	}
	s := &signing{driver: d, tab: t, at: at, login: *login}
	d.closed.Store(true)
	d.trail.pass(address)
	if t.openDialog() != nil {
		t.answer(false)
	}
	result, why, err := outcome(""), "", error(nil)
	if d.scripted.Load() {
		s.tab, err = c.fresh(t, address)
	}
	if err == nil {
		result, why, err = s.run(c.ctx)
	}
	if left := s.wipe(c.ctx); left {
		why += "; the page kept what was typed, so it was left for an empty one"
	}
	d.remember(c.ctx) // also where it failed: something may have been given before
	d.closed.Store(false)
	if err != nil {
		return err
	}
	if result == signedIn {
		c.look = true
	} else {
		c.out.Error = true
	}
	c.say("%s: %s", result, why)
	if c.out.Error {
		return errors.New(strings.TrimSpace(c.text.String()))
	}
	return nil
}

// login is the one to sign in with.
func (c *call) login(at cellrpc.Origin) (*cellrpc.Login, error) {
	hand := c.driver.Config.Hand
	for asked := false; ; asked = true {
		found, err := hand.Logins(c.ctx, cellrpc.LoginsRequest{Origin: at})
		if err != nil {
			return nil, err
		}
		if len(found.Logins) > 0 {
			return choose(found.Logins, c.in.Username)
		}
		if asked || c.in.Wait != nil && !*c.in.Wait {
			return nil, fmt.Errorf("no login of this job is for %s: %s", addressOf(at), found.Others)
		}
		ctx, done := c.patient()
		answer, err := hand.AskLogin(ctx, cellrpc.AskLogin{Origin: at, Why: c.in.Why})
		taken := errors.Is(context.Cause(ctx), errTaken)
		done()
		if taken {
			return nil, errTaken
		}
		if err != nil {
			return nil, err
		}
		if answer.State != "approved" {
			return nil, fmt.Errorf("%s (request %s)", answer.Text, answer.Request)
		}
	}
}

// choose is the login of a user name; where there are several, which must be said.
func choose(logins []cellrpc.Login, username string) (*cellrpc.Login, error) {
	var names []string
	for i := range logins {
		if username != "" && strings.EqualFold(logins[i].Username, username) || username == "" && len(logins) == 1 {
			return &logins[i], nil
		}
		names = append(names, logins[i].Username)
	}
	if username != "" {
		return nil, fmt.Errorf("no login of this job for this site has the user name %q: there are %s", username, strings.Join(names, ", "))
	}
	return nil, fmt.Errorf("several logins are for this site: say which with username: %s", strings.Join(names, ", "))
}

// The bounds of a sign-in.
const (
	maxSteps   = 10
	appearTime = 4 * time.Second
	changeTime = 5 * time.Second
	signTime   = 2 * time.Minute
)

// run signs in: over one page or several, until there is nothing more to fill in.
func (s *signing) run(ctx context.Context) (outcome, string, error) {
	ctx, cancel := context.WithTimeout(ctx, signTime)
	defer cancel()
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

// look finds the page's fields. What a script has yet to show is waited for.
func (s *signing) look(ctx context.Context) (*fields, error) {
	s.tab.settle(ctx)
	for until := time.Now().Add(appearTime); ; {
		documents, err := s.tab.documents(ctx)
		if err != nil {
			return nil, err
		}
		f := find(documents, s.at, s.seen(ctx))
		if f.username != nil || f.password != nil || len(f.codes) > 0 || s.password || s.code || time.Now().After(until) {
			return f, ctx.Err()
		}
		time.Sleep(30 * time.Millisecond) //nolint:forbidigo // the page tells nobody of its fields
	}
}

// seen says whether a person would see an element, in a document that is of the
// login's site by the browser's own word: one that is cut off from its site has its
// address, and is of none.
func (s *signing) seen(ctx context.Context) func(*node) bool {
	var of map[string]bool
	return func(n *node) bool {
		if of == nil {
			of = map[string]bool{}
			for _, f := range s.tab.allFrames(ctx) {
				own := f.SecurityOrigin == addressOf(s.at) && f.origin(ctx) == addressOf(s.at)
				if of[f.ID] = own; f.first {
					of[string(f.session.id)] = own
				}
			}
		}
		if n.document != nil && !of[cmp.Or(n.document.frame(), string(n.session.id))] {
			return false
		}
		b, err := s.tab.boxOf(ctx, n.session, n.BackendNodeID)
		return err == nil && b.width >= 4 && b.height >= 4 && b.x+b.width > 0 && b.y+b.height > 0
	}
}

// step does what the page asks for next; no outcome means that there may be more.
func (s *signing) step(ctx context.Context, f *fields) (outcome, string, error) {
	switch {
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

// conclude says how it ended, of a page that has nothing more to fill in, or asks
// for the same again.
func (s *signing) conclude(ctx context.Context, f *fields) (outcome, string, error) {
	words := s.tab.words(ctx)
	again := f.password != nil && s.password || len(f.codes) > 0 && s.code || f.username != nil && s.username && !s.password
	switch {
	case s.status == 429 || again && limitWords.MatchString(words):
		return limited, "the site takes no more tries for now; do not try again soon", nil
	case f.captcha && (again || !s.password && !s.code):
		return captcha, "the site wants to know whether a person is there: one has to take over in the live view", nil
	case len(f.codes) > 0 && s.code:
		return refused, "the site did not take the one-time code", nil
	case len(f.codes) > 0:
		return noCode, "the site asks for a one-time code, and the login has no secret for one", nil
	case again:
		return wrong, "the site did not take the user name or the password" + s.quoted(words), nil
	case (s.password || s.code) && s.tab.status() >= 400:
		return unknown, fmt.Sprintf("what was sent was answered with status %d", s.tab.status()), nil
	case s.password || s.code:
		address, _ := s.tab.at(ctx)
		as := ""
		if s.login.Username != "" {
			as = " as " + s.login.Username
		}
		return signedIn, fmt.Sprintf("signed in%s; the page is %s now", as, bare(address)), nil
	}
	if captchaWords.MatchString(words) {
		return captcha, "the site wants to know whether a person is there: one has to take over in the live view", nil
	}
	return unknown, "no form to sign in with was found on this page: go to the site's sign-in page", nil
}

// quoted is what the site seems to say of it; it passes the guard with the rest.
func (s *signing) quoted(words string) string {
	at := wrongWords.FindStringIndex(words)
	if at == nil {
		return ""
	}
	from, to := max(0, at[0]-60), min(len(words), at[1]+60)
	return fmt.Sprintf("; it says: %q", strings.ToValidUTF8(words[from:to], ""))
}

// enter fills in what one page asks for, and sends it.
func (s *signing) enter(ctx context.Context, f *fields) (outcome, string, error) {
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
		if result, why := s.check(f, secret, button); result != "" {
			return result, why, nil
		}
	}
	if f.username != nil && s.login.Username != "" && f.username.attribute("value") != s.login.Username {
		n := f.username
		if err := s.tab.fill(ctx, n.session, n.BackendNodeID, []byte(s.login.Username)); err != nil {
			return "", "", err
		}
	}
	if secret == nil {
		if s.login.Username == "" {
			return unknown, "the site asks for a user name, and the login has none", nil
		}
		s.username = true
		return "", "", s.submit(ctx, last, button, s.changed(ctx, f.username))
	}
	if s.login.Fill {
		return s.fill(ctx, f, button)
	}
	return s.wire(ctx, f, button)
}

// check says why a form is not filled in: where it would send to another site, or
// asks for what the login does not have.
func (s *signing) check(f *fields, secret, button *node) (outcome, string) {
	method, script, same := leads(secret, button, s.at)
	switch {
	case !same:
		return unknown, "the form would send to another site than its own, and is not filled in"
	case f.password != nil && !s.login.Password:
		return unknown, "the site asks for a password, and the login has none"
	case f.password == nil && len(f.codes) > 0 && !s.login.OTP:
		return noCode, "the site asks for a one-time code, and the login has no secret for one"
	case s.login.Fill && !only(secret, s.at):
		return unknown, "the form has a button that would send to another site than its own, and is not filled in"
	case s.login.Fill && method != "post" && formOf(secret) != nil && !script && method == "get":
		return unknown, "the form would put the password into an address, and is not filled in"
	}
	return "", ""
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
	seen := s.seen(ctx)
	return func() bool {
		t.mu.Lock()
		now := len(t.requests)
		moved := now != before || now > 0 && t.requests[now-1].url != first || t.loading
		t.mu.Unlock()
		return moved || !seen(field)
	}
}
