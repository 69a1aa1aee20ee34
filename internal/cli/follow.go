package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"hotcell"
	"hotcell/client"
)

// interrupting listens for interrupts. Who makes a job listens before it is made: none
// is lost then.
func interrupting() (interrupts chan os.Signal, stop func()) {
	interrupts = make(chan os.Signal, 3)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM)
	return interrupts, func() { signal.Stop(interrupts) }
}

// follow prints a job's log until it ends, and is its exit code. The first
// interrupt cancels the job.
func (a *app) follow(ctx context.Context, c *client.Client, id hotcell.JobID, shown *screen, interrupts chan os.Signal) error {
	early := ctx.Err() != nil && len(interrupts) == 0 // before anybody listened
	ctx, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer leave()
	if early {
		interrupts <- os.Interrupt
	}
	go func() {
		for n := 0; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-interrupts:
			}
			if n > 0 {
				leave()
				return
			}
			a.say("hotcell: cancelling %s (interrupt again to leave at once)", id)
			if _, err := c.Cancel(ctx, id); err != nil && !errors.Is(err, hotcell.ErrConflict) {
				a.say("hotcell: %v", err)
			}
		}
	}()
	over := a.watch(ctx, c, id)
	j, err := c.Follow(ctx, id, shown.print, a.wasCut)
	shown.close()
	over()
	if errors.Is(err, context.Canceled) {
		return &hinted{fmt.Errorf("left %s, which may go on: %w", id, err), "follow it again: hotcell jobs logs -f " + string(id)}
	}
	if err != nil {
		return err
	}
	a.refusals(ctx, c, id)
	return a.ended(j)
}

// wasCut says that a log is followed over a new connection.
func (a *app) wasCut(error) {
	a.say("hotcell: the connection was cut: the log goes on where it was as soon as the server answers")
}

// ended tells how a job ended, and makes its exit code ours.
func (a *app) ended(j hotcell.Job) error {
	if j.Redactions > 0 {
		a.say("hotcell: %s of a value redacted", count(j.Redactions, "occurrence"))
	}
	if j.OutputSize > 0 {
		a.say("hotcell: it left files: hotcell jobs out %s -d DIR", j.ID)
	}
	switch {
	case j.State == hotcell.JobSucceeded:
		return nil
	case j.State == hotcell.JobCancelled:
		return &codedError{ExitInterrupted, fmt.Sprintf("%s ended early: %s", j.ID, j.Reason), &j}
	case j.State == hotcell.JobFailed && j.ExitCode != nil && *j.ExitCode != 0:
		return &codedError{*j.ExitCode, fmt.Sprintf("the job failed: %s", j.Reason), &j}
	}
	how := map[hotcell.JobState]string{hotcell.JobFailed: "failed", hotcell.JobTimedOut: "timed out", hotcell.JobLost: "was lost"}[j.State]
	return &codedError{ExitError, fmt.Sprintf("the job %s: %s", how, j.Reason), &j}
}

// lookEvery is how often it is looked whether a job waits for a person.
const lookEvery = time.Second

// watch says while a job runs what it waits for, and what was decided. It ends with
// over, which tells what is still to be told.
func (a *app) watch(ctx context.Context, c *client.Client, id hotcell.JobID) (over func()) {
	ctx, stop := context.WithCancel(ctx)
	w := &watcher{a, c, id, nil}
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			w.look(ctx)
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return func() {
		stop()
		<-done
		last, stop := context.WithTimeout(context.WithoutCancel(ctx), lookEvery)
		defer stop()
		w.look(last)
	}
}

// watcher knows which requests it has told of.
type watcher struct {
	app  *app
	c    *client.Client
	job  hotcell.JobID
	told []hotcell.RequestID
}

// look tells of requests that are new, and of those that were decided since. What
// cannot be asked now is asked again: the job goes on meanwhile.
func (w *watcher) look(ctx context.Context) {
	list, err := w.c.Requests(ctx, hotcell.RequestPending, w.job)
	if err != nil {
		return
	}
	pending := map[hotcell.RequestID]bool{}
	for _, q := range slices.Backward(list) { // oldest first
		pending[q.ID] = q.State == hotcell.RequestPending
		if pending[q.ID] && !slices.Contains(w.told, q.ID) {
			w.told = append(w.told, q.ID)
			w.app.say("hotcell: %s waits for you: %s: %s", w.job, shorten(wants(q), 100), answering(q))
		}
	}
	w.told = slices.DeleteFunc(w.told, func(id hotcell.RequestID) bool {
		if pending[id] {
			return false
		}
		q, err := w.c.Request(ctx, id)
		if err != nil || q.State == hotcell.RequestPending {
			return false
		}
		w.app.say("hotcell: %s is %s: %s", q.ID, q.State, map[bool]string{true: "the job goes on with it", false: "the job goes on without it"}[q.State == hotcell.RequestApproved])
		return true
	})
}

// answering is the command that answers a request.
func answering(q hotcell.Request) string {
	if q.Kind == hotcell.RequestLogin {
		return fmt.Sprintf("hotcell requests show %s", q.ID)
	}
	return fmt.Sprintf("hotcell requests approve %s (or refuse)", q.ID)
}

// mostRefusals is how many refusals are told one by one.
const mostRefusals = 3

// refusals says at a job's end what it was refused.
func (a *app) refusals(ctx context.Context, c *client.Client, id hotcell.JobID) {
	events, err := c.Events(ctx, hotcell.EventFilter{Job: id, Decision: hotcell.Refused, Limit: 1000})
	if err != nil || len(events) == 0 {
		return // who may not read the log is told nothing of it
	}
	slices.Reverse(events)
	var what []string
	for _, e := range events {
		text := strings.TrimSpace(strings.Join(slices.DeleteFunc([]string{e.Host, e.Name}, func(s string) bool { return s == "" }), " "))
		if e.Reason != "" {
			text = strings.TrimPrefix(text+", "+e.Reason, ", ")
		}
		if !slices.Contains(what, text) {
			what = append(what, text)
		}
	}
	more := ""
	if n := len(what) - mostRefusals; n > 0 {
		what, more = what[:mostRefusals], fmt.Sprintf("; and %d more", n)
	}
	was := map[bool]string{true: "was", false: "were"}[len(events) == 1]
	a.say("hotcell: %s %s refused: %s%s; hotcell audit list --job %s --decision refuse", count(len(events), "request"), was, strings.Join(what, "; "), more, id)
}
