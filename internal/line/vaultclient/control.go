// Package vaultclient is how everyone else asks the vault: as the control plane
// ([Control]) or as a worker ([Worker]). It holds no rules and no values.
package vaultclient

import (
	"context"

	"hotcell"
	"hotcell/internal/line/rpc"
	"hotcell/internal/line/vaultrpc"
)

// Control is the control plane's line to the vault.
type Control struct{ peer *rpc.Client }

// NewControl calls the vault over the control plane's line.
func NewControl(peer *rpc.Client) *Control { return &Control{peer} }

// empty calls a procedure whose answer says nothing.
func empty[Request any](ctx context.Context, c *rpc.Client, procedure string, request *Request) error {
	_, err := rpc.Call[Request, vaultrpc.Empty](ctx, c, procedure, request)
	return err
}

// Health asks what the vault cannot do at the moment.
func (c *Control) Health(ctx context.Context) (*vaultrpc.HealthAnswer, error) {
	return rpc.Call[vaultrpc.Empty, vaultrpc.HealthAnswer](ctx, c.peer, vaultrpc.Health, &vaultrpc.Empty{})
}

// Home is what anybody may know of the server.
func (c *Control) Home(ctx context.Context) (*vaultrpc.HomeAnswer, error) {
	return rpc.Call[vaultrpc.Empty, vaultrpc.HomeAnswer](ctx, c.peer, vaultrpc.Home, &vaultrpc.Empty{})
}

// Who says who has a bearer, for what this process decides by itself.
func (c *Control) Who(ctx context.Context, claimed hotcell.Principal) (hotcell.Principal, error) {
	p, err := rpc.Call[vaultrpc.WorkspaceRequest, hotcell.Principal](ctx, c.peer, vaultrpc.Who, &vaultrpc.WorkspaceRequest{By: vaultrpc.As(claimed)})
	if err != nil {
		return hotcell.Principal{}, err
	}
	p.Bearer = claimed.Bearer
	return *p, nil
}

// Part says that the connection of a bearer has ended.
func (c *Control) Part(ctx context.Context, bearer hotcell.Bearer) error {
	return empty(ctx, c.peer, vaultrpc.Part, &vaultrpc.PartRequest{By: vaultrpc.As(hotcell.Principal{Bearer: bearer})})
}

// Workspace is the caller's workspace, who they are in it, and the key to seal to.
func (c *Control) Workspace(ctx context.Context, r *vaultrpc.WorkspaceRequest) (*vaultrpc.WorkspaceAnswer, error) {
	return rpc.Call[vaultrpc.WorkspaceRequest, vaultrpc.WorkspaceAnswer](ctx, c.peer, vaultrpc.Workspace, r)
}

// CreateSecret makes a secret.
func (c *Control) CreateSecret(ctx context.Context, r *vaultrpc.CreateSecretRequest) (*vaultrpc.CredentialAnswer, error) {
	return rpc.Call[vaultrpc.CreateSecretRequest, vaultrpc.CredentialAnswer](ctx, c.peer, vaultrpc.CreateSecret, r)
}

// ChangeSecret changes what is given and leaves the rest.
func (c *Control) ChangeSecret(ctx context.Context, r *vaultrpc.ChangeSecretRequest) (*vaultrpc.CredentialAnswer, error) {
	return rpc.Call[vaultrpc.ChangeSecretRequest, vaultrpc.CredentialAnswer](ctx, c.peer, vaultrpc.ChangeSecret, r)
}

// ShareCredential shares a credential with the workspace, or takes it back.
func (c *Control) ShareCredential(ctx context.Context, r *vaultrpc.ShareCredentialRequest) (*vaultrpc.CredentialAnswer, error) {
	return rpc.Call[vaultrpc.ShareCredentialRequest, vaultrpc.CredentialAnswer](ctx, c.peer, vaultrpc.ShareCredential, r)
}

// DeleteConnection is [Control.DeleteCredential], and tells what became of what
// was granted to it.
func (c *Control) DeleteConnection(ctx context.Context, r *vaultrpc.CredentialRequest) (*vaultrpc.DeleteAnswer, error) {
	return rpc.Call[vaultrpc.CredentialRequest, vaultrpc.DeleteAnswer](ctx, c.peer, vaultrpc.DeleteCredential, r)
}

