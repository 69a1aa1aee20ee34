package vault_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/parcel"
)

func TestALeaseIsDeliveredOnceAndToALiveJobOnly(t *testing.T) {
	t.Parallel()
	s := setup(t)
	secret := s.secret(s.me, "billing", "A", s.plant("a"))
	on := s.assignment(s.me, "report", secret.ID)
	pending := s.job(s.me, on)
	_, err := s.lease(pending)
	refused(t, "before the start", err, hotcell.ErrDenied, "has not started")
	must(t, s.begin(pending))
	_, _, err = s.worker.Lease(t.Context(), pending, []byte("no key"))
	refused(t, "to no key", err, hotcell.ErrInvalid, "X25519")
	if got, err := s.lease(pending); err != nil || len(got) != 1 {
		t.Errorf("a refused lease used the job's only one up: %v", err)
	}
	_, err = s.lease(pending)
	refused(t, "again", err, hotcell.ErrDenied, "delivered before")
	refused(t, "a second start", s.begin(pending), hotcell.ErrDenied, "started before")
	s.end(pending)
	_, err = s.lease(pending)
	refused(t, "after the end", err, hotcell.ErrDenied, "dead")
	unleased := s.run(s.me, on)
	s.end(unleased)
	_, err = s.lease(unleased)
	refused(t, "after the end, never leased", err, hotcell.ErrDenied, "dead")
	refused(t, "a start after the end", s.begin(unleased), hotcell.ErrDenied, "ended")
	_, err = s.lease("job_nobody")
	refused(t, "of no job", err, hotcell.ErrDenied, "no grant")
	want := []string{
		"secret.lease: denied: the job has not started", "secret.lease: denied: the job's lease was delivered before: there is one a job",
		"job.start: denied: the job's grant is not waiting to start: it has started before",
		"secret.lease: denied: the job's grant is dead: the job has ended", "secret.lease: denied: the job's grant is dead: the job has ended",
		"job.start: denied: the job's grant is not waiting to start: the job has ended", "secret.lease: denied: there is no grant for this job",
	}
	if diff := cmp.Diff(want, s.refusals()); diff != "" {
		t.Errorf("the log's refusals (-want +got):\n%s", diff)
	}
}

func TestALeaseOpensWithItsKeyAndForItsJobOnly(t *testing.T) {
	t.Parallel()
	s := setup(t)
	on := s.assignment(s.me, "report", s.secret(s.me, "billing", "A", s.plant("a")).ID)
	job := s.run(s.me, on)
	cell, err := parcel.Generate()
	must(t, err)
	stranger, err := parcel.Generate()
	must(t, err)
	message, _, err := s.worker.Lease(t.Context(), job, cell.Public().Bytes())
	must(t, err)
	if _, err := stranger.OpenInfo(vaultrpc.LeaseInfo(job), message); !errors.Is(err, parcel.ErrOpen) {
		t.Errorf("another cell: %v", err)
	}
	if _, err := cell.OpenInfo(vaultrpc.LeaseInfo("job_other"), message); !errors.Is(err, parcel.ErrOpen) {
		t.Errorf("another job: %v", err)
	}
	if _, err := cell.OpenInfo(vaultrpc.LeaseInfo(job), message); err != nil {
		t.Errorf("its own: %v", err)
	}
	bare := s.run(s.me, s.assignment(s.me, "bare"))
	if message, _, err := s.worker.Lease(t.Context(), bare, cell.Public().Bytes()); err != nil || message != nil {
		t.Errorf("a job without secrets: %v, %v", message, err)
	}
}

