package connection

import (
	"context"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/policy/access"
	"hotcell/internal/vault/internal/door"
)

// Delete deletes a credential of any tier, and revokes at the service what was
// granted to a connection.
//
// The tokens are read in the change that destroys them, kept in memory, and used
// when it is durable: a service that is down never keeps a deletion from
// happening, and a deletion that fails leaves a connection that works. Where the
// process dies in between, the tokens are gone, and the grant stays at the
// service, of no use to anybody.
func (s *Service) Delete(ctx context.Context, r *vaultrpc.CredentialRequest) (*vaultrpc.DeleteAnswer, error) {
	s.freshen(ctx, r)
	g := &grant{}
	defer g.clear()
	err := s.Vault.DeleteCredential(ctx, r.Principal, r.ID, r.Revision, func(a *door.Act, c hotcell.Credential) {
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
	s.recordRevoked(ctx, r.Principal, g, out, access.DeleteCredential, nil)
	return out, nil
}
