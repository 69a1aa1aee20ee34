package door

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/value/parcel"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/envelope"
	"hotcell/internal/vault/internal/warm"
)

// ring is what the KMS opens for a workspace: its keyset, and the key pair that values
// are sealed to. The seed of stand-ins is none of it: it opens nothing that is stored.
type ring struct {
	keys *envelope.Keyset
	pair parcel.PrivateKey
	// old is the pair before it, for what was under way; nil for none.
	old *oldPair
}

// wrapping is the KMS key that wraps the workspace's keyset, its name, and for how long
// what it opened serves after it last answered.
type wrapping struct {
	envelope.Wrapper
	name string
	warm time.Duration
}

// KeyState is how the workspace's keys stand.
type KeyState struct {
	// Name names the KMS key.
	Name string
	warm.State
	// Until is when the keys close, unless the KMS answers before; zero for never.
	Until time.Time
}

// Keys says how the workspace's keys stand. It asks the KMS nothing.
func (v *Vault) Keys() KeyState {
	by := v.kms.Load()
	s := KeyState{Name: by.name, State: v.keys.State()}
	if by.warm > 0 && s.Warm {
		s.Until = s.Since.Add(by.warm)
	}
	return s
}

// hold keeps the keys open for their time, and has the KMS open them anew.
func (v *Vault) hold(c Config, opened ring) {
	v.keys = warm.Hold(warm.Config[ring]{
		Open: v.unwrapService, For: c.Warm, Now: c.Now, After: c.After, Told: v.tellKeys, Caught: border.Log(c.Log),
		Drop: func(r ring) {
			r.keys.Close()
			v.tidy.Used() // what it leaves in memory is freed and written over
		},
	}, opened)
	v.keys.Keep()
}

// unwrap has the KMS open the workspace's keys.
func (v *Vault) unwrap(ctx context.Context) (opened ring, err error) {
	var wrapped, sealed, before []byte
	err = v.store.View(ctx, func(r hotcell.VaultReader) (err error) {
		if wrapped, err = r.Blob(v.workspace, blobKeyset); err != nil {
			return err
		}
		if sealed, err = r.Blob(v.workspace, blobPair); err != nil {
			return err
		}
		if before, err = r.Blob(v.workspace, blobOldPair); errors.Is(err, hotcell.ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return opened, fmt.Errorf("reading the workspace's keys: %w", err)
	}
	if opened.keys, err = envelope.OpenKeyset(ctx, v.kms.Load(), string(v.workspace), wrapped); err != nil {
		return opened, fmt.Errorf("unwrapping the workspace's keys: %w", err)
	}
	private, err := opened.keys.OpenBlob(blobPair, sealed)
	if err != nil {
		return opened, fmt.Errorf("opening the sealing key pair: %w", err)
	}
	defer private.Clear()
	if err := private.Use(func(b []byte) (err error) {
		opened.pair, err = parcel.ParsePrivate(b)
		return err
	}); err != nil {
		return opened, err
	}
	if v.keys != nil && !bytes.Equal(opened.pair.Public().Bytes(), v.face.Load().public.Bytes()) {
		return opened, fmt.Errorf("%w: the key pair that values are sealed to is another one than it was", hotcell.ErrTampered)
	}
	if before != nil {
		if opened.old, err = v.openOldPair(opened.keys, before); err != nil {
			return opened, err
		}
	}
	v.tidy.Used()
	return opened, nil
}

// kindUnwrap is the event of a service that unwraps the workspace's keys.
const kindUnwrap = "key.unwrap"

// unwrapService is unwrap by a service, which is in the audit log: before it is asked,
// and the first time that it does not do it.
func (v *Vault) unwrapService(ctx context.Context) (ring, error) {
	about := hotcell.Event{Workspace: v.workspace, At: v.now(), Kind: kindUnwrap, Via: "vault", Name: v.kms.Load().name, Decision: hotcell.Allowed}
	silent := v.keys == nil && v.inVain || v.keys != nil && v.keys.State().Problem != nil
	if !silent {
		if err := v.store.Record(ctx, about); err != nil {
			return ring{}, v.unrecorded(err)
		}
	}
	opened, err := v.unwrap(ctx)
	err = keyWords(err)
	about.At = v.now()
	switch {
	case err != nil && !silent:
		about.Decision, about.Reason = hotcell.Refused, err.Error()
	case err == nil && silent:
		about.Reason = "the key service answers again"
	default:
		return opened, err
	}
	if failed := v.store.Record(context.WithoutCancel(ctx), about); failed != nil && err == nil {
		return ring{}, v.unrecorded(failed)
	}
	return opened, err
}

// sentence is an error that is whole by itself: a key service's.
type sentence interface {
	error
	Sentence() string
}

// keyWords leaves of an error the sentence of the key service, where there is one.
func keyWords(err error) error {
	if s, ok := errors.AsType[sentence](err); ok {
		return s
	}
	return err
}

// tellKeys writes into the log how the keys stand, when that changes.
func (v *Vault) tellKeys(s warm.State) {
	by := v.kms.Load()
	switch {
	case !s.Warm && s.Problem != nil:
		v.log.Error("the workspace's keys are closed: nothing is used until the key service answers", "key", by.name, "reason", s.Problem)
	case s.Problem != nil:
		v.log.Warn("the key service does not unwrap the workspace's keys; those that are open serve on for their time", "key", by.name, "reason", s.Problem, "until", s.Since.Add(by.warm))
	}
}

func (v *Vault) sealBlob(label string, plaintext []byte) ([]byte, error) {
	held, err := v.keys.Get()
	if err != nil {
		return nil, err
	}
	v.used.keyset.now(v.now)
	return held.keys.SealBlob(label, plaintext)
}

func (v *Vault) openBlob(label string, sealed []byte) (sensitive.Bytes, error) {
	held, err := v.keys.Get()
	if err != nil {
		return sensitive.Bytes{}, err
	}
	v.used.keyset.now(v.now)
	return held.keys.OpenBlob(label, sealed)
}
