package oauth_test

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/vault/internal/oauth"
	"hotcell/internal/wire/netguard"
)

// stranger is a server and its authorisation server, which say what they like.
type stranger struct {
	*httptest.Server
	mu sync.Mutex
	// resource and server are their metadata; challenge is the 401's header.
	resource, server map[string]any
	challenge        string
	answer           map[string]http.HandlerFunc
	asked            []string
}

func newStranger(t *testing.T) *stranger {
	t.Helper()
	s := &stranger{answer: map[string]http.HandlerFunc{}}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	s.resource = map[string]any{"resource": s.URL + "/mcp", "authorization_servers": []string{s.URL}, "scopes_supported": []string{"read", "write"}}
	s.server = map[string]any{
		"issuer": s.URL, "authorization_endpoint": s.URL + "/authorize", "token_endpoint": s.URL + "/token", "revocation_endpoint": s.URL + "/revoke", "registration_endpoint": s.URL + "/register",
		"code_challenge_methods_supported": []string{"plain", "S256"}, "response_types_supported": []string{"code"}, "grant_types_supported": []string{"authorization_code"},
	}
	return s
}

func (s *stranger) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.Method+" "+r.URL.Path)
	if fn := s.answer[r.URL.Path]; fn != nil {
		fn(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/mcp":
		if s.challenge != "" {
			w.Header().Set("WWW-Authenticate", s.challenge)
		}
		w.WriteHeader(http.StatusUnauthorized)
	case "/.well-known/oauth-protected-resource/mcp":
		_ = json.NewEncoder(w).Encode(s.resource)
	case "/.well-known/oauth-authorization-server":
		_ = json.NewEncoder(w).Encode(s.server)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (s *stranger) client() *oauth.Service {
	return oauth.New(oauth.Config{Transport: s.Client().Transport, Now: time.Now})
}

func TestAServerIsFoundOut(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*stranger){
		"as it is":       func(*stranger) {},
		"by a challenge": func(s *stranger) { s.challenge = `Bearer resource_metadata="` + s.URL + `/elsewhere", scope="mail"` },
		"by a challenge without quotes, after another": func(s *stranger) {
			s.challenge = `Negotiate abc==, Basic realm="a, b", bearer error=invalid_token, Resource_Metadata=` + s.URL + `/elsewhere, scope=mail`
		},
		"an issuer with a slash more": func(s *stranger) { s.server["issuer"] = s.URL + "/" },
		"an issuer with a slash less": func(s *stranger) { s.resource["authorization_servers"] = []string{s.URL + "/"} },
		"no metadata of the resource": func(s *stranger) { s.answer["/.well-known/oauth-protected-resource/mcp"] = http.NotFound },
		"a page in its place": func(s *stranger) {
			s.answer["/.well-known/oauth-protected-resource/mcp"] = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }
		},
		"behind redirects": func(s *stranger) {
			s.answer["/.well-known/oauth-protected-resource/mcp"] = func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "/on", http.StatusMovedPermanently)
			}
			s.answer["/on"] = func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, s.URL+"/elsewhere", http.StatusTemporaryRedirect)
			}
		},
		"by OpenID": func(s *stranger) {
			server := s.server
			s.answer["/.well-known/oauth-authorization-server"] = http.NotFound
			s.answer["/.well-known/openid-configuration"] = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_ = json.NewEncoder(w).Encode(server)
			}
		},
	} {
		s := newStranger(t)
		change(s)
		s.answer["/elsewhere"] = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			_ = json.NewEncoder(w).Encode(s.resource)
		}
		found, err := s.client().Discover(t.Context(), s.URL+"/mcp")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		scopes := "read write"
		switch {
		case strings.Contains(s.challenge, "mail"):
			scopes = "mail"
		case s.answer["/.well-known/oauth-protected-resource/mcp"] != nil && s.answer["/on"] == nil:
			scopes = "" // nobody says
		}
		if found.Token != s.URL+"/token" || found.Authorize != s.URL+"/authorize" || found.Issuer != s.server["issuer"] || found.Resource != s.URL+"/mcp" || found.Register != s.URL+"/register" || strings.Join(found.Scopes, " ") != scopes {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

func TestWhatAServerSaysOfItselfIsKept(t *testing.T) {
	t.Parallel()
	s := newStranger(t)
	for _, c := range []struct {
		says  map[string]any
		iss   bool
		shows string
	}{
		{map[string]any{}, false, "basic"},
		{map[string]any{"authorization_response_iss_parameter_supported": true, "token_endpoint_auth_methods_supported": []string{"none", "client_secret_post"}}, true, "post"},
		{map[string]any{"authorization_response_iss_parameter_supported": false, "token_endpoint_auth_methods_supported": []string{"client_secret_post", "client_secret_basic"}}, false, "basic"},
	} {
		maps.Copy(s.server, c.says)
		found, err := s.client().Discover(t.Context(), s.URL+"/mcp")
		if err != nil || found.Iss != c.iss || found.Shows != c.shows {
			t.Errorf("%v: %+v, %v", c.says, found, err)
		}
	}
	for address, want := range map[string]string{s.URL + "/mcp": s.URL, s.URL: s.URL, s.URL + "/other": s.URL, "https://127.0.0.1:1/": ""} {
		if got, err := s.client().Issuer(t.Context(), address); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", address, got, err)
		}
	}
}

