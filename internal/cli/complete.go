package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/cli/profile"
)

// completionTime is how long a shell waits for names.
const completionTime = 2 * time.Second

// namer lists what a word of a command may be.
type namer func(context.Context, *client.Client) ([]string, error)

// names are what the operands of commands may be, by the names that their uses have.
func names() map[string]namer {
	named := func(list func(*client.Client, context.Context, string) ([]hotcell.Credential, error)) namer {
		return func(ctx context.Context, c *client.Client) ([]string, error) {
			found, err := list(c, ctx, "")
			return namesOf(found, func(c hotcell.Credential) string { return c.Name }), err
		}
	}
	secrets, logins, connections := named((*client.Client).Secrets), named((*client.Client).Logins), named((*client.Client).Connections)
	assignments := func(ctx context.Context, c *client.Client) ([]string, error) {
		found, err := c.Assignments(ctx, "")
		return namesOf(found, func(a hotcell.Assignment) string { return a.Name }), err
	}
	jobs := func(ctx context.Context, c *client.Client) ([]string, error) {
		found, err := c.Jobs(ctx, hotcell.JobFilter{}, 100)
		return namesOf(found, func(j hotcell.Job) string { return string(j.ID) + "\t" + j.Name + ", " + string(j.State) }), err
	}
	members := func(ctx context.Context, c *client.Client) ([]string, error) {
		found, err := c.Members(ctx)
		return namesOf(found, func(m hotcell.Member) string { return m.Name + "\t" + string(m.Role) }), err
	}
	tokens := func(ctx context.Context, c *client.Client) ([]string, error) {
		found, err := c.Tokens(ctx, false)
		return namesOf(found, func(t hotcell.Token) string { return t.Name }), err
	}
	return map[string]namer{
		"MEMBER": members, "TOKEN": tokens,
		"SECRET": secrets, "LOGIN": logins, "CONNECTION": connections, "ASSIGNMENT": assignments, "JOB": jobs,
		"CREDENTIAL": several(secrets, logins, connections), "JOB|ASSIGNMENT": several(assignments, jobs),
		"CONNECTOR": connectors, "CONNECTOR|URL": connectors,
		"ID": func(ctx context.Context, c *client.Client) ([]string, error) {
			found, err := c.Requests(ctx, hotcell.RequestPending, "")
			return namesOf(found, func(q hotcell.Request) string { return string(q.ID) + "\t" + shorten(safe(wants(q)), 50) }), err
		},
	}
}

func connectors(ctx context.Context, c *client.Client) ([]string, error) {
	found, err := c.Connectors(ctx)
	return namesOf(found, func(c client.Connector) string { return c.Slug + "\t" + c.Name }), err
}

func several(all ...namer) namer {
	return func(ctx context.Context, c *client.Client) (out []string, err error) {
		for _, one := range all {
			found, err := one(ctx, c)
			if err != nil {
				return nil, err
			}
			out = append(out, found...)
		}
		return out, nil
	}
}

func namesOf[T any](list []T, name func(T) string) []string {
	out := make([]string, len(list))
	for i, one := range list {
		out[i] = name(one)
	}
	return out
}

// completing has the shell complete the names that commands take: their operands, and
// the flags that name things.
func (a *app) completing(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		a.completing(c)
	}
	known := names()
	if wanted := allOperands(cmd.Use); cmd.RunE != nil && cmd.ValidArgsFunction == nil && len(wanted) > 0 && !cmd.HasSubCommands() {
		cmd.ValidArgsFunction = func(cmd *cobra.Command, given []string, begun string) ([]string, cobra.ShellCompDirective) {
			if len(given) >= len(wanted) {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return a.named(cmd.Context(), known[wanted[len(given)]], wanted[len(given)], begun)
		}
	}
	for flag, operand := range map[string]string{"assignment": "ASSIGNMENT", "secret": "SECRET", "login": "LOGIN", "job": "JOB"} {
		if f := cmd.LocalNonPersistentFlags().Lookup(flag); f != nil && f.Value.Type() == "string" {
			_ = cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
				return a.named(cmd.Context(), known[operand], operand, begun)
			})
		}
	}
}

// allOperands are a command's operands, those that may be left out as well.
func allOperands(use string) []string {
	out := operands(use)
	if words := strings.Fields(use); len(out) == 0 && len(words) == 2 && strings.HasPrefix(words[1], "[") {
		return []string{strings.Trim(words[1], "[]")}
	}
	return out
}

func (a *app) named(ctx context.Context, of namer, operand, begun string) ([]string, cobra.ShellCompDirective) {
	switch {
	case strings.HasPrefix(operand, "FILE"):
		return nil, cobra.ShellCompDirectiveDefault
	case operand == "PROFILE":
		// No server is asked: it need not answer, and none need be chosen yet.
		found, err := a.profiles().List()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return fitting(namesOf(found, func(p profile.Profile) string { return p.Name + "\t" + p.URL }), begun), cobra.ShellCompDirectiveNoFileComp
	case of == nil:
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, stop := context.WithTimeout(ctx, completionTime)
	defer stop()
	found, err := of(ctx, a.client())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return fitting(found, begun), cobra.ShellCompDirectiveNoFileComp
}

// fitting are the names that begin so. What steers a terminal is not completed: it would be
// on the line.
func fitting(found []string, begun string) []string {
	return slices.DeleteFunc(found, func(name string) bool {
		plain, _, _ := strings.Cut(name, "\t")
		return !strings.HasPrefix(plain, begun) || safe(plain) != plain
	})
}
