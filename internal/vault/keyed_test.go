package vault_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"slices"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

// knownAs makes a value that the provider takes for who.
func (p *provider) knownAs(who person) string {
	token := p.plant("key")
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tokens[token] = who
	return token
}

// keyed makes a connection with a key of the catalogue.
func (s *scene) keyed(m hotcell.Principal, slug, name, key string, settings map[string]string) (hotcell.Credential, error) {
	return s.connect(&vaultrpc.CreateConnectionRequest{By: vaultrpc.As(m), Connector: slug, Name: name, Settings: settings, Key: s.sealedKey(name, key)})
}

func TestAKeyOfTheCatalogue(t *testing.T) {
	t.Parallel()
	s, p := connecting(t)
	c, err := s.keyed(s.m, "acmekey", "acme", p.knownAs(ada), nil)
	must(t, err)
	if c.Connected == nil || c.Connected.Account != ada.name || !slices.Equal(c.Connected.Fields, []string{"key"}) || c.Renewed() || c.HTTP == nil || c.HTTP.Host != "127.0.0.1" || c.Service != "acmekey" {
		t.Errorf("made %+v, %+v", c, c.Connected)
	}
	s.tests(s.m, c.ID, ada.name)
	_, err = s.keyed(s.m, "acmekey", "wrong", s.plant("wrong"), nil)
	refused(t, "a key that the service does not know", err, hotcell.ErrInvalid, "does not take this key")
	_, err = s.rotate(s.m, c.ID, s.plant("wrong"))
	refused(t, "another that it does not know", err, hotcell.ErrInvalid, "does not take this key")
	_, err = s.rotate(s.m, c.ID, p.knownAs(eve))
	refused(t, "another account's", err, hotcell.ErrConflict, "is of the account "+eve.name+", and the connection is "+ada.name+"'s")
	same, err := s.rotate(s.m, c.ID, p.knownAs(ada))
	if err != nil || same.Version != 2 || same.Connected.Account != ada.name {
		t.Errorf("another of the same account: %+v, %v", same.Connected, err)
	}
	change := &vaultrpc.ChangeConnectionRequest{By: vaultrpc.As(s.m), ID: c.ID, Anyone: true, Key: s.sealedKey(string(c.ID), p.knownAs(eve))}
	answer, err := s.control.ChangeConnection(t.Context(), change)
	must(t, err)
	changed := answer.Credential
	if changed.Version != 3 || changed.Connected.Account != eve.name {
		t.Errorf("changed, it is %+v", changed.Connected)
	}
	p.set(func() { p.me = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) } })
	if _, err := s.keyed(s.m, "acmekey", "down", s.plant("key"), nil); err != nil {
		t.Errorf("a service that is down keeps a key from being kept: %v", err)
	}
	tested, err := s.control.TestConnection(t.Context(), &vaultrpc.TestConnectionRequest{By: vaultrpc.As(s.m), ID: c.ID})
	if err != nil || tested.Works || tested.Reason == "" {
		t.Errorf("tested: %+v, %v", tested, err)
	}
	_, err = s.rotate(s.m, c.ID, p.knownAs(eve))
	refused(t, "one of nobody knows whom", err, hotcell.ErrConflict, "did not say whose")
	change = &vaultrpc.ChangeConnectionRequest{By: vaultrpc.As(s.m), ID: c.ID, Anyone: true, Key: s.sealedKey(string(c.ID), p.knownAs(eve))}
	if answer, err = s.control.ChangeConnection(t.Context(), change); err != nil || answer.Credential.Connected.Account != "" {
		t.Errorf("where that is meant, it is said to be of %q, %v", answer.Credential.Connected.Account, err)
	}
	_, err = s.control.TestConnection(t.Context(), &vaultrpc.TestConnectionRequest{By: vaultrpc.As(s.b), ID: c.ID})
	refused(t, "a test of another's", err, hotcell.ErrNotFound, "")
}

