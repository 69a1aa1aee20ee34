package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"hotcell"
)

func job(i int) hotcell.Job {
	return hotcell.Job{
		ID: hotcell.JobID(fmt.Sprintf("job_%03d", i)), Workspace: here, Assignment: "asg_1", Name: "report", Owner: "mem_ann",
		Work: assignment("asg_1", "report").Work, Arguments: []string{"--month", "2026-11"}, State: hotcell.JobQueued,
		CreatedAt: start.Add(time.Duration(i) * time.Second),
	}
}

func create(t *testing.T, s hotcell.ControlStore, n int, change func(i int, j *hotcell.Job)) {
	t.Helper()
	for i := range n {
		j := job(i)
		if change != nil {
			change(i, &j)
		}
		ok(t, "CreateJob", s.CreateJob(t.Context(), j))
	}
}

func jobIDs(jobs []hotcell.Job) []string {
	return names(jobs, func(j hotcell.Job) string { return string(j.ID) })
}

func testJobs(t *testing.T, s hotcell.ControlStore, _ hotcell.Queue) {
	create(t, s, 1, nil)
	got, err := s.Job(t.Context(), here, "job_000")
	ok(t, "Job", err)
	want(t, "job", got, job(0))
	_, err = s.Job(t.Context(), there, "job_000")
	wantError(t, "another workspace's job", err, hotcell.ErrNotFound)
	_, err = s.Job(t.Context(), here, "job_999")
	wantError(t, "a job that is not there", err, hotcell.ErrNotFound)
	wantError(t, "a job that is there", s.CreateJob(t.Context(), job(0)), hotcell.ErrConflict)
	running := job(1)
	running.State = hotcell.JobRunning
	wantError(t, "a job that runs already", s.CreateJob(t.Context(), running), hotcell.ErrInvalid)
}

func testJobFilters(t *testing.T, s hotcell.ControlStore, _ hotcell.Queue) {
	create(t, s, 4, func(i int, j *hotcell.Job) {
		if i == 1 {
			j.Assignment, j.Owner = "asg_2", "mem_bob"
		}
		if i == 3 {
			j.Workspace = there
		}
	})
	_, err := s.ChangeJob(t.Context(), "job_002", []hotcell.JobState{hotcell.JobQueued}, func(j *hotcell.Job) { j.State = hotcell.JobFailed })
	ok(t, "ChangeJob", err)
	for name, test := range map[string]struct {
		filter hotcell.JobFilter
		want   []string
	}{
		"all":        {hotcell.JobFilter{}, []string{"job_002", "job_001", "job_000"}},
		"assignment": {hotcell.JobFilter{Assignment: "asg_2"}, []string{"job_001"}},
		"owner":      {hotcell.JobFilter{Owner: "mem_ann"}, []string{"job_002", "job_000"}},
		"state":      {hotcell.JobFilter{State: hotcell.JobFailed}, []string{"job_002"}},
		"two":        {hotcell.JobFilter{State: hotcell.JobFailed, Owner: "mem_bob"}, []string{}},
	} {
		got, err := s.Jobs(t.Context(), here, test.filter, hotcell.Page{})
		ok(t, "Jobs", err)
		want(t, name, jobIDs(got), test.want)
	}
}

func testJobPages(t *testing.T, s hotcell.ControlStore, _ hotcell.Queue) {
	create(t, s, 5, func(_ int, j *hotcell.Job) { j.CreatedAt = start }) // all of one instant
	var paged []string
	for page := (hotcell.Page{Limit: 2}); ; {
		got, err := s.Jobs(t.Context(), here, hotcell.JobFilter{}, page)
		ok(t, "Jobs", err)
		paged = append(paged, jobIDs(got)...)
		if len(got) < 2 || len(paged) > 5 {
			break
		}
		page.After = paged[len(paged)-1]
	}
	want(t, "page by page", paged, []string{"job_004", "job_003", "job_002", "job_001", "job_000"})
	_, err := s.Jobs(t.Context(), there, hotcell.JobFilter{}, hotcell.Page{After: "job_001"})
	wantError(t, "a page after another workspace's job", err, hotcell.ErrInvalid)
}

