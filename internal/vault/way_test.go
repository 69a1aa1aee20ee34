package vault_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

func TestAServiceThatIsAuthorisedInTwoWays(t *testing.T) {
	t.Parallel()
	s, p := connecting(t)
	must(t, s.client(s.me, "acmeboth", "client-1", p.secret))
	key := "tok-" + p.knownAs(ada)
	p.set(func() { p.tokens[key] = ada })
	keyed, err := s.keyed(s.me, "acmeboth", "by key", key, nil)
	must(t, err)
	if keyed.Connected.Auth != "key" || keyed.Connected.Account != ada.name || keyed.HTTP.Auth != (hotcell.Auth{Kind: "header", Name: "Authorization", Prefix: "Bearer "}) {
		t.Errorf("by a key: %+v, %+v", keyed.Connected, keyed.HTTP)
	}
	s.tests(s.me, keyed.ID, ada.name)
	link := s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.me), Connector: "acmeboth", Name: "by signing in"})
	done, err := s.finish(s.agreed(p, link.Token, eve))
	must(t, err)
	signed := s.show(s.me, done.Link.Connection)
	if signed.Connected.Auth != "oauth2" || signed.HTTP.Auth.Kind != "bearer" {
		t.Errorf("by signing in: %+v, %+v", signed.Connected, signed.HTTP)
	}
	s.tests(s.me, signed.ID, eve.name)

	_, err = s.rotate(s.me, signed.ID, key)
	refused(t, "a key for what is signed in to", err, hotcell.ErrInvalid, "signing in")
	_, err = s.control.CreateLink(t.Context(), &vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.me), Renews: keyed.ID})
	refused(t, "a link for what has a key", err, hotcell.ErrInvalid, "connected by a key")
	_, err = s.keyed(s.me, "acmeboth", "of another's", s.plant("key"), nil)
	refused(t, "a key that begins otherwise", err, hotcell.ErrInvalid, "begins with tok-")
	for way, says := range map[string]string{"oauth2": "signing in", "basic": "it is by oauth2, or by key"} {
		_, err = s.connect(&vaultrpc.CreateConnectionRequest{By: vaultrpc.As(s.me), Connector: "acmeboth", Auth: way, Name: "x", Key: s.sealedKey("x", key)})
		refused(t, way, err, hotcell.ErrInvalid, says)
	}
	_, err = s.control.CreateLink(t.Context(), &vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.me), Connector: "acmeboth", Auth: "key", Name: "x"})
	refused(t, "a link by a key", err, hotcell.ErrInvalid, "takes a key")
}

func TestAVariableBecomesAConnectionWhereAWayTakesIt(t *testing.T) {
	t.Parallel()
	s, p := connecting(t)
	key := "tok-" + s.plant("both")
	p.set(func() { p.tokens[key] = ada })
	answer, err := s.control.CreateSecret(t.Context(), &vaultrpc.CreateSecretRequest{By: vaultrpc.As(s.me), Name: "my own", Variables: s.sealed("my own", "BOTH_TOKEN", key, "OTHER", s.plant("other"))})
	must(t, err)
	if len(answer.Advice) != 1 || answer.Advice[0].Command != "hotcell connections create acmeboth --from-secret 'my own/BOTH_TOKEN'" {
		t.Errorf("advised: %+v", answer.Advice)
	}
	plain := s.secret(s.me, "plain", "LOG_LEVEL", "debug")
	changed, err := s.control.ChangeSecret(t.Context(), &vaultrpc.ChangeSecretRequest{By: vaultrpc.As(s.me), ID: plain.ID, Set: s.sealed(string(plain.ID), "ANYTHING", key)})
	must(t, err)
	if len(changed.Advice) != 1 || changed.Advice[0].Command != "hotcell connections create acmeboth --from-secret plain/ANYTHING" {
		t.Errorf("advised on what was set: %+v", changed.Advice)
	}
	c, err := s.connect(&vaultrpc.CreateConnectionRequest{By: vaultrpc.As(s.me), Connector: "acmeboth", Name: "both", FromSecret: answer.Credential.ID, FromVariable: "BOTH_TOKEN"})
	must(t, err)
	s.tests(s.me, c.ID, ada.name)
	_, err = s.connect(&vaultrpc.CreateConnectionRequest{By: vaultrpc.As(s.me), Connector: "acmeboth", Name: "other", FromSecret: answer.Credential.ID, FromVariable: "OTHER"})
	refused(t, "a variable of something else", err, hotcell.ErrInvalid, "begins with tok-")
}

