package vaultrpc

import "hotcell"

// CreateConnectionRequest makes a connection to a service that takes a key by
// HTTP. Key is one HPKE message to the vault's key, in the context workspace,
// tier "connection", item, field "key". The item is the connection's name at
// its creation, its id afterwards.
type CreateConnectionRequest struct {
	Principal hotcell.Principal  `json:"principal"`
	Name      string             `json:"name"`
	Service   string             `json:"service,omitempty"`
	Shared    bool               `json:"shared,omitempty"`
	HTTP      hotcell.HTTPAccess `json:"http"`
	Key       []byte             `json:"key"`
}

// ChangeConnectionRequest changes what is given and leaves the rest.
type ChangeConnectionRequest struct {
	Principal hotcell.Principal    `json:"principal"`
	ID        hotcell.CredentialID `json:"id"`
	// Revision is the one that the caller knows; 0 for any.
	Revision int     `json:"revision,omitempty"`
	Name     *string `json:"name,omitempty"`
	Service  *string `json:"service,omitempty"`
	// Key is a new key, sealed; empty leaves the old one.
	Key []byte `json:"key,omitempty"`
}
