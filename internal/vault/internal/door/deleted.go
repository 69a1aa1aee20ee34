package door

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hotcell"
	"hotcell/internal/policy/access"
)

// BuryCredential deletes a credential so that it can be taken back for a time. Jobs that
// use it end, it is attached to nothing any more, and nothing finds it: all that is left
// is sealed, under no name.
func (v *Vault) BuryCredential(ctx context.Context, p hotcell.Principal, id hotcell.CredentialID, revision int) (out hotcell.Deleted, err error) {
	err = v.changeCredential(ctx, p, id, revision, "delete", access.DeleteCredential, func(a *Act, c hotcell.Credential) error {
		if err := v.letGo(a, c); err != nil {
			return err
		}
		journal, err := a.Refresh(c.Workspace, c.ID)
		if err != nil {
			return err
		}
		if err := Prune(a.VaultWriter, c); err != nil {
			return err
		}
		now := v.now()
		out = hotcell.Deleted{Credential: c, At: now, By: p.Member, Until: now.Add(hotcell.UndeleteTime), Refresh: journal}
		a.About.Reason = "it can be taken back until " + out.Until.UTC().Format(time.RFC3339)
		return a.Bury(out)
	})
	return out, err
}

// letGo ends what uses a credential.
func (v *Vault) letGo(a *Act, c hotcell.Credential) error {
	if err := a.RevokeUses(c.Workspace, c.ID, "a credential that it used was deleted", func(hotcell.Grant) bool { return true }); err != nil {
		return err
	}
	attached, err := a.Attachments(c.Workspace, "", c.ID)
	if err != nil {
		return err
	}
	for _, at := range attached {
		if err := a.DeleteAttachment(c.Workspace, at.ID); err != nil {
			return err
		}
	}
	return nil
}

// Deleted lists the deleted credentials that the caller may know of, newest first.
func (v *Vault) Deleted(ctx context.Context, p hotcell.Principal) (out []hotcell.Deleted, err error) {
	err = v.Look(ctx, p, hotcell.Event{Kind: "deleted.list"}, func(l *Look) error {
		if err := l.Permit(access.SeeCredential, access.Resource{Owner: p.Member}); err != nil {
			return err
		}
		all, err := l.VaultReader.Deleted(p.Workspace)
		for _, d := range all {
			if access.Decide(l.Caller, access.SeeCredential, access.OfCredential(d.Credential)) == nil {
				out = append(out, d)
			}
		}
		return err
	})
	return out, err
}

// onDeleted runs fn on a deleted credential that the caller may delete.
func (v *Vault) onDeleted(ctx context.Context, p hotcell.Principal, id hotcell.CredentialID, verb string, fn func(*Act, hotcell.Deleted) error) error {
	return v.Change(ctx, p, hotcell.Event{Kind: "credential." + verb, Credential: id}, func(a *Act) error {
		d, err := a.DeletedCredential(p.Workspace, id)
		if err != nil {
			return err
		}
		c := d.Credential
		a.About.Kind, a.About.Name = string(c.Tier)+"."+verb, c.Name
		if err := a.Permit(access.DeleteCredential, access.OfCredential(c)); err != nil {
			return err
		}
		return fn(a, d)
	})
}

// Undelete takes a deleted credential back. It is attached to nothing.
func (v *Vault) Undelete(ctx context.Context, p hotcell.Principal, id hotcell.CredentialID) (out hotcell.Credential, err error) {
	err = v.onDeleted(ctx, p, id, "undelete", func(a *Act, d hotcell.Deleted) error {
		if !v.now().Before(d.Until) {
			return hotcell.ErrNotFound // it is about to be destroyed
		}
		out = d.Credential
		out.Revision, out.UpdatedAt = out.Revision+1, v.now()
		if err := newest(a, out); err != nil {
			return err
		}
		if err := a.Unbury(out); err != nil {
			return Taken(err, out)
		}
		if d.Refresh.Credential == "" {
			return nil
		}
		return a.PutRefresh(d.Refresh)
	})
	return out, err
}

// errName is told where a name was typed that is another.
func errName(c hotcell.Credential) error {
	return hotcell.Invalid("/destroy", "to destroy it at once, give the name of the %s itself", c.Tier)
}

// DestroyDeleted destroys the data keys of a deleted credential, then the rest. Name is
// its name, typed; before sees it last.
func (v *Vault) DestroyDeleted(ctx context.Context, p hotcell.Principal, id hotcell.CredentialID, name string, before func(*Act, hotcell.Credential)) error {
	return v.onDeleted(ctx, p, id, "destroy", func(a *Act, d hotcell.Deleted) error {
		if name != d.Credential.Name {
			return errName(d.Credential)
		}
		before(a, d.Credential)
		return errors.Join(deleteDefinition(a.VaultWriter, p.Workspace, id), a.VaultWriter.DeleteCredential(p.Workspace, id))
	})
}

// Overdue are the deleted credentials whose time is over.
func (v *Vault) Overdue(ctx context.Context) (out []hotcell.Deleted, err error) {
	err = v.store.View(ctx, func(r hotcell.VaultReader) error {
		all, err := r.Deleted(v.workspace)
		for _, d := range all {
			if !v.now().Before(d.Until) {
				out = append(out, d)
			}
		}
		return err
	})
	return out, err
}

// Expire destroys a deleted credential whose time is over, on nobody's word but that of
// who deleted it.
func (v *Vault) Expire(ctx context.Context, id hotcell.CredentialID, before func(*Act, hotcell.Credential)) error {
	return v.store.Update(ctx, func(w hotcell.VaultWriter) error {
		d, err := w.DeletedCredential(v.workspace, id)
		if err != nil {
			return err
		}
		if v.now().Before(d.Until) {
			return fmt.Errorf("%w: it can still be taken back", hotcell.ErrConflict)
		}
		c := d.Credential
		before(&Act{VaultWriter: w, permitted: true}, c)
		about := hotcell.Event{Workspace: c.Workspace, At: v.now(), Kind: string(c.Tier) + ".destroy", Decision: hotcell.Allowed, Member: d.By, Via: "vault", Credential: c.ID, Name: c.Name, Reason: "it was deleted " + d.At.UTC().Format(time.RFC3339)}
		return errors.Join(deleteDefinition(w, c.Workspace, c.ID), w.DeleteCredential(c.Workspace, c.ID), w.Record(about))
	})
}
