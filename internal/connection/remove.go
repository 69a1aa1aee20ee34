package connection

import (
	"context"
	"slices"
	"time"

	"hotcell"
	"hotcell/internal/access"
	"hotcell/internal/connector"
	"hotcell/internal/oauth"
	"hotcell/internal/vault"
	"hotcell/internal/vaultrpc"
)

// revokeTime is how long a service has to revoke what was granted.
const revokeTime = 5 * time.Second

// Delete deletes a credential of any tier, and revokes at the service what was
// granted to a connection.
//
// The tokens are read in the change that destroys them, kept in memory, and used
// when it is durable: a service that is down never keeps a deletion from
// happening, and a deletion that fails leaves a connection that works. Where the
// process dies in between, the tokens are gone, and the grant stays at the
// service, of no use to anybody.
func (s *Service) Delete(ctx context.Context, r *vaultrpc.CredentialRequest) (*vaultrpc.DeleteAnswer, error) {
	g := &grant{}
	defer g.clear()
	err := s.Vault.DeleteCredential(ctx, r.Principal, r.ID, r.Revision, func(a *vault.Act, c hotcell.Credential) {
		g.clear()
		*g = s.grantOf(a, c)
	})
	if err != nil {
		return nil, err
	}
	if len(g.fields) == 0 && g.outcome == "" {
		return &vaultrpc.DeleteAnswer{}, nil
	}
	return s.revoke(context.WithoutCancel(ctx), r.Principal, g), nil
}

// grant is what there is to revoke at a service.
type grant struct {
	credential hotcell.Credential
	connector  *connector.Connector
	fields     []vault.Field
	// outcome says why nothing is revoked.
	outcome string
}

func (g *grant) clear() { vault.ClearFields(g.fields) }

// grantOf finds out what there is to revoke. What keeps it from that, keeps
// nobody from deleting.
func (s *Service) grantOf(a *vault.Act, c hotcell.Credential) grant {
	g := grant{credential: c}
	if c.Connected == nil || !slices.Contains(c.Connected.Fields, hotcell.FieldAccess) {
		return g
	}
	var found bool
	if g.connector, found = s.Catalog.Find(c.Connected.Connector); found {
		g.connector = g.connector.With(c.Connected.Endpoints)
	}
	switch {
	case found && !needsClient(g.connector.Auth.Kind):
		return g // its tokens end by themselves, and its key is a matter between people and the service
	case !found || g.connector.Auth.Revoke == "":
		g.outcome = "nothing was revoked, since there is no known way: take the access away at the service"
		return g
	}
	also, err := shares(a, c)
	if err == nil && !also {
		g.fields, err = s.Vault.Reopen(a, c)
	}
	switch {
	case err != nil:
		g.outcome = "nothing was revoked, since the tokens do not open: take the access away at the service"
	case also:
		g.outcome = "nothing was revoked: another connection is of the same account, and would end with this one"
	}
	return g
}

// shares says whether another connection has a grant of the same account to the
// same client: some services revoke them all at once.
func shares(r hotcell.VaultReader, c hotcell.Credential) (bool, error) {
	if c.Connected.AccountID == "" {
		return false, nil
	}
	page := hotcell.Page{Limit: hotcell.MaxPage}
	for {
		list, err := r.Credentials(c.Workspace, hotcell.CredentialFilter{Tier: hotcell.TierConnection}, page)
		if err != nil {
			return false, err
		}
		for _, other := range list {
			if on := other.Connected; on != nil && other.ID != c.ID && on.Connector == c.Connected.Connector && on.AccountID == c.Connected.AccountID && on.Client == c.Connected.Client {
				return true, nil
			}
		}
		if len(list) < page.Limit {
			return false, nil
		}
		page.After = string(list[len(list)-1].ID)
	}
}

// revoke revokes a grant at its service, as far as that goes, and records how it
// went.
func (s *Service) revoke(ctx context.Context, p hotcell.Principal, g *grant) *vaultrpc.DeleteAnswer {
	out := &vaultrpc.DeleteAnswer{Grant: g.outcome}
	if len(g.fields) > 0 {
		if err := s.revokeToken(ctx, g); err != nil {
			out.Grant = "it could not be revoked (" + sentence(err) + "): take the access away at the service"
		} else {
			out.Revoked, out.Grant = true, "it was revoked at the service"
		}
	}
	about := hotcell.Event{Kind: "connection.revoke", Credential: g.credential.ID, Name: g.credential.Name, Reason: out.Grant}
	if err := s.Vault.Change(ctx, p, about, func(a *vault.Act) error {
		return a.Permit(access.DeleteCredential, access.OfCredential(g.credential))
	}); err != nil {
		s.Log.Error("how a grant was revoked could not be recorded", "credential", g.credential.ID, "error", err)
	}
	return out
}

func (s *Service) revokeToken(ctx context.Context, g *grant) error {
	ctx, cancel := context.WithTimeout(ctx, revokeTime)
	defer cancel()
	client := oauth.Client{ID: g.credential.Connected.Client, Public: true}
	if g.credential.Connected.Endpoints == nil {
		c, secret, err := s.Vault.OpenClient(ctx, g.credential.Workspace, g.credential.Connected.Connector)
		if err != nil {
			return err
		}
		client = oauth.Client{ID: c.ID, Secret: secret, Public: c.Public}
	}
	defer client.Secret.Clear()
	for _, name := range []string{hotcell.FieldRefresh, hotcell.FieldAccess} {
		for _, f := range g.fields {
			if f.Name == name {
				return s.OAuth.Revoke(ctx, &g.connector.Auth, client, f.Value)
			}
		}
	}
	return nil
}