func TestAKeyThatIsExchangedForTokens(t *testing.T) {
	t.Parallel()
	s, p := connecting(t)
	pair, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	private := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(pair)})
	file, err := json.Marshal(map[string]string{"client_email": "robot@acme.test", "private_key": string(private), "private_key_id": s.plant("kid")})
	must(t, err)
	for slug, key := range map[string]string{"acmerobot": "robot:" + p.secret, "acmeaccount": string(file)} {
		c, err := s.keyed(s.m, slug, slug, key, nil)
		must(t, err)
		if !slices.Equal(c.Connected.Fields, []string{"access", "key"}) || !c.Renewed() || c.Connected.Account != ada.name || (c.Connected.Client == "robot") != (slug == "acmerobot") {
			t.Errorf("%s: made %+v", slug, c.Connected)
		}
		s.tests(s.m, c.ID, ada.name)
		if c, err = s.rotate(s.m, c.ID, key); err != nil || c.Version != 2 || !slices.Equal(c.Connected.Fields, []string{"access", "key"}) {
			t.Errorf("%s: a new key: %+v, %v", slug, c.Connected, err)
		}
		answer, err := s.control.DeleteConnection(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.m), ID: c.ID})
		if err != nil || answer.Revoked || answer.Grant != "" {
			t.Errorf("%s: deleted: %+v, %v", slug, answer, err)
		}
	}
	for slug, keys := range map[string][]string{
		"acmerobot":   {"robot:" + s.plant("wrong"), "robot", ":" + p.secret, "robot:", "robot:a b"},
		"acmeaccount": {"{}", s.plant("nothing"), `{"client_email":"a","private_key":"b"}`},
	} {
		for _, key := range keys {
			_, err := s.keyed(s.m, slug, "wrong", key, nil)
			refused(t, slug, err, hotcell.ErrInvalid, "key")
		}
	}
}

func TestWhatDescribesItself(t *testing.T) {
	t.Parallel()
	s, p := connecting(t)
	document := []byte("openapi: 3.0.0\ninfo: {title: Pets, version: '1'}\npaths:\n  /pets:\n    get: {operationId: listPets, summary: List pets, responses: {'200': {description: ok}}}\n")
	request := &vaultrpc.CreateConnectionRequest{
		By: vaultrpc.As(s.m), Connector: "openapi", Name: "My pets", Definition: document, Settings: map[string]string{"base": p.URL},
		HTTP: hotcell.HTTPAccess{Auth: hotcell.Auth{Kind: "header", Name: "X-Key"}}, Key: s.sealedKey("My pets", s.plant("key")),
	}
	c, err := s.connect(request)
	must(t, err)
	if c.HTTP.Host != "127.0.0.1" || c.HTTP.Auth.Name != "X-Key" || c.Connected.Connector != "openapi" {
		t.Errorf("made %+v, %+v", c.HTTP, c.Connected)
	}
	answer, err := s.control.Tools(t.Context(), &vaultrpc.ToolsRequest{By: vaultrpc.As(s.m), ID: c.ID})
	must(t, err)
	if len(answer.Tools) != 1 || !strings.HasPrefix(answer.Tools[0].Name, "my_pets_") {
		t.Errorf("its tools are %+v", answer.Tools)
	}
	_, err = s.control.Tools(t.Context(), &vaultrpc.ToolsRequest{By: vaultrpc.As(s.b), ID: c.ID})
	refused(t, "another's tools", err, hotcell.ErrNotFound, "")
	for what, change := range map[string]func(*vaultrpc.CreateConnectionRequest){
		"no document": func(r *vaultrpc.CreateConnectionRequest) { r.Definition = nil },
		"junk":        func(r *vaultrpc.CreateConnectionRequest) { r.Definition = []byte("]") },
		"no base":     func(r *vaultrpc.CreateConnectionRequest) { r.Settings = nil },
		"a way of no kind": func(r *vaultrpc.CreateConnectionRequest) {
			r.HTTP.Auth = hotcell.Auth{Kind: "header", Name: "Host"}
		},
	} {
		wrong := *request
		wrong.Name, wrong.Key = "wrong", s.sealedKey("wrong", s.plant("key"))
		change(&wrong)
		_, err := s.connect(&wrong)
		refused(t, what, err, hotcell.ErrInvalid, "")
	}
	s.stored("listPets")
	must(t, s.control.DeleteCredential(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.m), ID: c.ID}))
}

