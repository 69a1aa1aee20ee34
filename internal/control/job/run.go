package job

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/line/workerrpc"
)

// The heart of a running job, and how long it may stand still.
const (
	beatEvery = 5 * time.Second
	lostAfter = time.Minute
)

var alive = []hotcell.JobState{hotcell.JobStarting, hotcell.JobRunning, hotcell.JobWaiting}

// Recover marks what was under way when the process before this one died as
// lost, and ends the grants of jobs that do not run. External jobs have no process that
// could have died: they go on. It comes before Run.
func (s *Service) Recover(ctx context.Context) error {
	// Whatever the clock said when they were last heard of.
	lost, err := s.Store.Silent(ctx, s.Now().AddDate(100, 0, 0))
	if err != nil {
		return fmt.Errorf("looking for jobs that were running: %w", err)
	}
	for _, j := range lost {
		if j.External && j.StartedAt != nil {
			s.outlived = append(s.outlived, j)
			continue
		}
		if err := s.lose(ctx, j, "the server stopped while it ran"); err != nil {
			return err
		}
	}
	return s.reconcile(ctx, s.Now())
}

func (s *Service) lose(ctx context.Context, j hotcell.Job, reason string) error {
	_, err := s.finish(ctx, j.ID, alive, hotcell.JobLost, reason, nil)
	if err == nil {
		s.end(ctx, j, hotcell.JobLost, reason)
	}
	if errors.Is(err, hotcell.ErrConflict) {
		return nil
	}
	return err
}

// reconcile ends grants from before a time whose jobs have ended, or never came
// to be: a job's grant is noted before the job itself is stored.
func (s *Service) reconcile(ctx context.Context, before time.Time) error {
	live, err := s.Vault.LiveJobs(ctx)
	if err != nil {
		return fmt.Errorf("asking for live grants: %w", err)
	}
	for _, l := range live {
		if l.CreatedAt.After(before) {
			continue
		}
		j, err := s.Store.Job(ctx, l.Workspace, l.Job)
		switch {
		case errors.Is(err, hotcell.ErrNotFound):
			s.end(ctx, hotcell.Job{ID: l.Job, Workspace: l.Workspace}, hotcell.JobLost, "it was never queued")
		case err != nil:
			return err
		case j.State.Final():
			s.end(ctx, j, j.State, j.Reason)
		}
	}
	return nil
}

// Run runs queued jobs until ctx ends; the jobs under way then end with it.
func (s *Service) Run(ctx context.Context) error {
	s.works.Store(true)
	defer s.works.Store(false)
	border.Go("the beat of jobs", border.Log(s.Config.Log), func() { s.beat(ctx) })
	defer s.leaving.Wait()
	for _, j := range s.outlived {
		s.resume(ctx, j)
	}
	return s.Queue.Work(ctx, s.Concurrency, func(taken context.Context, id hotcell.JobID) {
		border.Func("taking a job from the queue", border.Log(s.Config.Log), func() { s.run(ctx, taken, id) })()
	})
}

// beat notes which jobs run, and loses those that nobody runs.
func (s *Service) beat(ctx context.Context) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		border.Func("the beat of jobs", border.Log(s.Config.Log), func() { s.pulse(ctx) })()
	}
}

// pulse is one beat.
func (s *Service) pulse(ctx context.Context) {
	if err := s.Store.Beat(ctx, s.Now(), s.runs()...); err != nil {
		s.Config.Log.Error("noting that jobs run", "error", err)
		return
	}
	silent, err := s.Store.Silent(ctx, s.Now().Add(-lostAfter))
	if err != nil {
		s.Config.Log.Error("looking for silent jobs", "error", err)
	}
	for _, j := range silent {
		if err := s.lose(ctx, j, "nothing was heard of it for a minute"); err != nil {
			s.Config.Log.Error("losing a silent job", "job", j.ID, "error", err)
		}
	}
	if err := s.reconcile(ctx, s.Now().Add(-lostAfter)); err != nil {
		s.Config.Log.Warn("ending grants that nobody needs", "error", err)
	}
}

