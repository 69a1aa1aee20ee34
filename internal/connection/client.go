package connection

import (
	"context"

	"hotcell"
	"hotcell/internal/parcel"
	"hotcell/internal/sensitive"
	"hotcell/internal/vault"
	"hotcell/internal/vaultrpc"
)

// The place of a client's secret in the message that it comes in.
const (
	tierClient  = "client"
	fieldSecret = "secret"
)

// maxClientID bounds an OAuth client's id, in bytes.
const maxClientID = 512

// SetClient sets the workspace's own OAuth client of a connector.
func (s *Service) SetClient(ctx context.Context, r *vaultrpc.SetClientRequest) error {
	c, found := s.Catalog.Find(r.Connector)
	if !found || !needsClient(c) {
		return hotcell.Invalid("/connector", "there is no connector of this name that takes an OAuth client: hotcell connections catalog lists them")
	}
	if r.ID == "" || len(r.ID) > maxClientID || unprintable(r.ID) {
		return hotcell.Invalid("/id", "a client's id has 1 to %d printable ASCII characters", maxClientID)
	}
	secret := sensitive.New(nil)
	if len(r.Secret) > 0 {
		in := parcel.Context{Workspace: string(r.Principal.Workspace), Tier: tierClient, Item: r.Connector, Field: fieldSecret}
		came, err := s.Vault.Receive(r.Principal.Workspace, in, r.Secret)
		if err != nil {
			return hotcell.Invalid("/secret", "this secret was not sealed to the vault's key for this workspace and connector")
		}
		defer came.Clear()
		if err := came.Use(checkClientSecret); err != nil {
			return err
		}
		secret = came
	}
	return s.Vault.SetClient(ctx, r.Principal, hotcell.Client{Connector: r.Connector, ID: r.ID}, secret, func(a *vault.Act) error { return s.see(a, r.Secret) })
}

func checkClientSecret(secret []byte) error {
	if len(secret) == 0 || len(secret) > hotcell.MaxValue || unprintable(string(secret)) {
		return hotcell.Invalid("/secret", "a client's secret is printable ASCII in one line, of at most %d bytes", hotcell.MaxValue)
	}
	return nil
}

// Clients lists the workspace's OAuth clients.
func (s *Service) Clients(ctx context.Context, r *vaultrpc.WorkspaceRequest) (*vaultrpc.ClientsAnswer, error) {
	list, err := s.Vault.Clients(ctx, r.Principal)
	if err != nil {
		return nil, err
	}
	out := &vaultrpc.ClientsAnswer{}
	for _, c := range list {
		out.Clients = append(out.Clients, vaultrpc.OAuthClient{Connector: c.Connector, ID: c.ID, Public: c.Public})
	}
	return out, nil
}

// DeleteClient deletes one. What was connected by it cannot be renewed any more.
func (s *Service) DeleteClient(ctx context.Context, r *vaultrpc.DeleteClientRequest) error {
	return s.Vault.DeleteClient(ctx, r.Principal, r.Connector)
}