func TestAServiceThatTakesNoKey(t *testing.T) {
	t.Parallel()
	s, p := connecting(t)
	p.set(func() {
		p.me = func(w http.ResponseWriter, r *http.Request) {
			reply(w, http.StatusOK, map[string]any{"id": "0", "name": "anybody" + r.Header.Get("Authorization")})
		}
	})
	c, err := s.connect(&vaultrpc.CreateConnectionRequest{By: vaultrpc.As(s.m), Connector: "acmenone", Name: "open"})
	must(t, err)
	if c.HTTP != nil || len(c.Connected.Fields) != 0 || c.Connected.Account != "anybody" {
		t.Errorf("made %+v", c.Connected)
	}
	s.tests(s.m, c.ID, "anybody")
	_, err = s.keyed(s.m, "acmenone", "keyed", s.plant("key"), nil)
	refused(t, "a key for it", err, hotcell.ErrInvalid, "takes no key")
	_, err = s.rotate(s.m, c.ID, s.plant("key"))
	refused(t, "a new key for it", err, hotcell.ErrInvalid, "no key")
}

// A message that was recorded on its way is not sent to a host of the sender's.
func TestAKeyThatWasSentBeforeGoesNowhere(t *testing.T) {
	t.Parallel()
	s, p := connecting(t)
	message := s.sealedKey("acme", p.knownAs(ada))
	host := strings.TrimPrefix(p.URL, "https://")
	_, err := s.connect(&vaultrpc.CreateConnectionRequest{By: vaultrpc.As(s.m), Connector: "acmekey", Name: "acme", Key: message})
	must(t, err)
	asked := 0
	p.set(func() { p.me = func(http.ResponseWriter, *http.Request) { asked++ } })
	_, err = s.connect(&vaultrpc.CreateConnectionRequest{By: vaultrpc.As(s.b), Connector: "acmehost", Name: "acme", Settings: map[string]string{"host": host}, Key: message})
	refused(t, "it", err, hotcell.ErrConflict, "sent before")
	if p.Close(); asked != 0 {
		t.Error("it went to a host")
	}
}

func TestWhereSettingsMayLead(t *testing.T) {
	t.Parallel()
	s, p := connecting(t)
	key := p.knownAs(ada)
	for what, settings := range map[string]map[string]string{
		"nowhere":         nil,
		"a path":          {"host": "127.0.0.1/evil?"},
		"a user":          {"host": "user@evil.test"},
		"an unknown word": {"host": "a.test", "token": "https://evil.test"},
		"a fragment":      {"host": "evil.test#"},
	} {
		_, err := s.keyed(s.m, "acmehost", "acme", key, settings)
		refused(t, what, err, hotcell.ErrInvalid, "settings")
	}
	_, err := s.connect(&vaultrpc.CreateConnectionRequest{By: vaultrpc.As(s.m), Connector: "acmekey", Name: "acme", Key: s.sealedKey("acme", key), HTTP: hotcell.HTTPAccess{Host: "evil.test", Auth: hotcell.Auth{Kind: "query", Name: "k"}}})
	must(t, err)
	answer, err := s.control.Credentials(t.Context(), &vaultrpc.CredentialsRequest{By: vaultrpc.As(s.m)})
	must(t, err)
	if len(answer.Credentials) != 1 || answer.Credentials[0].HTTP.Host != "127.0.0.1" || answer.Credentials[0].HTTP.Auth.Kind != "bearer" {
		t.Errorf("the caller chose where a catalogue's key goes: %+v", answer.Credentials)
	}
}

