package vaultrpc

import (
	"encoding/json"
	"time"

	"hotcell"
)

// The control plane's procedures for connections.
const (
	Connectors       = "/hotcell.vault.control/Connectors"
	LintConnector    = "/hotcell.vault.control/LintConnector"
	CreateConnection = "/hotcell.vault.control/CreateConnection"
	ChangeConnection = "/hotcell.vault.control/ChangeConnection"
	TestConnection   = "/hotcell.vault.control/TestConnection"
	Tools            = "/hotcell.vault.control/Tools"
	CreateLink       = "/hotcell.vault.control/CreateLink"
	Link             = "/hotcell.vault.control/Link"
	LookAtLink       = "/hotcell.vault.control/LookAtLink"
	OpenLink         = "/hotcell.vault.control/OpenLink"
	FinishLink       = "/hotcell.vault.control/FinishLink"
	SetClient        = "/hotcell.vault.control/SetClient"
	DeleteClient     = "/hotcell.vault.control/DeleteClient"
	Clients          = "/hotcell.vault.control/Clients"
	Advise           = "/hotcell.vault.control/Advise"
)

// CreateConnectionRequest makes a connection to a service that takes a key. Key
// is one HPKE message to the vault's key, in the context workspace, tier
// "connection", item, field "key". The item is the connection's name at its
// creation, its id afterwards.
type CreateConnectionRequest struct {
	By
	Name    string `json:"name"`
	Service string `json:"service,omitempty"`
	Shared  bool   `json:"shared,omitempty"`
	// Connector is the slug; "http" where it is empty.
	Connector string `json:"connector,omitempty"`
	// Auth is the way of authorisation; where it is empty, the connector's first that
	// takes a key, or nothing.
	Auth string `json:"auth,omitempty"`
	// Settings are what the connector asks for: see [Connector.Settings].
	Settings map[string]string `json:"settings,omitempty"`
	// Definition is an OpenAPI document, for the connector "openapi".
	Definition []byte `json:"definition,omitempty"`
	// HTTP is for the connector "http".
	HTTP hotcell.HTTPAccess `json:"http"`
	Key  []byte             `json:"key,omitempty"`
	// FromSecret takes the key from a variable of a secret, inside the vault.
	FromSecret   hotcell.CredentialID `json:"from_secret,omitempty"`
	FromVariable string               `json:"from_variable,omitempty"`
	// ZeroDataRetention declares that the model's provider keeps nothing of what it is
	// sent with this key.
	ZeroDataRetention bool `json:"zero_data_retention,omitempty"`
}

// ChangeConnectionRequest changes what is given and leaves the rest.
type ChangeConnectionRequest struct {
	By
	ID hotcell.CredentialID `json:"id"`
	// Revision is the one that the caller knows; 0 for any.
	Revision int     `json:"revision,omitempty"`
	Name     *string `json:"name,omitempty"`
	Service  *string `json:"service,omitempty"`
	// Key is a new key, sealed; empty leaves the old one. Anyone lets it be another
	// account's.
	Key    []byte `json:"key,omitempty"`
	Anyone bool   `json:"anyone,omitempty"`
	// ZeroDataRetention declares that the model's provider keeps nothing of what it is
	// sent with this key, or takes that back; nil leaves it.
	ZeroDataRetention *bool `json:"zero_data_retention,omitempty"`
}

// Connector is what people may know of a connector.
type Connector struct {
	Slug     string `json:"slug"`
	Name     string `json:"name"`
	Category string `json:"category"`
	About    string `json:"about,omitempty"`
	// Auth is how it is authorised: oauth2, client_credentials, device, key, basic,
	// service_account or none.
	Auth string `json:"auth"`
	// Own is true for a document of the operator's own folder.
	Own bool `json:"own,omitempty"`
	// Model is true for a provider of models.
	Model    bool      `json:"model,omitempty"`
	Hosts    []string  `json:"hosts,omitempty"`
	Settings []Setting `json:"settings,omitempty"`
	Tools    []Tool    `json:"tools,omitempty"`
	// Ways are all ways of authorisation, of which Auth and Help are the first one's.
	Ways []Way `json:"ways,omitempty"`
	// Client says whether an OAuth client is set where one is needed: "" for not
	// needed, "set" or "missing"; Callback is where that client must lead back to.
	Client string `json:"client,omitempty"`
	Help   string `json:"help,omitempty"`
}

