package door

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"hotcell"
	"hotcell/internal/vault/internal/envelope"
)

// loadSeed opens the seed that stand-ins are made from; a workspace without one
// gets one.
func (v *Vault) loadSeed(ctx context.Context, keys *envelope.Keyset) error {
	var blob []byte
	err := v.store.View(ctx, func(r hotcell.VaultReader) (err error) {
		blob, err = r.Blob(v.workspace, blobSeed)
		return err
	})
	if errors.Is(err, hotcell.ErrNotFound) {
		fresh := make([]byte, sha256.Size)
		_, _ = rand.Read(fresh) // never fails
		if blob, err = keys.SealBlob(blobSeed, fresh); err != nil {
			return fmt.Errorf("sealing the seed of stand-ins: %w", err)
		}
		err = v.store.Update(ctx, func(w hotcell.VaultWriter) error { return w.PutBlob(v.workspace, blobSeed, blob) })
	}
	if err != nil {
		return fmt.Errorf("reading the seed of stand-ins: %w", err)
	}
	if v.seed, err = keys.OpenBlob(blobSeed, blob); err != nil {
		return fmt.Errorf("opening the seed of stand-ins: %w", err)
	}
	return nil
}

// Seed is what the stand-in of one field is made from, in one job: another job
// gets another, and after a restart of the vault it is the same.
func (v *Vault) Seed(job hotcell.JobID, use hotcell.Use, field string) []byte {
	var out []byte
	_ = v.seed.Use(func(b []byte) error {
		mac := hmac.New(sha256.New, b)
		_, _ = fmt.Fprintf(mac, "hotcell stand-in v1|%q|%q|%d|%q", job, use.Credential, use.Version, field)
		out = mac.Sum(nil)
		return nil
	})
	return out
}