func TestAJobKeepsTheVersionThatItStartedWith(t *testing.T) {
	t.Parallel()
	s := setup(t)
	first, second, third := s.plant("1"), s.plant("2"), s.plant("3")
	secret := s.secret(s.me, "billing", "A", first)
	on := s.assignment(s.me, "report", secret.ID)
	early, queued := s.run(s.me, on), s.job(s.me, on)
	_, err := s.set(s.me, secret.ID, 0, "A", second)
	must(t, err)
	must(t, s.begin(queued))
	_, err = s.set(s.me, secret.ID, 0, "A", third)
	must(t, err)
	for job, want := range map[hotcell.JobID]string{early: first, queued: second, s.run(s.me, on): third} {
		got, err := s.lease(job)
		if err != nil || got["A"] != want {
			t.Errorf("%s got another version: %v", job, err)
		}
	}
	s.versions(secret.ID, 1, 2, 3)
	s.end(early)
	s.versions(secret.ID, 2, 3)
	s.end(queued)
	s.versions(secret.ID, 3)
}

// versions holds what is kept of a secret against what should be.
func (s *scene) versions(id hotcell.CredentialID, want ...int) {
	s.t.Helper()
	must(s.t, s.store.View(s.t.Context(), func(r hotcell.VaultReader) error {
		kept, err := r.Versions(s.me.Workspace, id)
		if !slices.Equal(kept, want) {
			s.t.Errorf("the versions %v are kept, want %v", kept, want)
		}
		return err
	}))
	values := 0
	s.row([]any{&values}, "SELECT count(DISTINCT version) FROM sealed_fields WHERE credential = ?", string(id))
	if values != len(want) {
		s.t.Errorf("values of %d versions are kept, want %d", values, len(want))
	}
}

// watch follows the deaths of grants; the channel has each job with its reason.
func (s *scene) watch(jobs ...hotcell.JobID) <-chan string {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	s.t.Cleanup(cancel)
	deaths, ready := make(chan string, 100), make(chan struct{}, 1)
	go func() {
		_ = s.worker.Watch(ctx, jobs, func(a vaultrpc.WatchAnswer) {
			job, reason := a.Job, a.Reason
			if job != "" {
				deaths <- string(job) + ": " + reason
				return
			}
			select {
			case ready <- struct{}{}:
			default:
			}
		})
	}()
	<-ready
	return deaths
}

// next is the next death; a test that waits for none ends in a minute.
func (s *scene) next(deaths <-chan string) string {
	s.t.Helper()
	select {
	case death := <-deaths:
		return death
	case <-time.After(time.Minute):
		s.t.Fatal("no death was announced")
		return ""
	}
}