// Way is one way of authorisation.
type Way struct {
	Auth string `json:"auth"`
	// Prefixes are the first characters of the keys that it takes; any where there
	// are none.
	Prefixes []string `json:"prefixes,omitempty"`
	Help     string   `json:"help,omitempty"`
}

// Setting is what a connector asks for beside values.
type Setting struct {
	Name     string `json:"name"`
	About    string `json:"about"`
	Required bool   `json:"required,omitempty"`
}

// Tool is one operation of a connector, as an agent sees it.
type Tool struct {
	// Name is what the agent calls: "slack_post".
	Name        string          `json:"name"`
	Title       string          `json:"title,omitempty"`
	Description string          `json:"description"`
	Input       json.RawMessage `json:"input"`
	Output      json.RawMessage `json:"output,omitempty"`
	ReadOnly    bool            `json:"read_only,omitempty"`
	Destructive bool            `json:"destructive,omitempty"`
	Idempotent  bool            `json:"idempotent,omitempty"`
	// Approval is true where each call waits for a person.
	Approval bool     `json:"approval,omitempty"`
	Scopes   []string `json:"scopes,omitempty"`
	// Lacks are those scopes that a connection was not granted: it cannot be
	// attached with this tool.
	Lacks []string `json:"lacks,omitempty"`
}

// ConnectorsRequest lists the catalogue; with a slug, one of it with its tools.
type ConnectorsRequest struct {
	By
	Slug string `json:"slug,omitempty"`
}

// ConnectorsAnswer is the catalogue.
type ConnectorsAnswer struct {
	Connectors []Connector `json:"connectors"`
}

// LintConnectorRequest asks what is wrong with a connector's document.
type LintConnectorRequest struct {
	By
	Text []byte `json:"text"`
}

// LintConnectorAnswer lists what is wrong, each with its line; empty is well.
type LintConnectorAnswer struct {
	Problems []Fault `json:"problems"`
}

// Fault is what is wrong at one place of a document.
type Fault struct {
	Line   int    `json:"line,omitempty"`
	Path   string `json:"path,omitempty"`
	Detail string `json:"detail"`
}

// ToolsRequest lists the tools of a connection: what may be attached.
type ToolsRequest struct {
	By
	ID hotcell.CredentialID `json:"id"`
}

// ToolsAnswer lists tools.
type ToolsAnswer struct {
	Tools []Tool `json:"tools"`
	// Missing tells what the connection's definition has beside, and why it is no
	// tool.
	Missing []string `json:"missing,omitempty"`
}

// TestConnectionRequest asks whether a connection works. Path is what is asked for,
// below the service's address; empty for the connector's own question.
type TestConnectionRequest struct {
	By
	ID   hotcell.CredentialID `json:"id"`
	Path string               `json:"path,omitempty"`
}

// TestConnectionAnswer says whether a connection works now.
type TestConnectionAnswer struct {
	Works   bool   `json:"works"`
	Account string `json:"account,omitempty"`
	// Reason says why not.
	Reason string `json:"reason,omitempty"`
	// Unanswered is true where the service did not answer, or not now: nothing is
	// known of the connection then.
	Unanswered bool `json:"unanswered,omitempty"`
}

// CreateLinkRequest begins to connect an account by OAuth.
type CreateLinkRequest struct {
	By
	Connector string            `json:"connector"`
	Name      string            `json:"name"`
	Shared    bool              `json:"shared,omitempty"`
	Settings  map[string]string `json:"settings,omitempty"`
	// Auth is the way of authorisation; where it is empty, the connector's first that
	// people sign in for.
	Auth string `json:"auth,omitempty"`
	// Tools are those whose scopes are asked for; empty is all. For a connection that
	// is renewed they come to those that it has.
	Tools []string `json:"tools,omitempty"`
	// Renews is a connection to connect anew, whose connector and name it keeps;
	// Anyone lets it become another account's.
	Renews hotcell.CredentialID `json:"renews,omitempty"`
	Anyone bool                 `json:"anyone,omitempty"`
}

// CreateLinkAnswer is the link. Token is its secret part, told this once.
type CreateLinkAnswer struct {
	Link  hotcell.Link `json:"link"`
	Token string       `json:"token"`
	// Device is the code to type in at the service, for a connector whose
	// authorisation is by device code: there is no link to open here then.
	Device *Device `json:"device,omitempty"`
}

// Device is what a person does at another device (RFC 8628).
type Device struct {
	Code string `json:"code"`
	URL  string `json:"url"`
}

// LinkRequest names a link.
type LinkRequest struct {
	By
	ID hotcell.LinkID `json:"id"`
}

