// Package oauth is the client side of OAuth 2 (RFC 6749, RFC 7636, RFC 7009,
// RFC 8628, RFC 7523, RFC 8414, RFC 7591): the addresses that people are sent to,
// and the requests to token endpoints.
//
// It guards that a token or a client's secret goes to the endpoint that the
// connector names, under TLS, and to nowhere that the endpoint leads on to; and
// that no error holds what was sent or answered. It keeps nothing. One way to
// use it:
//
//	tokens, err := service.Exchange(ctx, &connector.Auth, client, code, verifier, callback)
//	defer tokens.Clear()
package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hotcell"
	"hotcell/internal/connector"
	"hotcell/internal/sensitive"
)

// The bounds of an answer, in bytes, and of a request's time.
const (
	maxAnswer = 1 << 20
	maxTime   = 30 * time.Second
)

// Client is an OAuth client.
type Client struct {
	ID     string
	Secret sensitive.Bytes
	Public bool
}

// Tokens are what was granted. The caller clears them.
type Tokens struct {
	Access, Refresh sensitive.Bytes
	// Expires is zero where the access token does not.
	Expires time.Time
	// Scopes are nil where the service does not say.
	Scopes []string
}

// Clear clears the tokens.
func (t *Tokens) Clear() {
	if t != nil {
		t.Access.Clear()
		t.Refresh.Clear()
	}
}

// Kind is what a fault means for what was asked.
type Kind int

// The kinds.
const (
	// Unavailable: it was not done, and may be later.
	Unavailable Kind = iota
	// Ambiguous: it may have been done; the answer did not come, or made no sense.
	Ambiguous
	// Revoked: the grant is no more (invalid_grant).
	Revoked
	// Refused: the service refuses the request or the client.
	Refused
	// Waiting: a person has not decided yet (RFC 8628).
	Waiting
)

// Fault is a request to an authorisation server that failed.
type Fault struct {
	Kind Kind
	// Code is the error of RFC 6749 section 5.2, or what stands for it; it holds
	// nothing else of the answer.
	Code string
	// After is when it may be tried again, where the service says so.
	After time.Duration
}

func (f *Fault) Error() string {
	if f.Code != "" {
		return "the authorisation server answered " + f.Code
	}
	return "the authorisation server does not answer"
}

// Is makes a fault what callers decide on.
func (f *Fault) Is(target error) bool {
	switch f.Kind {
	case Revoked:
		return target == hotcell.ErrNeedsReconnect
	case Refused:
		return target == hotcell.ErrDenied
	case Unavailable, Ambiguous, Waiting:
	}
	return target == hotcell.ErrUnavailable
}

// Config is what a service needs.
type Config struct {
	// Transport is a guarded way out, without a proxy.
	Transport http.RoundTripper
	Now       func() time.Time
}

// Service asks authorisation servers.
type Service struct{ Config }

// New is a service.
func New(c Config) *Service { return &Service{c} }

// AuthorizeURL is the service's page of consent (RFC 6749 section 4.1.1), with
// the proof key S256 of the verifier (RFC 7636).
func (s *Service) AuthorizeURL(a *connector.Auth, client, state, verifier, callback string, scopes []string) (string, error) {
	u, err := url.Parse(a.Authorize)
	if err != nil || u.Host == "" {
		return "", hotcell.Invalid("/auth/authorize", "the connector has no page of consent")
	}
	q := u.Query()
	for name, value := range a.Parameters {
		q.Set(name, value)
	}
	q.Set("response_type", "code")
	q.Set("client_id", client)
	q.Set("redirect_uri", callback)
	q.Set("state", state)
	if a.Resource != "" {
		q.Set("resource", a.Resource)
	}
	if len(scopes) > 0 {
		q.Set("scope", strings.Join(scopes, separator(a)))
	}
	if a.PKCE {
		sum := sha256.Sum256([]byte(verifier))
		q.Set("code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]))
		q.Set("code_challenge_method", "S256")
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

func separator(a *connector.Auth) string {
	if a.Separator == "" {
		return " "
	}
	return a.Separator
}

// Exchange gets tokens for a code (RFC 6749 section 4.1.3).
func (s *Service) Exchange(ctx context.Context, a *connector.Auth, c Client, code, verifier, callback string) (*Tokens, error) {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}}
	if a.PKCE {
		form.Set("code_verifier", verifier)
	}
	return s.tokens(ctx, a, c, form)
}

// Refresh gets new tokens (RFC 6749 section 6). Refresh of what it returns is
// empty where the old refresh token goes on.
func (s *Service) Refresh(ctx context.Context, a *connector.Auth, c Client, refresh sensitive.Bytes) (out *Tokens, err error) {
	err = refresh.Use(func(b []byte) (err error) {
		out, err = s.tokens(ctx, a, c, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {string(b)}})
		return err
	})
	return out, err
}

