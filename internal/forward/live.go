package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"hotcell"
	"hotcell/internal/vault"
)

// errRevoked ends what is under way of a job whose grant died.
var errRevoked = errors.New("the job's grant is dead")

// live knows what is under way, by job, and ends it when the grant dies.
type live struct {
	mu   sync.Mutex
	jobs map[hotcell.JobID]map[*entry]struct{}
	stop func()
}

type entry struct{ cancel context.CancelCauseFunc }

// watch follows the vault's revocations.
func (l *live) watch(v *vault.Vault) {
	l.jobs = map[hotcell.JobID]map[*entry]struct{}{}
	ended := make(chan struct{})
	l.stop = func() { close(ended) }
	go func() {
		for {
			revocations, cancel := v.Watch()
			if l.follow(revocations, ended) {
				cancel()
				return
			}
			cancel()
			l.all() // some were missed: nobody knows which
		}
	}()
}

// follow returns true when it was told to stop, and false when it lost the track.
func (l *live) follow(revocations <-chan vault.Revocation, ended <-chan struct{}) bool {
	for {
		select {
		case <-ended:
			return true
		case r, open := <-revocations:
			if !open {
				return false
			}
			if !r.Widened {
				l.end(r.Job, r.Reason)
			}
		}
	}
}

// enter notes something under way; leave forgets it.
func (l *live) enter(ctx context.Context, job hotcell.JobID) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	e := &entry{cancel}
	l.mu.Lock()
	if l.jobs[job] == nil {
		l.jobs[job] = map[*entry]struct{}{}
	}
	l.jobs[job][e] = struct{}{}
	l.mu.Unlock()
	return ctx, func() {
		cancel(nil)
		l.mu.Lock()
		defer l.mu.Unlock()
		if delete(l.jobs[job], e); len(l.jobs[job]) == 0 {
			delete(l.jobs, job)
		}
	}
}

// bind closes connections when ctx ends; release lets go of them.
func (l *live) bind(ctx context.Context, connections ...io.Closer) (release func()) {
	stop := context.AfterFunc(ctx, func() {
		for _, c := range connections {
			_ = c.Close()
		}
	})
	return func() { stop() }
}

func (l *live) end(job hotcell.JobID, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for e := range l.jobs[job] {
		e.cancel(fmt.Errorf("%w: %s", errRevoked, reason))
	}
}

func (l *live) all() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, entries := range l.jobs {
		for e := range entries {
			e.cancel(errRevoked)
		}
	}
}

func (l *live) close() {
	l.stop()
	l.all()
}
