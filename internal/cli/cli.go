// Package cli is the commands that people type. It speaks to the server
// through package client and nothing else.
//
// Values are read from files, standard input or a prompt without echo, never
// from an argument, and are sealed before they leave the process. Data goes to
// standard output, words to standard error. It holds no rules. One way to use it:
//
//	os.Exit(cli.Run(ctx, cli.IO{…}, os.Args[1:], serve, doctor))
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/shell"
)

// IO is the terminal.
type IO struct {
	In  *os.File
	Out io.Writer
	Err io.Writer
	// Getenv reads the environment.
	Getenv func(string) string
	// Version is told by `version`.
	Version string
}

// app is what the commands share.
type app struct {
	IO
	data   string
	output string
	quiet  bool
}

// Exit codes, as UX asks for them.
const (
	ExitOK          = 0
	ExitError       = 1
	ExitUsage       = 2
	ExitNotFound    = 3
	ExitDenied      = 4
	ExitConflict    = 5
	ExitInvalid     = 6
	ExitNeedsPerson = 7
	ExitUnavailable = 8
	ExitInterrupted = 130
)

// DefaultData is where the data folder is when nobody says otherwise.
func DefaultData(getenv func(string) string) string {
	if dir := getenv("HOTCELL_DATA"); dir != "" {
		return dir
	}
	return filepath.Join(getenv("HOME"), ".local", "share", "hotcell")
}

// Run runs a command line and returns the exit code.
func Run(ctx context.Context, terminal IO, args []string, more ...*cobra.Command) int {
	a := &app{IO: terminal}
	root := a.root(more)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return ExitOK
	}
	return a.fail(err)
}

// ExitStatus ends every command's help.
const ExitStatus = `
EXIT STATUS
  0 done · 1 error · 2 wrong usage · 3 not found · 4 denied · 5 conflict
  6 invalid input · 7 a person is needed · 8 unavailable, may be tried again
  130 interrupted
`

func (a *app) root(more []*cobra.Command) *cobra.Command {
	root := &cobra.Command{
		Use:   "hotcell",
		Short: "Secret management for AI agents: they work, and never hold the keys",
		Long: `Hotcell lets AI agents work inside a company's systems without holding its keys.

To begin:
  hotcell serve                                            start the server, in a terminal of its own
  hotcell secrets create billing --env-file .env           keep a .env file, sealed
  hotcell assignments create report --command 'python3 report.py' --files ./report
  hotcell assignments attach report billing
  hotcell run report                                       run it in a cell, and see its log
  hotcell connections catalog                              services that agents work with and have no token of
` + ExitStatus,
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if a.output != "table" && a.output != "json" {
				return usagef("-o takes table or json")
			}
			return nil
		},
	}
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	flags := root.PersistentFlags()
	flags.StringVar(&a.data, "data", DefaultData(a.Getenv), "the server's data `folder` ($HOTCELL_DATA)")
	flags.StringVarP(&a.output, "output", "o", "table", "table or json")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "print only the id of what was made")
	root.AddCommand(a.secrets(), a.logins(), a.connections(), a.assignments(), a.agents(), a.run(), a.jobs(), a.requests(), a.explain(), a.advise(), a.audit(), a.drill(), a.workspace(), a.version())
	root.AddCommand(more...)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err.Error(), ""} })
	return root
}

// command is a command with the manners that all have.
func command(use, short, long string, args cobra.PositionalArgs, run func(cmd *cobra.Command, args []string) error) *cobra.Command {
	if long == "" {
		long = short + "."
	}
	return &cobra.Command{
		Use: use, Short: short, Long: long + "\n" + ExitStatus, RunE: run,
		Args: func(cmd *cobra.Command, given []string) error {
			err := args(cmd, given)
			if _, said := errors.AsType[*usageError](err); said {
				return err
			}
			if err != nil {
				return usagef("%s: write: %s", err, cmd.UseLine())
			}
			return nil
		},
	}
}

// group is a noun: its commands are its verbs.
func group(use, short string, verbs ...*cobra.Command) *cobra.Command {
	c := command(use, short, "", cobra.ArbitraryArgs, func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usagef("there is no command %q here: see hotcell %s --help", args[0], cmd.Name())
		}
		return cmd.Help()
	})
	c.AddCommand(verbs...)
	return c
}

