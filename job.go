package hotcell

import "time"

// JobState is where a job stands; docs/formats.md has the chart.
type JobState string

// The states of a job. The last five are final.
const (
	JobQueued    JobState = "queued"
	JobStarting  JobState = "starting"
	JobRunning   JobState = "running"
	JobWaiting   JobState = "waiting"
	JobSucceeded JobState = "succeeded"
	JobFailed    JobState = "failed"
	JobCancelled JobState = "cancelled"
	JobTimedOut  JobState = "timed out"
	JobLost      JobState = "lost"
)

// Final says whether a job in this state has ended.
func (s JobState) Final() bool {
	switch s {
	case JobSucceeded, JobFailed, JobCancelled, JobTimedOut, JobLost:
		return true
	}
	return false
}

// Job is one run of an assignment, on behalf of one member. It keeps the work
// as it was when the job was made.
type Job struct {
	ID         JobID        `json:"id"`
	Workspace  WorkspaceID  `json:"workspace"`
	Assignment AssignmentID `json:"assignment"`
	// Name is the assignment's name at that time.
	Name  string   `json:"assignment_name"`
	Owner MemberID `json:"owner"`
	Work  Work     `json:"work"`
	// Arguments follow the command.
	Arguments []string `json:"arguments,omitempty"`
	State     JobState `json:"state"`
	// Reason says in a sentence why the job ended as it did; empty for success.
	Reason string `json:"reason,omitempty"`
	// ExitCode is the command's; nil while it runs or where it never did.
	ExitCode  *int       `json:"exit_code,omitempty"`
	CreatedAt time.Time  `json:"created_at"`
	StartedAt *time.Time `json:"started_at,omitempty"`
	EndedAt   *time.Time `json:"ended_at,omitempty"`
	// Cancelling is true from the request to cancel until the job has ended.
	Cancelling bool `json:"cancelling,omitempty"`
	// OutputSize is the size of the archive of /job/out in bytes; 0 without one.
	OutputSize int64 `json:"output_size,omitempty"`
	// LogSize is how much of its log was stored, in bytes, when it ended.
	LogSize int64 `json:"log_size,omitempty"`
	// LogRemovedAt and OutputRemovedAt say when retention removed them.
	LogRemovedAt    *time.Time `json:"log_removed_at,omitempty"`
	OutputRemovedAt *time.Time `json:"output_removed_at,omitempty"`
	// Redactions counts what the guard took out of the log and the output.
	Redactions int `json:"redactions,omitempty"`
	// External is true for a job without a cell: its agent runs elsewhere, and
	// calls tools with the job's token.
	External bool `json:"external,omitempty"`
	// Trial is true for a job whose cell is looked at: the house's own script runs in the
	// place of its command.
	Trial bool `json:"trial,omitempty"`
}

// LogChunk is a piece of a job's log, in order.
type LogChunk struct {
	// Sequence counts chunks from 1.
	Sequence int64     `json:"sequence"`
	At       time.Time `json:"at"`
	// Stream is "stdout" or "stderr", or "hotcell" for the house's own words.
	Stream string `json:"stream"`
	Data   []byte `json:"data"`
}

// GrantState is where a grant stands.
type GrantState string

// The states of a grant.
const (
	GrantPending GrantState = "pending"
	GrantLive    GrantState = "live"
	GrantDead    GrantState = "dead"
)

// Grant is what one job may use, fixed when the job starts, looked up by the
// vault at each use, dead when the job ends.
type Grant struct {
	Job        JobID        `json:"job"`
	Workspace  WorkspaceID  `json:"workspace"`
	Assignment AssignmentID `json:"assignment"`
	// Principal is the member on whose behalf the job runs.
	Principal MemberID   `json:"principal"`
	State     GrantState `json:"state"`
	// Reason says why the grant is dead.
	Reason string  `json:"reason,omitempty"`
	Uses   []Use   `json:"uses,omitempty"`
	Allow  []Allow `json:"allow,omitempty"`
	// Drill are the hosts of a drill's job.
	Drill *Drill `json:"drill,omitempty"`
	// Leased is true once the lease was delivered: there is one a job.
	Leased bool `json:"leased,omitempty"`
	// Token is the SHA-256 of the token with which an agent elsewhere calls the
	// job's tools, until Expires; nil for a job in a cell.
	Token     []byte     `json:"token,omitempty"`
	Expires   *time.Time `json:"expires,omitempty"`
	CreatedAt time.Time  `json:"created_at"`
	EndedAt   *time.Time `json:"ended_at,omitempty"`
}

// Use is one attachment within a grant, with the version that the job gets.
type Use struct {
	Attachment AttachmentID `json:"attachment"`
	Credential CredentialID `json:"credential"`
	// Version is 0 until the job starts. Of a connection whose tokens are renewed,
	// it is the one of that time: each use takes the newest.
	Version int       `json:"version"`
	As      Injection `json:"as"`
	// Tier, Name and HTTP are the credential's when the job starts, and so is the
	// narrowing: its hosts are those of the attachment, else the credential's.
	Tier Tier        `json:"tier,omitempty"`
	Name string      `json:"name,omitempty"`
	HTTP *HTTPAccess `json:"http,omitempty"`
	// Connector and Account are a connection's.
	Connector string `json:"connector,omitempty"`
	Account   string `json:"account,omitempty"`
	// Model is of a connection to a model's provider.
	Model *ModelAccount `json:"model,omitempty"`
	// Login is a login's.
	Login *Login `json:"login,omitempty"`
	// Request is the request that gave it to this job alone: there is no attachment
	// of this id then.
	Request RequestID `json:"request,omitempty"`
	Narrowing
}
