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
	// Version counts changes of the values, from 1.
	Version int `json:"version"`
	// Revision counts every change, of values or of what is said; it is the ETag.
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
}

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