// DeleteCredential deletes a credential, so that it can be taken back, or destroys it.
func (c *Control) DeleteCredential(ctx context.Context, r *vaultrpc.CredentialRequest) error {
	return empty(ctx, c.peer, vaultrpc.DeleteCredential, r)
}

// Deleted lists the deleted credentials that can be taken back.
func (c *Control) Deleted(ctx context.Context, r *vaultrpc.WorkspaceRequest) (*vaultrpc.DeletedAnswer, error) {
	return rpc.Call[vaultrpc.WorkspaceRequest, vaultrpc.DeletedAnswer](ctx, c.peer, vaultrpc.Deleted, r)
}

// Undelete takes a deleted credential back.
func (c *Control) Undelete(ctx context.Context, r *vaultrpc.CredentialRequest) (*vaultrpc.CredentialAnswer, error) {
	return rpc.Call[vaultrpc.CredentialRequest, vaultrpc.CredentialAnswer](ctx, c.peer, vaultrpc.Undelete, r)
}

// DestroyDeleted destroys a deleted credential before its time.
func (c *Control) DestroyDeleted(ctx context.Context, r *vaultrpc.CredentialRequest) (*vaultrpc.DeleteAnswer, error) {
	return rpc.Call[vaultrpc.CredentialRequest, vaultrpc.DeleteAnswer](ctx, c.peer, vaultrpc.DestroyDeleted, r)
}

// Credential is what may be said of one credential.
func (c *Control) Credential(ctx context.Context, r *vaultrpc.CredentialRequest) (*vaultrpc.CredentialAnswer, error) {
	return rpc.Call[vaultrpc.CredentialRequest, vaultrpc.CredentialAnswer](ctx, c.peer, vaultrpc.Credential, r)
}

// Credentials lists the credentials that the caller may know of.
func (c *Control) Credentials(ctx context.Context, r *vaultrpc.CredentialsRequest) (*vaultrpc.CredentialsAnswer, error) {
	return rpc.Call[vaultrpc.CredentialsRequest, vaultrpc.CredentialsAnswer](ctx, c.peer, vaultrpc.Credentials, r)
}

// Events lists the audit log, as far as the caller may see it.
func (c *Control) Events(ctx context.Context, r *vaultrpc.EventsRequest) (*vaultrpc.EventsAnswer, error) {
	return rpc.Call[vaultrpc.EventsRequest, vaultrpc.EventsAnswer](ctx, c.peer, vaultrpc.Events, r)
}

// VerifyEvents checks the caller's workspace's chain from its first event on.
func (c *Control) VerifyEvents(ctx context.Context, r *vaultrpc.WorkspaceRequest) (*vaultrpc.VerifyAnswer, error) {
	return rpc.Call[vaultrpc.WorkspaceRequest, vaultrpc.VerifyAnswer](ctx, c.peer, vaultrpc.VerifyEvents, r)
}

// Requests lists requests.
func (c *Control) Requests(ctx context.Context, r *vaultrpc.RequestsRequest) (*vaultrpc.RequestsAnswer, error) {
	return rpc.Call[vaultrpc.RequestsRequest, vaultrpc.RequestsAnswer](ctx, c.peer, vaultrpc.Requests, r)
}

// Request shows a request.
func (c *Control) Request(ctx context.Context, r *vaultrpc.RequestRequest) (*vaultrpc.RequestAnswer, error) {
	return rpc.Call[vaultrpc.RequestRequest, vaultrpc.RequestAnswer](ctx, c.peer, vaultrpc.Request, r)
}

// DecideRequest approves or refuses a request.
func (c *Control) DecideRequest(ctx context.Context, r *vaultrpc.DecideRequestRequest) (*vaultrpc.RequestAnswer, error) {
	return rpc.Call[vaultrpc.DecideRequestRequest, vaultrpc.RequestAnswer](ctx, c.peer, vaultrpc.DecideRequest, r)
}

// Explain asks what a job may use.
func (c *Control) Explain(ctx context.Context, r *vaultrpc.ExplainRequest) (*vaultrpc.ExplainAnswer, error) {
	return rpc.Call[vaultrpc.ExplainRequest, vaultrpc.ExplainAnswer](ctx, c.peer, vaultrpc.Explain, r)
}
