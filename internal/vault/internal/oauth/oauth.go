// Package oauth is the client side of OAuth 2 (RFC 6749, RFC 7636, RFC 7009,
// RFC 8628, RFC 7523, RFC 8414, RFC 7591): the addresses that people are sent to,
// and the requests to token endpoints.
//
// It guards that a token or a client's secret goes to the endpoint that the
// connector names, under TLS, and to nowhere that the endpoint leads on to; and
// that no error holds what was sent, or of what was answered more than its code and
// the words for people, where they repeat nothing of that. It keeps nothing. One way to
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
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/value/guard"
	"hotcell/internal/value/sensitive"
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

// takable says whether the tokens can be kept, put onto requests, and looked for in
// what the service answers.
func (t *Tokens) takable() bool {
	for _, token := range []sensitive.Bytes{t.Access, t.Refresh} {
		if token.Len() > 0 && token.Use(check) != nil {
			return false
		}
	}
	return true
}

var errToken = errors.New("a token that cannot be kept safe")

func check(token []byte) error {
	if len(token) > hotcell.MaxValue || guard.Guardable(token) != nil || slices.ContainsFunc(token, func(b byte) bool { return b <= ' ' || b > '~' }) {
		return errToken
	}
	return nil
}

// Clear clears the tokens.
func (t *Tokens) Clear() {
	if t != nil {
		t.Access.Clear()
		t.Refresh.Clear()
	}
}

// Config is what a service needs.
type Config struct {
	// Transport is a guarded way out, without a proxy.
	Transport http.RoundTripper
	// Found is the way to what servers say of themselves: a stranger's word. Nil is
	// Transport.
	Found http.RoundTripper
	// Issuers are authorisation servers whose endpoints are at more than one origin,
	// beside those that are known: further origins by the issuer's.
	Issuers map[string][]string
	// ProofKeys are the origins of authorisation servers that take proof keys (PKCE)
	// although their metadata does not say so.
	ProofKeys []string
	Now       func() time.Time
}

// Service asks authorisation servers.
type Service struct {
	Config
	may func() error
	// named is the origin of the resource that somebody named; empty where the
	// connector's document names the endpoints.
	named string
}

// New is a service.
func New(c Config) *Service { return &Service{Config: c} }

// While is the service as long as may says so: it is asked in the moment before a
// form is sent, and where it fails, nothing is.
func (s *Service) While(may func() error) *Service { return &Service{s.Config, may, s.named} }

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
// empty where the old refresh token goes on. A server that refuses to be told the
// resource is asked once more without: what it granted is for that resource already
// (RFC 8707 section 2.2).
func (s *Service) Refresh(ctx context.Context, a *connector.Auth, c Client, refresh sensitive.Bytes) (out *Tokens, err error) {
	err = refresh.Use(func(b []byte) (err error) {
		form := func() url.Values { return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {string(b)}} }
		out, err = s.tokens(ctx, a, c, form())
		if fault, ok := errors.AsType[*Fault](err); ok && a.Resource != "" && fault.Kind == Refused && (fault.Code == "invalid_target" || fault.Code == "invalid_request") {
			out, err = s.granted(ctx, a, c, form())
		}
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

// tokens asks the token endpoint for tokens for the resource.
func (s *Service) tokens(ctx context.Context, a *connector.Auth, c Client, form url.Values) (*Tokens, error) {
	if a.Resource != "" {
		form.Set("resource", a.Resource)
	}
	return s.granted(ctx, a, c, form)
}

// granted asks the token endpoint.
func (s *Service) granted(ctx context.Context, a *connector.Auth, c Client, form url.Values) (*Tokens, error) {
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
		return nil, (&Fault{Kind: kindOf(answer.Error), Code: answer.Error, described: answer.Description}).repeatable(c, form)
	}
	out := &Tokens{Access: sensitive.New([]byte(answer.Access))}
	if answer.Refresh != "" {
		out.Refresh = sensitive.New([]byte(answer.Refresh))
	}
	if !out.takable() {
		out.Clear()
		return nil, &Fault{Kind: Ambiguous, Code: "a token that cannot be kept safe"}
	}
	if answer.Expires > 0 {
		out.Expires = s.Now().Add(answer.Expires)
	}
	if answer.Scope != "" {
		out.Scopes = strings.FieldsFunc(answer.Scope, func(r rune) bool { return r == ' ' || r == ',' })
	}
	return out, nil
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
	status, header, body, err := s.on(a.Resource).send(request)
	if err != nil {
		return nil, err
	}
	if status/100 == 2 {
		return body, nil
	}
	defer sensitive.Wipe(body)
	return nil, failed(ctx, a, status, header, body, s.Now()).repeatable(c, form)
}

// send does one request, and reads what is answered to its end.
func (s *Service) send(r *http.Request) (status int, header http.Header, body []byte, err error) {
	out := &outgoing{may: s.may}
	if r.Body != nil {
		out.Reader, r.Body = r.Body, out
	} else {
		out.left.Store(true) // nobody can tell
	}
	// A connection of its own: one that the other side has just closed takes what is
	// sent, and nobody knows whether it was read.
	r.Close = true
	answer, err := s.transport(r.URL).RoundTrip(r)
	if err != nil {
		return 0, nil, nil, out.unanswered()
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

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
