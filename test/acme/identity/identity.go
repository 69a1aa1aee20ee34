// Package identity is the company's authorisation server: OAuth 2 and OpenID
// Connect by a library, with people of its own, a page of consent, proof keys
// required, and refresh tokens that rotate: who uses one twice loses the grant.
//
// It guards nothing of Hotcell's: it is what connections are tested against,
// and it counts what they do to it. One way to use it:
//
//	s, err := identity.New("https://accounts.acme.test:8443")
//	http.Serve(listener, s)
package identity

import (
	"context"
	"crypto/rand"
	"embed"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/zitadel/oidc/v3/pkg/op"

	"hotcell/test/acme/account"
)

// People are who can sign in.
var people = []account.Account{
	{ID: "U1", Name: "Ada", Mail: "ada@acme.test", Team: "Acme"},
	{ID: "U2", Name: "Bob", Mail: "bob@acme.test", Team: "Acme"},
	{ID: "U6", Name: "Eve", Mail: "eve@evil.test", Team: "Evil"},
}

// Mode is what becomes of a refresh token when it is used.
type Mode int

// The modes.
const (
	// Rotates: a second use ends the whole grant.
	Rotates Mode = iota
	// Grace: a second use gives the same new token again.
	Grace
	// Keeps: it goes on.
	Keeps
)

// Counts are what was done to the server. Rotations are the refreshes that made a
// new refresh token; within grace, a second use makes none.
type Counts struct{ Refreshes, Rotations, Reuses, Revocations int }

// Server is the authorisation server.
type Server struct {
	provider *op.Provider
	store    *storage
	issuer   string
	page     *template.Template

	mu     sync.Mutex
	lose   func() bool
	down   bool
	issued []string
}

//go:embed consent.html
var files embed.FS

// New makes one for an issuer.
func New(issuer string) (*Server, error) {
	s := &Server{issuer: issuer, store: newStorage()}
	var key [32]byte
	_, _ = rand.Read(key[:])
	var err error
	if s.page, err = template.ParseFS(files, "consent.html"); err != nil {
		return nil, fmt.Errorf("reading the page of consent: %w", err)
	}
	s.provider, err = op.NewProvider(&op.Config{
		CryptoKey: key, CodeMethodS256: true, AuthMethodPost: true, GrantTypeRefreshToken: true,
		DeviceAuthorization: op.DeviceAuthorizationConfig{Lifetime: 10 * time.Minute, PollInterval: time.Second, UserFormPath: "/device", UserCode: op.UserCodeBase20},
	}, s.store, op.StaticIssuer(issuer), op.WithLogger(slog.New(slog.DiscardHandler)), op.WithAllowInsecure())
	if err != nil {
		return nil, fmt.Errorf("making the authorisation server: %w", err)
	}
	return s, nil
}

// Add adds an OAuth client; an empty secret is a public client's.
func (s *Server) Add(id, secret string, mode Mode, redirects ...string) {
	s.store.add(&client{id: id, secret: secret, mode: mode, redirects: redirects})
}

// AddUnproved adds a client of a service that knows no proof keys (RFC 7636).
func (s *Server) AddUnproved(id, secret string, mode Mode, redirects ...string) {
	s.store.add(&client{id: id, secret: secret, mode: mode, redirects: redirects, unproved: true})
}

// Is says whether these are a client's id and secret.
func (s *Server) Is(id, secret string) bool {
	return s.store.AuthorizeClientIDSecret(context.Background(), id, secret) == nil
}

// Revoke ends the grant of an access token or a refresh token, and says whether
// there was one.
func (s *Server) Revoke(token string) bool {
	if text, err := s.provider.Crypto().Decrypt(token); err == nil {
		token, _, _ = strings.Cut(text, ":")
	}
	return s.store.revoke(token)
}

// Forget has no access token be good any more; refresh tokens go on.
func (s *Server) Forget() { s.store.set(func() { clear(s.store.access) }) }

// Life is how long access tokens live from now on.
func (s *Server) Life(d time.Duration) { s.store.set(func() { s.store.life = d }) }

