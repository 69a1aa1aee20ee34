package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/internal/config"
	"hotcell/internal/text/shell"
	"hotcell/internal/text/site"
)

func (a *app) assignments() *cobra.Command {
	return group("assignments", "Assignments: standing pieces of work, and what is attached to them",
		a.createAssignment(), a.listAssignments(), a.showAssignment(), a.changeAssignment(), a.deleteAssignment(), a.attach(), a.changeAttachment(), a.detach(), a.confirmAttachment())
}

// workFlags are the flags that make an assignment's work.
type workFlags struct {
	command, files, memory, disk, cache string
	instructions, agent, image          string
	allow, env, include                 []string
	timeout                             time.Duration
	pids                                int
	cpu                                 float64
	browser, yes                        bool
}

func (f *workFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.command, "command", "", "what runs in the cell, by /bin/sh -c; what follows -- at run are its arguments")
	flags.StringVar(&f.instructions, "instructions", "", "a `file` that says what an agent is to do, - for standard input: it lies at /job/INSTRUCTIONS.md, and is the agent's standard input")
	flags.StringVar(&f.agent, "agent", "", "the `agent` that follows the instructions: claude, codex, gemini, opencode (hotcell agents list), or a command (jobs.agent of the server's configuration)")
	flags.StringVar(&f.image, "image", "", "the `image` that is the root of its cells, in the place of the machine's /usr (hotcell images list); empty for the machine's")
	flags.StringVar(&f.files, "files", "", "a `folder` that each job gets a fresh copy of, at /job")
	flags.StringSliceVar(&f.include, "include", nil, "of --files: `names` or paths that go along although they usually hold keys: .env, .git, *.pem")
	flags.StringArrayVar(&f.allow, "allow", nil, "a host that the job may reach: `HOST[:PORT][/PROTOCOL]`, HTTPS without one; may be given several times")
	flags.StringArrayVar(&f.env, "env", nil, "a variable that is no secret: `NAME=value`; may be given several times")
	flags.DurationVar(&f.timeout, "timeout", 0, "how long a job may run, such as 10m")
	flags.StringVar(&f.memory, "memory", "", "how much memory a job may have, such as 512MiB")
	flags.StringVar(&f.disk, "disk", "", "how much a job may write, such as 1GiB")
	flags.StringVar(&f.cache, "cache", "", "how much a job may keep in ~/.cache for the next one of the same assignment, member and attachments, such as 2GiB (nothing)")
	flags.BoolVar(&f.browser, "browser", false, "give its jobs a browser, also where no login is attached")
	flags.BoolVarP(&f.yes, "yes", "y", false, yesKeys)
	flags.IntVar(&f.pids, "pids", 0, "how many processes and threads a job may have")
	flags.Float64Var(&f.cpu, "cpu", 0, "how many `processors` a job may keep busy, such as 1.5 (as many as are free)")
}

// apply changes what was given on the command line.
func (f *workFlags) apply(cmd *cobra.Command, w *hotcell.Work) error {
	if err := noKeys(f.yes, "--command", f.command, f.agent); err != nil {
		return err
	}
	if err := noVariableKeys(f.yes, f.env); err != nil {
		return err
	}
	if err := f.applyAgent(cmd, w); err != nil {
		return err
	}
	if cmd.Flags().Changed("allow") {
		w.Allow = nil
	}
	for _, text := range f.allow {
		entry, err := site.ParseAllow(text)
		if err != nil {
			return fmt.Errorf("--allow %s: %w", text, err)
		}
		w.Allow = append(w.Allow, entry)
	}
	if cmd.Flags().Changed("env") {
		w.Environment = map[string]string{}
	}
	for _, text := range f.env {
		name, value, given := strings.Cut(text, "=")
		if !given {
			return usagef("--env takes NAME=value")
		}
		w.Environment[name] = value
	}
	if cmd.Flags().Changed("image") {
		w.Image = f.image
	}
	if cmd.Flags().Changed("browser") {
		w.Browser = f.browser
	}
	if f.timeout != 0 {
		w.Limits.Timeout = hotcell.Duration(f.timeout)
	}
	if cmd.Flags().Changed("cpu") {
		w.Limits.CPU = f.cpu
	}
	if f.pids != 0 {
		w.Limits.Pids = f.pids
	}
	return errors.Join(setSize("--memory", f.memory, &w.Limits.Memory), setSize("--disk", f.disk, &w.Limits.Disk), setSize("--cache", f.cache, &w.Limits.Cache))
}

