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
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hotcell/client"
	"hotcell/internal/cli/profile"
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
	// Keyring keeps bearers; nil where there is none.
	Keyring profile.Keyring
}

// app is what the commands share.
type app struct {
	IO
	data    string
	profile string
	flags   *pflag.FlagSet
	// called calls the server that was reached; nil until a command calls one.
	called  *client.Client
	reached server
	output  string
	quiet   bool
	// apart has exit codes that are not a command's own told apart.
	apart bool
}

// DefaultData is where the data folder is when nobody says otherwise.
func DefaultData(getenv func(string) string) string {
	if dir := getenv(envData); dir != "" {
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
  hotcell auth login https://hotcell.example.com           use a server elsewhere
` + serverHelp + ExitStatus,
		SilenceErrors: true, SilenceUsage: true, Version: a.Version,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return noCommand(cmd, args[0])
			}
			return cmd.Help()
		},
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
	a.flags = flags
	flags.StringVar(&a.data, "data", DefaultData(a.Getenv), "the data `folder` of a server on this machine ($HOTCELL_DATA)")
	flags.StringVar(&a.profile, "profile", "", "the `profile` of the server to talk to ($HOTCELL_PROFILE); see hotcell auth")
	flags.StringVarP(&a.output, "output", "o", "table", "table or json")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "print ids alone: of what was made, or of what is listed")
	root.AddCommand(a.secrets(), a.logins(), a.connections(), a.assignments(), a.agents(), a.run(), a.jobs(), a.requests(), a.explain(), a.advise(), a.audit(), a.backup(), a.deleted(), a.drill(), a.workspace(), a.members(), a.invitations(), a.tokens(), a.keys(), a.pins(), a.version(), a.auth())
	for _, c := range more {
		takes := c.Args
		c.Args = func(cmd *cobra.Command, given []string) error {
			if takes != nil && takes(cmd, given) != nil {
				return miscounted(cmd, given)
			}
			return nil
		}
		if noun, _, err := root.Find([]string{c.Annotations[Under]}); err == nil && c.Annotations[Under] != "" {
			noun.AddCommand(c)
			continue
		}
		root.AddCommand(c)
	}
	root.SetFlagErrorFunc(flagError)
	root.SetVersionTemplate("hotcell {{.Version}}\n")
	a.completing(root)
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
			if _, said := errors.AsType[*usageError](err); said || err == nil {
				return err
			}
			return miscounted(cmd, given)
		},
	}
}

// group is a noun: its commands are its verbs.
func group(use, short string, verbs ...*cobra.Command) *cobra.Command {
	c := command(use, short, "", cobra.ArbitraryArgs, func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return noCommand(cmd, args[0])
		}
		return cmd.Help()
	})
	c.AddCommand(verbs...)
	return c
}

// settings is the folder of what the commands themselves keep.
func (a *app) settings() string { return settingsOf(runtime.GOOS, a.Getenv) }

// settingsOf is that folder on a system: where XDG says, as on Linux, else where the
// system has it.
func settingsOf(system string, getenv func(string) string) string {
	dir := getenv("XDG_CONFIG_HOME")
	switch {
	case dir != "":
	case system == "windows" && getenv("AppData") != "":
		dir = getenv("AppData")
	case system == "windows":
		dir = filepath.Join(getenv("USERPROFILE"), "AppData", "Roaming")
	case system == "darwin":
		dir = filepath.Join(getenv("HOME"), "Library", "Application Support")
	default:
		dir = filepath.Join(getenv("HOME"), ".config")
	}
	return filepath.Join(dir, "hotcell")
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
			return a.table([][]string{{"workspace", w.Workspace.Name, string(w.Workspace.ID)}, {"you", w.Member.Name + " (" + string(w.Member.Role) + ")", string(w.Member.ID)}, {"key", w.Fingerprint, ""}, {"identity", w.IdentityFingerprint, ""}})
		}))
}
