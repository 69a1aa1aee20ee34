package connection

import (
	"fmt"

	"hotcell"
	"hotcell/internal/policy/access"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/wire/egress"
)

// modelOf is what is said of a new connection to a model's provider, whose connector
// says that it is one, or whose host everybody knows; nil for all others.
func modelOf(to target) *hotcell.ModelAccount {
	if to.connector != nil && to.connector.Model {
		return &hotcell.ModelAccount{}
	}
	if to.http != nil {
		if model, _ := egress.Models(nil).Find(to.http.Host, to.http.Port); model {
			return &hotcell.ModelAccount{}
		}
	}
	return nil
}

// declare notes who says that a model's provider keeps nothing of what it is sent
// with a connection's key, or that somebody takes that back: then jobs that use it
// end. To take it back, one needs to be able to change the connection, and no more.
func (s *Service) declare(a *door.Act, c *hotcell.Credential, zero bool) error {
	switch {
	case c.Model.Declared() == zero:
		return nil
	case !zero:
		c.Model = &hotcell.ModelAccount{}
		if err := s.declared(a, c, "connection.undeclare"); err != nil {
			return err
		}
		return a.RevokeUses(c.Workspace, c.ID, "a model's account that it used is not declared to be under zero data retention any more", func(hotcell.Grant) bool { return true })
	case c.HTTP == nil || modelOf(target{http: c.HTTP}) == nil && c.Model == nil:
		return hotcell.Invalid("/zero_data_retention", "this connection is to no model's provider that is known: make it by a connector of models, with its address (--set url=…), or list its host in the configuration (models:)")
	}
	if listed, declared := s.Vault.Listed(c.HTTP.Host, c.HTTP.Port); listed && !declared {
		return fmt.Errorf("%w: the configuration lists %s and does not declare it (models:), and the operator's word decides", hotcell.ErrConflict, c.HTTP.Host)
	}
	if err := a.Permit(access.DeclareModel, access.OfCredential(*c)); err != nil {
		return err
	}
	c.Model = s.word(a.Caller.Member)
	return s.declared(a, c, "connection.declare")
}

// word is somebody's word, given now.
func (s *Service) word(of hotcell.MemberID) *hotcell.ModelAccount {
	now := s.Now()
	return &hotcell.ModelAccount{DeclaredBy: of, DeclaredAt: &now}
}

// declared has the log say who said so, of which account.
func (s *Service) declared(a *door.Act, c *hotcell.Credential, kind string) error {
	said := a.About
	said.Kind, said.Decision, said.Credential, said.Name = kind, hotcell.Allowed, c.ID, c.Name
	said.Reason = "zero data retention"
	if c.HTTP != nil {
		said.Host = authority(*c.HTTP)
	}
	return a.Record(said)
}

// undeclared takes a declaration back where another key comes from somebody who may not
// declare: it was said of the account of the key before.
func (s *Service) undeclared(a *door.Act, next *hotcell.Credential) error {
	if !next.Model.Declared() || access.Decide(a.Caller, access.DeclareModel, access.OfCredential(*next)) == nil {
		return nil
	}
	return s.declare(a, next, false)
}
