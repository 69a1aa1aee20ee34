package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/shell"
)

func (a *app) createJob() *cobra.Command {
	var external bool
	var life time.Duration
	c := command("create ASSIGNMENT [--external] [-- ARGS…]", "Make a job, and do not wait for it",
		`Make a job of an assignment, and do not wait for it.

With --external the job has no cell. An agent elsewhere calls its tools over MCP,
and never has a token of the accounts behind them. What is printed on standard
output makes them known to Claude Code; its token is told this once. It is good
for that job alone, until the job ends: after --ttl, by "hotcell jobs cancel",
or when what it uses is taken away. -o json prints the token and the URL for
other agents; -q prints the job's id alone.`, cobra.MinimumNArgs(1),
		func(cmd *cobra.Command, args []string) error {
			if dash := cmd.ArgsLenAtDash(); dash != 1 && !(dash < 0 && len(args) == 1) {
				return &usageError{"a job is made of one assignment", fmt.Sprintf("what follows -- goes to its command: hotcell jobs create %s -- %s", shell.Quote(args[0]), "ARGS…")}
			}
			c := a.client()
			on, err := a.assignmentOf(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			if external {
				if len(args) > 1 {
					return usagef("an external job has no command, so nothing follows --")
				}
				return a.open(cmd.Context(), c, on.ID, life)
			}
			if life != 0 {
				return usagef("--ttl is for --external: another job has its assignment's --timeout")
			}
			j, err := c.Run(cmd.Context(), on.ID, args[1:])
			if err != nil {
				return err
			}
			return a.made(string(j.ID), fmt.Sprintf("%s is queued", j.ID), j)
		})
	c.Flags().BoolVar(&external, "external", false, "no cell: an agent elsewhere calls the job's tools")
	c.Flags().DurationVar(&life, "ttl", 0, "how long an external job lives, 24h at the most (1h)")
	return c
}

// open makes an external job, and tells how to get to it once it can be got to.
func (a *app) open(ctx context.Context, c *client.Client, on hotcell.AssignmentID, life time.Duration) error {
	// An interrupt meanwhile must not leave a job behind that nobody knows.
	bounded, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer stop()
	j, err := c.Open(bounded, on, life)
	if err != nil {
		return err
	}
	if j.Job, err = started(bounded, c, j.Job); err != nil {
		return err
	}
	switch {
	case a.quiet:
		_, err = fmt.Fprintln(a.Out, j.ID)
	case a.output == "json":
		err = a.json(j)
	default:
		_, err = fmt.Fprintf(a.Out, "claude mcp add --transport http hotcell %s --header \"Authorization: Bearer %s\"\n", j.URL, j.Token)
		a.say("hotcell: %s lives until %s, or until: hotcell jobs cancel %s", j.ID, at(j.CreatedAt.Add(time.Duration(j.Work.Limits.Timeout))), j.ID)
	}
	return err
}

// started waits until an external job can be called, or says why it cannot.
func started(ctx context.Context, c *client.Client, j hotcell.Job) (hotcell.Job, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		now, err := c.Job(ctx, j.ID)
		switch {
		case err != nil:
			return j, err
		case now.State.Final():
			return now, fmt.Errorf("%w: %s has not come to be: %s", hotcell.ErrDenied, j.ID, now.Reason)
		case now.State == hotcell.JobRunning, now.State == hotcell.JobWaiting:
			return now, nil
		}
		select {
		case <-ctx.Done():
			return now, nil // it waits in the queue: it will be called later
		case <-tick.C:
		}
	}
}
