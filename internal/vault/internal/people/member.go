package people

import (
	"context"
	"slices"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/policy/access"
	"hotcell/internal/vault/internal/door"
)

// mostMemberName bounds, in bytes, what a member is called.
const mostMemberName = 100

// Members lists who is in the workspace.
func (s *Service) Members(ctx context.Context, p hotcell.Principal) (*vaultrpc.MembersAnswer, error) {
	out := &vaultrpc.MembersAnswer{Members: []hotcell.Member{}}
	return out, s.vault.Look(ctx, p, hotcell.Event{Kind: "member.list"}, func(l *door.Look) error {
		if err := l.Permit(access.SeeMembers, access.Resource{}); err != nil {
			return err
		}
		all, err := l.Members(p.Workspace)
		for _, m := range all {
			if !m.Removed() {
				out.Members = append(out.Members, m)
			}
		}
		return err
	})
}

// ChangeMember gives a member another role or name.
func (s *Service) ChangeMember(ctx context.Context, r *vaultrpc.ChangeMemberRequest) (*vaultrpc.MemberAnswer, error) {
	if r.Name != nil && (*r.Name == "" || len(*r.Name) > mostMemberName || device(*r.Name) != *r.Name) {
		return nil, hotcell.Invalid("/name", "a member's name is one line of 1 to 64 characters")
	}
	if r.Role != nil {
		if err := isRole(*r.Role); err != nil {
			return nil, err
		}
	}
	m, err := s.vault.ChangeMember(ctx, r.Principal, r.ID, func(m *hotcell.Member) {
		if r.Role != nil {
			m.Role = *r.Role
		}
		if r.Name != nil {
			m.Name = *r.Name
		}
	})
	s.known.forget()
	return &vaultrpc.MemberAnswer{Member: m}, err
}

// isRole refuses a role that there is not.
func isRole(r hotcell.Role) error {
	if !slices.Contains(hotcell.Roles(), r) {
		return hotcell.Invalid("/role", "the roles are %v", hotcell.Roles())
	}
	return nil
}

// Told is what is told of a member who leaves: of what is personal to them, how many.
func Told(gone door.Leaving) *vaultrpc.LeavingAnswer {
	out := &vaultrpc.LeavingAnswer{Member: gone.Member, Personal: len(gone.Personal), Shared: gone.Shared, Jobs: len(gone.Jobs), Tokens: gone.Tokens}
	for _, a := range gone.Missing {
		out.Missing = append(out.Missing, vaultrpc.AttachedAssignment{Assignment: a.ID, Name: a.Name})
	}
	return out
}

// Forget has what bearers stand for read anew: somebody was removed.
func (s *Service) Forget() { s.known.forget() }
