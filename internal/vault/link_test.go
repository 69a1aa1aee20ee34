package vault_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

func TestALifeOfAConnectedAccount(t *testing.T) {
	t.Parallel()
	s, p := connecting(t)
	p.expires = 3600
	link := s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.m), Connector: "acme", Name: "mail", Tools: []string{"acme_read"}})
	if hotcell.CheckID(string(link.Link.ID), hotcell.PrefixLink) != nil || link.Link.State != hotcell.LinkWaiting || link.Device != nil || !slices.Equal(link.Link.Scopes, []string{"read"}) {
		t.Errorf("made %+v", link.Link)
	}
	back := s.agreed(p, link.Token, ada)
	if now := s.state(s.m, link.Link.ID); now.State != hotcell.LinkOpened || len(now.Browser) != 0 {
		t.Errorf("opened, it is %+v", now)
	}
	done, err := s.finish(back)
	must(t, err)
	if done.Account != ada.name || done.Link.State != hotcell.LinkDone || s.state(s.m, link.Link.ID).Connection != done.Link.Connection {
		t.Errorf("finished with %+v", done)
	}
	c := s.show(s.m, done.Link.Connection)
	if c.Owner != s.m.Member || c.Shared || c.Name != "mail" || c.Tier != hotcell.TierConnection || c.Version != 1 || c.Revision != 1 || c.HTTP == nil || c.HTTP.Host != "127.0.0.1" || c.HTTP.Auth.Kind != "bearer" {
		t.Errorf("made %+v with %+v", c, c.HTTP)
	}
	k := c.Connected
	if k.Connector != "acme" || k.Account != ada.name || k.AccountID != ada.id || !slices.Equal(k.Scopes, []string{"read"}) || !slices.Equal(k.Fields, []string{"access", "refresh"}) || k.Client != "client-1" || !c.Renewed() || k.Broken != nil {
		t.Errorf("connected %+v", k)
	}
	s.tests(s.m, c.ID, ada.name)
	s.reconnects(p, c)
	s.removes(p, c.ID)
	for _, kind := range []string{"link.create", "link.open", "link.return", "connection.create", "connection.test", "connection.reconnect", "connection.destroy", "connection.revoke"} {
		if !slices.ContainsFunc(s.events(hotcell.EventFilter{Member: s.m.Member}), func(e hotcell.Event) bool { return e.Kind == kind && e.Decision == hotcell.Allowed && e.Name == "mail" }) {
			t.Errorf("the log tells of no %s", kind)
		}
	}
	for _, secret := range []string{link.Token, back.State, back.Cookie} {
		s.stored(secret)
	}
}

// tests holds that a connection works.
func (s *scene) tests(m hotcell.Principal, id hotcell.CredentialID, account string) {
	s.t.Helper()
	tested, err := s.control.TestConnection(s.t.Context(), &vaultrpc.TestConnectionRequest{By: vaultrpc.As(m), ID: id})
	must(s.t, err)
	if !tested.Works || tested.Account != account || tested.Reason != "" {
		s.t.Errorf("tested: %+v", tested)
	}
}

// reconnects holds that a connection keeps what it is when it is connected anew.
func (s *scene) reconnects(p *provider, c hotcell.Credential) {
	s.t.Helper()
	again := s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.m), Renews: c.ID})
	if again.Link.Name != c.Name || again.Link.Connector != "acme" || !slices.Equal(again.Link.Scopes, []string{"read"}) {
		s.t.Errorf("a link to renew is %+v", again.Link)
	}
	done, err := s.finish(s.agreed(p, again.Token, ada))
	must(s.t, err)
	now := s.show(s.m, c.ID)
	if done.Link.Connection != c.ID || now.Version != 2 || now.Revision != 2 || now.Name != c.Name || now.Connected.AccountID != ada.id {
		s.t.Errorf("renewed, it is %+v", now)
	}
}

