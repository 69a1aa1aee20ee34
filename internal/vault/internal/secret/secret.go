// Package secret is tier 3 in the vault's process: named bundles of environment
// variables, kept sealed, and leased once to the cell of a job.
//
// It guards the rules of names, keys and sizes, and that a change of some
// variables leaves the others as they are. It cannot keep a job from using
// what it was given: whoever may attach a secret to a command that they write
// can learn its value. One way to use it:
//
//	s := secret.New(door)
//	credential, err := s.Create(ctx, request)
//	message, err := s.Lease(ctx, job, publicKey)
package secret

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/text/site"
	"hotcell/internal/value/parcel"
	"hotcell/internal/vault/internal/door"
)

// Covers says of a variable of a secret, and of its value, whether there is a
// more protected way; nil for none. What it returns holds nothing of the value.
type Covers func(secret, variable string, value []byte) *vaultrpc.Advice

// Service does what people and jobs ask of secrets.
type Service struct {
	vault  *door.Vault
	covers Covers
	// catalog knows whose keys are those of models.
	catalog *connector.Catalog
	now     func() time.Time
}

// New is the tier behind the door v; covers advises on what is new.
func New(v *door.Vault, covers Covers, catalog *connector.Catalog, now func() time.Time) *Service {
	return &Service{v, covers, catalog, now}
}

// Create makes a secret from values that were sealed to the vault's key.
func (s *Service) Create(ctx context.Context, r *vaultrpc.CreateSecretRequest) (*vaultrpc.CredentialAnswer, error) {
	if err := checkDraft(r); err != nil {
		return nil, err
	}
	hosts, err := site.ParseBounds(r.Hosts)
	if err != nil {
		return nil, err
	}
	values, err := s.receive(r.Principal, r.Name, r.Variables)
	if err != nil {
		return nil, err
	}
	defer values.clear()
	fresh := hotcell.Credential{
		ID: hotcell.CredentialID(hotcell.NewID(hotcell.PrefixSecret)), Workspace: r.Principal.Workspace,
		Tier: hotcell.TierSecret, Name: r.Name, Owner: r.Principal.Member, Shared: r.Shared, Service: r.Service, Hosts: hosts,
		Version: 1, Revision: 1, CreatedAt: s.now(), UpdatedAt: s.now(),
	}
	if fresh.Variables, fresh.Size, err = s.describe(values.fields); err != nil {
		return nil, err
	}
	err = s.vault.CreateCredential(ctx, r.Principal, fresh, values.fields, func(a *door.Act) error { return s.see(a, values) })
	if err != nil {
		return nil, err
	}
	return &vaultrpc.CredentialAnswer{Credential: fresh, Advice: s.advise(fresh.Name, values.fields)}, nil
}

// advise looks for values that a connector is for.
func (s *Service) advise(name string, fields []door.Field) (out []vaultrpc.Advice) {
	for _, f := range fields {
		_ = f.Value.Use(func(b []byte) error {
			if advice := s.covers(name, f.Name, b); advice != nil {
				out = append(out, *advice)
			}
			return nil
		})
	}
	return out
}

