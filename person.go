package hotcell

import (
	"crypto/rand"
	"crypto/sha256"
	"strings"
	"time"
)

// Person is somebody's account with a server: what they sign in to. Which workspaces they
// are in, and as what, their members say.
type Person struct {
	ID PersonID `json:"id"`
	// Name is what they sign in by, in the form of RFC 8265, section 3.3
	// (UsernameCaseMapped): two people never have the same.
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
	// PasswordAt is when their password was set; zero where they have none.
	PasswordAt time.Time `json:"password_at,omitzero"`
}

// Session is one sign-in of a person, at one device.
type Session struct {
	ID     SessionID `json:"id"`
	Person PersonID  `json:"person"`
	// Device is what the program that signed in calls itself, and Address where its
	// connection came from, as far as the control plane says so: for people to know their
	// sessions by, and for no decision.
	Device    string    `json:"device"`
	Address   string    `json:"address,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	// SeenAt is when it was used last, to some minutes; it ends when it was not used for
	// [SessionIdle], and in any case at ExpiresAt.
	SeenAt    time.Time `json:"seen_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

// SessionIdle is after how long a session ends that nobody uses, and SessionTime after how
// long one ends that is used.
const (
	SessionIdle = 7 * 24 * time.Hour
	SessionTime = 30 * 24 * time.Hour
)

// Over says whether the session has ended by itself.
func (s Session) Over(now time.Time) bool {
	return !now.Before(s.ExpiresAt) || now.Sub(s.SeenAt) > SessionIdle
}

// Token is a member's key to the API for programs: in one workspace, for a part of what
// they may do, for a time.
type Token struct {
	ID        TokenID     `json:"id"`
	Workspace WorkspaceID `json:"workspace"`
	Member    MemberID    `json:"member"`
	Name      string      `json:"name"`
	// Scopes is what it may do, of what its member may: see [Scopes].
	Scopes []Scope `json:"scopes"`
	// Assignment is the only one that it is good for; empty for any.
	Assignment AssignmentID `json:"assignment,omitempty"`
	CreatedAt  time.Time    `json:"created_at"`
	ExpiresAt  time.Time    `json:"expires_at"`
	// UsedAt is when it was used last, to some minutes.
	UsedAt time.Time `json:"used_at,omitzero"`
}

// TokenTime is for how long a token is good when nobody says, and TokenLongest at the most.
const (
	TokenTime    = 90 * 24 * time.Hour
	TokenLongest = 366 * 24 * time.Hour
)

// Invitation lets one person into a workspace, as one role, until it expires.
type Invitation struct {
	ID        InvitationID `json:"id"`
	Workspace WorkspaceID  `json:"workspace"`
	Role      Role         `json:"role"`
	// For is the name of the account that it is for; empty for whoever has it.
	For       string    `json:"for,omitempty"`
	By        MemberID  `json:"by"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

// InvitationTime is for how long an invitation is good when nobody says, and
// InvitationLongest at the most.
const (
	InvitationTime    = 7 * 24 * time.Hour
	InvitationLongest = 30 * 24 * time.Hour
)

// Scope is a part of what a member may do, that a token is given.
type Scope string

// The scopes, by what they are about.
const (
	ScopeReadCredentials  Scope = "credentials:read"
	ScopeWriteCredentials Scope = "credentials:write"
	ScopeReadAssignments  Scope = "assignments:read"
	ScopeWriteAssignments Scope = "assignments:write"
	ScopeRunJobs          Scope = "jobs:run"
	ScopeReadJobs         Scope = "jobs:read"
	ScopeDecide           Scope = "requests:decide"
	ScopeReadAudit        Scope = "audit:read"
	ScopeReadSettings     Scope = "settings:read"
	ScopeWriteSettings    Scope = "settings:write"
	ScopeReadMembers      Scope = "members:read"
	ScopeWriteMembers     Scope = "members:write"
)

// ScopeSelf is what a person does with an account of their own: no token has it.
const ScopeSelf Scope = "self"

// ScopeAny is what whoever is signed in may do, with any token.
const ScopeAny Scope = "any"

// Scopes lists those that a token can have.
func Scopes() []Scope {
	return []Scope{
		ScopeReadCredentials, ScopeWriteCredentials, ScopeReadAssignments, ScopeWriteAssignments, ScopeRunJobs, ScopeReadJobs,
		ScopeDecide, ScopeReadAudit, ScopeReadSettings, ScopeWriteSettings, ScopeReadMembers, ScopeWriteMembers,
	}
}

// The forms of bearers: a prefix that names the kind, 256 random bits in 52 characters of
// Crockford's base32, and 7 of a checksum (CRC-32) over all before it, so that what looks
// for lost tokens need not ask anybody whether it has found one.
const (
	BearerSession    = "hc_ses_"
	BearerToken      = "hc_pat_"
	BearerInvitation = "hc_inv_"
)

// NewBearer makes a bearer of a kind. Whoever has it is whom it stands for: it is kept as
// its [Bearer.Sum] alone.
func NewBearer(kind string) Bearer {
	digits := make([]byte, tokenRandom)
	_, _ = rand.Read(digits) // it ends the process where the system has no randomness
	for i, b := range digits {
		digits[i] = crockford[b&31]
	}
	text := kind + string(digits)
	return Bearer(text + checksum(text))
}

// Is says whether a bearer has the form of a kind. Whether it is good, the vault knows.
func (b Bearer) Is(kind string) bool {
	text := string(b)
	if len(text) != len(kind)+tokenRandom+tokenCheck || !strings.HasPrefix(text, kind) {
		return false
	}
	at := len(text) - tokenCheck
	return checksum(text[:at]) == text[at:]
}

// Sum is what is kept of a bearer: SHA-256, which is enough for 256 random bits.
func (b Bearer) Sum() [sha256.Size]byte { return sha256.Sum256([]byte(b)) }
