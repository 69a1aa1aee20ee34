package vault_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

// came is a link of ada's whose browser is about to come back.
func came(t *testing.T, connector string) (*scene, *provider, hotcell.Link, *vaultrpc.FinishLinkRequest) {
	t.Helper()
	s, p := connecting(t)
	link := s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.m), Connector: connector, Name: "acme"})
	return s, p, link.Link, s.agreed(p, link.Token, ada)
}

// nothing holds that no connection was made, and no code spent on it.
func (s *scene) nothing(p *provider) {
	s.t.Helper()
	answer, err := s.control.Credentials(s.t.Context(), &vaultrpc.CredentialsRequest{By: vaultrpc.As(s.m)})
	must(s.t, err)
	if len(answer.Credentials) != 0 {
		s.t.Errorf("a connection was made: %+v", answer.Credentials[0])
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.tokens) != 0 {
		s.t.Error("the provider gave tokens")
	}
}

// recorded holds that the log tells of a refusal.
func (s *scene) recorded(kind, reason string) {
	s.t.Helper()
	if !slices.ContainsFunc(s.refusals(), func(r string) bool { return strings.HasPrefix(r, kind+": ") && strings.Contains(r, reason) }) {
		s.t.Errorf("the log has no %s that says %q, but %q", kind, reason, s.refusals())
	}
}

func TestAnAnswerThatIsNotTheBrowsers(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		spoil    func(*scene, *vaultrpc.FinishLinkRequest)
		sentinel error
		recorded string
	}{
		"no cookie":         {func(_ *scene, r *vaultrpc.FinishLinkRequest) { r.Cookie = "" }, hotcell.ErrDenied, "not the browser"},
		"another cookie":    {func(_ *scene, r *vaultrpc.FinishLinkRequest) { r.Cookie = strings.Repeat("A", 43) }, hotcell.ErrDenied, "not the browser"},
		"no state":          {func(_ *scene, r *vaultrpc.FinishLinkRequest) { r.State = "" }, hotcell.ErrNotFound, ""},
		"a state of nobody": {func(_ *scene, r *vaultrpc.FinishLinkRequest) { r.State = hotcell.NewID("lnk") + "." + r.State[31:] }, hotcell.ErrNotFound, ""},
		"a forged state":    {func(_ *scene, r *vaultrpc.FinishLinkRequest) { r.State = r.State[:31] + strings.Repeat("A", 43) }, hotcell.ErrDenied, "not of this link"},
		"the link's token": {func(s *scene, r *vaultrpc.FinishLinkRequest) {
			r.State = s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.m), Connector: "acme", Name: "other"}).Token
		}, hotcell.ErrDenied, "not of this link"},
		"another callback":  {func(_ *scene, r *vaultrpc.FinishLinkRequest) { r.Callback = "https://evil.test/connect/callback" }, hotcell.ErrDenied, "another address"},
		"a longer callback": {func(_ *scene, r *vaultrpc.FinishLinkRequest) { r.Callback += "/" }, hotcell.ErrDenied, "another address"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s, p, _, back := came(t, "acme")
			right := *back
			c.spoil(s, back)
			_, err := s.finish(back)
			refused(t, "it", err, c.sentinel, "")
			if c.recorded != "" {
				s.recorded("link.return", c.recorded)
			}
			s.nothing(p)
			_, err = s.finish(&right) // nobody can spoil a link from outside
			must(t, err)
		})
	}
}

func TestAnAnswerThatEndsTheLink(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		spoil func(*vaultrpc.FinishLinkRequest)
		says  string
	}{
		"another issuer": {func(r *vaultrpc.FinishLinkRequest) { r.Issuer = "https://evil.test" }, "another server"},
		"a longer one":   {func(r *vaultrpc.FinishLinkRequest) { r.Issuer += "/a" }, "another server"},
		"no issuer":      {func(r *vaultrpc.FinishLinkRequest) { r.Issuer = "" }, "another server"},
		"no code":        {func(r *vaultrpc.FinishLinkRequest) { r.Code = "" }, "without an answer"},
		"no":             {func(r *vaultrpc.FinishLinkRequest) { r.Error = "access_denied" }, "did not agree"},
		"a strange no":   {func(r *vaultrpc.FinishLinkRequest) { r.Error = "<script>alert(1)</script>" }, "the service did not agree"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s, p, link, back := came(t, "acme")
			right := *back
			c.spoil(back)
			_, err := s.finish(back)
			refused(t, "it", err, hotcell.ErrDenied, c.says)
			if strings.Contains(fmt.Sprint(err), "script") {
				t.Errorf("the service's words are repeated: %v", err)
			}
			s.recorded("link.fail", c.says)
			if now := s.state(s.m, link.ID); now.State != hotcell.LinkFailed || !strings.Contains(now.Reason, c.says) {
				t.Errorf("the link is %+v", now)
			}
			_, err = s.finish(&right)
			refused(t, "the right answer, afterwards", err, hotcell.ErrDenied, "used already")
			s.nothing(p)
		})
	}
}

