package door

import (
	"context"

	"hotcell"
)

// OpenForTest opens a version that is in no audit log's count.
func (v *Vault) OpenForTest(a *Act, c hotcell.Credential) ([]Field, error) {
	return v.open(a, c, c.Version)
}

// UseForTest is a use without a grant: an event that is durable, and the value.
func (v *Vault) UseForTest(c hotcell.Credential) error {
	if err := v.store.Record(context.Background(), hotcell.Event{Workspace: v.workspace, At: v.now(), Kind: "secret.use", Decision: hotcell.Allowed, Credential: c.ID}); err != nil {
		return err
	}
	return v.store.View(context.Background(), func(r hotcell.VaultReader) error {
		fields, err := v.open(r, c, c.Version)
		ClearFields(fields)
		return err
	})
}

// RotationForTest is the rotation under way; nil for none.
func (v *Vault) RotationForTest(ctx context.Context) (r *hotcell.Rotation, err error) {
	held, err := v.keys.Get()
	if err != nil {
		return nil, err
	}
	err = v.store.View(ctx, func(s hotcell.VaultReader) error {
		l, err := v.readLedger(s, held.keys)
		r = l.Rotation
		return err
	})
	return r, err
}