// usageError is a command line that is not understood.
type usageError struct{ text, hint string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...), ""} }

// codedError is an error whose exit code is its own: a job's.
type codedError struct {
	code int
	text string
}

func (e *codedError) Error() string { return e.text }

// hinted is an error with what to do about it.
type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }

// exits is the one table from sentinels to exit codes.
var exits = []struct {
	sentinel error
	code     int
	name     string
}{
	{hotcell.ErrNotFound, ExitNotFound, "not_found"}, {hotcell.ErrDenied, ExitDenied, "denied"},
	{hotcell.ErrConflict, ExitConflict, "conflict"}, {hotcell.ErrStale, ExitConflict, "stale"},
	{hotcell.ErrInvalid, ExitInvalid, "invalid"}, {hotcell.ErrUnavailable, ExitUnavailable, "unavailable"},
	{hotcell.ErrNeedsReconnect, ExitNeedsPerson, "needs_reconnect"}, {hotcell.ErrRateLimited, ExitUnavailable, "rate_limited"},
	{context.Canceled, ExitInterrupted, "interrupted"},
}

// ExitCode is an error's exit code and name.
func ExitCode(err error) (code int, name string) {
	if c, ok := errors.AsType[*codedError](err); ok {
		return c.code, "job"
	}
	if _, ok := errors.AsType[*usageError](err); ok || strings.HasPrefix(err.Error(), "unknown command") {
		return ExitUsage, "usage"
	}
	for _, e := range exits {
		if errors.Is(err, e.sentinel) {
			return e.code, e.name
		}
	}
	return ExitError, "error"
}

// fail tells of an error and returns its exit code.
func (a *app) fail(err error) int {
	code, name := ExitCode(err)
	hint := ""
	if h, ok := errors.AsType[*hinted](err); ok {
		hint = h.hint
	} else if u, ok := errors.AsType[*usageError](err); ok {
		hint = u.hint
	} else if pin, ok := errors.AsType[*client.PinError](err); ok {
		hint = "where you made its data folder anew, remove its line from " + pin.File + "; else somebody may stand in its place: do not go on"
	} else if errors.Is(err, client.ErrNoServer) {
		hint = "start it, in a terminal of its own: hotcell serve"
		if a.data != DefaultData(a.Getenv) {
			hint += " --data " + shell.Quote(a.data)
		}
	}
	text := err.Error()
	if text == "" {
		return code
	}
	if a.output == "json" {
		request := ""
		if e, ok := errors.AsType[*client.Error](err); ok {
			request = e.RequestID
		}
		_ = json.NewEncoder(a.Err).Encode(map[string]any{"error": map[string]string{"code": name, "message": text, "hint": hint, "request_id": request}})
		return code
	}
	// What is told may be a job's words, or a service's.
	fmt.Fprintf(a.Err, "hotcell: %s\n", safeLines(text))
	if hint != "" {
		fmt.Fprintf(a.Err, "hint: %s\n", safeLines(hint))
	}
	return code
}

func (a *app) client() *client.Client {
	pins := filepath.Join(a.settings(), "pins.json")
	return client.New(client.Options{Socket: filepath.Join(a.data, "hotcell.sock"), Pin: client.PinFile(pins)})
}

// settings is the folder of what the commands themselves keep.
func (a *app) settings() string {
	if dir := a.Getenv("XDG_CONFIG_HOME"); dir != "" {
		return filepath.Join(dir, "hotcell")
	}
	return filepath.Join(a.Getenv("HOME"), ".config", "hotcell")
}

func (a *app) version() *cobra.Command {
	return command("version", "Print the version", "", cobra.NoArgs, func(*cobra.Command, []string) error {
		if a.output == "json" {
			return a.json(map[string]string{"version": a.Version})
		}
		_, err := fmt.Fprintln(a.Out, "hotcell", a.Version)
		return err
	})
}

func (a *app) workspace() *cobra.Command {
	return group("workspace", "The workspace: who you are in it, and its key",
		command("show", "Show the workspace", "", cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
			w, err := a.client().Workspace(cmd.Context())
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.json(w)
			}
			return a.table([][]string{{"workspace", w.Workspace.Name, string(w.Workspace.ID)}, {"you", w.Member.Name + " (" + string(w.Member.Role) + ")", string(w.Member.ID)}, {"key", w.Fingerprint, ""}})
		}))
}