func TestBadMetadataIsRefused(t *testing.T) {
	t.Parallel()
	type change func(*stranger)
	server := func(key string, value any) change { return func(s *stranger) { s.server[key] = value } }
	resource := func(key string, value any) change { return func(s *stranger) { s.resource[key] = value } }
	raw := func(path, kind, text string, status int) change {
		return func(s *stranger) {
			s.answer[path] = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", kind)
				w.WriteHeader(status)
				_, _ = w.Write([]byte(text))
			}
		}
	}
	const prm, asm = "/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-authorization-server"
	cases := map[string]change{
		"another issuer": server("issuer", "https://evil.example"), "an issuer with a path": func(s *stranger) { s.server["issuer"] = s.URL + "/a" }, "an issuer with two slashes": func(s *stranger) { s.server["issuer"] = s.URL + "//" }, "an issuer with a query": func(s *stranger) { s.server["issuer"] = s.URL + "/?" }, "no issuer": server("issuer", ""), "an issuer that is a number": server("issuer", 7),
		"a script for a page of consent": server("authorization_endpoint", "javascript:alert(1)"), "data for a page of consent": server("authorization_endpoint", "data:text/html,x"), "a page of consent without TLS": server("authorization_endpoint", "http://evil.example/a"),
		"no page of consent": server("authorization_endpoint", ""), "a page of consent that is a path": server("authorization_endpoint", "/authorize"), "a user name in it": server("authorization_endpoint", "https://ada:pw@evil.example/a"),
		"a fragment in it": server("authorization_endpoint", "https://evil.example/a#b"), "a line end in it": server("authorization_endpoint", "https://evil.example/a\nb"), "a backslash in it": server("authorization_endpoint", `https://evil.example\@good.example/`),
		"a token endpoint without TLS": server("token_endpoint", "http://evil.example/token"), "no token endpoint": server("token_endpoint", ""), "a file for a token endpoint": server("token_endpoint", "file:///etc/passwd"), "a token endpoint that is long": server("token_endpoint", "https://evil.example/"+strings.Repeat("a", 3000)),
		"a revocation endpoint without TLS": server("revocation_endpoint", "http://evil.example/r"), "a registration endpoint without TLS": server("registration_endpoint", "http://evil.example/r"), "a registration endpoint that is a script": server("registration_endpoint", "javascript:1"),
		"no proof keys": server("code_challenge_methods_supported", nil), "plain proof keys": server("code_challenge_methods_supported", []string{"plain"}), "no codes": server("grant_types_supported", []string{"client_credentials"}), "tokens in addresses": server("response_types_supported", []string{"token"}),
		"another resource": resource("resource", "https://evil.example/mcp"), "a sibling resource": func(s *stranger) { s.resource["resource"] = s.URL + "/other" }, "a longer resource": func(s *stranger) { s.resource["resource"] = s.URL + "/mcp/more" }, "half a name": func(s *stranger) { s.resource["resource"] = s.URL + "/mc" },
		"no resource": resource("resource", ""), "all of the host": func(s *stranger) { s.resource["resource"] = s.URL }, "all of the host, with a slash": func(s *stranger) { s.resource["resource"] = s.URL + "/" },
		"a slash more": func(s *stranger) { s.resource["resource"] = s.URL + "/mcp/" }, "a query more": func(s *stranger) { s.resource["resource"] = s.URL + "/mcp?tenant=b" }, "another case": func(s *stranger) { s.resource["resource"] = s.URL + "/MCP" },
		"another's page of consent": server("authorization_endpoint", "https://accounts.google.com/o/oauth2/v2/auth"), "another's token endpoint": server("token_endpoint", "https://oauth2.googleapis.com/token"),
		"another's registration": server("registration_endpoint", "https://other.example/register"), "another's revocation": server("revocation_endpoint", "https://other.example/revoke"),
		"another's devices": server("device_authorization_endpoint", "https://other.example/device"), "another's introspection": server("introspection_endpoint", "https://other.example/introspect"),
		"another's pushed requests": server("pushed_authorization_request_endpoint", "https://other.example/par"),
		"another port":              func(s *stranger) { s.server["token_endpoint"] = "https://127.0.0.1:1/token" }, "a host with a dot more": func(s *stranger) {
			s.server["authorization_endpoint"] = strings.Replace(s.URL, "127.0.0.1", "127.0.0.1.", 1) + "/authorize"
		},
		"a host that looks alike": server("token_endpoint", "https://ａccounts.example/token"), "no servers": resource("authorization_servers", []string{}), "a server without TLS": resource("authorization_servers", []string{"http://evil.example"}), "a server that is a script": resource("authorization_servers", []string{"javascript:1"}),
		"scopes with quotes": resource("scopes_supported", []string{`a" b`}), "scopes with lines": resource("scopes_supported", []string{"a\r\nb"}),
		"metadata that is cut": raw(prm, "application/json", `{"resource":`, 200), "metadata that is a list": raw(prm, "application/json", `[]`, 200), "metadata that is huge": raw(prm, "application/json", `{"a":"`+strings.Repeat("a", 1<<19)+`"}`, 200),
		"a server's metadata that is a page": raw(asm, "text/html", "<html>", 200), "a server's metadata that is cut": raw(asm, "application/json", `{`, 200), "a server's error": raw(asm, "application/json", `{}`, 500),
		"a redirect": func(s *stranger) {
			s.answer[prm] = func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "https://evil.example/", http.StatusFound)
			}
		},
		"redirects without end": func(s *stranger) {
			s.answer[prm] = func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, prm, http.StatusFound) }
		},
		"a redirect without TLS": func(s *stranger) {
			s.answer[prm] = func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://"+r.Host+"/elsewhere", http.StatusFound)
			}
		},
		"a redirect to nowhere":        raw(prm, "application/json", `{}`, http.StatusFound),
		"no metadata of either":        func(s *stranger) { s.answer[prm], s.answer[asm] = http.NotFound, http.NotFound },
		"a challenge to nowhere":       func(s *stranger) { s.challenge = `Bearer resource_metadata="` + s.URL + `/nowhere"` },
		"a challenge to another host":  func(s *stranger) { s.challenge = `Bearer resource_metadata="https://evil.example/x"` },
		"a challenge without TLS":      func(s *stranger) { s.challenge = `Bearer resource_metadata="http://evil.example/x"` },
		"a challenge that is a script": func(s *stranger) { s.challenge = `Bearer resource_metadata="javascript:x"` },
		"a challenge with a user name": func(s *stranger) {
			s.challenge = `Bearer resource_metadata="` + strings.Replace(s.URL, "https://", "https://a@", 1) + `/x"`
		},
		"a challenge with scopes of none": func(s *stranger) { s.challenge = `Bearer scope="a\\b"` },
	}
	if len(cases) < 30 {
		t.Fatalf("there are %d cases", len(cases))
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStranger(t)
			change(s)
			found, err := s.client().Discover(t.Context(), s.URL+"/mcp")
			if !errors.Is(err, hotcell.ErrInvalid) {
				t.Fatalf("%+v, %v", found, err)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, asked := range s.asked {
				if strings.Contains(asked, "/token") || strings.Contains(asked, "/register") || strings.Contains(asked, "/authorize") {
					t.Errorf("it was asked: %s", asked)
				}
			}
		})
	}
}

