package vault

import (
	"context"
	"net/http"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/vault/internal/people"
)

// members serves who is in a workspace, who is invited, and API tokens.
func (d *Daemon) members(mux *http.ServeMux) {
	handle(d, mux, vaultrpc.Members, hotcell.ScopeReadMembers, func(ctx context.Context, r *vaultrpc.WorkspaceRequest) (*vaultrpc.MembersAnswer, error) {
		return d.whose.Members(ctx, r.Principal)
	})
	handleConfirmed(d, mux, vaultrpc.ChangeMember, hotcell.ScopeWriteMembers, d.sayChanging, d.whose.ChangeMember)
	handle(d, mux, vaultrpc.Leaving, hotcell.ScopeReadMembers, func(ctx context.Context, r *vaultrpc.MemberRequest) (*vaultrpc.LeavingAnswer, error) {
		gone, err := d.vault.Leaving(ctx, r.Principal, r.ID)
		return people.Told(gone), err
	})
	handleConfirmed(d, mux, vaultrpc.RemoveMember, hotcell.ScopeWriteMembers, d.sayRemoving, func(ctx context.Context, r *vaultrpc.MemberRequest) (*vaultrpc.LeavingAnswer, error) {
		gone, err := d.connections.RemoveMember(ctx, r.Principal, r.ID)
		d.whose.Forget()
		return people.Told(gone), err
	})
	handleConfirmed(d, mux, vaultrpc.Invite, hotcell.ScopeWriteMembers, d.sayInviting, d.whose.Invite)
	handle(d, mux, vaultrpc.Invitations, hotcell.ScopeReadMembers, func(ctx context.Context, r *vaultrpc.WorkspaceRequest) (*vaultrpc.InvitationsAnswer, error) {
		return d.whose.Invitations(ctx, r.Principal)
	})
	handle(d, mux, vaultrpc.Uninvite, hotcell.ScopeWriteMembers, func(ctx context.Context, r *vaultrpc.UninviteRequest) (*vaultrpc.Empty, error) {
		return &vaultrpc.Empty{}, d.whose.Uninvite(ctx, r.Principal, r.ID)
	})
	handleConfirmed(d, mux, vaultrpc.CreateToken, hotcell.ScopeSelf, d.sayToken, d.whose.CreateToken)
	handle(d, mux, vaultrpc.Tokens, hotcell.ScopeSelf, func(ctx context.Context, r *vaultrpc.TokensRequest) (*vaultrpc.TokensAnswer, error) {
		return d.whose.Tokens(ctx, r.Principal, r.All)
	})
	handle(d, mux, vaultrpc.DeleteToken, hotcell.ScopeSelf, func(ctx context.Context, r *vaultrpc.DeleteTokenRequest) (*vaultrpc.Empty, error) {
		return &vaultrpc.Empty{}, d.whose.DeleteToken(ctx, r.Principal, r.ID)
	})
}
