package vault_test

import (
	"fmt"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/guard"
	"hotcell/internal/value/parcel"
)

// stripe is where the connections of these tests go.
var stripe = hotcell.HTTPAccess{Host: "api.stripe.test", Auth: hotcell.Auth{Kind: "bearer"}}

// sealedKey seals a connection's key for an item.
func (s *scene) sealedKey(item, key string) []byte {
	s.t.Helper()
	in := parcel.Context{Workspace: string(s.me.Workspace), Tier: "connection", Item: item, Field: hotcell.FieldKey}
	message, err := parcel.Seal(s.key, in, []byte(key))
	must(s.t, err)
	return message
}

func (s *scene) connect(r *vaultrpc.CreateConnectionRequest) (hotcell.Credential, error) {
	answer, err := s.control.CreateConnection(s.t.Context(), r)
	if err != nil {
		return hotcell.Credential{}, err
	}
	return answer.Credential, nil
}

// connection makes a connection of p.
func (s *scene) connection(p hotcell.Principal, name string, to hotcell.HTTPAccess, key string) hotcell.Credential {
	s.t.Helper()
	c, err := s.connect(&vaultrpc.CreateConnectionRequest{By: vaultrpc.As(p), Name: name, HTTP: to, Key: s.sealedKey(name, key)})
	must(s.t, err)
	return c
}

// rotate gives a connection another key.
func (s *scene) rotate(p hotcell.Principal, id hotcell.CredentialID, key string) (hotcell.Credential, error) {
	answer, err := s.control.ChangeConnection(s.t.Context(), &vaultrpc.ChangeConnectionRequest{By: vaultrpc.As(p), ID: id, Key: s.sealedKey(string(id), key)})
	if err != nil {
		return hotcell.Credential{}, err
	}
	return answer.Credential, nil
}

// knows says which of some values the guard of a job is told to look for; its
// cell must get none.
func (s *scene) knows(job hotcell.JobID, values ...string) (out []bool, err error) {
	s.t.Helper()
	cell, err := parcel.Generate()
	must(s.t, err)
	message, prints, err := s.worker.Lease(s.t.Context(), job, cell.Public().Bytes())
	if err != nil {
		return nil, err
	}
	if message != nil {
		s.t.Error("a connection's key went to the cell")
	}
	var f guard.Fingerprints
	must(s.t, f.UnmarshalBinary(prints))
	patterns := guard.Compile(f)
	for _, v := range values {
		out = append(out, patterns.Contains([]byte(v)))
	}
	return out, nil
}

