package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"hotcell/test/acme/account"
)

// storage keeps all in memory.
type storage struct {
	mu      sync.Mutex
	life    time.Duration
	key     *ecdsa.PrivateKey
	clients map[string]*client
	grants  map[string]*grant
	codes   map[string]string // code to grant
	refresh map[string]*grant
	access  map[string]*access
	counts  Counts
}

type access struct {
	grant   *grant
	expires time.Time
}

var (
	_ op.Storage                  = (*storage)(nil)
	_ op.ClientCredentialsStorage = (*storage)(nil)
)

var errNone = errors.New("there is none")

func newStorage() *storage {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) //nolint:forbidigo // the machine has no randomness
	}
	return &storage{
		life: time.Hour, key: key, clients: map[string]*client{}, grants: map[string]*grant{}, codes: map[string]string{},
		refresh: map[string]*grant{}, access: map[string]*access{},
	}
}

func (s *storage) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *storage) add(c *client) { s.set(func() { s.clients[c.id] = c }) }

func (s *storage) unproved(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.clients[id]
	return c != nil && c.unproved
}

func (s *storage) allow(id, mail string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.grants[id]
	i := slices.IndexFunc(people, func(a account.Account) bool { return a.Mail == mail })
	if g == nil || i < 0 {
		return false
	}
	g.subject, g.done, g.at = people[i].ID, true, time.Now()
	return true
}

func (s *storage) end(mail string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(people, func(a account.Account) bool { return a.Mail == mail })
	for _, g := range s.grants {
		if i >= 0 && g.subject == people[i].ID {
			g.ended = true
		}
	}
}

func (s *storage) account(id string) (account.Account, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.access[id]
	if a == nil || a.grant.ended || time.Now().After(a.expires) {
		return account.Account{}, false
	}
	i := slices.IndexFunc(people, func(p account.Account) bool { return p.ID == a.grant.subject })
	if i < 0 {
		return account.Account{ID: a.grant.client, Name: a.grant.client, Scopes: a.grant.scopes}, true
	}
	out := people[i]
	out.Scopes = a.grant.scopes
	return out, true
}

// CreateAuthRequest implements [op.Storage].
func (s *storage) CreateAuthRequest(_ context.Context, r *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	g := &grant{id: rand.Text(), client: r.ClientID, request: *r, scopes: slices.Clone(r.Scopes), tokens: map[string]string{}}
	if !slices.Contains(g.scopes, oidc.ScopeOfflineAccess) {
		g.scopes = append(g.scopes, oidc.ScopeOfflineAccess)
	}
	s.set(func() { s.grants[g.id] = g })
	return g, nil
}

// AuthRequestByID implements [op.Storage].
func (s *storage) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.grants[id]; g != nil {
		return g, nil
	}
	return nil, errNone
}

// AuthRequestByCode implements [op.Storage]: a code is good once.
func (s *storage) AuthRequestByCode(_ context.Context, code string) (op.AuthRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.grants[s.codes[code]]
	delete(s.codes, code)
	if g == nil {
		return nil, errNone
	}
	return g, nil
}

// SaveAuthCode implements [op.Storage].
func (s *storage) SaveAuthCode(_ context.Context, id, code string) error {
	s.set(func() { s.codes[code] = id })
	return nil
}

// DeleteAuthRequest implements [op.Storage]; the grant goes on.
func (s *storage) DeleteAuthRequest(context.Context, string) error { return nil }

// CreateAccessToken implements [op.Storage].
func (s *storage) CreateAccessToken(_ context.Context, r op.TokenRequest) (string, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, ok := r.(*grant)
	if !ok {
		g = &grant{subject: r.GetSubject(), client: r.GetSubject(), scopes: r.GetScopes()}
	}
	id, expires := s.issue(g)
	return id, expires, nil
}

func (s *storage) issue(g *grant) (string, time.Time) {
	id, expires := rand.Text(), time.Now().Add(s.life)
	s.access[id] = &access{g, expires}
	return id, expires
}

// CreateAccessAndRefreshTokens implements [op.Storage].
func (s *storage) CreateAccessAndRefreshTokens(_ context.Context, r op.TokenRequest, current string) (string, string, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, ok := r.(*grant)
	if !ok {
		return "", "", time.Time{}, errNone
	}
	id, expires := s.issue(g)
	mode := Rotates
	if c := s.clients[g.client]; c != nil {
		mode = c.mode
	}
	if current != "" {
		s.counts.Refreshes++
		if mode == Keeps {
			return id, current, expires, nil
		}
		if next := g.tokens[current]; next != "" { // within grace
			return id, next, expires, nil
		}
	}
	fresh := "rt_" + rand.Text()
	if current != "" {
		s.counts.Rotations++
		g.tokens[current] = fresh
	}
	s.refresh[fresh] = g
	return id, fresh, expires, nil
}