func TestARevocationIsToldAsItWent(t *testing.T) {
	t.Parallel()
	s, p := connecting(t)
	must(t, s.client(s.me, "acmeboth", "client-1", p.secret))
	for what, c := range map[string]struct {
		answer  string
		status  int
		revoked bool
	}{
		"done":                         {`{"ok":true,"revoked":true}`, 200, true},
		"not done, with a good status": {`{"ok":false,"error":"token_revoked"}`, 200, false},
		"of no use":                    {`{"ok":true}`, 200, false},
		"a page":                       {`<html>`, 200, false},
		"nothing":                      {``, 200, false},
		"an error":                     {`{"ok":true,"revoked":true}`, 500, false},
	} {
		var got struct {
			Token string `json:"access_token"`
		}
		p.set(func() {
			p.own = func(w http.ResponseWriter, r *http.Request) {
				id, secret, _ := r.BasicAuth()
				if err := json.NewDecoder(r.Body).Decode(&got); err != nil || r.Method != http.MethodDelete || r.URL.Path != "/applications/client-1/grant" || id != "client-1" || secret != p.secret {
					t.Errorf("%s: %s %s as %s: %v", what, r.Method, r.URL, id, err)
				}
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.answer))
			}
		})
		link := s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.me), Connector: "acmeboth", Name: what})
		done, err := s.finish(s.agreed(p, link.Token, ada))
		must(t, err)
		answer, err := s.control.DeleteConnection(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: done.Link.Connection, Destroy: what})
		must(t, err)
		if answer.Revoked != c.revoked || strings.HasPrefix(answer.Grant, "it was revoked") != c.revoked {
			t.Errorf("%s: told %+v", what, answer)
		}
		if !strings.HasPrefix(got.Token, "canary-access-") {
			t.Errorf("%s: another token was sent", what)
		}
	}
}

func TestAnErrorWithAGoodStatusIsNoRevocation(t *testing.T) {
	t.Parallel()
	s, p := connecting(t)
	p.set(func() {
		p.revoke = func(w http.ResponseWriter, _ *http.Request) {
			reply(w, http.StatusOK, map[string]any{"error": "invalid_token"})
		}
	})
	c := s.dance(p, s.me, "acme", ada)
	answer, err := s.control.DeleteConnection(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: c.ID, Destroy: c.Name})
	must(t, err)
	if answer.Revoked || !strings.Contains(answer.Grant, "could not be revoked") {
		t.Errorf("told %+v", answer)
	}
}

func TestWhatAnotherAccountReplacesIsRevoked(t *testing.T) {
	t.Parallel()
	s, p := connecting(t)
	c := s.dance(p, s.me, "acme", ada)
	renew := func(who person, anyone bool) *vaultrpc.FinishLinkAnswer {
		t.Helper()
		link := s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.me), Renews: c.ID, Anyone: anyone})
		done, err := s.finish(s.agreed(p, link.Token, who))
		must(t, err)
		return done
	}
	if renew(ada, true); len(p.revoked) != 0 {
		t.Errorf("of the same account, %d were revoked", len(p.revoked))
	}
	done := renew(eve, true)
	if len(p.revoked) != 1 || !strings.HasPrefix(p.revoked[0], "canary-refresh-") || !strings.Contains(done.Link.Reason, "it was revoked at the service") {
		t.Errorf("%d were revoked, and it says %q", len(p.revoked), done.Link.Reason)
	}
	if now := s.state(s.me, done.Link.ID); now.Reason != done.Link.Reason || now.State != hotcell.LinkDone {
		t.Errorf("the link says %+v", now)
	}
	s.tests(s.me, c.ID, eve.name)
	s.dance(p, s.me, "other", eve)
	if done := renew(ada, true); len(p.revoked) != 1 || !strings.Contains(done.Link.Reason, "another connection is of the same account") {
		t.Errorf("%d were revoked, and it says %q", len(p.revoked), done.Link.Reason)
	}
}