func TestWhatIsTakenAwayEndsItsJobsAtOnce(t *testing.T) {
	t.Parallel()
	for what, take := range map[string]func(s *scene, on hotcell.AssignmentID, at hotcell.AttachmentID, id hotcell.CredentialID, job hotcell.JobID) error{
		"a credential that it used was detached": func(s *scene, _ hotcell.AssignmentID, at hotcell.AttachmentID, _ hotcell.CredentialID, _ hotcell.JobID) error {
			return s.control.Detach(t.Context(), &vaultrpc.DetachRequest{By: vaultrpc.As(s.me), Attachment: at})
		},
		"what a credential that it used may be used for was narrowed": func(s *scene, _ hotcell.AssignmentID, at hotcell.AttachmentID, _ hotcell.CredentialID, _ hotcell.JobID) error {
			_, err := s.control.ChangeAttachment(t.Context(), &vaultrpc.ChangeAttachmentRequest{By: vaultrpc.As(s.me), Attachment: at, Narrowing: hotcell.Narrowing{Hosts: []string{"api.acme.test"}}})
			return err
		},
		"a credential that it used was deleted": func(s *scene, _ hotcell.AssignmentID, _ hotcell.AttachmentID, id hotcell.CredentialID, _ hotcell.JobID) error {
			return s.control.DeleteCredential(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: id})
		},
		"a credential that it used is no longer shared": func(s *scene, _ hotcell.AssignmentID, _ hotcell.AttachmentID, id hotcell.CredentialID, _ hotcell.JobID) error {
			_, err := s.control.ShareCredential(t.Context(), &vaultrpc.ShareCredentialRequest{By: vaultrpc.As(s.me), ID: id})
			return err
		},
		"its assignment was deleted": func(s *scene, on hotcell.AssignmentID, _ hotcell.AttachmentID, _ hotcell.CredentialID, _ hotcell.JobID) error {
			return s.control.DeleteAssignment(t.Context(), &vaultrpc.AssignmentRequest{By: vaultrpc.As(s.me), ID: on})
		},
		"the job was cancelled": func(s *scene, _ hotcell.AssignmentID, _ hotcell.AttachmentID, _ hotcell.CredentialID, job hotcell.JobID) error {
			return s.control.CancelJob(t.Context(), &vaultrpc.CancelJobRequest{By: vaultrpc.As(s.b), Job: job})
		},
		"the job has ended": func(s *scene, _ hotcell.AssignmentID, _ hotcell.AttachmentID, _ hotcell.CredentialID, job hotcell.JobID) error {
			return s.control.EndJob(t.Context(), &vaultrpc.EndJobRequest{Job: job, State: hotcell.JobLost})
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			secret := s.secret(s.me, "billing", "A", s.plant("a"))
			s.share(s.me, secret.ID, true)
			on := s.assignment(s.me, "report")
			at, err := s.attach(s.me, on, secret.ID)
			must(t, err)
			job, other := s.run(s.b, on), s.run(s.b, s.assignment(s.b, "other"))
			deaths := s.watch()
			must(t, take(s, on, at, secret.ID, job))
			if got := s.next(deaths); got != string(job)+": "+what {
				t.Errorf("announced %q", got)
			}
			_, err = s.lease(job)
			refused(t, "its lease", err, hotcell.ErrDenied, what)
			if got := s.next(s.watch(other, job, "job_gone")); !strings.HasPrefix(got, string(job)) {
				t.Errorf("a watch that comes late is told %q first", got)
			}
			live, err := s.control.LiveJobs(t.Context())
			if err != nil || len(live) != 1 || live[0].Job != other {
				t.Errorf("live: %v, %v", live, err)
			}
		})
	}
}

func TestUnsharingLeavesItsOwnersJobsAlone(t *testing.T) {
	t.Parallel()
	s := setup(t)
	secret := s.secret(s.me, "billing", "A", s.plant("a"))
	s.share(s.me, secret.ID, true)
	on := s.assignment(s.me, "report", secret.ID)
	mine, theirs := s.run(s.me, on), s.run(s.b, on)
	s.share(s.me, secret.ID, false)
	if _, err := s.lease(mine); err != nil {
		t.Errorf("the owner's own job: %v", err)
	}
	_, err := s.lease(theirs)
	refused(t, "the other's job", err, hotcell.ErrDenied, "no longer shared")
}

func TestAStartThatIsRefusedKillsTheGrant(t *testing.T) {
	t.Parallel()
	s := setup(t)
	secret := s.secret(s.me, "billing", "A", s.plant("a"))
	on := s.assignment(s.me, "report", secret.ID)
	job := s.job(s.b, on)
	refused(t, "with another's secret", s.begin(job), hotcell.ErrDenied, "on behalf of Berta")
	s.share(s.me, secret.ID, true)
	refused(t, "a second try", s.begin(job), hotcell.ErrDenied, "on behalf of Berta")
	if live, err := s.control.LiveJobs(t.Context()); err != nil || len(live) != 0 {
		t.Errorf("live: %v, %v", live, err)
	}
	s.end(job)
	if ends := s.events(hotcell.EventFilter{Kind: "job.end"}); len(ends) != 1 || ends[0].Job != job {
		t.Errorf("its end: %+v", ends)
	}
}

