// Package vaultrpc holds the messages of the vault's RPC and the names of its
// procedures. There are two lines into the vault: the control plane's, which
// speaks for people, and the worker's, which speaks for jobs. What is not
// listed for a line does not exist on it.
//
// No message holds a value: values come in sealed to the vault's public key,
// and leave sealed to a cell's.
package vaultrpc

import (
	"time"

	"hotcell"
)

// The control plane's procedures.
const (
	Health            = "/hotcell.vault.control/Health"
	Home              = "/hotcell.vault.control/Home"
	Who               = "/hotcell.vault.control/Who"
	Part              = "/hotcell.vault.control/Part"
	Workspace         = "/hotcell.vault.control/Workspace"
	CreateSecret      = "/hotcell.vault.control/CreateSecret"
	ChangeSecret      = "/hotcell.vault.control/ChangeSecret"
	ShareCredential   = "/hotcell.vault.control/ShareCredential"
	DeleteCredential  = "/hotcell.vault.control/DeleteCredential"
	Credential        = "/hotcell.vault.control/Credential"
	Credentials       = "/hotcell.vault.control/Credentials"
	Deleted           = "/hotcell.vault.control/Deleted"
	Undelete          = "/hotcell.vault.control/Undelete"
	DestroyDeleted    = "/hotcell.vault.control/DestroyDeleted"
	CreateAssignment  = "/hotcell.vault.control/CreateAssignment"
	ChangeAssignment  = "/hotcell.vault.control/ChangeAssignment"
	DeleteAssignment  = "/hotcell.vault.control/DeleteAssignment"
	Assignment        = "/hotcell.vault.control/Assignment"
	Assignments       = "/hotcell.vault.control/Assignments"
	Attach            = "/hotcell.vault.control/Attach"
	Detach            = "/hotcell.vault.control/Detach"
	ConfirmAttachment = "/hotcell.vault.control/ConfirmAttachment"
	ChangeAttachment  = "/hotcell.vault.control/ChangeAttachment"
	CreateJob         = "/hotcell.vault.control/CreateJob"
	CancelJob         = "/hotcell.vault.control/CancelJob"
	StartJob          = "/hotcell.vault.control/StartJob"
	EndJob            = "/hotcell.vault.control/EndJob"
	LiveJobs          = "/hotcell.vault.control/LiveJobs"
	Requests          = "/hotcell.vault.control/Requests"
	Request           = "/hotcell.vault.control/Request"
	DecideRequest     = "/hotcell.vault.control/DecideRequest"
	Explain           = "/hotcell.vault.control/Explain"
	Events            = "/hotcell.vault.control/Events"
	VerifyEvents      = "/hotcell.vault.control/VerifyEvents"
)

// Empty is a message that says nothing.
type Empty struct{}

// HealthAnswer says what the vault cannot do at the moment; empty is well.
type HealthAnswer struct {
	Problems []string `json:"problems,omitempty"`
	PID      int      `json:"pid"`
}

// HomeAnswer is what anybody may know of the server: its first workspace, and by what its
// vault is known.
type HomeAnswer struct {
	Workspace           hotcell.WorkspaceID `json:"workspace"`
	Fingerprint         string              `json:"fingerprint"`
	IdentityFingerprint string              `json:"identity_fingerprint"`
}

// PartRequest says that the connection of a bearer has ended.
type PartRequest struct{ By }

// WorkspaceRequest asks for the caller's workspace.
type WorkspaceRequest struct {
	By
}

// WorkspaceAnswer is the caller's workspace, who they are in it, and the key
// that values are sealed to.
type WorkspaceAnswer struct {
	Workspace   hotcell.Workspace `json:"workspace"`
	Member      hotcell.Member    `json:"member"`
	PublicKey   []byte            `json:"public_key"`
	Fingerprint string            `json:"fingerprint"`
	// Identity is the vault's long-lived Ed25519 key, which people's machines pin; its
	// Signature says that the public key is its own, the one of that Sequence.
	Identity            []byte `json:"identity,omitempty"`
	IdentityFingerprint string `json:"identity_fingerprint,omitempty"`
	Sequence            uint64 `json:"sequence,omitempty"`
	Signature           []byte `json:"signature,omitempty"`
}

