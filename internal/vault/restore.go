package vault

import (
	"context"
	"errors"
	"io"

	"hotcell/internal/store/backup"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/vault/internal/kms"
)

// Restored is what came out of a backup.
type Restored = door.Restored

// BackupKeys are what may open a backup.
type BackupKeys struct {
	// Config names a KMS key; one that is missing opens nothing, and is no error.
	Config
	// Identities are age identities in text, Passphrase is one; empty for none.
	Identities sensitive.Bytes
	Passphrase sensitive.Bytes
}

// OpenBackup opens a backup by what may open it.
func OpenBackup(ctx context.Context, r io.Reader, k BackupKeys) (*backup.Reader, error) {
	var by []*backup.Opener
	if k.Identities.Len() > 0 {
		identities, err := backup.IdentityOpeners(k.Identities)
		if err != nil {
			return nil, err
		}
		by = append(by, identities...)
	}
	if k.Passphrase.Len() > 0 {
		by = append(by, backup.PassphraseOpener(k.Passphrase))
	}
	if k.KeyURL != "" {
		key, err := k.openTrial(ctx)
		switch {
		case err == nil:
			by = append(by, backup.KeyOpener(ctx, key))
		case !errors.Is(err, kms.ErrMissing) && len(by) == 0:
			return nil, keySentence(err)
		}
	}
	b, err := backup.Open(r, by...)
	return b, keySentence(err)
}

// openTrial opens the key as whoever tries it, who may be root and not its owner.
func (c Config) openTrial(ctx context.Context) (kms.Key, error) {
	tried := c.key()
	tried.Trial = true
	return kms.Open(ctx, tried)
}

// Restore makes a store that came out of a backup one that can be served under the key
// that c names, which is made where it is a local key file that is missing. It closes the
// store.
func Restore(ctx context.Context, c Config, m backup.Manifest, keyset sensitive.Bytes) (*Restored, error) {
	key, err := c.openTrial(ctx)
	if errors.Is(err, kms.ErrMissing) {
		key, err = kms.Create(ctx, c.key())
	}
	if err != nil {
		return nil, errors.Join(keySentence(err), c.Store.Close())
	}
	out, err := door.Restore(ctx, door.Config{Store: c.Store, Key: key, KeyName: key.ID(), Now: c.Now, Log: c.Log}, m, keyset)
	return out, keySentence(err)
}
