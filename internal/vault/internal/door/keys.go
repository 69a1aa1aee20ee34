package door

import (
	"context"
	"time"

	"hotcell"
	"hotcell/internal/policy/access"
	"hotcell/internal/vault/internal/envelope"
)

// KeyReport says how the workspace's keys stand. The KMS is not asked.
func (v *Vault) KeyReport(ctx context.Context, p hotcell.Principal) (out hotcell.KeyReport, err error) {
	err = v.Look(ctx, p, hotcell.Event{Kind: "key.list"}, func(l *Look) error {
		return l.Permit(access.SeeKeys, access.Resource{})
	})
	if err != nil {
		return out, err
	}
	held, err := v.keys.Get()
	if err != nil {
		return out, err
	}
	var l ledger
	if err := v.store.View(ctx, func(r hotcell.VaultReader) (err error) { l, err = v.readLedger(r, held.keys); return err }); err != nil {
		return out, err
	}
	return v.report(ctx, l)
}

func (v *Vault) report(ctx context.Context, l ledger) (out hotcell.KeyReport, err error) {
	held, err := v.keys.Get()
	if err != nil {
		return out, err
	}
	ids, err := held.keys.Keys()
	if err != nil {
		return out, err
	}
	var counts map[envelope.KeyID]int
	var space hotcell.Workspace
	var made []hotcell.Backup
	dataKeys := 0
	err = v.store.View(ctx, func(r hotcell.VaultReader) (err error) {
		if space, err = r.Workspace(v.workspace); err != nil {
			return err
		}
		if made, err = backups(r, v.workspace); err != nil {
			return err
		}
		byKey, err := v.sealedKeysBy(r)
		if err != nil {
			return err
		}
		for _, n := range byKey {
			dataKeys += n
		}
		counts, err = v.sealedBy(r)
		return err
	})
	if err != nil {
		return out, err
	}
	state := v.Keys()
	out.Calls, out.Failures, out.WarmSince = state.Calls, state.Failures, state.Since
	if !state.Until.IsZero() {
		out.WarmUntil = &state.Until
	}
	if state.Problem != nil {
		out.Problem = state.Problem.Error()
	}
	since := space.CreatedAt
	kms := hotcell.Key{Kind: hotcell.KeyKMS, ID: state.Name, State: hotcell.KeyInUse, MadeAt: l.madeAt(hotcell.KeyKMS, state.Name, since), UsedAt: &state.Since, Holds: 1}
	for _, b := range made {
		if b.Key == state.Name {
			kms.Backups = append(kms.Backups, string(b.ID))
		}
	}
	out.Keys = append(out.Keys, kms)
	for i, id := range ids {
		key := hotcell.Key{Kind: hotcell.KeyWorkspace, ID: id.String(), State: hotcell.KeyOld, WrappedBy: state.Name, MadeAt: l.madeAt(hotcell.KeyWorkspace, id.String(), since), Holds: counts[id]}
		if i == 0 {
			key.State, key.UsedAt = hotcell.KeyInUse, v.used.keyset.last()
		}
		out.Keys = append(out.Keys, key)
	}
	by := ids[0].String()
	shown := v.face.Load()
	public := shown.public
	out.Keys = append(out.Keys,
		hotcell.Key{Kind: hotcell.KeyData, State: hotcell.KeyInUse, WrappedBy: by, MadeAt: l.madeAt(hotcell.KeyData, "", since), UsedAt: v.used.keyset.last(), Holds: dataKeys},
		hotcell.Key{Kind: hotcell.KeyHPKE, ID: public.Fingerprint(), State: hotcell.KeyInUse, WrappedBy: by, MadeAt: l.madeAt(hotcell.KeyHPKE, public.Fingerprint(), since), UsedAt: v.used.pair.last()},
		hotcell.Key{Kind: hotcell.KeyIdentity, ID: shown.attested.Fingerprint(), State: hotcell.KeyInUse, WrappedBy: by, MadeAt: l.madeAt(hotcell.KeyIdentity, shown.attested.Fingerprint(), since)},
		hotcell.Key{Kind: hotcell.KeySeeds, State: hotcell.KeyInUse, WrappedBy: by, MadeAt: l.madeAt(hotcell.KeySeeds, "", since), Holds: len(*v.seeds.Load())},
	)
	for i := range out.Keys {
		k := &out.Keys[i]
		k.Due = v.rotateAge > 0 && k.Kind != hotcell.KeyIdentity && k.Kind != hotcell.KeyKMS && v.now().Sub(k.MadeAt) > v.rotateAge
	}
	out.Rotation = l.Last
	if l.Rotation != nil {
		out.Rotation = l.Rotation
		if err := v.rotator.problem.get(); err != nil {
			out.Rotation.Problem = err.Error()
		}
	}
	return out, nil
}

// recordUnwrap writes into the log that the KMS key is about to unwrap the keyset.
func (v *Vault) recordUnwrap(ctx context.Context) error {
	err := v.store.Record(ctx, hotcell.Event{Workspace: v.workspace, At: v.now(), Kind: kindUnwrap, Via: "vault", Name: v.kms.Load().name, Decision: hotcell.Allowed})
	if err != nil {
		return v.unrecorded(err)
	}
	return nil
}

// HeldBy says by which key a credential's newest version is held, and since when: for
// whoever may see the credential.
func (v *Vault) HeldBy(ctx context.Context, c hotcell.Credential) (out hotcell.Holding, err error) {
	held, err := v.keys.Get()
	if err != nil {
		return out, err
	}
	var made time.Time
	err = v.store.View(ctx, func(r hotcell.VaultReader) error {
		key, err := r.SealedKey(c.Workspace, c.ID, c.Version)
		if err != nil {
			return err
		}
		l, err := v.readLedger(r, held.keys)
		if err != nil {
			return err
		}
		id, _ := envelope.SealedBy(key.Blob)
		out.Key, out.KMS = id.String(), v.kms.Load().name
		made = l.madeAt(hotcell.KeyWorkspace, out.Key, c.CreatedAt)
		return nil
	})
	out.Since = made
	if c.CreatedAt.After(made) {
		out.Since = c.CreatedAt
	}
	return out, err
}
