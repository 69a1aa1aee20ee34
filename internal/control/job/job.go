// Package job is a job's life as the control plane sees it: made, queued,
// started on a worker, logged, ended.
//
// It guards that a job runs once, that every end is told to the vault, and
// that what was under way when a process died is lost and not repeated. It
// holds no value and decides nothing about who may: the vault does. One way to
// use it:
//
//	s := job.New(job.Config{…})
//	err := s.Recover(ctx)
//	go s.Run(ctx)
//	j, err := s.Create(ctx, principal, assignment, arguments)
package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hotcell"
	"hotcell/internal/catalog/agent"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/line/workerrpc"
	"hotcell/internal/policy/access"
)

// Vault is what a job's life asks of the vault.
type Vault interface {
	Workspace(context.Context, *vaultrpc.WorkspaceRequest) (*vaultrpc.WorkspaceAnswer, error)
	CreateJob(context.Context, *vaultrpc.CreateJobRequest) (*vaultrpc.CreateJobAnswer, error)
	CancelJob(context.Context, *vaultrpc.CancelJobRequest) error
	StartJob(context.Context, *vaultrpc.StartJobRequest) (*vaultrpc.StartJobAnswer, error)
	EndJob(context.Context, *vaultrpc.EndJobRequest) error
	LiveJobs(context.Context) ([]vaultrpc.LiveJob, error)
}

// Worker runs jobs.
type Worker interface {
	// Run runs the job and hands over what happens until it has ended. When ctx
	// ends, so does the job.
	Run(ctx context.Context, job hotcell.Job, fn func(*workerrpc.RunEvent) error) error
	// Give hands over a folder, if the worker has it not yet.
	Give(ctx context.Context, digest string, open func() (io.ReadCloser, error)) error
}

// Config is what a [Service] needs.
type Config struct {
	Store  hotcell.ControlStore
	Queue  hotcell.Queue
	Vault  Vault
	Worker Worker
	Files  *Files
	Output *Outputs
	// Limits are a job's where its assignment has none.
	Limits hotcell.Limits
	// Concurrency is how many jobs run at once.
	Concurrency int
	// Agents are those that work may name. Agent is the one, by its name or as a command,
	// of work that has instructions and neither; empty for none.
	Agents *agent.Catalog
	Agent  string
	// Images finds the image that work names as its cell's root; nil where there are none.
	Images func(name string) (hotcell.Image, error)
	// MaxLog is how much of a job's log is kept, in bytes; 0 is 256 MiB.
	MaxLog int64
	Now    func() time.Time
	Log    *slog.Logger
}

// Service makes, runs and shows jobs.
type Service struct {
	Config
	mu      sync.Mutex
	running map[hotcell.JobID]context.CancelCauseFunc
	feed    *feed
	// cancels is held, shared, by a cancel until the run knows of it: the vault
	// kills the grant first, and the run must not take that for a refusal.
	cancels sync.RWMutex
	// outside counts the external jobs: they have no cell, and wait in no line.
	outside atomic.Int64
	leaving sync.WaitGroup
	// outlived are external jobs that the process before this one left.
	outlived []hotcell.Job
	// works is true while queued jobs are taken.
	works atomic.Bool
}

// New makes a service; Recover comes next, then Run.
func New(c Config) *Service {
	c.MaxLog = cmp.Or(c.MaxLog, defaultMaxLog)
	return &Service{Config: c, running: map[hotcell.JobID]context.CancelCauseFunc{}, feed: newFeed()}
}

// MaxArguments bounds what follows the command, in bytes.
const MaxArguments = 128 << 10

// Draft is a job that is to be made.
type Draft struct {
	Assignment hotcell.AssignmentID
	// Arguments follow the command.
	Arguments []string
	// External is for how long an agent elsewhere may call the job's tools; 0 for a
	// job in a cell.
	External time.Duration
	// Trial has the house look around in the job's cell, in the place of its command.
	Trial bool
}

// Made is a job that was made. Token is an external job's, told this once.
type Made struct {
	hotcell.Job
	Token string `json:"token,omitempty"`
}

