package job_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/control/job"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/line/workerrpc"
	"hotcell/internal/store/sqlite"
)

const here = hotcell.WorkspaceID("wsp_here")

var ada = hotcell.Principal{Workspace: here, Member: "mem_ada"}

// scene is a service between a scripted vault and a scripted worker, on its
// real store and queue.
type scene struct {
	*job.Service
	store *sqlite.Control
	path  string

	mu      sync.Mutex
	ends    map[hotcell.JobID][]hotcell.JobState
	runs    map[hotcell.JobID]int
	deny    error
	deaf    int // how often EndJob fails first
	live    []vaultrpc.LiveJob
	perform func(ctx context.Context, j hotcell.Job, fn func(*workerrpc.RunEvent) error) error
	role    hotcell.Role
	given   []string
	// config changes what the service is made of.
	config func(*job.Config)
	// onCancel and onStart are called while the vault answers.
	onCancel, onStart func()
	refuseCancel      error
	refuseCreate      error
	refuseLive        error
	files             *hotcell.Files
	limits            hotcell.Limits
	// ahead is how far the service's clock is.
	ahead atomic.Int64
}

func (s *scene) Workspace(_ context.Context, r *vaultrpc.WorkspaceRequest) (*vaultrpc.WorkspaceAnswer, error) {
	return &vaultrpc.WorkspaceAnswer{Member: hotcell.Member{ID: r.Principal.Member, Role: s.role}}, nil
}

func (s *scene) CreateJob(_ context.Context, r *vaultrpc.CreateJobRequest) (*vaultrpc.CreateJobAnswer, error) {
	a := hotcell.Assignment{ID: r.Assignment, Workspace: here, Name: "report", Work: hotcell.Work{Command: "true", Files: s.files, Limits: s.limits}}
	if strings.HasSuffix(string(r.Assignment), "files") {
		a.Work.Files = &hotcell.Files{Digest: strings.Repeat("0", 64)}
	}
	return &vaultrpc.CreateJobAnswer{Assignment: a}, s.refuseCreate
}

func (s *scene) CancelJob(context.Context, *vaultrpc.CancelJobRequest) error {
	if s.onCancel != nil {
		s.onCancel()
	}
	return s.refuseCancel
}

func (s *scene) StartJob(context.Context, *vaultrpc.StartJobRequest) (*vaultrpc.StartJobAnswer, error) {
	if s.onStart != nil {
		s.onStart()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return &vaultrpc.StartJobAnswer{}, s.deny
}

func (s *scene) EndJob(_ context.Context, r *vaultrpc.EndJobRequest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deaf > 0 {
		s.deaf--
		return hotcell.ErrUnavailable
	}
	s.ends[r.Job] = append(s.ends[r.Job], r.State)
	return nil
}

func (s *scene) LiveJobs(context.Context) ([]vaultrpc.LiveJob, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live, s.refuseLive
}

func (s *scene) grants(id hotcell.JobID) []vaultrpc.LiveJob {
	return []vaultrpc.LiveJob{{Workspace: here, Job: id, CreatedAt: time.Now()}}
}

func (s *scene) Run(ctx context.Context, j hotcell.Job, fn func(*workerrpc.RunEvent) error) error {
	s.mu.Lock()
	s.runs[j.ID]++
	perform := s.perform
	s.mu.Unlock()
	return perform(ctx, j, fn)
}

func (s *scene) Give(_ context.Context, digest string, open func() (io.ReadCloser, error)) error {
	s.given = append(s.given, digest)
	r, err := open()
	if err == nil {
		err = r.Close()
	}
	return err
}

// worker keeps the two faces apart, which have a method of the same name.
type worker struct{ s *scene }

func (w worker) Run(ctx context.Context, j hotcell.Job, fn func(*workerrpc.RunEvent) error) error {
	return w.s.Run(ctx, j, fn)
}

func (w worker) Give(ctx context.Context, digest string, open func() (io.ReadCloser, error)) error {
	return w.s.Give(ctx, digest, open)
}

// vault is the scene's other face.
type vault struct{ *scene }

func (s *scene) open(t *testing.T) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	var err error
	if s.store, err = sqlite.OpenControl(context.Background(), s.path, log); err != nil {
		t.Fatal(err)
	}
	files, err := job.OpenFiles(filepath.Join(filepath.Dir(s.path), "files"))
	if err != nil {
		t.Fatal(err)
	}
	outputs, err := job.OpenOutputs(filepath.Join(filepath.Dir(s.path), "out"))
	if err != nil {
		t.Fatal(err)
	}
	config := job.Config{
		Store: s.store, Queue: s.store, Vault: vault{s}, Worker: worker{s}, Files: files, Output: outputs,
		Limits: hotcell.Limits{Timeout: hotcell.Duration(time.Minute), Memory: 1 << 30, Disk: 1 << 30, Pids: 7}, Concurrency: 4, Now: s.now, Log: log,
	}
	if s.config != nil {
		s.config(&config)
	}
	s.Service = job.New(config)
}