func TestAnIssuerThatIsNotKnown(t *testing.T) {
	t.Parallel()
	s, p, _, back := came(t, "acmeopen")
	back.Issuer = "https://evil.test"
	_, err := s.finish(back)
	refused(t, "another host's", err, hotcell.ErrDenied, "another server")
	s.nothing(p)
	for _, issuer := range []string{"", p.URL, p.URL + "/tenant"} {
		link := s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.m), Connector: "acmeopen", Name: "acme" + issuer})
		back := s.agreed(p, link.Token, ada)
		back.Issuer = issuer
		_, err := s.finish(back)
		must(t, err)
	}
}

func TestAStolenLinkIsOpenedInASecondBrowser(t *testing.T) {
	t.Parallel()
	s, p := connecting(t)
	link := s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.m), Connector: "acme", Name: "acme"})
	first := s.browse(link.Token)
	for _, cookie := range []string{"", "guess", strings.Repeat("A", 43)} {
		_, err := s.control.OpenLink(t.Context(), &vaultrpc.OpenLinkRequest{Token: link.Token, Callback: callback, Cookie: cookie})
		refused(t, "a second browser", err, hotcell.ErrDenied, "another browser")
	}
	s.recorded("link.open", "another browser")
	again, err := s.control.OpenLink(t.Context(), &vaultrpc.OpenLinkRequest{Token: link.Token, Callback: callback, Cookie: first.Cookie})
	must(t, err)
	if again.URL != first.URL || again.Cookie != first.Cookie {
		t.Error("the same browser was led elsewhere")
	}
	back := p.consent(again.URL, ada)
	back.Cookie = first.Cookie
	_, err = s.finish(back)
	must(t, err)
	_, err = s.control.OpenLink(t.Context(), &vaultrpc.OpenLinkRequest{Token: link.Token, Callback: callback, Cookie: first.Cookie})
	refused(t, "a link that is done", err, hotcell.ErrNotFound, "")
	for _, token := range []string{"", "x", string(link.Link.ID), string(link.Link.ID) + ".", link.Token + "A", back.State} {
		_, err = s.control.OpenLink(t.Context(), &vaultrpc.OpenLinkRequest{Token: token, Callback: callback})
		refused(t, "a token that is none", err, hotcell.ErrNotFound, "")
	}
	_, err = s.control.OpenLink(t.Context(), &vaultrpc.OpenLinkRequest{Token: link.Token, Callback: "javascript:alert(1)"})
	refused(t, "a callback that is none", err, hotcell.ErrNotFound, "")
}

// Eve agrees at the provider in her own browser, and has ada's come back with
// her code: ada's connection would be eve's account.
func TestACodeOfAnotherSession(t *testing.T) {
	t.Parallel()
	s, p, _, back := came(t, "acme")
	evil := s.agreed(p, s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.b), Connector: "acme", Name: "evil"}).Token, eve)
	adas := *back
	adas.Code = evil.Code
	_, err := s.finish(&adas)
	refused(t, "eve's code with ada's state", err, hotcell.ErrDenied, "not good")
	evils := *evil
	evils.Cookie = back.Cookie
	_, err = s.finish(&evils)
	refused(t, "eve's state in ada's browser", err, hotcell.ErrDenied, "not the browser")
	s.nothing(p)
}

func TestALinkIsFinishedOnce(t *testing.T) {
	t.Parallel()
	s, p, link, back := came(t, "acme")
	var wait sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range 8 {
		wait.Go(func() {
			if _, err := s.finish(back); err == nil {
				mu.Lock()
				done++
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	if done != 1 {
		t.Errorf("it was finished %d times", done)
	}
	s.recorded("link.return", "used already")
	must(t, s.control.DeleteCredential(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.m), ID: s.state(s.m, link.ID).Connection}))
	_, err := s.finish(back)
	refused(t, "once more", err, hotcell.ErrDenied, "used already")
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.tokens) != 1 {
		t.Errorf("the provider gave tokens %d times", len(p.tokens))
	}
}

func TestALinkThatIsOver(t *testing.T) {
	t.Parallel()
	s, p, link, back := came(t, "acme")
	waits := s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.m), Connector: "acme", Name: "later"})
	s.ticks.Add(int64(hotcell.LinkTime / time.Millisecond))
	_, err := s.finish(back)
	refused(t, "to finish it", err, hotcell.ErrDenied, "is over")
	_, err = s.control.OpenLink(t.Context(), &vaultrpc.OpenLinkRequest{Token: waits.Token, Callback: callback})
	refused(t, "to open one", err, hotcell.ErrNotFound, "")
	for _, id := range []hotcell.LinkID{link.ID, waits.Link.ID} {
		if now := s.state(s.m, id); now.State != hotcell.LinkExpired || now.Reason == "" {
			t.Errorf("it is %+v", now)
		}
	}
	s.nothing(p)
}

