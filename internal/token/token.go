// Package token keeps the tokens of connections good, in the vault's process:
// it refreshes them before their end, and when a service says that it does not
// know one any more.
//
// It guards that a refresh token is sent by one at a time over all processes,
// and at most once more where it is not known what came of it: services that
// rotate refresh tokens take a second use for a theft, and end the whole grant.
// It opens no token for anybody. One way to use it:
//
//	err := keeper.Ensure(ctx, workspace, connection, 0)
package token

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"hotcell"
	"hotcell/internal/connector"
	"hotcell/internal/oauth"
	"hotcell/internal/sensitive"
	"hotcell/internal/vault"
)

// Config is what a keeper needs.
type Config struct {
	Vault   *vault.Vault
	Catalog *connector.Catalog
	OAuth   *oauth.Service
	// Holder names this keeper among all that share the store.
	Holder string
	Log    *slog.Logger
}

// Keeper keeps tokens good. It may be used at once from anywhere.
type Keeper struct {
	Config
	mu    sync.Mutex
	under map[hotcell.CredentialID]*flight
}

// flight is one look at a connection that many wait for.
type flight struct {
	refused int
	done    chan struct{}
	err     error
}

// New is a keeper.
func New(c Config) *Keeper {
	return &Keeper{Config: c, under: map[hotcell.CredentialID]*flight{}}
}

// Ensure sees to it that the newest version of a connection has a token that is
// good, and is not the version that the service refused; 0 for none. It fails
// with [hotcell.ErrNeedsReconnect] where a person must renew it, and with
// [hotcell.ErrUnavailable] where the service is not there.
func (k *Keeper) Ensure(ctx context.Context, ws hotcell.WorkspaceID, id hotcell.CredentialID, refused int) error {
	for {
		f, first := k.join(id, refused)
		if first {
			// Whoever asked may go; the refresh that was begun is ended.
			f.err = k.ensure(context.WithoutCancel(ctx), ws, id, refused)
			k.leave(id, f)
			return f.err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-f.done:
		}
		if f.refused >= refused {
			return f.err
		}
	}
}

func (k *Keeper) join(id hotcell.CredentialID, refused int) (f *flight, first bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if f := k.under[id]; f != nil {
		return f, false
	}
	f = &flight{refused: refused, done: make(chan struct{})}
	k.under[id] = f
	return f, true
}

func (k *Keeper) leave(id hotcell.CredentialID, f *flight) {
	k.mu.Lock()
	delete(k.under, id)
	k.mu.Unlock()
	close(f.done)
}

// maxWait bounds how long another's refresh is waited for.
const maxWait = 90 * time.Second

// ensure refreshes, or waits until somebody else has.
func (k *Keeper) ensure(ctx context.Context, ws hotcell.WorkspaceID, id hotcell.CredentialID, refused int) error {
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	for {
		r, wait, err := k.Vault.BeginRefresh(ctx, ws, id, k.Holder, refused)
		switch {
		case err != nil:
			return err
		case r != nil:
			again, err := k.refresh(ctx, r)
			r.Clear()
			if !again {
				return err
			}
			continue
		case wait == 0:
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: the connection's token is being renewed, and that takes long", hotcell.ErrUnavailable)
		case <-time.After(wait):
		}
	}
}

// rest is how long nobody asks a service that did not answer.
const rest = 2 * time.Second

// refresh asks the service, and stores what it says before anybody uses it.
// Again is true where it is worth one more look: it is not known what came of it.
func (k *Keeper) refresh(ctx context.Context, r *vault.Refreshing) (again bool, err error) {
	tokens, err := k.ask(ctx, r)
	if err != nil {
		return k.failed(ctx, r, err)
	}
	defer tokens.Clear()
	fields, err := next(r, tokens)
	if err != nil {
		return false, err
	}
	err = k.Vault.FinishRefresh(ctx, r, fields, func(c *hotcell.Connected) {
		expires := tokens.Expires
		if expires.IsZero() {
			c.Expires = nil
		} else {
			c.Expires = &expires
		}
		if tokens.Scopes != nil {
			c.Scopes = tokens.Scopes
		}
	})
	switch {
	case errors.Is(err, hotcell.ErrConflict):
		return true, nil // somebody else's version stands
	case errors.Is(err, hotcell.ErrNotFound):
		k.abandon(ctx, r, tokens)
		return false, fmt.Errorf("%w: the connection was deleted", hotcell.ErrDenied)
	case err != nil:
		return false, err
	}
	return false, nil
}

