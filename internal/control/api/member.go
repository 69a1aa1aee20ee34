package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

type memberList struct {
	Body struct {
		Items []hotcell.Member `json:"items"`
	}
}

type oneMember struct {
	ID string `path:"id"`
}

type changeMember struct {
	ID   string `path:"id"`
	Body struct {
		Role *hotcell.Role `json:"role,omitempty" enum:"owner,administrator,manager,builder,member"`
		Name *string       `json:"name,omitempty"`
	}
}

type memberItem struct{ Body hotcell.Member }

type leavingItem struct{ Body vaultrpc.LeavingAnswer }

type invite struct {
	Body struct {
		Role hotcell.Role `json:"role" enum:"owner,administrator,manager,builder,member"`
		For  string       `json:"for,omitempty" doc:"the name of the only account that may use it"`
		Time int64        `json:"time,omitempty" doc:"for how many seconds it is good: 7 days without a word, 30 at the most"`
	}
}

type invited struct {
	Body struct {
		hotcell.Invitation
		Token string `json:"token" doc:"what the invited person joins by; it is told this once"`
	}
}

type invitationList struct {
	Body struct {
		Items []hotcell.Invitation `json:"items"`
	}
}

func (s *service) members(api huma.API) {
	operation(s, api, http.MethodGet, "/v1/members", "list-members", "Who is in the workspace", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, _ *empty) (*memberList, error) {
			answer, err := s.People.Members(ctx, &vaultrpc.WorkspaceRequest{By: vaultrpc.As(p)})
			if err != nil {
				return nil, err
			}
			out := &memberList{}
			out.Body.Items = answer.Members
			return out, nil
		})
	operation(s, api, http.MethodPatch, "/v1/members/{id}", "change-member", "Give a member another role or name", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, in *changeMember) (*memberItem, error) {
			if err := check(in.ID, hotcell.PrefixMember); err != nil {
				return nil, err
			}
			answer, err := s.People.ChangeMember(ctx, &vaultrpc.ChangeMemberRequest{By: vaultrpc.As(p), ID: hotcell.MemberID(in.ID), Role: in.Body.Role, Name: in.Body.Name})
			if err != nil {
				return nil, err
			}
			return &memberItem{answer.Member}, nil
		})
	operation(s, api, http.MethodGet, "/v1/members/{id}/leaving", "show-leaving", "What would go with a member who is removed", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, in *oneMember) (*leavingItem, error) {
			return s.leaving(in, func(id hotcell.MemberID) (*vaultrpc.LeavingAnswer, error) {
				return s.People.Leaving(ctx, &vaultrpc.MemberRequest{By: vaultrpc.As(p), ID: id})
			})
		})
	operation(s, api, http.MethodDelete, "/v1/members/{id}", "remove-member", "Remove a member: what is personal to them is destroyed, what they shared stays", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, in *oneMember) (*leavingItem, error) {
			return s.leaving(in, func(id hotcell.MemberID) (*vaultrpc.LeavingAnswer, error) {
				return s.People.RemoveMember(ctx, &vaultrpc.MemberRequest{By: vaultrpc.As(p), ID: id})
			})
		})
	s.invitations(api)
}

func (s *service) leaving(in *oneMember, by func(hotcell.MemberID) (*vaultrpc.LeavingAnswer, error)) (*leavingItem, error) {
	if err := check(in.ID, hotcell.PrefixMember); err != nil {
		return nil, err
	}
	answer, err := by(hotcell.MemberID(in.ID))
	if err != nil {
		return nil, err
	}
	return &leavingItem{*answer}, nil
}

func (s *service) invitations(api huma.API) {
	operation(s, api, http.MethodPost, "/v1/invitations", "invite", "Make an invitation into the workspace", http.StatusCreated,
		func(ctx context.Context, p hotcell.Principal, in *invite) (*invited, error) {
			answer, err := s.People.Invite(ctx, &vaultrpc.InviteRequest{By: vaultrpc.As(p), Role: in.Body.Role, For: in.Body.For, Time: time.Duration(in.Body.Time) * time.Second})
			if err != nil {
				return nil, err
			}
			out := &invited{}
			out.Body.Invitation, out.Body.Token = answer.Invitation, string(answer.Principal.Bearer)
			return out, nil
		})
	operation(s, api, http.MethodGet, "/v1/invitations", "list-invitations", "The open invitations, newest first", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, _ *empty) (*invitationList, error) {
			answer, err := s.People.Invitations(ctx, &vaultrpc.WorkspaceRequest{By: vaultrpc.As(p)})
			if err != nil {
				return nil, err
			}
			out := &invitationList{}
			out.Body.Items = answer.Invitations
			return out, nil
		})
	operation(s, api, http.MethodDelete, "/v1/invitations/{id}", "uninvite", "Take an invitation back", http.StatusNoContent,
		func(ctx context.Context, p hotcell.Principal, in *oneMember) (*empty, error) {
			if err := check(in.ID, hotcell.PrefixInvitation); err != nil {
				return nil, err
			}
			return &empty{}, s.People.Uninvite(ctx, &vaultrpc.UninviteRequest{By: vaultrpc.As(p), ID: hotcell.InvitationID(in.ID)})
		})
}
