package browser

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"math/big"
	"slices"
	"strings"
	"time"

	"hotcell/internal/line/border"
	"hotcell/internal/line/cellrpc"
)

// letters are what stand-ins are made of: nothing that any encoding escapes.
const letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"

// standIn is a password that is worth nothing, of a shape that sites take: all
// kinds of characters, and no longer than the field.
func standIn(most int) string {
	text := []byte("Hc7_")
	for len(text) < min(24, most) {
		text = append(text, letters[number(len(letters))])
	}
	return string(text)
}

// digits is a code that is worth nothing.
func digits(n int) string {
	text := []byte{byte('1' + number(9))}
	for len(text) < n {
		text = append(text, byte('0'+number(10)))
	}
	return string(text)
}

func number(below int) int {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(below)))
	if err != nil {
		return 0
	}
	return int(n.Int64())
}

// minStandIn is the shortest that cannot be met with by chance.
const minStandIn = 10

// usualDigits is how many digits a code has, where the field says nothing.
const usualDigits = 6

// codeLength is how many digits a page takes.
func codeLength(codes []*node) int {
	if len(codes) > 1 {
		return len(codes)
	}
	if most, limited := length(codes[0]); limited && most >= 4 && most <= 8 {
		return most
	}
	return usualDigits
}

// wire fills in stand-ins, and has the vault put the values into the one request
// that holds them. The browser itself never has any.
func (s *signing) wire(ctx context.Context, f *fields, button *node) (outcome, string, error) {
	arm := cellrpc.ArmRequest{Use: s.login.Use, Origin: s.at, Learn: s.learning}
	if f.password != nil {
		most, isLimited := length(f.password)
		if !isLimited {
			most = 64
		}
		if most < minStandIn {
			return needsFill, "the password field takes too few characters for a stand-in: the login would have to be attached with --fill", nil
		}
		arm.Password = standIn(most)
	}
	if len(f.codes) > 0 && s.login.OTP {
		arm.Code = digits(cmp.Or(s.login.Digits, codeLength(f.codes)))
	}
	s.tab.observe(&watch{origin: addressOf(s.at), path: s.path(f), username: s.login.Username, words: [][]byte{[]byte(arm.Password), []byte(arm.Code)}})
	defer s.tab.observe(nil)
	armed, err := s.driver.Config.Hand.Arm(ctx, arm)
	state := s.follow(ctx, armed.ID)
	// Whatever happens: what the page did not send by the end, nobody sends later.
	defer state.release()
	if err != nil {
		return "", "", err
	}
	err = s.typeIn(ctx, f, []byte(arm.Password), []byte(arm.Code), button, state.used)
	if err != nil {
		return "", "", err
	}
	s.password, s.code = s.password || f.password != nil, s.code || arm.Code != ""
	got := state.wait(ctx, func() bool { return s.tab.observed().computed })
	if result, why := s.kept(f, got); result != "" {
		return result, why, nil
	}
	if !got.Password && !got.Code {
		result, why := s.unsent(got)
		return result, why, nil
	}
	s.status = got.Status
	if !got.Gone {
		s.leave(ctx, f)
	}
	return "", "", nil
}

// unsent says what a page did with what was typed, where the vault put nothing in its
// place.
func (s *signing) unsent(state cellrpc.ArmState) (outcome, string) {
	seen := s.tab.observed()
	elsewhere := slices.DeleteFunc(seen.went, func(to string) bool { return to == seen.origin })
	switch {
	case seen.computed:
		return needsFill, "the site's script sent something else than what was typed: it computes on the password. The login would have to be attached with --fill, which lets the browser itself have it"
	case len(elsewhere) > 0:
		return unknown, "what was typed was sent to " + strings.Join(elsewhere, ", ") + ", which the login is not for: it got no password"
	case len(seen.went) > 0:
		return unknown, "what was typed was sent too late, or to another path than the form's own: the site got no password"
	case state.Gone:
		return unknown, "nothing was sent when the form was filled in, or too late"
	}
	return unknown, "nothing was sent when the form was filled in"
}

