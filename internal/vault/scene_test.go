package vault_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/rpc"
	"hotcell/internal/line/socketpair"
	"hotcell/internal/line/vaultclient"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/store/sqlite"
	"hotcell/internal/value/parcel"
	"hotcell/internal/vault"
)

// scene is a vault's process in one: a real store, a real key, and both lines
// with clients on them. When its test ends, all that the vault said, logged and
// stored is searched for the values that the test planted.
type scene struct {
	t       *testing.T
	dir     string
	store   hotcell.VaultStore
	control *vaultclient.Control
	worker  *vaultclient.Worker
	// me is the owner, b a builder and m a member.
	me, b, m hotcell.Principal
	key      parcel.PublicKey
	said     said
	ticks    atomic.Int64

	mu      sync.Mutex
	planted []string
	daemon  *vault.Daemon
	owners  *vault.Owners
	servers []*http.Server
	// configure has the last word on what the vault is started with.
	configure func(*vault.Config)
}

// said keeps everything that the vault wrote to its lines and its log.
type said struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *said) all() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.buf.Bytes())
}

// heard is a connection on which the vault's half is written down.
type heard struct {
	net.Conn
	to *said
}

func (h heard) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	_, _ = h.to.Write(p[:n])
	return n, err
}

// setup starts a vault; wrap, if given, comes between it and its store.
func setup(t *testing.T, wrap ...func(hotcell.VaultStore) hotcell.VaultStore) *scene {
	t.Helper()
	return setupWith(t, nil, wrap...)
}

// setupWith starts a vault as configure says.
func setupWith(t *testing.T, configure func(*vault.Config), wrap ...func(hotcell.VaultStore) hotcell.VaultStore) *scene {
	t.Helper()
	s := &scene{t: t, dir: t.TempDir(), configure: configure, owners: vault.NewOwners(os.Geteuid(), time.Now)}
	t.Cleanup(s.search)
	t.Cleanup(s.stop)
	s.start(wrap...)
	ctx := t.Context()
	p := s.daemon.Owner()
	s.me = p
	ws, err := s.control.Workspace(ctx, &vaultrpc.WorkspaceRequest{By: vaultrpc.As(p)})
	must(t, err)
	s.key, err = parcel.ParsePublic(ws.PublicKey)
	must(t, err)
	s.b, s.m = s.member("mem_b", "Berta", hotcell.RoleBuilder), s.member("mem_m", "Mona", hotcell.RoleMember)
	return s
}

func (s *scene) now() time.Time {
	return time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(s.ticks.Add(1)) * time.Millisecond)
}

// catalog is the one that comes with Hotcell, read once for all tests.
var catalog = sync.OnceValues(func() (*connector.Catalog, error) { return connector.Load(connector.Options{}) })

// with is that one, with documents besides.
func with(own ...connector.Document) (*connector.Catalog, error) {
	all, err := catalog()
	if err != nil {
		return nil, err
	}
	return all.Plus(own...)
}

func (s *scene) start(wrap ...func(hotcell.VaultStore) hotcell.VaultStore) {
	s.t.Helper()
	log := slog.New(slog.NewTextHandler(&s.said, &slog.HandlerOptions{Level: slog.LevelDebug}))
	store, err := sqlite.OpenVault(s.t.Context(), filepath.Join(s.dir, "vault.db"), log)
	must(s.t, err)
	s.store = store
	for _, w := range wrap {
		s.store = w(s.store)
	}
	catalog, err := catalog()
	must(s.t, err)
	config := vault.Config{Catalog: catalog, Store: s.store, KeyURL: "file://" + filepath.Join(s.dir, "local.key"), Owner: "Olga", Owners: s.owners, Now: s.now, Log: log}
	if s.configure != nil {
		s.configure(&config)
	}
	s.daemon, err = vault.Open(s.t.Context(), config)
	must(s.t, err)
	s.control = vaultclient.NewControl(s.line(s.daemon.Control()))
	s.worker = vaultclient.NewWorker(s.line(s.daemon.Worker()))
}

// line serves a handler over a line and returns a client at its other end.
func (s *scene) line(handler http.Handler) *rpc.Client {
	s.t.Helper()
	dial, listen, err := socketpair.Pair()
	must(s.t, err)
	d, err := socketpair.NewDialer(dial)
	must(s.t, err)
	l, err := socketpair.NewListener(listen)
	must(s.t, err)
	server := rpc.Server(handler)
	go func() { _ = server.Serve(l) }()
	s.servers = append(s.servers, server)
	s.t.Cleanup(func() { _ = d.Close() })
	return rpc.NewClient(func(ctx context.Context) (net.Conn, error) {
		conn, err := d.DialContext(ctx)
		return heard{conn, &s.said}, err
	})
}