func TestALifeOfAConnection(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ctx := t.Context()
	first, second := s.plant("first"), s.plant("second")
	c := s.connection(s.me, "stripe", hotcell.HTTPAccess{Host: "API.Stripe.Test.", Auth: hotcell.Auth{Kind: "header", Name: "X-Api-Key", Prefix: "Key "}}, first)
	if hotcell.CheckID(string(c.ID), hotcell.PrefixConnection) != nil || c.Tier != hotcell.TierConnection || c.Version != 1 || c.Shared || len(c.Variables) != 0 ||
		*c.HTTP != (hotcell.HTTPAccess{Host: "api.stripe.test", Port: 443, Auth: hotcell.Auth{Kind: "header", Name: "X-Api-Key", Prefix: "Key "}}) {
		t.Errorf("made %+v, %+v", c, c.HTTP)
	}
	on := s.assignment(s.me, "report", c.ID)
	old := s.run(s.me, on)
	c, err := s.rotate(s.me, c.ID, second)
	must(t, err)
	if c.Version != 2 || c.Revision != 2 {
		t.Errorf("rotated to %+v", c)
	}
	for job, want := range map[hotcell.JobID][2]bool{old: {true, false}, s.run(s.me, on): {false, true}} {
		if got, err := s.knows(job, first, second); err != nil || [2]bool(got) != want {
			t.Errorf("the guard knows %v, want %v: %v", got, want, err)
		}
	}
	name := "billing"
	_, err = s.control.ChangeConnection(ctx, &vaultrpc.ChangeConnectionRequest{By: vaultrpc.As(s.me), ID: c.ID, Revision: 1, Name: &name})
	refused(t, "a stale change", err, hotcell.ErrStale, "current version is 2")
	answer, err := s.control.ChangeConnection(ctx, &vaultrpc.ChangeConnectionRequest{By: vaultrpc.As(s.me), ID: c.ID, Revision: 2, Name: &name})
	must(t, err)
	if answer.Credential.Name != name || answer.Credential.Version != 2 {
		t.Errorf("renamed to %+v", answer.Credential)
	}
	secret := s.secret(s.me, "other", "A", s.plant("a"))
	list, err := s.control.Credentials(ctx, &vaultrpc.CredentialsRequest{By: vaultrpc.As(s.me), Tier: hotcell.TierConnection})
	if err != nil || len(list.Credentials) != 1 || list.Credentials[0].ID != c.ID {
		t.Errorf("%+v, %v", list, err)
	}
	_, err = s.rotate(s.me, secret.ID, s.plant("astray"))
	refused(t, "a secret changed as a connection", err, hotcell.ErrNotFound, "")
	_, err = s.set(s.me, c.ID, 0, "A", s.plant("astray"))
	refused(t, "a connection changed as a secret", err, hotcell.ErrNotFound, "")
	_, err = s.connect(&vaultrpc.CreateConnectionRequest{By: vaultrpc.As(s.me), Name: "other", HTTP: stripe, Key: s.sealedKey("other", s.plant("k"))})
	refused(t, "a secret's name", err, hotcell.ErrConflict, "one of this name among your personal credentials")
	must(t, s.control.DeleteCredential(ctx, &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: c.ID}))
	if got := s.events(hotcell.EventFilter{Kind: "connection"}); len(got) < 4 {
		t.Errorf("%d events", len(got))
	}
}

func TestWhoMayUseAConnection(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ctx := t.Context()
	c := s.connection(s.b, "stripe", stripe, s.plant("b"))
	on := s.assignment(s.me, "report")
	_, err := s.attach(s.me, on, c.ID)
	refused(t, "another's personal one", err, hotcell.ErrNotFound, "")
	_, err = s.rotate(s.me, c.ID, s.plant("x"))
	refused(t, "its key", err, hotcell.ErrNotFound, "")
	_, err = s.control.Credential(ctx, &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: c.ID})
	refused(t, "its sight", err, hotcell.ErrNotFound, "")
	s.share(s.b, c.ID, true)
	_, err = s.rotate(s.m, c.ID, s.plant("m"))
	refused(t, "a member's change of a shared one", err, hotcell.ErrDenied, "it takes the role manager")
	_, err = s.attach(s.m, on, c.ID)
	refused(t, "a member's attachment", err, hotcell.ErrDenied, "builder")
	_, err = s.rotate(s.me, c.ID, s.plant("me"))
	must(t, err)
	_, err = s.attach(s.me, on, c.ID)
	must(t, err)
	job := s.run(s.m, on)
	deaths := s.watch(job)
	s.share(s.b, c.ID, false)
	if got := <-deaths; !strings.Contains(got, "no longer shared") {
		t.Errorf("it died of %q", got)
	}
	shown, err := s.control.Assignment(ctx, &vaultrpc.AssignmentRequest{By: vaultrpc.As(s.me), ID: on})
	must(t, err)
	if at := shown.Attachments[0]; at.Name != "" || at.HTTP != nil || at.Tier != "" || at.Hosts != nil {
		t.Errorf("of another's personal connection one sees %+v", at)
	}
}

