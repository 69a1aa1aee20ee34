package door

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hotcell"
	"hotcell/internal/policy/access"
	"hotcell/internal/value/parcel"
	"hotcell/internal/value/sensitive"
)

// Recognise reads what is needed to tell who somebody is. Nobody is asked whether they may:
// nobody is known yet.
func (v *Vault) Recognise(ctx context.Context, fn func(hotcell.VaultReader) error) error {
	return v.store.View(ctx, fn)
}

// Remembers says whether what was read of people stays true until this process changes it.
func (v *Vault) Remembers() bool { return !v.store.Shared() }

// Entry is a change of what people prove themselves by, which no role decides: it is asked
// by whoever proves that it is theirs.
type Entry struct {
	hotcell.VaultWriter
	vault *Vault
	noted int
}

// Note records what happens with the change.
func (e *Entry) Note(about hotcell.Event) error {
	e.noted++
	about.At = e.vault.now()
	return e.Record(about)
}

// Enter runs fn in one transaction. It notes at least one event, or nothing is changed.
func (v *Vault) Enter(ctx context.Context, fn func(*Entry) error) error {
	return v.store.Update(ctx, func(w hotcell.VaultWriter) error {
		e := &Entry{VaultWriter: w, vault: v}
		if err := fn(e); err != nil {
			return err
		}
		if e.noted == 0 {
			return errUnasked
		}
		return nil
	})
}

// Tell records what came of somebody who wanted in and is not.
func (v *Vault) Tell(ctx context.Context, events ...hotcell.Event) error {
	for i := range events {
		events[i].At = v.now()
	}
	if err := v.store.Record(context.WithoutCancel(ctx), events...); err != nil {
		return v.unrecorded(err)
	}
	return nil
}

// Touch stores when something was used last, for people to see: no event tells of it.
func (v *Vault) Touch(ctx context.Context, fn func(hotcell.VaultWriter) error) error {
	return v.store.Update(ctx, fn)
}

// blobVerifier is the label under which a person's password verifier is sealed, so that
// nobody can guess at a stolen file, and nobody's verifier is another's.
func blobVerifier(id hotcell.PersonID) string { return "password of " + string(id) }

// PutVerifier seals what a person's password is held against.
func (v *Vault) PutVerifier(e *Entry, id hotcell.PersonID, verifier sensitive.Bytes) error {
	var sealed []byte
	label := blobVerifier(id)
	if err := verifier.Use(func(b []byte) (err error) {
		sealed, err = v.sealBlob(label, b)
		return err
	}); err != nil {
		return fmt.Errorf("sealing a verifier: %w", err)
	}
	return e.PutBlob(v.workspace, label, sealed)
}

// Verifier opens it. It is [hotcell.ErrNotFound] for who has no password.
func (v *Vault) Verifier(r hotcell.VaultReader, id hotcell.PersonID) (sensitive.Bytes, error) {
	label := blobVerifier(id)
	sealed, err := r.Blob(v.workspace, label)
	if err != nil {
		return sensitive.Bytes{}, err
	}
	return v.openBlob(label, sealed)
}

// See remembers a message that somebody sealed as they came in; [hotcell.ErrConflict] where
// it was seen before.
func (v *Vault) See(e *Entry, message []byte) error {
	return e.VaultWriter.See(v.workspace, parcel.Hash(message), v.now())
}

// ChangeMember runs fn on a member who is one. Nobody reaches above their own role by it,
// and there is an owner left.
func (v *Vault) ChangeMember(ctx context.Context, p hotcell.Principal, id hotcell.MemberID, fn func(*hotcell.Member)) (out hotcell.Member, err error) {
	err = v.Change(ctx, p, hotcell.Event{Kind: "member.change"}, func(a *Act) error {
		was, err := memberOf(a, p.Workspace, id)
		if err != nil {
			return err
		}
		out = was
		fn(&out)
		a.About.Name = out.Name
		if out.Role != was.Role {
			a.About.Reason = fmt.Sprintf("the role %s, which was %s", out.Role, was.Role)
		}
		err = errors.Join(a.Permit(access.ChangeMember, access.OfMember(was)), access.Above(a.Caller, access.ChangeMember, was.Role), access.Above(a.Caller, access.ChangeMember, out.Role))
		if err != nil {
			return err
		}
		if err := ownerLeft(a, was, out.Role == hotcell.RoleOwner); err != nil {
			return err
		}
		return a.PutMember(out)
	})
	return out, err
}

