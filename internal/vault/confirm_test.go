package vault_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

// confirm confirms an operation as somebody who has seen a sentence.
func (s *scene) confirm(p hotcell.Principal, o hotcell.Operation, seen, password string) error {
	s.t.Helper()
	return s.control.Confirm(s.t.Context(), &vaultrpc.ConfirmRequest{By: vaultrpc.As(p), ID: o.ID, Message: s.proof(vaultrpc.ConfirmItem(o.ID, seen), vaultrpc.FieldConfirm, vaultrpc.Proof{Password: password})})
}

// toConfirm is the operation that an error asks to confirm.
func toConfirm(t *testing.T, err error) hotcell.Operation {
	t.Helper()
	e, ok := errors.AsType[*hotcell.ConfirmError](err)
	if !ok || !errors.Is(err, hotcell.ErrConfirm) {
		t.Fatalf("nothing is to be confirmed: %v", err)
	}
	return e.Operation
}

func TestADangerousActIsConfirmedForThatOneTime(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ctx := t.Context()
	bob, password := s.signedIn("bob", hotcell.RoleAdministrator)
	one, two := s.secret(bob, "one", "A", s.plant("a")), s.secret(bob, "two", "A", s.plant("b"))
	share := func(p hotcell.Principal, id hotcell.CredentialID) error {
		_, err := s.control.ShareCredential(ctx, &vaultrpc.ShareCredentialRequest{By: vaultrpc.As(p), ID: id, Shared: true})
		return err
	}
	o := toConfirm(t, share(bob, one.ID))
	if !strings.Contains(o.Text, `share the secret "one"`) {
		t.Errorf("%q", o.Text)
	}
	if again := toConfirm(t, share(bob, one.ID)); again.ID != o.ID {
		t.Errorf("asked twice, it is %s and %s", o.ID, again.ID)
	}
	other := toConfirm(t, share(bob, two.ID))
	for what, err := range map[string]error{
		"another password":                  s.confirm(bob, o, o.Text, password+"x"),
		"somebody else's session":           s.confirm(s.me, o, o.Text, password),
		"another sentence was shown":        s.confirm(bob, o, "share nothing", password),
		"another operation":                 s.confirm(bob, hotcell.Operation{ID: hotcell.OperationID(hotcell.NewID(hotcell.PrefixOperation))}, o.Text, password),
		"the sentence of another operation": s.confirm(bob, hotcell.Operation{ID: other.ID}, o.Text, password),
	} {
		if err == nil {
			t.Errorf("%s: it is confirmed", what)
		}
	}
	toConfirm(t, share(bob, one.ID))
	must(t, s.confirm(bob, o, o.Text, password))
	toConfirm(t, share(bob, two.ID)) // the confirmation is of the one
	must(t, share(bob, one.ID))
	_, err := s.control.ShareCredential(ctx, &vaultrpc.ShareCredentialRequest{By: vaultrpc.As(bob), ID: one.ID})
	must(t, err) // to take it back is not dangerous
	next := toConfirm(t, share(bob, one.ID))
	if next.ID == o.ID {
		t.Error("a confirmation holds twice")
	}
	message := s.proof(vaultrpc.ConfirmItem(next.ID, next.Text), vaultrpc.FieldConfirm, vaultrpc.Proof{Password: password})
	must(t, s.control.Confirm(ctx, &vaultrpc.ConfirmRequest{By: vaultrpc.As(bob), ID: next.ID, Message: message}))
	must(t, share(bob, one.ID))
	if err := s.control.Confirm(ctx, &vaultrpc.ConfirmRequest{By: vaultrpc.As(bob), ID: next.ID, Message: message}); err == nil {
		t.Error("a confirmation is sent again")
	}
	late := toConfirm(t, share(bob, two.ID))
	must(t, s.confirm(bob, late, late.Text, password))
	s.pass(6 * time.Minute)
	toConfirm(t, share(bob, two.ID))
	events, err := s.control.Events(ctx, &vaultrpc.EventsRequest{By: vaultrpc.As(s.me), Filter: hotcell.EventFilter{Kind: "account.confirm"}})
	must(t, err)
	if n := len(events.Events); n != 4 || !slices.ContainsFunc(events.Events, func(e hotcell.Event) bool {
		return e.Decision == hotcell.Refused && strings.Contains(e.Reason, "share the secret")
	}) {
		t.Errorf("%d events: %+v", n, events.Events)
	}
}

func TestWhatASessionConfirms(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ctx := t.Context()
	bob, _ := s.signedIn("bob", hotcell.RoleOwner)
	secret := s.secret(bob, "bobs", "A", s.plant("a"))
	others, own := s.assignment(s.me, "another's"), s.assignment(bob, "own")
	by := vaultrpc.As(bob)
	acts := map[string]func() error{
		"an invitation": func() error { _, err := s.invite(bob, hotcell.RoleMember); return err },
		"a role": func() error {
			_, err := s.control.ChangeMember(ctx, &vaultrpc.ChangeMemberRequest{By: by, ID: s.m.Member, Role: new(hotcell.RoleOwner)})
			return err
		},
		"a removal": func() error {
			_, err := s.control.RemoveMember(ctx, &vaultrpc.MemberRequest{By: by, ID: s.m.Member})
			return err
		},
		"a token": func() error {
			_, err := s.control.CreateToken(ctx, &vaultrpc.CreateTokenRequest{By: by, Name: "ci", Scopes: hotcell.Scopes()})
			return err
		},
		"attaching to what another wrote": func() error { _, err := s.attach(bob, others, secret.ID); return err },
		"another identity": func() error {
			return s.control.RotateKeys(ctx, &vaultrpc.RotateKeysRequest{By: by, What: hotcell.KeyIdentity})
		},
		"an OAuth client": func() error {
			return s.control.SetClient(ctx, &vaultrpc.SetClientRequest{By: by, Connector: "slack", ID: "evil"})
		},
	}
	for what, act := range acts {
		o := toConfirm(t, act())
		if o.Text == "" || o.ID == "" {
			t.Errorf("%s: %+v", what, o)
		}
	}
	if _, err := s.attach(bob, own, secret.ID); err != nil {
		t.Errorf("attaching to one's own: %v", err)
	}
	must(t, s.control.RotateKeys(ctx, &vaultrpc.RotateKeysRequest{By: by, What: hotcell.KeyData}))
	list, err := s.control.Members(ctx, &vaultrpc.WorkspaceRequest{By: by})
	must(t, err)
	for _, m := range list.Members {
		if m.ID == s.m.Member && m.Role != hotcell.RoleMember {
			t.Errorf("%+v", m)
		}
	}
}
