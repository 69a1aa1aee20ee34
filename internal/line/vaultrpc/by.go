package vaultrpc

import "hotcell"

// By says who asks, in every message that somebody asks. The sender fills in the bearer,
// the workspace that is meant and the id of the request; what arrives is what the vault
// makes of the bearer.
type By struct {
	Principal hotcell.Principal `json:"principal"`
}

// As is who asks.
func As(p hotcell.Principal) By { return By{Principal: p} }

// Bearer implements [rpc.Bearing].
func (b *By) Bearer() string { return string(b.Principal.Bearer) }

// SetBearer implements [rpc.Bearing].
func (b *By) SetBearer(text string) { b.Principal.Bearer = hotcell.Bearer(text) }

// Asker is who asks, for the vault to judge.
func (b *By) Asker() *hotcell.Principal { return &b.Principal }
