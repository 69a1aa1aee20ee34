package vault_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

// counting counts how often its store is looked at.
type counting struct {
	hotcell.VaultStore
	looks *atomic.Int64
}

func (c counting) View(ctx context.Context, fn func(hotcell.VaultReader) error) error {
	c.looks.Add(1)
	return c.VaultStore.View(ctx, fn)
}

// Who waits is woken: while nothing happens, however long, nobody looks at the store.
func TestQuestionsThatWaitDoNotLookAgainAndAgain(t *testing.T) {
	t.Parallel()
	var looks atomic.Int64
	s := setup(t, func(store hotcell.VaultStore) hotcell.VaultStore { return counting{store, &looks} })
	job := s.asking(t)
	entry := hotcell.Allow{Host: "wanted.acme.test", Port: 443, Protocol: hotcell.ProtocolHTTPS}
	const many = 40
	states := make(chan hotcell.RequestState, many)
	for range many {
		go func() {
			q, err := s.worker.Ask(t.Context(), job, entry, "why")
			if err != nil {
				t.Error(err)
			}
			states <- q.State
		}()
	}
	id := s.waitsFor(t, job)
	s.quiet(t, &looks)
	_, err := s.control.DecideRequest(t.Context(), &vaultrpc.DecideRequestRequest{By: vaultrpc.As(s.me), ID: id, Approve: true})
	must(t, err)
	for range many {
		if state := <-states; state != hotcell.RequestApproved {
			t.Errorf("one was told %s", state)
		}
	}
}

// Of a job that asks and asks, so many wait; the others hear so at once, and
// another job's question waits beside them.
func TestAJobHasOnlySoManyQuestionsWait(t *testing.T) {
	t.Parallel()
	s := setup(t)
	job, other := s.asking(t), s.asking(t)
	entry := hotcell.Allow{Host: "wanted.acme.test", Port: 443, Protocol: hotcell.ProtocolHTTPS}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var refused, waiting atomic.Int64
	var asks sync.WaitGroup
	full := make(chan struct{}, 300)
	for range 300 {
		asks.Go(func() {
			waiting.Add(1)
			_, err := s.worker.Ask(ctx, job, entry, "why")
			if errors.Is(err, hotcell.ErrRateLimited) {
				refused.Add(1)
				full <- struct{}{}
			}
		})
	}
	for range 300 - 64 {
		<-full
	}
	told := make(chan hotcell.RequestState, 1)
	go func() {
		q, err := s.worker.Ask(ctx, other, entry, "why")
		if err != nil {
			t.Error(err)
		}
		told <- q.State
	}()
	id := s.waitsFor(t, other)
	_, err := s.control.DecideRequest(t.Context(), &vaultrpc.DecideRequestRequest{By: vaultrpc.As(s.me), ID: id, Approve: true})
	must(t, err)
	if state := <-told; state != hotcell.RequestApproved {
		t.Errorf("the other job was told %s", state)
	}
	stop()
	asks.Wait()
	if n := refused.Load(); n != 300-64 {
		t.Errorf("%d of 300 were refused", n)
	}
}

// asking is a live job without anything attached.
func (s *scene) asking(t *testing.T) hotcell.JobID {
	t.Helper()
	a, err := s.control.CreateAssignment(t.Context(), &vaultrpc.CreateAssignmentRequest{By: vaultrpc.As(s.me), Name: hotcell.NewID("ask"), Work: hotcell.Work{Command: "true"}})
	must(t, err)
	job := hotcell.JobID(hotcell.NewID(hotcell.PrefixJob))
	_, err = s.control.CreateJob(t.Context(), &vaultrpc.CreateJobRequest{By: vaultrpc.As(s.me), Assignment: a.Assignment.ID, Job: job})
	must(t, err)
	_, err = s.control.StartJob(t.Context(), &vaultrpc.StartJobRequest{Job: job})
	must(t, err)
	return job
}

// waitsFor is the request that a job waits for.
func (s *scene) waitsFor(t *testing.T, job hotcell.JobID) hotcell.RequestID {
	t.Helper()
	for {
		list, err := s.control.Requests(t.Context(), &vaultrpc.RequestsRequest{By: vaultrpc.As(s.me), State: hotcell.RequestPending, Job: job})
		must(t, err)
		if len(list.Requests) > 0 {
			return list.Requests[0].ID
		}
	}
}

// quiet waits for more than a second, in which each of those who wait would have
// looked five times, with hardly a look at the store: on a busy machine some ask late.
func (s *scene) quiet(t *testing.T, looks *atomic.Int64) {
	t.Helper()
	var times int64
	for range 20 {
		before := looks.Load()
		s.beats(t, 5)
		if times = looks.Load() - before; times <= 5 {
			return
		}
	}
	t.Errorf("while nothing happened, the store was looked at %d times", times)
}

// beats returns after the vault has shown so many signs of life.
func (s *scene) beats(t *testing.T, n int) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	seen := 0
	_ = s.worker.Watch(ctx, nil, func(vaultrpc.WatchAnswer) {
		if seen++; seen >= n {
			stop()
		}
	})
	if seen < n {
		t.Errorf("the vault showed %d signs of life", seen)
	}
}
