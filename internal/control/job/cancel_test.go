package job_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/line/workerrpc"
)

// The vault kills the grant before the run hears of the cancel.
func TestACancelAtTheStartIsNotTakenForARefusal(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	starting, cancelling, denied := make(chan struct{}), make(chan struct{}), make(chan struct{})
	s.onStart = func() {
		close(starting)
		<-cancelling
		s.mu.Lock()
		s.deny = fmt.Errorf("%w: the job's grant is not waiting to start: the job was cancelled", hotcell.ErrDenied)
		s.mu.Unlock()
		close(denied)
	}
	s.onCancel = func() { close(cancelling); <-denied }
	s.work(t)
	id := s.made(t)
	<-starting
	if j, err := s.Cancel(t.Context(), ada, id); err != nil || j.State == hotcell.JobFailed {
		t.Errorf("cancelled: %s, %v", j.State, err)
	}
	if j, _ := s.end(t, id); j.State != hotcell.JobCancelled || j.Cancelling || s.runs[id] != 0 {
		t.Errorf("%s: %s; ran %d times", j.State, j.Reason, s.runs[id])
	}
}

func TestACancelThatTheVaultRefusesChangesNothing(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	let := make(chan struct{})
	s.perform = saying(1, let)
	s.role = hotcell.RoleManager
	s.work(t)
	id := s.made(t)
	s.refuseCancel = fmt.Errorf("%w: only its owner may", hotcell.ErrDenied)
	bob := hotcell.Principal{Workspace: here, Member: "mem_bob"}
	if _, err := s.Cancel(t.Context(), bob, id); !errors.Is(err, hotcell.ErrDenied) {
		t.Errorf("%v", err)
	}
	s.role = hotcell.RoleMember // who may not even know of it
	if _, err := s.Cancel(t.Context(), bob, id); !errors.Is(err, hotcell.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if _, err := s.Cancel(t.Context(), ada, "job_none"); !errors.Is(err, hotcell.ErrNotFound) {
		t.Errorf("%v", err)
	}
	close(let)
	if j, _ := s.end(t, id); j.State != hotcell.JobSucceeded {
		t.Errorf("%s: %s", j.State, j.Reason)
	}
}

// A job may end by itself while somebody cancels it: what it did counts.
func TestAnEndThatCameFirstStays(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	running, let := make(chan struct{}), make(chan struct{})
	s.perform = func(_ context.Context, _ hotcell.Job, fn sender) error {
		_ = fn(&workerrpc.RunEvent{Kind: workerrpc.Started, At: time.Now()})
		close(running)
		<-let
		return fn(&workerrpc.RunEvent{Kind: workerrpc.Ended, End: &workerrpc.End{Code: new(int)}})
	}
	s.work(t)
	id := s.made(t)
	<-running
	if j, err := s.Cancel(t.Context(), ada, id); err != nil || !j.Cancelling {
		t.Fatalf("%+v, %v", j, err)
	}
	close(let)
	if j, _ := s.end(t, id); j.State != hotcell.JobSucceeded || j.Cancelling {
		t.Errorf("%s: %s", j.State, j.Reason)
	}
	if told := s.told(id); len(told) != 1 || told[0] != hotcell.JobSucceeded {
		t.Errorf("the vault was told %q", told)
	}
}

func TestAStoppedServerLosesWhatRan(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.perform = hanging
	stop := s.work(t)
	id := s.made(t)
	waitFor(t, func() bool { j, _ := s.Job(t.Context(), ada, id); return j.State == hotcell.JobRunning })
	stop()
	if told := s.told(id); len(told) != 1 || told[0] != hotcell.JobLost {
		t.Errorf("the vault was told %q", told)
	}
	s.open(t)
	if err := s.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.work(t)
	if j, _ := s.end(t, id); j.State != hotcell.JobLost || s.runs[id] != 1 {
		t.Errorf("%s, ran %d times", j.State, s.runs[id])
	}
}

func TestWhatNobodyRunsIsLost(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.perform = hanging
	orphan := s.made(t)
	if _, err := s.store.ChangeJob(t.Context(), orphan, []hotcell.JobState{hotcell.JobQueued}, func(j *hotcell.Job) { j.State = hotcell.JobRunning }); err != nil {
		t.Fatal(err)
	}
	s.work(t)
	runs := s.made(t)
	waitFor(t, func() bool { j, _ := s.Job(t.Context(), ada, runs); return j.State == hotcell.JobRunning })
	s.later(2 * time.Minute)
	s.live = []vaultrpc.LiveJob{
		{Workspace: here, Job: runs},
		{Workspace: here, Job: "job_never", CreatedAt: time.Now()},
		{Workspace: here, Job: "job_just_made", CreatedAt: time.Now().Add(2 * time.Minute)},
	}
	s.Pulse(t.Context())
	if j, _ := s.end(t, orphan); j.State != hotcell.JobLost {
		t.Errorf("the orphan is %s", j.State)
	}
	if j, err := s.Job(t.Context(), ada, runs); err != nil || j.State != hotcell.JobRunning {
		t.Errorf("the one that runs is %s, %v", j.State, err)
	}
	for id, want := range map[hotcell.JobID]int{orphan: 1, "job_never": 1, "job_just_made": 0, runs: 0} {
		if told := s.told(id); len(told) != want {
			t.Errorf("of %s the vault was told %q", id, told)
		}
	}
}

// Nothing runs before it is known what still lives.
func TestRecoveryNeedsTheVault(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.refuseLive = hotcell.ErrUnavailable
	if err := s.Recover(t.Context()); !errors.Is(err, hotcell.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}