func TestAnAPIBelowAPath(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	made := func(name, base, host string) (hotcell.Credential, error) {
		return o.connect(&vaultrpc.CreateConnectionRequest{
			By: vaultrpc.As(o.me), Name: name, Connector: "http", Settings: map[string]string{"base": base}, HTTP: hotcell.HTTPAccess{Host: host, Auth: hotcell.Auth{Kind: "bearer"}},
			Key: o.sealedKey(name, o.plant("key")),
		})
	}
	path, err := made("by its path", "/v2/", "example.com")
	must(t, err)
	whole, err := made("whole", "https://example.com:8443/v2", "")
	must(t, err)
	for _, c := range []hotcell.Credential{path, whole} {
		if c.HTTP.Host != "example.com" || (c.HTTP.Port == 8443) != (c.ID == whole.ID) {
			t.Errorf("%s goes to %+v", c.Name, c.HTTP)
		}
		_, job := o.with(o.me, hotcell.Narrowing{Tools: []string{"get"}}, c.ID)
		o.done(job, "http_get", `{"path":["pets","a b"]}`)
		if came := o.arrived(); len(came) != 1 || !strings.Contains(came[0], "/v2/pets/a%20b") {
			t.Errorf("%s: arrived %q", c.Name, came)
		}
	}
	for _, base := range []string{"v2", "/../x", "/a/./b", "/a//b", "//evil.test", "/a?b", "/a#b", "/a%2fb", `/a\b`, "https://example.com/a/../b", "https://example.com/a%2f..", "http://example.com/v2", "https://example.com/v2?x=1"} {
		_, err := made("x", base, "example.com")
		refused(t, base, err, hotcell.ErrInvalid, "settings")
	}

	test := func(id hotcell.CredentialID, path string) (*vaultrpc.TestConnectionAnswer, error) {
		return o.control.TestConnection(t.Context(), &vaultrpc.TestConnectionRequest{By: vaultrpc.As(o.me), ID: id, Path: path})
	}
	if got, err := test(path.ID, "/me?limit=1"); err != nil || !got.Works {
		t.Errorf("tested: %+v, %v", got, err)
	}
	if came := o.arrived(); len(came) != 1 || !strings.HasPrefix(came[0], "GET example.com/v2/me?limit=1 ") {
		t.Errorf("arrived: %q", came)
	}
	_, err = test(path.ID, "")
	refused(t, "nothing named", err, hotcell.ErrInvalid, "--path")
	for _, bad := range []string{"me", "//evil.test/x", "https://evil.test/x", "/../admin", "/a/%2e%2e/b", "/a//b", "/x#y"} {
		_, err := test(path.ID, bad)
		refused(t, bad, err, hotcell.ErrInvalid, "")
	}
	if came := o.arrived(); len(came) != 0 {
		t.Errorf("arrived: %q", came)
	}
	o.answers(func(w http.ResponseWriter, r *http.Request) {
		reply(w, http.StatusForbidden, map[string]any{"message": "not with " + r.Header.Get("Authorization")})
	})
	if got, err := test(path.ID, "/me"); err != nil || got.Works || got.Reason == "" {
		t.Errorf("tested: %+v, %v", got, err)
	}
	_, err = o.control.TestConnection(t.Context(), &vaultrpc.TestConnectionRequest{By: vaultrpc.As(o.b), ID: path.ID, Path: "/me"})
	refused(t, "another's", err, hotcell.ErrNotFound, "")
}
