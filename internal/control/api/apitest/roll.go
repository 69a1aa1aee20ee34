package apitest

import (
	"context"

	"hotcell"
	"hotcell/internal/control/api"
	"hotcell/internal/line/vaultrpc"
)

// roll is the world as the API's people: its one member, with one of each thing that
// they can have. What it has no answer for is tested with the real vault.
type roll struct {
	api.People
	world *World
}

func (r roll) member() hotcell.Member { return r.world.member }

// Server is what the world is known by.
func (r roll) Server(ctx context.Context) (*vaultrpc.ServerAnswer, error) {
	w, err := (*vault)(r.world).Workspace(ctx, nil)
	if err != nil {
		return nil, err
	}
	return &vaultrpc.ServerAnswer{Workspace: w.Workspace.ID, PublicKey: w.PublicKey, Fingerprint: w.Fingerprint, Identity: w.Identity, IdentityFingerprint: w.IdentityFingerprint, Sequence: w.Sequence, Signature: w.Signature}, nil
}

// Account is the member's.
func (r roll) Account(context.Context, *vaultrpc.WorkspaceRequest) (*vaultrpc.AccountAnswer, error) {
	return &vaultrpc.AccountAnswer{Member: r.member(), Members: []hotcell.Member{r.member()}}, nil
}

// Members is the member.
func (r roll) Members(context.Context, *vaultrpc.WorkspaceRequest) (*vaultrpc.MembersAnswer, error) {
	return &vaultrpc.MembersAnswer{Members: []hotcell.Member{r.member()}}, nil
}

// Sessions is one.
func (r roll) Sessions(context.Context, *vaultrpc.WorkspaceRequest) (*vaultrpc.SessionsAnswer, error) {
	m := r.member()
	return &vaultrpc.SessionsAnswer{Sessions: []hotcell.Session{{ID: "ses_" + hotcell.SessionID(m.ID[4:]), Device: "laptop", CreatedAt: m.CreatedAt, SeenAt: m.CreatedAt, ExpiresAt: m.CreatedAt.Add(hotcell.SessionTime)}}}, nil
}

// Invitations is one.
func (r roll) Invitations(context.Context, *vaultrpc.WorkspaceRequest) (*vaultrpc.InvitationsAnswer, error) {
	m := r.member()
	return &vaultrpc.InvitationsAnswer{Invitations: []hotcell.Invitation{{ID: "inv_" + hotcell.InvitationID(m.ID[4:]), Workspace: m.Workspace, Role: hotcell.RoleBuilder, By: m.ID, CreatedAt: m.CreatedAt, ExpiresAt: m.CreatedAt.Add(hotcell.InvitationTime)}}}, nil
}

// Tokens is one.
func (r roll) Tokens(context.Context, *vaultrpc.TokensRequest) (*vaultrpc.TokensAnswer, error) {
	m := r.member()
	return &vaultrpc.TokensAnswer{Tokens: []hotcell.Token{{ID: "pat_" + hotcell.TokenID(m.ID[4:]), Workspace: m.Workspace, Member: m.ID, Name: "ci", Scopes: []hotcell.Scope{hotcell.ScopeRunJobs}, CreatedAt: m.CreatedAt, ExpiresAt: m.CreatedAt.Add(hotcell.TokenTime)}}}, nil
}

// Uninvite takes what there is.
func (r roll) Uninvite(context.Context, *vaultrpc.UninviteRequest) error { return nil }

// DeleteToken takes what there is.
func (r roll) DeleteToken(context.Context, *vaultrpc.DeleteTokenRequest) error { return nil }
