package hotcell

import (
	"encoding/json"
	"time"
)

// RequestState is where a request stands.
type RequestState string

// The states of a request. All but the first are final.
const (
	RequestPending  RequestState = "pending"
	RequestApproved RequestState = "approved"
	RequestRefused  RequestState = "refused"
	// RequestExpired: the job ended, or nobody decided in time.
	RequestExpired RequestState = "expired"
)

// RequestKind is what a request asks for.
type RequestKind string

// The kinds of requests.
const (
	// RequestAccess asks for a host that the job may not reach.
	RequestAccess RequestKind = "access"
	// RequestCall asks whether a tool may be called so.
	RequestCall RequestKind = "call"
	// RequestLogin asks for a login for a site: to attach one, or to make it.
	RequestLogin RequestKind = "login"
	// RequestWay asks whether a login may be sent in a way that nobody said yes to.
	RequestWay RequestKind = "way"
)

// Request is a question that waits for a person: a job wants more than it may.
type Request struct {
	ID         RequestID    `json:"id"`
	Workspace  WorkspaceID  `json:"workspace"`
	Kind       RequestKind  `json:"kind"`
	Job        JobID        `json:"job"`
	Assignment AssignmentID `json:"assignment"`
	// Member is on whose behalf the job runs.
	Member MemberID `json:"member"`
	// Allow is the host that is asked for; of the kinds access and login.
	Allow Allow `json:"allow,omitzero"`
	// Call is what waits; of the kind call.
	Call *AskedCall `json:"call,omitempty"`
	// Way is the way in that is asked about; of the kind way.
	Way *AskedWay `json:"way,omitempty"`
	// Why is the agent's own word, guarded and cut to a few lines: to be shown as
	// such, and not to be believed.
	Why   string       `json:"why,omitempty"`
	State RequestState `json:"state"`
	// Standing is true where it was approved for the assignment, and not for this
	// job alone.
	Standing  bool       `json:"standing,omitempty"`
	DecidedBy MemberID   `json:"decided_by,omitempty"`
	CreatedAt time.Time  `json:"created_at"`
	DecidedAt *time.Time `json:"decided_at,omitempty"`
}

// AskedCall is a call of a tool that waits for a person.
type AskedCall struct {
	Attachment AttachmentID `json:"attachment"`
	Credential CredentialID `json:"credential"`
	// Connection and Account are how people know it: "work mail", "ada@acme.test".
	Connection string `json:"connection"`
	Account    string `json:"account,omitempty"`
	Tool       string `json:"tool"`
	// Arguments are the agent's, guarded: to be shown, and not to be believed.
	Arguments json.RawMessage `json:"arguments,omitempty"`
	// Hash is the SHA-256 over the arguments as they came: what was approved is
	// this call and no other.
	Hash []byte `json:"hash"`
	// Used is true once the approved call was made: it is made once.
	Used bool `json:"used,omitempty"`
}

// AskedWay is a request by which a login would sign in, and nobody has said yes to.
type AskedWay struct {
	Attachment AttachmentID `json:"attachment"`
	Credential CredentialID `json:"credential"`
	// Login is the name by which people know it.
	Login string  `json:"login"`
	Step  WayStep `json:"step"`
	// Known are the steps that people said yes to before.
	Known []WayStep `json:"known,omitempty"`
	// Start is true of one that was found from the login's own address, in a browser
	// where the agent never was; else it is what a page does on which the agent is.
	Start bool `json:"start,omitempty"`
}

// RequestFilter narrows a list of requests. Empty fields narrow nothing.
type RequestFilter struct {
	State RequestState
	Job   JobID
	// Member keeps the requests of one member's jobs.
	Member MemberID
}
