package test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hotcell"
	"hotcell/hotcelltest"
	"hotcell/internal/line/rpc"
	"hotcell/internal/line/socketpair"
	"hotcell/internal/line/vaultclient"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/store/sqlite"
	"hotcell/internal/value/parcel"
	"hotcell/internal/vault"
)

// room is a vault's process without the process: the daemon over its real
// store and key, and the two lines to it.
type room struct {
	t       *testing.T
	dir     string
	log     bytes.Buffer
	daemon  *vault.Daemon
	owners  *vault.Owners
	control *vaultclient.Control
	worker  *vaultclient.Worker
	owner   hotcell.Principal
	stop    func()
}

func openRoom(t *testing.T) *room {
	t.Helper()
	r := &room{t: t, dir: t.TempDir()}
	r.start()
	t.Cleanup(func() { r.stop() })
	return r
}

func (r *room) database() string { return filepath.Join(r.dir, "vault.db") }

func (r *room) start() {
	r.t.Helper()
	log := slog.New(slog.NewTextHandler(&lockedWriter{to: &r.log}, nil))
	store, err := sqlite.OpenVault(r.t.Context(), r.database(), log)
	if err != nil {
		r.t.Fatal(err)
	}
	r.owners = vault.NewOwners(os.Geteuid(), time.Now)
	r.daemon, err = vault.Open(r.t.Context(), vault.Config{Store: store, KeyURL: "file://" + filepath.Join(r.dir, "local.key"), Owner: "ada", Owners: r.owners, Now: time.Now, Log: log})
	if err != nil {
		r.t.Fatal(err)
	}
	people, closePeople := r.line(r.daemon.Control())
	jobs, closeJobs := r.line(r.daemon.Worker())
	r.control, r.worker = vaultclient.NewControl(people), vaultclient.NewWorker(jobs)
	r.stop = func() {
		closePeople()
		closeJobs()
		_ = r.daemon.Close()
		r.stop = func() {}
	}
	r.owner = r.daemon.Owner()
}

type lockedWriter struct {
	mu sync.Mutex
	to *bytes.Buffer
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(b)
}

// seal seals a value as the command line does.
func (r *room) seal(item, name, value string) vaultrpc.SealedVariable {
	r.t.Helper()
	w, err := r.control.Workspace(r.t.Context(), &vaultrpc.WorkspaceRequest{By: vaultrpc.As(r.owner)})
	if err != nil {
		r.t.Fatal(err)
	}
	key, err := parcel.ParsePublic(w.PublicKey)
	if err != nil {
		r.t.Fatal(err)
	}
	message, err := parcel.Seal(key, parcel.Context{Workspace: string(r.owner.Workspace), Tier: "secret", Item: item, Field: name}, []byte(value))
	if err != nil {
		r.t.Fatal(err)
	}
	return vaultrpc.SealedVariable{Name: name, Message: message}
}

func (r *room) secret(name string, pairs ...string) hotcell.Credential {
	r.t.Helper()
	var variables []vaultrpc.SealedVariable
	for i := 0; i < len(pairs); i += 2 {
		variables = append(variables, r.seal(name, pairs[i], pairs[i+1]))
	}
	made, err := r.control.CreateSecret(r.t.Context(), &vaultrpc.CreateSecretRequest{By: vaultrpc.As(r.owner), Name: name, Variables: variables})
	if err != nil {
		r.t.Fatal(err)
	}
	return made.Credential
}

// assigned is an assignment with the credentials attached.
func (r *room) assigned(name string, credentials ...hotcell.Credential) hotcell.AssignmentID {
	r.t.Helper()
	a, err := r.control.CreateAssignment(r.t.Context(), &vaultrpc.CreateAssignmentRequest{By: vaultrpc.As(r.owner), Name: name, Work: hotcell.Work{Command: "true"}})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, c := range credentials {
		if _, err := r.control.Attach(r.t.Context(), &vaultrpc.AttachRequest{By: vaultrpc.As(r.owner), Assignment: a.Assignment.ID, Credential: c.ID}); err != nil {
			r.t.Fatal(err)
		}
	}
	return a.Assignment.ID
}

