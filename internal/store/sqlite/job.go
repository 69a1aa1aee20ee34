package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"hotcell"
)

// CreateJob implements [hotcell.ControlStore].
func (c *Control) CreateJob(ctx context.Context, job hotcell.Job) error {
	if job.State != hotcell.JobQueued {
		return hotcell.Invalid("/state", "a job begins as queued")
	}
	text, err := encode(job)
	if err != nil {
		return err
	}
	err = c.writer.update(ctx, func(s *session) error {
		if _, err := s.exec("INSERT INTO jobs (id, created, document) VALUES (?, ?, ?)",
			string(job.ID), job.CreatedAt.UnixNano(), text); err != nil {
			return err
		}
		return c.enter(ctx, s, job.ID)
	})
	if err != nil {
		return fmt.Errorf("creating job: %w", err)
	}
	c.driver.wake()
	return nil
}

// Job implements [hotcell.ControlStore].
func (c *Control) Job(ctx context.Context, ws hotcell.WorkspaceID, id hotcell.JobID) (hotcell.Job, error) {
	var job hotcell.Job
	err := c.file.view(ctx, func(s *session) (err error) {
		job, err = jobOf(s, id)
		return err
	})
	return scoped(job, job.Workspace == ws, err)
}

func jobOf(s *session, id hotcell.JobID) (hotcell.Job, error) {
	return document[hotcell.Job](s, "SELECT document FROM jobs WHERE id = ?", string(id))
}

// Jobs implements [hotcell.ControlStore].
func (c *Control) Jobs(ctx context.Context, ws hotcell.WorkspaceID, f hotcell.JobFilter, p hotcell.Page) ([]hotcell.Job, error) {
	where, args := []string{"workspace = ?"}, []any{string(ws)}
	narrow := func(condition, value string) {
		if value != "" {
			where, args = append(where, condition), append(args, value)
		}
	}
	narrow("assignment = ?", string(f.Assignment))
	narrow("owner = ?", string(f.Owner))
	narrow("state = ?", string(f.State))
	var out []hotcell.Job
	err := c.file.view(ctx, func(s *session) error {
		if p.After != "" {
			last, err := jobOf(s, hotcell.JobID(p.After))
			if _, err = scoped(last, last.Workspace == ws, err); err != nil {
				return lostPage(err)
			}
			where, args = append(where, "(created, id) < (?, ?)"), append(args, last.CreatedAt.UnixNano(), p.After)
		}
		var err error
		out, err = documents[hotcell.Job](s, "SELECT document FROM jobs WHERE "+strings.Join(where, " AND ")+
			" ORDER BY created DESC, id DESC LIMIT ?", append(args, p.Size())...)
		return err
	})
	return out, err
}

// ChangeJob implements [hotcell.ControlStore].
func (c *Control) ChangeJob(ctx context.Context, id hotcell.JobID, from []hotcell.JobState, change func(*hotcell.Job)) (hotcell.Job, error) {
	var job hotcell.Job
	err := c.writer.update(ctx, func(s *session) (err error) {
		before, err := jobOf(s, id)
		if err != nil {
			return err
		}
		job = before
		if !slices.Contains(from, job.State) {
			return fmt.Errorf("%w: the job is %s", hotcell.ErrConflict, job.State)
		}
		change(&job)
		// What a job is does not change, whatever change did to it.
		job.ID, job.Workspace, job.CreatedAt = before.ID, before.Workspace, before.CreatedAt
		text, err := encode(job)
		if err != nil {
			return err
		}
		beat := int64(0)
		if job.State != before.State {
			beat = time.Now().UnixNano() // who changes its state is alive
		}
		_, err = s.exec("UPDATE jobs SET document = ?, beat = max(beat, ?) WHERE id = ?", text, beat, string(id))
		return err
	})
	if err != nil {
		return hotcell.Job{}, fmt.Errorf("changing job: %w", err)
	}
	return job, nil
}

// Beat implements [hotcell.ControlStore].
func (c *Control) Beat(ctx context.Context, at time.Time, ids ...hotcell.JobID) error {
	list, err := json.Marshal(ids)
	if err != nil {
		return fmt.Errorf("encoding beat: %w", err)
	}
	return c.writer.update(ctx, func(s *session) error {
		_, err := s.exec("UPDATE jobs SET beat = max(beat, ?) WHERE id IN (SELECT value FROM json_each(?))",
			at.UnixNano(), string(list))
		return err
	})
}

// Silent implements [hotcell.ControlStore].
func (c *Control) Silent(ctx context.Context, since time.Time) ([]hotcell.Job, error) {
	var out []hotcell.Job
	err := c.file.view(ctx, func(s *session) (err error) {
		out, err = documents[hotcell.Job](s, `SELECT document FROM jobs
			WHERE state IN ('starting', 'running', 'waiting') AND beat < ? ORDER BY created, id`, since.UnixNano())
		return err
	})
	return out, err
}
