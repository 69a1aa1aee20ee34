package door

import (
	"context"
	"errors"
	"fmt"

	"hotcell"
	"hotcell/internal/vault/internal/envelope"
)

// TryKey asks a KMS to wrap and unwrap something that is no key, and to unwrap the
// keys that a store has under it; read may be nil where there is none. It stores
// nothing.
func TryKey(ctx context.Context, kms envelope.Wrapper, read func(context.Context, func(hotcell.VaultReader) error) error) error {
	if err := probeKey(ctx, kms); err != nil || read == nil {
		return err
	}
	var wrapped []byte
	var workspace hotcell.WorkspaceID
	err := read(ctx, func(r hotcell.VaultReader) error {
		spaces, err := r.Workspaces()
		if err != nil || len(spaces) == 0 {
			return err
		}
		workspace = spaces[0].ID
		wrapped, err = r.Blob(workspace, blobKeyset)
		return err
	})
	if err != nil {
		return fmt.Errorf("reading the workspace's keys: %w", err)
	}
	if workspace == "" {
		return nil
	}
	keys, err := envelope.OpenKeyset(ctx, kms, string(workspace), wrapped)
	if err != nil {
		return fmt.Errorf("unwrapping the workspace's keys: %w", err)
	}
	keys.Close()
	return nil
}

// probeKey wraps and unwraps something that is no key.
func probeKey(ctx context.Context, kms envelope.Wrapper) error {
	const text = "is anybody there?"
	wrapped, err := kms.Wrap(ctx, []byte(text), []byte(blobProbe))
	if err != nil {
		return err
	}
	plain, err := kms.Unwrap(ctx, wrapped, []byte(blobProbe))
	if err != nil {
		return err
	}
	defer plain.Clear()
	return plain.Use(func(b []byte) error {
		if string(b) != text {
			return errors.New("the KMS gave back something else than it was given")
		}
		return nil
	})
}
