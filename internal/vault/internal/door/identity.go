package door

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hotcell"
	"hotcell/internal/value/parcel"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/envelope"
)

// The labels of what signs the key that values are sealed to. The identity's private half
// is opened while it signs, and at no other time: who reads the vault's memory has the
// key pair, and cannot have another one signed.
const (
	blobIdentity    = "identity"
	blobAttestation = "attestation"
	blobOldPair     = "old sealing key pair"
)

// inFlight is for how long what was sealed to the key before the newest is still taken.
const inFlight = time.Hour

// oldPair is the key pair before the newest.
type oldPair struct {
	pair  parcel.PrivateKey
	until time.Time
}

// storedPair is how it is stored.
type storedPair struct {
	Private []byte    `json:"private"`
	Until   time.Time `json:"until"`
}

// face is what people's machines see of the vault: the key that values are sealed to, and
// the identity's word on it. Both change at once.
type face struct {
	public   parcel.PublicKey
	attested parcel.Attestation
}

// Attested is [Vault.PublicKey], with the word of the vault's identity on it.
func (v *Vault) Attested(ws hotcell.WorkspaceID) (parcel.PublicKey, parcel.Attestation, error) {
	if ws != v.workspace {
		return parcel.PublicKey{}, parcel.Attestation{}, hotcell.ErrNotFound
	}
	f := v.face.Load()
	return f.public, f.attested, nil
}

// Vouch answers whoever knows the key that values are sealed to, and not the identity.
func (v *Vault) Vouch(ws hotcell.WorkspaceID, question []byte) ([]byte, error) {
	if ws != v.workspace {
		return nil, hotcell.ErrNotFound
	}
	held, err := v.keys.Get()
	if err != nil {
		return nil, err
	}
	answer, err := held.pair.Vouch(question, v.face.Load().attested.Identity)
	if err != nil {
		return nil, hotcell.Invalid("/question", "it was not sealed to the key that values are sealed to")
	}
	return answer, nil
}

// loadAttestation reads the identity's word on the key; a workspace without an identity
// gets one, which is in the log where it was not made with the workspace.
func (v *Vault) loadAttestation(ctx context.Context, held ring, fresh bool) error {
	var sealed []byte
	err := v.store.View(ctx, func(r hotcell.VaultReader) (err error) {
		sealed, err = r.Blob(v.workspace, blobAttestation)
		return err
	})
	if errors.Is(err, hotcell.ErrNotFound) {
		return v.store.Update(ctx, func(w hotcell.VaultWriter) error {
			a, err := v.newIdentity(w, held, held.pair.Public(), 1)
			v.face.Store(&face{held.pair.Public(), a})
			if err != nil || fresh {
				return err
			}
			return w.Record(hotcell.Event{Workspace: v.workspace, At: v.now(), Kind: "key.identity", Decision: hotcell.Allowed, Via: "vault", Name: a.Fingerprint()})
		})
	}
	if err != nil {
		return fmt.Errorf("reading the identity: %w", err)
	}
	a, err := openJSON[parcel.Attestation](held.keys, blobAttestation, sealed)
	if err != nil {
		return err
	}
	if err := a.Check(string(v.workspace), held.pair.Public()); err != nil {
		return fmt.Errorf("%w: the key that values are sealed to is not signed by the vault's identity", hotcell.ErrTampered)
	}
	v.face.Store(&face{held.pair.Public(), a})
	return nil
}

// newIdentity makes an identity, and has it sign a key.
func (v *Vault) newIdentity(w hotcell.VaultWriter, held ring, key parcel.PublicKey, sequence uint64) (a parcel.Attestation, err error) {
	seed := make([]byte, parcel.IdentitySize)
	defer sensitive.Wipe(seed)
	_, _ = rand.Read(seed) // never fails
	sealed, err := held.keys.SealBlob(blobIdentity, seed)
	if err != nil {
		return a, fmt.Errorf("sealing the identity: %w", err)
	}
	if err := w.PutBlob(v.workspace, blobIdentity, sealed); err != nil {
		return a, err
	}
	return v.sign(w, held.keys, seed, key, sequence)
}

// signed has the identity sign a key as the next one.
func (v *Vault) signed(w hotcell.VaultWriter, held ring, key parcel.PublicKey) (a parcel.Attestation, err error) {
	sealed, err := w.Blob(v.workspace, blobIdentity)
	if err != nil {
		return a, err
	}
	seed, err := held.keys.OpenBlob(blobIdentity, sealed)
	if err != nil {
		return a, fmt.Errorf("%w: the identity does not open", tamperedIfBroken(err))
	}
	defer seed.Clear()
	err = seed.Use(func(b []byte) (err error) {
		a, err = v.sign(w, held.keys, b, key, v.face.Load().attested.Sequence+1)
		return err
	})
	return a, err
}

