package cli

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/store/audit"
)

func (a *app) audit() *cobra.Command {
	return group("audit", "The audit log: who did what, and what was refused", a.listEvents(), a.verifyEvents(), a.exportEvents())
}

// eventFlags narrow a list of events.
type eventFlags struct {
	hotcell.EventFilter
	decision, job, secret, assignment, member, host, since string
	list                                                   listFlags
}

func (f *eventFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.Kind, "kind", "", "only this `kind`, such as secret.create, or all of a noun, such as secret")
	flags.StringVar(&f.decision, "decision", "", "only what was decided so: allow or refuse")
	flags.StringVar(&f.job, "job", "", "only what is of this `job`")
	flags.StringVar(&f.secret, "secret", "", "only what is of this `secret`, by name or id")
	flags.StringVar(&f.assignment, "assignment", "", "only what is of this `assignment`, by name or id")
	flags.StringVar(&f.member, "member", "", "only what this `member` did, or was done on their behalf, by name or id")
	flags.StringVar(&f.host, "host", "", "only what is of this `host`, with or without its port")
	flags.StringVar(&f.since, "since", "", "only what is not older than this: a `time` such as 2026-11-30 or 2026-11-30T09:00, or how long ago, such as 90m, 24h or 7d")
	flags.IntVar(&f.Limit, "limit", 50, "how many at the most, up to 1000")
	flags.Int64Var(&f.Before, "before", 0, "only events with a lower `number`")
	f.list.add(c)
}

func (a *app) listEvents() *cobra.Command {
	var f eventFlags
	c := command("list", "List the audit log, newest first", "", cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
		c, ctx := a.client(), cmd.Context()
		f.Decision, f.Job = hotcell.Decision(f.decision), hotcell.JobID(f.job)
		if err := a.about(ctx, c, f.secret, f.assignment, &f.EventFilter); err != nil {
			return err
		}
		since, err := sinceOf(f.since, time.Now())
		if err != nil {
			return err
		}
		w, err := c.Workspace(ctx)
		if err != nil {
			return err
		}
		if f.Member, err = memberOf(w.Member, f.member); err != nil {
			return err
		}
		events, err := eventsOf(ctx, c, f.EventFilter, since, f.host)
		if err != nil {
			return err
		}
		return printList(a, &f.list, events, "", number, eventColumns(w.Member))
	})
	f.add(c)
	return c
}

func number(e hotcell.Event) string { return strconv.FormatInt(e.Sequence, 10) }

func eventColumns(me hotcell.Member) []column[hotcell.Event] {
	return []column[hotcell.Event]{
		{"NO", number}, {"TIME", func(e hotcell.Event) string { return at(e.At) }},
		{"WHO", func(e hotcell.Event) string { return who(e, me) }},
		{"WHAT", func(e hotcell.Event) string { return e.Kind }}, {"DECISION", func(e hotcell.Event) string { return string(e.Decision) }},
		{"NAME", func(e hotcell.Event) string { return e.Name }}, {"HOST", func(e hotcell.Event) string { return e.Host }},
		{"JOB", func(e hotcell.Event) string { return string(e.Job) }}, {"REASON", func(e hotcell.Event) string { return e.Reason }},
	}
}

// who did something, or on whose behalf it was done.
func who(e hotcell.Event, me hotcell.Member) string {
	switch e.Member {
	case "":
		return "hotcell"
	case me.ID:
		return me.Name
	}
	return string(e.Member)
}

// memberOf is the member of a name or an id. Of other members' names, who asks is told
// nothing: their ids are in the log.
func memberOf(me hotcell.Member, text string) (hotcell.MemberID, error) {
	switch {
	case text == "" || hotcell.CheckID(text, hotcell.PrefixMember) == nil:
		return hotcell.MemberID(text), nil
	case strings.EqualFold(text, me.Name), text == "me":
		return me.ID, nil
	}
	return "", &hinted{fmt.Errorf("%w: there is no member %q that you know by name", hotcell.ErrNotFound, text), "give the id: hotcell audit list --json sequence,member"}
}

// sinceOf reads a time, or how long ago it is; the zero time is none.
func sinceOf(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if days, is := strings.CutSuffix(text, "d"); is {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.AddDate(0, 0, -int(n)), nil
		}
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return at, nil
		}
	}
	return time.Time{}, usagef("--since takes a time, such as 2026-11-30 or 2026-11-30T09:00, or how long ago, such as 90m, 24h or 7d")
}

// eventsOf reads as many events as the filter wants, page by page where the server
// does not know what else is asked for.
func eventsOf(ctx context.Context, c *client.Client, f hotcell.EventFilter, since time.Time, host string) (out []hotcell.Event, err error) {
	if since.IsZero() && host == "" {
		return c.Events(ctx, f)
	}
	most := f.Limit
	for f.Limit = 1000; ; {
		page, err := c.Events(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			if e.At.Before(since) || len(out) == most {
				return out, nil
			}
			if host == "" || ofHost(e.Host, host) {
				out = append(out, e)
			}
			f.Before = e.Sequence
		}
		if len(page) < f.Limit {
			return out, nil
		}
	}
}

// ofHost says whether an event's host is the one that is asked for.
func ofHost(of, wanted string) bool {
	if strings.EqualFold(of, wanted) {
		return true
	}
	name, _, err := net.SplitHostPort(of)
	return err == nil && strings.EqualFold(name, strings.Trim(wanted, "[]"))
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
that does not fit. Exits with 1 where there is one. Hashes are in base64, as in
"audit export" and with -o json.`, cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
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
				return &codedError{ExitError, fmt.Sprintf("the audit log was altered: event %d does not fit: %s", v.Broken, v.Reason), nil}
			}
			if a.output != "json" && v.Removed > 0 && v.RemovedAt != nil {
				fmt.Fprintf(a.Out, "events before %d were removed by retention on %s; the log is checked from there\n", v.Removed+1, v.RemovedAt.Format(time.DateOnly))
			}
			if a.output != "json" {
				_, err = fmt.Fprintf(a.Out, "%d events, unbroken; the last has the hash %s\n", v.Events, base64.StdEncoding.EncodeToString(v.Head))
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
