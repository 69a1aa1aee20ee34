package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/cli/importer"
	"hotcell/internal/text/shell"
)

func (a *app) secrets() *cobra.Command {
	return group("secrets", "Secrets (tier 3): named bundles of environment variables",
		a.createSecret(), a.importSecret(), a.listSecrets(), a.showSecret(), a.setSecret(), a.unsetSecret(), a.renameKey(), a.renameSecret(), a.replaceSecret(),
		a.shareSecret(true), a.shareSecret(false), a.deleteSecret())
}

// spaceFlags are the flags on white space around values.
type spaceFlags struct{ verbatim, trim bool }

func (f *spaceFlags) add(c *cobra.Command) {
	c.Flags().BoolVar(&f.verbatim, "verbatim", false, "keep white space around values")
	c.Flags().BoolVar(&f.trim, "trim-space", false, "cut white space around values off")
}

func (f *spaceFlags) choice() (importer.Whitespace, error) {
	switch {
	case f.verbatim && f.trim:
		return importer.Refuse, usagef("--verbatim keeps white space and --trim-space cuts it off: say one of them")
	case f.verbatim:
		return importer.Verbatim, nil
	case f.trim:
		return importer.Trim, nil
	}
	return importer.Refuse, nil
}

// draftFlags are the flags of a secret that is to be made.
type draftFlags struct {
	service string
	shared  bool
	hosts   []string
	space   spaceFlags
}

const hostsHelp = "the `hosts` that the values may leave a cell for: HOST[:PORT] or *.HOST[:PORT], with commas between"

func (f *draftFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.service, "service", "", "a `slug` that says what it is for, such as stripe")
	shareFlag(c, &f.shared)
	c.Flags().StringSliceVar(&f.hosts, "hosts", nil, hostsHelp)
	f.space.add(c)
}

// create makes a secret of a .env file.
func (a *app) create(ctx context.Context, name, file string, f draftFlags) error {
	variables, err := a.readVariables(ctx, file, f.space, false)
	if err != nil {
		return err
	}
	defer clearVariables(variables)
	made, err := a.client().CreateSecret(ctx, client.SecretDraft{Name: name, Service: f.service, Shared: f.shared, Hosts: f.hosts, Variables: variables})
	if err != nil {
		return err
	}
	a.unguarded(made.Variables)
	a.advised(made.Advice)
	return a.made(string(made.ID), fmt.Sprintf("created the secret %s with %s (%s)", made.Name, count(len(made.Variables), "variable"), groupOf(made.Credential)), made)
}

// noValues refuses arguments that look like NAME=value before anything else is
// said about them.
func noValues(then cobra.PositionalArgs, instead func(args []string) string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		for _, arg := range args {
			if strings.Contains(arg, "=") {
				return &usageError{neverArgument, instead(args)}
			}
		}
		return then(cmd, args)
	}
}

func (a *app) createSecret() *cobra.Command {
	var file string
	var draft draftFlags
	c := command("create NAME --env-file FILE|-", "Create a secret from a .env file",
		`Create a secret from a .env file, or from standard input (-).

The file is read literally: nothing is expanded. Values are sealed before they
leave this process, and no command ever shows one again.`,
		noValues(cobra.ExactArgs(1), func(args []string) string {
			return fmt.Sprintf("hotcell secrets create %s --env-file .env", shell.Quote(keyOf(args[0])))
		}),
		func(cmd *cobra.Command, args []string) error {
			if file == "" {
				return &usageError{"where are the variables? Values are never taken from an argument", fmt.Sprintf("hotcell secrets create %s --env-file .env", shell.Quote(args[0]))}
			}
			return a.create(cmd.Context(), args[0], file, draft)
		})
	c.Flags().StringVar(&file, "env-file", "", "the .env `file`; - is standard input")
	draft.add(c)
	return c
}

