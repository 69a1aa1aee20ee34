package browser

import (
	"context"
	"errors"

	"hotcell"
)

// fill types the real values, where the attachment lets the browser have them: for
// sites that compute on the password. Nothing is observed until they are gone from
// the pages, and what is observed after has them taken out.
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
	s.values = append(s.values, password, code)
	s.driver.withhold(ctx, s.at, password, code)
	sent := s.tab.sent(addressOf(s.at))
	if f.password != nil {
		s.filled = append(s.filled, f.password)
	}
	s.filled = append(s.filled, f.codes...)
	did := func() bool { return s.tab.sent(addressOf(s.at)) > sent }
	if err := s.typeIn(ctx, f, password, code, button, did); err != nil {
		return "", "", err
	}
	s.password, s.code = s.password || f.password != nil, s.code || withCode
	s.leave(ctx, f)
	return "", "", nil
}
