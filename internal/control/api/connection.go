package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

// accessBody is where and how a connection's key goes on.
type accessBody struct {
	Host string       `json:"host" doc:"the one host that the key may go to, over TLS: a name or an IP address, no pattern"`
	Port int          `json:"port,omitempty" doc:"443 when it is not given"`
	Auth hotcell.Auth `json:"auth" doc:"how the key goes onto a request: bearer, basic, header, query, cookie or sigv4"`
}

type createConnection struct {
	Body struct {
		Name         string            `json:"name"`
		Service      string            `json:"service,omitempty"`
		Shared       bool              `json:"shared,omitempty"`
		Connector    string            `json:"connector,omitempty" doc:"a slug of the catalogue whose service takes a key; http when it is not given"`
		Auth         string            `json:"auth,omitempty" doc:"which of the connector's ways of authorisation; its first that takes a key when it is not given"`
		Settings     map[string]string `json:"settings,omitempty" doc:"what the connector asks for beside the key; never a value"`
		Definition   string            `json:"definition,omitempty" doc:"for the connector openapi: an OpenAPI 3 document"`
		HTTP         *accessBody       `json:"http,omitempty" doc:"for the connector http: where and how the key goes on"`
		SealedKey    []byte            `json:"sealed_key,omitempty" doc:"the key, sealed to the workspace's public key (HPKE); docs/formats.md has the form"`
		Key          string            `json:"key,omitempty" doc:"the key in plain, sealed when it arrives: it passes through this process's memory"`
		FromSecret   string            `json:"from_secret,omitempty" doc:"instead of a key: the id of a secret that has it, in from_variable; it does not leave the vault"`
		FromVariable string            `json:"from_variable,omitempty"`

		ZeroDataRetention bool `json:"zero_data_retention,omitempty" doc:"declares that the model's provider keeps nothing of what it is sent with this key: administrators may"`
	}
}

type changeConnection struct {
	Known
	ID   string `path:"id"`
	Body struct {
		Name      *string `json:"name,omitempty"`
		Service   *string `json:"service,omitempty"`
		SealedKey []byte  `json:"sealed_key,omitempty"`
		Key       string  `json:"key,omitempty" doc:"as sealed_key, in plain"`
		Anyone    bool    `json:"anyone,omitempty" doc:"let the key be another account's"`

		ZeroDataRetention *bool `json:"zero_data_retention,omitempty" doc:"declares that the model's provider keeps nothing of what it is sent with this key, which administrators may, or takes that back"`
	}
}

func (s *service) connections(api huma.API) {
	operation(s, api, http.MethodPost, "/v1/connections", "create-connection", "Create a connection to a service that takes a key by HTTP", http.StatusCreated, s.createConnection)
	operation(s, api, http.MethodPatch, "/v1/connections/{id}", "change-connection", "Change a connection's key or name; jobs that run keep their key", http.StatusOK, s.changeConnection)
	operation(s, api, http.MethodGet, "/v1/connections/{id}/tools", "list-tools", "List the tools of a connection: what may be attached", http.StatusOK, s.tools)
	operation(s, api, http.MethodPost, "/v1/connections/{id}/test", "test-connection", "Ask the service whether a connection works", http.StatusOK, s.testConnection)
	operation(s, api, http.MethodDelete, "/v1/connections/{id}", "delete-connection", "Delete a connection, so that it can be taken back for 7 days, or destroy it and revoke at its service what was granted; jobs that use it end", http.StatusOK, s.deleteConnection)
	s.credentials(api, "/v1/connections", hotcell.TierConnection, hotcell.PrefixConnection, "its key")
}