// typeIn types into the fields of a page, and sends them.
func (s *signing) typeIn(ctx context.Context, f *fields, password, code []byte, button *node, did func() bool) error {
	t, last := s.tab, f.password
	if f.password != nil {
		t.keepSecret(f.password.session, f.password.BackendNodeID)
		if err := t.fill(ctx, f.password.session, f.password.BackendNodeID, password); err != nil {
			return err
		}
	}
	if len(code) > 0 {
		last = f.codes[len(f.codes)-1]
		for i, n := range f.codes {
			t.keepSecret(n.session, n.BackendNodeID)
			if len(f.codes) == 1 {
				if err := t.fill(ctx, n.session, n.BackendNodeID, code); err != nil {
					return err
				}
				continue
			}
			// A page may go on by itself with the last digit.
			if i >= len(code) || t.digit(ctx, n.session, n.BackendNodeID, code[i]) != nil {
				break
			}
		}
		if s.await(ctx, 150*time.Millisecond, did) {
			return nil
		}
	}
	if last == nil {
		return errors.New("there is nothing to fill in")
	}
	return s.submit(ctx, last, button, did)
}

// following is what is known of an arm while it waits.
type following struct {
	state  chan cellrpc.ArmState
	last   cellrpc.ArmState
	cancel func()
}

// follow asks what becomes of what was armed.
func (s *signing) follow(ctx context.Context, id string) *following {
	hand := s.driver.Config.Hand
	f := &following{state: make(chan cellrpc.ArmState, 1)}
	f.cancel = func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellTime)
		defer cancel()
		if got, err := hand.AwaitArm(ctx, cellrpc.AwaitArmRequest{ID: id, Cancel: true}); err == nil {
			f.last = got
		}
	}
	if id == "" { // it may be armed, and nobody knows by what name
		return f
	}
	border.Go("waiting for what was armed", s.driver.wire.caught, func() {
		got := cellrpc.ArmState{Gone: true}
		defer func() { f.state <- got }()
		if state, err := hand.AwaitArm(ctx, cellrpc.AwaitArmRequest{ID: id}); err == nil {
			got = state
		}
	})
	return f
}

// tellTime is how long telling the gateway of an end may take: it is done also
// where a call was given up.
const tellTime = 5 * time.Second

// release takes back what was armed, unless it is known to be gone.
func (f *following) release() {
	if !f.last.Gone {
		f.cancel()
	}
}

// used says whether it is known what became of it.
func (f *following) used() bool {
	select {
	case f.last = <-f.state:
		f.state <- f.last
		return true
	default:
		return false
	}
}

// otherTime is how long is waited for a site's own request where it has sent
// another.
const otherTime = 2 * time.Second

// wait waits for what became of it. A page that has sent something else does not
// keep everybody waiting: what was armed is taken back.
func (f *following) wait(ctx context.Context, other func() bool) cellrpc.ArmState {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var since time.Time
	began := time.Now()
	for {
		select {
		case f.last = <-f.state:
			return f.last
		case <-ctx.Done():
			f.cancel()
			return f.last
		case <-tick.C:
		}
		if since.IsZero() && other() {
			since = time.Now()
		}
		if !since.IsZero() && time.Since(since) > otherTime || since.IsZero() && time.Since(began) > changeTime {
			f.cancel()
			return f.last
		}
	}
}

// leave waits until the page has gone on from its form, or shows that it does not.
func (s *signing) leave(ctx context.Context, f *fields) {
	field := f.password
	if field == nil {
		field = f.codes[0]
	}
	s.tab.settle(ctx)
	if s.status >= 400 && s.status < 500 {
		return
	}
	s.await(ctx, appearTime, func() bool {
		return !s.there(ctx, field) || wrongWords.MatchString(s.tab.words(ctx)) || limitWords.MatchString(s.tab.words(ctx))
	})
	s.tab.settle(ctx)
}