func TestASealedKeyIsGoodForOnePlaceAndOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	good := parcel.Context{Workspace: string(s.me.Workspace), Tier: "connection", Item: "stripe", Field: "key"}
	elsewhere := map[string]parcel.Context{
		"another workspace": {Workspace: "wsp_other", Tier: good.Tier, Item: good.Item, Field: good.Field},
		"another tier":      {Workspace: good.Workspace, Tier: "secret", Item: good.Item, Field: good.Field},
		"another name":      {Workspace: good.Workspace, Tier: good.Tier, Item: "other", Field: good.Field},
		"another field":     {Workspace: good.Workspace, Tier: good.Tier, Item: good.Item, Field: "password"},
	}
	for what, in := range elsewhere {
		message, err := parcel.Seal(s.key, in, []byte(s.plant("elsewhere")))
		must(t, err)
		_, err = s.connect(&vaultrpc.CreateConnectionRequest{By: vaultrpc.As(s.me), Name: "stripe", HTTP: stripe, Key: message})
		refused(t, what, err, hotcell.ErrInvalid, "was not sealed to the vault's key")
	}
	for _, bad := range [][]byte{nil, {}, make([]byte, 48)} {
		_, err := s.connect(&vaultrpc.CreateConnectionRequest{By: vaultrpc.As(s.me), Name: "stripe", HTTP: stripe, Key: bad})
		refused(t, "no message", err, hotcell.ErrInvalid, "was not sealed to the vault's key")
	}
	r := &vaultrpc.CreateConnectionRequest{By: vaultrpc.As(s.me), Name: "stripe", HTTP: stripe, Key: s.sealedKey("stripe", s.plant("k"))}
	c, err := s.connect(r)
	must(t, err)
	must(t, s.control.DeleteCredential(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: c.ID}))
	// The same message for a host of one's own would be the key's way out.
	r.HTTP.Host = "evil.test"
	_, err = s.connect(r)
	refused(t, "again, to another host", err, hotcell.ErrConflict, "was sent before")
	c = s.connection(s.me, "stripe", stripe, s.plant("k1"))
	change := &vaultrpc.ChangeConnectionRequest{By: vaultrpc.As(s.me), ID: c.ID, Key: s.sealedKey(string(c.ID), s.plant("k2"))}
	_, err = s.control.ChangeConnection(t.Context(), change)
	must(t, err)
	_, err = s.control.ChangeConnection(t.Context(), change)
	refused(t, "a rotation again", err, hotcell.ErrConflict, "was sent before")
	_, err = s.control.ChangeConnection(t.Context(), &vaultrpc.ChangeConnectionRequest{By: vaultrpc.As(s.me), ID: c.ID, Key: s.sealedKey("stripe", s.plant("k3"))})
	refused(t, "what was sealed for its creation", err, hotcell.ErrInvalid, "was not sealed to the vault's key")
}