// ClientCredentials gets a token for the client itself (RFC 6749 section 4.4).
func (s *Service) ClientCredentials(ctx context.Context, a *connector.Auth, c Client, scopes []string) (*Tokens, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	if len(scopes) > 0 {
		form.Set("scope", strings.Join(scopes, separator(a)))
	}
	return s.tokens(ctx, a, c, form)
}

// tokens asks the token endpoint.
func (s *Service) tokens(ctx context.Context, a *connector.Auth, c Client, form url.Values) (*Tokens, error) {
	if a.Resource != "" {
		form.Set("resource", a.Resource)
	}
	body, err := s.post(ctx, a, c, a.Token, form)
	if err != nil {
		return nil, err
	}
	answer, err := a.ReadToken(ctx, body)
	sensitive.Wipe(body)
	switch {
	case err != nil:
		return nil, &Fault{Kind: Ambiguous, Code: "what is no answer of a token endpoint"}
	case answer.Error != "":
		return nil, &Fault{Kind: kindOf(answer.Error), Code: answer.Error}
	}
	out := &Tokens{Access: sensitive.New([]byte(answer.Access))}
	if answer.Refresh != "" {
		out.Refresh = sensitive.New([]byte(answer.Refresh))
	}
	if answer.Expires > 0 {
		out.Expires = s.Now().Add(answer.Expires)
	}
	if answer.Scope != "" {
		out.Scopes = strings.FieldsFunc(answer.Scope, func(r rune) bool { return r == ' ' || r == ',' })
	}
	return out, nil
}

// kindOf says what an error code means for the grant (RFC 6749 section 5.2,
// RFC 8628 section 3.5, and what services have beside).
func kindOf(code string) Kind {
	switch code {
	case "invalid_grant", "token_revoked", "invalid_refresh_token", "token_expired", "bad_refresh_token":
		return Revoked
	case "temporarily_unavailable", "server_error", "ratelimited", "rate_limited", "slow_down_requests":
		return Unavailable
	case "authorization_pending", "slow_down":
		return Waiting
	}
	return Refused
}

// post sends a form to an endpoint, as the client, and returns what it answers:
// of an answer that is an error, the fault.
func (s *Service) post(ctx context.Context, a *connector.Auth, c Client, endpoint string, form url.Values) ([]byte, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return nil, hotcell.Invalid("/auth", "an endpoint is an https URL")
	}
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	request := (&http.Request{Method: http.MethodPost, URL: u, Header: http.Header{}}).WithContext(ctx)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	if err := show(request, a, c, form); err != nil {
		return nil, err
	}
	text := form.Encode()
	request.Body, request.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	status, header, body, err := s.send(request)
	if err != nil {
		return nil, err
	}
	if status/100 == 2 {
		return body, nil
	}
	defer sensitive.Wipe(body)
	return nil, failed(ctx, a, status, header, body)
}

// send does one request, and reads what is answered to its end.
func (s *Service) send(r *http.Request) (status int, header http.Header, body []byte, err error) {
	answer, err := s.Transport.RoundTrip(r)
	if err != nil {
		return 0, nil, nil, unanswered(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err = io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil || len(body) > maxAnswer {
		sensitive.Wipe(body)
		return 0, nil, nil, &Fault{Kind: Ambiguous, Code: "an answer that is not whole"}
	}
	return answer.StatusCode, answer.Header, body, nil
}

// show has the client show itself, as the connector says (RFC 6749 section 2.3).
func show(r *http.Request, a *connector.Auth, c Client, form url.Values) error {
	if c.ID == "" {
		return nil
	}
	if c.Public || a.Client == "none" {
		form.Set("client_id", c.ID)
		return nil
	}
	return c.Secret.Use(func(secret []byte) error {
		if a.Client == "post" {
			form.Set("client_id", c.ID)
			form.Set("client_secret", string(secret))
			return nil
		}
		r.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(string(secret)))
		return nil
	})
}

// unanswered says whether a request that brought no answer may have arrived.
func unanswered(err error) *Fault {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" || errors.Is(err, hotcell.ErrDenied) || errors.Is(err, hotcell.ErrUnavailable) {
		return &Fault{Kind: Unavailable}
	}
	return &Fault{Kind: Ambiguous}
}

// failed reads the error of an answer.
func failed(ctx context.Context, a *connector.Auth, status int, header http.Header, body []byte) *Fault {
	switch {
	case status == http.StatusTooManyRequests || status >= 500:
		return &Fault{Kind: Unavailable, Code: fmt.Sprintf("the status %d", status), After: after(header)}
	case status/100 == 3:
		return &Fault{Kind: Refused, Code: "a redirect, which is not followed"}
	}
	if read, err := a.ReadToken(ctx, body); err == nil && read.Error != "" {
		return &Fault{Kind: kindOf(read.Error), Code: read.Error}
	}
	return &Fault{Kind: Refused, Code: fmt.Sprintf("the status %d", status)}
}

func after(h http.Header) time.Duration {
	d, err := time.ParseDuration(h.Get("Retry-After") + "s")
	if err != nil || d < 0 {
		return 0
	}
	return min(d, time.Minute)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
