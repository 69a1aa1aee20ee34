package hotcell

import (
	"context"
	"io"
	"time"
)

// VaultStore is what the vault keeps: people, credentials and their sealed
// values, assignments, attachments, grants, and the audit log. One process
// opens it, the vault.
//
// All methods scope by workspace: what is of another workspace is [ErrNotFound],
// also when something is put under its id. A page that is to begin after what is
// gone is [ErrInvalid].
// What a method returns is the caller's own copy.
type VaultStore interface {
	// View runs fn on one consistent snapshot.
	View(ctx context.Context, fn func(VaultReader) error) error
	// Update runs fn and makes all it wrote durable before it returns nil.
	// When fn fails, nothing of it is kept and its error is returned. Many
	// updates share one sync of the disk, so fn may run more than once: it must
	// do nothing but read and write through its argument. fn must be quick: it
	// holds the only writer, and calling the store from within it waits forever.
	// Once a call of its argument was [ErrUnavailable], the update fails with
	// that, whatever fn makes of it.
	Update(ctx context.Context, fn func(VaultWriter) error) error
	// Record appends events, durable before it returns nil: an Update that does
	// only that, at the price of an append. [ErrInvalid] for an event whose text
	// is not UTF-8: it would not verify. When ctx ends first, they may be there
	// or not.
	Record(ctx context.Context, events ...Event) error
	// Shared says whether other processes may change the store as well: what was
	// read of it may be old by the next look.
	Shared() bool
	// Copy writes the store as it stood at one moment, in its own form, for a backup;
	// begin is told how many bytes will come, when that moment is past. Reads and writes
	// go on meanwhile.
	Copy(ctx context.Context, begin func(size int64) (io.Writer, error)) error
	// Close waits for what is under way and closes the store.
	Close() error
}

// VaultReader reads one snapshot of the vault's store.
type VaultReader interface {
	Workspaces() ([]Workspace, error)
	Workspace(WorkspaceID) (Workspace, error)
	Members(WorkspaceID) ([]Member, error)
	Member(WorkspaceID, MemberID) (Member, error)
	// Memberships lists a person's memberships that were not ended, by id.
	Memberships(PersonID) ([]Member, error)

	Person(PersonID) (Person, error)
	// PersonCalled finds a person by the name that they sign in by.
	PersonCalled(name string) (Person, error)
	// SessionOf and TokenOf find what a bearer stands for, by [Bearer.Sum].
	SessionOf(sum [32]byte) (Session, error)
	TokenOf(sum [32]byte) (Token, error)
	InvitationOf(sum [32]byte) (Invitation, error)
	// Sessions lists a person's, newest first.
	Sessions(PersonID) ([]Session, error)
	// Tokens lists a workspace's, newest first; of one member where that is not empty.
	Tokens(WorkspaceID, MemberID) ([]Token, error)
	// Invitations lists a workspace's, newest first.
	Invitations(WorkspaceID) ([]Invitation, error)
	// Blob returns one of the vault's own sealed things, by its label: a
	// keyset, a key pair.
	Blob(ws WorkspaceID, label string) ([]byte, error)
	// Labels lists the labels of the vault's own things.
	Labels(WorkspaceID) ([]string, error)

	Credential(WorkspaceID, CredentialID) (Credential, error)
	// Credentials lists those that the filter lets through, by name, then id.
	Credentials(WorkspaceID, CredentialFilter, Page) ([]Credential, error)
	SealedKey(ws WorkspaceID, id CredentialID, version int) (SealedKey, error)
	// SealedKeys lists the data keys of all credentials' versions behind one of them,
	// by credential and version: what a rotation goes through.
	SealedKeys(ws WorkspaceID, after SealedKey, limit int) ([]SealedKey, error)
	// SealedKeyPrefixes counts the data keys by their first [SealedKeyPrefix] bytes,
	// which say by which key each is wrapped.
	SealedKeyPrefixes(WorkspaceID) (map[string]int, error)
	// SealedFields lists a version's sealed values by name.
	SealedFields(ws WorkspaceID, id CredentialID, version int) ([]SealedField, error)
	// Versions lists the versions whose data key is kept, ascending.
	Versions(WorkspaceID, CredentialID) ([]int, error)
	// Deleted lists the credentials that can be taken back, newest first.
	Deleted(WorkspaceID) ([]Deleted, error)
	DeletedCredential(WorkspaceID, CredentialID) (Deleted, error)
	// NewestVersion is the highest version that the audit log tells of; 0 when
	// it tells of none. It is what a replayed older row is held against.
	NewestVersion(WorkspaceID, CredentialID) (int, error)

	Assignment(WorkspaceID, AssignmentID) (Assignment, error)
	// Assignments lists by name. An empty name lists all.
	Assignments(ws WorkspaceID, name string, page Page) ([]Assignment, error)
	Attachment(WorkspaceID, AttachmentID) (Attachment, error)
	// Attachments lists by age; an empty id means any.
	Attachments(WorkspaceID, AssignmentID, CredentialID) ([]Attachment, error)

	Grant(WorkspaceID, JobID) (Grant, error)
	// GrantOf finds a job's grant where the workspace is not known: a worker asks.
	GrantOf(JobID) (Grant, error)
	// Grants lists the grants that are not dead and, when credential is given,
	// use it. An empty workspace means all.
	Grants(WorkspaceID, CredentialID) ([]Grant, error)

	Request(WorkspaceID, RequestID) (Request, error)
	// Requests lists newest first.
	Requests(WorkspaceID, RequestFilter, Page) ([]Request, error)

	// Refresh is a connection's journal; the zero one where there is none.
	Refresh(WorkspaceID, CredentialID) (Refresh, error)
	// Client is the workspace's own OAuth client of a connector.
	Client(ws WorkspaceID, connector string) (Client, error)
	Clients(WorkspaceID) ([]Client, error)
	Link(WorkspaceID, LinkID) (Link, error)

	// Events lists a workspace's log, newest first, or from the filter's After
	// on upwards when it asks for that.
	Events(WorkspaceID, EventFilter) ([]Event, error)
}

