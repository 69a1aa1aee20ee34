package vault

import (
	"context"
	"net/http"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

// keys serves what people ask of keys.
func (d *Daemon) keys(mux *http.ServeMux) {
	handle(d, mux, vaultrpc.Keys, hotcell.ScopeReadSettings, func(ctx context.Context, r *vaultrpc.WorkspaceRequest) (*vaultrpc.KeysAnswer, error) {
		report, err := d.vault.KeyReport(ctx, r.Principal)
		return &vaultrpc.KeysAnswer{Report: report}, err
	})
	handleConfirmed(d, mux, vaultrpc.RotateKeys, hotcell.ScopeWriteSettings, d.sayRotating, func(ctx context.Context, r *vaultrpc.RotateKeysRequest) (*vaultrpc.Empty, error) {
		return &vaultrpc.Empty{}, d.vault.Rotate(ctx, r.Principal, r.What, r.Compromised)
	})
	handleConfirmed(d, mux, vaultrpc.DestroyKey, hotcell.ScopeWriteSettings, d.sayDestroyingKey, func(ctx context.Context, r *vaultrpc.DestroyKeyRequest) (*vaultrpc.Empty, error) {
		return &vaultrpc.Empty{}, d.vault.Destroy(ctx, r.Principal, r.ID)
	})
	handle(d, mux, vaultrpc.Vouch, hotcell.ScopeAny, func(_ context.Context, r *vaultrpc.VouchRequest) (*vaultrpc.VouchAnswer, error) {
		answer, err := d.vault.Vouch(r.Principal.Workspace, r.Question)
		return &vaultrpc.VouchAnswer{Answer: answer}, err
	})
}
