package connection

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/policy/access"
	"hotcell/internal/text/shell"
	"hotcell/internal/vault/internal/book"
	"hotcell/internal/vault/internal/door"
)

// find finds out where a link to a server that describes itself leads: the server
// says who gives tokens for it. A connection that is renewed asks anew.
func (s *Service) find(ctx context.Context, l *hotcell.Link) error {
	settings := l.Settings
	if l.Renews != "" {
		c, _, err := s.Vault.Credential(ctx, hotcell.Principal{Workspace: l.Workspace, Member: l.Owner, Via: "link"}, l.Renews)
		if err != nil || c.Connected == nil || c.Connected.Endpoints == nil {
			return nil //nolint:nilerr // what is wrong with it is said, and recorded, where the link is made
		}
		l.Connector, settings = c.Connected.Connector, c.Connected.Settings
	}
	c, found := s.Catalog.Find(l.Connector)
	if !found || c.Definition != book.MCP {
		return nil
	}
	if err := c.CheckSettings(settings); err != nil {
		return err
	}
	at, err := s.OAuth.Discover(ctx, settings[settingURL])
	if err != nil {
		return err
	}
	l.Endpoints, l.Scopes = &at.Endpoints, at.Scopes
	return nil
}

// errNoClient is a server that nobody can be a client of by itself.
func errNoClient(e *hotcell.Endpoints) error {
	return hotcell.Invalid("/settings/url", "this server's authorisation server makes no clients by itself: an administrator registers one there, and sets it: hotcell connections clients set %s --id ID", shell.Quote(e.Issuer))
}

// ownClient is the workspace's own client at a server that was found out; with an
// empty id where there is none, and one is made then.
func ownClient(a *door.Act, e *hotcell.Endpoints, ws hotcell.WorkspaceID) (hotcell.Client, error) {
	client, err := a.Client(ws, e.Own())
	switch {
	case err == nil:
		return client, nil
	case !errors.Is(err, hotcell.ErrNotFound):
		return client, err
	case e.Register == "":
		return client, errNoClient(e)
	}
	return hotcell.Client{Public: true}, nil
}

// clientFor makes the client of a link that a browser has opened, where its server
// makes some: once, and for one browser at a time.
func (s *Service) clientFor(ctx context.Context, l hotcell.Link, callback string) (hotcell.Link, error) {
	if l.Endpoints == nil || l.Client != "" {
		return l, nil
	}
	s.mu.Lock()
	busy := s.registering[l.ID]
	s.registering[l.ID] = true
	s.mu.Unlock()
	if busy {
		return l, fmt.Errorf("%w: this link is being opened already: try again in a moment", hotcell.ErrConflict)
	}
	defer func() {
		s.mu.Lock()
		delete(s.registering, l.ID)
		s.mu.Unlock()
	}()
	made, err := s.OAuth.Register(ctx, l.Endpoints, callback, l.Scopes)
	if err != nil {
		return l, err
	}
	err = s.Vault.Change(ctx, door.OfLink(l), hotcell.Event{Kind: "link.register", Name: l.Name, Credential: l.Renews}, func(a *door.Act) error {
		now, err := a.Link(l.Workspace, l.ID)
		if err != nil {
			return err
		}
		if err := a.Permit(access.CreateCredential, access.Resource{Owner: now.Owner}); err != nil {
			return err
		}
		if now.State != hotcell.LinkOpened || now.Client != "" {
			return fmt.Errorf("%w: the link has come further meanwhile: open it again", hotcell.ErrConflict)
		}
		now.Client = made
		l = now
		return a.PutLink(now)
	})
	return l, err
}

// tagSize is how much of an issuer's hash is in the address to come back to.
const tagSize = 8

// backTo is where a service leads back to: of a server that was found out, an address
// of its issuer alone. So what one of them gives out cannot be passed off as another's,
// although not all say in their answers who they are (RFC 9700 section 4.4.2.2).
func backTo(e *hotcell.Endpoints, callback string) string {
	if e == nil {
		return callback
	}
	return callback + backPath(e.Issuer)
}

func backPath(issuer string) string {
	sum := sha256.Sum256([]byte(issuer))
	return "/" + hex.EncodeToString(sum[:tagSize])
}

// offered are the tools of a server that somebody has just signed in to; nil for a
// service whose tools are in its document.
func (s *Service) offered(ctx context.Context, l hotcell.Link, c *connector.Connector, made *material) ([]byte, error) {
	if l.Endpoints == nil {
		return nil, nil
	}
	for _, f := range made.fields {
		if f.Name == hotcell.FieldAccess {
			return s.discover(ctx, c, l.Settings, c.Auth.Put, f.Value)
		}
	}
	return nil, errors.New("the server gave no token")
}
