package assignment

import (
	"context"
	"slices"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/policy/access"
	"hotcell/internal/vault/internal/door"
)

// Attached is the credential of an attachment, for who may see its assignment.
func (s *Service) Attached(ctx context.Context, p hotcell.Principal, id hotcell.AttachmentID) (c hotcell.CredentialID, err error) {
	err = s.vault.Look(ctx, p, hotcell.Event{Kind: "attachment.show"}, func(l *door.Look) error {
		at, err := l.Attachment(p.Workspace, id)
		if err != nil {
			return err
		}
		on, err := l.Assignment(p.Workspace, at.Assignment)
		if err != nil {
			return err
		}
		c = at.Credential
		return l.Permit(access.SeeAssignment, access.OfAssignment(on))
	})
	return c, err
}

// ChangeAttachment replaces what an attachment allows; how it is attached stays. The
// caller needs what attaching takes. Jobs keep what they started with, so where the
// attachment allows less than before, those that use it end; where it allows all that
// it did, none does.
func (s *Service) ChangeAttachment(ctx context.Context, r *vaultrpc.ChangeAttachmentRequest) (*vaultrpc.AttachAnswer, error) {
	p := r.Principal
	narrowing, err := narrow("", r.Narrowing)
	if err != nil {
		return nil, err
	}
	out := &vaultrpc.AttachAnswer{}
	err = s.vault.Change(ctx, p, hotcell.Event{Kind: "attachment.change"}, func(a *door.Act) error {
		was, err := a.Attachment(p.Workspace, r.Attachment)
		if err != nil {
			return err
		}
		a.About.Assignment, a.About.Credential = was.Assignment, was.Credential
		now := was
		now.Narrowing = narrowing
		on, c, err := attachable(a, &now)
		if err != nil {
			return err
		}
		if err := belongs(now); err != nil {
			return err
		}
		// It is held against the others, and not against what it was.
		if err := a.DeleteAttachment(p.Workspace, was.ID); err != nil {
			return err
		}
		if err := s.checkTier(a, now, c); err != nil {
			return err
		}
		if !hotcell.Widens(was.Narrowing, now.Narrowing) {
			uses := func(g hotcell.Grant) bool {
				return slices.ContainsFunc(g.Uses, func(u hotcell.Use) bool { return u.Attachment == was.ID })
			}
			if err := a.RevokeUses(p.Workspace, was.Credential, "what a credential that it used may be used for was narrowed", uses); err != nil {
				return err
			}
		}
		out.Attachment, out.Opens = now, opens(on, now, c)
		return a.PutAttachment(now)
	})
	return out, err
}
