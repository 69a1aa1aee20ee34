package scrub

import (
	"context"
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"hotcell"
)

// Guesses sees loops that guess: a job that asks again and again, each time
// otherwise, and whose answers are redacted, learns from each whether what it sent
// was right. Each such answer counts; a job may have some, and one more with each
// while that passes; one that has more waits before each request, longer and longer.
// A service that repeats the whole credential in each answer is slow for who asks it
// hundreds of different things, and nothing is refused.
//
// Parts are another matter: one request can hold thousands of guesses, and which
// of them is redacted tells several characters at once, however slow it is. A service
// that shows a part of a credential shows the same part again and again; who guesses
// has always another. So after a few that differ, the job uses none of its credentials
// any more. The zero value is ready, with the clock of the machine.
type Guesses struct {
	// Now is the clock; nil for the machine's.
	Now func() time.Time

	mu   sync.Mutex
	jobs map[hotcell.JobID]*loop
	seed maphash.Seed
}

// loop is what is known of one job.
type loop struct {
	count int64
	// left is how many answers it may have redacted at that time without waiting.
	left float64
	at   time.Time
	// free is when the next request may go.
	free time.Time
	// seen are the latest requests whose answers were redacted.
	seen [16]uint64
	next int
	// parts are the parts of values that were in its answers: those that differ.
	parts map[uint64]bool
}

const (
	// freeGuesses is how many redacted answers a job may have at once: fewer than it
	// takes to guess one character.
	freeGuesses = 24
	// perGuess is how long it takes for one more.
	perGuess = time.Minute
	// The first wait, which doubles up to the longest.
	firstWait   = time.Second
	longestWait = 32 * time.Second
	// maxParts is how many parts of values that differ a job's answers may show.
	maxParts = 4
	// maxLoops is how many jobs are remembered.
	maxLoops = 4096
)

// ErrGuessing is why a job uses its credentials no more.
var ErrGuessing = fmt.Errorf("%w: the answers to this job showed %d parts of its credentials that differ, so it may be guessing them: it uses them no more; start another job if it was not", hotcell.ErrDenied, maxParts+1)

func (g *Guesses) now() time.Time {
	if g.Now == nil {
		return time.Now()
	}
	return g.Now()
}

// Wait is how long a job waits before its next request. Its requests wait one after
// the other, so that it does not help to send many at once.
func (g *Guesses) Wait(job hotcell.JobID) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.jobs[job]
	if l == nil {
		return 0
	}
	now := g.now()
	l.refill(now)
	if l.left >= 0 {
		return 0
	}
	wait := firstWait
	for over := -l.left; over > 1 && wait < longestWait; over-- {
		wait *= 2
	}
	if l.free.Before(now) {
		l.free = now
	}
	l.free = l.free.Add(wait)
	return l.free.Sub(now)
}

// Pause waits so long, or until ctx is done. It fails with [ErrGuessing] where the
// job may use nothing any more.
func (g *Guesses) Pause(ctx context.Context, job hotcell.JobID) error {
	if g.over(job) {
		return ErrGuessing
	}
	wait := g.Wait(job)
	if wait == 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// over says whether a job has seen too many parts.
func (g *Guesses) over(job hotcell.JobID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.jobs[job]
	return l != nil && len(l.parts) > maxParts
}

func (l *loop) refill(now time.Time) {
	l.left = min(freeGuesses, l.left+float64(now.Sub(l.at))/float64(perGuess))
	l.at = now
}

// of is what is known of a job, from now on.
func (g *Guesses) of(job hotcell.JobID, now time.Time) *loop {
	l := g.jobs[job]
	if l == nil {
		if g.jobs == nil {
			g.jobs = map[hotcell.JobID]*loop{}
		}
		if len(g.jobs) >= maxLoops {
			g.forget(now)
		}
		l = &loop{left: freeGuesses, at: now, parts: map[uint64]bool{}}
		g.jobs[job] = l
	}
	return l
}

// Showed notes a part of a value that was in an answer to a job, as [guard.Told] has it.
func (g *Guesses) Showed(job hotcell.JobID, part uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l := g.of(job, g.now()); len(l.parts) <= maxParts {
		l.parts[part] = true
	}
}

// Redacted notes that the answer to a request was redacted. It returns how many of
// a job's were, of requests that differ, where the job waits from now on; else 0.
func (g *Guesses) Redacted(job hotcell.JobID, request uint64) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	l := g.of(job, now)
	for _, one := range l.seen {
		if one == request {
			return 0 // it tells nothing that was not told before
		}
	}
	l.seen[l.next%len(l.seen)] = request
	l.next++
	l.count++
	l.refill(now)
	if l.left--; l.left >= 0 {
		return 0
	}
	return l.count
}

// forget drops jobs that have long had no redacted answer; where all have, the one
// that had one longest ago.
func (g *Guesses) forget(now time.Time) {
	var oldest hotcell.JobID
	for job, l := range g.jobs {
		if len(l.parts) > maxParts {
			continue
		}
		if now.Sub(l.at) > freeGuesses*perGuess {
			delete(g.jobs, job)
		} else if known := g.jobs[oldest]; known == nil || l.at.Before(known.at) {
			oldest = job
		}
	}
	if len(g.jobs) >= maxLoops {
		delete(g.jobs, oldest)
	}
}
