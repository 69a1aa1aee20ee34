package vault

import (
	"context"
	"errors"
	"fmt"

	"hotcell"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/vault/internal/kms"
)

func (c Config) key() kms.Config { return kms.Config{URL: c.KeyURL, Inside: c.KeyInside} }

// openKey opens the KMS key. Only a store in which nothing is sealed yet gets a
// fresh one: a key that was lost must never be replaced silently.
func openKey(ctx context.Context, c Config) (kms.Key, error) {
	key, err := kms.Open(ctx, c.key())
	if !errors.Is(err, kms.ErrMissing) {
		return key, err
	}
	var spaces []hotcell.Workspace
	if failed := c.Store.View(ctx, func(r hotcell.VaultReader) (err error) {
		spaces, err = r.Workspaces()
		return err
	}); failed != nil {
		return nil, fmt.Errorf("reading workspaces: %w", failed)
	}
	if len(spaces) > 0 {
		return nil, err
	}
	return kms.Create(ctx, c.key())
}

// keySentence leaves of an error what is wrong with the key, where that is it: the
// whole sentence, without the steps that led there.
func keySentence(err error) error {
	if f, ok := errors.AsType[*kms.Fault](err); ok {
		return f
	}
	return err
}

// LookAtKey says what is wrong with a local key file, without reading it: for a
// process that sees it, and is about to become one that may see it and nothing else.
func LookAtKey(path string) error { return kms.LookAtFile(path) }

// TryKey wraps and unwraps something with the key that c names, and unwraps what the
// store has under it, where there is one: what `hotcell doctor` asks. It writes
// nothing. What it returns names the key.
func TryKey(ctx context.Context, c Config, read func(context.Context, func(hotcell.VaultReader) error) error) (id string, err error) {
	tried := c.key()
	tried.Trial = true
	key, err := kms.Open(ctx, tried)
	if err != nil {
		return "", err
	}
	if err := door.TryKey(ctx, key, read); err != nil {
		return "", keySentence(err)
	}
	return key.ID(), nil
}
