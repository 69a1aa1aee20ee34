package vault_test

import (
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/vault"
	"hotcell/test/acme/keys"
)

func (s *scene) keys() hotcell.KeyReport {
	s.t.Helper()
	answer, err := s.control.Keys(s.t.Context(), &vaultrpc.WorkspaceRequest{By: vaultrpc.As(s.me)})
	must(s.t, err)
	return answer.Report
}

func (s *scene) beginRotation(p hotcell.Principal, what hotcell.KeyKind) error {
	return s.control.RotateKeys(s.t.Context(), &vaultrpc.RotateKeysRequest{By: vaultrpc.As(p), What: what})
}

func (s *scene) destroy(p hotcell.Principal, id string) error {
	return s.control.DestroyKey(s.t.Context(), &vaultrpc.DestroyKeyRequest{By: vaultrpc.As(p), ID: id})
}

// renewKeys makes keys anew, and returns how they stand at the end.
func (s *scene) renewKeys(what hotcell.KeyKind) hotcell.KeyReport {
	s.t.Helper()
	must(s.t, s.beginRotation(s.me, what))
	return s.rotated()
}

// rotated waits for the end of what is under way.
func (s *scene) rotated() hotcell.KeyReport {
	s.t.Helper()
	for {
		report := s.keys()
		if report.Rotation != nil && report.Rotation.EndedAt != nil {
			return report
		}
		if s.t.Context().Err() != nil {
			s.t.Fatalf("the rotation does not end: %+v", report.Rotation)
		}
		runtime.Gosched()
	}
}

// ofKind are the keys of a kind.
func ofKind(r hotcell.KeyReport, kind hotcell.KeyKind) (out []hotcell.Key) {
	for _, k := range r.Keys {
		if k.Kind == kind {
			out = append(out, k)
		}
	}
	return out
}

func TestARotationLeavesNothingUnderTheOldKeyAndThatCanGo(t *testing.T) {
	t.Parallel()
	s := setup(t)
	value := s.plant("value")
	secret := s.secret(s.me, "billing", "A", value, "B", s.plant("other"))
	on := s.assignment(s.me, "report", secret.ID)
	running := s.run(s.me, on) // it has no lease yet
	before := ofKind(s.keys(), hotcell.KeyWorkspace)
	if len(before) != 1 || before[0].State != hotcell.KeyInUse {
		t.Fatalf("at first: %+v", before)
	}
	refused(t, "destroying the key in use", s.destroy(s.me, before[0].ID), hotcell.ErrConflict, "rotate first")
	for _, what := range []hotcell.KeyKind{hotcell.KeyWorkspace, hotcell.KeyData, hotcell.KeySeeds, hotcell.KeyAll} {
		report := s.renewKeys(what)
		if len(report.Rotation.Broken) != 0 || what != hotcell.KeySeeds && report.Rotation.Done == 0 {
			t.Errorf("%s: %+v", what, report.Rotation)
		}
		for _, k := range ofKind(report, hotcell.KeyWorkspace)[1:] {
			if k.State != hotcell.KeyOld || k.Holds != 0 {
				t.Errorf("after %s, an old key: %+v", what, k)
			}
		}
	}
	for _, k := range ofKind(s.keys(), hotcell.KeyWorkspace)[1:] {
		must(t, s.destroy(s.me, k.ID))
	}
	refused(t, "destroying it again", s.destroy(s.me, before[0].ID), hotcell.ErrNotFound, "no key")
	if left := ofKind(s.keys(), hotcell.KeyWorkspace); len(left) != 1 || left[0].ID == before[0].ID {
		t.Errorf("left: %+v", left)
	}
	if got, err := s.lease(running); err != nil || got["A"] != value {
		t.Errorf("the job that ran all the time: %d values, %v", len(got), err)
	}
	if got := s.leased(s.me, on); got["A"] != value {
		t.Error("a new job has another value")
	}
	s.stop()
	s.start()
	if got := s.leased(s.me, on); got["A"] != value {
		t.Error("after a restart, a job has another value")
	}
	shown, err := s.control.Credential(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: secret.ID})
	must(t, err)
	if now := ofKind(s.keys(), hotcell.KeyWorkspace)[0]; shown.Held == nil || shown.Held.Key != now.ID || shown.Held.Since.Before(before[0].MadeAt) || shown.Held.KMS == "" {
		t.Errorf("held by %+v, and the key is %+v", shown.Held, now)
	}
	for kind, n := range map[string]int{"key.rotate": 4, "key.rotated": 4, "key.destroy": 2} {
		if got := len(s.events(hotcell.EventFilter{Kind: kind, Decision: hotcell.Allowed})); got != n {
			t.Errorf("%d events %s, want %d", got, kind, n)
		}
	}
}

