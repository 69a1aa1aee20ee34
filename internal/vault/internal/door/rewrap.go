package door

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"hotcell"
	"hotcell/internal/vault/internal/envelope"
)

// How many things one step of a rotation does: the store has one writer, and uses wait
// for it.
const (
	wrapAtOnce = 128
	dataAtOnce = 16
	maxBroken  = 100
)

// unsealed are the vault's own things that the keyset does not seal.
var unsealed = []string{blobKeyset, blobProbe, blobPruned, blobBackups}

// wrapStep wraps the next data keys anew; when there are no more, what else the keyset
// seals.
func (v *Vault) wrapStep(ctx context.Context, l ledger) error {
	held, err := v.keys.Get()
	if err != nil {
		return err
	}
	ids, err := held.keys.Keys()
	if err != nil {
		return err
	}
	var page []hotcell.SealedKey
	if err := v.store.View(ctx, func(r hotcell.VaultReader) (err error) {
		page, err = r.SealedKeys(v.workspace, l.After, wrapAtOnce)
		return err
	}); err != nil {
		return err
	}
	if len(page) == 0 {
		return v.wrapRest(ctx, held.keys, ids)
	}
	were, are, broken, err := rewrap(held.keys, v.workspace, ids[0], page)
	if err != nil {
		return err
	}
	last := page[len(page)-1]
	last.Blob = nil
	return v.store.VaultStore.Update(ctx, func(w hotcell.VaultWriter) error {
		n, err := w.SwapSealedKeys(v.workspace, were, are)
		if err != nil {
			return err
		}
		return v.progress(w, held.keys, stepWrap, last, n, broken)
	})
}

// rewrap wraps those of some data keys anew that another key wrapped than the one that
// seals now. It is where no transaction waits for it.
func rewrap(keys *envelope.Keyset, ws hotcell.WorkspaceID, now envelope.KeyID, page []hotcell.SealedKey) (were, are []hotcell.SealedKey, broken []string, err error) {
	for _, key := range page {
		if by, ok := envelope.SealedBy(key.Blob); ok && by == now {
			continue
		}
		fresh, err := keys.RewrapDataKey(envelope.Binding{Workspace: string(ws), Credential: string(key.Credential), Version: key.Version}, key.Blob)
		if errors.Is(err, envelope.ErrOpen) {
			broken = append(broken, nameOf(key))
			continue
		}
		if err != nil {
			return nil, nil, nil, err
		}
		were = append(were, key)
		are = append(are, hotcell.SealedKey{Credential: key.Credential, Version: key.Version, Blob: fresh})
	}
	return were, are, broken, nil
}

func nameOf(key hotcell.SealedKey) string {
	return fmt.Sprintf("version %d of %s", key.Version, key.Credential)
}

// progress notes how far a rotation has come, in the update that brought it there.
func (v *Vault) progress(w hotcell.VaultWriter, keys *envelope.Keyset, step string, after hotcell.SealedKey, n int, broken []string) error {
	return v.amend(w, keys, func(l *ledger) error {
		if l.Rotation == nil || l.Rotation.Step != step {
			return fmt.Errorf("%w: this rotation has gone on already", hotcell.ErrConflict)
		}
		l.After = after
		l.Rotation.Done += n
		for _, name := range broken {
			if len(l.Rotation.Broken) < maxBroken && !slices.Contains(l.Rotation.Broken, name) {
				l.Rotation.Broken = append(l.Rotation.Broken, name)
			}
		}
		return nil
	})
}

// wrapRest seals the vault's own things and the OAuth clients anew, and ends the step. A
// data key that was made under an older key while the rotation went by is looked for
// once more.
func (v *Vault) wrapRest(ctx context.Context, keys *envelope.Keyset, ids []envelope.KeyID) error {
	return v.store.Update(ctx, func(w hotcell.VaultWriter) error {
		broken, err := v.wrapBlobs(w, keys, ids)
		if err != nil {
			return err
		}
		lost, err := v.wrapClients(w, keys, ids)
		if err != nil {
			return err
		}
		counts, err := v.sealedKeysBy(w)
		if err != nil {
			return err
		}
		left := 0
		for id, n := range counts {
			if id != ids[0] {
				left += n
			}
		}
		if err := v.progress(w, keys, stepWrap, hotcell.SealedKey{}, 0, append(broken, lost...)); err != nil {
			return err
		}
		return v.amend(w, keys, func(l *ledger) error {
			if left > len(l.Rotation.Broken) && len(l.Rotation.Broken) < maxBroken {
				return nil // from the beginning
			}
			return v.advance(w, l)
		})
	})
}

// wrapBlobs seals the vault's own things anew that an older key sealed, and names those
// that do not open.
func (v *Vault) wrapBlobs(w hotcell.VaultWriter, keys *envelope.Keyset, ids []envelope.KeyID) (broken []string, err error) {
	labels, err := w.Labels(v.workspace)
	if err != nil {
		return nil, err
	}
	for _, label := range labels {
		if slices.Contains(unsealed, label) {
			continue
		}
		blob, err := w.Blob(v.workspace, label)
		if err != nil {
			return nil, err
		}
		if by, ok := envelope.SealedBy(blob); ok && by == ids[0] {
			continue
		}
		fresh, err := keys.RewrapBlob(label, blob)
		if errors.Is(err, envelope.ErrOpen) {
			broken = append(broken, label)
			continue
		}
		if err := errors.Join(err, w.PutBlob(v.workspace, label, fresh)); err != nil {
			return nil, err
		}
	}
	return broken, nil
}

