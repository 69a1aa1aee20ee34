package connection

import (
	"context"
	"errors"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/vault/internal/book"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/vault/internal/oauth"
)

// Test asks the service whether a connection works now, on behalf of somebody
// who may change it.
func (s *Service) Test(ctx context.Context, r *vaultrpc.TestConnectionRequest) (*vaultrpc.TestConnectionAnswer, error) {
	version := 0
	for {
		c, err := s.testable(ctx, r)
		if err != nil {
			return nil, err
		}
		if c.Renewed() || version > 0 {
			renew := s.Keeper.Ensure
			if b := c.Connected.Broken; b != nil && b.Reason == door.Unknown {
				renew = s.Keeper.Revive // what it is broken by is what is asked here
			}
			if err := renew(ctx, c.Workspace, c.ID, version); err != nil {
				return fails(err)
			}
		}
		tested, name, err := s.try(ctx, r)
		switch {
		case err == nil:
			if c.Connected.Broken != nil && r.Path == "" {
				if err := s.Vault.Mend(ctx, c.Workspace, c.ID, tested); err != nil {
					return nil, err
				}
			}
			return &vaultrpc.TestConnectionAnswer{Works: true, Account: name}, nil
		case refusedBy(err) && c.Renewed() && version == 0:
			version = tested // once more, with a token that is not this one
		default:
			return fails(err)
		}
	}
}

// fails says that a connection does not work, where that is what went wrong.
func fails(err error) (*vaultrpc.TestConnectionAnswer, error) {
	if errors.Is(err, hotcell.ErrTampered) || errors.Is(err, hotcell.ErrNotFound) || errors.Is(err, hotcell.ErrInvalid) {
		return nil, err
	}
	unanswered := errors.Is(err, hotcell.ErrUnavailable) || errors.Is(err, hotcell.ErrRateLimited)
	return &vaultrpc.TestConnectionAnswer{Reason: sentence(err), Unanswered: unanswered}, nil
}

// testable is the connection as it is, where there is a way to ask.
func (s *Service) testable(ctx context.Context, r *vaultrpc.TestConnectionRequest) (hotcell.Credential, error) {
	c, _, err := s.Vault.Credential(ctx, r.Principal, r.ID)
	switch {
	case err != nil:
		return c, err
	case c.Tier != hotcell.TierConnection:
		return c, hotcell.ErrNotFound
	case c.Connected == nil:
		return c, hotcell.Invalid("", "this connection cannot be tested: attach it, and have a job use it")
	}
	return c, nil
}

// try asks once. It returns the version that it was asked with.
func (s *Service) try(ctx context.Context, r *vaultrpc.TestConnectionRequest) (version int, name string, err error) {
	c, fields, err := s.Vault.Borrow(ctx, r.Principal, hotcell.TierConnection, r.ID, "connection.test", func(*door.Act, hotcell.Credential) error { return nil })
	if err != nil {
		return 0, "", err
	}
	defer door.ClearFields(fields)
	of, err := s.Book.Of(ctx, c.Workspace, c)
	if err != nil {
		return c.Version, "", err
	}
	switch {
	case r.Path != "" && of.Definition == book.MCP:
		return c.Version, "", hotcell.Invalid("/path", "an MCP server has tools, and no paths")
	case r.Path != "":
		return c.Version, c.Connected.Account, s.askPath(ctx, c, of, r.Path, fields)
	case of.Definition == book.MCP:
		_, err := s.discover(ctx, of, c.Connected.Settings, auth(c), spent(fields))
		return c.Version, c.Connected.Account, err
	}
	to := target{slug: c.Connected.Connector, name: c.Name, connector: of, auth: auth(c), settings: c.Connected.Settings}
	to.client = func(ctx context.Context) (oauth.Client, error) {
		by, secret, err := s.Vault.ClientFor(ctx, c.Workspace, c.Connected.Connector, c.Connected.Endpoints, c.Connected.Client)
		return oauth.Client{ID: by.ID, Secret: secret, Public: by.Public}, err
	}
	if _, name, err = s.identify(ctx, to, fields); errors.Is(err, errMute) {
		err = hotcell.Invalid("", "nobody but you knows what could be asked of this service without doing something: name a path (--path /me)")
	}
	return c.Version, name, err
}

// askPath asks for a path that a person named. What is answered goes to nobody.
func (s *Service) askPath(ctx context.Context, c hotcell.Credential, of *connector.Connector, path string, fields []door.Field) error {
	run, err := of.Probe(path, c.Connected.Settings, s.Now())
	if err != nil {
		return err
	}
	patterns, err := patternsOf(c.Name, auth(c), fields)
	if err != nil {
		return err
	}
	_, _, err = s.Courier.Do(ctx, run, auth(c), spent(fields), patterns)
	return err
}
