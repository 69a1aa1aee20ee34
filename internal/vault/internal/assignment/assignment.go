// Package assignment keeps, in the vault's process, the standing pieces of work
// and what is attached to them. What a job may use is decided on this, so the
// vault alone keeps it.
//
// It guards that an assignment's rules are well-formed and that nothing is
// attached that its owner could not use. It does not run anything. One way to
// use it:
//
//	s := assignment.New(door, now)
//	a, err := s.Create(ctx, request)
//	answer, err := s.Attach(ctx, request)
package assignment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/policy/access"
	"hotcell/internal/vault/internal/door"
)

// Checker says whether a credential may be attached so, by the rules of its
// tier. The attachment may be stored already, or not yet.
type Checker func(r hotcell.VaultReader, at hotcell.Attachment, c hotcell.Credential) error

// Service does what people ask of assignments.
type Service struct {
	vault *door.Vault
	check map[hotcell.Tier]Checker
	now   func() time.Time
}

// New is the service behind the door v, with a checker for each tier that can
// be attached.
func New(v *door.Vault, check map[hotcell.Tier]Checker, now func() time.Time) *Service {
	return &Service{v, check, now}
}

// Create makes an assignment.
func (s *Service) Create(ctx context.Context, r *vaultrpc.CreateAssignmentRequest) (hotcell.Assignment, error) {
	fresh := hotcell.Assignment{
		ID: hotcell.AssignmentID(hotcell.NewID(hotcell.PrefixAssignment)), Workspace: r.Principal.Workspace,
		Owner: r.Principal.Member, Name: r.Name, Revision: 1, Work: r.Work, CreatedAt: s.now(), UpdatedAt: s.now(),
	}
	if err := check(fresh); err != nil {
		return fresh, err
	}
	if err := mayDrill(r.Principal, &r.Work); err != nil {
		return fresh, err
	}
	about := hotcell.Event{Kind: "assignment.create", Assignment: fresh.ID, Name: fresh.Name}
	return fresh, s.vault.Change(ctx, r.Principal, about, func(a *door.Act) error {
		if err := a.Permit(access.CreateAssignment, access.OfAssignment(fresh)); err != nil {
			return err
		}
		return taken(a.PutAssignment(fresh))
	})
}

// Change changes what is given and leaves the rest; jobs keep what they were
// made with.
func (s *Service) Change(ctx context.Context, r *vaultrpc.ChangeAssignmentRequest) (out hotcell.Assignment, err error) {
	if err := mayDrill(r.Principal, r.Work); err != nil {
		return hotcell.Assignment{}, err
	}
	err = s.change(ctx, r.Principal, r.ID, r.Revision, "change", access.ChangeAssignment, func(a *door.Act, was hotcell.Assignment) error {
		out = was
		out.Revision, out.UpdatedAt = was.Revision+1, s.now()
		if r.Name != nil {
			out.Name = *r.Name
		}
		if r.Work != nil {
			out.Work = *r.Work
		}
		if err := check(out); err != nil {
			return err
		}
		if err := taken(a.PutAssignment(out)); err != nil {
			return err
		}
		if err := s.suspend(a, was, out); err != nil {
			return err
		}
		return s.recheck(a, out)
	})
	return out, err
}

// recheck holds what is attached against the assignment as it is to be.
func (s *Service) recheck(a *door.Act, on hotcell.Assignment) error {
	attached, err := a.Attachments(on.Workspace, on.ID, "")
	if err != nil {
		return err
	}
	for _, at := range attached {
		c, err := a.Credential(on.Workspace, at.Credential)
		if err != nil {
			return err
		}
		if err := s.checkTier(a, at, c); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) checkTier(r hotcell.VaultReader, at hotcell.Attachment, c hotcell.Credential) error {
	checker, known := s.check[c.Tier]
	if !known {
		return hotcell.Invalid("/credential", "a %s cannot be attached", c.Tier)
	}
	return checker(r, at, c)
}

// Delete deletes an assignment and its attachments; its jobs end.
func (s *Service) Delete(ctx context.Context, r *vaultrpc.AssignmentRequest) error {
	return s.change(ctx, r.Principal, r.ID, r.Revision, "delete", access.DeleteAssignment, func(a *door.Act, was hotcell.Assignment) error {
		reason := "its assignment was deleted"
		if err := a.RevokeUses(was.Workspace, "", reason, func(g hotcell.Grant) bool { return g.Assignment == was.ID }); err != nil {
			return err
		}
		return a.DeleteAssignment(was.Workspace, was.ID)
	})
}

// change runs fn on an assignment that the caller may do action to.
func (s *Service) change(ctx context.Context, p hotcell.Principal, id hotcell.AssignmentID, revision int, verb string, action access.Action, fn func(*door.Act, hotcell.Assignment) error) error {
	return s.vault.Change(ctx, p, hotcell.Event{Kind: "assignment." + verb, Assignment: id}, func(a *door.Act) error {
		was, err := a.Assignment(p.Workspace, id)
		if err != nil {
			return err
		}
		a.About.Name = was.Name
		if err := a.Permit(action, access.OfAssignment(was)); err != nil {
			return err
		}
		if err := door.Stale(revision, was.Revision); err != nil {
			return err
		}
		return fn(a, was)
	})
}

func taken(err error) error {
	if errors.Is(err, hotcell.ErrConflict) {
		return fmt.Errorf("there is an assignment of this name already: %w", err)
	}
	return err
}