func TestWhoHasNoRightToKeysChangesNothing(t *testing.T) {
	t.Parallel()
	s := setup(t)
	admin := s.member("mem_a", "Anna", hotcell.RoleAdministrator)
	for who, p := range map[string]hotcell.Principal{"a builder": s.b, "a member": s.m, "a stranger": s.judged(hotcell.Principal{Workspace: s.me.Workspace, Member: "mem_none"})} {
		refused(t, who+" rotates", s.beginRotation(p, hotcell.KeyAll), hotcell.ErrDenied, "")
		refused(t, who+" destroys", s.destroy(p, ofKind(s.keys(), hotcell.KeyWorkspace)[0].ID), hotcell.ErrDenied, "")
		_, err := s.control.Keys(t.Context(), &vaultrpc.WorkspaceRequest{By: vaultrpc.As(p)})
		refused(t, who+" looks", err, hotcell.ErrDenied, "")
	}
	if len(ofKind(s.keys(), hotcell.KeyWorkspace)) != 1 {
		t.Error("there is another key")
	}
	must(t, s.beginRotation(admin, hotcell.KeyWorkspace))
	old := ofKind(s.rotated(), hotcell.KeyWorkspace)[1]
	refused(t, "an administrator destroys", s.destroy(admin, old.ID), hotcell.ErrDenied, "role owner")
	for _, kind := range []string{"key.rotate", "key.destroy"} {
		if len(s.events(hotcell.EventFilter{Kind: kind, Decision: hotcell.Refused})) < 3 {
			t.Errorf("refusals of %s are not in the log", kind)
		}
	}
	refused(t, "an authority", s.beginRotation(s.me, "authority"), hotcell.ErrInvalid, "each job's gateway")
	refused(t, "an id that is none", s.destroy(s.me, "kms"), hotcell.ErrInvalid, "id of an old key")
}

// A KMS that dies mid-way leaves a rotation that waits, a second one that is refused, and
// uses that go on; when it is back, the first one goes on by itself.
func TestARotationWaitsForAKeyServiceThatIsDown(t *testing.T) {
	t.Parallel()
	k := setupKept(t, func(c *vault.Config) { c.Pace = time.Millisecond })
	value := k.plant("value")
	secret := k.secret(k.me, "billing", "A", value)
	on := k.assignment(k.me, "report", secret.ID)
	k.twin.Fail(keys.Gone)
	must(t, k.beginRotation(k.me, hotcell.KeyAll))
	for k.keys().Rotation.Problem == "" {
		runtime.Gosched()
	}
	refused(t, "a second rotation", k.beginRotation(k.me, hotcell.KeyData), hotcell.ErrConflict, "under way")
	if got := k.leased(k.me, on); got["A"] != value {
		t.Error("uses do not go on")
	}
	k.twin.Fail(keys.Well)
	report := k.rotated()
	if old := ofKind(report, hotcell.KeyWorkspace); len(old) != 2 || old[1].Holds != 0 {
		t.Errorf("at the end: %+v", old)
	}
	k.twin.Fail(keys.Gone)
	refused(t, "destroying without the KMS", k.destroy(k.me, ofKind(report, hotcell.KeyWorkspace)[1].ID), hotcell.ErrUnavailable, "")
	k.twin.Fail(keys.Well)
	must(t, k.destroy(k.me, ofKind(report, hotcell.KeyWorkspace)[1].ID))
	if got := k.leased(k.me, on); got["A"] != value {
		t.Error("the value is another")
	}
	if len(k.events(hotcell.EventFilter{Kind: "key.unwrap"})) < 3 {
		t.Error("unwraps of the KMS key are not in the log")
	}
}

