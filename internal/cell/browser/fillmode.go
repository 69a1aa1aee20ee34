package browser

import (
	"cmp"
	"context"
	"errors"

	"hotcell"
	"hotcell/internal/line/cellrpc"
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
	if result, why, err := s.sayYes(ctx, f, button); result != "" || err != nil {
		return result, why, err
	}
	withCode := len(f.codes) > 0 && s.login.OTP
	values, err := s.driver.Config.Hand.Fill(ctx, s.asking(f, button, withCode))
	if err != nil {
		return "", "", err
	}
	defer values.Clear()
	var password, code []byte
	_ = values.Password.Use(func(b []byte) error { password = append([]byte{}, b...); return nil })
	_ = values.Code.Use(func(b []byte) error { code = append([]byte{}, b...); return nil })
	if err := s.keepOffAddress(ctx, f); err != nil {
		return "", "", err
	}
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

// asking is the question for values.
func (s *signing) asking(f *fields, button *node, withCode bool) cellrpc.FillRequest {
	r := cellrpc.FillRequest{Use: s.login.Use, Origin: s.at, Password: f.password != nil, Code: withCode}
	secret := f.password
	if secret == nil {
		secret = f.codes[0]
	}
	r.Form = pathOf(secret.document.DocumentURL)
	for _, way := range sendings(secret, button, s.at) {
		r.Action, r.Method = way.path, way.method
	}
	if f.password != nil {
		r.PasswordField = nameOf(f.password)
	}
	for _, n := range f.codes {
		r.CodeFields = append(r.CodeFields, nameOf(n))
	}
	return r
}

// nameOf is by which a field is told from another.
func nameOf(n *node) string {
	return cmp.Or(n.attribute("name"), n.attribute("id"), n.attribute("autocomplete"), n.attribute("type"), "text")
}

// keepOffAddress has a form that says nothing of how it sends send a body: where no
// script sends it, it would put the password into an address.
func (s *signing) keepOffAddress(ctx context.Context, f *fields) error {
	field := f.password
	if field == nil {
		field = f.codes[0]
	}
	form := formOf(field)
	if form == nil || form.has("method") {
		return nil
	}
	return form.session.call(ctx, form.BackendNodeID, "function() { Element.prototype.setAttribute.call(this, 'method', 'post') }", nil)
}
