package vaultrpc

import "hotcell"

// The control plane's procedures for keys.
const (
	Keys       = "/hotcell.vault.control/Keys"
	RotateKeys = "/hotcell.vault.control/RotateKeys"
	DestroyKey = "/hotcell.vault.control/DestroyKey"
	Vouch      = "/hotcell.vault.control/Vouch"
)

// KeysAnswer is how the workspace's keys stand.
type KeysAnswer struct {
	Report hotcell.KeyReport `json:"report"`
}

// RotateKeysRequest begins to make keys anew.
type RotateKeysRequest struct {
	By
	// What is a kind of key, or [hotcell.KeyAll].
	What hotcell.KeyKind `json:"what"`
	// Compromised says that somebody else has the old key pair.
	Compromised bool `json:"compromised,omitempty"`
}

// DestroyKeyRequest takes an old key of the workspace out for good.
type DestroyKeyRequest struct {
	By
	ID string `json:"id"`
}

// VouchRequest asks the holder of the key that values are sealed to whether the identity
// is its own: package parcel has the question and the answer.
type VouchRequest struct {
	By
	Question []byte `json:"question"`
}

// VouchAnswer is the answer.
type VouchAnswer struct {
	Answer []byte `json:"answer"`
}
