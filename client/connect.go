package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"hotcell"
	"hotcell/internal/value/sensitive"
)

// Connector is what may be known of a connector.
type Connector struct {
	Slug     string    `json:"slug"`
	Name     string    `json:"name"`
	Category string    `json:"category"`
	About    string    `json:"about,omitempty"`
	Auth     string    `json:"auth"`
	Own      bool      `json:"own,omitempty"`
	Model    bool      `json:"model,omitempty"`
	Hosts    []string  `json:"hosts,omitempty"`
	Settings []Setting `json:"settings,omitempty"`
	Tools    []Tool    `json:"tools,omitempty"`
	Ways     []Way     `json:"ways,omitempty"`
	// Client is "set" or "missing" where an OAuth client is needed.
	Client string `json:"client,omitempty"`
	Help   string `json:"help,omitempty"`
}

// Way is one way of authorisation.
type Way struct {
	Auth     string   `json:"auth"`
	Prefixes []string `json:"prefixes,omitempty"`
	Help     string   `json:"help,omitempty"`
}

// Signs says whether a person signs in for it at the service.
func (w Way) Signs() bool { return w.Auth == "oauth2" || w.Auth == "device" }

// Setting is what a connector asks for beside values.
type Setting struct {
	Name     string `json:"name"`
	About    string `json:"about"`
	Required bool   `json:"required,omitempty"`
}

// Tool is one operation of a connector.
type Tool struct {
	Name        string          `json:"name"`
	Title       string          `json:"title,omitempty"`
	Description string          `json:"description"`
	Input       json.RawMessage `json:"input"`
	ReadOnly    bool            `json:"read_only,omitempty"`
	Destructive bool            `json:"destructive,omitempty"`
	Approval    bool            `json:"approval,omitempty"`
	Scopes      []string        `json:"scopes,omitempty"`
}

// Connectors lists the catalogue.
func (c *Client) Connectors(ctx context.Context) ([]Connector, error) {
	var out struct {
		Items []Connector `json:"items"`
	}
	err := c.json(ctx, http.MethodGet, "/v1/connectors", nil, "", nil, &out)
	return out.Items, err
}

// Connector shows one, with its tools.
func (c *Client) Connector(ctx context.Context, slug string) (out Connector, err error) {
	return out, c.json(ctx, http.MethodGet, "/v1/connectors/"+url.PathEscape(slug), nil, "", nil, &out)
}

// Problem is one fault of a connector's document.
type Problem struct {
	Line   int    `json:"line,omitempty"`
	Path   string `json:"path,omitempty"`
	Detail string `json:"detail"`
}

// Lint asks what is wrong with a connector's document.
func (c *Client) Lint(ctx context.Context, text string) ([]Problem, error) {
	var out struct {
		Problems []Problem `json:"problems"`
	}
	err := c.json(ctx, http.MethodPost, "/v1/connectors/lint", nil, "", map[string]string{"text": text}, &out)
	return out.Problems, err
}

// Tools lists the tools of a connection.
func (c *Client) Tools(ctx context.Context, id hotcell.CredentialID) ([]Tool, error) {
	out, err := c.Offer(ctx, id)
	return out.Tools, err
}

// Offer is what a connection offers: its tools, and what its definition has
// beside, with the reason why that is no tool.
type Offer struct {
	Tools   []Tool   `json:"tools"`
	Missing []string `json:"missing,omitempty"`
}

// Offer tells what a connection offers.
func (c *Client) Offer(ctx context.Context, id hotcell.CredentialID) (out Offer, err error) {
	err = c.json(ctx, http.MethodGet, connectionPath(id)+"/tools", nil, "", nil, &out)
	return out, err
}

// Tested says whether a connection works.
type Tested struct {
	Works   bool   `json:"works"`
	Account string `json:"account,omitempty"`
	Reason  string `json:"reason,omitempty"`
	// Unanswered is true where the service did not answer: nothing is known of the
	// connection then.
	Unanswered bool `json:"unanswered,omitempty"`
}

// TestConnection asks the service whether a connection works: by the path that is
// named, or else by what its connector knows to ask.
func (c *Client) TestConnection(ctx context.Context, id hotcell.CredentialID, path string) (out Tested, err error) {
	query := url.Values{}
	if path != "" {
		query.Set("path", path)
	}
	return out, c.json(ctx, http.MethodPost, connectionPath(id)+"/test", query, "", nil, &out)
}

// LinkDraft is an account to be connected.
type LinkDraft struct {
	Connector string            `json:"connector"`
	Auth      string            `json:"auth,omitempty"`
	Name      string            `json:"name"`
	Shared    bool              `json:"shared,omitempty"`
	Settings  map[string]string `json:"settings,omitempty"`
	// Tools are those whose scopes are asked for; all where there are none.
	Tools []string `json:"tools,omitempty"`
}

