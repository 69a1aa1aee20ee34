package vault_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

// The net must be able to catch something, or no other test here says anything.
func TestTheCanaryNetSeesWhatIsSaidAndStored(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.secret(s.me, "billing-of-november", "A_VARIABLE_TO_SEE", s.plant("seen"))
	if said := s.said.all(); !bytes.Contains(said, []byte("A_VARIABLE_TO_SEE")) {
		t.Error("the net does not read the lines")
	}
	found := ""
	s.row([]any{&found}, "SELECT document FROM credentials")
	if !strings.Contains(found, "A_VARIABLE_TO_SEE") {
		t.Error("the store is not what it was")
	}
	for _, form := range forms("a value of some length") {
		if len(form) < 16 {
			t.Errorf("the net looks for %q, which is everywhere", form)
		}
	}
}

func TestALifeOfASecret(t *testing.T) {
	t.Parallel()
	s := setup(t)
	a, b, c := s.plant("a"), s.plant("b\n\x01\xff"), s.plant("c")
	secret := s.secret(s.me, "billing", "A", a, "B", b)
	on := s.assignment(s.me, "report", secret.ID)
	if got := s.leased(s.me, on); !cmp.Equal(got, map[string]string{"A": a, "B": b}) {
		t.Error("the lease is not what was put in")
	}
	name, service := "billing-2", "stripe"
	steps := []struct {
		change  vaultrpc.ChangeSecretRequest
		want    map[string]string
		version int
	}{
		{vaultrpc.ChangeSecretRequest{Set: s.sealed(string(secret.ID), "C", c)}, map[string]string{"A": a, "B": b, "C": c}, 2},
		{vaultrpc.ChangeSecretRequest{Rename: map[string]string{"A": "B", "B": "A"}}, map[string]string{"A": b, "B": a, "C": c}, 3},
		{vaultrpc.ChangeSecretRequest{Unset: []string{"B"}, Rename: map[string]string{"C": "B"}}, map[string]string{"A": b, "B": c}, 4},
		{vaultrpc.ChangeSecretRequest{Name: &name, Service: &service}, map[string]string{"A": b, "B": c}, 4},
		{vaultrpc.ChangeSecretRequest{Replace: true, Set: s.sealed(string(secret.ID), "Z", a)}, map[string]string{"Z": a}, 5},
	}
	for i, step := range steps {
		step.change.Principal, step.change.ID, step.change.Revision = s.me, secret.ID, i+1
		got, err := s.change(&step.change)
		must(t, err)
		if got.Revision != i+2 || got.Version != step.version {
			t.Errorf("step %d: revision %d, version %d", i, got.Revision, got.Version)
		}
		if leased := s.leased(s.me, on); !cmp.Equal(leased, step.want) {
			t.Errorf("step %d: the lease has not what it should", i)
		}
	}
	shown, err := s.control.Credential(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: secret.ID})
	must(t, err)
	if shown.Credential.Name != name || shown.Credential.Service != service || len(shown.Attachments) != 1 || shown.Attachments[0].Name != "report" {
		t.Errorf("shown as %+v", shown)
	}
	must(t, s.control.DeleteCredential(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: secret.ID, Revision: 6, Destroy: name}))
	_, err = s.control.Credential(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: secret.ID})
	refused(t, "show after delete", err, hotcell.ErrNotFound, "")
	keys, fields := 0, 0
	s.row([]any{&keys, &fields}, "SELECT (SELECT count(*) FROM sealed_keys), (SELECT count(*) FROM sealed_fields)")
	if keys+fields != 0 {
		t.Errorf("%d keys and %d values outlived their secret", keys, fields)
	}
}

