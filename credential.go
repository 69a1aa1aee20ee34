package hotcell

import "time"

// Tier is one of the three ways to give an agent access.
type Tier string

// The tiers, most protected first.
const (
	TierConnection Tier = "connection"
	TierLogin      Tier = "login"
	TierSecret     Tier = "secret"
)

// Credential is a connection, a login or a secret: all that may be said of it.
// Its values are elsewhere, sealed.
type Credential struct {
	ID        CredentialID `json:"id"`
	Workspace WorkspaceID  `json:"workspace"`
	Tier      Tier         `json:"tier"`
	Name      string       `json:"name"`
	Owner     MemberID     `json:"owner"`
	// Shared is true when the whole workspace may use it.
	Shared bool `json:"shared"`
	// Service is a slug that names what the credential is for; may be empty.
	Service string `json:"service,omitempty"`
	// Hosts are those that the values may leave a cell for: a name, or "*." and
	// a name for one label more, with or without a port. Empty binds to none: any
	// host that the job may reach.
	Hosts []string `json:"hosts,omitempty"`
	// HTTP says where and how a connection's key or token goes onto requests; nil
	// for other tiers, and for a connection that has no one host.
	HTTP *HTTPAccess `json:"http,omitempty"`
	// Connected is of a connection that a connector made; nil for all others.
	Connected *Connected `json:"connected,omitempty"`
	// Model is of a connection to a model's provider; nil for all others.
	Model *ModelAccount `json:"model,omitempty"`
	// Login is of a website's login; nil for other tiers.
	Login *Login `json:"login,omitempty"`
	// Version counts changes of the values, from 1.
	Version int `json:"version"`
	// Revision counts every change by a person, of values or of what is said; it is
	// the ETag. A refresh of tokens is a version and no revision.
	Revision  int        `json:"revision"`
	Variables []Variable `json:"variables,omitempty"`
	// Size is what names and values take together, in bytes.
	Size      int       `json:"size,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Group is the set in which a credential's name is unique: the workspace's
// shared ones, or the personal ones of one member.
func (c *Credential) Group() string {
	if c.Shared {
		return "team"
	}
	return string(c.Owner)
}

// Variable is what may be said of one variable of a secret.
type Variable struct {
	Name string `json:"name"`
	// Unguarded says why the guard cannot look for this value; empty when it can.
	Unguarded string `json:"unguarded,omitempty"`
	// Provider is the connector of the model's provider whose key this is, by the
	// variable's name or the value's first characters; empty for all others.
	Provider string `json:"provider,omitempty"`
	// Signs names what kind of key this is where it signs and never travels itself:
	// "a private key"; empty for all others.
	Signs string `json:"signs,omitempty"`
}

// HTTPAccess is a service that takes a key by HTTP, and how.
type HTTPAccess struct {
	// Host and Port are where the key may go, over TLS.
	Host string `json:"host"`
	Port int    `json:"port"`
	Auth Auth   `json:"auth"`
}

// ModelAccount is what is said of an account at a model's provider.
type ModelAccount struct {
	// DeclaredBy is who says that the provider keeps nothing of what it is sent with
	// this connection's key (zero data retention), and DeclaredAt when; nobody and nil
	// where nobody says so.
	DeclaredBy MemberID   `json:"declared_by,omitempty"`
	DeclaredAt *time.Time `json:"declared_at,omitempty"`
}

// Declared says whether somebody says that the provider keeps nothing.
func (m *ModelAccount) Declared() bool { return m != nil && m.DeclaredBy != "" }

// Auth is how a key goes onto a request. It holds no value.
type Auth struct {
	// Kind is bearer, basic, header, query, cookie or sigv4.
	Kind string `json:"kind"`
	// Name is the header's, the query parameter's or the cookie's.
	Name string `json:"name,omitempty"`
	// Prefix comes before the key in a header.
	Prefix string `json:"prefix,omitempty"`
	// User is basic's user name; empty where the key is "user:password".
	User string `json:"user,omitempty"`
	// AccessKeyID, Region and Service are AWS's; the last two may be empty, and
	// are the client's own then.
	AccessKeyID string `json:"access_key_id,omitempty"`
	Region      string `json:"region,omitempty"`
	Service     string `json:"service,omitempty"`
}

// The names of a connection's sealed fields.
const (
	// FieldKey is the one field of a connection with a key; of a service account,
	// its key file.
	FieldKey = "key"
	// FieldAccess and FieldRefresh are the tokens of an OAuth grant.
	FieldAccess  = "access"
	FieldRefresh = "refresh"
)

// SealedKey is the wrapped data key of one version of a credential.
type SealedKey struct {
	Credential CredentialID
	Version    int
	Blob       []byte
}

// SealedField is one sealed value of one version of a credential.
type SealedField struct {
	Credential CredentialID
	Version    int
	Name       string
	Blob       []byte
}

// Limits of what a secret may hold.
const (
	MaxName           = 128
	MaxValue          = 65_536
	MaxVariables      = 200
	MaxBundle         = 256 << 10
	MaxAssignmentSize = 1 << 20
)
