package vault_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/store/sqlite"
	"hotcell/internal/vault"
)

// open tries to open a vault over the scene's files.
func (s *scene) open() error {
	log := slog.New(slog.NewTextHandler(&s.said, nil))
	store, err := sqlite.OpenVault(s.t.Context(), filepath.Join(s.dir, "vault.db"), log)
	must(s.t, err)
	d, err := vault.Open(s.t.Context(), vault.Config{
		Store: store, KeyURL: "file://" + filepath.Join(s.dir, "local.key"), Owner: "Olga", Now: s.now, Log: log,
	})
	if err == nil {
		return d.Close()
	}
	return errors.Join(err, store.Close())
}

func (s *scene) fails(sentence string) {
	s.t.Helper()
	if err := s.open(); err == nil || !strings.Contains(err.Error(), sentence) {
		s.t.Errorf("opened with %v, want %q", err, sentence)
	}
}

// A key that was lost must not be replaced: nothing would open any more, and
// nobody would know why.
func TestALostKeyIsNotReplaced(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.secret(s.me, "one", "A", s.plant("a"))
	s.stop()
	key := filepath.Join(s.dir, "local.key")
	must(t, os.Rename(key, key+".away"))
	if err := s.open(); err == nil {
		t.Error("a vault opened without its key")
	}
	if _, err := os.Stat(key); err == nil {
		t.Error("a fresh key was made beside what another sealed")
	}
}

func TestEveryActHasItsEvent(t *testing.T) {
	t.Parallel()
	s := setup(t)
	secret := s.secret(s.me, "billing", "A", s.plant("a"))
	_, err := s.set(s.me, secret.ID, 0, "A", s.plant("b"))
	must(t, err)
	s.share(s.me, secret.ID, true)
	on := s.assignment(s.me, "report")
	at, err := s.attach(s.me, on, secret.ID)
	must(t, err)
	job := s.run(s.b, on)
	_, err = s.lease(job)
	must(t, err)
	s.end(job)
	s.end(job)
	cancelled := s.job(s.b, on)
	must(t, s.control.CancelJob(t.Context(), &vaultrpc.CancelJobRequest{By: vaultrpc.As(s.b), Job: cancelled}))
	name := "report-2"
	_, err = s.control.ChangeAssignment(t.Context(), &vaultrpc.ChangeAssignmentRequest{By: vaultrpc.As(s.me), ID: on, Name: &name})
	must(t, err)
	must(t, s.control.Detach(t.Context(), &vaultrpc.DetachRequest{By: vaultrpc.As(s.me), Attachment: at}))
	must(t, s.control.DeleteAssignment(t.Context(), &vaultrpc.AssignmentRequest{By: vaultrpc.As(s.me), ID: on}))
	s.share(s.me, secret.ID, false)
	must(t, s.control.DeleteCredential(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: secret.ID}))
	var got []string
	for i, e := range s.events(hotcell.EventFilter{}) {
		if e.Sequence != int64(i+1) || e.At.IsZero() || e.Workspace != s.me.Workspace {
			t.Errorf("%+v", e)
		}
		got = append(got, fmt.Sprint(e.Kind, " ", e.Decision, " ", e.Name, " ", e.Version, " ", e.Member == s.me.Member, e.Credential != "", e.Assignment != "", e.Job != ""))
	}
	want := []string{
		"workspace.create allow Workspace 0 true false false false",
		"secret.create allow billing 1 true true false false",
		"secret.change allow billing 2 true true false false",
		"secret.share allow billing 0 true true false false",
		"assignment.create allow report 0 true false true false",
		"attachment.create allow billing 0 true true true false",
		"job.create allow report 0 false false true true",
		"job.start allow  0 false false true true",
		"secret.lease allow billing 2 false true true true",
		"job.end allow succeeded 0 false false true true",
		"job.create allow report 0 false false true true",
		"job.cancel allow  0 false false true true",
		"assignment.change allow report 0 true false true false",
		"attachment.delete allow billing 0 true true true false",
		"assignment.delete allow report-2 0 true false true false",
		"secret.unshare allow billing 0 true true false false",
		"secret.delete allow billing 0 true true false false",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the log (-want +got):\n%s", diff)
	}
}

