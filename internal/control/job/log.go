package job

import (
	"context"
	"fmt"
	"sync"

	"hotcell"
	"hotcell/internal/line/border"
)

// feed wakes those who follow a job. It carries no data: they read the store.
type feed struct {
	mu   sync.Mutex
	jobs map[hotcell.JobID]chan struct{}
}

func newFeed() *feed { return &feed{jobs: map[hotcell.JobID]chan struct{}{}} }

// next is closed when something happens to the job after this call.
func (f *feed) next(id hotcell.JobID) <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	ch, there := f.jobs[id]
	if !there {
		ch = make(chan struct{})
		f.jobs[id] = ch
	}
	return ch
}

func (f *feed) wake(id hotcell.JobID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ch, there := f.jobs[id]; there {
		close(ch)
		delete(f.jobs, id)
	}
}

// logPage is how many chunks are read from the store at once.
const logPage = 500

// Log returns a job's log after a chunk, oldest first, a page at the most.
func (s *Service) Log(ctx context.Context, p hotcell.Principal, id hotcell.JobID, after int64) ([]hotcell.LogChunk, error) {
	if _, err := s.Job(ctx, p, id); err != nil {
		return nil, err
	}
	return s.Store.Log(ctx, id, after, logPage)
}

// Follow hands a job's log over as it grows, and returns the job when it has
// ended and all was handed over.
func (s *Service) Follow(ctx context.Context, p hotcell.Principal, id hotcell.JobID, after int64, fn func([]hotcell.LogChunk) error) (hotcell.Job, error) {
	for {
		next := s.feed.next(id)
		j, err := s.Job(ctx, p, id)
		if err != nil {
			return j, err
		}
		for {
			chunks, err := s.Store.Log(ctx, id, after, logPage)
			if err != nil {
				return j, err
			}
			if len(chunks) == 0 {
				break
			}
			if err := fn(chunks); err != nil {
				return j, err
			}
			after = chunks[len(chunks)-1].Sequence
		}
		if j.State.Final() {
			s.feed.wake(id) // nobody will: what was asked for above would stay
			return j, nil
		}
		select {
		case <-ctx.Done():
			return j, ctx.Err()
		case <-next:
		}
	}
}

// recorder stores a job's log in the order in which it came. What comes while
// the disk is busy is stored together.
type recorder struct {
	s    *Service
	id   hotcell.JobID
	in   chan hotcell.LogChunk
	done chan struct{}
	size int64
	// stored is how much of it is in the store.
	stored int64
	err    error
}

// defaultMaxLog is how much of a job's log is kept, in bytes, where nobody says.
const defaultMaxLog = 256 << 20

func (s *Service) record(ctx context.Context, id hotcell.JobID) *recorder {
	r := &recorder{s: s, id: id, in: make(chan hotcell.LogChunk, 256), done: make(chan struct{})}
	border.Go("storing a job's log", border.Log(s.Config.Log), func() { r.run(context.WithoutCancel(ctx)) })
	return r
}

func (r *recorder) run(ctx context.Context) {
	defer close(r.done)
	for chunk := range r.in {
		batch := []hotcell.LogChunk{chunk}
		for more := true; more && len(batch) < logPage; {
			select {
			case c, open := <-r.in:
				if more = open; open {
					batch = append(batch, c)
				}
			default:
				more = false
			}
		}
		if r.err != nil {
			continue
		}
		// It goes on reading also after a fault: who adds to it must not wait for ever.
		r.err = border.Run("storing a job's log", func() error { return r.s.Store.AppendLog(ctx, r.id, batch...) })
		if r.err != nil {
			border.Tell(r.s.Config.Log, r.err)
			r.s.Config.Log.Error("a job's log could not be stored", "job", r.id, "error", r.err)
			continue
		}
		for _, c := range batch {
			r.stored += int64(len(c.Data))
		}
		r.s.feed.wake(r.id)
	}
}

// add takes a chunk; past the limit it says so once and drops.
func (r *recorder) add(c hotcell.LogChunk) {
	before, most := r.size, r.s.MaxLog
	r.size += int64(len(c.Data))
	if before > most {
		return
	}
	if r.size > most {
		c = hotcell.LogChunk{At: c.At, Stream: "hotcell", Data: fmt.Appendf(nil, "the log has reached %d MiB; the rest is not kept\n", most>>20)}
	}
	r.in <- c
}

// close waits until all is stored.
func (r *recorder) close() error {
	close(r.in)
	<-r.done
	return r.err
}
