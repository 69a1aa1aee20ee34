package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/shell"
)

func (a *app) run() *cobra.Command {
	var detach, raw bool
	c := command("run ASSIGNMENT [-- ARGS…]", "Run an assignment, follow its log, and exit with its code",
		`Run an assignment in a cell, follow its log, and exit with its code.

What the job prints on its standard output comes here on standard output; what
Hotcell says comes on standard error. On a terminal, what would steer it is taken
out of that (titles, the clipboard, the cursor); colours stay, and --raw leaves all
as it is. An interrupt cancels the job; a second one leaves at once.`, cobra.MinimumNArgs(1),
		func(cmd *cobra.Command, args []string) error {
			if dash := cmd.ArgsLenAtDash(); dash != 1 && !(dash < 0 && len(args) == 1) {
				return &usageError{"one assignment is run", fmt.Sprintf("what follows -- goes to its command: hotcell run %s -- %s", shell.Quote(args[0]), "ARGS…")}
			}
			c := a.client()
			on, err := a.assignmentOf(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			// An interrupt meanwhile must not leave a job behind that nobody knows.
			ctx, stop := context.WithTimeout(context.WithoutCancel(cmd.Context()), time.Minute)
			defer stop()
			j, err := c.Run(ctx, on.ID, args[1:])
			if err != nil {
				return err
			}
			if detach {
				if a.output == "json" {
					return a.json(j)
				}
				_, err := fmt.Fprintln(a.Out, j.ID)
				return err
			}
			a.say("hotcell: %s is queued", j.ID)
			return a.follow(cmd.Context(), c, j.ID, a.screen(raw))
		})
	c.Flags().BoolVar(&raw, "raw", false, rawFlag)
	c.Flags().BoolVar(&detach, "detach", false, "do not wait: print the job's id")
	return c
}

// follow prints a job's log until it ends, and is its exit code. The first
// interrupt cancels the job.
func (a *app) follow(ctx context.Context, c *client.Client, id hotcell.JobID, shown *screen) error {
	interrupts := make(chan os.Signal, 3)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(interrupts)
	early := ctx.Err() != nil // between the job's making and here
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
	j, err := c.Follow(ctx, id, shown.print)
	shown.close()
	if errors.Is(err, context.Canceled) {
		return &hinted{fmt.Errorf("left %s, which may go on: %w", id, err), "follow it again: hotcell jobs logs -f " + string(id)}
	}
	if err != nil {
		return err
	}
	return a.ended(j)
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
		return &codedError{ExitInterrupted, fmt.Sprintf("%s ended early: %s", j.ID, j.Reason)}
	case j.State == hotcell.JobFailed && j.ExitCode != nil && *j.ExitCode != 0:
		return &codedError{*j.ExitCode, fmt.Sprintf("the job failed: %s", j.Reason)}
	}
	how := map[hotcell.JobState]string{hotcell.JobFailed: "failed", hotcell.JobTimedOut: "timed out", hotcell.JobLost: "was lost"}[j.State]
	return &codedError{ExitError, fmt.Sprintf("the job %s: %s", how, j.Reason)}
}

func (a *app) jobs() *cobra.Command {
	return group("jobs", "Jobs: the runs of assignments", a.createJob(), a.listJobs(), a.showJob(), a.jobLogs(), a.jobOut(), a.cancelJob())
}

func (a *app) listJobs() *cobra.Command {
	var of, state string
	var limit int
	c := command("list", "List jobs, newest first", "", cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
		c := a.client()
		filter := hotcell.JobFilter{State: hotcell.JobState(state)}
		if of != "" {
			on, err := a.assignmentOf(cmd.Context(), c, of)
			if err != nil {
				return err
			}
			filter.Assignment = on.ID
		}
		list, err := c.Jobs(cmd.Context(), filter, limit)
		if err != nil {
			return err
		}
		if a.output == "json" {
			return a.json(emptyList(list))
		}
		rows := [][]string{{"ID", "ASSIGNMENT", "STATE", "CODE", "MADE", "TOOK", "REASON"}}
		for _, j := range list {
			rows = append(rows, []string{string(j.ID), j.Name, string(j.State), codeOf(j), at(j.CreatedAt), took(j), j.Reason})
		}
		return a.table(rows)
	})
	c.Flags().StringVar(&of, "assignment", "", "only those of this `assignment`")
	c.Flags().StringVar(&state, "state", "", "only those in this `state`")
	c.Flags().IntVar(&limit, "limit", 20, "how many at the most, up to 100")
	return c
}

func codeOf(j hotcell.Job) string {
	if j.ExitCode == nil {
		return ""
	}
	return strconv.Itoa(*j.ExitCode)
}

