package job_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/control/job"
	"hotcell/internal/line/workerrpc"
)

// leaving is a run that logs so much and leaves so much.
func leaving(log, output int) func(fn func(*workerrpc.RunEvent) error) error {
	return func(fn func(*workerrpc.RunEvent) error) error {
		for _, e := range []workerrpc.RunEvent{
			{Kind: workerrpc.Started, At: time.Now()},
			{Kind: workerrpc.Log, At: time.Now(), Stream: "stdout", Data: []byte(strings.Repeat("x", log))},
			{Kind: workerrpc.Output, Data: []byte(strings.Repeat("y", output))},
			{Kind: workerrpc.Ended, End: &workerrpc.End{Code: new(int), Output: int64(output)}},
		} {
			if err := fn(&e); err != nil {
				return err
			}
		}
		return nil
	}
}

func (s *scene) left(t *testing.T, n int) (ids []hotcell.JobID) {
	t.Helper()
	s.perform = performing(leaving(1000, 3000))
	s.work(t)
	for range n {
		id := s.made(t)
		if j, _ := s.end(t, id); j.State != hotcell.JobSucceeded || j.LogSize != 1000 || j.OutputSize != 3000 {
			t.Fatalf("%s: %s, %d, %d", j.State, j.Reason, j.LogSize, j.OutputSize)
		}
		ids = append(ids, id)
	}
	return ids
}

// has says what is left of a job.
func (s *scene) has(t *testing.T, id hotcell.JobID) (log, output bool) {
	t.Helper()
	chunks, err := s.Log(t.Context(), ada, id, 0)
	if err != nil {
		t.Fatal(err)
	}
	archive, _, err := s.Output(t.Context(), ada, id)
	if err == nil {
		_ = archive.Close()
	} else if !errors.Is(err, hotcell.ErrNotFound) {
		t.Error(err)
	}
	return len(chunks) > 0, err == nil
}

func TestWhatIsTooOldIsRemovedAndTheJobSaysSo(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	ids := s.left(t, 2)
	keep := job.Keep{Logs: 48 * time.Hour, Outputs: 24 * time.Hour}
	for _, step := range []struct {
		later       time.Duration
		log, output bool
	}{{0, true, true}, {25 * time.Hour, true, false}, {24 * time.Hour, false, false}} {
		s.later(step.later)
		if err := s.RetainOnce(t.Context(), keep, here); err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			if log, output := s.has(t, id); log != step.log || output != step.output {
				t.Errorf("after %s more: log %v, output %v", step.later, log, output)
			}
		}
	}
	j, err := s.Job(t.Context(), ada, ids[0])
	if err != nil || j.LogRemovedAt == nil || j.OutputRemovedAt == nil || j.State != hotcell.JobSucceeded {
		t.Errorf("%+v, %v", j, err)
	}
	if _, _, err := s.Output(t.Context(), ada, ids[0]); err == nil || !strings.Contains(err.Error(), "removed by retention") {
		t.Errorf("its output: %v", err)
	}
}

func TestWhatIsTooMuchIsRemovedOldestFirst(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		keep          job.Keep
		logs, outputs int
	}{
		"no limit":    {job.Keep{}, 6, 6},
		"of logs":     {job.Keep{LogBytes: 2500}, 2, 6},
		"of outputs":  {job.Keep{OutputBytes: 3000}, 6, 1},
		"of both":     {job.Keep{Bytes: 8500}, 2, 2},
		"of anything": {job.Keep{LogBytes: 1, OutputBytes: 1}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			ids := s.left(t, 6)
			if err := s.RetainOnce(t.Context(), test.keep, here); err != nil {
				t.Fatal(err)
			}
			for i, id := range ids {
				log, output := s.has(t, id)
				if age := len(ids) - i; log != (age <= test.logs) || output != (age <= test.outputs) {
					t.Errorf("the %d. newest: log %v, output %v", age, log, output)
				}
			}
		})
	}
}

func performing(run func(fn func(*workerrpc.RunEvent) error) error) func(context.Context, hotcell.Job, func(*workerrpc.RunEvent) error) error {
	return func(_ context.Context, _ hotcell.Job, fn func(*workerrpc.RunEvent) error) error { return run(fn) }
}
