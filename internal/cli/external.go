package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/text/shell"
)

func (a *app) createJob() *cobra.Command {
	var external, yes bool
	var life time.Duration
	var to handing
	c := command("create ASSIGNMENT [--external] [-- ARGS…]", "Make a job, and do not wait for it",
		`Make a job of an assignment, and do not wait for it.

With --external the job has no cell. An agent elsewhere calls its tools over MCP,
and never has a token of the accounts behind them. The job's own token is told this
once, by a file that only you can read: a configuration of MCP servers, which Claude
Code takes with the line that is printed. --mcp-config says where; --token-file has
the token alone, - is standard output. It is good for that job alone, until the job
ends: after --ttl, by "hotcell jobs cancel", or when what it uses is taken away.
-o json prints the token and the URL; -q prints the job's id alone.`, cobra.MinimumNArgs(1),
		func(cmd *cobra.Command, args []string) error {
			if dash := cmd.ArgsLenAtDash(); dash != 1 && !(dash < 0 && len(args) == 1) {
				return &usageError{"a job is made of one assignment", fmt.Sprintf("what follows -- goes to its command: hotcell jobs create %s -- %s", shell.Quote(args[0]), "ARGS…")}
			}
			if err := noKeys(yes, "an argument of the command", args[1:]...); err != nil {
				return err
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
				return a.open(cmd.Context(), c, on.ID, life, to)
			}
			if life != 0 || to != (handing{}) {
				return usagef("--ttl, --mcp-config and --token-file are for --external: another job has its assignment's --timeout, and no token")
			}
			j, err := c.Run(cmd.Context(), on.ID, args[1:])
			if err != nil {
				return err
			}
			return a.made(string(j.ID), fmt.Sprintf("%s is queued", j.ID), j)
		})
	c.Flags().BoolVarP(&yes, "yes", "y", false, yesKeys)
	c.Flags().BoolVar(&external, "external", false, "no cell: an agent elsewhere calls the job's tools")
	c.Flags().DurationVar(&life, "ttl", 0, "how long an external job lives, 24h at the most (1h)")
	c.Flags().StringVar(&to.config, "mcp-config", "", "the `file` that tells an agent of the job, token and all (one by the job's id, in the configuration folder)")
	c.Flags().StringVar(&to.token, "token-file", "", "a `file` for the token alone; - is standard output")
	return c
}

// handing is where an external job's token goes: never into an argument, which every
// process of the machine can read and shells write down.
type handing struct{ config, token string }

// open makes an external job, and tells how to get to it once it can be got to.
func (a *app) open(ctx context.Context, c *client.Client, on hotcell.AssignmentID, life time.Duration, to handing) error {
	standing := to == handing{} && !a.quiet && a.output != "json"
	if standing {
		to.config = filepath.Join(a.settings(), "jobs")
		if err := os.MkdirAll(to.config, 0o700); err != nil {
			return fmt.Errorf("making a folder for the job's token: %w", err)
		}
	}
	// Before there is a token, so that none is made that cannot be handed over.
	for _, path := range []string{to.config, to.token} {
		if err := a.writable(path); err != nil {
			return err
		}
	}
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
	if standing {
		to.config = filepath.Join(to.config, string(j.ID)+".json")
	}
	if err := a.hand(j, to); err != nil {
		return &hinted{err, fmt.Sprintf("the job runs without anybody who can call it: hotcell jobs cancel %s", j.ID)}
	}
	switch {
	case a.quiet:
		_, err = fmt.Fprintln(a.Out, j.ID)
	case a.output == "json":
		err = a.json(j)
	default:
		if to.config != "" {
			_, err = fmt.Fprintf(a.Out, "claude --mcp-config %s\n", shell.Quote(to.config))
		}
		a.say("hotcell: %s lives until %s, or until: hotcell jobs cancel %s", j.ID, at(j.CreatedAt.Add(time.Duration(j.Work.Limits.Timeout))), j.ID)
	}
	return err
}

// writable says whether a file can be put where path says.
func (a *app) writable(path string) error {
	if path == "" || path == "-" {
		return nil
	}
	folder := path
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		folder = filepath.Dir(path)
	}
	if err := access(folder); err != nil {
		return fmt.Errorf("writing the job's token to %s: %w", path, err)
	}
	return nil
}

// hand writes the token where it is to be.
func (a *app) hand(j client.External, to handing) error {
	if to.config != "" {
		text, err := json.MarshalIndent(map[string]any{"mcpServers": map[string]any{"hotcell": map[string]any{
			"type": "http", "url": j.URL, "headers": map[string]string{"Authorization": "Bearer " + j.Token},
		}}}, "", "  ")
		if err != nil {
			return err
		}
		if err := a.keepPrivate(to.config, append(text, '\n')); err != nil {
			return fmt.Errorf("writing the configuration: %w", err)
		}
	}
	if to.token != "" {
		if err := a.keepPrivate(to.token, []byte(j.Token+"\n")); err != nil {
			return fmt.Errorf("writing the token: %w", err)
		}
	}
	return nil
}

// keepPrivate writes a file that its owner alone can read, in the place of one that
// was there, or to standard output.
func (a *app) keepPrivate(path string, text []byte) error {
	if path == "-" {
		_, err := a.Out.Write(text)
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".hotcell-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
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
