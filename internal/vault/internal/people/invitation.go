package people

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

// errInvitation is told of whatever is no invitation, or not any more, or not for them.
var errInvitation = fmt.Errorf("%w: this invitation is not good: it was used or taken back, is over, or is for somebody else; ask for another one", hotcell.ErrDenied)

// Invite makes an invitation.
func (s *Service) Invite(ctx context.Context, r *vaultrpc.InviteRequest) (*vaultrpc.InviteAnswer, error) {
	p := r.Principal
	if err := isRole(r.Role); err != nil {
		return nil, err
	}
	if r.For != "" {
		var err error
		if r.For, err = Name(r.For); err != nil {
			return nil, hotcell.Invalid("/for", "the name of an account is one word of letters, digits and signs, like ada or ada@acme.test")
		}
	}
	long, err := within(r.Time, hotcell.InvitationTime, hotcell.InvitationLongest)
	if err != nil {
		return nil, err
	}
	now := s.now()
	out := &vaultrpc.InviteAnswer{Invitation: hotcell.Invitation{
		ID: hotcell.InvitationID(hotcell.NewID(hotcell.PrefixInvitation)), Workspace: p.Workspace, Role: r.Role, For: r.For, By: p.Member, CreatedAt: now, ExpiresAt: now.Add(long),
	}}
	bearer := hotcell.NewBearer(hotcell.BearerInvitation)
	out.Principal.Bearer = bearer
	about := hotcell.Event{Kind: "member.invite", Name: r.For, Reason: "as " + string(r.Role)}
	return out, s.vault.Change(ctx, p, about, func(a *door.Act) error {
		if err := errors.Join(a.Permit(access.InviteMembers, access.Resource{}), access.Above(a.Caller, access.InviteMembers, r.Role)); err != nil {
			return err
		}
		return a.PutInvitation(bearer.Sum(), out.Invitation)
	})
}

// within is for how long something is good: as somebody says, or as it is when nobody does.
func within(said, usual, longest time.Duration) (time.Duration, error) {
	switch {
	case said == 0:
		return usual, nil
	case said < time.Minute || said > longest:
		return 0, hotcell.Invalid("/time", "it is good for at least a minute, and for at most %d days", int(longest.Hours()/24))
	}
	return said, nil
}

// Invitations lists those that are open.
func (s *Service) Invitations(ctx context.Context, p hotcell.Principal) (*vaultrpc.InvitationsAnswer, error) {
	out := &vaultrpc.InvitationsAnswer{Invitations: []hotcell.Invitation{}}
	return out, s.vault.Look(ctx, p, hotcell.Event{Kind: "invitation.list"}, func(l *door.Look) error {
		if err := l.Permit(access.InviteMembers, access.Resource{}); err != nil {
			return err
		}
		all, err := l.Invitations(p.Workspace)
		for _, i := range all {
			if s.now().Before(i.ExpiresAt) {
				out.Invitations = append(out.Invitations, i)
			}
		}
		return err
	})
}

// Uninvite takes an invitation back.
func (s *Service) Uninvite(ctx context.Context, p hotcell.Principal, id hotcell.InvitationID) error {
	return s.vault.Change(ctx, p, hotcell.Event{Kind: "member.uninvite"}, func(a *door.Act) error {
		if err := a.Permit(access.InviteMembers, access.Resource{}); err != nil {
			return err
		}
		return a.DeleteInvitation(p.Workspace, id)
	})
}

