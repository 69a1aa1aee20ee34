// Package connection is tier 1 in the vault's process: services that take a key
// by HTTP. The key is kept sealed, and opened for one request at a time by
// those who put it on (package forward).
//
// It guards that a key goes to one host and port over TLS, in one declared
// place of a request, and that it can be looked for in what comes back. It
// opens no key for anybody. One way to use it:
//
//	s := connection.New(door, now)
//	credential, err := s.Create(ctx, request)
package connection

import (
	"context"
	"fmt"
	"time"

	"hotcell"
	"hotcell/internal/parcel"
	"hotcell/internal/sensitive"
	"hotcell/internal/vault"
	"hotcell/internal/vaultrpc"
)

// Service does what people ask of connections.
type Service struct {
	vault *vault.Vault
	now   func() time.Time
}

// New is the tier behind the door v.
func New(v *vault.Vault, now func() time.Time) *Service { return &Service{v, now} }

// Create makes a connection with a key that was sealed to the vault's key.
func (s *Service) Create(ctx context.Context, r *vaultrpc.CreateConnectionRequest) (out hotcell.Credential, err error) {
	http, err := checkDraft(r)
	if err != nil {
		return out, err
	}
	key, err := s.receive(r.Principal, r.Name, r.Key, http.Auth)
	if err != nil {
		return out, err
	}
	defer key.Clear()
	fresh := hotcell.Credential{
		ID: hotcell.CredentialID(hotcell.NewID(hotcell.PrefixConnection)), Workspace: r.Principal.Workspace,
		Tier: hotcell.TierConnection, Name: r.Name, Owner: r.Principal.Member, Shared: r.Shared, Service: r.Service, HTTP: &http,
		Version: 1, Revision: 1, CreatedAt: s.now(), UpdatedAt: s.now(),
	}
	return fresh, s.vault.CreateCredential(ctx, r.Principal, fresh, fieldsOf(key), func(a *vault.Act) error { return s.see(a, r.Key) })
}

// Change changes what is given and leaves the rest. A new key is a new version;
// jobs that run keep theirs. Where the key goes cannot be changed: whoever may
// change a shared connection would learn its key by sending it to themselves.
func (s *Service) Change(ctx context.Context, r *vaultrpc.ChangeConnectionRequest) (out hotcell.Credential, err error) {
	if err := checkChange(r); err != nil {
		return out, err
	}
	err = s.vault.ChangeCredential(ctx, r.Principal, hotcell.TierConnection, r.ID, r.Revision, func(a *vault.Act, c hotcell.Credential) error {
		if c.HTTP == nil {
			return hotcell.ErrNotFound
		}
		out, err = s.apply(a, c, r)
		return err
	})
	return out, err
}

// apply makes the next state of c from the request, and stores it.
func (s *Service) apply(a *vault.Act, c hotcell.Credential, r *vaultrpc.ChangeConnectionRequest) (hotcell.Credential, error) {
	next := c
	next.Revision, next.UpdatedAt = c.Revision+1, s.now()
	if r.Name != nil {
		next.Name = *r.Name
	}
	if r.Service != nil {
		next.Service = *r.Service
	}
	if len(r.Key) > 0 {
		if err := s.rotate(a, &next, r); err != nil {
			return next, err
		}
	}
	if err := a.PutCredential(next); err != nil {
		return next, vault.Taken(err, next)
	}
	return next, vault.Prune(a, next)
}

// rotate seals a new key as the version after the one that next is at. The old
// one is opened to find out that it is what the vault stored.
func (s *Service) rotate(a *vault.Act, next *hotcell.Credential, r *vaultrpc.ChangeConnectionRequest) error {
	key, err := s.receive(r.Principal, string(r.ID), r.Key, next.HTTP.Auth)
	if err != nil {
		return err
	}
	defer key.Clear()
	if err := s.see(a, r.Key); err != nil {
		return err
	}
	old, err := s.vault.Reopen(a, *next)
	if err != nil {
		return err
	}
	vault.ClearFields(old)
	next.Version++
	a.About.Version = next.Version
	return s.vault.Seal(a, *next, fieldsOf(key))
}

func fieldsOf(key sensitive.Bytes) []vault.Field {
	return []vault.Field{{Name: hotcell.FieldKey, Value: key}}
}

// receive opens the key that the caller sealed for item, and brings it into the
// form in which it is kept. The caller clears it.
func (s *Service) receive(p hotcell.Principal, item string, message []byte, auth hotcell.Auth) (sensitive.Bytes, error) {
	in := parcel.Context{Workspace: string(p.Workspace), Tier: string(hotcell.TierConnection), Item: item, Field: hotcell.FieldKey}
	came, err := s.vault.Receive(p.Workspace, in, message)
	if err != nil {
		return sensitive.Bytes{}, hotcell.Invalid("/key", "this key was not sealed to the vault's key for this workspace and connection")
	}
	defer came.Clear()
	return checkKey(auth, came)
}

// see refuses a message that came in before.
func (s *Service) see(a *vault.Act, message []byte) error {
	if err := a.See(a.Caller.Workspace, parcel.Hash(message), s.now()); err != nil {
		return fmt.Errorf("the sealed key was sent before: seal it anew: %w", err)
	}
	return nil
}
