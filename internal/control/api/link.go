package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

type createLink struct {
	Body struct {
		Connector string            `json:"connector"`
		Auth      string            `json:"auth,omitempty" doc:"which of the connector's ways of authorisation; its first that people sign in for when it is not given"`
		Name      string            `json:"name"`
		Shared    bool              `json:"shared,omitempty"`
		Settings  map[string]string `json:"settings,omitempty"`
		Tools     []string          `json:"tools,omitempty" doc:"the tools whose scopes are asked for; all when empty"`
	}
}

type reconnect struct {
	ID   string `path:"id"`
	Body struct {
		Tools  []string `json:"tools,omitempty" doc:"tools whose scopes are asked for beside those that it has"`
		Anyone bool     `json:"anyone,omitempty" doc:"let it become another account's"`
	}
}

type linkID struct {
	ID string `path:"id"`
}

// linkBody is a link as it is shown. What binds a browser is the vault's matter.
type linkBody struct {
	ID         hotcell.LinkID       `json:"id"`
	Connector  string               `json:"connector"`
	Name       string               `json:"name"`
	State      hotcell.LinkState    `json:"state"`
	Connection hotcell.CredentialID `json:"connection,omitempty"`
	Reason     string               `json:"reason,omitempty"`
	Expires    string               `json:"expires" format:"date-time"`
	// URL is told this once.
	URL    string           `json:"url,omitempty" doc:"the one-time link to open in a browser; told this once"`
	Device *vaultrpc.Device `json:"device,omitempty" doc:"the code to type in at the service instead"`
}

type linkItem struct{ Body linkBody }

func linkOf(l hotcell.Link) linkBody {
	return linkBody{ID: l.ID, Connector: l.Connector, Name: l.Name, State: l.State, Connection: l.Connection, Reason: l.Reason, Expires: l.Expires.UTC().Format("2006-01-02T15:04:05Z")}
}

// links registers how an account is connected by OAuth.
func (s *service) links(api huma.API) {
	operation(s, api, http.MethodPost, "/v1/links", "create-link", "Begin to connect an account: a one-time link for a browser", http.StatusCreated,
		func(ctx context.Context, p hotcell.Principal, in *createLink) (*linkItem, error) {
			b := in.Body
			return s.link(ctx, &vaultrpc.CreateLinkRequest{By: vaultrpc.As(p), Connector: b.Connector, Auth: b.Auth, Name: b.Name, Shared: b.Shared, Settings: b.Settings, Tools: b.Tools})
		})
	operation(s, api, http.MethodPost, "/v1/connections/{id}/reconnect", "reconnect", "Begin to connect an account anew: the connection keeps its id and attachments", http.StatusCreated,
		func(ctx context.Context, p hotcell.Principal, in *reconnect) (*linkItem, error) {
			if err := check(in.ID, hotcell.PrefixConnection); err != nil {
				return nil, err
			}
			return s.link(ctx, &vaultrpc.CreateLinkRequest{By: vaultrpc.As(p), Renews: hotcell.CredentialID(in.ID), Tools: in.Body.Tools, Anyone: in.Body.Anyone})
		})
	operation(s, api, http.MethodGet, "/v1/links/{id}", "show-link", "Show what has come of a link", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, in *linkID) (*linkItem, error) {
			if err := check(in.ID, hotcell.PrefixLink); err != nil {
				return nil, err
			}
			answer, err := s.Vault.Link(ctx, &vaultrpc.LinkRequest{By: vaultrpc.As(p), ID: hotcell.LinkID(in.ID)})
			if err != nil {
				return nil, err
			}
			return &linkItem{linkOf(answer.Link)}, nil
		})
}

func (s *service) link(ctx context.Context, r *vaultrpc.CreateLinkRequest) (*linkItem, error) {
	answer, err := s.Vault.CreateLink(ctx, r)
	if err != nil {
		return nil, err
	}
	out := &linkItem{linkOf(answer.Link)}
	out.Body.Device = answer.Device
	if answer.Device == nil {
		out.Body.URL = s.base() + connectPath + answer.Token
	}
	return out, nil
}
