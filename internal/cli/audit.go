package cli

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/audit"
)

func (a *app) audit() *cobra.Command {
	return group("audit", "The audit log: who did what, and what was refused", a.listEvents(), a.verifyEvents(), a.exportEvents())
}

func (a *app) listEvents() *cobra.Command {
	var f hotcell.EventFilter
	var decision, job, secret, assignment string
	c := command("list", "List the audit log, newest first", "", cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
		f.Decision, f.Job = hotcell.Decision(decision), hotcell.JobID(job)
		c := a.client()
		if err := a.about(cmd.Context(), c, secret, assignment, &f); err != nil {
			return err
		}
		events, err := c.Events(cmd.Context(), f)
		if err != nil {
			return err
		}
		if a.output == "json" {
			return a.json(emptyList(events))
		}
		rows := [][]string{{"NO", "TIME", "WHAT", "DECISION", "NAME", "HOST", "JOB", "REASON"}}
		for _, e := range events {
			rows = append(rows, []string{strconv.FormatInt(e.Sequence, 10), at(e.At), e.Kind, string(e.Decision), e.Name, e.Host, string(e.Job), e.Reason})
		}
		return a.table(rows)
	})
	flags := c.Flags()
	flags.StringVar(&f.Kind, "kind", "", "only this `kind`, such as secret.create, or all of a noun, such as secret")
	flags.StringVar(&decision, "decision", "", "only what was decided so: allow or refuse")
	flags.StringVar(&job, "job", "", "only what is of this `job`")
	flags.StringVar(&secret, "secret", "", "only what is of this `secret`, by name or id")
	flags.StringVar(&assignment, "assignment", "", "only what is of this `assignment`, by name or id")
	flags.IntVar(&f.Limit, "limit", 50, "how many at the most, up to 1000")
	flags.Int64Var(&f.Before, "before", 0, "only events with a lower `number`")
	return c
}

// about narrows a list of events to a secret or an assignment. What is deleted
// has events still, and is found by its id.
func (a *app) about(ctx context.Context, c *client.Client, secret, assignment string, f *hotcell.EventFilter) error {
	f.Credential, f.Assignment = hotcell.CredentialID(secret), hotcell.AssignmentID(assignment)
	if secret != "" && hotcell.CheckID(secret, hotcell.PrefixSecret) != nil {
		s, err := a.secretOf(ctx, c, secret)
		if err != nil {
			return err
		}
		f.Credential = s.ID
	}
	if assignment != "" && hotcell.CheckID(assignment, hotcell.PrefixAssignment) != nil {
		on, err := a.assignmentOf(ctx, c, assignment)
		if err != nil {
			return err
		}
		f.Assignment = on.ID
	}
	return nil
}

func (a *app) verifyEvents() *cobra.Command {
	return command("verify", "Check the audit log's chain from its first event on",
		`Check the audit log's chain from its first event on, and name the first event
that does not fit. Exits with 1 where there is one.`, cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
			v, err := a.client().Verify(cmd.Context())
			if err != nil {
				return err
			}
			if a.output == "json" {
				if err := a.json(v); err != nil {
					return err
				}
			}
			if v.Broken != 0 {
				return &codedError{ExitError, fmt.Sprintf("the audit log was altered: event %d does not fit: %s", v.Broken, v.Reason)}
			}
			if a.output != "json" && v.Removed > 0 && v.RemovedAt != nil {
				fmt.Fprintf(a.Out, "events before %d were removed by retention on %s; the log is checked from there\n", v.Removed+1, v.RemovedAt.Format(time.DateOnly))
			}
			if a.output != "json" {
				_, err = fmt.Fprintf(a.Out, "%d events, unbroken; the last has the hash %x\n", v.Events, v.Head)
			}
			return err
		})
}

func (a *app) exportEvents() *cobra.Command {
	return command("export", "Print the whole audit log, oldest first, a line of JSON each", "", cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
		c := a.client()
		return audit.Export(a.Out, func(yield func(hotcell.Event, error) bool) {
			for after := int64(0); ; {
				events, err := c.Events(cmd.Context(), hotcell.EventFilter{Ascending: true, After: after, Limit: 1000})
				if err != nil {
					yield(hotcell.Event{}, err)
					return
				}
				if len(events) == 0 {
					return
				}
				for _, e := range events {
					if !yield(e, nil) {
						return
					}
					after = e.Sequence
				}
			}
		})
	})
}
