package vault_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/parcel"
	"hotcell/internal/vault"
	"hotcell/internal/wire/netguard"
)

// remote is an MCP server that names itself as who gives tokens for it, and says what
// the test has it say.
type remote struct {
	*httptest.Server
	plant func(string) string

	mu sync.Mutex
	// iss is whether its metadata says that answers name it; registers whether it
	// makes clients, which are made; secret is of the client "own".
	iss, registers bool
	made           []string // their redirect URIs
	secret         string
	codes          map[string]url.Values
	tokens         map[string]bool
	revoked        int
}

func newRemote(t *testing.T) *remote {
	t.Helper()
	m := &remote{registers: true, codes: map[string]url.Values{}, tokens: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/oauth-protected-resource/mcp", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string]any{"resource": m.URL + "/mcp", "authorization_servers": []string{m.URL}})
	})
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", m.metadata)
	mux.HandleFunc("POST /register", m.register)
	mux.HandleFunc("POST /token", m.token)
	mux.HandleFunc("POST /revoke", func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.client(r) != "" {
			m.revoked++
		}
		w.WriteHeader(http.StatusOK)
	})
	tools := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server {
		s := mcp.NewServer(&mcp.Implementation{Name: "acme", Version: "1"}, nil)
		mcp.AddTool(s, &mcp.Tool{Name: "greet", Description: "Greet somebody."}, func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
			return &mcp.CallToolResult{}, nil, nil
		})
		return s
	}, &mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true, DisableLocalhostProtection: true})
	mux.HandleFunc("/mcp", func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		m.mu.Lock()
		known := m.tokens[token]
		m.mu.Unlock()
		if !known {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		tools.ServeHTTP(w, r)
	})
	m.Server = httptest.NewTLSServer(mux)
	t.Cleanup(m.Close)
	return m
}

func (m *remote) metadata(w http.ResponseWriter, _ *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]any{
		"issuer": m.URL, "authorization_endpoint": m.URL + "/authorize", "token_endpoint": m.URL + "/token", "revocation_endpoint": m.URL + "/revoke", "code_challenge_methods_supported": []string{"S256"},
	}
	if m.registers {
		out["registration_endpoint"] = m.URL + "/register"
	}
	if m.iss {
		out["authorization_response_iss_parameter_supported"] = true
	}
	reply(w, http.StatusOK, out)
}

func (m *remote) register(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Redirects []string `json:"redirect_uris"`
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.made = append(m.made, in.Redirects...)
	reply(w, http.StatusCreated, map[string]any{"client_id": "made"})
}

// client is who asks; empty where it is nobody who is known.
func (m *remote) client(r *http.Request) string {
	id, secret, basic := r.BasicAuth()
	switch {
	case basic && id == "own" && m.secret != "" && secret == m.secret:
		return "own"
	case !basic && r.FormValue("client_id") == "made" && len(m.made) > 0:
		return "made"
	}
	return ""
}

func (m *remote) token(w http.ResponseWriter, r *http.Request) {
	access := m.plant("access")
	m.mu.Lock()
	defer m.mu.Unlock()
	asked, there := m.codes[r.FormValue("code")]
	if who := m.client(r); !there || who == "" || who != asked.Get("client_id") || r.FormValue("redirect_uri") != asked.Get("redirect_uri") {
		reply(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	m.tokens[access] = true
	reply(w, http.StatusOK, map[string]any{"access_token": access, "token_type": "Bearer"})
}

// agree is a person who agrees on the page that a browser was sent to.
func (m *remote) agree(t *testing.T, page, issuer string) *vaultrpc.FinishLinkRequest {
	t.Helper()
	u, err := url.Parse(page)
	must(t, err)
	code := m.plant("code")
	m.mu.Lock()
	defer m.mu.Unlock()
	m.codes[code] = u.Query()
	return &vaultrpc.FinishLinkRequest{State: u.Query().Get("state"), Code: code, Issuer: issuer, Callback: u.Query().Get("redirect_uri")}
}

// beside starts a vault beside such servers.
func beside(t *testing.T, servers ...*remote) *scene {
	t.Helper()
	catalog, err := connector.Load(connector.Options{})
	must(t, err)
	loopback, err := netguard.ParsePrivate("127.0.0.1")
	must(t, err)
	s := setupWith(t, func(c *vault.Config) {
		c.Catalog, c.Dialer = catalog, netguard.New(netguard.Config{AllowPrivate: []netguard.Private{loopback}})
		c.Roots = x509.NewCertPool()
		for _, m := range servers {
			c.Roots.AddCert(m.Certificate())
		}
	})
	for _, m := range servers {
		m.plant = s.plant
	}
	return s
}

// linked asks for a link to a server.
func (s *scene) linked(m *remote, name string) (*vaultrpc.CreateLinkAnswer, error) {
	return s.control.CreateLink(s.t.Context(), &vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.me), Connector: "mcp", Name: name, Settings: map[string]string{"url": m.URL + "/mcp"}})
}

