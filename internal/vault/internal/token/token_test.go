package token_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/store/sqlite"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/vault/internal/kms"
	"hotcell/internal/vault/internal/oauth"
	"hotcell/internal/vault/internal/token"
	"hotcell/test/acme/identity"
)

const document = `
slug: chat
name: Chat
category: chat
about: A service of tests.
base: %[1]s
advise: {hosts: [chat.acme.test]}
auth: {kind: oauth2, refresh: %[2]s, authorize: "%[1]s/authorize", token: "%[1]s/oauth/token", revoke: "%[1]s/revoke", client: post, scopes: [openid]}
tools:
- {name: read, about: Reads what there is to read., hint: read, request: {method: GET, path: /x}}
`

var modes = map[identity.Mode]string{identity.Rotates: "rotates", identity.Grace: "grace", identity.Keeps: "keeps"}

// failing is a store that cannot be written to while it says so.
type failing struct {
	hotcell.VaultStore
	says func() error
}

func (f *failing) Update(ctx context.Context, fn func(hotcell.VaultWriter) error) error {
	if f.says != nil {
		if err := f.says(); err != nil {
			return err
		}
	}
	return f.VaultStore.Update(ctx, fn)
}

// shipped is the catalogue that comes with Hotcell, read once for all tests.
var shipped = sync.OnceValues(func() (*connector.Catalog, error) { return connector.Load(connector.Options{}) })

const callback = "http://127.0.0.1:7878/connect/callback"

// scene is a connection with tokens of a real authorisation server.
type scene struct {
	*identity.Server
	t       *testing.T
	vault   *door.Vault
	store   hotcell.VaultStore
	failing failing
	made    hotcell.Credential
	make    func(holder string) *token.Keeper
	// front comes before the server, and before the transport of every request.
	front  func(http.ResponseWriter, *http.Request) bool
	before func(*http.Request)
	skew   atomic.Int64
	// pause is how long keepers give a service after a lost reply.
	pause time.Duration
}

// clock is that of the vault and of the keepers; pass lets time pass.
func (s *scene) clock() time.Time     { return time.Now().Add(time.Duration(s.skew.Load())) }
func (s *scene) pass(d time.Duration) { s.skew.Add(int64(d)) }

// first has something be done before each request goes out.
type first struct {
	http.RoundTripper
	s *scene
}

func (f first) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.s.before != nil {
		f.s.before(r)
	}
	return f.RoundTripper.RoundTrip(r)
}