func (s *scene) stop() {
	for _, server := range s.servers {
		_ = server.Close()
	}
	s.servers = nil
	if s.daemon != nil {
		if err := s.daemon.Close(); err != nil {
			s.t.Errorf("closing: %v", err)
		}
		s.daemon = nil
	}
}

// search is the canary net.
func (s *scene) search() {
	places := map[string][]byte{"what the vault said": s.said.all()}
	err := filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			places[filepath.Base(path)], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		s.t.Error(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for place, found := range places {
		for _, value := range s.planted {
			for _, form := range forms(value) {
				if bytes.Contains(found, []byte(form)) {
					s.t.Errorf("%s holds a planted value as %.16s…", place, form)
				}
			}
		}
	}
}

// forms are the ways in which a value would show: of base64, what all three
// offsets have in common.
func forms(value string) []string {
	out := []string{value, hex.EncodeToString([]byte(value)), strings.ToUpper(hex.EncodeToString([]byte(value)))}
	for offset := range 3 {
		shifted := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", offset) + value))
		out = append(out, shifted[4:len(shifted)-4])
	}
	return out
}

// plant makes a value that must be seen nowhere.
func (s *scene) plant(name string) string {
	value := "canary-" + name + "-" + hotcell.NewID("val")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.planted = append(s.planted, value)
	return value
}

// member makes a member of the workspace, in the store: there is no call for it yet.
func (s *scene) member(id hotcell.MemberID, name string, role hotcell.Role) hotcell.Principal {
	s.t.Helper()
	p := s.judged(hotcell.Principal{Workspace: s.me.Workspace, Member: id, Via: "test"})
	must(s.t, s.store.Update(s.t.Context(), func(w hotcell.VaultWriter) error {
		return w.PutMember(hotcell.Member{ID: id, Workspace: p.Workspace, Name: name, Role: role, CreatedAt: s.now()})
	}))
	return p
}

// judged gives somebody a bearer, as if the vault had judged who they are.
func (s *scene) judged(p hotcell.Principal) hotcell.Principal {
	p.Bearer = s.owners.Admit(p)
	return p
}

// sealed seals values for an item: NAME, value, NAME, value.
func (s *scene) sealed(item string, pairs ...string) []vaultrpc.SealedVariable {
	s.t.Helper()
	var out []vaultrpc.SealedVariable
	for i := 0; i < len(pairs); i += 2 {
		in := parcel.Context{Workspace: string(s.me.Workspace), Tier: "secret", Item: item, Field: pairs[i]}
		message, err := parcel.Seal(s.key, in, []byte(pairs[i+1]))
		must(s.t, err)
		out = append(out, vaultrpc.SealedVariable{Name: pairs[i], Message: message})
	}
	return out
}

// secret makes a secret of p.
func (s *scene) secret(p hotcell.Principal, name string, pairs ...string) hotcell.Credential {
	s.t.Helper()
	answer, err := s.control.CreateSecret(s.t.Context(), &vaultrpc.CreateSecretRequest{By: vaultrpc.As(p), Name: name, Variables: s.sealed(name, pairs...)})
	must(s.t, err)
	return answer.Credential
}

// set changes single variables of a secret.
func (s *scene) set(p hotcell.Principal, id hotcell.CredentialID, revision int, pairs ...string) (hotcell.Credential, error) {
	s.t.Helper()
	return s.change(&vaultrpc.ChangeSecretRequest{By: vaultrpc.As(p), ID: id, Revision: revision, Set: s.sealed(string(id), pairs...)})
}

func (s *scene) change(r *vaultrpc.ChangeSecretRequest) (hotcell.Credential, error) {
	answer, err := s.control.ChangeSecret(s.t.Context(), r)
	if err != nil {
		return hotcell.Credential{}, err
	}
	return answer.Credential, nil
}

func (s *scene) share(p hotcell.Principal, id hotcell.CredentialID, shared bool) {
	s.t.Helper()
	_, err := s.control.ShareCredential(s.t.Context(), &vaultrpc.ShareCredentialRequest{By: vaultrpc.As(p), ID: id, Shared: shared})
	must(s.t, err)
}

// assignment makes an assignment of p with credentials attached.
func (s *scene) assignment(p hotcell.Principal, name string, credentials ...hotcell.CredentialID) hotcell.AssignmentID {
	s.t.Helper()
	answer, err := s.control.CreateAssignment(s.t.Context(), &vaultrpc.CreateAssignmentRequest{By: vaultrpc.As(p), Name: name, Work: hotcell.Work{Command: "true"}})
	must(s.t, err)
	for _, id := range credentials {
		_, err := s.attach(p, answer.Assignment.ID, id)
		must(s.t, err)
	}
	return answer.Assignment.ID
}

func (s *scene) attach(p hotcell.Principal, on hotcell.AssignmentID, id hotcell.CredentialID) (hotcell.AttachmentID, error) {
	answer, err := s.control.Attach(s.t.Context(), &vaultrpc.AttachRequest{By: vaultrpc.As(p), Assignment: on, Credential: id})
	if err != nil {
		return "", err
	}
	return answer.Attachment.ID, nil
}

// job makes a job, pending; run starts it as well.
func (s *scene) job(p hotcell.Principal, on hotcell.AssignmentID) hotcell.JobID {
	s.t.Helper()
	id := hotcell.JobID(hotcell.NewID(hotcell.PrefixJob))
	_, err := s.control.CreateJob(s.t.Context(), &vaultrpc.CreateJobRequest{By: vaultrpc.As(p), Assignment: on, Job: id})
	must(s.t, err)
	return id
}

func (s *scene) begin(job hotcell.JobID) error {
	_, err := s.control.StartJob(s.t.Context(), &vaultrpc.StartJobRequest{Job: job})
	return err
}

func (s *scene) run(p hotcell.Principal, on hotcell.AssignmentID) hotcell.JobID {
	s.t.Helper()
	id := s.job(p, on)
	must(s.t, s.begin(id))
	return id
}

func (s *scene) end(job hotcell.JobID) {
	s.t.Helper()
	must(s.t, s.control.EndJob(s.t.Context(), &vaultrpc.EndJobRequest{Job: job, State: hotcell.JobSucceeded}))
}

// lease takes a job's lease as its cell would: variables to values.
func (s *scene) lease(job hotcell.JobID) (map[string]string, error) {
	s.t.Helper()
	cell, err := parcel.Generate()
	must(s.t, err)
	message, _, err := s.worker.Lease(s.t.Context(), job, cell.Public().Bytes())
	if err != nil || message == nil {
		return nil, err
	}
	plain, err := cell.OpenInfo(vaultrpc.LeaseInfo(job), message)
	must(s.t, err)
	out := map[string]string{}
	must(s.t, plain.Use(func(b []byte) error {
		var secrets []vaultrpc.LeasedSecret
		err := json.Unmarshal(b, &secrets)
		for _, secret := range secrets {
			for _, v := range secret.Variables {
				out[v.Name] = string(v.Value)
			}
		}
		return err
	}))
	return out, nil
}

// leased runs the assignment as p to its lease.
func (s *scene) leased(p hotcell.Principal, on hotcell.AssignmentID) map[string]string {
	s.t.Helper()
	out, err := s.lease(s.run(p, on))
	must(s.t, err)
	return out
}

// events lists the log, oldest first, as the owner sees it.
func (s *scene) events(filter hotcell.EventFilter) []hotcell.Event {
	s.t.Helper()
	filter.Ascending, filter.Limit = true, 1000
	answer, err := s.control.Events(s.t.Context(), &vaultrpc.EventsRequest{By: vaultrpc.As(s.me), Filter: filter})
	must(s.t, err)
	return answer.Events
}

// refusals are the log's refused events as kind: reason.
func (s *scene) refusals() []string {
	s.t.Helper()
	var out []string
	for _, e := range s.events(hotcell.EventFilter{Decision: hotcell.Refused}) {
		out = append(out, e.Kind+": "+e.Reason)
	}
	return out
}

// sql changes the database behind the vault's back.
func (s *scene) sql(query string, args ...any) {
	s.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.dir, "vault.db")+"?_pragma=busy_timeout(5000)")
	must(s.t, err)
	result, err := db.ExecContext(s.t.Context(), query, args...)
	must(s.t, errors.Join(err, db.Close()))
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		s.t.Fatalf("%s changed nothing: %v", query, err)
	}
}

// row reads one row of the database behind the vault's back.
func (s *scene) row(to []any, query string, args ...any) {
	s.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.dir, "vault.db")+"?_pragma=busy_timeout(5000)")
	must(s.t, err)
	must(s.t, errors.Join(db.QueryRowContext(s.t.Context(), query, args...).Scan(to...), db.Close()))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused holds an error against the sentinel and a part of the sentence.
func refused(t *testing.T, what string, err, sentinel error, sentence string) {
	t.Helper()
	if !errors.Is(err, sentinel) || !strings.Contains(fmt.Sprint(err), sentence) {
		t.Errorf("%s: got %v, want %v with %q", what, err, sentinel, sentence)
	}
}
