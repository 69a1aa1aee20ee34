package client

import (
	"context"
	"net/http"
	"net/url"

	"hotcell"
	"hotcell/internal/value/sensitive"
)

// Connection is a connection as it is shown: never its key.
type Connection struct {
	hotcell.Credential
	Attachments []AttachedAssignment `json:"attachments,omitempty"`
	// Held says by which key its values are held, where it was shown.
	Held   *hotcell.Holding `json:"held,omitempty"`
	Advice []Advice         `json:"advice,omitempty"`
}

// ConnectionDraft is a connection to be made. The caller clears the key.
type ConnectionDraft struct {
	Name    string
	Service string
	Shared  bool
	// Connector is a slug of the catalogue whose service takes a key, with the
	// settings that it asks for; else HTTP says where the key goes.
	Connector string
	// Auth is which of its ways of authorisation; the first that takes a key where it
	// is empty.
	Auth     string
	Settings map[string]string
	// Definition is an OpenAPI document, for the connector openapi.
	Definition string
	HTTP       hotcell.HTTPAccess
	// Key is sealed, and goes as nothing where there is none. FromSecret and
	// FromVariable name a variable that has it instead.
	Key          sensitive.Bytes
	FromSecret   hotcell.CredentialID
	FromVariable string
	// ZeroDataRetention declares that the model's provider keeps nothing of what it is
	// sent with this key.
	ZeroDataRetention bool
}

// CreateConnection makes a connection. Its key leaves this process sealed.
func (c *Client) CreateConnection(ctx context.Context, d ConnectionDraft) (out Connection, err error) {
	body := struct {
		Name         string               `json:"name"`
		Service      string               `json:"service,omitempty"`
		Shared       bool                 `json:"shared,omitempty"`
		Connector    string               `json:"connector,omitempty"`
		Auth         string               `json:"auth,omitempty"`
		Settings     map[string]string    `json:"settings,omitempty"`
		Definition   string               `json:"definition,omitempty"`
		HTTP         *hotcell.HTTPAccess  `json:"http,omitempty"`
		SealedKey    []byte               `json:"sealed_key,omitempty"`
		FromSecret   hotcell.CredentialID `json:"from_secret,omitempty"`
		FromVariable string               `json:"from_variable,omitempty"`
		Zero         bool                 `json:"zero_data_retention,omitempty"`
	}{Name: d.Name, Service: d.Service, Shared: d.Shared, Connector: d.Connector, Auth: d.Auth, Settings: d.Settings, Definition: d.Definition, FromSecret: d.FromSecret, FromVariable: d.FromVariable, Zero: d.ZeroDataRetention}
	if d.HTTP != (hotcell.HTTPAccess{}) {
		body.HTTP = &d.HTTP
	}
	if d.Key.Len() > 0 {
		if body.SealedKey, err = c.sealKey(ctx, d.Name, d.Key); err != nil {
			return out, err
		}
	}
	return out, c.json(ctx, http.MethodPost, "/v1/connections", nil, "", body, &out)
}

// SetKey gives a connection that is at the revision another key; 0 is any
// revision. Jobs that run keep theirs. Anyone lets it be another account's.
func (c *Client) SetKey(ctx context.Context, id hotcell.CredentialID, revision int, key sensitive.Bytes, anyone bool) (out Connection, err error) {
	sealed, err := c.sealKey(ctx, string(id), key)
	if err != nil {
		return out, err
	}
	body := struct {
		SealedKey []byte `json:"sealed_key"`
		Anyone    bool   `json:"anyone,omitempty"`
	}{sealed, anyone}
	return out, c.json(ctx, http.MethodPatch, connectionPath(id), nil, ifMatch(revision), body, &out)
}

// DeclareModel declares that the model's provider of a connection keeps nothing of
// what it is sent with its key, or takes that back.
func (c *Client) DeclareModel(ctx context.Context, id hotcell.CredentialID, revision int, zero bool) (out Connection, err error) {
	body := struct {
		Zero bool `json:"zero_data_retention"`
	}{zero}
	return out, c.json(ctx, http.MethodPatch, connectionPath(id), nil, ifMatch(revision), body, &out)
}

func (c *Client) sealKey(ctx context.Context, of string, key sensitive.Bytes) ([]byte, error) {
	seal, err := c.sealer(ctx, hotcell.TierConnection, of)
	if err != nil {
		return nil, err
	}
	return seal(hotcell.FieldKey, key)
}

func connectionPath(id hotcell.CredentialID) string {
	return "/v1/connections/" + url.PathEscape(string(id))
}

// Connections lists the connections that the caller may know of; an empty name
// lists all.
func (c *Client) Connections(ctx context.Context, name string) ([]hotcell.Credential, error) {
	return all[hotcell.Credential](ctx, c, "/v1/connections", named(name))
}

// Connection shows a connection.
func (c *Client) Connection(ctx context.Context, id hotcell.CredentialID) (out Connection, err error) {
	return out, c.json(ctx, http.MethodGet, connectionPath(id), nil, "", nil, &out)
}

// ShareConnection shares a connection with the workspace, or takes it back.
func (c *Client) ShareConnection(ctx context.Context, id hotcell.CredentialID, shared bool) (out Connection, err error) {
	verb := "share"
	if !shared {
		verb = "unshare"
	}
	return out, c.json(ctx, http.MethodPost, connectionPath(id)+"/"+verb, nil, "", nil, &out)
}

// DeleteConnection deletes a connection that is at the revision, 0 is any; with its name,
// it is destroyed at once. Grant says what became, at the service, of what was granted;
// empty where nothing was.
func (c *Client) DeleteConnection(ctx context.Context, id hotcell.CredentialID, revision int, destroy ...string) (grant string, err error) {
	var out struct {
		Grant string `json:"grant"`
	}
	err = c.json(ctx, http.MethodDelete, connectionPath(id), destroying(destroy), ifMatch(revision), nil, &out)
	return out.Grant, err
}