// Change changes what is given and leaves the rest. A change of values makes a
// new version; the old one stays until no job needs it.
func (s *Service) Change(ctx context.Context, r *vaultrpc.ChangeSecretRequest) (*vaultrpc.CredentialAnswer, error) {
	if err := checkChange(r); err != nil {
		return nil, err
	}
	values, err := s.receive(r.Principal, string(r.ID), r.Set)
	if err != nil {
		return nil, err
	}
	defer values.clear()
	var out hotcell.Credential
	err = s.vault.ChangeCredential(ctx, r.Principal, hotcell.TierSecret, r.ID, r.Revision, func(a *door.Act, c hotcell.Credential) error {
		if err := s.see(a, values); err != nil {
			return err
		}
		out, err = s.apply(a, c, r, values.fields)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &vaultrpc.CredentialAnswer{Credential: out, Advice: s.advise(out.Name, values.fields)}, nil
}

// apply makes the next state of c from the request, and stores it.
func (s *Service) apply(a *door.Act, c hotcell.Credential, r *vaultrpc.ChangeSecretRequest, set []door.Field) (hotcell.Credential, error) {
	next, err := retold(c, r)
	if err != nil {
		return next, err
	}
	next.Revision, next.UpdatedAt = c.Revision+1, s.now()
	if r.Replace || len(r.Set)+len(r.Unset)+len(r.Rename) > 0 {
		next.Version = c.Version + 1
		a.About.Version = next.Version
		old, err := s.vault.Reopen(a, c)
		if err != nil {
			return next, err
		}
		defer door.ClearFields(old)
		fields, err := edit(old, r, set)
		if err != nil {
			return next, err
		}
		if next.Variables, next.Size, err = s.describe(fields); err != nil {
			return next, err
		}
		if err := s.vault.Seal(a, next, fields); err != nil {
			return next, err
		}
	}
	if err := s.collides(a, next); err != nil {
		return next, err
	}
	if err := a.PutCredential(next); err != nil {
		return next, door.Taken(err, next)
	}
	return next, door.Prune(a, next)
}

// retold is c with what the request says of it anew.
func retold(c hotcell.Credential, r *vaultrpc.ChangeSecretRequest) (hotcell.Credential, error) {
	if r.Name != nil {
		c.Name = *r.Name
	}
	if r.Service != nil {
		c.Service = *r.Service
	}
	if r.Hosts == nil {
		return c, nil
	}
	hosts, err := site.ParseBounds(*r.Hosts)
	c.Hosts = hosts
	return c, err
}

// collides refuses a change after which an assignment would get the same
// variable twice, or an attachment would reach beyond the secret's hosts.
func (s *Service) collides(a *door.Act, c hotcell.Credential) error {
	attached, err := a.Attachments(c.Workspace, "", c.ID)
	if err != nil {
		return err
	}
	for _, at := range attached {
		err := checkAttach(s.catalog, a, at, c)
		if field, ok := errors.AsType[*hotcell.FieldError](err); ok && field.Pointer == "/as" {
			return fmt.Errorf("%w: %s; or detach it first", hotcell.ErrConflict, field.Reason)
		}
		if errors.Is(err, hotcell.ErrInvalid) {
			return fmt.Errorf("%w: the secret is attached with hosts that these do not cover, or as stand-ins, which need some: detach it first", hotcell.ErrConflict)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// received are values that came in sealed, and the hashes of their messages.
type received struct {
	fields []door.Field
	hashes [][32]byte
}

func (r *received) clear() { door.ClearFields(r.fields) }

// receive opens what the caller sealed; item is what it was sealed for.
func (s *Service) receive(p hotcell.Principal, item string, variables []vaultrpc.SealedVariable) (*received, error) {
	out := &received{}
	for i, sealed := range variables {
		in := parcel.Context{Workspace: string(p.Workspace), Tier: string(hotcell.TierSecret), Item: item, Field: sealed.Name}
		value, err := s.vault.Receive(p.Workspace, in, sealed.Message)
		if err != nil {
			out.clear()
			return nil, door.NotReceived(err, hotcell.Invalid(fmt.Sprintf("/variables/%d", i), "this value was not sealed to the vault's key for this workspace, secret and variable"))
		}
		out.fields = append(out.fields, door.Field{Name: sealed.Name, Value: value})
		out.hashes = append(out.hashes, parcel.Hash(sealed.Message))
		if err := checkValue(value, fmt.Sprintf("/variables/%d", i)); err != nil {
			out.clear()
			return nil, err
		}
	}
	return out, nil
}

// see refuses a message that came in before: what was recorded on the way in
// cannot be sent again.
func (s *Service) see(a *door.Act, r *received) error {
	for i, hash := range r.hashes {
		if err := a.See(a.Caller.Workspace, hash, s.now()); err != nil {
			return fmt.Errorf("the sealed value of variable %d was sent before: seal it anew: %w", i+1, err)
		}
	}
	return nil
}