// importSecret is create for those who look for an import: the file comes
// first, and the name is the folder's that it lies in.
func (a *app) importSecret() *cobra.Command {
	var name string
	var draft draftFlags
	c := command("import FILE [--name NAME]", "Create a secret from a .env file, named after its folder",
		`Create a secret from a .env file, named after the folder that it lies in, or as
--name says. It is what create does, with the file first. The file is only read:
remove it when all that needs it is an assignment.`, cobra.ExactArgs(1),
		func(cmd *cobra.Command, args []string) error {
			if name == "" {
				whole, err := filepath.Abs(args[0])
				if err != nil || args[0] == "-" {
					return &usageError{"what is the secret's name?", fmt.Sprintf("hotcell secrets import %s --name billing", shell.Quote(args[0]))}
				}
				name = filepath.Base(filepath.Dir(whole))
			}
			return a.create(cmd.Context(), name, args[0], draft)
		})
	c.Flags().StringVar(&name, "name", "", "the secret's `name`")
	draft.add(c)
	return c
}

// keyOf is what stands before a value.
func keyOf(arg string) string {
	key, _, _ := strings.Cut(arg, "=")
	return key
}

// unguarded tells of values that the guard cannot look for.
func (a *app) unguarded(variables []hotcell.Variable) {
	for _, v := range variables {
		if v.Unguarded != "" {
			a.say("warning: %s is not guarded, in logs or on the way out: %s", v.Name, v.Unguarded)
		}
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

func variableNames(c hotcell.Credential) string {
	names := make([]string, len(c.Variables))
	for i, v := range c.Variables {
		names[i] = v.Name
	}
	return strings.Join(names, " ")
}

func (a *app) listSecrets() *cobra.Command {
	var f listFlags
	return f.add(command("list", "List the secrets that you may know of", "", cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
		list, err := a.client().Secrets(cmd.Context(), "")
		if err != nil {
			return err
		}
		return printList(a, &f, list, "no secrets yet: hotcell secrets create NAME --env-file .env", credentialID, []column[hotcell.Credential]{
			{"NAME", credentialName}, {"GROUP", groupOf}, {"VARIABLES", variableNames}, {"CHANGED", changedAt}, {"ID", credentialID},
		})
	}))
}

func credentialID(c hotcell.Credential) string   { return string(c.ID) }
func credentialName(c hotcell.Credential) string { return c.Name }
func changedAt(c hotcell.Credential) string      { return at(c.UpdatedAt) }

func emptyList[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (a *app) showSecret() *cobra.Command {
	return command("show SECRET", "Show a secret, without values", "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		s, err := a.secretOf(cmd.Context(), a.client(), args[0])
		if err != nil {
			return err
		}
		if a.output == "json" {
			return a.json(s)
		}
		rows := [][]string{{"name", s.Name}, {"id", string(s.ID)}, {"group", groupOf(s.Credential)}, {"service", s.Service}, {"version", strconv.Itoa(s.Version)}, {"changed", at(s.UpdatedAt)}}
		if len(s.Hosts) > 0 {
			rows = append(rows, []string{"bound to", strings.Join(s.Hosts, " ")})
		}
		for _, v := range s.Variables {
			rows = append(rows, []string{"variable", v.Name, v.Unguarded})
		}
		for _, at := range s.Attachments {
			rows = append(rows, []string{"attached to", at.Name, string(at.Assignment)})
		}
		return a.table(append(rows, heldRows(s.Held)...))
	})
}

// changed applies a change to a secret as it is now.
func (a *app) changed(ctx context.Context, name, sentence string, change func(client.Secret) (client.SecretChange, error)) error {
	c := a.client()
	s, err := a.secretOf(ctx, c, name)
	if err != nil {
		return err
	}
	what, err := change(s)
	if err != nil {
		return err
	}
	defer clearVariables(what.Set)
	now, err := c.ChangeSecret(ctx, s.ID, s.Revision, what)
	if err != nil {
		return err
	}
	a.advised(now.Advice)
	a.unguarded(now.Variables)
	return a.made(string(now.ID), fmt.Sprintf("%s: %s is at version %d", sentence, now.Name, now.Version), now)
}

// setFlags are the flags of a change of one variable, or of the hosts.
type setFlags struct {
	file   string
	space  spaceFlags
	hosts  []string
	unbind bool
}

func (f *setFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.file, "value-file", "", "read the value from a `file`; - is standard input")
	c.Flags().StringSliceVar(&f.hosts, "hosts", nil, hostsHelp+"; in the place of those before")
	c.Flags().BoolVar(&f.unbind, "no-hosts", false, "bind the values to no host: they may leave a cell for any that the job may reach")
	f.space.add(c)
}

