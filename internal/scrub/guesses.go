package scrub

import (
	"context"
	"hash/maphash"
	"io"
	"net/http"
	"sync"
	"time"

	"hotcell"
	"hotcell/internal/guard"
)

// Guesses sees loops that guess: a job that asks again and again, each time
// otherwise, and whose answers are redacted, learns from each whether what it sent
// was right. Each such answer counts; a job may have some, and one more with each
// while that passes; one that has more waits before each request, longer and longer.
// It refuses nothing: a service that repeats the credential in each answer is slow
// for who asks it hundreds of different things. The zero value is ready, with the
// clock of the machine.
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
	// maxLoops is how many jobs are remembered.
	maxLoops = 4096
)

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

// Pause waits so long, or until ctx is done.
func (g *Guesses) Pause(ctx context.Context, job hotcell.JobID) error {
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
		return ctx.Err()
	}
}

func (l *loop) refill(now time.Time) {
	l.left = min(freeGuesses, l.left+float64(now.Sub(l.at))/float64(perGuess))
	l.at = now
}

// Redacted notes that the answer to a request was redacted. It returns how many of
// a job's were, of requests that differ, where the job waits from now on; else 0.
func (g *Guesses) Redacted(job hotcell.JobID, request uint64) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	l := g.jobs[job]
	if l == nil {
		if g.jobs == nil {
			g.jobs = map[hotcell.JobID]*loop{}
		}
		if len(g.jobs) >= maxLoops {
			g.forget(now)
		}
		l = &loop{left: freeGuesses, at: now}
		g.jobs[job] = l
	}
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

// Asked is one request, and how often its answer was redacted.
type Asked struct {
	mu    sync.Mutex
	sum   maphash.Hash
	found int
}

// Ask takes note of a request; its body as it is read.
func (g *Guesses) Ask(r *http.Request) *Asked {
	g.mu.Lock()
	if g.seed == (maphash.Seed{}) {
		g.seed = maphash.MakeSeed()
	}
	a := &Asked{}
	a.sum.SetSeed(g.seed)
	g.mu.Unlock()
	_, _ = a.sum.WriteString(r.Method + " " + r.URL.String())
	// Headers are in no order: each is hashed by itself, and they are added up.
	total := uint64(0)
	for name, values := range r.Header {
		for _, v := range values {
			total += maphash.String(g.seed, name+"\x00"+v)
		}
	}
	for range 8 {
		_ = a.sum.WriteByte(byte(total)) // never fails
		total >>= 8
	}
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &heard{r.Body, a}
	}
	return a
}

// Policy redacts all, and counts.
func (a *Asked) Policy(guard.Match) guard.Verdict {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.found++
	return guard.Redact
}

// Answered notes how the answer was, and returns what [Guesses.Redacted] does.
func (g *Guesses) Answered(job hotcell.JobID, a *Asked) int64 {
	a.mu.Lock()
	found, sum := a.found, a.sum.Sum64()
	a.mu.Unlock()
	if found == 0 {
		return 0
	}
	return g.Redacted(job, sum)
}

// heard is a body that is hashed as it is read.
type heard struct {
	io.ReadCloser
	asked *Asked
}

// Read implements [io.Reader].
func (h *heard) Read(p []byte) (int, error) {
	n, err := h.ReadCloser.Read(p)
	h.asked.mu.Lock()
	defer h.asked.mu.Unlock()
	_, _ = h.asked.sum.Write(p[:n]) // never fails
	return n, err
}