func (s *service) createConnection(ctx context.Context, p hotcell.Principal, in *createConnection) (*item[credentialBody], error) {
	b := in.Body
	key, err := s.sealKey(ctx, p, b.Name, b.SealedKey, b.Key)
	if err != nil {
		return nil, err
	}
	request := &vaultrpc.CreateConnectionRequest{
		By: vaultrpc.As(p), Name: b.Name, Service: b.Service, Shared: b.Shared, Connector: b.Connector, Auth: b.Auth, Settings: b.Settings, Definition: []byte(b.Definition),
		Key: key, FromSecret: hotcell.CredentialID(b.FromSecret), FromVariable: b.FromVariable,
		ZeroDataRetention: b.ZeroDataRetention,
	}
	if b.HTTP != nil {
		request.HTTP = hotcell.HTTPAccess(*b.HTTP)
	}
	switch {
	case b.FromSecret != "" && len(key) > 0:
		return nil, hotcell.Invalid("/from_secret", "a key is given once: by itself, or by the secret that has it")
	case b.Connector == "" && b.HTTP == nil:
		return nil, hotcell.Invalid("/http", "where does the key go, and how? Or name a connector")
	case b.Connector == "" && len(key) == 0 && b.FromSecret == "":
		return nil, hotcell.Invalid("/sealed_key", "a connection has a key: give it as sealed_key, or as key in plain")
	}
	return credentialItem(s.Vault.CreateConnection(ctx, request))
}

type deletedConnection struct{ Body vaultrpc.DeleteAnswer }

func (s *service) deleteConnection(ctx context.Context, p hotcell.Principal, in *deletable) (*deletedConnection, error) {
	request, err := in.request(p, hotcell.PrefixConnection)
	if err != nil {
		return nil, err
	}
	answer, err := s.Vault.DeleteConnection(ctx, request)
	if err != nil {
		return nil, err
	}
	return &deletedConnection{*answer}, nil
}

type toolList struct {
	Body struct {
		Tools   []vaultrpc.Tool `json:"tools"`
		Missing []string        `json:"missing,omitempty" doc:"what the connection's definition has beside, and why it is no tool"`
	}
}

func (s *service) tools(ctx context.Context, p hotcell.Principal, in *credentialID) (*toolList, error) {
	if err := check(in.ID, hotcell.PrefixConnection); err != nil {
		return nil, err
	}
	answer, err := s.Vault.Tools(ctx, &vaultrpc.ToolsRequest{By: vaultrpc.As(p), ID: hotcell.CredentialID(in.ID)})
	if err != nil {
		return nil, err
	}
	out := &toolList{}
	out.Body.Tools, out.Body.Missing = answer.Tools, answer.Missing
	return out, nil
}

type testConnection struct {
	ID   string `path:"id"`
	Path string `query:"path" doc:"a path below the service's address that is asked for by GET, such as /me; else what the connector knows to ask"`
}

type tested struct{ Body vaultrpc.TestConnectionAnswer }

func (s *service) testConnection(ctx context.Context, p hotcell.Principal, in *testConnection) (*tested, error) {
	if err := check(in.ID, hotcell.PrefixConnection); err != nil {
		return nil, err
	}
	answer, err := s.Vault.TestConnection(ctx, &vaultrpc.TestConnectionRequest{By: vaultrpc.As(p), ID: hotcell.CredentialID(in.ID), Path: in.Path})
	if err != nil {
		return nil, err
	}
	return &tested{*answer}, nil
}

func (s *service) changeConnection(ctx context.Context, p hotcell.Principal, in *changeConnection) (*item[credentialBody], error) {
	revision, err := in.revision()
	if err == nil {
		err = check(in.ID, hotcell.PrefixConnection)
	}
	if err != nil {
		return nil, err
	}
	key, err := s.sealKey(ctx, p, in.ID, in.Body.SealedKey, in.Body.Key)
	if err != nil {
		return nil, err
	}
	return credentialItem(s.Vault.ChangeConnection(ctx, &vaultrpc.ChangeConnectionRequest{
		By: vaultrpc.As(p), ID: hotcell.CredentialID(in.ID), Revision: revision, Name: in.Body.Name, Service: in.Body.Service, Key: key, Anyone: in.Body.Anyone,
		ZeroDataRetention: in.Body.ZeroDataRetention,
	}))
}

// sealKey seals a key that came in plain; from here on only the vault can read it.
func (s *service) sealKey(ctx context.Context, p hotcell.Principal, of string, sealed []byte, plain string) ([]byte, error) {
	if plain == "" {
		return sealed, nil
	}
	if len(sealed) > 0 {
		return nil, hotcell.Invalid("/key", "a key is given once: as sealed_key, or as key in plain")
	}
	seal, err := s.sealer(ctx, p, hotcell.TierConnection, of)
	if err != nil {
		return nil, err
	}
	return seal(hotcell.FieldKey, plain)
}
