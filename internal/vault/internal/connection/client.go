package connection

import (
	"context"
	"strings"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/policy/access"
	"hotcell/internal/value/parcel"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/door"
)

// The place of a client's secret in the message that it comes in.
const (
	tierClient  = "client"
	fieldSecret = "secret"
)

// maxClientID bounds an OAuth client's id, in bytes.
const maxClientID = 512

// slugMCP is the connector of servers that describe themselves.
const slugMCP = "mcp"

// SetClient sets the workspace's own OAuth client of a connector; for MCP servers, of
// the authorisation server that one of them names.
func (s *Service) SetClient(ctx context.Context, r *vaultrpc.SetClientRequest) error {
	if err := s.checkClient(r); err != nil {
		return err
	}
	secret := sensitive.New(nil)
	if len(r.Secret) > 0 {
		in := parcel.Context{Workspace: string(r.Principal.Workspace), Tier: tierClient, Item: itemOf(r), Field: fieldSecret}
		came, err := s.Vault.Receive(r.Principal.Workspace, in, r.Secret)
		if err != nil {
			return door.NotReceived(err, hotcell.Invalid("/secret", "this secret was not sealed to the vault's key for this workspace and connector"))
		}
		defer came.Clear()
		if err := came.Use(checkClientSecret); err != nil {
			return err
		}
		secret = came
	}
	name := r.Connector
	if r.Server != "" {
		issuer, err := s.issuer(ctx, r)
		if err != nil {
			return err
		}
		name = hotcell.OwnClient(issuer)
	}
	return s.Vault.SetClient(ctx, r.Principal, hotcell.Client{Connector: name, ID: r.ID}, secret, func(a *door.Act) error { return s.see(a, r.Secret) })
}

func (s *Service) checkClient(r *vaultrpc.SetClientRequest) error {
	c, found := s.Catalog.Find(r.Connector)
	switch {
	case r.Server != "" && r.Connector != slugMCP:
		return hotcell.Invalid("/server", "a server is given for %s alone", slugMCP)
	case r.Server == "" && r.Connector == slugMCP:
		return hotcell.Invalid("/server", "of which server? Give the MCP server's address, or its authorisation server's")
	case r.Server == "" && (!found || !needsClient(c)):
		return hotcell.Invalid("/connector", "there is no connector of this name that takes an OAuth client: hotcell connections catalog lists them")
	case r.ID == "" || len(r.ID) > maxClientID || unprintable(r.ID):
		return hotcell.Invalid("/id", "a client's id has 1 to %d printable ASCII characters", maxClientID)
	}
	return nil
}

// itemOf is what a client's secret is sealed for.
func itemOf(r *vaultrpc.SetClientRequest) string {
	if r.Server != "" {
		return hotcell.OwnClient(r.Server)
	}
	return r.Connector
}

// issuer asks a server whose clients its own are. What is kept is bound to that: a
// server that names another one later gets no secret sent there.
func (s *Service) issuer(ctx context.Context, r *vaultrpc.SetClientRequest) (string, error) {
	err := s.Vault.Look(ctx, r.Principal, hotcell.Event{Kind: "client.set", Name: hotcell.OwnClient(r.Server)}, func(l *door.Look) error {
		return l.Permit(access.ChangeSettings, access.Resource{})
	})
	if err != nil {
		return "", err
	}
	return s.OAuth.Issuer(ctx, r.Server)
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
		one := vaultrpc.OAuthClient{Connector: c.Connector, ID: c.ID, Public: c.Public}
		if _, issuer, found := strings.Cut(c.Connector, slugMCP+" "); found {
			one.Connector, one.Server, one.Back = slugMCP, issuer, backPath(issuer)
		}
		out.Clients = append(out.Clients, one)
	}
	return out, nil
}

// DeleteClient deletes one. What was connected by it cannot be renewed any more.
func (s *Service) DeleteClient(ctx context.Context, r *vaultrpc.DeleteClientRequest) error {
	name := r.Connector
	if r.Server != "" {
		name = hotcell.OwnClient(r.Server)
	}
	return s.Vault.DeleteClient(ctx, r.Principal, name)
}