func open(t *testing.T, mode identity.Mode) *scene {
	t.Helper()
	s := &scene{t: t, pause: 10 * time.Millisecond}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.front == nil || !s.front(w, r) {
			s.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	log := slog.New(slog.DiscardHandler)
	var err error
	s.Server, err = identity.New(server.URL)
	must(t, err)
	s.Add("client-1", "secret-1", mode, callback)
	s.Life(time.Second) // over at once, as far as a keeper is concerned
	dir := t.TempDir()
	s.failing.VaultStore, err = sqlite.OpenVault(t.Context(), filepath.Join(dir, "vault.db"), log)
	must(t, err)
	s.store = &s.failing
	_, err = kms.CreateFile(filepath.Join(dir, "local.key"))
	must(t, err)
	key, err := kms.OpenFile(filepath.Join(dir, "local.key"))
	must(t, err)
	s.vault, err = door.Open(t.Context(), door.Config{Store: s.store, Key: key, Owner: "Olga", Now: s.clock, Log: log})
	must(t, err)
	t.Cleanup(func() { _ = s.vault.Close() })
	catalog, err := shipped()
	must(t, err)
	catalog, err = catalog.Plus(connector.Document{Name: "chat", Text: fmt.Appendf(nil, document, server.URL, modes[mode])})
	must(t, err)
	asks := oauth.New(oauth.Config{Transport: first{server.Client().Transport, s}, Now: s.clock})
	s.make = func(holder string) *token.Keeper {
		return token.New(token.Config{Vault: s.vault, Catalog: catalog, OAuth: asks, Holder: holder, Pause: s.pause, Log: log})
	}
	none := func(*door.Act) error { return nil }
	p := s.vault.Local()
	must(t, s.vault.SetClient(t.Context(), p, hotcell.Client{Connector: "chat", ID: "client-1"}, sensitive.New([]byte("secret-1")), none))
	of, _ := catalog.Find("chat")
	tokens := s.grant(server, asks, &of.Auth)
	s.made = hotcell.Credential{
		ID: hotcell.CredentialID(hotcell.NewID(hotcell.PrefixConnection)), Workspace: p.Workspace, Tier: hotcell.TierConnection, Name: "chat", Owner: p.Member, Version: 1, Revision: 1,
		Connected: &hotcell.Connected{Connector: "chat", Client: "client-1", Fields: []string{hotcell.FieldAccess, hotcell.FieldRefresh}, Expires: &tokens.Expires}, UpdatedAt: time.Now(),
	}
	must(t, s.vault.CreateCredential(t.Context(), p, s.made, []door.Field{{Name: hotcell.FieldAccess, Value: tokens.Access}, {Name: hotcell.FieldRefresh, Value: tokens.Refresh}}, none))
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// grant has ada say yes, as her browser would.
func (s *scene) grant(server *httptest.Server, asks *oauth.Service, auth *connector.Auth) *oauth.Tokens {
	s.t.Helper()
	browser := server.Client()
	browser.Jar, _ = cookiejar.New(nil)
	browser.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), callback) {
			return http.ErrUseLastResponse
		}
		return nil
	}
	verifier := strings.Repeat("v", 43)
	to, err := asks.AuthorizeURL(auth, "client-1", "state", verifier, callback, []string{"openid"})
	must(s.t, err)
	page, err := browser.Get(to)
	must(s.t, err)
	_ = page.Body.Close()
	back, err := browser.PostForm(server.URL+"/consent", url.Values{"request": {page.Request.URL.Query().Get("request")}, "who": {"ada@acme.test"}, "answer": {"allow"}})
	must(s.t, err)
	_ = back.Body.Close()
	at, err := back.Location()
	must(s.t, err)
	tokens, err := asks.Exchange(s.t.Context(), auth, oauth.Client{ID: "client-1", Secret: sensitive.New([]byte("secret-1"))}, at.Query().Get("code"), verifier, callback)
	must(s.t, err)
	return tokens
}

func (s *scene) now() (c hotcell.Credential) {
	s.t.Helper()
	must(s.t, s.store.View(s.t.Context(), func(r hotcell.VaultReader) (err error) {
		c, err = r.Credential(s.made.Workspace, s.made.ID)
		return err
	}))
	return c
}