// Lose has the answers of the token endpoint be cut off where it says so: what
// was asked is done all the same. Nil ends it.
func (s *Server) Lose(fn func() bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lose = fn
}

// Down has the server answer nothing but that it cannot.
func (s *Server) Down(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// Counts are what was done so far.
func (s *Server) Counts() Counts {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	return s.store.counts
}

// End ends all that somebody granted, as a person does at a service.
func (s *Server) End(mail string) { s.store.end(mail) }

// Account finds out whose a request's bearer token is.
func (s *Server) Account(r *http.Request) (account.Account, bool) {
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer {
		return account.Account{}, false
	}
	text, err := s.provider.Crypto().Decrypt(token)
	if err != nil {
		return account.Account{}, false
	}
	id, _, _ := strings.Cut(text, ":")
	return s.store.account(id)
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	down, lose := s.down, s.lose
	s.mu.Unlock()
	switch {
	case down:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "down", http.StatusServiceUnavailable)
	case r.URL.Path == "/.well-known/oauth-authorization-server":
		s.metadata(w)
	case r.URL.Path == "/register" && r.Method == http.MethodPost:
		s.register(w, r)
	case r.URL.Path == "/consent":
		s.consent(w, r)
	case r.URL.Path == "/authorize" && !s.proved(w, r):
	case r.URL.Path == "/oauth/token" && lose != nil && lose():
		s.provider.ServeHTTP(&void{header: http.Header{}}, r)
		panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's way to cut an answer off
	case r.URL.Path == "/oauth/token":
		s.token(w, r)
	case r.URL.Path == "/authorize/callback":
		s.provider.ServeHTTP(&signed{w, s.issuer}, r)
	default:
		s.provider.ServeHTTP(w, r)
	}
}

// signed says on the way back to a client whose answer it is (RFC 9207).
type signed struct {
	http.ResponseWriter
	issuer string
}

// WriteHeader implements [http.ResponseWriter].
func (s *signed) WriteHeader(status int) {
	if to, err := url.Parse(s.Header().Get("Location")); err == nil && to.Query().Get("code") != "" {
		q := to.Query()
		q.Set("iss", s.issuer)
		to.RawQuery = q.Encode()
		s.Header().Set("Location", to.String())
	}
	s.ResponseWriter.WriteHeader(status)
}

// void takes an answer that nobody gets.
type void struct{ header http.Header }

func (v *void) Header() http.Header         { return v.header }
func (v *void) Write(b []byte) (int, error) { return len(b), nil }
func (v *void) WriteHeader(int)             {}

// proved refuses who brings no proof key, unless their service has none.
func (s *Server) proved(w http.ResponseWriter, r *http.Request) bool {
	q := r.URL.Query()
	if q.Get("code_challenge_method") == "S256" && q.Get("code_challenge") != "" || s.store.unproved(q.Get("client_id")) {
		return true
	}
	http.Error(w, "a proof key (S256) is required", http.StatusBadRequest)
	return false
}

// consent is the page on which people sign in and say yes or no.
func (s *Server) consent(w http.ResponseWriter, r *http.Request) {
	id := r.FormValue("request")
	request, err := s.store.AuthRequestByID(r.Context(), id)
	if err != nil {
		http.Error(w, "there is no such request", http.StatusNotFound)
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = s.page.Execute(w, map[string]any{"Request": id, "Client": request.GetClientID(), "Scopes": request.GetScopes(), "People": people, "Who": r.FormValue("who")})
		return
	}
	if r.PostFormValue("answer") != "allow" {
		to := request.GetRedirectURI() + "?" + url.Values{"error": {"access_denied"}, "state": {request.GetState()}, "iss": {s.issuer}}.Encode()
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	if !s.store.allow(id, r.PostFormValue("who")) {
		http.Error(w, "there is nobody of that name", http.StatusBadRequest)
		return
	}
	http.Redirect(w, r, "/authorize/callback?id="+url.QueryEscape(id), http.StatusSeeOther)
}
