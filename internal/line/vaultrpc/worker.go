package vaultrpc

import (
	"encoding/json"
	"time"

	"hotcell"
)

// The worker's procedures.
const (
	Rules   = "/hotcell.vault.worker/Rules"
	Lease   = "/hotcell.vault.worker/Lease"
	Report  = "/hotcell.vault.worker/Report"
	Ask     = "/hotcell.vault.worker/Ask"
	Forward = "/hotcell.vault.worker/Forward"
	Connect = "/hotcell.vault.worker/Connect"
	Watch   = "/hotcell.vault.worker/Watch"

	ListTools    = "/hotcell.vault.worker/ListTools"
	CallTool     = "/hotcell.vault.worker/CallTool"
	AwaitRequest = "/hotcell.vault.worker/AwaitRequest"
	Prints       = "/hotcell.vault.worker/Prints"
)

// The headers that a request to [Forward] has beside the job's own; the method,
// the other headers and the body are the job's. They never reach an upstream.
const (
	// HeaderJob is the job, HeaderUse each attachment whose credential goes on.
	HeaderJob = "Hotcell-Job"
	HeaderUse = "Hotcell-Use"
	// HeaderShown is the path as it may be written down, where it holds a value that
	// the job has: with marks in the values' places.
	HeaderShown = "Hotcell-Shown"
	// HeaderModel is set where the host is a model's. HeaderOwn names each place of
	// the head that holds a value which the job has and may send there.
	HeaderModel = "Hotcell-Model"
	HeaderOwn   = "Hotcell-Own"
	// HeaderTarget is the absolute URL, as the job wrote it.
	HeaderTarget = "Hotcell-Target"
	// HeaderFault is set on an answer that is the vault's own, and no upstream's:
	// "refused" or "unavailable".
	HeaderFault = "Hotcell-Fault"
	// HeaderPrints counts the values that the job can touch, as CallToolAnswer does.
	HeaderPrints = "Hotcell-Prints"
	// HeaderPrefix is what no header of a job may begin with.
	HeaderPrefix = "Hotcell-"
)

// RulesRequest asks what a job may reach and use.
type RulesRequest struct {
	Job hotcell.JobID `json:"job"`
}

// RulesAnswer is that, of a grant that is live.
type RulesAnswer struct {
	Allow []hotcell.Allow `json:"allow,omitempty"`
	Uses  []hotcell.Use   `json:"uses,omitempty"`
	// Token is the SHA-256 of an external job's token, good until Expires.
	Token   []byte     `json:"token,omitempty"`
	Expires *time.Time `json:"expires,omitempty"`
	// Left is how long that is from now on, whatever anybody's clock says.
	Left time.Duration `json:"left,omitempty"`
}

// AskRequest asks a person for a host that the job may not reach.
type AskRequest struct {
	Job   hotcell.JobID `json:"job"`
	Allow hotcell.Allow `json:"allow"`
	// Why is the agent's word; the vault cuts it to 500 characters.
	Why string `json:"why,omitempty"`
}

// AskAnswer is the request as it is when it was decided, or as it is now.
type AskAnswer struct {
	Request hotcell.Request `json:"request"`
}

// LeaseRequest asks for a job's secrets, sealed to the key that its cell made.
type LeaseRequest struct {
	Job       hotcell.JobID `json:"job"`
	PublicKey []byte        `json:"public_key"`
}

// LeaseAnswer holds one HPKE message under the info [LeaseInfo]; it is empty
// where the job has no secrets. It opens to JSON, a list of [LeasedSecret].
type LeaseAnswer struct {
	Message []byte `json:"message,omitempty"`
	// Fingerprints are of every value that the job can touch, in the form of
	// package guard; the gateway has them before the cell has the message.
	Fingerprints []byte `json:"fingerprints,omitempty"`
}

// LeaseInfo is the HPKE info string that binds a lease to its job.
func LeaseInfo(job hotcell.JobID) []byte { return []byte("hotcell lease v1|" + string(job)) }

// LeasedSecret is one secret within a lease. It exists in the vault and in the
// cell only, and must be cleared in both.
type LeasedSecret struct {
	Credential string `json:"credential"`
	// StandIn is true where the values are stand-ins: worth nothing elsewhere.
	StandIn   bool             `json:"stand_in,omitempty"`
	Variables []LeasedVariable `json:"variables"`
}

