package browser

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"hotcell/internal/line/cellrpc"
)

// another is the outcome of a page that would send a login in a way that nobody has
// said yes to, learned that of finding out how one would be sent.
const (
	another outcome = "another_way"
	learned outcome = "learned"
)

// maxAsks is how many ways people are asked about in one sign-in: a password's, a
// code's, and those of a second site.
const maxAsks = 4

// inWords are of what leads to a page to sign in on.
var inWords = regexp.MustCompile(`(?i)^\W*(sign.?in|log.?in|log.?on|my account|anmelden|einloggen|login|connexion|se connecter|iniciar sesi[oó]n|acceder|entrar|accedi|inloggen|logga in|logg inn|zaloguj|giri[sş]|войти|вход|ログイン|サインイン|登录|登錄|登入|로그인|دخول|כניסה)`)

// attempt signs in once, by the way that is known; one that is not is said by the
// outcome another.
func (c *call) attempt(t *tab, address string, at cellrpc.Origin) (s *signing, result outcome, why string, err error) {
	login, err := c.login(at)
	if err != nil {
		return nil, "", "", err
	}
	d := c.driver
	s = &signing{driver: d, tab: t, at: at, login: *login, again: c.in.Again}
	if !login.Known {
		return s, another, "", nil
	}
	d.closed.Store(true)
	d.trail.pass(address)
	if t.openDialog() != nil {
		t.answer(false)
	}
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
	return s, result, why, err
}

// askWay asks a person about the way in that a sign-in came to: of a login that has
// none yet, the one that leads from its own address, which is found out first.
func (c *call) askWay(s *signing) error {
	d := c.driver
	question := cellrpc.AskWay{Use: s.login.Use, Origin: s.at, Page: s.page, Form: s.form, Brief: c.in.Wait != nil && !*c.in.Wait}
	if !s.login.Known {
		found, err := d.findWay(c.ctx, &s.login, s.at)
		if err != nil {
			return fmt.Errorf("%s: nobody has said yet how %s signs in, and it is not found at its own address: %w", another, short(s.login.Name), err)
		}
		question.Page, question.Form, question.Start = found.Page, found.Form, true
	}
	ctx, done := c.patient()
	answer, err := d.Config.Hand.AskWay(ctx, question)
	taken := errors.Is(context.Cause(ctx), errTaken)
	done()
	switch {
	case taken:
		return errTaken
	case err != nil:
		return err
	case answer.State == "pending":
		return fmt.Errorf("waits_for_person: %s", answer.Text)
	case answer.State != "approved":
		return fmt.Errorf("%s: %s (request %s)", another, answer.Text, answer.Request)
	}
	return nil
}

// Learn finds out how a login signs in, for a person who asks for it: nothing of it is
// sent. In wire mode its gateway has seen the request.
func (d *Driver) Learn(ctx context.Context, r cellrpc.LearnRequest) (out cellrpc.Learned, err error) {
	leave, err := d.take(ctx)
	if err != nil {
		return out, errors.New("the browser is busy")
	}
	defer leave()
	return d.findWay(ctx, &r.Login, r.Origin)
}

// findWay goes to a login's own address, in a browser of its own where no agent was and
// that keeps nothing, and does what signs in there, with a stand-in that leaves for
// nowhere: the request is kept back.
func (d *Driver) findWay(ctx context.Context, login *cellrpc.Login, at cellrpc.Origin) (out cellrpc.Learned, err error) {
	ctx, cancel := context.WithTimeout(ctx, signTime)
	defer cancel()
	var made struct{ BrowserContextID string }
	if err := d.root.do(ctx, "Target.createBrowserContext", args{"disposeOnDetach": true}, &made); err != nil {
		return out, fmt.Errorf("opening a browser: %w", err)
	}
	d.mu.Lock()
	before := d.current
	d.apart = made.BrowserContextID
	d.mu.Unlock()
	d.closed.Store(true)
	defer func() {
		d.close(made.BrowserContextID)
		d.mu.Lock()
		if d.apart, d.current = "", before; before == nil && len(d.tabs) > 0 {
			d.current = d.tabs[len(d.tabs)-1]
		}
		d.mu.Unlock()
		d.closed.Store(false)
	}()
	t, err := d.newTabIn(ctx, made.BrowserContextID)
	if err != nil {
		return out, err
	}
	start := addressOf(at) + "/" + strings.TrimPrefix(login.Start, "/")
	result, why, s, err := d.tryAt(ctx, t, login, at, start)
	if err == nil && result != learned && !s.username {
		if next := s.wayIn(ctx); next != "" {
			start = next
			result, why, s, err = d.tryAt(ctx, t, login, at, next)
		}
	}
	switch {
	case err != nil:
		return out, err
	case result != learned:
		return out, fmt.Errorf("%s (%s). Say where it signs in: hotcell logins set %q --start %s/…", why, bare(start), login.Name, addressOf(at))
	}
	return cellrpc.Learned{Page: s.page, Form: s.form}, nil
}