// LinkAnswer is a link as it is now.
type LinkAnswer struct {
	Link hotcell.Link `json:"link"`
}

// LookAtLinkRequest is a browser that looks at a link before it goes on with it:
// nothing comes of that.
type LookAtLinkRequest struct {
	Token string `json:"token"`
}

// LookAtLinkAnswer is what whoever is asked for their account should know first.
type LookAtLinkAnswer struct {
	// Asks is the name of the member who asks for it, and whose the connection will be.
	Asks string `json:"asks"`
	// Service is the connector's name, At where one signs in.
	Service string `json:"service"`
	At      string `json:"at"`
	// Name is the connection's, as the member chose it.
	Name   string `json:"name"`
	Shared bool   `json:"shared,omitempty"`
	// Renews is true where the connection is there already; Account is whose it is,
	// and Anyone whether it may become another's.
	Renews  bool   `json:"renews,omitempty"`
	Account string `json:"account,omitempty"`
	Anyone  bool   `json:"anyone,omitempty"`
	// Reads, Writes and Destroys are what agents could do with it, in words; none
	// where only the service knows.
	Reads    []string `json:"reads,omitempty"`
	Writes   []string `json:"writes,omitempty"`
	Destroys []string `json:"destroys,omitempty"`
	Scopes   []string `json:"scopes,omitempty"`
}

// OpenLinkRequest is a browser that opens a link. Nobody is signed in there: the
// token is all that it has.
type OpenLinkRequest struct {
	Token string `json:"token"`
	// Callback is the address that the service leads back to.
	Callback string `json:"callback"`
	// The cookie that the browser has of this link, if any: it may open it again.
	Cookie string `json:"cookie,omitempty"`
}

// OpenLinkAnswer sends the browser on.
type OpenLinkAnswer struct {
	// URL is the service's page of consent.
	URL string `json:"url"`
	// Cookie binds the browser, for as long as the link is good.
	Cookie  string    `json:"cookie"`
	Expires time.Time `json:"expires"`
}

// FinishLinkRequest is a browser that comes back from the service (RFC 6749
// section 4.1.2, RFC 9207).
type FinishLinkRequest struct {
	State    string `json:"state"`
	Code     string `json:"code,omitempty"`
	Issuer   string `json:"issuer,omitempty"`
	Error    string `json:"error,omitempty"`
	Cookie   string `json:"cookie"`
	Callback string `json:"callback"`
}

// FinishLinkAnswer says what came of it.
type FinishLinkAnswer struct {
	Link    hotcell.Link `json:"link"`
	Account string       `json:"account,omitempty"`
}

// SetClientRequest sets the workspace's own OAuth client of a connector. Secret
// is one HPKE message in the context workspace, tier "client", item the
// connector, field "secret"; empty for a public client. For the connector "mcp",
// Server is the address of a server or its issuer, and the item "mcp " and that.
type SetClientRequest struct {
	By
	Connector string `json:"connector"`
	Server    string `json:"server,omitempty"`
	ID        string `json:"id"`
	Secret    []byte `json:"secret,omitempty"`
}

// DeleteClientRequest deletes one.
type DeleteClientRequest struct {
	By
	Connector string `json:"connector"`
	// Server is the issuer, for the connector "mcp".
	Server string `json:"server,omitempty"`
}

// ClientsAnswer lists the workspace's OAuth clients, without their secrets.
type ClientsAnswer struct {
	Clients []OAuthClient `json:"clients"`
}

// OAuthClient is what may be said of one.
type OAuthClient struct {
	Connector string `json:"connector"`
	// Server is the issuer, for the connector "mcp", and Back what the address to come
	// back to has more than others'.
	Server string `json:"server,omitempty"`
	Back   string `json:"back,omitempty"`
	ID     string `json:"id"`
	Public bool   `json:"public,omitempty"`
}

// AdviseRequest asks which tier a system is for: a host, URL, e-mail address or
// domain, the name of a variable, or the first characters of a token.
type AdviseRequest struct {
	By
	What string `json:"what"`
}

// AdviseAnswer is the advice, best first.
type AdviseAnswer struct {
	Advice []Advice `json:"advice"`
}

// Advice is one way, and why.
type Advice struct {
	Tier hotcell.Tier `json:"tier"`
	// Connector is its slug, where there is one.
	Connector string `json:"connector,omitempty"`
	// Reason is a sentence; Command what to type.
	Reason  string `json:"reason"`
	Command string `json:"command,omitempty"`
	// Variable is which one of a secret it is about.
	Variable string `json:"variable,omitempty"`
}
