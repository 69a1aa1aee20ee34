package vaultrpc

import "hotcell"

// RequestsRequest lists the requests that the caller may see.
type RequestsRequest struct {
	By
	State hotcell.RequestState `json:"state,omitempty"`
	Job   hotcell.JobID        `json:"job,omitempty"`
	Page  hotcell.Page         `json:"page"`
}

// RequestsAnswer is one page.
type RequestsAnswer struct {
	Requests []hotcell.Request `json:"requests"`
}

// RequestRequest names a request.
type RequestRequest struct {
	By
	ID hotcell.RequestID `json:"id"`
}

// DecideRequestRequest approves or refuses a request.
type DecideRequestRequest struct {
	By
	ID      hotcell.RequestID `json:"id"`
	Approve bool              `json:"approve"`
	// Standing approves it for the assignment and all its jobs to come, and not
	// for this job alone.
	Standing bool `json:"standing,omitempty"`
	// Credential is the login that answers a request for one.
	Credential hotcell.CredentialID `json:"credential,omitempty"`
}

// RequestAnswer is a request as it is now.
type RequestAnswer struct {
	Request hotcell.Request `json:"request"`
}

// ExplainRequest asks what a job may use: a job's grant, or what a job of the
// assignment would get now on behalf of the caller. One of the two is given.
type ExplainRequest struct {
	By
	Job        hotcell.JobID        `json:"job,omitempty"`
	Assignment hotcell.AssignmentID `json:"assignment,omitempty"`
}

// ExplainAnswer is what it may use. Package egress decides on it.
type ExplainAnswer struct {
	Allow []hotcell.Allow `json:"allow,omitempty"`
	Uses  []hotcell.Use   `json:"uses,omitempty"`
	// Dead says why nothing is allowed: the job has ended, or cannot start.
	Dead string `json:"dead,omitempty"`
}