// memberOf finds a member who was not removed.
func memberOf(r hotcell.VaultReader, ws hotcell.WorkspaceID, id hotcell.MemberID) (hotcell.Member, error) {
	m, err := r.Member(ws, id)
	if err == nil && m.Removed() {
		err = hotcell.ErrNotFound
	}
	return m, err
}

// ownerLeft refuses what would leave a workspace without an owner.
func ownerLeft(r hotcell.VaultReader, was hotcell.Member, stays bool) error {
	if was.Role != hotcell.RoleOwner || stays {
		return nil
	}
	all, err := r.Members(was.Workspace)
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.Role == hotcell.RoleOwner && !m.Removed() && m.ID != was.ID {
			return nil
		}
	}
	return fmt.Errorf("%w: a workspace has at least one owner: make somebody else one first", hotcell.ErrConflict)
}

// Leaving is what goes with a member who is removed, or would.
type Leaving struct {
	Member hotcell.Member
	// Personal are their credentials, which are destroyed, deleted ones among them.
	Personal []hotcell.Credential
	// Missing are the assignments that have one of them attached.
	Missing []hotcell.Assignment
	// Jobs are those that run on their behalf, which end.
	Jobs []hotcell.Grant
	// Shared counts their shared credentials, which stay; Tokens their API tokens, which
	// are deleted.
	Shared int
	Tokens int
}

// Leaving says what would go with a member: names of what is personal to them are for
// themselves alone.
func (v *Vault) Leaving(ctx context.Context, p hotcell.Principal, id hotcell.MemberID) (out Leaving, err error) {
	err = v.Look(ctx, p, hotcell.Event{Kind: "member.show"}, func(l *Look) error {
		m, err := memberOf(l, p.Workspace, id)
		if err != nil {
			return err
		}
		if err := errors.Join(l.Permit(access.RemoveMember, access.OfMember(m)), access.Above(l.Caller, access.RemoveMember, m.Role)); err != nil {
			return err
		}
		out, err = leaving(l, m)
		return err
	})
	return out, err
}

func leaving(r hotcell.VaultReader, m hotcell.Member) (out Leaving, err error) {
	out.Member = m
	missing := map[hotcell.AssignmentID]bool{}
	if err := eachCredential(r, m.Workspace, func(c hotcell.Credential) error {
		if c.Owner != m.ID {
			return nil
		}
		if c.Shared {
			out.Shared++
			return nil
		}
		out.Personal = append(out.Personal, c)
		attached, err := r.Attachments(c.Workspace, "", c.ID)
		for _, at := range attached {
			missing[at.Assignment] = true
		}
		return err
	}); err != nil {
		return out, err
	}
	deleted, err := r.Deleted(m.Workspace)
	if err != nil {
		return out, err
	}
	for _, d := range deleted {
		if d.Credential.Owner == m.ID && !d.Credential.Shared {
			out.Personal = append(out.Personal, d.Credential)
		}
	}
	for id := range missing {
		a, err := r.Assignment(m.Workspace, id)
		if err != nil {
			return out, err
		}
		out.Missing = append(out.Missing, a)
	}
	grants, err := r.Grants(m.Workspace, "")
	if err != nil {
		return out, err
	}
	for _, g := range grants {
		if g.Principal == m.ID {
			out.Jobs = append(out.Jobs, g)
		}
	}
	tokens, err := r.Tokens(m.Workspace, m.ID)
	out.Tokens = len(tokens)
	return out, err
}

