package login

import (
	"context"
	"errors"
	"fmt"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/policy/access"
	"hotcell/internal/vault/internal/door"
)

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
	err := s.Vault.Change(ctx, r.Principal, about, func(a *door.Act) error {
		*out = vaultrpc.ImportLoginsAnswer{}
		there, err := a.Credentials(r.Principal.Workspace, hotcell.CredentialFilter{Tier: hotcell.TierLogin, VisibleTo: r.Principal.Member}, hotcell.Page{Limit: 1 << 20})
		if err != nil {
			return err
		}
		known := make(map[account]bool, len(there)+len(drafts))
		for _, c := range there {
			known[accountOf(c)] = true
		}
		for i, d := range drafts {
			if err := s.bring(a, d, i, r.Skip, known, out); err != nil {
				return fmt.Errorf("login %d: %w", i+1, err)
			}
		}
		return nil
	})
	return out, err
}

// bring brings one in: into a login that there is, or as one that is new.
func (s *Service) bring(a *door.Act, d *draft, at int, skip bool, known map[account]bool, out *vaultrpc.ImportLoginsAnswer) error {
	if d.into != "" {
		changed, err := s.merge(a, d)
		out.Changed = append(out.Changed, changed)
		return err
	}
	if err := a.Permit(access.CreateCredential, access.OfCredential(d.credential)); err != nil {
		return err
	}
	switch of := accountOf(d.credential); {
	case known[of] && skip:
		out.There = append(out.There, at)
		return nil
	case known[of]:
		return fmt.Errorf("%w: %s is there already: leave out those that are, with --skip-existing", hotcell.ErrConflict, d.credential.Name)
	default:
		known[of] = true
	}
	if err := s.put(a, d); err != nil {
		return err
	}
	out.Made = append(out.Made, d.credential)
	return nil
}

// account is what two logins of one group have in common that are the same.
type account struct {
	group, host, username string
	port                  int
	plain                 bool
}

func accountOf(c hotcell.Credential) account {
	return account{c.Group(), c.Login.Host, c.Login.Username, c.Login.Port, c.Login.Plain}
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
func (s *Service) merge(a *door.Act, d *draft) (hotcell.Credential, error) {
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

// put stores one of many, under its name or the next that is free, and has the
// log tell of it.
func (s *Service) put(a *door.Act, d *draft) error {
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
			return door.Taken(err, d.credential)
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