// applyAgent changes what the job does: a command, or what an agent is told.
func (f *workFlags) applyAgent(cmd *cobra.Command, w *hotcell.Work) error {
	if cmd.Flags().Changed("command") && cmd.Flags().Changed("agent") {
		return usagef("give --command, or --agent with --instructions")
	}
	if cmd.Flags().Changed("command") {
		w.Command, w.Agent = f.command, ""
	}
	if !cmd.Flags().Changed("instructions") {
		return nil
	}
	text, err := readText(cmd.InOrStdin(), f.instructions, hotcell.MaxInstructions)
	if err != nil {
		return fmt.Errorf("reading the instructions: %w", err)
	}
	w.Instructions = text
	return noKeys(f.yes, "--instructions", text)
}

// readText reads a file of text, or standard input.
func readText(in io.Reader, path string, most int64) (string, error) {
	if path == "" {
		return "", nil
	}
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return "", err
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("%w: they have at most %d KiB; put more into a file of --files", hotcell.ErrInvalid, most>>10)
	}
	return string(b), err
}

// setSize sets a limit, where one was given.
func setSize(flag, text string, into *int64) error {
	if text == "" {
		return nil
	}
	size, err := config.ParseSize(text)
	if err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	*into = int64(size)
	return nil
}

func (a *app) createAssignment() *cobra.Command {
	var flags workFlags
	var external bool
	c := command("create NAME --command '…' | --instructions FILE | --external", "Create an assignment", "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		switch none := flags.command == "" && flags.instructions == ""; {
		case external && !none:
			return usagef("--external is for agents elsewhere, which have a command and instructions of their own")
		case none && !external:
			return &usageError{"what is to run?", fmt.Sprintf("hotcell assignments create %s --command 'python3 report.py' --files ./report", shell.Quote(args[0]))}
		}
		var work hotcell.Work
		if err := flags.apply(cmd, &work); err != nil {
			return err
		}
		c := a.client()
		if err := a.engage(cmd, c, flags.agent, &work); err != nil {
			return err
		}
		if flags.files != "" {
			files, err := a.sent(&leaving{include: flags.include}, func(l *leaving) (hotcell.Files, error) { return a.upload(cmd.Context(), c, flags.files, l) })
			if err != nil {
				return err
			}
			work.Files = &files
		}
		made, err := c.CreateAssignment(cmd.Context(), args[0], work)
		if err != nil {
			return err
		}
		a.warn(made.Warnings)
		return a.made(string(made.ID), fmt.Sprintf("created the assignment %s; attach what it needs: hotcell assignments attach %s CREDENTIAL", made.Name, shell.Quote(made.Name)), made)
	})
	flags.add(c)
	c.Flags().BoolVar(&external, "external", false, "for agents elsewhere alone: it has no command, and its jobs are made by hotcell jobs create --external")
	return c
}

func (a *app) changeAssignment() *cobra.Command {
	var flags workFlags
	var name string
	c := command("change ASSIGNMENT", "Change an assignment; jobs keep what they were made with", "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		c := a.client()
		was, err := a.assignmentOf(cmd.Context(), c, args[0])
		if err != nil {
			return err
		}
		work := was.Work
		if err := flags.apply(cmd, &work); err != nil {
			return err
		}
		if err := a.engage(cmd, c, flags.agent, &work); err != nil {
			return err
		}
		if flags.files != "" {
			files, err := a.sent(&leaving{include: flags.include}, func(l *leaving) (hotcell.Files, error) { return a.upload(cmd.Context(), c, flags.files, l) })
			if err != nil {
				return err
			}
			work.Files = &files
		}
		var rename *string
		if name != "" {
			rename = &name
		}
		now, err := c.ChangeAssignment(cmd.Context(), was.ID, was.Revision, rename, &work)
		if err != nil {
			return err
		}
		a.warn(now.Warnings)
		return a.made(string(now.ID), "changed the assignment "+now.Name, now)
	})
	flags.add(c)
	c.Flags().StringVar(&name, "name", "", "a new name")
	return c
}

