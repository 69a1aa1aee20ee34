package vault

import (
	"context"
	"io"
	"net/http"

	"hotcell"
	"hotcell/internal/line/rpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/vault/internal/door"
)

// backups serves what is asked of backups.
func (d *Daemon) backups(mux *http.ServeMux) {
	rpc.HandleBody(mux, vaultrpc.Backup, func(ctx context.Context, r *vaultrpc.BackupRequest, w http.ResponseWriter) error {
		if r.Scheduled {
			// It is made for the operator's recipients, whoever asks.
			r.Principal = d.vault.Local()
			r.Principal.Via = "schedule"
		} else if err := d.judge(ctx, &r.Principal); err != nil {
			return d.note(vaultrpc.Backup, err)
		} else if err := within(r.Principal, hotcell.ScopeWriteSettings, r); err != nil {
			return d.note(vaultrpc.Backup, err)
		}
		wish := door.BackupWish{Folders: r.Folders, Outputs: r.Outputs, Recipients: d.recipients, Alone: d.keyAlone}
		err := d.vault.Backup(ctx, r.Principal, wish, func(control string) (io.Writer, error) {
			w.Header().Set(vaultrpc.HeaderRecipient, control)
			return w, nil
		})
		return d.note(vaultrpc.Backup, err)
	})
	handle(d, mux, vaultrpc.Backups, hotcell.ScopeReadSettings, func(ctx context.Context, r *vaultrpc.WorkspaceRequest) (*vaultrpc.BackupsAnswer, error) {
		list, err := d.vault.Backups(ctx, r.Principal)
		return &vaultrpc.BackupsAnswer{Backups: list}, err
	})
}
