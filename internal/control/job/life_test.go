package job_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/control/job"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/line/workerrpc"
)

func TestHowAJobEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		perform func(context.Context, hotcell.Job, func(*workerrpc.RunEvent) error) error
		deny    error
		state   hotcell.JobState
		reason  string
	}{
		"well":          {perform: ending(0, ""), state: hotcell.JobSucceeded},
		"with a code":   {perform: ending(3, ""), state: hotcell.JobFailed, reason: "exit code 3"},
		"with a reason": {perform: ending(0, "its output is too large"), state: hotcell.JobFailed, reason: "too large"},
		"refused":       {deny: fmt.Errorf("%w: the secret is bob's", hotcell.ErrDenied), state: hotcell.JobFailed, reason: "bob's"},
		"with its worker": {perform: func(context.Context, hotcell.Job, func(*workerrpc.RunEvent) error) error {
			return hotcell.ErrUnavailable
		}, state: hotcell.JobLost, reason: "stopped answering"},
		"without its word": {perform: func(context.Context, hotcell.Job, func(*workerrpc.RunEvent) error) error { return nil }, state: hotcell.JobLost, reason: "broke off"},
		"with its grant": {perform: func(_ context.Context, _ hotcell.Job, fn func(*workerrpc.RunEvent) error) error {
			return fn(&workerrpc.RunEvent{Kind: workerrpc.Ended, End: &workerrpc.End{Revoked: true, Reason: "a credential was deleted"}})
		}, state: hotcell.JobCancelled, reason: "deleted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.perform, s.deny, s.deaf = c.perform, c.deny, 3
			s.work(t)
			id := s.made(t)
			j, log := s.end(t, id)
			if j.State != c.state || !strings.Contains(j.Reason, c.reason) || j.EndedAt == nil || j.Work.Limits.Pids != 7 {
				t.Errorf("%s: %s; %+v", j.State, j.Reason, j)
			}
			if name == "well" {
				out, size, err := s.Service.Output(t.Context(), ada, id)
				if err != nil || size != 10 || log != "stdout:one\nstderr:two\n" || j.Redactions != 3 || *j.ExitCode != 0 || j.StartedAt == nil {
					t.Fatalf("%d, %v, %q, %+v", size, err, log, j)
				}
				_ = out.Close()
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if !slices.Equal(s.ends[id], []hotcell.JobState{c.state}) {
				t.Errorf("the vault was told %q", s.ends[id])
			}
		})
	}
}

func TestCancelAndTimeLimit(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.perform = hanging
	queued := s.made(t)
	if j, err := s.Cancel(t.Context(), ada, queued); err != nil || j.State != hotcell.JobCancelled {
		t.Errorf("cancelled while queued: %s, %v", j.State, err)
	}
	s.work(t)
	id := s.made(t)
	waitFor(t, func() bool { j, _ := s.Job(t.Context(), ada, id); return j.State == hotcell.JobRunning })
	if j, err := s.Cancel(t.Context(), ada, id); err != nil || !j.Cancelling {
		t.Errorf("cancelled while running: %+v, %v", j, err)
	}
	if j, _ := s.end(t, id); j.State != hotcell.JobCancelled {
		t.Errorf("%s: %s", j.State, j.Reason)
	}
	if _, err := s.Cancel(t.Context(), ada, id); !errors.Is(err, hotcell.ErrConflict) {
		t.Errorf("cancelled again: %v", err)
	}
	if s.runs[queued] != 0 {
		t.Error("the one that was cancelled while queued ran")
	}
	s.Limits.Timeout = hotcell.Duration(50 * time.Millisecond)
	if j, _ := s.end(t, s.made(t)); j.State != hotcell.JobTimedOut || !strings.Contains(j.Reason, "50ms") {
		t.Errorf("%s: %s", j.State, j.Reason)
	}
}

