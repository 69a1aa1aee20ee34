package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/client"
)

// attachedAs says how a credential is attached, and what it is bound to.
func attachedAs(at attached) string {
	name := at.Name
	if name == "" {
		return "somebody's personal credential as " + string(at.Attachment.As)
	}
	out := fmt.Sprintf("%s as %s: ", name, at.Attachment.As)
	if at.HTTP != nil {
		out += accessOf(at.HTTP)
	} else {
		out += strings.Join(at.Variables, " ")
	}
	if len(at.Hosts) > 0 {
		out += ", bound to " + strings.Join(at.Hosts, " ")
	}
	n := at.Attachment.Narrowing
	if len(n.Methods) > 0 {
		out += ", by " + strings.Join(n.Methods, " ")
	}
	if len(n.Paths) > 0 {
		out += ", under " + strings.Join(n.Paths, " ")
	}
	if n.Bodies {
		out += ", in bodies too"
	}
	return out
}

func (a *app) attach() *cobra.Command {
	var as string
	var narrowing hotcell.Narrowing
	c := command("attach ASSIGNMENT CREDENTIAL", "Attach a secret or a connection to an assignment",
		`Attach a secret or a connection to an assignment.

As env, its jobs get a secret's variables. As stand-in, they get stand-ins for the
values, which the vault swaps on the way to the bound hosts. As http, a
connection's key is put onto the requests to its host, and no job has it.`,
		cobra.ExactArgs(2), func(cmd *cobra.Command, args []string) error {
			c := a.client()
			on, err := a.assignmentOf(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			what, err := a.credentialOf(cmd.Context(), c, args[1])
			if err != nil {
				return err
			}
			for i, m := range narrowing.Methods {
				narrowing.Methods[i] = strings.ToUpper(m)
			}
			made, err := c.Attach(cmd.Context(), on.ID, what.ID, hotcell.Injection(as), narrowing)
			if err != nil {
				return err
			}
			return a.made(string(made.ID), fmt.Sprintf("attached %s to %s: %s", what.Name, on.Name, effect(made, what)), made)
		})
	flags := c.Flags()
	flags.StringVar(&as, "as", "", "how its jobs get it: env or stand-in for a secret, http for a connection (default env and http)")
	flags.StringSliceVar(&narrowing.Hosts, "hosts", nil, "the `hosts` that a secret's values may go to: HOST[:PORT] or *.HOST[:PORT], with commas between")
	flags.StringSliceVar(&narrowing.Methods, "methods", nil, "the `methods` that it may be used for, such as GET,POST")
	flags.StringSliceVar(&narrowing.Paths, "paths", nil, "the `paths` that it may be used for: /v1/charges, /v1/customers/* (one segment), /v1/** (any rest)")
	flags.BoolVar(&narrowing.Bodies, "bodies", false, "swap stand-ins in bodies too")
	return c
}

// effect says what an attachment does.
func effect(made client.Attached, c hotcell.Credential) string {
	hosts := made.Hosts
	if len(hosts) == 0 {
		hosts = c.Hosts
	}
	switch {
	case c.HTTP != nil:
		out := "the vault puts its key onto their requests, " + accessOf(c.HTTP)
		if made.Opens != "" {
			out += "; its jobs may reach " + made.Opens + " by this alone"
		}
		return out
	case made.As == hotcell.InjectStandIn:
		return "its jobs get stand-ins for " + variableNames(c) + ", swapped on the way to " + strings.Join(hosts, " ")
	case len(hosts) > 0:
		return "its jobs get " + variableNames(c) + ", for " + strings.Join(hosts, " ") + " alone"
	}
	return "its jobs get " + variableNames(c)
}

func (a *app) detach() *cobra.Command {
	return command("detach ASSIGNMENT CREDENTIAL", "Take a credential away from an assignment; jobs that use it end", "", cobra.ExactArgs(2), func(cmd *cobra.Command, args []string) error {
		c := a.client()
		on, err := a.assignmentOf(cmd.Context(), c, args[0])
		if err != nil {
			return err
		}
		found, err := onlyAttached(on, args[1])
		if err != nil {
			return err
		}
		if err := c.Detach(cmd.Context(), found.Attachment.ID); err != nil {
			return err
		}
		return a.made(string(found.Attachment.ID), fmt.Sprintf("detached %s from %s", args[1], on.Name), map[string]string{"detached": string(found.Attachment.ID)})
	})
}

// onlyAttached returns the one attachment of a credential's name or id, or of
// its own id.
func onlyAttached(on client.Assignment, text string) (attached, error) {
	var found []attached
	var ids []string
	for _, at := range on.Attachments {
		if at.Name == text || string(at.Attachment.Credential) == text || string(at.Attachment.ID) == text {
			found, ids = append(found, at), append(ids, fmt.Sprintf("%s (a %s)", at.Attachment.Credential, at.Tier))
		}
	}
	switch len(found) {
	case 0:
		return attached{}, fmt.Errorf("%w: %q is not attached to %s", hotcell.ErrNotFound, text, on.Name)
	case 1:
		return found[0], nil
	}
	return attached{}, &hinted{fmt.Errorf("%w: several credentials %q are attached to %s", hotcell.ErrConflict, text, on.Name), "name one by its id: " + strings.Join(ids, " or ")}
}
