package browser

import (
	"context"
	"errors"

	"hotcell"
)

// fill types the real values, where the attachment lets the browser have them: for
// sites that compute on the password. Nothing is observed until they are gone from
// the page, and what is observed after has them taken out.
func (s *signing) fill(ctx context.Context, f *fields, button *node) (outcome, string, error) {
	// A script of the agent's may have been in the page before: it would read what is
	// typed, in a form that nothing knows again.
	if s.driver.Evaluate {
		return "", "", errors.New(hotcell.FillOrEvaluate)
	}
	withCode := len(f.codes) > 0 && s.login.OTP
	values, err := s.driver.Config.Hand.Fill(ctx, s.login.Use, s.at, f.password != nil, withCode)
	if err != nil {
		return "", "", err
	}
	defer values.Clear()
	var password, code []byte
	_ = values.Password.Use(func(b []byte) error { password = append([]byte{}, b...); return nil })
	_ = values.Code.Use(func(b []byte) error { code = append([]byte{}, b...); return nil })
	s.driver.withhold(password)
	sent := s.tab.sent(addressOf(s.at))
	if f.password != nil {
		s.filled = append(s.filled, f.password)
	}
	s.filled = append(s.filled, f.codes...)
	did := func() bool { return s.tab.sent(addressOf(s.at)) > sent }
	if err := s.typeIn(ctx, f, password, code, button, did); err != nil {
		return "", "", err
	}
	clear(code)
	s.password, s.code = s.password || f.password != nil, s.code || withCode
	s.leave(ctx, f)
	return "", "", nil
}

// withhold has the driver's guard look for a value that the browser has now, for
// as long as the browser lives.
func (d *Driver) withhold(value []byte) {
	if len(value) == 0 {
		return
	}
	d.mu.Lock()
	d.values = append(d.values, value)
	d.mu.Unlock()
	d.learn()
}

// wipe takes real values out of fields that are still there.
func (s *signing) wipe(ctx context.Context) {
	for _, n := range s.filled {
		if s.seen(ctx)(n) {
			_ = s.tab.fill(ctx, n.session, n.BackendNodeID, nil)
		}
	}
	s.filled = nil
}