func (s *Service) runs() []hotcell.JobID {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]hotcell.JobID, 0, len(s.running))
	for id := range s.running {
		ids = append(ids, id)
	}
	return ids
}

// maxExternal is how many external jobs there may be at once.
const maxExternal = 256

// run takes one job from queued to its end. An external one only begins here,
// and goes on beside the queue: it waits for an agent most of its time, and
// must not keep others from their cells.
func (s *Service) run(ctx, taken context.Context, id hotcell.JobID) {
	inner, cancel := context.WithCancelCause(taken)
	over := s.note(id, cancel)
	j, err := s.Store.ChangeJob(inner, id, []hotcell.JobState{hotcell.JobQueued}, func(j *hotcell.Job) { j.State = hotcell.JobStarting })
	if err != nil {
		if !errors.Is(err, hotcell.ErrConflict) {
			s.Config.Log.Error("starting a job", "job", id, "error", err)
		}
		over()
		return
	}
	s.feed.wake(id)
	if !j.External {
		defer over()
		s.carry(inner, j)
		return
	}
	stop := s.apart(ctx, j) // in the place of the one before
	if cause := context.Cause(inner); cause != nil {
		stop(cause)
	}
	cancel(nil)
}

// apart carries an external job beside the queue.
func (s *Service) apart(ctx context.Context, j hotcell.Job) (stop context.CancelCauseFunc) {
	outer, stop := context.WithCancelCause(ctx)
	gone := s.note(j.ID, stop)
	s.leaving.Go(border.Func("an external job", border.Log(s.Config.Log), func() {
		defer gone()
		s.carry(outer, j)
	}))
	return stop
}

// resume has an external job go on that the process before this one left: its token is
// as good as before, if its time is not over and the vault has not ended it.
func (s *Service) resume(ctx context.Context, j hotcell.Job) {
	again, err := s.Store.ChangeJob(ctx, j.ID, alive, func(j *hotcell.Job) { j.State = hotcell.JobStarting })
	if err != nil {
		s.Config.Log.Error("taking up an external job again", "job", j.ID, "error", err)
		return
	}
	s.apart(ctx, again)
}

// note notes that a job runs, and how to end it, until over is called.
func (s *Service) note(id hotcell.JobID, cancel context.CancelCauseFunc) (over func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running[id] = cancel
	return func() {
		cancel(nil)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.running, id)
	}
}

// carry takes a job that starts to its end.
func (s *Service) carry(ctx context.Context, j hotcell.Job) {
	o := outcome{state: hotcell.JobFailed, reason: (&border.Fault{}).Error()}
	border.Func("a job's run", border.Log(s.Config.Log), func() { o = s.perform(ctx, j) })()
	if j.External && ctx.Err() != nil && o.state == hotcell.JobLost {
		return // the server stops; the job goes on when it starts again
	}
	s.end(ctx, j, o.state, o.reason)
	if _, err := s.finish(ctx, j.ID, alive, o.state, o.reason, &o); err != nil {
		s.Config.Log.Error("storing a job's end", "job", j.ID, "error", err)
	}
}

// outcome is how a run ended.
type outcome struct {
	state      hotcell.JobState
	reason     string
	code       *int
	output     int64
	logged     int64
	redactions int
}

// errTimedOut ends a run whose time is over.
var errTimedOut = errors.New("its time limit was reached")

// perform runs a started job on a worker.
func (s *Service) perform(ctx context.Context, j hotcell.Job) outcome {
	if j.External {
		defer s.outside.Add(-1)
		if s.outside.Add(1) > maxExternal {
			return outcome{state: hotcell.JobFailed, reason: fmt.Sprintf("there are %d external jobs already: cancel some", maxExternal)}
		}
	} else if err := s.equip(&j); err != nil {
		return outcome{state: hotcell.JobFailed, reason: sentence(err)}
	}
	if j.StartedAt == nil { // else it goes on
		started, err := s.Vault.StartJob(ctx, &vaultrpc.StartJobRequest{Job: j.ID})
		if err != nil {
			return s.ended(ctx, j, err, nil)
		}
		if j.Trial {
			tryHosts(&j, started.Grant)
		}
	}
	if f := j.Work.Files; f != nil && !j.External {
		open := func() (io.ReadCloser, error) { return s.Files.Open(f.Digest) }
		if err := s.Worker.Give(ctx, f.Digest, open); err != nil {
			return s.ended(ctx, j, err, nil)
		}
	}
	return s.stream(ctx, j)
}

