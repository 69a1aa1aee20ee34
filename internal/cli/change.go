package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/client"
)

func (a *app) changeAttachment() *cobra.Command {
	var given hotcell.Narrowing
	var rules ruleFlags
	var sure sureFlag
	c := command("change-attachment ASSIGNMENT CREDENTIAL", "Change what a credential may be used for by an assignment",
		`Change what a credential may be used for by an assignment. What is not named stays as
it is; a list takes the place of the one before, and --FLAG= empties it. Names of tools
with + or - before them are added or taken away: --tools +create_item,-delete_item.

Jobs that run keep what they started with. Where it allows all that it did, none ends;
where it allows less, those that use it end, and a person is asked before.`,
		rules.operands, func(cmd *cobra.Command, args []string) error {
			c := a.client()
			on, err := a.assignmentOf(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			found, err := onlyAttached(on, args[1])
			if err != nil {
				return err
			}
			rules.into(&given, args[2:]...)
			now := changedNarrowing(cmd, found.Attachment.Narrowing, given)
			if err := a.narrowing(cmd.Context(), sure, c, on, found, now); err != nil {
				return err
			}
			made, err := c.ChangeAttachment(cmd.Context(), found.Attachment.ID, now)
			if err != nil {
				return err
			}
			a.warn(made.Warnings)
			found.Attachment, found.Hosts = made.Attachment, made.Hosts
			return a.made(string(made.ID), "changed: "+attachedAs(found), made)
		})
	narrowingFlags(c, &given)
	rules.add(c, &given)
	return sure.add(c)
}

// changedNarrowing is what was, with what was named on the command line in its place.
func changedNarrowing(cmd *cobra.Command, was, given hotcell.Narrowing) hotcell.Narrowing {
	now := was
	for flag, list := range map[string]struct {
		to   *[]string
		from []string
	}{
		"hosts": {&now.Hosts, given.Hosts}, "methods": {&now.Methods, given.Methods}, "paths": {&now.Paths, given.Paths}, "places": {&now.Places, given.Places},
		"brings": {&now.Brings, given.Brings}, "tools": {&now.Tools, given.Tools}, "approve": {&now.Approve, given.Approve}, "no-approval": {&now.Unasked, given.Unasked},
	} {
		if cmd.Flags().Changed(flag) {
			*list.to = relative(*list.to, list.from)
		}
	}
	for i, m := range now.Methods {
		now.Methods[i] = strings.ToUpper(m)
	}
	if cmd.Flags().Changed("when") {
		now.Rules = given.Rules
	}
	if cmd.Flags().Changed("file-secret") {
		now.Files = given.Files
	}
	if cmd.Flags().Changed("fill") {
		now.Fill = given.Fill
	}
	if cmd.Flags().Changed("evaluate") {
		now.Evaluate = given.Evaluate
	}
	return withoutGone(now)
}

// withoutGone leaves out what speaks of tools that are no longer attached.
func withoutGone(n hotcell.Narrowing) hotcell.Narrowing {
	gone := func(name string) bool { return name != everyTool && !slices.Contains(n.Tools, name) }
	n.Approve = slices.DeleteFunc(slices.Clone(n.Approve), gone)
	n.Unasked = slices.DeleteFunc(slices.Clone(n.Unasked), gone)
	n.Rules = slices.DeleteFunc(slices.Clone(n.Rules), func(r hotcell.ToolRule) bool { return r.Tool != "" && gone(r.Tool) })
	return n
}

// relative is a list in the place of another; where its items have + or - before them,
// they are added to that or taken out of it.
func relative(was, given []string) []string {
	signed := func(s string) bool { return strings.HasPrefix(s, "+") || strings.HasPrefix(s, "-") }
	if len(given) == 0 || !signed(given[0]) {
		return slices.DeleteFunc(slices.Clone(given), func(s string) bool { return s == "" })
	}
	out := slices.Clone(was)
	for _, item := range given {
		name := strings.TrimLeft(item, "+-")
		out = slices.DeleteFunc(out, func(s string) bool { return s == name })
		if !strings.HasPrefix(item, "-") {
			out = append(out, name)
		}
	}
	return out
}

// narrowing asks a person before jobs end since they may do less from now on. Which do,
// the server decides.
func (a *app) narrowing(ctx context.Context, f sureFlag, c *client.Client, on client.Assignment, at attached, now hotcell.Narrowing) error {
	if f.yes || !a.person() || hotcell.Widens(at.Attachment.Narrowing, now) {
		return nil
	}
	jobs, err := running(ctx, c, on.ID)
	if err != nil {
		return err
	}
	return a.ending(ctx, f, fmt.Sprintf("let %s do less with %s?", on.Name, at.Name), harm{jobs: jobs})
}