// Link is one attempt to connect an account.
type Link struct {
	ID         hotcell.LinkID       `json:"id"`
	Connector  string               `json:"connector"`
	Name       string               `json:"name"`
	State      hotcell.LinkState    `json:"state"`
	Connection hotcell.CredentialID `json:"connection,omitempty"`
	Reason     string               `json:"reason,omitempty"`
	Expires    time.Time            `json:"expires"`
	// URL is to be opened in a browser; it is told when the link is made, and not
	// again. Device is what is typed in at the service instead.
	URL    string  `json:"url,omitempty"`
	Device *Device `json:"device,omitempty"`
}

// Device is what a person does at another device (RFC 8628).
type Device struct {
	Code string `json:"code"`
	URL  string `json:"url"`
}

// CreateLink begins to connect an account.
func (c *Client) CreateLink(ctx context.Context, d LinkDraft) (out Link, err error) {
	return out, c.json(ctx, http.MethodPost, "/v1/links", nil, "", d, &out)
}

// Renewal is how a connection's account is to be connected anew.
type Renewal struct {
	// Anyone lets it become another account's.
	Anyone bool `json:"anyone,omitempty"`
	// Tools are some whose scopes are asked for beside those that it has.
	Tools []string `json:"tools,omitempty"`
}

// Reconnect begins to connect a connection's account anew.
func (c *Client) Reconnect(ctx context.Context, id hotcell.CredentialID, r Renewal) (out Link, err error) {
	return out, c.json(ctx, http.MethodPost, connectionPath(id)+"/reconnect", nil, "", r, &out)
}

// Link shows what has come of a link.
func (c *Client) Link(ctx context.Context, id hotcell.LinkID) (out Link, err error) {
	return out, c.json(ctx, http.MethodGet, "/v1/links/"+url.PathEscape(string(id)), nil, "", nil, &out)
}

// OAuthClient is what may be said of the workspace's own OAuth client.
type OAuthClient struct {
	Connector string `json:"connector"`
	// Server is the authorisation server, for the connector "mcp".
	Server string `json:"server,omitempty"`
	ID     string `json:"id"`
	Public bool   `json:"public,omitempty"`
	// Callback is the redirect URI that it must have.
	Callback string `json:"callback"`
}

// OAuthClients lists them, and tells the redirect URI that most must have.
func (c *Client) OAuthClients(ctx context.Context) (list []OAuthClient, callback string, err error) {
	var out struct {
		Items    []OAuthClient `json:"items"`
		Callback string        `json:"callback"`
	}
	err = c.json(ctx, http.MethodGet, "/v1/clients", nil, "", nil, &out)
	return out.Items, out.Callback, err
}

// SetOAuthClient sets the workspace's own OAuth client of a connector; of "mcp", for
// the authorisation server at a server's address. Its secret leaves this process
// sealed; an empty one is a public client's.
func (c *Client) SetOAuthClient(ctx context.Context, connector, server, id string, secret sensitive.Bytes) error {
	body := struct {
		Server       string `json:"server,omitempty"`
		ID           string `json:"id"`
		SealedSecret []byte `json:"sealed_secret,omitempty"`
	}{Server: server, ID: id}
	if secret.Len() > 0 {
		item := connector
		if server != "" {
			item = hotcell.OwnClient(server)
		}
		seal, err := c.sealer(ctx, "client", item)
		if err != nil {
			return err
		}
		if body.SealedSecret, err = seal("secret", secret); err != nil {
			return err
		}
	}
	return c.json(ctx, http.MethodPut, "/v1/clients/"+url.PathEscape(connector), nil, "", body, nil)
}

// DeleteOAuthClient deletes it; server is the authorisation server, for "mcp".
func (c *Client) DeleteOAuthClient(ctx context.Context, connector, server string) error {
	query := url.Values{}
	if server != "" {
		query.Set("server", server)
	}
	return c.json(ctx, http.MethodDelete, "/v1/clients/"+url.PathEscape(connector), query, "", nil, nil)
}

// Advice is one way of access, and why.
type Advice struct {
	Tier      hotcell.Tier `json:"tier"`
	Connector string       `json:"connector,omitempty"`
	Reason    string       `json:"reason"`
	Command   string       `json:"command,omitempty"`
	Variable  string       `json:"variable,omitempty"`
}

// Advise asks which way of access a system is for, best first.
func (c *Client) Advise(ctx context.Context, what string) ([]Advice, error) {
	var out struct {
		Advice []Advice `json:"advice"`
	}
	err := c.json(ctx, http.MethodPost, "/v1/advice", nil, "", map[string]string{"what": what}, &out)
	return out.Advice, err
}
