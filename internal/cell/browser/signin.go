package browser

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"hotcell/internal/line/cellrpc"
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
	more      outcome = "more_steps"
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
	// learning is true where nothing is to be sent: it is only found out how it would be.
	learning bool
	// page and form are those that a login would be sent by in a way that nobody has
	// said yes to; a form is known in fill mode alone.
	page string
	form *cellrpc.FillRequest
	// again is true where the password is to be entered though one is signed in.
	again bool
	// status is that of the answer to the request that carried a value.
	status int
	// before is the page as it was when something was sent last, at since; tabs are
	// those that were open then, and had is what the site had kept before all.
	before *page
	since  time.Time
	tabs   map[*tab]bool
	had    [][]byte
	hosts  int
	// filled are fields that hold a real value, in fill mode, and values what they hold.
	filled []*node
	values [][]byte
}

// signIn is the tool: it finds the login for the page's site, or asks a person for
// one, and signs in.
func (c *call) signIn() error {
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
	if !ok { // it may have just begun to go somewhere
		t.settle(c.ctx)
		address, _ = t.at(c.ctx)
		if at, ok = originOf(address); !ok {
			return fmt.Errorf("the page (%s) is of no site that could be signed in to: go to its sign-in page first, by https", bare(address))
		}
	}
	for asks := 0; ; asks++ {
		s, result, why, err := c.attempt(t, address, at)
		if err == nil && result == another && asks < maxAsks {
			if err = c.askWay(s); err == nil {
				if t, err = c.anew(t, address); err == nil {
					continue
				}
			}
		}
		if err != nil {
			return err
		}
		if result == another && why == "" {
			why = fmt.Sprintf("the page sends the login in another way each time (%d were asked about)", asks)
		}
		if result != signedIn {
			return fmt.Errorf("%s: %s", result, why)
		}
		c.look = true
		c.say("%s: %s", result, why)
		return nil
	}
}

// anew goes to the page again where a sign-in began: what it had done by then was kept
// back.
func (c *call) anew(t *tab, address string) (*tab, error) {
	c.look = false
	select {
	case <-t.gone:
		var err error
		if t, err = c.driver.newTab(c.ctx); err != nil {
			return nil, err
		}
	default:
		c.driver.mu.Lock()
		c.driver.current = t
		c.driver.mu.Unlock()
	}
	return t, c.goTo(t, address)
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

// choose is the login of a user name, or of its own name; where there are several,
// one of them must be said. User names that differ in their letters' case alone are
// two, and one that is like none of them exactly may be like one.
func choose(logins []cellrpc.Login, username string) (*cellrpc.Login, error) {
	if username == "" && len(logins) == 1 {
		return &logins[0], nil
	}
	var names []string
	var alike []*cellrpc.Login
	for i := range logins {
		l := &logins[i]
		if username != "" && l.Username == username {
			return l, nil
		}
		if username != "" && (strings.EqualFold(l.Username, username) || l.Username == "" && l.Name == username) {
			alike = append(alike, l)
		}
		names = append(names, cmp.Or(l.Username, l.Name))
	}
	switch {
	case len(alike) == 1:
		return alike[0], nil
	case username != "" && len(alike) == 0:
		return nil, fmt.Errorf("no login of this job for this site has the user name %q: there are %s", username, strings.Join(names, ", "))
	}
	return nil, fmt.Errorf("several logins are for this site: say which with username: %s", strings.Join(names, ", "))
}