// bound are the hosts as they are to be; nil leaves them.
func (f *setFlags) bound(secret string) (*[]string, error) {
	switch {
	case f.unbind && len(f.hosts) > 0:
		return nil, usagef("--hosts binds the values and --no-hosts unbinds them: say one of them")
	case f.unbind:
		return &[]string{}, nil
	case len(f.hosts) > 0:
		return &f.hosts, nil
	}
	return nil, &usageError{"what is to be set? A variable, --hosts or --no-hosts", "hotcell secrets set " + shell.Quote(secret) + " --hosts api.acme.test"}
}

func (a *app) setSecret() *cobra.Command {
	var flags setFlags
	c := command("set SECRET [KEY [--value-file FILE|-]] [--hosts H,…|--no-hosts]", "Set one variable of a secret, or its hosts; the rest stays as it is",
		`Set one variable of a secret, or the hosts that it is bound to; the rest stays as
it is.

The value is read from a file, from standard input, or from a prompt that does
not show it. Jobs that run keep the values and hosts that they started with.`,
		noValues(cobra.RangeArgs(1, 2), func(args []string) string {
			return fmt.Sprintf("hotcell secrets set %s %s", shell.Quote(keyOf(args[0])), shell.Quote(keyOf(args[min(1, len(args)-1)])))
		}),
		func(cmd *cobra.Command, args []string) error {
			var change client.SecretChange
			var err error
			if len(args) == 1 || flags.unbind || len(flags.hosts) > 0 {
				if change.Hosts, err = flags.bound(args[0]); err != nil {
					return err
				}
			}
			if len(args) == 1 {
				return a.bind(cmd.Context(), args[0], change)
			}
			name := args[1]
			return a.changed(cmd.Context(), args[0], "set "+name, func(client.Secret) (client.SecretChange, error) {
				value, err := a.readValue(cmd.Context(), flags.file, name, flags.space)
				change.Set = []client.Variable{{Name: name, Value: value}}
				return change, err
			})
		})
	flags.add(c)
	return c
}

// bind changes the hosts of a secret, and says what holds now.
func (a *app) bind(ctx context.Context, name string, change client.SecretChange) error {
	c := a.client()
	s, err := a.secretOf(ctx, c, name)
	if err != nil {
		return err
	}
	now, err := c.ChangeSecret(ctx, s.ID, s.Revision, change)
	if err != nil {
		return err
	}
	sentence := now.Name + " is bound to no host: its values may leave a cell for any that the job may reach"
	if len(now.Hosts) > 0 {
		sentence = now.Name + " is bound to " + strings.Join(now.Hosts, " ")
	}
	return a.made(string(now.ID), sentence, now)
}

func (a *app) unsetSecret() *cobra.Command {
	return command("unset SECRET KEY…", "Remove variables from a secret", "", cobra.MinimumNArgs(2), func(cmd *cobra.Command, args []string) error {
		return a.changed(cmd.Context(), args[0], "removed "+strings.Join(args[1:], " "), func(s client.Secret) (client.SecretChange, error) {
			return client.SecretChange{Unset: args[1:]}, hasVariables(s, args[1:]...)
		})
	})
}

