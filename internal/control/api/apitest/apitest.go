// Package apitest is a workspace in memory behind the real API, so that the
// API, its client and the commands are tested without processes, databases and
// cells.
//
// It guards nothing: it opens every value that it is sent, and keeps it for the
// test to look at. It shows nothing about the vault's rules either, which have
// tests of their own. One way to use it:
//
//	w := apitest.New(t)
//	c := client.New(client.Options{Socket: w.Serve(t)})
package apitest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/control/api"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/parcel"
)

// World is one workspace, its owner, and all that was made there.
type World struct {
	Key parcel.PrivateKey
	// Logged is what the API logged.
	Logged *Buffer
	// Who is asked for each request; nil is the owner.
	Who func(*http.Request) (hotcell.Principal, error)

	mu           sync.Mutex
	changed      chan struct{}
	fail         error
	now          time.Time
	workspace    hotcell.Workspace
	member       hotcell.Member
	secrets      []hotcell.Credential
	values       map[hotcell.CredentialID]map[string]string
	assignments  []hotcell.Assignment
	requests     []hotcell.Request
	attachments  []hotcell.Attachment
	jobs         []hotcell.Job
	logs         map[hotcell.JobID][]hotcell.LogChunk
	outputs      map[hotcell.JobID][]byte
	files        map[string][]byte
	events       []hotcell.Event
	broken       int64
	over         bool
	answers      map[string]answer
	accounts     accounts
	running      sync.WaitGroup
	problemsSeen []string
	rotation     *hotcell.Rotation
	destroyed    bool
	attested     parcel.Attestation
}

// New makes a world. Its clock moves on by a second each time that it is read.
func New(t testing.TB) *World {
	t.Helper()
	key, err := parcel.Generate()
	if err != nil {
		t.Fatal(err)
	}
	w := &World{
		Key: key, Logged: &Buffer{}, changed: make(chan struct{}), now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC),
		values: map[hotcell.CredentialID]map[string]string{}, logs: map[hotcell.JobID][]hotcell.LogChunk{},
		outputs: map[hotcell.JobID][]byte{}, files: map[string][]byte{}, answers: map[string]answer{},
		accounts: accounts{links: map[hotcell.LinkID]hotcell.Link{}, clients: map[string]vaultrpc.OAuthClient{}, secrets: map[string]string{}},
	}
	w.workspace = hotcell.Workspace{ID: hotcell.WorkspaceID(hotcell.NewID(hotcell.PrefixWorkspace)), Name: "acme", CreatedAt: w.now}
	w.member = hotcell.Member{ID: hotcell.MemberID(hotcell.NewID(hotcell.PrefixMember)), Workspace: w.workspace.ID, Name: "ada", Role: hotcell.RoleOwner, CreatedAt: w.now}
	t.Cleanup(w.running.Wait)
	t.Cleanup(w.end)
	return w
}

// Config is the API on this world.
func (w *World) Config() api.Config {
	return api.Config{
		Vault: (*vault)(w), People: roll{world: w}, Jobs: (*jobs)(w), Files: (*files)(w), Idempotency: (*repeats)(w), RepeatKey: []byte("0123456789abcdef0123456789abcdef"),
		Principal: w.principal, Ready: func(context.Context) []string { return w.Problems() }, Log: slog.New(slog.NewJSONHandler(w.Logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now: time.Now, Version: "test", Base: func() string { return Base },
	}
}

// Base is where browsers reach the world's public listener.
const Base = "http://127.0.0.1:7878"

// Serve serves the API on a unix socket named hotcell.sock until the test ends,
// and returns its path.
func (w *World) Serve(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hotcell-api-") //nolint:usetesting // a socket's path has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "hotcell.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: api.New(w.Config()), ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.NewJSONHandler(w.Logged, nil), slog.LevelWarn)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serving: %v", err)
		}
	}()
	t.Cleanup(func() { _ = server.Close(); <-ended })
	return socket
}

func (w *World) principal(r *http.Request) (hotcell.Principal, error) {
	if w.Who != nil {
		return w.Who(r)
	}
	return hotcell.Principal{Workspace: w.workspace.ID, Member: w.member.ID, Via: "local"}, nil
}

// Fail makes every call of the vault's answer with err from now on; nil ends it.
func (w *World) Fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail = err
}

// Break makes the audit log's chain broken at an event.
func (w *World) Break(sequence int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = sequence
}

// Unready makes the server say that it cannot work.
func (w *World) Unready(problems ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.problemsSeen = problems
}

// Problems is what keeps the server from its work.
func (w *World) Problems() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.problemsSeen
}

// Value is a variable's value as the vault has it, or "".
func (w *World) Value(secret, variable string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.secrets {
		if s.Name == secret || string(s.ID) == secret {
			return w.values[s.ID][variable]
		}
	}
	return ""
}

// Secrets is how many there are.
func (w *World) Secrets() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.secrets)
}

// tick reads the clock. The lock is held.
func (w *World) tick() time.Time {
	w.now = w.now.Add(time.Second)
	return w.now
}

// wake tells those who wait that something happened. The lock is held.
func (w *World) wake() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// record appends to the audit log. The lock is held.
func (w *World) record(kind, name string, job hotcell.JobID) {
	w.events = append(w.events, hotcell.Event{
		Sequence: int64(len(w.events) + 1), Workspace: w.workspace.ID, At: w.tick(), Kind: kind, Decision: hotcell.Allowed, Member: w.member.ID, Name: name, Job: job,
	})
}

// Buffer is a log that may be written and read at once.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

var _ io.Writer = (*Buffer)(nil)
