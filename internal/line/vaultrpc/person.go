package vaultrpc

import (
	"time"

	"hotcell"
)

// The procedures about people: how they come in, and what they are in a workspace.
const (
	Server       = "/hotcell.vault.control/Server"
	SignIn       = "/hotcell.vault.control/SignIn"
	Join         = "/hotcell.vault.control/Join"
	SignOut      = "/hotcell.vault.control/SignOut"
	Account      = "/hotcell.vault.control/Account"
	SetPassword  = "/hotcell.vault.control/SetPassword"
	Sessions     = "/hotcell.vault.control/Sessions"
	EndSession   = "/hotcell.vault.control/EndSession"
	Members      = "/hotcell.vault.control/Members"
	ChangeMember = "/hotcell.vault.control/ChangeMember"
	Leaving      = "/hotcell.vault.control/Leaving"
	RemoveMember = "/hotcell.vault.control/RemoveMember"
	Invite       = "/hotcell.vault.control/Invite"
	Invitations  = "/hotcell.vault.control/Invitations"
	Uninvite     = "/hotcell.vault.control/Uninvite"
	CreateToken  = "/hotcell.vault.control/CreateToken"
	Tokens       = "/hotcell.vault.control/Tokens"
	DeleteToken  = "/hotcell.vault.control/DeleteToken"
	Operation    = "/hotcell.vault.control/Operation"
	Confirm      = "/hotcell.vault.control/Confirm"
)

// The tier and the fields of what people seal to the vault's key about themselves: the
// context's item is the name of the account as it was typed, and its workspace the server's
// first.
const (
	TierAccount   = "account"
	FieldSignIn   = "sign-in"
	FieldJoin     = "join"
	FieldPassword = "password"
	FieldConfirm  = "confirm"
)

// Proof is what is sealed, as JSON.
type Proof struct {
	Password string `json:"password,omitempty"`
	// Before is the password so far, where another is set.
	Before string `json:"before,omitempty"`
	// Invitation is that of somebody who joins.
	Invitation string `json:"invitation,omitempty"`
}

// ServerAnswer is what anybody may know of the server before they are somebody: what they
// seal a password to.
type ServerAnswer struct {
	Workspace   hotcell.WorkspaceID `json:"workspace"`
	PublicKey   []byte              `json:"public_key"`
	Fingerprint string              `json:"fingerprint"`
	// Identity signs the public key, as [WorkspaceAnswer] says.
	Identity            []byte `json:"identity,omitempty"`
	IdentityFingerprint string `json:"identity_fingerprint,omitempty"`
	Sequence            uint64 `json:"sequence,omitempty"`
	Signature           []byte `json:"signature,omitempty"`
}

// EnterRequest signs somebody in, or has them join: they bear nothing yet.
type EnterRequest struct {
	// Name is the account's, as it was typed, and Message a [Proof], sealed.
	Name    string `json:"name"`
	Message []byte `json:"message"`
	// Device is what the program calls itself, and Address where it is, as far as the
	// control plane knows.
	Device  string `json:"device,omitempty"`
	Address string `json:"address,omitempty"`
	Request string `json:"request,omitempty"`
}

// EnterAnswer bears a session.
type EnterAnswer struct {
	By
	Session hotcell.Session  `json:"session"`
	Person  hotcell.Person   `json:"person"`
	Members []hotcell.Member `json:"members"`
}

// AccountAnswer is who is signed in: their account, nil as long as the data folder's owner
// has made none, and their memberships.
type AccountAnswer struct {
	Person  *hotcell.Person  `json:"person,omitempty"`
	Member  hotcell.Member   `json:"member"`
	Members []hotcell.Member `json:"members"`
	// Session and Token are what they are signed in by; neither at the owner's socket.
	Session *hotcell.Session `json:"session,omitempty"`
	Token   *hotcell.Token   `json:"token,omitempty"`
}

// SetPasswordRequest sets the password of whoever asks. Name is their account's; the data
// folder's owner makes their account by it.
type SetPasswordRequest struct {
	By
	Name    string `json:"name"`
	Message []byte `json:"message"`
}

// SessionsAnswer lists sessions, newest first.
type SessionsAnswer struct {
	Sessions []hotcell.Session `json:"sessions"`
}

// EndSessionRequest ends one of one's own; all but the one in use where ID is empty.
type EndSessionRequest struct {
	By
	ID hotcell.SessionID `json:"id,omitempty"`
}

// MembersAnswer lists members.
type MembersAnswer struct {
	Members []hotcell.Member `json:"members"`
}

// ChangeMemberRequest changes what is given.
type ChangeMemberRequest struct {
	By
	ID   hotcell.MemberID `json:"id"`
	Role *hotcell.Role    `json:"role,omitempty"`
	Name *string          `json:"name,omitempty"`
}

// MemberRequest names a member.
type MemberRequest struct {
	By
	ID hotcell.MemberID `json:"id"`
}

// MemberAnswer is one.
type MemberAnswer struct {
	Member hotcell.Member `json:"member"`
}

// LeavingAnswer is what goes with a member: how many credentials of theirs are destroyed,
// and which assignments will miss one.
type LeavingAnswer struct {
	Member   hotcell.Member       `json:"member"`
	Personal int                  `json:"personal"`
	Shared   int                  `json:"shared"`
	Jobs     int                  `json:"jobs"`
	Tokens   int                  `json:"tokens"`
	Missing  []AttachedAssignment `json:"missing,omitempty"`
}

// InviteRequest makes an invitation.
type InviteRequest struct {
	By
	Role hotcell.Role  `json:"role"`
	For  string        `json:"for,omitempty"`
	Time time.Duration `json:"time,omitempty"`
}

// InviteAnswer bears the invitation, this once.
type InviteAnswer struct {
	By
	Invitation hotcell.Invitation `json:"invitation"`
}

// InvitationsAnswer lists those that are open, newest first.
type InvitationsAnswer struct {
	Invitations []hotcell.Invitation `json:"invitations"`
}

// UninviteRequest takes an invitation back.
type UninviteRequest struct {
	By
	ID hotcell.InvitationID `json:"id"`
}

// CreateTokenRequest makes an API token of one's own.
type CreateTokenRequest struct {
	By
	Name       string               `json:"name"`
	Scopes     []hotcell.Scope      `json:"scopes"`
	Assignment hotcell.AssignmentID `json:"assignment,omitempty"`
	Time       time.Duration        `json:"time,omitempty"`
}

// CreateTokenAnswer bears the token, this once.
type CreateTokenAnswer struct {
	By
	Token hotcell.Token `json:"token"`
}

// TokensRequest lists one's own, or all of the workspace's.
type TokensRequest struct {
	By
	All bool `json:"all,omitempty"`
}

// TokensAnswer lists tokens, newest first.
type TokensAnswer struct {
	Tokens []hotcell.Token `json:"tokens"`
}

// DeleteTokenRequest deletes one.
type DeleteTokenRequest struct {
	By
	ID hotcell.TokenID `json:"id"`
}

// OperationRequest names an operation of the session that asks.
type OperationRequest struct {
	By
	ID hotcell.OperationID `json:"id"`
}

// ConfirmRequest confirms an operation: the message is a [Proof], sealed for
// [ConfirmItem] of what was shown to the person.
type ConfirmRequest struct {
	By
	ID      hotcell.OperationID `json:"id"`
	Message []byte              `json:"message"`
}

// ConfirmItem is the item of a confirmation's context: the operation, and the sentence that
// the person has seen. For another sentence, the message does not open.
func ConfirmItem(id hotcell.OperationID, text string) string { return string(id) + " " + text }
