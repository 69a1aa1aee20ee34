package door

import (
	"context"
	"errors"
	"fmt"

	"hotcell"
	"hotcell/internal/policy/access"
)

// Stale refuses a change to another revision than the caller knows; 0 is any.
func Stale(known, current int) error {
	if known != 0 && known != current {
		return &hotcell.StaleError{Current: current}
	}
	return nil
}

// Credential returns a credential that the caller may know of, and what it is
// attached to.
func (v *Vault) Credential(ctx context.Context, p hotcell.Principal, id hotcell.CredentialID) (c hotcell.Credential, attached []hotcell.Attachment, err error) {
	about := hotcell.Event{Kind: "credential.show", Credential: id}
	err = v.Look(ctx, p, about, func(l *Look) (err error) {
		if c, err = l.Credential(p.Workspace, id); err != nil {
			return err
		}
		if err := l.Permit(access.SeeCredential, access.OfCredential(c)); err != nil {
			return err
		}
		attached, err = l.Attachments(p.Workspace, "", id)
		return err
	})
	return c, attached, err
}

// Credentials lists what the caller may know of.
func (v *Vault) Credentials(ctx context.Context, p hotcell.Principal, filter hotcell.CredentialFilter, page hotcell.Page) (list []hotcell.Credential, err error) {
	filter.VisibleTo = p.Member
	err = v.Look(ctx, p, hotcell.Event{Kind: "credential.list"}, func(l *Look) (err error) {
		if err := l.Permit(access.SeeCredential, access.Resource{Owner: p.Member}); err != nil {
			return err
		}
		list, err = l.VaultReader.Credentials(p.Workspace, filter, page)
		return err
	})
	return list, err
}

// Share gives a credential to the workspace, or takes it back; jobs of others
// that use it end then.
func (v *Vault) Share(ctx context.Context, p hotcell.Principal, id hotcell.CredentialID, revision int, shared bool) (out hotcell.Credential, err error) {
	kind, action := "share", access.ShareCredential
	if !shared {
		kind, action = "unshare", access.UnshareCredential
	}
	err = v.changeCredential(ctx, p, id, revision, kind, action, func(a *Act, c hotcell.Credential) error {
		out = c
		if c.Shared == shared {
			return nil
		}
		out.Shared, out.Revision, out.UpdatedAt = shared, c.Revision+1, v.now()
		if _, err := memberOf(a, c.Workspace, c.Owner); errors.Is(err, hotcell.ErrNotFound) {
			out.Owner = p.Member // its maker is gone: it becomes theirs who takes it back
		} else if err != nil {
			return err
		}
		if err := a.PutCredential(out); errors.Is(err, hotcell.ErrConflict) {
			return fmt.Errorf("there is another %s of this name in that group: %w", c.Tier, err)
		} else if err != nil {
			return err
		}
		if shared {
			return nil
		}
		return a.RevokeUses(p.Workspace, id, "a credential that it used is no longer shared", func(g hotcell.Grant) bool { return g.Principal != out.Owner })
	})
	return out, err
}

// DestroyCredential destroys the data keys of all versions at once, then the rest; jobs
// that use it end. Name is its name, typed by who wants that. Before sees it last, in
// the same change.
func (v *Vault) DestroyCredential(ctx context.Context, p hotcell.Principal, id hotcell.CredentialID, revision int, name string, before func(*Act, hotcell.Credential)) error {
	return v.changeCredential(ctx, p, id, revision, "destroy", access.DeleteCredential, func(a *Act, c hotcell.Credential) error {
		if name != c.Name {
			return errName(c)
		}
		before(a, c)
		if err := v.letGo(a, c); err != nil {
			return err
		}
		if err := deleteDefinition(a.VaultWriter, p.Workspace, id); err != nil {
			return err
		}
		return a.VaultWriter.DeleteCredential(p.Workspace, id)
	})
}

// CreateCredential stores a credential that is new, with its values. See is
// asked, once it is permitted, whether what the values came in may be taken.
func (v *Vault) CreateCredential(ctx context.Context, p hotcell.Principal, fresh hotcell.Credential, fields []Field, see func(*Act) error) error {
	about := hotcell.Event{Kind: string(fresh.Tier) + ".create", Credential: fresh.ID, Name: fresh.Name, Version: fresh.Version}
	return v.Change(ctx, p, about, func(a *Act) error { return v.create(a, fresh, fields, see) })
}

func (v *Vault) create(a *Act, fresh hotcell.Credential, fields []Field, see func(*Act) error) error {
	if err := a.Permit(access.CreateCredential, access.OfCredential(fresh)); err != nil {
		return err
	}
	if err := see(a); err != nil {
		return err
	}
	if err := a.PutCredential(fresh); err != nil {
		return Taken(err, fresh)
	}
	return v.Seal(a, fresh, fields)
}

// ChangeCredential runs fn on a credential of a tier that the caller may change;
// one of another tier is not found.
func (v *Vault) ChangeCredential(ctx context.Context, p hotcell.Principal, tier hotcell.Tier, id hotcell.CredentialID, revision int, fn func(*Act, hotcell.Credential) error) error {
	about := hotcell.Event{Kind: string(tier) + ".change", Credential: id}
	return v.onCredential(ctx, p, about, revision, "change", access.ChangeCredential, func(c hotcell.Credential) bool { return c.Tier == tier }, fn)
}

// Taken tells, of a conflict in storing c, whose names it collides with.
func Taken(err error, c hotcell.Credential) error {
	if !errors.Is(err, hotcell.ErrConflict) {
		return err
	}
	group := "your personal credentials"
	if c.Shared {
		group = "the shared credentials"
	}
	return fmt.Errorf("there is one of this name among %s already: %w", group, err)
}

// Called is how to speak of other to whoever may change c: of a personal
// credential its owner alone may know the name.
func Called(other, c hotcell.Credential) string {
	if other.Shared || !c.Shared && c.Owner == other.Owner {
		return fmt.Sprintf("the %s %q", other.Tier, other.Name)
	}
	return fmt.Sprintf("a personal %s of a member", other.Tier)
}

// changeCredential runs fn on a credential of any tier that the caller may do
// action to.
func (v *Vault) changeCredential(ctx context.Context, p hotcell.Principal, id hotcell.CredentialID, revision int, verb string, action access.Action, fn func(*Act, hotcell.Credential) error) error {
	about := hotcell.Event{Kind: "credential." + verb, Credential: id}
	return v.onCredential(ctx, p, about, revision, verb, action, func(hotcell.Credential) bool { return true }, fn)
}

// onCredential runs fn on the credential that about names, if it is one that is
// meant, the caller may do action to it, and it is at the revision that they know.
func (v *Vault) onCredential(ctx context.Context, p hotcell.Principal, about hotcell.Event, revision int, verb string, action access.Action, meant func(hotcell.Credential) bool, fn func(*Act, hotcell.Credential) error) error {
	return v.Change(ctx, p, about, func(a *Act) error {
		c, err := a.Credential(p.Workspace, about.Credential)
		if err != nil {
			return err
		}
		if !meant(c) {
			return hotcell.ErrNotFound
		}
		a.About.Kind, a.About.Name = string(c.Tier)+"."+verb, c.Name
		if err := a.Permit(action, access.OfCredential(c)); err != nil {
			return err
		}
		if err := Stale(revision, c.Revision); err != nil {
			return err
		}
		return fn(a, c)
	})
}
