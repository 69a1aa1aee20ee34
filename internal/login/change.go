package login

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"hotcell"
	"hotcell/internal/access"
	"hotcell/internal/vault"
	"hotcell/internal/vaultrpc"
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
	err = s.Vault.ChangeCredential(ctx, r.Principal, hotcell.TierLogin, r.ID, r.Revision, func(a *vault.Act, c hotcell.Credential) error {
		if err := s.see(a, d); err != nil {
			return err
		}
		out, err = s.apply(a, c, r, d.fields)
		return err
	})
	return out, err
}

// apply makes the next state of c, and stores it.
func (s *Service) apply(a *vault.Act, c hotcell.Credential, r *vaultrpc.ChangeLoginRequest, set []vault.Field) (hotcell.Credential, error) {
	next, said := c, *c.Login
	next.Login = &said
	if r.Name != nil {
		next.Name = *r.Name
	}
	if r.Username != nil {
		said.Username = *r.Username
	}
	next.Revision, next.UpdatedAt = c.Revision+1, s.Now()
	if len(set)+len(r.Unset) > 0 {
		next.Version = c.Version + 1
		a.About.Version = next.Version
		old, err := s.Vault.Reopen(a, c)
		if err != nil {
			return next, err
		}
		defer vault.ClearFields(old)
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
		return next, vault.Taken(err, next)
	}
	return next, vault.Prune(a, next)
}

// maxImport is how many logins come in at once.
const maxImport = 10_000

// Import makes many logins, all or none.
func (s *Service) Import(ctx context.Context, r *vaultrpc.ImportLoginsRequest) (*vaultrpc.ImportLoginsAnswer, error) {
	if len(r.Logins) == 0 || len(r.Logins) > maxImport {
		return nil, hotcell.Invalid("/logins", "an import has 1 to %d logins", maxImport)
	}
	drafts := make([]*draft, 0, len(r.Logins))
	defer func() {
		for _, d := range drafts {
			d.clear()
		}
	}()
	for i := range r.Logins {
		one := r.Logins[i]
		one.Principal = r.Principal
		d, err := s.oneOf(&one)
		if err != nil {
			return nil, within(i, err)
		}
		drafts = append(drafts, d)
	}
	out := &vaultrpc.ImportLoginsAnswer{}
	about := hotcell.Event{Kind: "login.import", Size: int64(len(drafts))}
	err := s.Vault.Change(ctx, r.Principal, about, func(a *vault.Act) error {
		*out = vaultrpc.ImportLoginsAnswer{}
		there, err := a.Credentials(r.Principal.Workspace, hotcell.CredentialFilter{Tier: hotcell.TierLogin, VisibleTo: r.Principal.Member}, hotcell.Page{Limit: 1 << 20})
		if err != nil {
			return err
		}
		for i, d := range drafts {
			if d.into != "" {
				changed, err := s.merge(a, d)
				if err != nil {
					return fmt.Errorf("login %d: %w", i+1, err)
				}
				out.Changed = append(out.Changed, changed)
				continue
			}
			if err := a.Permit(access.CreateCredential, access.OfCredential(d.credential)); err != nil {
				return err
			}
			if slices.ContainsFunc(there, func(c hotcell.Credential) bool { return same(c, d.credential) }) {
				if !r.Skip {
					return fmt.Errorf("%w: login %d, %s, is there already: leave out those that are, with --skip-existing", hotcell.ErrConflict, i+1, d.credential.Name)
				}
				out.There = append(out.There, i)
				continue
			}
			if err := s.put(a, d); err != nil {
				return fmt.Errorf("login %d: %w", i+1, err)
			}
			out.Made = append(out.Made, d.credential)
			there = append(there, d.credential)
		}
		return nil
	})
	return out, err
}

// oneOf reads one of an import: a new login, or values for one that is there.
func (s *Service) oneOf(r *vaultrpc.CreateLoginRequest) (*draft, error) {
	if r.Into == "" {
		return s.draft(r)
	}
	d := &draft{into: r.Into}
	if err := s.receive(r.Principal, string(r.Into), r.Fields, d); err != nil {
		d.clear()
		return nil, err
	}
	return d, nil
}

// merge gives a login values that it does not have yet, and has the log tell of it.
func (s *Service) merge(a *vault.Act, d *draft) (hotcell.Credential, error) {
	c, err := a.Credential(a.Caller.Workspace, d.into)
	if err != nil {
		return c, err
	}
	if c.Tier != hotcell.TierLogin {
		return c, hotcell.ErrNotFound
	}
	if err := a.Permit(access.ChangeCredential, access.OfCredential(c)); err != nil {
		return c, err
	}
	if err := s.see(a, d); err != nil {
		return c, err
	}
	for _, f := range d.fields {
		if f.Name == hotcell.FieldOTP && c.Login.OTP || f.Name == hotcell.FieldPassword && c.Login.Password {
			return c, fmt.Errorf("%w: %s has that value already: set it anew by itself, with hotcell logins set", hotcell.ErrConflict, c.Name)
		}
	}
	about := a.About
	next, err := s.apply(a, c, &vaultrpc.ChangeLoginRequest{}, d.fields)
	changed := a.About
	a.About = about
	if err != nil {
		return next, err
	}
	changed.Kind, changed.Credential, changed.Name, changed.Size, changed.Decision = "login.change", c.ID, c.Name, 0, hotcell.Allowed
	return next, a.Record(changed)
}

// within says in which of many logins a field is wrong.
func within(i int, err error) error {
	if field, ok := errors.AsType[*hotcell.FieldError](err); ok {
		return hotcell.Invalid(fmt.Sprintf("/logins/%d%s", i, field.Pointer), "login %d: %s", i+1, field.Reason)
	}
	return fmt.Errorf("login %d: %w", i+1, err)
}

// same says whether two logins are for one account, in one group.
func same(a, b hotcell.Credential) bool {
	return a.Group() == b.Group() && a.Login.Of(b.Login.Host, b.Login.Port, b.Login.Plain) && a.Login.Username == b.Login.Username
}

// put stores one of many, under its name or the next that is free, and has the
// log tell of it.
func (s *Service) put(a *vault.Act, d *draft) error {
	if err := s.see(a, d); err != nil {
		return err
	}
	name := d.credential.Name
	for n := 2; ; n++ {
		err := a.PutCredential(d.credential)
		if err == nil {
			break
		}
		if !errors.Is(err, hotcell.ErrConflict) || n > 100 {
			return vault.Taken(err, d.credential)
		}
		suffix := fmt.Sprintf(" %d", n)
		d.credential.Name = string([]rune(name)[:min(len([]rune(name)), hotcell.MaxName-len(suffix))]) + suffix
	}
	made := a.About
	made.Kind, made.Credential, made.Name, made.Version, made.Size = "login.create", d.credential.ID, d.credential.Name, 1, 0
	made.Decision = hotcell.Allowed
	if err := a.Record(made); err != nil {
		return err
	}
	return s.Vault.Seal(a, d.credential, d.fields)
}