func TestAChangeThatIsRefusedChangesNothing(t *testing.T) {
	t.Parallel()
	s := setup(t)
	a := s.plant("a")
	secret := s.secret(s.me, "billing", "A", a, "B", s.plant("b"))
	on := s.assignment(s.me, "report", secret.ID)
	id := string(secret.ID)
	long := strings.Repeat("n", 129)
	for what, r := range map[string]vaultrpc.ChangeSecretRequest{
		"unset of nothing":            {Unset: []string{"C"}},
		"unset of all":                {Unset: []string{"A", "B"}},
		"rename of nothing":           {Rename: map[string]string{"C": "D"}},
		"rename of what is unset":     {Unset: []string{"A"}, Rename: map[string]string{"A": "D"}},
		"rename onto another":         {Rename: map[string]string{"A": "B"}},
		"two renames to one":          {Rename: map[string]string{"A": "C", "B": "C"}},
		"rename to a reserved name":   {Rename: map[string]string{"A": "PATH"}},
		"rename to no name":           {Rename: map[string]string{"A": "1A"}},
		"replace by nothing":          {Replace: true},
		"replace and unset":           {Replace: true, Set: s.sealed(id, "C", "1"), Unset: []string{"A"}},
		"set of a reserved name":      {Set: s.sealed(id, "LD_PRELOAD", "1")},
		"set twice":                   {Set: s.sealed(id, "C", "1", "C", "2")},
		"set of an empty value":       {Set: s.sealed(id, "C", "")},
		"a name that is too long":     {Name: &long},
		"a service that is no slug":   {Service: &[]string{"Not A Slug"}[0]},
		"a message that is no sealed": {Set: []vaultrpc.SealedVariable{{Name: "C", Message: []byte("nothing")}}},
	} {
		r.Principal, r.ID = s.me, secret.ID
		_, err := s.change(&r)
		refused(t, what, err, hotcell.ErrInvalid, "")
	}
	_, err := s.set(s.me, secret.ID, 7, "A", s.plant("stale"))
	stale, ok := errors.AsType[*hotcell.StaleError](err)
	if !ok || stale.Current != 1 {
		t.Errorf("stale: %v", err)
	}
	err = s.control.DeleteCredential(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: secret.ID, Revision: 2})
	refused(t, "stale delete", err, hotcell.ErrStale, "current version is 1")
	_, err = s.control.ShareCredential(t.Context(), &vaultrpc.ShareCredentialRequest{By: vaultrpc.As(s.me), ID: secret.ID, Revision: 2, Shared: true})
	refused(t, "stale share", err, hotcell.ErrStale, "current version is 1")
	shown, err := s.control.Credential(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: secret.ID})
	must(t, err)
	if !cmp.Equal(shown.Credential, secret) || s.leased(s.me, on)["A"] != a {
		t.Errorf("after refusals it is %+v", shown.Credential)
	}
}

func TestNamesAreUniqueInTheirGroup(t *testing.T) {
	t.Parallel()
	s := setup(t)
	mine := s.secret(s.me, "billing", "A", s.plant("mine"))
	again := &vaultrpc.CreateSecretRequest{By: vaultrpc.As(s.me), Name: "billing", Variables: s.sealed("billing", "A", s.plant("again"))}
	_, err := s.control.CreateSecret(t.Context(), again)
	refused(t, "a second of one name", err, hotcell.ErrConflict, "your personal credentials")
	theirs := s.secret(s.b, "billing", "A", s.plant("theirs"))
	again.Shared = true // the refused one was not used up
	shared, err := s.control.CreateSecret(t.Context(), again)
	must(t, err)
	for _, id := range []hotcell.CredentialID{mine.ID, theirs.ID} {
		p := map[hotcell.CredentialID]hotcell.Principal{mine.ID: s.me, theirs.ID: s.b}[id]
		_, err = s.control.ShareCredential(t.Context(), &vaultrpc.ShareCredentialRequest{By: vaultrpc.As(p), ID: id, Shared: true})
		refused(t, "sharing into a taken name", err, hotcell.ErrConflict, "another secret of this name")
	}
	_, err = s.control.ShareCredential(t.Context(), &vaultrpc.ShareCredentialRequest{By: vaultrpc.As(s.me), ID: shared.Credential.ID})
	refused(t, "unsharing into a taken name", err, hotcell.ErrConflict, "another secret of this name")
	other := s.secret(s.me, "other", "A", s.plant("other"))
	name := "billing"
	_, err = s.change(&vaultrpc.ChangeSecretRequest{By: vaultrpc.As(s.me), ID: other.ID, Name: &name})
	refused(t, "renaming to a taken name", err, hotcell.ErrConflict, "your personal credentials")
}

func TestOneOfManyWinsEachRevision(t *testing.T) {
	t.Parallel()
	s := setup(t)
	secret := s.secret(s.me, "billing", "A", s.plant("a"), "B", s.plant("b"))
	for round := range 3 {
		var wg sync.WaitGroup
		errs := make([]error, 50)
		for i := range errs {
			sealed := s.sealed(string(secret.ID), "A", s.plant("won"))
			wg.Go(func() {
				_, errs[i] = s.change(&vaultrpc.ChangeSecretRequest{By: vaultrpc.As(s.me), ID: secret.ID, Revision: round + 1, Set: sealed})
			})
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if !errors.Is(err, hotcell.ErrStale) {
				t.Errorf("round %d: %v", round, err)
			}
		}
		if won != 1 {
			t.Errorf("round %d: %d won", round, won)
		}
	}
}