// started is a live job of an assignment.
func (r *room) started(a hotcell.AssignmentID) hotcell.JobID {
	r.t.Helper()
	id := hotcell.JobID(hotcell.NewID(hotcell.PrefixJob))
	if _, err := r.control.CreateJob(r.t.Context(), &vaultrpc.CreateJobRequest{By: vaultrpc.As(r.owner), Assignment: a, Job: id}); err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.control.StartJob(r.t.Context(), &vaultrpc.StartJobRequest{Job: id}); err != nil {
		r.t.Fatal(err)
	}
	return id
}

// lease opens a job's lease as its cell does.
func (r *room) lease(id hotcell.JobID) (map[string]string, error) {
	r.t.Helper()
	pair, err := parcel.Generate()
	if err != nil {
		r.t.Fatal(err)
	}
	message, _, err := r.worker.Lease(r.t.Context(), id, pair.Public().Bytes())
	if err != nil || message == nil {
		return nil, err
	}
	plain, err := pair.OpenInfo(vaultrpc.LeaseInfo(id), message)
	if err != nil {
		r.t.Fatal(err)
	}
	values := map[string]string{}
	return values, plain.Use(func(b []byte) error {
		var lease []vaultrpc.LeasedSecret
		err := json.Unmarshal(b, &lease)
		for _, s := range lease {
			for _, v := range s.Variables {
				values[v.Name] = string(v.Value)
			}
		}
		return err
	})
}

// edit changes the database behind the vault's back, as a thief of the file
// with a way to put it back would.
func (r *room) edit(statements ...string) {
	r.t.Helper()
	r.stop()
	db, err := sql.Open("sqlite", r.database())
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, s := range statements {
		if _, err := db.ExecContext(r.t.Context(), s); err != nil {
			r.t.Fatalf("%s: %v", s, err)
		}
	}
	if err := db.Close(); err != nil {
		r.t.Fatal(err)
	}
	r.start()
}

func (r *room) refusals(kind string) (n int) {
	r.t.Helper()
	events, err := r.control.Events(r.t.Context(), &vaultrpc.EventsRequest{By: vaultrpc.As(r.owner), Filter: hotcell.EventFilter{Kind: kind, Decision: hotcell.Refused, Limit: 100}})
	if err != nil {
		r.t.Fatal(err)
	}
	return len(events.Events)
}