// VaultWriter reads and writes within one update.
type VaultWriter interface {
	VaultReader
	PutWorkspace(Workspace) error
	PutMember(Member) error
	// PutPerson inserts or replaces; [ErrConflict] when another has the name.
	PutPerson(Person) error
	// PutSession, PutToken and PutInvitation insert or replace: the sum is that of the
	// bearer that stands for it.
	PutSession(sum [32]byte, s Session) error
	PutToken(sum [32]byte, t Token) error
	PutInvitation(sum [32]byte, i Invitation) error
	// DeleteSession, DeleteToken and DeleteInvitation are [ErrNotFound] where there is none.
	DeleteSession(PersonID, SessionID) error
	DeleteToken(WorkspaceID, TokenID) error
	DeleteInvitation(WorkspaceID, InvitationID) error
	// DropSessions deletes sessions and invitations that were over before a time.
	DropSessions(before time.Time) error
	PutBlob(ws WorkspaceID, label string, blob []byte) error
	// DeleteBlob deletes a blob; to delete none is no error.
	DeleteBlob(ws WorkspaceID, label string) error

	// PutCredential inserts or replaces; [ErrConflict] when another has the name
	// in its group.
	PutCredential(Credential) error
	// DeleteCredential deletes the row, or that of [VaultWriter.Bury], and every version's
	// key and values.
	DeleteCredential(WorkspaceID, CredentialID) error
	// Bury moves a credential to those that can be taken back; its versions stay. It is
	// [ErrNotFound] by every other name from then on.
	Bury(Deleted) error
	// PutDeleted changes what is kept with one.
	PutDeleted(Deleted) error
	// Unbury moves it back; [ErrConflict] when another has the name by now.
	Unbury(Credential) error
	PutSealed(ws WorkspaceID, key SealedKey, fields []SealedField) error
	// SwapSealedKeys puts data keys that were wrapped anew in the place of what they
	// were, which must be given in the same order, and returns how many it was: one that
	// is something else by now, or gone, stays as it is.
	SwapSealedKeys(ws WorkspaceID, were, are []SealedKey) (int, error)
	// DeleteVersion deletes one version's data key and values.
	DeleteVersion(ws WorkspaceID, id CredentialID, version int) error
	// See remembers the hash of a sealed message; [ErrConflict] when it was seen.
	See(ws WorkspaceID, message [32]byte, at time.Time) error

	// PutAssignment inserts or replaces; [ErrConflict] when another has the name.
	PutAssignment(Assignment) error
	// DeleteAssignment deletes it and its attachments.
	DeleteAssignment(WorkspaceID, AssignmentID) error
	// PutAttachment inserts or replaces; [ErrConflict] when that credential is
	// attached to that assignment already, [ErrNotFound] when one of them is not
	// of its workspace.
	PutAttachment(Attachment) error
	DeleteAttachment(WorkspaceID, AttachmentID) error
	PutGrant(Grant) error
	// PutRequest inserts or replaces.
	PutRequest(Request) error
	// PutRefresh inserts or replaces; [ErrNotFound] when there is no such connection.
	PutRefresh(Refresh) error
	// PutClient inserts or replaces.
	PutClient(Client) error
	DeleteClient(ws WorkspaceID, connector string) error
	// PutLink inserts or replaces.
	PutLink(Link) error
	// DropLinks deletes those that were over before a time.
	DropLinks(ws WorkspaceID, before time.Time) error

	// Record appends an event to its workspace's chain; the store gives it its
	// sequence and hash.
	Record(Event) error
	// DropEvents removes a workspace's oldest events up to a sequence, at most limit
	// of them, and returns how many: what retention does once the log says so.
	DropEvents(ws WorkspaceID, through int64, limit int) (int, error)
}