func (a *app) listAssignments() *cobra.Command {
	var f listFlags
	return f.add(command("list", "List assignments", "", cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
		list, err := a.client().Assignments(cmd.Context(), "")
		if err != nil {
			return err
		}
		id := func(x hotcell.Assignment) string { return string(x.ID) }
		return printList(a, &f, list, "no assignments yet: hotcell assignments create NAME --command '…'", id, []column[hotcell.Assignment]{
			{"NAME", func(x hotcell.Assignment) string { return x.Name }},
			{"COMMAND", func(x hotcell.Assignment) string { return shorten(x.Work.Command, 40) }},
			{"ALLOWED", func(x hotcell.Assignment) string { return allowed(x.Work.Allow) }},
			{"CHANGED", func(x hotcell.Assignment) string { return at(x.UpdatedAt) }}, {"ID", id},
		})
	}))
}

func shorten(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

func allowed(entries []hotcell.Allow) string {
	if len(entries) == 0 {
		return "nothing"
	}
	var out []string
	for _, e := range entries {
		out = append(out, site.FormatAllow(e))
	}
	return strings.Join(out, " ")
}

func (a *app) showAssignment() *cobra.Command {
	return command("show ASSIGNMENT", "Show an assignment and what is attached to it", "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		x, err := a.assignmentOf(cmd.Context(), a.client(), args[0])
		if err != nil {
			return err
		}
		if a.output == "json" {
			return a.json(x)
		}
		rows := [][]string{{"name", x.Name}, {"id", string(x.ID)}, {"command", x.Work.Command}, {"agent", x.Work.Agent}, {"instructions", shorten(x.Work.Instructions, 60)}, {"may reach", allowed(x.Work.Allow)}}
		if x.Work.Image != "" {
			rows = append(rows, []string{"image", a.imageOf(cmd.Context(), x.Work.Image)})
		}
		if x.Work.Files != nil {
			rows = append(rows, []string{"files", fmt.Sprintf("%d bytes, SHA-256 %s", x.Work.Files.Size, x.Work.Files.Digest)})
		}
		if x.Work.Limits.Timeout > 0 {
			rows = append(rows, []string{"timeout", time.Duration(x.Work.Limits.Timeout).String()})
		}
		rows = append(rows, limitRows(x.Work)...)
		for _, at := range x.Attachments {
			rows = append(rows, []string{"attached", attachedAs(at)})
			if at.Attachment.Suspended != nil {
				rows = append(rows, []string{"waits", "somebody else changed what this does since: hotcell assignments confirm " + shell.Quote(x.Name) + " " + shell.Quote(at.Name)})
			}
		}
		return a.table(rows)
	})
}

// imageOf is an image's name, and its digest where the server has it.
func (a *app) imageOf(ctx context.Context, name string) string {
	list, err := a.client().Images(ctx)
	if err != nil {
		return name
	}
	for _, i := range list {
		if i.Name == name {
			return name + ", " + i.Digest
		}
	}
	return name + ", which is not there any more: its jobs will not start"
}

// limitRows are the limits that the assignment has of its own, and its
// variables.
func limitRows(w hotcell.Work) (rows [][]string) {
	if w.Limits.Memory > 0 {
		rows = append(rows, []string{"memory", megabytes(w.Limits.Memory)})
	}
	if w.Limits.Disk > 0 {
		rows = append(rows, []string{"disk", megabytes(w.Limits.Disk)})
	}
	if w.Limits.Pids > 0 {
		rows = append(rows, []string{"processes", strconv.Itoa(w.Limits.Pids)})
	}
	if w.Limits.CPU > 0 {
		rows = append(rows, []string{"processors", strconv.FormatFloat(w.Limits.CPU, 'g', -1, 64)})
	}
	if w.Limits.Cache > 0 {
		rows = append(rows, []string{"cache", megabytes(w.Limits.Cache)})
	}
	for _, name := range slices.Sorted(maps.Keys(w.Environment)) {
		rows = append(rows, []string{"variable", name + "=" + w.Environment[name]})
	}
	return rows
}

func megabytes(bytes int64) string { return strconv.FormatInt(bytes>>20, 10) + " MiB" }

func (a *app) deleteAssignment() *cobra.Command {
	var sure sureFlag
	return sure.add(command("delete ASSIGNMENT", "Delete an assignment; its jobs end", "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		c := a.client()
		x, err := a.assignmentOf(cmd.Context(), c, args[0])
		if err != nil {
			return err
		}
		if err := a.deletingAssignment(cmd, sure, c, x); err != nil {
			return err
		}
		if err := c.DeleteAssignment(cmd.Context(), x.ID); err != nil {
			return err
		}
		return a.made(string(x.ID), "deleted the assignment "+x.Name, map[string]string{"deleted": string(x.ID)})
	}))
}