// Create makes a job of an assignment and queues it.
func (s *Service) Create(ctx context.Context, p hotcell.Principal, d Draft) (Made, error) {
	if err := check(d); err != nil {
		return Made{}, err
	}
	id := hotcell.JobID(hotcell.NewID(hotcell.PrefixJob))
	made, err := s.Vault.CreateJob(ctx, &vaultrpc.CreateJobRequest{By: vaultrpc.As(p), Assignment: d.Assignment, Job: id, External: d.External})
	if err != nil {
		return Made{}, err
	}
	a := made.Assignment
	j := hotcell.Job{
		ID: id, Workspace: p.Workspace, Assignment: a.ID, Name: a.Name, Owner: p.Member, Work: a.Work,
		Arguments: d.Arguments, State: hotcell.JobQueued, CreatedAt: s.Now(), External: d.External > 0, Trial: d.Trial,
	}
	if err := s.employ(&j.Work, j.External); err != nil && !j.Trial {
		s.end(ctx, j, hotcell.JobFailed, err.Error())
		return Made{}, err
	}
	if j.Work.Limits = s.limits(j.Work.Limits); j.External {
		j.Work.Limits.Timeout = hotcell.Duration(d.External)
	}
	if err := s.Store.CreateJob(ctx, j); err != nil {
		s.end(ctx, j, hotcell.JobFailed, "it could not be queued")
		return Made{}, fmt.Errorf("queueing the job: %w", err)
	}
	return Made{s.opened(ctx, j), made.Token}, nil
}

// openTime is how long somebody who makes an external job waits for it to begin.
const openTime = 20 * time.Second

// opened waits until an external job has begun, or will not: the token that its
// maker gets works from the first moment. A job that still stands in line after a
// while, or in a cell, is not waited for.
func (s *Service) opened(ctx context.Context, j hotcell.Job) hotcell.Job {
	if !j.External || !s.works.Load() {
		return j
	}
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	for {
		next := s.feed.next(j.ID)
		now, err := s.Store.Job(ctx, j.Workspace, j.ID)
		if err != nil {
			return j
		}
		if j = now; j.State != hotcell.JobQueued && j.State != hotcell.JobStarting {
			return j
		}
		select {
		case <-ctx.Done():
			return j
		case <-next:
		}
	}
}

// The bounds of how long an external job's token may be good.
const (
	MinExternal = time.Second
	MaxExternal = 24 * time.Hour
)

func check(d Draft) error {
	switch {
	case d.External == 0:
		return checkArguments(d.Arguments)
	case d.External < MinExternal || d.External > MaxExternal:
		return hotcell.Invalid("/ttl", "an external job lives from %s to %s", MinExternal, MaxExternal)
	case len(d.Arguments) > 0:
		return hotcell.Invalid("/arguments", "an external job has no command, so no arguments")
	}
	return nil
}

func checkArguments(arguments []string) error {
	size := 0
	for _, a := range arguments {
		size += len(a) + 1
		if slices.Contains([]byte(a), 0) {
			return hotcell.Invalid("/arguments", "an argument has no NUL byte")
		}
	}
	if size > MaxArguments {
		return hotcell.Invalid("/arguments", "arguments have at most %d KiB together", MaxArguments>>10)
	}
	return nil
}

func (s *Service) limits(l hotcell.Limits) hotcell.Limits {
	if l.Timeout == 0 {
		l.Timeout = s.Limits.Timeout
	}
	if l.Memory == 0 {
		l.Memory = s.Limits.Memory
	}
	if l.Disk == 0 {
		l.Disk = s.Limits.Disk
	}
	if l.Pids == 0 {
		l.Pids = s.Limits.Pids
	}
	if l.CPU == 0 {
		l.CPU = s.Limits.CPU
	}
	return l
}

// errCancelled ends a run on somebody's word.
var errCancelled = errors.New("the job was cancelled")