func TestAWorkerReportsTheNetworkOfLiveJobsOnly(t *testing.T) {
	t.Parallel()
	s := setup(t)
	job := s.job(s.b, s.assignment(s.b, "report"))
	connect := hotcell.Event{Kind: "network.connect", Decision: hotcell.Allowed, Host: "api.acme.test:443", Member: "mem_forged", Workspace: "wsp_forged"}
	refused(t, "before the start", s.worker.Report(t.Context(), job, connect), hotcell.ErrDenied, "not started")
	must(t, s.begin(job))
	must(t, s.worker.Report(t.Context(), job, connect, hotcell.Event{Kind: "network.refuse", Decision: hotcell.Refused, Host: "evil.test:443"}))
	for _, e := range s.events(hotcell.EventFilter{Kind: "network"}) {
		if e.Member != "mem_b" || e.Workspace != s.me.Workspace || e.Job != job {
			t.Errorf("recorded as %+v", e)
		}
	}
	for _, kind := range []string{"secret.lease", "job.end", "", "network", "audit.verify"} {
		refused(t, kind, s.worker.Report(t.Context(), job, hotcell.Event{Kind: kind, Decision: hotcell.Allowed}), hotcell.ErrInvalid, "kind")
	}
	s.end(job)
	undecided := connect
	undecided.Decision = ""
	refused(t, "undecided", s.worker.Report(t.Context(), job, undecided), hotcell.ErrInvalid, "decision")
	refused(t, "after the end", s.worker.Report(t.Context(), job, connect), hotcell.ErrDenied, "dead")
	must(t, s.worker.Report(t.Context(), job, hotcell.Event{Kind: "network.end", Decision: hotcell.Allowed, Host: "api.acme.test:443", Size: 9}))
	refused(t, "of no job", s.worker.Report(t.Context(), "job_nobody", connect), hotcell.ErrDenied, "no grant")
	if n := len(s.events(hotcell.EventFilter{Kind: "network"})); n != 5 { // three, and two that were refused
		t.Errorf("%d events of the network", n)
	}
}

func TestWideningEndsNothing(t *testing.T) {
	t.Parallel()
	s := setup(t)
	secret := s.secret(s.me, "billing", "A", s.plant("a"))
	on := s.assignment(s.me, "report")
	at, err := s.attach(s.me, on, secret.ID)
	must(t, err)
	change := func(p hotcell.Principal, hosts ...string) (*vaultrpc.AttachAnswer, error) {
		return s.control.ChangeAttachment(t.Context(), &vaultrpc.ChangeAttachmentRequest{By: vaultrpc.As(p), Attachment: at, Narrowing: hotcell.Narrowing{Hosts: hosts}})
	}
	_, err = change(s.me, "api.acme.test")
	must(t, err)
	job := s.run(s.me, on)
	for _, hosts := range [][]string{{"api.acme.test", "db.acme.test"}, nil} {
		made, err := change(s.me, hosts...)
		must(t, err)
		if made.Attachment.ID != at || len(made.Attachment.Hosts) != len(hosts) {
			t.Errorf("made %+v", made.Attachment)
		}
	}
	if _, err := s.lease(job); err != nil {
		t.Errorf("the job that runs: %v", err)
	}
	_, err = change(s.me, "nonsense:port:nonsense")
	refused(t, "what is no host", err, hotcell.ErrInvalid, "")
	_, err = change(s.b, "api.acme.test")
	refused(t, "another's credential", err, hotcell.ErrNotFound, "credential")
	_, err = s.control.ChangeAttachment(t.Context(), &vaultrpc.ChangeAttachmentRequest{By: vaultrpc.As(s.me), Attachment: "att_none"})
	refused(t, "what is not attached", err, hotcell.ErrNotFound, "")
	answer, err := s.control.Assignment(t.Context(), &vaultrpc.AssignmentRequest{By: vaultrpc.As(s.me), ID: on})
	must(t, err)
	if len(answer.Attachments) != 1 || len(answer.Attachments[0].Attachment.Hosts) != 0 {
		t.Errorf("attached %+v", answer.Attachments)
	}
	if seen := s.events(hotcell.EventFilter{Kind: "attachment.change", Decision: hotcell.Allowed}); len(seen) != 3 {
		t.Errorf("%d changes are on record", len(seen))
	}
}
