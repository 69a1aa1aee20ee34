package oauth_test

import (
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"hotcell/internal/catalog/connector"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/oauth"
	"hotcell/test/acme/identity"
)

type scene struct {
	*identity.Server
	t     *testing.T
	url   string
	http  *http.Client
	oauth *oauth.Service
	auth  connector.Auth
}

func openScene(t *testing.T) *scene {
	t.Helper()
	var inner http.Handler
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { inner.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	s, err := identity.New(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	inner = s
	s.Add("client-1", "secret-1", identity.Rotates, "http://127.0.0.1:7878/connect/callback")
	s.Add("client-2", "secret-2", identity.Grace, "http://127.0.0.1:7878/connect/callback")
	client := server.Client()
	client.Jar, _ = cookiejar.New(nil)
	client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host == "127.0.0.1:7878" {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return &scene{
		Server: s, t: t, url: server.URL, http: client, oauth: oauth.New(oauth.Config{Transport: client.Transport, Now: time.Now}),
		auth: connector.Auth{Kind: connector.OAuth2, Authorize: server.URL + "/authorize", Token: server.URL + "/oauth/token", Revoke: server.URL + "/revoke", Client: "post", PKCE: true},
	}
}

const callback = "http://127.0.0.1:7878/connect/callback"

var verifier = strings.Repeat("v", 43)

// consent has somebody say yes or no, and returns where their browser is led.
func (s *scene) consent(client, who, word string) url.Values {
	s.t.Helper()
	to, err := s.oauth.AuthorizeURL(&s.auth, client, "state-1", verifier, callback, []string{"openid", "mail.read"})
	if err != nil {
		s.t.Fatal(err)
	}
	page, err := s.http.Get(to)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = page.Body.Close()
	request := page.Request.URL.Query().Get("request")
	back, err := s.http.PostForm(s.url+"/consent", url.Values{"request": {request}, "who": {who}, "answer": {word}})
	if err != nil {
		s.t.Fatal(err)
	}
	_ = back.Body.Close()
	at, err := url.Parse(back.Header.Get("Location"))
	if err != nil || at.Host != "127.0.0.1:7878" {
		s.t.Fatalf("%d %s", back.StatusCode, back.Header.Get("Location"))
	}
	return at.Query()
}

func client(n string) oauth.Client {
	return oauth.Client{ID: "client-" + n, Secret: sensitive.New([]byte("secret-" + n))}
}

func text(b sensitive.Bytes) (out string) {
	_ = b.Use(func(v []byte) error { out = string(v); return nil })
	return out
}

func TestAGrantThroughItsLife(t *testing.T) {
	t.Parallel()
	s := openScene(t)
	q := s.consent("client-1", "ada@acme.test", "allow")
	if q.Get("state") != "state-1" || q.Get("code") == "" {
		t.Fatalf("%v", q)
	}
	tokens, err := s.oauth.Exchange(t.Context(), &s.auth, client("1"), q.Get("code"), verifier, callback)
	if err != nil || tokens.Refresh.Len() == 0 || tokens.Expires.IsZero() {
		t.Fatalf("%+v, %v", tokens, err)
	}
	r, _ := http.NewRequest(http.MethodGet, "https://x/", nil)
	r.Header.Set("Authorization", "Bearer "+text(tokens.Access))
	if who, ok := s.Account(r); !ok || who.Mail != "ada@acme.test" {
		t.Errorf("%+v %t", who, ok)
	}
	if _, err := s.oauth.Exchange(t.Context(), &s.auth, client("1"), q.Get("code"), verifier, callback); err == nil {
		t.Error("a code is good twice")
	}
	next, err := s.oauth.Refresh(t.Context(), &s.auth, client("1"), tokens.Refresh)
	if err != nil || text(next.Refresh) == text(tokens.Refresh) {
		t.Fatalf("%v", err)
	}
	_, err = s.oauth.Refresh(t.Context(), &s.auth, client("1"), tokens.Refresh)
	if f, ok := errors.AsType[*oauth.Fault](err); !ok || f.Kind != oauth.Revoked {
		t.Errorf("a second use: %v", err)
	}
	if _, err = s.oauth.Refresh(t.Context(), &s.auth, client("1"), next.Refresh); err == nil {
		t.Error("the family goes on after a second use")
	}
	if c := s.Counts(); c.Refreshes != 1 || c.Reuses != 1 {
		t.Errorf("%+v", c)
	}
	for _, value := range []string{text(tokens.Access), text(tokens.Refresh), text(next.Access), text(next.Refresh), "secret-1"} {
		if !slices.Contains(s.Issued(), value) {
			t.Errorf("%q is not among what was issued: %q", value, s.Issued())
		}
	}
}

func TestGraceRevocationAndRefusals(t *testing.T) {
	t.Parallel()
	s := openScene(t)
	q := s.consent("client-2", "bob@acme.test", "allow")
	if _, err := s.oauth.Exchange(t.Context(), &s.auth, client("2"), q.Get("code"), strings.Repeat("w", 43), callback); err == nil {
		t.Error("another proof key is taken")
	}
	q = s.consent("client-2", "bob@acme.test", "allow")
	tokens, err := s.oauth.Exchange(t.Context(), &s.auth, client("2"), q.Get("code"), verifier, callback)
	if err != nil {
		t.Fatal(err)
	}
	one, err := s.oauth.Refresh(t.Context(), &s.auth, client("2"), tokens.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	two, err := s.oauth.Refresh(t.Context(), &s.auth, client("2"), tokens.Refresh)
	if err != nil || text(one.Refresh) != text(two.Refresh) {
		t.Errorf("grace: %v", err)
	}
	s.Lose(func() bool { return true })
	_, err = s.oauth.Refresh(t.Context(), &s.auth, client("2"), two.Refresh)
	if f, ok := errors.AsType[*oauth.Fault](err); !ok || f.Kind != oauth.Ambiguous {
		t.Errorf("a lost reply: %v", err)
	}
	s.Lose(nil)
	s.Down(true)
	_, err = s.oauth.Refresh(t.Context(), &s.auth, client("2"), two.Refresh)
	if f, ok := errors.AsType[*oauth.Fault](err); !ok || f.Kind != oauth.Unavailable {
		t.Errorf("down: %v", err)
	}
	s.Down(false)
	if err := s.oauth.Revoke(t.Context(), &connector.Connector{Auth: s.auth}, nil, client("2"), two); err != nil {
		t.Error(err)
	}
	if _, err = s.oauth.Refresh(t.Context(), &s.auth, client("2"), two.Refresh); err == nil {
		t.Error("it goes on after it was revoked")
	}
	wrong := oauth.Client{ID: "client-2", Secret: sensitive.New([]byte("wrong"))}
	_, err = s.oauth.Refresh(t.Context(), &s.auth, wrong, two.Refresh)
	if f, ok := errors.AsType[*oauth.Fault](err); !ok || f.Kind != oauth.Refused {
		t.Errorf("a wrong secret: %v", err)
	}
	if q := s.consent("client-2", "eve@evil.test", "deny"); q.Get("error") != "access_denied" {
		t.Errorf("%v", q)
	}
}

func TestAProofKeyIsRequiredOfAllButThoseWhoHaveNone(t *testing.T) {
	t.Parallel()
	s := openScene(t)
	s.Add("slack-like", "secret", identity.Rotates, callback)
	s.AddUnproved("client-3", "secret-3", identity.Rotates, callback)
	s.auth.PKCE = false
	for client, want := range map[string]int{"client-1": http.StatusBadRequest, "slack-like": http.StatusBadRequest, "client-3": http.StatusOK} {
		to, err := s.oauth.AuthorizeURL(&s.auth, client, "state-1", "", callback, []string{"openid"})
		if err != nil {
			t.Fatal(err)
		}
		page, err := s.http.Get(to)
		if err != nil {
			t.Fatal(err)
		}
		_ = page.Body.Close()
		if page.StatusCode != want {
			t.Errorf("%s: %d", client, page.StatusCode)
		}
	}
	if q := s.consent("client-3", "ada@acme.test", "allow"); q.Get("code") == "" {
		t.Errorf("%v", q)
	}
}

func TestWhatIsForgottenOrRevoked(t *testing.T) {
	t.Parallel()
	s := openScene(t)
	q := s.consent("client-1", "ada@acme.test", "allow")
	tokens, err := s.oauth.Exchange(t.Context(), &s.auth, client("1"), q.Get("code"), verifier, callback)
	if err != nil {
		t.Fatal(err)
	}
	known := func(access string) bool {
		_, ok := s.Account(&http.Request{Header: http.Header{"Authorization": {"Bearer " + access}}})
		return ok
	}
	if !known(text(tokens.Access)) {
		t.Error("a new token is not known")
	}
	if s.Forget(); known(text(tokens.Access)) {
		t.Error("a forgotten token is known")
	}
	next, err := s.oauth.Refresh(t.Context(), &s.auth, client("1"), tokens.Refresh)
	if err != nil || !known(text(next.Access)) {
		t.Fatalf("%v", err)
	}
	if !s.Revoke(text(next.Access)) || known(text(next.Access)) || s.Revoke(text(next.Access)) {
		t.Error("a grant is not revoked once")
	}
	if !s.Is("client-1", "secret-1") || s.Is("client-1", "secret-2") || s.Is("client-9", "") {
		t.Error("clients are not told apart")
	}
}