// removes holds that what was granted is revoked, last.
func (s *scene) removes(p *provider, id hotcell.CredentialID) {
	s.t.Helper()
	shown, err := s.control.Credential(s.t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.m), ID: id})
	must(s.t, err)
	answer, err := s.control.DeleteConnection(s.t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.m), ID: id, Destroy: shown.Credential.Name})
	must(s.t, err)
	p.mu.Lock()
	defer p.mu.Unlock()
	if !answer.Revoked || answer.Grant == "" || len(p.revoked) != 1 || !strings.HasPrefix(p.revoked[0], "canary-refresh-") {
		s.t.Errorf("deleted: %+v, and %d were revoked", answer, len(p.revoked))
	}
}

// stored holds that a text is in no file of the vault.
func (s *scene) stored(text string) {
	s.t.Helper()
	must(s.t, filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		found, err := os.ReadFile(path)
		if _, mac, _ := strings.Cut(text, "."); bytes.Contains(found, []byte(text)) || mac != "" && bytes.Contains(found, []byte(mac)) {
			s.t.Errorf("%s holds %.12s…", filepath.Base(path), text)
		}
		return err
	}))
}

func TestLessIsGrantedThanAskedFor(t *testing.T) {
	t.Parallel()
	s, p := connecting(t)
	p.granted = func(string) string { return "https://acme.test/scopes/READ" }
	link := s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.me), Connector: "acme", Name: "acme"})
	done, err := s.finish(s.agreed(p, link.Token, ada))
	must(t, err)
	if !strings.Contains(done.Link.Reason, "acme_write") || strings.Contains(done.Link.Reason, "acme_read") {
		t.Errorf("it says: %s", done.Link.Reason)
	}
	answer, err := s.control.Tools(t.Context(), &vaultrpc.ToolsRequest{By: vaultrpc.As(s.me), ID: done.Link.Connection})
	must(t, err)
	for _, tool := range answer.Tools {
		if lacks := len(tool.Lacks) > 0; lacks != (tool.Name == "acme_write") {
			t.Errorf("%s lacks %q", tool.Name, tool.Lacks)
		}
		on := s.assignment(s.me, tool.Name)
		_, err := s.control.Attach(t.Context(), &vaultrpc.AttachRequest{By: vaultrpc.As(s.me), Assignment: on, Credential: done.Link.Connection, Narrowing: hotcell.Narrowing{Tools: []string{tool.Name}}})
		if len(tool.Lacks) == 0 {
			must(t, err)
			continue
		}
		refused(t, "a tool without its scope", err, hotcell.ErrInvalid, "without the scope write, which this tool takes: hotcell connections reconnect "+string(done.Link.Connection)+" --tools write")
	}
	p.set(func() { p.granted = nil })
	again := s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.me), Renews: done.Link.Connection, Tools: []string{"write"}})
	if !slices.Equal(again.Link.Scopes, []string{"read", "write"}) {
		t.Errorf("to renew with one tool more, it asks for %q", again.Link.Scopes)
	}
	_, err = s.finish(s.agreed(p, again.Token, ada))
	must(t, err)
	on := s.assignment(s.me, "with both")
	_, err = s.control.Attach(t.Context(), &vaultrpc.AttachRequest{By: vaultrpc.As(s.me), Assignment: on, Credential: done.Link.Connection, Narrowing: hotcell.Narrowing{Tools: []string{"acme_read", "acme_write"}}})
	must(t, err)
}

func TestAnotherAccountIsNotConnectedInPlace(t *testing.T) {
	t.Parallel()
	s, p := connecting(t)
	c := s.dance(p, s.me, "acme", ada)
	on := s.assignment(s.me, "uses it")
	_, err := s.control.Attach(t.Context(), &vaultrpc.AttachRequest{By: vaultrpc.As(s.me), Assignment: on, Credential: c.ID, As: hotcell.InjectTools, Narrowing: hotcell.Narrowing{Tools: []string{"acme_read"}}})
	must(t, err)
	link := s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.me), Renews: c.ID})
	_, err = s.finish(s.agreed(p, link.Token, eve))
	refused(t, "another account", err, hotcell.ErrDenied, "this is the account "+eve.name+", and the connection is "+ada.name+"'s")
	if now := s.show(s.me, c.ID); now.Version != 1 || now.Connected.AccountID != ada.id {
		t.Errorf("it became %+v", now.Connected)
	}
	if now := s.state(s.me, link.Link.ID); now.State != hotcell.LinkFailed || !strings.Contains(now.Reason, eve.name) {
		t.Errorf("the link is %+v", now)
	}
	link = s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.me), Renews: c.ID, Anyone: true})
	_, err = s.finish(s.agreed(p, link.Token, eve))
	must(t, err)
	if now := s.show(s.me, c.ID); now.Version != 2 || now.Connected.AccountID != eve.id {
		t.Errorf("it did not become %+v", now.Connected)
	}
	answer, err := s.control.Credential(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: c.ID})
	if err != nil || len(answer.Attachments) != 1 {
		t.Errorf("its attachments are %v, %v", answer.Attachments, err)
	}
}

