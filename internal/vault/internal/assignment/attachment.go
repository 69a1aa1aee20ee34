package assignment

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/policy/access"
	"hotcell/internal/text/site"
	"hotcell/internal/vault/internal/door"
)

// Get returns an assignment and what is attached to it. Of a credential that
// the caller may not know of, it says only that there is one.
func (s *Service) Get(ctx context.Context, p hotcell.Principal, id hotcell.AssignmentID) (*vaultrpc.AssignmentAnswer, error) {
	out := &vaultrpc.AssignmentAnswer{}
	err := s.vault.Look(ctx, p, hotcell.Event{Kind: "assignment.show", Assignment: id}, func(l *door.Look) (err error) {
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

func describe(l *door.Look, at hotcell.Attachment) vaultrpc.AttachedCredential {
	c, err := l.Credential(at.Workspace, at.Credential)
	if err != nil || l.Permit(access.SeeCredential, access.OfCredential(c)) != nil {
		at.Narrowing = hotcell.Narrowing{} // hosts and paths tell what it is for
		return vaultrpc.AttachedCredential{Attachment: at}
	}
	out := vaultrpc.AttachedCredential{Attachment: at, Name: c.Name, Tier: c.Tier, Hosts: at.Hosts, HTTP: c.HTTP}
	if len(out.Hosts) == 0 {
		out.Hosts = c.Hosts
	}
	for _, v := range c.Variables {
		out.Variables = append(out.Variables, v.Name)
	}
	return out
}

// List lists the workspace's assignments.
func (s *Service) List(ctx context.Context, r *vaultrpc.AssignmentsRequest) (list []hotcell.Assignment, err error) {
	err = s.vault.Look(ctx, r.Principal, hotcell.Event{Kind: "assignment.list"}, func(l *door.Look) (err error) {
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
func (s *Service) Attach(ctx context.Context, r *vaultrpc.AttachRequest) (*vaultrpc.AttachAnswer, error) {
	p := r.Principal
	narrowing, err := narrow(r.As, r.Narrowing)
	if err != nil {
		return nil, err
	}
	out := &vaultrpc.AttachAnswer{Attachment: hotcell.Attachment{
		ID: hotcell.AttachmentID(hotcell.NewID(hotcell.PrefixAttachment)), Workspace: p.Workspace, Assignment: r.Assignment,
		Credential: r.Credential, As: r.As, Narrowing: narrowing, CreatedBy: p.Member, CreatedAt: s.now(),
	}}
	about := hotcell.Event{Kind: "attachment.create", Assignment: r.Assignment, Credential: r.Credential}
	err = s.vault.Change(ctx, p, about, func(a *door.Act) error {
		on, c, err := attachable(a, &out.Attachment)
		if err != nil {
			return err
		}
		if r.As == "" {
			out.Attachment.As = usual(out.Attachment, c)
		}
		if err := belongs(out.Attachment); err != nil {
			return err
		}
		if err := s.checkTier(a, out.Attachment, c); err != nil {
			return err
		}
		out.Opens = opens(on, out.Attachment, c)
		err = a.PutAttachment(out.Attachment)
		if errors.Is(err, hotcell.ErrConflict) {
			return fmt.Errorf("%q is attached to %q already: %w", c.Name, on.Name, err)
		}
		return err
	})
	return out, err
}

// usual is how a credential is attached when nobody says how: a connection to a
// service that we know with its tools, a bare key by HTTP.
func usual(at hotcell.Attachment, c hotcell.Credential) hotcell.Injection {
	switch {
	case c.Tier == hotcell.TierSecret:
		return hotcell.InjectEnvironment
	case c.Tier == hotcell.TierLogin:
		return hotcell.InjectLogin
	case len(at.Tools) > 0, c.HTTP == nil:
		return hotcell.InjectTools
	case c.Model != nil: // its client is the job's own agent
		return hotcell.InjectHTTP
	case c.Connected != nil && c.Connected.Connector != slugHTTP:
		return hotcell.InjectTools
	}
	return hotcell.InjectHTTP
}

// slugHTTP is the connector of services of which we know the key alone.
const slugHTTP = "http"

// attachable returns the assignment and the credential of a new attachment,
// where the caller may attach the one to the other.
func attachable(a *door.Act, at *hotcell.Attachment) (on hotcell.Assignment, c hotcell.Credential, err error) {
	if on, err = a.Assignment(at.Workspace, at.Assignment); err != nil {
		return on, c, fmt.Errorf("the assignment: %w", err)
	}
	if c, err = a.Credential(at.Workspace, at.Credential); err != nil {
		return on, c, fmt.Errorf("the credential: %w", err)
	}
	a.About.Name = c.Name
	if err := a.Permit(access.AttachCredential, access.OfCredential(c)); errors.Is(err, hotcell.ErrNotFound) {
		return on, c, fmt.Errorf("the credential: %w", err) // word for word as if it were not there
	} else if err != nil {
		return on, c, err
	}
	return on, c, a.Permit(access.ChangeAssignment, access.OfAssignment(on))
}

// opens is the host and port that an attachment lets the jobs reach by itself:
// they are not in the assignment's allow-list.
func opens(on hotcell.Assignment, at hotcell.Attachment, c hotcell.Credential) string {
	if at.As != hotcell.InjectHTTP || c.HTTP == nil {
		return ""
	}
	entry := hotcell.Allow{Host: c.HTTP.Host, Port: c.HTTP.Port, Protocol: hotcell.ProtocolHTTPS}
	if slices.Contains(on.Work.Allow, entry) {
		return ""
	}
	return site.FormatAllow(entry)
}

// Detach takes an attachment away; jobs that use it end.
func (s *Service) Detach(ctx context.Context, r *vaultrpc.DetachRequest) error {
	p := r.Principal
	return s.vault.Change(ctx, p, hotcell.Event{Kind: "attachment.delete"}, func(a *door.Act) error {
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