// stream follows the run on its worker.
func (s *Service) stream(ctx context.Context, j hotcell.Job) outcome {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	log := s.record(ctx, j.ID)
	out := s.Config.Output.create(j.ID)
	var end *workerrpc.End
	var limit *time.Timer
	err := border.Run("following a job", func() error {
		return s.Worker.Run(ctx, j, func(e *workerrpc.RunEvent) error {
			switch e.Kind {
			case workerrpc.Started:
				limit = border.After(s.left(j), "the end of a job's time", border.Log(s.Config.Log), func() { cancel(errTimedOut) })
				return s.started(ctx, j.ID, e.At)
			case workerrpc.Waiting:
				return s.waits(ctx, j.ID, hotcell.JobRunning, hotcell.JobWaiting)
			case workerrpc.Resumed:
				return s.waits(ctx, j.ID, hotcell.JobWaiting, hotcell.JobRunning)
			case workerrpc.Log:
				log.add(hotcell.LogChunk{At: e.At, Stream: e.Stream, Data: e.Data})
			case workerrpc.Output:
				return out.write(e.Data)
			case workerrpc.Ended:
				end = e.End
			}
			return nil
		})
	})
	if limit != nil {
		limit.Stop()
	}
	o := s.ended(ctx, j, err, end)
	if border.Tell(s.Config.Log, err) {
		o.state, o.reason = hotcell.JobFailed, err.Error()
	}
	whole := int64(0)
	if end != nil {
		whole = end.Output
	}
	size, failed := out.close(whole)
	o.output = size
	logged := log.close()
	o.logged = log.stored
	switch err := errors.Join(failed, logged); {
	case err == nil || o.state != hotcell.JobSucceeded:
	case errors.Is(err, errOutputTooLarge):
		o.state, o.reason = hotcell.JobFailed, errOutputTooLarge.Error()
	default:
		s.Config.Log.Error("keeping what a job left", "job", j.ID, "error", err)
		o.state, o.reason = hotcell.JobFailed, "its log or output could not be stored"
	}
	return o
}

// left is how long a job that starts now may run. An external one is over when
// its token is, however long it was queued.
func (s *Service) left(j hotcell.Job) time.Duration {
	limit := time.Duration(j.Work.Limits.Timeout)
	if j.External {
		limit -= s.Now().Sub(j.CreatedAt)
	}
	return limit
}

// waits notes that a job waits for a person, or goes on.
func (s *Service) waits(ctx context.Context, id hotcell.JobID, from, to hotcell.JobState) error {
	_, err := s.Store.ChangeJob(ctx, id, []hotcell.JobState{from}, func(j *hotcell.Job) { j.State = to })
	s.feed.wake(id)
	if errors.Is(err, hotcell.ErrConflict) {
		return nil // it has ended meanwhile, or the news was none
	}
	return err
}

func (s *Service) started(ctx context.Context, id hotcell.JobID, at time.Time) error {
	_, err := s.Store.ChangeJob(ctx, id, []hotcell.JobState{hotcell.JobStarting}, func(j *hotcell.Job) {
		if j.State = hotcell.JobRunning; j.StartedAt == nil {
			j.StartedAt = &at
		}
	})
	s.feed.wake(id)
	return err
}

