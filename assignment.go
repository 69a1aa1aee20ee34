package hotcell

import (
	"reflect"
	"time"
)

// Assignment is a standing piece of work: a command, what is attached to it
// and its limits.
type Assignment struct {
	ID        AssignmentID `json:"id"`
	Workspace WorkspaceID  `json:"workspace"`
	Owner     MemberID     `json:"owner"`
	Name      string       `json:"name"`
	// Revision counts changes, from 1; it is the ETag.
	Revision  int       `json:"revision"`
	Work      Work      `json:"work"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Work is what a job keeps of its assignment as it was when the job was made.
type Work struct {
	// Command is given to /bin/sh -c in the cell.
	Command string `json:"command"`
	// Agent names what follows the instructions, as the server knows it ("claude"); it is
	// empty where there is a command.
	Agent string `json:"agent,omitempty"`
	// Instructions are what an agent is to do: they lie at /job/INSTRUCTIONS.md and
	// are its standard input. Empty for work that is a command alone.
	Instructions string `json:"instructions,omitempty"`
	// Files is the folder that each job gets a fresh copy of, at /job.
	Files *Files `json:"files,omitempty"`
	// Allow is what the job may reach on the network; nothing by default.
	Allow  []Allow `json:"allow,omitempty"`
	Limits Limits  `json:"limits"`
	// Image names the image that is the cell's root, as the server knows it; empty for the
	// machine's own /usr. ImageDigest is what a job was made with ("sha256:…"), whatever
	// the name leads to later; an assignment has none.
	Image       string `json:"image,omitempty"`
	ImageDigest string `json:"image_digest,omitempty"`
	// Browser gives the job a browser, also where no login is attached.
	Browser bool `json:"browser,omitempty"`
	// Environment holds variables that are no secret.
	Environment map[string]string `json:"environment,omitempty"`
	// Drill is for a drill's own assignment; nil for all others.
	Drill *Drill `json:"drill,omitempty"`
}

// MaxInstructions is how long an assignment's instructions may be, in bytes.
const MaxInstructions = 256 << 10

// Files names an uploaded folder by its content.
type Files struct {
	// Digest is the SHA-256 of the tar archive, in hex.
	Digest string `json:"digest"`
	// Size is the archive's size in bytes.
	Size int64 `json:"size"`
}

// MaxFiles is how large an assignment's folder, or a job's output, may be, in bytes.
const MaxFiles = 100 << 20

// Protocol is what an allow entry lets through.
type Protocol string

// The protocols.
const (
	ProtocolHTTPS    Protocol = "https"
	ProtocolPostgres Protocol = "postgres"
	ProtocolTCP      Protocol = "tcp"
)

// Allow is one entry of an allow-list: exactly this host and port, in this
// protocol. Host is a normalised name or an IP literal; "localhost" is the
// machine that the cell runs on.
type Allow struct {
	Host     string   `json:"host"`
	Port     int      `json:"port"`
	Protocol Protocol `json:"protocol"`
}

// Limits bound one job. Zero means the server's default.
type Limits struct {
	Timeout Duration `json:"timeout"`
	// Memory is in bytes.
	Memory int64 `json:"memory"`
	// Disk is what /job and /tmp may hold each, in bytes.
	Disk int64 `json:"disk"`
	Pids int   `json:"pids"`
	// CPU is how many processors all of it may keep busy, such as 1.5; 0 is as many as
	// are free. It needs control groups.
	CPU float64 `json:"cpu,omitempty"`
	// Cache is how much a job may keep for the next one of its assignment, in bytes; 0
	// for nothing.
	Cache int64 `json:"cache,omitempty"`
}

// Duration is a time.Duration that is written as text: "10m".
type Duration time.Duration

// MarshalText writes the duration as Go does: 1h30m0s.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what [time.ParseDuration] reads.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return &FieldError{Reason: `a duration is written like "10m" or "1h30m"`}
	}
	*d = Duration(parsed)
	return nil
}

// Injection is how an attached credential reaches its job.
type Injection string

// The ways of injection.
const (
	// InjectEnvironment puts a secret's variables into the environment of the
	// job's command.
	InjectEnvironment Injection = "env"
	// InjectStandIn puts stand-ins there, which the vault swaps for the values on
	// the way to a bound host.
	InjectStandIn Injection = "stand-in"
	// InjectHTTP puts a connection's key onto the requests to its host.
	InjectHTTP Injection = "http"
	// InjectTools lets an agent call a connection's tools and get their results.
	InjectTools Injection = "tools"
	// InjectLogin has the job's browser sign in with a login.
	InjectLogin Injection = "login"
)

// Attachment is one credential on one assignment, narrowed.
type Attachment struct {
	ID         AttachmentID `json:"id"`
	Workspace  WorkspaceID  `json:"workspace"`
	Assignment AssignmentID `json:"assignment"`
	Credential CredentialID `json:"credential"`
	As         Injection    `json:"as"`
	Narrowing
	CreatedBy MemberID  `json:"created_by"`
	CreatedAt time.Time `json:"created_at"`
	// Suspended is why no job is made with it; nil where nothing keeps it.
	Suspended *Suspension `json:"suspended,omitempty"`
}

// Suspension says that somebody else changed what an assignment does since a credential
// was attached to it: whoever may attach it looks at that, and confirms it anew.
type Suspension struct {
	By MemberID  `json:"by"`
	At time.Time `json:"at"`
	// Was is what the assignment did when it was attached, or confirmed last.
	Was Work `json:"was"`
}

// Does says whether two pieces of work do the same, with whatever limits.
func (w Work) Does(same Work) bool {
	w.Limits, same.Limits = Limits{}, Limits{}
	return reflect.DeepEqual(w, same)
}

// Narrowing is what an attachment allows of its credential. Empty fields narrow
// nothing.
type Narrowing struct {
	// Hosts bind a secret to hosts, as [Credential.Hosts] does, and within those.
	Hosts []string `json:"hosts,omitempty"`
	// Methods and Paths are what the credential may be used for: GET, and
	// "/v1/charges", "/v1/customers/*" (one segment) or "/v1/**" (any rest).
	Methods []string `json:"methods,omitempty"`
	Paths   []string `json:"paths,omitempty"`
	// Places are where a stand-in may stand beside Authorization and what is known
	// of its service, as package place reads them: "header:X-Api-Key", "query:key",
	// "body:auth.token", "cookie:session", "path:bot".
	Places []string `json:"places,omitempty"`
	// Brings are places in which the job may bring what looks like a credential and
	// is not ours.
	Brings []string `json:"brings,omitempty"`
	// Bodies let stand-ins be swapped anywhere in bodies. No attachment is made with
	// it any more, and nothing is swapped by it: fields are named, in Places.
	Bodies bool `json:"bodies,omitempty"`
	// Tools are those of a connection that may be called. Unlike the other fields,
	// none is none: to choose is the point.
	Tools []string `json:"tools,omitempty"`
	// Rules hold for calls of the tools; all that are for a tool must be true.
	Rules []ToolRule `json:"rules,omitempty"`
	// Approve are the tools whose every call waits for a person, beside those whose
	// connector says so; "*" is all of them. Unasked are those that go without,
	// although their connector says otherwise.
	Approve []string `json:"approve,omitempty"`
	Unasked []string `json:"unasked,omitempty"`
	// Files are the variables of a secret that its jobs get as files, and not in their
	// environment.
	Files []SecretFile `json:"files,omitempty"`
	// Fill lets the browser itself have the password of a login, for the time of
	// one filling: for sites that compute on it.
	Fill bool `json:"fill,omitempty"`
	// Evaluate lets the agent run scripts in the pages of the job's browser. They
	// read what a page's own scripts can: its cookies and its storage too.
	Evaluate bool `json:"evaluate,omitempty"`
}

// SecretFile is a variable of a secret as a file of the cell: in memory, for the command
// alone to read (mode 0400), there before it starts.
type SecretFile struct {
	Variable string `json:"variable"`
	// Path is absolute, and lies under /home/job, /job or /tmp.
	Path string `json:"path"`
}

// ToolRule is what must be true of a call.
type ToolRule struct {
	// Tool is what it is for; empty for every tool of the attachment.
	Tool string `json:"tool,omitempty"`
	// When is an expression in CEL on args, tool and account:
	// args.channel == "#ops". What is not true, or cannot be decided, is refused.
	When string `json:"when"`
}
