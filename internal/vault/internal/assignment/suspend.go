package assignment

import (
	"context"
	"fmt"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/vault/internal/door"
)

// suspend keeps what is attached from jobs that do something else than it was attached for:
// where another than who attached it changed the work, what is personal to somebody else
// and what the command is given itself wait to be confirmed anew. Jobs that there are keep
// what they were made with.
func (s *Service) suspend(a *door.Act, was, is hotcell.Assignment) error {
	if is.Work.Does(was.Work) {
		return nil
	}
	attached, err := a.Attachments(is.Workspace, is.ID, "")
	if err != nil {
		return err
	}
	editor := a.Caller.Member
	for _, at := range attached {
		if at.Suspended != nil || at.CreatedBy == editor {
			continue
		}
		c, err := a.Credential(is.Workspace, at.Credential)
		if err != nil {
			return err
		}
		personal := !c.Shared && c.Owner != editor
		given := at.As == hotcell.InjectEnvironment || at.As == hotcell.InjectStandIn
		if !personal && !given {
			continue
		}
		at.Suspended = &hotcell.Suspension{By: editor, At: s.now(), Was: was.Work}
		if err := a.PutAttachment(at); err != nil {
			return err
		}
	}
	return nil
}

// Confirm takes a suspension away, by whoever may attach the credential there. Revision is
// that of the assignment that they have seen.
func (s *Service) Confirm(ctx context.Context, r *vaultrpc.ConfirmAttachmentRequest) (*vaultrpc.AttachAnswer, error) {
	out := &vaultrpc.AttachAnswer{}
	p := r.Principal
	return out, s.vault.Change(ctx, p, hotcell.Event{Kind: "attachment.confirm"}, func(a *door.Act) error {
		at, err := a.Attachment(p.Workspace, r.Attachment)
		if err != nil {
			return err
		}
		a.About.Assignment, a.About.Credential = at.Assignment, at.Credential
		on, _, err := attachable(a, &at)
		if err != nil {
			return err
		}
		if err := door.Stale(r.Revision, on.Revision); err != nil {
			return err
		}
		if at.Suspended == nil {
			return fmt.Errorf("%w: it waits for no confirmation", hotcell.ErrConflict)
		}
		at.Suspended, at.CreatedBy = nil, p.Member
		out.Attachment = at
		return a.PutAttachment(at)
	})
}