func TestALinkOfWhoIsNoMemberAnyMore(t *testing.T) {
	t.Parallel()
	s, p, _, back := came(t, "acme")
	waits := s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.m), Connector: "acme", Name: "later"})
	s.sql("DELETE FROM members WHERE id = ?", string(s.m.Member))
	_, err := s.finish(back)
	refused(t, "to finish it", err, hotcell.ErrDenied, "not a member")
	_, err = s.control.OpenLink(t.Context(), &vaultrpc.OpenLinkRequest{Token: waits.Token, Callback: callback})
	refused(t, "to open one", err, hotcell.ErrDenied, "not a member")
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.tokens) != 0 {
		t.Error("the provider gave tokens")
	}
}

func TestAnOAuthClientThatChangesMeanwhile(t *testing.T) {
	t.Parallel()
	s, p, _, back := came(t, "acme")
	must(t, s.client(s.me, "acme", "client-2", s.plant("other")))
	_, err := s.finish(back)
	refused(t, "to finish a link of the client before", err, hotcell.ErrDenied, "changed meanwhile")
	s.nothing(p)
}

// A provider is not believed.
func TestAProviderThatAnswersWithJunk(t *testing.T) {
	t.Parallel()
	write := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	echo := func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		reply(w, http.StatusBadRequest, map[string]any{"error": r.PostForm.Get("code"), "error_description": r.PostForm.Encode() + r.Header.Get("Authorization")})
	}
	for what, handler := range map[string]http.HandlerFunc{
		"html":              write(http.StatusOK, "text/html", "<html>welcome"),
		"nothing":           write(http.StatusOK, "application/json", ""),
		"a list":            write(http.StatusOK, "application/json", "[]"),
		"no token":          write(http.StatusOK, "application/json", `{"token_type":"bearer"}`),
		"a short token":     write(http.StatusOK, "application/json", `{"access_token":"ab"}`),
		"a token of lines":  write(http.StatusOK, "application/json", `{"access_token":"abcdefgh\r\nX-Evil: 1"}`),
		"a number":          write(http.StatusOK, "application/json", `{"access_token":12345678901234567890}`),
		"a huge token":      write(http.StatusOK, "application/json", `{"access_token":"`+strings.Repeat("abcdefgh", 20_000)+`"}`),
		"an endless answer": write(http.StatusOK, "application/json", strings.Repeat(" ", 3<<20)),
		"an error":          write(http.StatusInternalServerError, "text/plain", "oops"),
		"what was sent":     echo,
		"a redirect": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://evil.test/")
			w.WriteHeader(http.StatusTemporaryRedirect)
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s, p, link, back := came(t, "acme")
			p.set(func() { p.token = handler })
			_, err := s.finish(back)
			refused(t, "it", err, hotcell.ErrDenied, "the service")
			if now := s.state(s.m, link.ID); now.State != hotcell.LinkFailed {
				t.Errorf("the link is %+v", now)
			}
			s.nothing(p)
		})
	}
}

func TestAServiceThatDoesNotSayWhoItIs(t *testing.T) {
	t.Parallel()
	for what, me := range map[string]http.HandlerFunc{
		"an error": func(w http.ResponseWriter, r *http.Request) {
			reply(w, http.StatusForbidden, map[string]any{"error": r.Header.Get("Authorization")})
		},
		"nobody": func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, map[string]any{}) },
		"the token": func(w http.ResponseWriter, r *http.Request) {
			reply(w, http.StatusOK, map[string]any{"id": "1", "name": r.Header.Get("Authorization")[7:]})
		},
		"the token, the other way round": func(w http.ResponseWriter, r *http.Request) {
			backwards := []byte(r.Header.Get("Authorization")[7:])
			slices.Reverse(backwards)
			reply(w, http.StatusOK, map[string]any{"id": "1", "name": string(backwards)})
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s, p, link, back := came(t, "acme")
			p.set(func() { p.me = me })
			done, err := s.finish(back)
			if err == nil && strings.Contains(done.Account, "canary") {
				t.Errorf("the account is %q", done.Account)
			}
			if err != nil {
				refused(t, "it", err, hotcell.ErrDenied, "did not say whose")
				if now := s.state(s.m, link.ID); now.State != hotcell.LinkFailed {
					t.Errorf("the link is %+v", now)
				}
			}
		})
	}
}

// What a provider grants goes to the connector's host, and to no other.
func TestTheAddressOfConsentIsTheConnectors(t *testing.T) {
	t.Parallel()
	s, p := connecting(t)
	link := s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.m), Connector: "acme", Name: "acme"})
	opened := s.browse(link.Token)
	u, err := url.Parse(opened.URL)
	must(t, err)
	if "https://"+u.Host != p.URL || u.Query().Get("redirect_uri") != callback || strings.Contains(opened.URL, link.Token) || strings.Contains(opened.URL, opened.Cookie) {
		t.Errorf("the browser is sent to %s", opened.URL)
	}
	other := s.browse(s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.m), Connector: "acme", Name: "other"}).Token)
	v, err := url.Parse(other.URL)
	must(t, err)
	for _, name := range []string{"state", "code_challenge"} {
		if u.Query().Get(name) == v.Query().Get(name) {
			t.Errorf("two links have one %s", name)
		}
	}
}
