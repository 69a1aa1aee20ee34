package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"hotcell"
)

// kindRun is River's name for an entry of the queue.
const kindRun = "hotcell_job"

// entry is all that River stores of a job: arguments are kept in clear.
type entry struct {
	Job hotcell.JobID `json:"job"`
}

// Kind implements [river.JobArgs].
func (entry) Kind() string { return kindRun }

// enter puts a job into the queue, within the transaction.
func (c *Control) enter(ctx context.Context, s *session, id hotcell.JobID) error {
	made, err := c.entries.InsertTx(context.WithoutCancel(ctx), s.tx, entry{id}, &river.InsertOpts{MaxAttempts: 1})
	if err != nil {
		return s.judge(err)
	}
	_, err = s.exec("UPDATE jobs SET entry = ? WHERE id = ?", made.Job.ID, string(id))
	return err
}

// Times of the queue. A new entry is fetched at once, since [driver.wake] tells
// of it; looking without being told is for what was missed.
const (
	lookEvery   = time.Second
	fetchPause  = 2 * time.Millisecond
	keepEntries = time.Hour
	never       = 100 * 365 * 24 * time.Hour
)

// Work implements [hotcell.Queue]. Called again while it runs, it fails with
// [hotcell.ErrConflict].
//
// It begins by making the queue whole after a death: what was handed out and
// not finished is handed out again, and a job that is queued and has no entry,
// because its run was given up before it began, gets one.
func (c *Control) Work(ctx context.Context, limit int, run func(context.Context, hotcell.JobID)) error {
	if !c.working.TryLock() {
		return fmt.Errorf("%w: the queue is being worked already", hotcell.ErrConflict)
	}
	defer c.working.Unlock()
	if ctx.Err() != nil {
		return nil
	}
	if err := c.writer.update(ctx, func(s *session) error { return c.restore(ctx, s) }); err != nil {
		return fmt.Errorf("restoring the queue: %w", err)
	}
	workers := river.NewWorkers()
	if err := river.AddWorkerSafely(workers, &runner{run: run}); err != nil {
		return fmt.Errorf("preparing the queue: %w", err)
	}
	client, err := river.NewClient(c.driver, &river.Config{
		Queues:                      map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: limit}},
		Workers:                     workers,
		Logger:                      c.log,
		MaxAttempts:                 1,
		JobTimeout:                  -1,
		RescueStuckJobsAfter:        never, // a job has a heartbeat of its own
		FetchPollInterval:           lookEvery,
		FetchCooldown:               fetchPause,
		CompletedJobRetentionPeriod: keepEntries,
		DiscardedJobRetentionPeriod: keepEntries,
		CancelledJobRetentionPeriod: keepEntries,
		ReindexerIndexNames:         []string{},
	})
	if err != nil {
		return fmt.Errorf("preparing the queue: %w", err)
	}
	if err := client.Start(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("working the queue: %w", err)
	}
	<-client.Stopped() // after ctx has ended, and every run with it
	return nil
}

// restore makes sure that every queued job has one entry that can be fetched.
func (c *Control) restore(ctx context.Context, s *session) error {
	if _, err := s.exec(`UPDATE river_job SET state = 'available', attempt = 0, attempted_at = NULL, attempted_by = NULL
		WHERE kind = ? AND state IN ('running', 'retryable', 'scheduled', 'pending')`, kindRun); err != nil {
		return err
	}
	lost, err := documents[hotcell.Job](s, `SELECT document FROM jobs WHERE state = 'queued' AND NOT EXISTS
		(SELECT 1 FROM river_job WHERE river_job.id = jobs.entry AND river_job.state = 'available')
		ORDER BY created, jobs.id`)
	if err != nil {
		return err
	}
	for _, job := range lost {
		if err := c.enter(ctx, s, job.ID); err != nil {
			return err
		}
	}
	return nil
}

// runner is what River calls for an entry.
type runner struct {
	river.WorkerDefaults[entry]
	run func(context.Context, hotcell.JobID)
}

// Work implements [river.Worker]. It has no failure: what became of a job is in
// its row.
func (r *runner) Work(ctx context.Context, e *river.Job[entry]) error {
	r.run(ctx, e.Args.Job)
	return nil
}