func TestWhoMayConnectAnew(t *testing.T) {
	t.Parallel()
	s, p := connecting(t)
	c := s.dance(p, s.me, "acme", ada)
	_, err := s.control.CreateLink(t.Context(), &vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.m), Renews: c.ID})
	refused(t, "another's personal one", err, hotcell.ErrNotFound, "")
	s.share(s.me, c.ID, true)
	_, err = s.control.CreateLink(t.Context(), &vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.m), Renews: c.ID})
	refused(t, "a shared one, by a member", err, hotcell.ErrDenied, "takes the role manager")
	manager := s.member("mem_g", "Gerda", hotcell.RoleManager)
	link := s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(manager), Renews: c.ID})
	back := s.agreed(p, link.Token, ada)
	s.sql("UPDATE members SET document = json_set(document, '$.role', 'member') WHERE id = ?", "mem_g")
	_, err = s.finish(back)
	refused(t, "a shared one, by who is no manager any more", err, hotcell.ErrDenied, "takes the role manager")
	for _, m := range []hotcell.Principal{s.b, s.m} {
		_, err = s.control.Link(t.Context(), &vaultrpc.LinkRequest{By: vaultrpc.As(m), ID: link.Link.ID})
		refused(t, "to see another's link", err, hotcell.ErrNotFound, "")
	}
}

func TestABrokenConnectionIsConnectedAnew(t *testing.T) {
	t.Parallel()
	s, p := connecting(t)
	c := s.dance(p, s.me, "acme", ada)
	s.sql(`UPDATE credentials SET document = json_set(document, '$.connected.broken', json('{"reason":"gone","at":"2026-01-01T00:00:00Z"}')) WHERE id = ?`, string(c.ID))
	link := s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.me), Renews: c.ID})
	_, err := s.finish(s.agreed(p, link.Token, ada))
	must(t, err)
	if now := s.show(s.me, c.ID); now.Connected.Broken != nil {
		t.Errorf("it is still broken: %+v", now.Connected.Broken)
	}
	s.tests(s.me, c.ID, ada.name)
}

func TestADevicesCode(t *testing.T) {
	t.Parallel()
	s, p := connecting(t)
	link := s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.m), Connector: "acmebox", Name: "box"})
	if link.Device == nil || link.Device.Code != "WDJB-MJHT" || link.Device.URL != p.URL+"/enter" || link.Token != "" {
		t.Fatalf("made %+v", link)
	}
	if _, err := s.control.OpenLink(t.Context(), &vaultrpc.OpenLinkRequest{Token: link.Token, Callback: callback}); err == nil {
		t.Error("it was opened in a browser")
	}
	p.set(func() { p.decided = &ada })
	if now := s.state(s.m, link.Link.ID); now.State != hotcell.LinkOpened {
		t.Errorf("asked before its time, it is %s", now.State)
	}
	s.ticks.Add(int64(6 * time.Second / time.Millisecond))
	now := s.state(s.m, link.Link.ID)
	if now.State != hotcell.LinkDone || s.show(s.m, now.Connection).Connected.Account != ada.name {
		t.Errorf("agreed to, it is %+v", now)
	}
}