func TestWhereAKeyMayGo(t *testing.T) {
	t.Parallel()
	s := setup(t)
	to := func(host string, port int) hotcell.HTTPAccess {
		return hotcell.HTTPAccess{Host: host, Port: port, Auth: hotcell.Auth{Kind: "bearer"}}
	}
	with := func(a hotcell.Auth) hotcell.HTTPAccess { return hotcell.HTTPAccess{Host: "api.acme.test", Auth: a} }
	key := s.plant("key")
	for what, h := range map[string]hotcell.HTTPAccess{
		"no host": to("", 0), "a pattern": to("*.acme.test", 0), "a URL": to("https://acme.test", 0), "a path": to("acme.test/v1", 0), "a port in it": to("acme.test:443", 0),
		"a range": to("10.0.0.0/8", 0), "an address in disguise": to("::ffff:127.0.0.1", 0), "another spelling": to("0:0:0:0:0:0:0:1", 0), "a short address": to("127.1", 0),
		"a number": to("2130706433", 0), "a port too high": to("acme.test", 65536), "a port below": to("acme.test", -1),
		"no kind": with(hotcell.Auth{}), "an unknown kind": with(hotcell.Auth{Kind: "magic"}), "a header without a name": with(hotcell.Auth{Kind: "header"}),
		"a header that is no token": with(hotcell.Auth{Kind: "header", Name: "X Key"}), "two headers in one": with(hotcell.Auth{Kind: "header", Name: "X-Key: a\r\nHost"}),
		"the header Host": with(hotcell.Auth{Kind: "header", Name: "hOST"}), "a length": with(hotcell.Auth{Kind: "header", Name: "Content-Length"}),
		"our own headers": with(hotcell.Auth{Kind: "header", Name: "Hotcell-Target"}), "a line end in the prefix": with(hotcell.Auth{Kind: "header", Name: "X-Key", Prefix: "a\r\nb"}),
		"a parameter without a name": with(hotcell.Auth{Kind: "query"}), "a cookie without a name": with(hotcell.Auth{Kind: "cookie"}), "a colon in the user": with(hotcell.Auth{Kind: "basic", User: "a:b"}),
	} {
		_, err := s.connect(&vaultrpc.CreateConnectionRequest{By: vaultrpc.As(s.me), Name: "n", HTTP: h, Key: s.sealedKey("n", key)})
		refused(t, what, err, hotcell.ErrInvalid, "http.")
	}
	for i, h := range []hotcell.HTTPAccess{to("localhost", 8443), to("127.0.0.1", 0), to("::1", 443), to("[::1]", 444), to("Bücher.example", 0), with(hotcell.Auth{Kind: "cookie", Name: "sid"}), with(hotcell.Auth{Kind: "query", Name: "api_key"})} {
		name := "ok" + string(rune('a'+i))
		_, err := s.connect(&vaultrpc.CreateConnectionRequest{By: vaultrpc.As(s.me), Name: name, HTTP: h, Key: s.sealedKey(name, key)})
		must(t, err)
	}
}

func TestWhatAKeyMayBe(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for what, c := range map[string]struct {
		auth     hotcell.Auth
		key      string
		sentence string
	}{
		"nothing":                 {stripe.Auth, "", "key"},
		"a line end":              {stripe.Auth, "a-key-of-mine\r\nHost: evil.test", "key"},
		"NUL":                     {stripe.Auth, "a-key\x00-of-mine", "key"},
		"too long":                {stripe.Auth, strings.Repeat("key", 30_000), "at most 65536"},
		"too short to look for":   {stripe.Auth, "k3y", "cannot be taken out of what the service answers"},
		"of no variety":           {stripe.Auth, "aaaaaaaaaaaa", "cannot be taken out"},
		"a common word":           {stripe.Auth, "changeme", "cannot be taken out"},
		"basic without a colon":   {hotcell.Auth{Kind: "basic"}, "a-key-of-mine", "key"},
		"basic's password, short": {hotcell.Auth{Kind: "basic"}, "somebody-long:pw", "cannot be taken out"},
		"a cookie with ;":         {hotcell.Auth{Kind: "cookie", Name: "c"}, "a-key;of-mine", "key"},
		"an id alone":             {hotcell.Auth{Kind: "sigv4"}, "AKIDEXAMPLE12345", "ID:SECRET"},
		"no secret":               {hotcell.Auth{Kind: "sigv4"}, "AKIDEXAMPLE:", "ID:SECRET"},
		"no id":                   {hotcell.Auth{Kind: "sigv4"}, ":wJalrXUtnFEMI", "ID:SECRET"},
		"JSON of something else":  {hotcell.Auth{Kind: "sigv4"}, `{"SecretAccessKey":"wJalrXUtnFEMI"}`, "ID:SECRET"},
		"half of JSON":            {hotcell.Auth{Kind: "sigv4"}, `{"AccessKeyId":"AKID","SecretAccessKey":"wJalrXUtnFEMI"`, "ID:SECRET"},
		"JSON with a line end":    {hotcell.Auth{Kind: "sigv4"}, `{"AccessKeyId":"AKID","SecretAccessKey":"wJalr\nXUtnFEMI"}`, "ID:SECRET"},
		"a secret, short":         {hotcell.Auth{Kind: "sigv4"}, "AKIDEXAMPLE:pw", "cannot be taken out"},
	} {
		_, err := s.connect(&vaultrpc.CreateConnectionRequest{By: vaultrpc.As(s.me), Name: "n", HTTP: hotcell.HTTPAccess{Host: "a.test", Auth: c.auth}, Key: s.sealedKey("n", c.key)})
		refused(t, what, err, hotcell.ErrInvalid, c.sentence)
		if err != nil && len(c.key) > 4 && strings.Contains(err.Error(), c.key[:5]) {
			t.Errorf("%s: the key is repeated: %v", what, err)
		}
	}
	id, secret := "AKIDEXAMPLE", s.plant("aws")
	compact := `{"Credentials":{"AccessKeyId":"` + id + `","SecretAccessKey":"` + secret + `","SessionToken":"` + s.plant("session") + `"}}`
	for i, c := range []struct {
		auth       hotcell.Auth
		came, kept string
	}{
		{hotcell.Auth{Kind: "sigv4", AccessKeyID: id, Region: "eu-central-1", Service: "s3"}, secret, secret},
		{hotcell.Auth{Kind: "sigv4"}, id + ":" + secret + "\n", id + ":" + secret},
		{hotcell.Auth{Kind: "sigv4"}, strings.NewReplacer("{", "{\n  ", ",", ",\n  ").Replace(compact), compact},
	} {
		name := fmt.Sprint("aws ", i)
		made := s.connection(s.me, name, hotcell.HTTPAccess{Host: "s3.test", Auth: c.auth}, c.came)
		if known, err := s.knows(s.run(s.me, s.assignment(s.me, name, made.ID)), c.kept); err != nil || !known[0] {
			t.Errorf("%s is not kept in its form: %v", name, err)
		}
	}
	c := s.connection(s.me, "fine", stripe, s.plant("k"))
	_, err := s.rotate(s.me, c.ID, "k3y")
	refused(t, "a rotation to what cannot be looked for", err, hotcell.ErrInvalid, "cannot be taken out")
}