// SealedKeyPrefix is how many bytes of a wrapped data key say by which key it is.
const SealedKeyPrefix = 5

// CredentialFilter narrows a list of credentials. Empty fields narrow nothing.
type CredentialFilter struct {
	Tier Tier
	Name string
	// VisibleTo keeps what is shared and what this member owns.
	VisibleTo MemberID
}

// EventFilter narrows a list of events. Empty fields narrow nothing.
type EventFilter struct {
	Kind       string // a whole kind, or a noun: "secret" finds "secret.create"
	Decision   Decision
	Member     MemberID
	Job        JobID
	Credential CredentialID
	Assignment AssignmentID
	// Before lists events with lower sequences, newest first; 0 begins at the end.
	Before int64
	// After lists events with higher sequences, oldest first, when Ascending.
	After     int64
	Ascending bool
	// Limit is how many at the most; 0 means [DefaultPage]. It may exceed [MaxPage].
	Limit int
}

// ControlStore is what the control plane keeps: jobs, their logs, and the
// queue. One process opens it. No value is ever in it.
type ControlStore interface {
	// CreateJob stores a queued job and its queue entry in one transaction;
	// [ErrConflict] when there is one of that id.
	CreateJob(context.Context, Job) error
	Job(context.Context, WorkspaceID, JobID) (Job, error)
	// Jobs lists newest first.
	Jobs(context.Context, WorkspaceID, JobFilter, Page) ([]Job, error)
	// ChangeJob applies change to a job that is in one of the states, as one
	// compare-and-set; [ErrConflict] when it is in another. It returns the job
	// as it is then. A change of the state counts as a beat.
	ChangeJob(ctx context.Context, id JobID, from []JobState, change func(*Job)) (Job, error)
	// Beat notes that the jobs still run.
	Beat(ctx context.Context, at time.Time, ids ...JobID) error
	// Silent lists jobs that are starting, running or waiting and have not
	// beaten since.
	Silent(ctx context.Context, since time.Time) ([]Job, error)

	// AppendLog stores chunks; the store gives them their sequence, in order.
	// [ErrNotFound] when there is no such job.
	AppendLog(ctx context.Context, id JobID, chunks ...LogChunk) error
	// Log lists a job's chunks with a higher sequence, oldest first; limit is
	// how many at the most, 0 means [DefaultPage].
	Log(ctx context.Context, id JobID, after int64, limit int) ([]LogChunk, error)

	// DropLog removes the first chunks of a job's log, at most limit of them, and
	// returns how many.
	DropLog(ctx context.Context, id JobID, limit int) (int, error)

	// Probe writes something small, durably: it fails where nothing can be written.
	Probe(ctx context.Context, at time.Time) error

	// Remember stores what was answered under an idempotency key, or returns
	// what was stored before for it; [ErrConflict] when the key was used for
	// another request.
	Remember(ctx context.Context, key string, request [32]byte, answer []byte, at time.Time) (stored []byte, err error)
	// Recall returns what was stored under the key; [ErrNotFound] if nothing,
	// [ErrConflict] when the key was used for another request.
	Recall(ctx context.Context, key string, request [32]byte) ([]byte, error)
	// Copy writes the store, and its queue, as [VaultStore.Copy] does.
	Copy(ctx context.Context, begin func(size int64) (io.Writer, error)) error
	Close() error
}

// JobFilter narrows a list of jobs. Empty fields narrow nothing.
type JobFilter struct {
	Assignment AssignmentID
	State      JobState
	// Owner keeps the jobs of one member.
	Owner MemberID
}

// Queue hands out the jobs that [ControlStore.CreateJob] queued, each once.
type Queue interface {
	// Work calls run for each queued job, at most limit at once, until ctx ends;
	// then it waits for the runs to return. A job whose run was cut off by the
	// process's death is handed out again: run decides by compare-and-set on
	// the job's state whether there is anything to do.
	Work(ctx context.Context, limit int, run func(context.Context, JobID)) error
}
