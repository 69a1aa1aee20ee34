package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/text/shell"
)

// sureFlag is the flag by which scripts say what people are asked.
type sureFlag struct{ yes bool }

func (f *sureFlag) add(c *cobra.Command) *cobra.Command {
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask: for scripts")
	return c
}

// errUnsure is what comes of a no.
var errUnsure = errors.New("nothing was changed")

// harm is what goes when something is deleted or taken away.
type harm struct {
	// attached are the assignments that have it, and jobs those that end with it.
	attached []client.AttachedAssignment
	jobs     []hotcell.Job
}

// lines tell of it.
func (h harm) lines(what string) (out []string) {
	if names := h.names(); len(names) > 0 {
		out = append(out, fmt.Sprintf("%s is attached to %s", what, strings.Join(names, ", ")))
	}
	for _, j := range h.jobs {
		out = append(out, fmt.Sprintf("%s of %s is %s, and ends", j.ID, j.Name, j.State))
	}
	return out
}

func (h harm) names() (out []string) {
	for _, at := range h.attached {
		name := at.Name
		if name == "" {
			name = string(at.Assignment)
		}
		out = append(out, name)
	}
	return out
}

// under are the states of jobs that have not ended.
var under = []hotcell.JobState{hotcell.JobRunning, hotcell.JobWaiting, hotcell.JobStarting, hotcell.JobQueued}

// running are the jobs of assignments that have not ended.
func running(ctx context.Context, c *client.Client, of ...hotcell.AssignmentID) (out []hotcell.Job, err error) {
	seen := map[hotcell.AssignmentID]bool{}
	for _, id := range of {
		if seen[id] {
			continue
		}
		seen[id] = true
		for _, state := range under {
			list, err := c.Jobs(ctx, hotcell.JobFilter{Assignment: id, State: state}, 100)
			if err != nil {
				return nil, err
			}
			out = append(out, list...)
		}
	}
	return out, nil
}

// harmOf finds out what goes with a credential.
func harmOf(ctx context.Context, c *client.Client, attached []client.AttachedAssignment) (h harm, err error) {
	ids := make([]hotcell.AssignmentID, len(attached))
	for i, at := range attached {
		ids[i] = at.Assignment
	}
	h.attached = attached
	h.jobs, err = running(ctx, c, ids...)
	return h, err
}

// deleting asks before something is deleted that is not to be had back. Where nobody
// can be asked, it takes --yes.
func (a *app) deleting(cmd *cobra.Command, f sureFlag, name, question string, lines []string) error {
	if f.yes {
		return nil
	}
	if !a.person() {
		told := ""
		if len(lines) > 0 {
			told = strings.Join(lines, "; ") + ": "
		}
		return &usageError{told + "nobody can be asked here whether to go on", strings.Join([]string{cmd.CommandPath(), shell.Quote(name), "--yes"}, " ")}
	}
	return a.asked(cmd.Context(), question, lines)
}

// ending asks a person before something is taken away that jobs are at work with. It
// can be given again, so scripts are not held up.
func (a *app) ending(ctx context.Context, f sureFlag, question string, h harm) error {
	if f.yes || len(h.jobs) == 0 || !a.person() {
		return nil
	}
	return a.asked(ctx, question, harm{jobs: h.jobs}.lines(""))
}

// deletingCredential asks before a credential is deleted.
func (a *app) deletingCredential(cmd *cobra.Command, f sureFlag, c hotcell.Credential, at []client.AttachedAssignment, gone string) error {
	if f.yes {
		return nil
	}
	h, err := harmOf(cmd.Context(), a.client(), at)
	if err != nil {
		return err
	}
	return a.deleting(cmd, f, c.Name, fmt.Sprintf("delete the %s %s (%s)? %s.", c.Tier, c.Name, groupOf(c), gone), h.lines(c.Name))
}

// deletingAssignment asks before an assignment is deleted.
func (a *app) deletingAssignment(cmd *cobra.Command, f sureFlag, c *client.Client, x client.Assignment) error {
	if f.yes {
		return nil
	}
	jobs, err := running(cmd.Context(), c, x.ID)
	if err != nil {
		return err
	}
	var lines []string
	for _, at := range x.Attachments {
		lines = append(lines, fmt.Sprintf("%s has %s", x.Name, attachedAs(at)))
	}
	return a.deleting(cmd, f, x.Name, "delete the assignment "+x.Name+"?", append(lines, harm{jobs: jobs}.lines(x.Name)...))
}

// unsharing asks a person before others' jobs lose what they are at work with.
func (a *app) unsharing(ctx context.Context, f sureFlag, c *client.Client, of hotcell.Credential, at []client.AttachedAssignment) error {
	if f.yes || !of.Shared || !a.person() {
		return nil
	}
	h, err := harmOf(ctx, c, at)
	if err != nil {
		return err
	}
	h.jobs = slices.DeleteFunc(h.jobs, func(j hotcell.Job) bool { return j.Owner == of.Owner })
	return a.ending(ctx, f, "make "+of.Name+" its owner's alone?", h)
}

func (a *app) asked(ctx context.Context, question string, lines []string) error {
	for _, line := range lines {
		fmt.Fprintln(a.Err, safe(line))
	}
	ok, err := a.confirm(ctx, safe(question))
	if err == nil && !ok {
		err = errUnsure
	}
	return err
}