func TestAConnectionThatWasTamperedWith(t *testing.T) {
	t.Parallel()
	for what, tamper := range map[string]func(s *scene, one, two string){
		"another's key": func(s *scene, one, two string) {
			s.sql("UPDATE sealed_keys SET blob = (SELECT blob FROM sealed_keys WHERE credential = ?) WHERE credential = ?", two, one)
			s.sql("UPDATE sealed_fields SET blob = (SELECT blob FROM sealed_fields WHERE credential = ?) WHERE credential = ?", two, one)
		},
		"a bit of it": func(s *scene, one, _ string) { s.flip("sealed_fields", "credential = ?", -1, one) },
		"it is gone":  func(s *scene, one, _ string) { s.sql("DELETE FROM sealed_fields WHERE credential = ?", one) },
		"it is renamed": func(s *scene, one, _ string) {
			s.sql("UPDATE sealed_fields SET name = 'KEY' WHERE credential = ?", one)
		},
		"a secret's row": func(s *scene, one, _ string) {
			s.sql("UPDATE credentials SET document = json_remove(document, '$.http', '$.connected') WHERE id = ?", one)
		},
		"put ahead": func(s *scene, one, _ string) {
			s.sql("UPDATE credentials SET document = json_set(document, '$.version', 2) WHERE id = ?", one)
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			key := s.plant("1")
			one, two := s.connection(s.me, "one", stripe, key), s.connection(s.me, "two", stripe, s.plant("2"))
			on := s.assignment(s.me, "report", one.ID)
			tamper(s, string(one.ID), string(two.ID))
			job := s.job(s.me, on)
			err := s.begin(job)
			if err == nil {
				_, err = s.knows(job, key)
			}
			refused(t, "its use", err, hotcell.ErrTampered, "one")
			if _, err := s.rotate(s.me, one.ID, s.plant("new")); err == nil {
				t.Error("it got another key")
			}
		})
	}
}