func TestAServerNeedNotNameItselfInItsAnswers(t *testing.T) {
	t.Parallel()
	m := newRemote(t)
	s := beside(t, m)
	for what, c := range map[string]struct {
		says   bool
		issuer string
		ok     bool
	}{
		"it does not, and need not": {false, "", true},
		"it does, and need not":     {false, m.URL, true},
		"another, and need not":     {false, "https://evil.test", false},
		"it does, and must":         {true, m.URL, true},
		"it does not, and must":     {true, "", false},
		"another, and must":         {true, "https://evil.test", false},
	} {
		m.mu.Lock()
		m.iss = c.says
		m.mu.Unlock()
		link, err := s.linked(m, what)
		must(t, err)
		opened := s.browse(link.Token)
		back := m.agree(t, opened.URL, c.issuer)
		back.Cookie = opened.Cookie
		done, err := s.finish(back)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", what, err)
		}
		if c.ok {
			answer, err := s.control.Tools(t.Context(), &vaultrpc.ToolsRequest{By: vaultrpc.As(s.me), ID: done.Link.Connection})
			if err != nil || len(answer.Tools) != 1 {
				t.Errorf("%s: %v, %v", what, answer, err)
			}
			continue
		}
		refused(t, what, err, hotcell.ErrDenied, "another server")
	}
}

// A hostile server may lead a browser on to another server's page of consent, and get
// that one's code to its own token endpoint, where neither says who answered. So each
// has an address of its own that leads back.
func TestOneServersAnswerIsNotAnothers(t *testing.T) {
	t.Parallel()
	good, evil := newRemote(t), newRemote(t)
	s := beside(t, good, evil)
	var pages []*url.URL
	var cookie string
	for _, m := range []*remote{good, evil} {
		link, err := s.linked(m, m.URL)
		must(t, err)
		opened := s.browse(link.Token)
		u, err := url.Parse(opened.URL)
		must(t, err)
		pages, cookie = append(pages, u), opened.Cookie
	}
	of := func(u *url.URL, name string) string { return u.Query().Get(name) }
	if of(pages[0], "redirect_uri") == of(pages[1], "redirect_uri") || slices.Contains(evil.made, of(pages[0], "redirect_uri")) || !slices.Contains(good.made, of(pages[0], "redirect_uri")) {
		t.Fatalf("both lead back to %s", of(pages[0], "redirect_uri"))
	}
	// The good server's page with the evil link's state: its answer can come back to
	// the good one's address alone.
	q := pages[0].Query()
	q.Set("state", of(pages[1], "state"))
	pages[0].RawQuery = q.Encode()
	back := good.agree(t, pages[0].String(), "")
	back.Cookie = cookie
	_, err := s.finish(back)
	refused(t, "an answer at another's address", err, hotcell.ErrDenied, "another address")
	if len(evil.tokens) != 0 {
		t.Error("the code went to the evil server")
	}
}

func TestAClientIsMadeOnceAndForNobodyElsesBrowser(t *testing.T) {
	t.Parallel()
	m := newRemote(t)
	s := beside(t, m)
	link, err := s.linked(m, "remote")
	must(t, err)
	if len(m.made) != 0 {
		t.Errorf("a client was made before somebody opened the link")
	}
	opened := s.browse(link.Token)
	again, err := s.control.OpenLink(t.Context(), &vaultrpc.OpenLinkRequest{Token: link.Token, Callback: callback, Cookie: opened.Cookie})
	must(t, err)
	if again.URL != opened.URL || len(m.made) != 1 {
		t.Errorf("opened again, it leads to %s, and %d clients were made", again.URL, len(m.made))
	}
	_, err = s.control.OpenLink(t.Context(), &vaultrpc.OpenLinkRequest{Token: link.Token, Callback: callback})
	refused(t, "another browser", err, hotcell.ErrDenied, "another browser")
	other, err := s.linked(m, "other")
	must(t, err)
	s.sql("UPDATE members SET document = json_set(document, '$.role', 'nobody') WHERE id = ?", string(s.me.Member))
	_, err = s.control.OpenLink(t.Context(), &vaultrpc.OpenLinkRequest{Token: other.Token, Callback: callback})
	if err == nil || len(m.made) != 1 {
		t.Errorf("for who may not, %d clients were made: %v", len(m.made), err)
	}
	s.sql("UPDATE members SET document = json_set(document, '$.role', 'owner') WHERE id = ?", string(s.me.Member))
}

