package budget

import (
	"context"
	"sync"
)

// Turns has work done by a few at a time. Where several jobs wait, the one that
// has had least work done goes first (start-time fair queueing, Goyal, Vin and
// Cheng, 1996): a job that was idle does not save up for later.
type Turns struct {
	mu   sync.Mutex
	free int
	// now is the virtual time: how much the job that began last had had.
	now  int64
	jobs map[string]*queue
}

// queue is a job that works or waits.
type queue struct {
	had     int64
	working int
	waiting []chan struct{}
}

// NewTurns lets as many work at once as there are places.
func NewTurns(places int) *Turns { return &Turns{free: places, jobs: map[string]*queue{}} }

// Begin waits for the job's turn. The caller ends it with End, unless Begin fails.
func (t *Turns) Begin(ctx context.Context, job string) error {
	t.mu.Lock()
	q := t.jobs[job]
	if q == nil {
		q = &queue{had: t.now}
		t.jobs[job] = q
	}
	if q.working == 0 && len(q.waiting) == 0 {
		q.had = max(q.had, t.now) // nothing is saved up for having been away
	}
	if t.free > 0 {
		t.start(q)
		t.mu.Unlock()
		return nil
	}
	ready := make(chan struct{})
	q.waiting = append(q.waiting, ready)
	t.mu.Unlock()
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		t.abandon(job, q, ready)
		return context.Cause(ctx)
	}
}

// End ends a turn in which that much work was done, in any one unit.
func (t *Turns) End(job string, work int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	q := t.jobs[job]
	q.had += work
	q.working--
	t.free++
	t.drop(job, q)
	t.next()
}

// Wanted says whether somebody waits for a turn: who works long gives way then.
func (t *Turns) Wanted() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, q := range t.jobs {
		if len(q.waiting) > 0 {
			return true
		}
	}
	return false
}

func (t *Turns) start(q *queue) {
	t.free--
	q.working++
	t.now = max(t.now, q.had)
}

func (t *Turns) next() {
	for t.free > 0 {
		var first *queue
		for _, q := range t.jobs {
			if len(q.waiting) > 0 && (first == nil || q.had < first.had) {
				first = q
			}
		}
		if first == nil {
			return
		}
		ready := first.waiting[0]
		first.waiting = first.waiting[1:]
		t.start(first)
		close(ready)
	}
}

// abandon takes a waiter out; one whose turn had come meanwhile passes it on.
func (t *Turns) abandon(job string, q *queue, ready chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer t.drop(job, q)
	for i, other := range q.waiting {
		if other == ready {
			q.waiting = append(q.waiting[:i:i], q.waiting[i+1:]...)
			return
		}
	}
	q.working--
	t.free++
	t.next()
}

// drop forgets a job that neither works nor waits, and has had no more than the
// others: whoever had more stays known until they caught up.
func (t *Turns) drop(job string, q *queue) {
	if q.working > 0 || len(q.waiting) > 0 {
		return
	}
	if q.had <= t.now {
		delete(t.jobs, job)
	}
	busy := false
	for _, other := range t.jobs {
		busy = busy || other.working > 0 || len(other.waiting) > 0
	}
	if !busy { // nobody to catch up with
		clear(t.jobs)
		t.now = 0
	}
}
