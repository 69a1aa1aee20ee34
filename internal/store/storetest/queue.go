package storetest

import (
	"context"
	"sync"
	"testing"

	"hotcell"
)

// work runs the queue until n jobs were handed out and says how often each was.
func work(t *testing.T, q hotcell.Queue, limit, n int, run func(context.Context, hotcell.JobID)) map[hotcell.JobID]int {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var mu sync.Mutex
	times := map[hotcell.JobID]int{}
	err := q.Work(ctx, limit, func(ctx context.Context, id hotcell.JobID) {
		run(ctx, id)
		mu.Lock()
		defer mu.Unlock()
		if times[id]++; len(times) == n {
			stop()
		}
	})
	if err != nil {
		t.Errorf("Work: %v", err)
	}
	return times
}

// take is what a real run begins with.
func take(t *testing.T, s hotcell.ControlStore, id hotcell.JobID) {
	t.Helper()
	_, err := s.ChangeJob(context.WithoutCancel(t.Context()), id, []hotcell.JobState{hotcell.JobQueued},
		func(j *hotcell.Job) { j.State = hotcell.JobSucceeded })
	if err != nil {
		t.Errorf("%s: %v", id, err)
	}
}

// testQueueOnce hands out jobs that were there before, and jobs that come while
// it works.
func testQueueOnce(t *testing.T, s hotcell.ControlStore, q hotcell.Queue) {
	const before, n = 400, 500
	create(t, s, before, nil)
	var group sync.WaitGroup
	group.Go(func() {
		for i := before; i < n; i++ {
			if err := s.CreateJob(t.Context(), job(i)); err != nil {
				t.Errorf("CreateJob: %v", err)
			}
		}
	})
	times := work(t, q, 8, n, func(_ context.Context, id hotcell.JobID) { take(t, s, id) })
	group.Wait()
	want(t, "jobs handed out", len(times), n)
	for id, n := range times {
		want(t, string(id), n, 1)
	}
}

// testQueueLimit fills every place and holds it until all are full: more than
// the limit would be seen, fewer would never end.
func testQueueLimit(t *testing.T, s hotcell.ControlStore, q hotcell.Queue) {
	const limit, n = 4, 12
	create(t, s, n, nil)
	var mu sync.Mutex
	busy, most := 0, 0
	full := make(chan struct{})
	work(t, q, limit, n, func(_ context.Context, id hotcell.JobID) {
		mu.Lock()
		busy++
		if most = max(most, busy); busy == limit && most == limit {
			select {
			case <-full:
			default:
				close(full)
			}
		}
		mu.Unlock()
		<-full
		take(t, s, id)
		mu.Lock()
		busy--
		mu.Unlock()
	})
	want(t, "most at once", most, limit)
}

// testQueueEnds cuts a run off: its context ends, Work waits for it, and what
// was not begun is still queued.
func testQueueEnds(t *testing.T, s hotcell.ControlStore, q hotcell.Queue) {
	create(t, s, 3, nil)
	ctx, stop := context.WithCancel(t.Context())
	returned := false
	err := q.Work(ctx, 1, func(ctx context.Context, id hotcell.JobID) {
		take(t, s, id)
		stop()
		<-ctx.Done()
		returned = true
	})
	ok(t, "Work", err)
	want(t, "the run returned before Work", returned, true)
	left, err := s.Jobs(t.Context(), here, hotcell.JobFilter{State: hotcell.JobQueued}, hotcell.Page{})
	ok(t, "Jobs", err)
	times := work(t, q, 2, len(left), func(_ context.Context, id hotcell.JobID) { take(t, s, id) })
	want(t, "jobs that were left", len(times), len(left))
	want(t, "and how many", len(left), 2)
}

// testQueueAgain gives a job up before it was taken: it is queued still, so the
// next Work hands it out again.
func testQueueAgain(t *testing.T, s hotcell.ControlStore, q hotcell.Queue) {
	create(t, s, 1, nil)
	given := work(t, q, 1, 1, func(context.Context, hotcell.JobID) {})
	want(t, "given up", given["job_000"], 1)
	again := work(t, q, 1, 1, func(_ context.Context, id hotcell.JobID) { take(t, s, id) })
	want(t, "handed out again", again["job_000"], 1)
}