func testChangeJob(t *testing.T, s hotcell.ControlStore, _ hotcell.Queue) {
	create(t, s, 1, nil)
	ended, code := start.Add(time.Minute), 7
	finish := func(j *hotcell.Job) {
		j.State, j.EndedAt, j.ExitCode = hotcell.JobFailed, &ended, &code
		j.ID, j.Workspace = "job_other", there
	}
	_, err := s.ChangeJob(t.Context(), "job_000", []hotcell.JobState{hotcell.JobRunning}, finish)
	wantError(t, "a job in another state", err, hotcell.ErrConflict)
	_, err = s.ChangeJob(t.Context(), "job_999", []hotcell.JobState{hotcell.JobRunning}, finish)
	wantError(t, "a job that is not there", err, hotcell.ErrNotFound)
	changed, err := s.ChangeJob(t.Context(), "job_000", []hotcell.JobState{hotcell.JobRunning, hotcell.JobQueued}, finish)
	ok(t, "ChangeJob", err)
	expected := job(0)
	expected.State, expected.EndedAt, expected.ExitCode = hotcell.JobFailed, &ended, &code
	want(t, "what ChangeJob returns", changed, expected)
	got, err := s.Job(t.Context(), here, "job_000")
	ok(t, "Job", err)
	want(t, "the job then", got, expected)
}

// testChangeJobRace lets 32 want the same job; one gets it.
func testChangeJobRace(t *testing.T, s hotcell.ControlStore, _ hotcell.Queue) {
	create(t, s, 1, nil)
	results := make(chan error, 32)
	var group sync.WaitGroup
	for range cap(results) {
		group.Go(func() {
			_, err := s.ChangeJob(t.Context(), "job_000", []hotcell.JobState{hotcell.JobQueued},
				func(j *hotcell.Job) { j.State = hotcell.JobStarting })
			results <- err
		})
	}
	group.Wait()
	close(results)
	won := 0
	for err := range results {
		if err == nil {
			won++
		} else if !errors.Is(err, hotcell.ErrConflict) {
			t.Errorf("ChangeJob: %v", err)
		}
	}
	want(t, "how many got it", won, 1)
}

func testBeats(t *testing.T, s hotcell.ControlStore, _ hotcell.Queue) {
	states := []hotcell.JobState{
		hotcell.JobQueued, hotcell.JobStarting, hotcell.JobRunning, hotcell.JobWaiting, hotcell.JobLost,
	}
	create(t, s, len(states), nil)
	for i, state := range states[1:] {
		_, err := s.ChangeJob(t.Context(), job(i+1).ID, []hotcell.JobState{hotcell.JobQueued}, func(j *hotcell.Job) { j.State = state })
		ok(t, "ChangeJob", err)
	}
	silent := func(since time.Time) []string {
		got, err := s.Silent(t.Context(), since)
		ok(t, "Silent", err)
		return jobIDs(got)
	}
	now := time.Now()
	want(t, "right after their state changed", silent(now.Add(-time.Hour)), []string{})
	want(t, "an hour later", silent(now.Add(time.Hour)), []string{"job_001", "job_002", "job_003"})
	ok(t, "Beat", s.Beat(t.Context(), now.Add(2*time.Hour), "job_001", "job_003", "job_004", "job_none"))
	ok(t, "Beat of none", s.Beat(t.Context(), now))
	want(t, "after two beat", silent(now.Add(time.Hour)), []string{"job_002"})
	ok(t, "a beat that comes late", s.Beat(t.Context(), now, "job_001"))
	want(t, "after it", silent(now.Add(time.Hour)), []string{"job_002"})
}