func TestALeaseIsTheValuesOnceForThatCell(t *testing.T) {
	t.Parallel()
	r := openRoom(t)
	id := r.started(r.assigned("report", r.secret("billing", "A", apiKey, "B", hashed), r.secret("other", "C", password)))
	values, err := r.lease(id)
	if err != nil || values["A"] != apiKey || values["B"] != hashed || values["C"] != password {
		t.Fatalf("%v, %v", values, err)
	}
	if _, err := r.lease(id); !errors.Is(err, hotcell.ErrDenied) {
		t.Errorf("a second lease: %v", err)
	}
	if n := r.refusals("secret.lease"); n != 1 {
		t.Errorf("%d refusals are in the audit log", n)
	}
	later := r.started(r.assigned("later"))
	if err := r.control.EndJob(t.Context(), &vaultrpc.EndJobRequest{Job: later, State: hotcell.JobSucceeded}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.lease(later); !errors.Is(err, hotcell.ErrDenied) {
		t.Errorf("a lease after the end: %v", err)
	}
	if _, err := r.lease("job_unknown"); !errors.Is(err, hotcell.ErrDenied) {
		t.Errorf("a lease of nothing: %v", err)
	}
	if form := hotcelltest.Holds(r.log.Bytes(), apiKey); form != "" {
		t.Error("the vault's log holds a value")
	}
}

func TestOneVariableChangesAndTheOthersStay(t *testing.T) {
	t.Parallel()
	r := openRoom(t)
	c := r.secret("billing", "A", apiKey, "B", hashed, "C", "third-value")
	a := r.assigned("report", c)
	before := r.started(a)
	changed, err := r.control.ChangeSecret(t.Context(), &vaultrpc.ChangeSecretRequest{
		By: vaultrpc.As(r.owner), ID: c.ID, Revision: 1, Set: []vaultrpc.SealedVariable{r.seal(string(c.ID), "A", "fresh-value")}, Rename: map[string]string{"B": "D"}, Unset: []string{"C"},
	})
	if err != nil || changed.Credential.Version != 2 {
		t.Fatalf("%+v, %v", changed, err)
	}
	if values, err := r.lease(r.started(a)); err != nil || len(values) != 2 || values["A"] != "fresh-value" || values["D"] != hashed {
		t.Errorf("a job after the change: %v, %v", values, err)
	}
	if values, err := r.lease(before); err != nil || len(values) != 3 || values["A"] != apiKey || values["B"] != hashed {
		t.Errorf("a job that had started before: %v, %v", values, err)
	}
	stale := &hotcell.StaleError{}
	_, err = r.control.ChangeSecret(t.Context(), &vaultrpc.ChangeSecretRequest{By: vaultrpc.As(r.owner), ID: c.ID, Revision: 1, Unset: []string{"D"}})
	if !errors.As(err, &stale) || stale.Current != 2 {
		t.Errorf("a stale change: %v", err)
	}
}

func TestASealedMessageWorksOnceAndInItsPlace(t *testing.T) {
	t.Parallel()
	r := openRoom(t)
	v := r.seal("billing", "A", apiKey)
	create := func(name string, v vaultrpc.SealedVariable) error {
		_, err := r.control.CreateSecret(t.Context(), &vaultrpc.CreateSecretRequest{By: vaultrpc.As(r.owner), Name: name, Variables: []vaultrpc.SealedVariable{v}})
		return err
	}
	if err := create("stolen", v); !errors.Is(err, hotcell.ErrInvalid) {
		t.Errorf("under another name: %v", err)
	}
	if err := create("billing", vaultrpc.SealedVariable{Name: "B", Message: v.Message}); !errors.Is(err, hotcell.ErrInvalid) {
		t.Errorf("as another variable: %v", err)
	}
	if err := create("billing", v); err != nil {
		t.Fatal(err)
	}
	made, err := r.control.Credentials(t.Context(), &vaultrpc.CredentialsRequest{By: vaultrpc.As(r.owner), Name: "billing"})
	if err != nil || len(made.Credentials) != 1 {
		t.Fatal(err)
	}
	if err := r.control.DeleteCredential(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(r.owner), ID: made.Credentials[0].ID}); err != nil {
		t.Fatal(err)
	}
	if err := create("billing", v); !errors.Is(err, hotcell.ErrConflict) {
		t.Errorf("sent again: %v", err)
	}
}

func TestWhatWasAlteredOnTheDiskIsNotOpened(t *testing.T) {
	t.Parallel()
	for name, statements := range map[string][]string{
		"two values swapped": {
			"CREATE TEMP TABLE t AS SELECT rowid AS r, blob FROM sealed_fields", "UPDATE sealed_fields SET blob = (SELECT blob FROM t WHERE r <> sealed_fields.rowid LIMIT 1)",
		},
		"a byte of a value":    {"UPDATE sealed_fields SET blob = CAST(substr(blob, 1, 20) || x'0000000000' || substr(blob, 26) AS BLOB)"},
		"a byte of a data key": {"UPDATE sealed_keys SET blob = CAST(substr(blob, 1, 20) || x'0000000000' || substr(blob, 26) AS BLOB)"},
		"the data keys gone":   {"DELETE FROM sealed_keys"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := openRoom(t)
			a := r.assigned("report", r.secret("one", "A", apiKey), r.secret("two", "B", password))
			id := r.started(a)
			r.edit(statements...)
			if values, err := r.lease(id); !errors.Is(err, hotcell.ErrTampered) {
				t.Errorf("%v, %v", values, err)
			}
			if r.refusals("secret") == 0 {
				t.Error("the audit log tells nothing of it")
			}
		})
	}
}