// own sets the workspace's own client at a server.
func (s *scene) own(p hotcell.Principal, server, id, secret string) error {
	s.t.Helper()
	message, err := parcel.Seal(s.key, parcel.Context{Workspace: string(s.me.Workspace), Tier: "client", Item: "mcp " + server, Field: "secret"}, []byte(secret))
	must(s.t, err)
	return s.control.SetClient(s.t.Context(), &vaultrpc.SetClientRequest{By: vaultrpc.As(p), Connector: "mcp", Server: server, ID: id, Secret: message})
}

func TestAServerThatMakesNoClients(t *testing.T) {
	t.Parallel()
	m := newRemote(t)
	m.registers = false
	s := beside(t, m)
	m.secret = s.plant("client-secret")
	_, err := s.linked(m, "remote")
	refused(t, "without a client", err, hotcell.ErrInvalid, "hotcell connections clients set "+m.URL)
	refused(t, "set by a member", s.own(s.m, m.URL, "own", m.secret), hotcell.ErrDenied, "takes the role administrator")
	refused(t, "set for no server", s.own(s.me, "http"+strings.TrimPrefix(m.URL, "https")+"/mcp", "own", m.secret), hotcell.ErrInvalid, "cannot be signed in to")
	must(t, s.own(s.me, m.URL+"/mcp", "own", m.secret))
	list, err := s.control.Clients(t.Context(), &vaultrpc.WorkspaceRequest{By: vaultrpc.As(s.me)})
	must(t, err)
	if len(list.Clients) != 1 || list.Clients[0].Server != m.URL || list.Clients[0].Connector != "mcp" || list.Clients[0].Public {
		t.Errorf("the clients are %+v", list.Clients)
	}
	link, err := s.linked(m, "remote")
	must(t, err)
	opened := s.browse(link.Token)
	back := m.agree(t, opened.URL, "")
	back.Cookie = opened.Cookie
	if back.Callback != callback+list.Clients[0].Back {
		t.Errorf("it leads back to %s", back.Callback)
	}
	done, err := s.finish(back)
	must(t, err)
	answer, err := s.control.DeleteConnection(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: done.Link.Connection, Destroy: done.Link.Name})
	if err != nil || !answer.Revoked || m.revoked != 1 {
		t.Errorf("deleted: %+v, %v", answer, err)
	}
	must(t, s.control.DeleteClient(t.Context(), &vaultrpc.DeleteClientRequest{By: vaultrpc.As(s.me), Connector: "mcp", Server: m.URL}))
	_, err = s.linked(m, "remote")
	refused(t, "without its client again", err, hotcell.ErrInvalid, "makes no clients")
}

func TestAnAccountThatNobodyKnowsIsNotRenewedByTheWay(t *testing.T) {
	t.Parallel()
	m := newRemote(t)
	s := beside(t, m)
	link, err := s.linked(m, "remote")
	must(t, err)
	finish := func(link *vaultrpc.CreateLinkAnswer) *vaultrpc.FinishLinkAnswer {
		t.Helper()
		opened := s.browse(link.Token)
		back := m.agree(t, opened.URL, "")
		back.Cookie = opened.Cookie
		done, err := s.finish(back)
		must(t, err)
		return done
	}
	made := finish(link).Link.Connection
	_, err = s.control.CreateLink(t.Context(), &vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.me), Renews: made})
	refused(t, "without a word", err, hotcell.ErrInvalid, "nobody can tell whose account")
	done := finish(s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.me), Renews: made, Anyone: true}))
	if now := s.show(s.me, made); now.Version != 2 || m.revoked != 0 || !strings.Contains(done.Link.Reason, "nobody can tell whether") {
		t.Errorf("it is at version %d, %d were revoked, and it says %q", now.Version, m.revoked, done.Link.Reason)
	}
}
