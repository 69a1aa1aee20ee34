package vault

import (
	"context"
	"errors"

	"hotcell"
)

// Rules returns what a job may reach and use, while its grant lives.
func (v *Vault) Rules(ctx context.Context, job hotcell.JobID) (allow []hotcell.Allow, uses []hotcell.Use, err error) {
	err = v.store.View(ctx, func(r hotcell.VaultReader) error {
		grant, err := r.GrantOf(job)
		if errors.Is(err, hotcell.ErrNotFound) {
			return gone(err, "there is no grant for this job")
		}
		if err := errors.Join(err, alive(grant)); err != nil {
			return err
		}
		allow, uses = grant.Allow, grant.Uses
		return nil
	})
	return allow, uses, err
}
