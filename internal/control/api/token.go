package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

type createToken struct {
	Body struct {
		Name       string          `json:"name"`
		Scopes     []hotcell.Scope `json:"scopes" doc:"what it may do, of what you may"`
		Assignment string          `json:"assignment,omitempty" doc:"the id of the only assignment that it is good for"`
		Time       int64           `json:"time,omitempty" doc:"for how many seconds it is good: 90 days without a word, 366 at the most"`
	}
}

type createdToken struct {
	Body struct {
		hotcell.Token
		Bearer string `json:"bearer" doc:"the token itself; it is told this once"`
	}
}

type listTokens struct {
	All bool `query:"all" doc:"the workspace's, and not one's own alone"`
}

type tokenList struct {
	Body struct {
		Items []hotcell.Token `json:"items"`
	}
}

func (s *service) tokens(api huma.API) {
	operation(s, api, http.MethodPost, "/v1/tokens", "create-token", "Make an API token of one's own", http.StatusCreated,
		func(ctx context.Context, p hotcell.Principal, in *createToken) (*createdToken, error) {
			answer, err := s.People.CreateToken(ctx, &vaultrpc.CreateTokenRequest{By: vaultrpc.As(p), Name: in.Body.Name, Scopes: in.Body.Scopes, Assignment: hotcell.AssignmentID(in.Body.Assignment), Time: time.Duration(in.Body.Time) * time.Second})
			if err != nil {
				return nil, err
			}
			out := &createdToken{}
			out.Body.Token, out.Body.Bearer = answer.Token, string(answer.Principal.Bearer)
			return out, nil
		})
	operation(s, api, http.MethodGet, "/v1/tokens", "list-tokens", "API tokens, newest first", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, in *listTokens) (*tokenList, error) {
			answer, err := s.People.Tokens(ctx, &vaultrpc.TokensRequest{By: vaultrpc.As(p), All: in.All})
			if err != nil {
				return nil, err
			}
			out := &tokenList{}
			if out.Body.Items = answer.Tokens; answer.Tokens == nil {
				out.Body.Items = []hotcell.Token{}
			}
			return out, nil
		})
	operation(s, api, http.MethodDelete, "/v1/tokens/{id}", "delete-token", "Delete an API token", http.StatusNoContent,
		func(ctx context.Context, p hotcell.Principal, in *oneMember) (*empty, error) {
			if err := check(in.ID, hotcell.PrefixToken); err != nil {
				return nil, err
			}
			return &empty{}, s.People.DeleteToken(ctx, &vaultrpc.DeleteTokenRequest{By: vaultrpc.As(p), ID: hotcell.TokenID(in.ID)})
		})
}
