package hotcell

import "time"

// KeyKind is what a key is for.
type KeyKind string

// The kinds of keys, from the top: each wraps what is below it.
const (
	// KeyKMS is the key that the configuration names.
	KeyKMS KeyKind = "kms"
	// KeyWorkspace is a key of the workspace's keyset.
	KeyWorkspace KeyKind = "workspace"
	// KeyData stands for all data keys: one for each version of each credential.
	KeyData KeyKind = "data"
	// KeyHPKE is the key pair that values are sealed to on their way in.
	KeyHPKE KeyKind = "hpke"
	// KeyIdentity signs the public half of that pair; people's machines know it.
	KeyIdentity KeyKind = "identity"
	// KeySeeds are what stand-ins and links are derived from.
	KeySeeds KeyKind = "seeds"
)

// KeyAll is all kinds that an ordinary rotation makes anew.
const KeyAll KeyKind = "all"

// Key is what may be said of a key, and never the key.
type Key struct {
	Kind KeyKind `json:"kind"`
	// ID names the key, and says nothing of it.
	ID string `json:"id"`
	// State is "in use", or "old": it opens what it sealed, and seals nothing more.
	State string `json:"state"`
	// WrappedBy names the key that this one is sealed by; empty for the KMS's own.
	WrappedBy string `json:"wrapped_by,omitempty"`
	// MadeAt is when it was made; for a KMS key, since when it is this one.
	MadeAt time.Time `json:"made_at"`
	// UsedAt is when it last opened something, since the vault started; nil for never.
	UsedAt *time.Time `json:"used_at,omitempty"`
	// Holds is how many things are sealed by it.
	Holds int `json:"holds"`
	// Due says that it is older than the configuration wants keys to be.
	Due bool `json:"due,omitempty"`
	// Backups are those that were sealed by it, beside their recipients.
	Backups []string `json:"backups,omitempty"`
}

// The states of keys.
const (
	KeyInUse = "in use"
	KeyOld   = "old"
)

// Rotation is one making anew of keys.
type Rotation struct {
	What KeyKind `json:"what"`
	// Step is what is being done: "key", "wrap", "data", "hpke", "seeds", "identity"; "done" at the end.
	Step string `json:"step"`
	// Done of Total things are wrapped anew; Total is what there was at the beginning.
	Done  int `json:"done"`
	Total int `json:"total"`
	// Compromised says that somebody else has the old key pair.
	Compromised bool `json:"compromised,omitempty"`
	// By is who asked for it; empty where the configuration did.
	By        MemberID   `json:"by,omitempty"`
	StartedAt time.Time  `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at,omitempty"`
	// Problem is what keeps it from going on; it is tried again.
	Problem string `json:"problem,omitempty"`
	// Broken are things that did not open, and stay as they are, by their names.
	Broken []string `json:"broken,omitempty"`
}

// KeyReport is how a workspace's keys stand.
type KeyReport struct {
	Keys []Key `json:"keys"`
	// Rotation is the one under way, else the last one.
	Rotation *Rotation `json:"rotation,omitempty"`
	// Calls and Failures are how often the KMS was asked since the vault started, and
	// how often in vain; WarmSince is when it last answered, WarmUntil until when what it
	// opened serves, where that ends.
	Calls     int64      `json:"calls"`
	Failures  int64      `json:"failures"`
	WarmSince time.Time  `json:"warm_since"`
	WarmUntil *time.Time `json:"warm_until,omitempty"`
	Problem   string     `json:"problem,omitempty"`
}

// Holding says by which key a credential is held.
type Holding struct {
	// Key is the workspace's key that wraps its data key, and KMS what wraps that one.
	Key string `json:"key"`
	KMS string `json:"kms"`
	// Since is when the first of them came to hold it.
	Since time.Time `json:"since"`
}