func TestWhatCannotBecomeALink(t *testing.T) {
	t.Parallel()
	s, p := connecting(t)
	s.dance(p, s.me, "taken", ada)
	must(t, s.control.DeleteClient(t.Context(), &vaultrpc.DeleteClientRequest{By: vaultrpc.As(s.me), Connector: "acmeopen"}))
	for what, c := range map[string]struct {
		r        vaultrpc.CreateLinkRequest
		sentinel error
		says     string
	}{
		"no connector":  {vaultrpc.CreateLinkRequest{Connector: "nothing", Name: "x"}, hotcell.ErrInvalid, "no connector"},
		"a key's":       {vaultrpc.CreateLinkRequest{Connector: "acmekey", Name: "x"}, hotcell.ErrInvalid, "takes a key"},
		"no client":     {vaultrpc.CreateLinkRequest{Connector: "acmeopen", Name: "x"}, hotcell.ErrInvalid, "no OAuth client"},
		"no such tool":  {vaultrpc.CreateLinkRequest{Connector: "acme", Name: "x", Tools: []string{"fly"}}, hotcell.ErrInvalid, "no such tool"},
		"no name":       {vaultrpc.CreateLinkRequest{Connector: "acme"}, hotcell.ErrInvalid, "name"},
		"taken":         {vaultrpc.CreateLinkRequest{Connector: "acme", Name: "taken"}, hotcell.ErrConflict, "of this name"},
		"strange words": {vaultrpc.CreateLinkRequest{Connector: "acme", Name: "x", Settings: map[string]string{"host": "evil.test"}}, hotcell.ErrInvalid, "no such setting"},
	} {
		c.r.Principal = s.me
		_, err := s.control.CreateLink(t.Context(), &c.r)
		refused(t, what, err, c.sentinel, c.says)
	}
}

func TestALinkThatIsLongOverIsForgotten(t *testing.T) {
	t.Parallel()
	s, _ := connecting(t)
	old := s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.me), Connector: "acme", Name: "old"})
	s.ticks.Add(int64(time.Hour / time.Millisecond))
	s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.me), Connector: "acme", Name: "next"})
	if now := s.state(s.me, old.Link.ID); now.State != hotcell.LinkExpired {
		t.Errorf("after an hour, it is %+v", now)
	}
	s.ticks.Add(int64(25 * time.Hour / time.Millisecond))
	s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.me), Connector: "acme", Name: "last"})
	_, err := s.control.Link(t.Context(), &vaultrpc.LinkRequest{By: vaultrpc.As(s.me), ID: old.Link.ID})
	refused(t, "after a day", err, hotcell.ErrNotFound, "")
}

func TestALinkIsLookedAtBeforeItIsOpened(t *testing.T) {
	t.Parallel()
	s, p := connecting(t)
	look := func(token string) (*vaultrpc.LookAtLinkAnswer, error) {
		return s.control.LookAtLink(t.Context(), &vaultrpc.LookAtLinkRequest{Token: token})
	}
	link := s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.m), Connector: "acme", Name: "mail", Tools: []string{"write"}})
	got, err := look(link.Token)
	must(t, err)
	if got.Asks != "Mona" || got.Service != "Acme acme" || "https://"+got.At != p.URL || got.Name != "mail" || got.Shared || len(got.Reads) != 0 || !slices.Equal(got.Writes, []string{"write"}) || !slices.Equal(got.Scopes, []string{"write"}) {
		t.Errorf("it is for %+v", got)
	}
	if now := s.state(s.m, link.Link.ID); now.State != hotcell.LinkWaiting {
		t.Errorf("looked at, it is %s", now.State)
	}
	done, err := s.finish(s.agreed(p, link.Token, ada))
	must(t, err)
	_, err = look(link.Token)
	refused(t, "one that was used", err, hotcell.ErrNotFound, "")
	again := s.link(&vaultrpc.CreateLinkRequest{By: vaultrpc.As(s.m), Renews: done.Link.Connection, Anyone: true})
	if got, err = look(again.Token); err != nil || !got.Renews || !got.Anyone || got.Account != ada.name {
		t.Errorf("to renew, it is for %+v, %v", got, err)
	}
	for _, token := range []string{"", string(again.Link.ID), string(again.Link.ID) + ".x", link.Token + "x"} {
		_, err := look(token)
		refused(t, token, err, hotcell.ErrNotFound, "")
	}
}
