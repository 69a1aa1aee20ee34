package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/text/shell"
)

// retention is whether a model's provider keeps nothing of what it is sent with a key:
// as the flag says, else as the person who is there does, who is asked once.
func (a *app) retention(ctx context.Context, cmd *cobra.Command, of client.Connector, flags connectionFlags) (bool, error) {
	if !of.Model || cmd.Flags().Changed("zero-data-retention") || !a.person() {
		return flags.zero, nil
	}
	a.say("A job reaches a model only where its provider keeps nothing of what it is sent (zero data retention): an agreement that you have with it.")
	return a.confirm(ctx, fmt.Sprintf("Is this account of %s under zero data retention?", of.Name))
}

// undeclared says what follows where nobody has declared it.
func (a *app) undeclared(c hotcell.Credential) {
	if !c.Model.Declared() {
		a.say("no job reaches it yet: nobody has declared that this account is under zero data retention; where it is, an administrator does so: %s, or the operator, for all, in the configuration (models:)", declaring(c))
	}
}

func declaring(c hotcell.Credential) string {
	return "hotcell connections declare " + shell.Quote(c.Name) + " --zero-data-retention"
}

// modelRows tell what is said of an account at a model's provider.
func modelRows(c hotcell.Credential) [][]string {
	switch {
	case c.Model == nil:
		return nil
	case c.Model.Declared():
		return [][]string{{"zero data retention", "declared", "by " + string(c.Model.DeclaredBy) + ", " + at(*c.Model.DeclaredAt)}}
	}
	return [][]string{{"zero data retention", "not declared", declaring(c)}}
}

func (a *app) declareModel() *cobra.Command {
	var zero bool
	c := command("declare CONNECTION --zero-data-retention[=false]", "Declare that a model's provider keeps nothing of what an account is sent, or take that back",
		`Declare that a model's provider keeps nothing of what it is sent with a connection's
key (zero data retention), as agreed with it, or take that back with =false: then jobs
that use the connection end. Administrators may declare; the log says who did. It
counts for requests that carry this key, and no others, and not against the operator's
configuration: a host that models: lists is declared there, or not at all.`,
		cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("zero-data-retention") {
				return &usageError{"what is declared?", "hotcell connections declare " + shell.Quote(args[0]) + " --zero-data-retention"}
			}
			c := a.client()
			was, err := a.connectionOf(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			now, err := c.DeclareModel(cmd.Context(), was.ID, was.Revision, zero)
			if err != nil {
				return err
			}
			told := now.Name + ": declared to be under zero data retention; jobs that start from now on reach it with its key"
			if !zero {
				told = now.Name + ": not declared to be under zero data retention any more; jobs that used it have ended"
			}
			return a.made(string(now.ID), told, now)
		})
	c.Flags().BoolVar(&zero, "zero-data-retention", false, "the provider keeps nothing of what it is sent with this key; =false takes that back")
	return c
}
