package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

// clientBody is what may be said of a client.
type clientBody struct {
	Connector string `json:"connector"`
	Server    string `json:"server,omitempty" doc:"for the connector mcp: the authorisation server"`
	ID        string `json:"id"`
	Public    bool   `json:"public,omitempty"`
	Callback  string `json:"callback" doc:"the redirect URI to register for it"`
}

type clientList struct {
	Body struct {
		Items []clientBody `json:"items"`
		// Callback is where each client must lead back to.
		Callback string `json:"callback" doc:"the redirect URI to register at the service"`
	}
}

type setClient struct {
	Connector string `path:"connector"`
	Body      struct {
		Server       string `json:"server,omitempty" doc:"for the connector mcp: the server's address, or its authorisation server's"`
		ID           string `json:"id" doc:"the client's id, as the service gave it"`
		SealedSecret []byte `json:"sealed_secret,omitempty" doc:"its secret, sealed to the workspace's public key"`
		Secret       string `json:"secret,omitempty" doc:"its secret in plain, sealed when it arrives"`
	}
}

type clientName struct {
	Connector string `path:"connector"`
	Server    string `query:"server" doc:"for the connector mcp: the authorisation server, as the list names it"`
}

// clients registers the workspace's own OAuth clients.
func (s *service) clients(api huma.API) {
	operation(s, api, http.MethodGet, "/v1/clients", "list-clients", "List the workspace's OAuth clients, without their secrets", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, _ *struct{}) (*clientList, error) {
			answer, err := s.Vault.Clients(ctx, &vaultrpc.WorkspaceRequest{By: vaultrpc.As(p)})
			if err != nil {
				return nil, err
			}
			out := &clientList{}
			out.Body.Items, out.Body.Callback = []clientBody{}, s.callback()
			for _, c := range answer.Clients {
				out.Body.Items = append(out.Body.Items, clientBody{c.Connector, c.Server, c.ID, c.Public, s.callback() + c.Back})
			}
			return out, nil
		})
	operation(s, api, http.MethodPut, "/v1/clients/{connector}", "set-client", "Set the workspace's own OAuth client of a connector", http.StatusNoContent, s.setClient)
	operation(s, api, http.MethodDelete, "/v1/clients/{connector}", "delete-client", "Delete an OAuth client; what was connected by it cannot be renewed", http.StatusNoContent,
		func(ctx context.Context, p hotcell.Principal, in *clientName) (*empty, error) {
			return &empty{}, s.Vault.DeleteClient(ctx, &vaultrpc.DeleteClientRequest{By: vaultrpc.As(p), Connector: in.Connector, Server: in.Server})
		})
}

// tierClient is what stands for the tier in what a client's secret is sealed to.
const tierClient hotcell.Tier = "client"

func (s *service) setClient(ctx context.Context, p hotcell.Principal, in *setClient) (*empty, error) {
	secret := in.Body.SealedSecret
	if in.Body.Secret != "" {
		if len(secret) > 0 {
			return nil, hotcell.Invalid("/secret", "a secret is given once: as sealed_secret, or as secret in plain")
		}
		item := in.Connector
		if in.Body.Server != "" {
			item = hotcell.OwnClient(in.Body.Server)
		}
		seal, err := s.sealer(ctx, p, tierClient, item)
		if err != nil {
			return nil, err
		}
		if secret, err = seal("secret", in.Body.Secret); err != nil {
			return nil, err
		}
	}
	return &empty{}, s.Vault.SetClient(ctx, &vaultrpc.SetClientRequest{By: vaultrpc.As(p), Connector: in.Connector, Server: in.Body.Server, ID: in.Body.ID, Secret: secret})
}