// hasVariables says which variable a secret does not have.
func hasVariables(s client.Secret, names ...string) error {
	for _, name := range names {
		if !slices.ContainsFunc(s.Variables, func(v hotcell.Variable) bool { return v.Name == name }) {
			return &hinted{fmt.Errorf("%w: the secret %s has no variable %q", hotcell.ErrNotFound, s.Name, name), "it has: " + variableNames(s.Credential)}
		}
	}
	return nil
}

// renameSecret gives a secret another name: what it is attached to keeps it.
func (a *app) renameSecret() *cobra.Command {
	return command("rename SECRET NAME", "Give a secret another name; what it is attached to keeps it", "", cobra.ExactArgs(2), func(cmd *cobra.Command, args []string) error {
		c := a.client()
		s, err := a.secretOf(cmd.Context(), c, args[0])
		if err != nil {
			return err
		}
		now, err := c.ChangeSecret(cmd.Context(), s.ID, s.Revision, client.SecretChange{Name: &args[1]})
		if err != nil {
			return err
		}
		return a.made(string(now.ID), fmt.Sprintf("%s is called %s now", s.Name, now.Name), now)
	})
}

func (a *app) renameKey() *cobra.Command {
	return command("rename-key SECRET OLD NEW", "Rename a variable of a secret", "", cobra.ExactArgs(3), func(cmd *cobra.Command, args []string) error {
		return a.changed(cmd.Context(), args[0], "renamed "+args[1]+" to "+args[2], func(s client.Secret) (client.SecretChange, error) {
			return client.SecretChange{Rename: map[string]string{args[1]: args[2]}}, hasVariables(s, args[1])
		})
	})
}

func (a *app) replaceSecret() *cobra.Command {
	var file string
	var space spaceFlags
	c := command("replace SECRET --env-file FILE|-", "Replace all variables of a secret", "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		if file == "" {
			return &usageError{"where are the variables?", fmt.Sprintf("hotcell secrets replace %s --env-file .env", shell.Quote(args[0]))}
		}
		return a.changed(cmd.Context(), args[0], "replaced all variables", func(client.Secret) (client.SecretChange, error) {
			variables, err := a.readVariables(cmd.Context(), file, space, true)
			return client.SecretChange{Replace: true, Set: variables}, err
		})
	})
	c.Flags().StringVar(&file, "env-file", "", "the .env `file`; - is standard input")
	space.add(c)
	return c
}

func (a *app) shareSecret(shared bool) *cobra.Command {
	use, short, sentence := "share SECRET", "Share a secret with the workspace: all may use it, nobody can view it", "every assignment of the workspace may use it now, and nobody can view its values"
	if !shared {
		use, short, sentence = "unshare SECRET", "Make a secret personal again; others' jobs that use it end", "it is its owner's alone now"
	}
	var sure sureFlag
	run := command(use, short, "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		c := a.client()
		s, err := a.secretOf(cmd.Context(), c, args[0])
		if err != nil {
			return err
		}
		if !shared {
			if err := a.unsharing(cmd.Context(), sure, c, s.Credential, s.Attachments); err != nil {
				return err
			}
		}
		now, err := c.ShareSecret(cmd.Context(), s.ID, shared)
		if err != nil {
			return err
		}
		return a.made(string(now.ID), now.Name+": "+sentence, now)
	})
	if !shared {
		sure.add(run)
	}
	return run
}

func (a *app) deleteSecret() *cobra.Command {
	var sure destroyFlag
	return sure.add(command("delete SECRET", "Delete a secret, so that it can be taken back for 7 days; jobs that use it end", "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		c := a.client()
		s, err := a.secretOf(cmd.Context(), c, args[0])
		if err != nil {
			return err
		}
		if err := a.deletingCredential(cmd, sure.sureFlag, s.Credential, s.Attachments, sure.gone("Its keys")); err != nil {
			return err
		}
		if err := c.DeleteSecret(cmd.Context(), s.ID, s.Revision, sure.name); err != nil {
			return err
		}
		return a.made(string(s.ID), sure.told(s.Credential, ""), map[string]string{"deleted": string(s.ID)})
	}))
}