// SealedVariable is a variable whose value is one HPKE message to the vault's
// key, in the context workspace, tier "secret", item, variable. The item is
// the secret's name at its creation, its id afterwards.
type SealedVariable struct {
	Name    string `json:"name"`
	Message []byte `json:"message"`
}

// CreateSecretRequest makes a secret.
type CreateSecretRequest struct {
	By
	Name    string `json:"name"`
	Service string `json:"service,omitempty"`
	Shared  bool   `json:"shared,omitempty"`
	// Hosts bind the values, as [hotcell.Credential.Hosts] says.
	Hosts     []string         `json:"hosts,omitempty"`
	Variables []SealedVariable `json:"variables"`
}

// ChangeSecretRequest changes what is given and leaves the rest. Unset comes
// first, then Rename, then Set; with Replace, Set is all there is afterwards.
type ChangeSecretRequest struct {
	By
	ID hotcell.CredentialID `json:"id"`
	// Revision is the one that the caller knows; 0 for any.
	Revision int     `json:"revision,omitempty"`
	Name     *string `json:"name,omitempty"`
	Service  *string `json:"service,omitempty"`
	// Hosts bind the values anew; an empty list unbinds them. Jobs that run keep
	// what they started with.
	Hosts   *[]string         `json:"hosts,omitempty"`
	Replace bool              `json:"replace,omitempty"`
	Set     []SealedVariable  `json:"set,omitempty"`
	Rename  map[string]string `json:"rename,omitempty"`
	Unset   []string          `json:"unset,omitempty"`
}

// ShareCredentialRequest shares a credential with the workspace, or takes it back.
type ShareCredentialRequest struct {
	By
	ID       hotcell.CredentialID `json:"id"`
	Revision int                  `json:"revision,omitempty"`
	Shared   bool                 `json:"shared"`
}

// CredentialRequest names a credential, to show, delete, take back or destroy it.
type CredentialRequest struct {
	By
	ID       hotcell.CredentialID `json:"id"`
	Revision int                  `json:"revision,omitempty"`
	// Destroy is its name, typed by who wants it destroyed at once; empty to delete it so
	// that it can be taken back.
	Destroy string `json:"destroy,omitempty"`
}

// DeletedAnswer lists deleted credentials, newest first.
type DeletedAnswer struct {
	Deleted []hotcell.Deleted `json:"deleted,omitempty"`
}

// CredentialAnswer is a credential and the assignments that use it.
type CredentialAnswer struct {
	Credential  hotcell.Credential   `json:"credential"`
	Attachments []AttachedAssignment `json:"attachments,omitempty"`
	// Held says by which key its values are held, where one was asked for.
	Held *hotcell.Holding `json:"held,omitempty"`
	// Advice says of a new one that there is a more protected way.
	Advice []Advice `json:"advice,omitempty"`
}

// DeleteAnswer says what became of what was granted to a deleted connection.
type DeleteAnswer struct {
	// Revoked is true where the service was told, and said yes.
	Revoked bool `json:"revoked,omitempty"`
	// Grant says in a sentence what became of it; empty where there was none.
	Grant string `json:"grant,omitempty"`
	// Until is how long it can be taken back; nil where it was destroyed.
	Until *time.Time `json:"until,omitempty"`
}

// AttachedAssignment is an assignment that a credential is attached to.
type AttachedAssignment struct {
	Attachment hotcell.AttachmentID `json:"attachment"`
	Assignment hotcell.AssignmentID `json:"assignment"`
	Name       string               `json:"name"`
}

// CredentialsRequest lists the credentials that the caller may know of.
type CredentialsRequest struct {
	By
	Tier hotcell.Tier `json:"tier,omitempty"`
	Name string       `json:"name,omitempty"`
	Page hotcell.Page `json:"page"`
}

// CredentialsAnswer is one page.
type CredentialsAnswer struct {
	Credentials []hotcell.Credential `json:"credentials"`
}
