package login

import (
	"context"
	"slices"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/vault/internal/door"
)

// Change changes what is given and leaves the rest. New values make a new
// version; the old one stays until no job needs it.
func (s *Service) Change(ctx context.Context, r *vaultrpc.ChangeLoginRequest) (out hotcell.Credential, err error) {
	if r.Name != nil {
		if err := hotcell.CheckName(*r.Name); err != nil {
			return out, err
		}
	}
	if r.Username != nil {
		if err := hotcell.CheckUsername(*r.Username); err != nil {
			return out, err
		}
	}
	d := &draft{}
	defer d.clear()
	if err := s.receive(r.Principal, string(r.ID), r.Set, d); err != nil {
		return out, err
	}
	err = s.Vault.ChangeCredential(ctx, r.Principal, hotcell.TierLogin, r.ID, r.Revision, func(a *door.Act, c hotcell.Credential) error {
		if err := s.see(a, d); err != nil {
			return err
		}
		out, err = s.apply(a, c, r, d.fields)
		return err
	})
	return out, err
}

// apply makes the next state of c, and stores it.
func (s *Service) apply(a *door.Act, c hotcell.Credential, r *vaultrpc.ChangeLoginRequest, set []door.Field) (hotcell.Credential, error) {
	next, said := c, *c.Login
	next.Login = &said
	if r.Name != nil {
		next.Name = *r.Name
	}
	if r.Username != nil {
		said.Username = *r.Username
	}
	if err := changeWay(&said, r); err != nil {
		return next, err
	}
	next.Revision, next.UpdatedAt = c.Revision+1, s.Now()
	if len(set)+len(r.Unset) > 0 {
		next.Version = c.Version + 1
		a.About.Version = next.Version
		old, err := s.Vault.Reopen(a, c)
		if err != nil {
			return next, err
		}
		defer door.ClearFields(old)
		fields := slices.Clone(set)
		for _, f := range old {
			if !has(set, f.Name) && !slices.Contains(r.Unset, f.Name) {
				fields = append(fields, f)
			}
		}
		if err := describe(&said, fields); err != nil {
			return next, err
		}
		if err := s.Vault.Seal(a, next, fields); err != nil {
			return next, err
		}
	}
	if err := a.PutCredential(next); err != nil {
		return next, door.Taken(err, next)
	}
	return next, door.Prune(a, next)
}
