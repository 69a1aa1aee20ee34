package vault

import (
	"context"
	"net/http"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

// accounts serves how people come in and go, and what they prove themselves by.
func (d *Daemon) accounts(mux *http.ServeMux) {
	handleOpen(d, mux, vaultrpc.Server, func(context.Context, *vaultrpc.Empty) (*vaultrpc.ServerAnswer, error) { return d.server() })
	handleOpen(d, mux, vaultrpc.SignIn, d.whose.SignIn)
	handleOpen(d, mux, vaultrpc.Join, d.whose.Join)
	handle(d, mux, vaultrpc.SignOut, hotcell.ScopeSelf, func(ctx context.Context, r *vaultrpc.WorkspaceRequest) (*vaultrpc.Empty, error) {
		return &vaultrpc.Empty{}, d.whose.SignOut(ctx, r.Principal)
	})
	handle(d, mux, vaultrpc.Account, hotcell.ScopeAny, func(ctx context.Context, r *vaultrpc.WorkspaceRequest) (*vaultrpc.AccountAnswer, error) {
		return d.whose.Account(ctx, r.Principal)
	})
	handle(d, mux, vaultrpc.Operation, hotcell.ScopeSelf, func(_ context.Context, r *vaultrpc.OperationRequest) (*hotcell.Operation, error) {
		o, err := d.whose.Operation(r.Principal, r.ID)
		return &o, err
	})
	handle(d, mux, vaultrpc.Confirm, hotcell.ScopeSelf, func(ctx context.Context, r *vaultrpc.ConfirmRequest) (*vaultrpc.Empty, error) {
		return &vaultrpc.Empty{}, d.whose.Confirm(ctx, r)
	})
	handle(d, mux, vaultrpc.SetPassword, hotcell.ScopeSelf, d.whose.SetPassword)
	handle(d, mux, vaultrpc.Sessions, hotcell.ScopeSelf, func(ctx context.Context, r *vaultrpc.WorkspaceRequest) (*vaultrpc.SessionsAnswer, error) {
		return d.whose.Sessions(ctx, r.Principal)
	})
	handle(d, mux, vaultrpc.EndSession, hotcell.ScopeSelf, func(ctx context.Context, r *vaultrpc.EndSessionRequest) (*vaultrpc.Empty, error) {
		return &vaultrpc.Empty{}, d.whose.EndSession(ctx, r.Principal, r.ID)
	})
}

// server is what anybody may know before they are somebody.
func (d *Daemon) server() (*vaultrpc.ServerAnswer, error) {
	at := d.vault.Local().Workspace
	key, attested, err := d.vault.Attested(at)
	return &vaultrpc.ServerAnswer{
		Workspace: at, PublicKey: key.Bytes(), Fingerprint: key.Fingerprint(),
		Identity: attested.Identity, IdentityFingerprint: attested.Fingerprint(), Sequence: attested.Sequence, Signature: attested.Signature,
	}, err
}