// Join lets in who has an invitation: it makes their account, or another membership of the
// account whose password they know, and a session.
func (s *Service) Join(ctx context.Context, r *vaultrpc.EnterRequest) (*vaultrpc.EnterAnswer, error) {
	name, err := Name(r.Name)
	if err != nil {
		return nil, err
	}
	p, err := s.open(r.Name, vaultrpc.FieldJoin, r.Message)
	if err != nil {
		return nil, err
	}
	defer p.clear()
	if !p.invitation.Is(hotcell.BearerInvitation) {
		return nil, errInvitation
	}
	person, fresh, err := s.joining(ctx, r, name, p)
	if err != nil {
		return nil, err
	}
	if !fresh {
		return s.enter(ctx, r, p, person, func(e *door.Entry) error { return s.accept(e, r, p, person) })
	}
	if err := choose(p.password, name); err != nil {
		return nil, err
	}
	verifier, err := s.verifiers.new(ctx, p.password)
	if err != nil {
		return nil, err
	}
	defer verifier.Clear()
	return s.enter(ctx, r, p, person, func(e *door.Entry) error {
		if err := e.PutPerson(person); err != nil {
			return taken(err)
		}
		return errors.Join(s.vault.PutVerifier(e, person.ID, verifier), s.accept(e, r, p, person))
	})
}

// joining is whoever joins: somebody who has an account and proves it, or a fresh one.
func (s *Service) joining(ctx context.Context, r *vaultrpc.EnterRequest, name string, p *proof) (who hotcell.Person, fresh bool, err error) {
	err = s.vault.Recognise(ctx, func(v hotcell.VaultReader) error {
		if _, err := s.invited(v, p, name); err != nil {
			return err
		}
		who, err = v.PersonCalled(name)
		return err
	})
	if errors.Is(err, hotcell.ErrNotFound) {
		now := s.now()
		return hotcell.Person{ID: hotcell.PersonID(hotcell.NewID(hotcell.PrefixPerson)), Name: name, CreatedAt: now, PasswordAt: now}, true, nil
	}
	if err != nil {
		return who, false, err
	}
	who, members, err := s.prove(ctx, name, place{address: r.Address}, p.password)
	if err != nil {
		return who, false, s.tellWrong(ctx, r, who, members, err)
	}
	return who, false, nil
}

// invited finds the invitation of somebody, if it is good and for them.
func (s *Service) invited(r hotcell.VaultReader, p *proof, name string) (hotcell.Invitation, error) {
	i, err := r.InvitationOf(p.invitation.Sum())
	switch {
	case errors.Is(err, hotcell.ErrNotFound):
		return i, errInvitation
	case err != nil:
		return i, err
	case !s.now().Before(i.ExpiresAt), i.For != "" && i.For != name:
		return i, errInvitation
	}
	return i, nil
}

// accept uses an invitation up. Who made it must still be one who may.
func (s *Service) accept(e *door.Entry, r *vaultrpc.EnterRequest, p *proof, person hotcell.Person) error {
	i, err := s.invited(e, p, person.Name)
	if err != nil {
		return err
	}
	by, err := e.Member(i.Workspace, i.By)
	if err != nil {
		return err
	}
	caller := hotcell.Caller{Principal: hotcell.Principal{Workspace: by.Workspace, Member: by.ID}, Role: by.Role}
	if by.Removed() || access.Decide(caller, access.InviteMembers, access.Resource{}) != nil || access.Above(caller, access.InviteMembers, i.Role) != nil {
		return errInvitation
	}
	members, err := e.Memberships(person.ID)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.Workspace == i.Workspace {
			return fmt.Errorf("%w: you are in this workspace already, as %s", hotcell.ErrConflict, m.Role)
		}
	}
	m := hotcell.Member{ID: hotcell.MemberID(hotcell.NewID(hotcell.PrefixMember)), Workspace: i.Workspace, Person: person.ID, Name: person.Name, Role: i.Role, CreatedAt: s.now()}
	about := hotcell.Event{Workspace: i.Workspace, Member: m.ID, Kind: "member.join", Decision: hotcell.Allowed, Via: "sign-in", Request: r.Request, Name: person.Name, Reason: "as " + string(i.Role) + ", invited by " + by.Name}
	return errors.Join(e.PutMember(m), e.DeleteInvitation(i.Workspace, i.ID), e.Note(about))
}
