// Package cellrpc is what a cell's init and its gateway say to each other:
// plain HTTP/1.1 over connections of a line that the init inherited. Holding
// that line is the cell's identity, so no message carries a token.
package cellrpc

import "time"

// The paths of the gateway. A connection out is the method CONNECT on "name:port".
const (
	PathSpec    = "/spec"    // GET: Spec
	PathLease   = "/lease"   // POST LeaseRequest: LeaseAnswer, or 204; once, before PathStarted
	PathFiles   = "/files"   // GET: a tar archive, or 204
	PathRefused = "/refused" // POST Refused: 204
	PathStarted = "/started" // POST: 204; just before the first instruction of the command
	PathLog     = "/log"     // POST ?stream=stdout|stderr: the body is that stream, for the job's life
	PathCache   = "/cache"   // GET: a tar archive of what was kept, 204 without; PUT: one of what is to be kept
	PathOut     = "/out"     // PUT: a tar archive of what the job left in /job/out
	PathExit    = "/exit"    // POST Exit: 204; the last word
	PathMCP     = "/mcp"     // the Model Context Protocol, streamable HTTP
	PathAsk     = "/request" // POST Ask: Asked; waits for a person
)

// HeaderRefused is on what the gateway answers in the place of a host: why.
const HeaderRefused = "Hotcell-Refused"

// Spec is what a cell is to do.
type Spec struct {
	Job       string            `json:"job"`
	Command   string            `json:"command"`
	Arguments []string          `json:"arguments,omitempty"`
	Env       map[string]string `json:"env,omitempty"`
	// Names exist in the cell, each with its ports; no other name does.
	Names []Name `json:"names,omitempty"`
	// Addresses are IP literals that may be reached, each with its ports.
	Addresses []Name `json:"addresses,omitempty"`
	// Localhost lists ports of the machine's own loopback.
	Localhost []int `json:"localhost,omitempty"`
	Files     bool  `json:"files,omitempty"`
	// Path are folders that come first in the PATH.
	Path   []string `json:"path,omitempty"`
	Limits Limits   `json:"limits"`
	// CA holds certificates (PEM) that the cell trusts beside its bundle.
	CA string `json:"ca,omitempty"`
	// Instructions are what an agent is to do: /job/INSTRUCTIONS.md, and the
	// command's standard input. Empty for a command without any.
	Instructions string `json:"instructions,omitempty"`
	// Errands is true where there may be some; see [PathErrand].
	Errands bool `json:"errands,omitempty"`
	// Cache is how many bytes the job's cache may have; 0 without one.
	Cache int64 `json:"cache,omitempty"`
}

// Name is a host and the ports that may be reached on it.
type Name struct {
	Host  string `json:"host"`
	Ports []int  `json:"ports"`
}

// Limits are those that the cell sets on its processes.
type Limits struct {
	// Memory is in bytes, for each process; the cgroup bounds all together. Zero,
	// here and below, sets no limit.
	Memory int64 `json:"memory"`
	// Bounded is true where there is such a cgroup: then a process may reserve as much
	// address space as it likes, and the cgroup alone counts processes.
	Bounded bool `json:"bounded,omitempty"`
	Pids    int  `json:"pids"`
	// FileSize is in bytes.
	FileSize   int64 `json:"file_size"`
	OpenFiles  int   `json:"open_files,omitempty"`
	CPUSeconds int64 `json:"cpu_seconds,omitempty"`
}

// LeaseRequest asks for the job's secrets, sealed to this key.
type LeaseRequest struct {
	PublicKey []byte `json:"public_key"`
}

// LeaseAnswer is an HPKE message; see package vaultrpc for what it opens to.
type LeaseAnswer struct {
	Message []byte `json:"message"`
}

// Refused is a name, or an address with its port, that was asked for in the cell
// and does not exist there.
type Refused struct {
	Name string `json:"name"`
}

// Exit is how the command ended.
type Exit struct {
	// Code is the command's exit code, 128+n where signal n ended it; -1 where
	// it never ran.
	Code int `json:"code"`
	// Reason says what went wrong, if it was not the command.
	Reason string `json:"reason,omitempty"`
	// Cache says why the job's cache was not kept; empty where it was, or there is none.
	Cache string `json:"cache,omitempty"`
	// Full are the folders of the cell that had no room left when the command ended.
	Full []string `json:"full,omitempty"`
	// Redactions counts what the guard took out of the log and the output.
	Redactions int `json:"redactions,omitempty"`
}

// Refusal is something that a job was refused, as it is told itself.
type Refusal struct {
	// Host is a host with its port, or a name.
	Host   string    `json:"host"`
	Reason string    `json:"reason"`
	Count  int       `json:"count"`
	Last   time.Time `json:"last"`
}

// Bundle is the file in which programs of a cell find the authorities to trust, the
// job's own among them.
const Bundle = "/etc/ssl/certs/ca-certificates.crt"

// Ask asks a person for a host that the job may not reach. What the command may
// send to the door of its cell is this and nothing else.
type Ask struct {
	// Host is HOST[:PORT][/PROTOCOL], as in an allow-list.
	Host string `json:"host"`
	Why  string `json:"why,omitempty"`
}

// Asked is what a person decided; pending where nobody has yet.
type Asked struct {
	Request string `json:"request"`
	State   string `json:"state"`
	// Name is the host that exists in the cell from now on.
	Name *Name `json:"name,omitempty"`
	// Text says it in a sentence, for the agent.
	Text string `json:"text"`
}
