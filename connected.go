package hotcell

import (
	"slices"
	"time"
)

// Connected is what may be said of a connection that a connector made.
type Connected struct {
	// Connector is the slug of the connector: "slack".
	Connector string `json:"connector"`
	// Auth is by which of the connector's ways of authorisation; its first where it
	// is empty.
	Auth string `json:"auth,omitempty"`
	// Settings are what the connector wants to know beside values: the base of an
	// API, the URL of an MCP server. No value is one.
	Settings map[string]string `json:"settings,omitempty"`
	// Account is who was connected, as the service tells: "ada@acme.test in Acme";
	// AccountID is by what it tells them apart. Both are empty where it does not.
	Account   string `json:"account,omitempty"`
	AccountID string `json:"account_id,omitempty"`
	// Scopes are those that the service granted.
	Scopes []string `json:"scopes,omitempty"`
	// Fields are the names of the sealed values; see [FieldKey] and its like.
	Fields []string `json:"fields,omitempty"`
	// Expires is when the access token does; nil where it does not, or where there
	// is none.
	Expires *time.Time `json:"expires,omitempty"`
	// Client is the id of the OAuth client that the grant was given to.
	Client string `json:"client,omitempty"`
	// Broken says that a person must renew it; nil while it works.
	Broken *Broken `json:"broken,omitempty"`
	// Endpoints are where it was connected, where the service itself says so; nil
	// where the connector does.
	Endpoints *Endpoints `json:"endpoints,omitempty"`
}

// Endpoints are an authorisation server as it was found out (RFC 9728, RFC 8414)
// when somebody connected: they change by a new connection alone.
type Endpoints struct {
	Issuer    string `json:"issuer"`
	Authorize string `json:"authorize"`
	Token     string `json:"token"`
	Revoke    string `json:"revoke,omitempty"`
	// Register is where a client can be made (RFC 7591).
	Register string `json:"register,omitempty"`
	// Resource is what the tokens are for (RFC 8707).
	Resource string `json:"resource"`
	// Iss is true where the server says that its answers name it (RFC 9207).
	Iss bool `json:"iss,omitempty"`
	// Shows is how a client with a secret shows itself there: basic or post.
	Shows string `json:"shows,omitempty"`
}

// Own is the name of a workspace's own OAuth client at such a server, among those of
// connectors.
func (e *Endpoints) Own() string { return OwnClient(e.Issuer) }

// OwnClient is the name of a workspace's own OAuth client at an issuer.
func OwnClient(issuer string) string { return "mcp " + issuer }

// Renewed says whether the connection's tokens are renewed: it holds what another
// can be asked for with, a refresh token, or the key of a service account or of a
// client of its own. Each use then takes the newest version, and not the one of
// its job's start.
func (c *Credential) Renewed() bool {
	if c.Connected == nil {
		return false
	}
	has := func(name string) bool { return slices.Contains(c.Connected.Fields, name) }
	return has(FieldRefresh) || has(FieldAccess) && has(FieldKey)
}

// Broken is why a connection does not work any more, and since when.
type Broken struct {
	// Reason is a sentence without a value.
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Refresh is the journal of one connection's refresh: at most one is under way,
// over all processes. It holds no token.
type Refresh struct {
	Workspace  WorkspaceID  `json:"workspace"`
	Credential CredentialID `json:"credential"`
	// Holder is who refreshes, until Until; empty when nobody does.
	Holder string    `json:"holder,omitempty"`
	Until  time.Time `json:"until,omitzero"`
	// Token is the SHA-256 of the refresh token that was sent, or is about to be,
	// and Attempts how often: 0 while none is.
	Token    []byte `json:"token,omitempty"`
	Attempts int    `json:"attempts,omitempty"`
	// Rest is until when nobody tries again, since the service was not there; or
	// since it refused, for Reason.
	Rest   time.Time `json:"rest,omitzero"`
	Reason string    `json:"reason,omitempty"`
	// Forced is when a token was last renewed because the service did not know it.
	Forced time.Time `json:"forced,omitzero"`
	// Restored is when the connection came out of a backup with Token: it may have been
	// sent since that was made, by the server that was.
	Restored *time.Time `json:"restored,omitempty"`
}

// Client is a workspace's own OAuth client of one connector. Its secret is
// sealed.
type Client struct {
	Workspace WorkspaceID `json:"workspace"`
	// Connector is the slug; of an MCP server, "mcp " and the issuer.
	Connector string `json:"connector"`
	ID        string `json:"id"`
	// Public is true for a client without a secret.
	Public bool `json:"public,omitempty"`
	// Sealed is the secret, which the vault alone opens.
	Sealed    []byte    `json:"sealed,omitempty"`
	CreatedAt time.Time `json:"created_at"`
}

// LinkState is where a connect link stands.
type LinkState string

// The states of a link. The last three are final.
const (
	LinkWaiting LinkState = "waiting"
	LinkOpened  LinkState = "opened"
	LinkDone    LinkState = "done"
	LinkFailed  LinkState = "failed"
	LinkExpired LinkState = "expired"
)

// LinkTime is how long a connect link is good.
const LinkTime = 15 * time.Minute

// Link is one attempt to connect an account by OAuth: a one-time link, bound to
// the browser that opens it.
type Link struct {
	ID        LinkID      `json:"id"`
	Workspace WorkspaceID `json:"workspace"`
	// Owner is who asked for it, and whose the connection will be.
	Owner     MemberID `json:"owner"`
	Connector string   `json:"connector"`
	// Auth is by which of the connector's ways of authorisation.
	Auth     string            `json:"auth,omitempty"`
	Name     string            `json:"name"`
	Shared   bool              `json:"shared,omitempty"`
	Settings map[string]string `json:"settings,omitempty"`
	// Scopes are those that are asked for.
	Scopes []string `json:"scopes,omitempty"`
	// Renews is the connection that is to be connected anew; empty for a new one.
	// Anyone is true where it may become another account's.
	Renews CredentialID `json:"renews,omitempty"`
	Anyone bool         `json:"anyone,omitempty"`
	State  LinkState    `json:"state"`
	// Browser is the SHA-256 of the cookie of the browser that opened it.
	Browser []byte `json:"browser,omitempty"`
	// Endpoints are where it is asked for, where the service itself says so.
	Endpoints *Endpoints `json:"endpoints,omitempty"`
	// Client and Issuer are whom the grant is asked of, and for which client.
	Client string `json:"client,omitempty"`
	Issuer string `json:"issuer,omitempty"`
	// Connection is what came of it; Reason why nothing did.
	Connection CredentialID `json:"connection,omitempty"`
	Reason     string       `json:"reason,omitempty"`
	CreatedAt  time.Time    `json:"created_at"`
	Expires    time.Time    `json:"expires"`
}
