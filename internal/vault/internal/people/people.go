// Package people knows who asks: it judges what a request proves itself by, and says
// which member of which workspace that is. Nobody else does: what the control plane says
// of a person is what it was given here.
//
// It holds no rules about what they may do ([access] does) and opens no credential. One
// way to use it:
//
//	principal, err := service.Authenticate(ctx, bearer, claimed)
package people

import (
	"context"
	"fmt"

	"hotcell"
	"hotcell/internal/vault/internal/door"
)

// Service judges bearers.
type Service struct {
	vault  *door.Vault
	locals *Locals
}

// New judges for a vault; locals are those whom its own socket let in.
func New(vault *door.Vault, locals *Locals) *Service { return &Service{vault, locals} }

// errUnknown is told of whatever is no bearer: it says no more of the one than of the other.
var errUnknown = fmt.Errorf("%w: nobody is signed in by what was sent", hotcell.ErrSignIn)

// Authenticate says who has a bearer. Of what the asker claims, the id of the request is
// kept, and the workspace where they belong to it; all else is what the vault knows. It
// is [hotcell.ErrSignIn] for a bearer that is none, or not any more.
func (s *Service) Authenticate(_ context.Context, claimed hotcell.Principal) (hotcell.Principal, error) {
	found := s.locals.find(claimed.Bearer)
	if found == nil {
		return hotcell.Principal{}, errUnknown
	}
	who := found.who
	if found.owner {
		who = s.vault.Local()
	}
	who.Request = claimed.Request
	return who, nil
}
