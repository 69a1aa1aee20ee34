package job_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/control/job"
	"hotcell/internal/line/workerrpc"
)

type sender = func(*workerrpc.RunEvent) error

// saying is a run that prints each of the lines when it is let.
func saying(lines int, let <-chan struct{}) func(context.Context, hotcell.Job, sender) error {
	return func(_ context.Context, _ hotcell.Job, fn sender) error {
		err := fn(&workerrpc.RunEvent{Kind: workerrpc.Started, At: time.Now()})
		for i := range lines {
			if let != nil {
				<-let
			}
			stream := []string{"stdout", "stderr"}[i%2]
			err = errors.Join(err, fn(&workerrpc.RunEvent{Kind: workerrpc.Log, At: time.Now(), Stream: stream, Data: fmt.Appendf(nil, "%d\n", i)}))
		}
		return errors.Join(err, fn(&workerrpc.RunEvent{Kind: workerrpc.Ended, End: &workerrpc.End{Code: new(int)}}))
	}
}

// follow collects a log after a chunk until the job has ended.
func (s *scene) follow(ctx context.Context, id hotcell.JobID, after int64, seen func(int)) (string, error) {
	var text strings.Builder
	last, count := after, 0
	j, err := s.Follow(ctx, ada, id, after, func(chunks []hotcell.LogChunk) error {
		for _, c := range chunks {
			if c.Sequence <= last {
				return fmt.Errorf("chunk %d came after %d", c.Sequence, last)
			}
			last = c.Sequence
			text.Write(c.Data)
			count++
			if seen != nil {
				seen(count)
			}
		}
		return nil
	})
	if err == nil && !j.State.Final() {
		err = fmt.Errorf("it returned while the job is %s", j.State)
	}
	return text.String(), err
}

func numbers(from, to int) string {
	var text strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&text, "%d\n", i)
	}
	return text.String()
}

func TestFollowersGetEverythingInOrderAsItComes(t *testing.T) {
	t.Parallel()
	const lines = 40
	s, let := newScene(t), make(chan struct{})
	s.perform = saying(lines, let)
	s.work(t)
	id := s.made(t)
	var wait sync.WaitGroup
	for follower := range 2 {
		wait.Go(func() {
			// The first lets a line out when it has the one before: it would wait for
			// ever if the log were only told at the end.
			pace := func(seen int) {
				if follower == 0 && seen < lines {
					let <- struct{}{}
				}
			}
			pace(0)
			if text, err := s.follow(t.Context(), id, 0, pace); err != nil || text != numbers(0, lines) {
				t.Errorf("follower %d: %v, %q", follower, err, text)
			}
		})
	}
	wait.Wait()
	if text, err := s.follow(t.Context(), id, 30, nil); err != nil || text != numbers(30, lines) {
		t.Errorf("resumed after 30: %v, %q", err, text)
	}
	if text, err := s.follow(t.Context(), id, lines, nil); err != nil || text != "" {
		t.Errorf("resumed after the last: %v, %q", err, text)
	}
	if n := s.Followed(); n != 0 {
		t.Errorf("%d jobs are still waited for", n)
	}
}

func TestALongLogIsHandedOverPageByPage(t *testing.T) {
	t.Parallel()
	const lines = 2345
	s := newScene(t)
	s.perform = saying(lines, nil)
	s.work(t)
	id := s.made(t)
	if text, err := s.follow(t.Context(), id, 0, nil); err != nil || text != numbers(0, lines) {
		t.Errorf("%v, %d bytes", err, len(text))
	}
	page, err := s.Log(t.Context(), ada, id, 2000)
	if err != nil || len(page) != lines-2000 || string(page[0].Data) != "2000\n" || page[0].Stream != "stdout" || page[1].Stream != "stderr" {
		t.Errorf("a page: %v, %d chunks", err, len(page))
	}
}

func TestAFollowerMayStopAndMayFail(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.perform = hanging
	s.work(t)
	id := s.made(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { _, err := s.follow(ctx, id, 0, nil); done <- err }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	if _, err := s.Cancel(t.Context(), ada, id); err != nil {
		t.Fatal(err)
	}
	s.end(t, id)
	s.perform = ending(0, "")
	id, full := s.made(t), errors.New("the pipe is full")
	if _, err := s.Follow(t.Context(), ada, id, 0, func([]hotcell.LogChunk) error { return full }); !errors.Is(err, full) {
		t.Errorf("failed: %v", err)
	}
}

func TestPastItsLimitALogSaysSoOnce(t *testing.T) {
	t.Parallel()
	s := newScene(t, func(c *job.Config) { c.MaxLog = 1 << 20 })
	s.perform = func(_ context.Context, _ hotcell.Job, fn sender) error {
		for range 12 {
			_ = fn(&workerrpc.RunEvent{Kind: workerrpc.Log, Stream: "stdout", Data: make([]byte, 100<<10)})
		}
		return fn(&workerrpc.RunEvent{Kind: workerrpc.Ended, End: &workerrpc.End{Code: new(int)}})
	}
	s.work(t)
	j, log := s.end(t, s.made(t))
	said := strings.Count(log, "hotcell:the log has reached 1 MiB")
	if j.State != hotcell.JobSucceeded || said != 1 || strings.Count(log, "\x00") != 10*100<<10 {
		t.Errorf("%s, said %d times, %d bytes kept", j.State, said, strings.Count(log, "\x00"))
	}
}

// full is a store on a disk that has no room for logs.
type full struct{ hotcell.ControlStore }

func (full) AppendLog(context.Context, hotcell.JobID, ...hotcell.LogChunk) error {
	return errors.New("no space left on device")
}

func TestALogThatCannotBeStoredFailsTheJobAndHoldsNothingUp(t *testing.T) {
	t.Parallel()
	s := newScene(t, func(c *job.Config) { c.Store = full{c.Store} })
	s.perform = saying(2000, nil)
	s.work(t)
	if j, log := s.end(t, s.made(t)); j.State != hotcell.JobFailed || !strings.Contains(j.Reason, "could not be stored") || log != "" {
		t.Errorf("%s: %s, %q", j.State, j.Reason, log)
	}
}