// eachCredential runs fn on all credentials of a workspace, page by page.
func eachCredential(r hotcell.VaultReader, ws hotcell.WorkspaceID, fn func(hotcell.Credential) error) error {
	page := hotcell.Page{Limit: hotcell.MaxPage}
	for {
		list, err := r.Credentials(ws, hotcell.CredentialFilter{}, page)
		if err != nil {
			return err
		}
		for _, c := range list {
			if err := fn(c); err != nil {
				return err
			}
		}
		if len(list) < page.Limit {
			return nil
		}
		page.After = string(list[len(list)-1].ID)
	}
}

// RemoveMember ends a membership: what is personal to the member is destroyed, their jobs
// end, their tokens and invitations are deleted, and what they shared stays. Before sees
// each credential last; begin comes first, each time that this is tried.
func (v *Vault) RemoveMember(ctx context.Context, p hotcell.Principal, id hotcell.MemberID, begin func(), before func(*Act, hotcell.Credential)) (out Leaving, err error) {
	err = v.Change(ctx, p, hotcell.Event{Kind: "member.remove"}, func(a *Act) error {
		begin()
		m, err := memberOf(a, p.Workspace, id)
		if err != nil {
			return err
		}
		a.About.Name = m.Name
		if err := errors.Join(a.Permit(access.RemoveMember, access.OfMember(m)), access.Above(a.Caller, access.RemoveMember, m.Role)); err != nil {
			return err
		}
		if err := ownerLeft(a, m, false); err != nil {
			return err
		}
		if out, err = leaving(a, m); err != nil {
			return err
		}
		a.About.Reason = fmt.Sprintf("%d personal credentials were destroyed, %d jobs ended; %d shared ones stay", len(out.Personal), len(out.Jobs), out.Shared)
		m.RemovedAt = v.now()
		return errors.Join(v.part(a, out, before), a.PutMember(m))
	})
	return out, err
}

// part destroys and ends what goes with a member.
func (v *Vault) part(a *Act, gone Leaving, before func(*Act, hotcell.Credential)) error {
	ws := gone.Member.Workspace
	for _, g := range gone.Jobs {
		if err := a.revoke(g, "the member on whose behalf it ran was removed"); err != nil {
			return err
		}
	}
	for _, c := range gone.Personal {
		before(a, c)
		if err := errors.Join(v.letGo(a, c), deleteDefinition(a.VaultWriter, ws, c.ID), a.VaultWriter.DeleteCredential(ws, c.ID)); err != nil {
			return err
		}
	}
	tokens, err := a.Tokens(ws, gone.Member.ID)
	if err != nil {
		return err
	}
	for _, t := range tokens {
		if err := a.DeleteToken(ws, t.ID); err != nil {
			return err
		}
	}
	invitations, err := a.Invitations(ws)
	if err != nil {
		return err
	}
	for _, i := range invitations {
		if i.By == gone.Member.ID {
			if err := a.DeleteInvitation(ws, i.ID); err != nil {
				return err
			}
		}
	}
	return v.endSessions(a, gone.Member)
}

// endSessions ends the sessions of somebody who is in no workspace any more.
func (v *Vault) endSessions(a *Act, gone hotcell.Member) error {
	if gone.Person == "" {
		return nil
	}
	others, err := a.Memberships(gone.Person)
	if err != nil || len(others) > 1 {
		return err // this one is among them as yet
	}
	sessions, err := a.Sessions(gone.Person)
	for _, s := range sessions {
		err = errors.Join(err, a.DeleteSession(gone.Person, s.ID))
	}
	return err
}

// DropSessions deletes sessions and invitations that were over some time ago.
func (v *Vault) DropSessions(ctx context.Context, before time.Time) error {
	return v.store.Update(ctx, func(w hotcell.VaultWriter) error { return w.DropSessions(before) })
}