// tryAt goes to an address, and does what signs in there.
func (d *Driver) tryAt(ctx context.Context, t *tab, login *cellrpc.Login, at cellrpc.Origin, address string) (outcome, string, *signing, error) {
	s := &signing{driver: d, tab: t, at: at, login: *login, again: true, learning: true}
	if err := (&call{driver: d, ctx: ctx}).goTo(t, address); err != nil {
		return "", "", s, err
	}
	result, why, err := s.run(ctx)
	return result, why, s, err
}

// wayIn is the page of the same site to which a link to sign in leads.
func (s *signing) wayIn(ctx context.Context) (address string) {
	documents, err := s.tab.documents(ctx)
	if err != nil || len(documents) == 0 {
		return ""
	}
	base, err := url.Parse(documents[0].DocumentURL)
	if err != nil {
		return ""
	}
	documents[0].walk(func(n *node) bool {
		if address != "" || !n.is("a") || !n.has("href") || !inWords.MatchString(textOf(n)) {
			return address == ""
		}
		target, err := base.Parse(n.attribute("href"))
		if err != nil {
			return true
		}
		if o, ok := originOf(target.String()); ok && o == s.at {
			address = target.String()
		}
		return address == ""
	})
	return address
}

// close closes a browser context, with its pages.
func (d *Driver) close(space string) {
	ctx, cancel := context.WithTimeout(context.Background(), endTime)
	defer cancel()
	var pages []*tab
	for _, t := range d.open() {
		if t.space == space {
			pages = append(pages, t)
		}
	}
	_ = d.root.do(ctx, "Target.disposeBrowserContext", args{"browserContextId": space}, nil)
	for _, t := range pages {
		select {
		case <-t.gone:
		case <-ctx.Done():
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tabs = slices.DeleteFunc(d.tabs, func(t *tab) bool { return t.space == space })
}

// kept is the outcome where the page would have sent the stand-in in another way than
// the login's.
func (s *signing) kept(f *fields, state cellrpc.ArmState) (outcome, string) {
	field := f.password
	if field == nil {
		field = f.codes[0]
	}
	s.page = pathOf(field.document.DocumentURL)
	switch {
	case s.learning && state.Other:
		return learned, ""
	case state.Other:
		return another, ""
	case state.Unread && s.tab.observed().computed:
		return s.unsent(state)
	case state.Unread:
		return unknown, "what was typed was sent in a form in which no field is it as it is: the request was kept back, and the site got no password"
	}
	return "", ""
}

// declared is what a form says of itself, as it is held against a login's way in.
func (s *signing) declared(f *fields, button *node) *cellrpc.FillRequest {
	r := s.asking(f, button, len(f.codes) > 0)
	s.page, s.form = r.Form, &r
	return &r
}

// sayYes sees to it that a person has said yes to a form before anything is typed into
// it.
func (s *signing) sayYes(ctx context.Context, f *fields, button *node) (outcome, string, error) {
	form := s.declared(f, button)
	if s.learning {
		return learned, "", nil
	}
	answer, err := s.driver.Config.Hand.AskWay(ctx, cellrpc.AskWay{Use: s.login.Use, Origin: s.at, Page: s.page, Form: form, Brief: true})
	switch {
	case err != nil:
		return "", "", err
	case answer.State == "approved":
		return "", "", nil
	}
	return another, answer.Text, nil
}
