package assignment

import (
	"context"
	"errors"
	"fmt"

	"hotcell"
	"hotcell/internal/access"
	"hotcell/internal/vault"
	"hotcell/internal/vaultrpc"
)

// Get returns an assignment and what is attached to it. Of a credential that
// the caller may not know of, it says only that there is one.
func (s *Service) Get(ctx context.Context, p hotcell.Principal, id hotcell.AssignmentID) (*vaultrpc.AssignmentAnswer, error) {
	out := &vaultrpc.AssignmentAnswer{}
	err := s.vault.Look(ctx, p, hotcell.Event{Kind: "assignment.show", Assignment: id}, func(l *vault.Look) (err error) {
		if out.Assignment, err = l.Assignment(p.Workspace, id); err != nil {
			return err
		}
		if err := l.Permit(access.SeeAssignment, access.OfAssignment(out.Assignment)); err != nil {
			return err
		}
		attached, err := l.Attachments(p.Workspace, id, "")
		if err != nil {
			return err
		}
		for _, at := range attached {
			out.Attachments = append(out.Attachments, describe(l, at))
		}
		return nil
	})
	return out, err
}

func describe(l *vault.Look, at hotcell.Attachment) vaultrpc.AttachedCredential {
	out := vaultrpc.AttachedCredential{Attachment: at}
	c, err := l.Credential(at.Workspace, at.Credential)
	if err != nil || l.Permit(access.SeeCredential, access.OfCredential(c)) != nil {
		return out
	}
	out.Name = c.Name
	for _, v := range c.Variables {
		out.Variables = append(out.Variables, v.Name)
	}
	return out
}

// List lists the workspace's assignments.
func (s *Service) List(ctx context.Context, r *vaultrpc.AssignmentsRequest) (list []hotcell.Assignment, err error) {
	err = s.vault.Look(ctx, r.Principal, hotcell.Event{Kind: "assignment.list"}, func(l *vault.Look) (err error) {
		if err := l.Permit(access.SeeAssignment, access.Resource{}); err != nil {
			return err
		}
		list, err = l.Assignments(r.Principal.Workspace, r.Name, r.Page)
		return err
	})
	return list, err
}

// Attach attaches a credential. The caller needs to be allowed both: to change
// the assignment and to use the credential.
func (s *Service) Attach(ctx context.Context, r *vaultrpc.AttachRequest) (hotcell.Attachment, error) {
	p := r.Principal
	if r.As == "" {
		r.As = hotcell.InjectEnvironment
	}
	fresh := hotcell.Attachment{
		ID: hotcell.AttachmentID(hotcell.NewID(hotcell.PrefixAttachment)), Workspace: p.Workspace,
		Assignment: r.Assignment, Credential: r.Credential, As: r.As, CreatedBy: p.Member, CreatedAt: s.now(),
	}
	if r.As != hotcell.InjectEnvironment {
		return fresh, hotcell.Invalid("/as", "a secret is attached as %q", hotcell.InjectEnvironment)
	}
	about := hotcell.Event{Kind: "attachment.create", Assignment: r.Assignment, Credential: r.Credential}
	return fresh, s.vault.Change(ctx, p, about, func(a *vault.Act) error {
		on, err := a.Assignment(p.Workspace, r.Assignment)
		if err != nil {
			return fmt.Errorf("the assignment: %w", err)
		}
		c, err := a.Credential(p.Workspace, r.Credential)
		if err != nil {
			return fmt.Errorf("the credential: %w", err)
		}
		a.About.Name = c.Name
		if err := a.Permit(access.AttachCredential, access.OfCredential(c)); errors.Is(err, hotcell.ErrNotFound) {
			return fmt.Errorf("the credential: %w", err) // word for word as if it were not there
		} else if err != nil {
			return err
		}
		if err := a.Permit(access.ChangeAssignment, access.OfAssignment(on)); err != nil {
			return err
		}
		if err := s.checkTier(a, on.ID, c); err != nil {
			return err
		}
		err = a.PutAttachment(fresh)
		if errors.Is(err, hotcell.ErrConflict) {
			return fmt.Errorf("%q is attached to %q already: %w", c.Name, on.Name, err)
		}
		return err
	})
}

// Detach takes an attachment away; jobs that use it end.
func (s *Service) Detach(ctx context.Context, r *vaultrpc.DetachRequest) error {
	p := r.Principal
	return s.vault.Change(ctx, p, hotcell.Event{Kind: "attachment.delete"}, func(a *vault.Act) error {
		at, err := a.Attachment(p.Workspace, r.Attachment)
		if err != nil {
			return err
		}
		on, err := a.Assignment(p.Workspace, at.Assignment)
		if err != nil {
			return err
		}
		a.About.Assignment, a.About.Credential = at.Assignment, at.Credential
		c, err := a.Credential(p.Workspace, at.Credential)
		if err != nil && !errors.Is(err, hotcell.ErrNotFound) {
			return err
		}
		if err == nil && access.Decide(a.Caller, access.SeeCredential, access.OfCredential(c)) == nil {
			a.About.Name = c.Name // the caller may read the event
		}
		if err := a.Permit(access.ChangeAssignment, access.OfAssignment(on)); err != nil {
			return err
		}
		uses := func(g hotcell.Grant) bool {
			for _, u := range g.Uses {
				if u.Attachment == at.ID {
					return true
				}
			}
			return false
		}
		if err := a.RevokeUses(p.Workspace, at.Credential, "a credential that it used was detached", uses); err != nil {
			return err
		}
		return a.DeleteAttachment(p.Workspace, at.ID)
	})
}
