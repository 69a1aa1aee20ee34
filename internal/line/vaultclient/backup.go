package vaultclient

import (
	"context"
	"io"

	"hotcell/internal/line/rpc"
	"hotcell/internal/line/vaultrpc"
)

// Backup has the vault make its part of a backup, and returns it with the recipient to
// whom the control plane's part is to be encrypted.
func (c *Control) Backup(ctx context.Context, r *vaultrpc.BackupRequest) (part io.ReadCloser, recipient string, err error) {
	header, part, err := rpc.CallBody(ctx, c.peer, vaultrpc.Backup, r)
	return part, header.Get(vaultrpc.HeaderRecipient), err
}

// Backups lists the backups that the vault remembers.
func (c *Control) Backups(ctx context.Context, r *vaultrpc.WorkspaceRequest) (*vaultrpc.BackupsAnswer, error) {
	return rpc.Call[vaultrpc.WorkspaceRequest, vaultrpc.BackupsAnswer](ctx, c.peer, vaultrpc.Backups, r)
}