// ended makes an outcome of how a run came back.
func (s *Service) ended(ctx context.Context, j hotcell.Job, err error, end *workerrpc.End) outcome {
	refused := end == nil && errors.Is(err, hotcell.ErrDenied) || end != nil && end.Code == nil
	if refused { // by a cancel perhaps, of which this run is about to hear
		s.cancels.Lock()
		s.cancels.Unlock() //nolint:staticcheck // nothing is guarded: those under way are waited for
	}
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, errCancelled) && (end == nil || refused):
		o := outcome{state: hotcell.JobCancelled, reason: errCancelled.Error()}
		if end != nil {
			o.redactions = end.Redactions
		}
		return o
	case end != nil:
		return s.judged(j, *end)
	case errors.Is(cause, errTimedOut), refused && j.External && s.left(j) <= 0: // its token went first
		return outcome{state: hotcell.JobTimedOut, reason: fmt.Sprintf("its time limit of %s was reached", time.Duration(j.Work.Limits.Timeout))}
	case cause != nil:
		return outcome{state: hotcell.JobLost, reason: "the server was stopped while it ran"}
	case errors.Is(err, hotcell.ErrDenied), errors.Is(err, hotcell.ErrTampered), errors.Is(err, hotcell.ErrInvalid), errors.Is(err, hotcell.ErrNotFound):
		return outcome{state: hotcell.JobFailed, reason: sentence(err)}
	case errors.Is(err, hotcell.ErrUnavailable):
		s.Config.Log.Error("a job's run broke off", "job", j.ID, "error", err)
		return outcome{state: hotcell.JobLost, reason: "the part of the server that ran it stopped answering"}
	}
	s.Config.Log.Error("a job's run broke off", "job", j.ID, "error", err)
	return outcome{state: hotcell.JobLost, reason: "its run broke off"}
}

// sentence is an error's text without the sentinel in front, which the state says.
func sentence(err error) string {
	return strings.TrimPrefix(err.Error(), hotcell.ErrDenied.Error()+": ")
}

func ofEnd(end workerrpc.End) outcome {
	o := outcome{state: hotcell.JobFailed, reason: end.Reason, code: end.Code, redactions: end.Redactions}
	switch {
	case end.Late:
		o.state = hotcell.JobTimedOut
	case end.Revoked:
		o.state = hotcell.JobCancelled
	case end.Code != nil && *end.Code == 0 && end.Reason == "":
		o.state = hotcell.JobSucceeded
	case end.Reason == "" && end.Code != nil:
		o.reason = fmt.Sprintf("its command ended with exit code %d", *end.Code)
	}
	return o
}

// finish stores a job's final state.
func (s *Service) finish(ctx context.Context, id hotcell.JobID, from []hotcell.JobState, state hotcell.JobState, reason string, o *outcome) (hotcell.Job, error) {
	now := s.Now()
	j, err := s.Store.ChangeJob(context.WithoutCancel(ctx), id, from, func(j *hotcell.Job) {
		j.State, j.Reason, j.EndedAt, j.Cancelling = state, reason, &now, false
		if o != nil {
			j.ExitCode, j.OutputSize, j.LogSize, j.Redactions = o.code, o.output, o.logged, o.redactions
		}
	})
	s.feed.wake(id)
	return j, err
}

// endTries is how often the vault is told of an end before that is left to the
// next reconciliation.
const endTries = 20

// end tells the vault that a job has ended. A vault that is just being
// restarted is waited for.
func (s *Service) end(ctx context.Context, j hotcell.Job, state hotcell.JobState, reason string) {
	request := &vaultrpc.EndJobRequest{Job: j.ID, State: state, Reason: reason}
	if now, err := s.Store.Job(context.WithoutCancel(ctx), j.Workspace, j.ID); err == nil && now.StartedAt != nil {
		request.Duration = s.Now().Sub(*now.StartedAt).Milliseconds()
	}
	for try := range endTries {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		err := s.Vault.EndJob(bounded, request)
		cancel()
		if err == nil {
			return
		}
		s.Config.Log.Warn("telling the vault of a job's end", "job", j.ID, "try", try+1, "error", err)
		if !errors.Is(err, hotcell.ErrUnavailable) {
			return
		}
		time.Sleep(100 * time.Millisecond) //nolint:forbidigo // the vault is being started again, and does not tell when
	}
}