// TokenRequestByRefreshToken implements [op.Storage]: a token that was used
// before ends the whole grant, unless its client has grace.
func (s *storage) TokenRequestByRefreshToken(_ context.Context, token string) (op.RefreshTokenRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.refresh[token]
	if g == nil || g.ended {
		return nil, op.ErrInvalidRefreshToken
	}
	if c := s.clients[g.client]; g.tokens[token] != "" && (c == nil || c.mode == Rotates) {
		s.counts.Reuses++
		g.ended = true
		return nil, op.ErrInvalidRefreshToken
	}
	return g, nil
}

// RevokeToken implements [op.Storage]: that there is no such token is no error
// (RFC 7009).
func (s *storage) RevokeToken(_ context.Context, token, _, _ string) *oidc.Error {
	s.revoke(token)
	return nil
}

func (s *storage) revoke(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Revocations++
	g := s.refresh[token]
	if a := s.access[token]; a != nil {
		g = a.grant
	}
	if g == nil || g.ended {
		return false
	}
	g.ended = true
	return true
}

// GetRefreshTokenInfo implements [op.Storage].
func (s *storage) GetRefreshTokenInfo(_ context.Context, _, token string) (userID, tokenID string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.refresh[token]; g != nil {
		return g.subject, token, nil
	}
	return "", "", op.ErrInvalidRefreshToken
}

// GetClientByClientID implements [op.Storage].
func (s *storage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.clients[id]; c != nil {
		return c, nil
	}
	return nil, errNone
}

// AuthorizeClientIDSecret implements [op.Storage].
func (s *storage) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.clients[id]; c != nil && c.secret == secret && secret != "" {
		return nil
	}
	return errNone
}

// ClientCredentials implements [op.ClientCredentialsStorage].
func (s *storage) ClientCredentials(ctx context.Context, id, secret string) (op.Client, error) {
	if err := s.AuthorizeClientIDSecret(ctx, id, secret); err != nil {
		return nil, err
	}
	return s.GetClientByClientID(ctx, id)
}

// ClientCredentialsTokenRequest implements [op.ClientCredentialsStorage].
func (s *storage) ClientCredentialsTokenRequest(_ context.Context, id string, scopes []string) (op.TokenRequest, error) {
	return &oidc.JWTTokenRequest{Subject: id, Scopes: scopes}, nil
}

// What the library asks for besides.

func (s *storage) TerminateSession(context.Context, string, string) error { return nil }
func (s *storage) Health(context.Context) error                           { return nil }
func (s *storage) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

func (s *storage) SetUserinfoFromToken(_ context.Context, info *oidc.UserInfo, token, _, _ string) error {
	a, ok := s.account(token)
	if !ok {
		return errNone
	}
	info.Subject, info.Name, info.Email = a.ID, a.Name, a.Mail
	return nil
}

func (s *storage) SetIntrospectionFromToken(context.Context, *oidc.IntrospectionResponse, string, string, string) error {
	return errNone
}

func (s *storage) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, nil //nolint:nilnil // there are none
}

func (s *storage) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errNone
}

func (s *storage) ValidateJWTProfileScopes(_ context.Context, _ string, scopes []string) ([]string, error) {
	return scopes, nil
}

func (s *storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.ES256}, nil
}

func (s *storage) SigningKey(context.Context) (op.SigningKey, error) { return &signingKey{s.key}, nil }

func (s *storage) KeySet(context.Context) ([]op.Key, error) { return []op.Key{&publicKey{s.key}}, nil }

type signingKey struct{ key *ecdsa.PrivateKey }

func (k *signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.ES256 }
func (k *signingKey) Key() any                                    { return k.key }
func (k *signingKey) ID() string                                  { return "acme" }

type publicKey struct{ key *ecdsa.PrivateKey }

func (k *publicKey) ID() string                         { return "acme" }
func (k *publicKey) Algorithm() jose.SignatureAlgorithm { return jose.ES256 }
func (k *publicKey) Use() string                        { return "sig" }
func (k *publicKey) Key() any                           { return &k.key.PublicKey }