func (v *Vault) wrapClients(w hotcell.VaultWriter, keys *envelope.Keyset, ids []envelope.KeyID) (broken []string, err error) {
	clients, err := w.Clients(v.workspace)
	if err != nil {
		return nil, err
	}
	for _, c := range clients {
		if by, ok := envelope.SealedBy(c.Sealed); c.Public || ok && by == ids[0] {
			continue
		}
		fresh, err := keys.RewrapBlob(labelClient(c), c.Sealed)
		if errors.Is(err, envelope.ErrOpen) {
			broken = append(broken, labelClient(c))
			continue
		}
		c.Sealed = fresh
		if err := errors.Join(err, w.PutClient(c)); err != nil {
			return nil, err
		}
	}
	return broken, nil
}

// dataStep gives the next versions of credentials fresh data keys, and seals their values
// by them: who opened the old data keys once has nothing of what is stored from then on.
// The change that began the rotation was permitted and recorded; no value leaves here.
func (v *Vault) dataStep(ctx context.Context, l ledger) error {
	held, err := v.keys.Get()
	if err != nil {
		return err
	}
	return v.store.Update(ctx, func(w hotcell.VaultWriter) error {
		page, err := w.SealedKeys(v.workspace, l.After, dataAtOnce)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return v.amend(w, held.keys, func(l *ledger) error {
				delete(l.Made, made(hotcell.KeyData, ""))
				l.make(hotcell.KeyData, "", v.now())
				return v.advance(w, l)
			})
		}
		var broken []string
		for _, key := range page {
			err := v.rekey(w, held.keys, key)
			if errors.Is(err, envelope.ErrOpen) {
				broken = append(broken, nameOf(key))
			} else if err != nil {
				return err
			}
		}
		last := page[len(page)-1]
		last.Blob = nil
		return v.progress(w, held.keys, stepData, last, len(page)-len(broken), broken)
	})
}

// rekey seals one version's values by a fresh data key.
func (v *Vault) rekey(w hotcell.VaultWriter, keys *envelope.Keyset, key hotcell.SealedKey) error {
	binding := envelope.Binding{Workspace: string(v.workspace), Credential: string(key.Credential), Version: key.Version}
	old, err := keys.OpenDataKey(binding, key.Blob)
	if err != nil {
		return err
	}
	defer old.Clear()
	fresh, wrapped, err := keys.NewDataKey(binding)
	if err != nil {
		return err
	}
	defer fresh.Clear()
	v.tidy.Used()
	sealed, err := w.SealedFields(v.workspace, key.Credential, key.Version)
	if err != nil {
		return err
	}
	for i, f := range sealed {
		value, err := old.Open(f.Name, f.Blob)
		if err != nil {
			return err
		}
		err = value.Use(func(b []byte) (err error) { sealed[i].Blob, err = fresh.Seal(f.Name, b); return err })
		value.Clear()
		if err != nil {
			return err
		}
	}
	return w.PutSealed(v.workspace, hotcell.SealedKey{Credential: key.Credential, Version: key.Version, Blob: wrapped}, sealed)
}

// sealedKeysBy counts the data keys by the key that wraps them.
func (v *Vault) sealedKeysBy(r hotcell.VaultReader) (map[envelope.KeyID]int, error) {
	prefixes, err := r.SealedKeyPrefixes(v.workspace)
	if err != nil {
		return nil, err
	}
	out := map[envelope.KeyID]int{}
	for prefix, n := range prefixes {
		id, _ := envelope.SealedBy([]byte(prefix))
		out[id] += n
	}
	return out, nil
}

// sealedBy counts all that the keyset seals, by its keys.
func (v *Vault) sealedBy(r hotcell.VaultReader) (map[envelope.KeyID]int, error) {
	out, err := v.sealedKeysBy(r)
	if err != nil {
		return nil, err
	}
	labels, err := r.Labels(v.workspace)
	if err != nil {
		return nil, err
	}
	for _, label := range labels {
		if slices.Contains(unsealed, label) {
			continue
		}
		blob, err := r.Blob(v.workspace, label)
		if err != nil {
			return nil, err
		}
		id, _ := envelope.SealedBy(blob)
		out[id]++
	}
	clients, err := r.Clients(v.workspace)
	for _, c := range clients {
		if id, ok := envelope.SealedBy(c.Sealed); ok {
			out[id]++
		}
	}
	return out, err
}

// errorBox holds an error for whoever asks.
type errorBox struct{ held atomic.Pointer[error] }

func (b *errorBox) set(err error) { b.held.Store(&err) }

func (b *errorBox) get() error {
	if p := b.held.Load(); p != nil {
		return *p
	}
	return nil
}