func TestAThousandCallersMakeOneRefresh(t *testing.T) {
	t.Parallel()
	s := open(t, identity.Rotates)
	s.Life(time.Hour)
	keepers := []*token.Keeper{s.make("one"), s.make("two"), s.make("three")}
	var callers sync.WaitGroup
	for i := range 1000 {
		callers.Go(func() {
			if err := keepers[i%3].Ensure(t.Context(), s.made.Workspace, s.made.ID, 1); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	if c := s.Counts(); c.Refreshes != 1 || c.Reuses != 0 || s.now().Version != 2 {
		t.Errorf("%+v, version %d", c, s.now().Version)
	}
}

func TestLostRepliesAreSurvivedWithGrace(t *testing.T) {
	t.Parallel()
	s := open(t, identity.Grace)
	s.Life(time.Hour)
	k := s.make("one")
	n := 0
	s.Lose(func() bool { n++; return n%2 == 1 })
	for refused := 1; refused <= 5; refused++ {
		if err := k.Ensure(t.Context(), s.made.Workspace, s.made.ID, refused); err != nil {
			t.Fatalf("%d: %v", refused, err)
		}
		s.pass(time.Minute)
	}
	if c := s.now(); c.Version != 6 || c.Connected.Broken != nil || s.Counts().Reuses != 0 {
		t.Errorf("%+v %+v", c, s.Counts())
	}
}

// TestOnlyTheServiceEndsAGrant has every answer be lost: what was granted may be, and the
// service says so when it is asked again, which is not at once.
func TestOnlyTheServiceEndsAGrant(t *testing.T) {
	t.Parallel()
	s := open(t, identity.Rotates)
	k := s.make("one")
	s.Lose(func() bool { return true })
	for range 4 {
		if err := k.Ensure(t.Context(), s.made.Workspace, s.made.ID, 1); !errors.Is(err, hotcell.ErrUnavailable) || errors.Is(err, hotcell.ErrNeedsReconnect) {
			t.Errorf("%v", err)
		}
	}
	s.Lose(nil)
	if c := s.Counts(); c.Refreshes != 1 || c.Reuses > 1 || s.now().Connected.Broken != nil {
		t.Errorf("%+v", c)
	}
	s.pass(time.Minute)
	if err := k.Ensure(t.Context(), s.made.Workspace, s.made.ID, 1); !errors.Is(err, hotcell.ErrNeedsReconnect) || s.now().Connected.Broken == nil {
		t.Errorf("%v", err)
	}
}

// TestFaultsOfATokenEndpointEndNoGrant has a token endpoint answer wrongly for a day,
// and then well.
func TestFaultsOfATokenEndpointEndNoGrant(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]struct {
		status int
		text   string
	}{
		"invalid_client": {http.StatusUnauthorized, `{"error":"invalid_client"}`}, "no access": {http.StatusForbidden, `<html>no</html>`},
		"500": {http.StatusInternalServerError, `{"error":"server_error"}`}, "502": {http.StatusBadGateway, `<html>`}, "503": {http.StatusServiceUnavailable, ``},
		"invalid_grant of a gateway": {http.StatusBadGateway, `{"error":"invalid_grant"}`},
		"garbage":                    {http.StatusOK, `<html>sign in</html>`}, "nothing": {http.StatusOK, ``}, "null": {http.StatusOK, `null`}, "no token": {http.StatusOK, `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, identity.Rotates)
			s.Life(time.Hour)
			k := s.make("one")
			s.front = func(w http.ResponseWriter, _ *http.Request) bool {
				w.WriteHeader(answer.status)
				_, _ = io.WriteString(w, answer.text)
				return true
			}
			for range 24 {
				if err := s.ensure(k, 1); !errors.Is(err, hotcell.ErrUnavailable) || errors.Is(err, hotcell.ErrNeedsReconnect) {
					t.Fatalf("%v", err)
				}
				s.pass(time.Hour)
			}
			s.front = nil
			if err := s.ensure(k, 1); err != nil || s.now().Version != 2 || s.now().Connected.Broken != nil {
				t.Errorf("%v, version %d", err, s.now().Version)
			}
		})
	}
}

func TestAServiceThatIsDownRevokesNothing(t *testing.T) {
	t.Parallel()
	s := open(t, identity.Rotates)
	s.Down(true)
	if err := s.make("one").Ensure(t.Context(), s.made.Workspace, s.made.ID, 1); !errors.Is(err, hotcell.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	if s.now().Connected.Broken != nil || s.Counts().Refreshes != 0 {
		t.Errorf("%+v", s.Counts())
	}
}

func TestAGrantThatEndedIsTold(t *testing.T) {
	t.Parallel()
	s := open(t, identity.Rotates)
	s.End("ada@acme.test")
	err := s.make("one").Ensure(t.Context(), s.made.Workspace, s.made.ID, 1)
	if !errors.Is(err, hotcell.ErrNeedsReconnect) || !strings.Contains(err.Error(), "hotcell connections reconnect "+string(s.made.ID)) || !strings.Contains(err.Error(), "Olga") {
		t.Errorf("%v", err)
	}
}

func TestAVersionThatWasPutBackIsSentNowhere(t *testing.T) {
	t.Parallel()
	s := open(t, identity.Rotates)
	k := s.make("one")
	must(t, k.Ensure(t.Context(), s.made.Workspace, s.made.ID, 1))
	must(t, s.store.Update(t.Context(), func(w hotcell.VaultWriter) error { return w.PutCredential(s.made) }))
	if err := k.Ensure(t.Context(), s.made.Workspace, s.made.ID, 1); !errors.Is(err, hotcell.ErrTampered) {
		t.Errorf("%v", err)
	}
	if c := s.Counts(); c.Refreshes != 1 || c.Reuses != 0 {
		t.Errorf("%+v", c)
	}
}
