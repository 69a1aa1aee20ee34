package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

type connectorSlug struct {
	Slug string `path:"slug"`
}

type connectorList struct {
	Body struct {
		Items []vaultrpc.Connector `json:"items"`
	}
}

type connectorItem struct{ Body vaultrpc.Connector }

type lintConnector struct {
	Body struct {
		Text string `json:"text" doc:"a connector's document, in YAML"`
	}
}

type linted struct {
	Body struct {
		Problems []vaultrpc.Fault `json:"problems"`
	}
}

// connectors registers the catalogue.
func (s *service) connectors(api huma.API) {
	operation(s, api, http.MethodGet, "/v1/connectors", "list-connectors", "List what a connection can be made to", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, _ *struct{}) (*connectorList, error) {
			answer, err := s.Vault.Connectors(ctx, &vaultrpc.ConnectorsRequest{By: vaultrpc.As(p)})
			if err != nil {
				return nil, err
			}
			out := &connectorList{}
			out.Body.Items = append([]vaultrpc.Connector{}, answer.Connectors...)
			return out, nil
		})
	operation(s, api, http.MethodGet, "/v1/connectors/{slug}", "show-connector", "Show a connector and its tools", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, in *connectorSlug) (*connectorItem, error) {
			answer, err := s.Vault.Connectors(ctx, &vaultrpc.ConnectorsRequest{By: vaultrpc.As(p), Slug: in.Slug})
			if err != nil {
				return nil, err
			}
			if len(answer.Connectors) != 1 {
				return nil, hotcell.ErrNotFound
			}
			return &connectorItem{answer.Connectors[0]}, nil
		})
	operation(s, api, http.MethodPost, "/v1/connectors/lint", "lint-connector", "Say what is wrong with a connector's document", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, in *lintConnector) (*linted, error) {
			answer, err := s.Vault.LintConnector(ctx, &vaultrpc.LintConnectorRequest{By: vaultrpc.As(p), Text: []byte(in.Body.Text)})
			if err != nil {
				return nil, err
			}
			out := &linted{}
			out.Body.Problems = append([]vaultrpc.Fault{}, answer.Problems...)
			return out, nil
		})
}
