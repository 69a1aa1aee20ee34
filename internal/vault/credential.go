package vault

import (
	"context"
	"errors"
	"fmt"

	"hotcell"
	"hotcell/internal/access"
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
		if err := a.PutCredential(out); errors.Is(err, hotcell.ErrConflict) {
			return fmt.Errorf("there is another %s of this name in that group: %w", c.Tier, err)
		} else if err != nil {
			return err
		}
		if shared {
			return nil
		}
		return a.RevokeUses(p.Workspace, id, "a credential that it used is no longer shared", func(g hotcell.Grant) bool { return g.Principal != c.Owner })
	})
	return out, err
}

// DeleteCredential destroys the data keys of all versions, then the rest; jobs
// that use it end.
func (v *Vault) DeleteCredential(ctx context.Context, p hotcell.Principal, id hotcell.CredentialID, revision int) error {
	return v.changeCredential(ctx, p, id, revision, "delete", access.DeleteCredential, func(a *Act, _ hotcell.Credential) error {
		if err := a.RevokeUses(p.Workspace, id, "a credential that it used was deleted", func(hotcell.Grant) bool { return true }); err != nil {
			return err
		}
		attached, err := a.Attachments(p.Workspace, "", id)
		if err != nil {
			return err
		}
		for _, at := range attached {
			if err := a.DeleteAttachment(p.Workspace, at.ID); err != nil {
				return err
			}
		}
		return a.VaultWriter.DeleteCredential(p.Workspace, id)
	})
}

// changeCredential runs fn on a credential that the caller may do action to.
func (v *Vault) changeCredential(ctx context.Context, p hotcell.Principal, id hotcell.CredentialID, revision int, verb string, action access.Action, fn func(*Act, hotcell.Credential) error) error {
	return v.Change(ctx, p, hotcell.Event{Kind: "credential." + verb, Credential: id}, func(a *Act) error {
		c, err := a.Credential(p.Workspace, id)
		if err != nil {
			return err
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
