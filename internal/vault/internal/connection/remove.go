package connection

import (
	"context"
	"errors"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/policy/access"
	"hotcell/internal/vault/internal/door"
)

// Delete deletes a credential of any tier so that it can be taken back, or destroys it at
// once and revokes at the service what was granted to a connection. What can be taken
// back keeps its grant at the service.
//
// The tokens are read in the change that destroys them, kept in memory, and used
// when it is durable: a service that is down never keeps a deletion from
// happening, and a deletion that fails leaves a connection that works. Where the
// process dies in between, the tokens are gone, and the grant stays at the
// service, of no use to anybody.
func (s *Service) Delete(ctx context.Context, r *vaultrpc.CredentialRequest) (*vaultrpc.DeleteAnswer, error) {
	if r.Destroy == "" {
		d, err := s.Vault.BuryCredential(ctx, r.Principal, r.ID, r.Revision)
		return &vaultrpc.DeleteAnswer{Until: &d.Until}, err
	}
	s.freshen(ctx, r)
	return s.destroy(ctx, r.Principal, func(before func(*door.Act, hotcell.Credential)) error {
		return s.Vault.DestroyCredential(ctx, r.Principal, r.ID, r.Revision, r.Destroy, before)
	})
}

// DestroyDeleted destroys a deleted credential before its time.
func (s *Service) DestroyDeleted(ctx context.Context, r *vaultrpc.CredentialRequest) (*vaultrpc.DeleteAnswer, error) {
	return s.destroy(ctx, r.Principal, func(before func(*door.Act, hotcell.Credential)) error {
		return s.Vault.DestroyDeleted(ctx, r.Principal, r.ID, r.Destroy, before)
	})
}

// DestroyOverdue destroys the deleted credentials whose time is over.
func (s *Service) DestroyOverdue(ctx context.Context) error {
	list, err := s.Vault.Overdue(ctx)
	if err != nil {
		return err
	}
	var all []error
	for _, d := range list {
		by := hotcell.Principal{Workspace: d.Credential.Workspace, Member: d.By, Via: "vault"}
		_, err := s.destroy(ctx, by, func(before func(*door.Act, hotcell.Credential)) error {
			return s.Vault.Expire(ctx, d.Credential.ID, before)
		})
		all = append(all, err)
	}
	return errors.Join(all...)
}

// RemoveMember ends a membership, and revokes what was granted to connections of that
// member alone. What the service says of it is for the log.
func (s *Service) RemoveMember(ctx context.Context, p hotcell.Principal, id hotcell.MemberID) (door.Leaving, error) {
	var granted []grant
	forget := func() {
		for i := range granted {
			granted[i].clear()
		}
		granted = nil
	}
	defer forget()
	gone, err := s.Vault.RemoveMember(ctx, p, id, func() { forget() }, func(a *door.Act, c hotcell.Credential) {
		if g := s.grantOf(a, c); len(g.fields) > 0 || g.outcome != "" {
			granted = append(granted, g)
		}
	})
	if err != nil {
		return gone, err
	}
	ctx = context.WithoutCancel(ctx)
	for i := range granted {
		g := &granted[i]
		out := s.revoke(ctx, g)
		about := hotcell.Event{Workspace: p.Workspace, Kind: "connection.revoke", Decision: hotcell.Allowed, Member: p.Member, Via: p.Via, Request: p.Request, Credential: g.credential.ID, Name: g.credential.Name, Reason: out.Grant}
		if err := s.Vault.Tell(ctx, about); err != nil {
			s.Log.Error("how a grant was revoked could not be recorded", "credential", g.credential.ID, "error", err)
		}
	}
	return gone, nil
}

// destroy destroys a credential, and then revokes what was granted to it.
func (s *Service) destroy(ctx context.Context, p hotcell.Principal, do func(before func(*door.Act, hotcell.Credential)) error) (*vaultrpc.DeleteAnswer, error) {
	g := &grant{}
	defer g.clear()
	err := do(func(a *door.Act, c hotcell.Credential) {
		g.clear()
		*g = s.grantOf(a, c)
	})
	if err != nil {
		return nil, err
	}
	if len(g.fields) == 0 && g.outcome == "" {
		return &vaultrpc.DeleteAnswer{}, nil
	}
	ctx = context.WithoutCancel(ctx)
	out := s.revoke(ctx, g)
	s.recordRevoked(ctx, p, g, out, access.DeleteCredential, nil)
	return out, nil
}
