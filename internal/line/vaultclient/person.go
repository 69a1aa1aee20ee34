package vaultclient

import (
	"context"

	"hotcell"
	"hotcell/internal/line/rpc"
	"hotcell/internal/line/vaultrpc"
)

// Server is what anybody may know before they are somebody.
func (c *Control) Server(ctx context.Context) (*vaultrpc.ServerAnswer, error) {
	return rpc.Call[vaultrpc.Empty, vaultrpc.ServerAnswer](ctx, c.peer, vaultrpc.Server, &vaultrpc.Empty{})
}

// SignIn makes a session for who proves an account.
func (c *Control) SignIn(ctx context.Context, r *vaultrpc.EnterRequest) (*vaultrpc.EnterAnswer, error) {
	return rpc.Call[vaultrpc.EnterRequest, vaultrpc.EnterAnswer](ctx, c.peer, vaultrpc.SignIn, r)
}

// Join lets in who has an invitation.
func (c *Control) Join(ctx context.Context, r *vaultrpc.EnterRequest) (*vaultrpc.EnterAnswer, error) {
	return rpc.Call[vaultrpc.EnterRequest, vaultrpc.EnterAnswer](ctx, c.peer, vaultrpc.Join, r)
}

// Operation is one that waits to be confirmed.
func (c *Control) Operation(ctx context.Context, r *vaultrpc.OperationRequest) (*hotcell.Operation, error) {
	return rpc.Call[vaultrpc.OperationRequest, hotcell.Operation](ctx, c.peer, vaultrpc.Operation, r)
}

// Confirm confirms it.
func (c *Control) Confirm(ctx context.Context, r *vaultrpc.ConfirmRequest) error {
	return empty(ctx, c.peer, vaultrpc.Confirm, r)
}

// SignOut ends the session in use.
func (c *Control) SignOut(ctx context.Context, r *vaultrpc.WorkspaceRequest) error {
	return empty(ctx, c.peer, vaultrpc.SignOut, r)
}

// Account says who is signed in.
func (c *Control) Account(ctx context.Context, r *vaultrpc.WorkspaceRequest) (*vaultrpc.AccountAnswer, error) {
	return rpc.Call[vaultrpc.WorkspaceRequest, vaultrpc.AccountAnswer](ctx, c.peer, vaultrpc.Account, r)
}

// SetPassword sets one's password.
func (c *Control) SetPassword(ctx context.Context, r *vaultrpc.SetPasswordRequest) (*vaultrpc.AccountAnswer, error) {
	return rpc.Call[vaultrpc.SetPasswordRequest, vaultrpc.AccountAnswer](ctx, c.peer, vaultrpc.SetPassword, r)
}

// Sessions lists one's own.
func (c *Control) Sessions(ctx context.Context, r *vaultrpc.WorkspaceRequest) (*vaultrpc.SessionsAnswer, error) {
	return rpc.Call[vaultrpc.WorkspaceRequest, vaultrpc.SessionsAnswer](ctx, c.peer, vaultrpc.Sessions, r)
}

// EndSession ends one, or all others.
func (c *Control) EndSession(ctx context.Context, r *vaultrpc.EndSessionRequest) error {
	return empty(ctx, c.peer, vaultrpc.EndSession, r)
}

// Members lists the workspace's.
func (c *Control) Members(ctx context.Context, r *vaultrpc.WorkspaceRequest) (*vaultrpc.MembersAnswer, error) {
	return rpc.Call[vaultrpc.WorkspaceRequest, vaultrpc.MembersAnswer](ctx, c.peer, vaultrpc.Members, r)
}

// ChangeMember gives a role or a name.
func (c *Control) ChangeMember(ctx context.Context, r *vaultrpc.ChangeMemberRequest) (*vaultrpc.MemberAnswer, error) {
	return rpc.Call[vaultrpc.ChangeMemberRequest, vaultrpc.MemberAnswer](ctx, c.peer, vaultrpc.ChangeMember, r)
}

// Leaving says what would go with a member.
func (c *Control) Leaving(ctx context.Context, r *vaultrpc.MemberRequest) (*vaultrpc.LeavingAnswer, error) {
	return rpc.Call[vaultrpc.MemberRequest, vaultrpc.LeavingAnswer](ctx, c.peer, vaultrpc.Leaving, r)
}

// RemoveMember ends a membership.
func (c *Control) RemoveMember(ctx context.Context, r *vaultrpc.MemberRequest) (*vaultrpc.LeavingAnswer, error) {
	return rpc.Call[vaultrpc.MemberRequest, vaultrpc.LeavingAnswer](ctx, c.peer, vaultrpc.RemoveMember, r)
}

// Invite makes an invitation.
func (c *Control) Invite(ctx context.Context, r *vaultrpc.InviteRequest) (*vaultrpc.InviteAnswer, error) {
	return rpc.Call[vaultrpc.InviteRequest, vaultrpc.InviteAnswer](ctx, c.peer, vaultrpc.Invite, r)
}

// Invitations lists the open ones.
func (c *Control) Invitations(ctx context.Context, r *vaultrpc.WorkspaceRequest) (*vaultrpc.InvitationsAnswer, error) {
	return rpc.Call[vaultrpc.WorkspaceRequest, vaultrpc.InvitationsAnswer](ctx, c.peer, vaultrpc.Invitations, r)
}

// Uninvite takes one back.
func (c *Control) Uninvite(ctx context.Context, r *vaultrpc.UninviteRequest) error {
	return empty(ctx, c.peer, vaultrpc.Uninvite, r)
}

// CreateToken makes an API token.
func (c *Control) CreateToken(ctx context.Context, r *vaultrpc.CreateTokenRequest) (*vaultrpc.CreateTokenAnswer, error) {
	return rpc.Call[vaultrpc.CreateTokenRequest, vaultrpc.CreateTokenAnswer](ctx, c.peer, vaultrpc.CreateToken, r)
}

// Tokens lists one's own, or the workspace's.
func (c *Control) Tokens(ctx context.Context, r *vaultrpc.TokensRequest) (*vaultrpc.TokensAnswer, error) {
	return rpc.Call[vaultrpc.TokensRequest, vaultrpc.TokensAnswer](ctx, c.peer, vaultrpc.Tokens, r)
}

// DeleteToken deletes one.
func (c *Control) DeleteToken(ctx context.Context, r *vaultrpc.DeleteTokenRequest) error {
	return empty(ctx, c.peer, vaultrpc.DeleteToken, r)
}