func (v *Vault) sign(w hotcell.VaultWriter, keys *envelope.Keyset, seed []byte, key parcel.PublicKey, sequence uint64) (parcel.Attestation, error) {
	a, err := parcel.Attest(seed, string(v.workspace), sequence, key)
	if err != nil {
		return a, err
	}
	return a, v.putJSON(w, keys, blobAttestation, a)
}

// pairStep gives the workspace a fresh key pair that values are sealed to, signed by the
// identity. What is under way to the old one is taken for a while, unless somebody else
// has that one too.
func (v *Vault) pairStep(ctx context.Context, compromised bool) error {
	return v.keys.Alone(func(held ring) (ring, error) {
		fresh, err := parcel.Generate()
		if err != nil {
			return held, err
		}
		next := ring{keys: held.keys, pair: fresh}
		if !compromised {
			next.old = &oldPair{held.pair, v.now().Add(inFlight)}
		}
		public := fresh.Public()
		var attested parcel.Attestation
		err = v.store.Update(ctx, func(w hotcell.VaultWriter) (err error) {
			if attested, err = v.signed(w, held, public); err != nil {
				return err
			}
			return errors.Join(v.putPairs(w, next), v.amend(w, held.keys, func(l *ledger) error {
				l.make(hotcell.KeyHPKE, public.Fingerprint(), v.now())
				l.Rotation.Done++
				return v.advance(w, l)
			}))
		})
		if err != nil {
			return held, err
		}
		v.face.Store(&face{public, attested})
		return next, nil
	})
}

// identityStep gives the vault another identity, which people's machines do not know.
func (v *Vault) identityStep(ctx context.Context) error {
	return v.keys.Alone(func(held ring) (ring, error) {
		var attested parcel.Attestation
		err := v.store.Update(ctx, func(w hotcell.VaultWriter) (err error) {
			if attested, err = v.newIdentity(w, held, held.pair.Public(), v.face.Load().attested.Sequence+1); err != nil {
				return err
			}
			return v.amend(w, held.keys, func(l *ledger) error {
				l.make(hotcell.KeyIdentity, attested.Fingerprint(), v.now())
				l.Rotation.Done++
				return errors.Join(v.advance(w, l), w.Record(hotcell.Event{Workspace: v.workspace, At: v.now(), Kind: "key.identity", Decision: hotcell.Allowed, Via: "vault", Name: attested.Fingerprint()}))
			})
		})
		if err == nil {
			v.face.Store(&face{held.pair.Public(), attested})
		}
		return held, err
	})
}

// putPairs stores the key pair, and the one before it.
func (v *Vault) putPairs(w hotcell.VaultWriter, r ring) error {
	private := r.pair.Bytes()
	defer private.Clear()
	err := private.Use(func(b []byte) error {
		sealed, err := r.keys.SealBlob(blobPair, b)
		return errors.Join(err, w.PutBlob(v.workspace, blobPair, sealed))
	})
	if err != nil {
		return fmt.Errorf("sealing the key pair: %w", err)
	}
	if r.old == nil {
		return w.DeleteBlob(v.workspace, blobOldPair)
	}
	before := r.old.pair.Bytes()
	defer before.Clear()
	return before.Use(func(b []byte) error { return v.putJSON(w, r.keys, blobOldPair, storedPair{b, r.old.until}) })
}

// openOldPair opens the key pair before the newest; nil where its time is over.
func (v *Vault) openOldPair(keys *envelope.Keyset, sealed []byte) (*oldPair, error) {
	stored, err := openJSON[storedPair](keys, blobOldPair, sealed)
	if err != nil {
		return nil, err
	}
	defer sensitive.Wipe(stored.Private)
	if !v.now().Before(stored.Until) {
		return nil, nil //nolint:nilnil // its time is over: there is none
	}
	pair, err := parcel.ParsePrivate(stored.Private)
	return &oldPair{pair, stored.Until}, err
}

func (v *Vault) putJSON(w hotcell.VaultWriter, keys *envelope.Keyset, label string, what any) error {
	text, err := json.Marshal(what)
	if err != nil {
		return err
	}
	defer sensitive.Wipe(text)
	sealed, err := keys.SealBlob(label, text)
	if err != nil {
		return err
	}
	return w.PutBlob(v.workspace, label, sealed)
}

func openJSON[T any](keys *envelope.Keyset, label string, sealed []byte) (out T, err error) {
	plain, err := keys.OpenBlob(label, sealed)
	if err != nil {
		return out, fmt.Errorf("%w: the blob %q does not open", tamperedIfBroken(err), label)
	}
	defer plain.Clear()
	return out, plain.Use(func(b []byte) error { return json.Unmarshal(b, &out) })
}

func tamperedIfBroken(err error) error {
	if errors.Is(err, envelope.ErrOpen) {
		return hotcell.ErrTampered
	}
	return err
}
