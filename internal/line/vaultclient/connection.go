package vaultclient

import (
	"context"

	"hotcell/internal/line/rpc"
	"hotcell/internal/line/vaultrpc"
)

// Connectors lists the catalogue.
func (c *Control) Connectors(ctx context.Context, r *vaultrpc.ConnectorsRequest) (*vaultrpc.ConnectorsAnswer, error) {
	return rpc.Call[vaultrpc.ConnectorsRequest, vaultrpc.ConnectorsAnswer](ctx, c.peer, vaultrpc.Connectors, r)
}

// LintConnector asks what is wrong with a connector's document.
func (c *Control) LintConnector(ctx context.Context, r *vaultrpc.LintConnectorRequest) (*vaultrpc.LintConnectorAnswer, error) {
	return rpc.Call[vaultrpc.LintConnectorRequest, vaultrpc.LintConnectorAnswer](ctx, c.peer, vaultrpc.LintConnector, r)
}

// CreateConnection makes a connection with a key.
func (c *Control) CreateConnection(ctx context.Context, r *vaultrpc.CreateConnectionRequest) (*vaultrpc.CredentialAnswer, error) {
	return rpc.Call[vaultrpc.CreateConnectionRequest, vaultrpc.CredentialAnswer](ctx, c.peer, vaultrpc.CreateConnection, r)
}

// ChangeConnection changes what is given and leaves the rest.
func (c *Control) ChangeConnection(ctx context.Context, r *vaultrpc.ChangeConnectionRequest) (*vaultrpc.CredentialAnswer, error) {
	return rpc.Call[vaultrpc.ChangeConnectionRequest, vaultrpc.CredentialAnswer](ctx, c.peer, vaultrpc.ChangeConnection, r)
}

// TestConnection asks the service whether a connection works.
func (c *Control) TestConnection(ctx context.Context, r *vaultrpc.TestConnectionRequest) (*vaultrpc.TestConnectionAnswer, error) {
	return rpc.Call[vaultrpc.TestConnectionRequest, vaultrpc.TestConnectionAnswer](ctx, c.peer, vaultrpc.TestConnection, r)
}

// Tools lists the tools of a connection.
func (c *Control) Tools(ctx context.Context, r *vaultrpc.ToolsRequest) (*vaultrpc.ToolsAnswer, error) {
	return rpc.Call[vaultrpc.ToolsRequest, vaultrpc.ToolsAnswer](ctx, c.peer, vaultrpc.Tools, r)
}

// CreateLink begins to connect an account.
func (c *Control) CreateLink(ctx context.Context, r *vaultrpc.CreateLinkRequest) (*vaultrpc.CreateLinkAnswer, error) {
	return rpc.Call[vaultrpc.CreateLinkRequest, vaultrpc.CreateLinkAnswer](ctx, c.peer, vaultrpc.CreateLink, r)
}

// Link shows a link.
func (c *Control) Link(ctx context.Context, r *vaultrpc.LinkRequest) (*vaultrpc.LinkAnswer, error) {
	return rpc.Call[vaultrpc.LinkRequest, vaultrpc.LinkAnswer](ctx, c.peer, vaultrpc.Link, r)
}

// LookAtLink is a browser that looks at a link.
func (c *Control) LookAtLink(ctx context.Context, r *vaultrpc.LookAtLinkRequest) (*vaultrpc.LookAtLinkAnswer, error) {
	return rpc.Call[vaultrpc.LookAtLinkRequest, vaultrpc.LookAtLinkAnswer](ctx, c.peer, vaultrpc.LookAtLink, r)
}

// OpenLink is a browser that opens a link.
func (c *Control) OpenLink(ctx context.Context, r *vaultrpc.OpenLinkRequest) (*vaultrpc.OpenLinkAnswer, error) {
	return rpc.Call[vaultrpc.OpenLinkRequest, vaultrpc.OpenLinkAnswer](ctx, c.peer, vaultrpc.OpenLink, r)
}

// FinishLink is a browser that comes back.
func (c *Control) FinishLink(ctx context.Context, r *vaultrpc.FinishLinkRequest) (*vaultrpc.FinishLinkAnswer, error) {
	return rpc.Call[vaultrpc.FinishLinkRequest, vaultrpc.FinishLinkAnswer](ctx, c.peer, vaultrpc.FinishLink, r)
}

// Clients lists the workspace's OAuth clients.
func (c *Control) Clients(ctx context.Context, r *vaultrpc.WorkspaceRequest) (*vaultrpc.ClientsAnswer, error) {
	return rpc.Call[vaultrpc.WorkspaceRequest, vaultrpc.ClientsAnswer](ctx, c.peer, vaultrpc.Clients, r)
}

// Advise asks which tier a system is for.
func (c *Control) Advise(ctx context.Context, r *vaultrpc.AdviseRequest) (*vaultrpc.AdviseAnswer, error) {
	return rpc.Call[vaultrpc.AdviseRequest, vaultrpc.AdviseAnswer](ctx, c.peer, vaultrpc.Advise, r)
}

// SetClient sets the workspace's own OAuth client of a connector.
func (c *Control) SetClient(ctx context.Context, r *vaultrpc.SetClientRequest) error {
	return empty(ctx, c.peer, vaultrpc.SetClient, r)
}

// DeleteClient deletes one.
func (c *Control) DeleteClient(ctx context.Context, r *vaultrpc.DeleteClientRequest) error {
	return empty(ctx, c.peer, vaultrpc.DeleteClient, r)
}
