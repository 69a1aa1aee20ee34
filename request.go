package hotcell

import "time"

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

// RequestAccess asks for a host that the job may not reach. It is the only kind
// so far.
const RequestAccess RequestKind = "access"

// Request is a question that waits for a person: a job wants more than it may.
type Request struct {
	ID         RequestID    `json:"id"`
	Workspace  WorkspaceID  `json:"workspace"`
	Kind       RequestKind  `json:"kind"`
	Job        JobID        `json:"job"`
	Assignment AssignmentID `json:"assignment"`
	// Member is on whose behalf the job runs.
	Member MemberID `json:"member"`
	// Allow is the host that is asked for.
	Allow Allow `json:"allow"`
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

// RequestFilter narrows a list of requests. Empty fields narrow nothing.
type RequestFilter struct {
	State RequestState
	Job   JobID
	// Member keeps the requests of one member's jobs.
	Member MemberID
}