// Cancel ends a job: at once where it is queued, else as soon as every process
// of it is dead. To cancel one that has ended is a conflict.
func (s *Service) Cancel(ctx context.Context, p hotcell.Principal, id hotcell.JobID) (hotcell.Job, error) {
	j, err := s.Job(ctx, p, id)
	if err != nil {
		return j, err
	}
	if j.State.Final() {
		return j, fmt.Errorf("%w: the job has ended: %s", hotcell.ErrConflict, j.State)
	}
	s.cancels.RLock()
	defer s.cancels.RUnlock()
	if err := s.Vault.CancelJob(ctx, &vaultrpc.CancelJobRequest{By: vaultrpc.As(p), Job: id}); err != nil {
		return j, err
	}
	j, err = s.finish(ctx, id, []hotcell.JobState{hotcell.JobQueued}, hotcell.JobCancelled, errCancelled.Error(), nil)
	if !errors.Is(err, hotcell.ErrConflict) {
		return j, err
	}
	alive := []hotcell.JobState{hotcell.JobStarting, hotcell.JobRunning, hotcell.JobWaiting}
	j, err = s.Store.ChangeJob(ctx, id, alive, func(j *hotcell.Job) { j.Cancelling = true })
	if errors.Is(err, hotcell.ErrConflict) {
		return s.Store.Job(ctx, p.Workspace, id)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel, runs := s.running[id]; runs {
		cancel(errCancelled)
	}
	return j, err
}

// Job returns a job that the caller may see.
func (s *Service) Job(ctx context.Context, p hotcell.Principal, id hotcell.JobID) (hotcell.Job, error) {
	j, err := s.Store.Job(ctx, p.Workspace, id)
	if err := errors.Join(err, p.May(hotcell.ScopeReadJobs), p.MayUse(j.Assignment)); err != nil {
		return hotcell.Job{}, err
	}
	if j.Owner == p.Member {
		return j, nil
	}
	caller, err := s.caller(ctx, p)
	if err != nil {
		return hotcell.Job{}, err
	}
	if err := access.Decide(caller, access.SeeJob, access.OfJob(j.Owner)); err != nil {
		return hotcell.Job{}, err
	}
	return j, nil
}

// Jobs lists the jobs that the caller may see, newest first.
func (s *Service) Jobs(ctx context.Context, p hotcell.Principal, filter hotcell.JobFilter, page hotcell.Page) ([]hotcell.Job, error) {
	caller, err := s.caller(ctx, p)
	if err != nil {
		return nil, err
	}
	if access.Decide(caller, access.SeeJob, access.OfJob("")) != nil {
		filter.Owner = p.Member
	}
	if p.Token != nil && filter.Assignment == "" {
		filter.Assignment = p.Token.Assignment
	}
	if err := errors.Join(p.May(hotcell.ScopeReadJobs), p.MayUse(filter.Assignment)); err != nil {
		return nil, err
	}
	return s.Store.Jobs(ctx, p.Workspace, filter, page)
}

func (s *Service) caller(ctx context.Context, p hotcell.Principal) (hotcell.Caller, error) {
	w, err := s.Vault.Workspace(ctx, &vaultrpc.WorkspaceRequest{By: vaultrpc.As(p)})
	if err != nil {
		return hotcell.Caller{}, err
	}
	return hotcell.Caller{Principal: p, Role: w.Member.Role}, nil
}

// Output opens the archive of what a job left in /job/out.
func (s *Service) Output(ctx context.Context, p hotcell.Principal, id hotcell.JobID) (io.ReadCloser, int64, error) {
	j, err := s.Job(ctx, p, id)
	if err != nil {
		return nil, 0, err
	}
	if j.OutputRemovedAt != nil {
		return nil, 0, fmt.Errorf("%w: what the job left in /job/out was removed by retention on %s", hotcell.ErrNotFound, j.OutputRemovedAt.Format(time.DateOnly))
	}
	if j.OutputSize == 0 {
		return nil, 0, fmt.Errorf("%w: the job left nothing in /job/out", hotcell.ErrNotFound)
	}
	return s.Config.Output.open(id)
}
