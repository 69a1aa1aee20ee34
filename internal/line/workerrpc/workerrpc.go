// Package workerrpc holds the messages between the control plane and a worker:
// run this job, and tell what happens. No message holds a value: what a job
// prints has passed the guard before it comes here.
package workerrpc

import (
	"time"

	"hotcell"
)

// The worker's procedures. Folders travel as plain HTTP beside them: HEAD and
// PUT on [FilesPath] and the archive's digest. So do the requests of agents
// elsewhere: any method on [ToolsPath] and the job's id.
const (
	Run    = "/hotcell.worker/Run"
	Health = "/hotcell.worker/Health"

	FilesPath = "/files/"
	ToolsPath = "/tools/"
	// BrowserPath and a job's id are its browser: GET is a stream of
	// [cellrpc.View], a line of JSON each; POST takes a [cellrpc.Hand].
	BrowserPath = "/browser/"
)

// RunRequest asks for a job to be run. To end the stream ends the job.
type RunRequest struct {
	Job hotcell.Job `json:"job"`
}

// Kind is what a [RunEvent] tells of.
type Kind string

// The kinds, in the order in which they come; logs come at any time between, and
// so does that the job waits for a person, and that it goes on.
const (
	Started Kind = "started"
	Waiting Kind = "waiting"
	Resumed Kind = "resumed"
	Log     Kind = "log"
	Output  Kind = "output"
	Ended   Kind = "ended"
)

// RunEvent is one thing that happened to a job.
type RunEvent struct {
	Kind Kind      `json:"kind"`
	At   time.Time `json:"at"`
	// Stream and Data are of a log; Data is also a piece of the output archive.
	Stream string `json:"stream,omitempty"`
	Data   []byte `json:"data,omitempty"`
	End    *End   `json:"end,omitempty"`
}

// End is how a job's cell ended.
type End struct {
	// Code is the command's exit code, 128+n where signal n ended it; nil where
	// it never ran or was cut off.
	Code *int `json:"code,omitempty"`
	// Reason says in a sentence what went wrong, if it was not the command.
	Reason string `json:"reason,omitempty"`
	// Revoked is true where the job was ended since its grant died.
	Revoked bool `json:"revoked,omitempty"`
	// Late is true where that was since its time was over.
	Late bool `json:"late,omitempty"`
	// Redactions counts what the guard took out.
	Redactions int `json:"redactions,omitempty"`
	// Seen is what the job's command did that an agent does.
	Seen *Seen `json:"seen,omitempty"`
	// Output is how long the output archive is, in bytes, if it came whole; what
	// came of another is not to be kept.
	Output int64 `json:"output,omitempty"`
}

// Seen is what a job's command did that an agent does.
type Seen struct {
	// Tools is true where it asked which tools there are, Model where a model answered it.
	Tools bool `json:"tools,omitempty"`
	Model bool `json:"model,omitempty"`
	// Refusal says, in a few words, what came of the last request to a model that was not
	// answered well.
	Refusal string `json:"refusal,omitempty"`
}

// HealthAnswer says what keeps the worker from running jobs; empty is well.
type HealthAnswer struct {
	Problems []string `json:"problems,omitempty"`
	PID      int      `json:"pid"`
}