func TestAnOlderVersionThatWasPutBackIsNotOpened(t *testing.T) {
	t.Parallel()
	r := openRoom(t)
	c := r.secret("billing", "A", apiKey)
	a := r.assigned("report", c)
	holder := r.started(a) // keeps the old version
	if _, err := r.control.ChangeSecret(t.Context(), &vaultrpc.ChangeSecretRequest{By: vaultrpc.As(r.owner), ID: c.ID, Set: []vaultrpc.SealedVariable{r.seal(string(c.ID), "A", "rotated-value")}}); err != nil {
		t.Fatal(err)
	}
	_ = holder
	r.edit(`UPDATE credentials SET document = replace(document, '"version":2', '"version":1')`)
	id := hotcell.JobID(hotcell.NewID(hotcell.PrefixJob))
	if _, err := r.control.CreateJob(t.Context(), &vaultrpc.CreateJobRequest{By: vaultrpc.As(r.owner), Assignment: a, Job: id}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.control.StartJob(t.Context(), &vaultrpc.StartJobRequest{Job: id}); !errors.Is(err, hotcell.ErrTampered) {
		t.Errorf("a job with the old row started: %v", err)
	}
	if r.refusals("job.start") != 1 {
		t.Error("the audit log tells nothing of it")
	}
}

func TestAnAlteredEventIsNamed(t *testing.T) {
	t.Parallel()
	r := openRoom(t)
	for _, name := range []string{"one", "two", "three"} {
		r.secret(name, "A", apiKey)
	}
	r.edit(`UPDATE events SET document = replace(document, '"two"', '"owt"')`)
	v, err := r.control.VerifyEvents(t.Context(), &vaultrpc.WorkspaceRequest{By: vaultrpc.As(r.owner)})
	if err != nil || v.Broken != 3 || v.Reason == "" {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestAnIndexThatDeniesAVersionIsNamed(t *testing.T) {
	t.Parallel()
	r := openRoom(t)
	c := r.secret("billing", "A", apiKey)
	if _, err := r.control.ChangeSecret(t.Context(), &vaultrpc.ChangeSecretRequest{By: vaultrpc.As(r.owner), ID: c.ID, Set: []vaultrpc.SealedVariable{r.seal(string(c.ID), "A", "rotated-value")}}); err != nil {
		t.Fatal(err)
	}
	r.edit("DELETE FROM versions WHERE version = 2")
	v, err := r.control.VerifyEvents(t.Context(), &vaultrpc.WorkspaceRequest{By: vaultrpc.As(r.owner)})
	if err != nil || v.Broken != 3 || v.Reason == "" {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestPersonalIsNobodyElses(t *testing.T) {
	t.Parallel()
	r := openRoom(t)
	c := r.secret("billing", "A", apiKey)
	a := r.assigned("report", c)
	bob := hotcell.Principal{Workspace: r.owner.Workspace, Member: hotcell.MemberID(hotcell.NewID(hotcell.PrefixMember)), Via: "test"}
	r.stop()
	store, err := sqlite.OpenVault(t.Context(), r.database(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Update(t.Context(), func(w hotcell.VaultWriter) error {
		return w.PutMember(hotcell.Member{ID: bob.Member, Workspace: bob.Workspace, Name: "bob", Role: hotcell.RoleAdministrator, CreatedAt: time.Now()})
	}); err != nil {
		t.Fatal(err)
	}
	_ = store.Close()
	r.start()
	bob.Bearer = r.owners.Admit(bob)
	ctx := t.Context()
	_, see := r.control.Credential(ctx, &vaultrpc.CredentialRequest{By: vaultrpc.As(bob), ID: c.ID})
	_, share := r.control.ShareCredential(ctx, &vaultrpc.ShareCredentialRequest{By: vaultrpc.As(bob), ID: c.ID, Shared: true})
	_, change := r.control.ChangeSecret(ctx, &vaultrpc.ChangeSecretRequest{By: vaultrpc.As(bob), ID: c.ID, Unset: []string{"A"}})
	_, attach := r.control.Attach(ctx, &vaultrpc.AttachRequest{By: vaultrpc.As(bob), Assignment: r.assigned("theirs"), Credential: c.ID})
	for what, err := range map[string]error{"see": see, "share": share, "change": change, "attach": attach, "delete": r.control.DeleteCredential(ctx, &vaultrpc.CredentialRequest{By: vaultrpc.As(bob), ID: c.ID})} {
		if !errors.Is(err, hotcell.ErrNotFound) || strings.Contains(err.Error(), "billing") {
			t.Errorf("%s: %v", what, err)
		}
	}
	id := hotcell.JobID(hotcell.NewID(hotcell.PrefixJob))
	if _, err := r.control.CreateJob(ctx, &vaultrpc.CreateJobRequest{By: vaultrpc.As(bob), Assignment: a, Job: id}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.control.StartJob(ctx, &vaultrpc.StartJobRequest{Job: id}); !errors.Is(err, hotcell.ErrDenied) || !strings.Contains(err.Error(), "bob") || strings.Contains(err.Error(), "billing") {
		t.Errorf("a job of bob's with ada's secret: %v", err)
	}
	// Shared, bob's job may use it; taken back, his job ends.
	if _, err := r.control.ShareCredential(ctx, &vaultrpc.ShareCredentialRequest{By: vaultrpc.As(r.owner), ID: c.ID, Shared: true}); err != nil {
		t.Fatal(err)
	}
	id = hotcell.JobID(hotcell.NewID(hotcell.PrefixJob))
	if _, err := r.control.CreateJob(ctx, &vaultrpc.CreateJobRequest{By: vaultrpc.As(bob), Assignment: a, Job: id}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.control.StartJob(ctx, &vaultrpc.StartJobRequest{Job: id}); err != nil {
		t.Fatal(err)
	}
	died := make(chan string, 10)
	watching, done := context.WithCancel(ctx)
	defer done()
	go func() {
		_ = r.worker.Watch(watching, []hotcell.JobID{id}, func(a vaultrpc.WatchAnswer) {
			job, reason := a.Job, a.Reason
			if job == id {
				died <- reason
			} else if job == "" {
				select {
				case died <- "":
				default:
				}
			}
		})
	}()
	<-died // the watch stands
	if _, err := r.control.ShareCredential(ctx, &vaultrpc.ShareCredentialRequest{By: vaultrpc.As(r.owner), ID: c.ID, Shared: false}); err != nil {
		t.Fatal(err)
	}
	for reason := range died {
		if reason != "" {
			if !strings.Contains(reason, "shared") {
				t.Errorf("it died of %q", reason)
			}
			break
		}
	}
	if _, err := r.lease(id); !errors.Is(err, hotcell.ErrDenied) {
		t.Errorf("a lease after it was taken back: %v", err)
	}
	stranger := hotcell.Principal{Workspace: r.owner.Workspace, Member: "mem_stranger"}
	stranger.Bearer = r.owners.Admit(stranger)
	if _, err := r.control.Credentials(ctx, &vaultrpc.CredentialsRequest{By: vaultrpc.As(stranger)}); !errors.Is(err, hotcell.ErrDenied) {
		t.Errorf("a stranger: %v", err)
	}
	elsewhere := hotcell.Principal{Workspace: "wsp_elsewhere", Member: r.owner.Member}
	elsewhere.Bearer = r.owners.Admit(elsewhere)
	if _, err := r.control.Credential(ctx, &vaultrpc.CredentialRequest{By: vaultrpc.As(elsewhere), ID: c.ID}); err == nil {
		t.Error("somebody of another workspace sees it")
	}
}

// line serves a handler on a line and returns a client of it.
func (r *room) line(handler http.Handler) (*rpc.Client, func()) {
	r.t.Helper()
	dial, listen, err := socketpair.Pair()
	if err != nil {
		r.t.Fatal(err)
	}
	dialer, err := socketpair.NewDialer(dial)
	if err != nil {
		r.t.Fatal(err)
	}
	listener, err := socketpair.NewListener(listen)
	if err != nil {
		r.t.Fatal(err)
	}
	_ = dial.Close()
	_ = listen.Close()
	server := rpc.Server(handler)
	go func() { _ = server.Serve(listener) }()
	return rpc.NewClient(dialer.DialContext), func() { _ = server.Close(); _ = dialer.Close() }
}