// What was copied of the database before a rotation is worth nothing in the one after it,
// and what is moved there opens nothing.
func TestWhatWasStoredBeforeARotationDoesNotComeBack(t *testing.T) {
	t.Parallel()
	for name, put := range map[string]func(s *scene, id string, key, keyset, ledger []byte){
		"the old data key": func(s *scene, id string, key, _, _ []byte) {
			s.sql("UPDATE sealed_keys SET blob = ? WHERE credential = ?", key, id)
		},
		"the old keyset and the data key": func(s *scene, id string, key, keyset, _ []byte) {
			s.sql("UPDATE sealed_keys SET blob = ? WHERE credential = ?", key, id)
			s.sql("UPDATE blobs SET blob = ? WHERE label = 'keyset'", keyset)
		},
		"a data key of nothing": func(s *scene, id string, _, _, _ []byte) {
			s.sql("UPDATE sealed_keys SET blob = x'0102030405' WHERE credential = ?", id)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			secret := s.secret(s.me, "billing", "A", s.plant("value"))
			on := s.assignment(s.me, "report", secret.ID)
			var key, keyset []byte
			s.row([]any{&key}, "SELECT blob FROM sealed_keys WHERE credential = ?", string(secret.ID))
			s.row([]any{&keyset}, "SELECT blob FROM blobs WHERE label = 'keyset'")
			report := s.renewKeys(hotcell.KeyAll)
			must(t, s.destroy(s.me, ofKind(report, hotcell.KeyWorkspace)[1].ID))
			put(s, string(secret.ID), key, keyset, nil)
			if _, err := s.lease(s.run(s.me, on)); err == nil {
				t.Error("it opens")
			}
			if name == "the old data key" || name == "a data key of nothing" {
				broken := s.renewKeys(hotcell.KeyWorkspace)
				if len(broken.Rotation.Broken) != 1 {
					t.Errorf("what does not open: %q", broken.Rotation.Broken)
				}
			}
		})
	}
}

// An old copy of the file opens by the keys of its time: who has both has what was stored
// then, whatever was rotated since. It says so in docs/threat-model.md.
func TestAnOldCopyOpensByTheKeysOfItsTime(t *testing.T) {
	t.Parallel()
	s := setup(t)
	value := s.plant("value")
	secret := s.secret(s.me, "billing", "A", value)
	on := s.assignment(s.me, "report", secret.ID)
	s.stop()
	stolen := filepath.Join(t.TempDir(), "vault.db")
	text, err := os.ReadFile(filepath.Join(s.dir, "vault.db"))
	must(t, err)
	must(t, os.WriteFile(stolen, text, 0o600))
	s.start()
	report := s.renewKeys(hotcell.KeyAll)
	must(t, s.destroy(s.me, ofKind(report, hotcell.KeyWorkspace)[1].ID))
	s.stop()
	must(t, os.Rename(stolen, filepath.Join(s.dir, "vault.db")))
	s.start()
	if got := s.leased(s.me, on); got["A"] != value {
		t.Error("the old copy does not open, and docs/threat-model.md says that it does")
	}
}

// The configuration wants keys to be younger: the vault rotates by itself, and says why.
func TestKeysThatAreTooOldAreMadeAnewByThemselves(t *testing.T) {
	t.Parallel()
	var later atomic.Int64
	s := setupWith(t, func(c *vault.Config) {
		now := c.Now
		c.Now, c.Rotate = func() time.Time { return now().Add(time.Duration(later.Load())) }, 24*time.Hour
	})
	secret := s.secret(s.me, "billing", "A", s.plant("value"))
	s.stop()
	later.Store(int64(48 * time.Hour))
	s.start()
	if old := ofKind(s.rotated(), hotcell.KeyWorkspace); len(old) != 2 || old[0].Due || old[1].Holds != 0 {
		t.Errorf("the keys: %+v", old)
	}
	if e := s.events(hotcell.EventFilter{Kind: "key.rotate"}); len(e) != 1 || e[0].Via != "vault" || e[0].Reason == "" {
		t.Errorf("the events: %+v", e)
	}
	if got := s.leased(s.me, s.assignment(s.me, "report", secret.ID)); len(got) != 1 {
		t.Error("the value does not open")
	}
}
