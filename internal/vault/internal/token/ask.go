package token

import (
	"context"
	"errors"
	"fmt"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/vault/internal/oauth"
)

// ask asks the service in the way of the connection's connector, as long as the
// lease is held and leaves time to store what comes.
func (k *Keeper) ask(ctx context.Context, r *door.Refreshing) (*oauth.Tokens, error) {
	c := r.Credential
	most, _ := k.Vault.RefreshTime(r)
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	asking := k.OAuth.While(func() error {
		if err := k.open(); err != nil {
			return err
		}
		return k.Vault.HoldsRefresh(ctx, r)
	})
	of, ok := k.Catalog.Find(c.Connected.Connector)
	if !ok {
		return nil, fmt.Errorf("%w: the connector %s is not in the catalogue any more", hotcell.ErrUnavailable, c.Connected.Connector)
	}
	of, err := of.Of(c.Connected)
	if err != nil {
		return nil, err
	}
	auth := &of.Auth
	if auth.Kind == connector.ServiceAccount {
		key, err := field(r.Fields, hotcell.FieldKey)
		if err != nil {
			return nil, err
		}
		return asking.ServiceAccount(ctx, auth, key, c.Connected.Settings[auth.Subject], c.Connected.Scopes)
	}
	client, err := k.client(ctx, c, r.Fields)
	if err != nil {
		return nil, err
	}
	defer client.Secret.Clear()
	if auth.Kind == connector.ClientCredentials {
		return asking.ClientCredentials(ctx, auth, client, c.Connected.Scopes)
	}
	refresh, err := field(r.Fields, hotcell.FieldRefresh)
	if err != nil {
		return nil, &oauth.Fault{Kind: oauth.Revoked, Code: "no refresh token"}
	}
	return asking.Refresh(ctx, auth, client, refresh)
}

// client is the OAuth client that the grant was given to: another of the same
// connector cannot refresh it.
func (k *Keeper) client(ctx context.Context, c hotcell.Credential, fields []door.Field) (oauth.Client, error) {
	if key, err := field(fields, hotcell.FieldKey); err == nil { // a client of the connection's own
		copied, err := clone(key)
		return oauth.Client{ID: c.Connected.Client, Secret: copied}, err
	}
	kept, secret, err := k.Vault.ClientFor(ctx, c.Workspace, c.Connected.Connector, c.Connected.Endpoints, c.Connected.Client)
	if errors.Is(err, hotcell.ErrNotFound) {
		return oauth.Client{}, fmt.Errorf("%w: the workspace's OAuth client of %s is gone: set it again", hotcell.ErrUnavailable, c.Connected.Connector)
	}
	if err == nil && kept.ID != c.Connected.Client {
		secret.Clear()
		return oauth.Client{}, &oauth.Fault{Kind: oauth.Revoked, Code: "another client's grant"}
	}
	return oauth.Client{ID: kept.ID, Secret: secret, Public: kept.Public}, err
}

func clone(b sensitive.Bytes) (out sensitive.Bytes, err error) {
	err = b.Use(func(v []byte) error { out = sensitive.Copy(v); return nil })
	return out, err
}

func field(fields []door.Field, name string) (sensitive.Bytes, error) {
	for _, f := range fields {
		if f.Name == name {
			return f.Value, nil
		}
	}
	return sensitive.Bytes{}, fmt.Errorf("%w: the connection has no %s", hotcell.ErrTampered, name)
}

// abandon revokes tokens that nobody has a place for: the connection was deleted
// while they were asked for.
func (k *Keeper) abandon(ctx context.Context, r *door.Refreshing, tokens *oauth.Tokens) {
	of, ok := k.Catalog.Find(r.Credential.Connected.Connector)
	if !ok {
		return
	}
	of, err := of.Of(r.Credential.Connected)
	if err != nil || !of.Revocable() {
		return
	}
	client, err := k.client(ctx, r.Credential, r.Fields)
	if err != nil {
		return
	}
	defer client.Secret.Clear()
	if err := k.OAuth.Revoke(ctx, of, r.Credential.Connected.Settings, client, tokens); err != nil {
		k.Log.Warn("tokens of a deleted connection were not revoked", "connection", r.Credential.ID, "error", err)
	}
}
