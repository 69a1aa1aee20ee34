package cli

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"hotcell"
	"hotcell/client"
)

// Verdict is one thing that was looked at.
type Verdict struct {
	// Mark is "ok", "note" or "LACK".
	Mark, Name, Detail string
}

// Try starts a cell as an assignment's jobs get it, looks around in it in the place of
// the command, and tests what is attached: does its program exist and start, are its
// tools listed, do its clients trust the job's authority, do its connections work.
func Try(ctx context.Context, terminal IO, data, assignment string) ([]Verdict, error) {
	a := &app{IO: terminal, data: data}
	c := a.client()
	on, err := a.assignmentOf(ctx, c, assignment)
	if err != nil {
		return nil, err
	}
	j, err := c.Try(ctx, on.ID)
	if err != nil {
		return nil, err
	}
	var log bytes.Buffer
	j, err = c.Follow(ctx, j.ID, func(chunk hotcell.LogChunk) error {
		if chunk.Stream == "stdout" {
			log.Write(chunk.Data)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := verdicts(log.String())
	switch {
	case j.State != hotcell.JobSucceeded:
		out = append(out, Verdict{"LACK", "cell", j.Reason})
	default:
		out = append([]Verdict{{"ok", "cell", string(j.ID) + " looked around in one"}}, out...)
	}
	return append(out, tests(ctx, c, on)...), nil
}

// verdicts reads what a trial printed, in a cell in which the assignment's own program
// ran: it is shown, and believed no further.
func verdicts(log string) (out []Verdict) {
	for line := range strings.Lines(log) {
		parts := strings.SplitN(strings.TrimRight(line, "\n"), "\t", 3)
		if len(parts) == 3 && slices.Contains([]string{"ok", "note", "LACK"}, parts[0]) {
			out = append(out, Verdict{parts[0], safe(parts[1]), safe(parts[2])})
		}
	}
	return out
}

// tests asks the services of the attached connections whether they work.
func tests(ctx context.Context, c *client.Client, on client.Assignment) (out []Verdict) {
	for _, at := range on.Attachments {
		if at.Tier != hotcell.TierConnection {
			continue
		}
		tested, err := c.TestConnection(ctx, at.Attachment.Credential, "")
		v := Verdict{"ok", "connection", at.Name + " works"}
		switch {
		case err != nil:
			v.Mark, v.Detail = "note", fmt.Sprintf("%s: %s", at.Name, err)
		case tested.Unanswered:
			v.Mark, v.Detail = "note", at.Name+": "+tested.Reason
		case !tested.Works:
			v.Mark, v.Detail = "LACK", at.Name+": "+tested.Reason
		}
		out = append(out, v)
	}
	return out
}