func TestAClientIsMadeWithoutASecret(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{"client_id":"abc","token_endpoint_auth_method":"none"}`: true, `{"client_id":"abc"}`: true, `{"client_id":"abc","client_secret":"s","token_endpoint_auth_method":"none"}`: true, `{"client_id":"abc","client_secret":"s"}`: false, `{"client_id":"abc","token_endpoint_auth_method":"client_secret_basic"}`: false,
		`{}`: false, `[]`: false, `x`: false, fmt.Sprintf(`{"client_id":%q}`, strings.Repeat("a", 600)): false,
	} {
		s := newStranger(t)
		s.answer["/register"] = func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write([]byte(text))
		}
		id, err := s.client().Register(t.Context(), &hotcell.Endpoints{Register: s.URL + "/register"}, "https://hotcell.acme.test/connect/callback", nil)
		if (err == nil) != want || want && id != "abc" {
			t.Errorf("%.60s: %q, %v", text, id, err)
		}
	}
	s := newStranger(t)
	if _, err := s.client().Register(t.Context(), &hotcell.Endpoints{}, "https://x.example/", nil); !errors.Is(err, hotcell.ErrInvalid) {
		t.Errorf("%v", err)
	}
	if _, err := s.client().Register(t.Context(), &hotcell.Endpoints{Register: s.URL + "/nothing"}, "https://x.example/", nil); !errors.Is(err, hotcell.ErrInvalid) {
		t.Errorf("%v", err)
	}
}

func TestEndpointsOfAKnownServerAreWhereTheyAre(t *testing.T) {
	t.Parallel()
	s := newStranger(t)
	other := newStranger(t)
	s.server["token_endpoint"] = other.URL + "/token"
	for _, c := range []struct {
		issuers map[string][]string
		iss     bool
		reason  string
	}{
		{nil, true, "vault.issuers"}, {map[string][]string{other.URL: {s.URL}}, true, "vault.issuers"}, {map[string][]string{s.URL: {other.URL}}, false, "RFC 9207"}, {map[string][]string{s.URL: {other.URL}}, true, ""},
	} {
		s.server["authorization_response_iss_parameter_supported"] = c.iss
		client := oauth.New(oauth.Config{Transport: s.Client().Transport, Issuers: c.issuers, Now: time.Now})
		found, err := client.Discover(t.Context(), s.URL+"/mcp")
		if c.reason == "" && (err != nil || found.Token != other.URL+"/token") || c.reason != "" && (err == nil || !strings.Contains(err.Error(), c.reason)) {
			t.Errorf("%+v: %+v, %v", c, found, err)
		}
	}
}

func TestTheOperatorKnowsOfProofKeys(t *testing.T) {
	t.Parallel()
	s := newStranger(t)
	for _, c := range []struct {
		listed any
		known  bool
		reason string
	}{
		{nil, false, "vault.proof_keys"}, {nil, true, ""}, {[]string{"plain"}, true, "takes no proof keys"}, {[]string{}, true, "takes no proof keys"},
	} {
		s.server["code_challenge_methods_supported"] = c.listed
		config := oauth.Config{Transport: s.Client().Transport, Now: time.Now}
		if c.known {
			config.ProofKeys = []string{s.URL}
		}
		_, err := oauth.New(config).Discover(t.Context(), s.URL+"/mcp")
		if c.reason == "" && err != nil || c.reason != "" && (err == nil || !strings.Contains(err.Error(), c.reason)) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestOnlyASlashMayDiffer(t *testing.T) {
	t.Parallel()
	for pair, same := range map[[2]string]bool{
		{"https://a.test", "https://a.test/"}: true, {"https://a.test/", "https://a.test/"}: true, {"https://a.test", "https://A.test"}: false,
		{"https://a.test/b", "https://a.test/b/"}: false, {"https://a.test//", "https://a.test"}: false, {"https://a.test/?", "https://a.test"}: false,
		{"https://a.test/?q=/", "https://a.test/?q="}: false, {"https://a.test:443/", "https://a.test"}: false, {"", "/"}: false, {"https://a.test/#/", "https://a.test/#"}: false,
	} {
		if got := oauth.SameIssuer(pair[0], pair[1]); got != same || got != oauth.SameIssuer(pair[1], pair[0]) {
			t.Errorf("%q and %q: %v", pair[0], pair[1], got)
		}
	}
}

// TestMetadataLeadsToNoPrivateAddress has a server that somebody named, on an address
// that the operator allows, lead on to others beside it.
func TestMetadataLeadsToNoPrivateAddress(t *testing.T) {
	t.Parallel()
	loopback, err := netguard.ParsePrivate("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(named, within *stranger){
		"an authorisation server": func(named, within *stranger) { named.resource["authorization_servers"] = []string{within.URL} },
		"one by a name": func(named, within *stranger) {
			named.resource["authorization_servers"] = []string{strings.Replace(within.URL, "127.0.0.1", "localhost", 1)}
		},
		"one by IPv6": func(named, within *stranger) {
			named.resource["authorization_servers"] = []string{strings.Replace(within.URL, "127.0.0.1", "[::ffff:127.0.0.1]", 1)}
		},
		"registration": func(named, within *stranger) {
			named.server["registration_endpoint"], named.server["authorization_response_iss_parameter_supported"] = within.URL+"/register", true
		},
	} {
		named, within := newStranger(t), newStranger(t)
		change(named, within)
		roots := x509.NewCertPool()
		roots.AddCert(named.Certificate())
		roots.AddCert(within.Certificate())
		pool := netguard.Pool{PerHost: 1, Idle: time.Second}
		client := oauth.New(oauth.Config{
			Transport: netguard.Transport(netguard.New(netguard.Config{AllowPrivate: []netguard.Private{loopback}}), roots, pool),
			Found:     netguard.Transport(netguard.New(netguard.Config{Setting: "vault.allow_private"}), roots, pool), Issuers: map[string][]string{named.URL: {within.URL}}, Now: time.Now,
		})
		found, err := client.Discover(t.Context(), named.URL+"/mcp")
		if err == nil {
			_, err = client.Register(t.Context(), &found.Endpoints, "https://hotcell.test/callback", nil)
		}
		if !errors.Is(err, hotcell.ErrInvalid) || !strings.Contains(err.Error(), "vault.allow_private") {
			t.Errorf("%s: %v", name, err)
		}
		if within.mu.Lock(); len(within.asked) > 0 {
			t.Errorf("%s: it was asked: %v", name, within.asked)
		}
		within.mu.Unlock()
	}
}
