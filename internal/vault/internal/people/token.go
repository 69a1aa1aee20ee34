package people

import (
	"context"
	"fmt"
	"slices"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/policy/access"
	"hotcell/internal/vault/internal/door"
)

// mostTokens is how many tokens one member has at the most.
const mostTokens = 100

// CreateToken makes an API token of whoever asks.
func (s *Service) CreateToken(ctx context.Context, r *vaultrpc.CreateTokenRequest) (*vaultrpc.CreateTokenAnswer, error) {
	if err := checkToken(r); err != nil {
		return nil, err
	}
	long, err := within(r.Time, hotcell.TokenTime, hotcell.TokenLongest)
	if err != nil {
		return nil, err
	}
	p, now := r.Principal, s.now()
	out := &vaultrpc.CreateTokenAnswer{Token: hotcell.Token{
		ID: hotcell.TokenID(hotcell.NewID(hotcell.PrefixToken)), Workspace: p.Workspace, Member: p.Member, Name: r.Name, Scopes: r.Scopes, Assignment: r.Assignment, CreatedAt: now, ExpiresAt: now.Add(long),
	}}
	bearer := hotcell.NewBearer(hotcell.BearerToken)
	out.Principal.Bearer = bearer
	about := hotcell.Event{Kind: "token.create", Name: r.Name, Assignment: r.Assignment, Reason: fmt.Sprint(r.Scopes)}
	return out, s.vault.Change(ctx, p, about, func(a *door.Act) error {
		if err := a.Permit(access.CreateToken, access.Resource{Owner: p.Member}); err != nil {
			return err
		}
		if r.Assignment != "" {
			if _, err := a.Assignment(p.Workspace, r.Assignment); err != nil {
				return err
			}
		}
		all, err := a.Tokens(p.Workspace, p.Member)
		if err != nil {
			return err
		}
		if len(all) >= mostTokens {
			return fmt.Errorf("%w: you have %d API tokens: delete some first", hotcell.ErrConflict, len(all))
		}
		return a.PutToken(bearer.Sum(), out.Token)
	})
}

func checkToken(r *vaultrpc.CreateTokenRequest) error {
	if r.Name == "" || device(r.Name) != r.Name {
		return hotcell.Invalid("/name", "a token's name is one line of 1 to %d characters", mostDevice)
	}
	if len(r.Scopes) == 0 {
		return hotcell.Invalid("/scopes", "a token has at least one scope: %v", hotcell.Scopes())
	}
	for i, scope := range r.Scopes {
		if !slices.Contains(hotcell.Scopes(), scope) || slices.Contains(r.Scopes[:i], scope) {
			return hotcell.Invalid(fmt.Sprintf("/scopes/%d", i), "each scope is one of %v, once", hotcell.Scopes())
		}
		if r.Assignment != "" && scope != hotcell.ScopeRunJobs && scope != hotcell.ScopeReadJobs && scope != hotcell.ScopeReadAssignments {
			return hotcell.Invalid(fmt.Sprintf("/scopes/%d", i), "a token for one assignment has %s, %s and %s at the most", hotcell.ScopeRunJobs, hotcell.ScopeReadJobs, hotcell.ScopeReadAssignments)
		}
	}
	return nil
}

// Tokens lists one's own tokens, or the workspace's.
func (s *Service) Tokens(ctx context.Context, p hotcell.Principal, all bool) (*vaultrpc.TokensAnswer, error) {
	out, owner := &vaultrpc.TokensAnswer{}, p.Member
	if all {
		owner = ""
	}
	return out, s.vault.Look(ctx, p, hotcell.Event{Kind: "token.list"}, func(l *door.Look) (err error) {
		if err := l.Permit(access.SeeToken, access.Resource{Owner: owner}); err != nil {
			return err
		}
		out.Tokens, err = l.Tokens(p.Workspace, owner)
		return err
	})
}

// DeleteToken deletes one.
func (s *Service) DeleteToken(ctx context.Context, p hotcell.Principal, id hotcell.TokenID) error {
	err := s.vault.Change(ctx, p, hotcell.Event{Kind: "token.delete"}, func(a *door.Act) error {
		all, err := a.Tokens(p.Workspace, "")
		if err != nil {
			return err
		}
		at := slices.IndexFunc(all, func(t hotcell.Token) bool { return t.ID == id })
		if at < 0 || access.Decide(a.Caller, access.SeeToken, access.OfToken(all[at])) != nil {
			return hotcell.ErrNotFound
		}
		a.About.Name = all[at].Name
		if err := a.Permit(access.DeleteToken, access.OfToken(all[at])); err != nil {
			return err
		}
		return a.DeleteToken(p.Workspace, id)
	})
	s.known.forget()
	return err
}
