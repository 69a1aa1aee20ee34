package job

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"hotcell"
)

// Keep says for how long, and how much, what jobs logged and left is kept: of each
// workspace. 0 is without a limit.
type Keep struct {
	Logs, Outputs time.Duration
	// LogBytes, OutputBytes and Bytes bound logs, outputs and both together; what is
	// oldest goes first.
	LogBytes, OutputBytes, Bytes int64
}

// dropStep is how many chunks of a log are removed at a time: others write in
// between.
const dropStep = 500

// retainEvery is how often it is looked what may go.
const retainEvery = 10 * time.Minute

// Retain removes what may go, now and again, until ctx ends.
func (s *Service) Retain(ctx context.Context, keep Keep, workspaces ...hotcell.WorkspaceID) {
	tick := time.NewTicker(retainEvery)
	defer tick.Stop()
	for {
		for _, ws := range workspaces {
			if err := s.RetainOnce(ctx, keep, ws); err != nil && ctx.Err() == nil {
				s.Config.Log.Error("removing what jobs left long ago", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// sizes are how much of a workspace's newer jobs is kept.
type sizes struct{ logs, outputs int64 }

// RetainOnce looks at a workspace's jobs, newest first, and removes the logs and
// outputs that are too old, or too much beside the newer ones. Jobs themselves
// stay, and say when that was.
func (s *Service) RetainOnce(ctx context.Context, keep Keep, ws hotcell.WorkspaceID) error {
	var total sizes
	page := hotcell.Page{Limit: hotcell.MaxPage}
	for ctx.Err() == nil {
		jobs, err := s.Store.Jobs(ctx, ws, hotcell.JobFilter{}, page)
		if err != nil {
			return fmt.Errorf("looking for old jobs: %w", err)
		}
		for _, j := range jobs {
			if err := s.retain(ctx, keep, &total, j); err != nil {
				return err
			}
			page.After = string(j.ID)
		}
		if len(jobs) < page.Limit {
			return nil
		}
	}
	return ctx.Err()
}

// retain removes what is to go of one job.
func (s *Service) retain(ctx context.Context, keep Keep, total *sizes, j hotcell.Job) error {
	if !j.State.Final() || j.EndedAt == nil {
		return nil
	}
	age := s.Now().Sub(*j.EndedAt)
	log, output := j.LogRemovedAt == nil, j.OutputRemovedAt == nil && j.OutputSize > 0
	if log {
		total.logs += j.LogSize
	}
	if output {
		total.outputs += j.OutputSize
	}
	over := func(limit, n int64) bool { return limit > 0 && n > limit }
	much := over(keep.Bytes, total.logs+total.outputs)
	if log && (much || over(keep.LogBytes, total.logs) || keep.Logs > 0 && age > keep.Logs) {
		total.logs -= j.LogSize
		if err := s.dropLog(ctx, j); err != nil {
			return err
		}
	}
	if output && (much || over(keep.OutputBytes, total.outputs) || keep.Outputs > 0 && age > keep.Outputs) {
		total.outputs -= j.OutputSize
		return s.dropOutput(ctx, j)
	}
	return nil
}

func (s *Service) dropLog(ctx context.Context, j hotcell.Job) error {
	for {
		n, err := s.Store.DropLog(ctx, j.ID, dropStep)
		if err != nil {
			return err
		}
		if n < dropStep {
			break
		}
	}
	return s.removed(ctx, j, func(j *hotcell.Job, now time.Time) { j.LogRemovedAt = &now })
}

func (s *Service) dropOutput(ctx context.Context, j hotcell.Job) error {
	if err := os.Remove(s.Config.Output.path(j.ID)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing a job's output: %w", err)
	}
	return s.removed(ctx, j, func(j *hotcell.Job, now time.Time) { j.OutputRemovedAt = &now })
}

func (s *Service) removed(ctx context.Context, j hotcell.Job, note func(*hotcell.Job, time.Time)) error {
	_, err := s.Store.ChangeJob(ctx, j.ID, []hotcell.JobState{j.State}, func(j *hotcell.Job) { note(j, s.Now().UTC()) })
	return err
}
