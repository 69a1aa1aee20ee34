// Package budget counts what each job holds of what all jobs share, so that one
// that floods slows itself and nobody else.
//
// It guards two things. A job holds at most its limit of each [Kind], and at
// most as much as is still free for everybody: alone it may have half of all,
// and whoever comes later always finds a share (the rule of dynamic thresholds,
// Choudhury and Hahne, 1998). And what costs time is done in [Turns]: the job
// that has had least goes first. It does not know what a thing is, and does not
// end what holds one. One way to use it:
//
//	jobs := budget.New(nil)
//	release, err := jobs.Of(string(job)).Wait(ctx, budget.Requests, 1)
//	if err != nil {
//		return err // hotcell.ErrRateLimited, or ctx's
//	}
//	defer release()
package budget

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"sync"

	"hotcell"
)

// Kind is one thing that jobs share.
type Kind int

// What is counted.
const (
	// Requests are under way: each holds a descriptor or two, and buffers.
	Requests Kind = iota
	// Questions wait for a person.
	Questions
	// Buffered is bytes that are held whole in memory.
	Buffered
	// Connections are open.
	Connections
	// Unpacking is bodies that are being unpacked: each holds a decoder's window.
	Unpacking
	// Streams are open ends that send what happens: sessions of tools.
	Streams
	// Reading is processes that read what services wrote, of which there are few.
	Reading
	kinds
)

var names = [kinds]string{
	"requests under way", "questions that wait", "bytes in memory", "connections open", "bodies being unpacked", "streams open", "readers of texts",
}

// String is the kind in words.
func (k Kind) String() string { return names[k] }

// Limit bounds one kind: what one job may hold, how many of it may queue for
// more, and what all may hold together.
type Limit struct {
	Each int64
	// Queue is how many takers of one job may wait; one more is refused.
	Queue int
	All   int64
}

// Limits are the limits by kind.
type Limits map[Kind]Limit

// Defaults are the limits of who sets none.
func Defaults() Limits {
	return Limits{
		Requests:    {Each: 256, Queue: 1024, All: 2048},
		Questions:   {Each: 64, All: 4096},
		Buffered:    {Each: 64 << 20, Queue: 1024, All: 256 << 20},
		Connections: {Each: 256, All: 4096},
		Unpacking:   {Each: 8, Queue: 1024, All: 64},
		Streams:     {Each: 64, All: 2048},
		Reading:     {Each: 2, Queue: 1024, All: 3}, // and one is left for people
	}
}

// Jobs counts for all jobs of one process.
type Jobs struct {
	limits Limits
	turns  *Turns

	mu   sync.Mutex
	all  [kinds]int64
	jobs map[string]*account
}

// account is what one job holds. It is forgotten when that is nothing.
type account struct {
	held    [kinds]int64
	waiting [kinds][]*waiter
}

// waiter waits for n; ready is closed when it has them.
type waiter struct {
	n     int64
	ready chan struct{}
}

// New counts by the defaults, and where limits say otherwise, by those.
func New(limits Limits) *Jobs {
	all := Defaults()
	maps.Copy(all, limits)
	return &Jobs{limits: all, turns: NewTurns(max(1, runtime.GOMAXPROCS(0)/2)), jobs: map[string]*account{}}
}

// Of is a job's budget. Of no Jobs it is one without limits.
func (j *Jobs) Of(job string) Job { return Job{j, job} }

// Held is how much of a kind all jobs hold now.
func (j *Jobs) Held(k Kind) int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.all[k]
}

// Job is one job's budget.
type Job struct {
	jobs *Jobs
	id   string
}

// Held is how much of a kind the job holds now.
func (b Job) Held(k Kind) int64 {
	if b.jobs == nil {
		return 0
	}
	b.jobs.mu.Lock()
	defer b.jobs.mu.Unlock()
	if a := b.jobs.jobs[b.id]; a != nil {
		return a.held[k]
	}
	return 0
}

func nothing() {}

