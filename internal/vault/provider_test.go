package vault_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/parcel"
	"hotcell/internal/vault"
	"hotcell/internal/wire/netguard"
)

// callback is where the browsers of these tests come back to.
const callback = "https://hotcell.acme.test/connect/callback"

// person is an account at the provider.
type person struct{ id, name string }

var (
	ada = person{"1", "ada@acme.test in Acme"}
	eve = person{"2", "eve@acme.test in Acme"}
)

// given is a code that the provider gave out, or what became of it.
type given struct {
	who                           person
	challenge, redirect, clientID string
	scope                         string
	used                          bool
}

// provider is a service with an authorisation server: it holds what comes in
// against RFC 6749 and RFC 7636, and plants all that it gives out.
type provider struct {
	*httptest.Server
	t *testing.T
	// plant makes a value that must be seen nowhere.
	plant  func(string) string
	secret string

	mu      sync.Mutex
	codes   map[string]*given
	tokens  map[string]person
	revoked []string
	seen    []string // what came to the token endpoint besides
	// granted is what is granted of what is asked; nil is all.
	granted func(asked string) string
	// expires is the life of tokens in seconds; 0 is none.
	expires int
	// token, me and revoke answer instead, if they are set; own is the revocation of
	// a service that has a way of its own.
	token, me, revoke, own http.HandlerFunc
	// decided is who agreed to the device's code.
	decided *person
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{t: t, codes: map[string]*given{}, tokens: map[string]person{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", p.instead(&p.token, p.give))
	mux.HandleFunc("GET /me", p.instead(&p.me, p.who))
	mux.HandleFunc("POST /revoke", p.instead(&p.revoke, func(_ http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.revoked = append(p.revoked, r.FormValue("token"))
	}))
	mux.HandleFunc("/applications/", p.instead(&p.own, http.NotFound))
	mux.HandleFunc("POST /device", func(w http.ResponseWriter, _ *http.Request) {
		code := p.plant("device")
		p.mu.Lock()
		p.codes[code] = &given{scope: "read write"}
		p.mu.Unlock()
		reply(w, http.StatusOK, map[string]any{"device_code": code, "user_code": "WDJB-MJHT", "verification_uri": p.URL + "/enter", "expires_in": 600, "interval": 5})
	})
	p.Server = httptest.NewTLSServer(mux)
	t.Cleanup(p.Close)
	return p
}

// instead answers by the handler at to, where there is one.
func (p *provider) instead(to *http.HandlerFunc, usual http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		other := *to
		p.mu.Unlock()
		if other != nil {
			other(w, r)
			return
		}
		usual(w, r)
	}
}

func (p *provider) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// give is the token endpoint.
func (p *provider) give(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	access, refresh := p.plant("access"), p.plant("refresh")
	p.mu.Lock()
	defer p.mu.Unlock()
	if grant := r.FormValue("grant_type"); grant == "client_credentials" && id == "robot" && secret == url.QueryEscape(p.secret) ||
		grant == "urn:ietf:params:oauth:grant-type:jwt-bearer" && strings.Count(r.FormValue("assertion"), ".") == 2 {
		p.tokens[access] = ada
		reply(w, http.StatusOK, map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 3600})
		return
	}
	if id != "client-1" || secret != url.QueryEscape(p.secret) {
		reply(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	code := r.FormValue("code") + r.FormValue("device_code")
	g := p.codes[code]
	if g == nil || g.used {
		reply(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant", "error_description": code})
		return
	}
	if r.FormValue("device_code") != "" {
		if p.decided == nil {
			reply(w, http.StatusBadRequest, map[string]any{"error": "authorization_pending"})
			return
		}
		g.who = *p.decided
	} else {
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge || r.FormValue("redirect_uri") != g.redirect || g.clientID != id {
			reply(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
			return
		}
		p.seen = append(p.seen, r.FormValue("code_verifier"))
	}
	g.used = true
	p.tokens[access] = g.who
	answer := map[string]any{"access_token": access, "refresh_token": refresh, "token_type": "Bearer", "scope": g.scope}
	if p.granted != nil {
		answer["scope"] = p.granted(g.scope)
	}
	if p.expires > 0 {
		answer["expires_in"] = p.expires
	}
	reply(w, http.StatusOK, answer)
}

func (p *provider) who(w http.ResponseWriter, r *http.Request) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	p.mu.Lock()
	who, known := p.tokens[token]
	p.mu.Unlock()
	if !known {
		reply(w, http.StatusUnauthorized, map[string]any{"error": "what is " + token + "?"})
		return
	}
	reply(w, http.StatusOK, map[string]any{"id": who.id, "name": who.name})
}

// consent is a person who agrees on the page that a browser was sent to. It
// returns what the browser comes back with.
func (p *provider) consent(page string, who person) *vaultrpc.FinishLinkRequest {
	p.t.Helper()
	u, err := url.Parse(page)
	must(p.t, err)
	q := u.Query()
	if u.Path != "/authorize" || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("client_id") != "client-1" || q.Get("redirect_uri") != callback {
		p.t.Errorf("the page of consent is %s with %v", u.Path, q)
	}
	code := p.plant("code")
	p.mu.Lock()
	defer p.mu.Unlock()
	p.codes[code] = &given{who: who, challenge: q.Get("code_challenge"), redirect: q.Get("redirect_uri"), clientID: q.Get("client_id"), scope: q.Get("scope")}
	return &vaultrpc.FinishLinkRequest{State: q.Get("state"), Code: code, Issuer: p.URL, Callback: callback}
}

// documents are connectors of the provider: "acme" by OAuth, "acmeboth" by OAuth or by a key, "acmebox" by a
// device's code, "acmekey" by a key, and "acmehost" by a key for a host that a
// setting names.
func (p *provider) documents() []connector.Document {
	tools := `
tools:
- {name: read, about: Read., hint: read, scopes: [read], request: {method: GET, path: /items}}
- {name: write, about: Write., hint: write, scopes: [write], request: {method: POST, path: /items}}
`
	account := "account:\n  request: {method: GET, path: /me}\n  id: ${answer.id}\n  name: ${answer.name}\n"
	document := func(slug, head, base, auth string) connector.Document {
		text := fmt.Sprintf("slug: %s\nname: Acme %s\ncategory: other\n%sbase: %s\nauth: {%s}\n%s%s", slug, slug, head, base, auth, account, tools)
		return connector.Document{Name: slug + ".yaml", Text: []byte(text)}
	}
	oauth := fmt.Sprintf("authorize: %s/authorize, token: %s/token, revoke: %s/revoke, device: %s/device, client: basic", p.URL, p.URL, p.URL, p.URL)
	two := document("acmeboth", "advise: {variables: [BOTH_TOKEN], prefixes: [tok-]}\n", p.URL, "WAYS")
	two.Text = bytes.Replace(two.Text, []byte("auth: {WAYS}"), fmt.Appendf(nil, `auth:
- kind: oauth2
  authorize: %s/authorize
  token: %s/token
  revoke:
    request: {method: DELETE, path: "/applications/${args.client}/grant", json: {access_token: "${args.token}"}}
    token: access
    client: basic
    done: ${has(answer.revoked) && answer.revoked}
- kind: key
  prefixes: [tok-]
  put: {kind: header, name: Authorization, prefix: "Bearer "}`, p.URL, p.URL), 1)
	return []connector.Document{
		document("acme", "", p.URL, "kind: oauth2, issuer: "+p.URL+", "+oauth),
		document("acmeopen", "", p.URL, "kind: oauth2, "+oauth),
		two,
		document("acmebox", "", p.URL, "kind: device, "+oauth),
		document("acmerobot", "", p.URL, "kind: client_credentials, "+oauth),
		document("acmeaccount", "", p.URL, "kind: service_account, "+oauth),
		document("acmenone", "", p.URL, "kind: none"),
		document("acmekey", "advise: {variables: [ACME_TOKEN], prefixes: [acme_]}\n", p.URL, "kind: key"),
		document("acmehost", "settings: [{name: host, about: the host, pattern: \"[a-z0-9.:]{1,100}\", required: true}]\n", "\"https://${settings.host}\"", "kind: key"),
	}
}

// connecting starts a vault that can connect accounts at a provider, for which
// the workspace has a client.
func connecting(t *testing.T) (*scene, *provider) {
	t.Helper()
	p := newProvider(t)
	catalog, err := with(p.documents()...)
	must(t, err)
	loopback, err := netguard.ParsePrivate("127.0.0.1")
	must(t, err)
	s := setupWith(t, func(c *vault.Config) {
		c.Catalog, c.Dialer = catalog, netguard.New(netguard.Config{AllowPrivate: []netguard.Private{loopback}})
		c.Roots = x509.NewCertPool()
		c.Roots.AddCert(p.Certificate())
	})
	p.plant = s.plant
	p.secret = s.plant("client-secret")
	t.Cleanup(func() { s.neverSaw(p) })
	for _, slug := range []string{"acme", "acmeopen", "acmebox"} {
		must(t, s.client(s.me, slug, "client-1", p.secret))
	}
	return s, p
}

// neverSaw plants the verifiers after the fact: the provider alone sees them.
func (s *scene) neverSaw(p *provider) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.planted = append(s.planted, p.seen...)
}

// client sets an OAuth client.
func (s *scene) client(p hotcell.Principal, slug, id, secret string) error {
	s.t.Helper()
	in := parcel.Context{Workspace: string(s.me.Workspace), Tier: "client", Item: slug, Field: "secret"}
	message, err := parcel.Seal(s.key, in, []byte(secret))
	must(s.t, err)
	return s.control.SetClient(s.t.Context(), &vaultrpc.SetClientRequest{By: vaultrpc.As(p), Connector: slug, ID: id, Secret: message})
}

// link asks for a link.
func (s *scene) link(r *vaultrpc.CreateLinkRequest) *vaultrpc.CreateLinkAnswer {
	s.t.Helper()
	answer, err := s.control.CreateLink(s.t.Context(), r)
	must(s.t, err)
	return answer
}

// browse opens a link in a browser.
func (s *scene) browse(token string) *vaultrpc.OpenLinkAnswer {
	s.t.Helper()
	answer, err := s.control.OpenLink(s.t.Context(), &vaultrpc.OpenLinkRequest{Token: token, Callback: callback})
	must(s.t, err)
	return answer
}

// agreed opens a link, has somebody agree, and is the browser that comes back.
func (s *scene) agreed(p *provider, token string, who person) *vaultrpc.FinishLinkRequest {
	s.t.Helper()
	opened := s.browse(token)
	back := p.consent(opened.URL, who)
	back.Cookie = opened.Cookie
	return back
}

func (s *scene) finish(r *vaultrpc.FinishLinkRequest) (*vaultrpc.FinishLinkAnswer, error) {
	return s.control.FinishLink(s.t.Context(), r)
}

// dance connects an account of who as member m.
func (s *scene) dance(p *provider, m hotcell.Principal, name string, who person) hotcell.Credential {
	s.t.Helper()
	link := s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(m), Connector: "acme", Name: name})
	done, err := s.finish(s.agreed(p, link.Token, who))
	must(s.t, err)
	return s.show(m, done.Link.Connection)
}

func (s *scene) show(m hotcell.Principal, id hotcell.CredentialID) hotcell.Credential {
	s.t.Helper()
	answer, err := s.control.Credential(s.t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(m), ID: id})
	must(s.t, err)
	return answer.Credential
}

// state is where a link stands, as its owner sees it.
func (s *scene) state(m hotcell.Principal, id hotcell.LinkID) hotcell.Link {
	s.t.Helper()
	answer, err := s.control.Link(s.t.Context(), &vaultrpc.LinkRequest{By: vaultrpc.As(m), ID: id})
	must(s.t, err)
	return answer.Link
}
