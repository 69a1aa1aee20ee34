package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/internal/text/shell"
)

func (a *app) run() *cobra.Command {
	var detach, raw, yes bool
	c := command("run ASSIGNMENT [-- ARGS…]", "Run an assignment, follow its log, and exit with its code",
		`Run an assignment in a cell, follow its log, and exit with its code.

What the job prints on its standard output comes here on standard output; what
Hotcell says comes on standard error. On a terminal, what would steer it is taken
out of that (titles, the clipboard, the cursor); colours stay, and --raw leaves all
as it is. An interrupt cancels the job; a second one leaves at once.

While the job waits for a person, it says for what, and at the end what was refused.
Without more, an exit code may be the command's or ours (below). With --exit-code what
is not the command's own is 200 and more: 203 there is no such assignment, 204 it may
not run, 201 it timed out or was lost.`, cobra.MinimumNArgs(1),
		func(cmd *cobra.Command, args []string) error {
			if dash := cmd.ArgsLenAtDash(); dash != 1 && !(dash < 0 && len(args) == 1) {
				return &usageError{"one assignment is run", fmt.Sprintf("what follows -- goes to its command: hotcell run %s -- %s", shell.Quote(args[0]), "ARGS…")}
			}
			if err := noKeys(yes, "an argument of the command", args[1:]...); err != nil {
				return err
			}
			c := a.client()
			on, err := a.assignmentOf(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			interrupts, deaf := interrupting()
			defer deaf()
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
			return a.follow(cmd.Context(), c, j.ID, a.screen(raw), interrupts)
		})
	c.Flags().BoolVar(&raw, "raw", false, rawFlag)
	c.Flags().BoolVar(&detach, "detach", false, "do not wait: print the job's id")
	c.Flags().BoolVar(&a.apart, "exit-code", false, "tell the command's exit code from ours: 200 and more is ours")
	c.Flags().BoolVarP(&yes, "yes", "y", false, yesKeys)
	return c
}

func (a *app) jobs() *cobra.Command {
	return group("jobs", "Jobs: the runs of assignments", a.createJob(), a.listJobs(), a.showJob(), a.jobLogs(), a.jobOut(), a.cancelJob())
}

func (a *app) listJobs() *cobra.Command {
	var of, state string
	var limit int
	var f listFlags
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
		id := func(j hotcell.Job) string { return string(j.ID) }
		return printList(a, &f, list, "", id, []column[hotcell.Job]{
			{"ID", id}, {"ASSIGNMENT", func(j hotcell.Job) string { return j.Name }}, {"STATE", func(j hotcell.Job) string { return string(j.State) }}, {"CODE", codeOf},
			{"MADE", func(j hotcell.Job) string { return at(j.CreatedAt) }}, {"TOOK", took}, {"REASON", func(j hotcell.Job) string { return j.Reason }},
		})
	})
	f.add(c)
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
		rows := [][]string{{"id", string(j.ID)}, {"assignment", j.Name, string(j.Assignment)}, does(j)}
		if j.Work.Image != "" {
			rows = append(rows, []string{"image", j.Work.Image + ", " + j.Work.ImageDigest})
		}
		return a.table(append(rows, [][]string{
			{"state", string(j.State)}, {"exit code", codeOf(j)},
			{"reason", a.why(cmd.Context(), j)}, {"made", at(j.CreatedAt)}, {"took", took(j)}, {"redactions", strconv.Itoa(j.Redactions)}, {"output", strconv.FormatInt(j.OutputSize, 10) + " bytes" + gone(j.OutputRemovedAt)},
			{"log", strconv.FormatInt(j.LogSize, 10) + " bytes" + gone(j.LogRemovedAt)},
		}...))
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
			over := a.watch(cmd.Context(), c, id)
			_, err := c.Follow(cmd.Context(), id, shown.chunk, a.wasCut)
			over()
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
		moved := a.progress("fetched", 0)
		defer moved.end()
		coming := io.TeeReader(archive, moved)
		if dir == "-" {
			_, err := io.Copy(a.Out, coming)
			return err
		}
		if dir == "" {
			dir = string(id)
		}
		came, err := unpack(coming, dir)
		moved.end()
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