// Take takes n of a kind until release is called, which may be called again. It
// is [hotcell.ErrRateLimited] where the job may hold no more.
func (b Job) Take(k Kind, n int64) (release func(), err error) {
	if b.jobs == nil || n == 0 {
		return nothing, nil
	}
	j := b.jobs
	j.mu.Lock()
	defer j.mu.Unlock()
	a := j.account(b.id)
	if len(a.waiting[k]) > 0 || !j.fits(a, k, n) {
		j.forget(b.id, a)
		return nothing, j.full(k)
	}
	j.give(a, k, n)
	return b.release(k, n), nil
}

// Wait is Take that waits its turn, first come, first served within the job. It
// is [hotcell.ErrRateLimited] where the job has as many waiting as may wait, or
// wants more at once than it may ever hold.
func (b Job) Wait(ctx context.Context, k Kind, n int64) (release func(), err error) {
	if b.jobs == nil || n == 0 {
		return nothing, nil
	}
	j := b.jobs
	j.mu.Lock()
	a := j.account(b.id)
	if len(a.waiting[k]) == 0 && j.fits(a, k, n) {
		j.give(a, k, n)
		j.mu.Unlock()
		return b.release(k, n), nil
	}
	if l := j.limits[k]; len(a.waiting[k]) >= l.Queue || n > min(l.Each, l.All/2) {
		j.forget(b.id, a)
		j.mu.Unlock()
		return nothing, j.full(k)
	}
	w := &waiter{n: n, ready: make(chan struct{})}
	a.waiting[k] = append(a.waiting[k], w)
	j.mu.Unlock()
	select {
	case <-w.ready:
		return b.release(k, n), nil
	case <-ctx.Done():
		if !j.leave(b.id, k, w) {
			b.release(k, n)() // it was given in the same moment
		}
		return nothing, context.Cause(ctx)
	}
}

func (j *Jobs) full(k Kind) error {
	return fmt.Errorf("%w: the job has as many %s as it may have (at most %d)", hotcell.ErrRateLimited, k, j.limits[k].Each)
}

// account is the job's; the caller holds mu.
func (j *Jobs) account(id string) *account {
	a := j.jobs[id]
	if a == nil {
		a = &account{}
		j.jobs[id] = a
	}
	return a
}

// fits says whether the job may hold n more: within its limit, and no more than
// is free for all.
func (j *Jobs) fits(a *account, k Kind, n int64) bool {
	l := j.limits[k]
	return a.held[k]+n <= min(l.Each, l.All-j.all[k])
}

func (j *Jobs) give(a *account, k Kind, n int64) {
	a.held[k] += n
	j.all[k] += n
}

// release gives back once, and lets those go on who fit now: of the jobs that
// wait, the one that holds least first.
func (b Job) release(k Kind, n int64) func() {
	return sync.OnceFunc(func() {
		j := b.jobs
		j.mu.Lock()
		defer j.mu.Unlock()
		a := j.account(b.id)
		a.held[k] -= n
		j.all[k] -= n
		j.serve(k)
		j.forget(b.id, a)
	})
}

func (j *Jobs) serve(k Kind) {
	for {
		var next *account
		for _, a := range j.jobs {
			if len(a.waiting[k]) > 0 && j.fits(a, k, a.waiting[k][0].n) && (next == nil || a.held[k] < next.held[k]) {
				next = a
			}
		}
		if next == nil {
			return
		}
		w := next.waiting[k][0]
		next.waiting[k] = next.waiting[k][1:]
		j.give(next, k, w.n)
		close(w.ready)
	}
}

// leave takes a waiter out of its queue; false where it was served already.
func (j *Jobs) leave(id string, k Kind, w *waiter) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	a := j.account(id)
	defer j.forget(id, a)
	for i, other := range a.waiting[k] {
		if other == w {
			a.waiting[k] = append(a.waiting[k][:i:i], a.waiting[k][i+1:]...)
			j.serve(k) // who stood behind it may fit
			return true
		}
	}
	return false
}

// forget drops an account that holds nothing and waits for nothing.
func (j *Jobs) forget(id string, a *account) {
	for k := range kinds {
		if a.held[k] != 0 || len(a.waiting[k]) > 0 {
			return
		}
	}
	delete(j.jobs, id)
}