// work starts the service, and stops it when the test ends.
func (s *scene) work(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Service.Run(ctx)
	}()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			<-done
			_ = s.store.Close()
		})
	}
	t.Cleanup(stop)
	return stop
}

func newScene(t *testing.T, config ...func(*job.Config)) *scene {
	t.Helper()
	s := &scene{
		path: filepath.Join(t.TempDir(), "control.db"), ends: map[hotcell.JobID][]hotcell.JobState{}, runs: map[hotcell.JobID]int{}, role: hotcell.RoleMember, perform: ending(0, ""),
	}
	if len(config) > 0 {
		s.config = config[0]
	}
	s.open(t)
	return s
}

func (s *scene) now() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }

func (s *scene) later(d time.Duration) { s.ahead.Add(int64(d)) }

// told is what the vault heard of a job's end.
func (s *scene) told(id hotcell.JobID) []hotcell.JobState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ends[id])
}

// ending is a run that prints and ends.
func ending(code int, reason string) func(context.Context, hotcell.Job, func(*workerrpc.RunEvent) error) error {
	return func(_ context.Context, _ hotcell.Job, fn func(*workerrpc.RunEvent) error) error {
		return errors.Join(
			fn(&workerrpc.RunEvent{Kind: workerrpc.Started, At: time.Now()}),
			fn(&workerrpc.RunEvent{Kind: workerrpc.Log, At: time.Now(), Stream: "stdout", Data: []byte("one\n")}),
			fn(&workerrpc.RunEvent{Kind: workerrpc.Log, At: time.Now(), Stream: "stderr", Data: []byte("two\n")}),
			fn(&workerrpc.RunEvent{Kind: workerrpc.Output, Data: []byte("an archive")}),
			fn(&workerrpc.RunEvent{Kind: workerrpc.Ended, At: time.Now(), End: &workerrpc.End{Code: &code, Reason: reason, Redactions: 3, Output: 10}}),
		)
	}
}

// hanging is a run that ends with its context.
func hanging(ctx context.Context, _ hotcell.Job, fn func(*workerrpc.RunEvent) error) error {
	_ = fn(&workerrpc.RunEvent{Kind: workerrpc.Started, At: time.Now()})
	<-ctx.Done()
	return ctx.Err()
}

func (s *scene) made(t *testing.T) hotcell.JobID {
	t.Helper()
	j, err := s.Create(t.Context(), ada, job.Draft{Assignment: "asg_a", Arguments: []string{"x"}})
	if err != nil {
		t.Fatal(err)
	}
	return j.ID
}

// end waits for a job's end.
func (s *scene) end(t *testing.T, id hotcell.JobID) (hotcell.Job, string) {
	t.Helper()
	var log strings.Builder
	j, err := s.Follow(t.Context(), ada, id, 0, func(chunks []hotcell.LogChunk) error {
		for _, c := range chunks {
			fmt.Fprintf(&log, "%s:%s", c.Stream, c.Data)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return j, log.String()
}
