package vaultrpc

import "hotcell"

// The worker's procedures.
const (
	Lease  = "/hotcell.vault.worker/Lease"
	Report = "/hotcell.vault.worker/Report"
	Watch  = "/hotcell.vault.worker/Watch"
)

// LeaseRequest asks for a job's secrets, sealed to the key that its cell made.
type LeaseRequest struct {
	Job       hotcell.JobID `json:"job"`
	PublicKey []byte        `json:"public_key"`
}

// LeaseAnswer holds one HPKE message under the info [LeaseInfo]; it is empty
// where the job has no secrets. It opens to JSON, a list of [LeasedSecret].
type LeaseAnswer struct {
	Message []byte `json:"message,omitempty"`
}

// LeaseInfo is the HPKE info string that binds a lease to its job.
func LeaseInfo(job hotcell.JobID) []byte { return []byte("hotcell lease v1|" + string(job)) }

// LeasedSecret is one secret within a lease. It exists in the vault and in the
// cell only, and must be cleared in both.
type LeasedSecret struct {
	Credential string           `json:"credential"`
	Variables  []LeasedVariable `json:"variables"`
}

// LeasedVariable is a variable with its value.
type LeasedVariable struct {
	Name  string `json:"name"`
	Value []byte `json:"value"`
}

// ReportRequest records what a cell does at its door. The vault fills in who,
// for whom and when; it takes network events only.
type ReportRequest struct {
	Job    hotcell.JobID   `json:"job"`
	Events []hotcell.Event `json:"events"`
}

// WatchRequest asks for the deaths of grants, from now on. Of the jobs that it
// names, those whose grants are dead already are told at once, so that a watch
// which broke off and is taken up again misses none.
type WatchRequest struct {
	Jobs []hotcell.JobID `json:"jobs,omitempty"`
}

// WatchAnswer is one change of a grant, or a sign of life when Job is empty.
type WatchAnswer struct {
	Job    hotcell.JobID `json:"job,omitempty"`
	Reason string        `json:"reason,omitempty"`
}