func TestVerifyNamesTheFirstEventThatWasAltered(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		update string
		broken int64
	}{
		"nothing":             {"", 0},
		"a decision":          {"UPDATE events SET decision = 'refuse' WHERE kind = 'secret.create'", 2},
		"a member":            {"UPDATE events SET member = 'mem_x' WHERE kind = 'assignment.create'", 4},
		"a reason":            {"UPDATE events SET document = json_set(document, '$.reason', 'x') WHERE kind = 'secret.change'", 3},
		"a hash":              {"UPDATE events SET hash = zeroblob(32) WHERE kind = 'secret.change'", 3},
		"an event taken out":  {"DELETE FROM events WHERE kind = 'secret.change'", 3},
		"a version forgotten": {"DELETE FROM versions WHERE version = 2", 3},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			secret := s.secret(s.me, "billing", "A", s.plant("a"))
			_, err := s.set(s.me, secret.ID, 0, "A", s.plant("b"))
			must(t, err)
			s.assignment(s.me, "report", secret.ID)
			if c.update != "" {
				s.sql(c.update)
			}
			v, err := s.control.VerifyEvents(t.Context(), &vaultrpc.WorkspaceRequest{By: vaultrpc.As(s.me)})
			if err != nil || v.Broken != c.broken || (v.Reason == "") != (c.broken == 0) {
				t.Errorf("%+v, %v; want %d", v, err, c.broken)
			}
			if c.broken == 0 && v.Events != 5 {
				t.Errorf("%d events fit", v.Events)
			}
		})
	}
}

// deaf is a store that cannot record while full is set.
type deaf struct {
	hotcell.VaultStore
	full *atomic.Bool
}

var errFull = errors.New("no space left on device at /private/path")

func (d deaf) Record(ctx context.Context, events ...hotcell.Event) error {
	if d.full.Load() {
		return errFull
	}
	return d.VaultStore.Record(ctx, events...)
}

func (d deaf) Update(ctx context.Context, fn func(hotcell.VaultWriter) error) error {
	return d.VaultStore.Update(ctx, func(w hotcell.VaultWriter) error { return fn(deafWriter{w, d.full}) })
}

type deafWriter struct {
	hotcell.VaultWriter
	full *atomic.Bool
}

func (d deafWriter) Record(e hotcell.Event) error {
	if d.full.Load() {
		return errFull
	}
	return d.VaultWriter.Record(e)
}

func TestWhatCannotBeRecordedDoesNotHappen(t *testing.T) {
	t.Parallel()
	full := &atomic.Bool{}
	s := setup(t, func(store hotcell.VaultStore) hotcell.VaultStore { return deaf{store, full} })
	a := s.plant("a")
	secret := s.secret(s.me, "billing", "A", a)
	on := s.assignment(s.me, "report", secret.ID)
	live, pending := s.run(s.me, on), s.job(s.me, on)
	ctx, before := t.Context(), len(s.events(hotcell.EventFilter{}))
	full.Store(true)
	_, lease := s.lease(live)
	_, set := s.set(s.me, secret.ID, 0, "A", s.plant("b"))
	_, share := s.control.ShareCredential(ctx, &vaultrpc.ShareCredentialRequest{By: vaultrpc.As(s.me), ID: secret.ID, Shared: true})
	_, job := s.control.CreateJob(ctx, &vaultrpc.CreateJobRequest{By: vaultrpc.As(s.me), Assignment: on, Job: "job_unrecorded"})
	_, hidden := s.control.Credential(ctx, &vaultrpc.CredentialRequest{By: vaultrpc.As(s.b), ID: secret.ID})
	for what, err := range map[string]error{
		"lease": lease, "set": set, "share": share, "job": job, "a refusal": hidden,
		"create": s.create("other", s.sealed("other", "A", s.plant("c"))...), "start": s.begin(pending),
		"delete":  s.control.DeleteCredential(ctx, &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: secret.ID}),
		"cancel":  s.control.CancelJob(ctx, &vaultrpc.CancelJobRequest{By: vaultrpc.As(s.me), Job: live}),
		"connect": s.worker.Report(ctx, live, hotcell.Event{Kind: "network.connect", Decision: hotcell.Allowed, Host: "a.test:443"}),
	} {
		if err == nil || strings.Contains(err.Error(), "private") {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused(t, "a refusal that nobody would know of", hidden, hotcell.ErrUnavailable, "the audit log cannot be written")
	full.Store(false)
	if got, err := s.lease(live); err != nil || got["A"] != a {
		t.Errorf("the lease afterwards: %v", err)
	}
	must(t, s.begin(pending))
	list, err := s.control.Credentials(ctx, &vaultrpc.CredentialsRequest{By: vaultrpc.As(s.me)})
	if err != nil || len(list.Credentials) != 1 || !cmp.Equal(list.Credentials[0], secret) {
		t.Errorf("afterwards there is %+v, %v", list, err)
	}
	if after := len(s.events(hotcell.EventFilter{})); after != before+2 {
		t.Errorf("%d events became %d", before, after)
	}
}
