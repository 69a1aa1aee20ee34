package vault_test

import (
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

// claude is an account at a model's provider.
var claude = hotcell.HTTPAccess{Host: "api.anthropic.com", Auth: hotcell.Auth{Kind: "header", Name: "X-Api-Key"}}

func (s *scene) declare(p hotcell.Principal, id hotcell.CredentialID, zero bool) (hotcell.Credential, error) {
	answer, err := s.control.ChangeConnection(s.t.Context(), &vaultrpc.ChangeConnectionRequest{By: vaultrpc.As(p), ID: id, ZeroDataRetention: &zero})
	if err != nil {
		return hotcell.Credential{}, err
	}
	return answer.Credential, nil
}

func TestWhoDeclaresThatAModelKeepsNothing(t *testing.T) {
	t.Parallel()
	s := setup(t)
	boss, manager, builder := s.me, s.member("mem_manager", "Mia", hotcell.RoleManager), s.member("mem_builder", "Bo", hotcell.RoleBuilder)
	for _, p := range []hotcell.Principal{manager, builder} {
		_, err := s.connect(&vaultrpc.CreateConnectionRequest{By: vaultrpc.As(p), Name: "declared", HTTP: claude, Key: s.sealedKey("declared", s.plant("no"+string(p.Member))), ZeroDataRetention: true})
		refused(t, "a declaration at creation", err, hotcell.ErrDenied, "declare that a model's provider keeps nothing")
	}
	c := s.connection(manager, "claude", claude, s.plant("first"))
	if c.Model == nil || c.Model.Declared() {
		t.Fatalf("a new account: %+v", c.Model)
	}
	_, err := s.declare(manager, c.ID, true)
	refused(t, "a manager declares", err, hotcell.ErrDenied, "declare")
	_, err = s.declare(boss, c.ID, true)
	refused(t, "somebody else's personal one", err, hotcell.ErrNotFound, "")
	s.share(manager, c.ID, true)
	if c, err = s.declare(boss, c.ID, true); err != nil || c.Model.DeclaredBy != boss.Member || c.Model.DeclaredAt == nil {
		t.Fatalf("%+v, %v", c.Model, err)
	}
	said := s.events(hotcell.EventFilter{Kind: "connection.declare"})
	if len(said) != 1 || said[0].Member != boss.Member || said[0].Credential != c.ID || said[0].Host != "api.anthropic.com" {
		t.Errorf("the log: %+v", said)
	}
	// Whoever may not declare brings another account's key.
	on := s.assignment(manager, "agent", c.ID)
	job := s.run(manager, on)
	if c, err = s.rotate(manager, c.ID, s.plant("second")); err != nil || c.Model.Declared() {
		t.Errorf("the word on the old key holds for a new one: %+v, %v", c.Model, err)
	}
	if _, err := s.worker.Rules(t.Context(), job); err == nil {
		t.Error("the job goes on with an account that is not declared any more")
	}
	if c, err = s.declare(boss, c.ID, true); err != nil {
		t.Fatal(err)
	}
	if c, err = s.rotate(boss, c.ID, s.plant("third")); err != nil || !c.Model.Declared() {
		t.Errorf("who may declare brings a key: %+v, %v", c.Model, err)
	}
	if c, err = s.declare(manager, c.ID, false); err != nil || c.Model.Declared() {
		t.Errorf("a manager takes it back: %+v, %v", c.Model, err)
	}
	if taken := s.events(hotcell.EventFilter{Kind: "connection.undeclare"}); len(taken) != 2 {
		t.Errorf("the log: %+v", taken)
	}
}

func TestOnlyAModelsAccountIsDeclared(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, host := range []string{"api.stripe.test", "api.anthropic.com.evil.test", "anthropic.com.test", "xapi.openai.com.test"} {
		c := s.connection(s.me, host, hotcell.HTTPAccess{Host: host, Auth: hotcell.Auth{Kind: "bearer"}}, s.plant(host))
		if c.Model != nil {
			t.Errorf("%s is taken for a model's", host)
		}
		_, err := s.declare(s.me, c.ID, true)
		refused(t, host, err, hotcell.ErrInvalid, "no model's provider")
	}
	on := s.assignment(s.me, "agent")
	c := s.connection(s.me, "claude", claude, s.plant("key"))
	if _, err := s.attach(s.me, on, c.ID); err != nil {
		t.Fatal(err)
	}
	answer, err := s.control.Assignment(t.Context(), &vaultrpc.AssignmentRequest{By: vaultrpc.As(s.me), ID: on})
	must(t, err)
	if at := answer.Attachments[0]; at.Attachment.As != hotcell.InjectHTTP || !strings.Contains(at.HTTP.Host, "anthropic") {
		t.Errorf("attached without a word: %+v", at)
	}
}
