package job_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/control/job"
)

func TestManyJobsRunOnceEachAndNotMoreAtOnceThanMay(t *testing.T) {
	t.Parallel()
	const jobs, limit, makers = 200, 8, 4
	s := newScene(t, func(c *job.Config) { c.Concurrency = limit })
	var now, most atomic.Int64
	s.perform = func(ctx context.Context, j hotcell.Job, fn sender) error {
		defer now.Add(-1)
		for n := now.Add(1); ; {
			if seen := most.Load(); n <= seen || most.CompareAndSwap(seen, n) {
				return ending(0, "")(ctx, j, fn)
			}
		}
	}
	s.work(t)
	ids := make([]hotcell.JobID, jobs)
	var wait sync.WaitGroup
	for maker := range makers {
		wait.Go(func() {
			for i := maker; i < jobs; i += makers {
				j, err := s.Create(t.Context(), ada, job.Draft{Assignment: "asg_a"})
				if err != nil {
					t.Error(err)
				}
				ids[i] = j.ID
			}
		})
	}
	wait.Wait()
	for _, id := range ids {
		if j, _ := s.end(t, id); j.State != hotcell.JobSucceeded {
			t.Errorf("%s: %s", j.State, j.Reason)
		}
		if told := s.told(id); len(told) != 1 || told[0] != hotcell.JobSucceeded {
			t.Errorf("the vault was told %q", told)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.runs) != jobs || most.Load() > limit {
		t.Errorf("%d jobs ran, %d at once", len(s.runs), most.Load())
	}
	for id, n := range s.runs {
		if n != 1 {
			t.Errorf("%s ran %d times", id, n)
		}
	}
}

func TestAVaultThatIsAwayIsToldLater(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.deaf = 1000
	s.work(t)
	id := s.made(t)
	if j, _ := s.end(t, id); j.State != hotcell.JobSucceeded || len(s.told(id)) != 0 {
		t.Errorf("%s, told %q", j.State, s.told(id))
	}
	s.mu.Lock()
	s.deaf, s.live = 0, s.grants(id)
	s.mu.Unlock()
	s.later(2 * time.Minute)
	s.Pulse(t.Context())
	if told := s.told(id); len(told) != 1 || told[0] != hotcell.JobSucceeded {
		t.Errorf("the vault was told %q", told)
	}
}

func TestWhatCannotBeMade(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.refuseCreate = hotcell.ErrNotFound
	if _, err := s.Create(t.Context(), ada, job.Draft{Assignment: "asg_a"}); !errors.Is(err, hotcell.ErrNotFound) {
		t.Errorf("of an assignment that is not there: %v", err)
	}
	s.refuseCreate = nil
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(t.Context(), ada, job.Draft{Assignment: "asg_a"}); err == nil {
		t.Error("a job that could not be stored was made")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ends) != 1 {
		t.Errorf("the grants that were ended: %v", s.ends)
	}
}

func TestLimitsComeFromTheAssignmentFirst(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	j, err := s.Create(t.Context(), ada, job.Draft{Assignment: "asg_a", Arguments: []string{strings.Repeat("x", job.MaxArguments-1)}})
	want := hotcell.Limits{Timeout: hotcell.Duration(time.Minute), Memory: 1 << 30, Disk: 1 << 30, Pids: 7}
	if err != nil || j.Work.Limits != want {
		t.Errorf("%+v, %v", j.Work.Limits, err)
	}
	s.limits = hotcell.Limits{Timeout: hotcell.Duration(time.Second), Disk: 5}
	want.Timeout, want.Disk = s.limits.Timeout, s.limits.Disk
	if j, err = s.Create(t.Context(), ada, job.Draft{Assignment: "asg_a"}); err != nil || j.Work.Limits != want {
		t.Errorf("%+v, %v", j.Work.Limits, err)
	}
}