// next are the values of the next version: the new tokens, and of the old values
// what goes on.
func next(r *vault.Refreshing, tokens *oauth.Tokens) ([]vault.Field, error) {
	fields := make([]vault.Field, 0, len(r.Fields))
	access := false
	for _, f := range r.Fields {
		switch {
		case f.Name == hotcell.FieldAccess:
			access = true
			fields = append(fields, vault.Field{Name: f.Name, Value: tokens.Access})
		case f.Name == hotcell.FieldRefresh && tokens.Refresh.Len() > 0:
			fields = append(fields, vault.Field{Name: f.Name, Value: tokens.Refresh})
		default:
			fields = append(fields, f)
		}
	}
	if !access {
		return nil, fmt.Errorf("%w: the connection has no place for a token", hotcell.ErrTampered)
	}
	return fields, nil
}

// ask asks the service in the way of the connection's connector.
func (k *Keeper) ask(ctx context.Context, r *vault.Refreshing) (*oauth.Tokens, error) {
	c := r.Credential
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
		return k.OAuth.ServiceAccount(ctx, auth, key, c.Connected.Settings[auth.Subject], c.Connected.Scopes)
	}
	client, err := k.client(ctx, c, r.Fields)
	if err != nil {
		return nil, err
	}
	defer client.Secret.Clear()
	if auth.Kind == connector.ClientCredentials {
		return k.OAuth.ClientCredentials(ctx, auth, client, c.Connected.Scopes)
	}
	refresh, err := field(r.Fields, hotcell.FieldRefresh)
	if err != nil {
		return nil, &oauth.Fault{Kind: oauth.Revoked, Code: "no refresh token"}
	}
	return k.OAuth.Refresh(ctx, auth, client, refresh)
}

// client is the OAuth client that the grant was given to: another of the same
// connector cannot refresh it.
func (k *Keeper) client(ctx context.Context, c hotcell.Credential, fields []vault.Field) (oauth.Client, error) {
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

func field(fields []vault.Field, name string) (sensitive.Bytes, error) {
	for _, f := range fields {
		if f.Name == name {
			return f.Value, nil
		}
	}
	return sensitive.Bytes{}, fmt.Errorf("%w: the connection has no %s", hotcell.ErrTampered, name)
}

// failed tells the vault how a refresh failed, and says what it means for
// whoever waits.
func (k *Keeper) failed(ctx context.Context, r *vault.Refreshing, cause error) (again bool, err error) {
	c := r.Credential
	fault, ok := errors.AsType[*oauth.Fault](cause)
	if !ok {
		k.Log.Error("refreshing a connection", "connection", c.ID, "error", cause)
		err := k.Vault.FailRefresh(ctx, r, vault.RefreshUnavailable, rest)
		return false, errors.Join(cause, err)
	}
	k.Log.Warn("a connection was not refreshed", "connection", c.ID, "connector", c.Connected.Connector, "reason", fault.Error())
	switch fault.Kind {
	case oauth.Revoked:
		if err := k.Vault.FailRefresh(ctx, r, vault.RefreshRevoked, 0); err != nil {
			return false, err
		}
		return true, nil // to be told as everybody is from now on
	case oauth.Ambiguous:
		return true, k.Vault.FailRefresh(ctx, r, vault.RefreshAmbiguous, 0)
	case oauth.Unavailable, oauth.Refused, oauth.Waiting:
	}
	wait := max(fault.After, rest)
	if fault.Kind == oauth.Refused {
		wait = 30 * time.Second // it is a matter of settings, not of moments
	}
	if err := k.Vault.FailRefresh(ctx, r, vault.RefreshUnavailable, wait); err != nil {
		return false, err
	}
	return false, fmt.Errorf("%w: the token of %q could not be renewed: %w", hotcell.ErrUnavailable, c.Name, fault)
}

// abandon revokes tokens that nobody has a place for: the connection was deleted
// while they were asked for.
func (k *Keeper) abandon(ctx context.Context, r *vault.Refreshing, tokens *oauth.Tokens) {
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
