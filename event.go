package hotcell

import "time"

// Decision is what was decided on the thing that an event tells of.
type Decision string

// The decisions.
const (
	Allowed Decision = "allow"
	Refused Decision = "refuse"
)

// Event is one entry of a workspace's audit log. It never holds a value or a
// result. The vault alone writes events.
type Event struct {
	// Sequence counts a workspace's events from 1 without a gap.
	Sequence  int64       `json:"sequence"`
	Workspace WorkspaceID `json:"workspace"`
	At        time.Time   `json:"at"`
	// Kind is noun and verb: "secret.create", "job.start", "network.connect".
	Kind     string   `json:"kind"`
	Decision Decision `json:"decision"`
	// Reason says in a sentence why, where it was refused or ended; of a login that
	// was used, into what of its site.
	Reason string `json:"reason,omitempty"`
	// Member is who did it, or on whose behalf the job runs.
	Member     MemberID     `json:"member,omitempty"`
	Via        string       `json:"via,omitempty"`
	Job        JobID        `json:"job,omitempty"`
	Assignment AssignmentID `json:"assignment,omitempty"`
	Credential CredentialID `json:"credential,omitempty"`
	// Version is the credential's version that was written or used.
	Version int `json:"version,omitempty"`
	// Name is the thing's name at that time: a credential's, an assignment's.
	Name string `json:"name,omitempty"`
	// Host is "host:port" where the event is of the network.
	Host string `json:"host,omitempty"`
	// Request is the id of the request to the API that it came by; of what a job
	// does, that of the question to a person which it asked, or was let do it by.
	Request string `json:"request,omitempty"`
	// Size is in bytes, Duration in milliseconds; both 0 where they say nothing.
	Size     int64 `json:"size,omitempty"`
	Duration int64 `json:"duration_ms,omitempty"`
	// Hash is the SHA-256 over the event before this one and this one's own bytes.
	Hash []byte `json:"hash,omitempty"`
}
