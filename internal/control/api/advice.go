package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

type advise struct {
	Body struct {
		What string `json:"what" doc:"a host, a URL, an e-mail address or domain, the name of a variable, or the first characters of a token"`
	}
}

type advised struct {
	Body struct {
		Advice []vaultrpc.Advice `json:"advice" doc:"best first"`
	}
}

// advice registers which tier a system is for.
func (s *service) advice(api huma.API) {
	operation(s, api, http.MethodPost, "/v1/advice", "advise", "Ask which way of access a system is for, and why", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, in *advise) (*advised, error) {
			answer, err := s.Vault.Advise(ctx, &vaultrpc.AdviseRequest{By: vaultrpc.As(p), What: in.Body.What})
			if err != nil {
				return nil, err
			}
			out := &advised{}
			out.Body.Advice = append([]vaultrpc.Advice{}, answer.Advice...)
			return out, nil
		})
}
