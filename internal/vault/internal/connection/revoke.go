package connection

import (
	"context"
	"fmt"
	"slices"
	"time"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/border"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/policy/access"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/vault/internal/oauth"
)

// revokeTime is how long a service has to revoke what was granted.
const revokeTime = 5 * time.Second

// grant is what there is to revoke at a service.
type grant struct {
	credential hotcell.Credential
	connector  *connector.Connector
	fields     []door.Field
	// outcome says why nothing is revoked.
	outcome string
}

func (g *grant) clear() { door.ClearFields(g.fields) }

// grantOf finds out what there is to revoke. What keeps it from that, keeps
// nobody from deleting.
func (s *Service) grantOf(a *door.Act, c hotcell.Credential) grant {
	g := grant{credential: c}
	if c.Connected == nil || !slices.Contains(c.Connected.Fields, hotcell.FieldAccess) {
		return g
	}
	of, found := s.Catalog.Find(c.Connected.Connector)
	if found {
		if of, err := of.Of(c.Connected); err == nil {
			g.connector = of
		}
	}
	switch {
	case g.connector != nil && !g.connector.Auth.Kind.Signs():
		return g // its tokens end by themselves, and its key is a matter between people and the service
	case g.connector == nil:
		g.outcome = "nothing was revoked, since its connector is gone: take the access away at the service"
		return g
	case !g.connector.Revocable():
		g.outcome = "nothing was revoked: " + g.connector.Name + " has no known way to do that by program: take the access away there"
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
	same := func(other hotcell.Credential) bool {
		on := other.Connected
		return on != nil && other.ID != c.ID && on.Connector == c.Connected.Connector && on.AccountID == c.Connected.AccountID && on.Client == c.Connected.Client
	}
	// One that was deleted may be taken back.
	deleted, err := r.Deleted(c.Workspace)
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(deleted, func(d hotcell.Deleted) bool { return same(d.Credential) }) {
		return true, nil
	}
	page := hotcell.Page{Limit: hotcell.MaxPage}
	for {
		list, err := r.Credentials(c.Workspace, hotcell.CredentialFilter{Tier: hotcell.TierConnection}, page)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(list, same) {
			return true, nil
		}
		if len(list) < page.Limit {
			return false, nil
		}
		page.After = string(list[len(list)-1].ID)
	}
}

// replaced is what there is to revoke where a connection becomes another account's.
// Of the same account nothing is: at some services that would end the new grant, too.
func (s *Service) replaced(a *door.Act, c hotcell.Credential, next *hotcell.Connected) grant {
	was := c.Connected
	switch {
	case !slices.Contains(was.Fields, hotcell.FieldAccess) || was.AccountID != "" && was.AccountID == next.AccountID:
		return grant{credential: c}
	case was.AccountID == "" || next.AccountID == "":
		return grant{credential: c, outcome: "nothing was revoked, since nobody can tell whether it is of the same account: take the access away at the service if not"}
	}
	return s.grantOf(a, c)
}

// revokeReplaced revokes what a reconnection left behind, and says so with the link
// that it was done by.
func (s *Service) revokeReplaced(ctx context.Context, l *hotcell.Link, g *grant) {
	if len(g.fields) == 0 && g.outcome == "" {
		return
	}
	out := s.revoke(ctx, g)
	told := "as to what the other account had granted, " + out.Grant
	if l.Reason != "" {
		told = l.Reason + "; " + told
	}
	l.Reason = told
	s.recordRevoked(ctx, door.OfLink(*l), g, out, access.ChangeCredential, func(a *door.Act) error { return a.PutLink(*l) })
}

// freshen renews an access token that a grant is revoked by, where it is over: the
// service would not know it. It is given the time of a revocation, and no more.
func (s *Service) freshen(ctx context.Context, r *vaultrpc.CredentialRequest) {
	var c hotcell.Credential
	err := s.Vault.Look(ctx, r.Principal, hotcell.Event{Kind: "credential.show"}, func(l *door.Look) error {
		// Who may not delete it is refused there, and not here.
		if found, err := l.Credential(r.Principal.Workspace, r.ID); err == nil && access.Decide(l.Caller, access.DeleteCredential, access.OfCredential(found)) == nil {
			c = found
		}
		return nil
	})
	if err != nil || c.Connected == nil || c.Connected.Broken != nil || !c.Renewed() {
		return
	}
	of, found := s.Catalog.Find(c.Connected.Connector)
	if !found {
		return
	}
	if of, err = of.Of(c.Connected); err != nil || !of.Revocation().ByAccess() {
		return
	}
	done := make(chan struct{})
	border.Go("a refresh before a revocation", border.Log(s.Log), func() {
		defer close(done)
		_ = s.Keeper.Ensure(context.WithoutCancel(ctx), c.Workspace, c.ID, 0) // the revocation tells what comes of that
	})
	select {
	case <-done:
	case <-time.After(revokeTime):
	}
}

// revoke revokes a grant at its service, as far as that goes, and says how it went.
func (s *Service) revoke(ctx context.Context, g *grant) *vaultrpc.DeleteAnswer {
	out := &vaultrpc.DeleteAnswer{Grant: g.outcome}
	if len(g.fields) == 0 {
		return out
	}
	if err := s.revokeToken(ctx, g); err != nil {
		out.Grant = "it could not be revoked (" + sentence(err) + "): take the access away at the service"
	} else {
		out.Revoked, out.Grant = true, "it was revoked at the service"
	}
	return out
}

// recordRevoked records how it went.
func (s *Service) recordRevoked(ctx context.Context, p hotcell.Principal, g *grant, out *vaultrpc.DeleteAnswer, action access.Action, also func(*door.Act) error) {
	about := hotcell.Event{Kind: "connection.revoke", Credential: g.credential.ID, Name: g.credential.Name, Reason: out.Grant}
	if err := s.Vault.Change(ctx, p, about, func(a *door.Act) error {
		if err := a.Permit(action, access.OfCredential(g.credential)); err != nil || also == nil {
			return err
		}
		return also(a)
	}); err != nil {
		s.Log.Error("how a grant was revoked could not be recorded", "credential", g.credential.ID, "error", err)
	}
}

func (s *Service) revokeToken(ctx context.Context, g *grant) error {
	ctx, cancel := context.WithTimeout(ctx, revokeTime)
	defer cancel()
	on := g.credential.Connected
	c, secret, err := s.Vault.ClientFor(ctx, g.credential.Workspace, on.Connector, on.Endpoints, on.Client)
	if err != nil {
		return err
	}
	client := oauth.Client{ID: c.ID, Secret: secret, Public: c.Public}
	defer client.Secret.Clear()
	if client.ID != on.Client {
		return fmt.Errorf("%w: the workspace's OAuth client is not the one any more that it was granted to", hotcell.ErrConflict)
	}
	granted := &oauth.Tokens{}
	for _, f := range g.fields {
		switch f.Name {
		case hotcell.FieldRefresh:
			granted.Refresh = f.Value
		case hotcell.FieldAccess:
			granted.Access = f.Value
		}
	}
	return s.OAuth.Revoke(ctx, g.connector, on.Settings, client, granted)
}
