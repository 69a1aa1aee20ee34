package connector

import (
	"context"
	"errors"
	"math"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// tokenAnswer is where the token endpoint's answer has what it has, where that
// is not RFC 6749's own place.
type tokenAnswer struct{ access, refresh, scope, expires, err *text }

// TokenAnswer is what a token endpoint answered. Access and Refresh are secret:
// whoever reads it keeps them no longer than they must.
type TokenAnswer struct {
	Access, Refresh, Scope string
	// Expires is how long the access token lives; 0 where that is not said.
	Expires time.Duration
	// Error is a code as RFC 6749 section 5.2 has it; empty for none.
	Error string
	// Description is what the service says of it for people: a stranger's word, which may
	// repeat anything that was sent.
	Description string
}

// String hides the tokens.
func (TokenAnswer) String() string { return "[redacted]" }

// GoString hides the tokens.
func (TokenAnswer) GoString() string { return "[redacted]" }

// errorCode is what an error of RFC 6749 may be written with, shortened: its
// text is shown to people.
var errorCode = regexp.MustCompile(`^[a-z0-9_.-]{1,64}$`)

var errToken = errors.New("the token endpoint's answer is not understood")

// maxLife bounds the life that a token may be said to have.
const maxLife = 10 * 365 * 24 * time.Hour

// ReadToken reads the answer of a token endpoint: JSON, or a form, which some services
// answer with whatever they are asked for. Its error holds nothing of it.
func (a *Auth) ReadToken(ctx context.Context, body []byte) (out TokenAnswer, err error) {
	v, err := lenient(body)
	m, ok := v.(map[string]any)
	if err != nil {
		m, ok = asForm(body)
	}
	if !ok {
		return out, errToken
	}
	texts := func(key string) string { s, _ := m[key].(string); return s }
	out = TokenAnswer{Access: texts("access_token"), Refresh: texts("refresh_token"), Scope: texts("scope"), Error: texts("error"), Description: texts("error_description"), Expires: life(m["expires_in"])}
	if a.answer != nil {
		if err := a.answer.read(ctx, m, &out); err != nil {
			return TokenAnswer{}, errToken
		}
	}
	if out.Error != "" && !errorCode.MatchString(out.Error) {
		out.Error = "error"
	}
	if out.Error == "" && out.Access == "" {
		return TokenAnswer{}, errToken
	}
	if out.Expires == 0 {
		out.Expires = a.Expires
	}
	return out, nil
}

// asForm reads an answer that is a form (application/x-www-form-urlencoded): it has a
// token or an error, and each field once.
func asForm(body []byte) (map[string]any, bool) {
	const most = 64 << 10
	if len(body) > most {
		return nil, false
	}
	form, err := url.ParseQuery(strings.TrimSpace(string(body)))
	if err != nil || form.Get("access_token") == "" && form.Get("error") == "" {
		return nil, false
	}
	out := make(map[string]any, len(form))
	for name, values := range form {
		if len(values) != 1 {
			return nil, false
		}
		out[name] = values[0]
	}
	return out, true
}

func (t *tokenAnswer) read(ctx context.Context, m map[string]any, out *TokenAnswer) error {
	in := map[string]any{"answer": m}
	for _, p := range []struct {
		from *text
		to   *string
	}{{t.access, &out.Access}, {t.refresh, &out.Refresh}, {t.scope, &out.Scope}, {t.err, &out.Error}} {
		if p.from == nil {
			continue
		}
		v, err := p.from.value(ctx, in)
		if err != nil {
			return err
		}
		*p.to, _ = v.(string)
	}
	if t.expires != nil {
		v, err := t.expires.value(ctx, in)
		if err != nil {
			return err
		}
		out.Expires = life(v)
	}
	return nil
}

// life reads seconds; what is no sensible number is none.
func life(v any) time.Duration {
	var seconds float64
	switch n := v.(type) {
	case int64:
		seconds = float64(n)
	case float64:
		seconds = n
	case string: // some services write the number as a text
		if d, err := time.ParseDuration(n + "s"); err == nil {
			seconds = d.Seconds()
		}
	}
	if math.IsNaN(seconds) || seconds <= 0 || seconds > maxLife.Seconds() {
		return 0
	}
	return time.Duration(seconds * float64(time.Second))
}
