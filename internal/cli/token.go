package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/text/shell"
)

func (a *app) tokens() *cobra.Command {
	return group("tokens", "API tokens, for programs that ask in your name", a.listTokens(), a.createToken(), a.deleteToken())
}

func (a *app) listTokens() *cobra.Command {
	var f listFlags
	var all bool
	c := f.add(command("list", "List your API tokens; none of them is shown again", "", cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
		list, err := a.client().Tokens(cmd.Context(), all)
		if err != nil {
			return err
		}
		id := func(t hotcell.Token) string { return string(t.ID) }
		return printList(a, &f, list, "there are no API tokens", id, []column[hotcell.Token]{
			{"ID", id}, {"NAME", func(t hotcell.Token) string { return t.Name }}, {"SCOPES", func(t hotcell.Token) string { return join(t.Scopes) }},
			{"ASSIGNMENT", func(t hotcell.Token) string { return string(t.Assignment) }}, {"MEMBER", func(t hotcell.Token) string { return string(t.Member) }},
			{"UNTIL", func(t hotcell.Token) string { return at(t.ExpiresAt) }}, {"LAST USED", func(t hotcell.Token) string { return used(t.UsedAt) }},
		})
	}))
	c.Flags().BoolVar(&all, "all", false, "all of the workspace's, for administrators")
	return c
}

func used(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return at(t)
}

func (a *app) createToken() *cobra.Command {
	var scopes []string
	var assignment string
	var days int
	c := command("create NAME --scopes SCOPE,… [--assignment ASSIGNMENT] [--days N]", "Make an API token, which is printed this once",
		`Make an API token. It may do what its scopes say, of what you may, in this workspace,
and ends with you. No token can make tokens, sign in or change an account.

The scopes: `+join(hotcell.Scopes())+`.

With --assignment it is good for that one alone: to see it, to run it, and to read its
jobs. Programs give it in HOTCELL_TOKEN, or in the header Authorization: Bearer.`,
		cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
			if len(scopes) == 0 {
				return &usageError{"what may it do?", "hotcell tokens create " + shell.Quote(args[0]) + " --scopes jobs:run,jobs:read"}
			}
			c := a.client()
			draft := client.TokenDraft{Name: args[0], Time: time.Duration(days) * 24 * time.Hour}
			for _, s := range scopes {
				draft.Scopes = append(draft.Scopes, hotcell.Scope(s))
			}
			if assignment != "" {
				of, err := a.assignmentOf(cmd.Context(), c, assignment)
				if err != nil {
					return err
				}
				draft.Assignment = of.ID
			}
			t, bearer, err := c.CreateToken(cmd.Context(), draft)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.json(map[string]any{"token": t, "bearer": string(bearer)})
			}
			a.say("the token %s is good until %s; it is not shown again:", t.Name, at(t.ExpiresAt))
			_, err = fmt.Fprintln(a.Out, string(bearer))
			return err
		})
	c.Flags().StringSliceVar(&scopes, "scopes", nil, "what it may do, of what you may: jobs:run,jobs:read")
	c.Flags().StringVar(&assignment, "assignment", "", "the only `assignment` that it is good for")
	c.Flags().IntVar(&days, "days", 90, "for how many `days` it is good, 366 at the most")
	return c
}

func (a *app) deleteToken() *cobra.Command {
	var sure sureFlag
	return sure.add(command("delete TOKEN", "Delete an API token: nothing is done by it from then on", "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		c := a.client()
		id := hotcell.TokenID(args[0])
		if hotcell.CheckID(args[0], hotcell.PrefixToken) != nil {
			list, err := c.Tokens(cmd.Context(), false)
			if err != nil {
				return err
			}
			var found []hotcell.TokenID
			for _, t := range list {
				if t.Name == args[0] {
					found = append(found, t.ID)
				}
			}
			if len(found) != 1 {
				return &hinted{fmt.Errorf("%w: there are %d API tokens %q of yours", hotcell.ErrNotFound, len(found), args[0]), "name one by its id: hotcell tokens list"}
			}
			id = found[0]
		}
		if err := a.deleting(cmd, sure, args[0], "delete the API token "+args[0]+"? Programs that use it stop at once.", nil); err != nil {
			return err
		}
		if err := c.DeleteToken(cmd.Context(), id); err != nil {
			return err
		}
		return a.made(string(id), "deleted the API token "+args[0], map[string]string{"deleted": string(id)})
	}))
}