func took(j hotcell.Job) string {
	if j.StartedAt == nil || j.EndedAt == nil {
		return ""
	}
	return j.EndedAt.Sub(*j.StartedAt).Round(time.Millisecond).String()
}

func (a *app) showJob() *cobra.Command {
	return command("show JOB", "Show a job", "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		id, err := jobOf(args[0])
		if err != nil {
			return err
		}
		j, err := a.client().Job(cmd.Context(), id)
		if err != nil {
			return err
		}
		if a.output == "json" {
			return a.json(j)
		}
		return a.table([][]string{
			{"id", string(j.ID)}, {"assignment", j.Name, string(j.Assignment)}, does(j), {"state", string(j.State)}, {"exit code", codeOf(j)},
			{"reason", a.why(cmd.Context(), j)}, {"made", at(j.CreatedAt)}, {"took", took(j)}, {"redactions", strconv.Itoa(j.Redactions)}, {"output", strconv.FormatInt(j.OutputSize, 10) + " bytes" + gone(j.OutputRemovedAt)},
			{"log", strconv.FormatInt(j.LogSize, 10) + " bytes" + gone(j.LogRemovedAt)},
		})
	})
}

// gone says that retention removed something.
func gone(at *time.Time) string {
	if at == nil {
		return ""
	}
	return ", removed by retention on " + at.Format(time.DateOnly)
}

// does says what a job is for.
func does(j hotcell.Job) []string {
	if j.External {
		return []string{"external", "an agent elsewhere calls its tools, for " + time.Duration(j.Work.Limits.Timeout).String()}
	}
	return []string{"command", j.Work.Command}
}

// why is a job's reason; while it waits, what for.
func (a *app) why(ctx context.Context, j hotcell.Job) string {
	if j.State != hotcell.JobWaiting {
		return j.Reason
	}
	list, err := a.client().Requests(ctx, hotcell.RequestPending, j.ID)
	if err != nil || len(list) == 0 {
		return "it waits for a person: hotcell requests list"
	}
	return fmt.Sprintf("it waits for a person: hotcell requests show %s", list[0].ID)
}

func (a *app) jobLogs() *cobra.Command {
	var following, raw bool
	c := command("logs JOB", "Print a job's log", `Print a job's log.

On a terminal, what would steer it is taken out (titles, the clipboard, the cursor);
colours stay, and --raw leaves all as it is.`, cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		id, err := jobOf(args[0])
		if err != nil {
			return err
		}
		c := a.client()
		shown := a.screen(raw)
		defer shown.close()
		if following {
			_, err := c.Follow(cmd.Context(), id, shown.chunk)
			return err
		}
		for after := int64(0); ; {
			chunks, err := c.Log(cmd.Context(), id, after)
			if err != nil || len(chunks) == 0 {
				return err
			}
			for _, chunk := range chunks {
				if err := shown.chunk(chunk); err != nil {
					return err
				}
				after = chunk.Sequence
			}
		}
	})
	c.Flags().BoolVar(&raw, "raw", false, rawFlag)
	c.Flags().BoolVarP(&following, "follow", "f", false, "go on until the job has ended")
	return c
}

func (a *app) jobOut() *cobra.Command {
	var dir string
	c := command("out JOB [-d DIR|-]", "Fetch what a job left in /job/out", `Fetch what a job left in /job/out, into a new folder.

Nothing that is there is written over. Links are not made, folders named .git and
the like are left out, since their settings name commands, and what cannot be seen
in a name is written as %XX.`, cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		id, err := jobOf(args[0])
		if err != nil {
			return err
		}
		archive, err := a.client().Out(cmd.Context(), id)
		if err != nil {
			return err
		}
		defer func() { _ = archive.Close() }()
		if dir == "-" {
			_, err := io.Copy(a.Out, archive)
			return err
		}
		if dir == "" {
			dir = string(id)
		}
		came, err := unpack(archive, dir)
		if err != nil {
			return err
		}
		a.say("%s in %s", count(came.files, "file"), dir)
		if came.left > 0 {
			a.say("left out: %d (links, repositories' own folders, names that come twice); -d - prints all of it as a tar archive", came.left)
		}
		return nil
	})
	c.Flags().StringVarP(&dir, "dir", "d", "", "the new `folder` to put it in, the job's id by default; - prints a tar archive")
	return c
}

func (a *app) cancelJob() *cobra.Command {
	return command("cancel JOB", "End a job and every process of it", "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		id, err := jobOf(args[0])
		if err != nil {
			return err
		}
		j, err := a.client().Cancel(cmd.Context(), id)
		if err != nil {
			return err
		}
		return a.made(string(j.ID), fmt.Sprintf("%s is %s", j.ID, map[bool]string{true: "being cancelled", false: string(j.State)}[j.Cancelling]), j)
	})
}
