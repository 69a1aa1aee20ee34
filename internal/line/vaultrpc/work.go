package vaultrpc

import (
	"time"

	"hotcell"
)

// CreateAssignmentRequest makes an assignment.
type CreateAssignmentRequest struct {
	By
	Name string       `json:"name"`
	Work hotcell.Work `json:"work"`
}

// ChangeAssignmentRequest changes what is given and leaves the rest.
type ChangeAssignmentRequest struct {
	By
	ID       hotcell.AssignmentID `json:"id"`
	Revision int                  `json:"revision,omitempty"`
	Name     *string              `json:"name,omitempty"`
	Work     *hotcell.Work        `json:"work,omitempty"`
}

// AssignmentRequest names an assignment, to show or to delete it.
type AssignmentRequest struct {
	By
	ID       hotcell.AssignmentID `json:"id"`
	Revision int                  `json:"revision,omitempty"`
}

// AssignmentAnswer is an assignment and what is attached to it.
type AssignmentAnswer struct {
	Assignment  hotcell.Assignment   `json:"assignment"`
	Attachments []AttachedCredential `json:"attachments,omitempty"`
}

// AttachedCredential is an attachment with what may be said of its credential.
type AttachedCredential struct {
	Attachment hotcell.Attachment `json:"attachment"`
	// The rest is empty where the caller may not know of it, and so is the
	// attachment's narrowing.
	Name      string       `json:"name,omitempty"`
	Tier      hotcell.Tier `json:"tier,omitempty"`
	Variables []string     `json:"variables,omitempty"`
	// Hosts are those that the values are bound to: the attachment's, else the
	// credential's.
	Hosts []string            `json:"hosts,omitempty"`
	HTTP  *hotcell.HTTPAccess `json:"http,omitempty"`
}

// About is the assignment that an API token must be good for.
func (r *AssignmentRequest) About() hotcell.AssignmentID { return r.ID }

// AssignmentsRequest lists assignments; an empty name lists all.
type AssignmentsRequest struct {
	By
	Name string       `json:"name,omitempty"`
	Page hotcell.Page `json:"page"`
}

// About is the assignment that an API token is good for: it is all that is listed to it.
func (r *AssignmentsRequest) About() hotcell.AssignmentID {
	if r.Principal.Token == nil {
		return ""
	}
	return r.Principal.Token.Assignment
}

// AssignmentsAnswer is one page.
type AssignmentsAnswer struct {
	Assignments []hotcell.Assignment `json:"assignments"`
}

// AttachRequest attaches a credential to an assignment.
type AttachRequest struct {
	By
	Assignment hotcell.AssignmentID `json:"assignment"`
	Credential hotcell.CredentialID `json:"credential"`
	As         hotcell.Injection    `json:"as,omitempty"`
	hotcell.Narrowing
}

// AttachAnswer is the attachment.
type AttachAnswer struct {
	Attachment hotcell.Attachment `json:"attachment"`
	// Opens is the host and port that the jobs may reach by this attachment alone.
	Opens string `json:"opens,omitempty"`
	// Warnings say what it leaves free although it looks as if it did not.
	Warnings []string `json:"warnings,omitempty"`
}

// ChangeAttachmentRequest replaces what an attachment allows; jobs that use it end where
// that is less than before.
type ChangeAttachmentRequest struct {
	By
	Attachment hotcell.AttachmentID `json:"attachment"`
	hotcell.Narrowing
}

// ConfirmAttachmentRequest takes a suspension away; Revision is that of the assignment that
// was looked at.
type ConfirmAttachmentRequest struct {
	By
	Attachment hotcell.AttachmentID `json:"attachment"`
	Revision   int                  `json:"revision"`
}

// DetachRequest takes an attachment away.
type DetachRequest struct {
	By
	Attachment hotcell.AttachmentID `json:"attachment"`
}

// CreateJobRequest asks whether the caller may run the assignment, and notes a
// pending grant for the job.
type CreateJobRequest struct {
	By
	Assignment hotcell.AssignmentID `json:"assignment"`
	Job        hotcell.JobID        `json:"job"`
	// External is for how long an agent elsewhere may call the job's tools; 0 for
	// a job in a cell.
	External time.Duration `json:"external,omitempty"`
}

// CreateJobAnswer is the assignment as it is now: what the job keeps.
type CreateJobAnswer struct {
	Assignment hotcell.Assignment `json:"assignment"`
	// Token is an external job's, told this once.
	Token string `json:"token,omitempty"`
}

// About is the assignment that an API token must be good for.
func (r *CreateJobRequest) About() hotcell.AssignmentID { return r.Assignment }

// CancelJobRequest asks whether the caller may end the job, and ends its grant.
type CancelJobRequest struct {
	By
	Job hotcell.JobID `json:"job"`
}

// StartJobRequest makes a pending grant live, with the versions that are newest now.
type StartJobRequest struct {
	Job hotcell.JobID `json:"job"`
}

// StartJobAnswer says what the job may use.
type StartJobAnswer struct {
	Grant hotcell.Grant `json:"grant"`
}

// EndJobRequest ends a job's grant and records how the job ended.
type EndJobRequest struct {
	Job    hotcell.JobID    `json:"job"`
	State  hotcell.JobState `json:"state"`
	Reason string           `json:"reason,omitempty"`
	// Duration is in milliseconds, from the first instruction to the end.
	Duration int64 `json:"duration_ms,omitempty"`
}

// LiveJob is a job whose grant is not dead.
type LiveJob struct {
	Workspace hotcell.WorkspaceID `json:"workspace"`
	Job       hotcell.JobID       `json:"job"`
	// CreatedAt is when the grant was noted.
	CreatedAt time.Time `json:"created_at"`
}

// LiveJobsAnswer lists the jobs whose grants are not dead.
type LiveJobsAnswer struct {
	Jobs []LiveJob `json:"jobs"`
}

// EventsRequest lists the audit log, as far as the caller may see it.
type EventsRequest struct {
	By
	Filter hotcell.EventFilter `json:"filter"`
}

// EventsAnswer is one page.
type EventsAnswer struct {
	Events []hotcell.Event `json:"events"`
}

// VerifyAnswer says how far the chain holds.
type VerifyAnswer struct {
	// Events is how many events were checked and fit.
	Events int64 `json:"events"`
	// Head is the hash of the last of them.
	Head []byte `json:"head,omitempty"`
	// Removed is how many events before them were removed by retention, and
	// RemovedAt when that was decided last.
	Removed   int64      `json:"removed,omitempty"`
	RemovedAt *time.Time `json:"removed_at,omitempty"`
	// Broken is the sequence of the first event that does not fit; 0 for none.
	Broken int64  `json:"broken,omitempty"`
	Reason string `json:"reason,omitempty"`
}
