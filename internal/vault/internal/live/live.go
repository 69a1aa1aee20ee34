// Package live knows what is under way for jobs in the vault's process, and ends
// it when a job's grant dies.
//
// It guards that what was taken away ends within a second, open streams
// included. Whether something may begin it does not decide: the vault does, at
// each use. One way to use it:
//
//	jobs := live.Watch(door, nil, border.Log(log))
//	ctx, leave := jobs.Enter(ctx, job)
//	defer leave()
package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/vault/internal/door"
)

// ErrRevoked is the cause of what ends since a job's grant died.
var ErrRevoked = errors.New("the job's grant is dead")

// Jobs is what is under way, by job.
type Jobs struct {
	mu    sync.Mutex
	jobs  map[hotcell.JobID]map[*entry]struct{}
	ended chan struct{}
	// over is told of a job whose grant died.
	over func(hotcell.JobID)
}

type entry struct{ cancel context.CancelCauseFunc }

// Watch follows the vault's revocations until Close. It tells over, where that is
// set, of each job whose grant died, and of an empty one where some were missed.
// After a fault it goes on, and what was under way has ended; caught is told.
func Watch(v *door.Vault, over func(hotcell.JobID), caught border.Caught) *Jobs {
	if over == nil {
		over = func(hotcell.JobID) {}
	}
	j := &Jobs{jobs: map[hotcell.JobID]map[*entry]struct{}{}, ended: make(chan struct{}), over: over}
	revocations, cancel := v.Watch()
	const at = "the watch on dead grants"
	border.Go(at, caught, func() {
		for over := false; !over; {
			border.Func(at, caught, func() { over = j.follow(revocations) })()
			cancel()
			if !over {
				revocations, cancel = v.Watch()
				j.all() // some were missed: nobody knows which
			}
		}
	})
	return j
}

// follow returns true when it was told to stop, and false when it lost the track.
func (j *Jobs) follow(revocations <-chan door.Revocation) bool {
	for {
		select {
		case <-j.ended:
			return true
		case r, open := <-revocations:
			if !open {
				return false
			}
			if !r.Widened {
				j.end(r.Job, r.Reason)
			}
		}
	}
}

// Enter notes something under way, whose context ends with the job's grant;
// leave forgets it.
func (j *Jobs) Enter(ctx context.Context, job hotcell.JobID) (within context.Context, leave func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	e := &entry{cancel}
	j.mu.Lock()
	if j.jobs[job] == nil {
		j.jobs[job] = map[*entry]struct{}{}
	}
	j.jobs[job][e] = struct{}{}
	j.mu.Unlock()
	return ctx, func() {
		cancel(nil)
		j.mu.Lock()
		defer j.mu.Unlock()
		if delete(j.jobs[job], e); len(j.jobs[job]) == 0 {
			delete(j.jobs, job)
		}
	}
}

// Bind closes connections when ctx ends; release lets go of them.
func Bind(ctx context.Context, connections ...io.Closer) (release func()) {
	stop := border.WithEnd(ctx, "the end of a job's connections", border.Silent, func() {
		for _, c := range connections {
			_ = c.Close()
		}
	})
	return func() { stop() }
}

func (j *Jobs) end(job hotcell.JobID, reason string) {
	j.mu.Lock()
	for e := range j.jobs[job] {
		e.cancel(fmt.Errorf("%w: %s", ErrRevoked, reason))
	}
	j.mu.Unlock()
	j.over(job)
}

func (j *Jobs) all() {
	j.mu.Lock()
	for _, entries := range j.jobs {
		for e := range entries {
			e.cancel(ErrRevoked)
		}
	}
	j.mu.Unlock()
	j.over("")
}

// Close ends what is under way.
func (j *Jobs) Close() {
	close(j.ended)
	j.all()
}
