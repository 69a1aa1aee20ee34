package vault_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/parcel"
	"hotcell/internal/vault"
)

// shown is what the vault shows of itself, checked.
func (s *scene) shown() (parcel.PublicKey, parcel.Attestation) {
	s.t.Helper()
	w, err := s.control.Workspace(s.t.Context(), &vaultrpc.WorkspaceRequest{By: vaultrpc.As(s.me)})
	must(s.t, err)
	key, err := parcel.ParsePublic(w.PublicKey)
	must(s.t, err)
	a := parcel.Attestation{Identity: w.Identity, Sequence: w.Sequence, Signature: w.Signature}
	must(s.t, a.Check(string(s.me.Workspace), key))
	return key, a
}

func (s *scene) vouch(key parcel.PublicKey, identity []byte) error {
	s.t.Helper()
	question, wanted, err := parcel.AskVouch(key, identity)
	must(s.t, err)
	answer, err := s.control.Vouch(s.t.Context(), &vaultrpc.VouchRequest{By: vaultrpc.As(s.me), Question: question})
	if err == nil && !parcel.Vouched(answer.Answer, wanted) {
		return errors.New("the answer is another")
	}
	return err
}

// What people's machines pin outlives the keys that it signs; what is under way to the key
// before is taken, unless somebody else has that.
func TestAnIdentityOutlivesTheKeysThatItSigns(t *testing.T) {
	t.Parallel()
	var later atomic.Int64
	s := setupWith(t, func(c *vault.Config) {
		now := c.Now
		c.Now = func() time.Time { return now().Add(time.Duration(later.Load())) }
	})
	old, first := s.shown()
	must(t, s.vouch(old, first.Identity))
	stranger, err := parcel.Generate()
	must(t, err)
	refused(t, "a question to another key", s.vouch(stranger.Public(), first.Identity), hotcell.ErrInvalid, "")
	if s.vouch(old, []byte("another identity")) == nil {
		t.Error("the vault vouches for an identity that is not its own")
	}
	s.renewKeys(hotcell.KeyHPKE)
	fresh, second := s.shown()
	if second.Fingerprint() != first.Fingerprint() || second.Sequence != first.Sequence+1 || fresh.Fingerprint() == old.Fingerprint() {
		t.Errorf("before %s %d %s, after %s %d %s", first.Fingerprint(), first.Sequence, old.Fingerprint(), second.Fingerprint(), second.Sequence, fresh.Fingerprint())
	}
	s.key = old
	s.secret(s.me, "under-way", "A", s.plant("one"))
	s.key = fresh
	s.secret(s.me, "newest", "A", s.plant("two"))
	s.stop()
	s.start()
	if key, a := s.shown(); key.Fingerprint() != fresh.Fingerprint() || a.Fingerprint() != first.Fingerprint() {
		t.Error("after a restart, it shows something else")
	}
	s.key = old
	s.secret(s.me, "under-way-too", "A", s.plant("three"))
	later.Store(int64(2 * time.Hour))
	refused(t, "what was sealed to the old key long after", s.trySecret("too-late", s.plant("four")), hotcell.ErrInvalid, "")
	later.Store(0)
	must(t, s.control.RotateKeys(t.Context(), &vaultrpc.RotateKeysRequest{By: vaultrpc.As(s.me), What: hotcell.KeyHPKE, Compromised: true}))
	s.rotated()
	s.key = fresh
	refused(t, "what was sealed to a key that somebody else has", s.trySecret("stolen", s.plant("five")), hotcell.ErrInvalid, "")
	if _, a := s.shown(); a.Fingerprint() != first.Fingerprint() || a.Sequence != second.Sequence+1 {
		t.Error("the identity has not signed the third key")
	}
}

// trySecret makes a secret of one value, sealed to the key that the scene has.
func (s *scene) trySecret(name, value string) error {
	_, err := s.control.CreateSecret(s.t.Context(), &vaultrpc.CreateSecretRequest{By: vaultrpc.As(s.me), Name: name, Variables: s.sealed(name, "A", value)})
	return err
}

// A new identity is the owner's to give, and every machine that has pinned the old one
// refuses it.
func TestANewIdentityAsksEveryPerson(t *testing.T) {
	t.Parallel()
	s := setup(t)
	pins := client.PinFile(t.TempDir() + "/pins.json")
	check := func() error {
		key, a := s.shown()
		return pins.Check("a server", client.Shown{Key: key.Fingerprint(), Identity: a.Fingerprint(), Sequence: a.Sequence})
	}
	must(t, check())
	s.renewKeys(hotcell.KeyHPKE)
	must(t, check())
	refused(t, "an administrator", s.beginRotation(s.member("mem_a", "Anna", hotcell.RoleAdministrator), hotcell.KeyIdentity), hotcell.ErrDenied, "owner")
	s.renewKeys(hotcell.KeyIdentity)
	refused(t, "the new identity", check(), hotcell.ErrDenied, "not the one that was pinned")
	if n := len(s.events(hotcell.EventFilter{Kind: "key.identity"})); n != 1 {
		t.Errorf("%d events tell of identities, want 1", n)
	}
}

// Who has the key pair and not the identity cannot have a successor signed; who can write
// the database cannot put another key in the place of the vault's.
func TestAKeyThatTheIdentityHasNotSignedIsNoSuccessor(t *testing.T) {
	t.Parallel()
	s := setup(t)
	_, a := s.shown()
	thief, err := parcel.Generate()
	must(t, err)
	own, err := parcel.Attest(thiefSeed, string(s.me.Workspace), a.Sequence+1, thief.Public())
	must(t, err)
	forged := parcel.Attestation{Identity: a.Identity, Sequence: own.Sequence, Signature: own.Signature}
	if err := forged.Check(string(s.me.Workspace), thief.Public()); !errors.Is(err, parcel.ErrAttested) {
		t.Errorf("a forged successor: %v", err)
	}
	var before []byte
	s.row([]any{&before}, "SELECT blob FROM blobs WHERE label = 'attestation'")
	s.renewKeys(hotcell.KeyHPKE)
	s.sql("UPDATE blobs SET blob = ? WHERE label = 'attestation'", before)
	s.stop()
	if err := s.open(); !errors.Is(err, hotcell.ErrTampered) {
		t.Errorf("with the signature of an older key: %v", err)
	}
}

var thiefSeed = []byte("32 bytes that a thief has chosen")
