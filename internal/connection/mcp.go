package connection

import (
	"context"
	"errors"

	"hotcell"
	"hotcell/internal/book"
	"hotcell/internal/connector"
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

// register makes the client of a link, where its server makes some: once.
func (s *Service) register(ctx context.Context, l hotcell.Link, callback string) (string, error) {
	if l.Endpoints == nil || l.Client != "" || !pending(l) || !s.Now().Before(l.Expires) {
		return l.Client, nil
	}
	return s.OAuth.Register(ctx, l.Endpoints, callback, l.Scopes)
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