func TestASecretBecomesAConnection(t *testing.T) {
	t.Parallel()
	s, p := connecting(t)
	host := map[string]string{"host": strings.TrimPrefix(p.URL, "https://")}
	manager := s.member("mem_g", "Gerda", hotcell.RoleManager)
	shared := s.secret(s.m, "acme", "TOKEN", p.knownAs(ada), "OTHER", s.plant("other"))
	convert := func(m hotcell.Principal, slug, name, variable string, settings map[string]string) error {
		_, err := s.connect(&vaultrpc.CreateConnectionRequest{By: vaultrpc.As(m), Connector: slug, Name: name, Settings: settings, FromSecret: shared.ID, FromVariable: variable})
		return err
	}
	refused(t, "another's personal secret", convert(manager, "acmekey", "a", "TOKEN", nil), hotcell.ErrNotFound, "")
	must(t, convert(s.m, "acmekey", "own", "TOKEN", nil))
	must(t, convert(s.m, "acmehost", "own host", "TOKEN", host))
	s.share(s.m, shared.ID, true)
	refused(t, "a shared secret, by a member", convert(s.member("mem_n", "Nina", hotcell.RoleMember), "acmekey", "b", "TOKEN", nil), hotcell.ErrDenied, "takes the role manager")
	must(t, convert(manager, "acmekey", "the catalogue's host", "TOKEN", nil))
	refused(t, "to a host of theirs", convert(manager, "acmehost", "c", "TOKEN", host), hotcell.ErrDenied, "owner alone")
	for _, slug := range []string{"http", ""} {
		_, err := s.connect(&vaultrpc.CreateConnectionRequest{By: vaultrpc.As(manager), Connector: slug, Name: "d", HTTP: stripe, FromSecret: shared.ID, FromVariable: "TOKEN"})
		refused(t, "to a host of theirs, as a bare key", err, hotcell.ErrDenied, "owner alone")
	}
	refused(t, "no such variable", convert(s.m, "acmekey", "e", "NOTHING", nil), hotcell.ErrInvalid, "no such variable")
	c := s.secret(s.m, "bound", "TOKEN", p.knownAs(ada))
	hosts := []string{"api.other.test"}
	_, err := s.change(&vaultrpc.ChangeSecretRequest{By: vaultrpc.As(s.m), ID: c.ID, Hosts: &hosts})
	must(t, err)
	_, err = s.connect(&vaultrpc.CreateConnectionRequest{By: vaultrpc.As(s.m), Connector: "acmekey", Name: "f", FromSecret: c.ID, FromVariable: "TOKEN"})
	refused(t, "a secret that is bound elsewhere", err, hotcell.ErrDenied, "bound to other hosts")
	s.recorded("secret.convert", "owner alone")
	if !slices.ContainsFunc(s.events(hotcell.EventFilter{Kind: "secret.convert"}), func(e hotcell.Event) bool { return e.Decision == hotcell.Allowed && e.Credential == shared.ID }) {
		t.Error("the log tells of no conversion")
	}
}

func TestANewSecretIsAdvisedOn(t *testing.T) {
	t.Parallel()
	s, _ := connecting(t)
	answer, err := s.control.CreateSecret(t.Context(), &vaultrpc.CreateSecretRequest{
		By: vaultrpc.As(s.m), Name: "env", Variables: s.sealed("env", "ACME_TOKEN", s.plant("1"), "ANY", "acme_"+s.plant("2"), "NEITHER", s.plant("3")),
	})
	must(t, err)
	var about []string
	for _, a := range answer.Advice {
		about = append(about, a.Variable+" "+a.Connector+" "+a.Command)
	}
	want := []string{"ACME_TOKEN acmekey hotcell connections create acmekey --from-secret env/ACME_TOKEN", "ANY acmekey hotcell connections create acmekey --from-secret env/ANY"}
	if !slices.Equal(about, want) {
		t.Errorf("advised %q, want %q", about, want)
	}
}

func TestADeletionDoesNotWaitForTheService(t *testing.T) {
	t.Parallel()
	s, p := connecting(t)
	one, two, other := s.dance(p, s.me, "one", ada), s.dance(p, s.me, "two", ada), s.dance(p, s.me, "other", eve)
	remove := func(c hotcell.Credential) *vaultrpc.DeleteAnswer {
		t.Helper()
		answer, err := s.control.DeleteConnection(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: c.ID, Destroy: c.Name})
		must(t, err)
		_, err = s.control.Credential(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: c.ID})
		refused(t, "what was deleted", err, hotcell.ErrNotFound, "")
		return answer
	}
	_, err := s.control.DeleteConnection(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: one.ID, Revision: 7})
	refused(t, "another revision", err, hotcell.ErrStale, "")
	if answer := remove(one); answer.Revoked || !strings.Contains(answer.Grant, "another connection") {
		t.Errorf("one of two of an account: %+v", answer)
	}
	p.set(func() {
		p.revoke = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
	})
	if answer := remove(other); answer.Revoked || !strings.Contains(answer.Grant, "could not be revoked") {
		t.Errorf("with a service that is down: %+v", answer)
	}
	p.set(func() { p.revoke = nil })
	if answer := remove(two); !answer.Revoked {
		t.Errorf("the last of an account: %+v", answer)
	}
	if len(p.revoked) != 1 {
		t.Errorf("%d tokens were revoked", len(p.revoked))
	}
}