func waitFor(t *testing.T, fn func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); !fn(); <-tick.C {
		if time.Since(began) > 30*time.Second {
			t.Fatal("it never happened")
		}
	}
}

func TestAfterADeathWhatRanIsLostAndWhatWaitedRunsOnce(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	ran := s.made(t)
	if _, err := s.store.ChangeJob(t.Context(), ran, []hotcell.JobState{hotcell.JobQueued}, func(j *hotcell.Job) { j.State = hotcell.JobRunning }); err != nil {
		t.Fatal(err)
	}
	var waited []hotcell.JobID
	for range 50 {
		waited = append(waited, s.made(t))
	}
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	s.live = []vaultrpc.LiveJob{{Workspace: here, Job: ran}, {Workspace: here, Job: "job_never_stored"}, {Workspace: here, Job: waited[0]}}
	s.open(t)
	if err := s.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.work(t)
	for _, id := range waited {
		if j, _ := s.end(t, id); j.State != hotcell.JobSucceeded {
			t.Errorf("one that waited is %s: %s", j.State, j.Reason)
		}
	}
	if j, _ := s.end(t, ran); j.State != hotcell.JobLost {
		t.Errorf("the one that ran is %s", j.State)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, n := range s.runs {
		if n != 1 || id == ran {
			t.Errorf("%s ran %d times", id, n)
		}
	}
	// Once or more: as long as the vault says that they live, it is told.
	if len(s.ends["job_never_stored"]) == 0 || len(s.ends[ran]) == 0 {
		t.Errorf("the vault was told %v", s.ends)
	}
}

func TestWhoSeesAJob(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.work(t)
	id := s.made(t)
	s.end(t, id)
	bob := hotcell.Principal{Workspace: here, Member: "mem_bob"}
	for role, may := range map[hotcell.Role]bool{hotcell.RoleMember: false, hotcell.RoleBuilder: false, hotcell.RoleManager: true, hotcell.RoleOwner: true} {
		s.role = role
		_, see := s.Job(t.Context(), bob, id)
		_, log := s.Log(t.Context(), bob, id, 0)
		out, _, output := s.Service.Output(t.Context(), bob, id)
		if out != nil {
			_ = out.Close()
		}
		list, err := s.Jobs(t.Context(), bob, hotcell.JobFilter{}, hotcell.Page{})
		for what, err := range map[string]error{"see": see, "log": log, "output": output} {
			if (err == nil) != may || err != nil && !errors.Is(err, hotcell.ErrNotFound) {
				t.Errorf("%s as %s: %v", what, role, err)
			}
		}
		if err != nil || (len(list) == 1) != may {
			t.Errorf("list as %s: %d, %v", role, len(list), err)
		}
	}
	elsewhere := hotcell.Principal{Workspace: "wsp_elsewhere", Member: ada.Member}
	if _, err := s.Job(t.Context(), elsewhere, id); !errors.Is(err, hotcell.ErrNotFound) {
		t.Errorf("from another workspace: %v", err)
	}
}

func TestFilesThatAreGoneFailTheJobWithAWord(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.work(t)
	j, err := s.Create(t.Context(), ada, job.Draft{Assignment: "asg_files"})
	if err != nil {
		t.Fatal(err)
	}
	if j, _ := s.end(t, j.ID); j.State != hotcell.JobFailed || !strings.Contains(j.Reason, "upload") {
		t.Errorf("%s: %s", j.State, j.Reason)
	}
	if _, err := s.Create(t.Context(), ada, job.Draft{Assignment: "asg_a", Arguments: []string{"a\x00b"}}); !errors.Is(err, hotcell.ErrInvalid) {
		t.Errorf("an argument with NUL: %v", err)
	}
	if _, err := s.Create(t.Context(), ada, job.Draft{Assignment: "asg_a", Arguments: []string{strings.Repeat("x", job.MaxArguments+1)}}); !errors.Is(err, hotcell.ErrInvalid) {
		t.Errorf("too many arguments: %v", err)
	}
}
