package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/text/shell"
)

func (a *app) members() *cobra.Command {
	return group("members", "Who is in the workspace, and as what", a.listMembers(), a.inviteMember(), a.changeMember(), a.removeMember())
}

func (a *app) listMembers() *cobra.Command {
	var f listFlags
	return f.add(command("list", "List who is in the workspace", "", cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
		list, err := a.client().Members(cmd.Context())
		if err != nil {
			return err
		}
		id := func(m hotcell.Member) string { return string(m.ID) }
		return printList(a, &f, list, "", id, []column[hotcell.Member]{
			{"ID", id}, {"NAME", func(m hotcell.Member) string { return m.Name }}, {"ROLE", func(m hotcell.Member) string { return string(m.Role) }},
			{"SINCE", func(m hotcell.Member) string { return at(m.CreatedAt) }},
		})
	}))
}

// memberOf finds a member by their id or name.
func (a *app) memberOf(ctx context.Context, c *client.Client, text string) (hotcell.Member, error) {
	list, err := c.Members(ctx)
	if err != nil {
		return hotcell.Member{}, err
	}
	var found []hotcell.Member
	for _, m := range list {
		if string(m.ID) == text {
			return m, nil
		}
		if strings.EqualFold(m.Name, text) {
			found = append(found, m)
		}
	}
	switch len(found) {
	case 0:
		return hotcell.Member{}, &hinted{fmt.Errorf("%w: there is no member %q", hotcell.ErrNotFound, text), "see who there is: hotcell members list"}
	case 1:
		return found[0], nil
	}
	return hotcell.Member{}, &hinted{fmt.Errorf("%w: there are several members %q", hotcell.ErrConflict, text), "name one by the id: hotcell members list"}
}

// role reads a role, as people type it.
func role(text string) (hotcell.Role, error) {
	if r := hotcell.Role(strings.ToLower(text)); slices.Contains(hotcell.Roles(), r) {
		return r, nil
	}
	return "", usagef("there is no role %q: there are %s", text, join(hotcell.Roles()))
}

// join names some words in a sentence.
func join[T ~string](words []T) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return strings.Join(out, ", ")
}

func (a *app) inviteMember() *cobra.Command {
	var as, bound string
	var days int
	c := command("invite --role ROLE [--for NAME] [--days N]", "Make an invitation into the workspace",
		`Make an invitation into the workspace. It is printed this once, lets one person in,
and is good for 7 days. With --for, only the account of that name can use it. Nobody
can invite to a role above their own.`,
		cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
			r, err := role(as)
			if err != nil {
				return err
			}
			i, bearer, err := a.client().Invite(cmd.Context(), r, bound, time.Duration(days)*24*time.Hour)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.json(map[string]any{"invitation": i, "token": string(bearer)})
			}
			a.say("whoever has this is let in once, as %s, until %s; they type hotcell auth join URL, and this when they are asked:", i.Role, at(i.ExpiresAt))
			_, err = fmt.Fprintln(a.Out, string(bearer))
			return err
		})
	c.Flags().StringVar(&as, "role", "member", "the `role`: owner, administrator, manager, builder or member")
	c.Flags().StringVar(&bound, "for", "", "the `name` of the only account that may use it")
	c.Flags().IntVar(&days, "days", 7, "for how many `days` it is good, 30 at the most")
	return c
}

func (a *app) changeMember() *cobra.Command {
	var as, name string
	c := command("change MEMBER [--role ROLE] [--name NAME]", "Give a member another role or name; it holds from their next request on", "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		var r *hotcell.Role
		var n *string
		if as != "" {
			one, err := role(as)
			if err != nil {
				return err
			}
			r = &one
		}
		if name != "" {
			n = &name
		}
		if r == nil && n == nil {
			return &usageError{"what shall be changed?", "hotcell members change " + shell.Quote(args[0]) + " --role builder"}
		}
		c := a.client()
		was, err := a.memberOf(cmd.Context(), c, args[0])
		if err != nil {
			return err
		}
		m, err := c.ChangeMember(cmd.Context(), was.ID, r, n)
		if err != nil {
			return err
		}
		return a.made(string(m.ID), fmt.Sprintf("%s is %s", m.Name, m.Role), m)
	})
	c.Flags().StringVar(&as, "role", "", "the `role`: owner, administrator, manager, builder or member")
	c.Flags().StringVar(&name, "name", "", "the `name` that they are called by in the workspace")
	return c
}

func (a *app) removeMember() *cobra.Command {
	var sure sureFlag
	return sure.add(command("remove MEMBER", "Remove a member",
		`Remove a member. What is personal to them is destroyed and cannot be taken back,
their jobs end, and so do their sessions and API tokens. What they shared stays, and
belongs to the workspace. You are told what will go before anything does.`,
		cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
			c := a.client()
			m, err := a.memberOf(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			would, err := c.Leaving(cmd.Context(), m.ID)
			if err != nil {
				return err
			}
			if err := a.deleting(cmd, sure, m.Name, "remove "+m.Name+"? What is personal to them is destroyed.", leavingLines(would)); err != nil {
				return err
			}
			gone, err := c.RemoveMember(cmd.Context(), m.ID)
			if err != nil {
				return err
			}
			return a.made(string(m.ID), fmt.Sprintf("removed %s: %s", m.Name, strings.Join(leavingLines(gone), "; ")), gone)
		}))
}

// leavingLines tell what goes with a member.
func leavingLines(l client.Leaving) []string {
	out := []string{fmt.Sprintf("%d personal credentials destroyed, %d shared ones stay", l.Personal, l.Shared)}
	if l.Jobs > 0 {
		out = append(out, fmt.Sprintf("%d jobs end", l.Jobs))
	}
	if l.Tokens > 0 {
		out = append(out, fmt.Sprintf("%d API tokens deleted", l.Tokens))
	}
	if len(l.Missing) > 0 {
		names := make([]string, len(l.Missing))
		for i, m := range l.Missing {
			names[i] = m.Name
		}
		out = append(out, fmt.Sprintf("assignments that will miss a credential: %s", strings.Join(names, ", ")))
	}
	return out
}

func (a *app) invitations() *cobra.Command {
	return group("invitations", "The open invitations into the workspace", a.listInvitations(), a.uninvite())
}

func (a *app) listInvitations() *cobra.Command {
	var f listFlags
	return f.add(command("list", "List the open invitations; none of them is shown again", "", cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
		list, err := a.client().Invitations(cmd.Context())
		if err != nil {
			return err
		}
		id := func(i hotcell.Invitation) string { return string(i.ID) }
		return printList(a, &f, list, "no invitation is open", id, []column[hotcell.Invitation]{
			{"ID", id}, {"ROLE", func(i hotcell.Invitation) string { return string(i.Role) }}, {"FOR", func(i hotcell.Invitation) string { return i.For }},
			{"BY", func(i hotcell.Invitation) string { return string(i.By) }}, {"UNTIL", func(i hotcell.Invitation) string { return at(i.ExpiresAt) }},
		})
	}))
}

func (a *app) uninvite() *cobra.Command {
	var sure sureFlag
	return sure.add(command("delete INVITATION", "Take an invitation back", "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		if err := a.deleting(cmd, sure, args[0], "take this invitation back? Whoever has it does not come in by it any more.", nil); err != nil {
			return err
		}
		if err := a.client().Uninvite(cmd.Context(), hotcell.InvitationID(args[0])); err != nil {
			return err
		}
		return a.made(args[0], "took the invitation back", map[string]string{"deleted": args[0]})
	}))
}
