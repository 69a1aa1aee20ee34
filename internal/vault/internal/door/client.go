package door

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"hotcell"
	"hotcell/internal/policy/access"
	"hotcell/internal/value/sensitive"
)

// labelClient is the label of the sealed secret of an OAuth client. It binds the
// client's id, so that a secret is sent for no other.
func labelClient(c hotcell.Client) string {
	return fmt.Sprintf("client %q %q", c.Connector, c.ID)
}

// SetClient stores the workspace's own OAuth client of a connector; an empty
// secret is a public client's. See is asked, once it is permitted, whether what
// the secret came in may be taken.
func (v *Vault) SetClient(ctx context.Context, p hotcell.Principal, c hotcell.Client, secret sensitive.Bytes, see func(*Act) error) error {
	c.Workspace, c.CreatedAt, c.Public, c.Sealed = p.Workspace, v.now(), secret.Len() == 0, nil
	return v.Change(ctx, p, hotcell.Event{Kind: "client.set", Name: c.Connector}, func(a *Act) (err error) {
		if err := a.Permit(access.ChangeSettings, access.Resource{}); err != nil {
			return err
		}
		if err := see(a); err != nil {
			return err
		}
		if !c.Public {
			if c.Sealed, err = v.sealText(labelClient(c), secret); err != nil {
				return err
			}
		}
		return a.PutClient(c)
	})
}

func (v *Vault) sealText(label string, text sensitive.Bytes) (sealed []byte, err error) {
	err = text.Use(func(b []byte) (err error) {
		sealed, err = v.sealBlob(label, b)
		return err
	})
	return sealed, err
}

// DeleteClient deletes the workspace's own OAuth client of a connector.
func (v *Vault) DeleteClient(ctx context.Context, p hotcell.Principal, connector string) error {
	return v.Change(ctx, p, hotcell.Event{Kind: "client.delete", Name: connector}, func(a *Act) error {
		if err := a.Permit(access.ChangeSettings, access.Resource{}); err != nil {
			return err
		}
		return a.VaultWriter.DeleteClient(p.Workspace, connector)
	})
}

// Clients lists the workspace's own OAuth clients; the caller shows no secret.
func (v *Vault) Clients(ctx context.Context, p hotcell.Principal) (list []hotcell.Client, err error) {
	err = v.Look(ctx, p, hotcell.Event{Kind: "client.list"}, func(l *Look) (err error) {
		list, err = l.VaultReader.Clients(p.Workspace)
		return err
	})
	return list, err
}

// OpenClient opens a connector's OAuth client for a request to its token
// endpoint. The caller clears the secret.
func (v *Vault) OpenClient(ctx context.Context, ws hotcell.WorkspaceID, connector string) (c hotcell.Client, secret sensitive.Bytes, err error) {
	err = v.store.View(ctx, func(r hotcell.VaultReader) (err error) {
		c, err = r.Client(ws, connector)
		return err
	})
	if err != nil || c.Public {
		return c, secret, err
	}
	v.tidy.Used()
	secret, err = v.openBlob(labelClient(c), c.Sealed)
	if errors.Is(err, hotcell.ErrUnavailable) {
		return c, secret, err
	}
	if err != nil {
		return c, secret, fmt.Errorf("%w: the secret of the OAuth client of %s does not open", hotcell.ErrTampered, connector)
	}
	return c, secret, nil
}

// ClientFor opens the client that something was asked for by: the workspace's own of a
// connector, which may be another than it was; at a server that was found out, the one
// of that id, which has no secret where it was made for this alone. The caller clears
// the secret.
func (v *Vault) ClientFor(ctx context.Context, ws hotcell.WorkspaceID, connector string, e *hotcell.Endpoints, id string) (c hotcell.Client, secret sensitive.Bytes, err error) {
	if e == nil {
		return v.OpenClient(ctx, ws, connector)
	}
	c, secret, err = v.OpenClient(ctx, ws, e.Own())
	if errors.Is(err, hotcell.ErrNotFound) || err == nil && c.ID != id {
		secret.Clear()
		return hotcell.Client{Workspace: ws, Connector: e.Own(), ID: id, Public: true}, sensitive.Bytes{}, nil
	}
	return c, secret, err
}

// Derive is a text of 256 bits that only this vault can make, the same each time
// for the same purpose and id: links, states and proof keys need no storage.
func (v *Vault) Derive(purpose, id string) (out string) {
	_ = v.seeds.Load().of(id).Use(func(b []byte) error {
		mac := hmac.New(sha256.New, b)
		_, _ = fmt.Fprintf(mac, "hotcell derived v1|%q|%q", purpose, id)
		out = base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
		return nil
	})
	return out
}
