package vault

import (
	"context"
	"net/http"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/vault/internal/advice"
)

// connected serves what people ask of connections: the catalogue, keys, links,
// and the workspace's OAuth clients.
func (d *Daemon) connected(mux *http.ServeMux) {
	handle(d, mux, vaultrpc.Advise, hotcell.ScopeAny, func(_ context.Context, r *vaultrpc.AdviseRequest) (*vaultrpc.AdviseAnswer, error) {
		return &vaultrpc.AdviseAnswer{Advice: advice.For(d.catalog, r.What)}, nil
	})
	handle(d, mux, vaultrpc.Connectors, hotcell.ScopeAny, d.connections.Connectors)
	handle(d, mux, vaultrpc.LintConnector, hotcell.ScopeWriteCredentials, d.connections.LintConnector)
	handle(d, mux, vaultrpc.CreateConnection, hotcell.ScopeWriteCredentials, func(ctx context.Context, r *vaultrpc.CreateConnectionRequest) (*vaultrpc.CredentialAnswer, error) {
		return credentialOf(d.connections.Create(ctx, r))
	})
	handle(d, mux, vaultrpc.ChangeConnection, hotcell.ScopeWriteCredentials, func(ctx context.Context, r *vaultrpc.ChangeConnectionRequest) (*vaultrpc.CredentialAnswer, error) {
		return credentialOf(d.connections.Change(ctx, r))
	})
	handle(d, mux, vaultrpc.TestConnection, hotcell.ScopeWriteCredentials, d.connections.Test)
	handle(d, mux, vaultrpc.Tools, hotcell.ScopeReadCredentials, d.connections.Tools)
	handle(d, mux, vaultrpc.CreateLink, hotcell.ScopeWriteCredentials, d.connections.CreateLink)
	handle(d, mux, vaultrpc.Link, hotcell.ScopeReadCredentials, d.connections.Link)
	handleOpen(d, mux, vaultrpc.LookAtLink, d.connections.LookAtLink)
	handleOpen(d, mux, vaultrpc.OpenLink, d.connections.OpenLink)
	handleOpen(d, mux, vaultrpc.FinishLink, d.connections.FinishLink)
	handle(d, mux, vaultrpc.Clients, hotcell.ScopeReadSettings, d.connections.Clients)
	handleConfirmed(d, mux, vaultrpc.SetClient, hotcell.ScopeWriteSettings, d.sayClient, nothing(d.connections.SetClient))
	handle(d, mux, vaultrpc.DeleteClient, hotcell.ScopeWriteSettings, nothing(d.connections.DeleteClient))
}

func credentialOf(c hotcell.Credential, err error) (*vaultrpc.CredentialAnswer, error) {
	return &vaultrpc.CredentialAnswer{Credential: c}, err
}

// nothing answers with an empty message.
func nothing[Request any](fn func(context.Context, *Request) error) func(context.Context, *Request) (*vaultrpc.Empty, error) {
	return func(ctx context.Context, r *Request) (*vaultrpc.Empty, error) { return &vaultrpc.Empty{}, fn(ctx, r) }
}