// LeasedVariable is a variable with its value.
type LeasedVariable struct {
	Name  string `json:"name"`
	Value []byte `json:"value"`
	// File is where it is put, in the place of the environment; empty for that.
	File string `json:"file,omitempty"`
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
	// Widened is true where the grant lives on, and allows more than before.
	Widened bool `json:"widened,omitempty"`
}

// DatabaseOpening is what a client of a database said at its start, for
// [Connect]: a request with these in JSON in the header HeaderOpening, answered
// by 101 and HeaderOpened once the database has let the vault in; the
// connection is the database's from then on.
type DatabaseOpening struct {
	Host       string            `json:"host"`
	Port       int               `json:"port"`
	User       string            `json:"user"`
	Database   string            `json:"database"`
	Parameters map[string]string `json:"parameters,omitempty"`
}

// DatabaseOpened is what the database said of itself when it let the vault in.
type DatabaseOpened struct {
	Status map[string]string `json:"status"`
	PID    uint32            `json:"pid"`
	// Key cancels the connection's queries, and nothing else.
	Key []byte `json:"key"`
	// StandIn is the password that the cell has in the place of the real one.
	StandIn string `json:"stand_in"`
}

// The headers of [Connect].
const (
	HeaderOpening = "Hotcell-Opening"
	HeaderOpened  = "Hotcell-Opened"
)

// ListToolsRequest asks which tools a job may call.
type ListToolsRequest struct {
	Job hotcell.JobID `json:"job"`
}

// ListToolsAnswer lists them, each narrowed to what the attachment lets through.
type ListToolsAnswer struct {
	Tools []Tool `json:"tools,omitempty"`
	// Access says in a few lines, for an agent, which access there is.
	Access string `json:"access,omitempty"`
}

// CallToolRequest is one call of a tool by a job. Where more than one attached
// connection has the tool, the argument "connection" says which.
type CallToolRequest struct {
	Job       hotcell.JobID   `json:"job"`
	Tool      string          `json:"tool"`
	Arguments json.RawMessage `json:"arguments,omitempty"`
	// Shown are the arguments with every value that the job could touch taken out:
	// what people see if the call waits.
	Shown json.RawMessage `json:"shown,omitempty"`
	// Approved is the request that was answered with, once it is decided.
	Approved hotcell.RequestID `json:"approved,omitempty"`
}

// CallToolAnswer is what came of it: a result, an error for the agent, or a
// request that waits for a person.
type CallToolAnswer struct {
	Result json.RawMessage `json:"result,omitempty"`
	// Content is what is not JSON: text, a picture, a file.
	Content []ToolContent     `json:"content,omitempty"`
	Error   *ToolError        `json:"error,omitempty"`
	Waits   hotcell.RequestID `json:"waits,omitempty"`
	// Prints counts the values that the job can touch: where it is higher than
	// what the gateway knows, it asks for [Prints] before it hands the result on.
	Prints int64 `json:"prints,omitempty"`
}

// ToolContent is a piece of a result.
type ToolContent struct {
	// Kind is "text", "image" or "audio".
	Kind string `json:"kind"`
	Text string `json:"text,omitempty"`
	Data []byte `json:"data,omitempty"`
	Type string `json:"type,omitempty"`
}

// ToolError is what an agent may know of a call that failed. It never has a
// header, a URL with a query or an internal address.
type ToolError struct {
	// Code is "refused", "invalid", "not_found", "rate_limited", "unavailable",
	// "reconnect" or "service": what the service itself said.
	Code    string `json:"code"`
	Message string `json:"message"`
	// Status is the service's, 0 where it gave none.
	Status    int  `json:"status,omitempty"`
	Retryable bool `json:"retryable,omitempty"`
	// RetryAfter is in seconds.
	RetryAfter int `json:"retry_after,omitempty"`
}

// AwaitRequestRequest waits until a job's request is decided, or the call ends.
type AwaitRequestRequest struct {
	Job hotcell.JobID     `json:"job"`
	ID  hotcell.RequestID `json:"id"`
}

// PrintsRequest asks anew for the fingerprints of all values that a job can
// touch: some were renewed since its lease.
type PrintsRequest struct {
	Job hotcell.JobID `json:"job"`
}

// PrintsAnswer is them.
type PrintsAnswer struct {
	Prints       int64  `json:"prints"`
	Fingerprints []byte `json:"fingerprints,omitempty"`
}
