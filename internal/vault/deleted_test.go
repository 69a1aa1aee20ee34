package vault_test

import (
	"testing"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

// counts is how many rows lead to a credential, and how many sealed things are left.
func (s *scene) counts() (rows, deleted, sealed int) {
	s.t.Helper()
	s.row([]any{&rows, &deleted, &sealed}, "SELECT (SELECT count(*) FROM credentials), (SELECT count(*) FROM deleted), (SELECT count(*) FROM sealed_keys)")
	return rows, deleted, sealed
}

func TestADeletedSecretIsOfNoUseAndComesBack(t *testing.T) {
	t.Parallel()
	s := setup(t)
	secret := s.secret(s.me, "billing", "A", s.plant("one"))
	of := &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: secret.ID}
	must(t, s.control.DeleteCredential(t.Context(), of))
	if rows, deleted, sealed := s.counts(); rows != 0 || deleted != 1 || sealed != 1 {
		t.Fatalf("%d rows, %d deleted, %d sealed", rows, deleted, sealed)
	}
	_, err := s.control.Credential(t.Context(), of)
	refused(t, "show", err, hotcell.ErrNotFound, "")
	refused(t, "deleted twice", s.control.DeleteCredential(t.Context(), of), hotcell.ErrNotFound, "")
	_, err = s.control.ShareCredential(t.Context(), &vaultrpc.ShareCredentialRequest{By: vaultrpc.As(s.me), ID: secret.ID, Shared: true})
	refused(t, "share", err, hotcell.ErrNotFound, "")
	list, err := s.control.Deleted(t.Context(), &vaultrpc.WorkspaceRequest{By: vaultrpc.As(s.me)})
	must(t, err)
	if len(list.Deleted) != 1 || list.Deleted[0].Credential.ID != secret.ID || list.Deleted[0].Until.Sub(list.Deleted[0].At) != hotcell.UndeleteTime {
		t.Errorf("%+v", list)
	}
	// Its name is free meanwhile, and then it does not come back under it.
	second := s.secret(s.me, "billing", "B", s.plant("two"))
	_, err = s.control.Undelete(t.Context(), of)
	refused(t, "into a name that is taken", err, hotcell.ErrConflict, "of this name")
	must(t, s.control.DeleteCredential(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: second.ID, Destroy: "billing"}))
	back, err := s.control.Undelete(t.Context(), of)
	must(t, err)
	if back.Credential.ID != secret.ID || back.Credential.Version != secret.Version {
		t.Errorf("%+v", back)
	}
	if rows, deleted, sealed := s.counts(); rows != 1 || deleted != 0 || sealed != 1 {
		t.Errorf("%d rows, %d deleted, %d sealed", rows, deleted, sealed)
	}
	for _, kind := range []string{"secret.delete", "secret.undelete", "secret.destroy"} {
		if events, err := s.control.Events(t.Context(), &vaultrpc.EventsRequest{By: vaultrpc.As(s.me), Filter: hotcell.EventFilter{Kind: kind}}); err != nil || len(events.Events) == 0 {
			t.Errorf("no event %s: %v", kind, err)
		}
	}
}

func TestDestroyingTakesTheNameItself(t *testing.T) {
	t.Parallel()
	s := setup(t)
	secret := s.secret(s.me, "billing", "A", s.plant("one"))
	of := vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: secret.ID, Destroy: "biling"}
	refused(t, "another name", s.control.DeleteCredential(t.Context(), &of), hotcell.ErrInvalid, "")
	must(t, s.control.DeleteCredential(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: secret.ID}))
	for _, name := range []string{"", "biling"} {
		of.Destroy = name
		_, err := s.control.DestroyDeleted(t.Context(), &of)
		refused(t, "another name, of what is deleted", err, hotcell.ErrInvalid, "")
	}
	of.Destroy = "billing"
	_, err := s.control.DestroyDeleted(t.Context(), &of)
	must(t, err)
	_, err = s.control.Undelete(t.Context(), &of)
	refused(t, "what was destroyed", err, hotcell.ErrNotFound, "")
	if rows, deleted, sealed := s.counts(); rows+deleted+sealed != 0 {
		t.Errorf("%d rows, %d deleted, %d sealed are left", rows, deleted, sealed)
	}
}

func TestWhatWasDeletedIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	s := setup(t)
	secret := s.secret(s.me, "billing", "A", s.plant("one"))
	must(t, s.control.DeleteCredential(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: secret.ID}))
	other := s.member("mem_bob", "bob", hotcell.RoleAdministrator)
	list, err := s.control.Deleted(t.Context(), &vaultrpc.WorkspaceRequest{By: vaultrpc.As(other)})
	must(t, err)
	if len(list.Deleted) != 0 {
		t.Errorf("somebody else sees %+v", list.Deleted)
	}
	_, err = s.control.Undelete(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(other), ID: secret.ID})
	refused(t, "by somebody else", err, hotcell.ErrNotFound, "")
	_, err = s.control.DestroyDeleted(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(other), ID: secret.ID, Destroy: "billing"})
	refused(t, "destroyed by somebody else", err, hotcell.ErrNotFound, "")
}

func TestWhenItsTimeIsOverItIsDestroyed(t *testing.T) {
	t.Parallel()
	s := setup(t)
	secret := s.secret(s.me, "billing", "A", s.plant("one"))
	must(t, s.control.DeleteCredential(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: secret.ID}))
	must(t, s.daemon.PurgeOnce(t.Context()))
	if _, deleted, sealed := s.counts(); deleted != 1 || sealed != 1 {
		t.Errorf("before its time: %d deleted, %d sealed", deleted, sealed)
	}
	s.ticks.Add(hotcell.UndeleteTime.Milliseconds())
	_, err := s.control.Undelete(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: secret.ID})
	refused(t, "taken back too late", err, hotcell.ErrNotFound, "")
	must(t, s.daemon.PurgeOnce(t.Context()))
	if rows, deleted, sealed := s.counts(); rows+deleted+sealed != 0 {
		t.Errorf("%d rows, %d deleted, %d sealed are left", rows, deleted, sealed)
	}
	if list := s.events(hotcell.EventFilter{Kind: "secret.destroy"}); len(list) != 1 {
		t.Errorf("%d events tell of it", len(list))
	}
}