func TestWhoMaySetAClient(t *testing.T) {
	t.Parallel()
	s, _ := connecting(t)
	admin := s.member("mem_a", "Anna", hotcell.RoleAdministrator)
	manager := s.member("mem_g", "Gerda", hotcell.RoleManager)
	must(t, s.client(admin, "acme", "client-3", s.plant("secret")))
	for _, m := range []hotcell.Principal{manager, s.b, s.m} {
		refused(t, "set", s.client(m, "acme", "client-4", s.plant("secret")), hotcell.ErrDenied, "takes the role administrator")
		refused(t, "delete", s.control.DeleteClient(t.Context(), &vaultrpc.DeleteClientRequest{By: vaultrpc.As(m), Connector: "acme"}), hotcell.ErrDenied, "takes the role administrator")
	}
	list, err := s.control.Clients(t.Context(), &vaultrpc.WorkspaceRequest{By: vaultrpc.As(s.m)})
	must(t, err)
	if len(list.Clients) != 3 || list.Clients[0] != (vaultrpc.OAuthClient{Connector: "acme", ID: "client-3"}) {
		t.Errorf("the clients are %+v", list.Clients)
	}
	refused(t, "one of no connector", s.client(admin, "nothing", "x", s.plant("secret")), hotcell.ErrInvalid, "no connector")
	refused(t, "one of a key's", s.client(admin, "acmekey", "x", s.plant("secret")), hotcell.ErrInvalid, "no connector")
	message := s.sealedKey("acme", s.plant("secret"))
	refused(t, "a message for something else", s.control.SetClient(t.Context(), &vaultrpc.SetClientRequest{By: vaultrpc.As(admin), Connector: "acme", ID: "x", Secret: message}), hotcell.ErrInvalid, "not sealed")
}

func TestTheCatalogue(t *testing.T) {
	t.Parallel()
	s, _ := connecting(t)
	must(t, s.control.DeleteClient(t.Context(), &vaultrpc.DeleteClientRequest{By: vaultrpc.As(s.me), Connector: "acmeopen"}))
	all, err := s.control.Connectors(t.Context(), &vaultrpc.ConnectorsRequest{By: vaultrpc.As(s.m)})
	must(t, err)
	clients := map[string]string{"acme": "set", "acmeopen": "missing", "acmekey": ""}
	for _, c := range all.Connectors {
		if want, ours := clients[c.Slug]; ours && (c.Client != want || !c.Own || len(c.Tools) != 0) {
			t.Errorf("listed %+v", c)
		}
	}
	one, err := s.control.Connectors(t.Context(), &vaultrpc.ConnectorsRequest{By: vaultrpc.As(s.m), Slug: "acme"})
	must(t, err)
	if len(one.Connectors) != 1 || len(one.Connectors[0].Tools) != 2 || one.Connectors[0].Tools[0].Name != "acme_read" || !one.Connectors[0].Tools[0].ReadOnly {
		t.Errorf("shown: %+v", one.Connectors)
	}
	_, err = s.control.Connectors(t.Context(), &vaultrpc.ConnectorsRequest{By: vaultrpc.As(s.m), Slug: "nothing"})
	refused(t, "one that is not there", err, hotcell.ErrNotFound, "")
	stranger := s.judged(hotcell.Principal{Workspace: s.me.Workspace, Member: "mem_x", Via: "test"})
	_, err = s.control.Connectors(t.Context(), &vaultrpc.ConnectorsRequest{By: vaultrpc.As(stranger)})
	refused(t, "for a stranger", err, hotcell.ErrDenied, "not a member")
	lint, err := s.control.LintConnector(t.Context(), &vaultrpc.LintConnectorRequest{By: vaultrpc.As(s.m), Text: []byte("slug: X\n")})
	if err != nil || len(lint.Problems) == 0 {
		t.Errorf("lint: %+v, %v", lint, err)
	}
}
