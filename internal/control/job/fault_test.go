package job_test

import (
	"context"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/control/job"
	"hotcell/internal/line/workerrpc"
)

// cracked is a store whose log throws for some jobs.
type cracked struct {
	hotcell.ControlStore
	throws func(id hotcell.JobID, chunks []hotcell.LogChunk) bool
}

func (c cracked) AppendLog(ctx context.Context, id hotcell.JobID, chunks ...hotcell.LogChunk) error {
	if c.throws(id, chunks) {
		panic("a chunk: " + string(chunks[0].Data))
	}
	return c.ControlStore.AppendLog(ctx, id, chunks...)
}

// TestARunThatThrowsFailsItsJobAlone throws where a job is followed, where it is started
// and where its log is stored; jobs beside it end well.
func TestARunThatThrowsFailsItsJobAlone(t *testing.T) {
	t.Parallel()
	for name, throw := range map[string]func(s *scene, c *job.Config){
		"following": func(s *scene, _ *job.Config) {
			s.perform = func(ctx context.Context, j hotcell.Job, fn func(*workerrpc.RunEvent) error) error {
				if j.Arguments[0] == "x" {
					panic("a run of " + string(j.ID))
				}
				return ending(0, "")(ctx, j, fn)
			}
		},
		"storing its log": func(_ *scene, c *job.Config) {
			c.Store = cracked{c.Store, func(_ hotcell.JobID, chunks []hotcell.LogChunk) bool { return string(chunks[0].Data) == "throw\n" }}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s *scene
			s = newScene(t, func(c *job.Config) {
				if s != nil {
					throw(s, c)
				}
			})
			_ = s.store.Close()
			s.open(t)
			if name != "following" {
				s.perform = func(ctx context.Context, j hotcell.Job, fn func(*workerrpc.RunEvent) error) error {
					if j.Arguments[0] == "x" {
						_ = fn(&workerrpc.RunEvent{Kind: workerrpc.Log, Stream: "stdout", Data: []byte("throw\n")})
					}
					return ending(0, "")(ctx, j, fn)
				}
			}
			s.work(t)
			bad := s.made(t)
			well, err := s.Create(t.Context(), ada, job.Draft{Assignment: "asg_a", Arguments: []string{"y"}})
			if err != nil {
				t.Fatal(err)
			}
			for id, want := range map[hotcell.JobID]hotcell.JobState{bad: hotcell.JobFailed, well.Job.ID: hotcell.JobSucceeded} {
				j, err := s.Follow(t.Context(), ada, id, 0, func([]hotcell.LogChunk) error { return nil })
				if err != nil || j.State != want || strings.Contains(j.Reason, "a run of") || want == hotcell.JobFailed && j.Reason == "" {
					t.Errorf("%s: %s, %q, %v", id, j.State, j.Reason, err)
				}
			}
			if told := s.told(bad); len(told) == 0 {
				t.Error("the vault was not told, so its grant goes on")
			}
		})
	}
}
