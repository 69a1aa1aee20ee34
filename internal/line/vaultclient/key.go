package vaultclient

import (
	"context"

	"hotcell/internal/line/rpc"
	"hotcell/internal/line/vaultrpc"
)

// Keys says how the workspace's keys stand.
func (c *Control) Keys(ctx context.Context, r *vaultrpc.WorkspaceRequest) (*vaultrpc.KeysAnswer, error) {
	return rpc.Call[vaultrpc.WorkspaceRequest, vaultrpc.KeysAnswer](ctx, c.peer, vaultrpc.Keys, r)
}

// RotateKeys begins to make keys anew.
func (c *Control) RotateKeys(ctx context.Context, r *vaultrpc.RotateKeysRequest) error {
	return empty(ctx, c.peer, vaultrpc.RotateKeys, r)
}

// DestroyKey takes an old key of the workspace out for good.
func (c *Control) DestroyKey(ctx context.Context, r *vaultrpc.DestroyKeyRequest) error {
	return empty(ctx, c.peer, vaultrpc.DestroyKey, r)
}

// Vouch asks the holder of the key that values are sealed to about the identity.
func (c *Control) Vouch(ctx context.Context, r *vaultrpc.VouchRequest) (*vaultrpc.VouchAnswer, error) {
	return rpc.Call[vaultrpc.VouchRequest, vaultrpc.VouchAnswer](ctx, c.peer, vaultrpc.Vouch, r)
}
